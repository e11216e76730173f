//! A link: a stream of bytes in each direction that outlives the connections which carry it.
//!
//! Both sides keep what they sent until the other has confirmed that it was read. When a connection is cut, the client makes another one,
//! over whichever transport, both sides say how far they have read, and each goes on behind that: every byte is read once and in order, and
//! at most [`crate::limits::UNCONFIRMED_BYTES_MAX`] are sent again. What is above a link never learns of a cut that was mended in time.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep};
use tributary_protocol::printable::Printable;

use crate::incoming::{Incoming, Item};
use crate::limits::{CONFIRMED_AFTER, HANDSHAKE_TIME};
use crate::outgoing::Outgoing;
use crate::record::{Greeting, Kind, Welcome, record};
use crate::timers::Timers;
use crate::wire::{End, Wire};

/// One end of a link.
pub struct Link {
    wire: Option<Wire>,
    outgoing: Outgoing,
    incoming: Incoming,
    /// Bytes of the peer's stream that were handed out, and of these confirmed to it.
    received: u64,
    confirmed: u64,
    timers: Timers,
    heard: Instant,
    spoke: Instant,
    alarm: Pin<Box<Sleep>>,
    alarm_at: Option<Instant>,
    /// The peer confirmed something since the last [`Link::ping`].
    answered: bool,
    /// The welcome waits to be taken.
    welcoming: bool,
    past_bytes: (u64, u64),
}

impl Link {
    /// A link without a connection.
    #[must_use]
    pub fn new(timers: Timers) -> Self {
        let now = Instant::now();
        Self {
            wire: None,
            outgoing: Outgoing::default(),
            incoming: Incoming::default(),
            received: 0,
            confirmed: 0,
            timers,
            heard: now,
            spoke: now,
            alarm: Box::pin(tokio::time::sleep(Duration::ZERO)),
            alarm_at: None,
            answered: true,
            welcoming: false,
            past_bytes: (0, 0),
        }
    }

