//! Newer rules of the owner, which an operator would rather not use; and answers that nobody signed.

use std::fs;

use tributary_protocol::digest::Digest;
use tributary_texts::Language;

use super::{DAY, NOW, RULES, World};
use crate::contact::{Stage, adopt, outcomes, receipt, show, status};

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
