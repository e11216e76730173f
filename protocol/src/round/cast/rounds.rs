//! Runs that a coordinator begins, and rounds that are far enough for tests of what comes of them.

use alloc::vec::Vec;

use super::keys::{COORDINATOR_KEY, federation};
use super::people::approvals;
use super::plans::{first_model, run};
use super::rosters::roster;
use crate::budget::Heads;
use crate::digest::Digest;
use crate::ids::{ClientId, OrganisationId, RoundId, SessionId};
use crate::plan::{Plan, Run};
use crate::round::{Contribution, CoordinatorSettings, Orders, RoundDescriptor, RoundHead, SessionView};
use crate::secagg::mask::Sign;
use crate::secagg::masked_update::{MaskSeeds, mask};
use crate::secagg::modular::{Ring, RingWords};
use crate::secagg::permit::{BudgetReceipt, Opened, Ticket, UnmaskPermit};
use crate::secagg::suite::{SecretKey, Suite};
use crate::secagg::toy::Toy;
use crate::time::Millis;

/// What the coordinator of so many clients starts with.
///
/// # Panics
/// For a plan that is not valid.
#[must_use]
pub fn settings(clients: u32, plan: Plan) -> CoordinatorSettings<Toy> {
    CoordinatorSettings {
        approvals: approvals(&plan),
        run: run(plan),
        model: first_model(),
        federation: federation(),
        not_before: Millis(0),
        roster: roster(clients),
        signing_key: alloc::sync::Arc::new(COORDINATOR_KEY),
        heads: Heads::default(),
        orders: Orders::default(),
        gather_ms: 100,
    }
}

/// Permission for one round of a cohort of ten, as the machine gives it after the charge: for tests of what comes of it.
///
/// # Panics
/// If the plan admits no cohort of ten, or has no such stage.
#[must_use]
pub fn contribution(run: &Run, head: RoundHead) -> Contribution {
    let thresholds = run.cohort.thresholds(&[OrganisationId(1); 10], 10).expect("a cohort of ten");
    let view = SessionView { session: SessionId([1; 32]), view: Digest::ZERO, thresholds };
    let descriptor = RoundDescriptor::derive(run, &view, head).expect("a stage of the plan");
    let receipt = BudgetReceipt::new(head.round, descriptor.digest());
    let pairs = (2..=10_u8).map(|peer| (Sign::of_pair(ClientId(1), ClientId(peer.into())), SecretKey::new([peer; 32])));
    let seeds = MaskSeeds { self_seed: SecretKey::new([1; 32]), pairs: pairs.collect() };
    Contribution { descriptor, receipt, seeds }
}

/// A round whose uploads came, for tests of what a coordinator does with them.
pub struct MaskedRound {
    /// The uploads, in the order of the values, each with the leave to fold it.
    pub uploads: Vec<(Ticket, Vec<u8>)>,
    /// Leave to unmask their sum.
    pub permit: UnmaskPermit,
}

/// The round of a descriptor in which each of these clients contributes its values, and others are lost after they were keyed.
#[must_use]
pub fn masked_round<S: Suite>(
    (round, descriptor, ring): (RoundId, Digest, Ring),
    values: &[(ClientId, Vec<i64>)],
    lost: &[ClientId],
) -> MaskedRound {
    let seed = |parts: &[&[u8]]| SecretKey::new(Digest::of_parts(parts).0);
    let pair = |one: ClientId, other: ClientId| {
        let (low, high) = (one.min(other).0.to_le_bytes(), one.max(other).0.to_le_bytes());
        seed(&[b"pair", &round.0.to_le_bytes(), &low, &high])
    };
    let own = |client: ClientId| seed(&[b"self", &round.0.to_le_bytes(), &client.0.to_le_bytes()]);
    let mut survivors: Vec<ClientId> = values.iter().map(|(client, _)| *client).collect();
    let uploads = values.iter().map(|(client, values)| {
        let peers = survivors.iter().chain(lost).filter(|peer| *peer != client);
        let pairs = peers.map(|peer| (Sign::of_pair(*client, *peer), pair(*client, *peer))).collect();
        let seeds = MaskSeeds { self_seed: own(*client), pairs };
        let words = RingWords::reduce(ring, values);
        let update = mask::<S>(words, BudgetReceipt::new(round, descriptor), seeds);
        (Ticket::new(round, *client, (ring, values.len()), update.digest()), update.into_bytes())
    });
    let uploads = uploads.collect();
    survivors.sort_unstable();
    let lost_pairs = lost.iter().flat_map(|lost| {
        let pairs = survivors.iter().map(move |survivor| (*survivor, *lost));
        pairs.map(|(survivor, lost)| (Sign::of_pair(survivor, lost), pair(survivor, lost)))
    });
    let lost_pairs = lost_pairs.collect();
    let survivors = survivors.iter().map(|client| (*client, own(*client))).collect();
    MaskedRound { uploads, permit: UnmaskPermit::new(Opened { round, descriptor, survivors, lost_pairs }) }
}
