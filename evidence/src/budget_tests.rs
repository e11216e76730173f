//! Which rules a budget file must keep, the rule book's own tests say. Here: that it is asked, that signatures count, and what is added up.

use tributary_certs::budget::{sign_first_use, sign_owner_change};
use tributary_certs::suite::SigningKey;
use tributary_protocol::budget::population_digest;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RoundId;
use tributary_protocol::plan::{PrivacyMode, RunRef};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::round::StageTerms;
use tributary_protocol::time::Millis;

use super::*;

const RUN: RunRef = RunRef { plan: Digest([1; 32]), number: 2 };
const SET: Digest = Digest([2; 32]);

fn charge(variance: u128) -> Accounts {
    Accounts::customers(RdpVector::gaussian(1, variance))
}

fn begun() -> ParticipantEvent {
    let owner = SigningKey::from_seed(&[1; 32]);
    let first = sign_first_use(&owner, ("a", &[7; 32]), owner.verifying_key(), false);
    ParticipantEvent::BudgetBegun { population: "a".into(), salt: [7; 32], first }
}

fn accepted(variance: u128) -> ParticipantEvent {
    let stage = |kind: &str, rounds| StageTerms { kind: kind.into(), rounds, charge: charge(variance) };
    ParticipantEvent::RunAccepted {
        run: RUN,
        name: "test".into(),
        purpose: "test".into(),
        privacy: PrivacyMode::Customer,
        stages: vec![stage("count", 1), stage("gradient", 10)],
        retries: 1,
        charge_max: charge(variance).times(12),
        grant: SET,
        at: Millis(0),
        shown: Millis(0),
        until: Millis(0),
    }
}

fn whole_round(stage: u16, round: u64, (counter, variance): (u64, u128)) -> Vec<ParticipantEvent> {
    let round = RoundId(round);
    vec![
        ParticipantEvent::BudgetCharged {
            run: RUN,
            round,
            stage,
            at: Millis(0),
            descriptor: SET,
            charge: charge(variance),
        },
        ParticipantEvent::Uploaded { run: RUN, round, vector: SET, counter },
        ParticipantEvent::SurvivorsAcknowledged { run: RUN, round, survivors: SET },
        ParticipantEvent::SharesRevealed { run: RUN, round, survivors: SET },
        ParticipantEvent::RoundClosed { run: RUN, round, model: Some(SET) },
    ]
}

fn audited(events: impl IntoIterator<Item = ParticipantEvent>) -> Result<BudgetReport, Bad> {
    let entry = |(position, event)| Entry { position, offset: 0, at: Millis(0), event };
    let entries: Vec<_> = (0..).zip(events).map(entry).collect();
    audit(&entries, String::new(), 1e-6)
}

#[test]
fn whole_rounds_add_up() {
    let rounds = [whole_round(0, 1, (2, 10_000)), whole_round(1, 4, (3, 10_000))].concat();
    let report = audited([begun(), accepted(10_000)].into_iter().chain(rounds)).unwrap();
    assert_eq!((report.entries, report.runs.len(), report.counter), (12, 1, 3));
    let run = &report.runs[0];
    assert_eq!((run.run, run.rounds, run.last_round), (2, 2, 4));
    assert_eq!(report.epsilon, Some(epsilon_of(&RdpVector::gaussian(1, 10_000).times(2), 1e-6).0));
    let text = report.to_string();
    assert!(text.contains("run 2: 2 rounds"), "{text}");
    // The run is not over: it may be charged ten rounds more. Both rounds were charged this year.
    let epsilon = |rounds| epsilon_of(&RdpVector::gaussian(1, 10_000).times(rounds), 1e-6).0;
    assert_eq!((report.epsilon_year, report.epsilon_reserved), (Some(epsilon(2)), Some(epsilon(12) - epsilon(2))));
    let words = format!(
        "  year     epsilon {0:.6} of it within a year\n  reserved epsilon {1:.6} more",
        epsilon(2),
        epsilon(12) - epsilon(2)
    );
    assert!(text.contains(&words), "{text}");
}

#[test]
fn the_first_entry_that_breaks_a_rule_is_named() {
    let mut rounds = whole_round(1, 1, (2, 10_000));
    rounds.remove(1);
    let bad = audited([begun(), accepted(10_000)].into_iter().chain(rounds)).unwrap_err();
    assert_eq!(bad.entry, Some(3));
    assert!(bad.reason.contains("keep the file as evidence"), "{}", bad.reason);
}

#[test]
fn a_signature_that_does_not_verify_is_found() {
    let owner = SigningKey::from_seed(&[1; 32]);
    let next = SigningKey::from_seed(&[2; 32]).verifying_key();
    let change = sign_owner_change(&owner, population_digest(&[7; 32], "a"), next);
    let passed = |change| ParticipantEvent::OwnerChanged { change };
    assert!(audited([begun(), passed(change.clone())]).is_ok());
    let mut forged = change;
    forged.to = SigningKey::from_seed(&[3; 32]).verifying_key();
    let bad = audited([begun(), passed(forged)]).unwrap_err();
    assert!(bad.entry == Some(1) && bad.reason.contains("signature"), "{}", bad.reason);
    let mut unsigned = begun();
    if let ParticipantEvent::BudgetBegun { first, .. } = &mut unsigned {
        first.adopts = true;
    }
    assert!(audited([unsigned]).unwrap_err().reason.contains("signature"));
}

#[test]
fn an_unbounded_charge_has_no_epsilon() {
    let rounds = whole_round(1, 1, (2, 0));
    let report = audited([begun(), accepted(0)].into_iter().chain(rounds)).unwrap();
    assert_eq!((report.epsilon, report.runs[0].epsilon), (None, None));
}
