//! `tributary client budget raise`: higher caps than the budget file has seen, by the owner of the data and a privacy officer.
//!
//! The owner proposes what the signed policy says; the officer reads that in words and signs it, on a machine of its own; the branch notes both.
//! What was spent stays spent, and the raise stands in every report as a deviation.

use std::path::Path;

use tributary_certs::cap_raise::{SignedRaise, attest_raise, read_raise, sign_raise, write_raise};
use tributary_certs::keys::read_signing_key;
use tributary_certs::people::SigningPerson;
use tributary_certs::roster::read_roster;
use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{CapRaise, Caps};
use tributary_protocol::printable::is_hidden;
use tributary_protocol::round::ParticipantEvent;
use tributary_protocol::secagg::suite::Signature;
use tributary_protocol::time::Millis;
use tributary_texts::{Said, budget as texts};

use crate::budget::{BUDGET_FILE, bad_budget, begun_budget, judged};
use crate::error::ClientError;
use crate::identity::BranchIdentity;
use crate::policy::BranchPolicy;
use crate::settings::Settings;

/// A raise that its owner has signed and that an officer may sign next.
#[derive(Clone, Debug)]
pub struct ProposedRaise(CapRaise);

/// Why a raise is proposed, and where that was decided.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    /// Why, in words.
    pub reason: &'a str,
    /// The ticket.
    pub ticket: &'a str,
}

/// Writes what the owner signs: from the caps that the file has to those of the signed policy.
///
/// # Errors
/// If the policy's caps are not higher, or a file cannot be used.
pub fn propose(
    config: &Path,
    key: &Path,
    grounds: Grounds<'_>,
    out: &Path,
    now_unix_ms: u64,
) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    let policy = BranchPolicy::owned(&settings)?;
    let owner = read_signing_key(key).map_err(ClientError::file)?;
    let identity = BranchIdentity::open(settings.identity.clone(), now_unix_ms / 1000)?;
    let (_file, events) = begun_budget(&settings)?;
    let record = judged(&events).map_err(|fault| bad_budget(&settings, &fault))?;
    let path = settings.state_dir.join(BUDGET_FILE);
    let failed = |said: Said| ClientError::Said(texts::of_file(path.display(), said));
    if record.owner() != Some(&owner.verifying_key()) {
        return Err(failed(texts::raise_not_owner()));
    }
    let to = policy.epsilon_caps();
    let Some(from) = record.caps.filter(|caps| !to.at_most(caps)) else {
        return Err(failed(texts::nothing_to_raise()));
    };
    let raise = CapRaise {
        federation: identity.authorities.digest(),
        population: record.population_digest.unwrap_or(Digest::ZERO),
        from,
        to,
        reason: grounds.reason.into(),
        ticket: grounds.ticket.into(),
        owner: owner.verifying_key(),
        signature: Signature::none(),
    };
    if !raise.is_whole() || !is_legible(&raise) {
        return Err(ClientError::Said(texts::raise_grounds()));
    }
    let raise = sign_raise(&owner, raise);
    let mut lines = words(&raise);
    write_raise(&SignedRaise { raise, officer: None }, out).map_err(ClientError::file)?;
    lines.push(texts::raise_proposed(out.display()));
    Ok(lines)
}

/// What an owner has signed, for a privacy officer to read.
///
/// # Errors
/// If the owner has not signed it as it stands, or the file cannot be used.
pub fn read_proposed(file: &Path) -> Result<ProposedRaise, ClientError> {
    let SignedRaise { raise, .. } = read_raise(file).map_err(ClientError::file)?;
    if raise.is_genuine::<RealSuite>() && raise.is_whole() && is_legible(&raise) {
        return Ok(ProposedRaise(raise));
    }
    Err(ClientError::Said(texts::raise_unsigned(file.display())))
}

impl ProposedRaise {
    /// What the officer signs.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }

    /// In which federation it counts.
    #[must_use]
    pub fn federation(&self) -> Digest {
        self.0.federation
    }

    /// As its signers read it.
    #[must_use]
    pub fn words(&self) -> Vec<Said> {
        words(&self.0)
    }

    /// Signs it as a privacy officer who has read it, at a second of the Unix clock, and writes both signatures into a new file.
    ///
    /// # Errors
    /// If the officer's key does not sign, or the file cannot be written.
    pub fn attest(self, person: &SigningPerson, out: &Path, at: u64) -> Result<(), ClientError> {
        let officer = attest_raise(person, &self.0, at).map_err(ClientError::file)?;
        write_raise(&SignedRaise { raise: self.0, officer: Some(officer) }, out).map_err(ClientError::file)
    }
}

