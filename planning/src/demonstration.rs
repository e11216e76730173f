//! Two people who sign plans, and a third who judges models, where everybody is played by one process: the demo, and tests. A bank's people sign on
//! machines of their own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tributary_certs::enrolment::{EnrolmentError, names, read_members};
use tributary_certs::people::{PeopleError, RoleGiven, SigningPerson, give_role, make_person};
use tributary_certs::roster::{RosterAuthorities, RosterFileError};
use tributary_protocol::limits::HOLDING_SECONDS_MAX;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{Scope, StaffNumber};
use tributary_settings::Faults;
use tributary_storage::files::{self, Existing, FileError};

use crate::build::build;
use crate::dates::day;
use crate::file::PlanFile;
use crate::settings::PlanSettings;
use crate::signing::SigningError;

const DAY: u64 = 86_400;
/// How long such a plan may run.
const DAYS: u64 = 3_000;
/// The number of the plan's author at the employer.
const OWNER: &str = "e1";
/// The number of the privacy officer.
const OFFICER: &str = "e2";
/// The number of the model validator, who signs no plan.
const VALIDATOR: &str = "e3";

/// A plan's author and a privacy officer. It has no `Debug`: it holds keys.
pub struct TwoPeople {
    owner: SigningPerson,
    officer: SigningPerson,
}

