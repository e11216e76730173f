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
