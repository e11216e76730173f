//! Folders and journal of a registry.

mod doubted;
mod durable;
mod exports;
mod lines;
mod papers;
mod points;
mod told;
mod world;

use std::fs;

use tributary_certs::entropy::OsEntropy;
use tributary_certs::gates::ReportFile;
use tributary_certs::model::{StatementFile, StatementSignFault};
use tributary_certs::people::attest;
use tributary_certs::suite::SigningKey;
use tributary_planning::settings::PlanSettings;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::plan::ModelRef;
use tributary_protocol::registry::{CopyState, ModelStep, SignedReport, StatementFault, StatementScope};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{MemberName, Person, Roster, StaffNumber};
use tributary_protocol::secagg::suite::Signature;
use tributary_storage::journal::read_view;

use self::world::{FEDERATION, World, contents, ended, noted, registered, registered_in, several};
use super::*;
use crate::run::job::Job;
use crate::run::job::tests::{job, settings};

#[test]
fn a_run_that_is_not_over_registers_nothing() {
    let job = several();
    let world = World::new(&job);
    let (mut journal, mut registry) = world.open();
    let events = ended(&job);
    let (parameters, features, ended) = (&job.initial, Vec::new(), Millis(0));
    let release = Release { events: &events, planned: &job.planned, parameters, features, ended };
    let refused = registry.register(&mut journal, &release).unwrap_err();
    assert!(matches!(refused, RegistryError::Unfinished), "{refused}");
}

#[test]
fn models_are_promoted_told_of_and_read_in_pieces() {
    let job = several();
    let world = World::new(&job);
    let [one, two] = [1, 2].map(|number| registered(&world, &job, number));
    let (mut journal, mut registry) = world.open();
    assert!(registry.told().is_empty(), "branches hear nothing of candidates");
    assert_eq!(registry.piece(&one, 0).unwrap(), None, "and are given none");
    let statement = world.signed(&registry, ModelStep::Promote, &one);
    assert!(registry.take(&mut journal, &world.roster, statement.clone()).unwrap());
    assert!(
        !registry.take(&mut journal, &world.roster, statement.clone()).unwrap(),
        "files come again with every start"
    );
    let [told] = registry.told().try_into().unwrap();
    assert_eq!((told.manifest.digest(), &told.statement), (one, &statement));
    let whole = fs::read(registry.parameters_file(&one)).unwrap()[16..].to_vec();
    assert_eq!(registry.piece(&one, 0).unwrap(), Some(whole.clone()));
    assert_eq!(registry.piece(&one, 4).unwrap(), Some(whole[4..].to_vec()));
    assert_eq!(registry.piece(&one, whole.len() as u64).unwrap(), None);
    assert_eq!(registry.piece(&two, 0).unwrap(), None);
    // A statement of before does not count any more, nor one that a stranger signed.
    let mut forged = world.signed(&registry, ModelStep::Promote, &two);
    forged.second.at += 1;
    let refused = registry.take(&mut journal, &world.roster, forged).unwrap_err();
    assert!(refused.to_string().contains("second signature"), "{refused}");
    for (step, model) in [(ModelStep::Promote, &two), (ModelStep::RollBack, &one), (ModelStep::Withdraw, &two)] {
        let statement = world.signed(&registry, step, model);
        assert!(registry.take(&mut journal, &world.roster, statement).unwrap(), "{step:?}");
    }
    let told: Vec<_> =
        registry.told().iter().map(|told| (told.manifest.digest(), told.statement.statement.step)).collect();
    assert_eq!(told, [(one, ModelStep::RollBack), (two, ModelStep::Withdraw)]);
    // A branch acknowledges; somebody else does not.
    let withdrawal = registry.told()[1].statement.statement.digest();
    let note = CopyNote {
        federation: FEDERATION,
        client: ClientId(1),
        model: two,
        state: CopyState::Refused,
        statement: withdrawal,
        at: 9,
        signature: Signature::none(),
    };
    for lie in [
        note.clone(),
        noted(&world.branch, CopyNote { client: ClientId(2), ..note.clone() }),
        noted(&world.branch, CopyNote { federation: Digest::ZERO, ..note.clone() }),
        noted(&SigningKey::generate(&mut OsEntropy), note.clone()),
    ] {
        assert!(!registry.note(&mut journal, &world.roster, (lie.client, lie)).unwrap());
    }
    let note = noted(&world.branch, note);
    let mut hears = |client: u32| registry.note(&mut journal, &world.roster, (ClientId(client), note.clone())).unwrap();
    assert!(!hears(2), "another client passes it on");
    assert!(hears(1));
    assert!(!hears(1), "once");
    assert_eq!(registry.record().copy(&two, ClientId(1)), Some(CopyState::Refused));
    // Another process finds the same.
    let before = registry.record().clone();
    drop((journal, registry));
    assert_eq!(world.open().1.record(), &before);
    let events = read_view::<RegistryEvent>(&world.state().join("audit.log"), LedgerId::ADMINISTRATION).unwrap();
    assert_eq!(events.len(), 8, "two models, a roster, four statements, one note");
}

