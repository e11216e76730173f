//! From the text of rules to rules: every fault at once, and rules that contradict each other are none.

use std::collections::BTreeSet;
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;
use tributary_protocol::roster::MemberName;
use tributary_protocol::secagg::suite::VerifyingKey;
use tributary_settings::{Document, Faults};

use super::attributes::{NAME, attributes, name};
use super::delivery::delivery;
use super::table::TableRules;
use super::terms::{Choice, Confidential, ContactCap, HoldOut, Measure, Quota, Rules, Span};
use crate::data::mapped_source;

/// Commented rules with every key.
pub const SAMPLE: &str = include_str!("../../../../docs/samples/rules.toml");

/// Most lines of a list.
const TOP_MAX: i64 = 1_000_000;
/// Most teams with a quota.
const QUOTAS_MAX: usize = 256;
/// Of a thousand lines of a table, how many may be gone since the last list, where rules do not say it.
const LOST_PERMILLE: u16 = 200;
/// Smallest hold-out in which confidential suppressions are hidden, of a thousand.
const HIDING_PERMILLE_MIN: u16 = 20;

impl Rules {
    /// Reads rules.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Faults> {
        let mut file = Document::parse(path, text)?;
        let campaign = file.text("list.campaign", NAME, None, name);
        let purpose = file.text("list.purpose", NAME, None, name);
        let branch = match file.has("list.branch") {
            true => {
                let named = |text: &str| MemberName::parse(text).ok();
                file.text("list.branch", "a branch's name, ORGANISATION/ID", None, named).map(Some)
            }
            false => Some(None),
        };
        let approvers = approvers(&mut file);
        let last_day = file.date("list.valid_until", "the last day of these rules, YYYY-MM-DD", None, Date::parse);
        let utc_offset_minutes = file.integer("list.utc_offset_minutes", 0..=840, Some(480_u16));
        let label = file.text("scores.label", NAME, None, name);
        let scores_days_max = file.integer("scores.days_max", 1..=366, Some(35_u16));
        let states = match file.has("scores.states") {
            true => file.texts("scores.states", "a list of champion, pilot, challenger", |text| {
                ["champion", "pilot", "challenger"].contains(&text).then(|| text.to_owned())
            }),
            false => Some(["champion", "pilot"].map(str::to_owned).to_vec()),
        };
        let choice = choice(&mut file);
        let table = table(&mut file, path, "attributes")?;
        let attributes = attributes(&mut file, table);
        let teams = attributes.as_ref().is_none_or(|attributes| attributes.team.is_some());
        let quotas = quotas(&mut file, teams, choice.map(|choice| choice.span));
        let contacts = contacts(&mut file, path)?;
        let hold_out = hold_out(&mut file);
        let confidential = confidential(&mut file, path, hold_out.flatten())?;
        let delivery = delivery(&mut file, teams);
        file.finish()?;
        let here = "every value is there when no fault is";
        Ok(Self {
            digest: Digest::of(text.as_bytes()),
            campaign: campaign.expect(here),
            purpose: purpose.expect(here),
            branch: branch.expect(here),
            approvers: approvers.expect(here),
            last_day: last_day.expect(here),
            utc_offset_minutes: utc_offset_minutes.expect(here),
            label: label.expect(here),
            scores_days_max: scores_days_max.expect(here),
            states: states.expect(here),
            choice: choice.expect(here),
            attributes: attributes.expect(here),
            quotas: quotas.expect(here),
            contacts: contacts.expect(here),
            hold_out: hold_out.expect(here),
            confidential: confidential.expect(here),
            delivery: delivery.expect(here),
        })
    }
}

fn approvers(file: &mut Document) -> Option<Vec<VerifyingKey>> {
    const KEY: &str = "list.approvers";
    // The sample's key of zeros is nobody's.
    let of_somebody = |key: &VerifyingKey| key.as_ed25519().is_some_and(|bytes| bytes.iter().any(|byte| *byte != 0));
    let keys = file.texts(KEY, "public keys of the branch's risk control, each ed25519: and 64 digits", |text| {
        VerifyingKey::of_text(text).filter(of_somebody)
    })?;
    let texts: BTreeSet<String> = keys.iter().map(ToString::to_string).collect();
    if texts.len() != keys.len() {
        file.fault(KEY, "a key that is there twice", "each key once");
        return None;
    }
    Some(keys)
}

fn choice(file: &mut Document) -> Option<Choice> {
    let measures = [Measure::Score, Measure::Probability, Measure::Decile, Measure::Points];
    let by = file.choice("choose.by", &measures.map(|measure| (measure.word(), measure)), None);
    let span = match (file.has("choose.top"), file.has("choose.threshold")) {
        (true, false) => file.integer("choose.top", 1..=TOP_MAX, None).map(Span::Top),
        (false, true) => {
            let (allowed, fits): (_, fn(f64) -> bool) = match by {
                Some(Measure::Probability) => ("between 0 and 1", |value| 0.0 < value && value < 1.0),
                Some(Measure::Decile) => {
                    ("1 to 10, whole", |value| (1.0..=10.0).contains(&value) && value.fract() == 0.0)
                }
                _ => ("from -1000000 to 1000000", |value| (-1e6..=1e6).contains(&value)),
            };
            file.number("choose.threshold", allowed, None, fits).map(Span::Threshold)
        }
        (both, _) => {
            let _known = (file.integer::<u32>("choose.top", i64::MIN..=i64::MAX, Some(1)), ());
            let _known = file.number("choose.threshold", "a number", Some(0.0), |_| true);
            let found = if both { "both of top and threshold" } else { "neither top nor threshold" };
            file.fault("choose.top", found, "top: at most so many customers; or threshold: all that reach a value");
            None
        }
    };
    Some(Choice { by: by?, span: span? })
}

