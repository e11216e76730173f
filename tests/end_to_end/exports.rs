//! A model as its readers take it away: the scorecard, points that people set, and files for other systems, from the registry of a demo.

use std::fs;
use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::points::PointsFile;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;

use crate::demo::demo;
use crate::kills::{Daemon, event};
use crate::support::{Finished, run};

/// The coordinator's folder of a demo, and its people.
pub(crate) struct Desk<'a>(pub(crate) &'a Path);

impl Desk<'_> {
    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// `tributary model WORDS --config ...`.
    pub(crate) fn model(&self, words: &[&str]) -> Finished {
        let config = self.path("coordinator/coordinator.toml");
        run(["model"].iter().chain(words).chain(&["--config", &config]))
    }

    fn json(&self, words: &[&str]) -> serde_json::Value {
        let finished = self.model(&[words, &["--json"]].concat());
        assert_eq!(finished.code, Some(0), "{words:?}: {} {}", finished.out, finished.err);
        finished.json()
    }

    /// A candidate, for trial.
    pub(crate) fn export(&self, model: &str, format: &[&str], output: &str) -> Finished {
        self.export_until(&in_days(30), model, &[format, &["--trial"]].concat(), output)
    }

    pub(crate) fn export_until(&self, day: &str, model: &str, format: &[&str], output: &str) -> Finished {
        let until = ["--recipient", "card centre", "--valid-until", day, "--output", output];
        self.model(&[&["export", "--model", model, "--format"], format, &until].concat())
    }

    /// Every export: its number, and whether it is void.
    pub(crate) fn exports(&self) -> Vec<(u64, bool)> {
        let all = self.json(&["exports"]);
        let all = all["exports"].as_array().unwrap().iter();
        all.map(|one| (one["number"].as_u64().unwrap(), one["void"].as_bool().unwrap())).collect()
    }

    fn sign(&self, file: &str, digest: &str, (person, role): (&str, &str)) -> Finished {
        let (person, list) = (self.path(&format!("people/{person}")), self.path("authority/authorities"));
        let by = ["--person", &person, "--role", role, "--authorities", &list, "--confirm", digest];
        run(["model", "points", "sign", file].iter().chain(&by))
    }

    /// The points of one bin on the card, and those of the model where people have set others.
    fn bin(&self, model: &str, field: &str, bin: usize) -> (i64, Option<i64>) {
        let card = self.json(&["scorecard", model, "--head", "churn"]);
        let fields = card["cards"][0]["fields"].as_array().unwrap().clone();
        let own = fields.iter().find(|own| own["field"] == field).unwrap();
        let bin = &own["rule"]["bins"][bin - 1];
        (bin["points"].as_i64().unwrap(), bin["model_points"].as_i64())
    }
}

/// The day that is so many days from now, in UTC.
fn in_days(days: u64) -> String {
    Date::of_second(unix_seconds() + days * 86_400).to_string()
}

const OWNER: (&str, &str) = ("e1", "plan-owner");
const VALIDATOR: (&str, &str) = ("e3", "model-validator");

#[test]
fn a_model_leaves_as_a_card_and_as_files() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &["--epsilon", "8"]).code, Some(0));
    let desk = Desk(&dir);
    let model = desk.json(&["list"])["models"][0]["model"].as_str().unwrap().to_owned();
    the_card(&desk, &model);
    points_that_people_set(&desk, &model);
    files_for_others(&desk, &model);
    what_is_refused(&desk, &model);
    a_register_that_was_changed(&desk);
    beside_a_daemon(&desk, &model);
    what_an_auditor_sees(&desk);
}

