//! The rule book, rule by rule: a history in which everything happens once, and events that break one rule each.

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;
use tributary_protocol::secagg::suite::{Signature, VerifyingKey};

use crate::contact::choose::{Counts, LeftOut};
use crate::contact::event::{
    Approval, BuiltList, ContactEvent, Delivery, ListFiles, MadeScores, Outcome, Recall, TableLines,
};
use crate::contact::pseudonym::Pseudonym;
use crate::contact::register::{CHANNEL_BYTES_MAX, OUTCOMES_MAX, OutOfOrder, Register, TEXT_BYTES_MAX};

const CUSTOMER: Pseudonym = Pseudonym([3; 16]);
const MADE: u64 = 100;
const ENDS: u64 = 1_000;
const LINES: u32 = 3;

fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

fn files(of: &str) -> ListFiles {
    ListFiles { sheet: digest(&format!("sheet {of}")), members: digest(&format!("members {of}")) }
}

fn list(number: u32) -> BuiltList {
    BuiltList {
        list: number,
        branch: "north".into(),
        campaign: "deposits".into(),
        rules: (digest("rules"), 5),
        owner: VerifyingKey::ed25519([4; 32]),
        rules_path: "rules.toml".into(),
        scores: digest("scores"),
        scores_path: "scores.csv".into(),
        scores_made_at: 90,
        tables: TableLines { attributes: 9, refusals: 5, contacts: Some(2), confidential: None },
        models: vec![digest("champion"), digest("challenger")],
        label: "deposit".into(),
        confidential: None,
        rows: 10,
        lines: LINES,
        left_out: Counts::from([(LeftOut::OptedOut, 4), (LeftOut::Risk, 3)]),
        files: files("first"),
        made_at: MADE,
        valid_until: ENDS,
    }
}

fn built(change: impl FnOnce(&mut BuiltList)) -> ContactEvent {
    let mut list = list(1);
    change(&mut list);
    ContactEvent::ListBuilt(Box::new(list))
}

fn second(change: impl FnOnce(&mut BuiltList)) -> ContactEvent {
    built(|list| {
        list.list = 2;
        change(list);
    })
}

fn approved(list_of: u32, of: Digest, at: u64) -> ContactEvent {
    let (key, signature) = (VerifyingKey::ed25519([1; 32]), Signature::ed25519([2; 64]));
    ContactEvent::ListApproved(Box::new(Approval { list: list_of, digest: of, at, key, signature }))
}

fn delivery(list: u32, batch: u32, at: u64) -> ContactEvent {
    let (folder, name) = ("out".to_owned(), "batch.csv".to_owned());
    ContactEvent::DeliveryBegun(Box::new(Delivery { list, batch, folder, name, digest: digest("file"), at }))
}

fn recall(recall: u32, list: u32, lines: &[u32], reason: &str) -> ContactEvent {
    let (lines, reason) = (lines.to_vec(), reason.to_owned());
    ContactEvent::RecallBegun(Box::new(Recall { recall, list, lines, reason, at: 600 }))
}

fn outcome(line: u32, channel: &str, result: &str) -> Outcome {
    Outcome { line, day: Date(20_000), contacted: true, channel: channel.into(), result: result.into() }
}

fn outcomes(batch: u32, outcomes: &[Outcome]) -> ContactEvent {
    ContactEvent::Outcomes { batch, outcomes: outcomes.to_vec() }
}

fn erased(list: u32, line: u32) -> ContactEvent {
    ContactEvent::LineErased { list, line, files: files("second") }
}

fn scores_erased(before: &str, after: &str) -> ContactEvent {
    ContactEvent::ScoresErased { before: digest(before), after: digest(after) }
}

fn folder(folder: &str) -> ContactEvent {
    ContactEvent::ScoresBegun { folder: folder.into() }
}

fn made(path: &str) -> ContactEvent {
    ContactEvent::ScoresMade(MadeScores { path: path.into(), digest: digest("scores"), made_at: MADE })
}

