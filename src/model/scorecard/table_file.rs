//! A scorecard as a table file: UTF-8, a header, a line for each bin. A text that a spreadsheet would run has an apostrophe before it. `points` are
//! those of the card, as people have set them; `scored_points` are the model's, which scores, lists and letters keep.

use tributary_model::metrics::Estimate;
use tributary_model::scorecard::Scorecard;
use tributary_texts::defused;

use super::rows::Block;

const HEADER: &str = "label,code,field,bin,values,points,model_points,scored_points,exact_points,logit,weight_of_evidence,weight_low,weight_high,\
                      information_value";

/// The cards of several labels, one after the other.
pub(super) fn table_file<'a>(cards: impl Iterator<Item = (&'a Scorecard, &'a [Block])>) -> String {
    let mut out = format!("{HEADER}\r\n");
    let mut line = |cells: Vec<String>| {
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    };
    for (card, blocks) in cards {
        let label = text(&card.head);
        let mut base = vec![label.clone(), String::new(), String::new(), String::new(), "base".into()];
        base.extend([card.base.to_string(), String::new(), card.base.to_string(), card.base_exact.to_string()]);
        base.extend(std::iter::repeat_n(String::new(), 5));
        line(base);
        for block in blocks {
            for row in &block.rows {
                let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
                let whole = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
                let of = |pick: fn(&Estimate) -> f64| number(row.evidence.as_ref().map(pick));
                let mut cells = vec![label.clone(), text(&row.code), text(&row.field)];
                cells.push(row.number.map(|number| number.to_string()).unwrap_or_default());
                cells.extend([text(&row.values), whole(row.points), whole(row.model_points)]);
                cells.push(whole(row.model_points.or(row.points)));
                cells.extend([number(row.exact), number(row.weight)]);
                cells.extend([of(|own| own.value), of(|own| own.low), of(|own| own.high)]);
                cells.push(number(block.information.map(|own| own.value)));
                line(cells);
            }
        }
    }
    out
}

/// A text, quoted where it must be.
fn text(text: &str) -> String {
    let safe = defused(text);
    if safe.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn no_text_is_run_or_breaks_its_cell() {
        for (from, to) in [
            ("age", "age"),
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-3", "-3"),
            ("-3+1", "'-3+1"),
            ("＝1+1", "'＝1+1"),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("=HYPERLINK(\"a\",1)", "\"'=HYPERLINK(\"\"a\"\",1)\""),
        ] {
            assert_eq!(text(from), to);
        }
    }
}