fn the_card(desk: &Desk<'_>, model: &str) {
    let (page, table) = (desk.path("card.html"), desk.path("card.csv"));
    let shown = desk.model(&["scorecard", model, "--lang", "zh", "--html", &page, "--csv", &table]);
    assert_eq!(shown.code, Some(0), "{} {}", shown.out, shown.err);
    for words in ["评分卡", "基础分", "单调上升", "原因代码", "R001", "R034"] {
        assert!(shown.out.contains(words), "{words}: {}", shown.out);
    }
    let (page, table) = (fs::read_to_string(page).unwrap(), fs::read_to_string(table).unwrap());
    assert!(page.contains("<html lang=\"zh-CN\">") && page.contains("R002") && page.ends_with("</html>\n"));
    assert!(!page.contains("<script") && !page.contains("http"), "a page is one file");
    assert!(!page.contains("仅体现在本评分卡上"), "nobody has set points");
    let card = desk.json(&["scorecard", model]);
    let cards = card["cards"].as_array().unwrap();
    let bins = |field: &serde_json::Value| field["rule"]["bins"].as_array().map_or(1, Vec::len);
    let lines: usize = cards.iter().flat_map(|card| card["fields"].as_array().unwrap().iter().map(bins)).sum();
    assert!(table.lines().count() > lines && cards.len() == 2, "{table}");
    let english =
        desk.model(&["scorecard", model, "--lang", "en", "--head", "churn", "--base-points", "0", "--double", "10"]);
    assert!(english.out.contains("0 points at odds of 50 to 1; 10 points more"), "{}", english.out);
    assert!(
        !english.out.contains("Scorecard of deposit_propensity") && english.out.contains("not listed"),
        "{}",
        english.out
    );
}

fn points_that_people_set(desk: &Desk<'_>, model: &str) {
    let (file, before) = (desk.path("age.points"), desk.bin(model, "occupation", 2).0);
    let after = (before + 7).to_string();
    let change = |field: &str, bin: &str, points: &str, out: &str| {
        let words =
            ["--head", "churn", "--field", field, "--bin", bin, "--points", points, "--reason", "few customers"];
        desk.model(&[&["points", "change", model], &words[..], &["--out", out]].concat())
    };
    change("wage", "1", "3", &file).assert_refused(1, &["no field \"wage\"", "Nothing was changed"]);
    change("occupation", "99", "3", &file).assert_refused(1, &["no bin 99", "1 to "]);
    change("occupation", "2", &before.to_string(), &file).assert_refused(1, &["already"]);
    change("occupation", "2", "1000001", &file).assert_refused(1, &["1000001 points"]);
    let told = change("occupation", "2", &after, &file);
    assert!(told.out.contains("few customers") && told.out.contains("points sign"), "{} {}", told.out, told.err);
    change("occupation", "2", &after, &file).assert_refused(1, &["exists already"]);
    let digest = told.out.lines().find_map(|line| line.strip_prefix("  change    ")).unwrap().to_owned();
    desk.sign(&file, &digest, ("e2", "privacy-officer")).assert_refused(1, &["privacy-officer may not sign"]);
    assert_eq!(desk.sign(&file, &digest, OWNER).code, Some(0));
    desk.sign(&file, &digest, OWNER).assert_refused(1, &["has signed it", "another person's"]);
    desk.sign(&file, &digest, ("e1", "model-validator")).assert_refused(1, &["has signed it"]);
    desk.model(&["points", "install", &file]).assert_refused(1, &["1 of two people", "The register is as it was"]);
    assert_eq!(desk.bin(model, "occupation", 2), (before, None));
    assert_eq!(desk.sign(&file, &digest, VALIDATOR).code, Some(0));
    let installed = desk.model(&["points", "install", &file]);
    assert_eq!(installed.code, Some(0), "{} {}", installed.out, installed.err);
    assert_eq!(desk.bin(model, "occupation", 2), (before + 7, Some(before)));
    // The card says that scores keep the model's points: on its page, in its table file, in its object.
    let (page, table) = (desk.path("set.html"), desk.path("set.csv"));
    let shown = desk.model(&["scorecard", model, "--head", "churn", "--lang", "en", "--html", &page, "--csv", &table]);
    assert!(shown.code == Some(0) && shown.out.contains("on this card alone"), "{} {}", shown.out, shown.err);
    assert!(fs::read_to_string(page).unwrap().contains("lists, letters to customers and exported files keep"));
    let table = fs::read_to_string(table).unwrap();
    let line = table.lines().find(|line| line.contains(",occupation,2,")).unwrap();
    let points: Vec<&str> = line.rsplit(',').skip(6).take(3).collect();
    assert_eq!(points, [before.to_string(), before.to_string(), after.clone()], "{line}");
    assert_eq!(desk.json(&["scorecard", model])["changes_count_in"], serde_json::json!(["card"]));
    // Typed again, as after a command that broke off, it changes nothing.
    let again = desk.model(&["points", "install", &file]);
    assert_eq!((again.code, &again.out), (Some(0), &installed.out), "{}", again.err);
    let listed = desk.json(&["points", "list", model]);
    assert_eq!(
        (listed["changes"][0]["after"].as_i64(), &listed["changes"][0]["reason"]),
        (Some(before + 7), &"few customers".into())
    );
    // On another scale the change does not count, and the card says so.
    let other = desk.model(&["scorecard", model, "--head", "churn", "--double", "40", "--lang", "en"]);
    assert!(
        other.out.contains("changes of points that are of other labels or other scales, and not in this card: 1"),
        "{}",
        other.out
    );
    // A change that was taken out, or put in by hand, is noticed.
    let register: PathBuf = desk.0.join(format!("coordinator/state/registry/{model}/points"));
    let first = register.join("000001.points");
    let genuine = fs::read(&first).unwrap();
    let mut forged = PointsFile::read(&first).unwrap();
    forged.statement.after += 1;
    let subject = forged.statement.digest();
    forged.signatures.iter_mut().for_each(|signed| signed.subject = subject);
    forged.replace(&first).unwrap();
    for words in [&["points", "list", model][..], &["scorecard", model]] {
        desk.model(words).assert_refused(1, &["not the file that the journal names as change of points 1"]);
    }
    fs::write(&first, genuine).unwrap();
    let second = register.join("000002.points");
    fs::copy(register.join("000001.points"), &second).unwrap();
    desk.model(&["points", "list", model])
        .assert_refused(1, &["000002.points", "the journal does not take it", "Nothing rests on it"]);
    fs::remove_file(second).unwrap();
    // Nor can the only one be taken out.
    let taken = register.join("taken");
    fs::rename(&first, &taken).unwrap();
    for words in [&["points", "list", model][..], &["scorecard", model]] {
        desk.model(words).assert_refused(1, &["000001.points", "somebody removed it", "Restore the file"]);
    }
    fs::rename(&taken, &first).unwrap();
    assert_eq!(desk.bin(model, "occupation", 2), (before + 7, Some(before)));
    points_are_reported(desk, model);
}

