//! The years of an office: what it answers, writes and logs is compared whole.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use pem::Pem;
use rustls::pki_types::CertificateDer;

use tributary_certs::denied::Denied;
use tributary_certs::identity::Identity;
use tributary_certs::inspect::inspect_chain;
use tributary_certs::office::{
    Bundle, RevocationReason, Revocations, WhomToRevoke, allow, approve, begin, begin_renewal, deny, fresh_list,
    fresh_root_list, install, install_renewal, lists_request, refresh_list, renew_coordinator, renew_issuing,
    renew_root, revoke,
};
use tributary_protocol::ids::ClientId;
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::support::folders::Folders;
use crate::support::{DAY, NOW};
use crate::written;

/// What happened, in the order in which it did.
struct Story {
    folders: Folders,
    text: String,
}

/// A second of the clock, beside the beginning.
fn since(second: i64) -> String {
    let seconds = second - i64::try_from(NOW).expect("the story goes on");
    format!("{seconds:+}")
}

/// A file as people would look at it: no key, and certificates and lists by what they say.
fn shown(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("the story goes on");
    let name = path.file_name().expect("the story goes on").to_string_lossy().into_owned();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if name.ends_with(".key") {
        return format!("a key of {} lines\n", text.lines().count());
    }
    if !text.starts_with("-----BEGIN") {
        return if text.contains('\u{fffd}') { format!("{} bytes\n", bytes.len()) } else { listed(&text) };
    }
    pem::parse_many(&bytes).expect("the story goes on").iter().map(of_pem).collect()
}

/// A text whose numbers of lists stand in the order of their issuers' keys, which are drawn: here in the order of the numbers.
fn listed(text: &str) -> String {
    let (lists, others): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("list "));
    let mut numbers: Vec<String> = lists
        .iter()
        .map(|line| format!("list of somebody{}", line.split_once(" number").map_or("", |(_, number)| number)))
        .collect();
    numbers.sort();
    others.iter().map(|line| format!("{line}\n")).chain(numbers.iter().map(|line| format!("{line}\n"))).collect()
}

/// What was revoked.
fn of_revocation(done: &Revocations) -> String {
    let mut said = format!("member {}, denied {}\n", done.member, done.denied);
    for revoked in &done.certificates {
        let serial: String = revoked.serial.iter().map(|byte| format!("{byte:02x}")).collect();
        let (end, at) = (revoked.not_after, revoked.at);
        let _ = writeln!(said, "  {} {serial} to {end} at {at} {}", revoked.identity, revoked.reason.as_str());
    }
    said
}

fn of_pem(pem: &Pem) -> String {
    let mut said = String::new();
    if pem.tag() == "X509 CRL" {
        let (_, list) = CertificateRevocationList::from_der(pem.contents()).expect("the story goes on");
        let next = list.next_update().map(|next| since(next.timestamp()));
        let _ = writeln!(said, "list {:?} of {}", list.crl_number(), list.issuer());
        let _ = writeln!(said, "  {} to {next:?}", since(list.last_update().timestamp()));
        for revoked in list.iter_revoked_certificates() {
            let reason = revoked.reason_code().map(|(_, reason)| reason.to_string());
            let at = since(revoked.revocation_date.timestamp());
            let _ = writeln!(said, "  {} at {at} {reason:?}", revoked.raw_serial_as_string().replace(':', ""));
        }
        return said;
    }
    let der = CertificateDer::from(pem.contents().to_vec());
    let found = inspect_chain(&[der], None, NOW).expect("the story goes on");
    let [begin, end] =
        [found.not_before, found.not_after].map(|second| since(i64::try_from(second).expect("the story goes on")));
    let _ = writeln!(said, "{}: {} by {}, serial {}", pem.tag(), found.subject, found.issuer, found.serial);
    let _ = writeln!(said, "  {begin} to {end}, {}, {:?}, {}", found.key, found.hosts, found.authority);
    let _ = writeln!(said, "  {:?} {:?} {:?}", found.identity.map(|own| own.to_string()), found.role, found.problems);
    said
}

/// The same names for what is drawn: numbers, keys and digests, each by its place among them.
pub(crate) fn plain(text: &str) -> String {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let (mut plain, mut word) = (String::new(), String::new());
    for letter in text.chars().chain(['\n']) {
        if letter.is_ascii_alphanumeric() || ['-', '+', '/', '='].contains(&letter) {
            word.push(letter);
            continue;
        }
        let bare: String = word.chars().filter(|letter| *letter != '-').collect();
        let hex = bare.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let drawn = hex && (bare.len() == 8 || bare.len() >= 16) && word != "-".repeat(word.len());
        if drawn || (bare.len() >= 40 && !word.contains("//")) {
            let next = known.len();
            let _ = write!(plain, "#{}", known.entry(bare).or_insert(next));
        } else {
            plain += &word;
        }
        word.clear();
        plain.push(letter);
    }
    plain.trim_end().to_owned() + "\n"
}

