//! Newer rules of the owner, which an operator would rather not use.

use std::fs;

use tributary_texts::Language;

use super::{NOW, RULES, World};
use crate::contact::{adopt, show};

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
