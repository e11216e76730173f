//! `tributary simulate` through the built executable, and what that executable must not hold.

use std::fs;

use crate::support::{EXECUTABLE, run};

/// As `tributary_protocol::defence` has it, in builds that can take a defence down.
const MARKER: &str = "tributary: built with the feature sabotage, defences can be taken down";

#[test]
fn the_executable_cannot_take_a_defence_down() {
    let bytes = fs::read(EXECUTABLE).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("no invariant was violated"), "the search finds what is there");
    assert_eq!(holds(MARKER), cfg!(feature = "sabotage"));
    #[cfg(feature = "sabotage")]
    assert_eq!(MARKER, tributary_protocol::defence::MARKER);
}

#[test]
fn a_campaign_counts_and_a_trace_tells_the_same_story_twice() {
    let found =
        run(["simulate", "--clients", "8", "--seeds", "3..6", "--rounds", "1", "--faults", "network", "--json"]);
    assert_eq!(found.code, Some(0), "{} {}", found.out, found.err);
    let found = found.json();
    assert_eq!((&found["runs"], &found["faults"]), (&3.into(), &"network".into()));
    assert_eq!(found["violations"], serde_json::json!([]));
    let trace = || run(["simulate", "--clients", "8", "--seed", "3", "--rounds", "1", "--trace"]);
    let (first, second) = (trace(), trace());
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert!(first.out.contains("records RunOpened"), "{}", first.out);
    assert_eq!(first.out, second.out);
}

#[test]
fn what_cannot_be_simulated_is_a_fault_of_usage() {
    let wrong: [&[&str]; 6] = [
        &["simulate", "--clients", "7"],
        &["simulate", "--seeds", "5..5"],
        &["simulate", "--seeds", "5"],
        &["simulate", "--faults", "rain"],
        &["simulate", "--trace"],
        &["simulate", "--seed", "1", "--seeds", "0..2"],
    ];
    for arguments in wrong {
        run(arguments).assert_refused(64, &["error:"]);
    }
}
