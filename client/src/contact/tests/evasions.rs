//! Ways around the rules: ids and words in other forms, days of other clocks, rules of other campaigns, clocks that are set, files of others. None leads
//! somebody into a list whom a rule keeps out.

use std::fs;

use tributary_protocol::printable::is_hidden;
use tributary_texts::Language;

use super::whole::purge_whole;
use super::{DAY, HEADER, NOW, RULES, World, names};
use crate::contact::holdout::Drawn;
use crate::contact::pseudonym::Pseudonym;
use crate::contact::store::Store;
use crate::contact::{Approving, LeftOut, exclude, outcomes, recall, show_customer, write_reply};

const CONTACTS: &str = "[contacts]\nmost = 1\nwindow_days = 29\n[contacts.table]\ncustomer = \"customer\"\nday = \"day\"\nmay_be_empty = true\n[delivery]\ncrm";
const CONFIDENTIAL: &str = "[hold_out]\npermille = 100\ndays = 180\nover = \"branch\"\n[confidential]\ncustomer = \"customer\"\nmay_be_empty = true\n[delivery]\ncrm";

fn with(more: &str) -> String {
    RULES.replace("[delivery]\ncrm", more)
}

/// One refusal among several codes of a value is a refusal.
#[test]
fn a_refusal_beside_another_code_is_one() {
    let rules = RULES.replace("allowed = [\"否\"]", "allowed = [\"否\", \"N\"], divider = \"/\"");
    let world = World::new(&rules);
    world.customers(4);
    let rows = "c1,否/是,营销,低,C3,一组\nc2,否/N,营销,低,C3,一组\nc3,否/,营销,低,C3,一组\nc4,/,营销,低,C3,一组\n";
    world.write("attributes.csv", &format!("{HEADER}{rows}"));
    assert_eq!(world.build().left_out[&LeftOut::OptedOut], 3);
    assert_eq!(world.listed(1), ["c2"]);
}

/// A time that says its zone is of the day on which it was by the bank's clock.
#[test]
fn contacts_of_other_clocks_count_on_the_banks_day() {
    let world = World::new(&with(CONTACTS));
    world.customers(6);
    let days = [
        "2026-11-01T17:00:00Z",
        "2026-11-01 23:59",
        "2026-11-02T00:30+08:00",
        "2026-11-02T06:59:00+15:00",
        "2026-11-02",
        "2026-12-31 08:00:00.123Z",
    ];
    let rows: Vec<String> = (1..).zip(days).map(|(number, day)| format!("C-{number},{day}\n")).collect();
    world.write("contacts.csv", &format!("customer,day\n{}", rows.concat()));
    world.build();
    // The window begins on 2 November in Shanghai. Two of them were before it, by whichever clock.
    assert_eq!(world.listed(1), ["c2", "c4"]);
    for day in ["2026-11-02x", "2026-11-029", "2026-11-02T", "2026-11-02 25:00", "20261102", "2026-11-02T10:00 CST"] {
        world.write("contacts.csv", &format!("customer,day\nc1,{day}\n"));
        assert!(world.refused().contains("row 1, column \"day\""), "{day}");
    }
}

