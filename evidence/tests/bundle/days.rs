//! Nobody signs when a bundle was made, and for which days: neither excuses what the plans keep.

use std::io::Cursor;

use tributary_evidence::bundle::{Authority, Bundle, Contents, DAY_MS, Options, Standing, audit};
use tributary_protocol::plan::Date;
use tributary_protocol::time::Millis;

use super::asked;
use super::world::{AT, DAY, SMALL, World, authorities};

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
    is((Standing::Intact, "made     2098-09-06T00:00:00Z, as it says itself\n"), &late, day(47_001), None);
    // Days that the bundle names excuse nothing.
    let other = stripped((past, AT));
    is((Standing::Incomplete, uploads), &other, day(47_001), None);
    // Days that the auditor names do, and the bundle must be of them.
    is((Standing::Intact, "outside of these days: 3 sums"), &other, day(47_001), Some(past));
    is((Standing::Incomplete, "MISSING  all of the days"), &other, day(47_001), Some((past.0, DAY)));
    is((Standing::Incomplete, uploads), &other, day(47_001), Some((past.0, DAY)));
}
