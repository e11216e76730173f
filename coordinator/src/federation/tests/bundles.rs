//! What goes into a bundle beside the journal: owners' words on which its runs may rest.

use std::collections::BTreeSet;
use std::fs;

use tributary_certs::grant::{sign_grant, sign_withdrawal, word_file_name, write_grant, write_withdrawal};
use tributary_certs::suite::SigningKey;
use tributary_evidence::bundle::{Authority, Bundle, Options, PART, Standing, audit};
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{Entries, LedgerId, SignedCheckpoint, origin_of, scan};
use tributary_protocol::plan::{Date, Grant, GrantSubject, OwnersWord};
use tributary_protocol::registry::RegistryEvent;
use tributary_protocol::roster::StaffNumber;
use tributary_protocol::round::{CoordinatorEvent, Recorded, cast};
use tributary_storage::files::{Existing, write_private};
use tributary_storage::journal::{Journal, visit};

use super::beside::after_a_run;
use super::orders::authorities;
use super::*;
use crate::audit::{Export, ExportError, Exported, Scope, export};

/// Everything that a coordinator hands to an auditor is found intact by the auditor, whose verifier computes all of it again: each sum from the uploads
/// that were kept, each model from the sums, and whatever people have signed by the rosters.
pub(super) fn what_leaves_is_intact(world: &World, name: &str) {
    let today = Date::of_second(now());
    let run = world.run(1);
    for (number, scope) in [Scope::Journal, Scope::Days, Scope::Plan(run.plan), Scope::Run(run)].into_iter().enumerate()
    {
        let output = world.house.path(&format!("{name}-{number}"));
        let exported = export(&world.config, &Export { days: (today, today), scope, output: &output }).unwrap();
        let bundle = Bundle::open(fs::File::open(&exported.file).unwrap()).unwrap();
        let options = Options {
            authority: Some(Authority::List(authorities(world))),
            strict: true,
            days: Some((today, today)),
            now: Millis(unix_millis()),
            checkpoint: None,
        };
        let found = audit(&bundle, &options).unwrap();
        // No branch has cosigned its journal, and no owner has granted anything: that is missing, and nothing else is.
        assert!(found.faults.is_empty() && found.standing == Standing::Incomplete, "{scope:?}: {found:#?}");
        let missing = "a checkpoint that more than half of the roster's branches have cosigned";
        assert!(matches!(&found.missing[..], [one] if one.starts_with(missing)), "{scope:?}: {found:#?}");
        let known = [
            "run of a branch that no grant of its owner here allows",
            "entries at the end of the journal for which nobody",
            // A part does not show what it leaves out.
            "entries are left out, and nothing shows whether a run of the days",
        ];
        let verified = |why: &str| known.iter().any(|known| why.starts_with(known));
        assert!(found.not_verified.iter().all(|not| verified(&not.reason)), "{scope:?}: {found:#?}");
        assert_eq!(found.parts, exported.parts);
    }
}

/// A day in the past, and its first millisecond.
fn day(before: u64) -> (Date, Millis) {
    let second = now() / 86_400 * 86_400 - before * 86_400;
    (Date::of_second(second), Millis(second * 1_000))
}

/// The same journal, each entry recorded at another time; nobody has signed a checkpoint of it yet.
fn retold(house: &Federation, at: impl Fn(u64) -> Millis) -> u64 {
    let (path, fresh) = (house.path("state/audit.log"), house.path("fresh.log"));
    let (mut journal, _) = Journal::<CoordinatorEvent>::open_view(&fresh, LedgerId([1; 32])).unwrap();
    let mut entries = 0;
    visit(&path, |entry| {
        let (ledger, at) = (entry.ledger, at(entry.position));
        entries = entry.position + 1;
        let decoded = "an entry of this release";
        if ledger == LedgerId::ADMINISTRATION {
            let told: Recorded<RegistryEvent> = codec::decode(entry.event, CONTROL_MESSAGE_BYTES_MAX).expect(decoded);
            journal.append_to(ledger, at, told.event)
        } else {
            let told: Recorded<CoordinatorEvent> =
                codec::decode(entry.event, CONTROL_MESSAGE_BYTES_MAX).expect(decoded);
            journal.append_to(ledger, at, told.event)
        }
    })
    .unwrap();
    journal.sync().unwrap();
    fs::rename(fresh, path).unwrap();
    fs::remove_dir_all(house.path("state/checkpoints")).unwrap();
    fs::create_dir(house.path("state/checkpoints")).unwrap();
    entries
}

/// The coordinator signs a checkpoint of so many entries.
fn sign_checkpoint(house: &Federation, federation: &Digest, entries: u64) {
    let bytes = fs::read(house.path("state/audit.log")).unwrap();
    let end = scan(Entries::new(&bytes)).entries.get(usize::try_from(entries).unwrap()).map(|entry| entry.offset);
    let front = &bytes[..end.map_or(bytes.len(), |end| usize::try_from(end).unwrap())];
    let key = tributary_certs::keys::read_signing_key(&house.coordinator().join("signing.key")).unwrap();
    let now = scan(Entries::new(front)).log.checkpoint(&origin_of(federation));
    let signed = SignedCheckpoint::sign::<tributary_certs::suite::RealSuite>(now, &key).unwrap();
    let path = house.path("state/checkpoints").join(format!("{entries:020}"));
    write_private(&path, signed.to_string().as_bytes(), Existing::Replace).unwrap();
}

