//! A client: the real participant machine, the real transport, and a training that gives every coordinate its client's number.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

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
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::frame::{Frame, encode_frame};
use tributary_protocol::ids::RunId;
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, VECTOR_BYTES_MAX};
use tributary_protocol::message::{
    Downstream, FRAME_CONTROL, FRAME_VECTOR, Join, RejectCode, Start, ToClient, ToCoordinator, Upstream,
    frame_bytes_max,
};
use tributary_protocol::plan::{Grant, GrantSubject, GrantUses, PrivacyMode};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::roster::{MemberName, StaffNumber};
use tributary_protocol::round::{
    Branch, Contribution, Granted, Outbox, Participant, ParticipantEffect, ParticipantEvent, ParticipantInput, Policy,
    Timing,
};
use tributary_protocol::secagg::masked_sum::{MaskedUpdate, mask};
use tributary_protocol::secagg::modular::RingWords;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule};
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};
use tributary_protocol::time::Millis;
use tributary_transport::{
    DialSettings, Dialer, End, Frames, Greeted, Greeting, Link, LinkId, Mode, Timers, Transport,
};

use super::Federation;

/// What a client does wrong, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Nothing.
    Honest,
    /// Its first upload has another digest than it signed.
    OtherDigest,
    /// Its first upload is one byte short.
    OtherLength,
    /// It sends a vector that it did not announce.
    Unannounced,
    /// It leaves in the middle of its first upload.
    CutUpload,
    /// It announces its first upload in a run that there is not, and leaves.
    OtherRun,
}

/// How a client's conversation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The plan was over after so many rounds.
    Finished(u32),
    /// The machine stopped, with this explanation.
    Stopped(String),
    /// The connection ended, with this reason.
    Lost(String),
}

/// Why a client's question was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The door refused it.
    Refused(RejectCode, String),
    /// The connection ended.
    Lost(String),
}

/// A connected client.
pub(crate) struct Client {
    branch: Branch<RealSuite>,
    /// In the runs to which it was invited.
    machines: BTreeMap<RunId, Participant<RealSuite>>,
    link: Link,
    frames: Frames,
    start: Option<(RunId, Start)>,
    vectors: BTreeMap<RunId, MaskedUpdate>,
    /// Runs that are to finish before it leaves, and the rounds of those that have.
    runs: usize,
    rounds: u32,
    behaviour: Behaviour,
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

/// Connects with whatever a TLS configuration proves, and greets as a process of its own.
pub(crate) async fn dial(
    address: SocketAddr,
    tls: Arc<rustls::ClientConfig>,
    transport: Transport,
) -> Result<Link, String> {
    let settings = DialSettings {
        address: address.to_string(),
        server_name: "127.0.0.1".into(),
        mode: Mode::Auto,
        proxy: None,
        path: tributary_transport::Path::default(),
        timers: Timers::default(),
    };
    let wire = Dialer::new(settings).over(transport, tls).await.map_err(|fault| fault.to_string())?;
    let mut instance = [0; 16];
    OsEntropy.fill(&mut instance);
    let greeting = Greeting { instance, link: LinkId::default(), received: 0, binding: Vec::new() };
    let (greeted, welcome) = Greeted::by_us(wire, &greeting).await.map_err(|end| end.to_string())?;
    assert!(!welcome.resumed && welcome.received == 0);
    let mut link = Link::new(Timers::default());
    link.attach(greeted, 0).map_err(|end| end.to_string())?;
    Ok(link)
}

/// A cap that stops nothing.
fn everything() -> Accounts {
    let most = RdpVector::from_nanos(vec![u64::MAX; RdpVector::zero().nanos().len()]).unwrap();
    Accounts { customer: most.clone(), branch: most }
}

impl Client {
    /// Connects with the identity of an enrolled branch, whose training gives `value` in every coordinate.
    pub(crate) async fn connect(
        federation: &Federation,
        id: &str,
        address: SocketAddr,
        value: i64,
    ) -> Result<Self, String> {
        Self::connect_over(Transport::Quic, federation, id, address, value).await
    }

