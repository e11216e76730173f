//! What people are shown of a coordinator's folder after two runs: lists of models, exports, cards, bundles and papers, each read from the files alone.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use support::{Client, Daemon, Ended, Federation, now};
use tributary_coordinator::audit::{self, Export, ExportError, Exported, Scope};
use tributary_coordinator::registry::{
    self, Draft, ExportLine, ExportRecord, ModelLine, NewExport, RegistryError, compliance_report, copies, exports,
    list, load, show,
};
use tributary_evidence::assessor::{SbomLine, SecurityReport};
use tributary_evidence::bundle::{Bundle, CONTENTS, Contents, PART};
use tributary_evidence::paper::Body as _;
use tributary_evidence::report::{Asked, Period, Scope as Plans};
use tributary_evidence::{Item, Retained};
use tributary_model::schema::{SCHEMA_BYTES_MAX, Schema};
use tributary_planning::demonstration::TwoPeople;
use tributary_planning::settings::PURPOSE_DEFAULT;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Date, RunRef};
use tributary_protocol::registry::ModelStep;
use tributary_protocol::roster::MemberName;

const CLIENTS: usize = 9;
const ROUNDS: [u32; 2] = [1, 2];

/// A coordinator's folder after a run of each of two plans, the shorter one first.
struct World {
    federation: Federation,
    config: PathBuf,
    models: Vec<ModelLine>,
}

impl World {
    fn new() -> Self {
        let federation = Federation::new(CLIENTS);
        let plan = |name: &str, rounds: u32| {
            federation.settings(|text| {
                let rounds = format!("rounds = {rounds}\n");
                text.replace("rounds = 3\n", &rounds).replace("name = \"test\"", &format!("name = \"{name}\""))
            })
        };
        plan("first", ROUNDS[0]);
        let config = plan("second", ROUNDS[1]);
        let daemon = Daemon::start(&config);
        let address = daemon.address();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ends = runtime.block_on(async {
            let mut running = tokio::task::JoinSet::new();
            for index in 0..CLIENTS {
                let client = Client::connect(&federation, &format!("branch-{index}"), address, 1_000).await.unwrap();
                running.spawn(client.in_runs(2).run());
            }
            running.join_all().await
        });
        assert!(ends.iter().all(|end| matches!(end, Ended::Finished(_))), "{ends:?}");
        let _ = (daemon.finished(), daemon.finished());
        daemon.join().0.unwrap();
        let mut models = list(&config).unwrap();
        models.sort_by_key(|model| model.rounds);
        Self { federation, config, models }
    }

    fn state(&self, name: &str) -> PathBuf {
        self.federation.path("state").join(name)
    }

    fn run(&self, place: usize) -> RunRef {
        RunRef { plan: Digest::from_hex(&self.models[place].plan).unwrap(), number: self.models[place].run }
    }
}

/// What the coordinator keeps beside its journal.
struct Kept(PathBuf);

impl Retained for Kept {
    fn get(&self, item: &Item) -> Option<Vec<u8>> {
        fs::read(self.0.join(item.name())).ok()
    }
}

#[test]
fn a_coordinators_folder_is_shown_by_every_reader() {
    let world = World::new();
    models_are_listed(&world);
    what_there_is_not_is_said(&world);
    a_draft_waits_for_signatures(&world);
    exports_are_numbered_and_none_is_taken_out(&world);
    a_card_is_the_one_that_was_written(&world);
    bundles_have_what_their_scope_names(&world);
    papers_say_what_the_journal_says(&world);
    a_security_report_names_every_flow(&world);
}

