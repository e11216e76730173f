//! What many runs cost the same daemons: a coordinator and eight branches, as real processes of the built executable.
//!
//! `cargo bench --bench endurance -- runs` lets two hundred short runs follow each other in the same daemons. Then it goes on while fifty daemons are
//! killed at random. It prints what coordinator and branch hold at the tenth run and at the last, and how long they take to start. It fails where
//! that grows beyond its bounds.
//!
//! `cargo bench --bench endurance -- four` compares the CPU of four plans at once with the same four one after the other.
//!
//! `cargo bench --bench endurance -- host` lets fifty branches run on this host, each as a user of its own, and prints what they hold and take. Only root
//! can do that.
//!
//! `cargo bench --bench endurance -- scores` scores tables of 100,000, 400,000 and 1,200,000 customers, prints time and memory of each, and fails where memory
//! grows with the table.
//!
//! Without a word it does all of them.
#![expect(clippy::unwrap_used, reason = "a bench that fails says where")]

mod fleet;
mod four;
mod host;
#[path = "../needed.rs"]
mod needed;
mod runs;
mod scores;
#[path = "../end_to_end/support/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod support;

fn main() {
    let mut given = std::env::args().skip(1);
    if given.next().is_some_and(|first| first == scores::HELD) {
        return scores::held(&given.collect::<Vec<_>>());
    }
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let asked = |word: &str| words.is_empty() || words.iter().any(|other| other == word);
    if asked("runs") {
        runs::measure();
    }
    if asked("four") {
        four::measure();
    }
    if asked("host") {
        host::measure();
    }
    if asked("scores") {
        scores::measure();
    }
}
