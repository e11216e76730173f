//! How a text file is written, in words, for the owner who signs it.

use tributary_model::schema::{Decimal, Dialect, Layout};
use tributary_texts::{Said, mapping as words};

/// How a text file is written.
pub(in crate::data) fn said_of(dialect: &Dialect) -> Said {
    let letter = |letter: u8| format!("{:?}", char::from(letter));
    let layout = match &dialect.layout {
        Layout::Delimited { delimiter, quote } => {
            let quote = quote.map_or_else(words::no_quotes, |quote| words::quotes(letter(quote)));
            words::delimited(format!("{delimiter:?}"), quote)
        }
        Layout::Fixed(spans) => {
            let spans: Vec<String> = spans.iter().map(|span| format!("{}-{}", span.first, span.last)).collect();
            words::fixed(spans.join(", "))
        }
    };
    let decimal = match dialect.decimal {
        Decimal::Point => words::decimal_point(),
        Decimal::Comma => words::decimal_comma(),
    };
    let comment = dialect.comment.map_or_else(Said::empty, |comment| words::comments(letter(comment)));
    let columns = dialect.columns.as_ref().map_or_else(words::columns_of_first_line, |columns| {
        let columns: Vec<String> = columns.iter().map(|column| format!("{column:?}")).collect();
        words::columns_without_header(columns.join(", "))
    });
    words::dialect(dialect.encoding.name(), layout, decimal, comment, columns)
}
