//! What differs between two plans, in words: what is weaker for customers and branches stands first.

use core::fmt;

use serde::Serialize;
use tributary_protocol::plan::Plan;
use tributary_protocol::printable::Printable;

use crate::portrait::{Fact, Portrait, Weight};

/// What a change does to those whose data it is. In the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It protects less, or reaches further.
    Weaker,
    /// Nobody but a person can say.
    MayBeWeaker,
    /// Neither.
    Other,
    /// It protects more, or reaches less far.
    Stronger,
}

/// One fact that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Which fact.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// What the change does.
    pub effect: Effect,
    /// In the first plan.
    pub before: Option<Printable>,
    /// In the second one.
    pub after: Option<Printable>,
}

/// All that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Differences {
    /// Digest of the first plan.
    pub from: String,
    /// Digest of the second one.
    pub to: String,
    /// What is said before everything else, where a plan is in a weak mode; see [`Portrait::warning`].
    pub warnings: Vec<String>,
    /// Weaker ones first.
    pub differences: Vec<Difference>,
}

impl Differences {
    /// Between two plans.
    #[must_use]
    pub fn of(before: &Plan, after: &Plan) -> Self {
        let (one, other) = (Portrait::of(before), Portrait::of(after));
        let changed = other.facts.iter().filter_map(|after| change(one.fact(&after.key), Some(after)));
        let gone = one.facts.iter().filter(|before| other.fact(&before.key).is_none());
        let mut differences: Vec<Difference> =
            changed.chain(gone.filter_map(|before| change(Some(before), None))).collect();
        // Stable: within one effect the order of the plan stays.
        differences.sort_by_key(|difference| difference.effect);
        let warnings = [("before", one.warning), ("after", other.warning)].into_iter();
        let warnings = warnings.filter_map(|(which, warning)| warning.map(|text| format!("{which}: {text}"))).collect();
        Self { from: one.digest, to: other.digest, warnings, differences }
    }

    /// Those that are weaker, or may be.
    pub fn weaker(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| difference.effect <= Effect::MayBeWeaker)
    }
}

fn change(before: Option<&Fact>, after: Option<&Fact>) -> Option<Difference> {
    let named = after.or(before)?;
    let effect = match (before, after) {
        (Some(before), Some(after)) if before == after => return None,
        (Some(before), Some(after)) => compared(before.weight, after.weight),
        (None, Some(after)) if is_of_presence(after) => Effect::Weaker,
        (Some(before), None) if is_of_presence(before) => Effect::Stronger,
        // What one of the two does not have at all, a stage or a guarantee, no number compares.
        _ if named.weight == Weight::Neutral => Effect::Other,
        _ => Effect::MayBeWeaker,
    };
    let shown = |fact: Option<&Fact>| fact.map(|fact| fact.shown.clone());
    let (key, label) = (named.key.clone(), named.label.clone());
    Some(Difference { key, label, effect, before: shown(before), after: shown(after) })
}

fn is_of_presence(fact: &Fact) -> bool {
    matches!(fact.weight, Weight::Presence | Weight::Lasting(_))
}

fn compared(before: Weight, after: Weight) -> Effect {
    let (less, more) = match (before, after) {
        (Weight::More(before), Weight::More(after)) | (Weight::Lasting(before), Weight::Lasting(after)) => {
            (after, before)
        }
        (Weight::Less(before), Weight::Less(after)) => (before, after),
        (Weight::Neutral, Weight::Neutral) => return Effect::Other,
        _ => return Effect::MayBeWeaker,
    };
    // `less` is what a stronger plan has less of.
    match less.partial_cmp(&more) {
        Some(core::cmp::Ordering::Greater) => Effect::Weaker,
        Some(core::cmp::Ordering::Less) => Effect::Stronger,
        Some(core::cmp::Ordering::Equal) => Effect::Other,
        None => Effect::MayBeWeaker,
    }
}

/// For a terminal.
impl fmt::Display for Differences {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in &self.warnings {
            writeln!(out, "{warning}")?;
        }
        if self.differences.is_empty() {
            return writeln!(out, "The two plans are the same.");
        }
        let weaker = self.weaker().count();
        writeln!(out, "{} facts differ; {weaker} of them are weaker, or may be.", self.differences.len())?;
        for difference in &self.differences {
            let mark = match difference.effect {
                Effect::Weaker => "WEAKER       ",
                Effect::MayBeWeaker => "MAY BE WEAKER",
                Effect::Other => "other        ",
                Effect::Stronger => "stronger     ",
            };
            let shown = |text: &Option<Printable>| text.as_ref().map_or("nothing".to_owned(), ToString::to_string);
            let (label, before, after) =
                (Printable::new(&difference.label), shown(&difference.before), shown(&difference.after));
            writeln!(out, "{mark}  {label}: {before} -> {after}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
