//! `year.toml`, key by key: what a federation means to spend over years.
//!
//! What each key means stands in `docs/samples/year.toml`.

pub(crate) mod file;

use std::path::Path;

pub use file::YearFile;
use tributary_model::privacy::{DELTA_ALLOWED, EPSILON_ALLOWED, is_delta, is_epsilon};
use tributary_model::year::{PLANNED_MONTHS_MAX, RUN_KINDS_MAX, RUNS_A_MONTH_MAX, RunKind, YearPlan, is_kind_name};
use tributary_protocol::privacy::Month;
use tributary_settings::{Document, Faults};

/// Reads a year.toml.
///
/// # Errors
/// Every fault of the file at once.
pub fn load(path: &Path) -> Result<YearPlan, Faults> {
    read(Document::open(path)?)
}

const MONTH: &str = "a month, such as \"2027-01\"";

fn read(mut file: Document) -> Result<YearPlan, Faults> {
    let begins = file.text("year.begins", MONTH, None, month);
    let months = file.integer("year.months", 1..=PLANNED_MONTHS_MAX.into(), Some(36_u32));
    let epsilon_life = file.number("year.epsilon_life", EPSILON_ALLOWED, None, is_epsilon);
    let epsilon_year = file.number("year.epsilon_year", EPSILON_ALLOWED, None, is_epsilon);
    let delta = file.number("year.delta", DELTA_ALLOWED, None, is_delta);
    if let (Some(year), Some(life)) = (epsilon_year, epsilon_life)
        && year > life
    {
        file.fault("year.epsilon_year", year.to_string(), format!("at most epsilon_life, which is {life}"));
    }
    let name = |text: &str| is_kind_name(text).then(|| text.to_owned());
    let names = file.texts("year.kinds", "a list of names, each 1 to 64 of a-z, 0-9, - and _", name);
    let names = names.unwrap_or_default();
    if names.len() > RUN_KINDS_MAX {
        file.fault("year.kinds", format!("{} names", names.len()), format!("at most {RUN_KINDS_MAX}"));
    }
    let ends = begins.zip(months).map(|(begins, months)| (begins, begins.plus(months.saturating_sub(1))));
    let mut kinds = Vec::new();
    for (place, name) in names.iter().enumerate() {
        if names.iter().take(place).any(|before| before == name) {
            file.fault("year.kinds", format!("{name:?} twice"), "each name once");
            continue;
        }
        let key = |word: &str| format!("kind.{name}.{word}");
        let epsilon = file.number(&key("epsilon"), EPSILON_ALLOWED, None, is_epsilon);
        let every = file.integer(&key("every_months"), 1..=PLANNED_MONTHS_MAX.into(), Some(1_u32));
        let runs = file.integer(&key("runs"), 1..=RUNS_A_MONTH_MAX.into(), Some(1_u32));
        let first = file.text(&key("first"), MONTH, ends.map(|(begins, _)| begins), month);
        let last = file.text(&key("last"), MONTH, ends.map(|(_, last)| last), month);
        if let (Some(epsilon), Some(every), Some(runs), Some(first), Some(last)) = (epsilon, every, runs, first, last) {
            if ends.is_some_and(|(begins, ends)| first < begins || last > ends || first > last) {
                let allowed = "months of the plan, the first not after the last";
                file.fault(&key("first"), format!("{first} to {last}"), allowed);
            }
            kinds.push(RunKind { name: name.clone(), epsilon, first, last, every, runs });
        }
    }
    file.finish()?;
    let here = "every value is there when no fault is";
    Ok(YearPlan {
        begins: begins.expect(here),
        months: months.expect(here),
        delta: delta.expect(here),
        epsilon_year: epsilon_year.expect(here),
        epsilon_life: epsilon_life.expect(here),
        kinds,
    })
}

/// `2027-01`.
fn month(text: &str) -> Option<Month> {
    let (year, month) = text.split_once('-')?;
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str| text.parse::<u32>().ok();
    let (year, month) = (digits(year, 4) && digits(month, 2)).then_some((number(year)?, number(month)?))?;
    ((1970..=9000).contains(&year) && (1..=12).contains(&month)).then(|| Month(year * 12 + month - 1))
}

/// A commented year.toml with every key.
#[cfg(test)]
const SAMPLE: &str = include_str!("../../docs/samples/year.toml");

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<YearPlan, Faults> {
        read(Document::parse("year.toml".as_ref(), text).unwrap())
    }

    #[test]
    fn the_sample_is_a_plan_for_three_years_that_its_caps_pay_for() {
        let plan = parsed(SAMPLE).unwrap();
        assert_eq!((plan.months, plan.kinds.len(), plan.kinds[0].last), (36, 2, plan.begins.plus(35)));
        let outlook = plan.outlook();
        assert_eq!((&outlook.stops_in_year, &outlook.stops_for_life), (&None, &None), "{outlook}");
        assert_eq!((outlook.runs_planned, outlook.runs_paid), (42, 42));
        assert!(plan.is_valid());
        // What the sample leaves to the defaults is what its comments say.
        let said = SAMPLE.replace("# every_months = 1", "every_months = 1").replace("# runs = 1", "runs = 1");
        let said = said.replace("# first = \"2027-01\"", "first = \"2027-01\"");
        let said = said.replace("# last = \"2029-12\"", "last = \"2029-12\"");
        assert_eq!(parsed(&said).unwrap(), plan);
    }

    #[test]
    fn every_fault_is_explained() {
        let cases = [
            ("begins = \"2027-01\"", "begins = \"2027-13\"", "year.begins", "a month"),
            ("begins = \"2027-01\"", "begins = \"27-01\"", "year.begins", "a month"),
            ("months = 36", "months = 121", "year.months", "120"),
            ("epsilon_year = 4.5", "epsilon_year = 8.5", "year.epsilon_year", "at most epsilon_life"),
            ("delta = 1e-6", "delta = 0.5", "year.delta", "at most 0.001"),
            ("[\"churn\", \"validation\"]", "[\"churn\", \"churn\", \"validation\"]", "year.kinds", "once"),
            ("[\"churn\", \"validation\"]", "[\"churn\"]", "kind.validation", ""),
            ("epsilon = 0.3", "epsilon = 0.0", "kind.validation.epsilon", "above 0"),
            ("every_months = 6", "every_months = 0", "kind.validation.every_months", "1"),
            ("first = \"2027-06\"", "first = \"2026-06\"", "kind.validation.first", "months of the plan"),
        ];
        for (line, by, key, allowed) in cases {
            assert!(SAMPLE.contains(line), "{line}");
            let faults = parsed(&SAMPLE.replacen(line, by, 1)).expect_err(by);
            let fault = faults.faults.iter().find(|fault| fault.key.starts_with(key));
            assert!(fault.is_some_and(|fault| fault.allowed.contains(allowed)), "{by}: {faults}");
        }
    }
}