    /// As [`Client::connect`], over one of the transports.
    pub(crate) async fn connect_over(
        transport: Transport,
        federation: &Federation,
        id: &str,
        address: SocketAddr,
        value: i64,
    ) -> Result<Self, String> {
        let folder = federation.client_folder(id);
        let authorities = RosterAuthorities::read(&folder.join(names::AUTHORITIES)).unwrap();
        let signing_key = read_signing_key(&folder.join(names::SIGNING_KEY)).unwrap();
        let events = recorded(&folder, (id, authorities.digest()), signing_key.verifying_key());
        let grant = GRANTS.lock().unwrap()[&folder].clone();
        let policy = Policy {
            cohort: CohortRule::USUAL,
            cap: everything(),
            cap_year: everything(),
            caps: tributary_protocol::round::cast::caps(),
            plan_cap: everything(),
            modes: PrivacyMode::ALL.to_vec(),
            purposes: vec![PURPOSE_DEFAULT.to_owned()],
            schema: Self::schema().digest(),
            groups: vec!["all".to_owned()],
            overlap_min: 1,
            upload_offset_ms_min: 0,
            rounds_max: u32::MAX,
            rounds_a_day: u32::MAX,
            timing: Timing::Plain,
            coordinator: read_coordinator(&folder.join(names::COORDINATOR)).unwrap().signing_key,
            authorities: authorities.keys().to_vec(),
            authorities_needed: authorities.needed(),
            grants: vec![Granted {
                grant,
                run: everything().customer,
                year: everything().customer,
                names_fields: true,
            }],
        };
        let schema = Self::schema().digest();
        let link = dial(address, federation.tls(&folder), transport).await?;
        Ok(Self {
            branch: Branch::resume(policy, schema, signing_key, &events).expect("a budget file of this client"),
            machines: BTreeMap::new(),
            link,
            frames: Frames::new(|kind| frame_bytes_max(kind, VECTOR_BYTES_MAX)),
            start: None,
            vectors: BTreeMap::new(),
            runs: 1,
            rounds: 0,
            behaviour: Behaviour::Honest,
            value,
            folder,
        })
    }

    /// The test's schema.
    pub(crate) fn schema() -> Schema {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/samples/schemas/bank_full.toml");
        Schema::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// Changes what it does.
    pub(crate) fn behaving(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// Leaves after so many runs.
    pub(crate) fn in_runs(self, runs: usize) -> Self {
        Self { runs, ..self }
    }

    /// Takes part until the conversation ends.
    pub(crate) async fn run(mut self) -> Ended {
        loop {
            let (run, input) = match self.next_input().await {
                Ok(next) => next,
                Err(end) => return end,
            };
            if let Some(end) = self.input(run, input).await {
                // What was sent last is read before the connection goes.
                let _ = self.link.flush().await;
                self.link.close("done").await;
                return end;
            }
        }
    }

    /// Says hello and gives the first answer.
    pub(crate) async fn first_answer(&mut self) -> Result<Downstream, Unanswered> {
        self.answer_to_join(tributary_protocol::limits::PROTOCOL_VERSION, Self::schema().digest()).await
    }

    /// Answers whatever the transport is asked, for so long at most; whether the link still stands.
    pub(crate) async fn is_alive_for(&mut self, time: std::time::Duration) -> bool {
        // Lists come after the welcome.
        tokio::time::timeout(time, async { while self.next_frame().await.is_ok() {} }).await.is_err()
    }

    /// Closes the connection, and waits until the coordinator was told.
    pub(crate) async fn leave(self) {
        self.link.close("done").await;
    }

    /// Vanishes: no word, no packet.
    pub(crate) fn vanish(self) {
        std::mem::forget(self.link);
    }

    /// Says hello as some release with some schema, and gives the first answer.
    pub(crate) async fn answer_to_join(&mut self, version: u32, schema: Digest) -> Result<Downstream, Unanswered> {
        let run = loop {
            match self.next_message().await.map_err(Unanswered::Lost)? {
                ToClient::Run(run, Downstream::Invite) => break run,
                ToClient::Refused { code, explanation } => {
                    return Err(Unanswered::Refused(code, explanation.to_string()));
                }
                _ => {}
            }
        };
        let join = Upstream::Join(Join { version, schema, holding: Vec::new(), nonce: Digest::ZERO });
        self.send(run, join);
        loop {
            if let ToClient::Run(_, message) = self.next_message().await.map_err(Unanswered::Lost)? {
                return Ok(message);
            }
        }
    }

    async fn next_message(&mut self) -> Result<ToClient, String> {
        let frame = self.next_frame().await?;
        codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX).map_err(|fault| fault.to_string())
    }

    fn send(&mut self, run: RunId, message: Upstream) {
        self.send_frame(FRAME_CONTROL, &codec::encode(&ToCoordinator::Run(run, message)));
    }

    /// Sends raw bytes and gives the reason for which the connection then ends.
    pub(crate) async fn send_and_be_closed(mut self, bytes: &[u8]) -> String {
        self.link.send([bytes.to_vec().into()]);
        loop {
            if let Err(reason) = self.next_frame().await {
                return reason;
            }
        }
    }

    async fn next_input(&mut self) -> Result<(RunId, ParticipantInput), Ended> {
        loop {
            let frame = self.next_frame().await.map_err(Ended::Lost)?;
            if frame.kind == FRAME_VECTOR {
                let (run, start) = self.start.take().expect("a model comes after a start");
                let planned = planned::check(self.machines[&run].run().unwrap(), Some(&Self::schema())).unwrap();
                let stage = planned.stage(start.descriptor.stage).unwrap();
                return Ok((run, ParticipantInput::Started { model: Ok(stage.state_digest(&frame.payload)), start }));
            }
            match codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX).unwrap() {
                ToClient::Run(run, Downstream::Start(start)) => self.start = Some((run, start)),
                ToClient::Run(run, Downstream::Invite) if !self.machines.contains_key(&run) => {
                    self.machines.insert(run, Participant::new(&self.branch, run));
                    return Ok((run, ParticipantInput::Connected));
                }
                ToClient::Run(run, message) => return Ok((run, ParticipantInput::Message(message))),
                ToClient::Refused { explanation, .. } => return Err(Ended::Stopped(explanation.to_string())),
                ToClient::Lists(_)
                | ToClient::Roster(_)
                | ToClient::Models(_)
                | ToClient::RosterBefore(_)
                | ToClient::Followers(_)
                | ToClient::Owner(_)
                | ToClient::Checkpoint(_)
                | ToClient::ModelPiece { .. } => {}
            }
        }
    }

