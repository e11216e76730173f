//! The branch's policy as its owner writes and signs it. `docs/samples/policy.toml` explains every key.

mod machine;
mod pin;
mod terms;
mod words;

use std::path::Path;

use tributary_certs::keys::read_verifying_key;
use tributary_certs::policy::{Owned, verify_owned};
use tributary_model::privacy::{DELTA_ALLOWED, EPSILON_ALLOWED, cap, is_delta, is_epsilon};
use tributary_model::schema::Schema;
use tributary_protocol::ids::OrganisationId;
use tributary_protocol::plan::{Caps, NoiseShare, OVERLAP_MAX, PrivacyMode, Stage};
use tributary_protocol::printable::is_hidden;
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::roster::{ALL, is_group_name};
use tributary_protocol::round::Timing;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule, OUTSIDE_MIN};
use tributary_settings::{Document, Faults};

use crate::error::ClientError;
use crate::newest;
use crate::settings::Settings;

pub use pin::{DifferentLine, PinFault, SchemaPin};
pub use terms::PlanTerms;
pub use words::{bound_refusal, budget, not_built, refusal};

/// A commented policy with every key.
pub const SAMPLE: &str = include_str!("../../docs/samples/policy.toml");

/// [`SAMPLE`] with the lines of this schema: ready to be read, edited and signed.
///
/// # Panics
/// If the sample pins no schema.
#[must_use]
pub fn sample_for(schema: &Schema) -> String {
    let (before, pinned) = SAMPLE.split_once("\nschema = ").expect("the sample pins a schema");
    let labels = pinned.split_once("\nlabels = [").and_then(|(_, labels)| labels.split_once("\n]\n"));
    let (_, after) = labels.expect("the sample's labels are a list");
    format!("{before}\n{}{after}", SchemaPin::of(schema).to_toml())
}

/// How much noise this branch adds to each round, whatever a plan asks for. Nobody is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnNoise {
    /// Its share: enough together with the other honest participants' shares.
    #[default]
    Share,
    /// The whole round's, so that its customers are protected even if everybody else works together.
    Full,
}

impl OwnNoise {
    /// The word in policies and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Full => "full",
        }
    }

    /// Variance of what this branch adds to its vector in a round of a stage, units squared, where the plan asks for `share`: never less than
    /// that. Where the noise is inside of the vector already, it is whole there, whatever the policy says.
    #[must_use]
    pub fn variance(self, stage: &Stage, share: u128) -> u128 {
        match (self, stage.noise) {
            (Self::Full, NoiseShare::Divided | NoiseShare::Whole) => stage.noise_variance.max(share),
            (Self::Share, _) | (Self::Full, NoiseShare::Inside) => share,
        }
    }
}

/// For people.
impl std::fmt::Display for OwnNoise {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Share => "share (the customers are protected together with the other honest participants)",
            Self::Full => "full (the customers are protected even if everybody else works together)",
        })
    }
}

/// Largest epsilon of the branch as one unit. What protects a customer is not counted here, nor the reverse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BranchEpsilon {
    /// For life, over all plans.
    pub life: f64,
    /// In a year: the present day and the 364 or 365 before it.
    pub year: f64,
    /// In one plan.
    pub plan: f64,
}

/// What the owner of a branch's data allows. A plan can only be stricter.
#[derive(Clone, Debug)]
pub struct BranchPolicy {
    /// Of its signature; 0 of a text that nobody signed.
    pub(crate) sequence: u64,
    /// Whose data it is, in words; the budget file belongs to it for ever.
    pub population: String,
    /// Largest epsilon of a customer for life, over all plans.
    pub epsilon_life: f64,
    /// Largest epsilon of a customer in a year: the present day and the 364 or 365 before it.
    pub epsilon_year: f64,
    /// Largest epsilon of a customer in one plan.
    pub epsilon_plan: f64,
    /// The same three for the branch as one unit, where mode branch is admitted.
    pub epsilon_branch: Option<BranchEpsilon>,
    /// At this delta.
    pub delta: f64,
    /// Privacy modes that are admitted.
    pub modes: Vec<PrivacyMode>,
    /// Purposes that are admitted.
    pub purposes: Vec<String>,
    /// The schema that may be learned from.
    pub schema: SchemaPin,
    /// Rounds that may be charged within 24 hours.
    pub rounds_a_day: u32,
    /// Branches at which a customer may be, at least.
    pub overlap_min: u16,
    /// What a plan's numbers must not pass.
    pub terms: PlanTerms,
    /// Whether an upload waits for its vector.
    pub timing: Timing,
    /// Groups of the roster that plans may name.
    pub groups: Vec<String>,
    /// How much noise this branch adds.
    pub own_noise: OwnNoise,
    /// The cohorts that this branch joins and the coalition that it assumes.
    pub cohort: CohortRule,
}

