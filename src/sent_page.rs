//! What left a branch as one page, made from the files of `sent.log` alone: to whom, when, how many bytes, masked and noised or not. It asks nobody for
//! anything.

use std::collections::{BTreeMap, VecDeque};

use tributary_certs::inspect::date;
use tributary_client::sent::{Entry, Kind, Sent, Title};
use tributary_protocol::plan::Date;
use tributary_texts::{Language, Said, report, sent as texts, words};

use crate::page::{CLOSED, Entry as Cell, Section, contents, escaped, heading, opened, section};

/// Messages that stand on the page one by one: the newest, on a few printed sheets. All of them are in the sums.
const SHOWN_MAX: usize = 300;

/// Messages and bytes.
#[derive(Clone, Copy, Default)]
struct Sum {
    messages: u64,
    bytes: u64,
}

impl Sum {
    fn add(&mut self, entry: &Entry) {
        self.messages = self.messages.saturating_add(1);
        self.bytes = self.bytes.saturating_add(entry.bytes);
    }

    fn cells(self) -> [Cell; 2] {
        [Cell::of(self.messages.to_string()), Cell::of(self.bytes.to_string())]
    }
}

/// What one kind of message came to.
#[derive(Default)]
struct OfKind {
    sum: Sum,
    /// Messages whose vector was masked, whose vector was not, whose vector carried noise, and whose vector carried none.
    masked: [u64; 2],
    noised: [u64; 2],
}

/// Everything that stands on the page, added up message by message.
#[derive(Default)]
pub(crate) struct SentPage {
    kinds: BTreeMap<Kind, OfKind>,
    months: BTreeMap<(u32, u32), Sum>,
    runs: BTreeMap<String, Sum>,
    whom: BTreeMap<String, Sum>,
    newest: VecDeque<Entry>,
    times: Option<(u64, u64)>,
}

impl SentPage {
    /// Takes a message.
    pub(crate) fn add(&mut self, title: &Title, entry: &Entry) {
        let of_kind = self.kinds.entry(entry.kind).or_default();
        of_kind.sum.add(entry);
        for (counts, word) in [(&mut of_kind.masked, entry.masked), (&mut of_kind.noised, entry.noised)] {
            let count = word.map(|word| &mut counts[usize::from(!word)]);
            count.into_iter().for_each(|count| *count = count.saturating_add(1));
        }
        let seconds = entry.at / 1_000;
        self.months.entry(month_of(seconds)).or_default().add(entry);
        self.whom.entry(title.to.clone()).or_default().add(entry);
        if let Some(run) = &entry.run {
            self.runs.entry(run.clone()).or_default().add(entry);
        }
        let (first, last) = self.times.unwrap_or((seconds, seconds));
        self.times = Some((first.min(seconds), last.max(seconds)));
        if self.newest.len() == SHOWN_MAX {
            self.newest.pop_front();
        }
        self.newest.push_back(entry.clone());
    }

    /// The page, with what is lacking in the files, where something is.
    pub(crate) fn page(&self, sent: &Sent, lacking: Option<&str>, language: Language) -> String {
        let parts = [texts::page_sums(), texts::page_what(), words::runs(), texts::page_messages()];
        let mut out = opened(texts::page_title().text(language), language);
        let notes = self.notes(sent);
        for note in lacking.into_iter().chain(notes.iter().map(|note| note.text(language))) {
            out.push_str(&format!("<p class=\"note\">{}</p>\n", escaped(note)));
        }
        contents(&mut out, &parts, language);
        let sections = [
            vec![self.by_kind(language), self.by_whom(), self.by_month()],
            vec![meanings(language)],
            vec![self.by_run()],
            vec![self.each(language)],
        ];
        for (number, (title, own)) in (1..).zip(parts.iter().zip(&sections)) {
            heading(&mut out, number, title, language);
            own.iter().for_each(|own| section(&mut out, own, "", language));
        }
        out.push_str(CLOSED);
        out
    }

    fn notes(&self, sent: &Sent) -> Vec<Said> {
        let mut notes = vec![texts::page_note()];
        notes.extend(self.times.map(|(first, last)| texts::page_between(date(first), date(last))));
        notes.push(texts::page_whole(sent.lines, sent.files, sent.chain));
        notes.extend(sent.torn.map(texts::torn));
        notes
    }

    fn by_kind(&self, language: Language) -> Section {
        let row = |(kind, own): (&Kind, &OfKind)| {
            let [messages, bytes] = own.sum.cells();
            let [masked, noised] = [own.masked, own.noised].map(|counts| Cell::of(of_vectors(counts, language)));
            let name = Cell { text: meaning(*kind).text(language).to_owned(), below: Some(kind.name().to_owned()) };
            vec![name, messages, bytes, masked, noised]
        };
        let mut rows: Vec<Vec<Cell>> = self.kinds.iter().map(row).collect();
        let all = self.kinds.values().fold(Sum::default(), |all, own| Sum {
            messages: all.messages.saturating_add(own.sum.messages),
            bytes: all.bytes.saturating_add(own.sum.bytes),
        });
        let [messages, bytes] = all.cells();
        rows.push(vec![Cell::of(texts::page_all().text(language)), messages, bytes, Cell::of("-"), Cell::of("-")]);
        Section {
            title: texts::page_by_kind(),
            note: Some(texts::page_by_kind_note()),
            columns: vec![words::kind(), texts::page_count(), texts::page_bytes(), report::masked(), report::noised()],
            rows,
        }
    }

