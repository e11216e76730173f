//! What passes between coordinator and members apart from every run: models, witnesses, owners' words, incidents, and the second copy of the journal.

use tributary_certs::grant::{sign_grant, sign_withdrawal};
use tributary_certs::keys::read_signing_key;
use tributary_certs::people::SigningPerson;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_certs::told::{sign_incident, write_incident};
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{NoteSignature, SignedCheckpoint};
use tributary_protocol::message::{ShownCheckpoint, WitnessWord};
use tributary_protocol::plan::{Attestation, Grant, OwnersWord};
use tributary_protocol::registry::{
    CopyNote, CopyState, GatesReport, IncidentStep, IncidentWord, ModelManifest, ModelStatement, ModelStep, Severity,
    SignedReport, SignedStatement, StatementScope,
};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{MemberName, Roster, SignedRoster};
use tributary_protocol::round::cast;
use tributary_protocol::secagg::suite::{Signature, Suite as _};
use tributary_protocol::signed::SignedBody as _;

use super::orders::authorities;
use super::*;
use crate::federation::models::Word;
use crate::registry::{Recordable, load};

fn person(world: &World, number: &str) -> SigningPerson {
    SigningPerson::open(&world.house.path("people").join(number)).unwrap()
}

fn attested(world: &World, (number, role): (&str, Role), action: Action, subject: Digest) -> Attestation {
    person(world, number).attest(action, subject, authorities(world).digest(), role, now()).unwrap()
}

pub(super) fn key_of(world: &World, client: u32) -> SigningKey {
    let folder = world.house.client_folder(&format!("branch-{}", client - 1));
    read_signing_key(&folder.join(tributary_certs::enrolment::names::SIGNING_KEY)).unwrap()
}

/// A world in which one run is over, and nobody is connected.
pub(super) fn after_a_run() -> (World, ModelManifest) {
    let mut world = World::new(|text| text.replace("rounds = 3\n", "rounds = 1\n"));
    world.begin();
    world.all_come();
    world.talk();
    let mut world = world.restart();
    world.begin();
    let model = crate::registry::list(&world.config).unwrap().remove(0).model;
    let manifest = load(&world.config, &model, None).unwrap().manifest;
    (world, manifest)
}

/// A statement of the plan's author and a validator, with a report where its step needs one.
fn stated(world: &World, manifest: &ModelManifest, (step, sequence): (ModelStep, u64)) -> SignedStatement {
    let (federation, lineage) = (authorities(world).digest(), &manifest.lineage);
    let report = GatesReport {
        federation,
        terms: crate::Job::open(&world.house.plan()).unwrap().plan().terms_digest(),
        card: Digest::of(
            crate::registry::card(&world.config, &manifest.digest().to_string()).unwrap().to_json().as_bytes(),
        ),
        valid_until: now() + 10_000,
        ..cast::gates_report(manifest)
    };
    let signed = attested(world, ("e3", Role::ModelValidator), Action::ValidateModel, report.digest());
    let report = step.needs_report().then(|| Box::new(SignedReport { report, signed }));
    let statement = ModelStatement {
        federation,
        step,
        model: manifest.digest(),
        sequence,
        purpose: lineage.purpose.clone(),
        scope: StatementScope::All,
        evidence: report.as_ref().map_or(Digest::ZERO, |report| report.report.digest()),
        reason: "because".into(),
    };
    let (subject, action) = (statement.digest(), step.action());
    let [first, second] =
        [("e1", Role::PlanOwner), ("e3", Role::ModelValidator)].map(|by| attested(world, by, action, subject));
    SignedStatement { statement, first, second, report }
}

/// The world's roster of another epoch, with or without its people. Nobody verifies its signatures here.
fn roster(world: &World, epoch: u64, people: bool) -> SignedRoster {
    let known = &crate::open::Opened::open(&world.config, now()).unwrap().identity.roster.roster;
    let people = if people { known.people().to_vec() } else { Vec::new() };
    let entries = known.entries().to_vec();
    let roster = Roster::new(epoch, Digest::of(b"before"), entries, Vec::new(), people).unwrap();
    SignedRoster { roster, signatures: Vec::new() }
}