/// A change is among the decisions with its number, and stands beside the model; the page says who signed, and why.
fn points_are_reported(desk: &Desk<'_>, model: &str) {
    for (language, decided, beside) in [
        ("en", "points of its scorecard changed (change 1)", "Change 1, "),
        ("zh", "调整评分卡分值（第 1 次）", "第 1 次调整，"),
    ] {
        let output = desk.path(&format!("points-{language}.json"));
        let config = desk.path("coordinator/coordinator.toml");
        let words = ["report", "compliance", "--preset", "yearly", "--lang", language, "--config", &config];
        let made = run(words.iter().chain(&["--output", &output]));
        assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
        let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(&output).unwrap()).unwrap();
        let duties = report["report"]["duties"].as_array().unwrap();
        let duty = duties.iter().find(|duty| duty["what"] == "points").unwrap();
        assert_eq!(
            (&duty["number"], &duty["why"], &duty["subject"]),
            (&1.into(), &"few customers".into(), &model.into())
        );
        let signers: Vec<_> = duty["signers"].as_array().unwrap().iter().map(|one| &one["role"]).collect();
        assert_eq!(signers, [OWNER.1, VALIDATOR.1]);
        assert_eq!(report["report"]["summary"]["decisions"], duties.len());
        let page = fs::read_to_string(Path::new(&output).with_extension("html")).unwrap();
        for part in [decided, beside, "few customers"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let (key, journal) = (
            desk.path("branches/branch-000/state/checkpoints/coordinator.key"),
            desk.path("coordinator/state/audit.log"),
        );
        let found = run(["verify", "report", &output, "--key", &key, "--journal", &journal, "--strict"]);
        assert_eq!(found.code, Some(0), "{} {}", found.out, found.err);
    }
}

