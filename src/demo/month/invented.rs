//! The tables of a campaign for invented customers: refusals, consents, risk levels, contacts, and those whom nobody may contact or speak of.
//!
//! Everything follows from the demo's seed and the customer's id. Nothing is drawn from real customers.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tributary_client::data::write_csv;
use tributary_model::schema::{Dialect, Encoding, Schema};
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;
use tributary_storage::files::create_private_folder;
use tributary_texts::Language;

const DAY: u64 = 86_400;
/// Shares of a branch's customers: who refuse contacts, who have not agreed, and whom others have called as often as the rules allow.
const REFUSE: f64 = 0.08;
const NOT_AGREED: f64 = 0.12;
const CONTACTED: f64 = 0.05;
/// Customers of a branch who may not be contacted, and of whom nobody is told.
const CONFIDENTIAL: usize = 5;
/// Contacts of such a customer, and of how many days ago the newest one is.
const CONTACTS: u64 = 2;

/// The files' names in a branch's folder.
pub(super) const CUSTOMERS: &str = "customers.csv";
pub(super) const ATTRIBUTES: &str = "attributes.csv";
pub(super) const CONTACTS_FILE: &str = "contacts.csv";
pub(super) const CONFIDENTIAL_FILE: &str = "confidential.csv";

/// Rows of a branch's customers, with the names of their columns.
pub(in crate::demo) struct Customers<'a> {
    /// The columns.
    pub(in crate::demo) header: &'a [String],
    /// All rows.
    pub(in crate::demo) rows: Vec<&'a Vec<String>>,
    /// Seed of everything that is invented here.
    pub(in crate::demo) seed: u64,
}

