//! What an enemy does to the registers of exports and of points, whose files the journal names by number and digest.

use tributary_certs::points::{PointsFile, PointsStatement};
use tributary_evidence::{ExportRecord, Item};
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::role::Action;

use super::cards::alarmed;
use super::cases::Change;
use super::code;
use super::score::Score;
use super::world::{Event, PEOPLE, SMALL, World, attested, authorities};

impl World {
    /// The digests of exports, in the order of the journal.
    fn exported(&self) -> Vec<Digest> {
        let of = |event: &Event| match event {
            Event::Registry(RegistryEvent::Exported { record, .. }) => Some(*record),
            _ => None,
        };
        self.events.iter().filter_map(of).collect()
    }

    /// The changes of points, in the order of the journal.
    fn set(&self) -> Vec<PointsFile> {
        let of = |event: &Event| match event {
            Event::Registry(RegistryEvent::PointsSet { model, number, .. }) => {
                let bytes = self.parts[&Item::Points(*model, *number).name()].clone();
                Some(PointsFile::parse(&String::from_utf8(bytes).unwrap()).unwrap())
            }
            _ => None,
        };
        self.events.iter().filter_map(of).collect()
    }

    /// The coordinator exports the model, and the journal names the record as it is after the change.
    pub(crate) fn export(&mut self, change: impl FnOnce(&mut ExportRecord)) {
        self.export_after(&self.exported(), change);
    }

    /// The same after these exports.
    fn export_after(&mut self, before: &[Digest], change: impl FnOnce(&mut ExportRecord)) {
        let number = before.len() as u64 + 1;
        let mut record = ExportRecord {
            version: ExportRecord::VERSION,
            number,
            model: self.model.to_string(),
            state: "candidate".into(),
            format: "onnx".into(),
            dialect: None,
            head: None,
            recipient: format!("card centre {number}"),
            valid_until: 20_031 * 86_400,
            made_at: 20_000 * 86_400,
            file: "churn.onnx".into(),
            digest: Digest([9; 32]).to_string(),
            previous: before.last().copied().unwrap_or(Digest::ZERO).to_string(),
        };
        change(&mut record);
        self.named(number, record.to_bytes());
    }

    /// The journal names these bytes as the record of an export.
    fn named(&mut self, number: u64, bytes: Vec<u8>) {
        let (model, record) = (self.model, Digest::of(&bytes));
        self.parts.insert(Item::Export(number).name(), bytes);
        self.events.push(Event::Registry(RegistryEvent::Exported { number, model, record }));
    }

    /// Two people set points, and the journal names their file as it is after the changes.
    pub(crate) fn set_points(
        &mut self,
        change: impl FnOnce(&mut PointsStatement),
        signed: impl FnOnce(&mut PointsFile),
    ) {
        let before = self.set();
        let (number, federation) = (before.len() as u64 + 1, authorities(SMALL.authorities).digest());
        let mut statement = PointsStatement {
            federation,
            model: self.model,
            head: "churn".into(),
            base_points: 600,
            base_odds: 50_f64.to_bits(),
            double: 20_f64.to_bits(),
            field: "age".into(),
            bin: 2,
            values: "age: 20 to 30".into(),
            before: 7,
            after: 8,
            sequence: number,
            previous: before.last().map_or(Digest::ZERO, |last| last.statement.digest()),
            reason: "few customers".into(),
        };
        change(&mut statement);
        let subject = statement.digest();
        let mut file = PointsFile::new(self.manifest(), statement);
        let sign = |who| attested(who, Action::ChangePoints, subject, federation, 0);
        file.signatures = vec![sign(PEOPLE[0]), sign(PEOPLE[2])];
        signed(&mut file);
        let (model, change) = (self.model, file.digest());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("points");
        file.write(&path).unwrap();
        self.parts.insert(Item::Points(model, number).name(), std::fs::read(&path).unwrap());
        self.events.push(Event::Registry(RegistryEvent::PointsSet { model, number, change }));
    }

    /// Both models leave, this one first, and points of both are set.
    pub(crate) fn both_leave(&mut self, other: &mut Self) {
        self.export(|_| ());
        other.export_after(&self.exported(), |_| ());
        [self, other].into_iter().for_each(|world| world.set_points(|_| (), |_| ()));
    }

    fn part(&self, item: Item) -> Vec<u8> {
        self.parts[&item.name()].clone()
    }

    fn put(&mut self, item: Item, bytes: Vec<u8>) {
        self.parts.insert(item.name(), bytes);
    }

    fn lose(&mut self, item: Item) {
        assert!(self.parts.remove(&item.name()).is_some());
    }

    fn points(&self, number: u64) -> Item {
        Item::Points(self.model, number)
    }
}

/// Two exports, and two changes of points.
fn kept(world: &mut World) {
    for _ in 0..2 {
        world.export(|_| ());
        world.set_points(|_| (), |_| ());
    }
}