impl BranchPolicy {
    /// The policy in force: the settings' file, if its owner signed it as it stands.
    ///
    /// # Errors
    /// If it is not signed, an older one than was in force here, or has faults.
    pub fn owned(settings: &Settings) -> Result<Self, ClientError> {
        let owner = read_verifying_key(&settings.policy_owner).map_err(ClientError::file)?;
        // What was verified is what is parsed, whoever may change the file meanwhile.
        let owned = verify_owned(Owned::Policy, &settings.policy_file, &owner).map_err(ClientError::file)?;
        newest::is_newest(Owned::Policy, &settings.state_dir, (&settings.policy_file, owned.sequence))?;
        Ok(Self { sequence: owned.sequence, ..Self::parse(&settings.policy_file, &owned.text)? })
    }

    /// Notes that it is in force, so that no older one is from here on.
    ///
    /// # Errors
    /// If the note cannot be written.
    pub fn note(&self, settings: &Settings) -> Result<(), ClientError> {
        newest::note(Owned::Policy, &settings.state_dir, self.sequence)
    }

    /// A policy of this text, which was read from this file. Whether it is signed is another question.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Faults> {
        Self::read(Document::parse(path, text)?)
    }

    fn read(mut file: Document) -> Result<Self, Faults> {
        let words = |text: &str| ((1..=64).contains(&text.len()) && !text.contains(is_hidden)).then(|| text.to_owned());
        let allowed = "1 to 64 bytes, in words, without control characters and marks of direction";
        let population = file.text("policy.population", allowed, None, words);
        let epsilon_life = file.number("policy.epsilon_life", EPSILON_ALLOWED, None, is_epsilon);
        let epsilon_year = file.number("policy.epsilon_year", EPSILON_ALLOWED, None, is_epsilon);
        let epsilon_plan = file.number("policy.epsilon_plan", EPSILON_ALLOWED, epsilon_life, is_epsilon);
        let delta = file.number("policy.delta", DELTA_ALLOWED, None, is_delta);
        at_most_life(&mut file, "policy.epsilon_year", epsilon_year, ("epsilon_life", epsilon_life));
        at_most_life(&mut file, "policy.epsilon_plan", epsilon_plan, ("epsilon_life", epsilon_life));
        let mode = |word: &str| PrivacyMode::ALL.into_iter().find(|mode| mode.name() == word);
        let modes = file.texts("policy.modes", "a list of \"customer\", \"local\", \"branch\", \"none\"", mode);
        let by_branch = modes.as_ref().is_some_and(|modes| modes.contains(&PrivacyMode::Branch));
        let epsilon_branch = branch_epsilon(&mut file, by_branch);
        let purposes = file.texts("policy.purposes", &format!("a list of texts, each {allowed}"), words);
        let schema = SchemaPin::read(&mut file);
        let rounds_a_day = file.integer("policy.rounds_a_day", 1..=10_000_000, None);
        let overlap_min = file.integer("policy.overlap_min", 1..=OVERLAP_MAX.into(), Some(1_u16));
        let terms = PlanTerms::read(&mut file);
        let group = |name: &str| is_group_name(name).then(|| name.to_owned());
        let groups = match file.has("policy.groups") {
            true => file.texts("policy.groups", "a list of groups of the roster, or \"all\"", group),
            false => Some(vec![ALL.to_owned()]),
        };
        let noises = [OwnNoise::Share, OwnNoise::Full].map(|own| (own.name(), own));
        let own_noise = file.choice("policy.own_noise", &noises, Some(OwnNoise::default()));
        let timings = [("plain", Timing::Plain), ("strict", Timing::Strict)];
        let timing = file.choice("policy.timing", &timings, Some(Timing::default()));
        let cohort = cohort(&mut file);
        file.finish()?;
        let here = "every value is there when no fault is";
        Ok(Self {
            sequence: 0,
            population: population.expect(here),
            epsilon_life: epsilon_life.expect(here),
            epsilon_year: epsilon_year.expect(here),
            epsilon_plan: epsilon_plan.expect(here),
            epsilon_branch,
            delta: delta.expect(here),
            modes: modes.expect(here),
            purposes: purposes.expect(here),
            schema: schema.expect(here),
            rounds_a_day: rounds_a_day.expect(here),
            overlap_min: overlap_min.expect(here),
            terms: terms.expect(here),
            timing: timing.expect(here),
            groups: groups.expect(here),
            own_noise: own_noise.expect(here),
            cohort: cohort.expect(here),
        })
    }

    /// The spend of each unit for life, as a threshold for each order.
    #[must_use]
    pub fn life_cap(&self) -> Accounts {
        self.caps(self.epsilon_life, self.epsilon_branch.map(|branch| branch.life))
    }

    /// The spend of each unit in a year, as a threshold for each order.
    #[must_use]
    pub fn year_cap(&self) -> Accounts {
        self.caps(self.epsilon_year, self.epsilon_branch.map(|branch| branch.year))
    }

    /// The epsilons for life and for a year as the budget file keeps them.
    #[must_use]
    pub fn epsilon_caps(&self) -> Caps {
        let branch = self.epsilon_branch.map_or([0; 2], |branch| [branch.life, branch.year].map(f64::to_bits));
        let [branch_life_bits, branch_year_bits] = branch;
        Caps {
            life_bits: self.epsilon_life.to_bits(),
            year_bits: self.epsilon_year.to_bits(),
            branch_life_bits,
            branch_year_bits,
            delta_bits: self.delta.to_bits(),
        }
    }

    /// The spend of each unit in one plan, as a threshold for each order.
    #[must_use]
    pub fn plan_cap(&self) -> Accounts {
        self.caps(self.epsilon_plan, self.epsilon_branch.map(|branch| branch.plan))
    }

    /// A unit without an epsilon may be charged nothing.
    fn caps(&self, customer: f64, branch: Option<f64>) -> Accounts {
        let branch = branch.map_or_else(RdpVector::zero, |epsilon| cap(epsilon, self.delta));
        Accounts { customer: cap(customer, self.delta), branch }
    }
}

