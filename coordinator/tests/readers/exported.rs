//! Models that leave as files.

use std::fs;
use std::path::Path;

use tributary_certs::people::SigningPerson;
use tributary_coordinator::Event;
use tributary_coordinator::registry::{
    self, Draft, ExportLine, ExportRecord, NewExport, RegistryError, exports, load, points,
};
use tributary_evidence::{ExportFormat, Item, steps};
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{ModelStep, RefusedNote};
use tributary_protocol::role::Role;
use tributary_storage::files::{Existing, write_private};

use super::*;

pub(super) fn exports_are_numbered_and_none_is_taken_out(world: &World) {
    let at = now();
    let new = NewExport {
        format: ExportFormat::Sql,
        dialect: Some("ansi"),
        head: Some("churn"),
        recipient: "scoring team",
        valid_until: at + 100,
        trial: true,
        now: at,
    };
    let models: Vec<_> = world.models.iter().map(|model| load(&world.config, &model.model, None).unwrap()).collect();
    let output = |name: &str| world.federation.path(name);
    let export = |place: usize, new: &NewExport<'_>, name: &str| {
        let make = |number: u64| Ok::<_, RegistryError>(format!("file {number}").into_bytes());
        registry::export(&world.config, &models[place], new, &output(name), make)
    };
    let past = export(0, &NewExport { valid_until: at, ..new.clone() }, "past.sql").unwrap_err();
    assert!(matches!(past, RegistryError::Past), "{past}");
    assert!(!output("past.sql").exists() && exports(&world.config, at).unwrap().is_empty(), "nothing has changed");
    let candidate = export(0, &NewExport { trial: false, ..new.clone() }, "past.sql").unwrap_err();
    assert!(matches!(candidate, RegistryError::Candidate { .. }), "{candidate}");
    let days = |seconds| NewExport { valid_until: at + 31 * 86_400 + seconds, ..new.clone() };
    let long = export(0, &days(1), "past.sql").unwrap_err();
    assert!(matches!(long, RegistryError::TrialTooLong), "{long}");
    assert!(!output("past.sql").exists() && exports(&world.config, at).unwrap().is_empty(), "nothing has changed");
    // A place that cannot be written, or one among the coordinator's own files, is found before the number is taken.
    let place = |output: &Path, what: &str| {
        let make = |_: u64| Ok::<_, RegistryError>(Vec::new());
        let refused = registry::export(&world.config, &models[0], &new, output, make).unwrap_err();
        assert!(refused.to_string().contains(what), "{}: {refused}", output.display());
    };
    place(&output("nowhere/one.sql"), "nowhere");
    for own in ["exports/000001.json", "exports/one.sql", "one.sql", "plans/one.sql"] {
        fs::create_dir_all(world.state("exports")).unwrap();
        place(&world.state(own), "would stand in the coordinator's own folder");
    }
    place(&output("card\u{202e}centre.sql"), "no file name of one line");
    assert!(exports(&world.config, at).unwrap().is_empty() && !world.state("exports/000001.json").exists());
    // Another command takes the number while this one makes its file.
    let taken = world.state("exports/000001.json");
    let make = |_: u64| {
        fs::write(&taken, "another command's").unwrap();
        Ok::<_, RegistryError>(Vec::new())
    };
    let refused = registry::export(&world.config, &models[0], &new, &output("one.sql"), make).unwrap_err();
    assert!(matches!(refused, RegistryError::NumberTaken { number: 1, .. }), "{refused}");
    assert!(refused.to_string().contains("leave it there") && !output("one.sql").exists(), "{refused}");
    fs::remove_file(&taken).unwrap();
    let first = export(0, &NewExport { valid_until: at + 1, ..new.clone() }, "one.sql").unwrap();
    assert!(matches!(export(0, &new, "one.sql"), Err(RegistryError::OutputExists(_))));
    let second =
        export(1, &NewExport { dialect: None, head: None, format: ExportFormat::Onnx, ..new.clone() }, "two.onnx")
            .unwrap();
    for (number, record, name) in [(1, &first, "one.sql"), (2, &second, "two.onnx")] {
        let bytes = fs::read(output(name)).unwrap();
        assert_eq!((record.number, bytes.as_slice()), (number, format!("file {number}").as_bytes()));
        assert_eq!((record.file.as_str(), record.digest.as_str()), (name, &*Digest::of(&bytes).to_string()));
        assert_eq!((record.recipient.as_str(), record.made_at), ("scoring team", at));
    }
    let of = |record: &ExportRecord| {
        let words = [Some(&record.format), record.dialect.as_ref(), record.head.as_ref()];
        (record.model.clone(), words.map(|word| word.cloned().unwrap_or_default()), record.valid_until)
    };
    let words = |words: [&str; 3]| words.map(str::to_owned);
    assert_eq!(of(&first), (world.models[0].model.clone(), words(["sql", "ansi", "churn"]), at + 1));
    assert_eq!(of(&second), (world.models[1].model.clone(), words(["onnx", "", ""]), at + 100));
    // The last second is a good one.
    for (seconds, expired) in [(1, false), (2, true)] {
        let lines = exports(&world.config, at + seconds).unwrap();
        let told: Vec<_> = lines.iter().map(|line: &ExportLine| (&line.record, line.void, line.expired)).collect();
        assert_eq!(told, [(&first, false, expired), (&second, false, false)]);
    }
    // A withdrawn model, one on which the alarm was raised, and one for which nobody answers for so long leave as no file.
    let mut model = load(&world.config, &world.models[0].model, None).unwrap();
    let mut refused = |change: fn(&mut registry::LoadedModel, u64)| {
        (model.withdrawn, model.alarmed, model.answered_until) = (false, false, None);
        change(&mut model, at);
        registry::export(&world.config, &model, &new, &output("three"), |_| Ok::<_, RegistryError>(Vec::new()))
            .unwrap_err()
    };
    assert!(matches!(refused(|model, _| model.withdrawn = true), RegistryError::Withdrawn { .. }));
    assert!(matches!(refused(|model, _| model.alarmed = true), RegistryError::Refused(_)));
    let late = refused(|model, at| model.answered_until = Some(at + 99));
    assert!(matches!(late, RegistryError::Unanswered { over: false, .. }), "{late}");
    let over = refused(|model, at| model.answered_until = Some(at));
    assert!(matches!(over, RegistryError::Unanswered { over: true, .. }), "{over}");
    model.answered_until = Some(at + 100);
    registry::export(&world.config, &model, &new, &output("three"), |_| Ok::<_, RegistryError>(Vec::new())).unwrap();
    // Records that were changed, exchanged or taken out are missed, the last one as well; and no number comes again.
    let record = |number: u32| world.state(&format!("exports/{number:06}.json"));
    let all = [1, 2, 3].map(|number| fs::read(record(number)).unwrap());
    let refused = |what: &str| {
        for refused in [exports(&world.config, at).map(drop), export(0, &new, "four.sql").map(drop)] {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, RegistryError::Register { .. }), "{refused}");
            assert!(refused.to_string().contains(what), "{refused}");
        }
        assert!(!output("four.sql").exists() && !record(4).exists());
    };
    let longer = [all[2].as_slice(), b" "].concat();
    let renumbered = String::from_utf8(all[1].clone()).unwrap().replace("\"number\": 2", "\"number\": 1");
    for (number, bytes) in
        [(1, renumbered.as_bytes()), (1, &all[1]), (2, &all[0]), (2, b"{}"), (3, &all[1]), (3, &longer)]
    {
        fs::write(record(number), bytes).unwrap();
        refused(&format!("not the file that the journal names as export {number}"));
        fs::write(record(number), &all[number as usize - 1]).unwrap();
    }
    for number in [1, 2, 3] {
        fs::remove_file(record(number)).unwrap();
        refused(&format!("the journal names it as export {number}: somebody removed it"));
        fs::write(record(number), &all[number as usize - 1]).unwrap();
    }
    // Nor is one put in that the journal does not take.
    for (number, bytes) in [(4, &all[2]), (5, &all[0])] {
        fs::write(record(number), bytes).unwrap();
        assert!(exports(&world.config, at).is_err(), "{number}");
        fs::remove_file(record(number)).unwrap();
    }
    assert_eq!(exports(&world.config, at).unwrap().len(), 3);
}

