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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A field of a configuration, as quinn prints it.
    fn field(config: &quinn::TransportConfig, name: &str) -> String {
        let text = format!("{config:?}");
        let (_, rest) = text.split_once(&format!("{name}: ")).unwrap_or_else(|| panic!("{name} in {text}"));
        let mut depth = 0;
        let end = rest.find(|letter: char| match letter {
            '(' | '{' | '[' => {
                depth += 1;
                false
            }
            ')' | '}' | ']' => {
                depth -= 1;
                depth < 0
            }
            ',' => depth == 0,
            _ => false,
        });
        rest[..end.unwrap_or(rest.len())].trim().to_owned()
    }

    fn made(side: Side, loopback: bool, mtu: Option<u16>) -> Arc<quinn::TransportConfig> {
        let timers = Timers { keep_alive: Duration::from_secs(7), idle: Duration::from_secs(21), ..Timers::default() };
        transport(side, loopback, &Path { mtu, segmentation_offload: true }, &timers)
    }

    #[test]
    fn each_side_has_its_windows_and_streams() {
        for (side, loopback, window, streams) in [
            (Side::Client, false, CLIENT_RECEIVE_WINDOW, 0),
            (Side::Client, true, CLIENT_RECEIVE_WINDOW, 0),
            (Side::Coordinator, true, LOOPBACK_RECEIVE_WINDOW, 1),
            (Side::Coordinator, false, RECEIVE_WINDOW, 1),
        ] {
            let config = made(side, loopback, None);
            let of = |name: &str| field(&config, name);
            assert_eq!((of("stream_receive_window"), of("receive_window")), (window.to_string(), window.to_string()));
            assert_eq!(of("max_concurrent_bidi_streams"), streams.to_string());
            assert_eq!((of("max_concurrent_uni_streams"), of("send_window")), ("0".into(), SEND_WINDOW.to_string()));
            assert_eq!((of("keep_alive_interval"), of("max_idle_timeout")), ("Some(7s)".into(), "Some(21000)".into()));
            assert_eq!(of("datagram_receive_buffer_size"), "None");
        }
    }

    /// A path that is known is not probed, and a loopback takes what its interface does.
    #[test]
    fn each_path_has_its_packets() {
        let sizes = |loopback, mtu| {
            let config = made(Side::Client, loopback, mtu);
            let probes = field(&config, "mtu_discovery_config") != "None";
            (field(&config, "initial_mtu"), probes, field(&config, "enable_segmentation_offload"))
        };
        let usual = field(&quinn::TransportConfig::default(), "initial_mtu");
        assert_eq!(sizes(false, None), (usual, true, "true".into()));
        for loopback in [false, true] {
            assert_eq!(sizes(loopback, Some(1_301)), ("1301".into(), false, "true".into()));
        }
        assert_eq!(sizes(true, None), (LOOPBACK_PAYLOAD_BYTES.to_string(), true, "false".into()));
        let without =
            transport(Side::Client, false, &Path { mtu: None, segmentation_offload: false }, &Timers::default());
        assert_eq!(field(&without, "enable_segmentation_offload"), "false");
    }
}
