//! Nobody signs when a bundle was made, and for which days: neither excuses what the plans keep.

use std::io::Cursor;

use tributary_evidence::bundle::{Authority, Bundle, Contents, DAY_MS, Held, Options, Standing, audit};
use tributary_protocol::plan::Date;
use tributary_protocol::time::Millis;

use super::asked;
use super::world::{AT, DAY, SMALL, Shape, World, authorities};

/// Without what is kept of its rounds, and with these words of itself.
fn stripped((days, made): ((Date, Date), Millis)) -> Vec<u8> {
    let mut world = World::new(SMALL);
    world.parts.retain(|name, _| !name.starts_with("rounds/") && !name.starts_with("sums/"));
    world.parts.insert("contents.json".into(), Contents::new(days, made, false).to_bytes());
    world.bundle()
}

#[test]
fn false_times_and_days_excuse_nothing() {
    let day = |number: u32| Millis(u64::from(number) * DAY_MS);
    let (future, past) = (day(47_000), (Date(DAY.0 - 9), Date(DAY.0 - 8)));
    let wide = (Date(0), Date(47_000));
    let is = |words: (Standing, &str), bytes: &[u8], now: Millis, days: Option<(Date, Date)>| {
        let bundle = Bundle::open(Cursor::new(bytes)).unwrap();
        let authority = Some(Authority::List(authorities(SMALL.authorities)));
        let found = audit(&bundle, &Options { now, days, ..asked(authority) }).unwrap();
        let said = found.to_string();
        assert!(found.standing == words.0 && said.contains(words.1), "{words:?}: {said}");
    };
    let uploads = "MISSING  uploads or sums of run 1";
    // A time that is to come is the verifier's time, by which the plan keeps its uploads.
    let late = stripped((wide, future));
    is((Standing::Incomplete, uploads), &late, AT, None);
    is((Standing::Incomplete, "that is to come, so the clock of this machine counts"), &late, AT, None);
    // After that time nobody keeps them, and the reader sees when the bundle was made.
    let then = stripped(((DAY, DAY), future));
    is((Standing::Intact, "made     2098-09-06T00:00:00Z, as it says itself\n"), &then, day(47_001), None);
    // A journal that ends long before the end of the days may have been cut: its reader is told, and may ask for days that end sooner.
    is((Standing::Incomplete, "MISSING  an end of the journal within 35 days of 2098-09-06"), &late, day(47_001), None);
    is((Standing::Intact, "ends     with an entry of 2024-10-04"), &late, day(47_001), Some((DAY, DAY)));
    // Days that the bundle names excuse nothing.
    let other = stripped((past, AT));
    is((Standing::Incomplete, uploads), &other, day(47_001), None);
    // Days that the auditor names do, and the bundle must be of them.
    is((Standing::Intact, "outside of these days: sums"), &other, day(47_001), Some(past));
    is((Standing::Incomplete, "MISSING  all of the days"), &other, day(47_001), Some((past.0, DAY)));
    is((Standing::Incomplete, uploads), &other, day(47_001), Some((past.0, DAY)));
}

