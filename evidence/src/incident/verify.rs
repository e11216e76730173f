//! Judges the file of an incident, without the log and without the coordinator.

use serde::Serialize;
use tributary_certs::roster::RosterAuthorities;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{LedgerId, SignedCheckpoint, origin_of};
use tributary_protocol::merkle::leaf_digest;
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::round::{CoordinatorEvent, Recorded};
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_protocol::signature::bytes_of_digits;

use super::follow::{Followed, Kind, roster_of_registry, roster_of_run};
use super::{EntryLine, IncidentExport};
use crate::bundle::{Authority, Standing};
use crate::checkpoint::{verified, witnesses};
use crate::entries::Entry;
use crate::paper::Paper;
use crate::report::IncidentLine;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Whether it can be relied on.
    pub standing: Standing,
    /// What contradicts something else.
    pub faults: Vec<String>,
    /// Whose it is, where that is somebody else than was named.
    pub others: Vec<String>,
    /// Without what nobody can rely on it.
    pub missing: Vec<String>,
    /// Lines of the timeline that stand in the log, and that are not signed by whom they are about.
    pub not_verified: Vec<String>,
    /// Entries that stand in the log under the checkpoint.
    pub entries: usize,
    /// Branches that cosigned the checkpoint, and members of the roster.
    pub witnesses: (usize, usize),
}

/// Judges a file whose own signature was verified as it was read: by the roster authorities and by the coordinator's key that the reader names.
#[must_use]
pub fn judge(file: &Paper<IncidentExport>, authority: Option<&Authority>, key: Option<&VerifyingKey>) -> Judged {
    let mut judged = Judged {
        standing: Standing::Intact,
        faults: Vec::new(),
        others: Vec::new(),
        missing: Vec::new(),
        not_verified: Vec::new(),
        entries: 0,
        witnesses: (0, 0),
    };
    match key {
        None => {
            judged.missing.push("a word of yours whose log this must be: name the coordinator's key with --key".into())
        }
        Some(key) => judged.others.extend(file.check_key(key).err().map(|fault| fault.to_string())),
    }
    match RosterAuthorities::parse(&file.paper.authorities) {
        None => judged.faults.push("its list of roster authorities is none".into()),
        Some(own) => {
            match authority {
                None => judged.missing.push(
                    "a word of yours whose federation this must be: name the roster authorities with --authority"
                        .into(),
                ),
                Some(named) if named.digest() != own.digest() => {
                    let fault = format!("it is of the federation {}, and another one was named", own.digest());
                    judged.others.push(fault);
                }
                Some(_) => {}
            }
            if let Err(fault) = judged.follow(file, &own) {
                judged.faults.push(fault);
            }
        }
    }
    let (found, members) = judged.witnesses;
    if judged.faults.is_empty() && 2 * found <= members {
        judged.missing.push(
            "cosignatures of more than half of the roster's branches on its checkpoint: nobody but the coordinator vouches for the log"
                .into(),
        );
    }
    judged.standing = match (judged.faults.is_empty(), judged.others.is_empty(), judged.missing.is_empty()) {
        (false, ..) => Standing::Tampered,
        (true, false, _) => Standing::WrongKey,
        (true, true, false) => Standing::Incomplete,
        (true, true, true) => Standing::Intact,
    };
    judged
}

