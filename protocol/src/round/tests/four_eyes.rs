//! Who must stand by a plan before a branch looks at a row of it: two people of the signed roster.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::membership::install;
use super::world::{Packet, World, plan};
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId};
use crate::message::{RefusalCode, SignedBody, Upstream, Welcome};
use crate::plan::{ApprovalFault, Approvals, AttestationFault};
use crate::role::{Action, Role};
use crate::roster::{Holding, Person, Roster, Scope};
use crate::round::agreement::welcome_message;
use crate::round::cast::{
    self, APPROVER, OWNER_KEY, PROPOSER, approvals, attestation, coordinator_signs, person, person_key, policy, staff,
};
use crate::round::{CoordinatorEvent, ParticipantInput};
use crate::secagg::suite::Suite;
use crate::secagg::toy::Toy;
use crate::time::Millis;

pub(super) const VICTIM: ClientId = ClientId(4);

/// The welcome that is on its way to the victim, taken off it.
pub(super) fn told_welcome(world: &mut World) -> Box<Welcome> {
    loop {
        let place = world
            .packets
            .iter()
            .position(|packet| matches!(packet, Packet::Down(VICTIM, crate::message::Downstream::Welcome(_))));
        match place.and_then(|place| world.packets.remove(place)) {
            Some(Packet::Down(_, crate::message::Downstream::Welcome(welcome))) => return welcome,
            _ => assert!(world.step(), "a welcome comes"),
        }
    }
}

/// The cast's roster of nine with other people.
fn roster(people: Vec<Person>) -> crate::roster::SignedRoster {
    let entries = cast::roster(9).roster.entries().to_vec();
    cast::signed_by_authority(Roster::new(1, Digest::ZERO, entries, Vec::new(), people).expect("a roster"))
}

/// What a branch says to a welcome that was changed, and that its coordinator has signed as it is now.
pub(super) fn answer(change: impl FnOnce(&mut Welcome)) -> Option<RefusalCode> {
    answer_at(Millis(0), change)
}

fn answer_at(now: Millis, change: impl FnOnce(&mut Welcome)) -> Option<RefusalCode> {
    let served = plan(|_| {});
    let mut world = World::new(9, served);
    world.connect_all();
    let mut welcome = told_welcome(&mut world);
    change(&mut welcome);
    let run = crate::plan::RunRef { plan: welcome.plan.digest(), number: welcome.number };
    welcome.signature = coordinator_signs(&welcome_message::<Toy>(
        &welcome.nonce,
        run.id(),
        &welcome.roster,
        [welcome.at, welcome.begun],
    ));
    world.now = now;
    say(&mut world, welcome)
}

pub(super) fn say(world: &mut World, welcome: Box<Welcome>) -> Option<RefusalCode> {
    let run = crate::plan::RunRef { plan: welcome.plan.digest(), number: welcome.number };
    world.branches.get_mut(&VICTIM).expect("a branch").machine.asks_about(run.id());
    world.tell_branch(VICTIM, ParticipantInput::Message(crate::message::Downstream::Welcome(welcome)));
    let accepts = world.packets.iter().any(|packet| matches!(packet, Packet::Up(VICTIM, Upstream::Accept { .. })));
    let refused = world.refusals().first().map(|(_, code)| *code);
    assert_eq!(accepts, refused.is_none(), "a branch accepts or refuses");
    refused
}

pub(super) fn not_approved(fault: ApprovalFault) -> Option<RefusalCode> {
    Some(RefusalCode::NotApproved(fault))
}

