//! Changes of a bundle's parts by rule: every part with every kind of change, grants and witnesses that count for more than they are, and containers in
//! another form. What each gets is said in the test's own words.

use std::collections::BTreeMap;

use tributary_evidence::Item;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::SignedCheckpoint;
use tributary_protocol::plan::GrantSubject;
use tributary_protocol::registry::RegistryEvent;

use super::cases::noted;
use super::code;
use super::grants::grant;
use super::score::Score;
use super::world::{Event, SMALL, Shape, World, sealed};

/// What is done with the bytes of a part; nothing is changed where it has no other.
type PartChange = (&'static str, fn(&mut BTreeMap<String, Vec<u8>>, &str, &BTreeMap<String, Vec<u8>>));

fn bytes<'a>(parts: &'a mut BTreeMap<String, Vec<u8>>, name: &str) -> &'a mut Vec<u8> {
    parts.get_mut(name).unwrap()
}

const PART_CHANGES: &[PartChange] = &[
    ("left out", |parts, name, _| drop(parts.remove(name))),
    ("cut by four bytes", |parts, name, _| {
        let length = bytes(parts, name).len();
        bytes(parts, name).truncate(length - 4);
    }),
    ("with a line more", |parts, name, _| bytes(parts, name).extend(b"more\n")),
    ("with another bit at its beginning", |parts, name, _| bytes(parts, name)[0] ^= 1),
    ("with another bit in its middle", |parts, name, _| {
        let middle = bytes(parts, name).len() / 2;
        bytes(parts, name)[middle] ^= 1;
    }),
    ("with another bit near its end", |parts, name, _| {
        let end = bytes(parts, name).len() - 3;
        bytes(parts, name)[end] ^= 1;
    }),
    ("doubled", |parts, name, _| {
        let again = bytes(parts, name).clone();
        bytes(parts, name).extend(again);
    }),
    ("of another federation", |parts, name, other| {
        let kind = name.split('/').next().unwrap();
        let ending = name.rsplit('/').next().unwrap();
        let same = |found: &&String| found.split('/').next() == Some(kind) && found.rsplit('/').next() == Some(ending);
        let fits = other.keys().find(same).or_else(|| other.keys().find(|found| found.starts_with(kind)));
        *bytes(parts, name) = other[fits.unwrap()].clone();
    }),
    ("under the name of another part", |parts, name, _| {
        let moved = parts.remove(name).unwrap();
        parts.insert("elsewhere".into(), moved);
    }),
];

/// What a part that is missing or changed gets, by what rests on it.
fn judged(name: &str, how: &str) -> u8 {
    if how.starts_with("under") && name == "audit.log" {
        // Without the journal nobody knows which parts there must be.
        return 2;
    }
    if how != "left out" {
        // Whatever is there is the very thing, or a fault. The key of another federation's coordinator, and its authorities, are other keys: beside what
        // they have not signed, they contradict it.
        return 1;
    }
    match name.split('/').next().unwrap() {
        // Without the journal, without anybody who vouches for it, or without what the plan keeps, nobody can rely on it.
        "audit.log" | "authorities" | "contents.json" | "rounds" => 2,
        // An opened sum follows from the uploads, which are here.
        "sums" => 0,
        // What is kept of a registered model for good is never left out.
        "cards" | "registry" | "plans" => 2,
        "checkpoints" if name.ends_with("/coordinator.key") => 1,
        // The newest one has too few cosignatures to count.
        "checkpoints" if name.ends_with("/newest") => 0,
        "checkpoints" => 2,
        // The journal names the head of each branch.
        "heads" => 2,
        other => panic!("{other} has a rule of its own"),
    }
}

#[test]
fn every_part_is_the_very_thing_or_a_fault() {
    let (whole, mut score) = (World::new(SMALL).all(), Score::default());
    let other = World::new(Shape { authorities: [111, 112, 113], rounds: 4, ..SMALL }).all();
    for name in whole.keys() {
        for (how, change) in PART_CHANGES {
            let mut parts = whole.clone();
            change(&mut parts, name, &other);
            // The words for which days it is are the same in every federation.
            if parts != whole {
                score.expect(&format!("{name} {how}"), judged(name, how), &sealed(&parts));
            }
        }
    }
    score.close(130);
}