fn models_are_listed(world: &World) {
    let names = ["first", "second"];
    for ((model, name), rounds) in world.models.iter().zip(names).zip(ROUNDS) {
        assert_eq!((model.state, model.purpose.as_str(), model.parent.as_ref()), ("candidate", PURPOSE_DEFAULT, None));
        assert_eq!((model.plan_name.as_str(), model.run, model.rounds, model.complete), (name, 1, rounds, true));
        assert_eq!(model.owner, TwoPeople::owner_of("north-bank").to_string());
        assert_eq!(
            (Path::new(&model.folder), model.statements.len()),
            (&*world.state("registry").join(&model.model), 0)
        );
        let lineage = fs::read(Path::new(&model.folder).join("lineage.json")).unwrap();
        let lineage: serde_json::Value = serde_json::from_slice(&lineage).unwrap();
        assert_eq!(lineage["parameters"], model.parameters.as_str());
        let (loaded, shown) = (load(&world.config, &model.model[..8], None).unwrap(), &model.model[..8]);
        assert_eq!(loaded.parameters.digest().to_string(), model.parameters);
        assert_eq!((&loaded.line, loaded.manifest.digest().to_string()), (model, model.model.clone()));
        assert_eq!((loaded.withdrawn, loaded.alarmed, loaded.answered_until), (false, false, None));
        assert_eq!(&show(&world.config, shown).unwrap(), model);
        let (of, lines) = copies(&world.config, &model.model).unwrap();
        assert_eq!(&of, model);
        assert_eq!(lines.len(), CLIENTS);
        for (number, line) in lines.iter().enumerate() {
            assert_eq!(
                (line.branch.as_str(), line.state, line.at),
                (&*format!("north-bank/branch-{number}"), None, None)
            );
            assert!(!line.owes_acknowledgement, "nothing was withdrawn");
        }
    }
    let first = &world.models[0].model;
    // Seven digits are too few to name a model, and a digit that none has names nothing.
    for text in [&first[..7], "", "00000000000"] {
        assert!(matches!(show(&world.config, text), Err(RegistryError::Digest { .. })), "{text}");
    }
    assert!(matches!(load(&world.config, "champion", None), Err(RegistryError::Champions { count: 0, .. })));
    // Rows become inputs by the plan's own schema and no other, and by no changed parameters.
    let own = world.federation.plan().schema;
    assert!(load(&world.config, first, Some(&own)).is_ok());
    let other = world.federation.path("other.toml");
    let renamed = fs::read_to_string(&own).unwrap().replacen("version = ", "version = 1", 1);
    assert!(Schema::parse(&renamed).is_ok());
    for text in [renamed.as_bytes(), b"\xff", b"nothing"] {
        fs::write(&other, text).unwrap();
        assert!(matches!(load(&world.config, first, Some(&other)), Err(RegistryError::Schema { .. })));
    }
    // A comment makes it as long as a schema may be, and one byte longer.
    let text = fs::read_to_string(&own).unwrap() + "\n#";
    for (length, fits) in [(SCHEMA_BYTES_MAX, true), (SCHEMA_BYTES_MAX + 1, false)] {
        fs::write(&other, format!("{text}{}", "-".repeat(length - text.len()))).unwrap();
        assert_eq!(load(&world.config, first, Some(&other)).is_ok(), fits, "{length}");
    }
    let parameters = world.state("registry").join(first).join("parameters");
    let whole = fs::read(&parameters).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&parameters, changed).unwrap();
    assert!(matches!(load(&world.config, first, None), Err(RegistryError::Changed(_))));
    fs::write(&parameters, whole).unwrap();
}

/// Where nothing was counted, drawn or told, that is said; it is no fault of the folder.
fn what_there_is_not_is_said(world: &World) {
    let (config, model) = (&world.config, &world.models[0]);
    let none = registry::evaluation(config, &model.model).unwrap_err();
    assert!(matches!(&none, RegistryError::NotEvaluated { model: of } if *of == model.model), "{none}");
    for (digest, run) in [(&model.model, None), (&model.plan, Some(1)), (&model.plan[..8].to_owned(), Some(1))] {
        let none = registry::summary(config, digest, run).unwrap_err();
        assert!(matches!(&none, RegistryError::NotCounted { plan, run: 1 } if *plan == model.plan), "{none}");
    }
    for digest in [&model.plan[..7], "00000000000"] {
        let none = registry::summary(config, digest, Some(1)).unwrap_err();
        assert!(matches!(none, RegistryError::PlanDigest { .. }), "{none}");
    }
    let kept = |path: &Path| Kept(path.parent().unwrap().to_path_buf());
    assert!(registry::incidents(config, kept).unwrap().is_empty());
    assert!(registry::export_incident(config, "1", kept).is_err());
    let loaded = load(config, &model.model, None).unwrap();
    assert!(registry::points(config, &loaded).unwrap().is_empty());
    let authorities = world.federation.coordinator().join("authorities");
    let authorities = tributary_certs::roster::RosterAuthorities::read(&authorities).unwrap();
    assert_eq!(registry::federation(config).unwrap(), authorities.digest());
}

