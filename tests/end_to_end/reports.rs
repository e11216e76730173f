//! The compliance report: made of a demo's journal, as JSON and as a page in two languages, and checked by somebody who has the file alone.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::demo::demo;
use crate::support::{Finished, run};

struct Desk<'a>(&'a Path);

impl Desk<'_> {
    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn report(&self, more: &[&str], output: &str) -> Finished {
        let (config, output) = (self.path("coordinator/coordinator.toml"), self.path(output));
        run(["report", "compliance", "--config", &config, "--output", &output].iter().chain(more))
    }

    fn verify(&self, file: &str, more: &[&str]) -> Finished {
        run(["verify", "report", &self.path(file)].iter().chain(more))
    }

    /// What a budget file says of itself.
    fn spent(file: &str) -> Value {
        run(["verify", "ledger", file, "--json"]).json()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

/// What a page says, without its tags and its style.
fn text_of(page: &str) -> String {
    let body = page.split("</style>").nth(1).unwrap();
    let mut inside = false;
    let shown = body.chars().filter_map(|character| match character {
        '<' => {
            inside = true;
            Some(' ')
        }
        '>' => {
            inside = false;
            None
        }
        _ if inside => None,
        other => Some(other),
    });
    shown.collect()
}

/// Every number of a page that the other language must have as well: epsilons, noise, figures of models.
pub(crate) fn numbers(page: &str) -> Vec<String> {
    let text = text_of(page);
    let words = text.split(|character: char| !(character.is_ascii_digit() || character == '.'));
    let words = words.map(|word| word.trim_matches('.'));
    words.filter(|word| word.contains('.') && word.parse::<f64>().is_ok()).map(str::to_owned).collect()
}

/// Words of English that follow each other in a Chinese page and stand in no value of its file. Commands are the same in every language.
pub(crate) fn english(page: &str, file: &Value) -> Vec<String> {
    fn texts<'a>(of: &'a Value, into: &mut Vec<&'a str>) {
        match of {
            Value::String(text) => into.push(text),
            Value::Array(all) => all.iter().for_each(|one| texts(one, into)),
            Value::Object(all) => all.values().for_each(|one| texts(one, into)),
            _ => {}
        }
    }
    let mut values = Vec::new();
    texts(file, &mut values);
    let text = text_of(page);
    let words = text.split(' ').map(|word| if word.starts_with("--") { "-" } else { word });
    let text = words.collect::<Vec<_>>().join(" ");
    let parts = text.split(|one: char| !(one.is_ascii_lowercase() || one == ' ')).map(str::trim);
    let words = parts.filter(|part| !part.starts_with("tributary ")).flat_map(|part| {
        let words: Vec<&str> = part.split(' ').collect();
        let pairs = words.windows(2).filter(|pair| pair.iter().all(|word| word.len() >= 4));
        pairs.map(|pair| pair.join(" ")).collect::<Vec<_>>()
    });
    words.filter(|words| !values.iter().any(|value| value.contains(words.as_str()))).collect()
}

/// Every number of a report: what is a number in it, and what is a text that is one.
fn leaves(of: &Value, into: &mut Vec<String>) {
    match of {
        Value::Number(number) => into.push(number.to_string()),
        Value::String(text) if text.parse::<f64>().is_ok() => into.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| leaves(one, into)),
        Value::Object(all) => all.values().for_each(|one| leaves(one, into)),
        _ => {}
    }
}

/// The numbers of these fields, wherever they are.
fn named(of: &Value, name: &str, into: &mut Vec<String>) {
    match of {
        Value::Array(all) => all.iter().for_each(|one| named(one, name, into)),
        Value::Object(all) => {
            all.iter().filter(|(key, _)| *key == name).for_each(|(_, value)| leaves(value, into));
            all.values().for_each(|one| named(one, name, into));
        }
        _ => {}
    }
}

#[test]
fn a_report_says_what_happened_and_somebody_else_can_check_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &["--epsilon", "8"]).code, Some(0));
    let desk = Desk(&dir);
    let made = desk.report(&["--preset", "yearly", "--json"], "report-zh.json");
    assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
    // What a branch knows of the coordinator is enough.
    let key = desk.path("branches/branch-000/state/checkpoints/coordinator.key");
    let report = what_it_says(&desk);
    its_pages(&desk, &report);
    who_checks_it(&desk, &key);
    other_periods(&desk, &report);
    what_is_refused(&desk);
}