fn files_for_others(desk: &Desk<'_>, model: &str) {
    assert_eq!(desk.exports(), []);
    let formats: [(&[&str], &str); 6] = [
        (&["safetensors"], "m.safetensors"),
        (&["onnx"], "m.onnx"),
        (&["pmml", "--head", "churn"], "m.pmml"),
        (&["sql", "--head", "churn"], "m.sql"),
        (
            &[
                "sql",
                "--head",
                "deposit_propensity",
                "--dialect",
                "oracle",
                "--table",
                "CRM.CUSTOMERS",
                "--key",
                "CUST_ID",
            ],
            "m.oracle.sql",
        ),
        (&["sql", "--head", "deposit_propensity", "--dialect", "hive"], "m.hive.sql"),
    ];
    for (format, name) in formats {
        let exported = desk.export(&model[..8], format, &desk.path(name));
        assert_eq!(exported.code, Some(0), "{format:?}: {} {}", exported.out, exported.err);
    }
    let all = desk.json(&["exports"]);
    for ((number, (format, name)), record) in (1..).zip(formats).zip(all["exports"].as_array().unwrap()) {
        let bytes = fs::read(desk.path(name)).unwrap();
        assert!(bytes.windows(64).any(|part| part == model.as_bytes()), "{name} has the model's digest in it");
        assert_eq!((&record["number"], &record["format"]), (&number.into(), &format[0].into()));
        assert_eq!((&record["digest"], &record["model"]), (&Digest::of(&bytes).to_string().into(), &model.into()));
        assert_eq!(
            (&record["recipient"], &record["file"], &record["void"]),
            (&"card centre".into(), &name.into(), &false.into())
        );
    }
    let shown = desk.model(&["exports", "--lang", "zh"]);
    let until = format!("有效期至 {}：仅供试用", in_days(30));
    assert!(shown.out.contains("sql oracle") && shown.out.contains(&until), "{}", shown.out);
    let onnx = fs::read(desk.path("m.onnx")).unwrap();
    let words = b"for trial: nobody has promoted this model";
    assert!(onnx.windows(words.len()).any(|part| part == words), "whoever opens the file reads it there");
}

fn what_is_refused(desk: &Desk<'_>, model: &str) {
    let new = desk.path("none");
    let export = |model: &str, format: &[&str]| desk.export(model, format, &new);
    export("12345678", &["onnx"]).assert_refused(1, &["has 0 models"]);
    export(&model[..4], &["onnx"]).assert_refused(1, &["none is meant"]);
    export("champion", &["onnx"]).assert_refused(1, &["0 champions", "model list"]);
    export(model, &["onnx", "--head", "loans"]).assert_refused(1, &["no head \"loans\"", "Nothing was exported"]);
    export(model, &["sql"]).assert_refused(1, &["several heads", "--head"]);
    export(model, &["pmml"]).assert_refused(1, &["several heads"]);
    export(model, &["sql", "--head", "churn", "--table", "a..b"]).assert_refused(1, &["cannot name"]);
    export(model, &["sql", "--head", "churn", "--dialect", "oracle", "--key", "a\"b"])
        .assert_refused(1, &["double quote"]);
    export(model, &["excel"]).assert_refused(64, &["excel"]);
    export(model, &["sql", "--head", "churn", "--dialect", "basic"]).assert_refused(64, &["basic"]);
    export(model, &["onnx", "--dialect", "hive"]).assert_refused(64, &["--format sql"]);
    export(model, &["safetensors", "--head", "churn"]).assert_refused(64, &["whole model"]);
    let other = desk.path("other.toml");
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/samples/schemas/adult.toml");
    export(model, &["onnx", "--schema", schema]).assert_refused(1, &["was learnt with the schema"]);
    export(model, &["onnx", "--schema", &other]).assert_refused(1, &["other.toml"]);
    fs::write(&other, "name = 3").unwrap();
    export(model, &["onnx", "--schema", &other]).assert_refused(1, &["other.toml", "--schema FILE"]);
    desk.export_until(&in_days(30), model, &["onnx"], &new).assert_refused(1, &["is a candidate", "--trial"]);
    desk.export_until(&in_days(33), model, &["onnx", "--trial"], &new).assert_refused(1, &["31 days at most"]);
    desk.export(model, &["onnx"], &desk.path("m.onnx")).assert_refused(1, &["exists", "Nothing was made"]);
    // Where the file cannot stand is found before it has a number.
    for (place, words) in [("nowhere/m.onnx", "nowhere"), ("coordinator/state/exports/000009.json", "own folder")] {
        desk.export(model, &["onnx"], &desk.path(place)).assert_refused(1, &[words, "Nothing was made"]);
    }
    let dated = |day: &str, who: &str| {
        let words = ["--format", "onnx", "--recipient", who, "--valid-until", day, "--output", &new];
        desk.model(&[&["export", "--model", model], &words[..]].concat())
    };
    dated("2020-01-31", "a").assert_refused(1, &["last day is over"]);
    dated("31.01.2099", "a").assert_refused(64, &["YEAR-MONTH-DAY"]);
    dated("2099-01-31", "").assert_refused(64, &["one line"]);
    dated("2099-01-31", "a\nb").assert_refused(64, &["one line"]);
    dated("2099-01-31", &"x".repeat(121)).assert_refused(64, &["120 characters"]);
    desk.model(&["scorecard", model, "--base-odds", "0"]).assert_refused(64, &["base odds of 0"]);
    desk.model(&["scorecard", model, "--double", "NaN"]).assert_refused(64, &["to double the odds"]);
    desk.model(&["scorecard", model, "--head", "loans"]).assert_refused(1, &["no head"]);
    desk.model(&["scorecard", model, "--html", &desk.path("card.html")]).assert_refused(1, &["exists already"]);
    assert!(!Path::new(&new).exists());
    assert_eq!(desk.exports().len(), 6, "what was refused has no number");
}

