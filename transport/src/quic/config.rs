//! QUIC's settings, the same on both sides where they must be.

use std::sync::Arc;

use crate::limits::{CLIENT_RECEIVE_WINDOW, RECEIVE_WINDOW, SEND_WINDOW};
use crate::path::Path;
use crate::timers::Timers;

/// UDP payload on this machine's own loopback, where nothing is lost and every packet costs a system call: the interface's 64 KiB (16 KiB
/// elsewhere than on Linux) without headers.
pub(super) const LOOPBACK_PAYLOAD_BYTES: u16 = if cfg!(target_os = "linux") { 65_488 } else { 16_000 };

/// On this machine's own loopback nothing is under way for long.
const LOOPBACK_RECEIVE_WINDOW: u32 = 256 << 10;

/// Bytes under way on the loopback before the first acknowledgement. A client's are fewer, because a whole cohort sends at once into the
/// coordinator's one socket.
const LOOPBACK_WINDOW_BYTES: (u64, u64) = (4 << 20, 256 << 10);

/// Packets that may arrive before they are acknowledged at once (QUIC's acknowledgement frequency extension); until then the receiver waits
/// for something to send, at most 25 ms. An acknowledgement by itself costs either side a packet and a wake-up.
const ACKED_AFTER: u32 = 10;

/// Which side a configuration is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Coordinator,
}

pub(super) fn transport(side: Side, loopback: bool, path: &Path, timers: &Timers) -> Arc<quinn::TransportConfig> {
    let mut acknowledgements = quinn::AckFrequencyConfig::default();
    acknowledgements.ack_eliciting_threshold(ACKED_AFTER.into());
    let streams: u32 = if side == Side::Coordinator { 1 } else { 0 };
    let window = match (side, loopback) {
        (Side::Client, _) => CLIENT_RECEIVE_WINDOW,
        (Side::Coordinator, true) => LOOPBACK_RECEIVE_WINDOW,
        (Side::Coordinator, false) => RECEIVE_WINDOW,
    };
    let idle = quinn::IdleTimeout::try_from(timers.idle).expect("the settings bound it");
    let mut config = quinn::TransportConfig::default();
    config
        .max_concurrent_bidi_streams(streams.into())
        .max_concurrent_uni_streams(0_u32.into())
        .stream_receive_window(window.into())
        .receive_window(window.into())
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(None)
        .ack_frequency_config(Some(acknowledgements))
        .keep_alive_interval(Some(timers.keep_alive))
        .max_idle_timeout(Some(idle));
    if loopback && path.mtu.is_none() {
        on_loopback(&mut config, side);
    } else {
        config.enable_segmentation_offload(path.segmentation_offload);
        if let Some(mtu) = path.mtu {
            // A path whose limit is known is not probed: some firewalls answer a probe with silence for good.
            config.initial_mtu(mtu).mtu_discovery_config(None);
        }
    }
    Arc::new(config)
}

/// Why not path discovery up to this size for everybody: a probe of 30 KB is larger than the first congestion window of a real path, so that
/// everything, a close included, waits until the probe is acknowledged or given up. And why no segmentation offload: the system takes at most
/// 64 KiB at once, and silently drops a batch of such packets.
fn on_loopback(config: &mut quinn::TransportConfig, side: Side) {
    let mut discovery = quinn::MtuDiscoveryConfig::default();
    discovery.upper_bound(LOOPBACK_PAYLOAD_BYTES);
    let mut congestion = quinn::congestion::CubicConfig::default();
    let (coordinator, client) = LOOPBACK_WINDOW_BYTES;
    congestion.initial_window(if side == Side::Client { client } else { coordinator });
    config
        .initial_mtu(LOOPBACK_PAYLOAD_BYTES)
        .mtu_discovery_config(Some(discovery))
        .congestion_controller_factory(Arc::new(congestion))
        .enable_segmentation_offload(false);
}
