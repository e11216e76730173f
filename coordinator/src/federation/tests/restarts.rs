//! A process that ends, and the next one in the same folders.

use tributary_protocol::log::LedgerId;
use tributary_protocol::registry::RegistryEvent;
use tributary_storage::faults::each_fault;
use tributary_storage::journal::read_view;

use super::*;

/// Events of models, as the journal has them.
fn registered(world: &World) -> usize {
    let events = read_view::<RegistryEvent>(&world.state("audit.log"), LedgerId::ADMINISTRATION).unwrap();
    events.iter().filter(|entry| matches!(entry.event, RegistryEvent::ModelRegistered { .. })).count()
}

#[test]
fn a_run_goes_on_where_its_ledger_ends() {
    let mut world = World::new(|text| text);
    world.begin();
    world.all_come();
    world.talk_until(|event| matches!(event, Event::Round { .. }));
    world.centre.stop().unwrap();
    let mut world = world.restart();
    assert_eq!(world.status().here, 0);
    world.begin();
    let run = &world.status().runs[0];
    assert_eq!((run.committed, run.rounds), (1, 3));
    assert!(run.charged >= 1 && run.epsilon.unwrap() > 0.0);
    assert_eq!(world.take_lines()[0], "test run 1: open; its members are invited");
    world.all_come();
    world.talk();
    assert_eq!(world.ends(), vec![Ended::Finished(3); BRANCHES as usize]);
    assert_eq!((world.status().ended, registered(&world)), (1, 1));
    let lines = world.take_lines();
    assert!(lines.iter().all(|line| !line.contains("begins a budget")), "it is known: {lines:#?}");
}

/// The runs of a plan follow each other, each with the model of the one before; after a restart the next one is the next one.
#[test]
fn the_runs_of_a_plan_follow_each_other() {
    let previous = |text: String| text.replace("rounds = 3\n", "rounds = 1\ninitial_model = \"previous-run\"\n");
    let mut world = World::of_runs(3, previous);
    world.begin();
    world.all_come();
    world.here.values_mut().for_each(|seat| seat.machines.runs = 2);
    world.talk_until(|event| matches!(event, Event::Finished(_)));
    world.talk_until(|event| matches!(event, Event::Finished(_)));
    assert_eq!((world.status().ended, registered(&world)), (2, 2));
    assert_eq!(world.status().runs[0].of.run, 3);
    let mut world = world.restart();
    world.begin();
    assert_eq!((world.status().ended, world.status().runs[0].of.run), (2, 3));
    world.all_come();
    world.talk();
    assert!(world.centre.is_through() && registered(&world) == 3);
    let mut models = crate::registry::list(&world.config).unwrap();
    models.sort_by_key(|model| model.run);
    assert_eq!(models.iter().map(|model| model.run).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(models[0].parent, None);
    for pair in models.windows(2) {
        assert_eq!(pair[1].parent.as_ref(), Some(&pair[0].model));
    }
    // What is over stays over, with the index of the journal and without.
    for with_index in [true, false] {
        if !with_index {
            std::fs::remove_file(world.state("audit.index")).unwrap();
        }
        world = world.restart();
        world.begin();
        assert!(world.centre.is_through() && world.take_told().is_empty(), "{with_index}");
        assert_eq!((world.status().ended, registered(&world)), (3, 3));
        assert!(world.state("audit.index").is_file(), "{with_index}");
    }
}

/// The process goes on until a run is over, or it ends.
fn one_run(world: &mut World) {
    world.begin();
    world.all_come();
    world.here.values_mut().for_each(|seat| seat.machines.runs = 200);
    let is_over = |world: &World| world.told.borrow().iter().any(|told| matches!(told.event, Event::Finished(_)));
    while world.ended.is_ok() && !is_over(world) && world.talk_once() {}
}

/// A disk that fails at any of the coordinator's writes: the process ends at once, or that write is one that may wait. The next process, on a disk that has
/// room again, goes on, and each run is released once.
#[test]
fn each_run_is_released_once_whichever_write_fails() {
    let house = Federation::new(BRANCHES as usize);
    let config = house.settings_of_runs(200, |text| text.replace("rounds = 3\n", "rounds = 1\n"));
    let (mut own, mut went_on) = (Some(house), 0);
    let failed = each_fault(|fault| {
        let house = own.take().expect("it comes back");
        let (house, ended) = fault.during(|| {
            let Ok(started) = start(&config) else { return (house, true) };
            let mut world = World::started(house, config.clone(), started);
            world.may_end = true;
            one_run(&mut world);
            (world.house, world.ended.is_err() || world.centre.stuck().is_some())
        });
        went_on += u32::from(!ended);
        let mut world = World::at(house, config.clone());
        one_run(&mut world);
        let mut runs: Vec<u32> = crate::registry::list(&config).unwrap().iter().map(|model| model.run).collect();
        runs.sort_unstable();
        let ended = u32::try_from(world.status().ended).unwrap();
        assert_eq!((runs, registered(&world)), ((1..=ended).collect(), ended as usize));
        own = Some(world.house);
    });
    assert!(failed > 50, "{failed}");
    // Besides the turn without a fault: the index of the journal or its name. The next start does without.
    assert!((2..=3).contains(&went_on), "{went_on}");
}

/// A process that ended between a run's last record and its release: the next one releases, once.
#[test]
fn what_was_not_released_is_released_at_the_next_start() {
    let mut world = World::new(|text| text.replace("rounds = 3\n", "rounds = 1\n"));
    world.begin();
    world.all_come();
    assert!(!world.state("audit.index").exists());
    world.talk();
    assert!(world.state("audit.index").is_file(), "the end of a run is kept at once");
    let journal = world.state("audit.log");
    let whole = std::fs::read(&journal).unwrap();
    let entries = tributary_protocol::log::scan(tributary_protocol::log::Entries::new(&whole)).entries;
    let own: Vec<u64> =
        entries.iter().filter(|entry| entry.ledger == LedgerId::ADMINISTRATION).map(|entry| entry.offset).collect();
    assert_eq!(own.len(), 2, "the model and its card");
    for (kept, models) in [(own[1], 1), (own[0], 0)] {
        std::fs::write(&journal, &whole[..usize::try_from(kept).unwrap()]).unwrap();
        std::fs::remove_dir_all(world.state("checkpoints")).unwrap();
        std::fs::remove_file(world.state("audit.index")).unwrap();
        assert_eq!(registered(&world), models);
        world = world.restart();
        world.begin();
        let told = world.take_told();
        assert!(told.iter().any(|told| matches!(told.event, Event::Finished(_))), "{told:?}");
        assert_eq!(registered(&world), 1);
        assert!(crate::registry::card(&world.config, &crate::registry::list(&world.config).unwrap()[0].model).is_ok());
        world = world.restart();
        world.begin();
        assert!(world.take_told().is_empty(), "once");
    }
}
