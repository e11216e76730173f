//! A client: the real participant machine, the real transport, and a training that gives every coordinate its client's number.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use quinn::crypto::rustls::QuicClientConfig;
use tributary_certs::enrolment::{names, read_coordinator};
use tributary_certs::entropy::OsEntropy;
use tributary_certs::keys::read_signing_key;
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::RealSuite;
use tributary_coordinator::settings::PURPOSE_DEFAULT;
use tributary_model::architecture::Architecture;
use tributary_model::parameters::Parameters;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::frame::{Frame, FrameReader, encode_frame};
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, VECTOR_BYTES_MAX};
use tributary_protocol::message::{Downstream, FRAME_CONTROL, FRAME_VECTOR, Join, Start, Upstream, frame_bytes_max};
use tributary_protocol::plan::PrivacyMode;
use tributary_protocol::privacy::RdpVector;
use tributary_protocol::round::{
    Contribution, Outbox, Participant, ParticipantEffect, ParticipantEvent, ParticipantInput, Policy,
};
use tributary_protocol::secagg::masked_sum::{MaskedUpdate, mask};
use tributary_protocol::secagg::modular::RingWords;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule};
use tributary_protocol::time::Millis;

use super::Federation;

/// As the daemons have it.
const LOOPBACK_PAYLOAD_BYTES: u16 = if cfg!(target_os = "linux") { 65_488 } else { 16_000 };

type Reader = FrameReader<fn(u8) -> Option<usize>>;

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

/// A connected client.
pub(crate) struct Client {
    machine: Participant<RealSuite>,
    endpoint: quinn::Endpoint,
    connection: quinn::Connection,
    send: quinn::SendStream,
    receive: quinn::RecvStream,
    frames: Reader,
    chunk: Vec<u8>,
    start: Option<Start>,
    vector: Option<MaskedUpdate>,
    behaviour: Behaviour,
    origin: Instant,
    value: i64,
    folder: PathBuf,
}

/// What stands in the budget file of each branch, by its folder: it outlives a connection, as the file does.
static RECORDS: Mutex<BTreeMap<PathBuf, Vec<ParticipantEvent>>> = Mutex::new(BTreeMap::new());

fn recorded(folder: &Path) -> Vec<ParticipantEvent> {
    RECORDS.lock().unwrap().get(folder).cloned().unwrap_or_default()
}

/// Connects with whatever a TLS configuration proves.
pub(crate) async fn dial(
    address: SocketAddr,
    tls: Arc<rustls::ClientConfig>,
) -> Result<(quinn::Endpoint, quinn::Connection), String> {
    let crypto = QuicClientConfig::try_from(tls).unwrap();
    let mut endpoint = quinn::EndpointConfig::default();
    endpoint.max_udp_payload_size(LOOPBACK_PAYLOAD_BYTES).unwrap();
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let endpoint = quinn::Endpoint::new(endpoint, None, socket, Arc::new(quinn::TokioRuntime)).unwrap();
    let mut congestion = quinn::congestion::CubicConfig::default();
    congestion.initial_window(4 << 20);
    let mut discovery = quinn::MtuDiscoveryConfig::default();
    discovery.upper_bound(LOOPBACK_PAYLOAD_BYTES);
    let mut transport = quinn::TransportConfig::default();
    transport
        .initial_mtu(LOOPBACK_PAYLOAD_BYTES)
        .mtu_discovery_config(Some(discovery))
        .congestion_controller_factory(Arc::new(congestion))
        .enable_segmentation_offload(false);
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    let connecting = endpoint.connect_with(config, address, "127.0.0.1").unwrap();
    let connection = connecting.await.map_err(|fault| fault.to_string())?;
    Ok((endpoint, connection))
}