impl Judged {
    fn follow(&mut self, file: &Paper<IncidentExport>, authorities: &RosterAuthorities) -> Result<(), String> {
        let IncidentExport { checkpoint, incident, entries, .. } = &file.paper;
        let key = VerifyingKey::of_text(file.key()).ok_or("its key is none")?;
        let signed = verified(checkpoint.as_bytes(), &key).map_err(|fault| format!("its checkpoint: {fault}"))?;
        if signed.checkpoint().origin != origin_of(&authorities.digest()) {
            return Err("its checkpoint is of another federation's log".into());
        }
        let mut followed = Followed::new(authorities.digest());
        let (mut lines, mut before) = (0_usize, None);
        for line in entries {
            if before.is_some_and(|before| before >= line.entry) {
                return Err(format!("entry {} does not follow the ones before it", line.entry));
            }
            before = Some(line.entry);
            let (ledger, event) = included(line, &signed)?;
            let wrong = |fault: String| format!("entry {}: {fault}", line.entry);
            match kind_of((line.entry, ledger), &event, &mut followed, authorities).map_err(wrong)? {
                Kind::Line(what, word) => {
                    lines = lines.saturating_add(1);
                    let of_line = |why| format!("entry {}, {what}: {why}", line.entry);
                    self.not_verified.extend(word.not_verified().map(of_line));
                }
                Kind::Ground => {}
                Kind::Other => return Err(wrong("it is nothing of an incident".into())),
            }
            self.entries = self.entries.saturating_add(1);
        }
        if let Some(roster) = followed.roster() {
            let found = witnesses(&signed, roster).map_err(|fault| format!("its checkpoint: {fault}"))?;
            if !found.forged.is_empty() {
                return Err(format!("the cosignatures of {} do not verify", found.forged.join(", ")));
            }
            self.witnesses = (found.witnesses.len(), found.members);
        }
        let told = followed.lines();
        let [own] = told.as_slice() else { return Err("its entries are not those of one incident".into()) };
        // Its number counts the incidents before it, which are not here.
        if (IncidentLine { number: incident.number, ..own.clone() }) != *incident {
            return Err("the incident says something else than the entries on which it rests".into());
        }
        if own.timeline.len() != lines {
            return Err("an entry is outside of the time of the incident".into());
        }
        Ok(())
    }
}

/// The ledger and the event of an entry that stands in the log.
fn included(line: &EntryLine, signed: &SignedCheckpoint) -> Result<(LedgerId, Vec<u8>), String> {
    let wrong = |what: &str| format!("entry {}: {what}", line.entry);
    let ledger = Digest::from_hex(&line.ledger).ok_or_else(|| wrong("its ledger is none"))?;
    let event = bytes_of_digits(&line.event).ok_or_else(|| wrong("its event is no text of hexadecimal digits"))?;
    let path: Option<Vec<Digest>> = line.path.iter().map(|digest| Digest::from_hex(digest)).collect();
    let path = path.ok_or_else(|| wrong("its proof is none"))?;
    let leaf = [ledger.as_bytes().as_slice(), &line.sequence.to_le_bytes(), &event].concat();
    let leaf = leaf_digest(Digest::of_parts, &leaf);
    let included = signed.checkpoint().includes(line.entry, &leaf, &path);
    included.map(|()| (LedgerId(ledger.0), event)).map_err(|fault| wrong(&fault.to_string()))
}

fn kind_of(
    (entry, ledger): (u64, LedgerId),
    event: &[u8],
    followed: &mut Followed,
    authorities: &RosterAuthorities,
) -> Result<Kind, String> {
    let by_authorities = |roster| authorities.verify(roster).map_err(|fault| fault.to_string());
    if ledger == LedgerId::ADMINISTRATION {
        let entry: Entry<RegistryEvent> = decoded(entry, event)?;
        roster_of_registry(&entry.event).map_or(Ok(()), by_authorities)?;
        return followed.of_registry(&entry);
    }
    let entry: Entry<CoordinatorEvent> = decoded(entry, event)?;
    roster_of_run(&entry.event).map_or(Ok(()), by_authorities)?;
    followed.of_run(ledger, &entry)
}

fn decoded<E: serde::de::DeserializeOwned>(position: u64, event: &[u8]) -> Result<Entry<E>, String> {
    let limit = tributary_protocol::limits::LEDGER_ENTRY_BYTES_MAX;
    let Recorded { at, event } = tributary_protocol::codec::decode(event, limit)
        .map_err(|fault| format!("it is no event of this release ({fault}); verify with the release that wrote it"))?;
    Ok(Entry { position, offset: 0, at, event })
}
