//! People as they and the office type them: keys made on their own machines, roles given, shown, signed offline and put in force. And a thief of the
//! office's whole folder.

use std::fs;
use std::path::Path;

use crate::support::{Finished, run};

const HOLDERS: [&str; 3] = ["anna", "ben", "carla"];

struct Bank {
    folder: tempfile::TempDir,
}

impl Bank {
    /// An authority with three holders in three folders, and two branches.
    fn founded() -> Self {
        let bank = Self { folder: tempfile::tempdir().unwrap() };
        let (ca, usb) = (bank.path("ca"), bank.path("usb"));
        let holders = HOLDERS.map(|name| bank.path(name));
        let init = ["init", "--authority", &ca, "--trust-domain", "bank.test", "--offline", &usb, "--needed", "2"];
        let holders = holders.iter().flat_map(|holder| ["--holder", holder]);
        done(bank.certs(&init.into_iter().chain(holders).collect::<Vec<_>>()));
        for (organisation, id) in [("north-bank", "b1"), ("south-bank", "b2")] {
            let out = bank.path(id);
            done(bank.certs(&[
                "issue",
                "client",
                "--authority",
                &ca,
                "--organisation",
                organisation,
                "--id",
                id,
                "--out",
                &out,
            ]));
        }
        bank
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn certs(&self, words: &[&str]) -> Finished {
        run(["certs"].iter().chain(words))
    }

    /// A key on a person's own machine; the fingerprint that the person reads aloud.
    fn request(&self, staff: &str, folder: &str, more: &[&str]) -> String {
        let out = self.path(folder);
        let said = done(self.certs(&[&["person", "request", "--staff", staff, "--out", &out], more].concat()));
        let kept = fs::read_to_string(Path::new(&out).join("fingerprint")).unwrap();
        let fingerprint = said.lines().find_map(|line| line.strip_prefix("fingerprint ")).unwrap();
        assert_eq!(kept.trim(), fingerprint);
        fingerprint.to_owned()
    }

    fn role(&self, words: &[&str]) -> Finished {
        self.certs(&[&["role", words[0], "--authority", &self.path("ca")], &words[1..]].concat())
    }

    fn grant(&self, folder: &str, role: &str, more: &[&str]) -> Finished {
        let request = self.path(&format!("{folder}/person.request"));
        self.role(&[&["grant", "--request", &request, "--role", role, "--by", "dora"], more].concat())
    }

    fn roster(&self, words: &[&str]) -> Finished {
        self.certs(&[&["roster"], words].concat())
    }

    /// The next roster is proposed; what a holder is shown, for people and for programs.
    fn shown(&self, first: bool) -> (String, serde_json::Value) {
        let (ca, proposal, last) = (self.path("ca"), self.path("proposal"), self.path("ca/roster"));
        done(self.roster(&["propose", "--authority", &ca, "--out", &proposal]));
        let before = if first { "--first" } else { &last };
        let json = self.roster(&["diff", "--json", before, &proposal]).json();
        (done(self.roster(&["diff", before, &proposal])), json)
    }

    /// Two holders who have compared what they were shown sign it.
    fn sign(&self, json: &serde_json::Value, first: bool) -> String {
        let (ca, proposal) = (self.path("ca"), self.path("proposal"));
        let digest = json["digest"].as_str().unwrap();
        for (turn, holder) in [("sign", "anna"), ("countersign", "ben")] {
            let keys = self.path(holder);
            let mut words = vec![turn, &proposal, "--keys", &keys, "--confirm", digest];
            if first {
                words.push("--first");
            }
            done(self.roster(&words));
        }
        done(self.roster(&["install", &proposal, "--authority", &ca]))
    }

    fn in_force(&self) -> String {
        let list = self.path("carla/authorities");
        done(self.roster(&["show", &self.path("ca/roster"), "--authorities", &list]))
    }
}

fn done(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    finished.out
}

#[test]
fn a_person_asks_an_office_gives_and_two_holders_make_the_role() {
    let bank = Bank::founded();
    let owner = bank.request("north-bank/e1", "owner", &[]);
    let officer = bank.request("north-bank/e2", "officer", &[]);
    bank.certs(&["person", "request", "--staff", "north-bank/e2", "--out", &bank.path("officer")])
        .assert_refused(1, &["exists already", "not replaced"]);
    bank.certs(&["person", "request", "--staff", "e3", "--out", &bank.path("x")])
        .assert_refused(64, &["ORGANISATION/NUMBER"]);

    let told = done(bank.grant("owner", "plan-owner", &[]));
    assert!(told.contains("north-bank/e1: plan-owner, scope federation") && told.contains(&owner), "{told}");
    done(bank.grant("officer", "privacy-officer", &["--from", "2027-01-31", "--days", "366"]));
    // What no roster may have is refused when it is typed.
    bank.role(&["grant", "--staff", "north-bank/e1", "--role", "privacy-officer"])
        .assert_refused(1, &["north-bank/e1 would be plan-owner and privacy-officer", "to another person"]);
    bank.grant("officer", "auditor", &["--days", "367"]).assert_refused(1, &["longer than 366 days", "renew it then"]);
    bank.grant("officer", "branch-owner", &["--scope", "organisation:west-bank"]).assert_refused(1, &["west-bank"]);
    bank.role(&["grant", "--role", "auditor"]).assert_refused(64, &["--request"]);
    bank.role(&["grant", "--staff", "north-bank/e7", "--role", "auditor"])
        .assert_refused(1, &["has no role here", "--request"]);
    let deputy = |staff, principal, until| {
        let words = ["deputy", "--staff", staff, "--role", "privacy-officer", "--for", principal];
        bank.role(&[&words[..], &["--from", "2027-07-01", "--until", until]].concat())
    };
    bank.request("south-bank/e3", "deputy", &[]);
    done(bank.grant("deputy", "auditor", &[]));
    deputy("south-bank/e3", "north-bank/e1", "2027-07-31").assert_refused(1, &["does not hold that role in person"]);
    deputy("south-bank/e3", "north-bank/e2", "2029-07-31").assert_refused(1, &["within that time alone"]);
    deputy("north-bank/e1", "north-bank/e2", "2027-07-31")
        .assert_refused(1, &["would be plan-owner and privacy-officer"]);
    deputy("south-bank/e3", "north-bank/e2", "2027-02-30").assert_refused(64, &["YEAR-MONTH-DAY"]);
    done(deputy("south-bank/e3", "north-bank/e2", "2027-07-31"));
    // A certificate makes no role, and there is none.
    assert_eq!(bank.certs(&["issue", "person", "--authority", &bank.path("ca")]).code, Some(64));

    let listed = bank.role(&["list", "--json"]).json();
    let states: Vec<_> =
        listed["roles"].as_array().unwrap().iter().map(|role| role["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["next-roster"; 4]);

    let (text, json) = bank.shown(true);
    assert!(
        text.contains(
            "PEOPLE WITH ROLES THAT MAY APPROVE, NEW OR FOR LONGER: of plans, budgets or the use of data (2)"
        ),
        "{text}"
    );
    assert!(
        text.contains(&format!("+ north-bank/e2\n      fingerprint {officer}")) && text.contains("given by dora"),
        "{text}"
    );
    assert!(text.contains("privacy-officer as deputy of north-bank/e2, scope federation, from 2027-07-01 00:00 UTC until 2027-07-31 23:59 UTC"));
    assert_eq!(
        (&json["people"][0]["staff"], &json["people"][0]["after"]["fingerprint"]),
        (&"north-bank/e2".into(), &officer.clone().into())
    );
    let proposal = bank.path("proposal");
    bank.roster(&["sign", &proposal, "--keys", &bank.path("anna"), "--first"])
        .assert_refused(1, &["nothing is signed", "Compare each fingerprint", "--confirm"]);
    let installed = bank.sign(&json, true);
    assert!(installed.contains("roster 1 of 2 clients and 3 people with 2 signatures is in force"), "{installed}");
    let shown = bank.in_force();
    assert!(
        shown.contains("person       north-bank/e1\n      plan-owner, scope federation")
            && shown.contains("genuine, and enough"),
        "{shown}"
    );
    assert!(done(bank.role(&["list"])).contains("in-force     privacy-officer, scope federation"));

    // Another key by the old one's word, and a loss; the same key for another year.
    let next = bank.request("north-bank/e2", "next", &["--old", &bank.path("officer")]);
    bank.certs(&[
        "person",
        "request",
        "--staff",
        "north-bank/e1",
        "--out",
        &bank.path("y"),
        "--old",
        &bank.path("officer"),
    ])
    .assert_refused(1, &["is of north-bank/e2, not of north-bank/e1"]);
    let fresh = bank.request("north-bank/e1", "fresh", &[]);
    let key = |folder: &str| bank.path(&format!("{folder}/person.request"));
    bank.role(&["key", "--request", &key("fresh")]).assert_refused(1, &["has another key here", "--old", "--lost"]);
    bank.role(&["key", "--request", &key("next"), "--lost"]).assert_refused(1, &["nothing is lost"]);
    done(bank.role(&["key", "--request", &key("next")]));
    done(bank.role(&["key", "--request", &key("fresh"), "--lost"]));
    done(bank.role(&["renew", "--staff", "south-bank/e3", "--all", "--days", "366"]));
    let (text, json) = bank.shown(false);
    assert!(text.contains("PEOPLE WITH OTHER KEYS: whoever holds them signs in the person's name (2)"), "{text}");
    assert!(text.contains("THE OLD KEY IS SAID TO BE LOST, AND DID NOT SIGN FOR THE NEW ONE"), "{text}");
    assert!(text.contains("the old key signed for the new one: verified here"), "{text}");
    for (old, new) in [(&owner, &fresh), (&officer, &next)] {
        assert!(text.contains(&format!("- fingerprint {old}\n      + fingerprint {new}")), "{text}");
    }
    assert!(text.contains("PEOPLE WITH FEWER ROLES, OR FOR ANOTHER TIME (1)"), "{text}");
    bank.sign(&json, false);
    assert!(bank.in_force().contains(&next) && !bank.in_force().contains(&owner));
    bank.role(&["key", "--request", &key("owner"), "--lost"]).assert_refused(1, &["was said to be lost"]);

    // Who leaves takes the deputies along.
    let gone = done(bank.role(&["revoke", "--staff", "north-bank/e2", "--all"]));
    assert!(gone.contains("north-bank/e2: privacy-officer ends"), "{gone}");
    assert!(gone.contains("south-bank/e3: privacy-officer as deputy of north-bank/e2 ends"), "{gone}");
    assert!(done(bank.role(&["list"])).contains("leaving      privacy-officer"));
    let (_, json) = bank.shown(false);
    bank.sign(&json, false);
    assert!(!bank.in_force().contains("privacy-officer"));
}

/// Whoever has the office's whole folder, and no holder, gets no signature and no roster.
#[test]
fn a_thief_of_the_office_makes_no_privacy_officer() {
    let bank = Bank::founded();
    bank.request("north-bank/e1", "owner", &[]);
    done(bank.grant("owner", "plan-owner", &[]));
    let (_, json) = bank.shown(true);
    bank.sign(&json, true);
    let before = fs::read(bank.path("ca/roster")).unwrap();

    bank.request("north-bank/e9", "thief", &[]);
    done(bank.grant("thief", "privacy-officer", &[]));
    let (ca, proposal) = (bank.path("ca"), bank.path("proposal"));
    done(bank.roster(&["propose", "--authority", &ca, "--out", &proposal]));
    bank.roster(&["install", &proposal, "--authority", &ca]).assert_refused(1, &["0 signed and 2 must"]);
    bank.roster(&["sign", &proposal, "--keys", &ca, "--confirm", &"0".repeat(64)])
        .assert_refused(1, &["holds no roster authority's key"]);
    // With the digest of other changes, as somebody else has told it to Anna.
    let anna = bank.path("anna");
    bank.roster(&["sign", &proposal, "--keys", &anna, "--confirm", json["digest"].as_str().unwrap()])
        .assert_refused(1, &["is not the digest of these changes"]);
    let unseen = bank.roster(&["sign", &proposal, "--keys", &anna]);
    assert!(
        unseen.out.contains("PEOPLE WITH ROLES THAT MAY APPROVE, NEW OR FOR LONGER")
            && unseen.out.contains("+ north-bank/e9")
    );
    unseen.assert_refused(1, &["nothing is signed"]);
    // The role of somebody whom the holders did sign, made another one in the file and in the roster in force.
    let text = fs::read_to_string(bank.path("ca/roster")).unwrap();
    let forged = text.replace("role plan-owner", "role privacy-officer");
    assert_ne!(forged, text);
    fs::write(bank.path("forged"), &forged).unwrap();
    let shown = bank.roster(&["show", &bank.path("forged"), "--authorities", &bank.path("carla/authorities")]);
    assert!(shown.code == Some(1) && shown.out.contains("does not verify; the roster was altered"), "{}", shown.out);
    fs::write(bank.path("ca/roster"), &forged).unwrap();
    bank.roster(&["propose", "--authority", &ca, "--out", &proposal]).assert_refused(1, &["does not verify"]);
    fs::write(bank.path("ca/roster"), &before).unwrap();
    assert!(!bank.in_force().contains("privacy-officer"));
}