fn what_it_says(desk: &Desk<'_>) -> Value {
    let file: Value = serde_json::from_str(&desk.read("report-zh.json")).unwrap();
    let report = file["report"].clone();
    let run = &report["runs"][0];
    assert_eq!((&report["kind"], &run["state"]), (&"compliance".into(), &"complete".into()));
    assert_eq!(run["charged"], report["summary"]["rounds_charged"]);
    let epsilon = |name: &str| run[name].as_str().unwrap().parse::<f64>().unwrap();
    // Nothing was aborted: what was released is what was charged, and neither is more than the plan allows.
    assert_eq!(report["summary"]["rounds_aborted"], 0);
    assert!((epsilon("epsilon_released") - epsilon("epsilon_charged")).abs() < 1e-9);
    assert!(epsilon("epsilon_charged") <= epsilon("epsilon_run") && epsilon("epsilon_run") <= 8.0);
    // The group was charged what the run was.
    let months = report["spending"]["groups"][0]["epsilon"].as_array().unwrap();
    let last: f64 = months.last().unwrap().as_str().unwrap().parse().unwrap();
    assert!((last - epsilon("epsilon_charged")).abs() < 1e-5, "{last}");
    assert_eq!(report["parties"]["branches"].as_array().unwrap().len(), 8);
    let processing = &report["processing"][0];
    assert!(processing["fields"].as_array().unwrap().iter().any(|field| field["used_as"] == "label"));
    assert!(processing["legal_basis"].as_str().is_some_and(|basis| !basis.is_empty()));
    let duties = report["duties"].as_array().unwrap();
    assert!(
        duties.iter().any(|duty| duty["what"] == "plan" && duty["signers"][0]["staff"] != duty["signers"][1]["staff"])
    );
    assert_eq!(report["summary"]["decisions_alone"], 0);
    // Each branch signed what its customers were charged, and its own file says the same.
    let branches = report["spending"]["branches"].as_array().unwrap();
    assert_eq!(branches.len(), 8);
    for (number, branch) in branches.iter().enumerate() {
        let file = desk.path(&format!("branches/branch-{number:03}/state/budget.ledger"));
        let own = Desk::spent(&file);
        let spent: f64 = branch["closing"].as_str().unwrap().parse().unwrap();
        let own = own["epsilon"].as_f64().unwrap();
        assert!((spent - own).abs() < 1e-5 && (spent - epsilon("epsilon_charged")).abs() < 1e-5, "{spent} {own}");
    }
    // Branches are witnesses of the journal.
    let witnesses = report["integrity"]["witnesses"].as_array().unwrap();
    assert!(!witnesses.is_empty(), "{}", report["integrity"]);
    assert!(witnesses.iter().all(|witness| witness["entries"].as_u64() <= report["integrity"]["entries"].as_u64()));
    let left: u64 = report["sent"].as_array().unwrap().iter().map(|line| line["uploads"].as_u64().unwrap()).sum();
    assert!(left >= 8 * run["committed"].as_u64().unwrap(), "{left}");
    report
}

