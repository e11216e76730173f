//! Incidents, looks and notices: their way through the journal, and each rule broken once.

use super::*;
use crate::digest::frozen_fields;
use crate::limits::{
    DIGITS_TOGETHER_MAX, DISPUTES_MAX, INCIDENT_PAST_SECONDS_MAX, INCIDENT_TEXT_CHARACTERS_MAX, INCIDENT_WORDS_MAX,
    INCIDENTS_OPEN_MAX,
};
use crate::round::OutOfOrder;

pub(super) const OPERATOR: &str = "bank-1/operator";
pub(super) const INSPECTOR: &str = "regulator/i7";
/// Another inspector, of whom the roster says nothing.
const STRANGER: &str = "regulator/i8";

fn adopted() -> RegistryEvent {
    let entries = crate::round::cast::roster(3).roster.entries().to_vec();
    let mut people = people();
    people.push(person(OPERATOR, Role::PlatformOperator));
    people.push(person(INSPECTOR, Role::Inspector));
    people.sort_by(|one, other| one.staff.cmp(&other.staff));
    let roster = Roster::new(1, Digest::ZERO, entries, Vec::new(), people).expect("a roster");
    RegistryEvent::RosterAdopted { roster: Box::new(signed_by_authority(roster)) }
}

pub(super) fn word(step: IncidentStep, incident: Digest) -> IncidentWord {
    IncidentWord {
        federation: federation(),
        step,
        incident,
        severity: Severity::High,
        happened: 50,
        text: "the disk of branch 3 was full".into(),
    }
}

pub(super) fn told_by((number, role): (&str, Role), word: IncidentWord, at: u64) -> SignedIncident {
    let signed = attested_at(at, number, role, word.step.action(), word.digest());
    SignedIncident { word, signed }
}

pub(super) const BY_OPERATOR: (&str, Role) = (OPERATOR, Role::PlatformOperator);
pub(super) const BY_OFFICER: (&str, Role) = (APPROVER, Role::PrivacyOfficer);

fn opened() -> SignedIncident {
    told_by(BY_OPERATOR, word(IncidentStep::Open, Digest::ZERO), 100)
}

fn noted() -> SignedIncident {
    told_by(BY_OPERATOR, word(IncidentStep::Note, opened().id()), 200)
}

fn closed() -> SignedIncident {
    told_by(BY_OFFICER, word(IncidentStep::Close, opened().id()), 300)
}

pub(super) fn told(told: SignedIncident) -> RegistryEvent {
    RegistryEvent::IncidentTold { told: Box::new(told) }
}

pub(super) fn look() -> Look {
    Look { federation: federation(), what: Sight::AuditExport, from: 86_400, to: 172_800, scope: "all".into() }
}

pub(super) fn asked(look: Look, at: u64) -> RegistryEvent {
    let signed = attested_at(at, INSPECTOR, Role::Inspector, Action::Inspect, look.digest());
    RegistryEvent::Looked { look: Box::new(SignedLook { look, signed }) }
}

fn disputed() -> RegistryEvent {
    RegistryEvent::Noticed {
        notice: Notice::LogDisputed { client: ClientId(2), entries: 9, root: Digest::of(b"root") },
    }
}

fn noticed(notice: Notice) -> RegistryEvent {
    RegistryEvent::Noticed { notice }
}

fn history() -> Vec<RegistryEvent> {
    Vec::from([
        adopted(),
        told(opened()),
        told(noted()),
        told(closed()),
        asked(look(), 400),
        disputed(),
        noticed(Notice::SinkFailed),
        noticed(Notice::SinkBack),
    ])
}