    fn by_whom(&self) -> Section {
        sums(texts::page_by_whom(), texts::page_to(), self.whom.iter().map(|(to, sum)| (to.clone(), *sum)))
    }

    fn by_month(&self) -> Section {
        let months = self.months.iter().map(|((year, month), sum)| (format!("{year:04}-{month:02}"), *sum));
        sums(texts::page_by_month(), report::month(), months)
    }

    fn by_run(&self) -> Section {
        sums(texts::page_by_run(), report::run(), self.runs.iter().map(|(run, sum)| (run.clone(), *sum)))
    }

    fn each(&self, language: Language) -> Section {
        let row = |entry: &Entry| {
            let run = entry.run.as_deref().map_or("-", |run| run.get(..8).unwrap_or(run));
            let [masked, noised] = [entry.masked, entry.noised].map(|word| Cell::of(yes(word, language)));
            vec![
                Cell::of(entry.number.to_string()),
                Cell::of(date(entry.at / 1_000)),
                Cell::of(run),
                Cell::of(entry.round.map_or("-".to_owned(), |round| round.to_string())),
                Cell::of(entry.kind.name()),
                Cell::of(entry.bytes.to_string()),
                masked,
                noised,
                Cell::of(entry.digest.get(..16).unwrap_or(&entry.digest)),
            ]
        };
        Section {
            title: texts::page_newest(self.newest.len()),
            note: Some(texts::page_newest_note()),
            columns: vec![
                report::number(),
                texts::page_time(),
                report::run(),
                texts::page_round(),
                words::kind(),
                texts::page_bytes(),
                report::masked(),
                report::noised(),
                texts::page_digest(),
            ],
            rows: self.newest.iter().map(row).collect(),
        }
    }
}

/// What may leave at all: every kind of message, and whether a number about customers can be in it.
fn meanings(language: Language) -> Section {
    let row = |kind: Kind| {
        let about = if kind == Kind::Masked { texts::page_masked_only() } else { words::none() };
        vec![Cell::of(kind.name()), Cell::of(meaning(kind).text(language)), Cell::of(about.text(language))]
    };
    Section {
        title: texts::page_kinds(),
        note: Some(texts::page_kinds_note()),
        columns: vec![words::kind(), texts::page_meaning(), texts::page_about()],
        rows: Kind::ALL.into_iter().map(row).collect(),
    }
}

fn sums(title: Said, first: Said, rows: impl Iterator<Item = (String, Sum)>) -> Section {
    let rows = rows.map(|(name, sum)| [Cell::of(name)].into_iter().chain(sum.cells()).collect());
    let columns = vec![first, texts::page_count(), texts::page_bytes()];
    Section { title, note: None, columns, rows: rows.collect() }
}

fn of_vectors([yes, no]: [u64; 2], language: Language) -> String {
    match (yes, no) {
        (0, 0) => "-".to_owned(),
        (yes, no) => texts::page_of(yes, yes.saturating_add(no)).text(language).to_owned(),
    }
}

pub(crate) fn yes(word: Option<bool>, language: Language) -> String {
    match word {
        None => "-".to_owned(),
        Some(true) => words::yes().text(language).to_owned(),
        Some(false) => words::no().text(language).to_owned(),
    }
}

/// Year and month of a second.
fn month_of(seconds: u64) -> (u32, u32) {
    let text = Date::of_second(seconds).to_string();
    let mut parts = text.split('-').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

fn meaning(kind: Kind) -> Said {
    match kind {
        Kind::Join => texts::join(),
        Kind::Accept => texts::accept(),
        Kind::NotReady => texts::not_ready(),
        Kind::Refuse => texts::refuse(),
        Kind::Keys => texts::keys(),
        Kind::Contribution => texts::contribution(),
        Kind::Encapsulations => texts::encapsulations(),
        Kind::Deal => texts::deal(),
        Kind::SetupAck => texts::setup_ack(),
        Kind::Masked => texts::masked(),
        Kind::SurvivorsAck => texts::survivors_ack(),
        Kind::Unmask => texts::unmask(),
        Kind::Proofs => texts::proofs(),
        Kind::Abandon => texts::abandon(),
        Kind::Leave => texts::leave(),
        Kind::About => texts::about(),
        Kind::ModelPiece => texts::model_piece(),
        Kind::ModelCopy => texts::model_copy(),
        Kind::Witness => texts::witness(),
    }
}
