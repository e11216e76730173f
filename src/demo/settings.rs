//! The settings files of the demo's daemons. They are read by the same code as anybody's.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use tributary_certs::enrolment::names;
use tributary_client::begin::begin_budget;
use tributary_client::budget::BUDGET_FILE;
use tributary_client::cli::sign_policy;
use tributary_client::grants::{GrantRequest, grant, install};
use tributary_client::policy::SchemaPin;
use tributary_coordinator::federation::grant_files::carry;
use tributary_coordinator::federation::plans::activate_plan;
use tributary_coordinator::settings::PlanFiles;
use tributary_model::schema::Schema;
use tributary_planning::demonstration::TwoPeople;
use tributary_planning::settings::PURPOSE_DEFAULT;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{GrantSubject, GrantUses, PrivacyMode};
use tributary_protocol::roster::MemberName;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule};
use tributary_storage::files::create_private_folder;

use super::defaults::DEFAULTS;
use super::month::gates;
use super::options::{DemoOptions, Method, Model};
use super::prepare::Branch;
use super::workplace::Workplace;
use crate::certs::unix_seconds;

/// The organisation of the demo's branches, and of its people.
pub(super) const BANK: &str = "bank";
/// How long a grant of the demo counts: a day.
const GRANT_SECONDS: u64 = 86_400;

/// `coordinator.toml`.
pub(super) struct CoordinatorFile<'a> {
    /// What the user asked for.
    pub(super) options: &'a DemoOptions,
    /// By which sums are divided.
    pub(super) customers_nominal: u64,
    /// The coalition of a bank with partners; the usual one without any.
    pub(super) coalition: Option<CoalitionRule>,
}

/// `client.toml`.
pub(super) struct ClientFile<'a> {
    /// What the user asked for.
    pub(super) options: &'a DemoOptions,
    /// Where the coordinator listens.
    pub(super) coordinator: SocketAddr,
    /// The coordinator's settings.
    pub(super) carrier: &'a Path,
    /// Public maximum of a branch's customers.
    pub(super) customers_max: u64,
    /// The authority's folder, whose list of authorities names the federation.
    pub(super) authority: &'a Path,
    /// The feature schema, which the demo's policies pin.
    pub(super) schema: &'a Schema,
    /// The coalition of a bank with partners; the usual one without any.
    pub(super) coalition: Option<CoalitionRule>,
    /// The plan that the demo's two people have signed.
    pub(super) plan: Digest,
}

