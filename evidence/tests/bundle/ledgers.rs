//! A coordinator's journal against the checkpoints that lie beside it.

use tributary_evidence::checkpoint::{NotesBeside, is_kept_name};
use tributary_protocol::log::Entries;

use super::world::{COORDINATOR, SMALL, World, person_key};

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
