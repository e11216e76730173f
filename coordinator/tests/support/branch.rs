//! A branch without a connection: the real participant machines, and a training that gives every coordinate its branch's number.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tributary_certs::budget::sign_first_use;
use tributary_certs::clock::unix_millis;
use tributary_certs::enrolment::{names, read_coordinator};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::grant::sign_grant;
use tributary_certs::keys::read_signing_key;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_model::planned;
use tributary_model::schema::Schema;
use tributary_planning::settings::PURPOSE_DEFAULT;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::frame::Frame;
use tributary_protocol::ids::RunId;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::{Downstream, FRAME_VECTOR, RefusalCode, Start, ToClient, Upstream};
use tributary_protocol::plan::{Grant, GrantSubject, GrantUses};
use tributary_protocol::roster::{MemberName, StaffNumber};
use tributary_protocol::round::{
    Branch, Contribution, Outbox, Participant, ParticipantEffect, ParticipantEvent, ParticipantInput,
};
use tributary_protocol::secagg::masked_sum::{MaskedUpdate, mask};
use tributary_protocol::secagg::modular::RingWords;
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};
use tributary_protocol::time::Millis;

use super::Federation;

#[path = "../../../tests/allowed.rs"]
mod allowed;

/// How a branch's part ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The plan was over after so many rounds.
    Finished(u32),
    /// The machine stopped, with this explanation.
    Stopped(String),
    /// The connection ended, with this reason.
    #[allow(dead_code, reason = "some tests have no connections")]
    Lost(String),
}

/// What a branch does next.
pub(crate) enum Deed {
    /// It says something in a run.
    Says(RunId, Upstream),
    /// It announces a vector in a run, and sends it.
    Uploads(RunId, Upstream, Vec<u8>),
    /// It is done.
    Ends(Ended),
}

/// The machines of one branch.
pub(crate) struct Machines {
    branch: Branch<RealSuite>,
    /// In the runs to which it was invited.
    of: BTreeMap<RunId, Participant<RealSuite>>,
    start: Option<(RunId, Start)>,
    vectors: BTreeMap<RunId, MaskedUpdate>,
    /// Runs that are to finish before it leaves, and the rounds of those that have.
    pub(crate) runs: usize,
    rounds: u32,
    /// What it says of every run to which it is invited, if it takes part in none.
    pub(crate) refuses: Option<RefusalCode>,
    value: i64,
    folder: PathBuf,
}

/// What stands in the budget file of each branch, by its folder: it outlives a connection, as the file does.
static RECORDS: Mutex<BTreeMap<PathBuf, Vec<ParticipantEvent>>> = Mutex::new(BTreeMap::new());

/// What each owner has granted, by the branch's folder.
static GRANTS: Mutex<BTreeMap<PathBuf, Grant>> = Mutex::new(BTreeMap::new());

/// What it holds; a new one is begun by its owner, who grants everything that the federation's plan owner proposes.
fn recorded(folder: &Path, (id, federation): (&str, Digest), key: VerifyingKey) -> Vec<ParticipantEvent> {
    let begun = || {
        let owner = SigningKey::generate(&mut OsEntropy);
        let grant = Grant {
            federation,
            branches: vec![MemberName::parse(&format!("north-bank/{id}")).unwrap()],
            subject: GrantSubject::Plans {
                proposer: StaffNumber::parse("north-bank/e1").unwrap(),
                purpose: PURPOSE_DEFAULT.into(),
            },
            uses: GrantUses::TRAIN,
            epsilon_run_bits: 1000.0_f64.to_bits(),
            epsilon_year_bits: 1000.0_f64.to_bits(),
            delta_bits: 1e-6_f64.to_bits(),
            runs: 1000,
            fields: Vec::new(),
            not_before: 0,
            not_after: u64::MAX,
            nonce: [7; 16],
            owner: owner.verifying_key(),
            signature: Signature::none(),
        };
        GRANTS.lock().unwrap().insert(folder.to_path_buf(), sign_grant(&owner, grant));
        let first = sign_first_use(&owner, ("test", &[7; 32]), key, false);
        vec![ParticipantEvent::BudgetBegun { population: "test".into(), salt: [7; 32], first }]
    };
    RECORDS.lock().unwrap().entry(folder.to_path_buf()).or_insert_with(begun).clone()
}

impl Machines {
    /// Of an enrolled branch, whose training gives `value` in every coordinate.
    pub(crate) fn of(federation: &Federation, id: &str, value: i64) -> Self {
        let folder = federation.client_folder(id);
        let authorities = RosterAuthorities::read(&folder.join(names::AUTHORITIES)).unwrap();
        let signing_key = read_signing_key(&folder.join(names::SIGNING_KEY)).unwrap();
        let events = recorded(&folder, (id, authorities.digest()), signing_key.verifying_key());
        let grant = GRANTS.lock().unwrap()[&folder].clone();
        let coordinator = read_coordinator(&folder.join(names::COORDINATOR)).unwrap().signing_key;
        let policy = allowed::everything(Self::schema().digest(), (coordinator, &authorities), grant);
        let schema = Self::schema().digest();
        Self {
            branch: Branch::resume(policy, schema, signing_key, &events).expect("a budget file of this client"),
            of: BTreeMap::new(),
            start: None,
            vectors: BTreeMap::new(),
            runs: 1,
            rounds: 0,
            refuses: None,
            value,
            folder,
        }
    }

