//! A client's session: reading, keeping uploads and writing until one side ends, over as many connections as it takes.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tributary_protocol::codec;
use tributary_protocol::frame::FrameError;
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, upstream_bytes_max};
use tributary_protocol::message::{FRAME_CONTROL, FRAME_VECTOR, ToCoordinator, Upstream, frame_bytes_max};
use tributary_protocol::round::Input;
use tributary_protocol::secagg::permit::{Arriving, Ticket};
use tributary_transport::limits::{CLOSING_TIME, PROGRESS_BYTES_MIN, PROGRESS_TIME};
use tributary_transport::{End, Frames, Link as Wires, PeerFault, Welcome};

use super::Door;
use super::conversation::{Arrival, Link};
use super::deadlines::{Deadlines, Late, Seen};
use super::orders::Order;
use super::seats::{Resumption, Seat};
use crate::run::spool::SpooledUpload;
use crate::run::uploads::Verdict;

/// Bytes of one client's messages that may wait to be read by it, besides models: [`WAITING_MODELS_MAX`] of them.
const WAITING_BYTES_MAX: u64 = 16 << 20;

/// Models that may wait: one for every round that it has not taken.
const WAITING_MODELS_MAX: u64 = 4;

/// Bytes that may wait to be read by a client, where a model has so many.
fn waiting_bytes_max(model_bytes: usize) -> u64 {
    let models = u64::try_from(model_bytes).unwrap_or(u64::MAX).saturating_mul(WAITING_MODELS_MAX);
    models.saturating_add(WAITING_BYTES_MAX)
}

pub(super) struct Session<'a> {
    door: &'a Door,
    seat: Seat<'a>,
    link: Wires,
    frames: Frames,
    queued: mpsc::Receiver<Vec<Bytes>>,
    judged: mpsc::Receiver<Verdict>,
    deadlines: Deadlines,
}

/// Why a session is over.
enum Leave {
    /// The machine let go of the client.
    Released,
    /// The peer, the network, or a demand.
    Fault(PeerFault),
    /// It must be told this.
    Refused(String),
}

impl From<FrameError> for Leave {
    fn from(fault: FrameError) -> Self {
        Self::Refused(fault.to_string())
    }
}

impl<'a> Session<'a> {
    /// From the machine's first word of the client to its last.
    pub(super) async fn run(door: &'a Door, seat: Seat<'a>, link: Wires) -> Result<(), PeerFault> {
        let client = seat.client();
        let (way, queued, judged) = Link::to(Arc::clone(&seat.orders));
        let known = tokio::select! {
            biased;
            reason = seat.orders.cut() => Err(reason),
            told = door.inputs.send(Arrival::Connected(client, way)) => Ok(told),
        };
        match known {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ok(()),
            // The machine never heard of it.
            Err(reason) => {
                let mut seat = seat;
                seat.moved(link.close(&reason).await);
                return Err(over(&reason));
            }
        }
        let (limits, members) = (Arc::clone(&door.limits), Arc::clone(&door.members));
        let frames = Frames::new(move |kind| match kind {
            FRAME_CONTROL => Some(upstream_bytes_max(members.count(), limits.session_rounds())),
            other => frame_bytes_max(other, limits.upload_bytes()),
        });
        let mut own = Self { door, seat, link, frames, queued, judged, deadlines: Deadlines::begin(Instant::now()) };
        let leave = own.read().await.err().unwrap_or(Leave::Released);
        let (reason, end) = match leave {
            Leave::Released => {
                own.flush().await;
                ("done".to_owned(), Ok(()))
            }
            Leave::Refused(reason) => {
                (format!("{reason}; compare the releases of both sides"), Err(PeerFault::Ended(End::Faulty(reason))))
            }
            Leave::Fault(PeerFault::Ended(End::Over(reason))) => {
                (reason.to_string(), Err(PeerFault::Ended(End::Over(reason))))
            }
            Leave::Fault(fault) => (fault.to_string(), Err(fault)),
        };
        // The machine drops its way to the client, and however long it takes to hear that, the peer is gone. The seat is kept to the end: its next
        // bearer's messages come after this one's departure.
        let why = end.is_err().then(|| reason.clone());
        let departure = door.inputs.send(Arrival::Disconnected(client, why));
        let (_, bytes) = tokio::join!(departure, own.link.close(&reason));
        own.seat.moved(bytes);
        end
    }

