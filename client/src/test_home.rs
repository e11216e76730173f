//! What several tests of a branch begin with: its files, and a run that it accepted.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tributary_certs::office::TokenRequest;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RoundId};
use tributary_protocol::message::MaskedHeader;
use tributary_protocol::plan::{Allowance, PrivacyMode, RunRef};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::role::Role;
use tributary_protocol::roster::{Holding, Person, Scope, StaffNumber};
use tributary_protocol::round::{ParticipantEvent, StageTerms, cast};
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};
use tributary_protocol::time::Millis;
use tributary_storage::faults::each_fault;
use tributary_storage::files::create_private_folder;

use crate::cli::sign_policy;
use crate::policy::SAMPLE;

/// Puts settings, a schema and a policy into a folder; the policy is signed by the key `owner.key`, which is made there.
pub(crate) fn furnish(folder: &Path, schema: &str) {
    for (name, text) in [
        ("customers.csv", "x"),
        ("schema.toml", schema),
        ("policy.toml", SAMPLE),
        (
            "client.toml",
            "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \"identity\"\n\
             [data]\nfile = \"customers.csv\"\nschema = \"schema.toml\"\n[policy]\nfile = \"policy.toml\"\nowner = \"owner.pub\"\n",
        ),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let [policy, owner, schema] = ["policy.toml", "owner.key", "schema.toml"].map(|name| folder.join(name));
    sign_policy(&policy, &owner, &schema).unwrap_or_else(|fault| panic!("{fault}"));
}

/// The folder of a branch that has no identity yet, furnished with this schema.
pub(crate) fn bare(schema: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    furnish(folder.path(), schema);
    create_private_folder(&folder.path().join("identity")).unwrap();
    folder
}

/// Somebody with one role in the whole federation, from one second of the Unix clock to another.
pub(crate) fn person(staff: StaffNumber, signing_key: VerifyingKey, role: Role, (from, until): (u64, u64)) -> Person {
    let holdings = vec![Holding { role, deputy_of: None, scope: Scope::Federation, from, until }];
    Person { staff, signing_key, holdings }
}

/// A run of five rounds was accepted until a time.
pub(crate) fn accepted(run: RunRef, until: u64) -> ParticipantEvent {
    let charge = Accounts::customers(RdpVector::gaussian(1, 2000));
    let stages = vec![StageTerms { kind: "gradient".into(), rounds: 5, charge }];
    let charge_max = Allowance::new(stages.iter().map(|stage| (stage.rounds, &stage.charge)), 0).charge_left(&[]);
    ParticipantEvent::RunAccepted {
        run,
        name: "p".into(),
        purpose: "p".into(),
        privacy: PrivacyMode::Customer,
        stages,
        retries: 0,
        charge_max,
        grant: Digest::ZERO,
        at: Millis(0),
        shown: Millis(0),
        until: Millis(until),
    }
}

/// Asks an office for a branch's token of a day, which needs no approval.
pub(crate) fn token<'a>(id: &'a str, coordinator_address: &'a str) -> TokenRequest<'a> {
    TokenRequest { organisation: "north-bank", id, coordinator_address, hours: 24, approval: false, again: false }
}

/// A copy of a folder in a new place, without folders of these names in it, and with the modes of all others.
pub(crate) fn copied(from: &Path, without: &[&str]) -> TempDir {
    fn copy(from: &Path, to: &Path, without: &[&str]) {
        for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if !from.is_dir() {
                fs::copy(from, to).unwrap();
            } else if !without.iter().any(|name| entry.file_name() == *name) {
                fs::create_dir(&to).unwrap();
                copy(&from, &to, without);
                fs::set_permissions(&to, fs::metadata(&from).unwrap().permissions()).unwrap();
            }
        }
    }
    let to = tempfile::tempdir().unwrap();
    copy(from, to.path(), without);
    to
}

/// Each sync that a command asks for fails once, in a new world, and the command says so. What it recorded before that stands, so that the same
/// command may then be refused as done already: in that case it is done, and else it goes well again. How many syncs failed.
pub(crate) fn each_until_done<W, T, E: ToString>(
    world: impl Fn() -> W,
    command: impl Fn(&W) -> Result<T, E>,
    is_done: impl Fn(&W) -> bool,
) -> usize {
    each_fault(|fault| {
        let world = world();
        let told = fault.during(|| command(&world)).map_err(|fault| fault.to_string()).err();
        assert_eq!(told.is_some(), fault.struck(), "{told:?}");
        if !is_done(&world) {
            assert!(told.is_some(), "it is called done, and is not");
            let again = command(&world).map(drop).map_err(|again| again.to_string());
            again.unwrap_or_else(|again| panic!("after {told:?}: {again}"));
            assert!(is_done(&world), "after {told:?}");
        }
    })
}

/// What announces a vector in a run's round.
pub(crate) fn header_under(run: RunRef, round: RoundId) -> MaskedHeader {
    let (head, signature) = (Box::new(cast::head(ClientId(1), run)), Signature::none());
    MaskedHeader { round, descriptor: Digest::ZERO, vector: Digest::ZERO, head, signature }
}
