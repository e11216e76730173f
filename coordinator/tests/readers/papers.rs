//! Bundles for auditors, and papers for those who assess a federation.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use tributary_coordinator::audit::{self, Export, ExportError, Exported, Scope};
use tributary_coordinator::registry::{self, compliance_report};
use tributary_evidence::Item;
use tributary_evidence::assessor::{SbomLine, SecurityReport};
use tributary_evidence::bundle::{Bundle, CONTENTS, Contents, PART};
use tributary_evidence::paper::Body as _;
use tributary_evidence::report::{Asked, Period, Scope as Plans};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Date, RunRef};
use tributary_storage::files::FileError;

use super::*;

pub(super) fn bundles_have_what_their_scope_names(world: &World) {
    let day = |days: u64| Date::of_second(now() - days * 86_400);
    let (today, yesterday) = (day(0), day(1));
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

/// What lies in the place of a file that is kept goes into no bundle and no report, and keeps nobody waiting.
#[cfg(unix)]
pub(super) fn nothing_else_leaves_in_the_place_of_what_is_kept(world: &World) {
    let today = Date::of_second(now());
    let (output, secret) = (world.federation.path("bundles/other.bundle"), world.federation.path("secret.txt"));
    fs::create_dir_all(output.parent().unwrap()).unwrap();
    fs::write(&secret, "the words of somebody else").unwrap();
    let export = || {
        let exported =
            audit::export(&world.config, &Export { days: (today, today), scope: Scope::Journal, output: &output });
        let left = fs::read_dir(output.parent().unwrap()).unwrap().count();
        assert!(exported.is_ok() || left == 0, "nothing of it is left");
        exported
    };
    let report = || {
        let asked = Asked { preset: None, period: Period::new(today, today).unwrap(), scope: Plans::All };
        compliance_report(&world.config, &asked, |path| Kept(path.parent().unwrap().to_path_buf())).map(drop)
    };
    let all = Bundle::open(fs::File::open(export().unwrap().file).unwrap()).unwrap();
    let clear = || {
        fs::read_dir(output.parent().unwrap()).unwrap().for_each(|file| fs::remove_file(file.unwrap().path()).unwrap())
    };
    clear();
    // One of each kind: of its folder, and of a model's files every one.
    let kind = |name: &str| {
        let parts: Vec<&str> = name.split('/').collect();
        if parts[0] == "registry" { parts[2..].join("/") } else { parts[0].to_owned() }
    };
    let kept = ["rounds", "sums", "plans", "registry", "cards", "exports"];
    let kinds: BTreeMap<String, &str> = all
        .names()
        .filter(|name| name.split_once('/').is_some_and(|(folder, _)| kept.contains(&folder)))
        .map(|name| (kind(name), name))
        .collect();
    let expected = [
        "cards",
        "exports",
        "features.json",
        "parameters",
        "plans",
        "points/000001.points",
        "points/000002.points",
        "points/000003.points",
        "rounds",
        "statement.json",
        "sums",
    ];
    assert_eq!(kinds.keys().collect::<Vec<_>>(), expected);
    for (kind, name) in &kinds {
        let (path, aside) = (world.state(name), world.federation.path("aside"));
        let instead = |put: &dyn Fn(), judge: &dyn Fn(Result<Exported, ExportError>)| {
            fs::rename(&path, &aside).unwrap();
            put();
            judge(export());
            // Without a card or a schema there is a report, and beside a false one there is none.
            let judged = ["plans", "exports", "cards"].contains(&kind.as_str()) && path.symlink_metadata().is_ok();
            assert!(report().is_err() || !judged, "{name}");
            fs::rename(&aside, &path).unwrap();
            clear();
        };
        instead(&|| std::os::unix::fs::symlink(&secret, &path).unwrap(), &|exported| {
            assert!(matches!(exported, Err(ExportError::File(FileError::Link { .. }))), "{name}: {exported:?}");
        });
        // A link to the file itself is none either.
        instead(&|| std::os::unix::fs::symlink(&aside, &path).unwrap(), &|exported| {
            assert!(matches!(exported, Err(ExportError::File(FileError::Link { .. }))), "{name}: {exported:?}");
        });
        instead(&|| assert!(Command::new("mkfifo").arg(&path).status().unwrap().success()), &|exported| {
            assert!(matches!(exported, Err(ExportError::File(FileError::NotFile { .. }))), "{name}: {exported:?}");
        });
        // The journal names nothing of uploads but the sum that follows from them.
        instead(&|| assert!(fs::copy(&secret, &path).unwrap() > 0), &|exported| match kind.as_str() {
            "rounds" => assert!(exported.is_ok(), "{exported:?}"),
            _ => {
                assert!(matches!(&exported, Err(ExportError::Changed(named)) if *named == path), "{name}: {exported:?}")
            }
        });
        instead(&|| (), &|exported| {
            let bundle = Bundle::open(fs::File::open(exported.unwrap().file).unwrap()).unwrap();
            assert!(bundle.names().all(|part| part != *name), "what is gone is not in it");
        });
    }
    assert!(report().is_ok(), "everything is in its place again");
}

/// Who opens what to whom, in the order of the settings: numbers from 1, each flow with its own words.
pub(super) fn a_security_report_names_every_flow(world: &World) {
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

pub(super) fn papers_say_what_the_journal_says(world: &World) {
    let today = Date::of_second(now());
    let asked = Asked { preset: None, period: Period::new(today, today).unwrap(), scope: Plans::All };
    let kept = |path: &Path| Kept(path.parent().unwrap().to_path_buf());
    let report = compliance_report(&world.config, &asked, kept).unwrap().report;
    let summary = &report.summary;
    assert_eq!((summary.plans, summary.runs, summary.rounds_charged, summary.rounds_committed), (2, 2, 5, 5));
    assert_eq!((summary.rounds_aborted, report.models.len(), report.exports.len()), (0, 2, 3));
    let exported = [&world.models[0].model, &world.models[1].model, &world.models[0].model];
    for ((number, line), model) in (1..).zip(&report.exports).zip(exported) {
        assert_eq!((line.number, &line.model, line.void), (number, model, false));
        assert_eq!((line.recipient.as_str(), line.made.as_str()), ("scoring team", &*today.to_string()));
    }
}
