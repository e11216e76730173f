//! A load: many clients in one process.

use std::collections::VecDeque;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tributary_certs::budget::sign_first_use;
use tributary_certs::clock::unix_millis;
use tributary_certs::enrolment::{names, read_coordinator};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::grant::sign_grant;
use tributary_certs::keys::read_signing_key;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::RealSuite;
use tributary_client::conversation::{Conversation, Incoming};
use tributary_model::architecture::Architecture;
use tributary_model::parameters::digest_of;
use tributary_model::synthetic::schema;
use tributary_planning::file::PlanFile;
use tributary_protocol::ids::RunId;
use tributary_protocol::limits::VECTOR_BYTES_MAX;
use tributary_protocol::message::{Downstream, MaskedHeader, RefusalCode, Start, Upstream};
use tributary_protocol::plan::{Grant, GrantSubject, GrantUses};
use tributary_protocol::roster::MemberName;
use tributary_protocol::round::{
    Branch, Contribution, Outbox, Participant, ParticipantEffect, ParticipantEvent, ParticipantInput, Policy,
};
use tributary_protocol::secagg::masked_sum::{MaskedUpdate, mask};
use tributary_protocol::secagg::modular::RingWords;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule};
use tributary_protocol::secagg::suite::Signature;
use tributary_protocol::time::Millis;
use tributary_transport::{ChannelSettings, DialSettings, Mode, Timers};

use crate::support::Enrolled;

#[path = "../../allowed.rs"]
mod allowed;

pub(crate) struct Load {
    pub(crate) enrolled: Enrolled,
    pub(crate) address: SocketAddr,
    pub(crate) mode: Mode,
    /// So many take part in the plan; nothing: everybody connects and says nothing.
    pub(crate) cohort: Option<usize>,
}

impl Load {
    pub(crate) fn run(self, clients: std::ops::Range<usize>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(1)
            .build()
            .expect("a runtime");
        let (up, mut connected) = tokio::sync::mpsc::unbounded_channel();
        runtime.block_on(async {
            let count = clients.len();
            for client in clients {
                match self.cohort {
                    None => tokio::spawn(stay(self.conversation(client), up.clone())),
                    Some(cohort) => tokio::spawn(self.client(client, client < cohort).run()),
                };
            }
            let mut stopped = None;
            let mut here = 0;
            while self.cohort.is_none() && here < count {
                match tokio::time::timeout(Duration::from_secs(60), connected.recv()).await {
                    Ok(Some(Ok(()))) => here += 1,
                    Ok(Some(Err(reason))) => stopped = Some(reason),
                    Ok(None) | Err(_) => break,
                }
            }
            if self.cohort.is_none() {
                let stopped = stopped.filter(|_| here < count);
                println!("{}", serde_json::json!({"event": "connected", "clients": here, "stopped": stopped}));
                let _ = std::io::stdout().flush();
            }
            std::future::pending::<()>().await;
        });
    }

    fn conversation(&self, client: usize) -> Conversation {
        let dial = DialSettings {
            address: self.address.to_string(),
            server_name: "localhost".into(),
            mode: self.mode,
            proxy: None,
            // As over a real path.
            path: tributary_transport::Path { mtu: Some(1_400), ..Default::default() },
            timers: Timers::default(),
        };
        let tls = self.enrolled.client_tls(client);
        Conversation::new(ChannelSettings { dial, keys: Box::new(move || (Arc::clone(&tls), Vec::new())) })
    }

