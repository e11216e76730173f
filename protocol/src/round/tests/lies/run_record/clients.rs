//! Rows about what clients are, refuse, spend and show.

use super::{Moment, OVER, Row, STRANGER, trains};
use crate::budget::BudgetHead;
use crate::ids::ClientId;
use crate::message::{Charged, RefusalCode};
use crate::plan::RunRef;
use crate::privacy::Accounts;
use crate::round::cast::{self, counting_plan};
use crate::round::{CoordinatorEvent, EvictionReason, ParticipantEvent};

const REFUSAL: &str = "a refusal comes from an entry of the roster";

fn refuse(moment: &mut Moment) {
    let (client, code) = (ClientId(5), RefusalCode::Unexpected);
    moment.instead(CoordinatorEvent::ClientRefused { client, code, signature: None });
}

pub(in super::super) const CLIENT_REFUSED: &[Row] = &[
    (REFUSAL, trains, |moment| {
        refuse(moment);
        moment.record.roster = Some(cast::roster(4).roster);
    }),
    (OVER, trains, |moment| {
        refuse(moment);
        moment.record.finished = Some(true);
    }),
];

const MORE: &str = "a client that was charged more says so of more rounds than were started";

/// A client that was charged for one round more of the first stage than the ledger started.
fn more(moment: &mut Moment) {
    let mut charged = Charged { rounds: moment.record.charged.clone(), last_round: moment.record.last_round };
    charged.rounds[0] += 1;
    moment.instead(CoordinatorEvent::ClientChargedMore { client: ClientId(5), charged });
}

pub(in super::super) const CLIENT_CHARGED_MORE: &[Row] = &[
    (MORE, trains, |moment| {
        more(moment);
        moment.record.charged[0] += 1;
    }),
    (MORE, trains, |moment| {
        more(moment);
        let CoordinatorEvent::ClientChargedMore { charged, .. } = &mut moment.event else { panic!("more") };
        charged.rounds[0] -= 1;
        // A later round is more as well.
        charged.last_round += 1;
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        let CoordinatorEvent::ClientChargedMore { charged, .. } = &mut moment.event else { panic!("more") };
        charged.last_round -= 1;
    }),
];

const BEGINS_ONCE: &str = "a budget begins once, and before it shows a head";
const OWN_FIRST: &str = "a first use is its own client's";

pub(in super::super) const BUDGET_BEGUN: &[Row] = &[
    (OVER, is!(BudgetBegun), |moment| moment.record.finished = Some(true)),
    (BEGINS_ONCE, is!(BudgetBegun), |moment| {
        moment.record.begun.insert(ClientId(1));
    }),
    (BEGINS_ONCE, is!(BudgetShown), |moment| {
        let CoordinatorEvent::BudgetShown { head } = moment.event.clone() else { panic!("a head") };
        moment.record.apply(&moment.event);
        moment.record.begun.clear();
        let ParticipantEvent::BudgetBegun { first, .. } = cast::begun(head.client, false) else { panic!("it begins") };
        moment.event = CoordinatorEvent::BudgetBegun { client: head.client, first: first.into() };
    }),
    (OWN_FIRST, is!(BudgetBegun), change!(BudgetBegun { client } => *client = ClientId(2))),
];

const THIS_RUN: &str = "a budget head is signed under this run";
const THIS_ROSTER: &str = "a budget head is signed under the roster in force";
const SHORT: &str = "a budget head names no more runs and stages than a branch charges";
const HEADS: &str = "a client's budget heads go forward";
const WHOLE: &str = "a budget head says what the client's own updates cost";

/// A head of the same client that was shown before is another one.
fn before(moment: &mut Moment, change: fn(&mut BudgetHead)) {
    let CoordinatorEvent::BudgetShown { head } = &moment.event else { panic!("a head") };
    let mut last = BudgetHead::clone(head);
    change(&mut last);
    moment.record.heads.insert(last.client, last);
}

pub(in super::super) const BUDGET_SHOWN: &[Row] = &[
    (OVER, is!(BudgetShown), |moment| moment.record.finished = Some(true)),
    (THIS_RUN, is!(BudgetShown), change!(BudgetShown { head } => head.run = RunRef { number: 2, ..head.run })),
    (THIS_ROSTER, is!(BudgetShown), change!(BudgetShown { head } => head.epoch += 1)),
    (THIS_ROSTER, is!(BudgetShown), change!(BudgetShown { head } => head.client = STRANGER)),
    (SHORT, is!(BudgetShown), change!(BudgetShown { head } => head.charged.rounds = [0].into())),
    (SHORT, is!(BudgetShown), change!(BudgetShown { head } => head.charged.rounds = [1; 13].into())),
    (HEADS, is!(BudgetShown), |moment| before(moment, |last| last.counter += 1)),
    (HEADS, is!(BudgetShown), |moment| before(moment, |last| last.spent = counting_plan().stages[0].charge.clone())),
    (HEADS, is!(BudgetShown), |moment| before(moment, |last| last.population.0[0] ^= 1)),
    (HEADS, is!(BudgetShown), |moment| before(moment, |last| last.charged.rounds = [1].into())),
    (WHOLE, is!(BudgetShown), |moment| {
        let CoordinatorEvent::BudgetShown { head } = &moment.event else { panic!("a head") };
        moment.record.unshown.insert(head.client, Accounts::zero());
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        moment.record.unshown.insert(head.client, counting_plan().stages[0].charge.clone());
    }),
];

const EVICTED: &str = "a client is evicted once";

pub(in super::super) const CLIENT_EVICTED: &[Row] = &[(EVICTED, trains, |moment| {
    moment.instead(CoordinatorEvent::ClientEvicted { client: ClientId(5), reason: EvictionReason::Strikes });
    moment.record.evicted.insert(ClientId(5), EvictionReason::DealtFalsely);
})];
