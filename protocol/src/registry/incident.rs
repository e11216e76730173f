//! What people say of an incident: that it began, what became known, that it is over. Each word is one entry of the journal, signed by its author.
//!
//! Whoever closes an incident is not who opened it. A text names no customer, as far as a rule can tell: see [`judge_text`].

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::digest::{Canonical, Digest};
use crate::limits::{
    CLOCK_SKEW_SECONDS_MAX, DIGITS_TOGETHER_MAX, INCIDENT_PAST_SECONDS_MAX, INCIDENT_TEXT_CHARACTERS_MAX,
    INCIDENT_WORDS_MAX, INCIDENTS_OPEN_MAX,
};
use crate::plan::{Attestation, AttestationFault, Over, Wanted};
use crate::printable::{Untrusted, is_one_line};
use crate::role::Action;
use crate::roster::{Roster, StaffNumber};
use crate::round::{OutOfOrder, order_digest};
use crate::secagg::suite::Suite;

/// How bad an incident is, in the judgement of whoever signs the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Nothing was lost and nothing stood still.
    Low,
    /// Work stood still, or a rule was broken without harm.
    Medium,
    /// Data, money or a guarantee is in danger.
    High,
    /// A guarantee does not hold, or an authority must be told.
    Critical,
}

impl Severity {
    /// Each of them, the lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in commands and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Stable number in what is signed.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 3,
            Self::Critical => 4,
        }
    }
}

/// What a word does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum IncidentStep {
    /// An incident has begun.
    Open,
    /// Something is known of it.
    Note,
    /// It is over.
    Close,
}

impl IncidentStep {
    /// Each of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Open, Self::Note, Self::Close];

    /// The word in commands and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Note => "note",
            Self::Close => "close",
        }
    }

    /// Stable number in what is signed.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Note => 2,
            Self::Close => 3,
        }
    }

    /// What whoever signs does.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Open | Self::Note => Action::ReportIncident,
            Self::Close => Action::CloseIncident,
        }
    }
}

/// What is said of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentWord {
    /// In which federation: [`crate::roster::federation_digest`].
    pub federation: Digest,
    /// What is done.
    pub step: IncidentStep,
    /// Which incident: [`SignedIncident::id`] of its opening, and [`Digest::ZERO`] in an opening.
    pub incident: Digest,
    /// How bad it is, by what is known now.
    pub severity: Severity,
    /// When what is told happened, in seconds of the Unix clock. Of an opening when the incident began, of a closing when it was over.
    pub happened: u64,
    /// What: one line.
    pub text: Untrusted,
}

impl IncidentWord {
    /// What is signed: the digest of the canonical encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let body = Canonical::new("tributary/incident/1").digest(&self.federation).u8(self.step.number());
        let body = body.digest(&self.incident).u8(self.severity.number()).u64(self.happened);
        body.bytes(self.text.raw().as_bytes()).finish()
    }
}

/// A word with its author's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIncident {
    /// What is said.
    pub word: IncidentWord,
    /// By whom.
    pub signed: Attestation,
}

impl SignedIncident {
    /// What names this word, and the incident that it opens: author, role, time and what is said.
    #[must_use]
    pub fn id(&self) -> Digest {
        order_digest(&self.signed)
    }
}

/// Why a text is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// It is empty, or has characters that do not show.
    #[error("its text is empty, begins or ends with a space, or has characters that do not show; write one plain line")]
    Line,
    /// It is too long.
    #[error("its text has more than {INCIDENT_TEXT_CHARACTERS_MAX} characters; say the rest in further notes")]
    Long,
    /// It may name a customer.
    #[error(
        "its text has more than {DIGITS_TOGETHER_MAX} digits together, as numbers of customers, cards, accounts and telephones have; leave the number \
         out, and name a digest by its first 8 digits or by all 64"
    )]
    Digits,
}

/// Whether a text may stand in the journal for ever: one line, of bounded length, without a number that may be a customer's. Digits count as together
/// where spaces or hyphens alone stand between them. A digest of 64 hexadecimal digits with a letter among them is no such number.
///
/// # Errors
/// [`TextFault`].
pub fn judge_text(text: &str) -> Result<(), TextFault> {
    if text.chars().count() > INCIDENT_TEXT_CHARACTERS_MAX {
        return Err(TextFault::Long);
    }
    if !is_one_line(text) {
        return Err(TextFault::Line);
    }
    let (mut together, mut hexadecimal) = (0_usize, 0_usize);
    for (at, character) in text.char_indices() {
        if hexadecimal == 0 {
            hexadecimal = digest_at(text, at);
        }
        if hexadecimal > 0 {
            (hexadecimal, together) = (hexadecimal.saturating_sub(1), 0);
            continue;
        }
        match character {
            digit if is_digit(digit) => together = together.saturating_add(1),
            ' ' | '-' | '\u{a0}' | '\u{2010}'..='\u{2015}' | '\u{3000}' | '\u{ff0d}' => {}
            _ => together = 0,
        }
        if together > DIGITS_TOGETHER_MAX {
            return Err(TextFault::Digits);
        }
    }
    Ok(())
}

