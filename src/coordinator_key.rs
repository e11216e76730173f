//! The coordinator's key as somebody names it who verifies what it has signed.

use std::path::Path;

use tributary_certs::keys::read_verifying_key;
use tributary_protocol::log::{NoteKey, SignatureKind};
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_storage::files::read_public;

/// The key in a file: `coordinator.key` of a folder of checkpoints, or a public signing key.
///
/// # Errors
/// In words, if it is neither.
pub(crate) fn coordinator_key(file: &Path) -> Result<VerifyingKey, String> {
    let told = |fault: &dyn std::fmt::Display| format!("{}: {fault}", file.display());
    let bytes = read_public(file).map_err(|fault| told(&fault))?;
    match NoteKey::parse(str::from_utf8(&bytes).unwrap_or_default()) {
        Ok(key) if key.kind() == SignatureKind::Journal => Ok(key.key().clone()),
        Ok(_) => Err(told(&"this is the key of a witness; the coordinator's is needed")),
        Err(fault) => read_verifying_key(file).map_err(|_| told(&fault)),
    }
}
