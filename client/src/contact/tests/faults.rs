//! A disk on which one write after the other fails, while a command makes a list, delivers it, or deletes customers: the command says so, and the
//! same command again goes on. Nothing is called done that is not.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tributary_certs::deletion::Removed;
use tributary_protocol::digest::Digest;
use tributary_protocol::log::LedgerId;
use tributary_storage::faults::{each_fault, each_sync_fails_once, each_sync_fails_once_and_heals, synced};
use tributary_storage::journal::read;
use tributary_texts::Language;

use super::kills::copy;
use super::whole::purge_whole;
use super::{DAY, NOW, RULES, World, names};
use crate::contact::event::ContactEvent;
use crate::contact::store::Store;
use crate::contact::{
    LeftOut, Stage, adopt, certificates, erase, exclude, init_rules, make_approver, outcomes, recall, receipt, show,
    show_customer, sign_rules, status, write_reply,
};
use crate::error::ClientError;
use crate::test_home::each_until_done;

/// A world that is put back as it was, in its place: its register names files by where they are.
pub(super) struct Kept {
    world: World,
    kept: TempDir,
}

impl Kept {
    pub(super) fn of(world: World) -> Self {
        let kept = tempfile::tempdir().unwrap();
        copy(&world.at(""), kept.path());
        Self { world, kept }
    }

    pub(super) fn again(&self) -> &World {
        put_back(self.kept.path(), &self.world.at(""));
        &self.world
    }

    /// The same world, kept as it is now.
    pub(super) fn anew(self) -> Self {
        Self::of(self.world)
    }

    /// As [`each_until_done`], in this world.
    pub(super) fn each<T>(
        &self,
        command: impl Fn(&World) -> Result<T, ClientError>,
        is_done: impl Fn(&World) -> bool,
    ) -> usize {
        each_until_done(|| self.again(), |world| command(world), |world| is_done(world))
    }
}

/// Only what differs is written.
fn put_back(kept: &Path, folder: &Path) {
    for path in names(folder).iter().filter(|name| !kept.join(name).exists()).map(|name| folder.join(name)) {
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    for name in names(kept) {
        let (from, to) = (kept.join(&name), folder.join(&name));
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            put_back(&from, &to);
        } else if fs::read(&to).ok() != fs::read(&from).ok() {
            fs::copy(from, to).unwrap();
        }
    }
}

fn delivered() -> World {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    world
}

fn stage(world: &World) -> Stage {
    show(&world.config(), 1, NOW).unwrap_or_else(|fault| panic!("{fault}")).summary.stage
}

/// What is told of a customer, in English.
fn told_of(world: &World, id: &str) -> String {
    let answer = show_customer(&world.config(), id, NOW).unwrap_or_else(|fault| panic!("{fault}"));
    answer.lines().iter().map(|line| format!("{}\n", line.text(Language::English))).collect()
}

/// A list is there whole, or not at all. A copy of its lines is written after it was recorded: where that fails the list stands, and can be recalled.
#[test]
fn a_list_of_which_a_write_failed_is_not_there_or_can_be_recalled() {
    let hold = "[hold_out]\npermille = 500\ndays = 100\n[delivery]\ncrm";
    let world = World::new(&RULES.replace("[delivery]\ncrm", hold));
    world.customers(6);
    let kept = Kept::of(world);
    let begun = each_sync_fails_once(|| kept.again(), |world| status(&world.config(), NOW));
    // The register is there now.
    let (kept, mut there) = (kept.anew(), Vec::new());
    let failed = each_fault(|fault| {
        let world = kept.again();
        let built = fault.during(|| world.build_at(NOW));
        assert_eq!(built.is_err(), fault.struck());
        let lists = status(&world.config(), NOW).unwrap_or_else(|fault| panic!("{fault}")).len();
        there.push(lists);
        if built.is_err() && lists > 0 {
            assert_eq!(stage(world), Stage::Built);
            recall(&world.config(), 1, "its copy was not written", NOW).unwrap();
        }
        let built = built.unwrap_or_else(|_| world.build());
        let number = if fault.struck() { lists + 1 } else { 1 };
        let held = built.left_out.get(&LeftOut::HeldOut).copied().unwrap_or(0);
        assert_eq!((built.list as usize, built.lines as usize), (number, 6 - usize::try_from(held).unwrap()));
        let drawn = names(&world.at("state/contact/draws")).len();
        assert_eq!((drawn, world.listed(built.list).len()), (1, built.lines as usize), "nobody is drawn twice");
    });
    assert!(begun > 12 && failed > 25 && there.is_sorted() && there[0] == 0 && there[failed] == 1, "{there:?}");
}

