//! Whoever can write a scores file can write the note beside it. Neither a raised score nor a note of one's own makes a list.

use std::fs;
use std::os::unix::fs::symlink;

use tributary_certs::budget::BudgetMark;
use tributary_protocol::digest::Digest;

use super::{NOW, OsEntropy, Owned, RULES, SigningKey, World, sign_owned, write_verifying_key};
use crate::contact::{build, erase, explain, recall};
use crate::score::{ScoresNote, write_scores};

/// Two customers in a file of this name, the second of whom has this score.
fn write(world: &World, name: &str, gb18030: bool, score: f64) -> Digest {
    let rows = [("c1", 2.0), ("c2", score)];
    write_scores(&world.at(name), gb18030, &rows, "存款减少")
}

fn made(world: &World, name: &str) -> Result<u32, String> {
    let built = build(&world.config(), &world.at("rules.toml"), &world.at(name), None, NOW);
    built.map(|built| built.lines).map_err(|fault| fault.to_string())
}

#[test]
fn a_raised_score_makes_no_list_in_whatever_form() {
    for (name, gb18030) in [("utf-8.csv", false), ("gb.csv", true), ("scores.parquet", false)] {
        let world = World::new(RULES);
        world.customers(2);
        let template = world.read("scores.csv.json");
        let note = |digest: Digest| {
            let mut note: serde_json::Value = serde_json::from_str(&template).unwrap();
            note["digest"] = digest.to_string().into();
            note
        };
        let true_one = write(&world, name, gb18030, 1.0);
        world.note(name, note(true_one));
        let signed = world.read(&format!("{name}.json"));
        // A raised score with the digest of its file, under the signature of before, without one, and by another key.
        let raised = write(&world, name, gb18030, 9.0);
        assert_ne!(raised, true_one);
        let stranger = SigningKey::generate(&mut OsEntropy);
        let forged: ScoresNote = serde_json::from_value(note(raised)).unwrap();
        for lie in [
            signed.replace(&true_one.to_string(), &raised.to_string()),
            note(raised).to_string(),
            serde_json::to_string(&forged.signed(&stranger)).unwrap(),
        ] {
            world.write(&format!("{name}.json"), &lie);
            let told = made(&world, name).unwrap_err();
            assert!(
                told.contains("not signed by this branch's key") && told.contains("client score"),
                "{name}: {told}"
            );
            assert!(explain(&world.config(), "c2", Some(&world.at(name)), NOW).is_err());
        }
        // And what the branch signed makes one.
        world.write(&format!("{name}.json"), &signed);
        assert!(made(&world, name).unwrap_err().contains("another one than the note"));
        write(&world, name, gb18030, 1.0);
        assert_eq!(made(&world, name), Ok(2), "{name}");
    }
}

/// An erasure signs the note of what stays, and no note that somebody else has changed: it deletes that file.
#[test]
fn an_erasure_signs_nothing_that_was_changed() {
    let world = World::new(RULES);
    world.customers(3);
    world.build();
    let noted = world.read("scores.csv.json");
    let until = |note: &str| serde_json::from_str::<ScoresNote>(note).unwrap().valid_until;
    world.write("scores.csv.json", &noted.replace(&until(&noted).to_string(), "9999999999"));
    erase(&world.config(), "c3", NOW).unwrap();
    assert!(!world.at("scores.csv").exists() && !world.at("scores.csv.json").exists());
}

/// Whoever writes the settings names a key as the owner's. The identity says whose data these are.
#[test]
fn rules_of_whoever_the_settings_name_are_not_the_owners() {
    let world = World::new(RULES);
    world.customers(3);
    let mark = |owner: &SigningKey| {
        let owner = owner.verifying_key();
        let mark = BudgetMark { population: Digest([1; 32]), salt: [2; 32], owner, changes: Vec::new() };
        mark.write(&world.at("identity")).unwrap();
    };
    mark(&SigningKey::generate(&mut OsEntropy));
    assert!(world.refused().contains("names another one"));
    mark(&world.owner);
    assert_eq!(world.build().list, 1);
    // Whoever takes the mark away and signs rules himself is not the owner by that: the last list names the owner.
    let other = SigningKey::generate(&mut OsEntropy);
    let text = world.read("rules.toml");
    fs::remove_file(BudgetMark::path(&world.at("identity"))).unwrap();
    fs::remove_file(world.at("owner.pub")).unwrap();
    write_verifying_key(&other.verifying_key(), &world.at("owner.pub")).unwrap();
    sign_owned(Owned::Rules, &world.at("rules.toml"), &text, &other).unwrap();
    assert!(world.refused().contains("another owner of the data signed these rules than those of list 1"));
    assert!(world.approve(1).is_err());
    // A new owner is one whom the identity names.
    mark(&other);
    recall(&world.config(), 1, "another owner", NOW).unwrap();
    assert_eq!(world.build().list, 2);
    fs::remove_file(BudgetMark::path(&world.at("identity"))).unwrap();
    recall(&world.config(), 2, "once more", NOW).unwrap();
    assert_eq!(world.build().list, 3);
}

/// A link may lead elsewhere tomorrow. What was listed is erased where it lies.
#[test]
fn scores_that_a_link_names_are_erased_where_they_lie() {
    let world = World::new(RULES);
    world.customers(3);
    fs::create_dir(world.at("november")).unwrap();
    for name in ["scores.csv", "scores.csv.json"] {
        fs::rename(world.at(name), world.at("november").join(name)).unwrap();
        symlink(world.at("november").join(name), world.at(name)).unwrap();
    }
    world.build();
    for name in ["scores.csv", "scores.csv.json"] {
        fs::remove_file(world.at(name)).unwrap();
    }
    assert!(world.read("november/scores.csv").contains("c3"));
    erase(&world.config(), "c3", NOW).unwrap();
    assert!(!world.read("november/scores.csv").contains("c3"));
}
