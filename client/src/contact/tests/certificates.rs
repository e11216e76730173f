//! What a purge deletes is certified: signed, chained, named by the register, also after an interruption. Nobody's name is in it.

use std::fs;
use std::path::Path;

use tributary_certs::deletion::{DeletionCertificate, Removed, verify_deletions};
use tributary_protocol::digest::Digest;

use super::kills::{copy, cut, entries};
use super::whole::purge_whole;
use super::{DAY, NOW, OsEntropy, RULES, SigningKey, World, names};
use crate::contact::certificates;

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
    let purged = |days: u64, dry_run| purge_whole(&world.config(), dry_run, NOW + days * DAY).unwrap();
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
        assert!(known.iter().all(|word| !text.contains(&format!("\"{word}\""))), "{text}");
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

/// What a purge deletes, in the order of its records, with what lies there before.
fn put_back(world: &World, before: &Path, from: usize) {
    let contact = world.at("state/contact");
    let steps: [&dyn Fn(); 4] = [
        &|| copy(&before.join("state/contact/lists"), &contact.join("lists")),
        &|| copy(&before.join("state/contact/draws"), &contact.join("draws")),
        &|| ["scores.csv", "scores.csv.json"].iter().for_each(|name| drop(fs::copy(before.join(name), world.at(name)))),
        &|| copy(&before.join("state/readiness"), &world.at("state/readiness")),
    ];
    steps.iter().skip(from).for_each(|put| put());
}

fn removed(world: &World) -> Vec<Removed> {
    let mut found: Vec<_> = row(world).into_iter().flat_map(|one| one.removed).collect();
    found.sort();
    found
}

/// At whatever record a process ends, before it deletes or after it, the next purge certifies all that is gone, and once.
#[test]
fn an_interrupted_purge_is_certified_by_the_next_one() {
    let world = world();
    let later = NOW + 415 * DAY;
    let purged = || purge_whole(&world.config(), false, later);
    let certificates = world.at("state/contact/certificates");
    let [before, after] = ["before", "after"].map(|name| world.at(name));
    let recorded = entries(&world);
    copy(&world.at("state"), &before.join("state"));
    for name in ["scores.csv", "scores.csv.json"] {
        fs::copy(world.at(name), before.join(name)).unwrap();
    }
    // A draw that cannot be deleted ends a purge in between.
    let draws = world.at("state/contact/draws");
    let draw = draws.join(&names(&draws)[0]);
    fs::remove_file(&draw).unwrap();
    fs::create_dir(&draw).unwrap();
    purged().unwrap_err();
    let pending = fs::read(certificates.join("pending.json")).unwrap();
    fs::remove_dir(&draw).unwrap();
    assert_eq!(purged().unwrap().certificate, Some(2), "the first one is of what was interrupted");
    let expected = removed(&world);
    assert_eq!((expected.len(), row(&world)[0].removed.len()), (4, 2), "{expected:?}");
    // One that goes through.
    let again = |state: &Path, upto: usize, from: usize| {
        fs::remove_dir_all(world.at("state")).unwrap();
        copy(state, &world.at("state"));
        cut(&world, upto);
        put_back(&world, &before, from);
    };
    again(&before.join("state"), recorded, 0);
    assert_eq!(purged().unwrap().certificate, Some(1));
    assert_eq!(removed(&world), expected);
    let whole = fs::read(certificates.join("000001.json")).unwrap();
    copy(&world.at("state"), &after);
    let records = entries(&world);
    assert_eq!(records - recorded, 5, "four kinds, and their certificate");
    for upto in recorded..records {
        // What was recorded last may be there still.
        for deleted in (upto - recorded).saturating_sub(1)..=upto - recorded {
            again(&after, upto, deleted);
            fs::remove_file(certificates.join("000001.json")).unwrap();
            fs::write(certificates.join("pending.json"), &pending).unwrap();
            purged().unwrap();
            assert_eq!(removed(&world), expected, "after {upto} records, and {deleted} were deleted");
            assert!(!certificates.join("pending.json").exists());
        }
    }
    // The certificate is there, and was not recorded.
    again(&after, records - 1, 4);
    fs::write(certificates.join("pending.json"), &pending).unwrap();
    assert_eq!(purged().unwrap().certificate, None);
    assert_eq!((fs::read(certificates.join("000001.json")).unwrap(), row(&world).len()), (whole, 1));
    assert!(!certificates.join("pending.json").exists());
}

