//! One bad file stops neither an erasure nor a purge: all others are done, and it is named. What is bad sorts before what is good.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use tributary_protocol::digest::Digest;
use tributary_storage::files::user;
use tributary_texts::Language;

use super::whole::purge_whole;
use super::{DAY, NOW, RULES, World};
use crate::contact::event::{ContactEvent, MadeScores};
use crate::contact::store::Store;
use crate::contact::{begin_scores, certificates, erase, exclude, purge, show_customer};
use crate::error::ClientError;

/// A branch with scores of `c1`, `c2`, `c3` at these places, all noted.
fn world(places: &[&str]) -> World {
    let world = World::new(RULES);
    world.customers(3);
    for place in places {
        fs::create_dir_all(world.at(place).parent().unwrap()).unwrap();
        for end in ["", ".json"] {
            fs::copy(world.at(&format!("scores.csv{end}")), world.at(&format!("{place}{end}"))).unwrap();
        }
        noted(&world, place);
    }
    world
}

/// What a command notes that makes scores.
fn noted(world: &World, place: &str) {
    let path = world.at("").canonicalize().unwrap().join(place);
    let digest = Digest::of(&fs::read(world.at("scores.csv")).unwrap());
    let folder = path.parent().unwrap().to_str().unwrap().to_owned();
    let mut store = Store::open(&world.settings(), NOW).unwrap();
    if !store.register().score_folders.contains(&folder) {
        store.record(NOW, ContactEvent::ScoresBegun { folder }).unwrap();
    }
    let path = path.to_str().unwrap().to_owned();
    store.record(NOW, ContactEvent::ScoresMade(MadeScores { path, digest, made_at: NOW })).unwrap();
}

fn told(fault: &ClientError) -> [String; 2] {
    [Language::English, Language::Chinese].map(|language| fault.said().text(language).to_owned())
}

/// Why nobody is erased yet, in English.
fn left(world: &World, id: &str) -> String {
    let fault = erase(&world.config(), id, NOW).err().unwrap_or_else(|| panic!("{id} is erased"));
    let [english, chinese] = told(&fault);
    assert!(english.contains("customer may still be in") && english.contains("same command again"), "{english}");
    assert!(chinese.contains("可能仍有该客户") && chinese.contains("再次执行同一命令"), "{chinese}");
    let store = Store::open(&world.settings(), NOW).unwrap();
    let register = store.register();
    assert!(!register.excluded.is_empty() && register.erased.is_empty(), "kept out of lists, and not called erased");
    english
}

/// What an erasure says that is whole, in English.
fn erased(world: &World, id: &str) -> String {
    let answer = erase(&world.config(), id, NOW).unwrap_or_else(|fault| panic!("{fault}"));
    let lines = answer.lines();
    lines.iter().map(|line| format!("{}\n", line.text(Language::English))).collect()
}

fn has(path: &Path, id: &str) -> bool {
    fs::read_to_string(path).unwrap().contains(&format!("\n{id},"))
}

/// What a purge says that is not whole, in English; the good file is gone, and what is certified is that alone.
fn purged(world: &World, good: &Path) -> String {
    let later = NOW + 91 * DAY;
    let named = told(&purge_whole(&world.config(), true, later).unwrap_err());
    assert!(good.exists() && named[0].contains("nothing was deleted"), "{named:?}");
    let done = told(&purge_whole(&world.config(), false, later).unwrap_err());
    assert!(done[0].contains("same command again") && done[0].contains("certificate 1 says what is gone"), "{done:?}");
    assert!(done[1].contains("清理尚未全部完成") && done[1].contains("第 1 号删除证明"), "{done:?}");
    assert!(!good.exists());
    let rows = certificates(&world.config(), later).unwrap();
    let removed: Vec<_> = rows.iter().flat_map(|line| &line.certificate.removed).collect();
    assert_eq!(removed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["z.csv"]);
    done[0].clone()
}

