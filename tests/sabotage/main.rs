//! Every attack that the simulator plays is a real one: with its defence down the judge objects within 200 seeds of the profile that plays it,
//! and with all of them up the seed that showed it is clean.
//!
//! `cargo run --features tributary-tests/sabotage --bin sabotage`; the names of defences after `--` play those alone. Ends with 1 where an attack
//! did not show, or was not the defence's to stop. Not a test target, because those wait for everything that any test of this crate wants; and a
//! process of its own, because a defence is down in all of it.

use std::process::ExitCode;

use tributary_tests::{DEFENCES, Defence, Options, Profile, SuiteKind, campaign, name_of, rebuild, run, take_down};

/// Defences and who attacks them.
const PLAYED: [(Defence, Profile); 19] = [
    (Defence::OneSurvivorSet, Profile::ByzantineCoordinator),
    (Defence::SurvivorsMin, Profile::ByzantineCoordinator),
    (Defence::OrganisationRule, Profile::ByzantineCoordinator),
    (Defence::QuorumCertificate, Profile::ByzantineCoordinator),
    (Defence::SignedKeys, Profile::ByzantineCoordinator),
    (Defence::SignedRoster, Profile::ByzantineCoordinator),
    (Defence::RosterChain, Profile::ByzantineCoordinator),
    (Defence::CohortFloor, Profile::ByzantineCoordinator),
    (Defence::DescriptorKeysMasks, Profile::ByzantineCoordinator),
    (Defence::ModelDigest, Profile::ByzantineCoordinator),
    (Defence::FreshRound, Profile::ByzantineCoordinator),
    (Defence::RecordRollback, Profile::Disk),
    (Defence::ShareCommitment, Profile::ByzantineClients),
    (Defence::SeedCommitment, Profile::ByzantineClients),
    (Defence::OneUpload, Profile::ByzantineClients),
    (Defence::UploadDigest, Profile::ByzantineClients),
    (Defence::ChargeFirst, Profile::None),
    (Defence::FourEyes, Profile::Crash),
    (Defence::OwnersGrant, Profile::Crash),
];

/// Whose attacks are played elsewhere. In `protocol/src/round/tests`: `steering.rs`, for it needs more than 256 clients; `liars.rs`, for only a
/// client with its machine's secrets can try; `terms.rs`, for there are no columns in the simulator; `concentration.rs`, for its
/// coordinator chooses a few of a hundred; `budgets.rs`, for they take two plans; and `words.rs`, for its enemy is none of the two machines. In `model/tests/hostile.rs`: those that need gradients. In `model/src/update/local/tests.rs`:
/// what a customer of a branch moves.
const ELSEWHERE: [Defence; 10] = [
    Defence::GraphSeedReveal,
    Defence::EnvelopeCommitment,
    Defence::RowFaults,
    Defence::WideNorms,
    Defence::PinnedSchema,
    Defence::GroupCoalition,
    Defence::FirstUse,
    Defence::CounterFall,
    Defence::CustomerAccount,
    Defence::SignedEnding,
];

/// No defence is in neither list.
const _: () = assert!(PLAYED.len() + ELSEWHERE.len() == DEFENCES.len());

/// Seeds in which an attack must show.
const SEEDS: u64 = 200;

fn main() -> ExitCode {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let named: Vec<String> = std::env::args().skip(1).collect();
    let asked = |defence: Defence| named.is_empty() || named.iter().any(|name| name == name_of(defence));
    let played: Vec<(Defence, Profile)> = PLAYED.into_iter().filter(|(defence, _)| asked(*defence)).collect();
    let failures = played.iter().filter(|(defence, profile)| !shows(*defence, *profile, threads)).count();
    println!("{} of {} attacks show where their defence is down", played.len() - failures, played.len());
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether the judge objects with a defence down, and has nothing to object to in the same run with all defences up.
fn shows(defence: Defence, faults: Profile, threads: usize) -> bool {
    let options = Options { clients: 10, rounds: 3, faults, suite: SuiteKind::Toy };
    let name = name_of(defence);
    take_down(defence);
    let total = campaign(0..SEEDS, &options, threads, 1);
    rebuild();
    let found = total.violations.first().and_then(|outcome| Some((outcome.seed, outcome.violation.as_ref()?)));
    let Some((seed, violation)) = found else {
        println!("{name}: NOT SHOWN by {} runs of {faults}", total.runs);
        return false;
    };
    println!("{name}: {faults}, seed {seed}: {}", violation.rule);
    let again = run(seed, &options).violation;
    if let Some(violation) = &again {
        println!("{name}: SHOWN WITH IT UP as well: {}: {}", violation.rule, violation.what);
    }
    again.is_none()
}