const BEGUN: usize = 1;
const DRAWN: usize = 2;
const BUILT: usize = 3;
const APPROVED: usize = 4;
const DELIVERING: usize = 5;
const DELIVERED: usize = 6;
const TOLD: usize = 7;
const ANSWERED: usize = 8;
const RECALLING: usize = 9;
const RECALLED: usize = 10;
const EXCLUDED: usize = 11;
const LINE_ERASED: usize = 12;
const SCORES_ERASED: usize = 13;
const ERASED: usize = 14;
const PURGED: usize = 15;

/// What happens when all goes well; the names above say how much of it.
fn history() -> Vec<ContactEvent> {
    vec![
        ContactEvent::Begun { key: digest("key") },
        ContactEvent::HoldOutDrawn { group: "deposits".into(), draw: digest("draw"), until: 900 },
        built(|_| {}),
        approved(1, list(1).digest(), 200),
        delivery(1, 1, 300),
        ContactEvent::Delivered { batch: 1 },
        outcomes(1, &[outcome(LINES, "phone", "sold")]),
        ContactEvent::Answered { batch: 1, accepted: true, at: 500 },
        recall(1, 1, &[1], "moved away"),
        ContactEvent::Recalled { recall: 1 },
        ContactEvent::Excluded { customer: CUSTOMER },
        erased(1, 2),
        scores_erased("scores", "scores without one"),
        ContactEvent::Erased { customer: CUSTOMER },
        ContactEvent::ListPurged { list: 1, at: ENDS + 1 },
    ]
}

fn after(count: usize) -> Register {
    Register::replay(&history()[..count]).expect("a good history")
}

