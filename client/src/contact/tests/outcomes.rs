//! What the bank's system says of lines: good rows are taken once, and every other row is named with its reason.

use std::collections::BTreeMap;
use std::fs;

use super::{DAY, NOW, RULES, World};
use crate::contact::{LeftOut, Reject, outcomes, recall, show};

const HEADER: &str = "batch,line,contacted,channel,result,date\n";

#[test]
fn good_rows_are_taken_and_each_bad_one_is_named() {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    world.customers(5);
    world.build();
    let rows = [
        ("1,1,是,phone,opened a deposit,2026-11-30", None),
        ("1,2,N,phone,no answer,2026-12-01", None),
        ("1,2,Y,phone,not interested,2026-11-30", None),
        ("1,1,是,phone,opened a deposit,2026-11-30", None),
        ("7,1,是,phone,,2026-11-30", Some(Reject::Batch)),
        ("x,1,是,phone,,2026-11-30", Some(Reject::Batch)),
        ("1,4,是,phone,,2026-11-30", Some(Reject::Line)),
        ("1,0,是,phone,,2026-11-30", Some(Reject::Line)),
        ("1,1,perhaps,phone,,2026-11-30", Some(Reject::Contacted)),
        ("1,1,,phone,,2026-11-30", Some(Reject::Contacted)),
        ("1,3,是,,,2026-11-30", Some(Reject::Channel)),
        ("1,3,是,phone,,30/11/2026", Some(Reject::Date)),
        ("1,3,是,phone,,2026-11-29", Some(Reject::DateOutside)),
        ("1,3,是,phone,,2027-11-29", Some(Reject::DateOutside)),
        ("1,1,否,phone,opened a deposit,2026-11-30", Some(Reject::Contradicts)),
    ];
    let long = format!("1,3,是,phone,{},2026-11-30\n", "x".repeat(300));
    let text: String = rows.iter().map(|(row, _)| format!("{row}\n")).collect();
    world.write("outcomes.csv", &format!("{HEADER}{text}{long}"));
    let taken =
        outcomes(&world.config(), &world.at("outcomes.csv"), NOW + DAY).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((taken.rows, taken.taken, taken.known), (16, 3, 1));
    assert_eq!(taken.rejected[&Reject::Batch] + taken.rejected[&Reject::Line] + taken.rejected[&Reject::Result], 5);
    let rejects = world.read("outcomes.rejects.csv");
    for (number, (_, reject)) in (1..).zip(rows) {
        let named = rejects.lines().find(|line| line.starts_with(&format!("{number},")));
        assert_eq!(
            named.map(|line| line.ends_with(reject.unwrap().word())),
            reject.map(|_| true),
            "{number}: {rejects}"
        );
    }
    // The same file again changes nothing; in GB18030 it is the same file.
    let bytes = encoding_rs::GB18030.encode(&world.read("outcomes.csv")).0.into_owned();
    fs::write(world.at("outcomes.csv"), bytes).unwrap();
    let again = outcomes(&world.config(), &world.at("outcomes.csv"), NOW + DAY).unwrap();
    assert_eq!((again.taken, again.known, &again.rejected), (0, 4, &taken.rejected));
    for (text, part) in [("batch,line\n1,1\n", "no column \"contacted\""), (&format!("{HEADER}\"1,1"), "quote")] {
        world.write("outcomes.csv", text);
        let told = outcomes(&world.config(), &world.at("outcomes.csv"), NOW).unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
    }
}

/// A list that was not delivered has no outcomes.
#[test]
fn outcomes_are_of_delivered_batches() {
    let world = World::new(RULES);
    world.customers(2);
    world.write("outcomes.csv", &format!("{HEADER}1,1,是,phone,,2026-11-30\n"));
    let taken = outcomes(&world.config(), &world.at("outcomes.csv"), NOW).unwrap();
    assert_eq!((taken.taken, taken.rejected[&Reject::Batch]), (0, 1));
    world.build();
    assert_eq!(outcomes(&world.config(), &world.at("outcomes.csv"), NOW).unwrap().rejected[&Reject::Batch], 1);
}

/// Contacts that the bank's system tells of count; a delivered line of which it tells nothing counts as one; one that was not reached does not.
#[test]
fn the_cap_counts_contacts_of_all_lists() {
    let contacts = "[contacts]\nmost = 1\nwindow_days = 30\n[delivery]\ncrm";
    let world = World::new(&RULES.replace("[delivery]\ncrm", contacts).replace("top = 10", "top = 3"));
    world.customers(3);
    world.delivered();
    world.write("outcomes.csv", &format!("{HEADER}1,1,是,phone,yes,2026-11-30\n1,2,否,phone,no answer,2026-11-30\n"));
    outcomes(&world.config(), &world.at("outcomes.csv"), NOW).unwrap();
    let built = world.build_at(NOW + DAY).unwrap();
    assert_eq!(world.listed(built.list), ["c2"]);
    assert_eq!(built.left_out[&LeftOut::ContactCap], 2, "who was reached, and who may have been");
    recall(&world.config(), built.list, "again", NOW + DAY).unwrap();
    // Whoever recalls a list may have called its customers before that: they count until the bank's system tells that nobody did.
    recall(&world.config(), 1, "again", NOW + DAY).unwrap();
    let again = world.build_at(NOW + DAY).unwrap();
    assert_eq!((world.listed(again.list), again.left_out[&LeftOut::ContactCap]), (vec!["c2".to_owned()], 2));
    recall(&world.config(), again.list, "again", NOW + DAY).unwrap();
    world.write("outcomes.csv", &format!("{HEADER}1,3,否,phone,not called,2026-11-30\n"));
    outcomes(&world.config(), &world.at("outcomes.csv"), NOW + DAY).unwrap();
    let told = world.build_at(NOW + DAY).unwrap();
    assert_eq!(
        (world.listed(told.list), told.left_out[&LeftOut::ContactCap]),
        (vec!["c2".to_owned(), "c3".to_owned()], 1)
    );
    recall(&world.config(), told.list, "again", NOW + DAY).unwrap();
    // After the window nobody was contacted.
    let later = NOW + 30 * DAY;
    let text = world.read("scores.csv");
    world.scores_file(&text, 3, &[("made_at", (later - 60).into()), ("valid_until", (later + DAY).into())]);
    assert_eq!(world.build_at(later).unwrap().lines, 3);
}

/// Whoever approves a list sees how many of it were in an earlier one that did not reach them.
#[test]
fn customers_whom_an_earlier_list_did_not_reach_are_counted() {
    let world = World::new(RULES);
    world.customers(4);
    world.delivered();
    let rows = "1,1,是,phone,,2026-11-30\n1,2,否,phone,,2026-11-30\n1,3,否,sms,,2026-11-30\n1,3,是,phone,,2026-11-30\n";
    world.write("outcomes.csv", &format!("{HEADER}{rows}"));
    outcomes(&world.config(), &world.at("outcomes.csv"), NOW).unwrap_or_else(|fault| panic!("{fault}"));
    recall(&world.config(), 1, "again", NOW).unwrap();
    let built = world.build();
    assert_eq!(world.listed(built.list), ["c1", "c2", "c3", "c4"]);
    let before = |list| show(&world.config(), list, NOW).unwrap().delivered_before;
    assert_eq!([before(built.list), before(1)], [BTreeMap::from([(1, 1)]), BTreeMap::new()]);
}
