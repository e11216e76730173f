//! Places for handshakes, and a count of those who found none.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tributary_daemon::Metric;
use tributary_protocol::ids::ClientId;
use tributary_transport::limits::HANDSHAKES_MAX;
use tributary_transport::{Attempt, Transport};

use super::Door;
use super::networks::{Known, Networks};
use super::porch::{Place, Porch};

/// Those whom nobody knows yet: whoever fills the places of one transport leaves those of the other.
pub(super) struct Handshakes {
    pub(super) quic: Arc<Porch>,
    pub(super) tcp: Arc<Porch>,
    known: Mutex<Known>,
}

impl Default for Handshakes {
    fn default() -> Self {
        Self { quic: Porch::of_a_door(HANDSHAKES_MAX), tcp: Porch::of_a_door(HANDSHAKES_MAX), known: Mutex::default() }
    }
}

impl Handshakes {
    pub(super) fn over(&self, transport: Transport) -> &Arc<Porch> {
        match transport {
            Transport::Quic => &self.quic,
            Transport::Tcp => &self.tcp,
        }
    }

    /// A place for whoever comes, if there is one. An address that is merely claimed is no member's.
    pub(super) fn enter(&self, attempt: &Attempt) -> Option<Place> {
        let address = attempt.address().ip();
        let known = attempt.has_proved_address() && self.knows(address);
        self.over(attempt.transport()).enter(address, known)
    }

    /// Whether a member has come from there.
    pub(super) fn knows(&self, address: IpAddr) -> bool {
        self.known().knows(Networks::of(address))
    }

    /// A member has come from there.
    pub(super) fn came(&self, client: ClientId, address: IpAddr) {
        self.known().note(client, Networks::of(address));
    }

    /// Forgets the networks of those who are members no more.
    pub(super) fn keep(&self, is_member: impl Fn(ClientId) -> bool) {
        self.known().keep(is_member);
    }

    /// Forgets the networks of one.
    pub(super) fn forget(&self, client: ClientId) {
        self.known().forget(client);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Door {
    /// How full the door is, and whom it kept out.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let Handshakes { quic, tcp, .. } = &self.handshakes;
        let sum = |(one, other): (u64, u64), (third, fourth): (u64, u64)| (one + third, other + fourth);
        let (made_room, turned_away) = sum(quic.counts(), tcp.counts());
        let metric = |name, help, value| Metric { name, help, value };
        let mut metrics = vec![
            metric(
                "door_made_room_total",
                "Connections in their handshake that did nothing and made room for others, since the start.",
                made_room,
            ),
            metric(
                "door_turned_away_total",
                "Connection attempts that found no place for their handshake, since the start.",
                turned_away,
            ),
            metric(
                "door_replaced_total",
                "Waiting connections of a client that a newer one of the same client replaced, since the start.",
                self.line.replaced(),
            ),
        ];
        metrics.extend(self.office.as_ref().map(|office| {
            metric(
                "office_turned_away_total",
                "Questions to the enrolment office that found no place, since the start.",
                office.turned_away(),
            )
        }));
        metrics
    }
}
