//! The `[csv]` table of a schema file.

use toml::Value;

use super::dialect::{Decimal, Dialect, Encoding, LINE_BYTES_MAX, Layout, Span};
use super::node::{Node, described, quoted};
use super::repeated::repeated;

/// Reads the table. `None` only with a fault.
pub(super) fn dialect(node: &Node<'_>) -> Option<Dialect> {
    let comment = node.character("comment");
    let encoding = word(node, "encoding", &Encoding::ALL, Encoding::Utf8);
    let decimal = word(node, "decimal", &[(".", Decimal::Point), (",", Decimal::Comma)], Decimal::Point);
    let columns = columns(node);
    let layout = match node.value("positions") {
        None => delimited(node, comment),
        Some(_) => fixed(node, columns.as_deref(), encoding),
    };
    node.finish();
    Some(Dialect { layout: layout?, encoding: encoding?, decimal: decimal?, comment, columns })
}

fn word<T: Copy>(node: &Node<'_>, key: &'static str, words: &[(&str, T)], default: T) -> Option<T> {
    node.value(key).map_or(Some(default), |_| node.word(key, words))
}

/// The columns, where no line of the file names them.
fn columns(node: &Node<'_>) -> Option<Vec<String>> {
    let header = match node.value("header") {
        None => true,
        Some(Value::Boolean(header)) => *header,
        Some(other) => {
            node.fault("header", described(other), "true or false");
            true
        }
    };
    let columns = node.texts("columns");
    if header != columns.is_empty() {
        node.fault(
            "columns",
            format!("{} columns", columns.len()),
            "the columns in order where header = false, else nothing",
        );
    }
    if let Some(twice) = repeated(columns.iter().map(String::as_str)) {
        node.fault("columns", format!("{} twice", quoted(twice)), "each column once");
    }
    (!header && !columns.is_empty()).then_some(columns)
}

fn delimited(node: &Node<'_>, comment: Option<u8>) -> Option<Layout> {
    let delimiter = node.value("delimiter").map_or(Some(",".to_owned()), |_| node.delimiter("delimiter"));
    let quote = node.value("quote").map_or(Some(b'"'), |_| node.character("quote"));
    let special: Vec<u8> = [quote, comment].into_iter().flatten().collect();
    let within = |byte: &u8| delimiter.as_ref().is_some_and(|delimiter| delimiter.as_bytes().contains(byte));
    if special.iter().any(within) || (quote.is_some() && quote == comment) {
        node.fault("delimiter", "a character that is also the quote or the comment", "three different characters");
    }
    Some(Layout::Delimited { delimiter: delimiter?, quote })
}

fn fixed(node: &Node<'_>, columns: Option<&[String]>, encoding: Option<Encoding>) -> Option<Layout> {
    let positions = node.texts("positions");
    let spans: Vec<Span> = positions.iter().filter_map(|text| span(text)).collect();
    let allowed = "one for each of columns, such as \"1-12\": the first and the last byte of each line, counted from 1";
    let wanted = columns.map_or(0, <[String]>::len);
    if spans.len() < positions.len() || spans.len() != wanted || spans.is_empty() {
        node.fault("positions", format!("{} positions for {wanted} columns", spans.len()), allowed);
        return None;
    }
    if encoding == Some(Encoding::Utf16) {
        node.fault("encoding", "\"utf-16\" with positions", "an encoding in which a line end is one byte");
        return None;
    }
    Some(Layout::Fixed(spans))
}

fn span(text: &str) -> Option<Span> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (1 <= first && first <= last && last <= LINE_BYTES_MAX).then_some(Span { first, last })
}
