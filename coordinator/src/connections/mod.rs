//! The door: one task for each connection, which finds out who it is, whether it may come in, and then holds the conversation.
//!
//! ```text
//! attempt ─handshake, greeting─► peer ─certificate, roster─► client ─ no seat: new session ─► Arrival::Connected ─► messages ─► Disconnected
//!    │                             └─ stranger: Rejected        ├─ its link was cut: handed to the session, which goes on
//!    │                                                          ├─ another process: the first stays if it is alive, else it makes room
//!    │                                                          └─ a trial: told whether it would be let in
//!    └─ office: a question and its answer
//! ```
//!
//! Whoever is not known yet has a place on the porch. A client has its seat and one more connection, whatever it says.

mod admission;
mod conversation;
mod deadlines;
mod handshakes;
mod hush;
mod limits;
mod line;
mod members;
mod networks;
mod orders;
mod places;
pub(crate) mod porch;
mod seats;
mod session;
#[cfg(test)]
mod tests;
mod traffic;
mod troubles;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tributary_certs::ended::EndedCertificates;
use tributary_certs::identity::Identity;
use tributary_certs::office::REQUEST_BYTES_MAX;
use tributary_daemon::Pulse;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::Roster;
use tributary_transport::limits::{
    CLOSING_TIME, HANDSHAKE_TIME, HANDSHAKES_UNPROVED_MAX, PROOF_OF_LIFE_TIME, REFUSALS_MAX,
};
use tributary_transport::{
    Accepted, Attempt, Greeted, Greeting, Link as Wires, LinkId, Listener, OfficeStream, PeerFault, Timers, Welcome,
};

use self::admission::{Refusal, already, moved};
pub(crate) use self::conversation::{Arrival, Link, Trouble, control_frame, start_frames};
use self::handshakes::Handshakes;
use self::hush::Hush;
pub(crate) use self::limits::Limits;
use self::line::Line;
pub(crate) use self::members::Members;
#[cfg(test)]
pub(crate) use self::orders::{Order, Orders};
use self::porch::{Place as PorchPlace, PlaceMark};
use self::seats::{Place, Proof, Seats};
use self::session::Session;
pub(crate) use self::traffic::Traffic;
use crate::federation::office::Counter;
use crate::federation::standing::Standing;
use crate::run::spool::Spool;

/// What every connection's task shares.
pub(crate) struct Door {
    members: Arc<Members>,
    standing: Arc<Standing>,
    seats: Seats,
    line: Line,
    inputs: mpsc::Sender<Arrival>,
    spool: Spool,
    limits: Arc<Limits>,
    handshakes: Handshakes,
    refusals: Semaphore,
    hush: Hush,
    timers: Timers,
    office: Option<Counter>,
    ended: EndedCertificates,
    unix_seconds: fn() -> u64,
}

/// What the door is made of.
pub(crate) struct DoorSettings {
    /// Who may come in.
    pub(crate) members: Arc<Members>,
    /// Whom of them the lists let in.
    pub(crate) standing: Arc<Standing>,
    pub(crate) inputs: mpsc::Sender<Arrival>,
    pub(crate) spool: Spool,
    /// How long what clients send may be.
    pub(crate) limits: Arc<Limits>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) timers: Timers,
    /// Where newcomers ask, if anywhere.
    pub(crate) office: Option<Counter>,
    /// Whose certificates were shown after their end.
    pub(crate) ended: EndedCertificates,
    pub(crate) unix_seconds: fn() -> u64,
}

impl Door {
    /// A door for everybody in the roster.
    pub(crate) fn new(settings: DoorSettings) -> Arc<Self> {
        let DoorSettings { members, standing, inputs, spool, limits, traffic, timers, office, ended, .. } = settings;
        let unix_seconds = settings.unix_seconds;
        Arc::new(Self {
            members,
            standing,
            seats: Seats::new(traffic),
            line: Line::default(),
            inputs,
            spool,
            limits,
            handshakes: Handshakes::default(),
            refusals: Semaphore::new(REFUSALS_MAX),
            hush: Hush::default(),
            timers,
            office,
            ended,
            unix_seconds,
        })
    }

    /// Lets connections in until the port closes.
    pub(crate) async fn serve(self: Arc<Self>, listener: Arc<Listener>, pulse: Pulse) {
        while let Some(attempt) = listener.next().await {
            pulse.beat();
            self.knocked(attempt);
            pulse.rest();
        }
    }

    fn knocked(self: &Arc<Self>, attempt: Attempt) {
        let porch = self.handshakes.over(attempt.transport());
        let crowded = porch.taken() >= HANDSHAKES_UNPROVED_MAX;
        let attempt = if crowded { attempt.prove_address() } else { Some(attempt) };
        let Some(attempt) = attempt else { return };
        let Some(place) = self.handshakes.enter(&attempt) else { return attempt.refuse() };
        let door = Arc::clone(self);
        tokio::spawn(async move {
            let (address, transport) = (attempt.address(), attempt.transport());
            let welcomed = door.welcome(attempt, place).await;
            door.tell_of_ended();
            if let Err(fault) = welcomed
                && let Some(left_out) = door.hush.may_speak()
            {
                tracing::info!(%address, %transport, %fault, left_out, "connection over");
            }
        });
    }

    /// Handshake and greeting, or a newcomer's question, for which the place is held; and then whatever the peer came for.
    async fn welcome(&self, attempt: Attempt, mut place: PorchPlace) -> Result<(), PeerFault> {
        let (mark, address) = (place.mark(), attempt.address().ip());
        let come = tokio::select! {
            biased;
            come = self.come(attempt, &mark) => come?,
            fault = place.lost() => return Err(fault),
        };
        drop(place);
        match come {
            Come::Peer(greeted, greeting) => self.receive(*greeted, greeting).await,
            Come::Question(question, stream) => {
                let office = self.office.as_ref().expect("a question is read where there is an office");
                office.serve(address, question, stream, |client| self.members.signing_key(client)).await
            }
        }
    }

