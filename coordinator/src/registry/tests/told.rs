//! What commands have the journal take: the names by which a daemon finds their files, and what becomes of each; and from which models runs begin.

use std::slice;

use tributary_protocol::registry::{
    IncidentStep, IncidentWord, Look, Notice, Severity, Sight, SignedIncident, SignedLook,
};
use tributary_storage::files::FileError;

use super::*;
use crate::error::CoordinatorError;
use crate::federation::served::Served;
use crate::store::Store;

pub(super) fn incident(world: &World, text: &str) -> Recordable {
    let word = IncidentWord {
        federation: FEDERATION,
        step: IncidentStep::Open,
        incident: Digest::ZERO,
        severity: Severity::High,
        happened: unix_seconds() - 100,
        text: text.into(),
    };
    let signed = world.attested(0, word.step.action(), word.digest());
    Recordable::Incident(Box::new(SignedIncident { word, signed }))
}

fn look(world: &World) -> Recordable {
    let look = Look { federation: FEDERATION, what: Sight::ALL[0], from: 0, to: 0, scope: "".into() };
    let signed = world.attested(0, Action::Inspect, look.digest());
    Recordable::Look(Box::new(SignedLook { look, signed }))
}

fn events(world: &World) -> Vec<RegistryEvent> {
    let path = world.state().join("audit.log");
    let events = read_view::<RegistryEvent>(&path, LedgerId::ADMINISTRATION).unwrap();
    events.into_iter().map(|recorded| recorded.event).collect()
}

/// What a command puts there the daemon reads again by its name, whole; what is there already is left as it is.
#[test]
fn a_file_is_found_by_the_name_of_what_it_holds() {
    let world = World::new(&several());
    let state = world.state();
    fs::create_dir(&state).unwrap();
    for (told, ending) in [(incident(&world, "the disk was full"), "incident"), (look(&world), "look")] {
        let name = told.name();
        let (stem, found) = name.rsplit_once('.').unwrap();
        assert_eq!((Digest::from_hex(stem).is_some(), found), (true, ending));
        let absent = Recordable::read(&state, &name).expect("a name");
        assert!(matches!(absent, Err(RegistryError::File(FileError::System { .. }))), "{absent:?}");
        // The folder is made for the first of either kind.
        let _ = fs::remove_dir_all(state.join("told"));
        told.put(&state).unwrap();
        assert_eq!(Recordable::read(&state, &name).unwrap().unwrap(), told);
        fs::write(state.join("told").join(&name), "another").unwrap();
        told.put(&state).unwrap();
        assert!(Recordable::read(&state, &name).unwrap().is_err(), "what is there is not replaced");
        // Under another ending it is something else.
        let other = if ending == "look" { "incident" } else { "look" };
        assert!(Recordable::read(&state, &format!("{stem}.{other}")).unwrap().is_err());
    }
    // Numbers have one form, and digests theirs.
    let model = Digest([7; 32]);
    for name in ["000001.export", "999999.export", "1000000.export", &format!("{model}-000002.points")] {
        assert!(matches!(Recordable::read(&state, name), Some(Err(RegistryError::File(_)))), "{name}");
    }
    let short = &model.to_string()[1..];
    for name in [
        "",
        ".",
        "export",
        "1.export",
        "00001.export",
        "0000001.export",
        "+00001.export",
        "-00001.export",
        "x.export",
        &format!("{model}-2.points"),
        &format!("{model}000002.points"),
        &format!("{short}-000002.points"),
        &format!("{model}.other"),
        &model.to_string(),
        &format!("{short}.look"),
        &format!("../{model}.incident"),
    ] {
        assert!(Recordable::read(&state, name).is_none(), "{name}");
    }
}