/// Two runs, of which the second one began on another day: a bundle has the journal up to its last day, or to the first checkpoint from there on.
#[test]
fn a_bundle_ends_with_its_last_day_or_with_the_next_checkpoint() {
    let mut world = World::of_runs(2, |text| text.replace("rounds = 3\n", "rounds = 1\n"));
    world.begin();
    world.all_come();
    world.here.values_mut().for_each(|seat| seat.machines.runs = 2);
    world.talk();
    assert!(world.centre.is_through());
    let (federation, [first, second]) = (authorities(&world).digest(), [1, 2].map(|number| world.run(number)));
    let World { house, config, .. } = world;
    let mut count = 0;
    let (mut begun, mut of_second) = (None, Vec::new());
    visit(&house.path("state/audit.log"), |entry| {
        count = entry.position + 1;
        if entry.ledger == LedgerId::from(second.id()) {
            begun.get_or_insert(entry.position);
            of_second.push(entry.position);
        }
        Ok(())
    })
    .unwrap();
    let begun = begun.expect("there is a second run");
    // The first run has all of a day, and the next day begins with the second one.
    let ((early, morning), (late, next_morning)) = (day(9), day(8));
    let at = |position: u64| match position {
        _ if position < begun / 2 => morning,
        _ if position < begun => Millis(next_morning.0 - 1),
        _ => next_morning,
    };
    assert_eq!(retold(&house, at), count);
    let exported = |scope, days, name: &str| {
        let output = house.path(name);
        let _ = (fs::remove_file(&output), fs::remove_file(output.with_extension("digest")));
        export(&config, &Export { days, scope, output: &output })
    };
    let part = |exported: &Exported, name: &str| {
        let bundle = Bundle::open(fs::File::open(&exported.file).unwrap()).unwrap();
        bundle.part(name)
    };
    let told = |of: &Exported| (of.entries, of.left_out, of.goes_on, of.runs, of.runs_outside);
    let (before, after) = (day(10).0, day(5).0);
    assert!(matches!(exported(Scope::Journal, (before, before), "none"), Err(ExportError::Nothing(_))));
    // Without a checkpoint: as many entries as the days have, the first second of the next one left out.
    let whole = fs::read(house.path("state/audit.log")).unwrap();
    let end = |entries: u64| {
        let all = scan(Entries::new(&whole)).entries;
        all.get(usize::try_from(entries).unwrap()).map_or(whole.len(), |entry| usize::try_from(entry.offset).unwrap())
    };
    for (days, entries, runs) in [
        ((early, early), begun, (1, 0)),
        ((before, early), begun, (1, 0)),
        ((late, late), count, (1, 1)),
        ((late, after), count, (1, 1)),
        ((early, late), count, (2, 0)),
        ((after, after), count, (0, 2)),
    ] {
        let of = exported(Scope::Journal, days, "journal").unwrap();
        assert_eq!(told(&of), (entries, 0, entries < count, runs.0, runs.1), "{days:?}");
        assert!(part(&of, "audit.log").unwrap() == whole[..end(entries)], "{days:?}");
    }
    let of = exported(Scope::Days, (early, early), "days").unwrap();
    assert_eq!(told(&of), (begun, 0, true, 1, 0));
    let first_days = part(&of, PART).unwrap();
    // What is after the last day of the whole journal changes nothing before it.
    fs::write(house.path("state/audit.log"), &whole[..end(begun)]).unwrap();
    let of = exported(Scope::Days, (early, early), "days").unwrap();
    assert_eq!(told(&of), (begun, 0, false, 1, 0));
    assert!(part(&of, PART).unwrap() == first_days);
    fs::write(house.path("state/audit.log"), &whole).unwrap();
    // One of before the last day's end is none, and of two after it the next one counts.
    for size in [begun - 1, begun + 2, begun + 5] {
        sign_checkpoint(&house, &federation, size);
    }
    // A copy of one under another name is none.
    let kept = |name: &str| house.path("state/checkpoints").join(name);
    fs::rename(kept(&format!("{:020}", begun + 2)), kept("newest.txt")).unwrap();
    assert_eq!(told(&exported(Scope::Journal, (early, early), "journal").unwrap()).0, begun + 5);
    fs::copy(kept("newest.txt"), kept(&format!("{:020}", begun + 2))).unwrap();
    let of = exported(Scope::Journal, (early, early), "journal").unwrap();
    assert_eq!(told(&of), (begun + 2, 0, true, 1, 1));
    let names = |of: &Exported| -> Vec<String> {
        let bundle = Bundle::open(fs::File::open(&of.file).unwrap()).unwrap();
        bundle.names().filter_map(|name| name.strip_prefix("checkpoints/")).map(str::to_owned).collect()
    };
    assert_eq!(names(&of), [begun - 1, begun + 2].map(|size| format!("{size:020}")));
    sign_checkpoint(&house, &federation, begun);
    assert_eq!(told(&exported(Scope::Journal, (early, early), "journal").unwrap()).0, begun, "it ends with the day");
    // A part ends its trees where a checkpoint ends, so that each checkpoint follows from it.
    let scope = Scope::Run(first);
    let left_out = of_second.len() as u64;
    let of = exported(scope, (early, late), "run").unwrap();
    assert_eq!(told(&of), (count, left_out, false, 1, 1));
    let (with, all) = (part(&of, PART).unwrap(), names(&of));
    assert_eq!(all.len(), 4);
    fs::remove_dir_all(house.path("state/checkpoints")).unwrap();
    let of = exported(scope, (early, late), "run").unwrap();
    let without = part(&of, PART).unwrap();
    assert!(names(&of).is_empty() && with.len() > without.len() && (with.len() - without.len()).is_multiple_of(34));
    assert!(matches!(exported(scope, (late, late), "run"), Err(ExportError::NoRun(_))), "it was over by then");
    assert_eq!(told(&exported(Scope::Run(second), (late, late), "run").unwrap()).3, 1);
}