impl CoordinatorFile<'_> {
    /// Writes the file, and the plan, which the demo's two people sign.
    ///
    /// # Errors
    /// If one cannot be written, or the plan has a fault.
    pub(super) fn write(&self, workplace: &Workplace) -> anyhow::Result<()> {
        let path = workplace.coordinator_settings();
        write(&path, &self.text())?;
        let folder = path.parent().context("a file lies in a folder")?;
        let people = TwoPeople::open(&workplace.people())?;
        people.sign_runs((&self.plan(), self.options.runs), folder, &workplace.authority(), unix_seconds())?;
        let files = PlanFiles { file: folder.join("plan.tributary"), schema: workplace.schema() };
        activate_plan(&folder.join("state"), &files)
            .map_err(|fault| anyhow::anyhow!("the demo's plan is not activated: {}", fault.found))?;
        Ok(())
    }

    fn text(&self) -> String {
        let (listen, gather_ms) = (&self.options.listen, DEFAULTS.gather_ms);
        let mut text = format!(
            "[coordinator]\nlisten = \"{listen}\"\nstate_dir = \"state\"\ngather_ms = {gather_ms}\n\n[identity]\n"
        );
        for (key, file) in [
            ("certificate", "identities/coordinator/identity.pem"),
            ("private_key", "identities/coordinator/identity.key"),
            ("signing_key", "identities/coordinator/signing.key"),
            ("ca_certificate", "identities/coordinator/trust.pem"),
            ("roster", "authority/roster"),
            ("authorities", "authority/authorities"),
        ] {
            line(&mut text, format_args!("{key} = \"../{file}\""));
        }
        text
    }

    fn plan(&self) -> String {
        let DemoOptions { seed, momentum, tail_fraction, .. } = self.options;
        let rounds = self.options.rounds();
        let (clip_norm, learning_rate) = (self.options.clip_norm(), self.options.learning_rate());
        let session_rounds = DEFAULTS.session_rounds;
        let (round_ms, keying_ms) = (DEFAULTS.round_deadline_ms, DEFAULTS.keying_deadline_ms);
        let mut text = "[plan]\nname = \"demo\"\nschema = \"../schema.toml\"\n".to_owned();
        match self.options.model {
            Model::Logistic => line(&mut text, format_args!("model = \"logistic\"")),
            Model::Mlp => line(&mut text, format_args!("model = \"mlp\"\nhidden = {:?}", self.options.hidden())),
        }
        let mode = self.options.privacy.mode();
        line(&mut text, format_args!("privacy = \"{}\"", mode.name()));
        if mode.unit().is_some() {
            let (epsilon, delta) = (self.options.epsilon(), self.options.delta);
            line(&mut text, format_args!("epsilon = {epsilon:?}\ndelta = {delta:?}"));
        }
        if self.options.sampling_rate < 1.0 {
            line(&mut text, format_args!("sampling_rate = {:?}", self.options.sampling_rate));
        }
        let (nominal, most) = (self.customers_nominal, self.customers_nominal.saturating_mul(4));
        line(&mut text, format_args!("rounds = {rounds}\nsession_rounds = {session_rounds}"));
        if self.options.goes_on() {
            // The first one begins from zero.
            line(&mut text, format_args!("initial_model = \"previous-run\""));
        } else {
            line(&mut text, format_args!("seed = {seed}"));
        }
        match self.options.method() {
            Method::Gradient => {
                line(
                    &mut text,
                    format_args!("example_clip_norm = {clip_norm:?}\nloss_bound = {:?}", DEFAULTS.loss_bound),
                );
            }
            Method::Staged => line(&mut text, format_args!("method = \"staged\"")),
        }
        line(&mut text, format_args!("customers_nominal = {nominal}\ncustomers_max = {most}"));
        line(&mut text, format_args!("round_deadline_ms = {round_ms}\nkeying_deadline_ms = {keying_ms}"));
        // Where branches upload differences of models, the centre averages them: a step of one, and nothing kept of the last.
        let averages = self.options.privacy.mode().trains_locally();
        let (learning_rate, momentum) = if averages { (1.0, 0.0) } else { (learning_rate, *momentum) };
        if self.options.method() == Method::Gradient {
            line(&mut text, format_args!("\n[plan.optimizer]\nkind = \"sgd\"\nlearning_rate = {learning_rate:?}"));
            line(&mut text, format_args!("momentum = {momentum:?}\ntail_fraction = {tail_fraction:?}"));
        }
        if self.options.measures() {
            line(
                &mut text,
                format_args!(
                    "\n[plan.statistics]\nbins = 10\nlabels = true\nbudget_share = {}",
                    DEFAULTS.statistics_share
                ),
            );
            line(
                &mut text,
                format_args!("\n[plan.evaluation]\nbins = 28\nbudget_share = {}", DEFAULTS.evaluation_share),
            );
            // The schemas that are built in have a field for it, from which nothing is learnt.
            if self.options.schema.is_none() {
                line(&mut text, format_args!("groups = \"gender\""));
            }
        }
        if self.options.no_month().is_none() {
            text.push_str(&gates(BANK));
        }
        if let Some(CoalitionRule::Organisations { .. }) = self.coalition {
            line(&mut text, format_args!("\n[plan.cohort]\n{}", coalition_lines(self.coalition).trim_end()));
        }
        text
    }
}

/// A coalition as plans and policies write it.
fn coalition_lines(rule: Option<CoalitionRule>) -> String {
    match rule.unwrap_or(CohortRule::USUAL.coalition) {
        CoalitionRule::Fraction { permille } => format!("coalition_permille = {permille}\n"),
        CoalitionRule::Organisations { operator, others, outside_min } => format!(
            "coalition = \"organisations\"\ncoalition_operator = {}\ncoalition_others = {others}\noutside_min = {outside_min}\n",
            operator.0
        ),
    }
}

