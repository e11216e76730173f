//! `tributary client sent`: what left this branch, from the files that its daemon keeps. Their chain is checked as they are read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use tributary_certs::inspect::date;
use tributary_client::sent::{Entry, FILE, Kind, Sent, Title, Unreadable, has_uploads, read};
use tributary_client::settings::Settings;
use tributary_storage::files::{Existing, write_private};
use tributary_texts::{Language, sent as texts};

use crate::branch::explained;
use crate::exit::{Exit, Failure};
use crate::json;
use crate::sent_page::{SentPage, yes};

/// In which form.
#[derive(Args)]
pub(crate) struct SentOptions {
    /// The client's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print one JSON object for each message
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// Write one page instead, with sums by kind; never replaced
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Prints every message and what all of them come to, or writes the page of both.
///
/// # Errors
/// If settings or files cannot be used, or a file was changed: then what stands before that is printed, and no page is written. If an upload is missing that
/// the budget file charges: then what is there is printed, or the page is written, and says so.
pub(crate) fn run(options: &SentOptions, language: Language) -> Result<Exit, Failure> {
    let settings = Settings::load(&options.config).map_err(Failure::settings)?;
    let state = &settings.state_dir;
    let whole = |found: Result<Option<Sent>, Unreadable>| match found {
        Ok(Some(sent)) => Ok(sent),
        Ok(None) => Err(Failure::failed(texts::nothing(state.join(FILE).display()).text(language))),
        Err(fault) => Err(Failure::failed(texts::changed(fault.path.display(), fault.fault).text(language))),
    };
    let complete = || has_uploads(&settings).map_err(|fault| explained(&fault, language));
    if let Some(html) = &options.html {
        return page(state, html, (whole, language), complete);
    }
    let mut kinds: BTreeMap<Kind, (u64, u64)> = BTreeMap::new();
    let sent = whole(read(state, |_, entry| {
        let (count, bytes) = kinds.entry(entry.kind).or_default();
        (*count, *bytes) = (count.saturating_add(1), bytes.saturating_add(entry.bytes));
        if options.json { json::print(entry) } else { println!("{}", line(entry, language)) }
    }))?;
    if !options.json {
        for (kind, (count, bytes)) in kinds {
            println!("{}", texts::sum(kind.name(), count, bytes).text(language));
        }
        println!("{}", texts::whole(sent.lines, sent.chain).text(language));
        if let Some(bytes) = sent.torn {
            println!("{}", texts::torn(bytes).text(language));
        }
    }
    complete()?;
    Ok(Exit::Done)
}

fn page(
    state: &Path,
    html: &Path,
    (whole, language): (impl Fn(Result<Option<Sent>, Unreadable>) -> Result<Sent, Failure>, Language),
    complete: impl Fn() -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let mut page = SentPage::default();
    let sent = whole(read(state, |title: &Title, entry| page.add(title, entry)))?;
    let complete = complete();
    let lacking = complete.as_ref().err().map(|lacking| lacking.message.as_str());
    let text = page.page(&sent, lacking, language);
    write_private(html, text.as_bytes(), Existing::Keep).map_err(Failure::failed)?;
    println!("{}", texts::page_written(html.display(), sent.lines).text(language));
    complete.map(|()| Exit::Done)
}

fn line(entry: &Entry, language: Language) -> String {
    let run = entry.run.as_deref().map_or("-", |run| run.get(..8).unwrap_or(run));
    let round = entry.round.map_or("-".to_owned(), |round| round.to_string());
    let (kind, bytes) = (format!("{:<14}", entry.kind.name()), format!("{:>9}", entry.bytes));
    let [masked, noised] = [entry.masked, entry.noised].map(|word| yes(word, language));
    let digest = entry.digest.get(..16).unwrap_or(&entry.digest);
    texts::message(date(entry.at / 1_000), run, round, kind, bytes, masked, noised, digest).text(language).to_owned()
}
