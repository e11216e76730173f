//! Who may be enrolled: tokens for new members, and the checks that a member's keys are its own.

use std::collections::BTreeSet;
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::roster::RosterEntry;
use tributary_protocol::secagg::suite::VerifyingKey;

use super::bundle::{Bundle, address};
use super::csr::Checked;
use super::deny::{allow_locked, read_denied};
use super::revoke::{read_marks, write_marks};
use super::tokens::{TOKEN_HOURS_MAX, Token, TokenLine, read_tokens, write_tokens};
use super::{BINDINGS, client_name, read_issued};
use crate::binding::forget_binding;
use crate::denied::{Bearer, Denied, DenyEntry};
use crate::enrolment::{
    EnrolmentError, Member, SIGNING_SECONDS, names, numbers, open_authority, read_coordinator, read_members,
    write_members,
};
use crate::entropy::OsEntropy;
use crate::fault::FaultKind;
use crate::identity::{Identity, Role};
use crate::revocation::KnownNumbers;
use crate::roster::RosterAuthorities;
use crate::tls::{TrustRoots, read_certificates};
use tributary_storage::files::{Existing, FileError};
use tributary_storage::lock::FolderLock;

/// What a token is for.
#[derive(Clone, Debug)]
pub struct TokenRequest<'a> {
    /// The branch's organisation.
    pub organisation: &'a str,
    /// The branch's id.
    pub id: &'a str,
    /// Where the coordinator answers, as `HOST:PORT`.
    pub coordinator_address: &'a str,
    /// Its life in hours, 1 to [`TOKEN_HOURS_MAX`].
    pub hours: u64,
    /// Whether a person must approve the fingerprint of the branch's keys.
    pub approval: bool,
    /// Whether it starts an enrolled or revoked member anew, with fresh keys.
    pub again: bool,
}

/// Makes a token and writes its bundle to a new file of mode 0600.
///
/// # Errors
/// [`EnrolmentError::Token`] for hours or an address out of their range, [`FaultKind::MemberAlready`] or [`FaultKind::MemberRevoked`] for a
/// member without `again`, [`EnrolmentError::File`].
pub fn make_token(
    folder: &Path,
    request: &TokenRequest<'_>,
    bundle: &Path,
    now: u64,
) -> Result<Identity, EnrolmentError> {
    Ok(make_known_token(folder, request, bundle, now)?.0)
}

/// As [`make_token`], with the digest by which the office knows the token.
pub(super) fn make_known_token(
    folder: &Path,
    request: &TokenRequest<'_>,
    bundle: &Path,
    now: u64,
) -> Result<(Identity, Digest), EnrolmentError> {
    if !(1..=TOKEN_HOURS_MAX).contains(&request.hours) {
        return Err(EnrolmentError::Token { what: "its life must be 1 to 72 hours" });
    }
    let coordinator_address = address(request.coordinator_address)
        .ok_or(EnrolmentError::Token { what: "the coordinator's address must be of the form HOST:PORT" })?;
    let _lock = FolderLock::take(folder)?;
    let authority = open_authority(folder)?;
    let identity = Identity::new(authority.trust_domain().clone(), request.organisation, Role::Client, request.id)?;
    let enrolled = read_members(folder)?.iter().any(|member| member.identity == identity);
    if !request.again {
        if revoked_members(folder)?.contains(&identity) {
            return Err(FaultKind::MemberRevoked.because(&identity).into());
        }
        if enrolled {
            return Err(FaultKind::MemberAlready.because(&identity).into());
        }
    }
    let token = Token::generate(&mut OsEntropy);
    let bundle_text = Bundle {
        identity: identity.clone(),
        coordinator_address,
        root_sha256: root_above(folder, authority.certificate())?,
        coordinator: read_coordinator(&folder.join(names::COORDINATOR))?,
        authorities: RosterAuthorities::read(&folder.join(names::AUTHORITIES))?,
        lists: KnownNumbers::read(&folder.join(names::REVOCATIONS), &TrustRoots::read(&folder.join(names::TRUST))?)?,
        token: token.clone(),
    };
    let mut tokens = read_tokens(folder)?;
    // A newer token takes the place of one that was not used.
    tokens.retain(|line| line.identity != identity || line.keys.is_some());
    tokens.push(TokenLine {
        digest: token.digest(),
        identity: identity.clone(),
        expires: now.saturating_add(request.hours * 3_600),
        approval: request.approval,
        again: request.again,
        keys: None,
    });
    write_tokens(folder, &tokens, now)?;
    if let Err(told) = bundle_text.write(bundle, Existing::Keep) {
        return Err(withdrawn(folder, &[token.digest()], told.into(), now));
    }
    Ok((identity, token.digest()))
}

