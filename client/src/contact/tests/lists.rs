//! Whom a list names, and who is left out by which rule.

use tributary_protocol::digest::Digest;

use super::{DAY, HEADER, NOW, RULES, World};
use crate::contact::{LeftOut, recall, show};

fn count(world: &World, rows: &[&str], scores: u32) -> (Vec<String>, Vec<(LeftOut, u32)>) {
    world.write("attributes.csv", &format!("{HEADER}{}\n", rows.join("\n")));
    world.scores(scores);
    let built = world.build();
    let left: u64 = built.left_out.values().map(|count| u64::from(*count)).sum();
    assert_eq!(left + u64::from(built.lines), built.rows, "everybody is counted once");
    (world.listed(built.list), built.left_out.into_iter().collect())
}

#[test]
fn each_rule_leaves_out_whom_it_names_and_unknown_words_are_refusals() {
    let world = World::new(RULES);
    let (listed, left) = count(
        &world,
        &[
            "c1,否,营销,低,C2,一组",
            "c2,是,营销,低,C2,一组",
            "c3,,营销,低,C2,一组",
            "c4,不知道,营销,低,C2,一组",
            "c5,否,风控,低,C2,一组",
            "c6,否,,低,C2,一组",
            "c7,否,营销,高,C2,一组",
            "c8,否,营销,未评,C2,一组",
            "c9,否,营销,中,C1,一组",
            "c10,否,营销,中,,一组",
            "c11,否,风控;营销,中,C3,二组",
        ],
        13,
    );
    assert_eq!(listed, ["c1", "c11"]);
    use LeftOut::{NoAttributes, NoConsent, OptedOut, Risk, Unsuitable};
    assert_eq!(left, [(NoAttributes, 2), (OptedOut, 3), (NoConsent, 2), (Risk, 2), (Unsuitable, 2)]);
}

/// A refusal holds in whatever spelling and row it stands. A line of attributes is found by the very id alone.
#[test]
fn a_refusal_in_another_row_or_spelling_counts() {
    let world = World::new(RULES);
    let rows = [
        "c1,否,营销,低,C2,一组",
        "c1,是,营销,低,C2,一组",
        "c2,否,营销,低,C2,一组",
        "C-2,是,营销,低,C2,一组",
        "C3,否,营销,低,C2,一组",
    ];
    let (listed, left) = count(&world, &rows, 3);
    assert!(listed.is_empty());
    assert_eq!(left, [(LeftOut::NoAttributes, 1), (LeftOut::OptedOut, 2)]);
}

#[test]
fn quotas_and_the_top_are_filled_by_the_best() {
    let quotas = "[[quotas]]\nteam = \"一组\"\nmost = 2\n[[quotas]]\nteam = \"二组\"\nmost = 3\n";
    let world = World::new(
        &RULES.replace("top = 10", "top = 4").replace("[delivery]\ncrm", &format!("{quotas}[delivery]\ncrm")),
    );
    let rows: Vec<String> = (1..=9)
        .map(|number| {
            format!(
                "c{number},否,营销,低,C2,{}",
                ["二组", "一组", "三组"][if number == 5 { 2 } else { usize::from(number <= 4) }]
            )
        })
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let (listed, left) = count(&world, &rows, 9);
    assert_eq!(listed, ["c1", "c2", "c6", "c7"]);
    assert_eq!(left, [(LeftOut::NoTeam, 1), (LeftOut::NotChosen, 2), (LeftOut::Quota, 2)]);
}

#[test]
fn thresholds_of_each_measure_choose() {
    let rows = ["c1,2,0.9,1,700,,,,,,\n", "c2,1,0.7,2,650,,,,,,\n", "c3,0,0.5,5,600,,,,,,\n", "c4,-1,0.3,9,,,,,,,\n"]
        .map(str::to_owned);
    for (by, threshold, wanted, without) in [
        ("probability", "0.5", 3, 0),
        ("score", "1", 2, 0),
        ("decile", "2", 2, 0),
        ("points", "650", 2, 1),
        ("points", "500", 3, 1),
    ] {
        let rules = RULES.replace("by = \"probability\"\ntop = 10", &format!("by = {by:?}\nthreshold = {threshold}"));
        let world = World::new(&rules);
        world.customers(4);
        world.scored(&rows);
        let built = world.build();
        let none = built.left_out.get(&LeftOut::NoValue).copied().unwrap_or_default();
        assert_eq!((built.lines, none), (wanted, without), "{by} {threshold}");
    }
}

#[test]
fn one_open_list_holds_a_customer_until_it_is_recalled_or_over() {
    let world = World::new(&RULES.replace("top = 10", "top = 3"));
    world.customers(4);
    let first = world.build();
    let second = world.build();
    assert_eq!((first.lines, second.lines, second.left_out[&LeftOut::OpenList]), (3, 1, 3));
    recall(&world.config(), first.list, "made by mistake", NOW).unwrap();
    assert_eq!(world.build().lines, 3);
    // After the last day of all of them everybody is free again.
    assert_eq!(world.build_at(NOW + 15 * DAY).unwrap().lines, 3);
}