/// A digit as people write them: also in full width, and those that Chinese writes numbers of accounts with.
const fn is_digit(character: char) -> bool {
    matches!(character, '0'..='9' | '\u{ff10}'..='\u{ff19}' | '〇' | '零' | '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九')
}

/// Hexadecimal digits of a whole digest that begins here; 0 where none does.
fn digest_at(text: &str, at: usize) -> usize {
    const DIGITS: usize = 64;
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let run = text.get(at..).unwrap_or_default();
    let length = run.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let word = run.get(..length).unwrap_or_default();
    let letters = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let whole = word.len() == DIGITS && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let begins = !before.is_some_and(|before| before.is_ascii_alphanumeric());
    if whole && letters && begins { DIGITS } else { 0 }
}

/// Why a word does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IncidentFault {
    /// No roster.
    #[error("no roster is in force, so nobody's signature counts; put the signed roster where the settings name it")]
    NoRoster,
    /// Of another federation.
    #[error("it was signed for another federation")]
    Federation,
    /// The text.
    #[error(transparent)]
    Text(#[from] TextFault),
    /// It lies in the future.
    #[error("it tells of a time after its own signature; name the time at which it happened, or wait")]
    Future,
    /// It lies too far back.
    #[error(
        "it opens an incident that began more than a year before its signature; name a time within the year, and say in the text since when it was"
    )]
    Past,
    /// It was over before it began.
    #[error("it tells that the incident was over before it began; name the time at which it was over")]
    Backwards,
    /// It was taken before.
    #[error("it was taken before, and counts once; nothing more is needed")]
    Again,
    /// An opening that names an incident.
    #[error("it opens an incident and names another one; make it again")]
    Names,
    /// No such incident.
    #[error("there is no such incident; `tributary incident list` shows which there are")]
    Unknown,
    /// It is over.
    #[error("the incident is closed; open another one that names it in its text")]
    Closed,
    /// Too many.
    #[error(
        "there are as many open incidents, or words about this one, as a journal takes; close one, and open another"
    )]
    Full,
    /// One person opens and closes.
    #[error("whoever opened the incident signs its closing; have another person close it")]
    OnePerson,
    /// The signature.
    #[error("its signature does not count: {0}")]
    Signature(AttestationFault),
}

impl IncidentFault {
    /// The rule of the rule book that it breaks.
    pub(super) const fn rule(self) -> OutOfOrder {
        OutOfOrder(match self {
            Self::NoRoster => "a roster is in force before a word about an incident",
            Self::Federation => "a word about an incident is of the federation in which it was signed",
            Self::Text(TextFault::Line) => "a text about an incident is one line that shows whole",
            Self::Text(TextFault::Long) => "a text about an incident is within its length",
            Self::Text(TextFault::Digits) => "a text about an incident has no number that may be a customer's",
            Self::Future => "a word about an incident tells of a time before its signature",
            Self::Past => "an incident began at most a year before its opening was signed",
            Self::Backwards => "an incident is over after it began",
            Self::Again => "a word about an incident counts once",
            Self::Names => "an opening names no incident",
            Self::Unknown => "a word is about an incident that was opened",
            Self::Closed => "nothing follows the closing of an incident",
            Self::Full => "open incidents and the words about one are bounded",
            Self::OnePerson => "an incident is closed by another person than the one who opened it",
            Self::Signature(_) => "a word about an incident is signed by somebody of the roster in force who may",
        })
    }
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// What names it.
    pub id: Digest,
    /// Its words, the opening first.
    pub words: Vec<SignedIncident>,
}

impl Incident {
    /// The opening.
    #[must_use]
    pub fn opening(&self) -> Option<&SignedIncident> {
        self.words.first()
    }

    /// The closing, once there is one.
    #[must_use]
    pub fn closing(&self) -> Option<&SignedIncident> {
        self.words.last().filter(|last| last.word.step == IncidentStep::Close)
    }

    /// How bad it is by its last word.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.words.last().map_or(Severity::Low, |last| last.word.severity)
    }

    fn opener(&self) -> Option<&StaffNumber> {
        self.opening().map(|opening| &opening.signed.staff)
    }
}

