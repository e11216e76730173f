//! The client's settings file.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use tributary_protocol::ids::OrganisationId;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule, OUTSIDE_MIN};
use tributary_settings::{Document, Faults};

/// A commented settings file with every key.
pub const SAMPLE: &str = include_str!("../../docs/samples/client.toml");

/// What a client daemon is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the budget file lives.
    pub state_dir: PathBuf,
    /// Where the coordinator listens: host and port.
    pub address: String,
    /// The name that the coordinator's certificate must carry.
    pub server_name: String,
    /// The folder that enrolment wrote.
    pub identity: PathBuf,
    /// The branch's rows.
    pub data_file: PathBuf,
    /// Their feature schema.
    pub schema_file: PathBuf,
    /// Public maximum of this branch's customers.
    pub customers_max: u32,
    /// Public maximum of one customer's rows.
    pub rows_per_customer_max: u32,
    /// Largest epsilon for life.
    pub epsilon_max: f64,
    /// At this delta.
    pub delta: f64,
    /// The cohorts that this branch joins and the coalition that it assumes.
    pub cohort: CohortRule,
    /// Whether a plan without noise is admitted.
    pub allow_no_privacy: bool,
}

impl Settings {
    /// Reads a settings file. Paths in it are relative to the file.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let mut file = Document::open(path)?;
        let state_dir = file.path("client.state_dir");
        let address = file.text("coordinator.address", "HOST:PORT", None, |text| {
            let (host, port) = text.rsplit_once(':')?;
            (!host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)).then(|| text.to_string())
        });
        let host = address.as_deref().and_then(|address| address.rsplit_once(':')).map(|(host, _)| host);
        let host = host.map(|host| host.trim_matches(['[', ']']).to_string());
        let server_name =
            file.text("coordinator.server_name", "a host name or an address", host.or(Some(String::new())), |text| {
                (!text.is_empty()).then(|| text.to_string())
            });
        let identity = file.path("identity.folder");
        if let Some(folder) = identity.as_ref().filter(|folder| !folder.is_dir()) {
            file.fault(
                "identity.folder",
                format!("{}, which is no folder", folder.display()),
                "the folder that enrolment wrote",
            );
        }
        let data_file = file.existing_file("data.file");
        let schema_file = file.existing_file("data.schema");
        let customers_max = file.integer("data.customers_max", 1..=16_777_216, Some(100_000_u32));
        let rows_per_customer_max = file.integer("data.rows_per_customer_max", 1..=32, Some(1_u32));
        let epsilon_max =
            file.number("policy.epsilon_max", "above 0, at most 1000", None, |value| value > 0.0 && value <= 1000.0);
        let delta = file.number("policy.delta", "above 0, at most 0.001", None, |value| value > 0.0 && value <= 1e-3);
        let cohort_min = file.integer("policy.cohort_min", 8..=256, Some(8_u16));
        let coalition = coalition(&mut file);
        let survivors_permille = file.integer("policy.survivors_permille", 500..=1000, Some(800_u16));
        let honest_min = file.integer("policy.honest_min", 1..=256, Some(5_u16));
        let allow_no_privacy = file.boolean("policy.allow_no_privacy", false);
        file.finish()?;
        let here = "every value is there when no fault is";
        Ok(Self {
            state_dir: state_dir.expect(here),
            address: address.expect(here),
            server_name: server_name.expect(here),
            identity: identity.expect(here),
            data_file: data_file.expect(here),
            schema_file: schema_file.expect(here),
            customers_max: customers_max.expect(here),
            rows_per_customer_max: rows_per_customer_max.expect(here),
            epsilon_max: epsilon_max.expect(here),
            delta: delta.expect(here),
            cohort: CohortRule {
                coalition: coalition.expect(here),
                cohort_min: cohort_min.expect(here),
                survivors_permille: survivors_permille.expect(here),
                honest_min: honest_min.expect(here),
            },
            allow_no_privacy: allow_no_privacy.expect(here),
        })
    }

    /// The coordinator's address, looked up now.
    ///
    /// # Errors
    /// If the name does not resolve.
    pub fn resolve(&self) -> std::io::Result<SocketAddr> {
        let none = || std::io::Error::new(std::io::ErrorKind::NotFound, format!("{} has no address", self.address));
        self.address.to_socket_addrs()?.next().ok_or_else(none)
    }
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

    /// The commented sample, with a line of it replaced, in a folder that has what it names.
    fn changed(line: &str, by: &str) -> Result<Settings, Faults> {
        let sample = include_str!("../../docs/samples/client.toml");
        assert!(sample.contains(line), "the sample has no {line}");
        let folder = tempfile::tempdir().unwrap();
        for name in ["customers.csv", "schema.toml"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("identity")).unwrap();
        let path = folder.path().join("client.toml");
        std::fs::write(&path, sample.replace(line, by)).unwrap();
        Settings::load(&path)
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
