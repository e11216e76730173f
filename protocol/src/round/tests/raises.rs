//! Caps rise by the word of the owner and of a privacy officer, and by nothing else.

use alloc::boxed::Box;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::world::{World, plan};
use crate::budget::{BudgetHead, Heads};
use crate::digest::Digest;
use crate::ids::ClientId;
use crate::limits::HOLDING_SECONDS_MAX;
use crate::message::{RefusalCode, SignedBody};
use crate::plan::{Attestation, AttestationFault, CapRaise, Grant, RaiseFault};
use crate::role::{Action, Role};
use crate::roster::{Holding, Roster, Scope, SignedRoster};
use crate::round::cast::{self, APPROVER, OWNER_KEY, PROPOSER, cap, caps, policy};
use crate::round::{BudgetRecord, OutOfOrder, ParticipantEvent, Policy};
use crate::secagg::suite::{Signature, Suite};
use crate::secagg::toy::Toy;

const MEMBER: ClientId = ClientId(4);

/// A raise of a file's caps to 9 for life, with both signatures.
pub(super) fn raise(record: &BudgetRecord) -> (CapRaise, Attestation) {
    let from = record.caps.expect("caps were noted");
    let mut raise = CapRaise {
        federation: cast::federation(),
        population: record.population_digest.expect("it has begun"),
        from,
        to: crate::plan::Caps { life_bits: 9.0_f64.to_bits(), ..from },
        reason: "a second model is approved for these customers".into(),
        ticket: "change 17".into(),
        owner: Toy::verifying_key(&OWNER_KEY),
        signature: Signature::none(),
    };
    raise.signature = Toy::sign(&OWNER_KEY, &raise.to_sign::<Toy>());
    let officer = cast::attestation(APPROVER, Role::PrivacyOfficer, Action::RaiseCap, raise.digest());
    (raise, officer)
}

/// A raise as a branch notes it.
pub(super) fn event(raise: CapRaise, officer: Attestation, roster: SignedRoster) -> ParticipantEvent {
    let (raise, officer, roster) = (Box::new(raise), Box::new(officer), Box::new(roster));
    ParticipantEvent::CapRaised { raise, officer, roster, client: MEMBER }
}

/// The file of a branch that has taken part in a run.
fn after_one() -> (World, Vec<ParticipantEvent>) {
    let mut world = World::new(9, plan(|_| {}));
    world.connect_all();
    world.run();
    let events = world.branches[&MEMBER].events.clone();
    (world, events)
}

/// What a member with this policy and file says to a second plan, and its record then.
fn joins(own: Policy, file: Vec<ParticipantEvent>) -> (Option<RefusalCode>, BudgetRecord) {
    let second = plan(|plan| plan.name = "second".into());
    let (mut world, _) = after_one();
    world.serve_next(cast::roster(9), second.clone());
    let mut own = own;
    own.grants = [cast::granted(&second, cast::grant(&second))].to_vec();
    world.reborn(MEMBER, own, file);
    world.connect(MEMBER);
    world.run();
    let refused = world.refusals().into_iter().find(|(client, _)| *client == MEMBER).map(|(_, code)| code);
    (refused, world.branches[&MEMBER].machine.record().clone())
}

#[test]
fn higher_caps_are_refused_until_two_people_have_signed_them() {
    let second = plan(|plan| plan.name = "second".into());
    let (_, file) = after_one();
    let before = BudgetRecord::replay(&file).expect("a file in order");
    let own = |life: f64| {
        let caps = crate::plan::Caps { life_bits: life.to_bits(), ..caps() };
        Policy { caps, cap: cap(&second, 100), ..policy(&second) }
    };
    assert_eq!(joins(own(8.0), file.clone()).0, None);
    assert_eq!(joins(own(9.0), file.clone()).0, Some(RefusalCode::CapsHigher));
    let (raise, officer) = raise(&before);
    let raised = event(raise, officer, cast::roster(9));
    let file = [file, [raised.clone()].to_vec()].concat();
    let (refused, record) = joins(own(9.0), file.clone());
    assert_eq!((refused, record.caps.map(|caps| f64::from_bits(caps.life_bits))), (None, Some(9.0)));
    assert_eq!(record.spent, before.spent, "what was spent stays spent");
    assert_eq!(joins(own(9.5), file.clone()).0, Some(RefusalCode::CapsHigher), "and no more than was signed");
    // A lower policy is noted, and the higher one needs signatures again.
    let (refused, record) = joins(own(5.0), file);
    assert_eq!((refused, record.caps), (None, Some(own(5.0).caps)));
    assert!(!record.admits_caps(&own(8.0).caps));
    let words = before.describe(&raised, None);
    assert!(
        words.starts_with("DEVIATION: the caps were raised to epsilon 9 for life") && words.contains("change 17"),
        "{words}"
    );
}

