//! The office: enrols branches by token and renews their certificates. It has no socket and no clock; requests and answers are bytes.
//!
//! ```text
//! token ─► request ─► judged ─┬─► refused, with a number
//!                             ├─► pending: fingerprint ─► approved by a person ─► the same request again
//!                             └─► token marked used ─► member ─► certificate ─► log ─► answer
//! ```
//!
//! Each step of the last line is durable before the next begins, and each can be repeated: after a crash anywhere, the same request with the
//! same keys is answered with the same certificate, and one with other keys is refused.
//!
//! Does **not** limit how often somebody asks: whoever carries the bytes does.

mod approvals;
mod batch;
mod branch;
mod bundle;
mod certify;
mod csr;
mod deny;
mod grant;
mod grounds;
mod issued;
mod lists;
mod members;
mod revoke;
mod revoked;
mod rollover;
mod succession;
mod tokens;
mod unfinished;
mod wire;

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use tributary_protocol::digest::Digest;
use tributary_protocol::roster::MemberName;

pub use approvals::{Approval, Fingerprint, Waiting, approve, read_waiting};
pub use batch::{BATCH_MAX, BatchTerms, make_tokens};
pub use branch::{Begun, Installed, begin, begin_renewal, install, install_lists, install_renewal, lists_request};
pub use bundle::{Bundle, address as coordinator_address};
pub use certify::certify;
pub use csr::CSR_BYTES_MAX;
pub use deny::{allow, deny, read_denied};
pub(crate) use grant::copy_trust;
pub use grounds::{Ground, Way};
pub(crate) use grounds::{read_grounds, record_ground};
pub(crate) use issued::record;
pub use issued::{ISSUED_LINES_MAX, Issued, read_issued};
pub use lists::{REVOCATION_DAYS, ROOT_LIST_DAYS, fresh_list, fresh_root_list, refresh_list, revoke_issuing};
pub(crate) use lists::{copy_lists, make_list, make_root_list};
pub(crate) use members::revoked_members;
pub use members::{TokenRequest, make_token};
pub(crate) use revoke::read_marks;
pub use revoke::{RevocationReason, Revocations, WhomToRevoke, revoke};
pub use revoked::{Revoked, read_revoked};
pub use rollover::{Renewed, renew_coordinator, renew_issuing, renew_root};
pub use tokens::{TOKEN_BYTES, TOKEN_HOURS_MAX, Token};
pub use wire::{
    ANSWER_BYTES_MAX, Answer, EnrolRequest, Granted, Hex, REQUEST_BYTES_MAX, Refused, RenewRequest, Request,
    WIRE_VERSION, decode_answer, decode_request, encode_answer, encode_request, renewal_signer,
};

use crate::binding::{SignedBinding, read_bindings};
use crate::enrolment::{EnrolmentError, Member, open_authority, read_members};
use crate::fault::{CertificateFault, FaultKind};
use crate::identity::{Identity, Role};
use crate::inspect::verify_chain;
use crate::renewal::GRACE_SECONDS;
use crate::tls::TrustRoots;
use approvals::keys_digest;
use csr::Checked;
use grant::Wanted;
use members::Admission;
use tributary_storage::files::FileError;
use tributary_storage::lock::FolderLock;

/// The file of the members' newest key bindings, in an authority's folder.
pub const BINDINGS: &str = "bindings";

/// How many certificates of one branch may be valid at the same time. It renews at half of their life, and has two or three.
const VALID_AT_ONCE_MAX: usize = 8;

/// An authority's folder that answers requests. Every request reads the folder anew, so that other processes may change it in between.
#[derive(Clone, Debug)]
pub struct Office {
    folder: PathBuf,
}

/// An answer and what to log about it.
#[derive(Clone, Debug)]
pub struct Reply {
    /// For whoever asked.
    pub bytes: Vec<u8>,
    /// What happened, for the office's own log; never secret.
    pub outcome: String,
}