/// The words of a branch's tables.
pub(super) struct Codes {
    /// The columns: customer, refusal, consent, risk level, tolerance, team.
    pub(super) columns: [&'static str; 6],
    /// No refusal, and a refusal.
    pub(super) refusal: [&'static str; 2],
    /// Consents to this purpose, and to another one.
    pub(super) consent: [&'static str; 2],
    /// Risk levels, from the lowest on.
    pub(super) risk: [&'static str; 3],
    /// Teams.
    pub(super) teams: [&'static str; 3],
    /// How the table is encoded.
    pub(super) encoding: Encoding,
}

/// What a customer can bear, from the lowest on.
pub(super) const TOLERANCES: [&str; 5] = ["C1", "C2", "C3", "C4", "C5"];

impl Codes {
    /// As a branch writes them.
    pub(super) const fn of(language: Language) -> Self {
        match language {
            Language::English => Self {
                columns: ["customer", "opt_out", "consent", "risk", "tolerance", "team"],
                refusal: ["no", "yes"],
                consent: ["marketing", "service"],
                risk: ["low", "medium", "high"],
                teams: ["north", "south", "west"],
                encoding: Encoding::Utf8,
            },
            Language::Chinese => Self {
                columns: ["KHH", "JJYX", "YTTY", "FXDJ", "CSNL", "TD"],
                refusal: ["否", "是"],
                consent: ["营销", "服务"],
                risk: ["低", "中", "高"],
                teams: ["一组", "二组", "三组"],
                encoding: Encoding::Gb18030,
            },
        }
    }
}

impl Customers<'_> {
    /// Writes a branch's tables into its folder: today's customers without labels, attributes, contacts, and confidential suppressions.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(in crate::demo) fn write(
        &self,
        schema: &Schema,
        folder: &Path,
        language: Language,
        now: u64,
    ) -> anyhow::Result<()> {
        create_private_folder(folder)?;
        let unread = |name: &str| {
            let labels = schema.labels().iter().map(|label| label.name.as_str());
            labels.chain(schema.audits().iter().map(|field| field.name.as_str())).any(|known| known == name)
        };
        let kept: Vec<usize> = (0..self.header.len()).filter(|at| !unread(&self.header[*at])).collect();
        let of = |row: &[String]| -> Vec<String> { kept.iter().map(|at| row[*at].clone()).collect() };
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| of(row)).collect();
        let plain = Dialect::comma_separated();
        table(folder.join(CUSTOMERS), &plain, &of(self.header), &rows)?;

        let ids: Vec<&str> = self.rows.iter().map(|row| row[0].as_str()).collect();
        let codes = Codes::of(language);
        let dialect = Dialect { encoding: codes.encoding, ..Dialect::comma_separated() };
        let attributes: Vec<Vec<String>> = ids.iter().map(|id| self.attributes(id, &codes)).collect();
        table(folder.join(ATTRIBUTES), &dialect, &codes.columns.map(str::to_owned), &attributes)?;

        let called = ids.iter().filter(|id| self.share("contacted", id) < CONTACTED);
        let day = |ago: u64| Date::of_second(now.saturating_sub(ago * DAY)).to_string();
        let contacts: Vec<Vec<String>> =
            called.flat_map(|id| (1..=CONTACTS).map(|times| vec![(*id).to_owned(), day(5 * times)])).collect();
        table(folder.join(CONTACTS_FILE), &plain, &["customer".to_owned(), "day".to_owned()], &contacts)?;

        let mut hidden = ids;
        hidden.sort_by(|one, other| self.share("hidden", one).total_cmp(&self.share("hidden", other)));
        let hidden: Vec<Vec<String>> = hidden.iter().take(CONFIDENTIAL).map(|id| vec![(*id).to_owned()]).collect();
        table(folder.join(CONFIDENTIAL_FILE), &plain, &["customer".to_owned()], &hidden)
    }

    fn attributes(&self, id: &str, codes: &Codes) -> Vec<String> {
        let below = |what: &str, share: f64| usize::from(self.share(what, id) < share);
        let place = |what: &str, bounds: &[f64]| {
            let share = self.share(what, id);
            bounds.iter().filter(|bound| share >= **bound).count()
        };
        let refusal = codes.refusal[below("refusal", REFUSE)];
        let consent = codes.consent[below("consent", NOT_AGREED)];
        let risk = codes.risk[place("risk", &[0.7, 0.93])];
        let tolerance = TOLERANCES[place("tolerance", &[0.06, 0.3, 0.65, 0.9])];
        let team = codes.teams[place("team", &[0.4, 0.75])];
        [id, refusal, consent, risk, tolerance, team].map(str::to_owned).to_vec()
    }

    /// Evenly between 0 and 1, by the customer and what is asked.
    fn share(&self, what: &str, id: &str) -> f64 {
        let Digest(bytes) = Digest::of(format!("{} {what} {id}", self.seed).as_bytes());
        let first = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        f64::from(first) / (f64::from(u32::MAX) + 1.0)
    }
}

fn table(path: PathBuf, dialect: &Dialect, header: &[String], rows: &[Vec<String>]) -> anyhow::Result<()> {
    write_csv(&path, dialect, header, rows).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_follow_from_the_customer_and_the_seed_and_every_rule_has_somebody() {
        let customers = |seed| Customers { header: &[], rows: Vec::new(), seed };
        let codes = Codes::of(Language::English);
        let of = |seed, number: u32| customers(seed).attributes(&format!("c{number}"), &codes);
        assert_eq!(of(1, 7), of(1, 7));
        let all: Vec<_> = (0..1000).map(|number| of(1, number)).collect();
        assert_ne!(all, (0..1000).map(|number| of(2, number)).collect::<Vec<_>>());
        let having = |column: usize, value: &str| all.iter().filter(|row| row[column] == value).count();
        for (column, value, least, most) in [
            (1, "yes", 50, 115),
            (2, "service", 80, 165),
            (3, "high", 40, 105),
            (4, "C1", 35, 90),
            (5, "west", 200, 300),
        ] {
            assert!((least..=most).contains(&having(column, value)), "{value}: {}", having(column, value));
        }
    }
}
