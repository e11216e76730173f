//! Places for handshakes, and a count of those who found none.

use std::sync::Arc;

use tributary_transport::limits::HANDSHAKES_MAX;
use tributary_transport::{Metric, Transport};

use super::Door;
use super::porch::Porch;

/// Those whom nobody knows yet: whoever fills the places of one transport leaves those of the other.
pub(super) struct Handshakes {
    pub(super) quic: Arc<Porch>,
    pub(super) tcp: Arc<Porch>,
}

impl Default for Handshakes {
    fn default() -> Self {
        Self { quic: Porch::new(HANDSHAKES_MAX), tcp: Porch::new(HANDSHAKES_MAX) }
    }
}

impl Handshakes {
    pub(super) fn over(&self, transport: Transport) -> &Arc<Porch> {
        match transport {
            Transport::Quic => &self.quic,
            Transport::Tcp => &self.tcp,
        }
    }
}

impl Door {
    /// How full the door is, and whom it kept out.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let Handshakes { quic, tcp } = &self.handshakes;
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
