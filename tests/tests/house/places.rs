//! What is done in one place: the provider, the clock, and text of others.

use std::fs;

use crate::{collect, root};

/// The workspace's sources whose text is of such a kind, by their paths below the root.
fn sources_that(hold: impl Fn(&str) -> bool) -> Vec<String> {
    let mut sources = Vec::new();
    collect(&root(), &mut sources);
    sources.retain(|path| hold(&fs::read_to_string(path).expect("UTF-8")));
    let below = |path: &std::path::PathBuf| path.strip_prefix(root()).expect("below the root").display().to_string();
    sources.iter().map(below).collect()
}

/// The same without tests and benches.
fn shipped_sources_that(hold: impl Fn(&str) -> bool) -> Vec<String> {
    let mut sources = sources_that(hold);
    sources.retain(|path| !path.split('/').any(|part| part == "tests" || part == "benches"));
    sources
}

/// The provider of TLS is chosen in one file; tests of certificates may choose others to be refused.
#[test]
fn the_crypto_provider_is_chosen_in_one_place() {
    let mut chosen = sources_that(|text| text.contains("rustls::crypto"));
    chosen.retain(|path| !path.starts_with("certs/tests/") && !path.starts_with("tests/tests/house/"));
    assert_eq!(chosen, ["certs/src/provider.rs"]);
}

/// The machine's clock is read in one file: a clock before 1970 is refused there, and panics nowhere. Tests may read it.
#[test]
fn the_clock_is_read_in_one_place() {
    let words = ["SystemTime::now", "duration_since(UNIX_EPOCH", "DefaultTimeProvider", "UnixTime::now"];
    let read = shipped_sources_that(|text| words.iter().any(|word| text.contains(word)));
    assert_eq!(read, ["certs/src/clock.rs"]);
}

/// Bytes that should be text become text in one file, which escapes them. The others quote what is theirs: a proxy's line, as a quoted text
/// that is escaped too, and the operator's own files.
#[test]
fn bytes_of_others_become_text_in_one_place() {
    let known = [
        "client/src/data/records.rs",
        "client/src/settings.rs",
        "protocol/src/printable.rs",
        "transport/src/tcp/proxy.rs",
    ];
    assert_eq!(shipped_sources_that(|text| text.contains("from_utf8_lossy")), known);
}

/// What travels or is recorded holds text of others as a type that prints itself escaped. The others: a group's name and a stage's kind, which are
/// checked before anything is done with a plan; a limit's words; and the branch's own words for its customers.
#[test]
fn what_travels_holds_no_bare_text() {
    let mut sources = Vec::new();
    collect(&root().join("protocol/src/message"), &mut sources);
    sources.extend(
        ["plan/fault.rs", "plan/mod.rs", "plan/model_ref.rs", "plan/stage.rs", "plan/terms.rs", "round/event.rs"]
            .map(|name| root().join("protocol/src").join(name)),
    );
    let (mut bare, mut untrusted) = (Vec::new(), 0);
    for path in sources {
        let text = fs::read_to_string(&path).expect("UTF-8");
        untrusted += text.matches(": Untrusted,").count();
        let fields = text.lines().map(str::trim).filter(|line| line.contains("String") && line.ends_with(','));
        bare.extend(fields.map(str::to_owned));
    }
    assert_eq!(
        (bare, untrusted),
        (
            ["found: String,", "pub kind: String,", "pub group: String,", "pub kind: String,", "population: String,"]
                .map(str::to_owned)
                .into(),
            7
        )
    );
}
