use std::fs;

use tempfile::TempDir;
use tributary_storage::faults::each_sync_fails_once;

use super::*;

const SCHEMA: &str = r#"
name = "small"
version = 1
customer_column = "who"
fields = [
    { name = "age", kind = "numeric", min = 18, max = 90, class = "C2", level = "L2" },
    { name = "job", kind = "categorical", categories = ["office", "student"], class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#;

struct Branch(TempDir);

impl Branch {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \".\"\n\
             [data]\nfile = \"rows.csv\"\nschema = \"schema.toml\"\n{more}\n[policy]\nfile = \"policy.toml\"\nowner = \"policy.toml\"\n"
        );
        for (name, text) in [("schema.toml", SCHEMA), ("policy.toml", ""), ("client.toml", &text), ("held.csv", "")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    /// Puts rows in place, with a ready file of a day.
    fn export(&self, name: &str, rows: &str, day: &str) {
        let path = self.0.path().join(name);
        fs::write(&path, rows).unwrap();
        Stamp { date: date(day), digest: Digest::of(rows.as_bytes()) }.write(&path).unwrap();
    }

    fn survey(&self) -> Survey {
        survey(&self.0.path().join("client.toml")).unwrap_or_else(|fault| panic!("{fault}"))
    }

    fn store(&self) -> Store {
        Store::of(&self.0.path().join("state"))
    }

    fn ask(&self, number: u32, as_of: &str) -> RunRef {
        let asked = AskedRun { plan: Digest::of(b"plan"), number, name: "churn".into(), as_of: date(as_of) };
        self.store().ask(&asked).unwrap();
        asked.run()
    }
}

fn english(said: impl IntoIterator<Item = Said>) -> Vec<String> {
    said.into_iter().map(|said| said.text(Language::English).to_owned()).collect()
}

/// Why its day is not known.
fn undated(survey: &Survey) -> String {
    survey.date().unwrap_err().text(Language::English).to_owned()
}

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// So many rows, a few of which leave: older ones do so more often.
fn month(rows: usize, shift: usize, [yes, no]: [&str; 2]) -> String {
    let row = |number: usize| {
        let (age, seed) = (20 + number * 7 % 60, number * 31 + shift);
        let leaves = seed % 100 < age / 4;
        let job = if number.is_multiple_of(3) { "student" } else { "office" };
        format!("c{number},{age},{job},{}\n", if leaves { yes } else { no })
    };
    format!("who,age,job,churn\n{}", (0..rows).map(row).collect::<String>())
}

const USUAL: [&str; 2] = ["yes", "no"];

#[test]
fn a_data_set_has_a_day_if_its_ready_file_says_so_and_its_checksum_fits() {
    let branch = Branch::new("");
    let rows = month(400, 0, USUAL);
    fs::write(branch.0.path().join("rows.csv"), &rows).unwrap();
    let bare = branch.survey();
    assert!(!bare.files[0].is_dated && bare.is_usable());
    assert!(undated(&bare).contains("rows.csv.ok: there is no such ready file"));
    assert!(bare.state(&Target::Next, 1).unwrap_err().to_string().starts_with("nothing is said to be ready: "));
    branch.export("rows.csv", &rows, "2026-10-31");
    assert_eq!(branch.survey().date(), Ok(date("2026-10-31")));
    // The next export has begun, and its ready file is still the old one.
    fs::write(branch.0.path().join("rows.csv"), month(300, 0, USUAL)).unwrap();
    let cut = branch.survey();
    assert!(undated(&cut).contains("it was replaced, changed or cut after it was exported"));
    assert!(cut.state(&Target::Next, 1).is_err() && !branch.store().folder().exists());
    // Cut within a row.
    fs::write(branch.0.path().join("rows.csv"), "who,age,job,churn\nc1,4").unwrap();
    assert!(!branch.survey().is_usable());
    assert!(undated(&branch.survey()).contains("it was replaced, changed or cut after it was exported"));
    fs::write(branch.0.path().join("rows.csv"), month(300, 0, USUAL)).unwrap();
    let written = stamp(&branch.0.path().join("client.toml"), date("2026-11-30")).unwrap();
    assert_eq!(written, [branch.0.path().join("rows.csv.ok")]);
    assert_eq!(branch.survey().date(), Ok(date("2026-11-30")));
}

#[test]
fn the_settings_may_say_the_day_themselves() {
    let branch = Branch::new("date = 2026-10-31");
    fs::write(branch.0.path().join("rows.csv"), month(400, 0, USUAL)).unwrap();
    assert_eq!(branch.survey().date(), Ok(date("2026-10-31")));
}

#[test]
fn both_files_of_a_data_set_have_one_day() {
    let branch = Branch::new("held_out = \"held.csv\"");
    branch.export("rows.csv", &month(400, 0, USUAL), "2026-10-31");
    branch.export("held.csv", &month(100, 7, USUAL), "2026-09-30");
    assert!(undated(&branch.survey()).contains("the two are of one data set"));
    branch.export("held.csv", &month(100, 7, USUAL), "2026-10-31");
    let survey = branch.survey();
    assert_eq!(survey.date(), Ok(date("2026-10-31")));
    let held_out = Some(Digest::of(month(100, 7, USUAL).as_bytes()));
    assert_eq!(survey.digests().unwrap().held_out, held_out);
    fs::remove_file(branch.0.path().join("held.csv.ok")).unwrap();
    assert!(undated(&branch.survey()).contains("held.csv.ok"));
}

#[test]
fn a_word_is_about_the_day_or_about_a_run_that_asks() {
    let branch = Branch::new("");
    branch.export("rows.csv", &month(400, 0, USUAL), "2026-10-31");
    let survey = branch.survey();
    let told = english(survey.state(&Target::Next, 5).unwrap());
    assert!(told[1].contains("the next run that wants data of 2026-10-31"), "{told:?}");
    let run = branch.ask(3, "2026-10-31");
    assert_eq!(branch.store().word(run, date("2026-10-31")).unwrap().unwrap().at, 5);
    let short = run.plan.short();
    for text in ["3".to_owned(), format!("{short}/3"), format!("{}/3", run.plan)] {
        let told = english(survey.state(&Target::Run(text), 6).unwrap());
        assert!(told[1].contains("churn run 3 is joined with them"), "{told:?}");
    }
    let last = branch.store().word(run, date("2026-10-31")).unwrap().unwrap();
    assert_eq!(last.at, 8, "each is newer than the one before");
    for text in ["4", "", "/3", "x/3", &format!("{}/3", &short[..7]), "deadbeef/3", "+3/"] {
        let fault = survey.state(&Target::Run(text.into()), 7).unwrap_err().to_string();
        assert!(fault.contains(&format!("The runs that ask are: {short}/3 (churn, data of 2026-10-31)")), "{fault}");
    }
    // Another plan asks for its third run as well.
    let other = AskedRun { plan: Digest::of(b"other"), number: 3, name: "deposits".into(), as_of: date("2026-10-31") };
    branch.store().ask(&other).unwrap();
    assert!(survey.state(&Target::Run("3".into()), 7).unwrap_err().to_string().contains("or more than one"));
    assert!(survey.state(&Target::Run(format!("{short}/3")), 7).is_ok());
}

/// The clock was years ahead when a word was given, and somebody has set it right.
#[test]
fn the_last_word_counts_whatever_the_clock_says() {
    let branch = Branch::new("");
    let run = branch.ask(3, "2026-10-31");
    branch.export("rows.csv", &month(400, 0, USUAL), "2026-10-31");
    branch.survey().state(&Target::Next, 9_000).unwrap();
    let corrected = month(401, 0, USUAL);
    branch.export("rows.csv", &corrected, "2026-10-31");
    branch.survey().state(&Target::Run("3".into()), 6).unwrap();
    let word = branch.store().word(run, date("2026-10-31")).unwrap().unwrap();
    assert_eq!((word.files.data, word.at), (Digest::of(corrected.as_bytes()), 9_001));
}

#[test]
fn last_months_file_is_noticed_by_its_day_and_by_its_bytes() {
    let branch = Branch::new("");
    let october = month(1_000, 0, USUAL);
    branch.export("rows.csv", &october, "2026-10-31");
    let first = branch.survey();
    assert_eq!((first.alarms, first.earlier), (Vec::new(), None), "there is nothing beside which it could lie");
    branch.survey().state(&Target::Next, 1).unwrap();
    assert!(branch.survey().alarms.is_empty(), "the same word again");
    // Its day is not the one that is asked for.
    branch.ask(2, "2026-11-30");
    for target in [Target::Next, Target::Run("2".into())] {
        let fault = branch.survey().state(&target, 2).unwrap_err().to_string();
        assert!(fault.contains("2026-10-31") && fault.contains("2026-11-30"), "{fault}");
    }
    // Its ready file was made anew, with the new day.
    branch.export("rows.csv", &october, "2026-11-30");
    let again = english(branch.survey().alarms);
    assert!(again.len() == 1 && again[0].contains("byte for byte, the file of 2026-10-31"), "{again:?}");
    // The same rows, in another order: other bytes.
    let (head, rows) = october.split_once('\n').unwrap();
    let turned: Vec<&str> = rows.lines().rev().collect();
    branch.export("rows.csv", &format!("{head}\n{}\n", turned.join("\n")), "2026-11-30");
    let turned = branch.survey();
    assert_eq!(turned.earlier.as_ref().unwrap().date, "2026-10-31");
    let alarms = english(turned.alarms);
    assert!(alarms.len() == 1 && alarms[0].contains("the same rows again"), "{alarms:?}");
    // Another file of a day that was ready before.
    branch.export("rows.csv", &month(1_000, 50, USUAL), "2026-10-31");
    let other = english(branch.survey().alarms);
    assert!(other.len() == 1 && other[0].contains("another file of 2026-10-31"), "{other:?}");
    let november = month(1_040, 50, USUAL);
    branch.export("rows.csv", &november, "2026-11-30");
    assert_eq!(branch.survey().alarms, [], "a usual month");
    branch.survey().state(&Target::Next, 3).unwrap();
    assert_eq!(branch.store().counts().unwrap().len(), 2);
}

#[test]
fn flipped_labels_are_noticed_and_confirmed_by_what_was_shown() {
    let branch = Branch::new("");
    branch.export("rows.csv", &month(1_000, 0, USUAL), "2026-10-31");
    branch.survey().state(&Target::Next, 1).unwrap();
    branch.export("rows.csv", &month(1_010, 50, ["no", "yes"]), "2026-11-30");
    let flipped = branch.survey();
    assert!(flipped.is_usable() && flipped.date().is_ok(), "nothing else is wrong with it");
    let alarms = english(flipped.alarms.clone());
    assert!(alarms.iter().any(|alarm| alarm.contains("its classes look flipped")), "{alarms:?}");
    assert!(alarms.iter().any(|alarm| alarm.starts_with("label churn: ")), "{alarms:?}");
    let shown = flipped.digest();
    assert!(!flipped.alarms.is_empty());
    assert_eq!(branch.survey().digest(), shown);
    branch.export("rows.csv", &month(1_011, 50, ["no", "yes"]), "2026-11-30");
    assert_ne!(branch.survey().digest(), shown, "another file, another digest");
    branch.survey().state(&Target::Next, 2).unwrap();
    let again = branch.survey();
    assert!(again.alarms.is_empty() && again.earlier.is_some(), "what was confirmed is not asked about again");
}

/// A file whose rows a run would not use is not said to be ready, whatever its ready file says.
#[test]
fn what_a_run_would_not_use_is_not_ready() {
    let branch = Branch::new("");
    for rows in ["who,age,job,churn\nc1,x,office,no\n", "who,age,churn\nc1,40,no\n", ""] {
        branch.export("rows.csv", rows, "2026-10-31");
        let survey = branch.survey();
        assert!(!survey.is_usable() && survey.digest() != Digest::ZERO);
        let fault = survey.state(&Target::Next, 1).unwrap_err().to_string();
        assert!(fault.contains("a run would not use these files"), "{fault}");
    }
    assert!(!branch.store().folder().exists());
}

#[test]
fn no_more_counts_are_kept_than_two_years_of_months() {
    let branch = Branch::new("");
    branch.export("rows.csv", &month(50, 0, USUAL), "2026-10-31");
    let data = branch.survey().counts.unwrap();
    let files =
        FileDigests { data: Digest::ZERO, held_out: None, counted_to: [None; 2], events: [None; 2], mapping: None };
    for day in 0..30 {
        branch.store().keep_counts(&KeptCounts { date: Date(20_000 + day), files, data: data.clone() }).unwrap();
    }
    let kept: Vec<u32> = branch.store().counts().unwrap().iter().map(|kept| kept.date.0).collect();
    assert_eq!(kept, (20_006..20_030).rev().collect::<Vec<_>>());
}

/// Whoever looks for the file with which a run was joined finds it here: the daemon's lines do not name it.
#[test]
fn an_overview_says_with_which_data_a_waiting_run_was_joined() {
    let branch = Branch::new("");
    branch.export("rows.csv", &month(400, 0, USUAL), "2026-10-31");
    let run = branch.ask(3, "2026-10-31");
    branch.survey().state(&Target::Run("3".into()), 5).unwrap();
    let word = branch.store().word(run, date("2026-10-31")).unwrap().unwrap();
    let look = || overview(&branch.0.path().join("client.toml")).unwrap();
    assert!(look().0[0].joined.is_none());
    branch.store().join(run, &word).unwrap();
    branch.ask(3, "2026-10-31");
    let (waiting, last) = look();
    assert_eq!((waiting.len(), waiting[0].joined, last), (1, Some(word), Some(word)));
}

/// A ready file, and what an operator says of a data set with its counts.
#[test]
fn a_survey_of_which_a_write_failed_is_said_again() {
    let world = || {
        let branch = Branch::new("");
        branch.export("rows.csv", &month(300, 0, USUAL), "2026-11-30");
        branch
    };
    let said = each_sync_fails_once(world, |branch| {
        branch.survey().state(&Target::Next, 1)?;
        assert_eq!((branch.store().words()?.len(), branch.store().counts()?.len()), (1, 1));
        Ok::<_, ClientError>(())
    });
    let stamped = each_sync_fails_once(world, |branch| stamp(&branch.0.path().join("client.toml"), date("2026-10-31")));
    assert!(said > 4 && stamped == 2, "{said} {stamped}");
}