fn a_draft_waits_for_signatures(world: &World) {
    let branches = [MemberName::parse("north-bank/branch-1").unwrap()];
    let model = &world.models[0].model;
    let evidence = world.federation.path("minutes.txt");
    fs::write(&evidence, "what was decided").unwrap();
    let draft = |step, evidence| {
        let draft = Draft { step, model, evidence, branches: &branches, share: 500, reason: "it is old" };
        registry::draft(&world.config, &draft)
    };
    // A document is evidence by its digest; without one there is none. Nobody has signed.
    for (path, digest) in [(Some(evidence.as_path()), Digest::of(b"what was decided")), (None, Digest::ZERO)] {
        let file = draft(ModelStep::Withdraw, path).unwrap();
        let statement = &file.statement;
        assert_eq!((statement.model.to_string(), statement.evidence, statement.sequence), (model.clone(), digest, 1));
        assert_eq!((statement.reason.raw(), file.signatures.len()), ("it is old", 0));
        let authorities = world.federation.coordinator().join("authorities");
        let authorities = tributary_certs::roster::RosterAuthorities::read(&authorities).unwrap();
        assert_eq!(statement.federation, authorities.digest());
    }
    // No candidate is rolled back, and nobody promotes a model without a validator's report.
    assert!(draft(ModelStep::RollBack, None).is_err() && draft(ModelStep::Promote, None).is_err());
    assert!(draft(ModelStep::Withdraw, Some(&world.federation.path("no such file"))).is_err());
}

