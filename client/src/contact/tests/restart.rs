//! A register that was cut begins again by the words of the owner and of risk control, with what is left, and every list shows it.

use std::fs;

use tributary_protocol::digest::Digest;
use tributary_storage::faults::each_sync_fails_once;
use tributary_texts::{Language, Said};

use super::faults::Kept;
use super::kills::{copy, cut, entries};
use super::whole::purge_whole;
use super::{NOW, OsEntropy, RULES, SigningKey, World, write_signing_key};
use crate::contact::anchor::Anchor;
use crate::contact::restart::Place;
use crate::contact::{
    Counts, LeftOut, SigningRestart, Stage, certificates, draft_restart, exclude, install_restart, recall, show, status,
};
use crate::error::ClientError;

fn english(said: &[Said]) -> Vec<String> {
    said.iter().map(|said| said.text(Language::English).to_owned()).collect()
}

const REASON: &str = "the disk of branch-01 failed on 29 November";

impl World {
    fn draft(&self) -> Result<String, String> {
        let file = self.at("restart.json");
        let _none = fs::remove_file(&file);
        let said = draft_restart(&self.config(), REASON, &file, NOW).map_err(|fault| fault.to_string())?;
        Ok(english(&said).join("\n"))
    }

    fn sign(&self, key: &str) -> Result<(), String> {
        let signing = SigningRestart::open(&self.at("restart.json"), &self.at(key));
        signing.and_then(|signing| signing.sign(NOW)).map(drop).map_err(|fault| fault.to_string())
    }

    /// A file to begin its register again, with the words of both.
    fn signed(&self) {
        self.draft().unwrap_or_else(|fault| panic!("{fault}"));
        ["owner.key", "risk.key"].into_iter().for_each(|key| self.sign(key).unwrap());
    }

    /// Begins its register again, with the words of both.
    fn begun_again(&self) {
        self.signed();
        self.install().unwrap_or_else(|fault| panic!("{fault}"));
    }

    fn install(&self) -> Result<(), String> {
        let done = install_restart(&self.config(), &self.at("restart.json"), &self.at("rules.toml"), NOW);
        done.map(drop).map_err(|fault| fault.to_string())
    }
}

/// A register that has lost all but its first records, with both notes of before.
fn lost(world: &World, left: usize) {
    let heads = ["state/contact.head", "identity/contact.head"].map(|name| world.at(name));
    let notes = heads.each_ref().map(|head| fs::read(head).unwrap());
    cut(world, left);
    heads.iter().zip(notes).for_each(|(head, note)| fs::write(head, note).unwrap());
}

/// A branch that has delivered a list, and lost all but the first two records of its register. Both have signed that it begins again.
fn lost_and_signed() -> World {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    lost(&world, 2);
    world.signed();
    world
}

