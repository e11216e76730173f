//! A federation on this machine: authority, identities, roster, data and settings files below one folder.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::{
    CoordinatorRequest, init_authority, issue_client, issue_coordinator, read_members, set_group,
};
use tributary_certs::identity::TrustDomain;
use tributary_client::begin::begin_budget;
use tributary_client::budget::BUDGET_FILE;
use tributary_client::cli::sign_policy;
use tributary_client::data::write_csv;
use tributary_client::grants::{GrantRequest, grant, install};
use tributary_client::policy::SchemaPin;
use tributary_coordinator::federation::plans::activate_plan;
use tributary_coordinator::settings::PlanFiles;
use tributary_model::synthetic::{SCHEMA_TOML, SyntheticSpec, generate, schema};
use tributary_planning::demonstration::TwoPeople;
use tributary_planning::file::PlanFile;
use tributary_planning::settings::PURPOSE_DEFAULT;
use tributary_protocol::plan::{GrantSubject, GrantUses, PrivacyMode};
use tributary_protocol::roster::{MemberName, StaffNumber};

/// What to set up.
#[derive(Clone, Debug)]
pub(crate) struct FederationSpec {
    /// Number of branches.
    pub(crate) branches: usize,
    /// Median customers of a branch.
    pub(crate) customers_per_branch: usize,
    /// Lines of `[plan]` that differ from one federation to another.
    pub(crate) plan: String,
    /// What the branches' policies allow for life and for a plan.
    pub(crate) epsilon_max: f64,
    /// Privacy modes that they admit.
    pub(crate) modes: &'static [&'static str],
    /// Seed of the invented data.
    pub(crate) seed: u64,
    /// So many branches, the first ones, are the group of the roster that the plan names; without it everybody is.
    pub(crate) group: Option<usize>,
}

/// The files of a federation.
pub(crate) struct Federation {
    /// Everything lies below.
    pub(crate) folder: PathBuf,
    /// Settings of the coordinator.
    pub(crate) coordinator: PathBuf,
    /// Number of branches.
    pub(crate) branches: usize,
    spec: FederationSpec,
}

/// The group of [`FederationSpec::group`].
const GROUP: &str = "pilot";

impl FederationSpec {
    fn group_name(&self) -> &'static str {
        if self.group.is_some() { GROUP } else { tributary_protocol::roster::ALL }
    }
}