/// A network for a trial, as of a second.
pub(super) fn trial(at: u64) -> NewExport<'static> {
    NewExport {
        format: ExportFormat::Onnx,
        dialect: None,
        head: None,
        recipient: "scoring team",
        valid_until: at + 100,
        trial: true,
        now: at,
    }
}

/// A record without an entry, as a command leaves it that ends between the two.
fn left(world: &World, at: u64, model: usize) -> u64 {
    let last = exports(&world.config, at).unwrap().len() as u64;
    let path = |number: u64| world.state(&Item::Export(number).name());
    let before = fs::read(path(last)).unwrap();
    let record = ExportRecord {
        number: last + 1,
        model: world.models[model].model.clone(),
        previous: Digest::of(&before).to_string(),
        ..ExportRecord::read(&before).unwrap()
    };
    write_private(&path(last + 1), &record.to_bytes(), Existing::Keep).unwrap();
    last + 1
}

/// The exports that the journal names.
fn entries(world: &World) -> Vec<u64> {
    let journal = fs::read(world.state("audit.log")).unwrap();
    let (all, bad) = steps(&journal);
    assert!(bad.is_none(), "{bad:?}");
    let words = all.iter().filter_map(|step| step.happened.strip_prefix("export "));
    words.map(|words| words.split_once(':').unwrap().0.parse().unwrap()).collect()
}

