//! A register that was cut begins again by the words of the owner and of risk control, with what is left, and every list shows it.

use std::fs;

use tributary_texts::{Language, Said};

use super::kills::{copy, cut, entries};
use super::{NOW, OsEntropy, RULES, SigningKey, World, write_signing_key};
use crate::contact::{SigningRestart, draft_restart, exclude, install_restart, recall, show, status};

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
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    lost(&world, 2);
    world.draft().unwrap();
    ["owner.key", "risk.key"].into_iter().for_each(|key| world.sign(key).unwrap());
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
    back(&new, &new, &ledger);
    assert_eq!(show(&world.config(), 1, NOW).unwrap().restarts.len(), 1);
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
    ["owner.key", "risk.key"].into_iter().for_each(|key| world.sign(key).unwrap());
    world.install().unwrap();
    assert_eq!(world.build().list, 10_001);
}
