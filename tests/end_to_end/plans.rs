//! A plan as two people type it: each sees it in words, on a machine of its own, and says which one is meant before it is signed.

use std::fs;
use std::path::Path;

use crate::support::{Finished, run, sign_roster};

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
    desk.sign("approve", "officer", &["--confirm", &digest]).assert_refused(1, &["nobody has put this forward"]);
    assert_eq!(fs::read(desk.path("plan")).unwrap(), built);

    let said = desk.sign("propose", "owner", &["--json", "--confirm", &digest]).json();
    assert_eq!((&said["action"], &said["role"]), (&"propose-plan".into(), &"plan-owner".into()));
    // Its author is told why, and not about roles.
    let own = desk.sign("approve", "owner", &["--confirm", &digest]);
    own.assert_refused(1, &["north-bank/e1 put this forward, and another person must judge it"]);
    done(desk.sign("approve", "officer", &["--confirm", &digest]));
    let signatures = show()["signatures"].as_array().unwrap().clone();
    let signed = signatures.iter().map(|one| ["action", "staff", "role"].map(|key| one[key].as_str().unwrap()));
    let expected =
        [["propose-plan", "north-bank/e1", "plan-owner"], ["approve-plan", "north-bank/e2", "privacy-officer"]];
    assert!(signed.eq(expected), "{signatures:?}");
}

/// A privacy officer says no, and the file says so from then on.
#[test]
fn a_plan_that_was_rejected_says_so_and_is_signed_no_more() {
    let desk = Desk::set();
    let show = || run(["plan", "show", "--json", &desk.path("plan")]).json();
    let digest = show()["plan"]["digest"].as_str().unwrap().to_owned();
    assert_eq!(show()["rejected"], serde_json::Value::Null);
    let why = "the assessment does not name the account movements";
    let confirm = ["--confirm", &digest];
    let reject = |who: &str, reason: &str, confirm: &[&str]| {
        desk.sign("reject", who, &[&["--reason", reason], confirm].concat())
    };
    reject("officer", why, &confirm).assert_refused(1, &["nobody has put this forward"]);
    done(desk.sign("propose", "owner", &confirm));
    reject("owner", why, &confirm).assert_refused(1, &["another person must judge it"]);
    reject("officer", "two\nlines", &confirm).assert_refused(1, &["a reason is one line"]);
    let unseen = reject("officer", why, &[]);
    assert!(unseen.out.contains(why) && unseen.out.contains("reject-plan by north-bank/e2 as privacy-officer"));
    unseen.assert_refused(1, &["nothing is signed", "--confirm"]);
    desk.sign("reject", "officer", &confirm).assert_refused(64, &["--reason"]);

    let said = reject("officer", why, &[&confirm[..], &["--json"]].concat()).json();
    assert_eq!((&said["action"], &said["reason"]), (&"reject-plan".into(), &why.into()));
    assert_eq!(show()["rejected"], why);
    let told = done(run(["plan", "show", &desk.path("plan")]));
    assert!(told.starts_with(&format!("REJECTED by north-bank/e2 (privacy-officer): {why}\n")), "{told}");
    let lint = run(["plan", "lint", &desk.path("plan")]);
    assert!(lint.code == Some(1) && lint.out.contains(why), "{} {}", lint.out, lint.err);
    let before = fs::read(desk.path("plan")).unwrap();
    desk.sign("approve", "officer", &confirm)
        .assert_refused(1, &["north-bank/e2 has rejected this plan", "fresh file"]);
    reject("officer", "again", &confirm).assert_refused(1, &["has rejected this plan"]);
    assert_eq!(fs::read(desk.path("plan")).unwrap(), before);
}

