//! Every attack that the simulator plays is a real one: with its defence down the judge objects within 200 seeds of the family that plays it.
//!
//! `cargo test -p tributary-tests --features sabotage --test sabotage`. A test process of its own, because a defence is down in all of it.

#![cfg(feature = "sabotage")]

use tributary_tests::{Defence, Options, Profile, SuiteKind, campaign, name_of, rebuild, take_down};

/// Defences and who attacks them. Not here: `GraphSeedReveal`, whose attack needs more than 256 clients; `EnvelopeCommitment`, which only a
/// client with its machine's secrets could attack.
const PLAYED: [(Defence, Profile); 17] = [
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
];

fn options(faults: Profile) -> Options {
    Options { clients: 10, rounds: 3, faults, suite: SuiteKind::Toy }
}

#[test]
fn without_its_defence_every_attack_is_found() {
    let mut unseen = Vec::new();
    for (defence, profile) in PLAYED {
        take_down(defence);
        let total = campaign(0..200, &options(profile), 2, 1);
        rebuild();
        if total.violations.is_empty() {
            unseen.push(name_of(defence));
        }
        assert!(campaign(0..10, &options(profile), 2, 1).violations.is_empty(), "nothing is found where all stand");
    }
    assert_eq!(unseen, Vec::<&str>::new());
}