/// An id that a spreadsheet or a column of doubles has rounded is nobody's: its table may hold a refusal that nobody finds.
#[test]
fn tables_of_rounded_ids_are_not_read() {
    let world = World::new(&with(&CONTACTS.replace("[delivery]\ncrm", CONFIDENTIAL)));
    world.customers(2);
    let attributes = world.read("attributes.csv");
    for id in ["6.222E+15", "6E+18", "6.22202e+18"] {
        world.write("attributes.csv", &format!("{attributes}{id},是,营销,低,C3,一组\n"));
        assert!(world.refused().contains("row 3, column \"id\": a number that a spreadsheet has rounded"), "{id}");
        world.write("attributes.csv", &attributes);
        world.write("contacts.csv", &format!("customer,day\n{id},2026-11-20\n"));
        assert!(world.refused().contains("rounded"), "{id}");
        world.write("contacts.csv", "customer,day\n");
        world.write("confidential.csv", &format!("customer\n{id}\n"));
        let told = world.refused();
        assert!(told.contains("cannot be read whole") && !told.contains("rounded"), "{told}");
        world.write("confidential.csv", "customer\n");
    }
    // Letters between digits are ids as others are.
    for id in ["12E5", "6.222E-3", "E+5", "1E+", "A1E+5"] {
        world.write("attributes.csv", &format!("{attributes}{id},是,营销,低,C3,一组\n"));
        let built = world.build();
        recall(&world.config(), built.list, "again", NOW).unwrap();
    }
    let file = rusqlite::Connection::open(world.at("bank.db")).unwrap();
    file.execute_batch("CREATE TABLE stopped (customer REAL); INSERT INTO stopped VALUES (6222021234567890123);")
        .unwrap();
    drop(file);
    world.write("attributes.csv", &attributes);
    let rules = world
        .read("rules.toml")
        .replace("[confidential]\n", "[confidential]\nsource = \"sqlite\"\nquery = \"SELECT customer FROM stopped\"\n");
    world.rules(&rules);
    let settings = world.read("client.toml").replace("confidential.csv", "bank.db");
    world.write("client.toml", &settings);
    assert!(world.refused().contains("cannot be read whole"));
}

/// However a customer's id is written, an exclusion is the customer's.
#[test]
fn an_exclusion_holds_for_every_spelling() {
    let id = "6222000000000007";
    let wide: String = id.chars().filter_map(|digit| char::from_u32(u32::from(digit) + 0xfee0)).collect();
    for spelling in [
        &wide,
        "6222 0000 0000 0007",
        "6222.0000.0000.0007",
        "6222-0000-0000-0007",
        "0006222000000000007",
        "6222000000000007.00",
        "\u{feff}6222000000000007",
        "\u{3000}6222000000000007\u{a0}",
        "6222\u{200b}000000000007",
        "6222_0000_0000_0007.0",
    ] {
        let world = World::new(RULES);
        world.write("attributes.csv", &format!("{HEADER}{id},否,营销,低,C3,一组\n"));
        world.scored(&[format!("{id},1,0.5,1,,,,,,,\n")]);
        exclude(&world.config(), spelling, NOW).unwrap_or_else(|fault| panic!("{spelling}: {fault}"));
        assert_eq!(world.build().left_out.get(&LeftOut::Excluded), Some(&1), "{spelling}");
    }
}

/// Whoever the branch holds out is in no list of a campaign whose rules have no hold-out, or one of their own.
#[test]
fn the_branchs_hold_out_holds_in_every_campaign() {
    let branch = with("[hold_out]\npermille = 300\ndays = 180\nover = \"branch\"\n[delivery]\ncrm");
    let world = World::new(&branch.replace("top = 10", "top = 40"));
    world.customers(40);
    world.build();
    let listed = world.listed(1);
    recall(&world.config(), 1, "again", NOW).unwrap();
    let own = "[hold_out]\npermille = 1\ndays = 30\n[delivery]\ncrm";
    for (number, more) in [(2, "[delivery]\ncrm"), (3, own)] {
        let other =
            with(more).replace("top = 10", "top = 40").replace("2026-12 deposits", &format!("campaign {number}"));
        world.rules(&other);
        let built = world.build_at(NOW + number).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(built.left_out[&LeftOut::HeldOut] >= 12);
        assert!(world.listed(built.list).iter().all(|id| listed.contains(id)));
        recall(&world.config(), built.list, "again", NOW + number).unwrap();
    }
}

