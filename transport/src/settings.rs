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
