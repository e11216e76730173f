//! Files of scores: from a branch's table to lines and a note; and the table of what is refused.

use std::fs;

use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::ModelStep;
use tributary_texts::Language;

use super::actions::tests::text;
use super::run::{Unplaced, score};
use super::world::{NOW, ROWS, World, manifest, model};
use crate::contact;
use crate::models::choose;
use crate::models::used::UsedModels;
use crate::settings::Settings;

/// Each line's values.
fn lines(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split(',').collect()).collect()
}

#[test]
fn every_customer_of_a_table_is_scored_without_a_label() {
    let (world, digest) = World::usual();
    let (made, text) = world.scored().unwrap();
    let [header, rest @ ..] = lines(&text).try_into().map(|all: [Vec<&str>; 5]| all).unwrap();
    assert_eq!(header[0..4], ["customer", "churn.score", "churn.probability", "churn.decile"]);
    // The bias is -1; an age of 90 is 0.8 as it is encoded.
    assert_eq!(rest[0][..2], ["C1", "-0.699999988079071"]);
    assert_eq!(rest.each_ref().map(|line| (line[0], line[3])), [("C1", "6"), ("C2", "3"), ("C3", "8"), ("C4", "1")]);
    for line in &rest {
        // 600 points at odds of 50 to 1, 20 more for each doubling; base and two fields are rounded.
        let exact = 600.0 + 20.0 / 2.0_f64.ln() * (line[1].parse::<f64>().unwrap() - 50.0_f64.ln());
        assert!((line[4].parse::<f64>().unwrap() - exact).abs() <= 1.5, "{line:?}");
    }
    // Of C1 the age speaks for it, of C2 the status, of C3 nothing, of C4 that there is no age.
    assert_eq!(rest.each_ref().map(|line| line[5]), ["age", "status", "", "age (no value)"]);
    assert!(rest.iter().all(|line| line[8..] == ["", "", "", &digest.short()]), "no actions are named");
    let note = made.note;
    assert_eq!((note.rows, note.rejected, note.as_of.as_deref()), (4, 0, None));
    let [own] = note.models.as_slice() else { panic!("{:?}", note.models) };
    assert_eq!((own.state.as_str(), &own.model, own.share, own.rows), ("champion", &digest.to_string(), None, 4));
    assert_eq!(note.source_digest, Digest::of(ROWS.as_bytes()).to_string());
    assert_eq!(note.digest, Digest::of(text.as_bytes()).to_string());
    assert_eq!((note.made_at, note.valid_until, note.branch.as_str()), (NOW, NOW + 31 * 86_400, "bank/branch-3"));
    let names = fs::read_dir(world.at("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.starts_with('.')), "no draft is left");
}

#[test]
fn stages_actions_and_notices_are_those_that_the_owner_signed() {
    let (world, _) = World::usual();
    world.write("rows.csv", "who,age,state,vip\nC1,20,1,\nC2,50,frozen,\nC3,20,1,yes\n");
    world.acting();
    let mut options = world.options("champion", "scores.csv");
    options.language = Language::Chinese;
    let (_, text) = world.scored_as(&options).unwrap();
    let found: Vec<Vec<&str>> = lines(&text).into_iter().skip(1).map(|line| line[8..11].to_vec()).collect();
    assert_eq!(found, [["young", "行动1", "提示1"], ["冻结", "行动0", "提示0"], ["rest", "行动2", "提示2"]]);
    assert_eq!(lines(&text)[2][5], "status", "the schema has no Chinese name for it");
    // A column that the rules name must be there.
    world.write("rows.csv", ROWS);
    assert!(world.scored().err().unwrap().contains("no column \"vip\", which the file of actions names"));
}

/// The row that counts is the one that counts where models are evaluated; the file's order does not matter, and nobody is there twice.
#[test]
fn a_customer_of_several_rows_is_scored_once() {
    let (world, _) = World::usual();
    let rows = ["C1,90,1", "C2,50,frozen", "C1,20,1", " C1 ,30,1"];
    let of = |rows: &[&str]| {
        world.write("rows.csv", &format!("who,age,state\n{}\n", rows.join("\n")));
        let (made, text) = world.scored().unwrap();
        assert!(made.said.iter().any(|line| line.text(Language::English).contains("2 further rows of a customer")));
        let mut found: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        found.sort_unstable();
        found
    };
    let found = of(&rows);
    assert_eq!(found.len(), 2);
    let mut turned = rows;
    turned.reverse();
    assert_eq!(of(&turned), found);
}

/// By the mapping: other names, another branch's rows, codes; the columns of labels and audits that it speaks of need not be there.
#[test]
fn a_table_is_read_by_the_signed_mapping() {
    let mut world = World::new("file = \"rows.csv\"\nmapping = \"mapping.toml\"\ndate = 2026-11-30");
    world.write(
        "rows.csv",
        "KHH,CSRQ,ZT,JG,TY\n1,19361130,1,A,Y\n2,19761130,2,A,Y\n3,20161130,1,B,Y\n4,20161130,1,A,N\n",
    );
    world.mapped(
        "[mapping]\nschema = \"SCHEMA\"\n[mapping.home]\ncolumn = \"JG\"\nvalues = [\"A\"]\n\
         [[columns]]\nto = \"who\"\nfrom = \"KHH\"\n[[columns]]\nto = \"age\"\nfrom = \"CSRQ\"\ndate = \"YYYYMMDD\"\ncount = \"years-since\"\n\
         [[columns]]\nto = \"state\"\nfrom = \"ZT\"\ncodes = { \"2\" = \"frozen\" }\n[[columns]]\nto = \"left\"\nfrom = \"LSBZ\"\n\
         [[consent]]\ncolumn = \"TY\"\nallowed = [\"Y\"]\n[label]\ndays = 90\nhappened = \"XHRQ\"\nhappened_form = \"YYYYMMDD\"\n",
    );
    world.granted(u64::MAX);
    world.champion(&model(1.0));
    let (made, text) = world.scored().unwrap();
    let found: Vec<_> = lines(&text).into_iter().skip(1).map(|line| [line[0], line[5]].map(str::to_owned)).collect();
    assert_eq!(found, [["1", "age"], ["2", "status"]]);
    assert_eq!(made.note.as_of.as_deref(), Some("2026-11-30"));
    let said = made.said[1].text(Language::English);
    assert!(
        said.contains("4 rows; left out: 0 with a fault, 1 of other branches, 1 of customers who have not agreed"),
        "{said}"
    );
}

/// Rows to learn from and rows to score are asked for apart, where the signed mapping tells them apart.
#[test]
fn a_database_is_asked_for_the_rows_to_score() {
    let mut world = World::new("file = \"rows.db\"\nmapping = \"mapping.toml\"\ndate = 2026-11-30");
    let database = rusqlite::Connection::open(world.at("rows.db")).unwrap();
    let rows =
        "CREATE TABLE t (who, age, state); INSERT INTO t VALUES ('a', 90, '1'), ('b', 50, 'frozen'), ('c', 10, '1')";
    database.execute_batch(rows).unwrap();
    let mapped = |world: &World, more: &str| {
        let query = "source = \"sqlite\"\nquery = \"SELECT * FROM t WHERE who = 'a'\"";
        world.mapped(&format!("[mapping]\nschema = \"SCHEMA\"\n{query}\n{more}"));
    };
    mapped(&world, "");
    world.granted(u64::MAX);
    world.champion(&model(1.0));
    let scored = |world: &World| {
        let (_, text) = world.scored().unwrap();
        text.lines().skip(1).map(|line| line[..1].to_owned()).collect::<String>()
    };
    assert_eq!(scored(&world), "a");
    mapped(&world, "score_query = \"SELECT * FROM t WHERE who > 'a' ORDER BY who\"\n");
    assert_eq!(scored(&world), "bc");
}

#[test]
fn rows_that_cannot_be_read_are_left_out_one_by_one_and_named() {
    let (world, _) = World::usual();
    let mut rows = String::from("who,age,state\n");
    (0..200).for_each(|number| rows.push_str(&format!("C{number},{},1\n", number % 90)));
    world.write("rows.csv", &format!("{rows}C200,young,1\n"));
    let (made, text) = world.scored().unwrap();
    assert_eq!((text.lines().count(), made.note.rows, made.note.rejected), (201, 200, 1));
    let told: Vec<&str> = made.said.iter().map(|line| line.text(Language::English)).collect();
    assert!(
        told.iter().any(|line| line.contains("row 201, column \"age\": text where a number is expected")),
        "{told:?}"
    );
    assert!(!told.iter().any(|line| line.contains("young")), "never a value");
    world.write("rows.csv", &format!("{rows}C200,young,1\nC201,old,1\nC202,old,1\nC203,older,1\n"));
    assert!(world.scored().err().unwrap().contains("4 faults; nothing of the file is used"));
}

#[test]
fn models_are_named_by_their_state_or_by_their_digest() {
    let (mut world, first) = World::usual();
    let said = |world: &World, name: &str| {
        let schema = super::world::schema();
        let models = UsedModels::read(&world.settings()).unwrap();
        let chosen = choose(&models, (&world.settings(), &schema), name, NOW);
        chosen.map(|chosen| (chosen.digest, chosen.state)).map_err(|fault| fault.to_string())
    };
    assert_eq!(said(&world, "champion"), Ok((first, "champion")));
    assert!(said(&world, "challenger").unwrap_err().contains("no model is a challenger"));
    let second = world.champion(&model(2.0));
    assert_eq!(said(&world, "champion"), Ok((second, "champion")));
    assert_eq!(said(&world, &first.to_string()[..8]), Ok((first, "candidate")));
    assert!(said(&world, "challenger").is_err(), "it passes the gates again");
    world.stated(ModelStep::Challenge, &manifest(&model(1.0)));
    assert_eq!(said(&world, "challenger"), Ok((first, "challenger")));
    world.stated(ModelStep::Pilot, &manifest(&model(1.0)));
    assert_eq!(said(&world, "champion"), Ok((first, "pilot")), "in the champion's place");
    assert_eq!(said(&world, &second.to_string()), Ok((second, "candidate")), "as long as the pilot is");
    world.stated(ModelStep::RollBack, &manifest(&model(2.0)));
    assert_eq!(said(&world, "champion"), Ok((second, "champion")));
    assert!(said(&world, "challenger").unwrap_err().contains("no model is a challenger"));
}

/// What makes no file of scores, and what is said of it. Whatever was there before stays.
#[test]
fn what_is_refused_is_told_and_changes_nothing() {
    type Change = fn(&mut World);
    let table: [(Change, &str); 26] = [
        (|world| world.stated(ModelStep::Withdraw, &manifest(&model(1.0))), "no model is the champion"),
        (|world| world.stated(ModelStep::Retire, &manifest(&model(1.0))), "no model is the champion"),
        (|world| fs::remove_file(world.at("state/models/models.ledger")).unwrap(), "no model is the champion"),
        (World::taken_back_all, "no grant of the data's owner lets this branch keep a model for churn now"),
        (
            |world| {
                world.taken_back();
                fs::create_dir(world.at("state/grants")).unwrap();
                world.granted(NOW - 1);
            },
            "no grant of the data's owner",
        ),
        (|world| drop(fs::write(world.at("schema.toml"), other_schema())), "the model is for the schema"),
        (|world| world.stated(ModelStep::Promote, &manifest(&model(9.0))), "not here yet or no more"),
        (|world| fs::remove_dir_all(world.models().pop().unwrap()).unwrap(), "not here yet or no more"),
        (
            |world| {
                let path = world.models().pop().unwrap().join("parameters");
                let mut bytes = fs::read(&path).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                fs::write(path, bytes).unwrap();
            },
            "these are not the parameters of the model",
        ),
        (|world| world.write("rows.csv", "who,age\nC1,50\n"), "no column \"state\""),
        (|world| world.write("rows.csv", "who,Age,state\nC1,50,1\n"), "differs in upper and lower case only"),
        (|world| world.write("rows.csv", "who,age,age,state\nC1,50,50,1\n"), "more than once"),
        (|world| world.write("rows.csv", "age,state\n50,1\n"), "no column \"who\""),
        (|world| world.write("rows.csv", "who;age;state\nC1;50;1\n"), "is the delimiter right"),
        (|world| world.write("rows.csv", "who,age,state\n"), "no row of a customer"),
        (|world| world.write("rows.csv", ""), "no rows"),
        (|world| world.write("rows.csv", "who,age,state\nC1,50,\"1\nC2,50,1\n"), "a quote is opened and not closed"),
        (|world| world.write("rows.csv", "who,age,state\n6.22202E+18,50,1\n"), "scientific notation"),
        (
            |world| world.write("rows.csv", "who,age,state\nC1,19800101,1\nC2,19810101,1\n"),
            "does not look like the one that the schema means",
        ),
        (
            |world| world.write("rows.csv", "who,age,state\nC1,50,x\nC2,50,y\n"),
            "does not look like the one that the schema means",
        ),
        (|world| world.acting_unsigned(), "the file of actions is not signed by the branch's owner"),
        (
            |world| {
                world.acting();
                world.actions(&text().replace("[actions]", "[actions]\nbranch = \"bank/branch-9\""));
            },
            "for the branch bank/branch-9, and this is bank/branch-3",
        ),
        (
            |world| {
                world.write("rows.csv", "who,age,state,vip\nC1,50,1,\n");
                world.acting();
                let before = ["actions.toml", "actions.toml.sig"].map(|name| fs::read(world.at(name)).unwrap());
                world.actions(&format!("{}# read again\n", text()));
                assert!(world.scored().is_ok());
                fs::remove_file(world.at("scores.csv")).unwrap();
                fs::remove_file(world.at("scores.csv.json")).unwrap();
                for (name, bytes) in ["actions.toml", "actions.toml.sig"].iter().zip(before) {
                    fs::write(world.at(name), bytes).unwrap();
                }
            },
            "signed later",
        ),
        (|world| world.write("scores.csv", "somebody's own\n"), "that no scoring has made"),
        (|world| fs::create_dir(world.at("scores.csv")).unwrap(), "no name of a file"),
        (|world| fs::remove_dir_all(world.at("identity")).unwrap(), "identity.folder"),
    ];
    for (number, (change, said)) in table.into_iter().enumerate() {
        let (mut world, _) = World::usual();
        change(&mut world);
        let before = fs::read(world.at("scores.csv")).ok();
        let told = world.scored().err().unwrap_or_else(|| panic!("{number} is no fault"));
        assert!(told.contains(said), "{number}: {said:?} is not in: {told}");
        assert_eq!(fs::read(world.at("scores.csv")).ok(), before, "{number}");
        assert!(!world.at("scores.csv.json").exists(), "{number}");
    }
    // A file beside the output that is no note is somebody's as well.
    let (world, _) = World::usual();
    world.write("scores.csv.json", "{\"name\": \"somebody's\"}");
    for there in [false, true] {
        if there {
            world.write("scores.csv", "somebody's own\n");
        }
        assert!(world.scored().err().unwrap().contains("that no scoring has made"));
        assert!(fs::read_to_string(world.at("scores.csv.json")).unwrap().contains("somebody's"));
    }
    let (world, digest) = World::usual();
    let refused = |change: &dyn Fn(&mut super::ScoreOptions)| {
        let mut options = world.options("champion", "scores.csv");
        change(&mut options);
        world.scored_as(&options).err().unwrap()
    };
    type Choice<'a> = &'a dyn Fn(&mut super::ScoreOptions);
    let table: [(Choice<'_>, &str); 9] = [
        (&|options| options.model = "challenger".into(), "no model is a challenger"),
        (&|options| options.model = "1234567".into(), "the first 8 digits"),
        (&|options| options.model = "../../x".into(), "the first 8 digits"),
        (&|options| options.model = "00000000".into(), "this branch was told of no such model"),
        (&|options| options.output = world.at("rows.csv"), "this file is read"),
        (&|options| options.output = world.at("client.toml"), "that no scoring has made"),
        (&|options| options.output = world.at("none/scores.csv"), "is no folder"),
        (
            &|options| (options.output, options.gb18030) = (world.at("scores.parquet"), true),
            "a Parquet file holds its texts in UTF-8",
        ),
        (&|options| options.input = Some(world.at("none.csv")), "cannot be opened"),
    ];
    for (number, (change, said)) in table.into_iter().enumerate() {
        let told = refused(change);
        assert!(told.contains(said), "{number}: {said:?} is not in: {told}");
    }
    // Withdrawn and retired models are refused by their digest too, each with its own words.
    for (step, said) in [(ModelStep::Withdraw, "was withdrawn"), (ModelStep::Retire, "has ended")] {
        let (mut world, digest_again) = World::usual();
        assert_eq!(digest_again, digest);
        world.stated(step, &manifest(&model(1.0)));
        let told = world.scored_as(&world.options(&digest.to_string()[..12], "scores.csv")).err().unwrap();
        assert!(told.contains(said), "{told}");
    }
}

/// As wide as the usual one, and another one.
fn other_schema() -> String {
    let text = super::actions::tests::SCHEMA.replace("max = 100", "max = 110");
    assert!(Schema::parse(&text).is_ok());
    text
}

impl World {
    fn taken_back_all(&mut self) {
        self.taken_back();
    }

    fn acting_unsigned(&mut self) {
        self.acting();
        let text = fs::read_to_string(self.at("actions.toml")).unwrap();
        self.write("actions.toml", &text.replace("行动1", "行动9"));
    }

    /// The folders of kept models.
    fn models(&self) -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(self.at("state/models")).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    }
}

/// No list is made of them, and yet nobody who was erased stays in them, and they go when their time is over.
#[test]
fn files_of_scores_are_erased_from_and_purged_wherever_they_were_put() {
    const DAY: u64 = 86_400;
    let (world, _) = World::usual();
    fs::create_dir(world.at("elsewhere")).unwrap();
    std::os::unix::fs::symlink(world.at("elsewhere"), world.at("link")).unwrap();
    let config = world.at("client.toml");
    let names = ["scores.csv", "link/again.csv", "elsewhere/table.parquet"];
    for name in names {
        // Made twice in one place: the newer one lies there.
        score(&world.options("champion", name), NOW - DAY).unwrap_or_else(|fault| panic!("{fault}"));
        score(&world.options("champion", name), NOW).unwrap_or_else(|fault| panic!("{fault}"));
    }
    let told = |answer: contact::Answer| -> String {
        answer.lines().iter().map(|line| format!("{}\n", line.text(Language::English))).collect()
    };
    let said = told(contact::erase(&config, "c-2", NOW).unwrap_or_else(|fault| panic!("{fault}")));
    for name in ["scores.csv", "elsewhere/again.csv", "elsewhere/table.parquet"] {
        assert!(said.contains(&format!("{name}: 1 line is erased, and 3 stay")), "{said}");
    }
    let text = fs::read_to_string(world.at("elsewhere/again.csv")).unwrap();
    assert_eq!(
        text.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect::<Vec<_>>(),
        ["C1", "C3", "C4"]
    );
    // Once more it finds nobody, and a file that somebody else put there is named and not read.
    world.write("scores.csv", "somebody's own\n");
    let said = told(contact::erase(&config, "c-2", NOW).unwrap_or_else(|fault| panic!("{fault}")));
    assert!(!said.contains("are erased, and") && said.contains("scores.csv: another file lies there now"), "{said}");
    let purged = |days: u64| {
        let purged = contact::tests::whole::purge_whole(&config, false, NOW + days * DAY)
            .unwrap_or_else(|fault| panic!("{fault}"));
        purged.scores.len()
    };
    assert_eq!([purged(90), purged(91), purged(92)], [0, 2, 0]);
    assert!(world.at("scores.csv").exists());
    for name in ["again.csv", "again.csv.json", "table.parquet", "table.parquet.json"] {
        assert!(!world.at("elsewhere").join(name).exists(), "{name}");
    }
    // Whoever cannot read what was made erases nobody in silence.
    fs::remove_file(world.at("state/contact/contact.ledger")).unwrap();
    assert!(contact::erase(&config, "c-2", NOW).is_err());
}

/// A process that was killed has left drafts, whole ones too. The next command that scores, erases or purges deletes them, wherever they are.
#[test]
fn nothing_of_a_customer_stays_in_a_draft_that_a_crash_left() {
    let (world, _) = World::usual();
    let config = world.at("client.toml");
    fs::create_dir(world.at("elsewhere")).unwrap();
    let drafts = ["elsewhere/.0123456789abcdef.tmp", ".fedcba9876543210.tmp"];
    let leave = || drafts.map(|name| world.write(name, "C2,0.5\n"));
    let there = || drafts.map(|name| world.at(name).exists());
    // The file itself never came: the folder is known from before its first byte.
    let settings = Settings::load(&config).unwrap();
    let killed = Unplaced::of(&world.options("champion", "elsewhere/scores.csv"), &settings, NOW);
    drop(killed.unwrap_or_else(|fault| panic!("{fault}")));
    score(&world.options("champion", "scores.csv"), NOW).unwrap_or_else(|fault| panic!("{fault}"));
    leave();
    let answer = contact::erase(&config, "c-2", NOW).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(there(), [false, false]);
    let told: Vec<String> = answer.lines().iter().map(|line| line.text(Language::English).to_owned()).collect();
    assert!(drafts.iter().all(|draft| told.iter().any(|line| line.contains(draft))), "{told:?}");
    leave();
    let purged = contact::tests::whole::purge_whole(&config, true, NOW).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((purged.unfinished.len(), there()), (2, [true, true]));
    contact::tests::whole::purge_whole(&config, false, NOW).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(there(), [false, false]);
    leave();
    score(&world.options("champion", "elsewhere/scores.csv"), NOW).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(there(), [false, true], "a command that scores tidies its own folder");
}

/// Somebody is erased while a file of scores is made. It gets no name with that customer in it, and gets one however many are erased meanwhile.
#[test]
fn whoever_is_erased_while_scores_are_made_is_not_in_them() {
    let (world, _) = World::usual();
    let (options, config) = (world.options("champion", "scores.csv"), world.at("client.toml"));
    let settings = Settings::load(&config).unwrap();
    let customers = || -> Vec<String> {
        let text = fs::read_to_string(world.at("scores.csv")).unwrap();
        text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
    };
    let unplaced = || Unplaced::of(&options, &settings, NOW).unwrap_or_else(|fault| panic!("{fault}"));
    let placed = |begun: Unplaced| {
        let made = begun.placed(&settings, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        (made.note, made.said[1].text(Language::English).to_owned())
    };
    // A file of scores is there already, and stays as the erasure leaves it.
    placed(unplaced());
    let begun = [unplaced(), unplaced()];
    contact::erase(&config, "c-2", NOW).unwrap_or_else(|fault| panic!("{fault}"));
    for begun in begun {
        let (note, said) = placed(begun);
        assert_eq!(customers(), ["C1", "C3", "C4"]);
        // What is placed, and all that is said of it, is as if the customer had refused before.
        let text = fs::read_to_string(world.at("scores.csv")).unwrap();
        let (again, told) = placed(unplaced());
        assert_eq!((note, said), (again, told.clone()));
        assert_eq!(fs::read_to_string(world.at("scores.csv")).unwrap(), text);
        assert!(told.contains("1 of customers who have not agreed or have refused"), "{told}");
    }
    let begun = unplaced();
    contact::exclude(&config, "c-3", NOW).unwrap_or_else(|fault| panic!("{fault}"));
    contact::exclude(&config, "c-9", NOW).unwrap_or_else(|fault| panic!("{fault}"));
    placed(begun);
    assert_eq!(customers(), ["C1", "C4"]);
    // The same refusal once more is no change, and one of nobody in the table changes nothing in the file.
    let begun = [unplaced(), unplaced()];
    let text = fs::read_to_string(world.at("scores.csv")).unwrap();
    for (begun, id) in begun.into_iter().zip(["c-3", "c-8"]) {
        contact::exclude(&config, id, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        placed(begun);
        assert_eq!(fs::read_to_string(world.at("scores.csv")).unwrap(), text);
    }
    // Of nobody no file is made, and what was there stays.
    let begun = unplaced();
    for id in ["c1", "c4"] {
        contact::exclude(&config, id, NOW).unwrap_or_else(|fault| panic!("{fault}"));
    }
    assert!(begun.placed(&settings, NOW).err().unwrap().to_string().contains("no row of a customer"));
    assert_eq!(fs::read_to_string(world.at("scores.csv")).unwrap(), text);
    let names = fs::read_dir(world.at("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.starts_with('.')), "no draft is left");
}

/// Whoever has used the right to be left out is scored no more, in whatever spelling.
#[test]
fn an_excluded_customer_is_in_no_file_of_scores() {
    let (world, _) = World::usual();
    let customers = |world: &World| -> Vec<String> {
        let (made, text) = world.scored().unwrap();
        assert_eq!(made.note.rows + 1, text.lines().count() as u64);
        text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
    };
    assert_eq!(customers(&world), ["C1", "C2", "C3", "C4"]);
    contact::exclude(&world.at("client.toml"), "c-2", NOW).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(customers(&world), ["C1", "C3", "C4"]);
}
