//! Where a file of scores may be: names, folders that become other ones, and what a process that ended has left.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tributary_texts::Language;

use super::run::{Unplaced, score};
use super::target::Target;
use super::world::{NOW, World};
use crate::contact;

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A world with folders in it.
fn with_folders<const N: usize>(folders: [&str; N]) -> World {
    let (world, _) = World::usual();
    folders.iter().for_each(|folder| fs::create_dir(world.at(folder)).unwrap());
    world
}

fn refused(world: &World, output: &str) -> String {
    world.scored_as(&world.options("champion", output)).err().unwrap_or_else(|| panic!("{output} is taken"))
}

/// The note's name is longer than the file's by five bytes. Nothing is written where it cannot be.
#[test]
fn a_file_whose_note_can_have_no_name_is_refused_before_its_first_byte() {
    let world = with_folders(["out"]);
    for length in [247, 248, 251] {
        let told = refused(&world, &format!("out/{}.csv", "a".repeat(length)));
        assert!(told.contains("would have a name that is too long"), "{told}");
    }
    assert!(names(&world.at("out")).is_empty() && !world.at("state/contact").exists());
    let longest = format!("out/{}.csv", "a".repeat(246));
    world.scored_as(&world.options("champion", &longest)).unwrap();
    assert_eq!(names(&world.at("out")).len(), 2);
}

/// The next command would delete it.
#[test]
fn no_file_of_scores_has_the_name_of_a_draft() {
    let world = with_folders(["out"]);
    for name in ["out/.0123456789abcdef.tmp", "out/.0123456789abcdef.new"] {
        let told = refused(&world, name);
        assert!(told.contains("such names are kept for unfinished files"), "{told}");
    }
    assert!(names(&world.at("out")).is_empty() && !world.at("state/contact").exists());
    for name in ["out/.0123456789abcdeg.tmp", "out/.scores.tmp"] {
        world.scored_as(&world.options("champion", name)).unwrap();
    }
}

/// A link to the current folder is turned by night. The draft lies where the register looks for it, and nothing is placed where nobody expects it.
#[test]
fn a_folder_that_becomes_another_one_gets_no_file() {
    type Change = fn(&World);
    let changes: [(Change, &str); 4] = [
        (
            |world| {
                fs::remove_file(world.at("link")).unwrap();
                symlink(world.at("two"), world.at("link")).unwrap();
            },
            "one",
        ),
        (|world| fs::remove_file(world.at("link")).unwrap(), "one"),
        (
            |world| {
                fs::rename(world.at("one"), world.at("moved")).unwrap();
                fs::create_dir(world.at("one")).unwrap();
            },
            "moved",
        ),
        (
            |world| {
                fs::rename(world.at("one"), world.at("moved")).unwrap();
                symlink(world.at("two"), world.at("one")).unwrap();
            },
            "moved",
        ),
    ];
    for (number, (change, holds)) in changes.into_iter().enumerate() {
        let world = with_folders(["one", "two"]);
        symlink(world.at("one"), world.at("link")).unwrap();
        let (settings, options) = (world.settings(), world.options("champion", "link/scores.csv"));
        let target = Target::of(&options.output, std::iter::empty(), |_| Ok(false));
        let target = target.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(target.path(), world.at("one").canonicalize().unwrap().join("scores.csv"));
        assert!(target.stays().is_ok());
        let begun = Unplaced::of(&options, &settings, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        change(&world);
        assert!(target.stays().is_err(), "{number}");
        assert_eq!(names(&world.at(holds)).len(), 1, "{number}: the draft");
        let told = begun.placed(&settings, NOW).err().unwrap().to_string();
        assert!(told.contains("and is another one now"), "{number}: {told}");
        assert!(names(&world.at("two")).is_empty() && !world.at("one/scores.csv").exists(), "{number}");
        // Of a draft that cannot be deleted any more nothing stays.
        for name in names(&world.at(holds)) {
            assert!(fs::read(world.at(holds).join(name)).unwrap().is_empty(), "{number}");
        }
        assert!(holds == "moved" || names(&world.at(holds)).is_empty(), "{number}");
        // The register names what was placed, and nothing else.
        let options = world.options("champion", "two/scores.csv");
        score(&options, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        let purged = contact::tests::whole::purge_whole(&world.at("client.toml"), true, NOW + 91 * 86_400);
        let purged = purged.unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(purged.scores, [world.at("two").canonicalize().unwrap().join("scores.csv")], "{number}");
    }
}

/// A process that ended between the two leaves a file that the register names. Score again, as the manual says.
#[test]
fn a_file_of_scores_without_its_note_is_replaced_where_this_branch_made_it() {
    let world = with_folders(["out", "elsewhere"]);
    symlink(world.at("out"), world.at("link")).unwrap();
    let (file, note) = (world.at("out/scores.csv"), world.at("out/scores.csv.json"));
    let again = |name: &str| world.scored_as(&world.options("champion", name));
    again("out/scores.csv").unwrap();
    for name in ["out/scores.csv", "link/scores.csv"] {
        fs::remove_file(&note).unwrap();
        again(name).unwrap();
        assert!(note.exists());
    }
    // So is one from which somebody was erased since.
    contact::erase(&world.at("client.toml"), "c-2", NOW).unwrap_or_else(|fault| panic!("{fault}"));
    fs::remove_file(&note).unwrap();
    again("out/scores.csv").unwrap();
    // The same file elsewhere, another one here, a link to it, and a file beside it that is no note, are somebody's own.
    fs::remove_file(&note).unwrap();
    fs::copy(&file, world.at("elsewhere/scores.csv")).unwrap();
    assert!(refused(&world, "elsewhere/scores.csv").contains("that no scoring has made"));
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&note, "somebody's own").unwrap();
    assert!(refused(&world, "out/scores.csv").contains("that no scoring has made"));
    fs::remove_file(&note).unwrap();
    fs::write(&file, format!("{text}\n")).unwrap();
    assert!(refused(&world, "out/scores.csv").contains("that no scoring has made"));
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{text}\n"));
    fs::remove_file(&file).unwrap();
    fs::write(world.at("elsewhere/own.csv"), &text).unwrap();
    symlink(world.at("elsewhere/own.csv"), &file).unwrap();
    assert!(refused(&world, "out/scores.csv").contains("that no scoring has made"));
}

/// Whoever scores hears what is gone from the folder.
#[test]
fn what_others_left_in_the_folder_is_named_when_it_is_deleted() {
    let world = with_folders(["out"]);
    let draft = world.at("out").canonicalize().unwrap().join(".00000000deadbeef.tmp");
    fs::write(&draft, "C2,0.5\n").unwrap();
    let told = |said: &[tributary_texts::Said], language| -> Vec<String> {
        said.iter().map(|line| line.text(language).to_owned()).collect()
    };
    let (made, _) = world.scored_as(&world.options("champion", "out/scores.csv")).unwrap();
    assert!(!draft.exists());
    let said = told(&made.said, Language::English);
    let line = format!("  {} was left unfinished by an interruption: it is deleted", draft.display());
    assert_eq!(said.last(), Some(&line));
    assert!(told(&made.said, Language::Chinese).last().unwrap().contains("已删除"));
    let (made, _) = world.scored_as(&world.options("champion", "out/scores.csv")).unwrap();
    assert!(!told(&made.said, Language::English).iter().any(|line| line.contains("unfinished")));
}
