//! How `tributary demo` ends: a month at work, with lists, exports and pages that hold what they must.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tributary_protocol::digest::Digest;

use crate::demo::{only_run, verified};
use crate::reports::{english, numbers};
use crate::support::{Finished, run, typed_in};

/// What nobody asks for is learnt in stages, both labels in one plan, and measured under privacy.
fn demo(dir: &Path, size: [&str; 3], more: &[&str]) -> Finished {
    let [customers, rounds, epsilon] = size;
    let words =
        ["demo", "--branches", "8", "--customers-per-branch", customers, "--rounds", rounds, "--epsilon", epsilon];
    let words = words.iter().chain(more).chain(&["--dir"]).map(Path::new);
    let finished = run(words.chain([dir]));
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    finished
}

/// What a command of the registry prints with `--json`.
fn registry(dir: &Path, words: &[&str]) -> Value {
    let config = dir.join("coordinator/coordinator.toml");
    let words = ["model"].iter().chain(words).chain(&["--json", "--config"]).map(Path::new);
    run(words.chain([config.as_path()])).json()
}

fn pages(dir: &Path) -> [String; 2] {
    ["report.html", "report.zh.html"].map(|page| fs::read_to_string(dir.join(page)).unwrap())
}

/// So few customers and rounds leave nothing but noise.
#[test]
fn a_model_that_does_not_hold_its_gates_goes_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    let figures = demo(&dir, ["200", "4", "1"], &["--json"]).json();
    let epsilon = figures["epsilon"].as_f64().unwrap();
    assert!(epsilon > 0.5 && epsilon <= 1.0, "{epsilon}");
    for key in ["labels", "labels_under_privacy"] {
        let lines = figures[key].as_array().unwrap().iter();
        let names: Vec<&str> = lines.map(|line| line["label"].as_str().unwrap()).collect();
        assert_eq!(names, ["churn", "deposit_propensity"], "{key}");
    }
    let of_rows = &figures["labels"][0];
    for key in ["auc", "ks", "lift_10", "ece"] {
        assert!(of_rows[key].as_f64().is_some(), "{key}: {of_rows}");
    }
    let verdict = only_run(&verified(["verify", "ledger"], &dir.join("coordinator/state/audit.log")));
    let kinds: Vec<_> = verdict["stages"].as_array().unwrap().iter().map(|stage| stage["kind"].clone()).collect();
    assert_eq!(kinds, ["count", "labels", "staged", "staged", "evaluate"]);
    assert_eq!(figures["report"].as_str().unwrap(), dir.join("report.html").display().to_string());

    let month = &figures["month"];
    assert_eq!(
        (&month["champion"], &month["lists"], &month["exports"]),
        (&false.into(), &Value::Array(Vec::new()), &Value::Array(Vec::new()))
    );
    assert!(month["gates"].as_array().unwrap().iter().any(|gate| gate["holds"] == false), "{month}");
    let models = registry(&dir, &["list"]);
    assert_eq!((&models["models"][0]["model"], &models["models"][0]["state"]), (&month["model"], &"candidate".into()));
    assert!(dir.join("month/gates.report").is_file() && !dir.join("branches/branch-000/scores.csv").exists());
    let [english, chinese] = pages(&dir);
    assert!(
        english.contains("<html lang=\"en\">")
            && english.contains("FAILS")
            && english.contains("nobody can promote it")
    );
    assert!(chinese.contains("<html lang=\"zh-CN\">") && chinese.contains("未通过"));
    assert!([english, chinese].iter().all(|page| page.contains("churn") && !page.contains("src=")));
}

/// A branch's table, by the customer: bytes, because one of the branches writes GB18030.
fn table(path: PathBuf) -> BTreeMap<String, Vec<Vec<u8>>> {
    let bytes = fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    let lines = bytes.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty());
    let values = lines.map(|line| line.split(|byte| *byte == b',').map(<[u8]>::to_vec).collect::<Vec<_>>());
    values.map(|values| (String::from_utf8(values[0].clone()).unwrap(), values)).collect()
}

/// The customers of a kept list, by their lines.
fn listed(branch: &Path) -> BTreeSet<String> {
    let list = fs::read_to_string(branch.join("lists/list-000001.csv")).unwrap();
    list.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect()
}

