//! Texts in files that a spreadsheet may open.

use std::borrow::Cow;

/// Whether a spreadsheet may run a text: it begins as a formula does. Signs of full width are signs as well where the machine writes Chinese or Japanese.
#[must_use]
pub fn begins_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
}

/// A text that a spreadsheet shows and does not run: an apostrophe before it makes it a text there. Numbers stay as they are.
#[must_use]
pub fn defused(text: &str) -> Cow<'_, str> {
    let number =
        || text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && text.parse::<f64>().is_ok();
    if begins_a_formula(text) && !number() { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_a_formula_is_shown_and_not_run() {
        for kept in ["", "a", "1", "-1", "+1.5", "-1e-9", "a=1", "'=1", "一组", " =1"] {
            assert_eq!(defused(kept), kept);
        }
        for run in ["=1", "+a", "-1+1", "-", "@a", "\ta", "\ra", "\na", "＝1+1", "＋a", "－a", "＠a", "-inf", "+nan"]
        {
            assert_eq!(defused(run), format!("'{run}"));
        }
    }
}
