//! A customer's rights: shown, explained, excluded, erased. And what is past its time.

use std::fs;

use tributary_texts::Language;

use super::kills::{cut, entries};
use super::whole::purge_whole;
use super::{DAY, NOW, RULES, World};
use crate::contact::scores::read_note;
use crate::contact::{
    Answer, LeftOut, Stage, erase, exclude, explain, outcomes, recall, show, show_customer, write_reply,
};

fn text(answer: &Answer) -> String {
    answer.lines().iter().map(|line| format!("{}\n", line.text(Language::English))).collect()
}

#[test]
fn an_exclusion_voids_open_lines_recalls_them_and_holds_for_ever() {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    let told = text(&exclude(&world.config(), "C-2", NOW).unwrap());
    assert!(
        told.contains("no marketing list of this branch names you") && told.contains("1 open lines are void"),
        "{told}"
    );
    assert_eq!(world.read("crm/list-000001.recall-000001.csv"), "batch,line,reason\n1,2,withdrawn\n");
    assert_eq!(show(&world.config(), 1, NOW).unwrap().summary.void, 1);
    // The same again writes nothing more.
    exclude(&world.config(), "c2", NOW).unwrap();
    assert_eq!(world.handed().len(), 4);
    recall(&world.config(), 1, "next campaign", NOW).unwrap();
    let built = world.build();
    assert_eq!((world.listed(2), built.left_out[&LeftOut::Excluded]), (vec!["c1".to_owned(), "c3".to_owned()], 1));
    // A list that was not delivered yet is not delivered any more.
    world.approve(2).unwrap();
    exclude(&world.config(), "c3", NOW).unwrap();
    let told = world.deliver_at(2, NOW).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("1 line of list 2") && told.contains("customer's wish"), "{told}");
    for id in ["", " \n", &"x".repeat(300)] {
        assert!(exclude(&world.config(), id, NOW).is_err());
    }
}