impl Federation {
    /// Writes everything but the clients' settings, which need the coordinator's address.
    ///
    /// # Panics
    /// If a file cannot be written: there is no test without them.
    #[must_use]
    pub(crate) fn create(folder: &Path, spec: FederationSpec) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let now = since.as_secs();
        let authority = folder.join("authority");
        let domain = TrustDomain::parse("bank.test").expect("a trust domain");
        init_authority(&authority, &domain, 1, 1, now).expect("an authority");
        let request = CoordinatorRequest {
            organisation: "bank",
            id: "centre",
            host_names: &["localhost".to_string()],
            addresses: &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
        };
        issue_coordinator(&authority, &request, &folder.join("coordinator/identity"), now).expect("a coordinator");
        let data = generate(&SyntheticSpec {
            branches: spec.branches,
            customers_per_branch: spec.customers_per_branch,
            holdout_fraction: 0.2,
            seed: spec.seed,
        });
        std::fs::write(folder.join("schema.toml"), SCHEMA_TOML).expect("a schema file");
        let mut customers = 0;
        for (index, branch) in data.branches.iter().enumerate() {
            let home = folder.join(branch_name(index));
            issue_client(&authority, "bank", &branch_name(index), &home.join("identity"), now).expect("a client");
            let training = home.join("customers.csv");
            let rows = branch.training.iter();
            customers += write_csv(&training, schema().dialect(), &data.header, rows).expect("a data file");
        }
        if let Some(members) = spec.group {
            let all = read_members(&authority).expect("members");
            let first: Vec<_> = all.iter().take(members).map(|member| member.entry.client).collect();
            set_group(&authority, GROUP, &first).expect("a group");
        }
        let people = TwoPeople::enlist(&authority, &folder.join("people"), "bank", now).expect("two people");
        sign_roster(&authority).expect("a roster");
        let coordinator = folder.join("coordinator/coordinator.toml");
        // Lines of the coordinator's own, after those of the plan.
        let network =
            spec.plan.split_once("[network]\n").map_or(String::new(), |(_, lines)| format!("\n[network]\n{lines}"));
        std::fs::write(&coordinator, format!("{COORDINATOR}{network}")).expect("settings");
        let home = folder.join("coordinator");
        people.sign(&plan(&spec, customers), &home, &authority, now).expect("a signed plan");
        let files = PlanFiles { file: home.join("plan.tributary"), schema: folder.join("schema.toml") };
        activate_plan(&home.join("state"), &files).unwrap_or_else(|fault| panic!("{}", fault.found));
        Self { folder: folder.to_path_buf(), coordinator, branches: spec.branches, spec }
    }

    /// Writes every client's settings; their paths.
    ///
    /// # Panics
    /// If a file cannot be written.
    #[must_use]
    pub(crate) fn client_settings(&self, coordinator: SocketAddr) -> Vec<PathBuf> {
        (0..self.branches).map(|index| self.write_client(index, coordinator)).collect()
    }

    /// A branch's folder.
    #[must_use]
    pub(crate) fn branch(&self, index: usize) -> PathBuf {
        self.folder.join(branch_name(index))
    }

    fn write_client(&self, index: usize, coordinator: SocketAddr) -> PathBuf {
        let path = self.branch(index).join("client.toml");
        let mut text = String::new();
        let _ = write!(
            text,
            "[client]\nstate_dir = \"state\"\n\n[coordinator]\naddress = \"{coordinator}\"\nserver_name = \"localhost\"\n\n\
             [identity]\nfolder = \"identity\"\n\n[data]\nfile = \"customers.csv\"\nschema = \"../schema.toml\"\n\
             customers_max = {}\ncustomers_nominal = {}\n\n[policy]\nfile = \"policy.toml\"\nowner = \"owner.pub\"\n",
            (self.spec.customers_per_branch * 5 / 4).max(128),
            self.spec.customers_per_branch,
        );
        std::fs::write(&path, text).expect("settings");
        let policy = self.branch(index).join("policy.toml");
        std::fs::write(&policy, self.policy()).expect("a policy");
        let (owner, schema) = (self.branch(index).join("owner.key"), self.folder.join("schema.toml"));
        sign_policy(&policy, &owner, &schema).expect("a signature");
        if !self.branch(index).join("state").join(BUDGET_FILE).exists() {
            begin_budget(&path, &owner, false, 0).expect("a first use");
            self.grant(index, &path, &owner);
        }
        path
    }

    /// The owner grants everything that the plan owner proposes, as far as the policy allows.
    fn grant(&self, index: usize, settings: &Path, owner: &Path) {
        let plan = PlanFile::read(&self.folder.join("coordinator/plan.tributary")).expect("a signed plan").plan;
        let subject = match plan.privacy {
            PrivacyMode::None => GrantSubject::Plan(plan.digest()),
            _ => GrantSubject::Plans {
                proposer: StaffNumber::parse("bank/e1").expect("a staff number"),
                purpose: PURPOSE_DEFAULT.into(),
            },
        };
        let request = GrantRequest {
            subject,
            uses: GrantUses::TRAIN,
            branches: vec![MemberName::parse(&format!("bank/{}", branch_name(index))).expect("a name")],
            epsilon_run: self.spec.epsilon_max,
            epsilon_year: self.spec.epsilon_max,
            delta: 1e-6,
            runs: 1000,
            fields: Vec::new(),
            not_before: 0,
            not_after: u64::MAX,
        };
        let file = self.branch(index).join("owner.grant");
        let authorities = self.folder.join("authority/authorities");
        grant(&request, &authorities, owner, &file).expect("a grant");
        install(settings, &file, tributary_certs::clock::unix_seconds()).expect("the grant is the owner's");
    }

    fn policy(&self) -> String {
        let FederationSpec { epsilon_max, modes, .. } = &self.spec;
        let pinned = SchemaPin::of(&schema()).to_toml();
        format!(
            "[policy]\npopulation = \"test\"\nepsilon_life = {epsilon_max:?}\nepsilon_year = {epsilon_max:?}\ndelta = 1e-6\nmodes = {modes:?}\n\
             purposes = [\"{PURPOSE_DEFAULT}\"]\n{pinned}rounds_a_day = 1000000\nrounds_max = 1000000\nupload_offset_ms_min = 0\n\
             width_max = 4096\ncoalition_permille = 200\ngroups = [\"{}\"]\n",
            self.spec.group_name()
        )
    }
}

/// Name of a branch, from 0.
#[must_use]
pub(crate) fn branch_name(index: usize) -> String {
    format!("branch-{index:02}")
}

const COORDINATOR: &str = "[coordinator]\nlisten = \"127.0.0.1:0\"\nstate_dir = \"state\"\ngather_ms = 600000\n\n\
     [identity]\ncertificate = \"identity/identity.pem\"\nprivate_key = \"identity/identity.key\"\n\
     signing_key = \"identity/signing.key\"\nca_certificate = \"identity/trust.pem\"\n\
     roster = \"../authority/roster\"\nauthorities = \"../authority/authorities\"\n";

fn plan(spec: &FederationSpec, customers: u64) -> String {
    format!(
        "[plan]\nname = \"test\"\nschema = \"../schema.toml\"\nexample_clip_norm = 1.0\ncustomers_nominal = {customers}\n\
         customers_max = {}\n{}\n{}",
        customers * 2,
        spec.plan.split_once("[network]\n").map_or(spec.plan.as_str(), |(plan, _)| plan),
        spec.group.map_or(String::new(), |_| format!("[plan.cohort]\ngroup = \"{GROUP}\"\n"))
    )
}