#[test]
fn an_approval_and_a_delivery_of_which_a_write_failed_go_on() {
    let world = World::new(RULES);
    world.customers(3);
    world.build();
    let kept = Kept::of(world);
    let approved = kept.each(|world| world.approve(1), |world| stage(world) == Stage::Approved);
    kept.again().approve(1).unwrap();
    let kept = kept.anew();
    let delivered = kept.each(
        |world| world.deliver_at(1, NOW),
        |world| {
            let whole = world.handed() == ["list-000001.csv", "list-000001.csv.ok"];
            let stage = stage(world);
            assert!(stage != Stage::Delivered || whole, "nothing is called delivered before it is");
            whole && stage == Stage::Delivered
        },
    );
    assert!(approved > 4 && delivered > 12, "{approved} {delivered}");
}

/// What the bank's system is told, and what it tells.
#[test]
fn recalls_answers_and_outcomes_of_which_a_write_failed_are_recorded_again() {
    let world = delivered();
    let digest = Digest::of(world.read("crm/list-000001.csv").as_bytes()).to_string();
    let answer = serde_json::json!({ "format": 1, "batch": 1, "sha256": digest, "lines": 3, "accepted": false });
    world.write("answer.json", &answer.to_string());
    world.write(
        "outcomes.csv",
        "batch,line,contacted,channel,result,date\n1,1,是,phone,yes,2026-11-30\n9,1,是,phone,yes,2026-11-30\n",
    );
    let kept = Kept::of(world);
    let recalled = |world: &World| {
        let files = ["csv", "csv.ok"].map(|end| format!("list-000001.recall-000001.{end}"));
        files.iter().all(|name| world.handed().contains(name)) && world.handed().len() == 4
    };
    let again = || kept.again();
    let failed = [
        each_sync_fails_once(again, |world| recall(&world.config(), 1, "wrong", NOW)),
        each_sync_fails_once(again, |world| {
            let said = receipt(&world.config(), 1, &world.at("answer.json"), NOW)?;
            assert!(recalled(world));
            Ok::<_, ClientError>(said)
        }),
        each_sync_fails_once(again, |world| {
            let taken = outcomes(&world.config(), &world.at("outcomes.csv"), NOW)?;
            assert_eq!((taken.taken + taken.known, world.read("outcomes.rejects.csv").lines().count()), (1, 2));
            Ok::<_, ClientError>(taken)
        }),
    ];
    assert!(failed.iter().all(|failed| *failed > 6), "{failed:?}");
    let kept = kept.each(
        |world| recall(&world.config(), 1, "wrong", NOW),
        |world| stage(world) == Stage::Recalled && recalled(world),
    );
    assert_eq!(kept, failed[0]);
}

/// Nobody is called excluded or erased before that is so: in lists, in scores, and in what an interruption left of either.
#[test]
fn a_customer_is_not_called_erased_where_a_write_failed() {
    let world = delivered();
    world.write(".0123456789abcdef.tmp", "c2,0.5\n");
    let kept = Kept::of(world);
    let excluded = kept.each(
        |world| exclude(&world.config(), "c2", NOW),
        |world| world.handed().len() == 4 && told_of(world, "c2").contains("no marketing list"),
    );
    exclude(&kept.again().config(), "c2", NOW).unwrap();
    let kept = kept.anew();
    let files = ["scores.csv", "state/contact/lists/000001/sheet.csv"];
    let has = |world: &World, id: &str| files.iter().any(|file| world.read(file).contains(&format!("{id},")));
    let erased = kept.each(
        |world| erase(&world.config(), "c2", NOW),
        |world| {
            let store = Store::open(&world.settings(), NOW).unwrap_or_else(|fault| panic!("{fault}"));
            let is_erased = !store.register().erased.is_empty();
            let is_there = has(world, "c2") || world.at(".0123456789abcdef.tmp").exists();
            assert!(!is_erased || !is_there, "nobody is called erased who is there");
            assert!(has(world, "c1") && has(world, "c3") && store.sheet(1).is_ok() && store.members(1).is_ok());
            is_erased
        },
    );
    assert!(excluded > 15 && erased > 25, "{excluded} {erased}");
}