#[test]
fn two_people_begin_a_register_again_that_was_cut() {
    let world = World::new(RULES);
    world.customers(6);
    exclude(&world.config(), "c1", NOW).unwrap();
    world.delivered();
    recall(&world.config(), 1, "again", NOW).unwrap();
    world.delivered();
    assert!(world.draft().unwrap_err().contains("whole"), "nothing is begun again without a reason");
    let all = entries(&world);
    // What is left: the key, the exclusion, and the first list, which is approved.
    lost(&world, 4);
    assert!(world.build_at(NOW).is_err());
    let said = world.draft().unwrap();
    assert!(said.contains("4 records are left") && said.contains(&format!("{all} were noted")), "{said}");
    assert!(said.contains(REASON) && said.contains("excluded"), "{said}");
    // Nobody alone: not the owner twice, nor the owner and a stranger, nor risk control alone.
    assert!(world.install().unwrap_err().contains("needs a signature"));
    world.sign("owner.key").unwrap();
    assert!(world.sign("owner.key").unwrap_err().contains("has signed it"));
    assert!(world.install().unwrap_err().contains("needs a signature"));
    write_signing_key(&SigningKey::generate(&mut OsEntropy), &world.at("stranger.key")).unwrap();
    world.sign("stranger.key").unwrap();
    assert!(world.sign("risk.key").unwrap_err().contains("two people have"));
    assert!(world.install().unwrap_err().contains("needs a signature"));
    // Words about another reason are nobody's.
    world.draft().unwrap();
    world.sign("owner.key").unwrap();
    world.sign("risk.key").unwrap();
    let good = world.read("restart.json");
    world.write("restart.json", &good.replace("failed", "was sold"));
    assert!(world.install().unwrap_err().contains("needs a signature"));
    world.write("restart.json", &good.replace("\"skipped\":", "\"skip\":"));
    assert!(world.install().unwrap_err().contains("no file to begin"));
    world.write("restart.json", &good);
    assert!(world.build_at(NOW).is_err(), "nothing has begun");
    world.install().unwrap();
    assert!(world.install().unwrap_err().contains("whole"), "once");
    // What was left is there, and so is the file as it was.
    assert_eq!(status(&world.config(), NOW).unwrap().len(), 1);
    assert!(world.at("state/contact/contact.ledger.cut-1").exists());
    let told = show(&world.config(), 1, NOW).unwrap();
    assert_eq!((told.restarts[0].lost, told.restarts[0].reason.as_str()), (all as u64 - 4, REASON));
    // Numbers that may have been used are not used again, and whoever was excluded still is.
    recall(&world.config(), 1, "begun again", NOW).unwrap();
    let built = world.build();
    assert!(built.list > 2 && !world.listed(built.list).contains(&"c1".to_owned()), "{built:?}");
    world.approve(built.list).unwrap();
    world.deliver_at(built.list, NOW).unwrap();
    let batch = status(&world.config(), NOW).unwrap()[0].batch.unwrap();
    assert!(batch > 2, "{batch}");
    let said = english(&show(&world.config(), built.list, NOW).unwrap().said());
    assert!(said[0].contains("BEGUN AGAIN") && said[0].contains(REASON), "{said:?}");
}

/// At whatever step a process ends, the register is refused as before, or has begun again.
#[test]
fn a_restart_that_was_interrupted_is_finished_or_done_anew() {
    let world = lost_and_signed();
    let (before, after) = (world.at("before"), world.at("after"));
    copy(&world.at("state"), &before);
    let old = fs::read(world.at("identity/contact.head")).unwrap();
    world.install().unwrap();
    copy(&world.at("state"), &after);
    let new = fs::read(world.at("identity/contact.head")).unwrap();
    let ledger = fs::read(after.join("contact/contact.ledger")).unwrap();
    let back = |identity: &[u8], state: &[u8], next: &[u8]| {
        fs::remove_dir_all(world.at("state")).unwrap();
        copy(&before, &world.at("state"));
        fs::write(world.at("identity/contact.head"), identity).unwrap();
        fs::write(world.at("state/contact.head"), state).unwrap();
        fs::write(world.at("state/contact/contact.ledger.next"), next).unwrap();
    };
    // Before both notes are written nothing has begun, and the same file is installed again.
    for (identity, next) in [(&old, &ledger[..ledger.len() / 2]), (&old, &ledger[..]), (&new, &ledger[..])] {
        back(identity, &old, next);
        assert!(status(&world.config(), NOW).is_err());
        world.install().unwrap();
        assert_eq!(status(&world.config(), NOW).unwrap().len(), 1);
    }
    // After that the next command gives the register its name.
    let named = each_sync_fails_once(
        || back(&new, &new, &ledger),
        |()| {
            let shown = show(&world.config(), 1, NOW)?;
            assert_eq!(shown.restarts.len(), 1);
            Ok::<_, ClientError>(())
        },
    );
    assert!(named > 4, "{named}");
    // A register of somebody's own takes no place.
    back(&old, &old, &ledger);
    fs::remove_file(world.at("state/contact/contact.ledger")).unwrap();
    assert!(status(&world.config(), NOW).is_err());
}

/// Neither file nor note: the key of customers is what is left, and nobody knows how many numbers were used.
#[test]
fn a_register_that_is_gone_begins_again_as_well() {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    fs::remove_file(world.at("state/contact/contact.ledger")).unwrap();
    for head in ["state/contact.head", "identity/contact.head"] {
        fs::write(world.at(head), "no note").unwrap();
    }
    assert!(status(&world.config(), NOW).is_err());
    assert!(world.draft().unwrap().contains("no note says how many"));
    world.begun_again();
    assert_eq!(world.build().list, 10_001);
}

