//! What databases write differently: names, texts, numbers, and how a text is looked at.

use super::super::ExportFault;
use super::super::column::{NUMBER_CHARACTERS_MAX, NUMBER_PATTERN};

/// A dialect of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// What PostgreSQL, SQLite and others that follow the standard share.
    Ansi,
    /// Oracle Database from 12.2 on. The empty text is NULL there.
    Oracle,
    /// Apache Hive from 2.2 on.
    Hive,
}

/// Most columns of one step of a statement. Oracle takes 1000, PostgreSQL 1664.
pub(super) const COLUMNS_MAX: usize = 1000;

/// Longest name in Oracle, in bytes.
const ORACLE_NAME_BYTES_MAX: usize = 128;

/// Oracle's own numbers are within this and one over it.
const ORACLE_NUMBER_MAX: f64 = 1e100;

/// Blanks around a text, all that Unicode has.
const BLANKS: &str = "\t\n\u{b}\u{c}\r \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\
    \u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 3] = [Self::Ansi, Self::Oracle, Self::Hive];

    /// The word at the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ansi => "ansi",
            Self::Oracle => "oracle",
            Self::Hive => "hive",
        }
    }

    /// A name of a table or column, whatever it is.
    pub(super) fn name_of(self, name: &str) -> Result<String, ExportFault> {
        let fault = |why| ExportFault::Name {
            dialect: self.name(),
            name: tributary_protocol::printable::Printable::new(name).to_string(),
            why,
        };
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(fault("a name has one character or more, and no control character"));
        }
        match self {
            Self::Ansi => Ok(format!("\"{}\"", name.replace('"', "\"\""))),
            Self::Oracle if name.contains('"') => Err(fault("its names cannot hold a double quote")),
            // Its command line asks for what follows an ampersand, and puts the answer into the statement.
            Self::Oracle if name.contains('&') => Err(fault("its command line replaces what follows an ampersand")),
            Self::Oracle if name.len() > ORACLE_NAME_BYTES_MAX => Err(fault("its names have 128 bytes at most")),
            Self::Oracle => Ok(format!("\"{name}\"")),
            // Variables, those of the environment among them, are put in before a statement is read.
            Self::Hive if name.contains("${") => Err(fault("its command line replaces what stands in ${ }")),
            Self::Hive => Ok(format!("`{}`", name.replace('`', "``"))),
        }
    }

    /// A column that keeps a planner from writing one step into the next: each step is named several times in the one after it, and the statement
    /// would grow with every one of them.
    pub(super) const fn fence(self) -> Option<&'static str> {
        match self {
            Self::Ansi => Some("ROW_NUMBER() OVER ()"),
            Self::Oracle => Some("ROWNUM"),
            Self::Hive => None,
        }
    }

    /// A table, whose name may begin with those of its catalogue and schema.
    pub(super) fn table(self, table: &str) -> Result<String, ExportFault> {
        let parts: Vec<String> = table.split('.').map(|part| self.name_of(part)).collect::<Result<_, _>>()?;
        Ok(parts.join("."))
    }

    /// A text.
    pub(super) fn text(self, text: &str) -> String {
        match self {
            Self::Ansi => format!("'{}'", text.replace('\'', "''")),
            Self::Oracle => {
                let quoted = format!("'{}'", text.replace('\'', "''"));
                // Its command line asks for what follows an ampersand, also in a text.
                if text.contains('&') { format!("({})", quoted.replace('&', "' || CHR(38) || '")) } else { quoted }
            }
            // Hive reads escapes; its command line divides at a semicolon even in a text, and puts in variables.
            Self::Hive => {
                let mut out = String::from("'");
                for character in text.chars() {
                    match character {
                        '\\' => out.push_str("\\\\"),
                        '\'' => out.push_str("\\u0027"),
                        ';' => out.push_str("\\u003B"),
                        '$' => out.push_str("\\u0024"),
                        other => out.push(other),
                    }
                }
                out.push('\'');
                out
            }
        }
    }

    /// A number. What has no exponent has a point, so that nothing is divided as whole numbers.
    pub(super) fn number(self, number: f64) -> Result<String, ExportFault> {
        let size = number.abs();
        let written = if self == Self::Hive || (number != 0.0 && !(1e-6..1e15).contains(&size)) {
            format!("{number:E}")
        } else {
            format!("{number:?}")
        };
        let fits = number == 0.0 || (1.0 / ORACLE_NUMBER_MAX..=ORACLE_NUMBER_MAX).contains(&size);
        if self == Self::Oracle && !fits {
            return Err(ExportFault::Number { dialect: self.name(), number: written });
        }
        Ok(written)
    }

    /// The type of a double.
    pub(super) const fn double(self) -> &'static str {
        match self {
            Self::Ansi => "DOUBLE PRECISION",
            Self::Oracle => "BINARY_DOUBLE",
            Self::Hive => "DOUBLE",
        }
    }

    /// A column as text, without blanks around it.
    pub(super) fn trimmed(self, column: &str) -> String {
        match self {
            Self::Ansi => {
                let blanks = self.text(BLANKS);
                format!("LTRIM(RTRIM(CAST({column} AS VARCHAR), {blanks}), {blanks})")
            }
            // A database in a Chinese encoding does not have all of Unicode: what it lacks would become a question mark, and be cut off.
            Self::Oracle => {
                let blanks = "CHR(9) || CHR(10) || CHR(11) || CHR(12) || CHR(13) || ' \u{3000}'";
                format!("LTRIM(RTRIM(CAST({column} AS VARCHAR2(4000)), {blanks}), {blanks})")
            }
            Self::Hive => {
                let blanks = r"[\\s\\u0085\\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000]+";
                format!("REGEXP_REPLACE(CAST({column} AS STRING), '^{blanks}|{blanks}$', '')")
            }
        }
    }

    /// Whether a trimmed text is the empty one, or none.
    pub(super) fn is_empty(self, text: &str) -> String {
        match self {
            Self::Oracle => format!("{text} IS NULL"),
            Self::Ansi | Self::Hive => format!("{text} IS NULL OR {text} = ''"),
        }
    }

    /// Whether a double has a value that is no infinity.
    pub(super) fn is_finite(self, number: &str) -> String {
        match self {
            Self::Ansi => format!("{number} BETWEEN -1.7976931348623157E308 AND 1.7976931348623157E308"),
            // What is no number is the largest of all there.
            Self::Oracle => format!("ABS({number}) < BINARY_DOUBLE_INFINITY"),
            Self::Hive => format!("ABS({number}) <= 1.7976931348623157E308 AND {number} = {number}"),
        }
    }

    /// A trimmed text as a number, where it is one, in one expression; nothing where that takes steps.
    pub(super) fn parsed(self, text: &str) -> Option<String> {
        let most = NUMBER_CHARACTERS_MAX;
        match self {
            Self::Ansi => None,
            // The point of a number is what the session says.
            Self::Oracle => Some(format!(
                "CASE WHEN LENGTH({text}) <= {most} AND REGEXP_LIKE({text}, '^{NUMBER_PATTERN}$') THEN \
                 TO_BINARY_DOUBLE(REPLACE({text}, '.', SUBSTR(TO_CHAR(0.5), 1, 1))) END"
            )),
            Self::Hive => Some(format!(
                "CASE WHEN LENGTH({text}) <= {most} AND {text} RLIKE '^{NUMBER_PATTERN}$' THEN CAST({text} AS DOUBLE) END"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a name or a value holds, it stays one, also where a command line replaces variables before the database reads anything.
    #[test]
    fn no_value_is_read_as_anything_else() {
        for (dialect, text, written) in [
            (Dialect::Ansi, "a'); DROP TABLE x; --", "'a''); DROP TABLE x; --'"),
            (Dialect::Oracle, "AT&T's", "('AT' || CHR(38) || 'T''s')"),
            (Dialect::Oracle, "&", "('' || CHR(38) || '')"),
            (Dialect::Hive, r"\';${env:HOME}", r"'\\\u0027\u003B\u0024{env:HOME}'"),
        ] {
            assert_eq!(dialect.text(text), written);
        }
        let (ansi, hive) = (Dialect::Ansi.name_of("a\"&${b}"), Dialect::Hive.name_of("a`&$b"));
        assert_eq!((ansi.unwrap().as_str(), hive.unwrap().as_str()), ("\"a\"\"&${b}\"", "`a``&$b`"));
        let refused = [
            (Dialect::Oracle, "a&b"),
            (Dialect::Oracle, "a\"b"),
            (Dialect::Hive, "${env:HOME}"),
            (Dialect::Ansi, "a\nb"),
        ];
        assert!(refused.iter().all(|(dialect, name)| dialect.name_of(name).is_err()));
    }
}