/// Both languages are made of the same file, have the same figures, and ask nobody for anything.
fn its_pages(desk: &Desk<'_>, report: &Value) {
    for (lang, page) in [("zh", "zh.html"), ("en", "en.html")] {
        let made = run(["report", "page", &desk.path("report-zh.json"), "--lang", lang, "--output", &desk.path(page)]);
        assert_eq!(made.code, Some(0), "{}", made.err);
    }
    let (zh, en) = (desk.read("zh.html"), desk.read("en.html"));
    for page in [&zh, &en] {
        assert!(page.ends_with("</html>\n") && page.matches("<h2 ").count() == 19, "19 sections");
        for foreign in ["<script", "http:", "https:", "<link", "url(", "<img"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
    // How much of the log stands on the coordinator's word alone is said at the beginning.
    let log = &report["integrity"];
    let seen = log["witnesses"].as_array().unwrap().iter().map(|witness| witness["entries"].as_u64().unwrap()).max();
    let open = log["entries"].as_u64().unwrap() - seen.unwrap();
    assert!(en.contains(&format!("that no branch has cosigned: {open} (")), "{open}");
    assert!(zh.contains(&format!("见证签名的记录 {open} 条")), "{open}");
    assert!(zh.contains("差分隐私") && zh.contains("隐私预算") && zh.contains("默克尔树") && zh.contains("双人复核"));
    assert_eq!(english(&zh, report), Vec::<String>::new());
    assert!(english(&en, report).len() > 100, "the other page is English");
    // Levels are those of the standard.
    assert!(zh.contains("2级（个人信息）") && en.contains("level 2 (personal)"));
    let figures = numbers(&en);
    assert!(figures.len() > 20, "{figures:?}");
    assert_eq!(numbers(&zh), figures);
    // No page has a figure that the file does not have, and no epsilon of the file is left out of a page.
    let mut all = Vec::new();
    leaves(report, &mut all);
    let same = |one: &str, other: &str| {
        let decimals = one.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        one == other || other.parse::<f64>().is_ok_and(|other| format!("{other:.decimals$}") == one)
    };
    // Fewer decimals than four have the numbers of laws, versions and sections.
    let is_of_file = |figure: &&String| figure.split_once('.').is_some_and(|(_, decimals)| decimals.len() >= 4);
    let measured: Vec<&String> = figures.iter().filter(is_of_file).collect();
    assert!(measured.len() > 20, "{measured:?}");
    for figure in measured {
        assert!(all.iter().any(|known| same(figure, known)), "{figure} is not in the file");
    }
    for name in ["epsilon_released", "epsilon_charged", "epsilon_run", "epsilon", "closing"] {
        let mut said = Vec::new();
        named(report, name, &mut said);
        let missing: Vec<&String> =
            said.iter().filter(|said| !figures.iter().any(|figure| same(figure, said))).collect();
        assert!(missing.is_empty() && !said.is_empty(), "{name}: {missing:?}");
    }
    // Whole numbers as well stand in both languages as often, in whatever order a sentence has them.
    assert_eq!(counts(&zh), counts(&en));
}

/// The whole numbers of a page, ascending. Chinese writes out the articles of laws and the levels of protection, so that those of English are left out.
fn counts(page: &str) -> Vec<u64> {
    let text = text_of(page).replace("&#39;", "'").replace("MLPS level 3", "");
    let mut parts = text.split(" article");
    let first = parts.next().unwrap_or_default().to_owned();
    let others = parts.map(|part| part.trim_start_matches(|one: char| one.is_ascii_digit() || "s, and".contains(one)));
    let text = others.fold(first, |text, part| text + " " + part);
    let words = text.split(|character: char| !character.is_ascii_digit());
    let mut counts: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
    counts.sort_unstable();
    counts
}

fn who_checks_it(desk: &Desk<'_>, key: &str) {
    let journal = desk.path("coordinator/state/audit.log");
    let good = desk.verify("report-zh.json", &["--key", key, "--journal", &journal]);
    assert_eq!(good.code, Some(0), "{} {}", good.out, good.err);
    assert!(good.out.starts_with("verified  ") && !good.out.contains("not compared"), "{}", good.out);
    in_part(desk, key);
    let unnamed = desk.verify("report-zh.json", &[]);
    assert_eq!(unnamed.code, Some(2), "{}", unnamed.out);
    assert!(unnamed.out.contains("--key"), "{}", unnamed.out);
    let other = desk.path("branches/branch-000/owner.pub");
    assert_eq!(desk.verify("report-zh.json", &["--key", &other]).code, Some(3));
    assert_eq!(desk.verify("nothing.json", &["--key", key]).code, Some(4));
    let none = desk.verify("report-zh.json", &["--key", &desk.path("report-zh.json")]);
    assert_eq!(none.code, Some(4), "{}", none.out);
    let text = desk.read("report-zh.json");
    let committed = |text: &str| text.replacen("\"rounds_committed\": ", "\"rounds_committed\": 1", 1);
    let spaced = |text: &str| text.replacen("{\n", "{ \n", 1);
    let more = |text: &str| text.replacen("\"digest\"", "\"checked\": true,\n  \"digest\"", 1);
    let short = |text: &str| text.get(..text.len() / 2).unwrap().to_owned();
    for (code, change) in [
        (1, &committed as &dyn Fn(&str) -> String),
        (1, &spaced),
        (4, &more),
        (4, &short),
        (4, &|_: &str| String::new()),
        (4, &|text: &str| text.replace("\"format\": 1", "\"format\": 2")),
    ] {
        let changed = change(&text);
        assert_ne!(changed, text);
        fs::write(desk.0.join("changed.json"), changed).unwrap();
        let found = desk.verify("changed.json", &["--key", key]);
        assert_eq!(found.code, Some(code), "{}", found.out);
    }
    // Another federation's journal, and one that was changed since.
    let mut bytes = fs::read(&journal).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(desk.0.join("other.log"), bytes).unwrap();
    let found = desk.verify("report-zh.json", &["--key", key, "--journal", &desk.path("other.log")]);
    assert_eq!(found.code, Some(1), "{}", found.out);
    assert!(found.out.contains("not in order"), "{}", found.out);
}

/// The journal alone: what cannot be compared is named, and the strict miss it.
fn in_part(desk: &Desk<'_>, key: &str) {
    let whole = desk.path("coordinator/state/audit.log");
    assert_eq!(desk.verify("report-zh.json", &["--key", key, "--journal", &whole, "--strict"]).code, Some(0));
    fs::create_dir(desk.0.join("alone")).unwrap();
    let alone = desk.path("alone/audit.log");
    fs::copy(&whole, &alone).unwrap();
    let asked = ["--key", key, "--journal", &alone];
    let found = desk.verify("report-zh.json", &asked);
    assert_eq!(found.code, Some(0), "{} {}", found.out, found.err);
    assert!(found.out.starts_with("verified in part  ") && found.out.contains("\n  not compared: "), "{}", found.out);
    let strict = desk.verify("report-zh.json", &[&asked[..], &["--strict"]].concat());
    assert!(strict.code == Some(2) && strict.out.starts_with("NOT verified  "), "{}", strict.out);
    let object = desk.verify("report-zh.json", &[&asked[..], &["--json"]].concat()).json();
    let parts: Vec<&str> =
        object["compared"]["not"].as_array().unwrap().iter().map(|one| one["part"].as_str().unwrap()).collect();
    for part in ["processing", "integrity", "models"] {
        assert!(parts.contains(&part), "{object}");
    }
    let named = &object["compared"]["not"][0]["missing"][0];
    assert!(named.as_str().unwrap().starts_with("plans/"), "{object}");
    desk.verify("report-zh.json", &["--strict"]).assert_refused(64, &["--journal"]);
}

/// A period before the first run has nothing in it, and the same question has the same bytes.
fn other_periods(desk: &Desk<'_>, report: &Value) {
    let asked = ["--from", report["from"].as_str().unwrap(), "--to", report["to"].as_str().unwrap()];
    let again = [&asked[..], &["--preset", "yearly"]].concat();
    assert_eq!(desk.report(&again, "again.json").code, Some(0));
    assert_eq!(desk.read("again.json"), desk.read("report-zh.json"));
    assert_eq!(desk.report(&["--from", "2020-01-01", "--to", "2020-12-31"], "before.json").code, Some(0));
    let before: Value = serde_json::from_str(&desk.read("before.json")).unwrap();
    assert_eq!(
        (&before["report"]["summary"]["runs"], &before["report"]["summary"]["decisions"]),
        (&0.into(), &0.into())
    );
    assert_eq!(desk.report(&[&asked[..], &["--scope", "purpose:another"]].concat(), "another.json").code, Some(0));
    let another: Value = serde_json::from_str(&desk.read("another.json")).unwrap();
    assert_eq!(another["report"]["summary"]["runs"], 0);
    // What a branch's customers were charged does not depend on what is looked at.
    assert_eq!(another["report"]["spending"], report["spending"]);
}

fn what_is_refused(desk: &Desk<'_>) {
    desk.report(&["--preset", "yearly"], "report-zh.json").assert_refused(1, &["exists", "nothing is replaced"]);
    desk.report(&["--from", "2026-02-02", "--to", "2026-02-01"], "no.json").assert_refused(64, &["--from"]);
    desk.report(&[], "no.json").assert_refused(64, &["--from", "--preset"]);
    desk.report(&["--preset", "daily"], "no.json").assert_refused(64, &["yearly"]);
    desk.report(&["--preset", "leak", "--scope", "branch:1"], "no.json").assert_refused(64, &["purpose:NAME"]);
    desk.report(&["--preset", "leak"], "no.html").assert_refused(64, &[".html"]);
    assert!(!desk.0.join("no.json").exists());
}