/// One plan, or one year, may not cost more than all of them.
fn at_most_life(file: &mut Document, key: &str, part: Option<f64>, (name, life): (&str, Option<f64>)) {
    if let (Some(part), Some(life)) = (part, life)
        && part > life
    {
        file.fault(key, part.to_string(), format!("at most {name}, which is {life}"));
    }
}

/// The epsilons of the branch as one unit: all of them where mode branch is admitted, and none elsewhere.
fn branch_epsilon(file: &mut Document, admitted: bool) -> Option<BranchEpsilon> {
    let keys = ["policy.epsilon_branch_life", "policy.epsilon_branch_year", "policy.epsilon_branch_plan"];
    let [life_key, year_key, plan_key] = keys;
    for key in keys {
        if !admitted && file.has(key) {
            let allowed = "nothing, because modes does not list \"branch\"".to_owned();
            file.fault(key, "a value that would have no effect", allowed);
        }
    }
    let without = (!admitted).then_some(1.0);
    let allowed = "above 0, at most 1000; needed because modes lists \"branch\", which charges the branch as one unit";
    let life = file.number(life_key, allowed, without, is_epsilon);
    let year = file.number(year_key, allowed, without, is_epsilon);
    let plan = file.number(plan_key, allowed, without, is_epsilon);
    if !admitted {
        return None;
    }
    at_most_life(file, year_key, year, ("epsilon_branch_life", life));
    at_most_life(file, plan_key, plan, ("epsilon_branch_life", life));
    Some(BranchEpsilon { life: life?, year: year?, plan: plan? })
}

fn cohort(file: &mut Document) -> Option<CohortRule> {
    let usual = CohortRule::USUAL;
    let cohort_min = file.integer("policy.cohort_min", 8..=256, Some(usual.cohort_min));
    let organisations_min = file.integer("policy.organisations_min", 1..=256, Some(usual.organisations_min));
    let coalition = coalition(file);
    let survivors_permille = file.integer("policy.survivors_permille", 500..=1000, Some(usual.survivors_permille));
    let honest_min = file.integer("policy.honest_min", 1..=256, Some(usual.honest_min));
    Some(CohortRule {
        coalition: coalition?,
        cohort_min: cohort_min?,
        organisations_min: organisations_min?,
        survivors_permille: survivors_permille?,
        honest_min: honest_min?,
    })
}