/// What a compliance officer reads is Chinese but for names, commands and what people wrote.
fn in_chinese(dir: &Path) {
    let output = dir.join("month/compliance.json");
    let words = "report compliance --config @coordinator/coordinator.toml --preset yearly --lang zh --output @month/";
    assert_eq!(typed_in(dir, &format!("{words}compliance.json")).code, Some(0));
    let report: Value = serde_json::from_slice(&fs::read(output).unwrap()).unwrap();
    let page = fs::read_to_string(dir.join("month/compliance.html")).unwrap();
    assert_eq!(english(&page, &report), Vec::<String>::new());
    // A list is told by its share, stages in words, and what each of two signatures of one person is for.
    for part in ["提升度，得分最高的 1% 客户", ": 模型评估", "声明, bank/e3", "门槛报告, bank/e3", "文件的 SHA-256"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("lift_"));
    let figures = report["report"]["models"][0]["figures"].as_array().unwrap();
    assert!(figures.iter().any(|line| line["group"].is_string()), "women and men are compared");
    assert!(!page.contains("未对客户群体进行比较"));
    let customers = figures.iter().find(|line| line["figure"] == "customers").unwrap();
    assert!(customers["value"].as_str().unwrap().bytes().all(|byte| byte.is_ascii_digit()), "{customers}");
    let card: Value = serde_json::from_slice(&fs::read(dir.join("month/card.json")).unwrap()).unwrap();
    let page = fs::read_to_string(dir.join("month/card.zh.html")).unwrap();
    assert_eq!(english(&page, &card), Vec::<String>::new());
}

/// Both languages of a page have the same figures, in the same order. Lines of lists alone are those of a branch whose language it is.
fn with_the_same_figures(dir: &Path) {
    for language in ["en", "zh"] {
        let words = format!("client sent --config @branches/branch-000/client.toml --lang {language} --html");
        assert_eq!(typed_in(dir, &format!("{words} @month/sent.{language}.html")).code, Some(0));
    }
    let customers: BTreeSet<String> = ["branch-000", "branch-002"]
        .into_iter()
        .flat_map(|branch| listed(&dir.join("branches").join(branch)))
        .collect();
    for [english, chinese] in [
        ["report.html", "report.zh.html"],
        ["month/card.html", "month/card.zh.html"],
        ["month/scorecard.html", "month/scorecard.zh.html"],
        ["month/sent.en.html", "month/sent.zh.html"],
    ] {
        let [one, other] = [english, chinese].map(|page| {
            let page = fs::read_to_string(dir.join(page)).unwrap();
            let rows =
                page.split("<tr>").filter(|row| !customers.iter().any(|customer| row.contains(customer.as_str())));
            rows.collect::<Vec<_>>().join("<tr>")
        });
        assert!(numbers(&other) == numbers(&one), "{english} {chinese}: {:?}", numbers(&one));
        assert!(one.contains("<html lang=\"en\">") && other.contains("<html lang=\"zh-CN\">"), "{english} {chinese}");
        let whole = |page: &str| page.matches(|one: char| one.is_ascii_digit()).count();
        assert!(whole(&one) > 100, "{english}");
    }
    assert!(numbers(&fs::read_to_string(dir.join("month/scorecard.html")).unwrap()).len() > 50);
}

