//! A process that is killed between any two steps leaves what the next command finishes: what was recorded is done, and what was not is not there.

use std::fs;
use std::path::Path;

use tributary_protocol::log::LedgerId;
use tributary_protocol::round::Recorded;
use tributary_storage::faults::each_sync_fails_once;
use tributary_storage::journal::{Journal, read};

use super::{NOW, RULES, World};
use crate::contact::anchor::Anchor;
use crate::contact::event::ContactEvent;
use crate::contact::store::end_of;
use crate::contact::{LeftOut, recall, show, status};
use crate::error::ClientError;

/// A copy of a folder.
pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            fs::copy(entry.path(), target).map(drop).unwrap()
        }
    }
}

/// The register with its first entries alone, as it was when the process ended.
pub(super) fn cut(world: &World, entries: usize) {
    let path = world.at("state/contact/contact.ledger");
    let events = read::<ContactEvent>(&path, LedgerId::CONTACT).unwrap();
    fs::remove_file(&path).unwrap();
    noted(world, &path, events.into_iter().take(entries));
    // Copies for people are written after the record.
    let _none = fs::remove_dir_all(world.at("out"));
}

/// Notes of a register that it ends after its first entries, as it was before the last ones were noted.
fn noted_before(world: &World, entries: usize) {
    let events = read::<ContactEvent>(&world.at("state/contact/contact.ledger"), LedgerId::CONTACT).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    noted(world, &elsewhere.path().join("contact.ledger"), events.into_iter().take(entries));
}

/// Writes a register, and notes where it ends.
fn noted(world: &World, path: &Path, events: impl Iterator<Item = Recorded<ContactEvent>>) {
    let (mut journal, _) = Journal::open(path, LedgerId::CONTACT).unwrap();
    for recorded in events {
        journal.append(recorded.at, recorded.event).unwrap();
    }
    journal.sync().unwrap();
    Anchor::of(&world.settings()).note(end_of(&journal)).unwrap();
}

pub(super) fn entries(world: &World) -> usize {
    read::<ContactEvent>(&world.at("state/contact/contact.ledger"), LedgerId::CONTACT).unwrap().len()
}

#[test]
fn a_delivery_goes_on_under_its_number() {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    let whole = entries(&world);
    let (list, word) = (world.read("crm/list-000001.csv"), world.read("crm/list-000001.csv.ok"));
    let kept = world.at("kept");
    copy(&world.at("state"), &kept);
    // The number is recorded; then nothing, the file, or both are there, and the end is not recorded.
    for there in [&[][..], &["list-000001.csv"], &["list-000001.csv", "list-000001.csv.ok"]] {
        fs::remove_dir_all(world.at("state")).unwrap();
        copy(&kept, &world.at("state"));
        cut(&world, whole - 1);
        for name in world.handed() {
            if !there.contains(&name.as_str()) {
                fs::remove_file(world.at("crm").join(name)).unwrap();
            }
        }
        fs::create_dir_all(world.at("elsewhere")).unwrap();
        let elsewhere = crate::contact::deliver(&world.config(), 1, &world.at("elsewhere"), NOW);
        assert!(elsewhere.map(|_| ()).unwrap_err().to_string().contains("Name the same folder again"));
        world.deliver_at(1, NOW + 60).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(
            (world.read("crm/list-000001.csv"), world.read("crm/list-000001.csv.ok")),
            (list.clone(), word.clone())
        );
        assert_eq!(status(&world.config(), NOW).unwrap()[0].batch, Some(1));
        assert!(world.deliver_at(1, NOW).is_err() && world.handed().len() == 2);
        // The next list has the next number.
        world.rules(RULES);
        world.customers(6);
        world.build();
        world.approve(2).unwrap();
        world.deliver_at(2, NOW).unwrap();
        assert_eq!(status(&world.config(), NOW).unwrap()[0].batch, Some(2));
        for name in ["list-000002.csv", "list-000002.csv.ok"] {
            fs::remove_file(world.at("crm").join(name)).unwrap();
        }
        world.customers(3);
    }
}

#[test]
fn a_list_that_was_not_recorded_is_made_anew_with_the_hold_out_that_was() {
    let hold = "[hold_out]\npermille = 300\ndays = 100\n[delivery]\ncrm";
    let world = World::new(&RULES.replace("top = 10", "top = 200").replace("[delivery]\ncrm", hold));
    world.customers(40);
    world.build();
    let listed = world.listed(1);
    let kept = world.at("kept");
    copy(&world.at("state"), &kept);
    let whole = entries(&world);
    // Entries: the beginning, the draw, the list. Without the last the draw stands; the list's folder, whole or half, is made again.
    for half in [false, true] {
        fs::remove_dir_all(world.at("state")).unwrap();
        copy(&kept, &world.at("state"));
        cut(&world, whole - 1);
        if half {
            fs::rename(world.at("state/contact/lists/000001"), world.at("state/contact/lists/.draft-000001")).unwrap();
            fs::remove_file(world.at("state/contact/lists/.draft-000001/members")).unwrap();
        }
        assert!(show(&world.config(), 1, NOW).is_err());
        assert!(super::names(&world.at("state/contact/lists")).is_empty(), "what nothing names is gone");
        assert_eq!(world.build().list, 1);
        assert_eq!(world.listed(1), listed);
    }
    // Without the draw's record its file is no draw.
    fs::remove_dir_all(world.at("state")).unwrap();
    copy(&kept, &world.at("state"));
    cut(&world, whole - 2);
    let built = world.build();
    assert_eq!((built.list, built.lines, built.left_out[&LeftOut::HeldOut]), (1, 28, 12));
    assert_eq!(super::names(&world.at("state/contact/draws")).len(), 1);
}

