//! What the page maps to laws and artefacts, held against the sections of the page and the commands of the executable.

use clap::CommandFactory as _;
use tributary_texts::{Language, Said, controls, words as terms};

use super::PARTS;
use crate::command::CommandLine;

/// Sections that an English text names.
fn english(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for part in text.split("ection").skip(1) {
        let words = part.trim_start_matches('s').split_whitespace().map(|word| word.trim_matches([',', ';', ':', '.']));
        let numbers = words.filter(|word| *word != "and").map_while(|word| word.parse::<usize>().ok());
        found.extend(numbers);
    }
    found
}

/// Sections that a Chinese text names.
fn chinese(text: &str) -> Vec<usize> {
    let named = text.split("第 ").skip(1).filter_map(|part| part.split_once(" 节"));
    named
        .flat_map(|(numbers, _)| numbers.split('、').map(|number| number.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

/// Commands between backticks.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|named| named.starts_with("tributary "))
}

/// Whether the executable has the command and each of its options.
fn is_there(line: &str) -> bool {
    let mut command = CommandLine::command();
    command.build();
    line.split(' ').skip(1).all(|word| match word.strip_prefix("--") {
        Some(option) => command.get_arguments().any(|argument| argument.get_long() == Some(option)),
        None => command.find_subcommand(word).cloned().map(|found| command = found).is_some(),
    })
}

#[test]
fn every_row_leads_to_a_section_or_a_command_that_there_is() {
    for (number, (heading, _)) in PARTS.iter().enumerate() {
        let heading = heading();
        assert!(
            [Language::English, Language::Chinese]
                .iter()
                .all(|language| heading.text(*language).starts_with(&format!("{number}. ")))
        );
    }
    let evidence: Vec<Said> = controls::controls().into_iter().map(|[_, _, evidence]| evidence).collect();
    let places: Vec<Said> = controls::artefacts().into_iter().map(|[_, place]| place).collect();
    let (mut sections, mut typed) = (0, 0);
    for said in evidence.iter().chain(&places) {
        let [en, zh] = [Language::English, Language::Chinese].map(|language| said.text(language));
        assert_eq!(english(en), chinese(zh), "{en}");
        assert!(english(en).iter().all(|number| *number < PARTS.len()), "{en}");
        commands(en).for_each(|line| assert!(is_there(line), "{line}"));
        sections += english(en).len();
        typed += commands(en).count();
    }
    assert!(sections > 30 && typed > 10, "{sections} {typed}");
    assert!(!is_there("tributary report section") && !is_there("tributary report ropa --section"));
}

#[test]
fn the_laws_of_a_bank_and_all_artefacts_have_a_row() {
    let laws: Vec<Said> = controls::controls().into_iter().map(|[law, _, _]| law).collect();
    for law in [
        "Personal Information Protection Law, articles 28 and 29",
        "JR/T 0171-2020",
        "JR/T 0196-2020",
        "JR/T 0197-2020",
        "GB/T 35273-2020",
        "GB/T 39786-2021",
        "Personal information compliance audit measures",
        "MLPS level 3",
        "NIST SP 800-226",
    ] {
        assert!(laws.iter().any(|said| said.text(Language::English).starts_with(law)), "{law}");
    }
    let artefacts = controls::artefacts();
    assert_eq!(artefacts.len(), 17);
    for (number, [name, _]) in (1..).zip(&artefacts) {
        let begins = |language| name.text(language).starts_with(&format!("A{number} "));
        assert!(begins(Language::English) && begins(Language::Chinese), "{name:?}");
    }
}

#[test]
fn every_kind_of_stage_has_words_in_chinese() {
    for kind in ["count", "quantile", "labels", "mean", "gradient", "local", "staged", "evaluate"] {
        assert!(!terms::stage_of(kind).text(Language::Chinese).contains(kind), "{kind}");
    }
}
