//! A mapping in words, for the owner who signs it.

use tributary_texts::{Said, mapping as words};

use super::dialect_words::said_of;
use super::{Conversion, MappedSource, Mapping, Rule};

impl Mapping {
    /// What it says, line by line.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        let source = match &self.source {
            MappedSource::Text(None) => words::from_text(),
            MappedSource::Text(Some(dialect)) => words::from_own_text(dialect.encoding.name()),
            MappedSource::Parquet => words::from_parquet(),
            MappedSource::Sqlite(_) => words::from_sqlite(),
            MappedSource::Postgres(_) => words::from_postgres(),
            MappedSource::Odbc(_) => words::from_odbc(),
        };
        let mut lines = vec![words::mapping_of(self.schema.short(), source)];
        lines.push(self.branch.as_ref().map_or_else(words::for_any_branch, words::for_branch));
        if let MappedSource::Text(Some(dialect)) = &self.source {
            lines.push(said_of(dialect));
        }
        if let Some(queries) = self.source.queries() {
            let indented =
                |query: &str| query.lines().map(|line| format!("    {}\n", line.escape_debug())).collect::<String>();
            lines.push(words::query(indented(&queries.rows).trim_end()));
            lines.extend(queries.held_out.as_ref().map(|query| words::held_out_query(indented(query).trim_end())));
            lines.extend(queries.score.as_ref().map(|query| words::score_query(indented(query).trim_end())));
            lines.extend(queries.day.as_ref().map(|query| words::date_query(indented(query).trim_end())));
        }
        if let Some(home) = &self.home {
            let values: Vec<String> = home.values.iter().map(|value| format!("{value:?}")).collect();
            lines.push(words::home(format!("{:?}", home.column), values.join(", ")));
        }
        lines.extend(self.rules.iter().map(Rule::said));
        lines.extend(self.events.said());
        lines.push(words::other_columns());
        lines
    }
}

impl Rule {
    fn said(&self) -> Said {
        let conversion = match self.conversion {
            Conversion::AsItIs => Said::empty(),
            Conversion::Number { trailing_sign, money } => {
                let money = money.map(|(from, to)| words::money(from.name(), to.name()));
                let sign = trailing_sign.then(words::trailing_sign);
                Said::joined(&money.into_iter().chain(sign).collect::<Vec<_>>(), "")
            }
            Conversion::Day(form, counted) => words::day(form.name(), counted.name()),
        };
        let kind = self.kind.as_ref().map_or_else(Said::empty, |kind| words::kind(kind.name()));
        let pair = |(code, meaning): &(String, String)| format!("{code:?} = {meaning:?}");
        let codes: Vec<String> = self.codes.iter().map(pair).collect();
        let codes = if codes.is_empty() { Said::empty() } else { words::codes(codes.join(", ")) };
        words::column(format!("{:?}", self.to), format!("{:?}", self.from), kind, codes, conversion)
    }
}
