//! `tributary client sent`: what left this branch, from the file that its daemon keeps. The file's chain is checked as it is read.

use std::collections::BTreeMap;

use tributary_certs::inspect::date;
use tributary_client::sent::{Entry, FILE, Kind, read};
use tributary_client::settings::Settings;
use tributary_texts::{Language, sent as texts, words};

use crate::exit::{Exit, Failure};
use crate::json;
use crate::options::AskOptions;

/// Prints every message, and what all of them come to.
///
/// # Errors
/// If settings or file cannot be used, or the file was changed: then what stands before that is printed.
pub(crate) fn run(options: &AskOptions, language: Language) -> Result<Exit, Failure> {
    let settings = Settings::load(&options.config).map_err(Failure::settings)?;
    let path = settings.state_dir.join(FILE);
    if !path.exists() {
        return Err(Failure::failed(texts::nothing(path.display()).text(language)));
    }
    let mut kinds: BTreeMap<Kind, (u64, u64)> = BTreeMap::new();
    let found = read(&path, |entry| {
        let (count, bytes) = kinds.entry(entry.kind).or_default();
        (*count, *bytes) = (count.saturating_add(1), bytes.saturating_add(entry.bytes));
        if options.json { json::print(entry) } else { println!("{}", line(entry, language)) }
    });
    let sent = found.map_err(|fault| Failure::failed(texts::changed(path.display(), fault).text(language)))?;
    if !options.json {
        for (kind, (count, bytes)) in kinds {
            println!("{}", texts::sum(kind.name(), count, bytes).text(language));
        }
        println!("{}", texts::whole(sent.lines, sent.chain).text(language));
        if let Some(bytes) = sent.torn {
            println!("{}", texts::torn(bytes).text(language));
        }
    }
    Ok(Exit::Done)
}

fn line(entry: &Entry, language: Language) -> String {
    let yes = |word: Option<bool>| match word {
        None => "-".to_owned(),
        Some(true) => words::yes().text(language).to_owned(),
        Some(false) => words::no().text(language).to_owned(),
    };
    let run = entry.run.as_deref().map_or("-", |run| run.get(..8).unwrap_or(run));
    let round = entry.round.map_or("-".to_owned(), |round| round.to_string());
    let (kind, bytes) = (format!("{:<14}", entry.kind.name()), format!("{:>9}", entry.bytes));
    let [masked, noised] = [entry.masked, entry.noised].map(yes);
    let digest = entry.digest.get(..16).unwrap_or(&entry.digest);
    texts::message(date(entry.at / 1_000), run, round, kind, bytes, masked, noised, digest).text(language).to_owned()
}