/// Certificates of deletion outlive the records that are lost: each keeps its number and its file, and the next one goes on.
#[test]
fn certificates_that_a_cut_register_lost_are_in_it_again() {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    let before = entries(&world);
    fs::create_dir_all(world.at("state/readiness")).unwrap();
    let purged = |day: u32| {
        world.write(&format!("state/readiness/2023-01-{day:02}.counts"), &format!("{{\"day\":{day}}}"));
        purge_whole(&world.config(), false, NOW).unwrap_or_else(|fault| panic!("{fault}")).certificate
    };
    assert_eq!([1, 2].map(purged), [Some(1), Some(2)]);
    let files = || ["000001", "000002"].map(|name| world.read(&format!("state/contact/certificates/{name}.json")));
    let kept = files();
    for left in [before, before + 2] {
        lost(&world, left);
        world.begun_again();
        let row = |count: usize| assert_eq!(certificates(&world.config(), NOW).unwrap().len(), count);
        if left == before {
            row(2);
            continue;
        }
        // Also where the next purge comes first.
        assert_eq!(purged(3), Some(3));
        row(3);
    }
    assert_eq!(files(), kept);
}

/// What is lost may have delivered a list that is left: it is not delivered once more, and its customers count as contacted.
#[test]
fn a_list_that_may_have_been_delivered_is_not_delivered_again() {
    let cap = "[contacts]\nmost = 1\nwindow_days = 30\n[delivery]\ncrm";
    // What is left: the key and the list, and with it its approval.
    for left in [2, 3] {
        let world = World::new(&RULES.replace("[delivery]\ncrm", cap));
        world.customers(3);
        world.delivered();
        lost(&world, left);
        world.begun_again();
        assert!(world.approve(1).is_err());
        let told = world.deliver_at(1, NOW).unwrap_err().to_string();
        assert!(told.contains("cannot be used any more"), "{left}: {told}");
        assert_eq!(status(&world.config(), NOW).unwrap()[0].stage, Stage::Cut);
        let built = world.build();
        assert_eq!((built.lines, built.left_out), (0, Counts::from([(LeftOut::ContactCap, 3)])), "{left}");
        // A list of now is as any other one.
        world.customers(4);
        let built = world.build();
        assert_eq!(world.listed(built.list), ["c4"]);
        world.approve(built.list).unwrap();
        world.deliver_at(built.list, NOW).unwrap();
    }
}

/// An older copy of the state folder brings its older note with it: what the newer note knows is lost, and its numbers are not given again.
#[test]
fn of_two_notes_the_newer_one_says_what_is_lost() {
    for older in ["state/contact.head", "identity/contact.head"] {
        let world = World::new(RULES);
        world.customers(3);
        for _ in 0..3 {
            let built = world.delivered();
            recall(&world.config(), built.list, "again", NOW).unwrap();
        }
        let all = entries(&world);
        let newer = fs::read(world.at("identity/contact.head")).unwrap();
        cut(&world, 2);
        let cut_there = fs::read(world.at(older)).unwrap();
        ["state/contact.head", "identity/contact.head"]
            .iter()
            .for_each(|head| fs::write(world.at(head), &newer).unwrap());
        fs::write(world.at(older), cut_there).unwrap();
        let said = world.draft().unwrap();
        assert!(said.contains("2 records are left") && said.contains(&format!("{all} were noted")), "{older}: {said}");
        world.begun_again();
        let built = world.build();
        assert_eq!(built.list as usize, 1 + (all - 2) + 1, "{older}");
        world.approve(built.list).unwrap();
        world.deliver_at(built.list, NOW).unwrap();
        assert_eq!(status(&world.config(), NOW).unwrap()[0].batch.map(|batch| batch as usize), Some(all - 2 + 1));
    }
}

/// The numbers that are left out are those of now, and no more than a branch uses.
#[test]
fn numbers_that_may_have_been_used_are_counted_again_when_it_is_installed() {
    let world = lost_and_signed();
    let folder = world.at("state/contact/lists/000099");
    fs::create_dir(&folder).unwrap();
    assert!(world.install().unwrap_err().contains("draft anew"));
    fs::remove_dir(&folder).unwrap();
    // A note, or a folder, that is none of this branch's leaves no number for ever.
    let far = Place { records: 10_000_003, head: Digest::ZERO };
    let head = fs::read(world.at("identity/contact.head")).unwrap();
    Anchor::of(&world.settings()).note(far).unwrap();
    for refused in [world.install(), world.draft().map(drop)] {
        assert!(refused.unwrap_err().contains("more than 10000000 were never used"));
    }
    ["state/contact.head", "identity/contact.head"].iter().for_each(|name| fs::write(world.at(name), &head).unwrap());
    world.draft().unwrap();
}