/// Where the table under a key comes from, and its customers.
fn table(file: &mut Document, path: &Path, key: &str) -> Result<Option<TableRules>, Faults> {
    let customer = file.text(&format!("{key}.customer"), NAME, None, name);
    let may_be_empty = file.boolean(&format!("{key}.may_be_empty"), false);
    let lost_permille_max = file.integer(&format!("{key}.lost_permille_max"), 0..=1000, Some(LOST_PERMILLE));
    let source = mapped_source(file, path, (key, false))?;
    let table = || {
        Some(TableRules {
            source: source?,
            customer: customer?,
            may_be_empty: may_be_empty?,
            lost_permille_max: lost_permille_max?,
        })
    };
    Ok(table())
}

fn quotas(file: &mut Document, teams: bool, span: Option<Span>) -> Option<Vec<Quota>> {
    const KEY: &str = "quotas";
    let prefixes = file.tables(KEY, QUOTAS_MAX)?;
    let mut quotas = Vec::new();
    for prefix in &prefixes {
        let team = file.text(&format!("{prefix}.team"), NAME, None, name);
        let most = file.integer(&format!("{prefix}.most"), 1..=TOP_MAX, None);
        quotas.push(team.zip(most).map(|(team, most)| Quota { team, most }));
    }
    let quotas: Vec<Quota> = quotas.into_iter().collect::<Option<_>>()?;
    if quotas.is_empty() {
        return Some(quotas);
    }
    let names: BTreeSet<&str> = quotas.iter().map(|quota| quota.team.as_str()).collect();
    if names.len() != quotas.len() {
        file.fault(KEY, "a team that is there twice", "each team once");
        return None;
    }
    if !teams {
        file.fault(KEY, "quotas of teams, without teams", "attributes.team, the column that says the team");
        return None;
    }
    let sum: u64 = quotas.iter().map(|quota| u64::from(quota.most)).sum();
    if let Some(Span::Top(top)) = span
        && sum < u64::from(top)
    {
        let allowed = format!("quotas whose sum reaches choose.top, which is {top}; or a smaller top");
        file.fault(KEY, format!("a sum of {sum}"), allowed);
        return None;
    }
    Some(quotas)
}

fn contacts(file: &mut Document, path: &Path) -> Result<Option<Option<ContactCap>>, Faults> {
    if !file.has("contacts") {
        return Ok(Some(None));
    }
    let most = file.integer("contacts.most", 1..=100, None);
    let window_days = file.integer("contacts.window_days", 1..=366, None);
    let table = match file.has("contacts.table") {
        true => {
            let day = file.text("contacts.table.day", NAME, None, name);
            table(file, path, "contacts.table")?.zip(day).map(Some)
        }
        false => Some(None),
    };
    let cap = || Some(ContactCap { most: most?, window_days: window_days?, table: table? });
    Ok(cap().map(Some))
}

fn hold_out(file: &mut Document) -> Option<Option<HoldOut>> {
    if !file.has("hold_out") {
        return Some(None);
    }
    // A hold-out of all would leave nobody to contact.
    let permille = file.integer("hold_out.permille", 1..=900, None);
    let days = file.integer("hold_out.days", 1..=1827, None);
    let over = [("campaign", false), ("branch", true)];
    let whole_branch = file.choice("hold_out.over", &over, Some(false));
    Some(Some(HoldOut { permille: permille?, days: days?, whole_branch: whole_branch? }))
}

/// Suppressed customers hide among those who are held out. So there must be a hold-out, a large one, and one for all campaigns: whoever is missing
/// in every campaign by chance would stand out.
fn confidential(
    file: &mut Document,
    path: &Path,
    hold_out: Option<HoldOut>,
) -> Result<Option<Option<Confidential>>, Faults> {
    const KEY: &str = "confidential";
    if !file.has(KEY) {
        return Ok(Some(None));
    }
    let table = table(file, path, KEY)?;
    let renewed_permille = file.integer("confidential.renewed_permille", 5..=100, Some(10_u16));
    match hold_out {
        Some(HoldOut { permille, whole_branch: true, .. }) if permille >= HIDING_PERMILLE_MIN => {}
        _ => {
            let allowed = format!(
                "a [hold_out] of at least {HIDING_PERMILLE_MIN} permille with over = \"branch\", in which the suppressed customers cannot be told apart"
            );
            file.fault(KEY, "confidential suppressions, without such a hold-out", allowed);
            return Ok(None);
        }
    }
    let found = || Some(Confidential { table: table?, renewed_permille: renewed_permille? });
    Ok(found().map(Some))
}