#[test]
fn a_customer_is_shown_lists_and_outcomes_and_no_hold_out() {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    world.write(
        "outcomes.csv",
        "batch,line,contacted,channel,result,date\n1,1,是,phone,yes,2026-11-30\n1,1,否,sms,,2026-12-01\n",
    );
    outcomes(&world.config(), &world.at("outcomes.csv"), NOW).unwrap();
    let told = text(&show_customer(&world.config(), "c1", NOW).unwrap());
    for part in [
        "no joint learning",
        "not kept: rows are read and forgotten",
        "campaign 2026-12 deposits",
        "line 1 of list 1",
        "contacted by phone",
        "not reached by sms",
        "at any time",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // Of an id in another spelling nothing is shown but that there is one.
    let told = text(&show_customer(&world.config(), "C-1", NOW).unwrap());
    assert!(told.contains("written otherwise") && !told.contains("phone"), "{told}");
    assert!(
        text(&show_customer(&world.config(), "stranger", NOW).unwrap())
            .contains("No marketing list that is kept names you")
    );
}

#[test]
fn a_score_is_explained_on_a_page_of_its_own() {
    let world = World::new(RULES);
    world.write("attributes.csv", &format!("{}<b>1,否,营销,低,C3,一组\n", super::HEADER));
    world.scored(&["<b>1,1,0.5,2,640,余额下降<script>,Fewer visits,,,,\n".to_owned()]);
    world.build();
    let answer = explain(&world.config(), "<b>1", None, NOW).unwrap();
    let told = text(&answer);
    for part in [
        "For 2026-12 deposits, a model",
        "2026-11-30 08:00 UTC+8 how likely this is: churn",
        "group 2",
        "points are 640",
        "Fewer visits",
        "decides no credit",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let of_file = explain(&world.config(), "<b>1", Some(&world.at("scores.csv")), NOW).unwrap();
    assert!(text(&of_file).contains("For churn, a model"));
    assert!(
        explain(&world.config(), "c9", None, NOW)
            .map(|_| ())
            .unwrap_err()
            .to_string()
            .contains("no score of this customer")
    );
    write_reply(&answer, &world.at("reply.html")).unwrap();
    let page = world.read("reply.html");
    assert!(
        page.contains("size:A4") && page.contains("关于评分依据的说明") && page.contains("Why a score is what it is")
    );
    assert!(
        page.contains("&lt;b&gt;1")
            && page.contains("&lt;script&gt;")
            && !page.contains("<script")
            && !page.contains("http")
    );
    // What is for the branch alone is on no page.
    assert!(!exclude(&world.config(), "<b>1", NOW).unwrap().page().contains("for the branch"));
}

/// Scores were made in one language, and the letter is in both: each in the schema's own words.
#[test]
fn a_reason_is_said_in_the_language_of_its_reader() {
    const SCHEMA: &str = "name = \"bank\"\nversion = 1\nformat = 2\nfields = [\n\
        { name = \"age\", kind = \"numeric\", min = 18, max = 90, class = \"C2\", level = \"L2\", title_zh = \"年龄\" },\n\
        { name = \"share\", kind = \"numeric\", min = 0, max = 1, class = \"C2\", level = \"L2\", necessity = \"share of time deposits\", reason_zh = \"定期存款占比\" }]\n\
        labels = [{ name = \"churn\", title_zh = \"流失\", positive = [\"yes\"], negative = [\"no\"] }]\n";
    let world = World::new(RULES);
    world.write("schema.toml", SCHEMA);
    world.write("client.toml", &world.read("client.toml").replace("schema = \"policy", "schema = \"schema"));
    let is_chinese = |text: &str| text.chars().any(|letter| ('\u{4e00}'..'\u{9fff}').contains(&letter));
    for reasons in ["share of time deposits,age (no value)", "定期存款占比,年龄（无数据）"] {
        world.scored(&[format!("c1,1,0.5,2,640,{reasons},,,,\n")]);
        let answer = explain(&world.config(), "c1", Some(&world.at("scores.csv")), NOW).unwrap();
        let english = text(&answer);
        assert!(english.contains("this is: churn") && !is_chinese(&english), "{english}");
        assert!(english.contains("What counted most: share of time deposits; age (no value)."), "{english}");
        let chinese: String = answer.lines().iter().map(|line| format!("{}\n", line.text(Language::Chinese))).collect();
        assert!(chinese.contains("影响最大的因素：定期存款占比；年龄（无数据）。"), "{chinese}");
        assert!(
            chinese.contains("可能性：流失。") && !chinese.contains("share") && !chinese.contains("age"),
            "{chinese}"
        );
    }
}

/// Nothing with the id is left in what the product keeps, and nobody comes back into a list.
#[test]
fn an_erased_customer_is_in_no_file_and_in_no_list() {
    let world = World::new(RULES);
    world.customers(3);
    let rows = ["c1,3,0.9,1,,,,,,,\n", "victim-4711,2,0.8,1,,,,,,,\n", "c3,1,0.7,1,,,,,,,\n"].map(str::to_owned);
    let attributes = world.read("attributes.csv").replace("c2,", "victim-4711,");
    world.write("attributes.csv", &attributes);
    world.scored(&rows);
    world.delivered();
    let told = text(&erase(&world.config(), "victim-4711", NOW).unwrap());
    assert!(told.contains("1 line is erased in kept lists"), "{told}");
    assert!(told.contains("scores.csv: 1 line is erased, and 2 stay"), "{told}");
    // What was handed out is not touched, and is named as long as it is there.
    for name in ["out/list-000001.csv", "crm/list-000001.csv"] {
        assert!(told.contains(&format!("{name} was written of list 1")), "{name}: {told}");
    }
    fs::remove_file(world.at("out/list-000001.csv")).unwrap();
    let mut left = Vec::new();
    holds(&world.at("state"), b"4711", &mut left);
    assert_eq!(left, Vec::<String>::new());
    // The file of scores is one of a customer less: readers take it, and its other rows are as they were.
    let scores = world.read("scores.csv");
    assert!(scores.contains("\nc1,3,0.9,1,,,,,,,,07070707\nc3,1,0.7,1,") && !scores.contains("4711"), "{scores}");
    let note = read_note(&world.at("scores.csv"), &world.branch_key().verifying_key()).unwrap();
    assert_eq!((note.rows, note.erased, note.models[0].rows), (2, 1, 2));
    let again = text(&erase(&world.config(), "victim-4711", NOW).unwrap());
    assert!(
        again.contains("0 lines are erased in kept lists") && !again.contains("out/list") && again.contains("crm/list"),
        "{again}"
    );
    assert!(world.handed().contains(&"list-000001.recall-000001.csv".to_owned()));
    // The other lines stay as they were.
    let shown = show(&world.config(), 1, NOW).unwrap();
    let customers: Vec<&str> = shown.first.lines.iter().map(|line| line.customer.as_str()).collect();
    assert_eq!(customers, ["c1", "", "c3"]);
    assert!(
        text(&show_customer(&world.config(), "victim-4711", NOW).unwrap()).contains("erased from lists and scores")
    );
    world.scored(&rows);
    recall(&world.config(), 1, "next", NOW).unwrap();
    world.build();
    assert_eq!(world.listed(2), ["c1", "c3"]);
    let told = text(&erase(&world.config(), "victim-4711", NOW).unwrap());
    assert!(
        told.contains("0 lines are erased in kept lists") && told.contains("1 line is erased, and 2 stay"),
        "{told}"
    );
    // The file is still known as the list's own: another customer is erased from it, and what only it had goes with the last one.
    assert!(text(&erase(&world.config(), "c1", NOW).unwrap()).contains("1 line is erased, and 1 stay"));
    assert!(text(&erase(&world.config(), "c3", NOW).unwrap()).contains("scores.csv is deleted"));
    assert!(!world.at("scores.csv").exists() && !world.at("scores.csv.json").exists());
}

/// A process that is ended between any two steps of an erasure leaves what the same command finishes.
#[test]
fn an_erasure_of_scores_goes_on_after_an_interruption() {
    let world = World::new(RULES);
    world.customers(3);
    world.build();
    let (before, noted) = (world.read("scores.csv"), world.read("scores.csv.json"));
    let done = |id: &str| text(&erase(&world.config(), id, NOW).unwrap());
    assert!(done("c2").contains("1 line is erased, and 2 stay"));
    let (after, note) = (world.read("scores.csv"), world.read("scores.csv.json"));
    // It was recorded; then nothing was done, or the file alone.
    for scores in [&before, &after] {
        world.write("scores.csv", scores);
        world.write("scores.csv.json", &noted);
        assert!(done("c2").contains("1 line is erased, and 2 stay"));
        assert_eq!((world.read("scores.csv"), world.read("scores.csv.json")), (after.clone(), note.clone()));
    }
    // Another file in its place is left alone and named, and one that is no file of scores any more is deleted.
    world.write("scores.csv", "somebody's own\n");
    assert!(done("c1").contains("scores.csv: another file lies there now"));
    assert_eq!(world.read("scores.csv"), "somebody's own\n");
    world.write("scores.csv", &after);
    world.write("scores.csv.json", "{}");
    assert!(done("c1").contains("scores.csv is deleted"));
}

/// Files in which these bytes are.
fn holds(folder: &std::path::Path, bytes: &[u8], found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds(&path, bytes, found);
        } else if memchr::memmem::find(&fs::read(&path).unwrap(), bytes).is_some() {
            found.push(path.display().to_string());
        }
    }
}