#[test]
fn an_incident_is_opened_told_of_and_closed_by_another_person() {
    let events = history();
    let open = |count: usize| replayed(&events[..count]).incidents.open().count();
    assert_eq!([1, 2, 3, 4].map(open), [0, 1, 1, 0]);
    let record = replayed(&events);
    assert_eq!(record, RegistryRecord::replay(&events).expect("in order"));
    let (number, incident) = record.incidents.numbered().next().expect("an incident");
    assert_eq!((number, incident.words.len(), incident.severity()), (1, 3, Severity::High));
    assert_eq!((incident.opening(), incident.closing()), (Some(&opened()), Some(&closed())));
    assert_eq!((record.looks.count(), record.notices.sink_failed()), (1, false));
    assert!(replayed(&events[..7]).notices.sink_failed());
    let mut before = RegistryRecord::default();
    let words: Vec<_> = events
        .iter()
        .map(|event| {
            let words = before.describe(event);
            before.apply(event);
            words
        })
        .collect();
    for (at, part) in [
        (1, "incident 1, open, high, by bank-1/operator (platform-operator): the disk"),
        (3, "incident 1, close, high, by"),
        (4, "look of regulator/i7 (inspector): audit-export of 1970-01-02 to 1970-01-03, all"),
        (5, "client 2 has a checkpoint of 9 entries"),
        (6, "takes no entry"),
        (7, "every entry again"),
    ] {
        assert!(words[at].contains(part), "{}", words[at]);
    }
}

fn told_of(event: &mut RegistryEvent) -> &mut SignedIncident {
    match event {
        RegistryEvent::IncidentTold { told } => told,
        _ => panic!("a word about an incident"),
    }
}

/// Changes what is said, and has its author sign that.
fn said(event: &mut RegistryEvent, change: fn(&mut IncidentWord)) {
    let it = told_of(event);
    change(&mut it.word);
    let Attestation { staff, role, at, .. } = it.signed.clone();
    it.signed = attested_at(at, staff.as_str(), role, it.word.step.action(), it.word.digest());
}

/// The same word of somebody else.
fn by(event: &mut RegistryEvent, who: (&str, Role)) {
    let it = told_of(event);
    *it = told_by(who, it.word.clone(), it.signed.at);
}

fn look_of(event: &mut RegistryEvent, change: fn(&mut Look)) {
    let RegistryEvent::Looked { look } = event else { panic!("a look") };
    change(&mut look.look);
    let at = look.signed.at;
    *event = asked(look.look.clone(), at);
}

fn looks_as(event: &mut RegistryEvent, (number, role, action): (&str, Role, Action)) {
    let RegistryEvent::Looked { look } = event else { panic!("a look") };
    look.signed = attested_at(look.signed.at, number, role, action, look.look.digest());
}

const BY_WHOM: &str = "a word about an incident is signed by somebody of the roster in force who may";
const WHOSE: &str = "a look is signed by an inspector of the roster in force";
const DAYS: &str = "a look has the days of what it shows, in their order";
const SCOPE: &str = "the scope of a look is one short line that shows whole";