    fn client(&self, client: usize, takes_part: bool) -> Client {
        let folder = self.enrolled.client(client);
        let coordinator = read_coordinator(&folder.join(names::COORDINATOR)).expect("a pin");
        let authorities = RosterAuthorities::read(&folder.join(names::AUTHORITIES)).expect("authorities");
        let signing_key = read_signing_key(&folder.join(names::SIGNING_KEY)).expect("a key");
        let plan = PlanFile::read(&self.enrolled.folder.join("plan.tributary")).expect("a signed plan").plan;
        let grant = Grant {
            federation: authorities.digest(),
            branches: vec![MemberName::parse(&format!("bank/branch-{client:04}")).expect("a name")],
            subject: GrantSubject::Plan(plan.digest()),
            uses: GrantUses::TRAIN,
            epsilon_run_bits: 1.0_f64.to_bits(),
            epsilon_year_bits: 1.0_f64.to_bits(),
            delta_bits: 1e-6_f64.to_bits(),
            runs: 1,
            fields: Vec::new(),
            not_before: 0,
            not_after: u64::MAX,
            nonce: [7; 16],
            owner: signing_key.verifying_key(),
            signature: Signature::none(),
        };
        let grant = sign_grant(&signing_key, grant);
        let policy = Policy {
            // The plan says how many may collude.
            cohort: CohortRule { coalition: CoalitionRule::Fraction { permille: 0 }, ..CohortRule::USUAL },
            ..allowed::everything(schema().digest(), (coordinator.signing_key, &authorities), grant)
        };
        let first = sign_first_use(&signing_key, ("crowd", &[7; 32]), signing_key.verifying_key(), false);
        let begun = ParticipantEvent::BudgetBegun { population: "crowd".into(), salt: [7; 32], first };
        let branch = Member {
            branch: Branch::resume(policy, schema().digest(), signing_key, &[begun])
                .expect("a file that a branch writes"),
            machine: None,
            vector: None,
            takes_part,
            value: i64::try_from(client).expect("a small number"),
        };
        let mut conversation = self.conversation(client);
        // Before the plan is there; a daemon takes the limit from it.
        conversation.limit_vectors(VECTOR_BYTES_MAX);
        Client { conversation, branch }
    }
}

async fn stay(mut conversation: Conversation, up: tokio::sync::mpsc::UnboundedSender<Result<(), String>>) {
    loop {
        // A load whose conductor has gone is about to go as well.
        let _ = match conversation.next().await {
            Incoming::Connected { .. } => up.send(Ok(())),
            Incoming::Waiting { reason, .. } => up.send(Err(reason)),
            _ => Ok(()),
        };
    }
}

/// One branch: the machine and its conversation.
struct Client {
    conversation: Conversation,
    branch: Member,
}

