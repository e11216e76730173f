//! A keyed session at the coordinator: public material only, stored so that a restart does not cost the batch.

use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::codec::{CodecError, decode, encode};
use crate::digest::Digest;
use crate::ids::{ClientId, RoundId, SessionId};
use crate::limits::{COHORT_MAX, CONTROL_MESSAGE_BYTES_MAX};
use crate::list::List;
use crate::message::{DealStatement, KeysStatement, Offer, body_of};
use crate::plan::Charter;
use crate::roster::Roster;
use crate::round::agreement::{frozen_view, graph_seed, keyed_view};
use crate::round::descriptor::SessionView;
use crate::round::topology::Topology;
use crate::secagg::commitments::{SecretKind, SeedCommitments};
use crate::secagg::parameters::Thresholds;
use crate::secagg::suite::Suite;
use crate::time::Millis;

/// What the coordinator keeps of a keyed session. Nothing in it is secret: keys are public halves, and envelopes are sealed under keys
/// that only a threshold of holders can open.
#[derive(Debug, PartialEq, Eq)]
pub struct SessionMaterial {
    pub(super) offer: Offer,
    pub(super) thresholds: Thresholds,
    /// Contributions to the graph's seed, in the cohort's order; none where the graph is complete.
    pub(super) contributions: List<[u8; 32]>,
    /// In the cohort's order.
    pub(super) members: Vec<MemberMaterial>,
}

/// One member's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MemberMaterial {
    pub(super) keys: KeysStatement,
    pub(super) commitments: Vec<SeedCommitments>,
    pub(super) deal: DealStatement,
    /// One a round.
    pub(super) envelopes: Vec<Vec<u8>>,
    /// By round: digest of its commitments to pairwise seeds.
    pub(super) pairs: Vec<Digest>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    offer: Offer,
    thresholds: Thresholds,
    contributions: List<[u8; 32]>,
}

/// Why stored material cannot be used. The session is closed, and another one is keyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaterialFault {
    /// A part is missing or there are too many.
    #[error("the stored session is incomplete")]
    Incomplete,
    /// A part cannot be decoded.
    #[error("the stored session is damaged: {0}")]
    Damaged(#[from] CodecError),
}

impl SessionMaterial {
    /// Which session it is.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.offer.session
    }

    /// For the disk: one part for the whole, then one for each member, each below [`CONTROL_MESSAGE_BYTES_MAX`].
    pub fn parts(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let (offer, contributions) = (self.offer.clone(), self.contributions.clone());
        let head = encode(&Head { offer, thresholds: self.thresholds, contributions });
        core::iter::once(head).chain(self.members.iter().map(encode))
    }

    /// From what [`SessionMaterial::parts`] gave. Whether it is the session that the ledger names is judged when it is used.
    ///
    /// # Errors
    /// [`MaterialFault`].
    pub fn from_parts(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<Self, MaterialFault> {
        let mut parts = parts.into_iter();
        let head = parts.next().ok_or(MaterialFault::Incomplete)?;
        let Head { offer, thresholds, contributions } = decode(head.as_ref(), CONTROL_MESSAGE_BYTES_MAX)?;
        let members: Result<Vec<MemberMaterial>, CodecError> =
            parts.take(COHORT_MAX + 1).map(|part| decode(part.as_ref(), CONTROL_MESSAGE_BYTES_MAX)).collect();
        let material = Self { offer, thresholds, contributions, members: members? };
        let complete = material.members.iter().map(|member| &member.keys.client).eq(&material.offer.candidates);
        if complete { Ok(material) } else { Err(MaterialFault::Incomplete) }
    }
}

/// A session whose keys stand at every member.
pub(super) struct Session {
    pub(super) material: Arc<SessionMaterial>,
    pub(super) view: SessionView,
    pub(super) topology: Topology,
    /// Of its cohort, whose seat ends first, and when.
    first_end: (Millis, ClientId),
}

impl Session {
    /// From complete material. The graph follows from it. Nothing if it was made under another roster.
    pub(super) fn new<S: Suite>(material: Arc<SessionMaterial>, roster: &Roster, charter: &Charter) -> Option<Self> {
        let cohort = material.offer.candidates.to_vec();
        let organisations = roster.organisations(&cohort).filter(|_| material.offer.roster == roster.digest())?;
        let bodies: Vec<Digest> = material.members.iter().map(|member| body_of::<S>(&member.keys)).collect();
        let frozen = frozen_view::<S>(&material.offer, &bodies, &material.thresholds);
        let seed = graph_seed::<S>(&frozen, &material.contributions);
        let deals: Vec<DealStatement> = material.members.iter().map(|member| member.deal.clone()).collect();
        let view = keyed_view::<S>(&frozen, &seed, &deals);
        let topology = Topology::new::<S>(cohort, organisations, &material.thresholds, &seed, None);
        let view = SessionView { session: material.offer.session, view, thresholds: material.thresholds };
        let mut entries = roster.walk();
        let ends = topology.cohort().iter().filter_map(|client| entries.find(*client));
        let first_end = ends.map(|entry| (charter.seat_ends(entry), entry.client)).min()?;
        Some(Self { material, view, topology, first_end })
    }

    pub(super) fn id(&self) -> SessionId {
        self.view.session
    }

    pub(super) fn has(&self, client: ClientId) -> bool {
        self.topology.has(client)
    }

    /// Of the cohort, a client whose seat has ended.
    pub(super) fn ended(&self, now: Millis) -> Option<ClientId> {
        let (end, client) = self.first_end;
        (end < now).then_some(client)
    }

    /// The cohort, ascending.
    pub(super) fn cohort(&self) -> &[ClientId] {
        self.topology.cohort()
    }

    /// The next round's number in this session, given the last one that was started; `None` when the session is used up.
    pub(super) fn next_round(&self, last: u64) -> Option<RoundId> {
        let round = RoundId(last.saturating_add(1).max(self.material.offer.first_round.0));
        self.index(round).map(|_| round)
    }

    /// The first round after this session.
    pub(super) fn end(&self) -> u64 {
        self.material.offer.first_round.0.saturating_add(self.material.offer.rounds.into())
    }

    /// Position of a round within the session.
    pub(super) fn index(&self, round: RoundId) -> Option<usize> {
        let index = round.0.checked_sub(self.material.offer.first_round.0)?;
        (index < u64::from(self.material.offer.rounds)).then(|| usize::try_from(index).ok()).flatten()
    }

    pub(super) fn member(&self, client: ClientId) -> Option<&MemberMaterial> {
        self.material.members.get(self.cohort().binary_search(&client).ok()?)
    }

    /// A member's commitment to one of its secrets of one round.
    pub(super) fn commitment(&self, client: ClientId, round: RoundId, kind: SecretKind) -> Option<&Digest> {
        Some(self.member(client)?.commitments.get(self.index(round)?)?.of(kind))
    }
}
