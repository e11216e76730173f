//! The sink's thread, step by step, with a way that takes what a test lets it.

use std::sync::Mutex;

use tributary_protocol::ids::RoundId;
use tributary_protocol::log::LedgerId;
use tributary_protocol::message::ClosedReason;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::time::Millis;
use tributary_storage::journal::Journal;

use super::*;
use crate::store::ledger_of;

const NOW: u64 = 1_893_456_000_000;

/// What was delivered, and whether it is taken.
#[derive(Clone, Default)]
struct Given(Arc<Mutex<(Vec<Vec<u64>>, bool)>>);

impl Way for Given {
    fn target(&self) -> String {
        "nowhere".into()
    }

    fn deliver(&mut self, lines: &[Line]) -> Result<(), SinkFault> {
        let mut given = self.0.lock().unwrap();
        given.0.push(lines.iter().map(|line| line.position).collect());
        if given.1 { Err(SinkFault::EndedEarly) } else { Ok(()) }
    }
}

struct World {
    folder: tempfile::TempDir,
    journal: Journal<CoordinatorEvent>,
    given: Given,
    arrivals: mpsc::Receiver<Arrival>,
    shared: Arc<Shared>,
    worker: Worker,
}

impl World {
    /// Entries that were recorded a second after each other, up to now.
    fn new(entries: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open_view(&ledger_of(folder.path()), LedgerId([7; 32])).unwrap();
        let (inputs, arrivals) = mpsc::channel(64);
        let (given, shared) = (Given::default(), Arc::<Shared>::default());
        let worker = Worker::new(
            (ledger_of(folder.path()), PlaceFile::of(folder.path(), "nowhere")),
            (Box::new(given.clone()), 1),
            (Arc::clone(&shared), inputs),
            || NOW,
        );
        let mut world = Self { folder, journal, given, arrivals, shared, worker };
        world.record(0, entries);
        world
    }

    fn record(&mut self, from: u64, entries: u64) {
        for round in from..from + entries {
            let event = CoordinatorEvent::RoundAborted { round: RoundId(round), reason: ClosedReason::Stopped };
            self.journal.append(Millis(NOW + round * 1_000), event).unwrap();
        }
        self.journal.sync().unwrap();
        self.shared.state().durable = self.journal.durable();
    }

    fn reads(&mut self, follower: Option<Follower>) -> Follower {
        let durable = self.shared.state().durable;
        let Ok(follower) = self.worker.go_on(follower, durable) else { panic!("the journal is good") };
        follower
    }

    fn fails(&self, fails: bool) {
        self.given.0.lock().unwrap().1 = fails;
    }

    /// The first and the last entry of each delivery since the last look, and how many there were.
    fn given(&self) -> Vec<(u64, u64, usize)> {
        let all = std::mem::take(&mut self.given.0.lock().unwrap().0);
        all.into_iter().map(|all| (all[0], *all.last().unwrap(), all.len())).collect()
    }

    fn told(&mut self) -> Vec<Event> {
        let arrivals = std::iter::from_fn(|| self.arrivals.try_recv().ok());
        arrivals.filter_map(|arrival| if let Arrival::Told(event) = arrival { Some(*event) } else { None }).collect()
    }
}