impl Client {
    /// Five hundred machines that compute one after the other must not hold up five hundred connections: the runtime's only thread serves these,
    /// and its only blocking thread the machines.
    async fn run(self) {
        let Self { mut conversation, branch } = self;
        let mut waiting = VecDeque::new();
        let mut work = tokio::task::spawn_blocking(|| (branch, Vec::new()));
        loop {
            // A branch at rest is one whose work is done and not yet begun again.
            let (mut branch, said) = loop {
                tokio::select! {
                    done = &mut work => break done.expect("a machine does not panic"),
                    incoming = conversation.next() => waiting.extend(Arrival::of(incoming)),
                }
            };
            // What was worked out for a connection that has gone meanwhile is nobody's.
            let gone = waiting.iter().any(|arrival| matches!(arrival, Arrival::Input(ParticipantInput::Disconnected)));
            for said in said.into_iter().filter(|_| !gone) {
                match said {
                    Said::Message(run, message) => conversation.send(run, message),
                    Said::Upload(run, header, vector) => conversation.send_masked(run, header, (vector, true)),
                }
            }
            while waiting.is_empty() {
                let deadline = branch.deadline().map(|deadline| branch.now().until(deadline));
                let timer = async {
                    match deadline {
                        Some(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    incoming = conversation.next() => waiting.extend(Arrival::of(incoming)),
                    () = timer => waiting.push_back(Arrival::Input(ParticipantInput::Timer)),
                }
            }
            let arrivals = std::mem::take(&mut waiting);
            work = tokio::task::spawn_blocking(move || {
                let said = arrivals.into_iter().flat_map(|arrival| branch.arrived(arrival)).collect();
                (branch, said)
            });
        }
    }
}

/// What a machine is told.
enum Arrival {
    Invited(RunId),
    Input(ParticipantInput),
    Started(Start, Vec<u8>),
}

impl Arrival {
    fn of(incoming: Incoming) -> Option<Self> {
        Some(match incoming {
            Incoming::Message(run, Downstream::Invite) => Self::Invited(run),
            Incoming::Message(_, message) => Self::Input(ParticipantInput::Message(message)),
            Incoming::Started(_, start, model) => Self::Started(start, model),
            Incoming::Connected { resumed: false, .. } => Self::Input(ParticipantInput::Connected),
            Incoming::Connected { .. } => Self::Input(ParticipantInput::Resumed),
            // What is not of a run.
            Incoming::Waiting { .. }
            | Incoming::Lists(_)
            | Incoming::Refused(_)
            | Incoming::Roster(_)
            | Incoming::Models(_)
            | Incoming::RosterBefore(_)
            | Incoming::Followers(_)
            | Incoming::Owner(_)
            | Incoming::Checkpoint(_)
            | Incoming::ModelPiece(..) => return None,
            Incoming::Gone => Self::Input(ParticipantInput::Disconnected),
        })
    }
}

/// What a machine says.
enum Said {
    Message(RunId, Upstream),
    Upload(RunId, MaskedHeader, Vec<u8>),
}

/// A branch, which takes part in the one run that there is.
struct Member {
    branch: Branch<RealSuite>,
    machine: Option<(RunId, Participant<RealSuite>)>,
    vector: Option<MaskedUpdate>,
    takes_part: bool,
    value: i64,
}

impl Member {
    fn deadline(&self) -> Option<Millis> {
        self.machine.as_ref().and_then(|(_, machine)| machine.deadline())
    }

    fn now(&self) -> Millis {
        Millis(unix_millis())
    }

    fn arrived(&mut self, arrival: Arrival) -> Vec<Said> {
        let input = match arrival {
            Arrival::Input(input) => input,
            Arrival::Invited(run) => {
                let Self { branch, machine, .. } = self;
                machine.get_or_insert_with(|| (run, Participant::new(branch, run)));
                ParticipantInput::Message(Downstream::Invite)
            }
            Arrival::Started(start, model) => {
                let machine = self.machine.as_ref().map(|(_, machine)| machine);
                let run = machine.and_then(Participant::run).expect("an admitted run");
                let architecture = Architecture::decode(&run.architecture).expect("an architecture");
                let digest = digest_of(&architecture, &model);
                ParticipantInput::Started { start, model: Ok(digest) }
            }
        };
        self.input(input)
    }

    fn input(&mut self, input: ParticipantInput) -> Vec<Said> {
        let (mut inputs, mut said) = (vec![input], Vec::new());
        let mut outbox = Outbox::new();
        while let Some(input) = inputs.pop() {
            let now = self.now();
            let Some((run, machine)) = &mut self.machine else { return said };
            let own = *run;
            machine.handle(&mut self.branch, now, &mut OsEntropy, input, &mut outbox);
            while let Some(effect) = outbox.pop() {
                match effect {
                    ParticipantEffect::Send(message) => said.push(Said::Message(own, message)),
                    ParticipantEffect::JudgeRun(run) => {
                        let verdict = if self.takes_part { Ok(()) } else { Err(RefusalCode::BudgetExceeded) };
                        inputs.push(ParticipantInput::RunJudged { run: run.id(), verdict });
                    }
                    ParticipantEffect::Contribute(contribution) => inputs.push(self.train(contribution)),
                    ParticipantEffect::Upload(header) => {
                        let update = self.vector.take().expect("a vector was made");
                        said.push(Said::Upload(own, header, update.into_bytes()));
                    }
                    ParticipantEffect::Stop { explanation, .. } if self.takes_part => {
                        eprintln!("a client stops: {explanation}");
                    }
                    _ => {}
                }
            }
        }
        said
    }

    fn train(&mut self, contribution: Contribution) -> ParticipantInput {
        let Contribution { descriptor, receipt, seeds } = contribution;
        let words = RingWords::reduce(descriptor.ring, &vec![self.value; descriptor.dimension as usize]);
        let update = mask::<RealSuite>(words, receipt, seeds);
        let vector = update.digest();
        self.vector = Some(update);
        ParticipantInput::Masked { round: descriptor.round, vector }
    }
}