/// An erasure that was recorded is done by the next command, whichever of its files was written.
#[test]
fn an_interrupted_erasure_goes_on() {
    let world = World::new(RULES);
    world.customers(3);
    world.delivered();
    let files = ["sheet.csv", "members"].map(|name| world.at("state/contact/lists/000001").join(name));
    let before = files.clone().map(|file| fs::read(file).unwrap());
    erase(&world.config(), "c2", NOW).unwrap();
    let after = files.clone().map(|file| fs::read(file).unwrap());
    let whole = entries(&world);
    for written in 0..4 {
        // Recorded up to the line's erasure; the files are those before, or those after it, in any mixture.
        cut(&world, whole - 2);
        for place in 0..2 {
            fs::write(&files[place], if written >> place & 1 == 1 { &after[place] } else { &before[place] }).unwrap();
        }
        assert_eq!(show(&world.config(), 1, NOW).unwrap().first.lines[1].customer, "");
        assert_eq!(files.clone().map(|file| fs::read(file).unwrap()), after, "{written}");
        erase(&world.config(), "c2", NOW).unwrap();
    }
}

#[test]
fn what_is_past_its_time_is_named_then_deleted_and_recorded() {
    let world = World::new(&RULES.replace("[delivery]\ncrm", "[hold_out]\npermille = 500\ndays = 10\n[delivery]\ncrm"));
    world.customers(4);
    world.delivered();
    fs::create_dir_all(world.at("state/readiness")).unwrap();
    for day in ["2023-01-31", "2026-10-31"] {
        world.write(&format!("state/readiness/{day}.counts"), "{}");
    }
    // Of drafts that nobody held, those that are old and empty.
    let begun = [0, 1, 2].map(|number| world.at(&format!("state/readiness/.{number:016x}.new")));
    for (path, (text, second)) in begun.iter().zip([("", 1), ("somebody's", 1), ("", NOW)]) {
        fs::write(path, text).unwrap();
        let changed = std::time::UNIX_EPOCH + std::time::Duration::from_secs(second);
        fs::File::options().write(true).open(path).unwrap().set_modified(changed).unwrap();
    }
    let at = |days: u64, dry_run| {
        purge_whole(&world.config(), dry_run, NOW + days * DAY).unwrap_or_else(|fault| panic!("{fault}"))
    };
    let first = at(0, true);
    assert_eq!((first.lists.len(), first.scores.len(), first.caches.len()), (0, 0, 2));
    // Nothing is deleted that was only named.
    assert!(world.at("state/readiness/2023-01-31.counts").exists());
    assert_eq!(at(0, false).caches, first.caches);
    assert_eq!(begun.map(|path| path.exists()), [false, true, true]);
    assert!(
        !world.at("state/readiness/2023-01-31.counts").exists()
            && world.at("state/readiness/2026-10-31.counts").exists()
    );
    let scores = at(91, false);
    assert_eq!((scores.scores.len(), scores.lists.len()), (1, 0));
    assert!(!world.at("scores.csv").exists() && !world.at("scores.csv.json").exists());
    // Fourteen days of the list, and four hundred after it.
    assert!(at(413, true).lists.is_empty());
    let lists = at(415, false);
    assert_eq!((lists.lists, lists.draws.len()), (vec![1], 1));
    assert_eq!(show(&world.config(), 1, NOW).unwrap().summary.stage, Stage::Purged);
    assert!(
        super::names(&world.at("state/contact/lists")).is_empty()
            && super::names(&world.at("state/contact/draws")).is_empty()
    );
    let again = at(415, false);
    assert_eq!((again.lists.len(), again.draws.len(), again.scores.len()), (0, 0, 0));
    // A file that took the place of the scores is somebody else's.
    world.customers(5);
    assert!(at(600, false).scores.is_empty() && world.at("scores.csv").exists());
}