/// Not even the roster is noted for somebody who is not in it.
#[test]
fn a_strangers_word_about_a_copy_leaves_no_entry() {
    let job = several();
    let world = World::new(&job);
    let model = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let note = CopyNote {
        federation: FEDERATION,
        client: ClientId(2),
        model,
        state: CopyState::Kept,
        statement: Digest::ZERO,
        at: 9,
        signature: Signature::none(),
    };
    let elsewhere = CopyNote { federation: Digest::ZERO, client: ClientId(1), ..note.clone() };
    for lie in [note, elsewhere] {
        assert!(!registry.note(&mut journal, &world.roster, (lie.client, noted(&world.branch, lie))).unwrap());
    }
    drop((journal, registry));
    let events = read_view::<RegistryEvent>(&world.state().join("audit.log"), LedgerId::ADMINISTRATION).unwrap();
    assert_eq!(events.len(), 1, "the model alone");
}

#[test]
fn runs_begin_from_registered_models() {
    let job = several();
    let world = World::new(&job);
    let one = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let parameters = registry.record().models[&one].manifest.parameters;
    let plan = |initial_model| Plan { initial_model, ..job.plan().plan().clone() };
    let begin = |registry: &Registry, plan: &Plan| {
        registry.initial(plan, &job.planned).map(|initial| initial.map(|initial| initial.digest()))
    };
    assert!(begin(&registry, &plan(ModelRef::Zero)).unwrap().is_none());
    let found = begin(&registry, &plan(ModelRef::Digest(parameters))).unwrap();
    assert_eq!(found, Some(parameters));
    let none = begin(&registry, &plan(ModelRef::Champion)).unwrap_err().to_string();
    assert!(none.contains("this registry has none") && none.contains("model promote"), "{none}");
    let statement = world.signed(&registry, ModelStep::Promote, &one);
    registry.take(&mut journal, &world.roster, statement).unwrap();
    assert_eq!(begin(&registry, &plan(ModelRef::Champion)).unwrap(), Some(parameters));
    // Of another purpose, network or schema.
    let other = Plan { purpose: "other".into(), ..plan(ModelRef::Champion) };
    assert!(matches!(begin(&registry, &other), Err(RegistryError::NoChampion { .. })));
    let other = Plan { schema: Digest::ZERO, ..plan(ModelRef::Champion) };
    assert!(matches!(begin(&registry, &other), Err(RegistryError::OtherShape { .. })));
    assert!(matches!(begin(&registry, &plan(ModelRef::Digest(Digest::ZERO))), Err(RegistryError::NoModel { .. })));
    // A file that was changed is not used.
    let file = registry.parameters_file(&one);
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    changed[20] ^= 1;
    fs::write(&file, changed).unwrap();
    assert!(matches!(begin(&registry, &plan(ModelRef::Champion)), Err(RegistryError::Changed(_))));
    fs::write(&file, whole).unwrap();
    // A withdrawn model begins nothing.
    let statement = world.signed(&registry, ModelStep::Withdraw, &one);
    registry.take(&mut journal, &world.roster, statement).unwrap();
    assert!(matches!(begin(&registry, &plan(ModelRef::Digest(parameters))), Err(RegistryError::NoModel { .. })));
    assert!(matches!(begin(&registry, &plan(ModelRef::Champion)), Err(RegistryError::NoChampion { .. })));
}