impl Office {
    /// Opens an authority's folder, and reads everything in it once, so that a fault is found before anybody asks.
    ///
    /// # Errors
    /// [`EnrolmentError`].
    pub fn open(folder: &Path) -> Result<Self, EnrolmentError> {
        let office = Self { folder: folder.to_owned() };
        open_authority(folder)?;
        TrustRoots::read(&folder.join(crate::enrolment::names::TRUST))?;
        read_members(folder)?;
        tokens::read_tokens(folder)?;
        read_waiting(folder)?;
        read_issued(folder)?;
        read_revoked(folder)?;
        read_denied(folder)?;
        office.bindings()?;
        Ok(office)
    }

    /// The members' newest key bindings, for the door ([`crate::binding::admits`]).
    ///
    /// # Errors
    /// [`FileError`].
    pub fn bindings(&self) -> Result<Vec<SignedBinding>, FileError> {
        read_bindings(&self.folder.join(BINDINGS))
    }

    /// Answers a request; `now` is in Unix seconds. Always an answer, whatever the bytes are.
    #[must_use]
    pub fn answer(&mut self, request: &[u8], now: u64) -> Vec<u8> {
        self.reply(request, now).bytes
    }

    /// As [`Office::answer`], with what to log.
    #[must_use]
    pub fn reply(&mut self, request: &[u8], now: u64) -> Reply {
        self.respond(request, &Came { way: Way::Network, chain: None }, now)
    }

    /// As [`Office::reply`], to a request that was carried there as a file.
    #[must_use]
    pub fn reply_to_file(&mut self, request: &[u8], now: u64) -> Reply {
        self.respond(request, &Came { way: Way::File, chain: None }, now)
    }