impl Client {
    /// Connects with the identity of an enrolled branch, whose training gives `value` in every coordinate.
    pub(crate) async fn connect(
        federation: &Federation,
        id: &str,
        address: SocketAddr,
        value: i64,
    ) -> Result<Self, String> {
        let folder = federation.client_folder(id);
        let authorities = RosterAuthorities::read(&folder.join(names::AUTHORITIES)).unwrap();
        let policy = Policy {
            cohort: CohortRule::USUAL,
            cap: RdpVector::from_nanos(vec![u64::MAX; RdpVector::zero().nanos().len()]).unwrap(),
            plan_cap: RdpVector::from_nanos(vec![u64::MAX; RdpVector::zero().nanos().len()]).unwrap(),
            modes: PrivacyMode::ALL.to_vec(),
            purposes: vec![PURPOSE_DEFAULT.to_owned()],
            overlap_min: 1,
            rounds_a_day: u32::MAX,
            coordinator: read_coordinator(&folder.join(names::COORDINATOR)).unwrap().signing_key,
            authorities: authorities.keys().to_vec(),
            authorities_needed: authorities.needed(),
        };
        let signing_key = read_signing_key(&folder.join(names::SIGNING_KEY)).unwrap();
        let schema = Self::schema();
        let (endpoint, connection) = dial(address, federation.tls(&folder)).await?;
        let (send, receive) = connection.open_bi().await.map_err(|fault| fault.to_string())?;
        Ok(Self {
            machine: Participant::resume(policy, schema, signing_key, &recorded(&folder)),
            endpoint,
            connection,
            send,
            receive,
            frames: FrameReader::new(limit),
            chunk: Vec::new(),
            start: None,
            vector: None,
            behaviour: Behaviour::Honest,
            origin: Instant::now(),
            value,
            folder,
        })
    }

    /// Digest of the test's schema.
    pub(crate) fn schema() -> Digest {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/samples/schemas/bank_full.toml");
        tributary_model::schema::Schema::parse(&std::fs::read_to_string(path).unwrap()).unwrap().digest()
    }

    /// Changes what it does.
    pub(crate) fn behaving(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// Takes part until the conversation ends.
    pub(crate) async fn run(mut self) -> Ended {
        if let Some(end) = self.input(ParticipantInput::Connected).await {
            return end;
        }
        loop {
            let input = match self.next_input().await {
                Ok(input) => input,
                Err(reason) => return Ended::Lost(reason),
            };
            if let Some(end) = self.input(input).await {
                // What was sent last is acknowledged before the connection goes.
                let _ = self.send.finish();
                let _ = self.send.stopped().await;
                self.connection.close(0_u32.into(), b"done");
                self.endpoint.wait_idle().await;
                return end;
            }
        }
    }

    /// Says hello and gives the first answer.
    pub(crate) async fn first_answer(&mut self) -> Result<Downstream, String> {
        self.answer_to_join(tributary_protocol::limits::PROTOCOL_VERSION, Self::schema()).await
    }

    /// Whether the connection stands.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    /// Closes the connection, and waits until the coordinator was told.
    pub(crate) async fn leave(self) {
        self.connection.close(0_u32.into(), b"done");
        self.endpoint.wait_idle().await;
    }

    /// Says hello as some release with some schema, and gives the first answer.
    pub(crate) async fn answer_to_join(&mut self, version: u32, schema: Digest) -> Result<Downstream, String> {
        let join = Upstream::Join(Join { version, schema, holding: Vec::new() });
        self.send_frame(FRAME_CONTROL, &codec::encode(&join)).await.map_err(|_| "cannot send".to_owned())?;
        let frame = self.next_frame().await?;
        codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX).map_err(|fault| fault.to_string())
    }

    /// Sends raw bytes and gives the reason for which the connection then ends.
    pub(crate) async fn send_and_be_closed(mut self, bytes: &[u8]) -> String {
        self.send.write_all(bytes).await.unwrap();
        loop {
            if let Err(reason) = self.next_frame().await {
                return reason;
            }
        }
    }