/// What the member with this cap and file says to a second plan of a world, the newest head that was shown then, and its file.
fn joins_anew(
    world: &mut World,
    life: f64,
    file: &[ParticipantEvent],
) -> (Option<RefusalCode>, BudgetHead, Vec<ParticipantEvent>) {
    let second = plan(|plan| plan.name = "second".into());
    let caps = crate::plan::Caps { life_bits: life.to_bits(), ..caps() };
    let grants = [cast::granted(&second, cast::grant(&second))].to_vec();
    let own = Policy { caps, cap: cap(&second, 100), grants, ..policy(&second) };
    world.serve_next(cast::roster(9), second);
    world.reborn(MEMBER, own, file.to_vec());
    world.connect(MEMBER);
    world.run();
    let refused = world.refusals().into_iter().find(|(client, _)| *client == MEMBER).map(|(_, code)| code);
    let newest = Heads::replay(&world.kept).newest(MEMBER).cloned().expect("it has shown one");
    (refused, newest, world.branches[&MEMBER].events.clone())
}

/// Withdrawals of grants that nobody has: they move the counter of a file and do nothing else.
fn withdrawals(count: u32) -> Vec<ParticipantEvent> {
    let second = plan(|plan| plan.name = "second".into());
    let other = |runs| cast::owner_signs(Grant { runs, ..cast::grant(&second) });
    let withdrawal = |runs| ParticipantEvent::GrantWithdrawn { withdrawal: cast::withdrawal(&other(runs)) };
    (20..20 + count).map(withdrawal).collect()
}

fn life(file: &[ParticipantEvent]) -> Option<f64> {
    BudgetRecord::replay(file).expect("a file in order").caps.map(|caps| f64::from_bits(caps.life_bits))
}

/// The owner lowers the caps, and the branch accepts a run under them. Whoever then puts the file and the policy of before in their places has the higher
/// caps back no more: the head that the coordinator shows says the lower ones. Whatever else the owner signs alone changes nothing of that, nor does a
/// raise that was signed before.
#[test]
fn an_older_file_undoes_no_lowered_caps() {
    let (mut world, before) = after_one();
    let record = BudgetRecord::replay(&before).expect("a file in order");
    // Nothing is charged: the others are not here.
    let (refused, lowered, _) = joins_anew(&mut world, 5.0, &before);
    assert_eq!((refused, lowered.counter), (None, record.counter + 1));
    assert_eq!(lowered.caps.map(|caps| f64::from_bits(caps.life_bits)), Some(5.0));
    let (signed, officer) = raise(&record);
    let raised = [event(signed, officer, cast::roster(9))].to_vec();
    for (cap, more) in [
        (8.0, Vec::new()),
        (8.0, withdrawals(1)),
        (9.0, raised.clone()),
        (9.0, [withdrawals(3), raised.clone()].concat()),
        (9.0, [withdrawals(3), raised].concat().into_iter().rev().collect()),
    ] {
        let (refused, newest, file) = joins_anew(&mut world, cap, &[before.clone(), more].concat());
        assert_eq!((refused, newest), (Some(RefusalCode::CapsHigher), lowered.clone()));
        assert_eq!(life(&file), Some(5.0));
    }
    assert_eq!(joins_anew(&mut world, 5.0, &before).0, None, "under the lower ones it goes on");
    // The first caps move no counter.
    assert!(lowered.follows(&BudgetHead { caps: None, ..lowered.clone() }));
    assert!(!BudgetHead { caps: None, ..lowered.clone() }.follows(&lowered));
    // A head of the same counter with other caps follows none.
    assert!(lowered.follows(&lowered));
    assert!(!BudgetHead { caps: record.caps, ..lowered.clone() }.follows(&lowered));
}