/// The assumed coalition in one of its two forms. Its numbers have no default: they are a decision.
fn coalition(file: &mut Document) -> Option<CoalitionRule> {
    let keys = ["coalition_permille", "coalition_operator", "coalition_others", "outside_min"];
    let [permille, operator, others, outside_min] = keys.map(|key| format!("policy.{key}"));
    let forms = [("fraction", false), ("organisations", true)];
    let by_organisation = file.choice("policy.coalition", &forms, Some(false))?;
    // What belongs to the other form is asked for with a default, so that it counts as known, and is a fault where it stands.
    let (other, form): (&[&String], _) = if by_organisation {
        (&[&permille], "fraction")
    } else {
        (&[&operator, &others, &outside_min], "organisations")
    };
    let unused: Vec<&&String> = other.iter().filter(|key| file.has(key)).collect();
    for key in unused {
        file.fault(key, "a value that would have no effect", format!("nothing; it belongs to coalition = {form:?}"));
    }
    let permille = file.integer(&permille, 0..=333, by_organisation.then_some(0_u16));
    let operator = file.integer(&operator, 0..=u32::MAX.into(), (!by_organisation).then_some(0_u32));
    let others = file.integer(&others, 0..=256, (!by_organisation).then_some(0_u16));
    let outside_min = file.integer(&outside_min, OUTSIDE_MIN.into()..=256, Some(OUTSIDE_MIN));
    if by_organisation {
        let operator = OrganisationId(operator?);
        return Some(CoalitionRule::Organisations { operator, others: others?, outside_min: outside_min? });
    }
    Some(CoalitionRule::Fraction { permille: permille? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commented sample, with a line of it replaced.
    fn changed(line: &str, by: &str) -> Result<BranchPolicy, Faults> {
        assert!(SAMPLE.contains(line), "the sample has no {line}");
        BranchPolicy::parse(Path::new("policy.toml"), &SAMPLE.replace(line, by))
    }

    #[test]
    fn the_sample_is_a_policy_and_its_faults_are_explained() {
        let policy = changed(LINE, LINE).unwrap();
        assert_eq!((policy.epsilon_life, policy.epsilon_year, policy.epsilon_plan), (8.0, 4.5, 4.0));
        assert_eq!(policy.overlap_min, 1);
        assert_eq!(policy.modes, [PrivacyMode::Customer]);
        let cases = [
            ("epsilon_plan = 4.0", "epsilon_plan = 9.0", "policy.epsilon_plan", "at most epsilon_life"),
            ("epsilon_year = 4.5", "epsilon_year = 8.5", "policy.epsilon_year", "at most epsilon_life, which is 8"),
            ("epsilon_year = 4.5", "", "policy.epsilon_year", "above 0"),
            ("epsilon_life = 8.0", "", "policy.epsilon_life", "above 0"),
            ("modes = [\"customer\"]", "modes = [\"private\"]", "policy.modes", "customer"),
            ("modes = [\"customer\"]", "modes = []", "policy.modes", "a list of"),
            ("rounds_a_day = 2000", "", "policy.rounds_a_day", "1"),
            ("delta = 1e-6", "delta = 0.5", "policy.delta", "at most 0.001"),
            ("overlap_min = 1", "overlap_min = 0", "policy.overlap_min", "1"),
            ("own_noise = \"share\"", "own_noise = \"none\"", "policy.own_noise", "share, full"),
        ];
        for (line, by, key, allowed) in cases {
            let faults = changed(line, by).map(|_| ()).expect_err(by);
            let fault = faults.faults.iter().find(|fault| fault.key == key).unwrap_or_else(|| panic!("{by}: {faults}"));
            assert!(fault.allowed.contains(allowed), "{by}: {faults}");
        }
    }

    /// A branch as one unit has a budget of its own; without one the mode cannot be admitted.
    #[test]
    fn mode_branch_needs_the_branchs_own_epsilons() {
        let line = "modes = [\"customer\"]";
        let with = |more: &str| changed(line, &format!("modes = [\"customer\", \"branch\"]\n{more}"));
        let lines = "epsilon_branch_life = 9.0\nepsilon_branch_year = 5.0\nepsilon_branch_plan = 3.0";
        let policy = with(lines).unwrap();
        assert_eq!(policy.epsilon_branch, Some(BranchEpsilon { life: 9.0, year: 5.0, plan: 3.0 }));
        assert_eq!(policy.life_cap(), Accounts { customer: cap(8.0, 1e-6), branch: cap(9.0, 1e-6) });
        assert_eq!(policy.year_cap(), Accounts { customer: cap(4.5, 1e-6), branch: cap(5.0, 1e-6) });
        assert_eq!(policy.plan_cap(), Accounts { customer: cap(4.0, 1e-6), branch: cap(3.0, 1e-6) });
        let plain = changed(line, line).unwrap();
        assert_eq!((plain.epsilon_branch, plain.life_cap().branch), (None, RdpVector::zero()));
        let fault = |policy: Result<BranchPolicy, Faults>, key: &str, allowed: &str| {
            let faults = policy.map(|_| ()).expect_err(key);
            let fault =
                faults.faults.iter().find(|fault| fault.key == key).unwrap_or_else(|| panic!("{key}: {faults}"));
            assert!(fault.allowed.contains(allowed), "{faults}");
        };
        fault(with("epsilon_branch_plan = 3.0"), "policy.epsilon_branch_life", "one unit");
        fault(with("epsilon_branch_life = 3.0"), "policy.epsilon_branch_plan", "one unit");
        fault(with("epsilon_branch_life = 3.0"), "policy.epsilon_branch_year", "one unit");
        let over = |year, plan| {
            with(&format!("epsilon_branch_life = 3.0\nepsilon_branch_year = {year:?}\nepsilon_branch_plan = {plan:?}"))
        };
        fault(over(3.0, 4.0), "policy.epsilon_branch_plan", "at most epsilon_branch_life");
        fault(over(4.0, 3.0), "policy.epsilon_branch_year", "at most epsilon_branch_life");
        let unused = changed(line, &format!("{line}\nepsilon_branch_life = 3.0"));
        fault(unused, "policy.epsilon_branch_life", "does not list");
    }

    #[test]
    fn own_noise_is_a_share_unless_the_policy_says_more() {
        let line = "own_noise = \"share\"";
        assert_eq!(changed(line, line).unwrap().own_noise, OwnNoise::Share);
        assert_eq!(changed(line, "").unwrap().own_noise, OwnNoise::Share);
        assert_eq!(changed(line, "own_noise = \"full\"").unwrap().own_noise, OwnNoise::Full);
    }

    #[test]
    fn every_client_of_the_roster_is_the_group_unless_the_policy_says_otherwise() {
        let line = "# groups = [\"all\"]";
        assert_eq!(changed(line, line).unwrap().groups, ["all"]);
        assert_eq!(changed(line, "groups = [\"pilot\", \"north\"]").unwrap().groups, ["pilot", "north"]);
        for bad in ["groups = []", "groups = [\"North\"]", "groups = [\"\"]", "groups = \"all\""] {
            let faults = changed(line, bad).map(|_| ()).expect_err(bad);
            assert!(faults.faults.iter().any(|fault| fault.key == "policy.groups"), "{bad}: {faults}");
        }
    }

    const LINE: &str = "\ncoalition_permille = 200\n";

    #[test]
    fn the_coalition_is_a_fraction_or_organisations() {
        let rule = |by: &str| changed(LINE, by).unwrap().cohort.coalition;
        assert_eq!(rule(LINE), CoalitionRule::Fraction { permille: 200 });
        assert_eq!(
            rule("\ncoalition = \"fraction\"\ncoalition_permille = 0\n"),
            CoalitionRule::Fraction { permille: 0 }
        );
        let organisations = |others, outside_min| {
            let operator = OrganisationId(7);
            CoalitionRule::Organisations { operator, others, outside_min }
        };
        let lines = "\ncoalition = \"organisations\"\ncoalition_operator = 7\ncoalition_others = 1\n";
        assert_eq!(rule(lines), organisations(1, 2));
        assert_eq!(rule(&format!("{lines}outside_min = 4\n")), organisations(1, 4));
    }

    #[test]
    fn every_fault_of_a_coalition_is_explained() {
        let organisations = "\ncoalition = \"organisations\"\n";
        let cases = [
            ("\n", "policy.coalition_permille", "0 to 333"),
            ("\ncoalition_permille = 334\n", "policy.coalition_permille", "0 to 333"),
            ("\ncoalition = \"some\"\n", "policy.coalition", "fraction, organisations"),
            ("\ncoalition_permille = 200\ncoalition_others = 1\n", "policy.coalition_others", "\"organisations\""),
            (organisations, "policy.coalition_operator", "an integer from 0"),
            (organisations, "policy.coalition_others", "0 to 256"),
            (&format!("{organisations}outside_min = 1\n"), "policy.outside_min", "2 to 256"),
            (&format!("{organisations}coalition_permille = 1\n"), "policy.coalition_permille", "\"fraction\""),
        ];
        for (by, key, allowed) in cases {
            let faults = changed(LINE, by).map(|_| ()).expect_err(by);
            let fault = faults.faults.iter().find(|fault| fault.key == key).unwrap_or_else(|| panic!("{by}: {faults}"));
            assert!(fault.allowed.contains(allowed), "{by}: {faults}");
        }
    }
}
