//! The end of the month has witnesses: the demo waits for the checkpoint after its last command, as a federation that goes on has it a few seconds later.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use tributary_coordinator::control::status;
use tributary_protocol::log::Entries;

use super::super::workplace::Workplace;

/// So often it looks. A checkpoint is due after five seconds.
const LOOKS_MAX: u32 = 150;
const PAUSE: Duration = Duration::from_millis(100);

/// Waits until more than half of the members have cosigned every entry of the journal. An auditor sees it if that never comes.
///
/// # Errors
/// If the coordinator does not answer, or its journal cannot be read.
pub(super) async fn witnessed(workplace: &Workplace, members: usize) -> anyhow::Result<()> {
    let config = workplace.coordinator_settings();
    let journal = config.with_file_name("state").join("audit.log");
    for _ in 0..LOOKS_MAX {
        let bytes = fs::read(&journal).with_context(|| format!("{} cannot be read", journal.display()))?;
        let entries = Entries::new(&bytes).count() as u64;
        let log = status(&config)?.log;
        if log.is_some_and(|log| log.entries >= entries && 2 * log.cosigned > members) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