#[test]
fn what_is_stated_of_a_model_every_member_hears_and_may_take_it() {
    let (mut world, manifest) = after_a_run();
    let model = manifest.digest();
    world.comes(1);
    world.talk();
    let piece = |world: &mut World, from: u64| {
        world.arrive(Arrival::ModelPiece(ClientId(1), model, from));
        world.talk();
        match world.heard(1).last() {
            Some(ToClient::ModelPiece { model: of, from: at, bytes }) if *of == model && *at == from => bytes.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(piece(&mut world, 0), b"", "nobody is given a candidate");
    // Without the people's roles it does not count, and is judged again when they have them.
    world.arrive(Arrival::Roster(Box::new(roster(&world, 2, false))));
    let promoted = stated(&world, &manifest, (ModelStep::Promote, 1));
    world.take_told();
    world.arrive(Arrival::Stated(Word::from(promoted.clone())));
    assert_eq!(world.take_lines(), [""; 0]);
    world.arrive(Arrival::Roster(Box::new(roster(&world, 3, true))));
    let lines = world.take_lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("roster 3 is in force") && lines[1].starts_with("two people state: "), "{lines:?}");
    world.talk();
    let told = |world: &World, client: u32| -> Vec<SignedStatement> {
        let models = world.heard(client).iter().filter_map(|said| match said {
            ToClient::Models(told) => Some(told.iter().map(|told| told.statement.clone())),
            _ => None,
        });
        models.flatten().collect()
    };
    let before = |world: &World, client: u32| {
        let heard = world.heard(client).iter();
        let kinds = heard.filter_map(|said| match said {
            ToClient::Roster(roster) => Some(("roster", roster.roster.epoch())),
            ToClient::RosterBefore(roster) => Some(("before", roster.roster.epoch())),
            ToClient::Followers(notes) => Some(("followers", notes.len() as u64)),
            ToClient::Models(told) => Some(("models", told.len() as u64)),
            _ => None,
        });
        kinds.collect::<Vec<_>>()
    };
    assert_eq!(told(&world, 1), vec![promoted.clone()]);
    assert_eq!(before(&world, 1), [("roster", 3), ("models", 1)]);
    world.arrive(Arrival::Stated(Word::from(promoted.clone())));
    world.talk();
    assert_eq!((told(&world, 1).len(), world.take_lines().len()), (1, 0), "once");
    let whole = std::fs::read(world.state(&format!("registry/{model}/parameters"))).unwrap()[16..].to_vec();
    assert!(
        piece(&mut world, 0) == whole && piece(&mut world, 8) == whole[8..] && piece(&mut world, 1 << 40).is_empty()
    );
    // A member says what it has of it.
    let note = |world: &World, client: u32| {
        let mut note = CopyNote {
            federation: authorities(world).digest(),
            client: ClientId(1),
            model,
            state: CopyState::Kept,
            statement: promoted.statement.digest(),
            at: 9,
            signature: Signature::none(),
        };
        note.signature = RealSuite::sign(&key_of(world, client), &note.to_sign::<RealSuite>());
        Box::new(note)
    };
    for (by, from) in [(2, 1), (1, 2)] {
        let note = note(&world, by);
        world.arrive(Arrival::Copy(ClientId(from), note));
    }
    assert_eq!(world.take_lines(), [""; 0], "another key, and another client's word");
    let own = note(&world, 1);
    world.arrive(Arrival::Copy(ClientId(1), own));
    let [said] = world.take_lines().try_into().unwrap();
    assert_eq!(said, "client 1 (north-bank/branch-0): model … kept");
    // Whoever comes later hears it too; where its signers have left, with what they were judged by and who follows it.
    world.comes(2);
    world.talk();
    assert_eq!((told(&world, 2), before(&world, 2)), (vec![promoted.clone()], vec![("roster", 3), ("models", 1)]));
    world.arrive(Arrival::Roster(Box::new(roster(&world, 4, false))));
    world.comes(3);
    world.talk();
    let expected = vec![("roster", 4), ("before", 3), ("followers", 1), ("models", 1)];
    assert_eq!((told(&world, 3), before(&world, 3)), (vec![promoted], expected));
}

#[test]
fn witnesses_are_shown_what_was_made_and_counted_when_they_cosign() {
    let (mut world, _) = after_a_run();
    (1..=2).for_each(|number| world.comes(number));
    world.talk();
    let word = |world: &mut World, client: u32, word| {
        world.arrive(Arrival::Witness(ClientId(client), word));
        world.talk();
    };
    let shown = |world: &World, client: u32| -> Vec<ShownCheckpoint> {
        let checkpoints = world.heard(client).iter().filter_map(|said| match said {
            ToClient::Checkpoint(shown) => Some(shown.clone()),
            _ => None,
        });
        checkpoints.collect()
    };
    word(&mut world, 1, WitnessWord::Seen { size: 0 });
    assert_eq!((shown(&world, 1), world.status().log), (vec![], None), "nothing was made yet");
    world.centre.look().unwrap();
    world.talk();
    let [first] = shown(&world, 1).try_into().unwrap();
    assert!(shown(&world, 2).is_empty(), "it has not said what it has");
    let entries = SignedCheckpoint::parse(&first.note).unwrap().checkpoint().size;
    let log = world.status().log.unwrap();
    assert_eq!((log.entries, log.cosigned), (entries, 0));
    let cosign = |world: &World, client: u32, name: u32| {
        let note = SignedCheckpoint::parse(&first.note).unwrap();
        let name = format!("north-bank/branch-{}", name - 1);
        let key = key_of(world, client);
        let signature = NoteSignature::by_witness::<RealSuite>(&name, &key, note.checkpoint(), now()).unwrap();
        WitnessWord::Cosigned { size: entries, signature }
    };
    let wrong = cosign(&world, 2, 1);
    word(&mut world, 1, wrong);
    assert_eq!(world.status().log.unwrap().cosigned, 0);
    let good = cosign(&world, 1, 1);
    word(&mut world, 1, good);
    assert_eq!((world.status().log.unwrap().cosigned, shown(&world, 1).len()), (1, 1));
    // A checkpoint of another journal, with this coordinator's signature: told once, and in the journal.
    let origin = SignedCheckpoint::parse(&first.note).unwrap().checkpoint().origin.clone();
    let own = read_signing_key(&world.house.coordinator().join("signing.key")).unwrap();
    let other = tributary_protocol::log::Checkpoint { origin, size: 999, root: Digest([9; 32]) };
    let note = SignedCheckpoint::sign::<RealSuite>(other, &own).unwrap().to_string().into_bytes();
    world.take_told();
    for _ in 0..2 {
        word(&mut world, 2, WitnessWord::Seen { size: 999 });
        word(&mut world, 2, WitnessWord::Disputed { note: note.clone() });
    }
    let told = world.take_told();
    assert!(
        matches!(&told[..], [one] if matches!(&one.event, Event::LogDisputed { client, entries: 999 } if client.client == 2)),
        "{told:?}"
    );
    let disputes = world.status().log.unwrap().disputes;
    assert_eq!((disputes.len(), disputes[0].client.client, disputes[0].entries), (1, 2, 999));
    world.goes(1, None);
    assert_eq!(world.status().log.unwrap().cosigned, 1, "it has cosigned all the same");
}

#[test]
fn owners_words_and_lists_go_to_whom_they_concern() {
    let mut world = World::new(|text| text);
    let owner = SigningKey::from_seed(&[3; 32]);
    let branches = ["north-bank/branch-0", "north-bank/branch-2"].map(|name| MemberName::parse(name).unwrap());
    let grant = Grant { branches: branches.into(), not_after: now() + 1_000, ..cast::grant(&cast::plan()) };
    let grant = sign_grant(&owner, grant);
    let (granted, taken) =
        (OwnersWord::Granted(grant.clone()), OwnersWord::TakenBack(sign_withdrawal(&owner, grant.digest(), 7)));
    (1..=2).for_each(|number| world.comes(number));
    let words = |world: &mut World, client: u32| -> Vec<OwnersWord> {
        world.talk();
        let words = world.heard(client).iter().filter_map(|said| match said {
            ToClient::Owner(word) => Some(word.as_ref().clone()),
            _ => None,
        });
        words.collect()
    };
    world.arrive(Arrival::Owners(vec![granted.clone()]));
    assert_eq!((words(&mut world, 1), words(&mut world, 2)), (vec![granted.clone()], vec![]));
    world.comes(3);
    assert_eq!(words(&mut world, 3), vec![granted.clone()], "whoever comes later");
    world.arrive(Arrival::Owners(vec![taken.clone()]));
    assert_eq!((words(&mut world, 1), words(&mut world, 2)), (vec![granted, taken.clone()], vec![]));
    world.goes(1, None);
    world.comes(1);
    assert_eq!(words(&mut world, 1), [taken], "in the place of what was granted");
    // Lists go to everybody who is here, and to whoever comes.
    let lists = |world: &mut World, client: u32| -> Vec<Vec<u8>> {
        world.talk();
        let lists = world.heard(client).iter().filter_map(|said| match said {
            ToClient::Lists(text) => Some(text.clone()),
            _ => None,
        });
        lists.collect()
    };
    let own = lists(&mut world, 2);
    assert_eq!(own.len(), 1);
    world.arrive(Arrival::Lists(b"newer".to_vec()));
    for client in 1..=3 {
        assert_eq!(lists(&mut world, client), [own[0].clone(), b"newer".to_vec()], "{client}");
    }
    world.comes(4);
    assert_eq!(lists(&mut world, 4), [b"newer".to_vec()]);
}

#[test]
fn an_incident_is_recorded_when_it_is_told() {
    let (mut world, _) = after_a_run();
    let word = |world: &World, text: &str| IncidentWord {
        federation: authorities(world).digest(),
        step: IncidentStep::Open,
        incident: Digest::ZERO,
        severity: Severity::High,
        happened: now() - 100,
        text: text.into(),
    };
    let signed =
        sign_incident(&person(&world, "e1"), Role::PlanOwner, word(&world, "the disk was full"), now()).unwrap();
    let told = Recordable::Incident(Box::new(signed.clone()));
    let ask = |world: &mut World, name: &str| world.centre.answer(Request::Told(name.to_owned())).unwrap();
    for name in ["nothing", "nothing.incident", &told.name()] {
        assert!(matches!(ask(&mut world, name), Said::NotRecorded(_)), "{name}");
    }
    tributary_storage::files::create_private_folder(&world.state("told")).unwrap();
    write_incident(&signed, &world.state("told").join(told.name())).unwrap();
    world.take_told();
    let Said::Recorded(words) = ask(&mut world, &told.name()) else { panic!("it is good") };
    assert!(words.contains("the disk was full"), "{words}");
    let events = world.take_told();
    assert!(matches!(&events[..], [one] if one.event == Event::IncidentTold { words: words.clone() }), "{events:?}");
    let incidents = world.status().incidents;
    let [open] = incidents.as_slice() else { panic!("{incidents:?}") };
    assert_eq!((open.number, open.severity.as_str(), open.since), (1, "high", signed.word.happened));
    assert_eq!((open.opened_by.as_str(), open.text.as_str()), ("north-bank/e1", "the disk was full"));
    assert!(matches!(ask(&mut world, &told.name()), Said::NotRecorded(_)), "once");
    assert_eq!(crate::registry::incidents(&world.config, |_| tributary_evidence::NothingKept).unwrap().len(), 1);
}

/// While the second copy fails, no round begins; what the sink says is told, recorded and shown.
#[test]
fn a_second_copy_that_fails_holds_rounds_back_until_it_is_taken() {
    let change = |text: String| {
        let sink = "[audit.sink]\nfile = \"elsewhere/copy.log\"\nlag_entries_max = 2\n[plan]\n";
        text.replace("rounds = 3\n", "rounds = 1\n").replace("[plan]\n", sink)
    };
    let mut world = World::new(change);
    let heard = |world: &mut World| loop {
        match world.arrivals.blocking_recv().expect("the sink lives") {
            Arrival::Told(event) => return *event,
            other => world.arrive(other),
        }
    };
    world.begin();
    world.all_come();
    world.talk();
    assert!(world.ends().is_empty(), "nothing begins before the copy was compared with the journal");
    let failed = heard(&mut world);
    let Event::SinkFailed { target, reason, .. } = &failed else { panic!("{failed:?}") };
    assert!(target.starts_with("file ") && target.ends_with("elsewhere/copy.log"), "{target}");
    let (target, reason) = (target.clone(), reason.clone());
    world.take_told();
    world.arrive(Arrival::Told(Box::new(failed.clone())));
    world.talk();
    assert_eq!(world.take_told()[0].event, failed);
    world.centre.look().unwrap();
    let sink = world.status().sink.expect("there is one");
    assert_eq!((sink.target, sink.reason, sink.entries), (target, Some(reason), 0));
    assert!(sink.withholds && sink.since.is_some() && sink.lag_entries > 2, "{}", sink.lag_entries);
    let metrics = std::fs::read_to_string(world.state("metrics.prom")).unwrap();
    for line in ["audit_sink_failing 1\n", "audit_sink_withholds 1\n"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert!(metrics.contains("audit_sink_lag_entries ") && !metrics.contains("audit_sink_lag_entries 0\n"));
    // The folder comes, and everything is copied.
    std::fs::create_dir(world.house.path("elsewhere")).unwrap();
    let restored = heard(&mut world);
    assert!(matches!(restored, Event::SinkRestored { .. }), "{restored:?}");
    // Each time that it lags too far again, what is left waits for it.
    while world.ends().is_empty() {
        let arrival = world.arrivals.blocking_recv().expect("the sink lives");
        world.arrive(arrival);
        world.talk();
    }
    assert_eq!(world.ends(), vec![Ended::Finished(1); BRANCHES as usize], "{:#?}", world.lines());
    world.centre.hands.copy_the_rest();
    assert_eq!(world.centre.hands.withheld(), None);
    let sink = world.status().sink.expect("there is one");
    assert_eq!((sink.lag_entries, sink.since, sink.reason, sink.withholds), (0, None, None, false));
    let copied = std::fs::read_to_string(world.house.path("elsewhere/copy.log")).unwrap();
    for notice in ["sink_failed", "sink_back", "run_finished"] {
        assert_eq!(copied.matches(&format!("kind=\"{notice}\"")).count(), 1, "{notice}");
    }
}