    /// Whether a connection carries it now.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.wire.is_some()
    }

    /// What carries it now.
    #[must_use]
    pub fn wire(&self) -> Option<&Wire> {
        self.wire.as_ref()
    }

    /// Bytes of the peer's stream that were handed out: what a greeting or a welcome says.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Bytes that wait for the peer to confirm them.
    #[must_use]
    pub fn unconfirmed(&self) -> u64 {
        self.outgoing.unconfirmed()
    }

    /// Bytes received and sent over all connections so far.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let now = self.wire.as_ref().map_or((0, 0), Wire::bytes);
        (self.past_bytes.0 + now.0, self.past_bytes.1 + now.1)
    }

    /// Queues bytes. They leave while [`Link::read`] or [`Link::tend`] is polled.
    pub fn send(&mut self, pieces: impl IntoIterator<Item = Bytes>) {
        pieces.into_iter().for_each(|piece| self.outgoing.push(piece));
    }

    /// Goes on over a connection on which both sides have said how far they are: the peer has read `peer_received` bytes.
    ///
    /// # Errors
    /// [`End::Faulty`] if that cannot be.
    pub fn attach(&mut self, wire: Greeted, peer_received: u64) -> Result<(), End> {
        self.detach();
        self.outgoing.rewind(peer_received).map_err(faulty)?;
        let Greeted { wire, incoming } = wire;
        self.incoming = incoming;
        self.confirmed = self.received;
        (self.heard, self.spoke) = (Instant::now(), Instant::now());
        self.arm(if wire.is_lively() { None } else { Some(self.spoke + self.timers.keep_alive) });
        self.wire = Some(wire);
        Ok(())
    }

    /// As [`Link::attach`], at the coordinator: the welcome leaves before everything else, while [`Link::read`] or [`Link::tend`] is polled.
    ///
    /// # Errors
    /// [`End::Faulty`] if the peer cannot have read so much.
    pub fn welcome(&mut self, wire: Greeted, peer_received: u64, welcome: Welcome) -> Result<(), End> {
        self.attach(wire, peer_received)?;
        self.outgoing.control(welcome.encode());
        self.welcoming = true;
        Ok(())
    }

    /// Whether the welcome has left.
    #[must_use]
    pub fn is_welcomed(&self) -> bool {
        !self.welcoming
    }

    /// Drops the connection, which the peer sees as a cut.
    pub fn detach(&mut self) {
        self.welcoming = false;
        if let Some(wire) = self.wire.take() {
            let (down, up) = wire.bytes();
            self.past_bytes = (self.past_bytes.0 + down, self.past_bytes.1 + up);
        }
        self.outgoing.forget_raw();
        self.incoming = Incoming::default();
        self.arm(None);
    }

    /// The next bytes of the peer's stream; meanwhile what is queued leaves. Cancel-safe.
    ///
    /// # Errors
    /// How the connection ended; behind [`End::Cut`] the link can be attached again.
    pub async fn read(&mut self) -> Result<Bytes, End> {
        loop {
            if let Some(data) = self.take()? {
                return Ok(data);
            }
            self.exchange(true).await?;
        }
    }

    /// Sends what is queued and keeps the connection alive, without reading data; never ends by itself. Cancel-safe.
    pub async fn tend(&mut self) -> End {
        loop {
            if let Err(end) = self.exchange(false).await {
                return end;
            }
        }
    }

    /// Keeps the connection until the peer ends it; what arrives meanwhile is passed over. Cancel-safe.
    pub async fn tend_to_end(&mut self) -> End {
        loop {
            if let Err(end) = self.read().await {
                return end;
            }
        }
    }

    /// Sends until the peer has confirmed everything. What arrives meanwhile is passed over.
    ///
    /// # Errors
    /// How the connection ended before.
    pub async fn flush(&mut self) -> Result<(), End> {
        while self.unconfirmed() > 0 {
            if self.answered {
                self.ping();
            }
            if self.take()?.is_none() && self.unconfirmed() > 0 {
                self.exchange(true).await?;
            }
        }
        Ok(())
    }

    /// Asks the peer for a sign of life; [`Link::has_answered`] tells whether it came.
    pub fn ping(&mut self) {
        self.answered = false;
        // Behind everything that may leave now.
        self.outgoing.prepare();
        self.outgoing.control(record(Kind::Ping, &[]));
    }

    /// Whether the peer has answered the last [`Link::ping`].
    #[must_use]
    pub fn has_answered(&self) -> bool {
        self.answered
    }

    /// Ends the link for good, and tells the peer why. What is queued and not yet confirmed is lost: flush first.
    pub async fn close(mut self, reason: &str) -> (u64, u64) {
        let bytes = self.bytes();
        if let Some(wire) = self.wire.take() {
            wire.close(reason).await;
        }
        bytes
    }

    /// The next data among what has arrived; control records are done on the way.
    fn take(&mut self) -> Result<Option<Bytes>, End> {
        while let Some(item) = self.incoming.next().map_err(faulty)? {
            match item {
                Item::Data(data) => {
                    self.received += data.len() as u64;
                    if self.received - self.confirmed >= CONFIRMED_AFTER {
                        self.confirm();
                    }
                    return Ok(Some(data));
                }
                Item::Control(Kind::Confirm, payload) => {
                    let received =
                        payload.try_into().map_err(|_| End::Faulty("a confirmation of another length".into()))?;
                    self.outgoing.confirm(u64::from_le_bytes(received)).map_err(faulty)?;
                    self.answered = true;
                }
                Item::Control(Kind::Ping, _) => self.confirm(),
                Item::Control(Kind::End, reason) => {
                    return Err(End::Over(Printable::of_bytes(&reason)));
                }
                Item::Control(..) => return Err(End::Faulty("a greeting in the middle of a conversation".into())),
            }
        }
        Ok(None)
    }

    fn confirm(&mut self) {
        self.confirmed = self.received;
        self.outgoing.confirm_other(self.received);
    }

    /// One step of the connection: writes what can be written, or takes in what arrives.
    async fn exchange(&mut self, read: bool) -> Result<(), End> {
        if self.outgoing.has_room() {
            if self.received != self.confirmed {
                // It travels with what leaves anyway.
                self.confirm();
            }
            self.outgoing.prepare();
        }
        let Some(wire) = &mut self.wire else {
            return Err(End::Cut("there is no connection".into()));
        };
        let read = read && !self.incoming.is_fed();
        let (mut outlet, mut inlet) = wire.halves();
        let writes = self.outgoing.has_raw() || outlet.is_unflushed();
        tokio::select! {
            biased;
            written = outlet.write(self.outgoing.raw()), if writes => {
                let whole = written?;
                self.outgoing.written(whole);
                self.welcoming &= whole == 0;
                self.spoke = Instant::now();
            }
            chunk = inlet.read(), if read => {
                self.incoming.feed(chunk?);
                self.heard = Instant::now();
            }
            () = self.alarm.as_mut(), if self.alarm_at.is_some() => self.on_alarm()?,
            else => std::future::pending().await,
        }
        Ok(())
    }

    /// For transports that do not look after themselves: a sign of life after silence, and an end after too much of it.
    fn on_alarm(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let dead = self.heard + self.timers.idle;
        if now >= dead {
            return Err(End::Cut(format!("nothing arrived for {} seconds", self.timers.idle.as_secs()).into()));
        }
        if now >= self.spoke + self.timers.keep_alive {
            self.spoke = now;
            // What waits already is a sign of life as soon as it can leave.
            if !self.outgoing.has_raw() {
                self.outgoing.control(record(Kind::Ping, &[]));
            }
        }
        self.arm(Some(dead.min(self.spoke + self.timers.keep_alive)));
        Ok(())
    }

    fn arm(&mut self, at: Option<Instant>) {
        self.alarm_at = at;
        if let Some(at) = at {
            self.alarm.as_mut().reset(at);
        }
    }
}

