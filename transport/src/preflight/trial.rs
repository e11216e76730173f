//! Asks the coordinator whether it would let this client in. No session begins, and a daemon of the client that runs keeps its place.

use std::sync::Arc;
use std::time::Duration;

use tributary_certs::issue::Validity;
use tributary_protocol::codec;
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, VECTOR_BYTES_MAX};
use tributary_protocol::message::{FRAME_CONTROL, RejectCode, ToClient, frame_bytes_max};
use tributary_protocol::printable::Printable;

use crate::dial::Dialer;
use crate::fault::DialFault;
use crate::frames::Frames;
use crate::link::{Greeted, Link};
use crate::record::Greeting;
use crate::wire::{Transport, Wire};

/// How long path discovery is given.
const DISCOVERY_TIME: Duration = Duration::from_millis(1_500);

/// How long a refusal is waited for; without one the coordinator would let us in.
const REFUSAL_TIME: Duration = Duration::from_secs(3);

/// What a preflight proves itself with.
pub struct TrialKeys {
    /// As the daemon would.
    pub tls: Arc<rustls::ClientConfig>,
    /// What binds the key to the roster; empty where the key is the roster's.
    pub binding: Vec<u8>,
    /// For finding out whether a clock is wrong ([`tributary_certs::skew`]).
    pub diagnosis: Arc<rustls::ClientConfig>,
    /// Of this client's certificate.
    pub validity: Validity,
}

/// What the coordinator told.
pub(super) struct Told {
    pub(super) mtu: u16,
    pub(super) coordinator_seconds: u64,
    pub(super) refusal: Option<(RejectCode, Printable)>,
}

/// Greets over a connection, and listens for a refusal.
pub(super) async fn trial(
    dialer: &Dialer,
    wire: Wire,
    keys: &TrialKeys,
    transport: Transport,
) -> Result<Told, DialFault> {
    let greeted = Greeted::by_us(wire, &Greeting::trial(keys.binding.clone())).await;
    let (greeted, welcome) = greeted?;
    let mut link = Link::new(dialer.settings().timers);
    link.attach(greeted, welcome.received)?;
    let patience = if transport == Transport::Quic { DISCOVERY_TIME } else { REFUSAL_TIME };
    let refusal = tokio::time::timeout(patience, refused(&mut link)).await.ok().flatten();
    let mtu = link.wire().and_then(Wire::path_mtu).unwrap_or_default();
    link.close("preflight").await;
    Ok(Told { mtu, coordinator_seconds: welcome.unix_seconds, refusal })
}

/// The coordinator's refusal, if one comes.
async fn refused(link: &mut Link) -> Option<(RejectCode, Printable)> {
    let mut frames = Frames::new(|kind| frame_bytes_max(kind, VECTOR_BYTES_MAX));
    loop {
        if let Some(frame) = frames.frame().ok()? {
            if frame.kind != FRAME_CONTROL {
                return None;
            }
            return match codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX).ok()? {
                ToClient::Refused { code, explanation } => Some((code, explanation.printable())),
                _ => None,
            };
        }
        frames.feed(link.read().await.ok()?);
    }
}