#[test]
fn grants_and_witnesses_are_counted_as_what_they_are() {
    let (whole, mut score) = (World::new(SMALL), Score::default());
    let with = |change: &dyn Fn(&mut World)| {
        let mut world = whole.clone();
        change(&mut world);
        world.bundle()
    };
    let plan = || GrantSubject::Plan(whole.run.plan().digest());
    let add = |world: &mut World, (name, bytes): (String, Vec<u8>)| drop(world.parts.insert(name, bytes));
    score.expect("a grant of one run", 0, &with(&|world| add(world, grant(plan(), 3, 1))));
    score.expect("a grant of no run, which nobody can give", 1, &with(&|world| add(world, grant(plan(), 3, 0))));
    let (name, bytes) = grant(plan(), 3, 1);
    score.expect(
        "one grant twice",
        1,
        &with(&|world| {
            add(world, (name.clone(), bytes.clone()));
            add(world, ("grants/again.grant".into(), bytes.clone()));
        }),
    );
    let text = String::from_utf8(bytes.clone()).unwrap();
    let at = text.len() - 30;
    let letter = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    let forged = format!("{}{letter}{}", &text[..at], &text[at + 1..]).into_bytes();
    score.expect(
        "a grant that its owner has not signed",
        1,
        &with(&|world| add(world, (name.clone(), forged.clone()))),
    );

    // Two journals of one length, each shown to half of the branches: the coordinator has signed both.
    let mut fork = whole.clone();
    for event in &mut fork.events {
        if let Event::Registry(RegistryEvent::ModelRegistered { manifest }) = event {
            manifest.lineage.owner = tributary_protocol::roster::StaffNumber::parse("bank/e2").unwrap();
        }
    }
    let (own, other) = (whole.all(), fork.all());
    let newest = "checkpoints/newest";
    assert_ne!(own[newest], other[newest]);
    for (what, witnesses) in [("a fork shown to half of the branches", 5), ("a fork shown to one branch", 1)] {
        let mut world = whole.clone();
        noted(&mut world, &own);
        let mut shown = fork.clone();
        shown.witnesses = witnesses;
        world.parts.insert("checkpoints/previous".into(), shown.all()[newest].clone());
        score.expect(what, 1, &world.bundle());
    }
    // A branch that cosigned twice is one branch; a stranger's line counts for nobody and is not passed over.
    let lines = |note: &[u8]| String::from_utf8(note.to_vec()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let kept = own.keys().find(|name| name.starts_with("checkpoints/0")).unwrap().clone();
    let note = lines(&own[&kept]);
    let signed = |lines: &[String]| format!("{}\n", lines.join("\n")).into_bytes();
    // Text, an empty line, the coordinator's line, seven of branches.
    let head = note.len() - 7;
    for (what, expected, changed) in [
        ("five cosignatures of ten", 2, note[..head + 5].to_vec()),
        ("six cosignatures of ten", 0, note[..head + 6].to_vec()),
        ("no line of the coordinator", 1, [&note[..head - 1], &note[head..]].concat()),
        ("one line twice", 1, [&note[..], &note[head..=head]].concat()),
    ] {
        let mut world = whole.clone();
        noted(&mut world, &own);
        let changed = signed(&changed);
        let same = SignedCheckpoint::parse(&changed).is_ok_and(|read| read.to_string().into_bytes() == changed);
        world.parts.insert(kept.clone(), changed);
        // What is no checkpoint is a fault, whatever its lines are.
        score.expect(what, if same { expected } else { 1 }, &world.bundle());
    }
    score.close(10);
}

/// The container as [`tributary_evidence::bundle`] describes it, made by hand.
fn container(parts: &[(&str, &[u8])], change: impl FnOnce(&mut Vec<u8>, &mut u64, &mut u64)) -> Vec<u8> {
    let mut file = World::new(SMALL).bundle()[..16].to_vec();
    let mut table = u32::try_from(parts.len()).unwrap().to_le_bytes().to_vec();
    for (name, bytes) in parts {
        file.extend_from_slice(bytes);
        table.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        table.extend_from_slice(name.as_bytes());
        table.extend((bytes.len() as u64).to_le_bytes());
        table.extend_from_slice(Digest::of(bytes).as_bytes());
    }
    let (mut offset, mut length) = (file.len() as u64, table.len() as u64);
    change(&mut table, &mut offset, &mut length);
    file.extend_from_slice(&table);
    file.extend(offset.to_le_bytes());
    file.extend(length.to_le_bytes());
    file.extend_from_slice(Digest::of_parts(&[b"tributary/audit bundle/1", &table]).as_bytes());
    file
}

/// One content has one encoding: any other is no bundle, whose ever digests it has.
#[test]
fn a_container_in_another_form_is_unreadable() {
    let parts = World::new(SMALL).all();
    let usual: Vec<(&str, &[u8])> = parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let mut score = Score::default();
    score.expect("the usual form", 0, &container(&usual, |_, _, _| {}));
    let mut reordered = usual.clone();
    reordered.swap(0, 1);
    score.expect("parts in another order", 4, &container(&reordered, |_, _, _| {}));
    score.expect("a part twice", 4, &container(&[&usual[..1], &usual].concat(), |_, _, _| {}));
    for name in ["../audit.log", "/audit.log", "AUDIT.log", "audit log", ".hidden", "a//b", ""] {
        let mut all = vec![(name, usual[0].1)];
        all.extend(usual.iter().filter(|(known, _)| *known > name));
        score.expect(&format!("a part named {name:?}"), 4, &container(&all, |_, _, _| {}));
    }
    score.expect("a part more than there is", 4, &container(&usual, |table, _, _| table[0] += 1));
    score.expect("a part fewer than there is", 4, &container(&usual, |table, _, _| table[0] -= 1));
    score.expect(
        "a byte after the table",
        4,
        &container(&usual, |table, _, length| {
            table.push(0);
            *length += 1;
        }),
    );
    score.expect("a table from elsewhere", 4, &container(&usual, |_, offset, _| *offset -= 1));
    score.expect("a table beyond the file", 4, &container(&usual, |_, offset, _| *offset = u64::MAX));
    score.expect("a longer table than the file", 4, &container(&usual, |_, _, length| *length = u64::MAX));
    score.expect("a part without a byte", 4, &container(&usual, |table, _, _| table.truncate(3)));
    score.close(17);
}

/// Whoever has no schema computes less. What comes out without it accuses nobody.
#[test]
fn a_schema_that_is_not_here_is_missed() {
    for (shape, said) in [
        (SMALL, "MISSING  the schema of the plan"),
        (Shape { evaluated: true, ..SMALL }, "because the schema of their plan is not here"),
        (Shape { staged: true, ..SMALL }, "because the schema of their plan is not here"),
    ] {
        let mut world = World::new(shape);
        assert_eq!(code(&world.bundle(), true).0, 0);
        world.parts.remove(&Item::Schema(world.run.plan().digest()).name());
        let (found, words) = code(&world.bundle(), false);
        assert!(found == 2 && words.contains(said), "{said}: {words}");
    }
}
