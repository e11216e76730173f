//! A purge as most tests want it.

use std::path::Path;

use crate::contact::{Purged, purge};
use crate::error::ClientError;

/// A purge that left nothing, or what people read of one that did.
pub(crate) fn purge_whole(config: &Path, dry_run: bool, now: u64) -> Result<Purged, ClientError> {
    let purged = purge(config, dry_run, now)?;
    purged.said().map(|_| purged)
}