/// A crash leaves a whole folder or none; what is half made is made anew.
#[test]
fn a_folder_is_whole_or_not_there() {
    let job = several();
    let world = World::new(&job);
    let (_, registry) = world.open();
    let contents = contents(&registry, &job, 1);
    let digest = contents.manifest.digest();
    let draft = world.state().join("registry").join(format!(".draft-{digest}"));
    fs::create_dir(&draft).unwrap();
    fs::write(draft.join("parameters"), "half").unwrap();
    registry.folder.add(&digest, &contents).unwrap();
    assert!(!draft.exists());
    assert_eq!(registry.folder.manifest(&digest).unwrap(), contents.manifest);
    for name in ["architecture.json", "features.json", "lineage.json", "schema", "statement.json", "statement.txt"] {
        assert!(fs::metadata(registry.folder.of(&digest).join(name)).unwrap().len() > 0, "{name}");
    }
    assert_eq!(Digest::of(&fs::read(registry.folder.of(&digest).join("schema")).unwrap()), contents.manifest.schema);
    // Again it is left as it is, and one that was changed is a fault.
    registry.folder.add(&digest, &contents).unwrap();
    let manifest = registry.folder.of(&digest).join("manifest");
    let mut bytes = fs::read(&manifest).unwrap();
    bytes[20] ^= 1;
    fs::write(&manifest, bytes).unwrap();
    assert!(matches!(registry.folder.add(&digest, &contents), Err(RegistryError::Changed(_))));
    fs::create_dir(&draft).unwrap();
    drop(registry);
    RegistryFolder::open(&world.state()).unwrap();
    assert!(!draft.exists(), "what a crash left is removed at the next start");
}

#[test]
fn statements_are_taken_up_from_their_folder_in_order() {
    let job = several();
    let world = World::new(&job);
    let one = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let folder = world.state().join("statements");
    let mut looks = StatementsFolder::of(&world.state());
    assert!(looks.new_ones().is_empty(), "there is no folder yet");
    tributary_storage::files::create_private_folder(&folder).unwrap();
    let manifest = registry.record().models[&one].manifest.clone();
    let write = |name: &str, signed: &SignedStatement, signatures: usize| {
        let mut file =
            StatementFile::new(manifest.clone(), signed.statement.clone(), signed.report.as_deref().cloned());
        file.signatures = signed.signatures().take(signatures).cloned().collect();
        file.write(&folder.join(name)).unwrap();
    };
    let first = world.signed(&registry, ModelStep::Promote, &one);
    registry.take(&mut journal, &world.roster, first.clone()).unwrap();
    let second = world.signed(&registry, ModelStep::Retire, &one);
    write("a.statement", &second, 2);
    write("b.statement", &first, 2);
    write("c.statement", &second, 1);
    fs::write(folder.join("d.statement"), "nothing\n").unwrap();
    fs::write(folder.join("notes.txt"), "nothing\n").unwrap();
    assert_eq!(looks.new_ones(), [first, second]);
    assert!(looks.new_ones().is_empty());
}

