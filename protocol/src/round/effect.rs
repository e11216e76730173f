//! What a machine asks its shell to do, in order. Appends come before the sends that rely on them.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::coordinator::SessionMaterial;
use super::descriptor::RoundDescriptor;
use super::event::{CoordinatorEvent, ParticipantEvent};
use super::record::OutOfOrder;
use crate::budget::Kept;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::message::{Downstream, MaskedHeader, Muster, Start, Upstream};
use crate::plan::{Attestation, AttestationFault, Run};
use crate::printable::Printable;
use crate::roster::{RosterChanges, SignedRoster};
use crate::secagg::masked_sum::MaskSeeds;
use crate::secagg::modular::Ring;
use crate::secagg::permit::{BudgetReceipt, Ticket, UnmaskPermit};

/// Effects in the order in which the shell must execute them.
pub struct Outbox<E>(VecDeque<E>);

impl<E> Outbox<E> {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Asks for one more effect.
    pub fn push(&mut self, effect: E) {
        self.0.push_back(effect);
    }

    /// The effects that are left, in order.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        self.0.iter()
    }

    /// Takes the next effect.
    pub fn pop(&mut self) -> Option<E> {
        self.0.pop_front()
    }
}

impl<E> Default for Outbox<E> {
    fn default() -> Self {
        Self::new()
    }
}

/// What the coordinator's shell must do.
pub enum CoordinatorEffect {
    /// Write an event behind the ledger's end. Failure ends the process.
    Append(CoordinatorEvent),
    /// Everything appended must be on the disk before the next effect.
    Sync,
    /// Append this to the heads of all plans. On the disk with the next [`CoordinatorEffect::Sync`].
    Keep(Kept),
    /// Send a control message.
    Send(ClientId, Downstream),
    /// Send one control message to every listed client; it need be encoded once.
    Broadcast(Vec<ClientId>, Downstream),
    /// Keep the public material of a session durably until it is to be forgotten; a coordinator that is started again asks for it.
    StoreSession(Arc<SessionMaterial>),
    /// Delete the material of a session.
    ForgetSession(SessionId),
    /// Send a round's start and the bytes of the public state to every listed client; none where the stage needs none.
    SendStart(Vec<ClientId>, Start),
    /// Make an empty sum.
    OpenSum {
        /// The round.
        round: RoundId,
        /// Ring of the sum.
        ring: Ring,
        /// Coordinates, check coordinates not counted.
        dimension: usize,
    },
    /// The vector announced by the ticket's client may be read and kept, outside memory if it is long; answer with `Input::Arrived` when it
    /// is here whole and its digest right, with `Input::UploadFailed` if it is not what was signed.
    Admit(Ticket),
    /// A vector that has arrived belongs into the sum.
    Fold {
        /// The round.
        round: RoundId,
        /// Whose.
        client: ClientId,
    },
    /// The vector announced by this client is to be discarded unread.
    Discard(ClientId),
    /// Forget the sum: the round is aborted.
    DropSum(RoundId),
    /// Unmask the sum, every fold before it done, and advance the public state by it; answer with `Input::Updated` or `Input::UpdateFailed`.
    Unmask(UnmaskPermit),
    /// A stage is over: choose what it hands on and store it durably; answer with `Input::Concluded`.
    Conclude(u16),
    /// From here on this roster says who may connect.
    Enrol(Box<SignedRoster>),
    /// An order was not taken; for the operator's screen.
    OrderRefused {
        /// The order.
        order: Box<Attestation>,
        /// Why.
        fault: OrderFault,
    },
    /// Close a connection after what was sent before has left.
    Close(ClientId),
    /// The run is over.
    Finished {
        /// Whether every round was committed.
        complete: bool,
    },
}

/// Why an order is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderFault {
    /// Whoever signed may not give it.
    #[error(transparent)]
    Person(AttestationFault),
    /// It is nothing that this run's ledger takes.
    #[error(transparent)]
    Rule(OutOfOrder),
}

/// What the client's shell must do.
pub enum ParticipantEffect {
    /// Write an event behind the budget file's end. Failure ends the process.
    Append(ParticipantEvent),
    /// Everything appended must be on the disk before the next effect.
    Sync,
    /// Send a control message.
    Send(Upstream),
    /// Judge a run's plan against data, schema and model code; answer with `ParticipantInput::RunJudged`.
    JudgeRun(Box<Run>),
    /// Noise and mask, then train, clip and add; answer with `Input::NoiseMasked` and with `Input::Masked`, whatever the rows are.
    Contribute(Contribution),
    /// Send this header and, after it, the vector that it names by its digest.
    Upload(MaskedHeader),
    /// Forget the round's vectors and stop training for it.
    ForgetVector(RoundId),
    /// The round's vector was not ready in time, and noise alone leaves in its place; for the operator's screen.
    NoiseAlone(RoundId),
    /// A key set-up stands: noise shares can be drawn ahead.
    Keyed {
        /// Noise shares that surely are honest, by which the plan divides its noise.
        honest_min: u16,
    },
    /// The coordinator showed a head of this branch's budget that its file did not know, and it was adopted; for the operator's screen.
    HeadAdopted {
        /// The counter of the file.
        own: u64,
        /// The head's.
        shown: u64,
    },
    /// The coordinator keeps no head of this branch's budget and is told of its first use; for the operator's screen.
    BudgetAnnounced {
        /// The counter of the file.
        counter: u64,
    },
    /// Another roster than the last one was accepted; for the operator's screen.
    RosterAccepted {
        /// Its epoch.
        epoch: u64,
        /// Rosters between the last one accepted and this one, which were not shown here.
        missing: u64,
        /// Members that differ from the last one, where this process has seen that one.
        changes: Option<RosterChanges>,
    },
    /// The coordinator says that too few members are here; for the operator's screen.
    Muster(Muster),
    /// A round ended; for the operator's screen.
    RoundClosed {
        /// The round.
        round: RoundId,
        /// Whether its sum was used.
        committed: bool,
    },
    /// The run is over; the connection may close.
    Finished {
        /// Rounds committed.
        rounds: u32,
    },
    /// Whoever is at the other end has not proved to be the coordinator: cut the connection, log a fault, and dial again, more and more seldom.
    Distrust {
        /// What it said or did.
        what: String,
    },
    /// Give up the connection; for the operator's screen.
    Stop {
        /// What happened, what it means, what to do.
        explanation: Printable,
        /// Whether trying again can help.
        retry: bool,
    },
}

/// Permission to train one round and to mask its result, budget already charged.
pub struct Contribution {
    /// What the round is.
    pub descriptor: RoundDescriptor,
    /// Proof that the spend is recorded durably.
    pub receipt: BudgetReceipt,
    /// The round's mask seeds.
    pub seeds: MaskSeeds,
}
