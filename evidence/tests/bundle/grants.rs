//! Grants and withdrawals in a bundle: whose they are, for which days, and what rests on them.

use std::collections::BTreeSet;
use std::io::Cursor;

use tributary_certs::grant::{sign_grant, sign_withdrawal, write_grant, write_withdrawal};
use tributary_certs::suite::RealSuite;
use tributary_evidence::bundle::{Audited, Authority, Bundle, Contents, Held, Options, audit};
use tributary_model::privacy::epsilon_of;
use tributary_protocol::budget::BudgetHead;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::log::origin_of;
use tributary_protocol::plan::{Grant, GrantSubject, GrantUses};
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::roster::MemberName;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::secagg::suite::{Signature, Suite as _};
use tributary_protocol::signed::SignedBody as _;

use super::world::{AT, COORDINATOR, DAY, Event, OWNER, SMALL, World, authorities, cosigned, person_key, signing_key};
use super::{asked, audited};

/// Seed of the key of somebody who owns no data.
const STRANGER: u8 = 51;
/// The branch whose data it is.
const BRANCH: u32 = 3;
const SECOND: u64 = AT.0 / 1000;
const DAY_SECONDS: u64 = 86_400;

/// A part of a bundle.
type Part = (String, Vec<u8>);

/// A grant of so many runs of a branch's data, with a change, signed by a key of its own; and its digest.
fn granted(
    seed: u8,
    (subject, branch, runs): (GrantSubject, u32, u32),
    change: impl FnOnce(&mut Grant),
) -> (Digest, Part) {
    let mut grant = Grant {
        federation: authorities(SMALL.authorities).digest(),
        branches: vec![MemberName::new("bank", &format!("branch-{branch}")).unwrap()],
        subject,
        uses: GrantUses::TRAIN,
        epsilon_run_bits: 50_f64.to_bits(),
        epsilon_year_bits: 50_f64.to_bits(),
        delta_bits: 1e-6_f64.to_bits(),
        runs,
        fields: Vec::new(),
        not_before: 0,
        not_after: u64::MAX,
        nonce: [7; 16],
        owner: person_key(seed).verifying_key(),
        signature: Signature::none(),
    };
    change(&mut grant);
    let grant = sign_grant(&person_key(seed), grant);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("word");
    write_grant(&grant, &path).unwrap();
    (grant.digest(), (format!("grants/{}.grant", grant.digest()), std::fs::read(path).unwrap()))
}

/// The same without a change, by the owner.
pub(crate) fn grant(subject: GrantSubject, branch: u32, runs: u32) -> Part {
    granted(OWNER, (subject, branch, runs), |_| {}).1
}

fn withdrawal(seed: u8, grant: Digest, at: u64) -> Part {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("word");
    write_withdrawal(&sign_withdrawal(&person_key(seed), grant, at), &path).unwrap();
    (format!("grants/{grant}.withdrawal"), std::fs::read(path).unwrap())
}

/// A branch shows its budget, which names the owner, before the first session.
pub(crate) fn show_budget(world: &mut World, client: u32, withdrawn: Vec<Digest>) {
    let client = ClientId(client);
    let mut head = BudgetHead { withdrawn, ..world.head(client, 1) };
    head.signature = RealSuite::sign(&signing_key(client), &head.to_sign::<RealSuite>());
    let session = |event: &Event| matches!(event, Event::Run(CoordinatorEvent::SessionOpened { .. }));
    let place = world.events.iter().position(session).unwrap();
    world.events.insert(place, Event::Run(CoordinatorEvent::BudgetShown { head: Box::new(head) }));
}

/// What the audit says of a world with these parts more.
fn with(world: &World, parts: &[&Part], strict: bool) -> Audited {
    let mut world = world.clone();
    world.parts.extend(parts.iter().map(|(name, bytes)| (name.clone(), bytes.clone())));
    let bytes = world.bundle();
    audited(&Bundle::open(Cursor::new(bytes.as_slice())).unwrap(), strict)
}

/// The code, and the four figures.
fn figures(found: &Audited) -> (u8, [u32; 4]) {
    let grants = &found.grants;
    let count = |count: usize| u32::try_from(count).unwrap();
    (found.standing.code(), [count(grants.grants), count(grants.withdrawals), grants.covered, grants.uncovered])
}

