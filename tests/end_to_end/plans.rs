//! A plan as two people type it: each sees it in words, on a machine of its own, and says which one is meant before it is signed.

use std::fs;
use std::path::Path;

use crate::support::{Finished, run};

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// A built plan of the sample, a list of authorities, and two people.
    fn set() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        done(run(["certs", "init", "--authority", &desk.path("ca"), "--trust-domain", "bank.test"]));
        for (staff, folder) in [("north-bank/e1", "owner"), ("north-bank/e2", "officer")] {
            done(run(["certs", "person", "request", "--staff", staff, "--out", &desk.path(folder)]));
        }
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/samples/schemas/bank_full.toml");
        fs::copy(schema, desk.path("schema.toml")).unwrap();
        done(run(["plan", "new", &desk.path("")]));
        done(run(["plan", "build", &desk.path("plan.toml"), "--out", &desk.path("plan")]));
        desk
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn sign(&self, turn: &str, person: &str, more: &[&str]) -> Finished {
        let (plan, person, list) = (self.path("plan"), self.path(person), self.path("ca/authorities"));
        let words = ["plan", turn, &plan, "--person", &person, "--authorities", &list];
        run(words.iter().chain(more))
    }
}

fn done(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    finished.out
}

#[test]
fn two_people_sign_a_plan_that_each_was_shown() {
    let desk = Desk::set();
    let show = || run(["plan", "show", "--json", &desk.path("plan")]).json();
    let digest = show()["plan"]["digest"].as_str().unwrap().to_owned();
    let built = fs::read(desk.path("plan")).unwrap();

    // Shown, and not signed: nobody says that it was read.
    let unseen = desk.sign("propose", "owner", &[]);
    assert!(unseen.out.contains("propose-plan by north-bank/e1 as plan-owner"), "{}", unseen.out);
    unseen.assert_refused(1, &["nothing is signed", "no terminal", "--confirm"]);
    desk.sign("propose", "owner", &["--confirm", &"0".repeat(64)])
        .assert_refused(1, &["nothing is signed", "is not the digest of this plan", &digest]);
    desk.sign("propose", "owner", &["--confirm", &digest[..8]]).assert_refused(64, &["64 hexadecimal digits"]);
    desk.sign("approve", "officer", &["--confirm", &digest]).assert_refused(1, &["nobody has put this plan forward"]);
    assert_eq!(fs::read(desk.path("plan")).unwrap(), built);

    let said = desk.sign("propose", "owner", &["--json", "--confirm", &digest]).json();
    assert_eq!((&said["action"], &said["role"]), (&"propose-plan".into(), &"plan-owner".into()));
    // Its author is told why, and not about roles.
    let own = desk.sign("approve", "owner", &["--confirm", &digest]);
    own.assert_refused(1, &["north-bank/e1 put this plan forward, and another person must approve it"]);
    done(desk.sign("approve", "officer", &["--confirm", &digest]));
    let signatures = show()["signatures"].as_array().unwrap().clone();
    let signed = signatures.iter().map(|one| ["action", "staff", "role"].map(|key| one[key].as_str().unwrap()));
    let expected =
        [["propose-plan", "north-bank/e1", "plan-owner"], ["approve-plan", "north-bank/e2", "privacy-officer"]];
    assert!(signed.eq(expected), "{signatures:?}");
}

/// Whoever looks at a plan sees of each field what it is, what it is for and why it is needed; and of a schema that is not the plan's nothing.
#[test]
fn a_plan_is_shown_judged_and_signed_with_the_fields_of_its_schema() {
    let desk = Desk::set();
    let schema = desk.path("schema.toml");
    let text = fs::read_to_string(&schema).unwrap();
    let audited =
        text.replace("name = \"marital\"", "name = \"marital\"\nuse = \"audit\"\nnecessity = \"fair to all\"");
    fs::write(&schema, &audited).unwrap();
    fs::remove_file(desk.path("plan")).unwrap();
    done(run(["plan", "build", &desk.path("plan.toml"), "--out", &desk.path("plan")]));
    let of = |word: &str, more: &[&str]| run(["plan", word, &desk.path("plan")].iter().chain(more));

    let blind = done(of("show", &[]));
    assert!(blind.contains("fields, levels and uses: not shown; give the plan's schema (--schema FILE)"), "{blind}");
    assert!(done(of("lint", &[])).contains("ask    plan.schema: nobody gave the schema here"));
    let shown = done(of("show", &["--schema", &schema]));
    for line in [
        "  needed: \"work, household and earlier contact",
        "  field age: column \"age\", a number from 18 to 98",
        "a missing value is an error; class C2, level 3 (sensitive)\n",
        "  field marital: never learned from, and for audits alone: column \"marital\", ",
        "level 2 (personal); needed: \"fair to all\"\n",
        "  highest level: level 3 (sensitive); digest of the inputs: ",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    let json = of("show", &["--json", "--schema", &schema]).json();
    assert_eq!((&json["schema"]["level_max"], &json["schema"]["audits"][0]), (&3.into(), &"marital".into()));
    for lint in [done(of("lint", &["--schema", &schema])), done(run(["plan", "lint", &desk.path("plan.toml")]))] {
        assert!(lint.contains("for audits alone, and never learned from: marital;"), "{lint}");
        assert!(!lint.contains("plan.schema"), "{lint}");
    }

    let other = desk.path("other.toml");
    fs::write(&other, &text).unwrap();
    of("show", &["--schema", &other]).assert_refused(1, &["give the plan's own schema"]);
    assert_eq!(of("lint", &["--schema", &other]).code, Some(1));
    let digest = json["plan"]["digest"].as_str().unwrap();
    desk.sign("propose", "owner", &["--schema", &other, "--confirm", digest])
        .assert_refused(1, &["judge the plan by its own schema"]);
    let signed = done(desk.sign("propose", "owner", &["--schema", &schema, "--confirm", digest]));
    assert!(signed.contains("  field marital: never learned from, and for audits alone"), "{signed}");

    fs::write(desk.path("schema.toml"), audited.replacen("\"L3\"", "\"L4\"\nnecessity = \"debts\"", 1)).unwrap();
    run(["plan", "lint", &desk.path("plan.toml")])
        .assert_refused(2, &["charter.materiality", "level 4 (severe): default", "materiality = \"high\""]);
    fs::write(desk.path("schema.toml"), audited.replacen("\"L3\"", "\"L5\"", 1)).unwrap();
    run(["plan", "lint", &desk.path("plan.toml")])
        .assert_refused(2, &["fields[5] default.level", "take the field out"]);
}

/// Each of them once was another way to say what the action and the folder say.
#[test]
fn there_is_one_way_to_sign_a_plan() {
    run(["sign", "plan", "--as", "propose"]).assert_refused(64, &["unrecognized subcommand"]);
    let said = done(run(["plan", "propose", "--help"]));
    assert!(said.contains("--person") && said.contains("--authorities"), "{said}");
    for other in ["--key", "--staff", "--role", "--federation"] {
        assert!(!said.contains(other), "{other}");
    }
}