/// The roster by which a signature counts comes before what is signed, and what does not count changes nothing.
#[test]
fn what_people_have_signed_is_recorded_with_the_roster_by_which_it_counts() {
    let world = World::new(&several());
    let (mut journal, mut registry) = world.open();
    let refused = registry.hear(&mut journal, &world.roster, look(&world)).unwrap().unwrap_err();
    assert!(matches!(refused, RegistryError::Look(_)), "{refused}");
    assert!(events(&world).is_empty(), "nobody of them is an inspector");
    let told = incident(&world, "the disk was full");
    let words = registry.hear(&mut journal, &world.roster, told.clone()).unwrap().unwrap();
    assert!(words.contains("the disk was full"), "{words}");
    let again = registry.hear(&mut journal, &world.roster, told.clone()).unwrap();
    assert!(matches!(again, Err(RegistryError::Incident(_))), "once");
    let Recordable::Incident(signed) = told else { unreachable!() };
    let expected = [
        RegistryEvent::RosterAdopted { roster: Box::new(world.roster.clone()) },
        RegistryEvent::IncidentTold { told: signed },
    ];
    assert_eq!(events(&world), expected);
    drop((journal, registry));
    let (_, registry) = world.open();
    assert_eq!(registry.record().incidents.open().count(), 1, "another process finds it");
}

/// What happens to the journal itself is said when it changes.
#[test]
fn a_notice_is_noted_until_it_is_another_one() {
    let world = World::new(&several());
    let (mut journal, mut registry) = world.open();
    let disputed = |entries| Notice::LogDisputed { client: ClientId(1), entries, root: Digest([8; 32]) };
    let rows = [
        (Notice::SinkBack, 0),
        (Notice::SinkFailed, 1),
        (Notice::SinkFailed, 1),
        (Notice::SinkBack, 2),
        (Notice::SinkBack, 2),
        (disputed(7), 3),
        (disputed(7), 3),
        (disputed(8), 4),
    ];
    for (notice, count) in rows {
        registry.notice(&mut journal, notice).unwrap();
        assert_eq!(events(&world).len(), count);
    }
}

/// The next run of a plan begins from what the run before has released, unless that was withdrawn; one that has begun goes on all the same.
#[test]
fn no_run_begins_from_a_model_that_was_withdrawn() {
    let mut own = settings();
    (own.initial_model, own.schedule.runs_max) = (ModelRef::PreviousRun, 5);
    let job = job(&own);
    let world = World::new(&job);
    let (mut journal, mut registry) = world.open();
    let one = registered_in((&mut journal, &mut registry), &job, 1);
    let released = registry.record().models[&one].manifest.parameters;
    let store = Store::open(&world.state(), RunRef { plan: job.plan().digest(), number: 2 }).unwrap();
    let bytes = fs::read(registry.parameters_file(&one)).unwrap()[16..].to_vec();
    store.add_model(&released, &bytes).unwrap();
    let served = Served::after_a_run(job, 1, released);
    let open = |registry: &Registry, begun: Option<Digest>| {
        served.open(2, &store, (registry, begun)).map(|job| (job.run.reference().number, job.initial.digest()))
    };
    assert_eq!(open(&registry, None).unwrap(), (2, released));
    let withdrawal = world.signed(&registry, ModelStep::Withdraw, &one);
    registry.take(&mut journal, &world.roster, withdrawal).unwrap();
    let refused = open(&registry, None).unwrap_err();
    assert!(matches!(refused, CoordinatorError::Registry(RegistryError::Withdrawn { .. })), "{refused}");
    assert_eq!(open(&registry, Some(released)).unwrap(), (2, released), "it has begun");
    assert_eq!(slice::from_ref(&one), registry.record().order);
}

/// A piece is as long as it may be, and ends with the parameters.
#[test]
fn a_piece_of_a_model_is_as_long_as_it_may_be() {
    let job = several();
    let world = World::new(&job);
    let one = registered(&world, &job, 1);
    let (_journal, registry) = world.open();
    let whole = fs::read(registry.parameters_file(&one)).unwrap()[16..].to_vec();
    let piece = |from: usize, most: usize| registry.folder.piece(&one, from as u64, most).unwrap();
    let end = whole.len();
    for (from, most, to) in [(0, 8, 8), (4, 8, 12), (0, end, end), (0, end + 1, end), (end - 3, 8, end), (end, 8, end)]
    {
        assert!(piece(from, most) == whole[from..to], "{from} {most}");
    }
    assert!(registry.folder.piece(&Digest::ZERO, 0, 8).is_err());
}
