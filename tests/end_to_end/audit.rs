//! An auditor's work over a whole federation's evidence: docs/COMPLIANCE.md, command by command, and what an operator who lies gets for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tributary_protocol::log::{Entries, LOG_HEADER, SignedCheckpoint};

use crate::demo::demo;
use crate::support::{Finished, run};

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    /// A demo that is over.
    fn new() -> Self {
        let case = Self { folder: tempfile::tempdir().unwrap() };
        let finished = demo(&case.path("demo"), &["--json"]);
        assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
        assert!(finished.err.contains("tributary verify audit "), "{}", finished.err);
        case.code(
            "tributary verify audit demo/audit-bundle.trib --authority demo/authority/authorities",
            case.intact(),
        );
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// Types a line of the manual. Its files are those of the demo.
    fn typed(&self, line: &str) -> Finished {
        let files = ["demo/", "audit-bundle", "copy/", "card.", "attacks.", "evaluation.", "draft."];
        let word = |word: &str| match files.iter().any(|file| word.starts_with(file)) {
            true => self.path(word).display().to_string(),
            false => word.to_owned(),
        };
        run(line.split_whitespace().skip(1).map(word))
    }

    /// The code of a bundle in order: without checkpoints in the coordinator's folder nobody else vouches for the journal.
    fn intact(&self) -> i32 {
        if self.path("demo/coordinator/state/checkpoints/coordinator.key").exists() { 0 } else { 2 }
    }

    fn code(&self, line: &str, expected: i32) -> Finished {
        let finished = self.typed(line);
        assert_eq!(finished.code, Some(expected), "{line}: {} {}", finished.out, finished.err);
        finished
    }
}

const EXPORT: &str = "tributary audit export --config demo/coordinator/coordinator.toml --from 2020-01-01 --to 2099-12-31 --output audit-bundle.trib";
const VERIFY: &str = "tributary verify audit audit-bundle.trib --authority demo/authority/authorities";

/// The lines of the manual, so that a change of one is a change of this test.
fn manual(line: &str) -> &str {
    assert!(include_str!("../../docs/COMPLIANCE.md").contains(line), "{line} is not in docs/COMPLIANCE.md");
    line
}