fn exports_are_numbered_and_none_is_taken_out(world: &World) {
    let at = now();
    let new = NewExport {
        format: "sql",
        dialect: Some("postgres"),
        head: Some("churn"),
        recipient: "scoring team",
        valid_until: at + 100,
        now: at,
    };
    let models: Vec<_> = world.models.iter().map(|model| load(&world.config, &model.model, None).unwrap()).collect();
    let output = |name: &str| world.federation.path(name);
    let export = |place: usize, new: &NewExport<'_>, name: &str| {
        let make = |number: u64| Ok::<_, RegistryError>(format!("file {number}").into_bytes());
        registry::export(&models[place], new, &output(name), make)
    };
    let past = export(0, &NewExport { valid_until: at, ..new.clone() }, "past.sql").unwrap_err();
    assert!(matches!(past, RegistryError::Past), "{past}");
    assert!(!output("past.sql").exists() && exports(&world.config, at).unwrap().is_empty(), "nothing has changed");
    let first = export(0, &NewExport { valid_until: at + 1, ..new.clone() }, "one.sql").unwrap();
    assert!(matches!(export(0, &new, "one.sql"), Err(RegistryError::OutputExists(_))));
    let second =
        export(1, &NewExport { dialect: None, head: None, format: "onnx", ..new.clone() }, "two.onnx").unwrap();
    for (number, record, name) in [(1, &first, "one.sql"), (2, &second, "two.onnx")] {
        let bytes = fs::read(output(name)).unwrap();
        assert_eq!((record.number, bytes.as_slice()), (number, format!("file {number}").as_bytes()));
        assert_eq!((record.file.as_str(), record.digest.as_str()), (name, &*Digest::of(&bytes).to_string()));
        assert_eq!((record.recipient.as_str(), record.made_at), ("scoring team", at));
    }
    let of = |record: &ExportRecord| {
        let words = [Some(&record.format), record.dialect.as_ref(), record.head.as_ref()];
        (record.model.clone(), words.map(|word| word.cloned().unwrap_or_default()), record.valid_until)
    };
    let words = |words: [&str; 3]| words.map(str::to_owned);
    assert_eq!(of(&first), (world.models[0].model.clone(), words(["sql", "postgres", "churn"]), at + 1));
    assert_eq!(of(&second), (world.models[1].model.clone(), words(["onnx", "", ""]), at + 100));
    // The last second is a good one.
    for (seconds, expired) in [(1, false), (2, true)] {
        let lines = exports(&world.config, at + seconds).unwrap();
        let told: Vec<_> = lines.iter().map(|line: &ExportLine| (&line.record, line.void, line.expired)).collect();
        assert_eq!(told, [(&first, false, expired), (&second, false, false)]);
    }
    // A withdrawn model, one on which the alarm was raised, and one for which nobody answers for so long leave as no file.
    let mut model = load(&world.config, &world.models[0].model, None).unwrap();
    let mut refused = |change: fn(&mut registry::LoadedModel, u64)| {
        (model.withdrawn, model.alarmed, model.answered_until) = (false, false, None);
        change(&mut model, at);
        registry::export(&model, &new, &output("three"), |_| Ok::<_, RegistryError>(Vec::new())).unwrap_err()
    };
    assert!(matches!(refused(|model, _| model.withdrawn = true), RegistryError::Withdrawn { .. }));
    assert!(matches!(refused(|model, _| model.alarmed = true), RegistryError::Refused(_)));
    let late = refused(|model, at| model.answered_until = Some(at + 99));
    assert!(matches!(late, RegistryError::Unanswered { over: false, .. }), "{late}");
    let over = refused(|model, at| model.answered_until = Some(at));
    assert!(matches!(over, RegistryError::Unanswered { over: true, .. }), "{over}");
    model.answered_until = Some(at + 100);
    registry::export(&model, &new, &output("three"), |_| Ok::<_, RegistryError>(Vec::new())).unwrap();
    // Records that were changed, exchanged or taken out are missed.
    let record = |number: u32| world.state(&format!("exports/{number:06}.json"));
    let all = [1, 2, 3].map(|number| fs::read(record(number)).unwrap());
    let renumbered = String::from_utf8(all[1].clone()).unwrap().replace("\"number\": 2", "\"number\": 1");
    let newer = String::from_utf8(all[0].clone()).unwrap().replace("\"version\": 1", "\"version\": 2");
    for (number, bytes) in [(1, newer.as_bytes()), (1, &all[1]), (2, &all[0]), (2, renumbered.as_bytes()), (2, b"{}")] {
        fs::write(record(number), bytes).unwrap();
        assert!(matches!(exports(&world.config, at), Err(RegistryError::Register { .. })), "{number}");
        fs::write(record(number), &all[number as usize - 1]).unwrap();
    }
    for number in [1, 2] {
        fs::remove_file(record(number)).unwrap();
        assert!(matches!(exports(&world.config, at), Err(RegistryError::Register { .. })), "{number}");
        fs::write(record(number), &all[number as usize - 1]).unwrap();
    }
    assert_eq!(exports(&world.config, at).unwrap().len(), 3);
}

fn a_card_is_the_one_that_was_written(world: &World) {
    let model = &world.models[0];
    let card = registry::card(&world.config, &model.model).unwrap();
    let path = world.state("cards").join(format!("{}.json", Digest::of(card.to_json().as_bytes())));
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole, card.to_json().as_bytes());
    // Another model's card is no card of this one, and one that is gone is named.
    let other = registry::card(&world.config, &world.models[1].model).unwrap();
    assert_ne!(other, card);
    fs::write(&path, other.to_json()).unwrap();
    assert!(matches!(registry::card(&world.config, &model.model), Err(RegistryError::Card(_))));
    fs::remove_file(&path).unwrap();
    assert!(matches!(registry::card(&world.config, &model.model), Err(RegistryError::Card(_))));
    fs::write(&path, whole).unwrap();
}