impl ClientFile<'_> {
    /// Writes a branch's file into its folder.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&self, branch: &Branch) -> anyhow::Result<()> {
        let folder = &branch.folder;
        create_private_folder(folder)?;
        write(&branch.settings(), &self.text(branch))?;
        // The owner of the branch's data is another person than the operator. Here both are the demo.
        let policy = folder.join("policy.toml");
        write(&policy, &self.policy(branch))?;
        let owner = folder.join("owner.key");
        sign_policy(&policy, &owner, &folder.join("../../schema.toml"))?;
        // Once: where the coordinator listens anew, the branches go on with what they have.
        if !folder.join("state").join(BUDGET_FILE).exists() {
            begin_budget(&branch.settings(), &owner, false, unix_seconds().saturating_mul(1000))?;
            self.grant(branch, &owner)?;
        }
        Ok(())
    }

    /// The owner grants what the demo's plan owner proposes for the purpose, up to what the policy allows.
    fn grant(&self, branch: &Branch, owner: &Path) -> anyhow::Result<()> {
        let (now, epsilon) = (unix_seconds(), self.epsilon_of_customers());
        let organisation = if branch.is_partner { &branch.name } else { BANK };
        let subject = match self.options.privacy.mode() {
            // No standing grant is about a plan without noise.
            PrivacyMode::None => GrantSubject::Plan(self.plan),
            _ => GrantSubject::Plans { proposer: TwoPeople::owner_of(BANK), purpose: PURPOSE_DEFAULT.into() },
        };
        let request = GrantRequest {
            subject,
            uses: GrantUses::ALL,
            branches: vec![MemberName::parse(&format!("{organisation}/{}", branch.name))?],
            epsilon_run: epsilon,
            // For two such plans, as the policy.
            epsilon_year: 2.0 * self.epsilon_of_runs(epsilon),
            delta: self.options.delta,
            runs: 2 * self.options.runs,
            fields: Vec::new(),
            not_before: now,
            not_after: now + GRANT_SECONDS,
        };
        let file = branch.folder.join("demo.grant");
        grant(&request, &self.authority.join(names::AUTHORITIES), owner, &file)?;
        install(&branch.settings(), &file, unix_seconds())?;
        // The coordinator carries it as well, so that an auditor finds it in the bundle.
        carry(self.carrier, &file)?;
        Ok(())
    }

    /// The plan's epsilon is a branch's in mode branch. A customer moves the difference by at most two bounds, so that it costs less than four
    /// times as much.
    fn epsilon_of_customers(&self) -> f64 {
        match self.options.privacy.mode() {
            PrivacyMode::Branch => 4.0 * self.options.epsilon(),
            _ => self.options.epsilon(),
        }
    }

    /// What all runs of the plan come to at most.
    fn epsilon_of_runs(&self, epsilon: f64) -> f64 {
        f64::from(self.options.runs) * epsilon
    }

    fn policy(&self, branch: &Branch) -> String {
        let (name, coalition) = (&branch.name, coalition_lines(self.coalition));
        // A partner has no reason to count on the honesty of the bank's branches, nor on that of its other partners.
        let own_noise = if branch.is_partner { "own_noise = \"full\"\n" } else { "" };
        let DemoOptions { delta, privacy, .. } = self.options;
        let epsilon = self.options.epsilon();
        let pinned = SchemaPin::of(self.schema).to_toml();
        let mode = privacy.mode().name();
        // A life pays for two such plans.
        let (customers, epsilon) = (self.epsilon_of_runs(self.epsilon_of_customers()), self.epsilon_of_runs(epsilon));
        let branch = match privacy.mode() {
            PrivacyMode::Branch => {
                let caps = [("life", 2.0 * epsilon), ("year", 2.0 * epsilon), ("plan", epsilon)];
                caps.map(|(cap, epsilon)| format!("epsilon_branch_{cap} = {epsilon:?}\n")).concat()
            }
            _ => String::new(),
        };
        let life = 2.0 * customers;
        format!(
            "[policy]\npopulation = \"customers of {name}\"\nepsilon_life = {life:?}\nepsilon_year = {life:?}\n\
             epsilon_plan = {customers:?}\n{branch}\
             delta = {delta:?}\nmodes = [\"{mode}\"]\npurposes = [\"{PURPOSE_DEFAULT}\"]\n{pinned}rounds_a_day = {}\nrounds_max = {}\n{own_noise}\
             cohort_min = 8\n{coalition}survivors_permille = 800\nhonest_min = 5\n",
            DEFAULTS.rounds_a_day, DEFAULTS.rounds_max
        )
    }

    fn text(&self, branch: &Branch) -> String {
        let name = &branch.name;
        let Self { options, coordinator, customers_max, .. } = self;
        let DemoOptions { rows_per_customer_max, .. } = options;
        let held_out = match branch.held_out {
            Some(_) if options.measures() => format!("held_out = \"../../data/{name}.held-out.csv\"\n"),
            _ => String::new(),
        };
        format!(
            "[client]\nstate_dir = \"state\"\n\n\
             [coordinator]\naddress = \"{coordinator}\"\nserver_name = \"localhost\"\n\n\
             [identity]\nfolder = \"../../identities/{name}\"\n\n\
             [data]\nfile = \"../../data/{name}.csv\"\n{held_out}schema = \"../../schema.toml\"\ncustomers_max = {customers_max}\n\
             rows_per_customer_max = {rows_per_customer_max}\ncustomers_nominal = {customers_max}\n\n\
             [policy]\nfile = \"policy.toml\"\nowner = \"owner.pub\"\n"
        )
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("a text takes every line");
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written; check the free space", path.display()))
}
