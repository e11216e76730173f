//! A table that is suddenly empty, or much shorter than at the last list, keeps nobody out: no list is made of it unless the owner says so.

use super::{DAY, HEADER, NOW, RULES, World};
use crate::contact::recall;

const TABLES: &str = "[contacts]\nmost = 1\nwindow_days = 30\n[contacts.table]\ncustomer = \"customer\"\nday = \"day\"\n[hold_out]\npermille = 100\ndays = 180\nover = \"branch\"\n[confidential]\ncustomer = \"customer\"\n[delivery]\ncrm";

/// Rules that read all tables, with a key in the place of another text.
fn rules(replaced: &[(&str, &str)]) -> String {
    let text = RULES.replace("[delivery]\ncrm", TABLES);
    replaced.iter().fold(text, |text, (part, other)| {
        assert!(text.contains(part), "{part}");
        text.replacen(part, other, 1)
    })
}

fn attributes(world: &World, customers: u32, refuse: u32) {
    let row = |number| {
        let refuses = if number <= refuse { "是" } else { "否" };
        format!("c{number},{refuses},营销,低,C3,一组\n")
    };
    world.write("attributes.csv", &format!("{HEADER}{}", (1..=customers).map(row).collect::<String>()));
}

/// A table of so many customers whom nobody scored.
fn table(world: &World, name: &str, header: &str, end: &str, rows: u32) {
    let rows: String = (1..=rows).map(|number| format!("x{number}{end}\n")).collect();
    world.write(name, &format!("{header}\n{rows}"));
}

fn contacts(world: &World, rows: u32) {
    table(world, "contacts.csv", "customer,day", ",2026-11-20", rows);
}

fn confidential(world: &World, rows: u32) {
    table(world, "confidential.csv", "customer", "", rows);
}

/// A hundred customers of whom twenty refuse, fifty contacts, ten suppressions.
fn world() -> World {
    let world = World::new(&rules(&[]));
    world.scores(100);
    attributes(&world, 100, 20);
    contacts(&world, 50);
    confidential(&world, 10);
    world
}

/// Where each key stands.
const ATTRIBUTES: (&str, &str) = ("customer = \"id\"\n", "attributes");
const CONTACTS: (&str, &str) = ("day = \"day\"\n", "contacts.table");
const CONFIDENTIAL: (&str, &str) = ("[confidential]\n", "confidential");

/// Without a line from the first list on, each table is refused by name; one key lets each of them be empty.
#[test]
fn an_empty_table_is_refused_unless_the_owner_says_that_it_may_be() {
    for (empty, (place, name)) in [
        (attributes as fn(&World, u32, u32), ATTRIBUTES),
        (|world, rows, _| contacts(world, rows), CONTACTS),
        (|world, rows, _| confidential(world, rows), CONFIDENTIAL),
    ] {
        let world = world();
        empty(&world, 0, 0);
        let told = world.refused();
        assert!(told.contains(&format!("[{name}] has no line")), "{name}: {told}");
        assert!(told.contains(&format!("{name}.may_be_empty = true")), "{name}: {told}");
        world.rules(&rules(&[(place, &format!("{place}may_be_empty = true\n"))]));
        assert_eq!(world.build().list, 1, "{name}");
    }
}

/// A fifth may be gone since the campaign's last list, and no line more. Where more are meant to be gone the owner says so, for one list.
#[test]
fn a_table_that_lost_too_many_lines_is_refused() {
    type Shrink = fn(&World, u32);
    type Case = (Shrink, (&'static str, &'static str), [u32; 2], &'static str);
    let cases: [Case; 4] = [
        (|world, rows| attributes(world, rows, 20), ATTRIBUTES, [80, 79], "has 79 lines, and had 100"),
        (contacts, CONTACTS, [40, 39], "has 39 lines, and had 50"),
        (confidential, CONFIDENTIAL, [8, 7], "is much shorter"),
        // All lines are there, and say nothing any more.
        (|world, refuse| attributes(world, 100, refuse), ATTRIBUTES, [16, 15], "keeps out 15 customers"),
    ];
    for (shrink, (place, name), [enough, few], said) in cases {
        let (world, again) = (world(), |world: &World| recall(&world.config(), 1, "again", NOW).unwrap());
        world.build();
        again(&world);
        shrink(&world, few);
        let told = world.refused();
        assert!(told.contains(said) && told.contains(&format!("{name}.lost_permille_max")), "{name}: {told}");
        // Another campaign has no last list; contacts and suppressions are the branch's, whatever the campaign.
        world.rules(&rules(&[("2026-12 deposits", "another")]));
        if name != ATTRIBUTES.1 {
            assert!(world.refused().contains(said), "{name}");
            shrink(&world, enough);
        }
        assert_eq!(world.build_at(NOW).unwrap().list, 2, "{name}");
        world.rules(&rules(&[]));
        shrink(&world, enough);
        recall(&world.config(), 2, "again", NOW).unwrap();
        assert_eq!(world.build_at(NOW + 1).unwrap().list, 3, "{name}");
        // From there on the last list is what counts.
        recall(&world.config(), 3, "again", NOW + 1).unwrap();
        shrink(&world, 0);
        assert!(world.build_at(NOW + 2).is_err());
        let all = format!("{place}may_be_empty = true\nlost_permille_max = 1000\n");
        world.rules(&rules(&[(place, &all)]));
        assert_eq!(world.build_at(NOW + 2).unwrap().list, 4, "{name}");
    }
}

/// What was whole when the list was made, and is gone when it is delivered.
#[test]
fn a_list_is_not_delivered_by_tables_that_are_gone() {
    let world = world();
    world.build();
    world.approve(1).unwrap();
    contacts(&world, 0);
    let told = world.deliver_at(1, NOW + DAY).unwrap_err().to_string();
    assert!(told.contains("[contacts.table] has no line"), "{told}");
    contacts(&world, 50);
    assert!(world.deliver_at(1, NOW + DAY).is_ok());
}

/// No word and no file says how many are suppressed.
#[test]
fn the_number_of_suppressions_is_told_nowhere() {
    let (world, other) = (world(), world());
    confidential(&other, 7);
    for world in [&world, &other] {
        world.build();
    }
    let size = |world: &World| std::fs::metadata(world.at("state/contact/contact.ledger")).unwrap().len();
    assert_eq!(size(&world), size(&other));
    confidential(&world, 3);
    let few = world.refused();
    confidential(&world, 0);
    assert_eq!(few, world.refused(), "an empty one and a short one are told alike");
    assert!(!few.contains(|letter: char| letter.is_ascii_digit()), "{few}");
}
