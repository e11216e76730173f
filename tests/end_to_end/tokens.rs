//! People whose keys are in a PKCS#11 token, which SoftHSM plays, as they type it: a request, a plan, an order. An executable without tokens says
//! which one has them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tributary_certs::order::read_order;
use tributary_certs::people::{PERSON_KEY, PERSON_REQUEST, PERSON_TOKEN, PersonRequest};
use tributary_certs::suite::RealSuite;
use tributary_planning::PlanFile;
use tributary_protocol::plan::Attestation;
use tributary_protocol::secagg::suite::Suite as _;
use tributary_protocol::signed::SignedBody as _;
use tributary_storage::files::{Existing, write_private};

use crate::needed;
use crate::softhsm::{self, MISSING, PIN, SWITCH};
use crate::support::{EXECUTABLE, Finished, finished};

struct Desk {
    folder: tempfile::TempDir,
    module: String,
}

impl Desk {
    fn new(module: &Path) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), module: module.display().to_string() };
        softhsm::begin(desk.folder.path());
        desk
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, words: &[&str]) -> Finished {
        let mut command = softhsm::command(EXECUTABLE, self.folder.path());
        command.env("LC_ALL", "C").stdin(Stdio::null()).args(words);
        let said = finished(&command.output().expect("the executable runs"));
        assert!(!said.out.contains(PIN) && !said.err.contains(PIN), "the PIN was printed");
        said
    }

    fn request(&self, staff: &str, folder: &str, more: &[&str]) -> Finished {
        let (out, pin) = (self.path(folder), self.path("pin"));
        let words = ["certs", "person", "request", "--staff", staff, "--out", &out, "--token-module", &self.module];
        let place = ["--token", "people", "--key-label", folder, "--pin-file", &pin];
        self.run(&[&words[..], &place, more].concat())
    }

    /// Whether a signature is by the key that somebody asked the office for.
    fn is_by(&self, folder: &str, signed: &Attestation) -> bool {
        let request = PersonRequest::read(&PathBuf::from(self.path(folder)).join(PERSON_REQUEST)).unwrap();
        let message = signed.to_sign::<RealSuite>();
        signed.staff == request.staff && RealSuite::verify(&request.signing_key, &message, &signed.signature)
    }
}

/// Whether an executable that has no tokens refused, which says so.
fn is_without(refused: &Finished) -> bool {
    refused.err.contains("built without PKCS#11")
}

fn done(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{} {}", finished.out, finished.err);
    finished.out
}

#[test]
fn two_people_sign_with_keys_in_a_token() {
    const WHAT: &str = "people whose keys are in a token";
    let Some(module) = softhsm::module() else { return needed::skip(SWITCH, WHAT, MISSING) };
    let desk = Desk::new(module);
    softhsm::make_token(desk.folder.path(), "people");
    let first = desk.request("north-bank/e1", "owner", &[]);
    if is_without(&first) {
        return needed::skip(SWITCH, WHAT, "this executable was built without pkcs11");
    }
    assert!(done(first).contains("fingerprint "));
    done(desk.request("north-bank/e2", "officer", &[]));
    assert!(!Path::new(&desk.path("owner")).join(PERSON_KEY).exists());
    desk.request("north-bank/e3", "owner", &[]).assert_refused(1, &["exists already", "not replaced"]);

    let (list, owner, officer) = (desk.path("ca/authorities"), desk.path("owner"), desk.path("officer"));
    done(desk.run(&["certs", "init", "--authority", &desk.path("ca"), "--trust-domain", "bank.test"]));
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/samples/schemas/bank_full.toml");
    fs::copy(schema, desk.path("schema.toml")).unwrap();
    done(desk.run(&["plan", "new", &desk.path("")]));
    let plan = desk.path("plan");
    done(desk.run(&["plan", "build", &desk.path("plan.toml"), "--out", &plan]));
    let shown = desk.run(&["plan", "show", "--json", &plan]).json();
    let digest = shown["plan"]["digest"].as_str().unwrap();
    for (turn, person) in [("propose", &owner), ("approve", &officer)] {
        done(desk.run(&["plan", turn, &plan, "--person", person, "--authorities", &list, "--confirm", digest]));
    }
    let approvals = PlanFile::read(Path::new(&plan)).unwrap().approvals().unwrap();
    assert!(desk.is_by("owner", &approvals.proposal) && desk.is_by("officer", &approvals.approval));

    // The next key is another one of the same token; the old one signs for it there.
    done(desk.request("north-bank/e2", "next", &["--old", &officer]));
    let next = PersonRequest::read(&PathBuf::from(desk.path("next")).join(PERSON_REQUEST)).unwrap();
    assert!(next.after.is_some());
    let freeze = |person: &str, out: &str| {
        let role = ["--role", "privacy-officer", "--authorities", &list];
        desk.run(&[&["order", "freeze", "--person", person, "--out", &desk.path(out)], &role[..]].concat())
    };
    done(freeze(&desk.path("next"), "stop.order"));
    assert!(desk.is_by("next", &read_order(Path::new(&desk.path("stop.order"))).unwrap()));

    // The PIN is wrong, or the token is away: nothing is written, and what to do is said.
    write_private(Path::new(&desk.path("pin")), b"1111111", Existing::Replace).unwrap();
    freeze(&officer, "pin.order").assert_refused(1, &["refused the PIN", "tried once", "correct the PIN file"]);
    write_private(Path::new(&desk.path("pin")), PIN.as_bytes(), Existing::Replace).unwrap();
    fs::rename(desk.path("tokens"), desk.path("away")).unwrap();
    fs::create_dir(desk.path("tokens")).unwrap();
    freeze(&officer, "away.order").assert_refused(1, &["no token is labelled \"people\"", "plug it in"]);
    for name in ["pin.order", "away.order"] {
        assert!(!Path::new(&desk.path(name)).exists());
    }
}

