//! What an organisation's own authority does with its branch's request: it signs, and the federation's office registers the certificate.

use std::path::Path;

use rustls::pki_types::CertificateDer;

use super::wire::{Request, decode_request};
use super::{Issued, csr, record};
use crate::enrolment::{EnrolmentError, TLS_SECONDS, open_authority};
use crate::entropy::OsEntropy;
use crate::fault::FaultKind;
use crate::identity::Role;
use crate::issue::{LeafRequest, Validity};
use tributary_storage::lock::FolderLock;

/// Signs a branch's request, an enrolment or a renewal, with the authority in `folder`: the certificate with the authority's own, leaf first,
/// for [`super::Office::register`]. `now` is in Unix seconds. The token in the request is the federation's and is not looked at; that the
/// request is one's own branch's is for the caller to know.
///
/// # Errors
/// [`EnrolmentError::Refused`] for a request that no office would take, else as the folder's files are used.
pub fn certify(folder: &Path, request: &[u8], now: u64) -> Result<Vec<CertificateDer<'static>>, EnrolmentError> {
    let csr = match decode_request(request)? {
        Request::Enrol(request) => request.csr,
        Request::Renew(request) => request.csr,
        Request::Lists => return Err(FaultKind::RequestUnreadable.because("it asks for no certificate").into()),
    };
    let asked = csr::check(&csr.0)?;
    if asked.identity.role() != Role::Client {
        return Err(FaultKind::RequestIdentity.because(&asked.identity).into());
    }
    let _lock = FolderLock::take(folder)?;
    let authority = open_authority(folder)?;
    let validity = Validity::starting(now, TLS_SECONDS);
    let request = LeafRequest {
        identity: asked.identity,
        host_names: vec![],
        addresses: vec![],
        // Shorter at the end of the authority's own life, rather than refused.
        validity: Validity { not_after: authority.validity().not_after.min(validity.not_after), ..validity },
    };
    let chain = authority.issue_for(&mut OsEntropy, &request, &asked.spki)?;
    // Nobody has it before the log does.
    record(folder, Issued::of(chain.leaf())?, now)?;
    Ok(chain.into_certificates())
}
