//! The office's two steps: proposing the next roster, and putting it in force once enough have signed.

use std::collections::BTreeMap;
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::{
    PersonChange, Roster, RosterChanges, RosterEntry, RosterError, SignedRoster, Succession,
};

use super::{CeremonyError, Proposal, Rest, Rests};
use crate::enrolment::{authority_key, groups_of, names, read_members};
use crate::keys::read_signing_key;
use crate::office::{read_grounds, read_marks};
use crate::people::people_of;
use crate::roster::{RosterAuthorities, countersign, read_roster, read_unverified_roster, write_roster};
use tributary_storage::files::{Existing, sync_folder};
use tributary_storage::lock::FolderLock;

/// Proposes the next roster: of all members that were not revoked, and of the groups of them ([`crate::enrolment::set_group`]), and of the
/// people with roles ([`crate::people`]). Nothing of the folder is changed.
///
/// # Errors
/// [`CeremonyError`].
pub fn propose(folder: &Path, now: u64) -> Result<Proposal, CeremonyError> {
    let _lock = FolderLock::take(folder)?;
    let authorities = RosterAuthorities::read(&folder.join(names::AUTHORITIES))?;
    let last = in_force(folder, &authorities)?;
    let (epoch, previous) = last.as_ref().map_or((1, Digest::ZERO), |last| {
        let head = last.roster.head();
        (head.epoch + 1, head.digest)
    });
    let marks: BTreeMap<_, _> = read_marks(folder)?.into_iter().map(|mark| (mark.identity.clone(), mark)).collect();
    let (out, members): (Vec<_>, Vec<_>) =
        read_members(folder)?.into_iter().partition(|member| marks.contains_key(&member.identity));
    let entries: Vec<RosterEntry> = members.into_iter().map(|member| member.entry).collect();
    let clients: Vec<ClientId> = entries.iter().map(|entry| entry.client).collect();
    let (people, people_rest) = people_of(folder, &entries)?;
    let roster = Roster::new(epoch, previous, entries, groups_of(folder, &clients)?, people)?;
    let changes = RosterChanges::between(last.as_ref().map(|last| &last.roster), &roster);
    let ground = read_grounds(folder)?;
    let now_there = changes.added.iter().chain(changes.changed.iter().map(|change| &change.after));
    let mut members: BTreeMap<ClientId, Rest> =
        now_there.filter_map(|entry| Some((entry.client, Rest::Ground(ground(entry)?)))).collect();
    let revoked = |entry: &RosterEntry| {
        let member = out.iter().find(|member| member.entry.name == entry.name)?;
        let mark = marks.get(&member.identity)?;
        Some((entry.client, Rest::Revoked { reason: mark.reason, at: mark.at }))
    };
    members.extend(changes.removed.iter().filter_map(revoked));
    let of_person = |change: &PersonChange| {
        let rest = people_rest.get(&change.after.as_ref()?.staff)?;
        Some((change.staff.clone(), rest.clone()))
    };
    let people = changes.people.iter().filter_map(of_person).collect();
    Ok(Proposal {
        signed: SignedRoster { roster, signatures: vec![] },
        made: now,
        authorities: authorities.digest(),
        last: last.map(|last| last.signatures).unwrap_or_default(),
        rests: Rests { members, people },
    })
}

/// Puts a proposal in force: `roster` and, never to be replaced, `roster-EPOCH`. Nothing else replaces the roster in force.
///
/// # Errors
/// [`CeremonyError::NotEnough`] with the names of who has not signed, [`CeremonyError::NotNext`] if it does not follow the roster in force,
/// [`CeremonyError::Roster`] for a signature that is not genuine.
pub fn install(folder: &Path, proposal: &Proposal) -> Result<SignedRoster, CeremonyError> {
    let _lock = FolderLock::take(folder)?;
    let authorities = RosterAuthorities::read(&folder.join(names::AUTHORITIES))?;
    let signed = &proposal.signed;
    match authorities.verify(signed) {
        Err(RosterError::TooFewSignatures { present, needed }) => {
            return Err(CeremonyError::NotEnough { present, needed, missing: missing(signed, &authorities) });
        }
        verdict => verdict?,
    }
    let epoch = signed.roster.epoch();
    let last = in_force(folder, &authorities)?.map(|last| last.roster.head());
    match last.map(|last| signed.roster.follows(&last)) {
        Some(Ok(Succession::Next)) => {}
        None if epoch == 1 => {}
        Some(Ok(Succession::Same)) => {
            // An earlier try may have put it there, and not for good.
            sync_folder(folder)?;
            return Err(CeremonyError::Turn("this roster is in force already"));
        }
        Some(Err(error)) => return Err(error.into()),
        _ => return Err(CeremonyError::NotNext { epoch, last: last.map_or(0, |last| last.epoch) }),
    }
    let kept = folder.join(format!("{}-{epoch:06}", names::ROSTER));
    // A crash between the two writes leaves the first, of this very roster.
    let there = kept.exists() && read_unverified_roster(&kept)?.roster == signed.roster;
    let existing = if there { Existing::Replace } else { Existing::Keep };
    write_roster(signed, &kept, existing)?;
    write_roster(signed, &folder.join(names::ROSTER), Existing::Replace)?;
    Ok(signed.clone())
}

/// The whole ceremony at once, for a demonstration and for tests: every roster key lies in the authority's folder, and nobody looks.
///
/// # Errors
/// [`CeremonyError`].
pub fn sign_roster(folder: &Path) -> Result<SignedRoster, CeremonyError> {
    sign_roster_with(folder, folder)
}

/// As [`sign_roster`], with the keys of another folder.
///
/// # Errors
/// As [`sign_roster`].
pub fn sign_roster_with(folder: &Path, keys: &Path) -> Result<SignedRoster, CeremonyError> {
    let mut proposal = propose(folder, 0)?;
    let authorities = RosterAuthorities::read(&folder.join(names::AUTHORITIES))?;
    for index in (0..=u8::MAX).take(authorities.keys().len()) {
        let path = authority_key(keys, index);
        if path.exists() {
            countersign(&mut proposal.signed, &authorities, index, &read_signing_key(&path)?)?;
        }
    }
    install(folder, &proposal)
}

fn in_force(folder: &Path, authorities: &RosterAuthorities) -> Result<Option<SignedRoster>, CeremonyError> {
    let path = folder.join(names::ROSTER);
    if path.exists() { Ok(Some(read_roster(&path, authorities)?)) } else { Ok(None) }
}

/// The authorities that have not signed, by the names of their keys' files.
fn missing(signed: &SignedRoster, authorities: &RosterAuthorities) -> String {
    let has_signed = |index: usize| signed.signatures.iter().any(|signature| usize::from(signature.authority) == index);
    let missing = (0..authorities.keys().len()).filter(|index| !has_signed(*index));
    missing.map(|index| format!("authority-{index}")).collect::<Vec<_>>().join(", ")
}
