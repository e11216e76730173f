//! Everything that settings name, opened and judged: before a port is, and for `config check`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tributary_model::privacy::share_variance;
use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::{COHORT_MAX, COMPLETE_GRAPH_MAX};
use tributary_protocol::plan::{NoiseShare, Stage};
use tributary_protocol::printable::counted;
use tributary_protocol::roster::{Group, Roster};
use tributary_protocol::round::too_few_enrolled;
use tributary_protocol::secagg::masked_sum;
use tributary_protocol::secagg::parameters::CoalitionRule;
use tributary_settings::{Fault, Faults};
use tributary_transport::ListenSettings;

use crate::federation::plans::activated;
use crate::identity::OwnIdentity;
use crate::run::job::Job;
use crate::settings::{Settings, SinkSettings, Windows};

/// Settings with everything that they name.
pub struct Opened {
    /// The settings' file.
    pub file: PathBuf,
    /// Folder of journal, plans, runs and models.
    pub state_dir: PathBuf,
    /// Folder of the clients' budget heads over all plans.
    pub heads_dir: PathBuf,
    /// Time to wait for the whole roster, in milliseconds.
    pub gather_ms: u64,
    /// Hours in which runs may begin.
    pub windows: Windows,
    /// The port.
    pub listen: ListenSettings,
    /// Where a second copy of the journal goes, if anywhere.
    pub sink: Option<SinkSettings>,
    /// Certificate, keys, roster.
    pub identity: OwnIdentity,
}

/// What a check found, for people and programs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Who the coordinator is.
    pub identity: String,
    /// Unix seconds at which its certificate ends.
    pub certificate_not_after: u64,
    /// Clients of the roster.
    pub enrolled: usize,
    /// Epoch of the roster.
    pub roster_epoch: u64,
    /// The plans that are activated here.
    pub plans: Vec<PlanReport>,
    /// What should be done soon.
    pub warnings: Vec<String>,
}

/// What a plan comes to under the roster in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanReport {
    /// Digest of the plan, which branches show as well.
    pub plan: String,
    /// The plan's name.
    pub name: String,
    /// The roster's group from which cohorts are chosen.
    pub group: String,
    /// Its members.
    pub group_size: usize,
    /// Fewest members that may be a cohort; nothing where it depends on whose they are.
    pub cohort_needed: Option<u16>,
    /// Digest of the feature schema.
    pub schema: String,
    /// Coordinates of the model.
    pub parameters: usize,
    /// Bytes of one upload.
    pub upload_bytes: usize,
    /// What it sums, in order.
    pub stages: Vec<StageReport>,
    /// Rounds to commit, of all stages.
    pub rounds: u32,
    /// Rounds that may be charged.
    pub rounds_charged_max: u32,
    /// Runs that it allows.
    pub runs: u32,
    /// Epsilon after all rounds of one run, for the unit of the mode; nothing without noise.
    pub epsilon: Option<f64>,
    /// In mode branch: the same for one customer of a branch.
    pub epsilon_customer: Option<f64>,
    /// Delta of that statement.
    pub delta: Option<f64>,
    /// Noise standard deviation over sensitivity.
    pub noise_multiplier: Option<f64>,
    /// Why no round of it can begin under this roster; nothing where one can.
    pub no_round: Option<String>,
}

impl PlanReport {
    fn of(job: &Job, roster: &Roster) -> Self {
        let plan = job.plan();
        let group_size = roster.group(&plan.group).map_or(0, Group::size);
        let guarantee = job.guarantee;
        Self {
            plan: plan.digest().to_string(),
            name: plan.name.to_string(),
            group: plan.group.clone(),
            group_size,
            cohort_needed: plan.cohort.smallest_cohort(group_size).map(|(needed, _)| needed),
            schema: plan.schema.to_string(),
            parameters: job.planned.architecture().parameter_count(),
            upload_bytes: upload_bytes(job),
            stages: plan.stages.iter().map(StageReport::of).collect(),
            rounds: plan.rounds(),
            rounds_charged_max: plan.rounds_charged_max(),
            runs: plan.runs,
            epsilon: guarantee.map(|guarantee| guarantee.epsilon),
            epsilon_customer: guarantee.and_then(|guarantee| guarantee.epsilon_customer),
            delta: guarantee.map(|guarantee| guarantee.delta),
            noise_multiplier: guarantee.map(|guarantee| guarantee.noise_multiplier),
            no_round: no_round_yet(roster, job).unwrap_or_else(|fault| Some(fault.found)),
        }
    }
}