/// Whoever asks for days to which the journal does not come is told so, whatever the bundle says of its own days and its own time.
#[test]
fn days_that_are_asked_for_are_there_by_the_readers_clock() {
    let (later, days) = (Date(DAY.0 + 400), 60);
    let asks = |end: Date, (to, made): (Date, Millis), now: Date| {
        let mut world = World::new(SMALL);
        world.parts.insert("contents.json".into(), Contents::new((DAY, to), made, false).to_bytes());
        let bytes = world.bundle();
        let bundle = Bundle::open(Cursor::new(bytes.as_slice())).unwrap();
        let authority = Some(Authority::List(authorities(SMALL.authorities)));
        let now = Millis(u64::from(now.0) * DAY_MS);
        let found = audit(&bundle, &Options { now, days: Some((DAY, end)), ..asked(authority) }).unwrap();
        (found.standing, found.to_string())
    };
    let made = |after: u32| Millis(u64::from(DAY.0 + after) * DAY_MS);
    for (to, made) in [(later, made(0)), (later, made(400)), (Date(47_000), Millis(u64::MAX))] {
        let (standing, said) = asks(later, (to, made), Date(later.0 + 20));
        assert!(standing == Standing::Incomplete && said.contains("MISSING"), "{to} {made:?}: {said}");
    }
    // The words name the day on which it was made, as it says itself.
    let (_, said) = asks(later, (later, made(days)), later);
    assert!(said.contains("MISSING  the days after 2024-12-03: the bundle was made on that day"), "{said}");
    // Days whose end the journal comes near to are there, however late they are asked for.
    for end in [DAY, Date(DAY.0 + 20)] {
        let (standing, said) = asks(end, (later, made(days)), Date(later.0 + 1_000));
        assert!(standing == Standing::Intact, "{end}: {said}");
    }
}

/// Of a checkpoint that a branch holds, and of a bundle whose journal was cut with all that is newer in it.
#[test]
fn a_checkpoint_that_somebody_holds_is_of_the_journal() {
    let whole = World::new(SMALL);
    let mut cut = whole.clone();
    cut.events.pop();
    let card = whole.card();
    cut.parts.remove(&card);
    let mut more = cut.clone();
    more.parts.insert("contents.json".into(), Contents::new((DAY, DAY), AT, true).to_bytes());
    let other = World::new(Shape { inputs: 5, ..SMALL });
    let newest = |world: &World| world.all().remove("checkpoints/newest").unwrap();
    for (what, world, note, standing, said) in [
        ("its own", &whole, newest(&whole), Standing::Intact, "is of this journal"),
        (
            "an older one",
            &whole,
            whole.all().remove(&numbered(&whole)).unwrap(),
            Standing::Intact,
            "is of this journal",
        ),
        ("of later entries", &cut, newest(&whole), Standing::Tampered, "entries were cut off"),
        ("of later entries, which are said to be", &more, newest(&whole), Standing::Incomplete, "goes on after its"),
        ("of another journal", &whole, newest(&other), Standing::Tampered, "the checkpoint that you hold"),
        ("none", &whole, b"newest".to_vec(), Standing::Tampered, "held: "),
    ] {
        let bytes = world.bundle();
        let bundle = Bundle::open(Cursor::new(bytes.as_slice())).unwrap();
        let authority = Some(Authority::List(authorities(SMALL.authorities)));
        let checkpoint = Some(Held { name: "held".into(), note });
        let found = audit(&bundle, &Options { checkpoint, ..asked(authority) }).unwrap();
        assert!(found.standing == standing && found.to_string().contains(said), "{what}: {found}");
    }
    // Nobody who has the cut bundle alone sees it.
    let bytes = cut.bundle();
    let alone = super::audited(&Bundle::open(Cursor::new(bytes.as_slice())).unwrap(), false);
    assert_eq!(alone.standing, Standing::Intact, "{alone}");
}

/// The name of the checkpoint that is kept for good.
fn numbered(world: &World) -> String {
    world.all().into_keys().find(|name| name.starts_with("checkpoints/0")).unwrap()
}

#[test]
fn one_checkpoint_under_every_name_counts_once() {
    let mut world = World::new(SMALL);
    let note = world.all().remove(&numbered(&world)).unwrap();
    world.parts.insert("checkpoints/newest".into(), note.clone());
    world.parts.insert("checkpoints/previous".into(), note);
    let bytes = world.bundle();
    let found = super::audited(&Bundle::open(Cursor::new(bytes.as_slice())).unwrap(), false);
    let counted = &found.checkpoints;
    assert_eq!(
        (super::strictly(&found), counted.checkpoints, counted.cosignatures),
        (Standing::Intact, 1, 7),
        "{found}"
    );
}