    async fn next_input(&mut self) -> Result<ParticipantInput, String> {
        loop {
            let frame = self.next_frame().await?;
            if frame.kind == FRAME_VECTOR {
                let start = self.start.take().expect("a model comes behind a start");
                let architecture = Architecture::decode(&self.machine.plan().unwrap().architecture).unwrap();
                let model = Parameters::from_le_bytes(&architecture, &frame.payload).unwrap().digest();
                return Ok(ParticipantInput::Started { start, model });
            }
            match codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX).unwrap() {
                Downstream::Start(start) => self.start = Some(start),
                message => return Ok(ParticipantInput::Message(message)),
            }
        }
    }

    async fn next_frame(&mut self) -> Result<Frame, String> {
        loop {
            let mut rest = self.chunk.as_slice();
            let frame = self.frames.push(&mut rest).unwrap();
            self.chunk = rest.to_vec();
            if let Some(frame) = frame {
                return Ok(frame);
            }
            match self.receive.read_chunk(1 << 20, true).await {
                Ok(Some(chunk)) => self.chunk = chunk.bytes.to_vec(),
                Ok(None) => return Err("the stream ended".into()),
                Err(quinn::ReadError::ConnectionLost(quinn::ConnectionError::ApplicationClosed(close))) => {
                    return Err(String::from_utf8(close.reason.to_vec()).unwrap());
                }
                Err(fault) => return Err(format!("{fault:?}")),
            }
        }
    }

    async fn input(&mut self, input: ParticipantInput) -> Option<Ended> {
        let mut inputs = vec![input];
        let mut outbox = Outbox::new();
        while let Some(input) = inputs.pop() {
            let now = Millis(u64::try_from(self.origin.elapsed().as_millis()).unwrap());
            self.machine.handle(now, &mut OsEntropy, input, &mut outbox);
            while let Some(effect) = outbox.pop() {
                match effect {
                    ParticipantEffect::Send(message) => {
                        if let Err(end) = self.send_frame(FRAME_CONTROL, &codec::encode(&message)).await {
                            return Some(end);
                        }
                    }
                    ParticipantEffect::JudgePlan(plan) => {
                        inputs.push(ParticipantInput::PlanJudged { plan: plan.digest(), verdict: Ok(()) });
                    }
                    ParticipantEffect::Contribute(contribution) => inputs.push(self.train(contribution)),
                    ParticipantEffect::Upload(header) => {
                        let header = codec::encode(&Upstream::Masked(header));
                        if let Err(end) = self.upload(&header).await {
                            return Some(end);
                        }
                    }
                    ParticipantEffect::Finished { rounds } => return Some(Ended::Finished(rounds)),
                    ParticipantEffect::Stop { explanation, .. } => return Some(Ended::Stopped(explanation)),
                    ParticipantEffect::Append(event) => {
                        RECORDS.lock().unwrap().entry(self.folder.clone()).or_default().push(event);
                    }
                    ParticipantEffect::Sync
                    | ParticipantEffect::ForgetVector(_)
                    | ParticipantEffect::Keyed { .. }
                    | ParticipantEffect::ChargesAdopted { .. }
                    | ParticipantEffect::RoundClosed { .. } => {}
                }
            }
        }
        None
    }

    fn train(&mut self, contribution: Contribution) -> ParticipantInput {
        let Contribution { descriptor, receipt, seeds } = contribution;
        let plan = self.machine.plan().expect("a plan");
        let words = RingWords::reduce(plan.ring, &vec![self.value; descriptor.dimension as usize]);
        let update = mask::<RealSuite>(words, receipt, seeds);
        let vector = update.digest();
        self.vector = Some(update);
        ParticipantInput::Masked { round: descriptor.round, vector }
    }

    async fn upload(&mut self, header: &[u8]) -> Result<(), Ended> {
        let update = self.vector.take().expect("a vector was made");
        let mut bytes = update.into_bytes();
        match self.behaviour {
            Behaviour::Honest => {}
            Behaviour::OtherDigest => bytes[0] ^= 1,
            Behaviour::OtherLength => bytes.truncate(bytes.len() - 1),
            Behaviour::Unannounced => return self.send_frame(FRAME_VECTOR, &bytes).await,
            Behaviour::CutUpload => {
                self.send_frame(FRAME_CONTROL, header).await?;
                let frame = encode_frame(FRAME_VECTOR, &bytes);
                self.send.write_all(&frame[..frame.len() / 2]).await.map_err(|fault| Ended::Lost(fault.to_string()))?;
                let _ = self.send.finish();
                let _ = self.send.stopped().await;
                self.connection.close(0_u32.into(), b"cut");
                return Err(Ended::Lost("cut".into()));
            }
        }
        self.send_frame(FRAME_CONTROL, header).await?;
        self.send_frame(FRAME_VECTOR, &bytes).await
    }

    async fn send_frame(&mut self, kind: u8, payload: &[u8]) -> Result<(), Ended> {
        self.send.write_all(&encode_frame(kind, payload)).await.map_err(|fault| Ended::Lost(fault.to_string()))
    }
}

fn limit(kind: u8) -> Option<usize> {
    frame_bytes_max(kind, VECTOR_BYTES_MAX)
}