/// So much of the history has happened, and then this event breaks the rule of these words; without words it breaks none.
type Row = (usize, ContactEvent, Option<&'static str>);

fn of_lists() -> Vec<Row> {
    let own = list(1).digest();
    vec![
        (0, ContactEvent::DrawPurged { draw: digest("draw"), at: 901 }, Some("the register begins with its key")),
        (BEGUN, ContactEvent::Begun { key: digest("other") }, Some("the register begins once")),
        (
            DRAWN,
            ContactEvent::HoldOutDrawn { group: "other".into(), draw: digest("draw"), until: 1 },
            Some("a draw is recorded once"),
        ),
        (BEGUN, ContactEvent::DrawPurged { draw: digest("draw"), at: 901 }, Some("a draw is purged that is there")),
        (
            DRAWN,
            ContactEvent::DrawPurged { draw: digest("draw"), at: 900 },
            Some("a draw is purged after its last day"),
        ),
        (DRAWN, ContactEvent::DrawPurged { draw: digest("draw"), at: 901 }, None),
        (DRAWN, built(|list| list.list = 2), Some("lists are counted")),
        (DRAWN, built(|list| list.list = 0), Some("lists are counted")),
        (BUILT, second(|_| {}), None),
        (
            BUILT,
            second(|list| list.rules = (digest("rules"), 4)),
            Some("no list is made by older rules of its campaign"),
        ),
        (BUILT, second(|list| list.rules = (digest("x"), 5)), Some("no list is made by older rules of its campaign")),
        (BUILT, second(|list| list.rules = (digest("x"), 6)), None),
        (BUILT, second(|list| (list.rules, list.campaign) = ((digest("x"), 1), "funds".into())), None),
        (DRAWN, built(|list| list.rows = 11), Some("every customer is in the list, or left out by one rule")),
        (DRAWN, built(|list| list.rows = 9), Some("every customer is in the list, or left out by one rule")),
        (DRAWN, built(|list| list.made_at = ENDS + 1), Some("a list ends after it was made")),
        (DRAWN, built(|list| list.made_at = ENDS), None),
        (BUILT, approved(2, own, 200), Some("there is no such list")),
        (BUILT, approved(1, digest("x"), 200), Some("an approval is of the list as it was made")),
        (BUILT, approved(1, own, ENDS), None),
        (BUILT, approved(1, own, ENDS + 1), Some("a list is approved while it is open")),
        (APPROVED, approved(1, own, 200), Some("a list is approved once, before its delivery")),
    ]
}

fn of_deliveries() -> Vec<Row> {
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    let (longest, channel) = (&long[1..], &long[..CHANNEL_BYTES_MAX]);
    let many = |count: usize| {
        let line = |number| outcome(1, &format!("{number}"), "");
        outcomes(1, &(0..count).map(line).collect::<Vec<_>>())
    };
    vec![
        (BUILT, delivery(1, 1, 300), Some("a list is delivered after its approval")),
        (APPROVED, delivery(1, 2, 300), Some("batches are counted")),
        (APPROVED, delivery(1, 0, 300), Some("batches are counted")),
        (APPROVED, delivery(1, 1, ENDS), None),
        (APPROVED, delivery(1, 1, ENDS + 1), Some("a list is delivered while it is open and whole")),
        (DELIVERING, delivery(1, 2, 300), Some("a list is delivered under one number")),
        (APPROVED, ContactEvent::Delivered { batch: 1 }, Some("a delivery ends once, after it has begun")),
        (DELIVERED, ContactEvent::Delivered { batch: 1 }, Some("a delivery ends once, after it has begun")),
        (APPROVED, ContactEvent::Answered { batch: 1, accepted: true, at: 500 }, Some("an answer is about a batch")),
        (
            DELIVERING,
            ContactEvent::Answered { batch: 1, accepted: true, at: 500 },
            Some("a delivered batch is answered once"),
        ),
        (
            ANSWERED,
            ContactEvent::Answered { batch: 1, accepted: true, at: 500 },
            Some("a delivered batch is answered once"),
        ),
        (APPROVED, outcomes(1, &[outcome(1, "", "")]), Some("outcomes are of a batch")),
        (DELIVERING, outcomes(1, &[outcome(1, "", "")]), Some("outcomes are of a delivered batch that is kept")),
        (PURGED, outcomes(1, &[outcome(1, "", "")]), Some("outcomes are of a delivered batch that is kept")),
        (DELIVERED, many(OUTCOMES_MAX), None),
        (DELIVERED, many(OUTCOMES_MAX + 1), Some("an event has few outcomes")),
        (
            DELIVERED,
            outcomes(1, &[outcome(1, "", ""), outcome(0, "", "")]),
            Some("an outcome is of a line of its batch"),
        ),
        (DELIVERED, outcomes(1, &[outcome(LINES + 1, "", "")]), Some("an outcome is of a line of its batch")),
        (DELIVERED, outcomes(1, &[outcome(LINES, channel, longest)]), None),
        (DELIVERED, outcomes(1, &[outcome(1, &long[..=CHANNEL_BYTES_MAX], "")]), Some("an outcome has short words")),
        (DELIVERED, outcomes(1, &[outcome(1, "", &long)]), Some("an outcome has short words")),
        (TOLD, outcomes(1, &[outcome(LINES, "phone", "again")]), Some("an outcome is recorded once")),
        (TOLD, outcomes(1, &[outcome(LINES, "mail", "sold")]), None),
    ]
}

fn of_recalls_and_erasures() -> Vec<Row> {
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    vec![
        (BEGUN, recall(1, 1, &[], ""), Some("there is no such list")),
        (BUILT, recall(2, 1, &[1], ""), Some("recalls are counted")),
        (BUILT, recall(1, 1, &[1], &long[1..]), None),
        (BUILT, recall(1, 1, &[1], &long), Some("a reason is short")),
        (BUILT, recall(1, 1, &[2, 1], ""), Some("lines are ascending")),
        (BUILT, recall(1, 1, &[2, 2], ""), Some("lines are ascending")),
        (BUILT, recall(1, 1, &[1, LINES], ""), None),
        (BUILT, recall(1, 1, &[0], ""), Some("a line is recalled once, from the list that has it")),
        (BUILT, recall(1, 1, &[LINES + 1], ""), Some("a line is recalled once, from the list that has it")),
        (RECALLED, recall(2, 1, &[1], ""), Some("a line is recalled once, from the list that has it")),
        (RECALLED, recall(2, 1, &[2], ""), None),
        (PURGED, recall(2, 1, &[2], ""), Some("a list is recalled once")),
        (ANSWERED, ContactEvent::Recalled { recall: 1 }, Some("a recall ends once, after it has begun")),
        (RECALLED, ContactEvent::Recalled { recall: 1 }, Some("a recall ends once, after it has begun")),
        (RECALLING, delivery(1, 2, 300), Some("a list is delivered under one number")),
        (EXCLUDED, ContactEvent::Excluded { customer: CUSTOMER }, Some("a customer is excluded once")),
        (BEGUN, ContactEvent::Excluded { customer: Pseudonym::ERASED }, Some("a customer is excluded once")),
        (BUILT, erased(1, 0), Some("a line is erased from a list that has it")),
        (BUILT, erased(1, LINES + 1), Some("a line is erased from a list that has it")),
        (PURGED, erased(1, 1), Some("a line is erased from a list that has it")),
        (BUILT, erased(1, LINES), None),
        (LINE_ERASED, erased(1, 2), Some("a line is erased once")),
        (0, scores_erased("scores", "x"), Some("the register begins with its key")),
        (BEGUN, scores_erased("scores of no list", "x"), None),
        (BUILT, scores_erased("scores", "scores"), Some("each erasure leaves fewer lines")),
        (SCORES_ERASED, scores_erased("scores without one", "without two"), None),
        (SCORES_ERASED, scores_erased("scores without one", "scores"), Some("each erasure leaves fewer lines")),
        (SCORES_ERASED, scores_erased("scores", "scores without one"), Some("each erasure leaves fewer lines")),
        (RECALLED, ContactEvent::Erased { customer: CUSTOMER }, Some("a customer who is erased is in no list")),
        (PURGED, ContactEvent::ListPurged { list: 1, at: ENDS + 1 }, Some("a list is purged once")),
        (ERASED, ContactEvent::ListPurged { list: 2, at: ENDS + 1 }, Some("there is no such list")),
        (ERASED, ContactEvent::ListPurged { list: 1, at: ENDS }, Some("a list is purged after its last day")),
        (0, folder("/a"), Some("the register begins with its key")),
        (BEGUN, folder(&"x".repeat(4096)), None),
        (BEGUN, folder(&"x".repeat(4097)), Some("a folder of scores is noted once")),
        (BEGUN, made("/a"), None),
        (BEGUN, made(&"x".repeat(4096)), None),
        (BEGUN, made(&"x".repeat(4097)), Some("a path is short")),
        (BEGUN, ContactEvent::FilesPurged { kind: long[1..].into(), files: 1 }, None),
        (BEGUN, ContactEvent::FilesPurged { kind: long.clone(), files: 1 }, Some("a kind of files is a word")),
    ]
}

#[test]
fn each_rule_of_the_register_refuses_what_breaks_it_alone() {
    for (count, event, broken) in of_lists().into_iter().chain(of_deliveries()).chain(of_recalls_and_erasures()) {
        assert_eq!(
            after(count).check(&event),
            broken.map_or(Ok(()), |rule| Err(OutOfOrder(rule))),
            "{count}: {event:?}"
        );
    }
}

/// A list that was recalled, refused or is void in one line: nothing is approved and nothing delivered.
#[test]
fn a_list_that_is_over_is_neither_approved_nor_delivered() {
    let mut void = after(APPROVED);
    void.apply(&recall(1, 1, &[1], ""));
    assert_eq!(void.check(&delivery(1, 1, 300)), Err(OutOfOrder("a list is delivered while it is open and whole")));
    let mut recalled = after(BUILT);
    recalled.apply(&recall(1, 1, &[], ""));
    let rule = Err(OutOfOrder("a list is approved while it is open"));
    assert_eq!(recalled.check(&approved(1, list(1).digest(), 200)), rule);
    assert_eq!(recalled.check(&recall(2, 1, &[], "")), Err(OutOfOrder("a list is recalled once")));
    for (accepted, open) in [(true, true), (false, false)] {
        let mut answered = after(TOLD);
        answered.apply(&ContactEvent::Answered { batch: 1, accepted, at: 500 });
        assert_eq!(answered.lists[&1].is_open(ENDS), open);
        assert!(!answered.lists[&1].is_open(ENDS + 1));
    }
    assert!(after(ERASED).lists[&1].is_open(ENDS) && !after(PURGED).lists[&1].is_open(MADE));
}

#[test]
fn the_register_says_what_became_of_everything() {
    let register = after(PURGED);
    let state = &register.lists[&1];
    assert_eq!(
        (register.last, register.next_list(), register.next_batch(), register.next_recall()),
        (ENDS + 1, 2, 2, 2)
    );
    assert_eq!([BUILT, APPROVED, DELIVERED].map(|upto| after(upto).last), [MADE, 200, 300]);
    assert_eq!(register.key, Some(digest("key")));
    assert_eq!(register.draws[&digest("draw")], ("deposits".to_owned(), 900));
    assert_eq!(register.rules["deposits"], (5, digest("rules")));
    assert_eq!(register.root(digest("scores without one")), digest("scores"));
    assert_eq!((register.excluded.contains(&CUSTOMER), register.erased.contains(&CUSTOMER)), (true, true));
    assert_eq!((after(DELIVERING).lists[&1].delivered().is_some(), state.delivered().is_some()), (false, true));
    assert_eq!((after(RECALLING).recalls[&1].done, register.recalls[&1].done), (false, true));
    assert_eq!((state.accepted, state.recalled, state.purged), (Some(true), false, true));
    assert_eq!([1, 2, LINES].map(|line| state.waits(line)), [false, true, false], "void, waiting, told");
    assert_eq!(state.outcomes_of(LINES).collect::<Vec<_>>(), [&outcome(LINES, "phone", "sold")]);
    assert_eq!((state.files, state.erased.iter().copied().collect::<Vec<_>>()), (files("second"), vec![2]));
    // The files as they were are known until everything of the customer is gone.
    assert_eq!((&after(SCORES_ERASED).lists[&1].before, &state.before), (&vec![files("first")], &Vec::new()));
}

/// Whoever approves a list approves all that is said of it.
#[test]
fn the_digest_of_a_list_binds_each_of_its_fields() {
    let changes: [fn(&mut BuiltList); 17] = [
        |list| list.list = 2,
        |list| list.branch = "south".into(),
        |list| list.campaign = "funds".into(),
        |list| list.rules.0 = Digest::of(b"x"),
        |list| list.rules.1 += 1,
        |list| list.scores = Digest::of(b"x"),
        |list| list.label = "churn".into(),
        |list| list.rows += 1,
        |list| list.owner = VerifyingKey::ed25519([5; 32]),
        |list| list.tables.refusals += 1,
        |list| list.lines += 1,
        |list| list.files.sheet = Digest::of(b"x"),
        |list| list.files.members = Digest::of(b"x"),
        |list| list.made_at += 1,
        |list| list.valid_until += 1,
        |list| list.models.swap(0, 1),
        |list| list.left_out = Counts::from([(LeftOut::OptedOut, 3), (LeftOut::Risk, 4)]),
    ];
    let mut found = std::collections::BTreeSet::from([list(1).digest()]);
    for change in changes {
        let mut changed = list(1);
        change(&mut changed);
        found.insert(changed.digest());
    }
    let exchanged = BuiltList { branch: "deposits".into(), campaign: "north".into(), ..list(1) };
    let (rows, ends) =
        (BuiltList { made_at: ENDS, valid_until: MADE, ..list(1) }, BuiltList { models: vec![], ..list(1) });
    found.extend([exchanged.digest(), rows.digest(), ends.digest()]);
    assert_eq!(found.len(), 21);
    let message = |digest, at| Approval::message(&digest, at);
    assert_ne!(message(digest("one"), 1), message(digest("two"), 1));
    assert_ne!(message(digest("one"), 1), message(digest("one"), 2));
}
