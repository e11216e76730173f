//! What a branch that comes later can still judge by its roster, and what it is told beside it.

use super::*;
use crate::registry::doubted::Doubted;

/// The world's roster of another epoch: with these of its people, and with somebody beside them.
fn roster(world: &World, epoch: u64, people: &[usize], beside: Option<&Person>) -> SignedRoster {
    let own = world.roster.roster.people();
    let of = |place: &usize| own.iter().find(|person| person.staff == world.keys[*place].0).unwrap().clone();
    let mut people: Vec<Person> = people.iter().map(of).chain(beside.cloned()).collect();
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    let entries = world.roster.roster.entries().to_vec();
    let roster = Roster::new(epoch, Digest::of(b"before"), entries, Vec::new(), people).unwrap();
    SignedRoster { roster, signatures: Vec::new() }
}

/// A second validator, with a key of its own.
fn second(world: &World) -> (Person, SigningKey) {
    let key = SigningKey::generate(&mut OsEntropy);
    let of_first = world.roster.roster.people().iter().find(|person| person.staff == world.keys[1].0).unwrap();
    let staff = StaffNumber::parse("north-bank/e8").unwrap();
    (Person { staff, signing_key: key.verifying_key(), ..of_first.clone() }, key)
}

#[test]
fn a_statement_is_doubted_where_its_signers_or_its_reports_validator_have_left() {
    let job = several();
    let world = World::new(&job);
    let (one, two) = (registered(&world, &job, 1), registered(&world, &job, 2));
    let (_journal, registry) = world.open();
    let manifest = registry.record().models[&one].manifest.clone();
    let (other, key) = second(&world);
    // The report is the second validator's, and the statement the first one's.
    let by_other = |step| {
        let mut signed = world.signed(&registry, ModelStep::Promote, &one);
        let report = signed.report.as_mut().unwrap();
        let (action, role, at) = (Action::ValidateModel, Role::ModelValidator, unix_seconds());
        report.signed = attest(&key, action, report.report.digest(), FEDERATION, &other.staff, role, at).unwrap();
        signed.statement.step = step;
        let (subject, action) = (signed.statement.digest(), step.action());
        (signed.first, signed.second) = (world.attested(0, action, subject), world.attested(1, action, subject));
        Told { manifest: manifest.clone(), statement: signed }
    };
    let now = unix_seconds();
    let all = roster(&world, 2, &[0, 1], Some(&other));
    for step in [ModelStep::Promote, ModelStep::RollBack] {
        let told = by_other(step);
        let doubted = |roster: &SignedRoster| {
            let found = Doubted::default().among(std::slice::from_ref(&told), (&roster.roster, &FEDERATION), now);
            assert!(found.iter().all(|digest| *digest == told.statement.statement.digest()));
            found.len()
        };
        assert_eq!(doubted(&all), 0, "{step:?}");
        for gone in [
            roster(&world, 2, &[0, 1], None),
            roster(&world, 2, &[0], Some(&other)),
            roster(&world, 2, &[1], Some(&other)),
        ] {
            assert_eq!(doubted(&gone), 1, "{step:?}");
        }
    }
    // A statement without a report is judged by its own signers alone.
    let told = Told { manifest, statement: world.signed(&registry, ModelStep::Withdraw, &one) };
    let (without, alone) = (roster(&world, 2, &[0, 1], None), roster(&world, 2, &[0], None));
    let mut known = Doubted::default();
    let mut among =
        |told: &[Told], roster: &SignedRoster, now| known.among(told, (&roster.roster, &FEDERATION), now).len();
    let one_told = std::slice::from_ref(&told);
    assert_eq!((among(one_told, &without, now), among(one_told, &alone, now)), (0, 1), "another roster is asked anew");
    assert_eq!(among(one_told, &without, now), 0);
    // Roles end by the clock: at the latest an hour later that is seen.
    assert_eq!(among(one_told, &without, now / 3_600 * 3_600 + 3_600 + 5_000), 1);
    // And so is another statement.
    let manifest = registry.record().models[&two].manifest.clone();
    let mut forged = world.signed(&registry, ModelStep::Withdraw, &two);
    forged.second.at += 1;
    let both = [told.clone(), Told { manifest, statement: forged }];
    assert_eq!((among(one_told, &without, now), among(&both, &without, now)), (0, 1));
}

/// With it go the roster by which it was taken and the words of the branches that follow it, after a restart as well.
#[test]
fn beside_a_doubted_statement_goes_what_it_was_taken_by() {
    let job = several();
    let world = World::new(&job);
    let model = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let statement = world.signed(&registry, ModelStep::Promote, &model);
    registry.take(&mut journal, &world.roster, statement.clone()).unwrap();
    let note = |state, of| {
        let note = CopyNote {
            federation: FEDERATION,
            client: ClientId(1),
            model,
            state,
            statement: of,
            at: 9,
            signature: Signature::none(),
        };
        noted(&world.branch, note)
    };
    let kept = note(CopyState::Kept, statement.statement.digest());
    assert!(registry.note(&mut journal, &world.roster, (ClientId(1), kept.clone())).unwrap());
    let told = |registry: &mut Registry, roster: &SignedRoster| {
        let [told] = registry.told_under(&roster.roster).try_into().unwrap();
        let (told, before, followers) = told;
        assert_eq!(told.statement, statement);
        (before.map(|before| before.as_ref().clone()), followers)
    };
    assert_eq!(told(&mut registry, &world.roster), (None, Vec::new()));
    let gone = roster(&world, 2, &[0], None);
    let expected = (Some(world.roster.clone()), vec![kept]);
    assert_eq!(told(&mut registry, &gone), expected);
    drop((journal, registry));
    assert_eq!(told(&mut world.open().1, &gone), expected);
}
