//! Before any process starts: data files, schema, authority, identities, roster, settings.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use tributary_certs::ceremony::sign_roster;
use tributary_certs::enrolment::{self, CoordinatorRequest};
use tributary_certs::identity::TrustDomain;
use tributary_client::data::{PartitionRequest, split_by_branch, write_csv};
use tributary_model::schema::Schema;
use tributary_model::synthetic::{self, SyntheticSpec};
use tributary_planning::demonstration::TwoPeople;
use tributary_planning::file::PlanFile;

use super::month::{Customers, LANGUAGES};
use super::options::{DemoOptions, Method, RealData, Source, check_branches};
use super::partners::{Mixed, bring_authority, enrol_partner, who};
use super::settings::{BANK, ClientFile, CoordinatorFile};
use super::workplace::{Workplace, branch_name, partner_name};
use crate::certs::unix_seconds;

/// The name of the demo's federation.
const TRUST_DOMAIN: &str = "demo.tributary";
/// Roster authorities, and how many must sign: one folder holds them all here, and still the majority rule runs.
const AUTHORITIES: (u8, usize) = (3, 2);

/// Everything that the processes need.
#[derive(Clone)]
pub(super) struct Prepared {
    /// The feature schema.
    pub(super) schema: Schema,
    /// The branches, in order, and the partners after them.
    pub(super) branches: Vec<Branch>,
    /// What follows from partners; nothing without any.
    pub(super) mixed: Option<Mixed>,
    /// The public nominal number of customers of all branches, by which sums are divided.
    pub(super) customers_nominal: u64,
}

/// A branch and its files.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    /// Its name in files and identities.
    pub(super) name: String,
    /// Whether it belongs to another organisation than the bank: the one of its own name.
    pub(super) is_partner: bool,
    /// Its own folder.
    pub(super) folder: PathBuf,
    /// Rows to learn from.
    pub(super) training: PathBuf,
    /// Number of rows to learn from.
    pub(super) training_rows: u64,
    /// Rows to test with; nothing if the branch has none.
    pub(super) held_out: Option<PathBuf>,
}

impl Branch {
    /// Its settings file.
    pub(super) fn settings(&self) -> PathBuf {
        self.folder.join("client.toml")
    }
}

impl Prepared {
    /// Who takes part, in words.
    pub(super) fn who(&self) -> String {
        let partners = self.mixed.map_or(0, |mixed| mixed.partners());
        who(self.branches.len() - partners, partners)
    }
}

/// Writes everything but the clients' settings, which need the coordinator's port.
///
/// # Errors
/// What could not be made, and why.
pub(super) fn prepare(options: &DemoOptions, workplace: &Workplace) -> anyhow::Result<Prepared> {
    let (schema, branches) = match options.source() {
        Source::Synthetic { branches } => invent(options, branches, workplace)?,
        Source::Real(real) => divide(options, &real, workplace)?,
    };
    let mixed = match (options.partners, branches.len() - options.partners) {
        (0, _) => None,
        (partners, own) => Some(Mixed::new(own, partners)?),
    };
    enrol(workplace, &branches)?;
    let rows: u64 = branches.iter().map(|branch| branch.training_rows).sum();
    let customers_nominal = two_digits(rows);
    let coalition = mixed.map(|mixed| mixed.coalition());
    CoordinatorFile { options, customers_nominal, coalition }.write(workplace)?;
    Ok(Prepared { schema, branches, mixed, customers_nominal })
}

/// Writes the clients' settings for a coordinator that listens.
///
/// # Errors
/// If a file cannot be written.
pub(super) fn write_clients(
    options: &DemoOptions,
    prepared: &Prepared,
    workplace: &Workplace,
    coordinator: SocketAddr,
) -> anyhow::Result<()> {
    // A public maximum must not follow from one branch's rows alone: the size of the largest branch, rounded up coarsely, for all. It sizes
    // every branch's work.
    let largest = prepared.branches.iter().map(|branch| branch.training_rows).max().unwrap_or(1);
    let step = (largest.next_power_of_two() / 8).max(1);
    let (customers_max, schema) = ((largest + 1).next_multiple_of(step), &prepared.schema);
    let coalition = prepared.mixed.map(|mixed| mixed.coalition());
    let signed = workplace.coordinator_settings().with_file_name("plan.tributary");
    let plan = PlanFile::read(&signed)?.plan.digest();
    let (authority, carrier) = (&workplace.authority(), &workplace.coordinator_settings());
    let file = ClientFile { options, coordinator, carrier, customers_max, authority, schema, coalition, plan };
    prepared.branches.iter().try_for_each(|branch| file.write(branch))
}

