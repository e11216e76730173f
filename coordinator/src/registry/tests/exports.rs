//! Which records of exports the journal takes: those that say what can be, of a model as it is, by the time of their entry.

use tributary_evidence::Item;
use tributary_storage::files::{Existing, write_private};

use super::*;

/// A change of a record, and what is said of it.
type Refusal<'a> = (&'a dyn Fn(&mut ExportRecord), &'static str);

#[test]
fn the_journal_takes_a_record_of_an_export_that_says_what_can_be() {
    let job = several();
    let world = World::new(&job);
    let model = registered(&world, &job, 1);
    let (mut journal, mut registry) = world.open();
    let statement = world.signed(&registry, ModelStep::Promote, &model);
    registry.take(&mut journal, &world.roster, statement).unwrap();
    let (made_at, answered) = (unix_seconds(), registry.record().models[&model].answered_until().unwrap());
    let usual = ExportRecord {
        version: ExportRecord::VERSION,
        number: 1,
        model: model.to_string(),
        state: "champion".into(),
        format: "onnx".into(),
        dialect: None,
        head: None,
        recipient: "card centre".into(),
        valid_until: answered,
        made_at,
        file: "churn.onnx".into(),
        digest: Digest([9; 32]).to_string(),
        previous: Digest::ZERO.to_string(),
    };
    let path = world.state().join(Item::Export(1).name());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    // A record under another one's name is none, nor is one of no model.
    let others = [ExportRecord { number: 2, ..usual.clone() }, ExportRecord { model: "churn".into(), ..usual.clone() }];
    for other in others {
        write_private(&path, &other.to_bytes(), Existing::Replace).unwrap();
        let read = ExportNote::read(&world.state(), 1);
        assert!(matches!(&read, Err(RegistryError::Register { path: own, .. }) if *own == path), "{read:?}");
    }
    let mut told = |change: &dyn Fn(&mut ExportRecord)| {
        let mut record = usual.clone();
        change(&mut record);
        write_private(&path, &record.to_bytes(), Existing::Replace).unwrap();
        let note = ExportNote::read(&world.state(), 1).unwrap();
        registry.hear(&mut journal, &world.roster, Recordable::Export(Box::new(note))).unwrap()
    };
    let century = 36_525 * 86_400;
    let refusals: [Refusal<'_>; 7] = [
        (&|record| record.valid_until += 1, "a model validator answers for the model until"),
        (&|record| record.state = "candidate".into(), "says that the model is a candidate, and it is a champion"),
        (&|record| record.valid_until = record.made_at, "a last day before the file was made"),
        (&|record| (record.made_at, record.valid_until) = (99, answered), "more than a day apart"),
        (&|record| (record.made_at, record.valid_until) = (made_at + century, made_at + century + 1), "answers for"),
        (&|record| record.format = "exe".into(), "a format that no model is written as"),
        (&|record| record.recipient = "card\u{1b}[31m".into(), "no recipient of one line"),
    ];
    for (change, said) in refusals {
        let refused = told(change).unwrap_err();
        assert!(matches!(refused, RegistryError::Record(_)), "{refused}");
        let words = refused.to_string();
        assert!(words.contains(said) && words.ends_with("Nothing was made"), "{said}: {words}");
        // What a command says does not move the cursor either.
        assert!(!words.contains('\u{1b}'), "{words}");
    }
    assert!(told(&|_| ()).unwrap().starts_with("export 1: model"));
    assert_eq!(registry.record().exports.len(), 1);
    // The journal has that file and no other.
    let note = || ExportNote::read(&world.state(), 1).unwrap();
    assert!(note().stands(registry.record()) && !note().stands(&RegistryRecord::default()));
    let other = ExportRecord { recipient: "another".into(), ..usual.clone() };
    write_private(&path, &other.to_bytes(), Existing::Replace).unwrap();
    assert!(!note().stands(registry.record()));
}