/// Takes tokens back that nobody has used, because something broke off: whoever has copied a bundle that is gone enrols nobody with it. What is to be told.
pub(super) fn withdraw_tokens(folder: &Path, digests: &[Digest], told: EnrolmentError, now: u64) -> EnrolmentError {
    match FolderLock::take(folder) {
        Ok(_lock) => withdrawn(folder, digests, told, now),
        Err(left) => EnrolmentError::TokensLeft { told: Box::new(told), left },
    }
}

/// As [`withdraw_tokens`], with the folder's lock held.
fn withdrawn(folder: &Path, digests: &[Digest], told: EnrolmentError, now: u64) -> EnrolmentError {
    let withdraw = || {
        let mut tokens = read_tokens(folder)?;
        tokens.retain(|line| line.keys.is_some() || !digests.contains(&line.digest));
        write_tokens(folder, &tokens, now)
    };
    match withdraw() {
        Ok(()) => told,
        Err(left) => EnrolmentError::TokensLeft { told: Box::new(told), left },
    }
}

/// SHA-256 of the root that issued the issuing authority.
fn root_above(folder: &Path, issuing: &[u8]) -> Result<Digest, EnrolmentError> {
    let roots = read_certificates(&folder.join(names::TRUST))?;
    let root = roots.iter().find(|root| crate::revocation::issued_by(issuing, root));
    root.map(|root| Digest::of(root)).ok_or_else(|| {
        FaultKind::ForeignAuthority.because("the issuing authority stands under no root of trust.pem").into()
    })
}

/// The members that were revoked and not admitted again.
pub(crate) fn revoked_members(folder: &Path) -> Result<BTreeSet<Identity>, FileError> {
    Ok(read_marks(folder)?.into_iter().map(|mark| mark.identity).collect())
}

/// What a token's line says about a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    /// Whether the token starts a member anew, and has not done so yet.
    pub(super) again: bool,
    /// Whether the token was used with these very keys before: a crash may have left the member half written.
    pub(super) repeated: bool,
}

/// The member that a request makes, if it may be one; nothing is written.
pub(super) fn admit(
    folder: &Path,
    asked: &Checked,
    signing_key: &VerifyingKey,
    Admission { again, repeated }: Admission,
    now: u64,
) -> Result<Member, EnrolmentError> {
    let members = read_members(folder)?;
    let identity = asked.identity.clone();
    let tls_spki_sha256 = Digest::of(&asked.spki);
    let old = members.iter().find(|member| member.identity == identity);
    let same =
        old.is_some_and(|old| old.entry.signing_key == *signing_key && old.entry.tls_spki_sha256 == tls_spki_sha256);
    let revoked = revoked_members(folder)?.contains(&identity);
    if revoked && !again {
        return Err(FaultKind::MemberRevoked.because(&identity).into());
    }
    if old.is_some() && !same && !again {
        return Err(FaultKind::MemberAlready.because(&identity).into());
    }
    // A member that starts anew brings fresh keys: the old ones may be in other hands.
    let other = |member: &&Member| !same || member.identity != identity;
    let mut others = members.iter().filter(other);
    let mut taken = others
        .any(|member| member.entry.signing_key == *signing_key || member.entry.tls_spki_sha256 == tls_spki_sha256);
    taken |= revoked && same && !repeated;
    // Renewed keys are in the log alone.
    taken |= read_issued(folder)?.iter().any(|line| line.spki_sha256 == tls_spki_sha256 && line.identity != identity);
    if taken {
        return Err(FaultKind::KeyTaken.because(&identity).into());
    }
    let (next, organisation) = numbers(folder, &members, identity.organisation())?;
    let client = old.map_or(next, |old| old.entry.client);
    let not_after = match old {
        Some(old) if same => old.entry.not_after,
        _ => now.saturating_add(SIGNING_SECONDS),
    };
    let name = client_name(&identity)?;
    let entry =
        RosterEntry { client, name, organisation, signing_key: signing_key.clone(), tls_spki_sha256, not_after };
    Ok(Member { identity, entry })
}