/// One stage of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageReport {
    /// Its kind.
    pub kind: String,
    /// Rounds to commit.
    pub rounds: u32,
    /// Coordinates of its sum.
    pub dimension: u32,
    /// Units of one clip norm, or of one count.
    pub units: u32,
}

impl StageReport {
    fn of(stage: &Stage) -> Self {
        let Stage { kind, rounds, dimension, reach, .. } = stage;
        Self { kind: kind.clone(), rounds: *rounds, dimension: *dimension, units: *reach }
    }
}

impl Opened {
    /// Reads the settings and opens every file that they name; `now` is in Unix seconds.
    ///
    /// # Errors
    /// Every fault.
    pub fn open(path: &Path, now: u64) -> Result<Self, Faults> {
        let Settings { listen, tcp, network, state_dir, heads_dir, gather_ms, windows, identity, office, sink, .. } =
            Settings::load(path)?;
        let file = path.to_path_buf();
        let identity = OwnIdentity::open(identity, office, now);
        let identity = identity.map_err(|faults| Faults { file: file.clone(), faults })?;
        let listen = ListenSettings { listen, tcp, path: network.path, timers: network.timers };
        Ok(Self { file, state_dir, heads_dir, gather_ms, windows, listen, sink, identity })
    }

    /// The plans that are activated in the state folder.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        activated(&self.state_dir)
    }

    /// What stands in these files.
    #[must_use]
    pub fn report(&self) -> Report {
        let OwnIdentity { identity, validity, roster, warnings, .. } = &self.identity;
        Report {
            identity: identity.to_string(),
            certificate_not_after: validity.not_after,
            enrolled: roster.roster.entries().len(),
            roster_epoch: roster.roster.epoch(),
            plans: self.jobs().iter().map(|job| PlanReport::of(job, &roster.roster)).collect(),
            warnings: warnings.clone(),
        }
    }
}

/// Exact bytes of one masked update.
#[must_use]
pub(crate) fn upload_bytes(job: &Job) -> usize {
    let stages = job.plan().stages.iter();
    let bytes = stages.map(|stage| masked_sum::upload_bytes(stage.ring, stage.dimension as usize));
    bytes.max().unwrap_or_default()
}

/// Why no round can begin under this roster, in words. That is no fault: members enrol while the coordinator is there. A rule that no roster
/// satisfies is one, and so is a share of noise that no branch would draw.
fn no_round_yet(roster: &Roster, job: &Job) -> Result<Option<String>, Fault> {
    let fault = |found: String, allowed: &str| Fault { key: "plan.cohort".into(), found, allowed: allowed.into() };
    let (rule, named) = (&job.plan().cohort, &job.plan().group);
    let most = match rule.coalition {
        CoalitionRule::Fraction { .. } => COHORT_MAX,
        // Beyond that a committee is not made, and fewer are asked.
        CoalitionRule::Organisations { .. } => COMPLETE_GRAPH_MAX,
    };
    let group = roster.group(named);
    let size = group.map_or(0, Group::size);
    let members: Vec<ClientId> = group.into_iter().flat_map(|group| group.members().take(most)).collect();
    let members = roster.organisations(&members).unwrap_or_default();
    let smaller = |group| rule.smallest_cohort(group).map(|(_, thresholds)| thresholds);
    let (thresholds, no_round) = match rule.thresholds(&members, size).or_else(|refused| smaller(size).ok_or(refused)) {
        Ok(thresholds) => (Some(thresholds), None),
        Err(refused) => {
            let least = rule.smallest_group().ok_or_else(|| {
                let found = format!("a rule that no group can satisfy: {refused}");
                fault(found, "a cohort rule that a group of at most 10,000 members can satisfy")
            })?;
            let too_few = too_few_enrolled(roster, named, rule);
            let words = too_few.unwrap_or_else(|| {
                format!("{size} members are in the roster's group \"{named}\"; no round with them: {refused}")
            });
            // Judged by the smallest group that will do.
            (smaller(least.max(size)), Some(words))
        }
    };
    let Some(thresholds) = thresholds.filter(|_| job.guarantee.is_some()) else { return Ok(no_round) };
    let drawn = |stage: &Stage| {
        let shares = if stage.noise == NoiseShare::Divided { thresholds.honest_min.into() } else { 1 };
        share_variance(stage.noise_variance, shares).err()
    };
    match job.plan().stages.iter().find_map(drawn) {
        Some(error) => Err(fault(error.to_string(), "a plan whose noise can be split over the honest participants")),
        None => Ok(no_round),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "identity     {}", self.identity)?;
        writeln!(formatter, "roster       epoch {}, {}", self.roster_epoch, counted(self.enrolled, "client"))?;
        if self.plans.is_empty() {
            writeln!(formatter, "plans        none is activated; `tributary plan activate` puts a signed plan here")?;
        }
        self.plans.iter().try_for_each(|plan| plan.fmt(formatter))?;
        self.warnings.iter().try_for_each(|warning| writeln!(formatter, "warning      {warning}"))
    }
}