/// Nobody without the branch's keys has it certify what was deleted by hand, or keeps a number that is to be given. Nothing is deleted then.
#[test]
fn what_this_branch_did_not_write_is_named_and_stops_a_purge() {
    let world = world();
    let counts = world.at("state/readiness/2023-01-31.counts");
    let folder = world.at("state/contact/certificates");
    fs::create_dir_all(&folder).unwrap();
    let refused = |name: &str, bytes: &[u8], told: &str| {
        fs::write(folder.join(name), bytes).unwrap();
        let fault = purge_whole(&world.config(), false, NOW).unwrap_err().to_string();
        assert!(fault.contains(name) && fault.contains(told), "{fault}");
        assert!(counts.exists());
        fs::remove_file(folder.join(name)).unwrap();
    };
    let digest = Digest::of(b"by hand").to_string();
    let by_hand =
        Removed { kind: "scores".into(), name: "a.csv".into(), digest, rule: "retention.scores_days = 90".into() };
    let going = serde_json::json!([{ "removed": by_hand, "path": world.at("a.csv") }]);
    let pending = serde_json::json!({ "number": 1, "at": NOW, "going": going });
    let tagged = serde_json::json!({ "pending": pending, "tag": Digest::ZERO.to_string() });
    for forged in [pending, tagged] {
        refused("pending.json", forged.to_string().as_bytes(), "not as this branch wrote it");
    }
    let (own, other) = (world.branch_key(), SigningKey::generate(&mut OsEntropy));
    let certificate = |key: &SigningKey, branch: &str, number: u32, previous: Digest| {
        DeletionCertificate::sign(key, branch, (number, previous), NOW, vec![by_hand.clone()]).to_bytes()
    };
    let name = "north-bank/branch-01";
    for bytes in [
        certificate(&other, name, 1, Digest::ZERO),
        certificate(&own, "north-bank/branch-02", 1, Digest::ZERO),
        certificate(&own, name, 2, Digest::ZERO),
        certificate(&own, name, 1, Digest::of(b"another")),
        b"{}".to_vec(),
    ] {
        refused("000001.json", &bytes, "does not name this certificate");
    }
    refused("000002.json", &certificate(&own, name, 2, Digest::ZERO), "does not name this certificate");
    std::os::unix::fs::symlink(world.at("scores.csv"), folder.join("000001.json")).unwrap();
    assert!(purge_whole(&world.config(), false, NOW).unwrap_err().to_string().contains("is a link"));
    fs::remove_file(folder.join("000001.json")).unwrap();
    // What the branch did write is taken into the register.
    fs::write(folder.join("000001.json"), certificate(&own, name, 1, Digest::ZERO)).unwrap();
    assert_eq!(row(&world).len(), 1);
    assert_eq!(purge_whole(&world.config(), false, NOW).unwrap().certificate, Some(2));
    assert_eq!(row(&world)[0].removed, [by_hand]);
}