#[test]
fn of_a_run_go_the_grants_for_it_and_of_the_journal_all_that_owners_have_signed() {
    let (world, manifest) = after_a_run();
    // Another plan has had its run as well.
    let small = |text: String| text.replace("rounds = 3\n", "rounds = 1\n");
    world.house.settings(|text| small(text).replace("name = \"test\"", "name = \"other\""));
    let mut world = world.restart();
    world.begin();
    world.all_come();
    world.talk();
    let other_plan = world.run(1).plan;
    assert!(world.centre.is_through() && other_plan != manifest.lineage.run.plan);
    let (owner, thief) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
    let lineage = &manifest.lineage;
    let grant =
        |subject: GrantSubject, runs: u32| sign_grant(&owner, Grant { subject, runs, ..cast::grant(&cast::plan()) });
    let plans = |proposer: &str, purpose: &str| GrantSubject::Plans {
        proposer: StaffNumber::parse(proposer).unwrap(),
        purpose: purpose.into(),
    };
    let purpose = lineage.purpose.raw();
    let own = [grant(GrantSubject::Plan(lineage.run.plan), 1), grant(plans("north-bank/e1", purpose), 2)];
    let others = [
        grant(GrantSubject::Plan(Digest([9; 32])), 3),
        grant(plans("north-bank/e2", purpose), 4),
        grant(plans("north-bank/e1", "another purpose"), 5),
    ];
    let folder = world.state("grants");
    fs::create_dir_all(&folder).unwrap();
    let name = |word: &OwnersWord| word_file_name(word);
    let granted = |grant: &Grant| {
        let word = OwnersWord::Granted(grant.clone());
        write_grant(grant, &folder.join(name(&word))).unwrap();
        format!("grants/{}", name(&word))
    };
    let taken = |key: &SigningKey, grant: &Grant| {
        let withdrawal = sign_withdrawal(key, grant.digest(), 7);
        let word = OwnersWord::TakenBack(withdrawal.clone());
        let _ = fs::remove_file(folder.join(name(&word)));
        write_withdrawal(&withdrawal, &folder.join(name(&word))).unwrap();
        format!("grants/{}", name(&word))
    };
    let of_run: BTreeSet<String> = own.iter().map(&granted).chain([taken(&owner, &own[1])]).collect();
    let of_other = granted(&grant(GrantSubject::Plan(other_plan), 6));
    let of_days: BTreeSet<String> = of_run.iter().cloned().chain([of_other]).collect();
    let mut all: BTreeSet<String> = others.iter().map(&granted).chain(of_days.clone()).collect();
    all.insert(taken(&owner, &others[0]));
    // Nobody's word: another owner's withdrawal, one of a forged signature, and one under another name.
    taken(&thief, &own[0]);
    let forged = Grant { runs: 77, ..own[0].clone() };
    granted(&forged);
    fs::copy(folder.join(name(&OwnersWord::Granted(own[0].clone()))), folder.join("other.grant")).unwrap();
    let today = Date::of_second(now());
    let words = |scope: Scope, name: &str| -> BTreeSet<String> {
        let output = world.house.path(name);
        let exported = export(&world.config, &Export { days: (today, today), scope, output: &output }).unwrap();
        let bundle = Bundle::open(fs::File::open(&exported.file).unwrap()).unwrap();
        bundle.names().filter(|name| name.starts_with("grants/")).map(str::to_owned).collect()
    };
    assert_eq!(words(Scope::Journal, "whole"), all);
    assert_eq!(words(Scope::Run(lineage.run), "run"), of_run);
    assert_eq!(words(Scope::Plan(lineage.run.plan), "plan"), of_run);
    assert_eq!(words(Scope::Days, "days"), of_days);
}
