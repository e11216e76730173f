//! Attacks on a released model: run, signed by a model validator, carried to the coordinator, in its log, in reports and bundles.

use std::fs;

use serde_json::Value;

use crate::demo::demo;
use crate::federation::Federation;
use crate::support::{Finished, typed_in};

struct Case {
    dir: std::path::PathBuf,
}

impl Case {
    fn typed(&self, line: &str) -> Finished {
        typed_in(&self.dir, line)
    }

    fn done(&self, line: &str) -> Finished {
        let finished = self.typed(line);
        assert_eq!(finished.code, Some(0), "{line}: {} {}", finished.out, finished.err);
        finished
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.dir.join(name)).unwrap()).unwrap()
    }

    fn export(&self, name: &str) {
        self.done(&format!(
            "audit export --config @coordinator/coordinator.toml --from 2020-01-01 --to 2099-12-31 --output @{name}"
        ));
    }
}

#[test]
fn a_model_is_attacked_and_an_alarm_ends_its_use() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &["--epsilon", "8"]).code, Some(0));
    let case = Case { dir: dir.clone() };
    let list = case.done("model list --json --config @coordinator/coordinator.toml").json();
    let model = list["models"][0]["model"].as_str().unwrap().to_owned();
    let whose = "--authority @authority/authorities";
    let attack = format!(
        "redteam run --bundle @audit-bundle.trib {whose} --model {model} --data @data --rows invented --runs 2 --references 2 --trials 200 --json --out"
    );
    let other = attack.replace(&model, &"0".repeat(64));
    case.typed(&format!("{other} @none.json")).assert_refused(1, &["0 models of the bundle"]);
    let made = case.done(&format!("{attack} @attacks.json")).json();
    let found = &made["findings"];
    assert_eq!(
        (&found["model"], &found["alarm"], &found["rows"]["branches"]),
        (&model.as_str().into(), &false.into(), &8.into())
    );
    for part in ["membership", "canary", "reconstruction", "spread"] {
        assert!(found[part].is_object(), "{part}: {found}");
    }
    assert!(found["poisoning"].as_array().unwrap().len() >= 3, "{found}");
    let number = |text: &Value| text.as_str().unwrap().parse::<f64>().unwrap();
    assert!(number(&found["canary"]["epsilon_low"]) <= number(&found["claimed"]), "{found}");
    assert!(number(&found["reconstruction"]["exact_without_noise"]["value"]) > 0.5, "{found}");

    // Nobody but a model validator signs it, and what was changed is not signed.
    let digest = made["digest"].as_str().unwrap();
    let sign = |person: &str, file: &str, digest: &str| {
        case.typed(&format!(
            "redteam sign @{file} --person @people/{person} --authorities @authority/authorities --confirm {digest} --out @{person}-{file}"
        ))
    };
    let text = fs::read_to_string(dir.join("attacks.json")).unwrap();
    fs::write(dir.join("changed.json"), text.replacen("\"runs\": 2", "\"runs\": 3", 1)).unwrap();
    sign("e3", "changed.json", digest).assert_refused(1, &["changed after it was made"]);
    case.typed("redteam install @attacks.json --config @coordinator/coordinator.toml")
        .assert_refused(1, &["nobody has signed"]);
    assert_eq!(sign("e1", "attacks.json", digest).code, Some(0));
    case.typed("redteam install @e1-attacks.json --config @coordinator/coordinator.toml")
        .assert_refused(1, &["signature does not count"]);
    assert_eq!(sign("e3", "attacks.json", digest).code, Some(0));

    // An alarm that a validator signs, as if the noise had been forgotten.
    let mut alarming = case.read("attacks.json");
    let claimed = number(&alarming["findings"]["claimed"]);
    alarming["findings"]["canary"]["epsilon_low"] = format!("{:.6}", claimed + 1.0).into();
    alarming["findings"]["alarm"] = true.into();
    let findings: tributary_evidence::attacks::Attacks = serde_json::from_value(alarming["findings"].clone()).unwrap();
    let alarming = tributary_evidence::attacks::AttacksFile::new(findings);
    fs::write(dir.join("alarm.json"), alarming.to_json()).unwrap();
    assert_eq!(sign("e3", "alarm.json", alarming.digest()).code, Some(0));

    // A larger claim would hide that alarm. Nobody installs it; and whoever carries it by hand, under its own name or another one, changes nothing.
    let mut hiding = alarming.findings.clone();
    hiding.claimed = Some(format!("{:.6}", claimed + 5.0));
    hiding.alarm = false;
    let hiding = tributary_evidence::attacks::AttacksFile::new(hiding);
    fs::write(dir.join("hiding.json"), hiding.to_json()).unwrap();
    assert_eq!(sign("e3", "hiding.json", hiding.digest()).code, Some(0));
    case.typed("redteam install @e3-hiding.json --config @coordinator/coordinator.toml")
        .assert_refused(1, &["another epsilon than its plan claims"]);
    // A file of a stranger is refused, and makes no page fail.
    let mut strange = hiding.findings.clone();
    strange.model = "\u{20ac}".repeat(20);
    let strange = tributary_evidence::attacks::AttacksFile::new(strange);
    fs::write(dir.join("strange.json"), strange.to_json()).unwrap();
    sign("e3", "strange.json", strange.digest()).assert_refused(1, &["no digest"]);
    case.typed("report page @strange.json --output @strange.html").assert_refused(1, &[]);

    // The coordinator takes both, and lets nobody use the model any more.
    let mut federation = Federation::serving(folder, dir.clone(), |_, text| text.to_owned());
    federation.kill_and_restart();
    for (file, alarm) in [("e3-attacks.json", false), ("e3-alarm.json", true)] {
        case.done(&format!("redteam install @{file} --config @coordinator/coordinator.toml"));
        let said = federation.until("model_attacked");
        assert_eq!((&said["model"], &said["alarm"]), (&model.as_str().into(), &alarm.into()), "{said}");
        case.typed(&format!("redteam install @{file} --config @coordinator/coordinator.toml"))
            .assert_refused(1, &["has it already"]);
        let gates = format!("model gates {model} --config @coordinator/coordinator.toml --out @{file}.gates");
        match alarm {
            false => _ = case.done(&gates),
            true => case.typed(&gates).assert_refused(1, &["larger epsilon", "withdrawn"]),
        }
        let folder = dir.join("coordinator/state/attacks");
        fs::copy(dir.join("e3-hiding.json"), folder.join(format!("{}.json", hiding.digest()))).unwrap();
        fs::copy(dir.join("e3-alarm.json"), folder.join("other.json")).unwrap();
    }
    federation.kill_and_restart();

    // A bundle holds both, and a report shows them in both languages.
    case.export("later.trib");
    case.done(&format!("verify audit @later.trib {whose}"));
    let alarmed = case.typed(&format!("verify model @later.trib {whose} --model {model}"));
    assert_eq!(alarmed.code, Some(2), "{} {}", alarmed.out, alarmed.err);
    assert!(
        alarmed.out.contains("larger epsilon than its plan claims") && alarmed.out.contains("ALARM"),
        "{}",
        alarmed.out
    );
    let replicated =
        case.typed(&format!("validate replicate @later.trib {whose} --model {model} --out @draft.json --json"));
    assert_eq!(replicated.code, Some(2), "{} {}", replicated.out, replicated.err);
    assert!(replicated.json()["draft"]["open"].to_string().contains("larger epsilon"), "{}", replicated.out);
    for (language, word) in [("en", "ALARM"), ("zh", "警报")] {
        case.done(&format!(
            "report compliance --config @coordinator/coordinator.toml --preset yearly --lang {language} --output @report.{language}.json"
        ));
        let page = fs::read_to_string(dir.join(format!("report.{language}.html"))).unwrap();
        let low = found["canary"]["epsilon_low"].as_str().unwrap();
        assert!(page.contains(word) && page.contains(low), "{language}");
        case.done(&format!("report page @e3-attacks.json --lang {language} --output @attacks.{language}.html"));
        let page = fs::read_to_string(dir.join(format!("attacks.{language}.html"))).unwrap();
        // Two hundred trials cannot show more than 2.9, and the plan claims 8.
        let [powerless, signer] = match language {
            "zh" => ["试验次数过少", "签名须随审计日志验证"],
            _ => ["that says nothing", "verified with the journal"],
        };
        assert!(page.contains(powerless) && page.contains(signer), "{language}");
        assert!(page.contains(&model) && page.contains(low) && !page.contains("src="), "{language}");
    }
    let attacks = case.read("report.en.json")["report"]["models"][0]["attacks"].clone();
    assert_eq!((attacks.as_array().unwrap().len(), &attacks[1]["alarm"]), (2, &true.into()), "{attacks}");
    // A report that is gone is missing for the strict, and one that was exchanged is a fault.
    let kept = dir.join(format!("coordinator/state/attacks/{}.json", alarming.digest()));
    let signed = fs::read(&kept).unwrap();
    fs::write(&kept, text.as_bytes()).unwrap();
    let refused = case.typed("verify ledger @coordinator/state/audit.log");
    assert!(refused.code == Some(1) && refused.out.contains("attacks/"), "{} {}", refused.out, refused.err);
    fs::remove_file(&kept).unwrap();
    case.done("verify ledger @coordinator/state/audit.log");
    let strict = "verify ledger --strict @coordinator/state/audit.log --authority @authority/authorities";
    assert_eq!(case.typed(strict).code, Some(1));
    fs::write(&kept, signed).unwrap();
    case.done(strict);
}