    /// Registers a certificate that the organisation's own authority made for the request's key, instead of issuing one.
    ///
    /// `chain` is the certificate with those above it, leaf first.
    #[must_use]
    pub fn register(&mut self, request: &[u8], chain: &[CertificateDer<'static>], now: u64) -> Reply {
        self.respond(request, &Came { way: Way::OwnAuthority, chain: Some(chain) }, now)
    }

    fn respond(&self, request: &[u8], came: &Came<'_>, now: u64) -> Reply {
        let answer = wire::decode_request(request).map_err(EnrolmentError::Refused).and_then(|request| match request {
            Request::Enrol(request) => self.enrol(&request, came, now),
            Request::Renew(request) => self.renew(&request, came.chain, now),
            Request::Lists => self.lists(),
        });
        let (answer, outcome) = match answer {
            Ok((answer, outcome)) => (answer, outcome),
            Err(EnrolmentError::Refused(fault)) => (Answer::Refused(Refused::from(&fault)), fault.to_string()),
            // Names of files are for the operator.
            Err(error) => {
                let fault = FaultKind::OfficeUnavailable.because(error);
                (Answer::Refused(Refused { detail: None, ..Refused::from(&fault) }), fault.to_string())
            }
        };
        Reply { bytes: encode_answer(&answer), outcome }
    }

    /// The lists, for anybody: they prove themselves, and say nothing that is secret.
    fn lists(&self) -> Result<(Answer, String), EnrolmentError> {
        Ok((Answer::Lists(grant::lists(&self.folder)?), "the revocation lists were asked for".to_owned()))
    }

    fn enrol(&self, request: &EnrolRequest, came: &Came<'_>, now: u64) -> Result<(Answer, String), EnrolmentError> {
        let token = Token::parse(&request.token).ok_or_else(|| CertificateFault::from(FaultKind::TokenMalformed))?;
        let asked = csr::check(&request.csr.0)?;
        let signing_key = request.verified_key()?;
        let _lock = FolderLock::take(&self.folder)?;
        let mut tokens = tokens::read_tokens(&self.folder)?;
        let line = tokens::find(&mut tokens, &token).ok_or_else(|| CertificateFault::from(FaultKind::TokenUnknown))?;
        if line.identity != asked.identity || asked.identity.role() != Role::Client {
            let detail = format!("{} asked with the token of {}", asked.identity, line.identity);
            return Err(FaultKind::TokenOtherIdentity.because(detail).into());
        }
        let keys = keys_digest(&Digest::of(&asked.spki), &signing_key, &client_name(&asked.identity)?);
        let granted = grant::stored(&self.folder, &keys)?;
        match line.keys {
            Some(used) if used != keys => return Err(FaultKind::TokenUsed.because(&asked.identity).into()),
            Some(_) if granted.is_some() => {}
            _ if line.expires < now => return Err(FaultKind::TokenExpired.because(&asked.identity).into()),
            _ => {}
        }
        let needs_approval = line.approval;
        let again = line.again && granted.is_none();
        let admission = Admission { again, repeated: line.keys.is_some() };
        let member = members::admit(&self.folder, &asked, &signing_key, admission, now)?;
        members::not_denied(&self.folder, &member, &Digest::of(&asked.spki), admission.again)?;
        let chain = self.chain_given(came.chain, &asked, now)?;
        if line.keys.is_none() {
            // Durable before anything is given for it: a second machine with this token is refused from here on.
            line.keys = Some(keys);
            tokens::write_tokens(&self.folder, &tokens, now)?;
        }
        let mut approval = None;
        if needs_approval && granted.is_none() {
            approval = approvals::approved(&self.folder, keys, &asked.identity, false, now)?;
            if approval.is_none() {
                return Ok(pending(&asked, &keys));
            }
        }
        record_ground(&self.folder, &member.entry, Ground { way: came.way, at: now, approval })?;
        members::write(&self.folder, &member)?;
        if again {
            // The machine before it may be in other hands: from here on its certificates are worth nothing.
            revoke::supersede(&self.folder, &member, now)?;
        }
        let wanted = Wanted { asked: &asked, keys, client: member.entry.client, binding: None };
        self.grant(&wanted, chain, now)
    }

    fn renew(
        &self,
        request: &RenewRequest,
        own: Option<&[CertificateDer<'static>]>,
        now: u64,
    ) -> Result<(Answer, String), EnrolmentError> {
        let asked = csr::check(&request.csr.0)?;
        if asked.identity != request.identity {
            return Err(FaultKind::RequestIdentity.because("the two identities of the renewal differ").into());
        }
        let binding = SignedBinding::decode(&request.binding.0)
            .ok_or_else(|| FaultKind::RequestUnreadable.because("the key binding's length"))?;
        let _lock = FolderLock::take(&self.folder)?;
        let member = self.member_in_good_standing(request, now)?;
        let spki_sha256 = Digest::of(&asked.spki);
        members::not_denied(&self.folder, &member, &spki_sha256, false)?;
        let signing_key = member.entry.signing_key;
        let bound = binding.binding.client == member.entry.client && binding.binding.tls_spki_sha256 == spki_sha256;
        if !bound || !binding.verify(&signing_key) {
            return Err(FaultKind::RenewalForged.because("the key binding is not for this member and key").into());
        }
        let keys = keys_digest(&spki_sha256, &signing_key, &member.entry.name);
        let sequence = binding.binding.sequence;
        let wanted = Wanted { asked: &asked, keys, client: member.entry.client, binding: Some(binding) };
        if grant::stored(&self.folder, &keys)?.is_some() {
            return self.grant(&wanted, None, now);
        }
        let bindings = self.bindings()?;
        let last = bindings.iter().find(|other| other.binding.client == member.entry.client);
        let last = last.map_or(0, |other| other.binding.sequence);
        if sequence <= last {
            let detail = format!("{sequence} is not above {last}");
            return Err(FaultKind::RenewalSequence.because(detail).into());
        }
        let issued = read_issued(&self.folder)?;
        if issued.iter().any(|line| line.spki_sha256 == spki_sha256) || member.entry.tls_spki_sha256 == spki_sha256 {
            return Err(FaultKind::RenewalSameKey.because(&asked.identity).into());
        }
        let own_lines = issued.iter().filter(|line| line.identity == asked.identity);
        if own_lines.clone().filter(|line| line.validity.not_after >= now).count() >= VALID_AT_ONCE_MAX {
            return Err(FaultKind::RenewalTooOften.because(&asked.identity).into());
        }
        let end = own_lines.map(|line| line.validity.not_after).max().unwrap_or(0);
        if end.saturating_add(GRACE_SECONDS) < now {
            return Err(FaultKind::RenewalTooLate.because(&asked.identity).into());
        }
        let chain = self.chain_given(own, &asked, now)?;
        if end < now && approvals::approved(&self.folder, keys, &asked.identity, true, now)?.is_none() {
            return Ok(pending(&asked, &keys));
        }
        self.grant(&wanted, chain, now)
    }

    fn member_in_good_standing(&self, request: &RenewRequest, now: u64) -> Result<Member, EnrolmentError> {
        let found = read_members(&self.folder)?.into_iter().find(|member| member.identity == request.identity);
        let refused = |kind: FaultKind| EnrolmentError::from(kind.because(&request.identity));
        let member = found.ok_or_else(|| refused(FaultKind::MemberUnknown))?;
        // The signature first: who does not hold the key learns nothing about the member.
        if !request.verify(&member.entry.signing_key) {
            return Err(refused(FaultKind::RenewalForged));
        }
        if revoked_members(&self.folder)?.contains(&member.identity) {
            return Err(refused(FaultKind::MemberRevoked));
        }
        if member.entry.not_after < now { Err(refused(FaultKind::SigningKeyExpired)) } else { Ok(member) }
    }

    /// The chain that an organisation's own authority made, judged; `None` where this authority is to issue, and may.
    fn chain_given(
        &self,
        own: Option<&[CertificateDer<'static>]>,
        asked: &Checked,
        now: u64,
    ) -> Result<Option<Vec<CertificateDer<'static>>>, EnrolmentError> {
        let roots = TrustRoots::read(&self.folder.join(crate::enrolment::names::TRUST))?;
        let Some(own) = own else {
            let organisation = asked.identity.organisation();
            if roots.organisations().any(|other| other == organisation) {
                let detail = format!("{organisation} has an authority of its own; give the certificate that it made");
                return Err(FaultKind::WrongAuthority.because(detail).into());
            }
            return Ok(None);
        };
        let (leaf, above) = own.split_first().ok_or_else(|| CertificateFault::from(FaultKind::NoCertificate))?;
        let identity = verify_chain(&roots, leaf, above, now)?;
        let issued = Issued::of(leaf)?;
        if issued.spki_sha256 != Digest::of(&asked.spki) {
            return Err(FaultKind::KeyMismatch.because(&identity).into());
        }
        if identity != asked.identity {
            return Err(FaultKind::AnswerOtherKeys.because(format!("{identity} instead of {}", asked.identity)).into());
        }
        Ok(Some(own.to_vec()))
    }
}

/// How a request came, and what the organisation's own authority gave with it.
struct Came<'a> {
    way: Way,
    chain: Option<&'a [CertificateDer<'static>]>,
}

/// The name of a branch in the roster; nobody else asks.
fn client_name(identity: &Identity) -> Result<MemberName, EnrolmentError> {
    identity.member_name().ok_or_else(|| FaultKind::RequestIdentity.because(identity).into())
}

fn pending(asked: &Checked, keys: &Digest) -> (Answer, String) {
    let fingerprint = Fingerprint::of_keys(keys);
    let outcome = format!("{} waits for the approval of {fingerprint}", asked.identity);
    (Answer::Pending { fingerprint: fingerprint.to_string() }, outcome)
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