/// Why there is no signed plan.
#[derive(Debug, thiserror::Error)]
pub enum DemonstrationError {
    /// A person could not be made.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// The authority's folder cannot be used.
    #[error(transparent)]
    Office(#[from] EnrolmentError),
    /// The list of authorities cannot be used.
    #[error(transparent)]
    Authorities(#[from] RosterFileError),
    /// The plan has faults.
    #[error(transparent)]
    Plan(#[from] Faults),
    /// It is not signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] FileError),
}

impl TwoPeople {
    /// Makes two people of an organisation below a folder, and a model validator beside them, and has an authority's next roster name all three. It is
    /// signed afterwards.
    ///
    /// # Errors
    /// [`DemonstrationError`].
    pub fn enlist(authority: &Path, folder: &Path, organisation: &str, now: u64) -> Result<Self, DemonstrationError> {
        let person = |number: &str, role| {
            let person = make_person(&folder.join(number), &staff_of(organisation, number), now)?;
            let given = RoleGiven { role, scope: Scope::Federation, from: now, until: now + HOLDING_SECONDS_MAX - DAY };
            give_role(authority, &person, &given)?;
            Ok::<_, DemonstrationError>(person)
        };
        person(VALIDATOR, Role::ModelValidator)?;
        Ok(Self { owner: person(OWNER, Role::PlanOwner)?, officer: person(OFFICER, Role::PrivacyOfficer)? })
    }

    /// The plan's author, where the two are of this organisation.
    ///
    /// # Panics
    /// If that is no organisation's name.
    #[must_use]
    pub fn owner_of(organisation: &str) -> StaffNumber {
        staff_of(organisation, OWNER)
    }

    /// The same two, made before.
    ///
    /// # Errors
    /// [`DemonstrationError::People`].
    pub fn open(folder: &Path) -> Result<Self, DemonstrationError> {
        let open = |number: &str| SigningPerson::open(&folder.join(number));
        Ok(Self { owner: open(OWNER)?, officer: open(OFFICER)? })
    }

    /// As [`TwoPeople::sign_runs`], for one run.
    ///
    /// # Errors
    /// [`DemonstrationError`].
    pub fn sign(&self, plan: &str, folder: &Path, authority: &Path, now: u64) -> Result<PathBuf, DemonstrationError> {
        self.sign_runs((plan, 1), folder, authority, now)
    }

    /// Completes a plan's text with a schedule of so many runs and a charter for the members of an authority, writes it as plan.toml into a folder, and
    /// signs it twice; where the signed file is.
    ///
    /// # Errors
    /// [`DemonstrationError`].
    pub fn sign_runs(
        &self,
        (plan, runs): (&str, u32),
        folder: &Path,
        authority: &Path,
        now: u64,
    ) -> Result<PathBuf, DemonstrationError> {
        let (toml, out) = (folder.join("plan.toml"), folder.join("plan.tributary"));
        let text = format!("{plan}\n{}", tables(authority, runs, now)?);
        files::write_public(&toml, text.as_bytes(), Existing::Replace)?;
        let settings = PlanSettings::load(&toml)?;
        let built = build(&settings).map_err(|fault| Faults { file: toml, faults: vec![fault] })?;
        let mut file = PlanFile::new(built.plan.plan().clone());
        let federation = RosterAuthorities::read(&authority.join(names::AUTHORITIES))?.digest();
        file.sign(Action::ProposePlan, &self.owner, federation, now)?;
        file.sign(Action::ApprovePlan, &self.officer, federation, now)?;
        file.write(&out, Existing::Replace)?;
        Ok(out)
    }
}

fn staff_of(organisation: &str, number: &str) -> StaffNumber {
    StaffNumber::parse(&format!("{organisation}/{number}")).expect("an organisation's name and a short number")
}

/// A schedule of runs that may begin at once, one after the other, and a charter with an agreement for every organisation but the first client's.
fn tables(authority: &Path, runs: u32, now: u64) -> Result<String, EnrolmentError> {
    let members = read_members(authority)?;
    let organisations: BTreeSet<u32> = members.iter().map(|member| member.entry.organisation.0).collect();
    let own = members.first().map_or(1, |member| member.entry.organisation.0);
    let (first, last) = (day(now.saturating_sub(DAY)), day(now + DAYS * DAY));
    let digest = "0".repeat(64);
    let apart = if runs > 1 { "interval_days = 0\n" } else { "" };
    let agreements = organisations.iter().filter(|other| **other != own).map(|other| {
        format!("[[charter.agreement]]\norganisation = {other}\nreference = \"none: a demonstration\"\ndigest = \"{digest}\"\nuntil = {last}\n")
    });
    Ok(format!(
        "[schedule]\nruns_max = {runs}\n{apart}not_before = {first}\nnot_after = {last}\n\n[charter]\nlegal_basis = \"none: a demonstration on invented or public data\"\n\
         assessment_reference = \"none: a demonstration\"\nassessment_digest = \"{digest}\"\nassessment_date = {first}\n\
         ticket = \"none: a demonstration\"\ndata_assets = [\"demonstration\"]\nintended_use = \"to show how a federation learns\"\n\
         prohibited_use = \"any decision about a person\"\nmateriality = \"low\"\nreview_by = {last}\norganisation = {own}\n{}",
        agreements.collect::<String>()
    ))
}

#[cfg(test)]
mod tests {
    use tributary_certs::ceremony::{read_roster_or_proposal, sign_roster};
    use tributary_certs::enrolment::{init_authority, issue_client};
    use tributary_certs::identity::TrustDomain;
    use tributary_certs::suite::RealSuite;
    use tributary_protocol::plan::Grounds;

    use super::*;

    #[test]
    fn what_two_people_sign_counts_by_the_roster_that_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let (authority, now) = (folder.path().join("authority"), 1_800_000_000);
        init_authority(&authority, &TrustDomain::parse("bank.test").unwrap(), 1, 1, now).unwrap();
        for (organisation, name) in [("north-bank", "one"), ("south-bank", "two")] {
            issue_client(&authority, organisation, name, &folder.path().join(name), now).unwrap();
        }
        let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples/schemas/bank_full.toml");
        std::fs::copy(schema, folder.path().join("schema.toml")).unwrap();
        let people = folder.path().join("people");
        TwoPeople::enlist(&authority, &people, "north-bank", now).unwrap();
        sign_roster(&authority).unwrap();
        let (plan, _) = crate::SAMPLE.split_once("[schedule]").unwrap();
        let file = TwoPeople::open(&people).unwrap().sign(plan, folder.path(), &authority, now).unwrap();
        let file = PlanFile::read(&file).unwrap();
        assert_eq!(file.proposal.as_ref().map(|signed| &signed.staff), Some(&TwoPeople::owner_of("north-bank")));
        assert_eq!(file.plan.charter.agreements.len(), 1);
        let (signed, _) = read_roster_or_proposal(&authority.join(names::ROSTER)).unwrap();
        let federation = RosterAuthorities::read(&authority.join(names::AUTHORITIES)).unwrap().digest();
        let grounds = Grounds { roster: &signed.roster, federation: &federation, group: "all", now: Some(now + 60) };
        assert_eq!(file.approvals().unwrap().judge::<RealSuite>(&file.plan.digest(), grounds), Ok(()));
    }
}