    /// What the machine queued before it let go, and the client's word that it has read it, over another connection where this one was cut.
    /// Whoever does not read is not waited for.
    async fn flush(&mut self) {
        while let Some(frames) = self.queued.recv().await {
            self.link.send(frames);
        }
        let until = Instant::now() + CLOSING_TIME;
        loop {
            tokio::select! {
                biased;
                order = self.seat.orders.next() => match order {
                    // Somebody else waits for the seat, and has it after this time at the latest.
                    Order::Prove if !self.deadlines.is_detached() => {}
                    order => if self.ordered(order).is_err() { return },
                },
                resumption = self.seat.next.take() => if self.resume(resumption).is_err() { return },
                told = self.link.flush(), if !self.deadlines.is_detached() => match told {
                    Ok(()) => return,
                    Err(end) => if self.lost(end).is_err() { return },
                },
                () = tokio::time::sleep_until(until) => return,
            }
        }
    }

    /// Messages, and the vector after each message that announces one, until something ends it.
    async fn read(&mut self) -> Result<(), Leave> {
        loop {
            let Some(frame) = self.frames.frame()? else {
                self.more().await?;
                continue;
            };
            self.deadlines.forget_progress();
            let message = match frame.kind {
                FRAME_CONTROL => codec::decode::<ToCoordinator>(&frame.payload, CONTROL_MESSAGE_BYTES_MAX),
                _ => return Err(Leave::Refused("a vector came that no header announced".into())),
            };
            let client = self.seat.client();
            let arrival = match message.map_err(|fault| Leave::Refused(fault.to_string()))? {
                ToCoordinator::Run(run, message) => Arrival::Message(client, run, message),
                ToCoordinator::About { release } => Arrival::About(client, release.to_string()),
                ToCoordinator::ModelPiece { model, from } => Arrival::ModelPiece(client, model, from),
                ToCoordinator::Witness(word) => Arrival::Witness(client, word),
                ToCoordinator::Copy(note) => Arrival::Copy(client, Box::new(note)),
            };
            let announces = matches!(arrival, Arrival::Message(_, _, Upstream::Masked(_)));
            self.tell(arrival).await?;
            if announces {
                // Nothing is read until the machine has judged the header: what is not wanted stays in the sender's window.
                let verdict = self.verdict().await?;
                self.take_vector(verdict).await?;
            }
        }
    }

    /// However long the machine takes, a cut is not waited for.
    async fn tell(&self, arrival: Arrival) -> Result<(), Leave> {
        tokio::select! {
            biased;
            reason = self.seat.orders.cut() => Err(Leave::Fault(over(&reason))),
            told = self.door.inputs.send(arrival) => told.map_err(|_| Leave::Released),
        }
    }

    /// The vector after a header: read to its end, and kept if it was admitted.
    async fn take_vector(&mut self, verdict: Verdict) -> Result<(), Leave> {
        let length = loop {
            match self.frames.head()? {
                Some(head) if head.kind == FRAME_VECTOR => break head.bytes,
                Some(_) => return Err(Leave::Refused("a message came where a vector was announced".into())),
                None => self.more().await?,
            }
        };
        let arrival = match verdict {
            Verdict::Admit { run, ticket, sum } if ticket.upload_bytes() == length => {
                let arriving = self.keep(ticket).await?;
                Arrival::Vector(run, sum.arrive(arriving))
            }
            Verdict::Admit { run, ticket, .. } => {
                let (round, client) = (ticket.round(), ticket.client());
                tracing::warn!(%round, %client, length, expected = ticket.upload_bytes(), "upload of another length refused");
                self.pass_over().await?;
                Arrival::Vector(run, Input::UploadFailed { round, client })
            }
            Verdict::Discard => return self.pass_over().await,
        };
        self.deadlines.forget_progress();
        self.tell(arrival).await
    }

    /// Keeps and hashes the pieces as they come.
    async fn keep(&mut self, ticket: Ticket) -> Result<Arriving<SpooledUpload>, Leave> {
        let full = |fault: std::io::Error| {
            tracing::error!(%fault, "an upload could not be kept; check that the state directory's disk has room");
            Leave::Fault(PeerFault::Ended(End::Over(
                "the coordinator's disk could not keep the upload; its operator has been told".into(),
            )))
        };
        let room = self.door.spool.room(ticket.upload_bytes()).map_err(full)?;
        let mut arriving = ticket.receive_into(room);
        while let Some(piece) = self.piece().await? {
            arriving.append(&piece).map_err(full)?;
        }
        Ok(arriving)
    }

    /// Reads the rest of a vector that nobody wants.
    async fn pass_over(&mut self) -> Result<(), Leave> {
        while self.piece().await?.is_some() {}
        self.deadlines.forget_progress();
        Ok(())
    }

    /// The next bytes of the open vector; `None` after its end.
    async fn piece(&mut self) -> Result<Option<Bytes>, Leave> {
        loop {
            match self.frames.piece() {
                None => return Ok(None),
                Some(piece) if piece.is_empty() => self.more().await?,
                Some(piece) => return Ok(Some(piece)),
            }
        }
    }