#[test]
fn a_grant_counts_where_the_branch_names_its_owner_and_within_its_terms() {
    let mut world = World::new(SMALL);
    show_budget(&mut world, BRANCH, Vec::new());
    let plan = world.run.plan();
    let terms = || (GrantSubject::Plan(plan.digest()), BRANCH, 1);
    let epsilon = epsilon_of(&plan.charge_of_run().customer, 1e-6).0;
    let of = |change: &dyn Fn(&mut Grant)| granted(OWNER, terms(), change).1;
    // Nine branches took part.
    for (what, part, expected, words) in [
        ("the owner's", of(&|_| {}), (0, [1, 0, 1, 8]), ""),
        (
            "all that the run may cost",
            of(&|grant| grant.epsilon_run_bits = (epsilon * 1.01).to_bits()),
            (0, [1, 0, 1, 8]),
            "",
        ),
        (
            "less for a run",
            of(&|grant| grant.epsilon_run_bits = (epsilon * 0.9).to_bits()),
            (2, [1, 0, 0, 9]),
            "for one run",
        ),
        (
            "less for a year",
            of(&|grant| grant.epsilon_year_bits = (epsilon * 0.9).to_bits()),
            (2, [1, 0, 0, 9]),
            "within a year",
        ),
        ("no epsilon", of(&|grant| grant.epsilon_run_bits = f64::NAN.to_bits()), (2, [1, 0, 0, 9]), "for one run"),
        ("of later days", of(&|grant| grant.not_before = SECOND + DAY_SECONDS), (0, [1, 0, 0, 9]), ""),
        ("of earlier days", of(&|grant| grant.not_after = SECOND - DAY_SECONDS), (0, [1, 0, 0, 9]), ""),
        ("a stranger's", granted(STRANGER, terms(), |_| {}).1, (1, [0, 0, 0, 9]), "another key signed it"),
    ] {
        let found = with(&world, &[&part], false);
        assert_eq!(figures(&found), expected, "{what}: {found}");
        assert!(found.to_string().contains(words), "{what}: {found}");
    }
    // What a stranger grants for other days allows nothing here. Nobody says whose it is.
    let (_, later) = granted(STRANGER, terms(), |grant| grant.not_before = SECOND + DAY_SECONDS);
    assert_eq!(figures(&with(&world, &[&later], false)), (0, [0, 0, 0, 9]));
    assert!(with(&world, &[&later], false).to_string().contains("grant by a key that no budget here names"));
    let (_, (name, bytes)) = granted(OWNER, terms(), |_| {});
    let misnamed = (name.replace(".grant", "a.grant"), bytes.clone());
    assert_eq!(with(&world, &[&misnamed], false).standing.code(), 1, "it is under another name");
}

#[test]
fn a_withdrawal_is_its_owners_and_what_goes_on_after_it_is_named() {
    let mut world = World::new(SMALL);
    let terms = || (GrantSubject::Plan(world.run.plan().digest()), BRANCH, 1);
    let (digest, grant) = granted(OWNER, terms(), |_| {});
    let (before, after) = (SECOND - DAY_SECONDS, SECOND + DAY_SECONDS);
    let mut shown = world.clone();
    show_budget(&mut shown, BRANCH, Vec::new());
    let strange = withdrawal(STRANGER, digest, before);
    let (name, bytes) = withdrawal(OWNER, digest, after);
    let misnamed = (name.replace(&digest.to_string(), &Digest::ZERO.to_string()), bytes);
    for (what, taken, expected) in [
        ("before the run", withdrawal(OWNER, digest, before), (2, [1, 1, 0, 9])),
        ("after the run", withdrawal(OWNER, digest, after), (0, [1, 1, 1, 8])),
        ("by a stranger", strange.clone(), (1, [1, 0, 1, 8])),
        ("under another name", misnamed, (1, [1, 0, 1, 8])),
    ] {
        let found = with(&shown, &[&grant, &taken], false);
        assert_eq!(figures(&found), expected, "{what}: {found}");
        assert_eq!(found.to_string().contains("after its owner had withdrawn"), expected.0 == 2, "{what}: {found}");
    }
    // Without its grant it takes nothing back.
    assert_eq!(figures(&with(&shown, &[&strange], false)), (0, [0, 0, 0, 9]));
    assert!(with(&shown, &[&strange], false).to_string().contains("withdrawal of a grant that is not here"));
    // The branch itself says that the grant was withdrawn, and its file is left out.
    show_budget(&mut world, BRANCH, vec![digest]);
    let found = with(&world, &[&grant], false);
    assert_eq!(figures(&found), (2, [1, 0, 0, 9]), "{found}");
}