#[test]
fn a_recall_that_was_recorded_is_written() {
    let world = World::new(RULES);
    world.customers(2);
    world.delivered();
    recall(&world.config(), 1, "wrong", NOW).unwrap();
    let whole = entries(&world);
    let text = world.read("crm/list-000001.recall-000001.csv");
    for gone in [
        &["list-000001.recall-000001.csv", "list-000001.recall-000001.csv.ok"][..],
        &["list-000001.recall-000001.csv.ok"],
        &[],
    ] {
        cut(&world, whole - 1);
        for name in gone {
            fs::remove_file(world.at("crm").join(name)).unwrap();
        }
        recall(&world.config(), 1, "wrong", NOW).unwrap();
        assert_eq!((entries(&world), world.read("crm/list-000001.recall-000001.csv")), (whole, text.clone()));
        assert_eq!(world.handed().len(), 4);
    }
}

/// A register that ends before its note was cut, or is an older copy: no command goes on as if nothing had been recorded. One record after its note is
/// undone, because nobody relied on it before it was noted; more of them are somebody's.
#[test]
fn a_register_that_was_cut_at_its_end_is_noticed() {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    let path = world.at("state/contact/contact.ledger");
    let heads = ["state/contact.head", "identity/contact.head"].map(|name| world.at(name));
    let (whole, note) = (fs::read(&path).unwrap(), fs::read(&heads[0]).unwrap());
    assert_eq!(fs::read(&heads[1]).unwrap(), note);
    let noted = || heads.iter().for_each(|head| fs::write(head, &note).unwrap());
    let said = || status(&world.config(), NOW).unwrap_err().to_string();
    let all = entries(&world);
    for before in 0..all {
        fs::write(&path, &whole).unwrap();
        cut(&world, before);
        let shorter = fs::read(&path).unwrap();
        noted();
        assert!(said().contains(&format!("{before} of {all} records")), "{}", said());
        assert_eq!(fs::read(&path).unwrap(), shorter, "nothing was added to it");
        assert!(world.deliver_at(1, NOW).is_err() && world.build_at(NOW).is_err());
    }
    fs::remove_file(&path).unwrap();
    assert!(said().contains("It was cut"));
    // Without one of its notes nobody knows where it ended; another register of the same length is another one.
    fs::write(&path, &whole).unwrap();
    for head in &heads {
        fs::remove_file(head).unwrap();
        assert!(said().contains("It was cut"));
        // Whoever has no key notes no other end: not a number, not a digest, not a tag.
        for place in [16, 30, note.len() - 1] {
            let mut other = note.clone();
            other[place] ^= 1;
            fs::write(head, other).unwrap();
            assert!(said().contains("was changed"), "{}", said());
        }
        noted();
    }
    // Whoever puts back an older copy of the state folder puts back the register and one note.
    cut(&world, all - 1);
    fs::write(&heads[1], &note).unwrap();
    assert!(said().contains(&format!("{} of {all} records", all - 1)) && said().contains("identity"), "{}", said());
    fs::write(&path, &whole).unwrap();
    noted();
    for before in 1..all - 1 {
        noted_before(&world, before);
        assert!(said().contains(&format!("has {all} records")), "{}", said());
        assert_eq!(fs::read(&path).unwrap(), whole, "it is left as it is");
    }
    // The identity's note is written first.
    noted_before(&world, all - 1);
    let before = fs::read(&heads[1]).unwrap();
    fs::write(&heads[1], &note).unwrap();
    assert_eq!((status(&world.config(), NOW).unwrap().len(), entries(&world)), (1, all));
    assert!(heads.iter().all(|head| fs::read(head).unwrap() == note), "what was not noted is noted now");
    // A delivery that was recorded as done, and not noted, is finished once more under its number.
    heads.iter().for_each(|head| fs::write(head, &before).unwrap());
    assert_eq!((status(&world.config(), NOW).unwrap().len(), entries(&world)), (1, all - 1));
    assert!(heads.iter().all(|head| fs::read(head).unwrap() == before));
    world.deliver_at(1, NOW).unwrap();
    assert_eq!(fs::read(&path).unwrap(), whole);
    // The first record may stand without a note.
    cut(&world, 1);
    heads.iter().for_each(|head| fs::remove_file(head).unwrap());
    assert_eq!(status(&world.config(), NOW).unwrap().len(), 0);
}

/// The last record may be torn where the power failed: it was never relied on, and not noted.
#[test]
fn a_torn_last_record_is_as_if_it_were_not() {
    let world = World::new(RULES);
    world.customers(2);
    world.delivered();
    let path = world.at("state/contact/contact.ledger");
    let bytes = fs::read(&path).unwrap();
    noted_before(&world, entries(&world) - 1);
    fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    world.deliver_at(1, NOW).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(fs::read(&path).unwrap().len(), bytes.len());
    fs::write(&path, [&bytes[..40], &[bytes[40] ^ 1], &bytes[41..]].concat()).unwrap();
    assert!(status(&world.config(), NOW).is_err(), "a changed one is not");
}

/// The record that was not noted is gone for good before anything else is done; where that cannot be written, it is undone by the next command.
#[test]
fn what_was_not_noted_is_undone_whichever_write_fails() {
    let world = World::new(RULES);
    world.customers(2);
    world.delivered();
    let (whole, path) = (entries(&world), world.at("state/contact/contact.ledger"));
    let ledger = fs::read(&path).unwrap();
    let again = || {
        fs::write(&path, &ledger).unwrap();
        noted_before(&world, whole - 1);
        &world
    };
    let failed = each_sync_fails_once(again, |world| {
        let listed = status(&world.config(), NOW)?;
        assert_eq!((listed.len(), entries(world)), (1, whole - 1));
        Ok::<_, ClientError>(())
    });
    assert!(failed > 4, "{failed}");
}