impl fmt::Display for PlanReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "plan         {} ({})", self.plan, self.name)?;
        write!(formatter, "group        {:?}, {}", self.group, counted(self.group_size, "client"))?;
        match self.cohort_needed {
            Some(needed) => writeln!(formatter, "; {needed} of them must be present for a round")?,
            None => writeln!(formatter)?,
        }
        writeln!(formatter, "schema       {}", self.schema)?;
        writeln!(formatter, "model        {} parameters, {} bytes an upload", self.parameters, self.upload_bytes)?;
        for (number, stage) in (1..).zip(&self.stages) {
            let StageReport { kind, rounds, dimension, units } = stage;
            let rounds = counted(rounds, "round");
            writeln!(formatter, "stage {number}      {kind}: {rounds} of {dimension} coordinates, {units} units")?;
        }
        let (rounds, most, runs) = (self.rounds, self.rounds_charged_max, self.runs);
        writeln!(formatter, "rounds       {rounds} a run, at most {most} charged; {} at most", counted(runs, "run"))?;
        match (self.epsilon, self.delta, self.noise_multiplier) {
            (Some(epsilon), Some(delta), Some(noise)) => {
                let whom = self.epsilon_customer.map_or_else(
                    || "for a customer".to_owned(),
                    |customer| format!("for a branch, {customer:.4} for each of its customers"),
                );
                writeln!(
                    formatter,
                    "privacy      a run: epsilon {epsilon:.4} at delta {delta:e} {whom}, noise multiplier {noise:.4}"
                )?;
            }
            _ => writeln!(formatter, "privacy      none: secure aggregation alone")?,
        }
        self.no_round.iter().try_for_each(|why| writeln!(formatter, "warning      {why}"))
    }
}

#[cfg(test)]
mod tests {
    use tributary_planning::settings::{CountingSettings, MechanismSettings, PlanSettings, PrivacyTarget};
    use tributary_protocol::round::cast;
    use tributary_protocol::secagg::parameters::CohortRule;

    use super::*;
    use crate::enrolled::{DAY, Federation, now};
    use crate::run::job::tests::{job, settings};

    fn counting() -> PlanSettings {
        let statistics = Some(CountingSettings { bins: 6, budget_share: 0.1 });
        PlanSettings { mechanism: MechanismSettings { statistics, ..MechanismSettings::default() }, ..settings() }
    }