#[test]
fn from_a_demo_to_a_verified_bundle() {
    let case = Case::new();
    let exported = case.code(manual(EXPORT), 0);
    assert!(exported.out.contains("digest ") && exported.out.contains("1 run;"), "{}", exported.out);
    let digest = fs::read_to_string(case.path("audit-bundle.trib.digest")).unwrap();
    assert!(exported.out.contains(digest.trim()));
    case.code(EXPORT, 1);

    // What it says: every sum from its uploads, every model from its sums.
    let intact = case.code(&format!("{} --json", manual(VERIFY)), case.intact()).json();
    let missing = intact["missing"].as_array().unwrap().len();
    assert_eq!((missing, &intact["faults"]), (usize::from(case.intact() > 0), &serde_json::json!([])), "{intact}");
    // Branches that leave after a run cosign its end first: nothing is left that the strict would miss.
    assert_eq!(intact["not_verified"], serde_json::json!([]), "{intact}");
    case.code(&format!("{VERIFY} --strict"), case.intact());
    assert_eq!((&intact["sums_verified"], &intact["grants"]["uncovered"]), (&4.into(), &0.into()), "{intact}");
    assert!(intact["models_verified"].as_u64() >= Some(5) && intact["signatures"].as_u64() > Some(60), "{intact}");
    assert_eq!(intact["bundle"], digest.trim());
    let people = case.code(VERIFY, case.intact());
    assert!(people.out.starts_with("IN") && people.out.contains("4 sums from the uploads"), "{}", people.out);

    // The auditor's days, and what a branch holds of the journal: its own checkpoint, and one of a journal that is another one.
    let days = "tributary verify audit audit-bundle.trib --from 2020-01-01 --to 2099-12-31 --authority demo/authority/authorities";
    let asked = case.code(&format!("{} --json", manual(days)), case.intact()).json();
    assert_eq!(asked["asked"], serde_json::json!(["2020-01-01", "2099-12-31"]), "{asked}");
    let held = "tributary verify audit audit-bundle.trib --checkpoint demo/branches/branch-000/state/checkpoints/newest --authority demo/authority/authorities";
    let shown = case.code(manual(held), case.intact());
    assert!(shown.out.contains("is of this journal"), "{}", shown.out);
    let note = fs::read_to_string(case.path("demo/branches/branch-000/state/checkpoints/newest")).unwrap();
    fs::write(case.path("copy.note"), note.replacen('\n', "x\n", 1)).unwrap();
    case.code(&held.replace("demo/branches/branch-000/state/checkpoints/newest", "demo/../copy.note"), 1);

    // Whose it is must be said by somebody else.
    case.code("tributary verify audit audit-bundle.trib", 2);
    let fingerprint = intact["federation"].as_str().unwrap();
    case.code(&format!("tributary verify audit audit-bundle.trib --authority {fingerprint}"), case.intact());
    let other = "0".repeat(64);
    case.code(&format!("tributary verify audit audit-bundle.trib --authority {other}"), 3);

    // A model, back to the uploads.
    let model = intact["journal"]["registry"]["each"][0]["model"].as_str().unwrap().to_owned();
    let of_model = "tributary verify model audit-bundle.trib --model DIGEST --authority demo/authority/authorities";
    let shown = case.code(&manual(of_model).replace("DIGEST", &model), case.intact());
    assert!(shown.out.contains("follows from its sums"), "{}", shown.out);
    case.code(manual("tributary verify model audit-bundle.trib --authority demo/authority/authorities"), 2);
    let parameters = case.path("demo/coordinator/state/registry").join(&model).join("parameters");
    let with = |file: &Path| format!("{} --parameters {}", of_model.replace("DIGEST", &model), file.display());
    case.code(&with(&parameters), case.intact());
    case.code(&with(&case.path("audit-bundle.trib.digest")), 1);

    // Its card: the very file that the journal names, and a page of it.
    for line in [
        "tributary model card DIGEST --config demo/coordinator/coordinator.toml --out card.json",
        "tributary verify model audit-bundle.trib --model DIGEST --card card.json --authority demo/authority/authorities",
        "tributary report page card.json --lang zh --output card.html",
    ] {
        case.code(&manual(line).replace("DIGEST", &model), if line.contains("verify") { case.intact() } else { 0 });
    }
    let page = fs::read_to_string(case.path("card.html")).unwrap();
    assert!(page.contains("模型卡") && page.contains(&model) && !page.contains("src="));

    // Attacks on it, as a validator runs and signs them, and an evaluation of all that is known.
    let typed = |line: &str, more: &str| case.code(&format!("{}{more}", manual(line).replace("DIGEST", &model)), 0);
    let made = typed("tributary redteam run --bundle audit-bundle.trib --model DIGEST --authority demo/authority/authorities --data demo/data --rows invented --runs 2 --references 2 --trials 200 --out attacks.json", " --json").json();
    let confirm = format!(" --confirm {}", made["digest"].as_str().unwrap());
    typed(
        "tributary redteam sign attacks.json --person demo/people/e3 --authorities demo/authority/authorities",
        &confirm,
    );
    typed("tributary report page attacks.json --lang zh --output attacks.html", "");
    typed("tributary redteam install attacks.json --config demo/coordinator/coordinator.toml", "");
    let evaluated = typed("tributary report evaluation --config demo/coordinator/coordinator.toml --model DIGEST --lang zh --output evaluation.json", " --json").json();
    assert_eq!(
        (&evaluated["verdict"], &evaluated["why"][0]),
        (&"not-validated".into(), &"no-report".into()),
        "{evaluated}"
    );
    // The plan evaluates nothing, so that is what a validator cannot compute again.
    let replicate = manual(
        "tributary validate replicate audit-bundle.trib --model DIGEST --authority demo/authority/authorities --out draft.json",
    );
    let replicated = case.code(&format!("{} --json", replicate.replace("DIGEST", &model)), 2).json();
    assert!(replicated["draft"]["same"][0].as_str().unwrap().starts_with("4 of 4 sums"), "{replicated}");
    assert!(replicated["draft"]["open"][0].as_str().unwrap().starts_with("the figures"), "{replicated}");

    // A branch finds what it sent.
    let plan = intact["journal"]["runs"][0]["plan"].as_str().unwrap();
    let proof = "tributary client proof --config demo/branches/branch-000/client.toml --run DIGEST/1 --round 1 --bundle audit-bundle.trib --authority demo/authority/authorities";
    let proof = manual(proof).replace("DIGEST", plan);
    let shown = case.code(&proof, case.intact());
    assert!(shown.out.contains("is in the sum") && shown.out.contains("recomputed from them"), "{}", shown.out);
    assert_eq!(case.code(&format!("{proof} --json"), case.intact()).json()["in_sum"], true);
    case.code(&proof.replace("--round 1", "--round 99"), 1);

    // A bundle of one run: verified as ever, and nothing is said of what is not in it.
    let of_run = manual(
        "tributary audit export --config demo/coordinator/coordinator.toml --from 2020-01-01 --to 2099-12-31 --run DIGEST/1 --output audit-bundle-run.trib",
    );
    case.code(&of_run.replace("DIGEST/1", &format!("{plan}/2")), 1);
    case.code(&of_run.replace("DIGEST", plan), 0);
    let line = manual("tributary verify audit audit-bundle-run.trib --authority demo/authority/authorities");
    let part = case.code(&format!("{line} --json"), case.intact()).json();
    case.code(&format!("{line} --strict"), case.intact());
    assert_eq!((&part["sums_verified"], &part["faults"]), (&intact["sums_verified"], &intact["faults"]), "{part}");
    assert_eq!(part["journal"]["root"], intact["journal"]["root"], "the same journal");
    assert!(part["part"].as_str().unwrap().contains(plan), "{part}");
    case.code(&proof.replace("audit-bundle.trib", "audit-bundle-run.trib"), case.intact());
    // Nothing in it shows that the federation's own ledger is there to its end, so it does not say what a model is today.
    let of_part = of_model.replace("DIGEST", &model).replace("audit-bundle.trib", "audit-bundle-run.trib");
    let shown = case.code(&of_part, 2);
    assert!(shown.out.contains("withdrawn since"), "{}", shown.out);

    // A validator tests the model of such a bundle as of any other.
    let of_run = |line: &str| line.replace("DIGEST", &model).replace("audit-bundle.trib", "audit-bundle-run.trib");
    case.code(&of_run(replicate).replace("draft.json", "draft.part"), 2);
    case.code(&of_run("tributary redteam run --bundle audit-bundle.trib --model DIGEST --authority demo/authority/authorities --data demo/data --rows invented --runs 2 --references 2 --trials 100 --out attacks.part"), 0);

    // A file beside the bundle that names another one, and a bundle that was changed or cut.
    fs::write(case.path("audit-bundle.trib.digest"), format!("{other}\n")).unwrap();
    case.code(VERIFY, 1);
    // Nor is it passed over where it is no text, or a pipe that nobody writes to. Nobody waits for such a pipe.
    fs::write(case.path("audit-bundle.trib.digest"), [0xff]).unwrap();
    case.code(VERIFY, 1);
    fs::remove_file(case.path("audit-bundle.trib.digest")).unwrap();
    let pipe = |name: &str| assert!(Command::new("mkfifo").arg(case.path(name)).status().unwrap().success());
    pipe("audit-bundle.trib.digest");
    case.code(VERIFY, 1);
    fs::remove_file(case.path("audit-bundle.trib.digest")).unwrap();
    pipe("audit-bundle.pipe");
    for kind in ["audit", "model", "ledger", "statement", "report", "incident"] {
        case.code(&format!("tributary verify {kind} audit-bundle.pipe"), 4);
    }
    case.code("tributary report page audit-bundle.pipe --lang en --output audit-bundle.html", 1);
    let bytes = fs::read(case.path("audit-bundle.trib")).unwrap();
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    fs::write(case.path("audit-bundle.trib"), &changed).unwrap();
    case.code(VERIFY, 1);
    fs::write(case.path("audit-bundle.trib"), &bytes[..bytes.len() / 2]).unwrap();
    case.code(VERIFY, 4);

    // The folder is judged by the same code.
    let strict =
        "tributary verify ledger --strict demo/coordinator/state/audit.log --authority demo/authority/authorities";
    assert!(case.code(strict, 0).out.contains("models   5 computed again"));
    let rounds = case.path("demo/coordinator/state/rounds");
    let kept = fs::read_dir(&rounds).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(&kept).unwrap();
    case.code(strict, 1);
    // Files were removed: the export says which.
    fs::remove_file(case.path("audit-bundle.trib")).unwrap();
    case.code(EXPORT, 0);
    let lacking = case.code(VERIFY, 2);
    assert!(lacking.out.contains("MISSING  uploads or sums of run 1"), "{}", lacking.out);
    // A journal that is shorter than a checkpoint beside it is nobody's evidence.
    let state = case.path("demo/coordinator/state");
    let journal = fs::read(state.join("audit.log")).unwrap();
    let newest = SignedCheckpoint::parse(&fs::read(state.join("checkpoints/newest")).unwrap()).unwrap();
    let last = usize::try_from(newest.checkpoint().size - 1).unwrap();
    let end = Entries::new(&journal).nth(last).unwrap().offset;
    fs::write(state.join("audit.log"), LOG_HEADER).unwrap();
    let cut = case.code("tributary verify ledger demo/coordinator/state/audit.log", 1);
    assert!(cut.out.contains("the journal has 0 entries"), "{} {}", cut.out, cut.err);
    fs::write(state.join("audit.log"), &journal[..usize::try_from(end).unwrap()]).unwrap();
    let cut = case.code(&EXPORT.replace("bundle.trib", "bundle-cut.trib"), 1);
    assert!(cut.err.contains("entries were cut off"), "{} {}", cut.out, cut.err);
    assert!(!case.path("audit-bundle-cut.trib").exists());
    let cut = case.code("tributary verify ledger demo/coordinator/state/audit.log", 1);
    assert!(cut.out.contains("entries were cut off"), "{} {}", cut.out, cut.err);
    fs::write(state.join("audit.log"), &journal).unwrap();
    // Of other days nothing is kept here, and nothing is missing.
    fs::remove_file(case.path("audit-bundle.trib")).unwrap();
    let early = EXPORT.replace("2020-01-01", "2019-01-01").replace("2099-12-31", "2019-12-31");
    case.code(&early, 1);
}
