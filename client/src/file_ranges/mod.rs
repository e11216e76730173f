//! What files that people write may say, found by asking: each key is left out, and given values at its limits and beyond them. What is taken and what is
//! said of the rest stands in a text for each kind of file, and is compared whole.

mod settings;
mod signed;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// A reader of a text: what it says of one that it does not take.
pub(crate) type Reads<'a> = &'a dyn Fn(&str) -> Result<(), String>;

/// Texts of so many bytes are tried.
const LENGTHS: [usize; 14] = [8, 9, 32, 33, 64, 65, 128, 129, 512, 513, 4_096, 4_097, 65_536, 65_537];

/// Numbers that are tried in the place of one with a fraction.
const FRACTIONS: [&str; 14] =
    ["-1e9", "-1.0", "-0.0", "0.0", "1e-30", "1e-9", "0.5", "1.0", "1.5", "10.0", "100.5", "1e6", "1.5e6", "inf"];

/// What a reader makes of a text, and of each change of one line of it.
pub(crate) fn told(text: &str, reads: Reads<'_>) -> String {
    assert_eq!(reads(text), Ok(()), "the text itself is taken");
    let (mut told, mut table) = (String::new(), String::new());
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        if line.starts_with('[') {
            table = (*line).to_owned();
            let unknown = format!("{line}\nno_such_key = 1");
            if reads(&changed(&lines, number, &unknown)).is_ok() {
                let _ = writeln!(told, "{table} takes a key that nobody knows");
            }
            if line.starts_with("[[") && !lines[..number].contains(line) {
                let more =
                    |copies: usize| changed(&lines, number, &format!("{}{line}", format!("{line}\n").repeat(copies)));
                let _ = writeln!(told, "{table} {}", most(&|copies| reads(&more(copies))));
            }
        }
        if let Some((key, value)) = line.split_once(" = ").filter(|(_, value)| *value != "[") {
            let said = of_line((key, value), &|with: Option<String>| {
                reads(&changed(&lines, number, &with.map_or_else(String::new, |value| format!("{key} = {value}"))))
            });
            let _ = write!(told, "{table} {key}\n{said}");
        }
    }
    told
}

/// How many tables of a kind there may be, and how many empty ones beside those that are there make them too many.
fn most(reads: &dyn Fn(usize) -> Result<(), String>) -> String {
    let too_many = |copies: usize| {
        let said = reads(copies).err()?;
        let line = said.lines().find(|line| line.contains("tables [[") && line.ends_with(" at most"))?;
        Some(line.rsplit_once(", ")?.1.to_owned())
    };
    let Some(most) = too_many(5_000) else { return "any number".to_owned() };
    let limit: usize = most.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    let first = (limit.saturating_sub(9)..=limit).find(|copies| too_many(*copies).is_some());
    format!("{most}; {} more are too many", first.unwrap_or(0))
}

/// The lines with another one in the place of one.
fn changed(lines: &[&str], number: usize, by: &str) -> String {
    let of = |(place, line): (usize, &&str)| format!("{}\n", if place == number { by } else { line });
    lines.iter().enumerate().map(of).collect()
}

/// What becomes of one line by the value that it has.
fn of_line((_, value): (&str, &str), reads: &dyn Fn(Option<String>) -> Result<(), String>) -> String {
    let (mut taken, mut refused, mut words) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut ask = |name: String, with: Option<String>| {
        let said = reads(with);
        match &said {
            Ok(()) => taken.push(name),
            Err(fault) => {
                // What is found is told once for each thing that is allowed.
                for line in fault.lines().skip(1).map(short) {
                    let allowed = line.split_once("; allowed: ").map_or("", |(_, allowed)| allowed).to_owned();
                    let key = line.split(':').next().unwrap_or_default().to_owned();
                    words.entry((key, allowed)).or_insert(line);
                }
                refused.push(name);
            }
        }
        said
    };
    let _ = ask("nothing".into(), None);
    if let Ok(number) = value.parse::<i64>() {
        let most = ask("huge".into(), Some(i64::MAX.to_string())).err();
        if let Some((least, most)) = most.as_deref().and_then(range) {
            for near in BTreeSet::from([least - 1, least, most, most + 1]) {
                let _ = ask(near.to_string(), Some(near.to_string()));
            }
        } else {
            for near in [-1, 0, number - 1, number + 1] {
                let _ = ask(near.to_string(), Some(near.to_string()));
            }
        }
    } else if value.parse::<f64>().is_ok() {
        for other in FRACTIONS {
            let _ = ask(other.into(), Some(other.into()));
        }
    } else if let Some(text) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        for (name, other) in [("empty", ""), ("a mark of direction", "\\u202e"), ("a bell", "\\u0007")] {
            let _ = ask(name.into(), Some(format!("\"{other}\"")));
        }
        let _ = ask("blanks around it".into(), Some(format!("\" {text} \"")));
        if ask("a letter more".into(), Some(format!("\"{text}a\""))).is_ok() {
            for length in LENGTHS.iter().filter(|length| **length > text.len()) {
                let longer = format!("{text}{}", "a".repeat(length - text.len()));
                if ask(format!("{length} bytes"), Some(format!("\"{longer}\""))).is_err() {
                    break;
                }
            }
        }
    } else if let Some(inside) = value.strip_prefix('[').and_then(|value| value.strip_suffix(']')) {
        for (name, other) in [
            ("no elements", String::new()),
            ("each twice", format!("{inside}, {inside}")),
            ("a number", "1".into()),
            ("an empty text", format!("{inside}, \"\"")),
        ] {
            let _ = ask(name.into(), Some(format!("[{other}]")));
        }
    } else if let Ok(is) = value.parse::<bool>() {
        let _ = ask((!is).to_string(), Some((!is).to_string()));
    }
    let _ = ask("another kind".into(), Some("[[[1]]]".into()));
    let mut said = String::new();
    for (heading, names) in [("takes", taken), ("refuses", refused)] {
        if !names.is_empty() {
            let _ = writeln!(said, "  {heading}: {}", names.join(", "));
        }
    }
    words.values().for_each(|words| said += &format!("    {words}\n"));
    said
}

/// The first range in what is said: `1 to 32`.
fn range(said: &str) -> Option<(i64, i64)> {
    let words: Vec<&str> = said.split([' ', ',', ';', '(', ')']).collect();
    let of = |words: &[&str]| match words {
        [least, "to", most] => Some((least.parse().ok()?, most.parse().ok()?)),
        _ => None,
    };
    words.windows(3).find_map(of)
}

/// A line of what is said, in which long texts are cut.
fn short(line: &str) -> String {
    let (mut short, mut same) = (String::new(), 0);
    for letter in line.trim().chars() {
        same = if letter == 'a' { same + 1 } else { 0 };
        short.extend((same <= 3).then_some(letter));
    }
    short
}

#[test]
fn the_range_of_a_number_is_read_from_what_is_said_of_another() {
    assert_eq!(range("a: found 9; allowed: 1 to 32 (days)"), Some((1, 32)));
    assert_eq!(range("allowed: an integer from -720 to 840"), Some((-720, 840)));
    assert_eq!(range("allowed: one to ten"), None);
}