    #[test]
    fn a_plan_is_reported_as_it_stands_under_the_roster() {
        let mut several = PlanSettings { name: "churn".into(), ..counting() };
        several.schedule.runs_max = 7;
        let job = job(&several);
        let (plan, guarantee) = (job.plan(), job.guarantee.unwrap());
        let found = PlanReport::of(&job, &cast::roster(9).roster);
        let sizes: Vec<usize> =
            plan.stages.iter().map(|stage| masked_sum::upload_bytes(stage.ring, stage.dimension as usize)).collect();
        assert!(sizes.len() == 2 && sizes[0] != sizes[1], "{sizes:?}");
        let stages: Vec<StageReport> = plan
            .stages
            .iter()
            .map(|stage| StageReport {
                kind: stage.kind.clone(),
                rounds: stage.rounds,
                dimension: stage.dimension,
                units: stage.reach,
            })
            .collect();
        assert_eq!(
            (stages[0].kind.as_str(), stages[0].rounds, stages[1].kind.as_str(), stages[1].rounds),
            ("count", 1, "gradient", 40)
        );
        let expected = PlanReport {
            plan: plan.digest().to_string(),
            name: "churn".into(),
            group: "all".into(),
            group_size: 9,
            cohort_needed: Some(8),
            schema: plan.schema.to_string(),
            parameters: job.initial.values().len(),
            upload_bytes: *sizes.iter().max().unwrap(),
            stages,
            rounds: 41,
            rounds_charged_max: plan.rounds_charged_max(),
            runs: 7,
            epsilon: Some(guarantee.epsilon),
            epsilon_customer: None,
            delta: Some(1e-6),
            noise_multiplier: Some(guarantee.noise_multiplier),
            no_round: None,
        };
        assert_eq!(found, expected);
        let text = found.to_string();
        for part in [
            "group        \"all\", 9 clients; 8 of them must be present for a round\n",
            "stage 1      count: 1 round of ",
            "stage 2      gradient: 40 rounds of ",
            "rounds       41 a run, at most ",
            "; 7 runs at most\n",
            "for a customer, noise multiplier ",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("warning"));
    }

    /// Members enrol while the coordinator is there: that there are too few is said, and is no fault.
    #[test]
    fn what_stands_in_the_way_of_a_round_is_said_with_the_number_that_is_needed() {
        let said = |settings: &PlanSettings, clients| {
            let roster = cast::roster(clients).roster;
            no_round_yet(&roster, &job(settings)).map_err(|fault| fault.key)
        };
        let usual = settings();
        let least = CohortRule::USUAL.smallest_group().unwrap();
        let short = said(&usual, u32::try_from(least).unwrap() - 1).unwrap().expect("too few");
        assert!(
            short.contains(&format!("{} of {least} members are in the roster's group \"all\"", least - 1)),
            "{short}"
        );
        assert_eq!(said(&usual, u32::try_from(least).unwrap()), Ok(None));
        let elsewhere = PlanSettings { group: "north".into(), ..settings() };
        let none = said(&elsewhere, 9).unwrap().expect("nobody is in it");
        assert!(none.contains("the roster does not name it"), "{none}");
        let weak = PlanSettings { privacy: PrivacyTarget::None, ..settings() };
        assert_eq!(said(&weak, 9), Ok(None), "without noise no share of it is drawn");
        // A report says why, and does not stop for it.
        let report = PlanReport::of(&job(&usual), &cast::roster(2).roster);
        assert_eq!((report.group_size, report.no_round.is_some()), (2, true));
        assert!(report.to_string().contains("warning      2 of "));
    }

    #[test]
    fn the_settings_are_opened_with_what_they_name() {
        let federation = Federation::aged(2, now() - 28 * DAY, now());
        let config = federation.settings(|text| text.replace("gather_ms = 60000", "gather_ms = 61\ntcp = false"));
        let opened = Opened::open(&config, now()).map_err(|faults| faults.to_string()).unwrap();
        let report = opened.report();
        let Opened { file, state_dir, heads_dir, gather_ms, windows, listen, sink, identity } = opened;
        assert_eq!((&file, state_dir, heads_dir), (&config, federation.path("state"), federation.path("heads")));
        assert_eq!((gather_ms, windows, sink), (61, Windows::default(), None));
        assert_eq!((listen.listen.as_str(), listen.tcp), ("127.0.0.1:0", false));
        assert_eq!(report.identity, "spiffe://federation.example/centre/coordinator/main");
        assert_eq!(report.certificate_not_after, identity.validity.not_after);
        assert_eq!((report.enrolled, report.roster_epoch, report.plans.len()), (2, 1, 1));
        assert_eq!((report.warnings.len(), &report.warnings), (1, &identity.warnings));
        let text = report.to_string();
        assert!(
            text.contains("roster       epoch 1, 2 clients\n") && text.contains("warning      this coord"),
            "{text}"
        );
        std::fs::remove_dir_all(federation.path("state/plans")).unwrap();
        let opened = Opened::open(&config, now()).map_err(|faults| faults.to_string()).unwrap();
        assert!(opened.report().to_string().contains("plans        none is activated"));
        // A fault of the identity is one of the settings' file.
        let late = Opened::open(&config, now() + 40 * DAY).err().expect("it has ended");
        assert!(late.file == config && late.faults[0].key == "identity.certificate", "{late}");
    }
}