/// A customer who is held out since a list was made is not handed over with it.
#[test]
fn a_list_with_somebody_who_is_held_out_now_is_not_delivered() {
    let world = World::new(&with("[hold_out]\npermille = 1\ndays = 180\nover = \"branch\"\n[delivery]\ncrm"));
    world.customers(3);
    world.build();
    world.approve(1).unwrap();
    let listed = world.listed(1);
    let mut store = Store::open(&world.settings(), NOW).unwrap();
    let held = vec![Pseudonym::of(store.key(), &listed[0])];
    store.record_draw(NOW, ("", NOW + DAY), &Drawn { first: held.clone(), held }).unwrap();
    drop(store);
    let told = world.deliver_at(1, NOW).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("held out at random"), "{told}");
    assert!(world.handed().is_empty());
    world.deliver_at(1, NOW + 2 * DAY).unwrap_or_else(|fault| panic!("{fault}"));
}

/// Where a branch has confidential suppressions, no rules forget them.
#[test]
fn rules_that_do_not_read_confidential_suppressions_make_no_list() {
    let world = World::new(&with(CONFIDENTIAL));
    world.customers(30);
    world.build();
    let settings = world.read("client.toml");
    // Of another campaign, and whether the settings name the table still or not.
    world.rules(&RULES.replace("2026-12 deposits", "another"));
    for settings in [settings, world.read("client.toml")] {
        world.write("client.toml", &settings);
        assert!(world.refused().contains("the rules do not read them"));
    }
    assert_eq!(names(&world.at("state/contact/lists")), ["000001"]);
}

/// A clock that is set back revives no list, and one that was ahead leaves none that could be used.
#[test]
fn a_clock_that_goes_back_makes_approves_and_delivers_nothing() {
    let world = World::new(RULES);
    world.customers(3);
    world.build();
    world.approve(1).unwrap();
    recall(&world.config(), 1, "again", NOW).unwrap();
    world.build_at(NOW + 10 * DAY).unwrap();
    let said = |told: String| assert!(told.contains("by this machine's clock it is"), "{told}");
    said(world.build_at(NOW + 9 * DAY).map(|_| ()).unwrap_err().to_string());
    said(Approving::open(&world.config(), 2, &world.at("risk.key"), NOW).map(|_| ()).unwrap_err().to_string());
    let open = Approving::open(&world.config(), 2, &world.at("risk.key"), NOW + 10 * DAY).unwrap();
    said(open.approve(NOW).map(|_| ()).unwrap_err().to_string());
    let open = Approving::open(&world.config(), 2, &world.at("risk.key"), NOW + 10 * DAY).unwrap();
    open.approve(NOW + 10 * DAY).unwrap();
    said(world.deliver_at(2, NOW).map(|_| ()).unwrap_err().to_string());
    // A customer's wish waits for no clock.
    exclude(&world.config(), "c1", NOW).unwrap();
    world.deliver_at(2, NOW + 10 * DAY - 60).map(|_| ()).unwrap_err();
}

/// Deleting a list's files does not make its contacts undone.
#[test]
fn a_purged_list_within_the_window_stops_lists() {
    let world = World::new(&with(CONTACTS));
    world.customers(3);
    world.delivered();
    let settings = world.read("client.toml");
    world.write("client.toml", &format!("{settings}[retention]\nlists_days = 1\n"));
    let later = NOW + 20 * DAY;
    assert_eq!(purge_whole(&world.config(), false, later).unwrap().lists, [1]);
    world.write("client.toml", &settings);
    let told = world.build_at(later).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("files of list 1 were deleted"), "{told}");
    assert!(world.build_at(NOW + 29 * DAY).is_ok(), "the window is past it");
}