/// The rule, the number of events before it, and what is done to the one that follows.
type Lie = (&'static str, usize, fn(&mut RegistryEvent));

const LIES: &[Lie] = &[
    ("a roster is in force before a word about an incident", 0, |event| *event = told(opened())),
    ("a word about an incident is of the federation in which it was signed", 1, |event| {
        said(event, |it| it.federation.0[0] ^= 1);
    }),
    ("a text about an incident is one line that shows whole", 1, |event| said(event, |it| it.text = "a\nb".into())),
    ("a text about an incident is within its length", 1, |event| {
        said(event, |it| it.text = "x".repeat(INCIDENT_TEXT_CHARACTERS_MAX + 1).into());
    }),
    ("a text about an incident has no number that may be a customer's", 1, |event| {
        said(event, |it| it.text = "of customer 13800138000".into());
    }),
    ("a word about an incident tells of a time before its signature", 1, |event| said(event, |it| it.happened = 401)),
    ("an incident began at most a year before its opening was signed", 1, |event| {
        *event = told(told_by(BY_OPERATOR, word(IncidentStep::Open, Digest::ZERO), 51 + INCIDENT_PAST_SECONDS_MAX));
    }),
    ("an incident is over after it began", 3, |event| said(event, |it| it.happened = 49)),
    ("a word about an incident counts once", 2, |event| *event = told(opened())),
    ("an opening names no incident", 1, |event| said(event, |it| it.incident = Digest::of(b"another"))),
    ("a word is about an incident that was opened", 2, |event| said(event, |it| it.incident.0[0] ^= 1)),
    ("a word is about an incident that was opened", 1, |event| *event = told(noted())),
    ("nothing follows the closing of an incident", 4, |event| {
        *event = told(told_by(BY_OPERATOR, word(IncidentStep::Note, opened().id()), 500));
    }),
    ("nothing follows the closing of an incident", 4, |event| {
        *event = told(told_by(BY_OFFICER, word(IncidentStep::Close, opened().id()), 500));
    }),
    ("an incident is closed by another person than the one who opened it", 3, |event| by(event, BY_OPERATOR)),
    // A role that may not, a role that is not the person's, nobody of the roster, another action, another object.
    (BY_WHOM, 3, |event| by(event, (PROPOSER, Role::PlanOwner))),
    (BY_WHOM, 1, |event| by(event, (INSPECTOR, Role::Inspector))),
    (BY_WHOM, 1, |event| by(event, (OPERATOR, Role::PrivacyOfficer))),
    (BY_WHOM, 1, |event| by(event, ("bank-1/nobody", Role::PlatformOperator))),
    (BY_WHOM, 1, |event| told_of(event).signed.action = Action::CloseIncident),
    (BY_WHOM, 1, |event| told_of(event).word.severity = Severity::Low),
    ("a roster is in force before an inspector's look", 0, |event| *event = asked(look(), 400)),
    ("a look is of the federation in which it was signed", 4, |event| look_of(event, |it| it.federation.0[0] ^= 1)),
    (DAYS, 4, |event| look_of(event, |it| it.to = it.from - 1)),
    (DAYS, 4, |event| look_of(event, |it| (it.from, it.to) = (0, 0))),
    (DAYS, 4, |event| look_of(event, |it| it.what = Sight::Status)),
    (SCOPE, 4, |event| look_of(event, |it| it.scope = "".into())),
    (SCOPE, 4, |event| look_of(event, |it| it.scope = "a\u{202e}b".into())),
    (SCOPE, 4, |event| look_of(event, |it| it.scope = "x".repeat(129).into())),
    ("a look counts once", 5, |event| *event = asked(look(), 400)),
    (WHOSE, 4, |event| looks_as(event, (APPROVER, Role::PrivacyOfficer, Action::Inspect))),
    (WHOSE, 4, |event| looks_as(event, (OPERATOR, Role::Inspector, Action::Inspect))),
    (WHOSE, 4, |event| looks_as(event, (STRANGER, Role::Inspector, Action::Inspect))),
    (WHOSE, 4, |event| looks_as(event, (INSPECTOR, Role::Inspector, Action::Freeze))),
    ("a dispute of the journal is noted once", 6, |event| *event = disputed()),
    ("a second place that fails is noted once", 7, |event| *event = noticed(Notice::SinkFailed)),
    ("a second place comes back after it failed", 6, |event| *event = noticed(Notice::SinkBack)),
];

#[test]
fn each_lie_breaks_its_rule() {
    let events = history();
    for (number, (broken, before, lie)) in LIES.iter().enumerate() {
        let record = replayed(&events[..*before]);
        let mut event = events.get(*before).cloned().unwrap_or_else(adopted);
        lie(&mut event);
        assert_eq!(record.check(&event), Err(OutOfOrder(broken)), "lie {number}");
    }
}

#[test]
fn a_signature_that_does_not_verify_is_found() {
    let events = history();
    for (number, event) in events.iter().enumerate() {
        let record = replayed(&events[..number]);
        let mut forged = event.clone();
        match &mut forged {
            RegistryEvent::IncidentTold { told } => told.signed.signature = Signature::none(),
            RegistryEvent::Looked { look } => look.signed.signature = Signature::none(),
            _ => continue,
        }
        assert_eq!(record.check(&forged), Ok(()));
        let unsigned = OutOfOrder("every signature on which it rests verifies");
        assert_eq!(record.verify::<Toy>(&forged), Err(unsigned), "{number}");
    }
}

/// Whoever shows something judges by the clock as well: a role that is over lets nobody look.
#[test]
fn an_inspector_looks_up_to_the_last_day_and_not_after_it() {
    let record = replayed(&history()[..1]);
    let RegistryEvent::Looked { look } = asked(look(), 400) else { panic!("a look") };
    let roster = record.roster.as_ref().expect("a roster");
    let inspector = roster.person(&staff(INSPECTOR)).expect("an inspector");
    let last = inspector.holding(Role::Inspector).expect("a role").until;
    let skew = crate::limits::CLOCK_SKEW_SECONDS_MAX;
    let at = |now| record.looks.judge::<Toy>(&look, (roster, &federation()), now);
    assert_eq!(at(400), Ok(()));
    assert_eq!(at(last + skew), Ok(()));
    let ended = LookFault::Signature(crate::plan::AttestationFault::Ended);
    assert_eq!(at(last + skew + 1), Err(ended));
    assert_eq!(at(400 - skew - 1), Err(LookFault::Signature(crate::plan::AttestationFault::Future)));
}

/// Whoever takes a word judges signature and clock as well.
#[test]
fn a_word_counts_by_the_clock_of_whoever_takes_it() {
    use crate::plan::AttestationFault as Signer;
    let record = replayed(&history()[..1]);
    let roster = record.roster.as_ref().expect("a roster");
    let skew = crate::limits::CLOCK_SKEW_SECONDS_MAX;
    let good = told_by(BY_OPERATOR, word(IncidentStep::Open, Digest::ZERO), 1_000);
    let judged = |signed: &SignedIncident, now| record.incidents.judge::<Toy>(signed, (roster, &federation()), now);
    let last = roster.person(&staff(OPERATOR)).and_then(|person| person.holding(Role::PlatformOperator));
    let last = last.expect("a role").until;
    for (now, expected) in [
        (1_000, Ok(())),
        (1_000 - skew, Ok(())),
        (1_000 - skew - 1, Err(IncidentFault::Signature(Signer::Future))),
        (last + skew, Ok(())),
        (last + skew + 1, Err(IncidentFault::Signature(Signer::Ended))),
    ] {
        assert_eq!(judged(&good, now), expected, "{now}");
    }
    let mut unsigned = good.clone();
    unsigned.signed.signature = Signature::none();
    assert_eq!(judged(&unsigned, 1_000), Err(IncidentFault::Signature(Signer::Signature)));
    // Of another federation, by the word or by the signature.
    let mut elsewhere = word(IncidentStep::Open, Digest::ZERO);
    elsewhere.federation.0[0] ^= 1;
    let mut half = good.clone();
    half.signed.federation.0[0] ^= 1;
    for other in [told_by(BY_OPERATOR, elsewhere, 1_000), half] {
        assert_eq!(judged(&other, 1_000), Err(IncidentFault::Federation));
    }
    assert_eq!(record.incidents.judge::<Toy>(&good, (roster, &Digest::ZERO), 1_000), Err(IncidentFault::Federation));
}

/// The first and the last second of which a word may tell.
#[test]
fn a_word_tells_of_a_time_to_the_second() {
    let record = replayed(&history()[..2]);
    let skew = crate::limits::CLOCK_SKEW_SECONDS_MAX;
    let (year, began, none) = (INCIDENT_PAST_SECONDS_MAX, 50, Digest::ZERO);
    let rows = [
        (IncidentStep::Open, none, year + began, began, true),
        (IncidentStep::Open, none, year + began + 1, began, false),
        (IncidentStep::Open, none, 900, 900 + skew, true),
        (IncidentStep::Open, none, 900, 901 + skew, false),
        (IncidentStep::Note, opened().id(), 900, 900 + skew, true),
        (IncidentStep::Note, opened().id(), 900, 901 + skew, false),
        // A note may tell of what came before.
        (IncidentStep::Note, opened().id(), 900, began - 1, true),
        (IncidentStep::Close, opened().id(), 900, began, true),
        (IncidentStep::Close, opened().id(), 900, began - 1, false),
    ];
    for (step, incident, at, happened, counts) in rows {
        let signed = told_by(BY_OFFICER, IncidentWord { happened, ..word(step, incident) }, at);
        assert_eq!(record.check(&told(signed)).is_ok(), counts, "{step:?} {at} {happened}");
    }
}

/// As bad as the last word says, whatever the first one was.
#[test]
fn an_incident_is_as_bad_as_it_was_said_last() {
    let mut record = replayed(&history()[..2]);
    for (at, severity) in [(200, Severity::Low), (201, Severity::Critical)] {
        let word = IncidentWord { severity, ..word(IncidentStep::Note, opened().id()) };
        record.apply(&told(told_by(BY_OPERATOR, word, at)));
        assert_eq!(
            record.incidents.numbered().map(|(_, incident)| incident.severity()).collect::<Vec<_>>(),
            [severity]
        );
    }
    // One that nobody has opened has no number.
    let words = replayed(&history()[..1]).describe(&told(noted()));
    assert!(words.starts_with("incident 0, note, high, by "), "{words}");
}

#[test]
fn a_journal_notes_so_many_disputes() {
    let mut record = replayed(&history()[..1]);
    let dispute = |entries: usize| {
        let (entries, root) = (entries as u64, Digest::ZERO);
        noticed(Notice::LogDisputed { client: ClientId(2), entries, root })
    };
    (1..DISPUTES_MAX).for_each(|entries| record.apply(&dispute(entries)));
    assert_eq!(record.check(&dispute(DISPUTES_MAX)), Ok(()));
    record.apply(&dispute(DISPUTES_MAX));
    let full = OutOfOrder("a journal notes 10000 disputes at most");
    assert_eq!(record.check(&dispute(DISPUTES_MAX + 1)), Err(full));
}

/// What is of days has a first day and a last one, which may be the same; all else has none.
#[test]
fn a_look_has_the_days_of_what_it_shows() {
    let record = replayed(&history()[..1]);
    for what in Sight::ALL {
        for (from, to, of_days, of_none) in [
            (0, 0, false, true),
            (0, 1, false, false),
            (1, 0, false, false),
            (1, 1, true, false),
            (1, 2, true, false),
            (2, 1, false, false),
        ] {
            let expected = if what.is_of_days() { of_days } else { of_none };
            let event = asked(Look { what, from, to, ..look() }, 400);
            assert_eq!(record.check(&event).is_ok(), expected, "{what:?} {from} {to}");
        }
    }
    for (bytes, whole) in [(0, false), (1, true), (128, true), (129, false)] {
        let event = asked(Look { scope: "x".repeat(bytes).into(), ..look() }, 400);
        assert_eq!(record.check(&event).is_ok(), whole, "{bytes}");
    }
}

/// Whoever opens incidents without end is stopped until others are closed; those that were closed take no place.
#[test]
fn so_many_incidents_are_open_at_once() {
    let mut record = replayed(&history()[..4]);
    let open = |at: usize| told_by(BY_OPERATOR, word(IncidentStep::Open, Digest::ZERO), 1_000 + at as u64);
    for at in 0..INCIDENTS_OPEN_MAX {
        assert_eq!(record.check(&told(open(at))), Ok(()), "{at}");
        record.apply(&told(open(at)));
    }
    let another = told(open(INCIDENTS_OPEN_MAX));
    assert_eq!(record.check(&another), Err(OutOfOrder("open incidents and the words about one are bounded")));
    record.apply(&told(told_by(BY_OFFICER, word(IncidentStep::Close, open(0).id()), 9_000)));
    assert_eq!(record.check(&another), Ok(()));
}

/// The last place is kept for the closing: whatever is told, an incident can be closed.
#[test]
fn an_incident_takes_so_many_words_and_its_closing() {
    let mut record = replayed(&history()[..2]);
    let note = |at: usize| told(told_by(BY_OPERATOR, word(IncidentStep::Note, opened().id()), 1_000 + at as u64));
    for at in 2..INCIDENT_WORDS_MAX {
        assert_eq!(record.check(&note(at)), Ok(()), "{at}");
        record.apply(&note(at));
    }
    let full = OutOfOrder("open incidents and the words about one are bounded");
    assert_eq!(record.check(&note(INCIDENT_WORDS_MAX)), Err(full));
    assert_eq!(record.check(&told(closed())), Ok(()));
}

#[test]
fn numbers_that_may_be_customers_are_refused_and_others_are_not() {
    let fine = [
        "branch 3 lost its link at 14:05 on 2026-11-29",
        "2026-11-29 17:30: the disk was full",
        "0123456789",
        "plan 1234567890a and 1234567890",
        "192.168.100.200 answered no more",
        "支行三号服务器于二〇二六年十一月停止",
        &alloc::format!("digest {}", "12345678".repeat(7) + "1234567a"),
        // Its digits count neither with those before it nor with those after it.
        &alloc::format!("1234567890 {} 1234567890", "1".repeat(62) + "a1"),
    ];
    for text in fine {
        assert_eq!(judge_text(text), Ok(()), "{text}");
    }
    let numbers = [
        "13800138000",
        "card 6222 0212 3456 7890",
        "6222-0212-3456-7890",
        "account\u{3000}１２３４５６７８９０１",
        "编号一二三四五六七八九〇一二",
        "110101199003071234x",
        &"1".repeat(64),
        &alloc::format!("{}12345678901", "a".repeat(64)),
        &alloc::format!("{} 12345678901", "a".repeat(64)),
        &alloc::format!("12345678901 {}", "a".repeat(64)),
        // A letter too few, one that is no digit of a digest, and one too many at either end.
        &alloc::format!("{}a", "1".repeat(62)),
        &alloc::format!("{}g", "1".repeat(63)),
        &alloc::format!("{}ab", "1".repeat(63)),
        &alloc::format!("g{}a", "1".repeat(63)),
    ];
    for text in numbers {
        assert_eq!(judge_text(text), Err(TextFault::Digits), "{text}");
    }
    assert_eq!(judge_text(&"1".repeat(DIGITS_TOGETHER_MAX)), Ok(()));
    for text in ["", " a", "a ", "a\tb", "a\u{200b}b"] {
        assert_eq!(judge_text(text), Err(TextFault::Line), "{text:?}");
    }
    assert_eq!(judge_text(&"x".repeat(INCIDENT_TEXT_CHARACTERS_MAX)), Ok(()));
    assert_eq!(judge_text(&"x".repeat(INCIDENT_TEXT_CHARACTERS_MAX + 1)), Err(TextFault::Long));
}

/// Every field of what is signed changes its digest, and numbers and words are one for each.
#[test]
fn what_is_signed_covers_every_field() {
    let first = word(IncidentStep::Open, Digest::ZERO);
    let changes: [fn(&mut IncidentWord); 6] = [
        |it| it.federation.0[0] ^= 1,
        |it| it.step = IncidentStep::Note,
        |it| it.incident.0[0] ^= 1,
        |it| it.severity = Severity::Low,
        |it| it.happened += 1,
        |it| it.text = "other".into(),
    ];
    assert_eq!(frozen_fields(&first, &changes, IncidentWord::digest), "3f6cec52");
    let changes: [fn(&mut Look); 5] = [
        |it| it.federation.0[0] ^= 1,
        |it| it.what = Sight::Incidents,
        |it| it.from += 1,
        |it| it.to += 1,
        |it| it.scope = "other".into(),
    ];
    assert_eq!(frozen_fields(&look(), &changes, Look::digest), "3cb9925b");
    let numbers = [
        Severity::ALL.map(Severity::number).to_vec(),
        IncidentStep::ALL.map(IncidentStep::number).to_vec(),
        Sight::ALL.map(Sight::number).to_vec(),
    ];
    for (numbers, count) in numbers.iter().zip([4, 3, 7]) {
        assert_eq!(*numbers, (1..=count).collect::<Vec<u8>>());
    }
}
