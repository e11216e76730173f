//! What the table of attributes says of a customer, and which words of it let a customer into a list. A word that is not named is a refusal.

use tributary_protocol::printable::is_hidden;
use tributary_settings::Document;

use super::table::TableRules;

/// Longest name of a column, and longest code, in bytes.
const TEXT_BYTES_MAX: usize = 128;
/// What [`name`] takes.
pub(super) const NAME: &str = "1 to 128 bytes, without a character that is not shown";
/// Most steps of a scale.
const LEVELS_MAX: usize = 20;

/// The rules about the table of attributes.
#[derive(Clone, Debug)]
pub struct AttributeRules {
    /// The table.
    pub table: TableRules,
    /// The column in which a customer refuses contacts, and the codes of those who do not.
    pub opt_out: Consent,
    /// The column of purposes that a customer has agreed to, and the codes of this one.
    pub consent: Consent,
    /// The column of the risk level: the last step that is let in.
    pub risk: Option<Levels>,
    /// The column of the risk that a customer can bear: the first step that the product needs.
    pub tolerance: Option<Levels>,
    /// The column of the team that looks after a customer.
    pub team: Option<String>,
}

/// A column in which only some codes let a customer in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The column.
    pub column: String,
    /// The codes that let in.
    pub allowed: Vec<String>,
    /// What stands between several codes of one value.
    pub divider: Option<String>,
}

impl Consent {
    /// Whether one of the codes of a value lets in: a customer has agreed to this purpose, whatever else a customer has agreed to.
    #[must_use]
    pub fn allows(&self, value: &str) -> bool {
        match &self.divider {
            None => self.is_allowed(value),
            Some(divider) => value.split(divider.as_str()).any(|code| self.is_allowed(code)),
        }
    }

    /// Whether every code of a value lets in: one that does not is a refusal, whatever stands beside it.
    #[must_use]
    pub fn allows_all(&self, value: &str) -> bool {
        match &self.divider {
            None => self.is_allowed(value),
            Some(divider) => value.split(divider.as_str()).all(|code| self.is_allowed(code)),
        }
    }

    fn is_allowed(&self, code: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == code.trim())
    }
}

/// A scale, lowest step first, and the step where it is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    /// The column.
    pub column: String,
    /// Codes of the steps, lowest first.
    pub steps: Vec<String>,
    /// The step at which it is cut, from 0.
    pub cut: usize,
}

impl Levels {
    /// The step of a value; nothing for a code that is not named.
    fn step(&self, value: &str) -> Option<usize> {
        self.steps.iter().position(|step| step == value.trim())
    }

    /// Whether a value is known and not above the cut.
    #[must_use]
    pub fn is_at_most(&self, value: &str) -> bool {
        self.step(value).is_some_and(|step| step <= self.cut)
    }

    /// Whether a value is known and not below the cut.
    #[must_use]
    pub fn is_at_least(&self, value: &str) -> bool {
        self.step(value).is_some_and(|step| step >= self.cut)
    }
}

/// A name of a column, or a code.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.trim();
    ((1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.contains(is_hidden)).then(|| text.to_owned())
}

/// The columns of attributes under `[attributes]`, whose table was read before.
pub(super) fn attributes(file: &mut Document, table: Option<TableRules>) -> Option<AttributeRules> {
    let opt_out = consent(file, "attributes.opt_out");
    let consented = consent(file, "attributes.consent");
    let risk = optional(file, "attributes.risk", |file, key| levels(file, key, "most"));
    let tolerance = optional(file, "attributes.tolerance", |file, key| levels(file, key, "least"));
    let team = optional(file, "attributes.team", |file, key| file.text(key, NAME, None, name));
    Some(AttributeRules {
        table: table?,
        opt_out: opt_out?,
        consent: consented?,
        risk: risk?,
        tolerance: tolerance?,
        team: team?,
    })
}

fn optional<T>(
    file: &mut Document,
    key: &str,
    read: impl FnOnce(&mut Document, &str) -> Option<T>,
) -> Option<Option<T>> {
    if file.has(key) { read(file, key).map(Some) } else { Some(None) }
}

fn consent(file: &mut Document, key: &str) -> Option<Consent> {
    let of = |part: &str| format!("{key}.{part}");
    let column = file.text(&of("column"), NAME, None, name);
    let allowed = codes(file, &of("allowed"));
    let divider = optional(file, &of("divider"), |file, key| {
        file.text(key, "1 to 8 characters that are no letters and no digits", None, |text| {
            let plain = text.chars().all(|letter| !letter.is_alphanumeric() && !letter.is_control());
            ((1..=8).contains(&text.chars().count()) && plain).then(|| text.to_owned())
        })
    });
    if let (Some(allowed), Some(Some(divider))) = (&allowed, &divider)
        && allowed.iter().any(|code| code.contains(divider.as_str()))
    {
        file.fault(&of("divider"), "a divider that stands in a code", "a divider that no code holds");
        return None;
    }
    Some(Consent { column: column?, allowed: allowed?, divider: divider? })
}

/// Different codes, one at least.
fn codes(file: &mut Document, key: &str) -> Option<Vec<String>> {
    let codes = file.texts(key, &format!("a list of codes, each {NAME}"), name)?;
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != codes.len() {
        file.fault(key, "a code that is there twice", "each code once");
        return None;
    }
    Some(codes)
}

fn levels(file: &mut Document, key: &str, cut: &str) -> Option<Levels> {
    let of = |part: &str| format!("{key}.{part}");
    let column = file.text(&of("column"), NAME, None, name);
    let steps = codes(file, &of("levels"));
    let cut_key = of(cut);
    let at = file.text(&cut_key, "one of the levels", None, name);
    let (column, steps, at) = (column?, steps?, at?);
    if steps.len() < 2 || steps.len() > LEVELS_MAX {
        file.fault(&of("levels"), format!("{} levels", steps.len()), format!("2 to {LEVELS_MAX} levels, lowest first"));
        return None;
    }
    let Some(cut) = steps.iter().position(|step| *step == at) else {
        file.fault(&cut_key, format!("{at:?}, which is no level"), format!("one of {}", steps.join(", ")));
        return None;
    };
    Some(Levels { column, steps, cut })
}