/// A name so long that its note has none. It has no file either: it is gone.
#[test]
fn a_name_that_no_file_can_have_stops_nothing() {
    let world = world(&["o/z.csv"]);
    // The file exists, and its note cannot.
    let long = format!("o/{}.csv", "a".repeat(248));
    fs::copy(world.at("scores.csv"), world.at(&long)).unwrap();
    noted(&world, &long);
    // Not even the file can exist.
    noted(&world, &format!("o/{}.csv", "a".repeat(300)));
    let said = erased(&world, "c1");
    assert!(said.contains("z.csv: 1 line is erased") && said.contains("aaa.csv is deleted"), "{said}");
    assert!(!has(&world.at("o/z.csv"), "c1") && !world.at(&long).exists());
    // A purge deletes it as well.
    fs::copy(world.at("scores.csv"), world.at(&long)).unwrap();
    let purged = purge_whole(&world.config(), false, NOW + 91 * DAY).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((purged.scores.len(), world.at(&long).exists(), world.at("o/z.csv").exists()), (2, false, false));
}

#[test]
fn a_link_in_the_place_of_scores_stops_nothing_and_is_not_followed() {
    let world = world(&["o/a.csv", "o/z.csv"]);
    let [bad, good, moved] = ["o/a.csv", "o/z.csv", "moved.csv"].map(|name| world.at(name));
    fs::rename(&bad, &moved).unwrap();
    symlink(&moved, &bad).unwrap();
    let said = left(&world, "c1");
    assert!(said.contains("a.csv is a link") && said.contains("z.csv: 1 line is erased"), "{said}");
    assert!(has(&moved, "c1") && !has(&good, "c1") && bad.is_symlink());
    // The letter that says so comes when the file is back, and the same command goes on.
    let shown = |id: &str| format!("{:?}", show_customer(&world.config(), id, NOW).unwrap().lines());
    assert!(!shown("c1").contains("You were erased"));
    fs::rename(&moved, &bad).unwrap();
    assert!(erased(&world, "c1").contains("a.csv: 1 line is erased"));
    assert!(!has(&bad, "c1") && shown("c1").contains("You were erased"));
    fs::rename(&bad, &moved).unwrap();
    symlink(&moved, &bad).unwrap();
    assert!(purged(&world, &good).contains("a.csv is a link"));
    assert!(moved.exists() && bad.is_symlink());
}

#[test]
fn a_folder_in_the_place_of_a_note_stops_nothing() {
    for purging in [false, true] {
        let world = world(&["o/a.csv", "o/z.csv"]);
        let [bad, note, good] = ["o/a.csv", "o/a.csv.json", "o/z.csv"].map(|name| world.at(name));
        fs::remove_file(&note).unwrap();
        fs::create_dir(&note).unwrap();
        if purging {
            let fault = purge_whole(&world.config(), false, NOW + 91 * DAY).unwrap_err().to_string();
            assert!(fault.contains("a.csv.json: ") && fault.contains("the scores file"), "{fault}");
            assert!(!good.exists());
        } else {
            let said = left(&world, "c1");
            assert!(said.contains("a.csv.json: ") && said.contains("z.csv: 1 line is erased"), "{said}");
            assert!(!has(&good, "c1"));
        }
        // The scores beside it are gone: nobody is in a folder's name.
        assert!(!bad.exists() && note.is_dir());
        erased(&world, "c1");
    }
}

/// A folder that is a loop of links now stands for a disk that is away.
#[test]
fn a_folder_that_cannot_be_read_stops_nothing() {
    let world = world(&["a/a.csv", "z/z.csv"]);
    let [folder, away, good] = ["a", "away", "z/z.csv"].map(|name| world.at(name));
    let draft = world.at("z/.0123456789abcdef.tmp");
    fs::write(&draft, "c1,0.5\n").unwrap();
    fs::rename(&folder, &away).unwrap();
    symlink(&folder, &folder).unwrap();
    let said = left(&world, "c1");
    assert!(said.contains("/a/a.csv is a link") && said.contains("/a: "), "{said}");
    assert!(!has(&good, "c1") && has(&away.join("a.csv"), "c1") && !draft.exists());
    let said = purged(&world, &good);
    assert!(said.contains("/a/a.csv is a link") && said.contains("z.csv"), "{said}");
    // A link to where nothing is, as of a disk that is not mounted: what lies there comes back.
    fs::remove_file(&folder).unwrap();
    symlink(world.at("not mounted"), &folder).unwrap();
    assert!(left(&world, "c1").contains("a.csv is a link, or a folder above it"));
    // A folder that is gone is nothing, and one that is back is erased from.
    fs::remove_file(&folder).unwrap();
    erased(&world, "c2");
    fs::rename(&away, &folder).unwrap();
    assert!(erased(&world, "c1").contains("a.csv: 1 line is erased"));
    assert!(!has(&folder.join("a.csv"), "c1"));
}