fn a_register_that_was_changed(desk: &Desk<'_>) {
    let register = desk.0.join("coordinator/state/exports");
    let (second, third) = (register.join("000002.json"), register.join("000003.json"));
    let text = fs::read_to_string(&second).unwrap();
    fs::write(&second, text.replace("card centre", "card centrum")).unwrap();
    desk.model(&["exports"]).assert_refused(1, &["000002.json", "not the file that the journal names as export 2"]);
    fs::write(&second, &text).unwrap();
    assert_eq!(desk.exports().len(), 6);
    let (last, taken) = (register.join("000006.json"), register.join("taken"));
    for (record, name) in [(&third, "000003.json"), (&last, "000006.json")] {
        fs::rename(record, &taken).unwrap();
        desk.model(&["exports"]).assert_refused(1, &[name, "somebody removed it", "Restore the file"]);
        // Its number comes to no other file.
        let model = desk.json(&["list"])["models"][0]["model"].as_str().unwrap().to_owned();
        desk.export(&model, &["onnx"], &desk.path("again.onnx")).assert_refused(1, &[name, "somebody removed it"]);
        assert!(!desk.0.join("again.onnx").exists());
        fs::rename(&taken, record).unwrap();
    }
    assert_eq!(desk.exports().len(), 6);
}

/// The daemon has the journal, and says what it took.
fn beside_a_daemon(desk: &Desk<'_>, model: &str) {
    let config = desk.path("coordinator/coordinator.toml");
    let mut daemon = Daemon::start(["coordinator", "serve", "--events", "--config"], Path::new(&config));
    let mut lines = daemon.lines();
    event(&mut lines, "listening");
    let exported = desk.export(model, &["safetensors"], &desk.path("beside.safetensors"));
    assert_eq!(exported.code, Some(0), "{} {}", exported.out, exported.err);
    let told = event(&mut lines, "noted");
    assert!(told["words"].as_str().unwrap().starts_with("export 7: model"), "{told}");
    assert_eq!(desk.exports().len(), 7);
}

/// A bundle has what the registers hold, and misses what was taken out of them.
fn what_an_auditor_sees(desk: &Desk<'_>) {
    let (config, list) = (desk.path("coordinator/coordinator.toml"), desk.path("authority/authorities"));
    let verified = |name: &str| {
        let output = desk.path(name);
        let days = ["--from", "2020-01-01", "--to", "2099-12-31"];
        let made = run(["audit", "export", "--config", &config, "--output", &output].iter().chain(&days));
        assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
        run(["verify", "audit", &output, "--authority", &list])
    };
    let whole = verified("whole.trib");
    assert!(whole.out.contains("exports that left as files: 7; changes of points of scorecards: 1"), "{}", whole.out);
    assert!(!whole.out.contains("exports/") && !whole.out.contains("WRONG"), "{}", whole.out);
    fs::remove_file(desk.0.join("coordinator/state/exports/000007.json")).unwrap();
    let missing = verified("missing.trib");
    assert_eq!(missing.code, Some(2), "{}", missing.out);
    assert!(missing.out.contains("MISSING  the record of export 7"), "{}", missing.out);
    let report = desk.path("year.report");
    let words = ["report", "compliance", "--preset", "yearly", "--config", &config, "--output", &report];
    run(words).assert_refused(1, &["000007.json", "somebody removed it"]);
}