/// A year of spending is signed as a plan is, counts by the roster, and says whether a plan fits it.
#[test]
fn two_people_sign_a_year_and_a_plan_is_compared_with_it() {
    let desk = Desk::set();
    let (ca, year) = (desk.path("ca"), desk.path("year"));
    fs::write(desk.path("year.toml"), include_str!("../../docs/samples/year.toml")).unwrap();
    let by_year = |words: &[&str]| run(["plan", "year"].iter().chain(words));
    let outlook = by_year(&["lint", &desk.path("year.toml"), "--json"]).json();
    let digest = outlook["digest"].as_str().unwrap().to_owned();
    done(by_year(&["build", &desk.path("year.toml"), "--out", &year]));
    assert_eq!(by_year(&["lint", &year, "--json"]).json(), outlook, "the file holds the same year");
    let list = format!("{ca}/authorities");
    let sign = |turn: &str, person: &str, more: &[&str]| {
        by_year(&[&[turn, &year, "--person", &desk.path(person), "--authorities", &list], more].concat())
    };
    sign("approve", "officer", &["--confirm", &digest]).assert_refused(1, &["nobody has put this forward"]);
    let unseen = sign("propose", "owner", &[]);
    assert!(unseen.out.contains("churn: epsilon 1 a run, 1 each month from 2027-01 to 2029-12"), "{}", unseen.out);
    unseen.assert_refused(1, &["nothing is signed", "--confirm"]);
    sign("propose", "owner", &["--confirm", &"0".repeat(64)]).assert_refused(1, &["is not the digest of this year"]);
    done(sign("propose", "owner", &["--confirm", &digest]));
    sign("approve", "owner", &["--confirm", &digest]).assert_refused(1, &["another person must judge it"]);

    // A plan under a year that one person signed alone.
    let toml = fs::read_to_string(desk.path("plan.toml")).unwrap();
    let named = format!("organisation = 1\nyear = \"{digest}\"\nyear_kind = \"churn\"\n");
    fs::write(desk.path("plan.toml"), toml.replacen("organisation = 1\n", &named, 1)).unwrap();
    fs::remove_file(desk.path("plan")).unwrap();
    done(run(["plan", "build", &desk.path("plan.toml"), "--out", &desk.path("plan")]));
    let lint = || run(["plan", "lint", &desk.path("plan"), "--year", &year]);
    assert!(lint().code == Some(1) && lint().out.contains("two people have not signed the year"), "{}", lint().out);
    let said = sign("approve", "officer", &["--confirm", &digest, "--json"]).json();
    assert_eq!((&said["action"], &said["year"]), (&"approve-year".into(), &digest.as_str().into()));
    done(lint());
    let plan =
        run(["plan", "show", "--json", &desk.path("plan")]).json()["plan"]["digest"].as_str().unwrap().to_owned();
    done(desk.sign("propose", "owner", &["--confirm", &plan]));
    let confirm = ["--confirm", &plan];
    let under = |more: &[&str]| desk.sign("approve", "officer", &[&confirm[..], more].concat());
    under(&[]).assert_refused(1, &["runs under the year", "--year"]);
    under(&["--year", &year]).assert_refused(1, &["nobody has verified the signatures of the year", "--roster"]);

    // The signatures count by a roster that has both in their roles, and not before; and so does the plan's approval under it.
    let judged = |roster: &str| by_year(&["show", &year, "--roster", roster, "--authorities", &list, "--json"]);
    let out = desk.path("branch");
    let issue = ["issue", "client", "--authority", &ca, "--organisation", "north-bank", "--id", "b1", "--out", &out];
    done(run(["certs"].iter().chain(&issue)));
    let grant = |folder: &str, role: &str| {
        let request = format!("{}/person.request", desk.path(folder));
        done(run([
            "certs",
            "role",
            "grant",
            "--authority",
            &ca,
            "--request",
            &request,
            "--role",
            role,
            "--by",
            "dora",
        ]));
    };
    grant("owner", "plan-owner");
    sign_roster(Path::new(&ca), &[Path::new(&ca)]);
    let roster = format!("{ca}/roster");
    let refused = judged(&roster);
    let why = refused.json();
    assert_eq!((refused.code, &why["approved"]), (Some(1), &false.into()));
    assert!(why["why_not"].as_str().unwrap().contains("its approval does not count"), "{why}");
    let beside = ["--year", &year, "--roster", &roster];
    under(&beside).assert_refused(1, &["nothing is signed", "is not approved", "its approval does not count"]);
    grant("officer", "privacy-officer");
    sign_roster(Path::new(&ca), &[Path::new(&ca)]);
    let counted = judged(&roster);
    assert_eq!((counted.code, &counted.json()["approved"]), (Some(0), &true.into()));
    let shown = under(&beside);
    let fits = format!(
        "Against the year {digest}: epsilon of a run and runs by month fit it; its signatures count by this roster"
    );
    // Everything that a lint asks is asked before the signature as well.
    for line in [
        &*fits,
        "the year gives churn: epsilon 1 a run",
        "ask    plan.upload_offset_ms: nobody has said",
        "ask    plan.schema: ",
    ] {
        assert!(shown.out.contains(line), "{line} in {}", shown.out);
    }
    done(shown);
}

/// An order that ends a plan says which one, and nothing is signed before that was confirmed.
#[test]
fn an_abort_names_its_plan_and_is_confirmed() {
    let desk = Desk::set();
    let (plan, list, out) = (desk.path("plan"), desk.path("ca/authorities"), desk.path("end.order"));
    let digest = run(["plan", "show", "--json", &plan]).json()["plan"]["digest"].as_str().unwrap().to_owned();
    let abort = |plan: &str, role: &str, more: &[&str]| {
        let officer = desk.path("officer");
        let words =
            ["order", "abort", plan, "--person", &officer, "--role", role, "--authorities", &list, "--out", &out];
        run(words.iter().chain(more))
    };
    abort(&plan, "platform-operator", &["--confirm", &digest]).assert_refused(1, &["may not sign abort-plan"]);
    abort(&plan, "privacy-officer", &[])
        .assert_refused(1, &["nothing is signed", "Nothing lets it go on", "--confirm"]);
    abort(&plan, "privacy-officer", &["--confirm", &"0".repeat(64)])
        .assert_refused(1, &["is not the digest of this plan"]);
    assert!(!Path::new(&out).exists());
    let said = abort(&plan, "privacy-officer", &["--confirm", &digest, "--json"]).json();
    assert_eq!((&said["action"], &said["subject"]), (&"abort-plan".into(), &digest.as_str().into()));
    assert!(fs::read_to_string(&out).unwrap().contains(&format!("attestation abort-plan subject {digest}")));
    // By its digest as well, and into the coordinator's state.
    fs::remove_file(&out).unwrap();
    done(abort(&digest, "privacy-officer", &["--confirm", &digest]));
    done(run(["order", "install", &out, "--state", &desk.path("state")]));
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
