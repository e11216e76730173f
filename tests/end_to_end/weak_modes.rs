//! The modes `branch` and `none`: what is shipped has no part in them, and a program that was built with the feature has.

use std::fs;
use std::path::Path;

use tributary_model::weak_modes::Build;
use tributary_planning::PlanFile;
use tributary_protocol::plan::PrivacyMode;
use tributary_storage::files::Existing;

use crate::support::{Finished, run};

#[cfg(feature = "weak-modes")]
#[test]
fn a_branch_can_be_protected_as_a_whole() {
    crate::demo::in_mode("branch");
}

#[cfg(feature = "weak-modes")]
#[test]
fn a_perceptron_without_noise_trains_too() {
    crate::demo::a_perceptron(&["--privacy", "none"], "privacy   none");
}

#[cfg(not(feature = "weak-modes"))]
#[test]
fn the_demo_of_what_is_shipped_offers_no_weak_mode() {
    for mode in ["branch", "none"] {
        let words = ["demo", "--privacy", mode];
        run(words).assert_refused(64, &["invalid value", "[possible values: customer, local]"]);
    }
}

fn done(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    finished.out
}

/// Everybody may read such a plan, and its first line says what it is. What this executable does with it follows from how it was built.
#[test]
fn a_plan_in_a_weak_mode_is_built_judged_and_signed_on_purpose_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/samples/schemas/bank_full.toml");
    fs::copy(schema, path("schema.toml")).unwrap();
    done(run(["plan", "new", &path("")]));
    done(run(["plan", "build", &path("plan.toml"), "--out", &path("strong")]));
    let text = fs::read_to_string(path("plan.toml")).unwrap();
    fs::write(path("plan.toml"), text.replace("privacy = \"customer\"", "privacy = \"branch\"")).unwrap();
    let built = run(["plan", "build", &path("plan.toml"), "--out", &path("weak")]);
    let is_shipped = Build::THIS == Build::SHIPPED;
    if is_shipped {
        built.assert_refused(2, &["plan.privacy", "mode is \"branch\"", "has no part in the plan", "weak-modes"]);
        run(["plan", "lint", &path("plan.toml")]).assert_refused(2, &["plan.privacy"]);
        // As if another program had built it.
        let mut file = PlanFile::read(path("strong").as_ref()).unwrap();
        file.plan.privacy = PrivacyMode::Branch;
        file.write(path("weak").as_ref(), Existing::Keep).unwrap();
    } else {
        done(built);
    }
    assert!(done(run(["plan", "show", &path("weak")])).starts_with("MODE BRANCH: "));
    let against = done(run(["plan", "diff", &path("strong"), &path("weak")]));
    assert!(against.starts_with("after: MODE BRANCH: "), "{against}");
    let lint = run(["plan", "lint", &path("weak")]);
    assert_eq!((lint.code, lint.out.contains("FAULT  plan.privacy: ")), (Some(i32::from(is_shipped)), is_shipped));
    assert!(lint.out.starts_with("MODE BRANCH: "), "{}", lint.out);

    done(run(["certs", "init", "--authority", &path("ca"), "--trust-domain", "bank.test"]));
    done(run(["certs", "person", "request", "--staff", "north-bank/e1", "--out", &path("owner")]));
    let shown = run(["plan", "show", "--json", &path("weak")]).json();
    let digest = shown["plan"]["digest"].as_str().unwrap();
    let (plan, person, list) = (path("weak"), path("owner"), path("ca/authorities"));
    let words = ["plan", "propose", &plan, "--person", &person, "--authorities", &list, "--confirm", digest];
    let signed = run(words);
    if is_shipped {
        signed.assert_refused(1, &["nothing was signed", "mode is \"branch\"", "weak-modes"]);
    } else {
        assert!(done(signed).starts_with("MODE BRANCH: "));
    }
}