#[test]
fn contacts_of_the_table_count_in_their_window() {
    let contacts = "[contacts]\nmost = 2\nwindow_days = 30\n[contacts.table]\ncustomer = \"customer\"\nday = \"day\"\n[delivery]\ncrm";
    let world = World::new(&RULES.replace("[delivery]\ncrm", contacts));
    world.customers(4);
    world.write("contacts.csv", "customer,day\nc1,2026-11-01\nC-1,2026-11-29 10:00:00\nc2,2026-11-29\nc3,2026-10-01\nc3,2026-10-31\nc4,2026-12-24\n");
    let built = world.build();
    assert_eq!(
        (built.left_out[&LeftOut::ContactCap], world.listed(built.list)),
        (1, vec!["c2".into(), "c3".into(), "c4".into()])
    );
}

/// An id that begins a formula is shown to a spreadsheet as text, and joined as it is.
#[test]
fn values_that_a_spreadsheet_would_run_are_defused() {
    let world = World::new(RULES);
    world.write("attributes.csv", &format!("{HEADER}=c1,否,营销,低,C2,=1+1\n-7,否,营销,低,C2,\"a,b\"\n"));
    world.scored(&["'=c1,1,0.5,1,,@SUM(A1),,,,,\n".to_owned(), "-7,1,0.6,1,,-3,,,,,\n".to_owned()]);
    let built = world.build();
    assert_eq!(built.lines, 2);
    let text = world.read("out/list-000001.csv");
    assert!(text.contains("1,-7,\"a,b\",1,0.6,1,,-3,") && text.contains("2,'=c1,'=1+1,1,0.5,1,,'@SUM(A1),"), "{text}");
    let shown = show(&world.config(), 1, NOW).unwrap();
    assert_eq!(shown.first.lines[1].customer, "=c1");
}

/// The register holds no id, and its files are this user's alone.
#[cfg(unix)]
#[test]
fn the_register_has_no_id_and_its_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new(RULES);
    world.write("attributes.csv", &format!("{HEADER}customer-4711,否,营销,低,C2,一组\n"));
    world.scored(&["customer-4711,1,0.5,1,,,,,,,\n".to_owned()]);
    world.build();
    let ledger = std::fs::read(world.at("state/contact/contact.ledger")).unwrap();
    assert!(memchr::memmem::find(&ledger, b"4711").is_none());
    assert!(
        memchr::memmem::find(&std::fs::read(world.at("state/contact/lists/000001/members")).unwrap(), b"4711")
            .is_none()
    );
    for file in ["contact.ledger", "pseudonym.key", "lists/000001/sheet.csv", "lists/000001/members"] {
        let mode = std::fs::metadata(world.at("state/contact").join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

/// The hold-out is drawn once: the same customers stay held out in every list of the campaign, and are drawn anew after its days.
#[test]
fn who_is_held_out_stays_so() {
    let hold = "[hold_out]\npermille = 300\ndays = 100\n[delivery]\ncrm";
    let world = World::new(&RULES.replace("top = 10", "top = 200").replace("[delivery]\ncrm", hold));
    world.customers(100);
    let first = world.build();
    assert_eq!((first.lines, first.left_out[&LeftOut::HeldOut]), (70, 30));
    recall(&world.config(), 1, "again", NOW).unwrap();
    let second = world.build();
    assert_eq!(world.listed(1), world.listed(2), "the same are held out");
    assert_eq!(second.left_out[&LeftOut::HeldOut], 30);
    recall(&world.config(), 2, "again", NOW).unwrap();
    // Scores of a later day, after the hold-out is over: others are held out.
    let later = NOW + 101 * DAY;
    let text = world.read("scores.csv");
    world.scores_file(&text, 100, &[("made_at", (later - 60).into()), ("valid_until", (later + DAY).into())]);
    assert_eq!(world.build_at(later).unwrap().lines, 70);
    assert_ne!(world.listed(1), world.listed(3));
}

#[test]
fn a_list_is_bound_to_what_it_was_made_of() {
    let world = World::new(RULES);
    world.customers(3);
    let digests: Vec<Digest> = (0..2).map(|_| world.build().digest).collect();
    assert_ne!(digests[0], digests[1]);
    // Whoever changes a kept line changes what the register names.
    let sheet = "state/contact/lists/000001/sheet.csv";
    let text = world.read(sheet);
    world.write(sheet, &text.replace("c1", "c9"));
    assert!(
        show(&world.config(), 1, NOW)
            .map(|_| ())
            .unwrap_err()
            .to_string()
            .contains("not the file that the register names")
    );
    assert!(world.build_at(NOW).is_ok(), "members are what counts for other lists");
}