/// No command replaces a file that it did not write.
#[test]
fn files_of_others_are_left_alone() {
    let world = World::new(RULES);
    world.customers(3);
    fs::create_dir(world.at("out")).unwrap();
    for name in ["out/list-000001.csv", "out/list-000001.json"] {
        world.write(name, "another branch's");
        assert!(world.refused().contains("something has this name already"));
        assert_eq!(world.read(name), "another branch's");
        fs::remove_file(world.at(name)).unwrap();
    }
    assert_eq!(world.build().list, 1);
    world.approve(1).unwrap();
    for name in ["crm/list-000001.csv", "crm/list-000001.csv.ok"] {
        std::os::unix::fs::symlink(world.at("nowhere"), world.at(name)).unwrap();
        let told = world.deliver_at(1, NOW).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains("something has this name already"), "{told}");
        fs::remove_file(world.at(name)).unwrap();
    }
    world.deliver_at(1, NOW).unwrap();
    world.write("crm/list-000001.recall-000001.csv", "another branch's");
    let told = recall(&world.config(), 1, "wrong", NOW).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("something has this name already"), "{told}");
    assert_eq!(world.read("crm/list-000001.recall-000001.csv"), "another branch's");
    fs::remove_file(world.at("crm/list-000001.recall-000001.csv")).unwrap();
    recall(&world.config(), 1, "wrong", NOW).unwrap();
    world.write("outcomes.csv", "batch,line,contacted,channel,result,date\n9,1,是,phone,,2026-11-30\n");
    world.write("outcomes.rejects.csv", "somebody's");
    let told = outcomes(&world.config(), &world.at("outcomes.csv"), NOW).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("outcomes.rejects.csv: something has this name already"), "{told}");
    fs::remove_file(world.at("outcomes.rejects.csv")).unwrap();
    for _ in 0..2 {
        outcomes(&world.config(), &world.at("outcomes.csv"), NOW).unwrap();
    }
    let answer = show_customer(&world.config(), "c1", NOW).unwrap();
    let text = world.read("rules.toml");
    assert!(write_reply(&answer, &world.at("rules.toml")).is_err());
    assert_eq!(world.read("rules.toml"), text);
}

/// What a table holds moves nothing on the screen of whoever approves, and writes no line of its own.
#[test]
fn texts_of_tables_forge_nothing_on_a_screen() {
    let world = World::new(RULES);
    let forged = "c1\u{1b}[2J\u{202e}";
    world.write(
        "attributes.csv",
        &format!("{HEADER}{forged},否,营销,低,C3,一组\n\"c2\nlist 1 is good\",否,营销,低,C3,一组\n"),
    );
    world.scored(&[
        format!("{forged},2,0.5,1,,\u{1b}[1A,,,\u{202e}x,call,\n"),
        "\"c2\nlist 1 is good\",1,0.5,1,,,,,,,\n".to_owned(),
    ]);
    world.build();
    let opened = Approving::open(&world.config(), 1, &world.at("risk.key"), NOW).unwrap();
    let shown = opened.shown().said();
    for text in shown.iter().flat_map(|said| [said.text(Language::English), said.text(Language::Chinese)]) {
        assert!(!text.replace('\n', "").contains(is_hidden), "{text:?}");
        assert!(!text.contains("\nlist 1 is good"), "{text:?}");
    }
    let answer = show_customer(&world.config(), forged.trim_end_matches('\u{202e}'), NOW);
    assert!(answer.is_err(), "a control is in no id");
    let answer = show_customer(&world.config(), "c1\u{202e}", NOW).unwrap();
    assert!(!answer.page().replace('\n', "").contains(is_hidden));
}

/// Whoever sets the clock ahead and purges has the hold-outs forgotten: by the true clock no list is made after that.
#[test]
fn a_purge_by_a_clock_that_is_ahead_is_followed_by_no_list_of_an_earlier_one() {
    let world = World::new(&with("[hold_out]\npermille = 500\ndays = 10\n[delivery]\ncrm"));
    world.customers(6);
    world.build();
    // Shorter than the rules are in force.
    world.write("client.toml", &format!("{}[retention]\nlists_days = 100\n", world.read("client.toml")));
    let later = NOW + 200 * DAY;
    assert_eq!(purge_whole(&world.config(), false, later).unwrap().draws.len(), 1);
    world.customers(6);
    let told = world.refused();
    assert!(told.contains("Set the clock"), "{told}");
    assert!(world.deliver_at(1, NOW).unwrap_err().to_string().contains("Set the clock"));
    let text = world.read("scores.csv");
    world.scores_file(&text, 6, &[("made_at", (later - 60).into()), ("valid_until", (later + DAY).into())]);
    world.build_at(later).unwrap();
}