/// Notes a raise in the budget file: both signatures count by the roster that this branch accepted last.
///
/// # Errors
/// Why it does not count, or which file cannot be used.
pub fn apply(config: &Path, file: &Path, roster: &Path, now_unix_ms: u64) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    let SignedRaise { raise, officer } = read_raise(file).map_err(ClientError::file)?;
    let failed = |said: Said| ClientError::Said(texts::of_file(file.display(), said));
    let Some(officer) = officer else {
        return Err(failed(texts::no_officer_yet()));
    };
    let identity = BranchIdentity::open(settings.identity.clone(), now_unix_ms / 1000)?;
    let signed = read_roster(roster, &identity.authorities).map_err(|fault| ClientError::File(fault.to_string()))?;
    let (mut budget, events) = begun_budget(&settings)?;
    let record = judged(&events).map_err(|fault| bad_budget(&settings, &fault))?;
    if record.roster != Some(signed.roster.head()) {
        return Err(failed(texts::another_roster(roster.display())));
    }
    let own = identity.signing_key.verifying_key();
    let entry = signed.roster.entries().iter().find(|entry| entry.signing_key == own);
    let entry = entry.ok_or_else(|| failed(texts::not_in_roster()))?;
    if raise.federation != identity.authorities.digest() {
        return Err(failed(texts::another_federation()));
    }
    let judged = raise.judge::<RealSuite>(&officer, (&signed.roster, entry), Some(now_unix_ms / 1000));
    judged.map_err(|fault| failed(texts::nothing_noted(fault)))?;
    let mut lines = words(&raise);
    let (client, roster) = (entry.client, Box::new(signed));
    let event = ParticipantEvent::CapRaised { raise: Box::new(raise), officer: Box::new(officer), roster, client };
    record.check(&event).map_err(|fault| failed(texts::nothing_noted_anew(fault)))?;
    let at = Millis(now_unix_ms);
    budget.append(at, event)?;
    budget.sync()?;
    lines.push(texts::raise_noted());
    Ok(lines)
}

/// Whether its words are shown as they are, and so whole.
fn is_legible(raise: &CapRaise) -> bool {
    [&raise.reason, &raise.ticket].iter().all(|text| !text.raw().contains(is_hidden))
}

/// A raise as its signers read it.
fn words(raise: &CapRaise) -> Vec<Said> {
    vec![
        texts::raise_from(caps_said(&raise.from)),
        texts::raise_to(caps_said(&raise.to)),
        texts::raise_reason(&raise.reason),
        texts::raise_ticket(&raise.ticket),
        texts::raise_digest(raise.digest()),
    ]
}

/// Caps in one line.
fn caps_said(caps: &Caps) -> Said {
    let Caps { life_bits, year_bits, branch_life_bits, branch_year_bits, delta_bits } = *caps;
    let [life, year, branch_life, branch_year, delta] =
        [life_bits, year_bits, branch_life_bits, branch_year_bits, delta_bits].map(f64::from_bits);
    let branch = match branch_life > 0.0 {
        true => texts::caps_branch(branch_life, branch_year),
        false => Said::empty(),
    };
    texts::caps(life, year, branch, format!("{delta:e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shown_as_it_is_is_signed_by_nobody() {
        let caps = Caps { life_bits: 0, year_bits: 0, branch_life_bits: 0, branch_year_bits: 0, delta_bits: 0 };
        let owner = tributary_certs::suite::SigningKey::from_seed(&[1; 32]).verifying_key();
        let raise = |reason: &str, ticket: &str| CapRaise {
            federation: Digest::ZERO,
            population: Digest::ZERO,
            from: caps,
            to: caps,
            reason: reason.into(),
            ticket: ticket.into(),
            owner: owner.clone(),
            signature: Signature::none(),
        };
        assert!(is_legible(&raise("a second model", "change 17")));
        for (reason, ticket) in [("a\u{202e}b", "change"), ("a", "b\n"), ("\u{1b}[2J", "b")] {
            assert!(!is_legible(&raise(reason, ticket)));
        }
    }

    #[test]
    fn caps_are_told_in_words() {
        let caps = |branch: f64| Caps {
            life_bits: 8.0_f64.to_bits(),
            year_bits: 4.5_f64.to_bits(),
            branch_life_bits: branch.to_bits(),
            branch_year_bits: (branch / 2.0).to_bits(),
            delta_bits: 1e-6_f64.to_bits(),
        };
        let in_words = |branch: f64| caps_said(&caps(branch)).text(tributary_texts::Language::English).to_owned();
        assert_eq!(in_words(0.0), "epsilon 8 for life and 4.5 in a year for a customer; at delta 1e-6");
        assert!(in_words(6.0).contains("; 6 and 3 for the branch as one unit;"));
    }
}