/// The incidents of a federation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incidents {
    /// In the order in which they were opened: the first one is number 1 to people.
    order: Vec<Digest>,
    all: BTreeMap<Digest, Incident>,
    /// How many are open.
    opened: usize,
    /// Words that were taken.
    taken: BTreeSet<Digest>,
}

impl Incidents {
    /// Each with its number, in the order in which they were opened.
    pub fn numbered(&self) -> impl Iterator<Item = (u64, &Incident)> {
        (1..).zip(self.order.iter().filter_map(|id| self.all.get(id)))
    }

    /// Those that are not closed, with their numbers.
    pub fn open(&self) -> impl Iterator<Item = (u64, &Incident)> {
        self.numbered().filter(|(_, incident)| incident.closing().is_none())
    }

    /// Whether a word counts by a roster, with its signature: for whoever brings it.
    ///
    /// # Errors
    /// [`IncidentFault`].
    pub fn judge<S: Suite>(
        &self,
        signed: &SignedIncident,
        (roster, federation): (&Roster, &Digest),
        now: u64,
    ) -> Result<(), IncidentFault> {
        self.judge_by(signed, federation, |signed, wanted| {
            signed.judge::<S>(roster, Wanted { now: Some(now), ..wanted })
        })
    }

    /// The same without the signature and without a clock: for the rule book.
    pub(super) fn check(&self, signed: &SignedIncident, roster: Option<&Roster>) -> Result<(), IncidentFault> {
        let roster = roster.ok_or(IncidentFault::NoRoster)?;
        self.judge_by(signed, &signed.word.federation, |signed, wanted| signed.judge_role(roster, wanted))
    }

    fn judge_by(
        &self,
        signed: &SignedIncident,
        federation: &Digest,
        judge: impl Fn(&Attestation, Wanted<'_>) -> Result<(), AttestationFault>,
    ) -> Result<(), IncidentFault> {
        let SignedIncident { word, signed: attestation } = signed;
        let holds = |holds: bool, fault| if holds { Ok(()) } else { Err(fault) };
        let own = word.federation == *federation && attestation.federation == *federation;
        holds(own, IncidentFault::Federation)?;
        judge_text(word.text.raw())?;
        holds(word.happened <= attestation.at.saturating_add(CLOCK_SKEW_SECONDS_MAX), IncidentFault::Future)?;
        holds(!self.taken.contains(&signed.id()), IncidentFault::Again)?;
        match word.step {
            IncidentStep::Open => {
                let earliest = attestation.at.saturating_sub(INCIDENT_PAST_SECONDS_MAX);
                holds(word.happened >= earliest, IncidentFault::Past)?;
                holds(word.incident == Digest::ZERO, IncidentFault::Names)?;
                holds(self.opened < INCIDENTS_OPEN_MAX, IncidentFault::Full)?;
            }
            IncidentStep::Note | IncidentStep::Close => {
                let incident = self.all.get(&word.incident).ok_or(IncidentFault::Unknown)?;
                holds(incident.closing().is_none(), IncidentFault::Closed)?;
                let began = incident.opening().map_or(0, |opening| opening.word.happened);
                let ends = word.step == IncidentStep::Close;
                holds(!ends || word.happened >= began, IncidentFault::Backwards)?;
                // The last place is the closing's: an incident can always be closed.
                let room = INCIDENT_WORDS_MAX.saturating_sub(usize::from(word.step == IncidentStep::Note));
                holds(incident.words.len() < room, IncidentFault::Full)?;
                let other = incident.opener() != Some(&attestation.staff);
                holds(word.step == IncidentStep::Note || other, IncidentFault::OnePerson)?;
            }
        }
        let (subject, action) = (word.digest(), word.step.action());
        let wanted = Wanted { action, subject: &subject, federation, owner: None, over: Over::Federation, now: None };
        judge(attestation, wanted).map_err(IncidentFault::Signature)
    }

    /// Takes a word that counts.
    pub(super) fn apply(&mut self, signed: &SignedIncident) {
        let id = signed.id();
        self.taken.insert(id);
        match signed.word.step {
            IncidentStep::Open => {
                self.order.push(id);
                self.opened = self.opened.saturating_add(1);
                self.all.insert(id, Incident { id, words: [signed.clone()].into() });
            }
            IncidentStep::Note | IncidentStep::Close => {
                if let Some(incident) = self.all.get_mut(&signed.word.incident) {
                    incident.words.push(signed.clone());
                    let closes = signed.word.step == IncidentStep::Close;
                    self.opened = self.opened.saturating_sub(usize::from(closes));
                }
            }
        }
    }
}
