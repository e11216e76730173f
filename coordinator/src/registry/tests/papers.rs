//! Cards that cannot be made now, and reports of attacks at the coordinator.

use tributary_evidence::Item;
use tributary_evidence::attacks::{Attacks, AttacksFile};
use tributary_model::stage::StageSettings;
use tributary_planning::settings::CountingSettings;
use tributary_protocol::ids::{RoundId, SessionId};
use tributary_protocol::registry::RefusedStatement;
use tributary_protocol::round::{RoundDescriptor, RoundHead, SessionView};
use tributary_protocol::secagg::parameters::CohortRule;
use tributary_storage::files::{Existing, FileError, create_private_folder, write_public};

use super::*;
use crate::attack_findings::findings;

/// A report in the state folder, signed by a model validator.
fn attacked(world: &World, manifest: &ModelManifest, job: &Job, change: impl FnOnce(&mut Attacks)) -> AttacksFile {
    let findings = findings(manifest.digest(), manifest.lineage.run, job.plan().plan(), change);
    let report = findings.report(FEDERATION).unwrap();
    let file = AttacksFile::new(findings).with(&world.attested(1, Action::ReportAttacks, report.digest()));
    create_private_folder(&world.state().join("attacks")).unwrap();
    let path = world.state().join(Item::Attacks(report.findings).name());
    write_public(&path, file.to_json().as_bytes(), Existing::Replace).unwrap();
    file
}

#[test]
fn a_report_of_attacks_is_of_the_model_s_run_and_an_alarm_ends_the_use_of_a_champion() {
    let job = several();
    let world = World::new(&job);
    let one = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let manifest = registry.record().models[&one].manifest.clone();
    for event in ended(&job) {
        journal.append_to(manifest.lineage.run.id().into(), Millis(1), &event).unwrap();
    }
    journal.sync().unwrap();
    let statement = world.signed(&registry, ModelStep::Promote, &one);
    registry.take(&mut journal, &world.roster, statement).unwrap();
    let attacked = |change: fn(&mut Attacks)| attacked(&world, &manifest, &job, change);

    // What a validator signs of another run, or with a larger claim, would break every later bundle, or hide an alarm.
    let larger = attacked(|found| found.claimed = Some("1000.000000".into()));
    let none = attacked(|found| found.claimed = None);
    let run = attacked(|found| found.run += 1);
    let plan = attacked(|found| found.plan = Digest([9; 32]).to_string());
    for file in [&larger, &none, &run, &plan] {
        let refused = registry.take_attacks(&mut journal, &world.roster, file.signed().unwrap()).unwrap_err();
        assert!(matches!(refused, RegistryError::OtherClaim { .. }), "{refused}");
    }
    // Nor is one taken whose file is gone, or lies under another name: no bundle would hold it.
    let gone = attacked(|found| found.made_at = 2);
    let path = |file: &AttacksFile| world.state().join("attacks").join(format!("{}.json", file.digest()));
    fs::remove_file(path(&gone)).unwrap();
    let refused = registry.take_attacks(&mut journal, &world.roster, gone.signed().unwrap()).unwrap_err();
    assert!(matches!(refused, RegistryError::Attacks(_)), "{refused}");
    let sound = attacked(|_| ());
    fs::copy(path(&sound), world.state().join("attacks/other.json")).unwrap();
    let mut found = AttacksFolder::of(&world.state()).new_ones();
    found.retain(|signed| *signed == sound.signed().unwrap());
    assert_eq!(found.len(), 1);
    assert!(registry.record().models[&one].attacks.is_empty());

    let begin = |registry: &Registry| {
        let plan = Plan { initial_model: ModelRef::Champion, ..job.plan().plan().clone() };
        registry.initial(&plan, &job.planned).map(|initial| initial.is_some())
    };
    assert!(registry.take_attacks(&mut journal, &world.roster, sound.signed().unwrap()).unwrap());
    assert!(!registry.take_attacks(&mut journal, &world.roster, sound.signed().unwrap()).unwrap());
    assert!(begin(&registry).unwrap() && registry.piece(&one, 0).unwrap().is_some() && registry.told().len() == 1);
    let alarm = attacked(|found| found.canary.as_mut().unwrap().epsilon_low = "1000.000000".into());
    assert!(registry.take_attacks(&mut journal, &world.roster, alarm.signed().unwrap()).unwrap());
    assert!(registry.piece(&one, 0).unwrap().is_none() && registry.told().is_empty());
    let refused = begin(&registry).unwrap_err();
    assert!(matches!(refused, RegistryError::Refused(RefusedStatement::Alarm)), "{refused}");
    // Branches that have it hear of its end.
    let statement = world.signed(&registry, ModelStep::Withdraw, &one);
    registry.take(&mut journal, &world.roster, statement).unwrap();
    assert_eq!(registry.told().len(), 1);
}

/// A disk that fails for a moment must not make a card that contradicts the journal for ever.
#[test]
fn a_card_whose_sum_cannot_be_read_is_not_written() {
    let mut settings = PlanSettings { ..settings() };
    settings.mechanism.evaluation = Some(CountingSettings { bins: 10, budget_share: 0.2 });
    let job = job(&settings);
    let world = World::new(&job);
    let (_, registry) = world.open();
    let manifest = contents(&registry, &job, 1).manifest;
    let evaluates = |settings: &StageSettings| matches!(settings, StageSettings::Evaluate(_));
    let stage = u16::try_from(job.planned.stages().iter().position(evaluates).unwrap()).unwrap();
    let thresholds = CohortRule::USUAL.thresholds(&[OrganisationId(1); 10], 10).unwrap();
    let view = SessionView { session: SessionId([1; 32]), view: Digest::ZERO, thresholds };
    let (round, sum) = (RoundId(1), Digest([8; 32]));
    let descriptor =
        RoundDescriptor::derive(&job.run, &view, RoundHead { round, stage, model: manifest.parameters }).unwrap();
    let mut events = ended(&job);
    events.push(CoordinatorEvent::RoundStarted { descriptor });
    events.push(CoordinatorEvent::RoundCommitted { round, sum, model: manifest.parameters });
    let (parameters, features, ended) = (&job.initial, Vec::new(), Millis(0));
    let release = Release { events: &events, planned: &job.planned, parameters, features, ended };
    let measured = || card::measured(&world.state(), &manifest, &release);
    assert!(measured().unwrap().is_none(), "a sum that is not kept is not measured");
    fs::create_dir_all(world.state().join(Item::Sum(sum).name())).unwrap();
    let fault = measured().unwrap_err();
    assert!(matches!(fault, RegistryError::File(FileError::NotFile { .. })), "{fault}");
}
