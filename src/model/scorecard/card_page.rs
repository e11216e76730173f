//! A scorecard as one page of HTML that opens anywhere.

use std::fmt::Write as _;

use tributary_model::scorecard::Scorecard;
use tributary_texts::{Language, Said, evaluation, scorecard as words};

use super::rows::{Block, PairTable, Row};
use crate::model::figures::shown;
use crate::model::sections::told;
use crate::page::{CLOSED, escaped, opened};

/// One label's card.
pub(super) struct Shown<'a> {
    pub(super) card: &'a Scorecard,
    pub(super) blocks: &'a [Block],
    pub(super) pairs: &'a [PairTable],
    /// What stands above the table, in words.
    pub(super) notes: &'a [Said],
    /// What people have set, in words.
    pub(super) changes: &'a [Said],
}

/// One page for the labels of a model.
pub(super) fn page(model: &str, cards: &[Shown<'_>], language: Language) -> String {
    let say = |said: &Said| escaped(said.text(language));
    let short: String = model.chars().take(16).collect();
    let labels: Vec<&str> = cards.iter().map(|own| own.card.head.as_str()).collect();
    let mut out = opened(words::title(labels.join(language.comma()), short).text(language), language);
    let _ = writeln!(out, "<p><code>{}</code></p>", escaped(model));
    for Shown { card, blocks, pairs, notes, changes } in cards {
        let _ = writeln!(out, "<h2>{}</h2>", say(&evaluation::label(&card.head)));
        for note in *notes {
            let _ = writeln!(out, "<p class=\"note\">{}</p>", say(note));
        }
        out.push_str("<div class=\"scroll\"><table><tr>");
        let columns = [words::values(), words::points(), words::exact(), words::weight(), words::evidence()];
        for column in &columns {
            let _ = write!(out, "<th>{}</th>", say(column));
        }
        out.push_str("</tr>\n");
        let base = format!("<td class=\"n\">{}</td><td class=\"n\">{}</td>", card.base, shown(card.base_exact));
        let _ = writeln!(out, "<tr><td>{}</td>{base}<td></td><td></td></tr>", say(&words::base()));
        for block in *blocks {
            let information = block.information.map_or_else(String::new, |value| {
                format!("{}{} {}", language.semicolon(), words::information().text(language), told(&value))
            });
            let heading = escaped(&format!("{}{information}", block.heading));
            let _ = writeln!(out, "<tr class=\"head\"><td colspan=\"{}\">{heading}</td></tr>", columns.len());
            block.rows.iter().for_each(|one| row(&mut out, one, language));
        }
        out.push_str("</table></div>\n");
        pairs.iter().for_each(|pair| pair_table(&mut out, pair));
        if !changes.is_empty() {
            let _ = writeln!(out, "<h3>{}</h3>", say(&words::changes()));
            let _ = writeln!(out, "<p class=\"note\">{}</p>", say(&words::card_alone()));
            for change in *changes {
                let _ = writeln!(out, "<p>{}</p>", say(change));
            }
        }
    }
    let _ = write!(out, "<p class=\"note\">{}</p>\n{CLOSED}", say(&words::reasons()));
    out
}

fn row(out: &mut String, row: &Row, language: Language) {
    let points = row.points.map(|points| points.to_string()).unwrap_or_default();
    let set = row
        .model_points
        .map_or_else(String::new, |points| format!("<small>{}</small>", escaped(words::set(points).text(language))));
    let number = |number: Option<f64>| number.map(shown).unwrap_or_default();
    let evidence = row.evidence.as_ref().map(told).unwrap_or_default();
    let _ = writeln!(
        out,
        "<tr><td>{}</td><td class=\"n\">{points}{set}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{evidence}</td></tr>",
        escaped(&row.values),
        number(row.exact),
        number(row.weight),
    );
}

fn pair_table(out: &mut String, pair: &PairTable) {
    let _ = write!(out, "<h3>{}</h3>\n<div class=\"scroll\"><table><tr><th></th>", escaped(&pair.title));
    for column in &pair.columns {
        let _ = write!(out, "<th>{}</th>", escaped(column));
    }
    out.push_str("</tr>\n");
    for (values, points) in &pair.rows {
        let _ = write!(out, "<tr><td>{}</td>", escaped(values));
        for points in points {
            let _ = write!(out, "<td class=\"n\">{points}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></div>\n");
}