#[test]
fn a_batch_is_halved_by_each_failure_and_doubled_by_each_success() {
    let mut world = World::new(3_000);
    let follower = world.reads(None);
    assert_eq!((world.worker.waiting.len(), world.worker.oldest()), (BATCH_MAX, Some(NOW)));
    assert_eq!(world.shared.state().oldest, Some(NOW));
    world.fails(true);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        world.worker.deliver();
        pauses.push(world.worker.pause.as_secs());
    }
    let sizes: Vec<usize> =
        world.given().into_iter().map(|(first, _, count)| (first == 0).then_some(count).unwrap()).collect();
    assert_eq!(sizes, [1_000, 500, 250, 125, 62, 31, 16, 16]);
    assert_eq!(pauses, [2, 4, 8, 16, 30, 30, 30, 30]);
    assert!(world.worker.next > Instant::now() + PAUSE.1 / 2, "it is tried again after a while");
    let [Event::SinkFailed { target, lag_entries: 3_000, .. }] = &world.told()[..] else { panic!("told once") };
    assert_eq!(target, "nowhere");
    let failing = world.shared.state().failing.clone().unwrap();
    assert_eq!(failing, (SinkFault::EndedEarly.to_string(), NOW / 1_000));
    world.fails(false);
    world.worker.deliver();
    assert_eq!(world.given(), [(0, 15, 16)]);
    assert_eq!((world.worker.batch, world.worker.pause), (32, PAUSE.0));
    assert!(world.worker.next <= Instant::now(), "what is left does not wait");
    let state = |world: &World| {
        let state = world.shared.state();
        (state.acknowledged, state.oldest, state.failing.clone())
    };
    assert_eq!(state(&world), (16, Some(NOW + 16_000), None));
    assert!(matches!(&world.told()[..], [Event::SinkRestored { entries: 16, .. }]));
    let mut follower = Some(follower);
    for (first, last, count) in [(16, 47, 32), (48, 111, 64)] {
        follower = Some(world.reads(follower));
        assert_eq!(world.worker.waiting.len(), BATCH_MAX);
        world.worker.deliver();
        assert_eq!(world.given(), [(first, last, count)]);
    }
    while world.shared.state().acknowledged < 3_000 {
        follower = Some(world.reads(follower));
        world.worker.deliver();
    }
    assert_eq!(world.worker.batch, BATCH_MAX);
    assert_eq!(state(&world), (3_000, None, None));
    assert!(world.worker.next > Instant::now() + PACE / 2, "entries of a round leave together");
    assert!(world.told().is_empty());
    // Its place is kept, and another process goes on there.
    let place = world.worker.place.read().unwrap();
    assert_eq!((place.entries, place.head), (3_000, follower.unwrap().reader().log().head()));
}

/// While the journal cannot be read, what was read is forgotten, and entries are at least as old as the fault.
#[test]
fn what_cannot_be_read_is_read_again_from_the_place_that_was_acknowledged() {
    let mut world = World::new(20);
    world.reads(None);
    world.worker.deliver();
    assert_eq!(world.shared.state().acknowledged, 20);
    world.worker.cannot_read("the disk is gone".into());
    assert_eq!(world.shared.state().oldest, None, "nothing waits");
    world.record(20, 5);
    world.worker.cannot_read("the disk is gone".into());
    assert_eq!((world.shared.state().oldest, world.worker.waiting.len()), (Some(NOW), 0));
    assert_eq!(world.told().len(), 1, "once");
    world.reads(None);
    assert_eq!((world.worker.waiting.len(), world.worker.unreadable), (5, false));
    world.worker.deliver();
    assert_eq!(world.given(), [(0, 19, 20), (20, 24, 5)]);
    // A journal that is shorter than what was made durable was cut.
    let path = ledger_of(world.folder.path());
    let durable = Durable { entries: 26, ..world.shared.state().durable };
    assert!(matches!(world.worker.go_on(None, durable), Err(Stop::Ends(why)) if why.contains("somebody has cut it")));
    std::fs::remove_file(path).unwrap();
    assert!(matches!(world.worker.go_on(None, durable), Err(Stop::Unreadable(_))));
    world.worker.breaks("it was changed".into());
    assert_eq!(world.shared.state().broken, Some(("it was changed".into(), NOW / 1_000)));
}

/// The lag is what is durable and not acknowledged, and as old as the oldest of it.
#[test]
fn the_lag_is_counted_in_entries_and_in_whole_seconds() {
    let mut world = World::new(7);
    world.reads(None);
    let state = world.shared.state();
    assert_eq!(state.lag_entries(), 7);
    assert_eq!([0, NOW, NOW + 999, NOW + 1_000, NOW + 61_999].map(|now| state.lag_seconds(now)), [0, 0, 0, 1, 61]);
    drop(state);
    world.worker.deliver();
    let state = world.shared.state();
    assert_eq!((state.lag_entries(), state.lag_seconds(u64::MAX)), (0, 0));
}

#[test]
fn a_daemon_that_ends_hands_on_every_entry_that_is_durable() {
    let ends = |fails: bool| -> Vec<Vec<u64>> {
        let world = World::new(2_500);
        world.fails(fails);
        world.shared.state().ending = true;
        let World { worker, given, folder: _folder, journal: _journal, arrivals: _arrivals, .. } = world;
        worker.run();
        std::mem::take(&mut given.0.lock().unwrap().0)
    };
    assert_eq!(ends(false).concat(), (0..2_500).collect::<Vec<u64>>());
    assert_eq!(ends(true).len(), 1, "whoever takes nothing holds nobody up");
}