/// A connection on which the greeting has been read, or the welcome.
pub struct Greeted {
    wire: Wire,
    incoming: Incoming,
}

impl Greeted {
    /// The connection.
    #[must_use]
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The coordinator's side: reads the greeting, within [`HANDSHAKE_TIME`]. A peer whose bytes are none is told why.
    ///
    /// # Errors
    /// How the connection ended, or what was wrong.
    pub async fn by_peer(wire: Wire) -> Result<(Self, Greeting), End> {
        let mut own = Self { wire, incoming: Incoming::default() };
        match own.greeting().await {
            Ok(greeting) => Ok((own, greeting)),
            Err(end) => {
                if let End::Faulty(reason) = &end {
                    own.close(reason).await;
                }
                Err(end)
            }
        }
    }

    async fn greeting(&mut self) -> Result<Greeting, End> {
        match self.control().await? {
            (Kind::Greeting, payload) => Greeting::decode(&payload).map_err(faulty),
            _ => Err(End::Faulty("another record came where a greeting was expected".into())),
        }
    }

    /// The client's side: sends the greeting, and reads the welcome.
    ///
    /// # Errors
    /// How the connection ended, or what was wrong: a coordinator that refuses our certificate does so here.
    pub async fn by_us(wire: Wire, greeting: &Greeting) -> Result<(Self, Welcome), End> {
        let mut own = Self { wire, incoming: Incoming::default() };
        own.write(greeting.encode()).await?;
        let (kind, payload) = own.control().await?;
        match kind {
            Kind::Welcome => Ok((own, Welcome::decode(&payload).map_err(faulty)?)),
            Kind::End => Err(End::Over(Printable::of_bytes(&payload))),
            _ => Err(End::Faulty("another record came where a welcome was expected".into())),
        }
    }

    /// Ends the connection at once: the reason is sent where that takes no time.
    pub async fn dismiss(self, reason: &str) {
        self.wire.close_within(reason, Duration::ZERO).await;
    }

    /// Ends the connection.
    pub async fn close(self, reason: &str) {
        self.wire.close(reason).await;
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), End> {
        let mut pieces = [bytes];
        let told = async {
            let (mut outlet, _) = self.wire.halves();
            while !pieces[0].is_empty() {
                outlet.write(&mut pieces).await?;
            }
            while outlet.is_unflushed() {
                outlet.write(&mut []).await?;
            }
            Ok(())
        };
        tokio::time::timeout(HANDSHAKE_TIME, told).await.map_err(|_| slow())?
    }

    async fn control(&mut self) -> Result<(Kind, Vec<u8>), End> {
        let heard = async {
            loop {
                match self.incoming.next().map_err(faulty)? {
                    Some(Item::Control(kind, payload)) => return Ok((kind, payload)),
                    Some(Item::Data(_)) => return Err(End::Faulty("data came before a greeting".into())),
                    None => {
                        let (_, mut inlet) = self.wire.halves();
                        self.incoming.feed(inlet.read().await?);
                    }
                }
            }
        };
        tokio::time::timeout(HANDSHAKE_TIME, heard).await.map_err(|_| slow())?
    }
}

fn faulty(fault: impl std::error::Error) -> End {
    End::Faulty(fault.to_string())
}

fn slow() -> End {
    End::Cut(format!("nothing arrived for {} seconds", HANDSHAKE_TIME.as_secs()).into())
}