/// The model's card in every form, and a month's evidence without a gap.
fn papers(dir: &Path, model: &str) {
    let typed = |line: &str, code: i32| {
        let finished = typed_in(dir, line);
        assert_eq!(finished.code, Some(code), "{line}: {} {}", finished.out, finished.err);
        finished
    };
    typed("verify ledger --strict @coordinator/state/audit.log --authority @authority/authorities", 0);
    let bundle = "verify audit --strict --json @audit-bundle.trib --authority @authority/authorities";
    let audited = typed(bundle, 0).json();
    let registry = &audited["journal"]["registry"];
    assert_eq!((&registry["cards_recomputed"], &audited["not_verified"]), (&1.into(), &serde_json::json!([])));

    // The page is made from the card alone, and says the same in both languages.
    let bytes = fs::read(dir.join("month/card.json")).unwrap();
    let card: Value = serde_json::from_slice(&bytes).unwrap();
    let card = &card["paper"];
    assert_eq!((&card["model"], &card["fields"]["importance"]), (&model.into(), &"measured".into()), "{card}");
    assert!(card["figures"].as_array().unwrap().iter().any(|line| line["figure"] == "auc"), "{card}");
    for (page, language) in [("card.html", "en"), ("card.zh.html", "zh")] {
        let page = fs::read_to_string(dir.join("month").join(page)).unwrap();
        typed(&format!("report page @month/card.json --lang {language} --output @month/again.{language}.html"), 0);
        assert_eq!(fs::read_to_string(dir.join(format!("month/again.{language}.html"))).unwrap(), page);
        let epsilon = card["privacy"]["epsilon"].as_str().unwrap();
        assert!(page.contains(model) && page.contains(epsilon) && !page.contains("src="), "{language}");
    }

    in_chinese(dir);

    // Verified beside the bundle: the model's own card, one that was changed, and another model's.
    let beside = format!("verify model @audit-bundle.trib --model {model} --authority @authority/authorities --card ");
    typed(&format!("{beside}@month/card.json"), 0);
    let text = String::from_utf8(bytes).unwrap();
    fs::write(dir.join("month/changed.json"), text.replace("\"materiality\": \"", "\"materiality\": \"x")).unwrap();
    assert!(typed(&format!("{beside}@month/changed.json"), 1).out.contains("not the card"));
    typed("report page @month/changed.json --output @month/changed.html", 1);

    // A validator computes all of it again, on own rows as well, and signs the draft.
    let replicate = format!(
        "validate replicate @audit-bundle.trib --model {model} --authority @authority/authorities --gates @month/gates.report --table @data/branch-000.held-out.csv --out @month/draft.json --json"
    );
    let replicated = typed(&replicate, 0).json();
    let draft = &replicated["draft"];
    assert_eq!((&replicated["follows"], &draft["open"]), (&true.into(), &serde_json::json!([])), "{replicated}");
    let same = draft["same"].as_array().unwrap();
    assert!(same.iter().any(|line| line.as_str().unwrap().ends_with("figures of the report on the gates")), "{draft}");
    assert!(replicated["own"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains(" auc ")));
    let kept = fs::read_to_string(dir.join("month/draft.json")).unwrap();
    assert!(
        !kept.contains("within the interval") && !kept.contains("outside of"),
        "own rows leave nothing in the draft"
    );
    let made = typed(
        &format!("model gates {model} --config @coordinator/coordinator.toml --out @month/again.report --json"),
        0,
    );
    let digest = made.json()["report"].as_str().unwrap().to_owned();
    let sign = "model validate @month/again.report --draft @month/draft.json --person @people/e3 --authorities @authority/authorities";
    typed(&format!("{sign} --confirm {digest}"), 0);

    // The evaluation in five parts, of that report and of the one of the last statement; its page from its JSON alone.
    let evaluate =
        format!("report evaluation --config @coordinator/coordinator.toml --model {model} --lang zh --output @month/");
    let evaluated = typed(&format!("{evaluate}evaluation.json --json --gates @month/again.report"), 0).json();
    assert_eq!(
        (&evaluated["verdict"], &evaluated["why"]),
        (&"usable-with-conditions".into(), &serde_json::json!(["no-attacks"]))
    );
    typed(&format!("{evaluate}other.json"), 0);
    typed("report page @month/evaluation.json --lang zh --output @month/again.html", 0);
    let page = fs::read_to_string(dir.join("month/evaluation.html")).unwrap();
    assert_eq!(fs::read_to_string(dir.join("month/again.html")).unwrap(), page);
    for part in [
        "一、评估背景",
        "二、评估对象",
        "三、评估方法",
        "四、评估结果",
        "五、评估结论",
        model,
        "replicated from the bundle",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("src="));
}