/// A run of some hours, accepted under a grant, whose end or withdrawal comes before the run's last round.
#[test]
fn rounds_after_the_end_or_the_withdrawal_of_a_grant_are_named() {
    let mut world = World::new(SMALL);
    show_budget(&mut world, BRANCH, Vec::new());
    world.pace = 600_000;
    let made = AT.plus(20 * 3_600_000);
    world.parts.insert("contents.json".into(), Contents::new((DAY, DAY), made, false).to_bytes());
    // The card names the day and second on which the run was over.
    world.events.retain(|event| !matches!(event, Event::Registry(RegistryEvent::CardWritten { .. })));
    world.parts.retain(|name, _| !name.starts_with("cards/"));
    let terms = || (GrantSubject::Plan(world.run.plan().digest()), BRANCH, 1);
    let started = |event: &Event| matches!(event, Event::Run(CoordinatorEvent::RoundStarted { .. }));
    let last = world.events.iter().rposition(started).unwrap();
    let began = SECOND + u64::try_from(last).unwrap() * 600;
    let usual = figures(&with(&world, &[], false));
    for (what, at, covered) in [("before", began - 900, false), ("after", began, true)] {
        let (_, over) = granted(OWNER, terms(), |grant| grant.not_after = at);
        let (digest, grant) = granted(OWNER, terms(), |_| {});
        for (words, parts) in [
            ("grant of its owner here was over", vec![&over]),
            ("after its owner had withdrawn", vec![&grant, &withdrawal(OWNER, digest, at)]),
        ] {
            let found = with(&world, &parts, false);
            let expected = if covered { usual.0 } else { 2 };
            assert_eq!((found.standing.code(), found.grants.covered), (expected, covered.into()), "{what}: {found}");
            assert_eq!(found.to_string().contains(words), !covered, "{what}: {found}");
        }
    }
    assert_eq!(usual.0, 0);
}

/// By the flag itself: a bundle in which nothing is left to be believed, and each thing that was left out of it.
#[test]
fn the_strict_want_every_owners_grant_and_cosignatures_up_to_the_end() {
    let mut world = World::new(SMALL);
    let admitted = |event: &Event| match event {
        Event::Run(CoordinatorEvent::UpdateAdmitted { client, .. }) => Some(client.0),
        _ => None,
    };
    let branches: BTreeSet<u32> = world.events.iter().filter_map(admitted).collect();
    assert_eq!(branches.len(), 9);
    branches.iter().for_each(|branch| show_budget(&mut world, *branch, Vec::new()));
    let subject = GrantSubject::Plan(world.run.plan().digest());
    let grants: Vec<Part> = branches.iter().map(|branch| grant(subject.clone(), *branch, 1)).collect();
    let (_, log) = world.journal();
    let end = log.checkpoint(&origin_of(&authorities(SMALL.authorities).digest()));
    let newest = |witnesses| ("checkpoints/newest".to_owned(), cosigned(end.clone(), COORDINATOR, witnesses));
    let whole: Vec<Part> = grants.into_iter().chain([newest(7)]).collect();
    let judged = |parts: &[&Part]| {
        let found = with(&world, parts, true);
        (found.standing.code(), found.not_verified.iter().map(|one| one.count).collect::<Vec<u32>>(), found.to_string())
    };
    let all: Vec<&Part> = whole.iter().collect();
    let (code, open, words) = judged(&all);
    assert_eq!((code, open), (0, vec![]), "{words}");
    let (code, open, words) = judged(&all[1..]);
    assert_eq!((code, open), (2, vec![1]), "{words}");
    assert!(words.contains("8 runs of branches under them, 1 whose grant is not here"), "{words}");
    let few: Vec<&Part> = all[..9].to_vec();
    let (code, open, words) = judged(&few);
    assert_eq!((code, open), (2, vec![2]), "the newest checkpoint has two cosignatures: {words}");
    assert_eq!(with(&world, &few, false).standing.code(), 0);
    // Whoever holds the last checkpoint from a branch needs no cosignature for it.
    let mut held = world.clone();
    held.parts.extend(few.into_iter().cloned());
    let bytes = held.bundle();
    let authority = Some(Authority::List(authorities(SMALL.authorities)));
    let checkpoint = Some(Held { name: "newest".into(), note: cosigned(end.clone(), COORDINATOR, 0) });
    let asked = Options { strict: true, checkpoint, ..asked(authority) };
    let found = audit(&Bundle::open(Cursor::new(bytes.as_slice())).unwrap(), &asked).unwrap();
    assert_eq!(found.standing.code(), 0, "{found}");
}
