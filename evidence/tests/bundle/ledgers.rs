//! A coordinator's file by itself: its rosters by the authorities that somebody names, and the journal against the checkpoints that lie beside it.

use tributary_certs::roster::RosterAuthorities;
use tributary_evidence::checkpoint::{NotesBeside, is_kept_name};
use tributary_evidence::{NothingKept, Verdict, judge, judge_by};
use tributary_protocol::log::Entries;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::secagg::suite::Signature;

use super::world::{COORDINATOR, Event, SMALL, Shape, World, authorities, person_key};

/// Whether a file is in order by these authorities, and what is said.
fn judged(file: &[u8], by: Option<&RosterAuthorities>) -> (bool, String) {
    let verdict = judge_by(file, 1e-6, &NothingKept, by);
    (matches!(verdict, Verdict::Coordinator(_) | Verdict::Heads(_)), verdict.to_string())
}

#[test]
fn rosters_are_judged_by_the_authorities_that_are_named_and_by_nobody_else() {
    let own = authorities(SMALL.authorities);
    let world = World::new(SMALL);
    // Another federation, invented whole: only who signed its rosters gives it away.
    let invented = World::new(Shape { authorities: [111, 112, 113], ..SMALL });
    let mut changed = world.clone();
    for event in &mut changed.events {
        if let Event::Run(CoordinatorEvent::RosterAdopted { roster, .. }) = event {
            roster.signatures[0].signature = Signature::none();
        }
    }
    let heads = |world: &World| world.all().remove("heads/budgets.ledger").unwrap();
    for (what, file, holds) in [
        ("the journal", world.journal().0, true),
        ("the heads", heads(&world), true),
        ("a journal with another signature under a roster", changed.journal().0, false),
        ("the journal of an invented federation", invented.journal().0, false),
        ("the heads of an invented federation", heads(&invented), false),
    ] {
        assert!(judged(&file, None).0, "{what}: without authorities nobody judges it");
        let (found, words) = judged(&file, Some(&own));
        assert_eq!(found, holds, "{what}: {words}");
        let whose = ["not signed by the roster authorities", "is of another federation"];
        assert!(holds || whose.iter().any(|said| words.contains(said)), "{what}: {words}");
    }
    let verdict = judge(&world.journal().0, 1e-6, &NothingKept);
    let Verdict::Coordinator(report) = verdict else { panic!("{verdict}") };
    assert_eq!(report.rosters_verified, 0);
}

#[test]
fn a_journal_is_held_against_every_checkpoint_beside_it() {
    let world = World::new(SMALL);
    let all = world.all();
    let notes = || {
        let own = all.iter().filter_map(|(name, note)| Some((name.strip_prefix("checkpoints/")?, note)));
        own.filter(|(name, _)| is_kept_name(name)).map(|(name, note)| (name.to_owned(), note.clone()))
    };
    assert_eq!(notes().count(), 2);
    let key = person_key(COORDINATOR).verifying_key();
    let judged = |world: &World, mut beside: NotesBeside| {
        let (journal, _) = world.journal();
        Entries::new(&journal).for_each(|entry| beside.follow(entry.leaf));
        beside.judge().err().unwrap_or_default()
    };
    assert_eq!(judged(&world, NotesBeside::of(notes(), Some(&key))), "");
    assert_eq!(judged(&world, NotesBeside::of(notes(), None)), "");
    // It goes on after its checkpoints.
    let mut longer = world.clone();
    longer.events.push(longer.events.last().unwrap().clone());
    assert_eq!(judged(&longer, NotesBeside::of(notes(), Some(&key))), "");
    let mut cut = world.clone();
    cut.events.pop();
    let words = judged(&cut, NotesBeside::of(notes(), Some(&key)));
    assert!(words.contains("entries were cut off") && words.contains("newest"), "{words}");
    let mut edited = world.clone();
    edited.events.swap(0, 1);
    let words = judged(&edited, NotesBeside::of(notes(), Some(&key)));
    assert!(words.contains("edited or written anew"), "{words}");
    // What is there and cannot be read, or is another's, is not passed over.
    let torn = notes().map(|(name, note)| (name, note[..note.len() / 3].to_vec()));
    assert!(judged(&world, NotesBeside::of(torn, Some(&key))).contains("proves nothing"));
    let other = person_key(9).verifying_key();
    assert!(judged(&world, NotesBeside::of(notes(), Some(&other))).contains("proves nothing"));
}