/// The caps were raised, and lowered to what they had been before. The same signatures raise no file from before that again, whatever moved its counter.
#[test]
fn a_raise_that_a_head_names_counts_for_no_older_file() {
    let (mut world, before) = after_one();
    let record = BudgetRecord::replay(&before).expect("a file in order");
    let (signed, officer) = raise(&record);
    let raised = [event(signed.clone(), officer, cast::roster(9))].to_vec();
    let (refused, higher, file) = joins_anew(&mut world, 9.0, &[before.clone(), raised.clone()].concat());
    assert_eq!((refused, higher.withdrawn), (None, [signed.digest()].to_vec()));
    let (refused, lowered, _) = joins_anew(&mut world, 8.0, &file);
    assert_eq!((refused, lowered.caps, lowered.counter), (None, record.caps, record.counter + 2));
    let older = [before.clone(), withdrawals(5), raised.clone()].concat();
    let (refused, newest, file) = joins_anew(&mut world, 9.0, &older);
    assert_eq!((refused, newest, life(&file)), (Some(RefusalCode::CapsHigher), lowered, Some(8.0)));
    // Nor does a file that has adopted the head.
    let adopted = BudgetRecord::replay(&file).expect("a file in order");
    let once = "a raise counts once; whoever lowered the caps raises them anew";
    assert_eq!(adopted.check(&raised[0]), Err(OutOfOrder(once)));
}

/// A file that takes the place of a lost one has the caps that the newest head says.
#[test]
fn a_lost_file_raises_no_caps() {
    let second = plan(|plan| plan.name = "second".into());
    let own = |life: f64| {
        let caps = crate::plan::Caps { life_bits: life.to_bits(), ..caps() };
        Policy { caps, cap: cap(&second, 100), ..policy(&second) }
    };
    let adopts = [cast::begun(MEMBER, true)].to_vec();
    assert_eq!(joins(own(9.0), adopts.clone()).0, Some(RefusalCode::CapsHigher));
    let (refused, record) = joins(own(8.0), adopts);
    assert_eq!((refused, record.caps), (None, Some(caps())));
}

