//! What the people of a branch read stands in one table: sources that print it have no sentence of their own.

use std::collections::BTreeSet;
use std::fs;

use crate::root;

/// Sources whose words people of a branch read in their own language, and pages of papers.
const SPEAKERS: [&str; 64] = [
    "src/authorise.rs",
    "src/branch.rs",
    "src/card.rs",
    "src/confirm.rs",
    "src/customer.rs",
    "src/dataset.rs",
    "src/demo/month/page.rs",
    "src/five_parts.rs",
    "src/list.rs",
    "src/model/page.rs",
    "src/model/scorecard/card_page.rs",
    "src/model/scorecard/mod.rs",
    "src/model/scorecard/rows.rs",
    "src/ready.rs",
    "src/redteam/page.rs",
    "src/report/page.rs",
    "src/report/page/impact.rs",
    "src/report/page/late.rs",
    "src/report/page/processing.rs",
    "src/report/page/security.rs",
    "src/scores.rs",
    "src/sent_page.rs",
    "src/sheet/cells.rs",
    "src/sheet/table.rs",
    "client/src/begin.rs",
    "client/src/budget.rs",
    "client/src/budget/report/words.rs",
    "client/src/contact/approve.rs",
    "client/src/contact/commands.rs",
    "client/src/contact/customer/erase.rs",
    "client/src/contact/customer/exclude.rs",
    "client/src/contact/customer/explain.rs",
    "client/src/contact/customer/show.rs",
    "client/src/contact/deliver.rs",
    "client/src/contact/purge.rs",
    "client/src/contact/recall.rs",
    "client/src/contact/rules_words.rs",
    "client/src/contact/undone.rs",
    "client/src/contact/view.rs",
    "client/src/control/ask.rs",
    "client/src/control/status.rs",
    "client/src/data/events/words.rs",
    "client/src/data/mapping/words.rs",
    "client/src/dataset/change.rs",
    "client/src/dataset/events.rs",
    "client/src/dataset/leakage.rs",
    "client/src/dataset/mod.rs",
    "client/src/dataset/report.rs",
    "client/src/dataset/sources.rs",
    "client/src/dataset/verdict.rs",
    "client/src/grants/owner.rs",
    "client/src/init.rs",
    "client/src/raise.rs",
    "client/src/ready/gate.rs",
    "client/src/ready/stamp.rs",
    "client/src/ready/store.rs",
    "client/src/ready/survey.rs",
    "client/src/release.rs",
    "client/src/score/actions/words.rs",
    "client/src/score/rater.rs",
    "client/src/standing.rs",
    "client/src/telemetry.rs",
    "transport/src/preflight/clocks.rs",
    "transport/src/preflight/ways.rs",
];

/// Sentences that are left: the title of a file, what a part that speaks English alone is given, and what would be a fault of the program.
const LEFT: [&str; 3] =
    ["tributary data 1", "ready file: a title, `date YYYY-MM-DD`, and a line of `sha256sum`", "it was not tried"];

/// The texts in quotes of a source, without its comments, its tests, attributes and what is said of the impossible.
fn quoted(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().map(str::trim_start).filter(|line| !line.starts_with("//") && !line.starts_with("#["));
    let lines = lines.filter(|line| !line.contains(".expect(") && !line.contains("tracing::"));
    let code: String = lines.map(|line| format!("{line}\n")).collect();
    let (mut texts, mut inside, mut escaped) = (Vec::new(), None::<String>, false);
    for character in code.chars() {
        match (&mut inside, character) {
            (None, '"') => inside = Some(String::new()),
            (None, _) => {}
            (Some(text), '"') if !escaped => {
                texts.push(std::mem::take(text));
                inside = None;
            }
            (Some(text), character) => text.push(character),
        }
        escaped = character == '\\' && !escaped;
    }
    texts
}

/// Words that follow each other.
fn is_sentence(text: &str) -> bool {
    let words = text.split(' ').filter(|word| word.len() > 1 && word.chars().all(|c| c.is_alphabetic() || c == '\''));
    words.count() >= 2
}

#[test]
fn what_people_read_stands_in_the_table() {
    let (mut found, mut left) = (Vec::new(), BTreeSet::new());
    for file in SPEAKERS {
        let source = fs::read_to_string(root().join(file)).unwrap_or_else(|fault| panic!("{file}: {fault}"));
        assert!(source.contains("tributary_texts"), "{file} says nothing from the table");
        let texts = quoted(&source);
        for text in texts.into_iter().filter(|text| is_sentence(text)) {
            match LEFT.iter().find(|known| **known == text) {
                Some(known) => drop(left.insert(*known)),
                None => found.push(format!("{file}: {text}")),
            }
        }
    }
    assert_eq!(left, LEFT.into_iter().collect(), "a sentence that is left no more must leave the list");
    assert!(found.is_empty(), "sentences that are in one language alone: move them into the crate `texts`: {found:#?}");
}

#[test]
fn a_sentence_is_told_from_a_name() {
    let source = "fn f() {\n    // \"no sentence of ours\"\n    say(\"the budget file is lost\", \"data.file\", \"a \\\" b\");\n}\n#[cfg(test)]\n\"in a test\"";
    let texts = quoted(source);
    assert_eq!(texts, ["the budget file is lost", "data.file", "a \\\" b"]);
    assert_eq!(texts.iter().map(|text| is_sentence(text)).collect::<Vec<_>>(), [true, false, false]);
}
