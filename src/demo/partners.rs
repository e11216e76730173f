//! Clients of other organisations: their authorities, their enrolment, and the rule for a cohort of a bank and its partners.

use anyhow::Context as _;
use tributary_certs::enrolment::{init_authority, names};
use tributary_certs::identity::TrustDomain;
use tributary_certs::office::{Bundle, Office, TokenRequest, begin, certify, install, make_token};
use tributary_certs::revocation::organisation_file;
use tributary_protocol::ids::OrganisationId;
use tributary_protocol::plan::PrivacyMode;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule, OUTSIDE_MIN, Thresholds};
use tributary_storage::files::{create_private_folder, read_public};

use super::workplace::Workplace;

/// The bank's number in the roster: its branches are enrolled first.
const BANK: OrganisationId = OrganisationId(1);
/// The bundle's address of the coordinator. Nobody dials it: the demo carries the request.
const BY_HAND: &str = "localhost:7443";
/// Hours of a token that is used at once.
const TOKEN_HOURS: u64 = 1;

/// A cohort of a bank's branches and partners, each an organisation of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mixed {
    branches: usize,
    partners: usize,
    rule: CohortRule,
    thresholds: Thresholds,
}

impl Mixed {
    /// The strictest rule that such a cohort satisfies: that the whole bank and one partner more work together, where enough participants
    /// are left without them to carry the noise; else the usual fraction of all participants.
    ///
    /// # Errors
    /// If no rule admits the cohort.
    pub(super) fn new(branches: usize, partners: usize) -> anyhow::Result<Self> {
        let own = (2..).map(OrganisationId).take(partners);
        let members: Vec<OrganisationId> = std::iter::repeat_n(BANK, branches).chain(own).collect();
        let coalition = CoalitionRule::Organisations { operator: BANK, others: 1, outside_min: OUTSIDE_MIN };
        let by_organisation = CohortRule { coalition, ..CohortRule::USUAL };
        let rule = if by_organisation.thresholds(&members, members.len()).is_ok() {
            by_organisation
        } else {
            CohortRule::USUAL
        };
        let thresholds = rule.thresholds(&members, members.len()).context("branches and partners make no cohort")?;
        Ok(Self { branches, partners, rule, thresholds })
    }

    /// Partners.
    pub(super) fn partners(&self) -> usize {
        self.partners
    }

    /// The coalition, for the plan and for every policy.
    pub(super) fn coalition(&self) -> CoalitionRule {
        self.rule.coalition
    }

    /// A partner's organisation in the roster, counted from 0.
    pub(super) fn organisation(number: usize) -> usize {
        number + 2
    }

    /// Standard deviation of the noise in a sum of everybody, over the one that is guaranteed; nothing where noise is not added in shares.
    pub(super) fn noise_excess(&self, mode: PrivacyMode) -> Option<f64> {
        let shares = matches!(mode, PrivacyMode::Customer | PrivacyMode::Branch);
        let counted = |count: usize| f64::from(u16::try_from(count).expect("a session has at most 256 clients"));
        let whole = counted(self.branches) / f64::from(self.thresholds.honest_min) + counted(self.partners);
        shares.then(|| whole.sqrt())
    }
}

/// Branches and partners in words.
pub(super) fn who(branches: usize, partners: usize) -> String {
    match partners {
        0 => format!("{branches} branches"),
        1 => format!("{branches} branches and 1 partner"),
        _ => format!("{branches} branches and {partners} partners"),
    }
}

/// Makes a partner's own authority, and has the federation trust it for that organisation alone.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn bring_authority(workplace: &Workplace, name: &str, domain: &TrustDomain, now: u64) -> anyhow::Result<()> {
    let folder = workplace.partner(name);
    create_private_folder(&folder)?;
    let own = folder.join("authority");
    init_authority(&own, domain, 1, 1, now)?;
    let trusted = workplace.authority().join(format!("trust-{name}.pem"));
    let root = read_public(&own.join(names::TRUST))?;
    std::fs::write(&trusted, root).with_context(|| format!("{} cannot be written", trusted.display()))?;
    // And its revocation lists, without which nobody of it is believed.
    let lists = organisation_file(&workplace.authority().join(names::REVOCATIONS), name);
    std::fs::write(&lists, read_public(&own.join(names::REVOCATIONS))?)
        .with_context(|| format!("{} cannot be written", lists.display()))
}

/// Enrols a partner as `docs/OPERATING.md` says: a token from the federation, keys and certificate at the partner, registered at the office.
///
/// # Errors
/// What was refused, or which file could not be used.
pub(super) fn enrol_partner(workplace: &Workplace, name: &str, now: u64) -> anyhow::Result<()> {
    let (folder, identity) = (workplace.partner(name), workplace.identity(name));
    let request = TokenRequest {
        organisation: name,
        id: name,
        coordinator_address: BY_HAND,
        hours: TOKEN_HOURS,
        approval: false,
        again: false,
    };
    let bundle = folder.join("enrolment.bundle");
    make_token(&workplace.authority(), &request, &bundle, now)?;
    // At the partner: its keys are made, and its own authority signs for them.
    let begun = begin(&Bundle::read(&bundle)?, &identity)?;
    let chain = certify(&folder.join("authority"), &begun.request, now)?;
    // At the federation's office, whose own authority may not speak for this organisation.
    let reply = Office::open(&workplace.authority())?.register(&begun.request, &chain, now);
    install(&reply.bytes, &identity, now)?;
    std::fs::remove_file(&bundle).with_context(|| format!("{} cannot be removed", bundle.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_organisation(branches: usize, partners: usize) -> bool {
        let mixed = Mixed::new(branches, partners).unwrap();
        matches!(mixed.coalition(), CoalitionRule::Organisations { operator: BANK, others: 1, .. })
    }

    #[test]
    fn the_bank_may_be_the_coalition_where_enough_partners_are_left() {
        for (branches, partners) in [(8, 1), (8, 8), (10, 2), (10, 8), (50, 3)] {
            assert!(!by_organisation(branches, partners), "{branches} {partners}");
        }
        for (branches, partners) in [(8, 9), (10, 9), (10, 30)] {
            assert!(by_organisation(branches, partners), "{branches} {partners}");
        }
    }

    #[test]
    fn whole_noises_add_up_in_variance() {
        // Thirteen of whom three may collude and two may be lost: eight honest shares.
        let mixed = Mixed::new(10, 3).unwrap();
        assert_eq!(mixed.thresholds.honest_min, 8);
        let excess = mixed.noise_excess(PrivacyMode::Customer).unwrap();
        assert!((excess - (10.0_f64 / 8.0 + 3.0).sqrt()).abs() < 1e-12, "{excess}");
        assert_eq!(mixed.noise_excess(PrivacyMode::None), None);
    }
}