/// Whoever reads the branch's rows for learning leaves an excluded customer out, in whatever spelling, as one who has not agreed.
#[test]
fn an_excluded_customer_is_in_no_data_set() {
    const SCHEMA: &str = "name = \"bank\"\nversion = 1\nformat = 2\ncustomer_column = \"who\"\n\
        fields = [{ name = \"age\", kind = \"numeric\", min = 18, max = 90, class = \"C2\", level = \"L2\" }]\n\
        labels = [{ name = \"churn\", positive = [\"yes\"], negative = [\"no\"] }]\n";
    let world = World::new(RULES);
    world.write("schema.toml", SCHEMA);
    world.write("rows.csv", "who,age,churn\nC-0012,30,yes\nc13,40,no\nc14,50,no\n");
    let settings = world.read("client.toml").replace(
        "file = \"policy.toml\"\nschema = \"policy.toml\"",
        "file = \"rows.csv\"\nschema = \"schema.toml\"\ndate = 2026-11-30",
    );
    world.write("client.toml", &settings);
    let rows = || {
        let settings = crate::settings::Settings::load(&world.config()).unwrap();
        let schema = crate::data::read_schema(&settings.schema_file).unwrap();
        let sources = crate::dataset::Sources::of(&settings, &schema).unwrap_or_else(|fault| panic!("{fault}"));
        let look = crate::dataset::Look { place: &sources.places[0], sources: &sources, day: None };
        let loaded = crate::dataset::Loaded::read(look, &settings, &schema, &crate::data::Stop::default());
        loaded.map(|loaded| loaded.table.data().counts().rows).map_err(|fault| fault.to_string())
    };
    assert_eq!(rows(), Ok(3));
    exclude(&world.config(), "c0012", NOW).unwrap();
    assert_eq!(rows(), Ok(2));
    // Without the key nobody knows who is excluded, and nothing is read.
    fs::rename(world.at("state/contact/pseudonym.key"), world.at("gone")).unwrap();
    assert!(rows().is_err_and(|fault| fault.contains("pseudonym.key")));
    fs::rename(world.at("gone"), world.at("state/contact/pseudonym.key")).unwrap();
    // Nor where the register is gone, or ends before the exclusion.
    let ledger = world.at("state/contact/contact.ledger");
    let (whole, note) = (fs::read(&ledger).unwrap(), fs::read(world.at("state/contact.head")).unwrap());
    for left in [0, 1] {
        cut(&world, left);
        fs::write(world.at("state/contact.head"), &note).unwrap();
        assert!(rows().is_err_and(|fault| fault.contains("It was cut")), "{left}");
    }
    fs::remove_file(&ledger).unwrap();
    assert!(rows().is_err_and(|fault| fault.contains("It was cut")));
    fs::write(&ledger, whole).unwrap();
    assert_eq!(rows(), Ok(2));
}
