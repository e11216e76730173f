//! What cannot follow of the caps in a branch's budget file.

use super::budget_record::{Moment, Row};
use crate::plan::{Attestation, CapRaise, Caps};
use crate::role::{Action, Role};
use crate::round::cast::{self, APPROVER};
use crate::round::tests::raises::raise;
use crate::round::{Claim, ParticipantEvent};
use crate::secagg::toy::Toy;

fn noted(event: &ParticipantEvent) -> bool {
    matches!(event, ParticipantEvent::CapsNoted { .. })
}

fn accepts(event: &ParticipantEvent) -> bool {
    matches!(event, ParticipantEvent::RunAccepted { .. })
}

fn caps_of(moment: &mut Moment) -> &mut Caps {
    let ParticipantEvent::CapsNoted { caps } = &mut moment.event else { panic!("it notes caps") };
    caps
}

const NUMBERS: &str = "caps are numbers that a policy may have";
const LOWER: &str = "caps that are noted are lower than those before them";

pub(super) const CAPS_NOTED: &[Row] = &[
    (NUMBERS, noted, |moment| caps_of(moment).life_bits = f64::NAN.to_bits()),
    (NUMBERS, noted, |moment| caps_of(moment).life_bits = f64::INFINITY.to_bits()),
    (NUMBERS, noted, |moment| caps_of(moment).year_bits = 8.5_f64.to_bits()),
    (NUMBERS, noted, |moment| caps_of(moment).year_bits = (-1.0_f64).to_bits()),
    (NUMBERS, noted, |moment| caps_of(moment).branch_year_bits = 1.0_f64.to_bits()),
    (NUMBERS, noted, |moment| caps_of(moment).delta_bits = 1.0_f64.to_bits()),
    (NUMBERS, noted, |moment| caps_of(moment).delta_bits = 0),
    (LOWER, noted, |moment| moment.record.apply(&moment.event.clone())),
    (LOWER, noted, |moment| {
        moment.record.apply(&moment.event.clone());
        caps_of(moment).year_bits = 1.0_f64.to_bits();
        assert_eq!(moment.record.check(&moment.event), Ok(()), "lower ones are noted");
        caps_of(moment).life_bits = 9.0_f64.to_bits();
    }),
    (LOWER, noted, |moment| {
        moment.record.apply(&moment.event.clone());
        caps_of(moment).delta_bits = 1e-5_f64.to_bits();
    }),
];

const OWNER: &str = "the owner of the budget raises its caps";
const WHOLE: &str = "a raise of caps has a reason and a ticket, and raises something";
const GOES_ON: &str = "a raise goes on from the caps that the file has";
const ONCE: &str = "a raise counts once; whoever lowered the caps raises them anew";
const ROSTER: &str = "a raise has the roster that was accepted last";
const ATTESTED: &str = "a privacy officer of the roster attests a raise, who does not own the data";

/// A raise that the file may note, with its claims; then a change of it, attested as it is then or not.
fn raises(moment: &mut Moment, attest: bool, change: fn(&mut CapRaise, &mut Attestation)) {
    let (mut raise, mut officer) = raise(&moment.record);
    let event = |raise: &CapRaise, officer: &Attestation| {
        crate::round::tests::raises::event(raise.clone(), officer.clone(), cast::roster(9))
    };
    moment.instead(event(&raise, &officer));
    let claims = moment.record.claims::<Toy>(&moment.event, None).expect("two claims");
    assert!(claims.len() == 2 && claims.iter().all(Claim::holds::<Toy>));
    change(&mut raise, &mut officer);
    if attest {
        officer = cast::attestation(APPROVER, Role::PrivacyOfficer, Action::RaiseCap, raise.digest());
    }
    moment.event = event(&raise, &officer);
}

pub(super) const CAP_RAISED: &[Row] = &[
    (OWNER, accepts, |moment| raises(moment, true, |raise, _| raise.owner.bytes[0] ^= 1)),
    (OWNER, accepts, |moment| raises(moment, true, |raise, _| raise.population.0[0] ^= 1)),
    (WHOLE, accepts, |moment| raises(moment, true, |raise, _| raise.reason = "".into())),
    (WHOLE, accepts, |moment| raises(moment, true, |raise, _| raise.ticket = "".into())),
    (WHOLE, accepts, |moment| raises(moment, true, |raise, _| raise.to = raise.from)),
    (WHOLE, accepts, |moment| raises(moment, true, |raise, _| raise.to.year_bits = f64::NAN.to_bits())),
    (GOES_ON, accepts, |moment| raises(moment, true, |raise, _| raise.from.life_bits = 7.0_f64.to_bits())),
    (GOES_ON, accepts, |moment| {
        raises(moment, true, |_, _| {});
        moment.record.apply(&moment.event.clone());
    }),
    // The caps fall to where they were: the raise of then is not that of now.
    (ONCE, accepts, |moment| {
        raises(moment, true, |_, _| {});
        moment.record.apply(&moment.event.clone());
        let ParticipantEvent::CapRaised { raise, .. } = &moment.event else { panic!("it raises") };
        let lowered = ParticipantEvent::CapsNoted { caps: raise.from };
        assert_eq!(moment.record.check(&lowered), Ok(()));
        moment.record.apply(&lowered);
    }),
    (ATTESTED, accepts, |moment| raises(moment, false, |raise, _| raise.to.life_bits = 12.0_f64.to_bits())),
    (ATTESTED, accepts, |moment| raises(moment, false, |_, officer| officer.federation.0[0] ^= 1)),
    (ATTESTED, accepts, |moment| raises(moment, false, |_, officer| officer.action = Action::ApprovePlan)),
    (ATTESTED, accepts, |moment| raises(moment, false, |_, officer| officer.role = Role::BranchOwner)),
    (ATTESTED, accepts, |moment| raises(moment, false, |_, officer| officer.staff = cast::staff(cast::PROPOSER))),
    (ATTESTED, accepts, |moment| {
        raises(moment, true, |_, _| {});
        let ParticipantEvent::CapRaised { client, .. } = &mut moment.event else { panic!("it raises") };
        client.0 = 77;
    }),
    (ROSTER, accepts, |moment| {
        raises(moment, true, |_, _| {});
        moment.record.roster = None;
    }),
    (ROSTER, accepts, |moment| {
        raises(moment, true, |_, _| {});
        let ParticipantEvent::CapRaised { roster, .. } = &mut moment.event else { panic!("it raises") };
        // Somebody's own roster, in which anybody is a privacy officer.
        **roster = cast::roster(8);
    }),
];