#[test]
fn each_signature_on_a_raise_is_judged_by_the_roster() {
    let (_, file) = after_one();
    let record = BudgetRecord::replay(&file).expect("a file in order");
    let roster = cast::roster(9).roster;
    let judged = |roster: &Roster, now, change: &dyn Fn(&mut CapRaise, &mut Attestation)| {
        let (mut raise, mut officer) = raise(&record);
        change(&mut raise, &mut officer);
        let branch = roster.entry(MEMBER).expect("a member");
        raise.judge::<Toy>(&officer, (roster, branch), now)
    };
    assert_eq!(judged(&roster, Some(5), &|_, _| {}), Ok(()));
    let officer = |fault| Err(RaiseFault::Officer(fault));
    // One bit of anything, and the owner has not signed it.
    for change in [
        |raise: &mut CapRaise| raise.to.life_bits ^= 1,
        |raise: &mut CapRaise| raise.ticket = "change 18".into(),
        |raise: &mut CapRaise| raise.federation.0[0] ^= 1,
        |raise: &mut CapRaise| raise.signature.bytes[0] ^= 1,
    ] {
        assert_eq!(judged(&roster, Some(5), &|raise, _| change(raise)), Err(RaiseFault::Owner));
    }
    assert_eq!(judged(&roster, Some(5), &|_, signed| signed.subject.0[0] ^= 1), officer(AttestationFault::Subject));
    assert_eq!(
        judged(&roster, Some(5), &|_, signed| signed.signature.bytes[0] ^= 1),
        officer(AttestationFault::Signature)
    );
    assert_eq!(
        judged(&roster, Some(5), &|_, signed| signed.staff = cast::staff(PROPOSER)),
        officer(AttestationFault::Role)
    );
    // Five minutes of difference between two clocks are no reason.
    assert_eq!(judged(&roster, Some(HOLDING_SECONDS_MAX + 300), &|_, _| {}), Ok(()));
    assert_eq!(judged(&roster, Some(HOLDING_SECONDS_MAX + 301), &|_, _| {}), officer(AttestationFault::Ended));
    let without = |change: &dyn Fn(&mut Vec<crate::roster::Person>)| {
        let mut people = cast::people();
        change(&mut people);
        Roster::new(1, Digest::ZERO, roster.entries().to_vec(), Vec::new(), people).expect("a roster")
    };
    let revoked = without(&|people| people.retain(|person| person.staff != cast::staff(APPROVER)));
    assert_eq!(judged(&revoked, Some(5), &|_, _| {}), officer(AttestationFault::Person));
    let elsewhere = without(&|people| {
        let holdings = people.iter_mut().flat_map(|person| &mut person.holdings);
        holdings.for_each(|holding| holding.scope = Scope::Organisation(crate::ids::OrganisationId(1)));
    });
    assert_eq!(judged(&elsewhere, Some(5), &|_, _| {}), Ok(()), "of the branch's organisation");
    // The owner as an officer is one person.
    let own = without(&|people| {
        let officers = people.iter_mut().filter(|person| person.staff == cast::staff(APPROVER));
        officers.for_each(|person| person.signing_key = Toy::verifying_key(&OWNER_KEY));
    });
    let both = |_: &mut CapRaise, signed: &mut Attestation| {
        signed.signature = Toy::sign(&OWNER_KEY, &signed.to_sign::<Toy>());
    };
    assert_eq!(judged(&own, Some(5), &both), Err(RaiseFault::OnePerson));
    // So is the owner of this branch by the roster, with a key for each of two roles; the owner of another branch is not.
    let owner_of = |branches: &[u32]| {
        let branches = branches.iter().copied().map(ClientId).collect();
        let holding =
            Holding { role: Role::BranchOwner, deputy_of: None, scope: Scope::Branches(branches), from: 0, until: 9 };
        without(&|people| {
            let officers = people.iter_mut().filter(|person| person.staff == cast::staff(APPROVER));
            officers.for_each(|person| person.holdings.push(holding.clone()));
        })
    };
    assert_eq!(judged(&owner_of(&[3, 4]), Some(5), &|_, _| {}), Err(RaiseFault::OnePerson));
    assert_eq!(judged(&owner_of(&[3, 5]), Some(5), &|_, _| {}), Ok(()));
    assert!(RaiseFault::OnePerson.to_string().contains("who does not own the data"));
    // A deputy of an officer who owns the branch's data may do no more than that officer; whoever is an officer in person as well may.
    let standing_in = |branch: u32, in_person: bool| {
        let (officer, owner) = (Role::PrivacyOfficer, Role::BranchOwner);
        let held = |role, deputy_of, scope| Holding { role, deputy_of, scope, from: 0, until: 9 };
        let mut principal = cast::person("bank-1/principal", officer);
        principal.holdings.push(held(owner, None, Scope::Branches([ClientId(branch)].to_vec())));
        without(&|people| {
            let deputy = people.iter_mut().find(|person| person.staff == cast::staff(APPROVER)).expect("the officer");
            if !in_person {
                deputy.holdings.clear();
            }
            deputy.holdings.push(held(officer, Some(principal.staff.clone()), Scope::Federation));
            people.push(principal.clone());
            people.sort_by(|one, other| one.staff.cmp(&other.staff));
        })
    };
    assert_eq!(judged(&standing_in(MEMBER.0, false), Some(5), &|_, _| {}), Err(RaiseFault::OnePerson));
    assert_eq!(judged(&standing_in(MEMBER.0, true), Some(5), &|_, _| {}), Ok(()));
    assert_eq!(judged(&standing_in(MEMBER.0 + 1, false), Some(5), &|_, _| {}), Ok(()));
}

/// The officer's words are about this raise, in this federation, and by that role.
#[test]
fn a_raise_is_attested_by_words_about_it() {
    let (_, file) = after_one();
    let (raise, officer) = raise(&BudgetRecord::replay(&file).expect("a file in order"));
    assert!(raise.is_attested_by(&officer));
    let others = [
        Attestation { subject: Digest::ZERO, ..officer.clone() },
        Attestation { federation: Digest::ZERO, ..officer.clone() },
        Attestation { action: Action::Freeze, ..officer.clone() },
        Attestation { role: Role::PlanOwner, ..officer.clone() },
    ];
    assert!(others.iter().all(|other| !raise.is_attested_by(other)));
}