/// Anybody may have written records that nobody noted: they are no part of what is left.
#[test]
fn what_was_noted_by_nobody_is_not_left_of_a_register() {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    let path = world.at("state/contact/contact.ledger");
    let whole = fs::read(&path).unwrap();
    cut(&world, 2);
    fs::write(&path, &whole).unwrap();
    assert!(status(&world.config(), NOW).unwrap_err().to_string().contains("has 5 records"));
    assert!(world.draft().unwrap().contains("2 records are left"));
    world.begun_again();
    assert!(fs::read(world.at("state/contact/contact.ledger.cut-1")).unwrap() == whole);
    assert_eq!(status(&world.config(), NOW).unwrap()[0].stage, Stage::Cut);
    // One record more is undone, and the register is whole.
    let path = world.at("state/contact/contact.ledger");
    let (whole, notes) = (fs::read(&path).unwrap(), entries(&world));
    cut(&world, notes - 1);
    fs::write(&path, whole).unwrap();
    assert!(world.draft().unwrap_err().contains("whole"));
    assert_eq!(entries(&world), notes - 1);
}

/// A register is longer than what is read as one private file.
#[test]
fn a_register_of_more_than_20_mib_begins_again() {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    let path = world.at("state/contact/contact.ledger");
    let mut bytes = fs::read(&path).unwrap();
    bytes.resize(21 << 20, 7);
    fs::write(&path, &bytes).unwrap();
    assert!(status(&world.config(), NOW).is_err());
    world.begun_again();
    assert!(fs::read(world.at("state/contact/contact.ledger.cut-1")).unwrap() == bytes);
    assert_eq!(status(&world.config(), NOW).unwrap().len(), 1);
}

/// The folder of a list whose record is lost has a number that was used; one with a number that no branch reaches is none of this branch's.
#[test]
fn numbers_of_lists_are_skipped_up_to_a_limit() {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    lost(&world, 1);
    let folder = |number: u32| world.at("state/contact/lists").join(format!("{number:06}"));
    for (number, is_too_far) in [(10_000_000, false), (10_000_001, true)] {
        fs::create_dir(folder(number)).unwrap();
        let said = world.draft();
        assert_eq!(said.is_err(), is_too_far, "{number}: {said:?}");
        if let Err(fault) = said {
            assert!(fault.contains("10000001") && fault.contains("10000000"), "{fault}");
        }
        fs::remove_dir(folder(number)).unwrap();
    }
}

/// A write fails at whatever step: the register is refused as before, or has begun again, and nobody's word is lost.
#[test]
fn a_restart_of_which_a_write_failed_goes_on() {
    let (world, file) = (lost_and_signed(), "restart.json");
    let kept = Kept::of(world);
    let installed = kept.each(
        |world| install_restart(&world.config(), &world.at(file), &world.at("rules.toml"), NOW),
        |world| {
            let begun = show(&world.config(), 1, NOW).is_ok_and(|shown| shown.restarts.len() == 1);
            assert!(begun || !world.build_at(NOW).is_ok_and(|built| panic!("{built:?} of a register that was cut")));
            begun
        },
    );
    fs::remove_file(kept.again().at(file)).unwrap();
    let kept = kept.anew();
    let drafted = kept
        .each(|world| draft_restart(&world.config(), REASON, &world.at(file), NOW), |world| world.at(file).exists());
    kept.again().draft().unwrap();
    let kept = kept.anew();
    let signed = |world: &World| world.read(file).matches("\"signature\"").count();
    let one = kept.each(
        |world| SigningRestart::open(&world.at(file), &world.at("owner.key"))?.sign(NOW),
        |world| signed(world) == 1,
    );
    assert!(installed > 10 && drafted > 1 && one > 1, "{installed} {drafted} {one}");
}
