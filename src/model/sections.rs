//! What an evaluation says beyond a label's own figures, as tables: groups, importance, weights of evidence, stability.

use tributary_coordinator::registry::{Evaluation, Moved};
use tributary_model::cells::Cell;
use tributary_model::metrics::{
    Compared, Estimate, FieldImportance, FieldWeights, GROUP_LIST_SHARE, GroupFigures, HeadFigures, Importance,
};
use tributary_texts::{Language, Said, evaluation as words};

use super::figures::shown;
use crate::page::{Entry, Section};

/// An estimate with its interval.
pub(super) fn told(estimate: &Estimate) -> String {
    let Estimate { value, low, high } = estimate;
    format!("{} [{}, {}]", shown(*value), shown(*low), shown(*high))
}

/// The values of a cell.
pub(super) fn cell(cell: &Cell, language: Language) -> String {
    match cell {
        Cell::Between(low, high) => words::between(number(*low), number(*high)).text(language).to_owned(),
        Cell::Category(name) => name.clone(),
        Cell::Missing => words::no_value().text(language).to_owned(),
    }
}

/// An edge of a bin, to four digits.
fn number(value: f64) -> String {
    let digits = if value.fract() == 0.0 || value.abs() >= 1000.0 { 0 } else { 2 };
    format!("{value:.digits$}")
}

/// Every table of one label.
pub(super) fn of_head(evaluation: &Evaluation, head: &HeadFigures, language: Language) -> Vec<Section> {
    let mut sections = Vec::new();
    if !head.groups.is_empty() {
        sections.push(groups(&head.groups, language));
    }
    if let Some(importance) = &evaluation.importance {
        sections.push(importance_of(importance, &head.head, language));
    }
    let weights: Vec<&FieldWeights> = evaluation.weights.iter().filter(|field| field.head == head.head).collect();
    if !weights.is_empty() {
        sections.push(weights_of(&weights, language));
    }
    sections
}

fn groups(groups: &[GroupFigures], language: Language) -> Section {
    let compared = |of: &Option<Compared>| match of {
        Some(Compared { own, difference }) => {
            let below = format!("{} {}", words::to_all().text(language), told(difference));
            Entry { text: told(own), below: Some(below) }
        }
        None => Entry::of(words::group_small().text(language)),
    };
    let row = |group: &GroupFigures| {
        let figures = [&group.positives, &group.listed, &group.found, &group.score, &group.calibration];
        let named = [Entry::of(cell(&group.group, language)), Entry::of(told(&group.customers))];
        named.into_iter().chain(figures.into_iter().map(compared)).collect()
    };
    Section {
        title: words::groups(),
        note: Some(words::groups_note(format!("{:.0}", 100.0 * GROUP_LIST_SHARE))),
        columns: vec![
            words::group(),
            words::customers(),
            words::positives(),
            words::group_listed(),
            words::group_found(),
            words::group_score(),
            words::group_calibration(),
        ],
        rows: groups.iter().map(row).collect(),
    }
}

/// One figure of a group.
type Figure = fn(&GroupFigures) -> Option<Compared>;

/// Every figure of a group by name.
pub(super) fn of_groups() -> [(Said, Figure); 4] {
    [
        (words::positives(), |group| group.positives),
        (words::group_listed(), |group| group.listed),
        (words::group_found(), |group| group.found),
        (words::group_calibration(), |group| group.calibration),
    ]
}

/// Fields of one label, the most important one first.
pub(super) fn by_importance<'a>(importance: &'a Importance, head: &str) -> Vec<&'a FieldImportance> {
    let Importance::Fields(fields) = importance else { return Vec::new() };
    let mut own: Vec<&FieldImportance> = fields.iter().filter(|field| field.head == head).collect();
    let size = |field: &FieldImportance| field.variance.map_or(-1.0, |variance| variance.value);
    own.sort_by(|one, other| size(other).total_cmp(&size(one)));
    own
}

fn importance_of(importance: &Importance, head: &str, language: Language) -> Section {
    let note = match importance {
        Importance::Fields(_) => words::importance_note(),
        Importance::NoCounts => words::importance_no_counts(),
        Importance::NotAdditive => words::importance_not_additive(),
    };
    let row = |field: &&FieldImportance| {
        let variance = field.variance.map_or_else(|| words::too_few().text(language).to_owned(), |of| told(&of));
        let noise = field.noise.map_or_else(|| words::noise_unknown().text(language).to_owned(), shown);
        let verdict = match (field.variance, field.noise) {
            (Some(_), Some(_)) if field.below_noise => words::below_noise().text(language).to_owned(),
            (Some(_), Some(_)) => words::above_noise().text(language).to_owned(),
            _ => String::new(),
        };
        [field.field.as_str(), &variance, &noise, &verdict].map(Entry::of).into()
    };
    let rows: Vec<Vec<Entry>> = by_importance(importance, head).iter().map(row).collect();
    let columns = if rows.is_empty() {
        Vec::new()
    } else {
        vec![words::field(), words::variance(), words::training_noise(), words::below_noise_or_not()]
    };
    Section { title: words::importance(), note: Some(note), columns, rows }
}

fn weights_of(fields: &[&FieldWeights], language: Language) -> Section {
    let few = || words::too_few().text(language).to_owned();
    let value = |field: &FieldWeights| field.information_value.map_or(-1.0, |value| value.value);
    let mut sorted = fields.to_vec();
    sorted.sort_by(|one, other| value(other).total_cmp(&value(one)));
    let mut rows = Vec::new();
    for field in sorted {
        let of_field = field.information_value.map_or_else(few, |value| told(&value));
        let title = words::information_value(&field.field).text(language).to_owned();
        rows.push([title, String::new(), String::new(), of_field].map(Entry::of).into());
        for bin in &field.bins {
            let share = bin.positives.map_or_else(few, |share| told(&share));
            let weight = bin.weight.map_or_else(few, |weight| told(&weight));
            rows.push([cell(&bin.bin, language), told(&bin.customers), share, weight].map(Entry::of).into());
        }
    }
    Section {
        title: words::weights(),
        note: Some(words::weights_note()),
        columns: vec![words::bin(), words::customers(), words::positives(), words::weight()],
        rows,
    }
}

/// How far scores and fields have moved since the last run.
pub(super) fn stability(evaluation: &Evaluation, language: Language) -> Option<Section> {
    let stability = evaluation.stability.as_ref()?;
    let row = |name: String, moved: &Moved| -> Vec<Entry> {
        let index = moved.index.map_or_else(|| words::too_few().text(language).to_owned(), |index| told(&index));
        [name, index].map(Entry::of).into()
    };
    let scores =
        stability.scores.iter().map(|moved| row(words::scores_of(&moved.name).text(language).to_owned(), moved));
    let fields = stability.fields.iter().map(|moved| row(moved.name.clone(), moved));
    Some(Section {
        title: words::stability(stability.run),
        note: Some(words::stability_note()),
        columns: vec![words::field(), words::index()],
        rows: scores.chain(fields).collect(),
    })
}