/// Whoever is no root cannot write into such a folder; as root the modes do not bind, and the loop of links above stands for it.
#[test]
fn a_folder_that_is_read_only_stops_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = world(&["a/a.csv", "z/z.csv"]);
    let draft = world.at("a/.0123456789abcdef.tmp");
    fs::write(&draft, "c1,0.5\n").unwrap();
    let mode = |mode| fs::set_permissions(world.at("a"), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o500);
    if fs::write(world.at("a/probe"), "").is_ok() {
        eprintln!("SKIPPED: modes do not bind this user");
        mode(0o700);
        return;
    }
    let said = left(&world, "c1");
    assert!(!has(&world.at("z/z.csv"), "c1"));
    let purged = purge_whole(&world.config(), false, NOW + 91 * DAY).unwrap_err().to_string();
    mode(0o700);
    assert!(!world.at("z/z.csv").exists() && purged.contains("z/z.csv\n"), "{purged}");
    assert!(purged.contains("a/a.csv: ") && !purged.contains("a/a.csv\n"), "{purged}");
    assert!(said.contains("a/a.csv: ") && said.contains(".0123456789abcdef.tmp: "), "{said}");
    assert!(has(&world.at("a/a.csv"), "c1"));
    erased(&world, "c1");
    assert!(!has(&world.at("a/a.csv"), "c1") && !draft.exists());
}

/// What a folder in the place of a count is, nobody certifies; the scores go.
#[test]
fn what_cannot_be_looked_at_is_named_by_a_purge_and_certified_by_none() {
    let world = world(&["z.csv"]);
    let counts = world.at("state/readiness/2023-01-31.counts");
    fs::create_dir_all(&counts).unwrap();
    assert!(purged(&world, &world.at("z.csv")).contains("2023-01-31.counts is no ordinary file"));
    assert!(counts.exists());
    fs::remove_dir(&counts).unwrap();
    assert_eq!(purge_whole(&world.config(), false, NOW + 91 * DAY).unwrap().certificate, None);
}

/// A draft that a crash left is not past its time: screen and certificate say why it goes.
#[test]
fn what_an_interruption_has_left_is_said_and_certified_as_that() {
    let world = world(&["o/z.csv"]);
    let draft = world.at("o/.0123456789abcdef.tmp");
    fs::write(&draft, "c1,0.5\n").unwrap();
    let said = |dry_run| {
        let purged = purge_whole(&world.config(), dry_run, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!((purged.unfinished.len(), purged.caches.len()), (1, 0));
        let lines = purged.said().unwrap();
        [Language::English, Language::Chinese]
            .map(|language| lines.iter().map(|line| format!("{}\n", line.text(language))).collect::<String>())
    };
    let [english, chinese] = said(true);
    assert!(english.starts_with("left unfinished by an interruption; nothing was deleted:\n  /"), "{english}");
    assert!(chinese.starts_with("中断后遗留的未完成文件；未删除任何内容："), "{chinese}");
    assert!(draft.exists());
    let [english, chinese] = said(false);
    assert!(english.starts_with("deleted, because an interruption left it unfinished:\n  /"), "{english}");
    assert!(!english.contains("past its time") && !chinese.contains("超过保留期"), "{english}{chinese}");
    let rows = certificates(&world.config(), NOW).unwrap();
    let removed = &rows[0].certificate.removed;
    assert_eq!(removed.len(), 1);
    assert_eq!((removed[0].kind.as_str(), removed[0].rule.as_str()), ("unfinished", "interruption"));
    let lines: Vec<String> = rows[0].said().iter().map(|line| line.text(Language::English).to_owned()).collect();
    assert!(lines[1].starts_with("  .0123456789abcdef.tmp, which an interruption left unfinished: "), "{lines:?}");
}

/// Nobody is called erased beside a draft that no command may delete. A program reads of it, and a scoring goes on.
#[test]
fn a_draft_of_another_user_is_named() {
    let world = world(&["o/z.csv"]);
    let draft = world.at("o/.0123456789abcdef.tmp");
    fs::write(&draft, "c1,0.5\n").unwrap();
    let cause = if user() == 0 {
        chown(&draft, Some(65_534), None).unwrap();
        "is unfinished and belongs to "
    } else {
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o000)).unwrap();
        "Permission denied"
    };
    let named = |line: &str| line.contains(".0123456789abcdef.tmp") && line.contains(cause);
    let said = left(&world, "c1");
    assert!(named(&said), "{said}");
    let purged = purge(&world.config(), false, NOW).unwrap_or_else(|fault| panic!("{fault}"));
    let json = serde_json::to_value(&purged).unwrap();
    assert!(json["left"].as_array().unwrap().len() == 1 && named(json["left"][0].as_str().unwrap()), "{json}");
    assert!(purged.said().unwrap_err().to_string().contains("nothing else is past its time") && draft.exists());
    let output = world.at("").canonicalize().unwrap().join("o/new.csv");
    let begun = begin_scores(&world.settings(), &output, NOW).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((begun.deleted.len(), begun.stays.len()), (0, 0));
    fs::remove_file(&draft).unwrap();
    assert!(purge_whole(&world.config(), false, NOW).unwrap().is_whole());
    assert!(erased(&world, "c1").contains("erased"));
}