/// What a link leads to stays where it is: it is not certified as deleted, and the link is named. All else is deleted and certified.
#[test]
fn a_link_in_the_place_of_a_file_is_named_and_keeps_nothing_else() {
    let world = world();
    let later = NOW + 100 * DAY;
    let scores = world.at("scores.csv");
    let elsewhere = world.at("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(&scores, elsewhere.join("scores.csv")).unwrap();
    let counts = world.at("state/readiness/2023-01-31.counts");
    let led_to = |to: &Path| std::os::unix::fs::symlink(to, &scores).unwrap();
    for to in [elsewhere.join("scores.csv"), world.at("nowhere")] {
        led_to(&to);
        for fault in [
            purge_whole(&world.config(), true, later).map(drop).unwrap_err().to_string(),
            purge_whole(&world.config(), false, later).map(drop).unwrap_err().to_string(),
            crate::contact::erase(&world.config(), "c1", NOW).map(drop).unwrap_err().to_string(),
        ] {
            assert!(fault.contains("scores.csv is a link") && fault.contains("same command again"), "{fault}");
        }
        assert!(!counts.exists());
        fs::remove_file(&scores).unwrap();
    }
    assert_eq!(row(&world).iter().flat_map(kinds).map(|(kind, _)| kind).collect::<Vec<_>>(), ["cache"]);
    assert!(fs::read_to_string(elsewhere.join("scores.csv")).unwrap().contains("\nc1,"));
    // A count of a data set as well: the scores go.
    fs::rename(elsewhere.join("scores.csv"), &scores).unwrap();
    fs::write(elsewhere.join("counts"), "{}").unwrap();
    std::os::unix::fs::symlink(elsewhere.join("counts"), &counts).unwrap();
    let fault = purge_whole(&world.config(), false, later).unwrap_err().to_string();
    assert!(fault.contains("2023-01-31.counts is a link") && fault.contains("the scores file"), "{fault}");
    assert!(!scores.exists() && counts.is_symlink() && elsewhere.join("counts").exists());
    fs::remove_file(&counts).unwrap();
    assert_eq!(purge_whole(&world.config(), false, later).unwrap().certificate, None);
    assert_eq!(row(&world).len(), 2);
    // A link that is there when a list is made is followed at once: the file itself is what is purged.
    let world = super::World::new(RULES);
    world.customers(3);
    fs::create_dir(world.at("elsewhere")).unwrap();
    for name in ["scores.csv", "scores.csv.json"] {
        fs::rename(world.at(name), world.at("elsewhere").join(name)).unwrap();
        std::os::unix::fs::symlink(world.at("elsewhere").join(name), world.at(name)).unwrap();
    }
    world.build();
    crate::contact::erase(&world.config(), "c1", NOW).unwrap();
    assert!(fs::read_to_string(world.at("elsewhere/scores.csv")).unwrap().contains("\nc2,"));
    assert!(!fs::read_to_string(world.at("elsewhere/scores.csv")).unwrap().contains("\nc1,"));
}

/// Names of files are anybody's: none makes a certificate that cannot be read, and so many of them are deleted by one purge after the other.
#[test]
fn no_name_or_number_of_files_makes_a_certificate_that_is_none() {
    let world = world();
    let draft = |name: String| {
        let file = fs::File::create(world.at("state/readiness").join(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1)).unwrap();
    };
    draft(format!(".{}.tmp", "\u{1b}".repeat(240)));
    draft(format!(".{}.tmp", "\u{202e}".repeat(80)));
    (0..10_000).for_each(|number| draft(format!(".{number}.tmp")));
    let purged = || purge_whole(&world.config(), false, NOW).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(
        [purged(), purged()].map(|purged| (purged.caches.len(), purged.certificate)),
        [(10_000, Some(1)), (3, Some(2))]
    );
    // A file of scores whose name ends with a space.
    for (name, other) in [("scores.csv", "scores.csv "), ("scores.csv.json", "scores.csv .json")] {
        fs::copy(world.at(name), world.at(other)).unwrap();
    }
    crate::contact::build(&world.config(), &world.at("rules.toml"), &world.at("scores.csv "), None, NOW).unwrap();
    assert_eq!(purge_whole(&world.config(), false, NOW + 100 * DAY).unwrap().scores.len(), 2);
    assert_eq!(row(&world).iter().map(|one| one.removed.len()).collect::<Vec<_>>(), [10_000, 3, 2]);
}
