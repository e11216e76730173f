//! A scorecard as rows of words, in one language: what the screen, the table file and the page show alike.

use tributary_model::metrics::{Estimate, FieldWeights};
use tributary_model::scorecard::{Also, BinPoints, FieldPoints, Line, PairPoints, Rule, Scorecard, Turn, Values};
use tributary_texts::{Language, scorecard as words};

use crate::model::figures::shown;
use crate::model::sections::cell;

/// One row of a card.
pub(super) struct Row {
    /// The field's code.
    pub(super) code: String,
    /// The field, as its readers call it.
    pub(super) field: String,
    /// The bin's number, for changes.
    pub(super) number: Option<u32>,
    /// Which values.
    pub(super) values: String,
    /// Whole points; none of a number without bins.
    pub(super) points: Option<i64>,
    /// The model's points, where people have set others.
    pub(super) model_points: Option<i64>,
    /// Points before they were rounded.
    pub(super) exact: Option<f64>,
    /// What the values add to the logit.
    pub(super) weight: Option<f64>,
    /// The weight of evidence.
    pub(super) evidence: Option<Estimate>,
}

/// A field and its rows.
pub(super) struct Block {
    /// The code, the name, how points move, and the information value.
    pub(super) heading: String,
    pub(super) information: Option<Estimate>,
    pub(super) rows: Vec<Row>,
}

/// A card in rows, with the weights of evidence that the run counted.
pub(super) fn blocks(card: &Scorecard, weights: &[FieldWeights], language: Language) -> Vec<Block> {
    let of_field = |field: &FieldPoints| {
        let counted = weights.iter().find(|own| own.head == card.head && own.field == field.field);
        block(field, counted, language)
    };
    card.fields.iter().map(of_field).collect()
}

fn block(field: &FieldPoints, counted: Option<&FieldWeights>, language: Language) -> Block {
    let name = name(field, language);
    let turn = match field.turn {
        Turn::Rises => Some(words::rises()),
        Turn::Falls => Some(words::falls()),
        Turn::Level => Some(words::level()),
        Turn::Both => Some(words::both()),
        Turn::Unordered => None,
    };
    let codes = (!field.missing_codes.is_empty()).then(|| words::codes(field.missing_codes.join(language.comma())));
    let listed = match &field.rule {
        Rule::Bins(bins) => bins.iter().filter(|bin| bin.values != Values::Unlisted).count(),
        Rule::Line(_) => 0,
    };
    // A number without bins has evidence as a whole alone.
    let is_other = |counted: &&FieldWeights| listed > 0 && counted.bins.len() != listed;
    let otherwise = counted.filter(is_other).map(|_| words::counted_otherwise());
    let notes = turn.into_iter().chain(codes).chain(otherwise).map(|said| said.text(language).to_owned());
    let heading =
        std::iter::once(format!("{}  {name}", field.code)).chain(notes).collect::<Vec<_>>().join(language.semicolon());
    let information = counted.and_then(|counted| counted.information_value);
    let row = |values: String| Row {
        code: field.code.clone(),
        field: name.clone(),
        number: None,
        values,
        points: None,
        model_points: None,
        exact: None,
        weight: None,
        evidence: None,
    };
    let rows = match &field.rule {
        Rule::Bins(bins) => {
            let counted = counted.filter(|counted| !is_other(counted));
            let of = |(place, bin): (usize, &BinPoints)| {
                let evidence = counted.and_then(|counted| counted.bins.get(place)?.weight);
                Row { evidence, ..of_bin(row(values(bin, language)), bin) }
            };
            bins.iter().enumerate().map(of).collect()
        }
        Rule::Line(line) => {
            let missing = line.missing.iter().map(|bin| of_bin(row(values(bin, language)), bin));
            std::iter::once(row(formula(line, language))).chain(missing).collect()
        }
    };
    Block { heading, information, rows }
}

fn of_bin(row: Row, bin: &BinPoints) -> Row {
    Row {
        number: Some(bin.number),
        points: Some(bin.points),
        model_points: bin.model_points,
        exact: Some(bin.exact),
        weight: Some(bin.weight),
        ..row
    }
}

/// A field's name in a language.
pub(super) fn name(field: &FieldPoints, language: Language) -> String {
    match (language, &field.title_zh) {
        (Language::Chinese, Some(title)) => title.clone(),
        _ => field.field.clone(),
    }
}