/// The file gets a new body under its own name. The old one stays under the other name, and nobody knows where that is.
#[test]
fn another_name_of_a_file_is_said() {
    let world = world(&["o/a.csv", "o/z.csv"]);
    let other = world.at("other.csv");
    fs::hard_link(world.at("o/a.csv"), &other).unwrap();
    let said = erased(&world, "c1");
    assert!(said.contains("a.csv has another name on this disk (a hard link); the customer is in that one"), "{said}");
    assert!(!said.contains("z.csv has another name"), "{said}");
    assert!(has(&other, "c1") && !has(&world.at("o/a.csv"), "c1") && !has(&world.at("o/z.csv"), "c1"));
    // Whoever is in none of its lines has nothing to look for.
    fs::remove_file(&other).unwrap();
    fs::hard_link(world.at("o/a.csv"), &other).unwrap();
    assert!(!erased(&world, "c9").contains("another name"));
    // It is said as well where something else is left: the next time the file has one name.
    let path: PathBuf = world.at("o/z.csv");
    fs::rename(&path, world.at("moved.csv")).unwrap();
    symlink(world.at("moved.csv"), &path).unwrap();
    let fault = erase(&world.config(), "c2", NOW).map(drop).unwrap_err().to_string();
    assert!(fault.contains("a.csv has another name") && fault.contains("z.csv is a link"), "{fault}");
}

/// A list that cannot be read keeps neither the customer's other lines nor any scores.
#[test]
fn a_list_that_was_changed_stops_nothing() {
    let world = world(&["o/z.csv"]);
    world.delivered();
    let members = world.at("state/contact/lists/000001/members");
    let whole = fs::read(&members).unwrap();
    crate::contact::recall(&world.config(), 1, "next", NOW).unwrap();
    world.delivered();
    fs::write(&members, "changed").unwrap();
    let fault = exclude(&world.config(), "c2", NOW).map(drop).unwrap_err().to_string();
    assert!(fault.contains("000001/members") && fault.contains("the exclusion is in force"), "{fault}");
    assert!(fault.contains("no new list will name the customer") && fault.contains("client list recall"), "{fault}");
    assert!(world.handed().iter().any(|name| name.starts_with("list-000002.recall-")), "{:?}", world.handed());
    let said = left(&world, "c1");
    assert!(said.contains("000001/members") && said.contains("1 line is erased in kept lists"), "{said}");
    assert!(!has(&world.at("o/z.csv"), "c1") && !has(&world.at("scores.csv"), "c1"));
    fs::write(&members, whole).unwrap();
    assert!(erased(&world, "c1").contains("1 line is erased in kept lists"));
}