fn invent(options: &DemoOptions, branches: usize, workplace: &Workplace) -> anyhow::Result<(Schema, Vec<Branch>)> {
    let text = match options.method() {
        Method::Gradient => synthetic::SCHEMA_TOML,
        Method::Staged => synthetic::BINNED_SCHEMA_TOML,
    };
    let schema = Schema::parse(text).context("the built-in schema has no fault")?;
    write(&workplace.schema(), text)?;
    let data = synthetic::generate(&SyntheticSpec {
        branches: branches + options.partners,
        customers_per_branch: options.customers_per_branch(),
        holdout_fraction: super::defaults::DEFAULTS.holdout_fraction,
        seed: options.seed,
    });
    let mut list = Vec::with_capacity(branches);
    if options.no_month().is_none() {
        for (branch, (name, language)) in data.branches.iter().zip((0..).map(branch_name).zip(LANGUAGES)) {
            let rows = branch.training.iter().chain(&branch.held_out).collect();
            let customers = Customers { header: &data.header, rows, seed: options.seed };
            customers.write(&schema, &workplace.branch(&name), language, unix_seconds())?;
        }
    }
    let own = (0..).map(branch_name).map(|name| (workplace.branch(&name), name, false)).take(branches);
    let others = (0..).map(partner_name).map(|name| (workplace.partner(&name), name, true));
    for ((folder, name, is_partner), rows) in own.chain(others).zip(&data.branches) {
        let training = workplace.data().join(format!("{name}.csv"));
        let training_rows = write_csv(&training, schema.dialect(), &data.header, &rows.training)?;
        let path = workplace.data().join(format!("{name}.held-out.csv"));
        let held_out_rows = write_csv(&path, schema.dialect(), &data.header, &rows.held_out)?;
        let held_out = (held_out_rows > 0).then_some(path);
        list.push(Branch { name, is_partner, folder, training, training_rows, held_out });
    }
    Ok((schema, list))
}

fn divide(options: &DemoOptions, real: &RealData<'_>, workplace: &Workplace) -> anyhow::Result<(Schema, Vec<Branch>)> {
    let path = real.schema;
    let text =
        std::fs::read_to_string(path).with_context(|| format!("{} cannot be read; check the path", path.display()))?;
    let schema = Schema::parse(&text).with_context(|| format!("{} is not a usable schema", path.display()))?;
    write(&workplace.schema(), &text)?;
    let into = workplace.data();
    let request = PartitionRequest {
        data: real.data,
        schema: &schema,
        partition: real.partition,
        split: Some(real.split),
        into: &into,
    };
    let files = split_by_branch(&request)?;
    check_branches(files.len()).map_err(|failure| anyhow::anyhow!(failure.message))?;
    if let Some(asked) = options.branches {
        let found = files.len();
        ensure!(asked == found, "--branches {asked} was asked for and the partition has {found}; leave the option out");
    }
    let branches = files.into_iter().map(|files| Branch {
        name: branch_name(files.branch),
        is_partner: false,
        folder: workplace.branch(&branch_name(files.branch)),
        training: files.training,
        training_rows: files.training_rows,
        held_out: files.held_out,
    });
    Ok((schema, branches.collect()))
}

/// An authority, a coordinator that branches pin, the branches, the partners, and the roster of all of them.
fn enrol(workplace: &Workplace, branches: &[Branch]) -> anyhow::Result<()> {
    let (now, authority) = (unix_seconds(), workplace.authority());
    let domain = TrustDomain::parse(TRUST_DOMAIN)?;
    enrolment::init_authority(&authority, &domain, AUTHORITIES.0, AUTHORITIES.1, now)?;
    let names = |partners| {
        let wanted = move |branch: &&Branch| branch.is_partner == partners;
        branches.iter().filter(wanted).map(|branch| branch.name.as_str())
    };
    // Before anybody is handed the trusted roots.
    names(true).try_for_each(|name| bring_authority(workplace, name, &domain, now))?;
    let request = CoordinatorRequest {
        organisation: "head-office",
        id: "coordinator",
        host_names: &["localhost".to_owned()],
        addresses: &[[127, 0, 0, 1].into()],
    };
    enrolment::issue_coordinator(&authority, &request, &workplace.identity("coordinator"), now)?;
    for name in names(false) {
        enrolment::issue_client(&authority, BANK, name, &workplace.identity(name), now)?;
    }
    names(true).try_for_each(|name| enrol_partner(workplace, name, now).with_context(|| name.to_owned()))?;
    TwoPeople::enlist(&authority, &workplace.people(), BANK, now)?;
    sign_roster(&authority)?;
    Ok(())
}

fn write(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written; check the free space", path.display()))
}

/// A public number stands for a count only to two significant digits.
fn two_digits(count: u64) -> u64 {
    let unit = 10_u64.pow(count.max(1).ilog10().saturating_sub(1));
    ((count + unit / 2) / unit * unit).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nominal_counts_have_two_digits() {
        for (count, nominal) in
            [(0, 1), (7, 7), (84, 84), (3_449, 3_400), (3_450, 3_500), (996, 1_000), (36_168, 36_000)]
        {
            assert_eq!(two_digits(count), nominal, "{count}");
        }
    }
}