/// Refuses whoever is on the deny-list. A token that starts a member anew lifts what its revocation put there, and nothing else.
pub(super) fn not_denied(
    folder: &Path,
    member: &Member,
    tls_spki_sha256: &Digest,
    again: bool,
) -> Result<(), EnrolmentError> {
    let bearer = Bearer {
        identity: &member.identity,
        tls_spki_sha256,
        signing_key: &member.entry.signing_key,
        client: member.entry.client,
    };
    let lifted = |entry: &&DenyEntry| again && entry.who == Denied::Identity(member.identity.clone());
    let revoked = again && revoked_members(folder)?.contains(&member.identity);
    match read_denied(folder)?.denies(&bearer).filter(|entry| !(revoked && lifted(entry))) {
        Some(entry) => Err(FaultKind::Denied.because(&entry.who).into()),
        None => Ok(()),
    }
}

/// Adds the member's line, or replaces it, and lifts its revocation. The folder's lock is held.
pub(super) fn write(folder: &Path, member: &Member) -> Result<(), EnrolmentError> {
    let mut members = read_members(folder)?;
    if !members.contains(member) {
        match members.iter_mut().find(|other| other.identity == member.identity) {
            Some(other) => {
                *other = member.clone();
                // The old signing key's bindings are worth nothing to the new one.
                forget_binding(&folder.join(BINDINGS), member.entry.client)?;
            }
            None => members.push(member.clone()),
        }
        write_members(folder, &members)?;
    }
    let mut marks = read_marks(folder)?;
    if marks.iter().any(|mark| mark.identity == member.identity) {
        // The signed list first, and its old keys stay denied: a mark that is gone too early would leave the member denied for good.
        allow_locked(folder, &Denied::Identity(member.identity.clone()))?;
        marks.retain(|mark| mark.identity != member.identity);
        write_marks(folder, &marks)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrolment::{init_authority, issue_client};
    use crate::identity::TrustDomain;
    use crate::issue::RevocationReason;
    use crate::office::{WhomToRevoke, revoke};

    const NOW: u64 = 1_900_000_000;

    /// Whoever comes back is taken off the signed deny-list before the mark goes: else a failure between the two would keep it out for good.
    #[test]
    fn a_mark_stays_until_the_deny_list_is_signed() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca");
        init_authority(&ca, &TrustDomain::parse("bank.example").unwrap(), 1, 1, NOW).unwrap();
        let member = issue_client(&ca, "north-bank", "branch-1", &folder.path().join("branch-1"), NOW).unwrap();
        let whom = WhomToRevoke::Identity(member.identity.clone());
        revoke(&ca, &whom, RevocationReason::KeyCompromise, 7, NOW).unwrap();
        let path = ca.join(crate::denied::DENIED);
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, b"damaged").unwrap();
        assert!(write(&ca, &member).is_err());
        assert!(revoked_members(&ca).unwrap().contains(&member.identity));
        std::fs::write(&path, good).unwrap();
        write(&ca, &member).unwrap();
        assert!(revoked_members(&ca).unwrap().is_empty());
        let denied = read_denied(&ca).unwrap();
        assert!(denied.entry(&Denied::Identity(member.identity)).is_none() && denied.entries().len() == 1);
    }
}