fn bundles_have_what_their_scope_names(world: &World) {
    let today = Date::of_second(now());
    let yesterday = Date::of_second(now() - 86_400);
    let day = |days: u64| Date::of_second(now() - days * 86_400);
    let export = |scope, days, name: &str| {
        let output = world.federation.path(name);
        audit::export(&world.config, &Export { days, scope, output: &output })
    };
    let names = |exported: &Exported| -> BTreeSet<String> {
        let bundle = Bundle::open(fs::File::open(&exported.file).unwrap()).unwrap();
        assert!(bundle.changed().unwrap().is_empty());
        assert_eq!(bundle.digest().to_string(), exported.bundle);
        assert_eq!(fs::read_to_string(&exported.digest_file).unwrap(), format!("{}\n", exported.bundle));
        let contents = Contents::read(&bundle.part(CONTENTS).unwrap()).unwrap();
        assert_eq!((contents.from, contents.to, contents.goes_on), (yesterday.to_string(), today.to_string(), false));
        let names: BTreeSet<String> = bundle.names().map(str::to_owned).collect();
        assert_eq!(names.len(), exported.parts);
        names
    };
    // What is kept of a run, and of its model.
    let own = |place: usize| -> BTreeSet<String> {
        let (run, model) = (world.run(place), Digest::from_hex(&world.models[place].model).unwrap());
        let card = registry::card(&world.config, &world.models[place].model).unwrap();
        let card = Item::Card(Digest::of(card.to_json().as_bytes()));
        let rounds: Vec<String> = fs::read_dir(world.state("rounds"))
            .unwrap()
            .map(|entry| format!("rounds/{}", entry.unwrap().file_name().display()))
            .filter(|name| name.contains(&run.id().to_string()))
            .collect();
        assert_eq!(rounds.len(), ROUNDS[place] as usize);
        let items =
            [Item::Schema(run.plan), Item::Features(model), Item::Parameters(model), Item::Statement(model), card];
        items.iter().map(Item::name).filter(|name| world.state(name).exists()).chain(rounds).collect()
    };
    let days = (yesterday, today);
    let whole = export(Scope::Journal, days, "whole.bundle").unwrap();
    let entries = whole.entries;
    assert_eq!((whole.runs, whole.runs_outside, whole.goes_on, whole.left_out), (2, 0, false, 0));
    let parts = names(&whole);
    assert!(own(0).union(&own(1)).all(|name| parts.contains(name)), "{parts:?}");
    for name in
        ["audit.log", "heads/budgets.ledger", "authorities", "checkpoints/newest", "checkpoints/coordinator.key"]
    {
        assert!(parts.contains(name), "{name}");
    }
    assert!(!parts.contains(PART));
    let journal = fs::read(world.state("audit.log")).unwrap();
    let bundle = Bundle::open(fs::File::open(&whole.file).unwrap()).unwrap();
    assert_eq!(bundle.part("audit.log").unwrap(), journal);
    assert_eq!(
        bundle.part("authorities").unwrap(),
        fs::read(world.federation.coordinator().join("authorities")).unwrap()
    );
    assert!(matches!(export(Scope::Journal, days, "whole.bundle"), Err(ExportError::Exists(_))));
    // A run alone, by its name or by its plan's: nothing of the other one.
    for (place, name) in [(0, "run-0"), (1, "run-1")] {
        let run = export(Scope::Run(world.run(place)), days, name).unwrap();
        let plan = export(Scope::Plan(world.run(place).plan), days, &format!("{name}-plan")).unwrap();
        let parts = names(&run);
        assert_eq!(parts, names(&plan));
        assert_eq!((run.runs, run.runs_outside, run.entries), (1, 1, entries));
        assert!(run.left_out > 0 && run.left_out < entries && run.left_out == plan.left_out);
        assert!(own(place).iter().all(|name| parts.contains(name)), "{parts:?}");
        assert!(own(1 - place).difference(&own(place)).all(|name| !parts.contains(name)), "{parts:?}");
        assert!(parts.contains(PART) && !parts.contains("audit.log") && !parts.contains("heads/budgets.ledger"));
    }
    let both = export(Scope::Days, days, "days").unwrap();
    assert_eq!((both.runs, both.runs_outside, both.left_out), (2, 0, 0));
    // Where there is nothing, nothing is written.
    let other = RunRef { number: 2, ..world.run(0) };
    assert!(matches!(export(Scope::Run(other), days, "none"), Err(ExportError::NoRun(_))));
    assert!(matches!(export(Scope::Plan(Digest::ZERO), days, "none"), Err(ExportError::NoRun(_))));
    assert!(matches!(export(Scope::Journal, (day(3), day(2)), "none"), Err(ExportError::Nothing(_))));
    assert!(!world.federation.path("none").exists());
}