    /// Waits for more bytes; meanwhile whatever else concerns the session is done.
    async fn more(&mut self) -> Result<(), Leave> {
        loop {
            if self.frames.is_partial() {
                self.deadlines.demand_progress(Instant::now(), self.link.received());
            }
            let deadline = self.deadline();
            tokio::select! {
                biased;
                order = self.seat.orders.next() => self.ordered(order)?,
                resumption = self.seat.next.take() => self.resume(resumption)?,
                frames = self.queued.recv() => self.queue(frames)?,
                data = self.link.read(), if !self.deadlines.is_detached() => match data {
                    Ok(data) => {
                        self.seat.moved(self.link.bytes());
                        self.frames.feed(data);
                        return Ok(());
                    }
                    Err(end) => self.lost(end)?,
                },
                () = sleep_until(deadline), if deadline.is_some() => self.expired()?,
            }
        }
    }

    /// Waits for the machine's word on a header.
    async fn verdict(&mut self) -> Result<Verdict, Leave> {
        loop {
            let deadline = self.deadline();
            tokio::select! {
                biased;
                order = self.seat.orders.next() => self.ordered(order)?,
                verdict = self.judged.recv() => return verdict.ok_or(Leave::Released),
                resumption = self.seat.next.take() => self.resume(resumption)?,
                frames = self.queued.recv() => self.queue(frames)?,
                end = self.link.tend(), if !self.deadlines.is_detached() => self.lost(end)?,
                () = sleep_until(deadline), if deadline.is_some() => self.expired()?,
            }
        }
    }

    /// The network's fault is forgiven for a while; everything else is the end.
    fn lost(&mut self, end: End) -> Result<(), Leave> {
        match end {
            End::Cut(reason) => {
                tracing::info!(client = %self.seat.client(), %reason, "connection cut; the link waits");
                self.link.detach();
                self.deadlines.cut(Instant::now(), self.door.timers.detached);
                Ok(())
            }
            End::Faulty(reason) => Err(Leave::Refused(reason)),
            over @ End::Over(_) => Err(Leave::Fault(over.into())),
        }
    }

    /// Goes on over another connection. The welcome leaves while the session does what it does anyway: nobody waits for a peer that does not
    /// take it.
    fn resume(&mut self, (greeted, peer_received): Resumption) -> Result<(), Leave> {
        self.link.detach();
        let transport = greeted.wire().transport();
        let unix_seconds = (self.door.unix_seconds)();
        let welcome = Welcome { link: self.seat.link(), resumed: true, received: self.link.received(), unix_seconds };
        match self.link.welcome(greeted, peer_received, welcome) {
            Ok(()) => {
                tracing::info!(client = %self.seat.client(), %transport, "the link goes on");
                self.deadlines.resume(Instant::now());
                Ok(())
            }
            Err(end) => self.lost(end),
        }
    }

    fn queue(&mut self, frames: Option<Vec<Bytes>>) -> Result<(), Leave> {
        self.link.send(frames.ok_or(Leave::Released)?);
        if self.link.unconfirmed() > waiting_bytes_max(self.door.limits.upload_bytes()) {
            return Err(Leave::Refused("this client did not read what it was sent".into()));
        }
        Ok(())
    }

    fn ordered(&mut self, order: Order) -> Result<(), Leave> {
        match order {
            Order::Prove if !self.deadlines.is_detached() => {
                self.link.ping();
                self.deadlines.prove(Instant::now());
                Ok(())
            }
            Order::Prove | Order::Leave => Err(Leave::Fault(over("another process of this branch took over"))),
            Order::Cut(reason) => Err(Leave::Fault(over(&reason))),
        }
    }

    fn seen(&self) -> Seen {
        Seen { answered: self.link.has_answered(), welcomed: self.link.is_welcomed(), received: self.link.received() }
    }

    fn deadline(&mut self) -> Option<Instant> {
        let seen = self.seen();
        self.deadlines.first(seen)
    }

    fn expired(&mut self) -> Result<(), Leave> {
        let seen = self.seen();
        let cut = |reason: String| Err(Leave::Fault(PeerFault::Ended(End::Cut(reason.into()))));
        match self.deadlines.late(Instant::now(), seen) {
            None => Ok(()),
            Some(Late::Return) => {
                cut(format!("the client did not come back within {} seconds", self.door.timers.detached.as_secs()))
            }
            Some(Late::Answer) => cut("it did not answer, and another process of this branch is there".into()),
            Some(Late::Welcome) => self.lost(End::Cut("it did not take the welcome".into())),
            Some(Late::Bytes) => Err(Leave::Refused(format!(
                "a message came more slowly than {PROGRESS_BYTES_MIN} bytes in {} seconds",
                PROGRESS_TIME.as_secs()
            ))),
        }
    }
}

/// We end it, for this reason.
fn over(reason: &str) -> PeerFault {
    PeerFault::Ended(End::Over(reason.into()))
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "tests/alone.rs"]
mod tests;