/// What is wrong, how it is refused, and how it becomes wrong.
type SignedRow = (&'static str, ApprovalFault, fn(&mut Approvals, Digest));

/// One thing is wrong with a plan's signatures at a time: each has its own reason.
#[test]
fn a_plan_that_two_people_do_not_stand_by_is_refused_by_its_own_reason() {
    use ApprovalFault::{Approval, OnePerson, Proposal};
    use AttestationFault as Fault;
    let cases: &[SignedRow] = &[
        ("another plan's proposal", Proposal(Fault::Subject), |signed, _| signed.proposal.subject = Digest::ZERO),
        ("a proposal in place of the approval", Approval(Fault::Subject), |signed, plan| {
            signed.approval = attestation(APPROVER, Role::PrivacyOfficer, Action::RejectPlan, plan);
        }),
        ("another federation's proposal", Proposal(Fault::Federation), |signed, _| {
            signed.proposal.federation.0[0] ^= 1;
        }),
        ("a proposal by the officer", Proposal(Fault::Duty), |signed, plan| {
            signed.proposal = attestation(APPROVER, Role::PrivacyOfficer, Action::ProposePlan, plan);
        }),
        ("an approval by the owner", Approval(Fault::Duty), |signed, plan| {
            signed.approval = attestation("bank-1/other", Role::PlanOwner, Action::ApprovePlan, plan);
        }),
        ("one person twice", OnePerson, |signed, plan| {
            signed.approval = attestation(PROPOSER, Role::PrivacyOfficer, Action::ApprovePlan, plan);
        }),
        ("a stranger's approval", Approval(Fault::Person), |signed, plan| {
            signed.approval = attestation("bank-1/stranger", Role::PrivacyOfficer, Action::ApprovePlan, plan);
        }),
        ("a role that is not held", Approval(Fault::Role), |signed, plan| {
            signed.approval = attestation("bank-1/auditor", Role::PrivacyOfficer, Action::ApprovePlan, plan);
        }),
        ("a role that is over", Approval(Fault::Ended), |signed, plan| {
            signed.approval = attestation("bank-1/over", Role::PrivacyOfficer, Action::ApprovePlan, plan);
        }),
        ("a role to come", Approval(Fault::NotYet), |signed, plan| {
            signed.approval = attestation("bank-1/later", Role::PrivacyOfficer, Action::ApprovePlan, plan);
        }),
        ("a deputy of somebody whose role is over", Approval(Fault::Principal), |signed, plan| {
            signed.approval = attestation("bank-1/deputy", Role::PrivacyOfficer, Action::ApprovePlan, plan);
        }),
        ("a date to come", Approval(Fault::Future), |signed, _| {
            signed.approval.at = 100_000;
            signed.approval.signature = Toy::sign(&person_key(APPROVER), &signed.approval.to_sign::<Toy>());
        }),
        ("a changed date", Approval(Fault::Signature), |signed, _| signed.approval.at = 1),
        ("another key", Approval(Fault::Signature), |signed, _| {
            signed.approval.signature = Toy::sign(&[9; 32], &signed.approval.to_sign::<Toy>());
        }),
        ("a bit of the proposal's signature", Proposal(Fault::Signature), |signed, _| {
            signed.proposal.signature.bytes[7] ^= 1;
        }),
    ];
    for (what, fault, change) in cases {
        let refused = answer_at(Millis(50_000_000), |welcome| {
            welcome.roster = roster(everybody());
            change(&mut welcome.approvals, welcome.plan.digest());
        });
        assert_eq!(refused, not_approved(*fault), "{what}");
    }
    assert_eq!(answer_at(Millis(50_000_000), |welcome| welcome.roster = roster(everybody())), None);
    // A role to come is one until five minutes before its first second.
    for (now, refused) in [(59_699_999, not_approved(Approval(Fault::NotYet))), (59_700_000, None)] {
        let answered = answer_at(Millis(now), |welcome| {
            welcome.roster = roster(everybody());
            let plan = welcome.plan.digest();
            welcome.approvals.approval = attestation("bank-1/later", Role::PrivacyOfficer, Action::ApprovePlan, plan);
        });
        assert_eq!(answered, refused, "at {now} ms");
    }
    // A deputy of somebody who holds the role counts, and so does whoever signs in a second role.
    let deputies = answer(|welcome| {
        welcome.roster = roster(everybody());
        let plan = welcome.plan.digest();
        welcome.approvals.approval = attestation("bank-1/standin", Role::PrivacyOfficer, Action::ApprovePlan, plan);
    });
    assert_eq!(deputies, None);
    // The plan itself is what was signed, to the last bit.
    let changed = answer(|welcome| welcome.plan.round_deadline_ms += 1);
    assert_eq!(changed, not_approved(Proposal(Fault::Subject)));
}

/// The cast's two, and people who may not approve, each for a reason of its own; at 50,000 seconds.
fn everybody() -> Vec<Person> {
    let held = |number: &str, from, until, deputy_of: Option<&str>| {
        let holding = Holding {
            role: Role::PrivacyOfficer,
            deputy_of: deputy_of.map(staff),
            scope: Scope::Federation,
            from,
            until,
        };
        let signing_key = Toy::verifying_key(&person_key(number));
        Person { staff: staff(number), signing_key, holdings: [holding].to_vec() }
    };
    let mut people = [
        person(APPROVER, Role::PrivacyOfficer),
        person(PROPOSER, Role::PlanOwner),
        person("bank-1/other", Role::PlanOwner),
        person("bank-1/auditor", Role::Auditor),
        held("bank-1/over", 0, 40_000, None),
        held("bank-1/later", 60_000, 70_000, None),
        held("bank-1/deputy", 0, 90_000, Some("bank-1/over")),
        held("bank-1/standin", 0, 90_000, Some(APPROVER)),
    ];
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    people.to_vec()
}

/// Every role tries every action on a plan of its own and of others: what counts is what the table says, and nothing else.
#[test]
fn the_table_decides_for_every_role_action_and_object() {
    use crate::plan::{Over, Wanted};
    let (subject, federation, proposer) = (Digest::of(b"object"), cast::federation(), staff(PROPOSER));
    for role in Role::ALL {
        let scope = if role.is_of_branches() { Scope::Organisation(OrganisationId(1)) } else { Scope::Federation };
        let mut somebody = person("bank-1/somebody", role);
        somebody.holdings[0].scope = scope;
        let roster = roster([somebody].to_vec()).roster;
        for action in Action::ALL {
            let signed = attestation("bank-1/somebody", role, action, subject);
            let branch = roster.entries().first().expect("nine");
            for own in [true, false] {
                let over = if role.is_of_branches() { Over::Branch(branch) } else { Over::Federation };
                let (federation, owner) = (&federation, Some(if own { &signed.staff } else { &proposer }));
                let wanted = Wanted { action, subject: &subject, federation, owner, over, now: Some(0) };
                let expected = if role.may(action, own) { Ok(()) } else { Err(AttestationFault::Duty) };
                assert_eq!(signed.judge::<Toy>(&roster, wanted), expected, "{role} {action} own: {own}");
            }
            // A branch outside of the role's scope is nobody's own.
            let other = cast::roster_of(9, |_| 2).roster.entries()[0].clone();
            let wanted = Wanted {
                action,
                subject: &subject,
                federation: &federation,
                owner: Some(&signed.staff),
                over: Over::Branch(&other),
                now: None,
            };
            let judged = signed.judge::<Toy>(&roster, wanted);
            let reaches = role.may(action, true) && !role.is_of_branches();
            assert_eq!(judged.is_ok(), reaches, "{role} {action} at a branch of another organisation");
        }
    }
}

/// A deputy does with the principal's plans what the principal may, as long as the deputy is one. A role of the deputy's own does not stand in.
#[test]
fn a_deputy_of_the_owner_orders_as_the_owner_may() {
    use crate::plan::{Over, Wanted};
    let federation = cast::federation();
    let (principal, subject) = (staff(PROPOSER), Digest::of(b"plan"));
    let holding = |deputy_of: Option<&str>, until| Holding {
        role: Role::PlanOwner,
        deputy_of: deputy_of.map(staff),
        scope: Scope::Federation,
        from: 0,
        until,
    };
    let judged = |holdings: &[Holding], action, now| {
        let mut other = person("bank-1/other", Role::PlanOwner);
        other.holdings = holdings.to_vec();
        let mut people = [other, person(PROPOSER, Role::PlanOwner), person("bank-1/third", Role::PlanOwner)];
        people.sort_by(|one, other| one.staff.cmp(&other.staff));
        let roster = roster(people.to_vec()).roster;
        let signed = attestation("bank-1/other", Role::PlanOwner, action, subject);
        let (owner, federation, over) = (Some(&principal), &federation, Over::Federation);
        signed.judge::<Toy>(&roster, Wanted { action, subject: &subject, federation, owner, over, now: Some(now) })
    };
    let (own, deputy) = (holding(None, 90_000), holding(Some(PROPOSER), 40_000));
    for action in [Action::PausePlan, Action::ResumePlan, Action::AbortPlan, Action::WithdrawModel] {
        assert_eq!(judged(core::slice::from_ref(&deputy), action, 0), Ok(()), "{action}");
        assert_eq!(judged(&[own.clone(), deputy.clone()], action, 0), Ok(()), "{action}");
        assert_eq!(judged(core::slice::from_ref(&own), action, 0), Err(AttestationFault::Duty), "{action}");
        assert_eq!(
            judged(&[holding(Some("bank-1/third"), 90_000)], action, 0),
            Err(AttestationFault::Duty),
            "{action}"
        );
        // After the time as a deputy the own role does not reach the plan.
        let after = judged(&[own.clone(), deputy.clone()], action, 50_000);
        assert!(matches!(after, Err(AttestationFault::Duty | AttestationFault::Ended)), "{action}: {after:?}");
    }
    assert_eq!(judged(&[deputy], Action::ApprovePlan, 0), Err(AttestationFault::Duty));
}

/// A roster without the approver stops what rests on the approval, at the coordinator too; another officer's signature lets it go on.
#[test]
fn a_revoked_approver_pauses_the_plan() {
    let served = plan(|_| {});
    let mut world = World::new(9, served.clone());
    world.connect_all();
    while world.coordinator.record().committed_all() < 2 {
        assert!(world.step(), "rounds go on");
    }
    let entries = cast::roster(9).roster.entries().to_vec();
    let first = cast::roster(9).roster;
    let next = Roster::new(2, first.digest(), entries, Vec::new(), [person(PROPOSER, Role::PlanOwner)].to_vec());
    install(&mut world, &cast::signed_by_authority(next.expect("a roster")));
    world.run();
    for number in 1..=9 {
        world.connect(ClientId(number));
    }
    world.run();
    world.pass_deadlines();
    assert_eq!(world.finished, None);
    let lacking = world.coordinator.lacking().expect("it says why it stands still");
    assert!(lacking.contains("the plan is paused") && lacking.contains("revoked"), "{lacking}");
    // Nobody is invited to what everybody would refuse for good, and whoever asks is put off.
    assert!(world.refusals().is_empty() && world.coordinator.ready_clients().is_empty());
    let put_off = |branch: &super::world::Branch| branch.stopped.as_ref().is_some_and(|why| why.contains("is paused"));
    assert!(world.branches.values().all(put_off));
    let started = |event: &&CoordinatorEvent| matches!(event, CoordinatorEvent::RoundStarted { .. });
    let committed = world.coordinator.record().committed_all();
    assert!(
        world.events.iter().filter(started).count() <= committed as usize + 1,
        "no round began after the revocation"
    );
}

/// A partner takes part as long as its agreement holds, and neither side goes on after that.
#[test]
fn a_partner_without_an_agreement_has_no_seat_and_takes_none() {
    let served = plan(|plan| {
        plan.charter.agreements.truncate(1);
        plan.charter.agreements[0].until = 1_000;
    });
    for (organisation, seconds, seated) in [(1, 5_000, true), (2, 1_000, true), (2, 1_001, false), (3, 0, false)] {
        let mut settings = cast::settings(9, served.clone());
        settings.roster = match organisation {
            1 => cast::roster(9),
            2 => cast::roster_of(9, |client| if client == 4 { 2 } else { 1 }),
            _ => cast::roster_of(9, |client| if client == 4 { 3 } else { 1 }),
        };
        let mut world = World::with_settings(settings, |_| policy(&served));
        world.now = Millis(seconds * 1_000);
        world.connect_all();
        world.run();
        let seat = world.branches[&VICTIM].machine.record().accepted.len() == 1;
        assert_eq!(seat, seated, "organisation {organisation} at {seconds} s");
    }
    // What a coordinator offers all the same, the branch refuses: five minutes later by its own clock.
    for (now, code) in [(1_300_999, None), (1_301_000, Some(RefusalCode::NoAgreement))] {
        let mut settings = cast::settings(9, served.clone());
        settings.roster = cast::roster_of(9, |client| if client == 4 { 2 } else { 1 });
        let mut world = World::with_settings(settings, |_| policy(&served));
        world.connect_all();
        let welcome = told_welcome(&mut world);
        world.now = Millis(now);
        assert_eq!(say(&mut world, welcome), code, "at {now} ms");
    }
}

#[test]
fn the_two_signatures_are_those_of_the_cast() {
    let served = plan(|_| {});
    let signed = approvals(&served);
    assert_eq!((signed.proposal.staff.as_str(), signed.approval.staff.as_str()), (PROPOSER, APPROVER));
    assert_eq!(cast::grant(&served).owner, Toy::verifying_key(&OWNER_KEY));
}

/// Whoever runs the coordinator invents a privacy officer, and the branch trains.
#[cfg(feature = "sabotage")]
#[test]
fn without_its_defence_one_person_is_enough() {
    let invented = || {
        answer(|welcome| {
            let plan = welcome.plan.digest();
            welcome.approvals.approval =
                attestation("bank-1/invented", Role::PrivacyOfficer, Action::ApprovePlan, plan);
        })
    };
    let person = AttestationFault::Person;
    assert_eq!(invented(), not_approved(ApprovalFault::Approval(person)));
    assert_eq!(super::without(crate::defence::Defence::FourEyes, invented), None);
}
