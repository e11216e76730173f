//! Whether a model may be kept, for whoever asks beside the daemon: by the files of the owner's grants, and by what the budget has recorded.

use tributary_certs::keys::read_verifying_key;
use tributary_certs::suite::RealSuite;
use tributary_protocol::registry::Lineage;

use super::held::Held;
use super::judged::Place;
use crate::budget::withdrawn;
use crate::error::ClientError;
use crate::settings::Settings;

/// Whether the owner of the data lets this branch keep a model of this lineage, at a second of the Unix clock. The daemon decides the same by its own
/// record.
///
/// # Errors
/// If a file of the identity, the grants or the budget cannot be used.
pub(crate) fn keeps(settings: &Settings, lineage: &Lineage, now: u64) -> Result<bool, ClientError> {
    let owner = read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
    let Place { federation, branch } = Place::of(&settings.identity)?;
    let Held { grants, withdrawals } = Held::read(settings).map_err(ClientError::file)?;
    let recorded = withdrawn(settings)?;
    Ok(grants.iter().any(|grant| {
        let digest = grant.digest();
        let taken_back = || {
            recorded.contains(&digest) || withdrawals.iter().any(|own| own.grant == digest && own.owner == grant.owner)
        };
        grant.federation == federation
            && grant.owner == owner
            && lineage.is_granted(grant, &branch)
            && grant.counts_at(now)
            && grant.is_genuine::<RealSuite>()
            && !taken_back()
    }))
}

/// The federation of a branch.
#[cfg(test)]
pub(crate) fn federation_of(settings: &Settings) -> tributary_protocol::digest::Digest {
    Place::of(&settings.identity).unwrap_or_else(|fault| panic!("{fault}")).federation
}