/// Who opens what to whom, in the order of the settings: numbers from 1, each flow with its own words.
fn a_security_report_names_every_flow(world: &World) {
    let sbom = SbomLine { digest: "ab".repeat(32), packages: 321 };
    let report = registry::security_report(&world.config, sbom.clone()).unwrap().paper;
    assert_eq!((report.format, report.kind.as_str(), report.sbom), (SecurityReport::FORMAT, "security", sbom));
    let state = world.federation.path("state").display().to_string();
    let flows: Vec<_> =
        report.flows.iter().map(|flow| (flow.number, flow.from.as_str(), flow.carries.as_str())).collect();
    let expected = [
        (1, "member", "rounds"),
        (2, "member", "rounds"),
        (3, "operator", "questions"),
        (4, "carrier", "signed-files"),
        (5, "coordinator", "metrics"),
    ];
    assert_eq!(flows, expected);
    let of = |number: usize| &report.flows[number - 1];
    assert_eq!(
        (of(1).to.as_str(), of(1).address.as_str(), of(2).protection.as_str()),
        ("coordinator", "127.0.0.1:0", "mutual-tls")
    );
    assert!(of(1).protocol.contains("QUIC") && of(2).protocol.starts_with("TCP"));
    assert!((3..=5).all(|number| of(number).address.starts_with(&state)), "{:?}", report.flows);
    assert_eq!((report.members.len(), report.roster), (CLIENTS, 1));
    let members: Vec<_> = report.members.iter().map(|member| member.name.clone()).collect();
    assert_eq!(members, (0..CLIENTS).map(|number| format!("north-bank/branch-{number}")).collect::<Vec<_>>());
    let lines: Vec<_> = report.certificates.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(lines, ["certificate-coordinator", "certificate-root"]);
    assert!(report.certificates.iter().all(|line| line.days_left > 0 && line.from < line.until));
    let own = report.hardening.iter().filter(|line| line.what.ends_with("key-own"));
    assert!(own.clone().count() == 2 && own.clone().all(|line| line.state == "holds"), "{:?}", report.hardening);
}

fn papers_say_what_the_journal_says(world: &World) {
    let today = Date::of_second(now());
    let asked = Asked { preset: None, period: Period::new(today, today).unwrap(), scope: Plans::All };
    let kept = |path: &Path| Kept(path.parent().unwrap().to_path_buf());
    let report = compliance_report(&world.config, &asked, kept).unwrap().report;
    let summary = &report.summary;
    assert_eq!((summary.plans, summary.runs, summary.rounds_charged, summary.rounds_committed), (2, 2, 3, 3));
    assert_eq!((summary.rounds_aborted, report.models.len(), report.exports.len()), (0, 2, 3));
    let exported = [&world.models[0].model, &world.models[1].model, &world.models[0].model];
    for ((number, line), model) in (1..).zip(&report.exports).zip(exported) {
        assert_eq!((line.number, &line.model, line.void), (number, model, false));
        assert_eq!((line.recipient.as_str(), line.made.as_str()), ("scoring team", &*today.to_string()));
    }
}
