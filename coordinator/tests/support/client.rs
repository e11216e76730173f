//! A client: a branch's machines over the real transport.

use std::net::SocketAddr;
use std::sync::Arc;

use tributary_certs::entropy::OsEntropy;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::frame::{Frame, encode_frame};
use tributary_protocol::ids::RunId;
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, VECTOR_BYTES_MAX};
use tributary_protocol::message::{
    Downstream, FRAME_CONTROL, FRAME_VECTOR, Join, RejectCode, ToClient, ToCoordinator, Upstream, frame_bytes_max,
};
use tributary_transport::{
    DialSettings, Dialer, End, Frames, Greeted, Greeting, Link, LinkId, Mode, Timers, Transport,
};

use super::Federation;
use super::branch::{Deed, Ended, Machines};

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
    machines: Machines,
    link: Link,
    frames: Frames,
    behaviour: Behaviour,
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
        let link = dial(address, federation.tls(&federation.client_folder(id)), transport).await?;
        Ok(Self {
            machines: Machines::of(federation, id, value),
            link,
            frames: Frames::new(|kind| frame_bytes_max(kind, VECTOR_BYTES_MAX)),
            behaviour: Behaviour::Honest,
        })
    }

    /// Changes what it does.
    pub(crate) fn behaving(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// Leaves after so many runs.
    pub(crate) fn in_runs(mut self, runs: usize) -> Self {
        self.machines.runs = runs;
        self
    }

    /// Takes part until the conversation ends.
    pub(crate) async fn run(mut self) -> Ended {
        loop {
            let frame = match self.next_frame().await {
                Ok(frame) => frame,
                Err(reason) => return Ended::Lost(reason),
            };
            for deed in self.machines.hear(&frame) {
                if let Some(end) = self.does(deed).await {
                    // What was sent last is read before the connection goes.
                    let _ = self.link.flush().await;
                    self.link.close("done").await;
                    return end;
                }
            }
        }
    }

    async fn does(&mut self, deed: Deed) -> Option<Ended> {
        match deed {
            Deed::Says(run, message) => {
                self.send(run, message);
                None
            }
            Deed::Uploads(run, header, bytes) => self.upload(run, header, bytes).await.err(),
            Deed::Ends(end) => Some(end),
        }
    }

    /// Says hello and gives the first answer.
    pub(crate) async fn first_answer(&mut self) -> Result<Downstream, Unanswered> {
        self.answer_to_join(tributary_protocol::limits::PROTOCOL_VERSION, Machines::schema().digest()).await
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

    async fn upload(&mut self, run: RunId, header: Upstream, mut bytes: Vec<u8>) -> Result<(), Ended> {
        let told = if matches!(self.behaviour, Behaviour::OtherRun) { RunId([7; 32]) } else { run };
        let header = &codec::encode(&ToCoordinator::Run(told, header));
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