pub(super) fn a_command_that_was_cut_short_is_put_on_record_by_the_next_one(world: &World) {
    let at = now();
    assert_eq!(entries(world).len(), 3);
    assert_eq!(left(world, at, 1), 4);
    assert_eq!(entries(world).len(), 3, "it is not there yet");
    for _ in 0..2 {
        assert_eq!(exports(&world.config, at).unwrap().len(), 4);
        assert_eq!(entries(world), [1, 2, 3, 4], "once");
    }
    // Two of them are nobody's.
    left(world, at, 1);
    let two = world.state("exports/000006.json");
    fs::copy(world.state("exports/000005.json"), &two).unwrap();
    let refused = exports(&world.config, at).unwrap_err();
    let words = refused.to_string();
    assert!(
        words.contains("has 6 files, and the journal names 4") && words.contains("with a number above 4"),
        "{words}"
    );
    fs::remove_file(two).unwrap();
    assert_eq!((exports(&world.config, at).unwrap().len(), entries(world).len()), (5, 5));
}

/// The daemon has the journal, and takes what commands tell it of; after a withdrawal it takes no more of that model.
pub(super) fn a_daemon_records_what_leaves(world: &World) {
    let (config, at) = (&world.config, now());
    let before = load(config, &world.models[0].model, None).unwrap();
    // Two people withdraw the first model, and a command has left a record of it.
    let draft = Draft {
        step: ModelStep::Withdraw,
        model: &before.line.model,
        evidence: None,
        branches: &[],
        share: 0,
        reason: "it is old",
    };
    let mut statement = registry::draft(config, &draft).unwrap();
    let federation = registry::federation(config).unwrap();
    for (number, role) in [("e1", Role::PlanOwner), ("e3", Role::ModelValidator)] {
        let person = SigningPerson::open(&world.federation.path("people").join(number)).unwrap();
        statement.sign(&person, role, federation, at).unwrap();
    }
    let path = world.federation.path("withdraw.statement");
    statement.write(&path).unwrap();
    registry::install(config, &path).unwrap();
    let number = left(world, at, 0);
    let record = |number: u64| world.state(&Item::Export(number).name());
    // A plan for which nobody comes keeps the daemon running.
    world.federation.settings(|text| text.replace("name = \"test\"", "name = \"third\""));
    let mut daemon = Daemon::start(config);
    daemon.address();
    daemon.wait_for(|event| matches!(event, Event::ModelStated { .. }).then_some(()));
    // It never left, and never will: its number is free again.
    let lines = exports(config, at).unwrap();
    assert_eq!((lines.len() as u64, entries(world).len() as u64), (number - 1, number - 1));
    assert!(lines.iter().all(|line| line.void == (line.record.model == before.line.model)) && !record(number).exists());
    let new = trial(at);
    let output = |name: &str| world.federation.path(name);
    let export = |model: &registry::LoadedModel, name: &str| {
        registry::export(config, model, &new, &output(name), |_| Ok::<_, RegistryError>(name.as_bytes().to_vec()))
    };
    // Whoever loaded it before the withdrawal is told so by the journal.
    let refused = export(&before, "late.onnx").unwrap_err();
    assert!(matches!(refused, RegistryError::Note(RefusedNote::Withdrawn(_))), "{refused}");
    assert!(!output("late.onnx").exists() && !record(number).exists());
    let noted = || daemon.wait_for(|event| if let Event::Noted { words } = event { Some(words.clone()) } else { None });
    let other = load(config, &world.models[1].model, None).unwrap();
    assert_eq!(export(&other, "daemon.onnx").unwrap().number, number);
    assert!(noted().starts_with(&format!("export {number}: model")));
    assert_eq!(left(world, at, 1), number + 1);
    assert_eq!(exports(config, at).unwrap().len() as u64, number + 1);
    assert!(noted().starts_with(&format!("export {}: model", number + 1)));
    points_set::changed_by(world, &other, 7, "daemon.points");
    assert!(noted().starts_with("change 1 of the points of model"));
    daemon.stop();
    daemon.join().0.unwrap();
    assert_eq!(entries(world).len() as u64, number + 1);
    assert_eq!(points(config, &other).unwrap().len(), 1);
    // Points of a withdrawn model stay as they are.
    let withdrawn = load(config, &before.line.model, None).unwrap();
    assert!(withdrawn.withdrawn && points(config, &withdrawn).unwrap().len() == 3);
}