    async fn come(&self, attempt: Attempt, mark: &PlaceMark) -> Result<Come, PeerFault> {
        match attempt.accept(|| mark.moved()).await? {
            Accepted::Peer(wire) => {
                let certificate = wire.certificate().clone();
                let greeted = Greeted::by_peer(*wire).await;
                let (greeted, greeting) = greeted.inspect_err(|end| self.tell_of_greeting(&certificate, end))?;
                Ok(Come::Peer(Box::new(greeted), greeting))
            }
            Accepted::Newcomer(mut stream) => {
                if self.office.is_none() {
                    return Err(PeerFault::Handshake("no enrolment office is kept here".into()));
                }
                let question = tokio::time::timeout(HANDSHAKE_TIME, stream.question(REQUEST_BYTES_MAX)).await;
                Ok(Come::Question(question.map_err(|_| PeerFault::Slow)??, stream))
            }
        }
    }

    /// Judges every seat again, as if its bearer came now, and ends the sessions of those who would not be let in. A wait for a seat is judged
    /// when it has one.
    pub(crate) fn judge(&self) {
        self.handshakes.keep(|client| self.members.signing_key(client).is_some());
        self.judge_seats(None);
    }

    fn judge_seats(&self, alone: Option<ClientId>) {
        let judge = |client: ClientId, proof: &Proof| match self.admit(&proof.certificate, &proof.binding) {
            Ok((now, _)) if now == client => None,
            Ok((now, _)) => Some(format!("its key is client {now}'s now, and it came as client {client}")),
            Err(refusal) => Some(refusal.explanation),
        };
        for (client, reason) in self.seats.cut(alone, judge) {
            self.handshakes.forget(client);
            tracing::warn!(%client, reason, "a session was ended, because its client would not be let in any more");
        }
    }

    /// A newer roster is here: whoever is not in it leaves at once, whatever round is open.
    pub(crate) fn announce(&self, roster: &Roster) {
        self.members.announce(roster);
        self.judge();
    }

    /// Waits until every session has ended, at most `patience`.
    pub(crate) async fn emptied(&self, patience: Duration) {
        let _ = tokio::time::timeout(patience, self.seats.emptied()).await;
    }

    /// From greeting to end. Seat and line bound a client to two connections; those who are refused are bounded together.
    async fn receive(&self, greeted: Greeted, greeting: Greeting) -> Result<(), PeerFault> {
        let proof = Proof { certificate: greeted.wire().certificate().clone(), binding: greeting.binding.clone() };
        let (client, identity) = match self.admit(&proof.certificate, &proof.binding) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                self.tell_of_refusal(&proof.certificate, &refusal);
                return self.explain(greeted, Some(refusal)).await;
            }
        };
        self.handshakes.came(client, greeted.wire().address().ip());
        let mut turn = self.line.enter(client);
        if greeting.is_trial() {
            let refusal = self.seats.is_taken(client).then(|| already(&identity));
            return tokio::select! {
                told = self.explain(greeted, refusal) => told,
                () = turn.lost() => Ok(()),
            };
        }
        let seated = tokio::select! {
            biased;
            () = turn.lost() => {
                greeted.dismiss("a newer connection of this client took its place").await;
                return Ok(());
            }
            seated = self.seat(client, &identity, &proof, &greeting) => seated,
        };
        // It has waited: what was true at the door may not be so any more. From here on whatever changes looks at the seat as well.
        let again = || {
            self.admit(&proof.certificate, &proof.binding)
                .and_then(|(now, _)| if now == client { Ok(()) } else { Err(moved(&identity)) })
        };
        let seated = seated.and_then(|place| again().map(|()| place));
        match seated {
            Ok(Place::Resumed(next)) => {
                // A session that ends at this moment drops the connection, and the client asks again.
                next.put((greeted, greeting.received));
                self.judge_seats(Some(client));
                Ok(())
            }
            Ok(Place::New(seat)) => {
                drop(turn);
                let (address, transport) = (greeted.wire().address(), greeted.wire().transport());
                let mut link = Wires::new(self.timers);
                link.welcome(greeted, 0, self.greeting_back(seat.link()))?;
                if let Err(fault) = Session::run(self, seat, link).await {
                    tracing::info!(%address, %transport, %fault, "connection over");
                }
                Ok(())
            }
            Err(refusal) => tokio::select! {
                told = self.explain(greeted, Some(refusal)) => told,
                () = turn.lost() => Ok(()),
            },
        }
    }

    /// The answer that begins a link.
    fn greeting_back(&self, link: LinkId) -> Welcome {
        Welcome { link, resumed: false, received: 0, unix_seconds: (self.unix_seconds)() }
    }

    /// The client's seat, or the way to its session. Another process of the same identity keeps it while it is alive.
    async fn seat(
        &self,
        client: ClientId,
        identity: &Identity,
        proof: &Proof,
        greeting: &Greeting,
    ) -> Result<Place<'_>, Refusal> {
        // What is asked to prove that it is alive needs its time, and then some to leave.
        let patience = PROOF_OF_LIFE_TIME + CLOSING_TIME;
        self.seats.take(client, proof, greeting, patience).await.ok_or_else(|| already(identity))
    }
}

/// What a connection came for.
enum Come {
    /// A peer that has greeted.
    Peer(Box<Greeted>, Greeting),
    /// Somebody who asks the office.
    Question(Vec<u8>, OfficeStream),
}