#[test]
fn the_demo_ends_with_a_month_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    let figures = demo(&dir, ["1500", "40", "8"], &["--json"]).json();
    let month = &figures["month"];
    assert_eq!(month["champion"], true, "{month}");
    let models = registry(&dir, &["list"]);
    assert_eq!((&models["models"][0]["model"], &models["models"][0]["state"]), (&month["model"], &"champion".into()));
    let copies = registry(&dir, &["copies", month["model"].as_str().unwrap()]);
    assert!(copies["copies"].as_array().unwrap().iter().all(|copy| copy["state"] == "kept"), "{copies}");
    verified(["verify", "ledger"], &dir.join("coordinator/state/audit.log"));
    papers(&dir, month["model"].as_str().unwrap());
    with_the_same_figures(&dir);

    // The month counts labels by field: the scorecard has weights of evidence beside its bins.
    let model = month["model"].as_str().unwrap();
    let card = typed_in(&dir, &format!("model scorecard {model} --lang en --config @coordinator/coordinator.toml")).out;
    assert!(card.contains("weight of evidence") && card.contains("information value"), "{card}");
    assert!(!card.contains("No weights of evidence") && !card.contains("counted by other bins"), "{card}");

    // Nobody who is barred is in a list; everybody else is counted once; the bank's system has what its word says.
    let lists = month["lists"].as_array().unwrap();
    let names: Vec<&str> = lists.iter().map(|list| list["branch"].as_str().unwrap()).collect();
    assert_eq!(names, ["branch-000", "branch-001", "branch-002"]);
    let english: [&[u8]; 3] = [b"no", b"marketing", b"high"];
    let chinese: [&[u8]; 3] = [b"\xb7\xf1", b"\xd3\xaa\xcf\xfa", b"\xb8\xdf"];
    for (list, [wants_calls, agreed, high]) in lists.iter().zip([english, english, chinese]) {
        let branch = dir.join("branches").join(list["branch"].as_str().unwrap());
        let (attributes, contacts) = (table(branch.join("attributes.csv")), table(branch.join("contacts.csv")));
        let (hidden, listed) = (table(branch.join("confidential.csv")), listed(&branch));
        let refusals = attributes.values().filter(|row| row[1] != wants_calls).count();
        assert!(refusals > 0 && !contacts.is_empty() && hidden.len() == 5);
        assert_eq!(list["left_out"]["opted_out"], refusals, "{list}");
        for customer in &listed {
            let row = &attributes[customer];
            assert!(row[1] == wants_calls && row[2] == agreed && row[3] != high && row[4] != b"C1", "{customer}");
            assert!(!contacts.contains_key(customer) && !hidden.contains_key(customer), "{customer}");
        }
        let left_out: u64 = list["left_out"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(
            (list["lines"].as_u64(), list["customers"].as_u64()),
            (Some(listed.len() as u64), Some(attributes.len() as u64))
        );
        assert_eq!(left_out + listed.len() as u64, attributes.len() as u64);
        assert!(!listed.is_empty() && list["left_out"]["held_out"].as_u64() > Some(0), "{list}");
        let delivered = fs::read(list["file"].as_str().unwrap()).unwrap();
        assert_eq!(list["sha256"], Digest::of(&delivered).to_string());
        assert!(PathBuf::from(list["reply"].as_str().unwrap()).is_file());
        let config = branch.join("client.toml");
        let shown = ["client", "list", "show", "1", "--json", "--config"].map(Path::new);
        let shown = run(shown.into_iter().chain([config.as_path()])).json();
        let summary = &shown["summary"];
        assert_eq!((&summary["stage"], &summary["batch"]), (&"accepted".into(), &1.into()), "{shown}");
        assert_eq!(shown["left_out"], list["left_out"], "the manual's words");
    }

    // What was exported is what the register says, for whom and until when.
    let exports = month["exports"].as_array().unwrap();
    let register = registry(&dir, &["exports"]);
    assert_eq!((exports.len(), register["exports"].as_array().unwrap().len()), (4, 4));
    for (export, record) in exports.iter().zip(register["exports"].as_array().unwrap()) {
        let file = fs::read(export["path"].as_str().unwrap()).unwrap();
        assert_eq!((&record["digest"], &export["digest"]), (&Digest::of(&file).to_string().into(), &record["digest"]));
        assert_eq!(
            (&record["model"], &record["void"], &record["expired"]),
            (&month["model"], &false.into(), &false.into())
        );
        assert!(
            !record["recipient"].as_str().unwrap().is_empty()
                && record["valid_until"].as_u64() > record["made_at"].as_u64()
        );
    }

    // Both pages show all of it, and nothing of the rule of which nobody is told. Their links lead somewhere.
    for page in pages(&dir) {
        let shown = |text: &Value| page.contains(text.as_str().unwrap());
        assert!(lists.iter().all(|list| shown(&list["sha256"])
            && page.contains(&format!("<td class=\"n k\">{}</td>", list["left_out"]["opted_out"]))));
        assert!(exports.iter().all(|export| shown(&export["digest"]) && shown(&export["recipient"])));
        assert!(!["confidential", "保密", "suppress"].iter().any(|word| page.contains(word)), "{page}");
        let links: Vec<&str> = page
            .split("href=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .filter(|link| !link.starts_with('#'))
            .collect();
        assert!(links.len() == 6 && links.iter().all(|link| dir.join(link).is_file()), "{links:?}");
    }
    let [english, chinese] = pages(&dir);
    let first = |branch: &str| {
        listed(&dir.join("branches").join(branch))
            .into_iter()
            .filter(|one| english.contains(one.as_str()) || chinese.contains(one.as_str()))
            .count()
    };
    assert_eq!((first("branch-000"), first("branch-001"), first("branch-002")), (5, 0, 5));
    // Whoever wants to do the same finds every command, with who types it.
    let commands = fs::read_to_string(dir.join("month/commands.txt")).unwrap();
    for part in [
        "# the model validator\ntributary model validate ",
        "# branch-002: risk control\ntributary client list approve 1 ",
    ] {
        assert!(commands.contains(part), "{part}: {commands}");
    }
}