    /// The test's schema.
    pub(crate) fn schema() -> Schema {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/samples/schemas/bank_full.toml");
        Schema::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// Takes a frame of the coordinator: what it does about it.
    pub(crate) fn hear(&mut self, frame: &Frame) -> Vec<Deed> {
        if frame.kind == FRAME_VECTOR {
            let (run, start) = self.start.take().expect("a model comes after a start");
            let planned = planned::check(self.of[&run].run().unwrap(), Some(&Self::schema())).unwrap();
            let stage = planned.stage(start.descriptor.stage).unwrap();
            let model = Ok(stage.state_digest(&frame.payload));
            return self.input(run, ParticipantInput::Started { model, start });
        }
        match codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX).unwrap() {
            ToClient::Run(run, Downstream::Start(start)) => {
                self.start = Some((run, start));
                Vec::new()
            }
            ToClient::Run(run, Downstream::Invite) if !self.of.contains_key(&run) => {
                self.of.insert(run, Participant::new(&self.branch, run));
                self.input(run, ParticipantInput::Connected)
            }
            ToClient::Run(run, message) => self.input(run, ParticipantInput::Message(message)),
            ToClient::Refused { explanation, .. } => vec![Deed::Ends(Ended::Stopped(explanation.to_string()))],
            ToClient::Lists(_)
            | ToClient::Roster(_)
            | ToClient::Models(_)
            | ToClient::RosterBefore(_)
            | ToClient::Followers(_)
            | ToClient::Owner(_)
            | ToClient::Checkpoint(_)
            | ToClient::ModelPiece { .. } => Vec::new(),
        }
    }

    fn input(&mut self, run: RunId, input: ParticipantInput) -> Vec<Deed> {
        let (mut inputs, mut outbox, mut deeds) = (vec![input], Outbox::new(), Vec::new());
        while let Some(input) = inputs.pop() {
            let now = Millis(unix_millis());
            let Some(machine) = self.of.get_mut(&run) else { return deeds };
            machine.handle(&mut self.branch, now, &mut OsEntropy, input, &mut outbox);
            while let Some(effect) = outbox.pop() {
                match effect {
                    ParticipantEffect::Send(message) => deeds.push(Deed::Says(run, message)),
                    ParticipantEffect::JudgeRun(run) => {
                        let verdict = self.refuses.map_or(Ok(()), Err);
                        inputs.push(ParticipantInput::RunJudged { run: run.id(), verdict });
                    }
                    ParticipantEffect::Contribute(contribution) => inputs.push(self.train(run, contribution)),
                    ParticipantEffect::Upload(header) => {
                        let update = self.vectors.remove(&run).expect("a vector was made");
                        deeds.push(Deed::Uploads(run, Upstream::Masked(header), update.into_bytes()));
                    }
                    ParticipantEffect::Finished { rounds } => {
                        (self.runs, self.rounds) = (self.runs - 1, self.rounds + rounds);
                        if self.runs == 0 {
                            deeds.push(Deed::Ends(Ended::Finished(self.rounds)));
                        }
                    }
                    ParticipantEffect::Distrust { what } => deeds.push(Deed::Ends(Ended::Stopped(what))),
                    ParticipantEffect::Stop { explanation, .. } => {
                        deeds.push(Deed::Ends(Ended::Stopped(explanation.into())));
                    }
                    ParticipantEffect::Append(event) => {
                        RECORDS.lock().unwrap().entry(self.folder.clone()).or_default().push(event);
                    }
                    ParticipantEffect::Sync
                    | ParticipantEffect::ForgetVector(_)
                    | ParticipantEffect::Keyed { .. }
                    | ParticipantEffect::NoiseAlone(_)
                    | ParticipantEffect::RosterAccepted { .. }
                    | ParticipantEffect::HeadAdopted { .. }
                    | ParticipantEffect::Muster(_)
                    | ParticipantEffect::BudgetAnnounced { .. }
                    | ParticipantEffect::RoundClosed { .. } => {}
                }
            }
        }
        deeds
    }

    fn train(&mut self, run: RunId, contribution: Contribution) -> ParticipantInput {
        let Contribution { descriptor, receipt, seeds } = contribution;
        let words = RingWords::reduce(descriptor.ring, &vec![self.value; descriptor.dimension as usize]);
        let update = mask::<RealSuite>(words, receipt, seeds);
        let vector = update.digest();
        self.vectors.insert(run, update);
        ParticipantInput::Masked { round: descriptor.round, vector }
    }
}