/// Compares what was found with what is written down in this file beside the tests.
#[track_caller]
pub(crate) fn compare(found: &str, name: &str) {
    written::compare(found, &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/office").join(name));
}

impl Story {
    fn tell(&mut self, heading: &str, said: impl std::fmt::Debug) {
        let _ = writeln!(self.text, "== {heading}\n{said:?}");
    }

    fn say(&mut self, heading: &str, said: &str) {
        let _ = writeln!(self.text, "== {heading}\n{said}");
    }

    fn folder(&mut self, name: &str) {
        let folder = self.folders.at(name);
        let _ = writeln!(self.text, "== the folder {name}");
        let mut paths: Vec<_> = std::fs::read_dir(&folder)
            .expect("the story goes on")
            .map(|entry| entry.expect("the story goes on").path())
            .collect();
        paths.sort();
        for path in paths {
            let own = path.file_name().expect("the story goes on").to_string_lossy().into_owned();
            match path.is_dir() {
                true => {
                    let _ = writeln!(
                        self.text,
                        "-- {own}: {} files",
                        std::fs::read_dir(&path).expect("the story goes on").count()
                    );
                }
                false => {
                    let _ = write!(self.text, "-- {own}\n{}", shown(&path));
                }
            }
        }
    }

    /// A branch asks with its token; what the office logs, and what the branch makes of the answer.
    fn enrols(&mut self, folder: &str, bundle: &Bundle, now: u64) {
        let out = self.folders.at(folder);
        let begun = begin(bundle, &out).expect("the story goes on");
        let reply = self.folders.office().reply(&begun.request, now);
        self.say(&format!("{folder} asks"), &reply.outcome);
        let said = install(&reply.bytes, &out, now).map(|installed| (installed.client, installed.identity.to_string()));
        self.tell(&format!("{folder} is answered"), said.map_err(|fault| fault.to_string()));
    }

    fn renews(&mut self, folder: &str, client: ClientId, now: u64) {
        let out = self.folders.at(folder);
        let begun = match begin_renewal(&out, client) {
            Ok(begun) => begun,
            Err(fault) => return self.say(&format!("{folder} cannot ask"), &fault.to_string()),
        };
        let reply = self.folders.office().reply_to_file(&begun.request, now);
        self.say(&format!("{folder} asks for a renewal"), &reply.outcome);
        let said = install_renewal(&out, &reply.bytes, now).map(|installed| installed.client);
        self.tell(&format!("{folder} is answered"), said.map_err(|fault| fault.to_string()));
    }
}

#[test]
fn the_years_of_an_office_are_told_as_they_were() {
    let mut story = Story { folders: Folders::whole(), text: String::new() };
    let ca = story.folders.ca();
    story.folder("ca");
    story.folder("centre");
    let bundle = story.folders.asked_token("branch-1", false, false, NOW).expect("the story goes on");
    let text = shown(&story.folders.bundle("branch-1", false, NOW));
    story.say("a bundle", &text);
    story.enrols("branch-1", &bundle, NOW + 60);
    story.folder("branch-1");
    story.enrols("thief", &bundle, NOW + 70);
    let bundle = story.folders.asked_token("branch-2", true, false, NOW + DAY).expect("the story goes on");
    story.enrols("branch-2", &bundle, NOW + DAY);
    let waiting = tributary_certs::office::read_waiting(&ca).expect("the story goes on");
    let approved = approve(&ca, &[waiting[0].fingerprint], "anna", NOW + DAY + 5).map_err(|fault| fault.to_string());
    story.tell("approved", approved.map(|approved| approved.len()));
    story.enrols("branch-2", &bundle, NOW + DAY + 10);
    let late = story.folders.asked_token("branch-3", false, false, NOW + DAY).expect("the story goes on");
    story.enrols("branch-3", &late, NOW + 2 * DAY + 1);
    // Names before and after those that are there, and in no order.
    for (id, client) in [("branch-7", 3), ("branch-0", 4), ("branch-9", 5)] {
        let bundle = story.folders.asked_token(id, false, false, NOW + 3 * DAY).expect("the story goes on");
        story.enrols(id, &bundle, NOW + 3 * DAY);
        story.renews(id, ClientId(client), NOW + 10 * DAY);
    }
    story.renews("branch-1", ClientId(1), NOW + 16 * DAY);
    story.renews("branch-1", ClientId(2), NOW + 16 * DAY);
    let again = story.folders.asked_token("branch-1", false, true, NOW + 17 * DAY).expect("the story goes on");
    story.enrols("branch-1-anew", &again, NOW + 17 * DAY);
    let identity = |id: &str| {
        Identity::parse(&format!("spiffe://federation.example/north-bank/client/{id}")).expect("the story goes on")
    };
    let whom = WhomToRevoke::Identity(identity("branch-2"));
    let revoked = revoke(&ca, &whom, RevocationReason::KeyCompromise, 7, NOW + 18 * DAY);
    story.say("revoked", &revoked.as_ref().map_or_else(ToString::to_string, of_revocation));
    for (name, whom) in [
        ("revoked in the middle", identity("branch-7")),
        ("the coordinator is revoked", story.folders.coordinator()),
        ("nobody is revoked", identity("branch-8")),
    ] {
        let whom = WhomToRevoke::Identity(whom);
        let revoked = revoke(&ca, &whom, RevocationReason::Superseded, 7, NOW + 18 * DAY + 60);
        story.say(name, &revoked.as_ref().map_or_else(ToString::to_string, of_revocation));
    }
    for (id, client) in [("branch-9", 5), ("branch-0", 4), ("branch-7", 3)] {
        story.renews(id, ClientId(client), NOW + 18 * DAY + 120);
    }
    let stranger = WhomToRevoke::Serial(vec![1, 2, 3]);
    let refused = revoke(&ca, &stranger, RevocationReason::Unspecified, 7, NOW + 18 * DAY);
    story.say("a stranger's number", &refused.as_ref().map_or_else(ToString::to_string, of_revocation));
    story.renews("branch-2", ClientId(2), NOW + 18 * DAY);
    for (name, who) in [
        ("an identity", Denied::Identity(identity("branch-9"))),
        ("a number", Denied::Client(ClientId(1))),
        ("nobody's number", Denied::Client(ClientId(77))),
    ] {
        let said =
            deny(&ca, who, RevocationReason::AffiliationChanged, NOW + 19 * DAY).map_err(|fault| fault.to_string());
        story.tell(&format!("denied: {name}"), said);
    }
    let said = allow(&ca, &Denied::Client(ClientId(1))).map_err(|fault| fault.to_string());
    story.tell("allowed", said);
    story.folder("ca");
    let validity = renew_coordinator(&ca, &story.folders.at("centre"), NOW + 20 * DAY);
    story.tell("the coordinator", validity.map(|validity| validity.not_after - NOW).map_err(|fault| fault.to_string()));
    for (name, reason, now) in [
        ("another authority", None, NOW + 300 * DAY),
        ("one after a theft", Some(RevocationReason::KeyCompromise), NOW + 310 * DAY),
    ] {
        let renewed = renew_issuing(&ca, &ca, reason, Some(&story.folders.at("centre")), now);
        story.tell(name, renewed.map(|renewed| renewed.validity.not_after - NOW).map_err(|fault| fault.to_string()));
    }
    let renewed = renew_root(&ca, &ca, NOW + 320 * DAY);
    story.tell(
        "another root",
        renewed.map(|renewed| renewed.validity.not_after - NOW).map_err(|fault| fault.to_string()),
    );
    for (name, number) in [
        ("a fresh list", fresh_list(&ca, 90, NOW + 321 * DAY)),
        ("one of too many days", fresh_list(&ca, 91, NOW + 321 * DAY)),
        ("one of none", fresh_list(&ca, 0, NOW + 321 * DAY)),
        ("a root's", fresh_root_list(&ca, &ca, 400, NOW + 321 * DAY)),
        ("a root's of too many days", fresh_root_list(&ca, &ca, 401, NOW + 321 * DAY)),
    ] {
        story.tell(name, number.map(|number| format!("{number:?}")).map_err(|fault| fault.to_string()));
    }
    // The list that was made beside the root's has seven days; half of them, less a second, and a second later.
    for second in [7 * DAY / 2, 7 * DAY / 2 + 1] {
        let refreshed = refresh_list(&ca, NOW + 321 * DAY + second).map_err(|fault| fault.to_string());
        story.tell("refreshed", refreshed.map(|number| number.is_some()));
    }
    let reply = story.folders.office().reply(&lists_request(), NOW + 322 * DAY);
    story.say("lists are asked for", &reply.outcome);
    story.folder("ca");
    story.folder("centre");
    let folder = story.folders.at("").display().to_string();
    compare(&plain(&story.text.replace(folder.trim_end_matches('/'), "HOME")), "told.txt");
}