/// A third change of points with other words, or signed otherwise.
fn third(world: &mut World, change: impl FnOnce(&mut PointsStatement), signed: impl FnOnce(&mut PointsFile)) {
    kept(world);
    world.set_points(change, signed);
}

#[rustfmt::skip]
pub(super) const CASES: &[(&str, u8, Change)] = &[
    ("exports and points", 0, kept),
    ("the record of the last export taken out", 2, |world| { kept(world); world.lose(Item::Export(2)); }),
    ("the record of the first export taken out", 2, |world| { kept(world); world.lose(Item::Export(1)); }),
    ("the records of two exports exchanged", 1, |world| {
        kept(world);
        let [one, two] = [1, 2].map(|number| world.part(Item::Export(number)));
        world.put(Item::Export(1), two);
        world.put(Item::Export(2), one);
    }),
    ("the last export's recipient changed", 1, |world| {
        kept(world);
        let mut record = ExportRecord::read(&world.part(Item::Export(2))).unwrap();
        record.recipient = "nobody".into();
        world.put(Item::Export(2), record.to_bytes());
    }),
    ("a record with another number than its entry", 1, |world| { kept(world); world.export(|record| record.number = 4); }),
    ("a record of another model than its entry", 1, |world| { kept(world); world.export(|record| record.model = Digest([9; 32]).to_string()); }),
    ("a record that follows another one", 1, |world| { kept(world); world.export(|record| record.previous = Digest::ZERO.to_string()); }),
    ("a record with another state than the model had", 1, |world| { kept(world); world.export(|record| record.state = "champion".into()); }),
    ("a candidate that left for longer than a trial", 1, |world| { kept(world); world.export(|record| record.valid_until += 1); }),
    ("a record of another version", 1, |world| { kept(world); world.export(|record| record.version = 2); }),
    ("a record that is none", 1, |world| { kept(world); world.named(3, b"{}\n".to_vec()); }),
    ("a record in another form", 1, |world| {
        world.export(|_| ());
        let bytes = [world.part(Item::Export(1)).as_slice(), b" "].concat();
        world.events.pop();
        world.named(1, bytes);
    }),
    ("a record that nothing names", 1, |world| { kept(world); let record = world.part(Item::Export(2)); world.put(Item::Export(3), record); }),
    ("the entry of the last export taken out", 1, |world| {
        kept(world);
        world.events.retain(|event| !matches!(event, Event::Registry(RegistryEvent::Exported { number: 2, .. })));
    }),
    ("an export and its record taken out, and another one in its place", 0, |world| {
        // Whoever has the coordinator's key and all witnesses may do that: their checkpoints decide, and not the register.
        kept(world);
        world.events.retain(|event| !matches!(event, Event::Registry(RegistryEvent::Exported { number: 2, .. })));
        world.export(|record| record.recipient = "nobody".into());
    }),
    ("an export without the one before it", 1, |world| {
        world.export(|_| ());
        let record = world.part(Item::Export(1));
        world.named(3, record);
    }),
    ("an export of a model that nobody registered", 1, |world| {
        world.export(|_| ());
        if let Some(Event::Registry(RegistryEvent::Exported { model, .. })) = world.events.last_mut() { *model = Digest([9; 32]); }
    }),
    ("an export after the alarm", 1, |world| { alarmed(world); world.export(|_| ()); }),
    ("points set after the alarm", 1, |world| { alarmed(world); world.set_points(|_| (), |_| ()); }),
    ("the last change of points taken out", 2, |world| { kept(world); let last = world.points(2); world.lose(last); }),
    ("the first change of points taken out", 2, |world| { kept(world); let first = world.points(1); world.lose(first); }),
    ("two changes of points exchanged", 1, |world| {
        kept(world);
        let items = [1, 2].map(|number| world.points(number));
        let [one, two] = items.map(|item| world.part(item));
        world.put(items[0], two);
        world.put(items[1], one);
    }),
    ("a change of points that nothing names", 1, |world| { kept(world); let (last, more) = (world.points(2), world.points(3)); let bytes = world.part(last); world.put(more, bytes); }),
    ("the entry of the last change of points taken out", 1, |world| {
        kept(world);
        world.events.retain(|event| !matches!(event, Event::Registry(RegistryEvent::PointsSet { number: 2, .. })));
    }),
    ("a change of points that is none", 1, |world| {
        let (model, bytes) = (world.model, b"points\n".to_vec());
        world.events.push(Event::Registry(RegistryEvent::PointsSet { model, number: 1, change: Digest::of(&bytes) }));
        let first = world.points(1);
        world.put(first, bytes);
    }),
    ("points with another number than their entry", 1, |world| third(world, |statement| statement.sequence = 4, |_| ())),
    ("points that follow another change", 1, |world| third(world, |statement| statement.previous = Digest::ZERO, |_| ())),
    ("points of another federation", 1, |world| third(world, |statement| statement.federation = Digest([9; 32]), |_| ())),
    ("points of another model", 1, |world| third(world, |statement| statement.model = Digest([9; 32]), |_| ())),
    ("points whose reason nobody sees", 1, |world| third(world, |statement| statement.reason = "few\ncustomers".into(), |_| ())),
    ("points that one person has signed", 1, |world| third(world, |_| (), |file| drop(file.signatures.pop()))),
    ("points that one person has signed twice", 1, |world| third(world, |_| (), |file| file.signatures[1] = file.signatures[0].clone())),
    ("points with other words than were signed", 1, |world| third(world, |_| (), |file| file.statement.after = 900)),
    ("points by a privacy officer", 1, |world| third(world, |_| (), |file| {
        let subject = file.statement.digest();
        file.signatures[1] = attested(PEOPLE[1], Action::ChangePoints, subject, file.statement.federation, 0);
    })),
    ("points by somebody without a key in the roster", 1, |world| third(world, |_| (), |file| {
        let (staff, role, _) = PEOPLE[2];
        file.signatures[1] = attested((staff, role, 77), Action::ChangePoints, file.statement.digest(), file.statement.federation, 0);
    })),
];

