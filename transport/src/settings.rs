//! The table `[network]` of both daemons' settings files.

use std::time::Duration;

use tributary_settings::Document;

use crate::path::{MTU_MAX, MTU_MIN, Path};
use crate::timers::Timers;

/// Timers and switches of the network, as an operator gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Timers.
    pub timers: Timers,
    /// Switches.
    pub path: Path,
}

impl NetworkSettings {
    /// Reads the table; what is absent has its default. `None` where the document has noted a fault.
    pub fn read(document: &mut Document) -> Option<Self> {
        let usual = Timers::default();
        let mut timer = |key: &str, usual: Duration| {
            let usual = i64::try_from(usual.as_millis()).ok();
            let found = document.integer::<i64>(&format!("network.{key}_ms"), 100..=3_600_000, usual);
            found.and_then(|milliseconds| u64::try_from(milliseconds).ok()).map(Duration::from_millis)
        };
        let timers = (
            timer("keep_alive", usual.keep_alive),
            timer("idle", usual.idle),
            timer("detached", usual.detached),
            timer("fallback", usual.fallback),
            timer("probe", usual.probe),
            timer("remembered", usual.remembered),
            timer("exchange", usual.exchange),
        );
        let mtu = match document.has("network.mtu") {
            true => document.integer("network.mtu", MTU_MIN.into()..=MTU_MAX.into(), None).map(Some),
            false => Some(None),
        };
        let segmentation_offload = document.boolean("network.segmentation_offload", true);
        let (
            Some(keep_alive),
            Some(idle),
            Some(detached),
            Some(fallback),
            Some(probe),
            Some(remembered),
            Some(exchange),
        ) = timers
        else {
            return None;
        };
        if idle < keep_alive * 2 {
            document.fault(
                "network.idle_ms",
                idle.as_millis().to_string(),
                "at least twice keep_alive_ms, so that one lost sign of life is forgiven",
            );
            return None;
        }
        let timers = Timers { keep_alive, idle, detached, fallback, probe, remembered, exchange };
        Some(Self { timers, path: Path { mtu: mtu?, segmentation_offload: segmentation_offload? } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: &str) -> Option<NetworkSettings> {
        let text = format!("[network]\n{table}");
        let mut document = Document::parse(std::path::Path::new("a.toml"), &text).expect("TOML");
        let found = NetworkSettings::read(&mut document);
        assert_eq!(document.finish().is_ok(), found.is_some(), "whoever gets nothing is told why");
        found
    }

    #[test]
    fn each_key_is_read_into_its_own_timer() {
        let milliseconds = Duration::from_millis;
        let text = "keep_alive_ms = 101\nidle_ms = 202\ndetached_ms = 103\nfallback_ms = 104\nprobe_ms = 105\nremembered_ms = 106\n\
            exchange_ms = 107\nmtu = 1300\nsegmentation_offload = false";
        let timers = Timers {
            keep_alive: milliseconds(101),
            idle: milliseconds(202),
            detached: milliseconds(103),
            fallback: milliseconds(104),
            probe: milliseconds(105),
            remembered: milliseconds(106),
            exchange: milliseconds(107),
        };
        let path = Path { mtu: Some(1_300), segmentation_offload: false };
        assert_eq!(read(text), Some(NetworkSettings { timers, path }));
        assert_eq!(read(""), Some(NetworkSettings::default()));
    }

    #[test]
    fn each_limit_is_allowed_and_one_beyond_it_is_not() {
        for key in ["keep_alive", "idle", "detached", "fallback", "probe", "remembered", "exchange"] {
            let with = |value: u32| {
                // So that the two that hang together do not contradict each other.
                let other = match key {
                    "keep_alive" => "idle_ms = 3600000\n",
                    "idle" => "keep_alive_ms = 100\n",
                    _ => "",
                };
                read(&format!("{other}{key}_ms = {value}")).is_some()
            };
            let allowed = [99, 100, 3_600_000, 3_600_001].map(with);
            let expected = match key {
                // Half of the longest silence; and twice the shortest sign of life.
                "keep_alive" => [false, true, false, false],
                "idle" => [false, false, true, false],
                _ => [false, true, true, false],
            };
            assert_eq!(allowed, expected, "{key}");
        }
        let idle = |idle: u32| read(&format!("keep_alive_ms = 1000\nidle_ms = {idle}")).is_some();
        assert_eq!([1_999, 2_000].map(idle), [false, true]);
        let mtu = |mtu: u32| read(&format!("mtu = {mtu}")).is_some();
        let (least, most) = (u32::from(MTU_MIN), u32::from(MTU_MAX));
        assert_eq!([least - 1, least, most, most + 1].map(mtu), [false, true, true, false]);
        assert!(read("segmentation_offload = 1").is_none());
    }
}