/// An erasure that was recorded, and whose files could not be written, is done by whichever command comes next.
#[test]
fn an_erasure_that_was_recorded_is_done_by_the_next_command() {
    let world = delivered();
    exclude(&world.config(), "c2", NOW).unwrap();
    let (kept, sheet) = (Kept::of(world), "state/contact/lists/000001/sheet.csv");
    let is_half = |world: &World| {
        let ledger = world.at("state/contact/contact.ledger");
        let events = read::<ContactEvent>(&ledger, LedgerId::CONTACT).unwrap();
        let erased = events.iter().rposition(|one| matches!(one.event, ContactEvent::LineErased { .. }));
        erased.is_some_and(|place| place + 1 < events.len()) && world.read(sheet).contains("c2,")
    };
    let half = (1..60).find(|number| {
        let world = kept.again();
        let (done, _) = synced(Some(*number), || erase(&world.config(), "c2", NOW));
        done.is_err() && is_half(world)
    });
    assert!(half.is_some(), "the write of the sheet fails");
    let kept = kept.anew();
    let failed = each_sync_fails_once_and_heals(
        || kept.again(),
        |world| {
            let listed = status(&world.config(), NOW)?;
            assert!(!world.read(sheet).contains("c2,") && world.read(sheet).contains("c3,"));
            Ok::<_, ClientError>(listed)
        },
    );
    assert!(failed > 7, "{failed}");
}

/// A withdrawn model's list is void before anything else is done with lists. The file for the bank's system keeps nobody from another list: where it
/// cannot be written that is no fault of the command, and the next one writes it.
#[test]
fn a_withdrawal_of_which_a_write_failed_voids_its_list() {
    let world = World::new(RULES);
    world.customers(3);
    let text = world.read("scores.csv");
    world.scores_file(&text, 3, &[("model", super::withdrawn::model().to_string().into())]);
    world.delivered();
    super::withdrawn::write(&world.at("state/models/models.ledger"));
    let (kept, mut unwritten) = (Kept::of(world), 0);
    let failed = each_fault(|fault| {
        let world = kept.again();
        let done = fault.during(|| status(&world.config(), NOW));
        assert!(done.is_ok() || fault.struck());
        if let Ok(listed) = done {
            assert_eq!(listed[0].stage, Stage::Recalled);
            unwritten += usize::from(fault.struck());
        }
        assert_eq!(status(&world.config(), NOW).unwrap()[0].stage, Stage::Recalled);
        assert_eq!(world.handed().len(), 4);
    });
    assert!(failed > 15 && unwritten == 9, "{failed} {unwritten}: two files, and that they are written");
}

/// What is past its time is gone, and certified once, whichever write failed.
#[test]
fn a_purge_of_which_a_write_failed_is_certified_once() {
    let world = World::new(&RULES.replace("[delivery]\ncrm", "[hold_out]\npermille = 500\ndays = 10\n[delivery]\ncrm"));
    world.customers(6);
    world.delivered();
    fs::create_dir_all(world.at("state/readiness")).unwrap();
    world.write("state/readiness/2023-01-31.counts", "{}");
    world.write(".0123456789abcdef.tmp", "c2,0.5\n");
    let (kept, later) = (Kept::of(world), NOW + 415 * DAY);
    let purged = |world: &World| purge_whole(&world.config(), false, later);
    let removed = |world: &World| -> Vec<Removed> {
        let lines = certificates(&world.config(), later).unwrap_or_else(|fault| panic!("{fault}"));
        let mut removed: Vec<Removed> = lines.into_iter().flat_map(|line| line.certificate.removed).collect();
        removed.sort();
        removed
    };
    purged(kept.again()).unwrap();
    let expected = removed(&kept.world);
    assert_eq!(expected.len(), 5, "a list, a draw, scores, counts and a draft");
    let failed = each_fault(|fault| {
        let world = kept.again();
        assert_eq!(fault.during(|| purged(world)).is_err(), fault.struck());
        purged(world).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(removed(world), expected);
        assert!(!world.at("scores.csv").exists() && !world.at(".0123456789abcdef.tmp").exists());
        assert!(
            names(&world.at("state/contact/lists")).is_empty() && names(&world.at("state/contact/draws")).is_empty()
        );
    });
    assert!(failed > 30, "{failed}");
}

/// Rules, a key for risk control, and a page for a customer: a file is whole, or not there and in nobody's way.
#[test]
fn papers_of_which_a_write_failed_are_written_again() {
    let world = World::new(RULES);
    world.customers(1);
    exclude(&world.config(), "c1", NOW).unwrap();
    let answer = show_customer(&world.config(), "c1", NOW).unwrap();
    let kept = Kept::of(world);
    let again = || kept.again();
    let failed = [
        each_sync_fails_once(again, |world| init_rules(&world.at("rules"))),
        each_sync_fails_once(again, |world| make_approver(&world.at("second.key"))),
        each_sync_fails_once(again, |world| sign_rules(&world.at("rules.toml"), &world.at("owner.key"))),
        each_sync_fails_once(again, |world| adopt(&world.config(), &world.at("rules.toml"), NOW)),
        each_sync_fails_once(again, |world| write_reply(&answer, &world.at("answer.html"))),
    ];
    assert_eq!(failed.map(|failed| failed > 1), [true; 5], "{failed:?}");
}
