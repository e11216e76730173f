//! Models that leave as files.

use std::fs;

use tributary_coordinator::registry::{self, ExportLine, ExportRecord, NewExport, RegistryError, exports, load};
use tributary_protocol::digest::Digest;

use super::*;

pub(super) fn exports_are_numbered_and_none_is_taken_out(world: &World) {
    let at = now();
    let new = NewExport {
        format: "sql",
        dialect: Some("postgres"),
        head: Some("churn"),
        recipient: "scoring team",
        valid_until: at + 100,
        now: at,
    };
    let models: Vec<_> = world.models.iter().map(|model| load(&world.config, &model.model, None).unwrap()).collect();
    let output = |name: &str| world.federation.path(name);
    let export = |place: usize, new: &NewExport<'_>, name: &str| {
        let make = |number: u64| Ok::<_, RegistryError>(format!("file {number}").into_bytes());
        registry::export(&models[place], new, &output(name), make)
    };
    let past = export(0, &NewExport { valid_until: at, ..new.clone() }, "past.sql").unwrap_err();
    assert!(matches!(past, RegistryError::Past), "{past}");
    assert!(!output("past.sql").exists() && exports(&world.config, at).unwrap().is_empty(), "nothing has changed");
    let first = export(0, &NewExport { valid_until: at + 1, ..new.clone() }, "one.sql").unwrap();
    assert!(matches!(export(0, &new, "one.sql"), Err(RegistryError::OutputExists(_))));
    let second =
        export(1, &NewExport { dialect: None, head: None, format: "onnx", ..new.clone() }, "two.onnx").unwrap();
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
    assert_eq!(of(&first), (world.models[0].model.clone(), words(["sql", "postgres", "churn"]), at + 1));
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
        registry::export(&model, &new, &output("three"), |_| Ok::<_, RegistryError>(Vec::new())).unwrap_err()
    };
    assert!(matches!(refused(|model, _| model.withdrawn = true), RegistryError::Withdrawn { .. }));
    assert!(matches!(refused(|model, _| model.alarmed = true), RegistryError::Refused(_)));
    let late = refused(|model, at| model.answered_until = Some(at + 99));
    assert!(matches!(late, RegistryError::Unanswered { over: false, .. }), "{late}");
    let over = refused(|model, at| model.answered_until = Some(at));
    assert!(matches!(over, RegistryError::Unanswered { over: true, .. }), "{over}");
    model.answered_until = Some(at + 100);
    registry::export(&model, &new, &output("three"), |_| Ok::<_, RegistryError>(Vec::new())).unwrap();
    // Records that were changed, exchanged or taken out are missed.
    let record = |number: u32| world.state(&format!("exports/{number:06}.json"));
    let all = [1, 2, 3].map(|number| fs::read(record(number)).unwrap());
    let renumbered = String::from_utf8(all[1].clone()).unwrap().replace("\"number\": 2", "\"number\": 1");
    let newer = String::from_utf8(all[0].clone()).unwrap().replace("\"version\": 1", "\"version\": 2");
    for (number, bytes) in [(1, newer.as_bytes()), (1, &all[1]), (2, &all[0]), (2, renumbered.as_bytes()), (2, b"{}")] {
        fs::write(record(number), bytes).unwrap();
        assert!(matches!(exports(&world.config, at), Err(RegistryError::Register { .. })), "{number}");
        fs::write(record(number), &all[number as usize - 1]).unwrap();
    }
    for number in [1, 2] {
        fs::remove_file(record(number)).unwrap();
        assert!(matches!(exports(&world.config, at), Err(RegistryError::Register { .. })), "{number}");
        fs::write(record(number), &all[number as usize - 1]).unwrap();
    }
    assert_eq!(exports(&world.config, at).unwrap().len(), 3);
}