/// The values of a bin, and what else counts as them.
fn values(bin: &BinPoints, language: Language) -> String {
    let also = bin.also.iter().map(|also| match also {
        Also::Below => words::also_below(),
        Also::Above => words::also_above(),
        Also::Missing => words::also_missing(),
        Also::Unlisted => words::also_unlisted(),
    });
    let also = also.map(|said| said.text(language).to_owned());
    std::iter::once(named(&bin.values, language)).chain(also).collect::<Vec<_>>().join(language.comma())
}

/// Values of a field in a language.
pub(super) fn named(values: &Values, language: Language) -> String {
    match values {
        Values::Cell(own) => cell(own, language),
        Values::Unlisted => words::unlisted().text(language).to_owned(),
    }
}

fn formula(line: &Line, language: Language) -> String {
    let formula = words::line(shown(line.at_min), shown(line.at_max), &line.share);
    let read_as = line.missing_as.map(words::read_as);
    let all = [formula, words::bounds(line.min, line.max)].into_iter().chain(read_as);
    all.map(|said| said.text(language).to_owned()).collect::<Vec<_>>().join(language.semicolon())
}

/// A table of a pair: its title, what is in each column, and its rows with their points.
pub(super) struct PairTable {
    pub(super) title: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<(String, Vec<i64>)>,
}

/// The tables of a card in words. Groups without a value are left out: no row is in them.
pub(super) fn pairs(card: &Scorecard, language: Language) -> Vec<PairTable> {
    card.pairs.iter().map(|pair| table(pair, language)).collect()
}

fn table(pair: &PairPoints, language: Language) -> PairTable {
    let said =
        |values: &Vec<Values>| values.iter().map(|one| named(one, language)).collect::<Vec<_>>().join(language.comma());
    let kept: Vec<usize> = (0..pair.columns.len()).filter(|column| !pair.columns[*column].is_empty()).collect();
    let rows = pair.rows.iter().zip(pair.cells.chunks_exact(pair.columns.len().max(1)));
    let rows = rows.filter(|(values, _)| !values.is_empty());
    let rows = rows.map(|(values, cells)| (said(values), kept.iter().map(|column| cells[*column].points).collect()));
    PairTable {
        title: words::pair(&pair.fields[0], &pair.fields[1]).text(language).to_owned(),
        columns: kept.iter().map(|column| said(&pair.columns[*column])).collect(),
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use tributary_model::architecture::Architecture;
    use tributary_model::cells::cells_of;
    use tributary_model::metrics::{BinWeight, Estimate};
    use tributary_model::parameters::Parameters;
    use tributary_model::schema::Schema;
    use tributary_model::scorecard::Scale;

    use super::*;

    const SCHEMA: &str = r#"
name = "small"
version = 1
fields = [{ name = "state", kind = "categorical", categories = ["1", "frozen"], class = "C1", level = "L1" }]
labels = [{ name = "churn", positive = ["1"], negative = ["0"] }]
"#;

    /// Evidence stands beside the bins of which it was counted; of other bins the card says that it has none, and why.
    #[test]
    fn evidence_of_other_bins_is_said_to_be_of_others() {
        let schema = Schema::parse(SCHEMA).unwrap();
        let width = schema.width();
        let network = Architecture::logistic(u32::try_from(width).unwrap(), &["churn"]).unwrap();
        let parameters = Parameters::new(network, vec![0.5; width + 1]).unwrap();
        let card = Scorecard::of(&parameters, &schema, "churn", Scale::default()).unwrap();
        let estimate = Estimate { value: 0.25, low: 0.1, high: 0.4 };
        let bin = |bin| BinWeight { bin, customers: estimate, positives: None, weight: Some(estimate) };
        let bins: Vec<BinWeight> = cells_of(&schema.fields()[0], 10).into_iter().map(bin).collect();
        let shown = |bins: Vec<BinWeight>| {
            let (head, field) = ("churn".to_owned(), "state".to_owned());
            let weights = [FieldWeights { head, field, information_value: Some(estimate), bins }];
            let block = blocks(&card, &weights, Language::English).remove(0);
            let evidence = block.rows.iter().filter(|row| row.evidence.is_some()).count();
            (evidence, block.heading.contains("counted by other bins"), block.information.is_some())
        };
        assert!(bins.len() > 1, "{bins:?}");
        assert_eq!(shown(bins.clone()), (bins.len(), false, true));
        assert_eq!(shown(bins[1..].to_vec()), (0, true, true));
    }
}
