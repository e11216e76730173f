//! What cannot follow at the end of a run in a branch's budget file.

use super::budget_record::{Moment, Row};
use crate::budget::Release;
use crate::message::SignedBody;
use crate::plan::RunRef;
use crate::round::cast::OWNER_KEY;
use crate::round::{BudgetRecord, ParticipantEvent, RunEnd};
use crate::secagg::suite::{Signature, Suite};
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// The file's run comes to an end.
pub(super) fn end(record: &mut BudgetRecord, how: RunEnd) {
    let run = *record.accepted.keys().next().expect("a run was accepted");
    record.apply(&ParticipantEvent::RunEnded { run, at: Millis(0), how });
}

/// The next run of the plan is accepted.
pub(super) fn overtake(moment: &mut Moment) {
    let (ParticipantEvent::RunAccepted { run, .. } | ParticipantEvent::BudgetCharged { run, .. }) = moment.event else {
        panic!("another event")
    };
    if moment.record.accepted.is_empty() {
        moment.record.apply(&moment.event.clone());
    }
    let terms = moment.record.accepted[&run].clone();
    moment.record.accepted.insert(RunRef { number: run.number + 1, ..run }, terms);
}

/// The owner lets go of the file's run when it can be under way no more.
fn released(moment: &mut Moment, change: fn(&mut Release, &mut Millis)) {
    let (run, terms) = moment.record.accepted.iter().next().expect("a run was accepted");
    let (run, mut at) = (*run, terms.until);
    let mut release = Release {
        population: moment.record.population_digest.expect("it has begun"),
        run,
        owner: Toy::verifying_key(&OWNER_KEY),
        signature: Signature::none(),
    };
    release.signature = Toy::sign(&OWNER_KEY, &release.to_sign::<Toy>());
    moment.instead(ParticipantEvent::RunEnded { run, at, how: RunEnd::Released(release.clone()) });
    let claims = moment.record.claims::<Toy>(&moment.event, None).expect("one claim");
    assert!(claims.len() == 1 && claims.iter().all(crate::round::Claim::holds::<Toy>));
    change(&mut release, &mut at);
    moment.event = ParticipantEvent::RunEnded { run, at, how: RunEnd::Released(release) };
}

fn ends(event: &ParticipantEvent) -> bool {
    matches!(event, ParticipantEvent::RunEnded { .. })
}

const ACCEPTED: &str = "a run that ends was accepted";
const ONCE: &str = "a run comes to its end once";
const OWNER: &str = "the owner of the budget lets go of the run";
const LAST: &str = "a run is let go of after the last moment at which it can be under way";

pub(super) const RUN_ENDED: &[Row] = &[
    (ACCEPTED, ends, |moment| moment.record.accepted.clear()),
    (ONCE, ends, |moment| moment.record.apply(&moment.event.clone())),
    (ONCE, ends, |moment| {
        end(&mut moment.record, RunEnd::Refused);
        assert_eq!(moment.record.check(&moment.event), Ok(()), "a run that was refused may still finish");
        let ParticipantEvent::RunEnded { how, .. } = &mut moment.event else { panic!("it ends") };
        *how = RunEnd::Refused;
    }),
    (OWNER, ends, |moment| released(moment, |release, _| release.owner.bytes[0] ^= 1)),
    (OWNER, ends, |moment| released(moment, |release, _| release.population.0[0] ^= 1)),
    (OWNER, ends, |moment| released(moment, |release, _| release.run.number += 1)),
    (LAST, ends, |moment| released(moment, |_, at| at.0 -= 1)),
];