    async fn next_frame(&mut self) -> Result<Frame, String> {
        loop {
            if let Some(frame) = self.frames.frame().unwrap() {
                return Ok(frame);
            }
            match self.link.read().await {
                Ok(chunk) => self.frames.feed(chunk),
                Err(End::Over(reason)) => return Err(reason.into()),
                Err(end) => return Err(end.to_string()),
            }
        }
    }

    async fn input(&mut self, run: RunId, input: ParticipantInput) -> Option<Ended> {
        let mut inputs = vec![input];
        let mut outbox = Outbox::new();
        while let Some(input) = inputs.pop() {
            let now = Millis(unix_millis());
            let machine = self.machines.get_mut(&run)?;
            machine.handle(&mut self.branch, now, &mut OsEntropy, input, &mut outbox);
            while let Some(effect) = outbox.pop() {
                match effect {
                    ParticipantEffect::Send(message) => self.send(run, message),
                    ParticipantEffect::JudgeRun(run) => {
                        inputs.push(ParticipantInput::RunJudged { run: run.id(), verdict: Ok(()) });
                    }
                    ParticipantEffect::Contribute(contribution) => inputs.push(self.train(run, contribution)),
                    ParticipantEffect::Upload(header) => {
                        let told = if matches!(self.behaviour, Behaviour::OtherRun) { RunId([7; 32]) } else { run };
                        let header = codec::encode(&ToCoordinator::Run(told, Upstream::Masked(header)));
                        if let Err(end) = self.upload(run, &header).await {
                            return Some(end);
                        }
                    }
                    ParticipantEffect::Finished { rounds } => {
                        (self.runs, self.rounds) = (self.runs - 1, self.rounds + rounds);
                        if self.runs == 0 {
                            return Some(Ended::Finished(self.rounds));
                        }
                    }
                    ParticipantEffect::Distrust { what } => return Some(Ended::Stopped(what)),
                    ParticipantEffect::Stop { explanation, .. } => return Some(Ended::Stopped(explanation.into())),
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
        None
    }

    fn train(&mut self, run: RunId, contribution: Contribution) -> ParticipantInput {
        let Contribution { descriptor, receipt, seeds } = contribution;
        let words = RingWords::reduce(descriptor.ring, &vec![self.value; descriptor.dimension as usize]);
        let update = mask::<RealSuite>(words, receipt, seeds);
        let vector = update.digest();
        self.vectors.insert(run, update);
        ParticipantInput::Masked { round: descriptor.round, vector }
    }

    async fn upload(&mut self, run: RunId, header: &[u8]) -> Result<(), Ended> {
        let update = self.vectors.remove(&run).expect("a vector was made");
        let mut bytes = update.into_bytes();
        match self.behaviour {
            Behaviour::Honest => {}
            Behaviour::OtherDigest => bytes[0] ^= 1,
            Behaviour::OtherLength => bytes.truncate(bytes.len() - 1),
            Behaviour::Unannounced => {
                self.send_frame(FRAME_VECTOR, &bytes);
                return Ok(());
            }
            Behaviour::OtherRun => {
                self.send_frame(FRAME_CONTROL, header);
                let _ = self.link.flush().await;
                std::mem::replace(&mut self.link, Link::new(Timers::default())).close("left").await;
                return Err(Ended::Lost("left".into()));
            }
            Behaviour::CutUpload => {
                self.send_frame(FRAME_CONTROL, header);
                let frame = encode_frame(FRAME_VECTOR, &bytes);
                self.link.send([frame[..frame.len() / 2].to_vec().into()]);
                let _ = self.link.flush().await;
                std::mem::replace(&mut self.link, Link::new(Timers::default())).close("cut").await;
                return Err(Ended::Lost("cut".into()));
            }
        }
        self.send_frame(FRAME_CONTROL, header);
        self.send_frame(FRAME_VECTOR, &bytes);
        Ok(())
    }

    fn send_frame(&mut self, kind: u8, payload: &[u8]) {
        self.link.send([encode_frame(kind, payload).into()]);
    }
}