const DAY_SECONDS: u64 = 86_400;

type Said = (&'static str, u8, fn(&mut ExportRecord));

/// What the one record of an export says, and whether that can be. Its entry is of the first second of a day, and its model a candidate.
#[rustfmt::skip]
const RECORDS: &[Said] = &[
    ("a day before its entry", 0, |record| moved(record, |at| at - DAY_SECONDS)),
    ("more than a day before its entry", 1, |record| moved(record, |at| at - DAY_SECONDS - 1)),
    ("a day after its entry", 0, |record| moved(record, |at| at + DAY_SECONDS)),
    ("more than a day after its entry", 1, |record| moved(record, |at| at + DAY_SECONDS + 1)),
    ("in another century, for a month of that century", 1, |record| moved(record, |at| at + 36_525 * DAY_SECONDS)),
    ("at the beginning of all time, and valid for ever", 1, |record| (record.made_at, record.valid_until) = (99, u64::MAX)),
    ("over when it was made", 1, |record| record.valid_until = record.made_at),
    ("as a program", 1, |record| record.format = "exe".into()),
    ("as SQL", 0, |record| sql(record)),
    ("as SQL of no dialect", 1, |record| { sql(record); record.dialect = None; }),
    ("as SQL without a label", 1, |record| { sql(record); record.head = None; }),
    ("as SQL with a label of two lines", 1, |record| { sql(record); record.head = Some("churn\nrisk".into()); }),
    ("as ONNX in a dialect", 1, |record| record.dialect = Some("hive".into())),
    ("to nobody", 1, |record| record.recipient = String::new()),
    ("to somebody who moves the cursor", 1, |record| record.recipient = "card\u{1b}[31m centre".into()),
    ("to somebody who is read backwards", 1, |record| record.recipient = "card \u{202e}centre".into()),
    ("to the longest name", 0, |record| record.recipient = "x".repeat(120)),
    ("to a longer name than any", 1, |record| record.recipient = "x".repeat(121)),
    ("as a file of two lines", 1, |record| record.file = "churn\n.onnx".into()),
    ("as a file of another folder", 1, |record| record.file = "../churn.onnx".into()),
    ("as a file of no digest", 1, |record| record.digest = "00".into()),
    ("as a file of a digest in another form", 1, |record| record.digest = "AB".repeat(32)),
];

/// The record says another time, and an end that is as far from it.
fn moved(record: &mut ExportRecord, at: fn(u64) -> u64) {
    (record.made_at, record.valid_until) = (at(record.made_at), at(record.valid_until));
}

fn sql(record: &mut ExportRecord) {
    (record.format, record.dialect, record.head) = ("sql".into(), Some("hive".into()), Some("churn".into()));
}

#[test]
fn a_record_of_an_export_says_what_can_be() {
    let (whole, mut score) = (World::new(SMALL), Score::default());
    for (what, expected, change) in RECORDS {
        let mut world = whole.clone();
        world.export(change);
        score.expect(what, *expected, &world.bundle());
    }
    score.close(RECORDS.len());
}

#[test]
fn a_bundle_says_how_many_exports_left_and_how_often_points_were_set() {
    let mut world = World::new(SMALL);
    let words = |world: &World| code(&world.bundle(), true);
    let (intact, said) = words(&world);
    assert!(
        intact == 0 && said.contains("exports that left as files: 0; changes of points of scorecards: 0"),
        "{said}"
    );
    kept(&mut world);
    world.export(|_| ());
    let (intact, said) = words(&world);
    assert!(
        intact == 0 && said.contains("exports that left as files: 3; changes of points of scorecards: 2"),
        "{said}"
    );
    // What is taken out is named.
    world.lose(Item::Export(3));
    let (_, said) = words(&world);
    assert!(
        said.contains("MISSING  the record of export 3 of the model") && said.contains("exports/000003.json"),
        "{said}"
    );
}
