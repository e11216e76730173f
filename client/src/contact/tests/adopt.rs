//! Newer rules of the owner, which an operator would rather not use; and answers that nobody signed.

use std::fs;

use tributary_protocol::digest::Digest;
use tributary_texts::Language;

use super::{DAY, NOW, RULES, World};
use crate::contact::{Stage, adopt, outcomes, receipt, show, sign_rules, status};

/// What a list is shown with, line by line.
fn shown(world: &World, list: u32) -> String {
    let said = show(&world.config(), list, NOW).unwrap_or_else(|fault| panic!("{fault}")).said();
    said.iter().map(|line| line.text(Language::English).to_owned() + "\n").collect()
}

#[test]
fn rules_that_were_noted_end_older_ones_before_any_list_is_made_by_them() {
    let world = World::new(RULES);
    world.customers(6);
    let files = ["rules.toml", "rules.toml.sig"].map(|name| world.at(name));
    let put = |bytes: &[Vec<u8>; 2]| files.iter().zip(bytes).for_each(|(file, bytes)| fs::write(file, bytes).unwrap());
    let older = files.each_ref().map(|file| fs::read(file).unwrap());
    world.build();
    world.approve(1).unwrap();
    world.rules(&RULES.replace("top = 10", "top = 2"));
    let newer = files.each_ref().map(|file| fs::read(file).unwrap());
    // Nothing says yet that there are newer ones: the number, the day and the limits of those in use do.
    put(&older);
    let said = shown(&world, 1);
    assert!(said.contains("made by the rules with the number ") && said.contains("signed on 20"), "{said}");
    assert!(said.contains("at most 10") && !said.contains("newer rules"), "{said}");
    put(&newer);
    let note = || adopt(&world.config(), &world.at("rules.toml"), NOW);
    let first = note().unwrap_or_else(|fault| panic!("{fault}"));
    assert!(first[0].text(Language::English).contains("are in force"));
    note().unwrap_or_else(|fault| panic!("the same again changes nothing: {fault}"));
    put(&older);
    assert!(note().is_err() && world.refused().contains("sign it anew") && world.deliver_at(1, NOW).is_err());
    assert!(shown(&world, 1).contains("newer rules of this campaign are in force"));
    put(&newer);
    assert!(world.deliver_at(1, NOW).is_err(), "the list is of older rules still");
}

/// Stricter rules that a branch has not seen end older ones at the latest on the older ones' last day.
#[test]
fn rules_end_with_their_last_day_and_no_list_of_theirs_lasts_longer() {
    let rules = RULES.replace("[delivery]\ncrm", "[delivery]\nvalid_days = 300\ncrm");
    let world = World::new(&rules);
    world.customers(6);
    // The last second of 2027-06-30 in Shanghai.
    let last = tributary_protocol::plan::Date::parse("2027-06-30").unwrap().last_second() - 8 * 3_600;
    // The scores end at nine in the morning: the last day that is whole is the one before.
    assert_eq!(world.build().valid_until, (NOW + 29 * DAY + 15 * 3_600 - 1).min(last), "no longer than the scores");
    world.rules(&rules.replace("2027-06-30", "2026-12-02"));
    let last = NOW + 2 * DAY + 15 * 3_600 - 1;
    assert_eq!(world.build().valid_until, last);
    assert!(shown(&world, 2).contains("in force up to 2026-12-02"), "{}", shown(&world, 2));
    assert!(shown(&world, 2).contains("made on 2026-11-30 01:00 UTC, by this machine's clock"));
    world.approve(2).unwrap();
    let note = |now| adopt(&world.config(), &world.at("rules.toml"), now).map(drop);
    note(last).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(world.deliver_at(2, last + 1).is_err());
    for refused in [note(last + 1), world.build_at(last + 1).map(drop)] {
        let told = refused.unwrap_err().to_string();
        assert!(told.contains("2026-12-02, is over") && told.contains("later list.valid_until"), "{told}");
    }
    world.deliver_at(2, last).unwrap();
}

/// A last day that is too far away is refused when the owner signs, and at the branch, whoever signed.
#[test]
fn rules_last_at_most_a_year_from_the_day_of_their_signature() {
    let world = World::new(RULES);
    world.customers(6);
    let signed = tributary_certs::clock::unix_seconds() + 8 * 3_600;
    let day = |days: u64| tributary_protocol::plan::Date::of_second(signed + days * DAY).to_string();
    let sign = |day: &str| {
        let text = RULES.replace("2027-06-30", day).replace("APPROVER", &world.approver.verifying_key().to_string());
        world.write("rules.toml", &text);
        sign_rules(&world.at("rules.toml"), &world.at("owner.key")).map(drop)
    };
    sign(&day(365)).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(sign(&day(368)).unwrap_err().to_string().contains("more than 366 days after"));
    world.rules(&RULES.replace("2027-06-30", &day(368)));
    let told = world.refused();
    assert!(told.contains("more than 366 days after"), "{told}");
}

/// An answer that nobody signed lets no customer be called once more: the batch is recalled, and counts as contacts until its last day.
#[test]
fn a_batch_that_was_not_taken_is_recalled_and_counts_as_contacts_until_its_last_day() {
    const CAP: &str = "[contacts]\nmost = 1\nwindow_days = 30\n[delivery]\nvalid_days = 5\ncrm";
    let world = World::new(&RULES.replace("[delivery]\ncrm", CAP));
    world.customers(3);
    world.delivered();
    let sha256 = Digest::of(world.read("crm/list-000001.csv").as_bytes()).to_string();
    let answer = serde_json::json!({ "format": 1, "batch": 1, "sha256": sha256, "lines": 3, "accepted": false });
    world.write("answer.json", &answer.to_string());
    for _ in 0..2 {
        let said = receipt(&world.config(), 1, &world.at("answer.json"), NOW).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(said[0].text(Language::English).contains("recalled"));
    }
    assert!(world.read("crm/list-000001.recall-000001.csv").contains("1,3,batch not taken"));
    assert_eq!(status(&world.config(), NOW).unwrap()[0].stage, Stage::Refused);
    assert_eq!(world.build().lines, 0);
    // The system says that one of them was not reached; and the list's last day comes.
    let day = tributary_protocol::plan::Date::of_second(NOW);
    world.write("outcomes.csv", &format!("batch,line,contacted,channel,result,date\n1,2,no,phone,,{day}\n"));
    assert_eq!(outcomes(&world.config(), &world.at("outcomes.csv"), NOW).unwrap().taken, 1);
    assert_eq!(world.build().lines, 1);
    assert!(shown(&world, 3).contains("1 of these customers were in batch 1"), "{}", shown(&world, 3));
    crate::contact::recall(&world.config(), 3, "again", NOW).unwrap();
    assert_eq!(world.build_at(NOW + 6 * DAY).unwrap().lines, 3);
    assert!(shown(&world, 4).contains("3 of these customers were in batch 1"));
}