/// What nobody could sign, or no coordinator takes, is not handed to people.
#[test]
fn a_statement_is_made_when_people_can_sign_it() {
    let job = several();
    let world = World::new(&job);
    let one = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let manifest = registry.record().models[&one].manifest.clone();
    let file = |name: &str, report: &SignedReport, signed: bool| {
        let path = world.folder.path().join(name);
        let signature = signed.then(|| report.signed.clone());
        let file = ReportFile { manifest: manifest.clone(), report: report.report.clone(), signed: signature };
        file.write(&path).unwrap();
        path
    };
    let good = world.report(&manifest);
    let (report, bare) = (file("good", &good, true), file("bare", &good, false));
    let mut other = good.clone();
    other.report.card = Digest::ZERO;
    let cardless = file("cardless", &other, true);
    let text = one.to_string();
    let made = |registry: &Registry, step, evidence: Option<&Path>, reason: &str| {
        let branches = [MemberName::parse("north-bank/branch-01").unwrap()];
        let draft = Draft { step, model: &text, evidence, branches: &branches, share: 500, reason };
        view::drafted(registry.record(), FEDERATION, &draft)
    };
    let refused = |step, evidence, reason: &str| match made(&registry, step, evidence, reason) {
        Err(RegistryError::Unsignable(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let whole = made(&registry, ModelStep::Promote, Some(&report), "better").unwrap();
    assert_eq!((whole.statement.evidence, whole.signatures.len()), (good.report.digest(), 0));
    assert_eq!(whole.report.as_deref(), Some(&good));
    let scope = |step| made(&registry, step, Some(&report), "better").unwrap().statement.scope;
    assert_eq!(scope(ModelStep::Challenge), StatementScope::Customers(500));
    assert_eq!(scope(ModelStep::Pilot).branches().len(), 1);
    assert!(made(&registry, ModelStep::Withdraw, None, "biased").is_ok());
    // Neither a report that nobody signed, nor any other file, nor one whose gates do not hold.
    let unsigned = made(&registry, ModelStep::Promote, Some(&bare), "better");
    assert!(matches!(unsigned, Err(RegistryError::NotValidated { .. })));
    let strange = world.folder.path().join("gates.json");
    fs::write(&strange, "passed").unwrap();
    assert!(matches!(made(&registry, ModelStep::Promote, Some(&strange), "better"), Err(RegistryError::File(_))));
    assert!(matches!(refused(ModelStep::Promote, Some(&cardless), "better"), StatementSignFault::Report(_)));
    let long = "x".repeat(601);
    for reason in [long.as_str(), "", "two\nlines", "a\u{202e}b"] {
        assert_eq!(refused(ModelStep::Promote, Some(&report), reason), StatementSignFault::Reason, "{reason:?}");
    }
    for step in [ModelStep::Promote, ModelStep::Challenge, ModelStep::Pilot] {
        assert_eq!(refused(step, None, "better"), StatementSignFault::Report(StatementFault::NoReport));
    }
    // A rollback has the report of the promotion, whatever is named.
    let two = registered_in((&mut journal, &mut registry), &job, 2);
    for model in [&one, &two] {
        let statement = world.signed(&registry, ModelStep::Promote, model);
        registry.take(&mut journal, &world.roster, statement).unwrap();
    }
    let promoted = registry.record().models[&one].last(ModelStep::Promote).unwrap().report.clone();
    let back = made(&registry, ModelStep::RollBack, Some(&strange), "worse").unwrap();
    assert_eq!(back.report, promoted);
}

/// Eight digits say which model it is, where one alone begins with them.
#[test]
fn a_model_is_named_by_its_first_eight_digits() {
    let job = several();
    let world = World::new(&job);
    let one = registered(&world, &job, 1).to_string();
    let (_journal, registry) = world.open();
    let named = |model: &str| {
        let step = ModelStep::Withdraw;
        let draft = Draft { step, model, evidence: None, branches: &[], share: 0, reason: "biased" };
        view::drafted(registry.record(), FEDERATION, &draft).map(|file| file.statement.model.to_string())
    };
    assert_eq!(named(&one[..8]).unwrap(), one);
    let none =
        |model: &str| if let Err(RegistryError::Digest { count, .. }) = named(model) { Some(count) } else { None };
    assert_eq!((none(&one[..7]), none(&"0".repeat(64)), none("")), (Some(1), Some(0), Some(1)));
}