/// One that has them looks for the library, which is not there. `.ci/run` has this tested with both.
#[test]
fn an_executable_without_tokens_makes_and_signs_nothing_there() {
    let desk = Desk::new(Path::new("/nowhere/vendor.so"));
    let refused = desk.request("north-bank/e1", "owner", &[]);
    let parts = if is_without(&refused) {
        ["Nothing was made or signed", "--features pkcs11", "a key in a file"]
    } else {
        ["/nowhere/vendor.so", "cannot be opened", "install the vendor's package"]
    };
    refused.assert_refused(1, &parts);
    assert!(!Path::new(&desk.path("owner")).exists());
    // A folder whose key is in a token. It does not matter that there is another key in it.
    let out = desk.path("officer");
    done(desk.run(&["certs", "person", "request", "--staff", "north-bank/e2", "--out", &out]));
    done(desk.run(&["certs", "init", "--authority", &desk.path("ca"), "--trust-domain", "bank.test"]));
    let id = "0".repeat(32);
    let (module, pin) = (&desk.module, desk.path("pin"));
    let place =
        format!("tributary person token 1\nid {id}\nmodule {module}\ntoken people\nkey officer\npin-file {pin}\n");
    write_private(&Path::new(&out).join(PERSON_TOKEN), place.as_bytes(), Existing::Keep).unwrap();
    let order = desk.path("stop.order");
    let role = ["--role", "privacy-officer", "--authorities", &desk.path("ca/authorities")];
    desk.run(&[&["order", "freeze", "--person", &out, "--out", &order], &role[..]].concat()).assert_refused(1, &parts);
    assert!(!Path::new(&order).exists());
}

#[test]
fn a_place_in_a_token_is_named_whole() {
    let desk = Desk::new(Path::new("/nowhere/vendor.so"));
    let words = ["certs", "person", "request", "--staff", "north-bank/e1", "--out", &desk.path("owner")];
    let asked = |more: &[&str]| desk.run(&[&words[..], more].concat());
    asked(&["--token", "people"]).assert_refused(64, &["--token-module"]);
    asked(&["--token-module", &desk.module, "--token", "people"]).assert_refused(64, &["--key-label", "--pin-file"]);
    desk.request("north-bank/e1", "owner", &["--key-label", "twice"]).assert_refused(64, &["--key-label"]);
    let (long, pin) = ("x".repeat(65), desk.path("pin"));
    let place = ["--token-module", &desk.module, "--token", "people", "--pin-file", &pin, "--key-label"];
    for label in ["", "a\nb", &long] {
        asked(&[&place[..], &[label]].concat()).assert_refused(64, &["1 to 64 bytes"]);
    }
    assert!(!Path::new(&desk.path("owner")).exists());
}
