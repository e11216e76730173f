//! What a purge deletes is certified: signed, chained, named by the register, also after an interruption. Nobody's name is in it.

use std::fs;
use std::path::PathBuf;

use tributary_certs::deletion::{DeletionCertificate, Removed, verify_deletions};
use tributary_protocol::digest::Digest;

use super::kills::{copy, cut, entries};
use super::{DAY, NOW, RULES, World};
use crate::contact::{certificates, purge};

/// A branch with a delivered list of a week, its scores, and counts of a data set.
fn world() -> World {
    let world = World::new(&RULES.replace("[delivery]\ncrm", "[hold_out]\npermille = 500\ndays = 10\n[delivery]\ncrm"));
    world.customers(6);
    world.delivered();
    fs::create_dir_all(world.at("state/readiness")).unwrap();
    world.write("state/readiness/2023-01-31.counts", "{}");
    world
}

fn row(world: &World) -> Vec<DeletionCertificate> {
    let lines = certificates(&world.config(), NOW).unwrap_or_else(|fault| panic!("{fault}"));
    lines.into_iter().map(|line| line.certificate).collect()
}

fn kinds(certificate: &DeletionCertificate) -> Vec<(&str, &str)> {
    certificate.removed.iter().map(|one| (one.kind.as_str(), one.rule.as_str())).collect()
}

#[test]
fn each_purge_certifies_what_it_deleted_and_nothing_else() {
    let world = world();
    let [scores, members] = ["scores.csv", "state/contact/lists/000001/members"].map(|name| world.at(name));
    let digest = Digest::of(&fs::read(&scores).unwrap());
    assert!(members.exists() && row(&world).is_empty());
    let purged = |days: u64, dry_run| purge(&world.config(), dry_run, NOW + days * DAY).unwrap();
    assert_eq!(purged(0, true).certificate, None, "nothing is deleted");
    assert_eq!(purged(0, false).certificate, Some(1));
    assert_eq!(purged(0, false).certificate, None, "nothing is left to delete");
    assert_eq!(purged(91, false).certificate, Some(2));
    assert_eq!(purged(415, false).certificate, Some(3));
    let row = row(&world);
    assert_eq!(row.iter().map(|one| one.at - NOW).collect::<Vec<_>>(), [0, 91 * DAY, 415 * DAY]);
    assert_eq!(kinds(&row[0]), [("cache", "retention.caches_days = 730")]);
    assert_eq!(kinds(&row[1]), [("scores", "retention.scores_days = 90")]);
    assert_eq!(row[1].removed[0].digest, digest.to_string());
    let lists = "retention.lists_days = 400";
    assert_eq!(kinds(&row[2]), [("draw", lists), ("list", lists)]);
    assert_eq!(verify_deletions(&row, &[world.branch_key().verifying_key()]), Ok(()));
    // No customer, and no number of customers: not the six, and not the lines or who was held out.
    for certificate in &row {
        let text = String::from_utf8(certificate.to_bytes()).unwrap();
        let known = ["c1", "c2", "lines", "rows", "customers", "held"];
        assert!(known.iter().all(|word| !text.contains(&format!("\"{word}"))), "{text}");
    }
    // One that was changed, exchanged or taken away is not the register's.
    let place = |number: u32| world.at("state/contact/certificates").join(format!("{number:06}.json"));
    let good = fs::read_to_string(place(2)).unwrap();
    for other in [good.replace("scores_days = 90", "scores_days = 10"), fs::read_to_string(place(1)).unwrap()] {
        fs::write(place(2), other).unwrap();
        let told = certificates(&world.config(), NOW).unwrap_err().to_string();
        assert!(told.contains("000002.json") && told.contains("evidence"), "{told}");
    }
    fs::remove_file(place(2)).unwrap();
    assert!(certificates(&world.config(), NOW).is_err());
}

/// At whatever record a process ends, the next purge certifies all that is gone, and once.
#[test]
fn an_interrupted_purge_is_certified_by_the_next_one() {
    let world = world();
    let later = NOW + 415 * DAY;
    let (before, after) = (world.at("before"), world.at("after"));
    let recorded = entries(&world);
    copy(&world.at("state"), &before);
    let scores = ["scores.csv", "scores.csv.json"].map(|name| (world.at(name), fs::read(world.at(name)).unwrap()));
    // What is pending is written before the first thing is deleted: the same as a purge that ends at once.
    assert_eq!(purge(&world.config(), false, later).unwrap().certificate, Some(1));
    let expected = row(&world)[0].removed.clone();
    assert_eq!(expected.len(), 4, "{expected:?}");
    let records = entries(&world);
    copy(&world.at("state"), &after);
    let pending = pending_of(&expected, &world);
    for upto in recorded..records {
        fs::remove_dir_all(world.at("state")).unwrap();
        copy(&after, &world.at("state"));
        cut(&world, upto);
        fs::write(world.at("state/contact/certificates/pending.json"), &pending).unwrap();
        // What was not recorded as deleted is still there.
        copy(&before.join("readiness"), &world.at("state/readiness"));
        scores.iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
        let lists = world.at("state/contact/lists");
        if !lists.join("000001").exists() {
            copy(&before.join("contact/lists"), &lists);
            copy(&before.join("contact/draws"), &world.at("state/contact/draws"));
        }
        purge(&world.config(), false, later).unwrap();
        let mut found: Vec<_> = row(&world).into_iter().flat_map(|one| one.removed).collect();
        found.sort();
        assert_eq!(found, expected, "after {upto} records");
        assert!(!world.at("state/contact/certificates/pending.json").exists());
    }
}

/// What stands in the file before the first thing is deleted.
fn pending_of(removed: &[Removed], world: &World) -> Vec<u8> {
    let path = |one: &Removed| -> Option<PathBuf> {
        match one.kind.as_str() {
            "scores" => Some(world.at("scores.csv")),
            "cache" => Some(world.at("state/readiness").join(&one.name)),
            _ => None,
        }
    };
    let going: Vec<_> = removed.iter().map(|one| serde_json::json!({ "removed": one, "path": path(one) })).collect();
    serde_json::to_vec(&serde_json::json!({ "number": 1, "at": NOW, "going": going })).unwrap()
}
