//! Cases with the code that each must get.

use super::code;

/// Cases that did not get their code, and how many there were.
#[derive(Default)]
pub(crate) struct Score {
    cases: usize,
    wrong: Vec<String>,
}

impl Score {
    pub(crate) fn expect(&mut self, name: &str, expected: u8, bundle: &[u8]) {
        self.cases += 1;
        let (found, words) = code(bundle, false);
        if found != expected {
            self.wrong.push(format!("{name}: {found} where {expected} is due\n{words}"));
        }
    }

    /// All of them got theirs, and there were no fewer than so many.
    pub(crate) fn close(self, least: usize) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n\n"));
        assert!(self.cases >= least, "{} cases", self.cases);
    }
}