/// The folder of the bank's system is away: its recall waits, and what is past its time goes all the same.
#[test]
fn a_recall_that_cannot_be_written_stops_no_purge() {
    let world = world(&["o/z.csv"]);
    world.delivered();
    fs::rename(world.at("crm"), world.at("away")).unwrap();
    crate::contact::recall(&world.config(), 1, "next", NOW).unwrap_err();
    let later = NOW + 91 * DAY;
    let [english, _] = told(&purge_whole(&world.config(), false, later).unwrap_err());
    assert!(english.contains("could not be written"), "{english}");
    assert!(!world.at("o/z.csv").exists() && !world.at("scores.csv").exists());
    assert_eq!(certificates(&world.config(), later).unwrap().len(), 1);
    fs::rename(world.at("away"), world.at("crm")).unwrap();
    assert_eq!(purge_whole(&world.config(), false, later).unwrap().certificate, None);
}

/// What an interrupted purge was about to delete lies on a disk that is away now: it is not gone, and not certified.
#[test]
fn what_a_dead_link_hides_is_not_certified_by_the_next_purge() {
    let world = World::new(&RULES.replace("[delivery]\ncrm", "[hold_out]\npermille = 500\ndays = 10\n[delivery]\ncrm"));
    world.customers(6);
    fs::create_dir(world.at("o")).unwrap();
    for end in ["", ".json"] {
        fs::copy(world.at(&format!("scores.csv{end}")), world.at(&format!("o/z.csv{end}"))).unwrap();
    }
    noted(&world, "o/z.csv");
    world.delivered();
    let draws = world.at("state/contact/draws");
    let draw = draws.join(&super::names(&draws)[0]);
    fs::remove_file(&draw).unwrap();
    fs::create_dir(&draw).unwrap();
    let later = NOW + 415 * DAY;
    purge_whole(&world.config(), false, later).unwrap_err();
    fs::remove_dir(&draw).unwrap();
    fs::rename(world.at("o"), world.at("away")).unwrap();
    symlink(world.at("not mounted"), world.at("o")).unwrap();
    let fault = purge_whole(&world.config(), false, later).unwrap_err().to_string();
    assert!(fault.contains("z.csv is a link, or a folder above it"), "{fault}");
    let names = || -> Vec<String> {
        let rows = certificates(&world.config(), later).unwrap();
        rows.into_iter().flat_map(|line| line.certificate.removed).map(|one| one.name).collect()
    };
    assert!(names().contains(&"scores.csv".to_owned()) && !names().contains(&"z.csv".to_owned()), "{:?}", names());
    fs::remove_file(world.at("o")).unwrap();
    fs::rename(world.at("away"), world.at("o")).unwrap();
    purge_whole(&world.config(), false, later).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(names().contains(&"z.csv".to_owned()) && !world.at("o/z.csv").exists());
}

/// A folder is moved to a bigger disk, and a link takes its place. Until a file is made anew nobody follows the link; from then on it is erased from by its own path.
#[test]
fn a_link_to_a_file_that_is_known_by_its_own_path_needs_no_word() {
    let world = world(&["a/s.csv"]);
    fs::create_dir(world.at("disk")).unwrap();
    fs::rename(world.at("a"), world.at("disk/a")).unwrap();
    symlink(world.at("disk/a"), world.at("a")).unwrap();
    assert!(left(&world, "c1").contains("a/s.csv is a link"));
    noted(&world, "disk/a/s.csv");
    // Another file lies there: nobody knows whose it is, and the link is named still.
    let whole = fs::read(world.at("disk/a/s.csv")).unwrap();
    fs::write(world.at("disk/a/s.csv"), [&whole, b"\n".as_slice()].concat()).unwrap();
    assert!(left(&world, "c1").contains("a/s.csv is a link"));
    fs::write(world.at("disk/a/s.csv"), whole).unwrap();
    let said = erased(&world, "c1");
    assert!(!has(&world.at("disk/a/s.csv"), "c1") && has(&world.at("disk/a/s.csv"), "c2"), "{said}");
}
