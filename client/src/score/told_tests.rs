//! Scores of one branch, in every form: files, notes, answers of the service and its description are compared whole.

use std::fmt::Write as _;

use serde_json::json;
use tributary_protocol::registry::ModelStep;
use tributary_texts::Language;

use super::run::ScoresMade;
use super::world::{NOW, World, manifest, model, schema};
use crate::models::choose;
use crate::models::used::UsedModels;
use crate::whole::{compare, plain};

const DAY: u64 = 86_400;

/// A table with a fault, a customer of two rows, and every stage.
const ROWS: &str =
    "who,age,state,vip\nC1,20,1,\nC2,50,frozen,\nC3,,1,yes\n C1 ,25,1,\nC4,120,1,\nC5,999,1,\nC6,-3,frozen,yes\n";

struct Told(String);

impl Told {
    fn made(&mut self, heading: &str, world: &World, made: Result<(ScoresMade, String), String>) {
        let _ = writeln!(self.0, "== {heading}");
        match made {
            Ok((made, text)) => {
                for line in &made.said {
                    let _ = writeln!(self.0, "{}\n{}", line.text(Language::English), line.text(Language::Chinese));
                }
                let mut note = serde_json::to_value(&made.note).unwrap();
                note["signature"] = json!("signed");
                let _ = writeln!(self.0, "{note:#}\n{text}");
            }
            Err(fault) => {
                let _ = writeln!(self.0, "{fault}");
            }
        }
        let folder = world.at("").display().to_string();
        self.0 = self.0.replace(&folder, "HOME/");
    }
}

#[test]
fn files_of_scores_are_told_as_they_were() {
    let mut told = Told(String::new());
    let (world, _) = World::usual();
    told.made("usual", &world, world.scored());
    world.write("rows.csv", ROWS);
    world.acting();
    told.made("with actions", &world, world.scored());
    let mut options = world.options("champion", "other.csv");
    options.language = Language::Chinese;
    told.made("in Chinese", &world, world.scored_as(&options));
    let settings = std::fs::read_to_string(world.at("client.toml")).unwrap();
    world
        .write("client.toml", &settings.replace("file = \"rows.csv\"", "file = \"rows.csv\"\nfaulty_percent_max = 50"));
    world.write("rows.csv", &format!("{ROWS}C7,young,1,\n"));
    world.write("input.csv", "who,age,state,vip\nD1,20,1,\nD2,x,1,\n");
    let mut options = world.options("champion", "input.scores.csv");
    options.input = Some(world.at("input.csv"));
    told.made("with faults", &world, world.scored());
    told.made("of another table", &world, world.scored_as(&options));
    let (mut world, _) = World::usual();
    world.used(ModelStep::Challenge, &model(3.0));
    let rows: String = (0..40).map(|number| format!("C{number},{},1\n", number * 2)).collect();
    world.write("rows.csv", &format!("who,age,state\n{rows}"));
    world.write(
        "client.toml",
        &format!("{}[scores]\nvalid_days = 366\n", std::fs::read_to_string(world.at("client.toml")).unwrap()),
    );
    // Who is the challenger's a drawn key decides: the lines are put in order, and the models left out.
    let made = world.scored().map(|(mut made, text)| {
        let own: u64 = made.note.models.iter().map(|own| own.rows).sum();
        assert_eq!((own, made.note.rows), (40, 40));
        let shares: Vec<Option<u16>> = made.note.models.iter().map(|own| own.share).collect();
        made.note.models.clear();
        made.said.drain(..2);
        (made, format!("{shares:?} {}\n", text.lines().count()))
    });
    told.made("beside a challenger", &world, made);
    compare(&plain(&told.0, &world.at("")), "score/told.txt");
}

/// Of two purposes one schema is learned: which champion is meant is not known.
#[test]
fn of_several_models_that_fit_a_name_each_is_told() {
    let (mut world, first) = World::usual();
    let mut other = manifest(&model(2.0));
    other.lineage.purpose = "deposits".into();
    world.stated(ModelStep::Promote, &other);
    let chosen = |world: &World, name: &str| {
        let models = UsedModels::read(&world.settings()).unwrap_or_else(|fault| panic!("{fault}"));
        choose(&models, (&world.settings(), &schema()), name, NOW)
            .map(|chosen| chosen.digest)
            .map_err(|fault| fault.to_string())
    };
    let mut both = [first.to_string(), other.digest().to_string()];
    both.sort();
    let told = chosen(&world, "champion").unwrap_err();
    let [one, two] = &both;
    assert!(told.contains("champion") && told.contains(&format!("\n  {one}\n  {two}")), "{told}");
    assert!(told.find("champion") < told.find(one.as_str()), "{told}");
    let digits = first.to_string();
    assert_eq!(chosen(&world, &digits), Ok(first));
    for (name, part) in [
        (&digits[..7], "the first 8 digits"),
        (&format!("{digits}0"), "the first 8 digits"),
        (&digits.to_uppercase()[..20], "the first 8 digits"),
    ] {
        assert!(chosen(&world, name).unwrap_err().contains(part), "{name}");
    }
    // Of another schema is one that is told of as any other, where no other is the champion.
    let (mut world, _) = World::usual();
    world.stated(ModelStep::Retire, &manifest(&model(1.0)));
    let mut foreign = manifest(&model(2.0));
    foreign.schema = tributary_protocol::digest::Digest([9; 32]);
    world.stated(ModelStep::Promote, &foreign);
    assert!(chosen(&world, "champion").unwrap_err().contains("the model is for the schema"));
}

/// A report's last day is the file's, where it comes before the settings' own; one that is over is none.
#[test]
fn a_file_of_scores_lasts_no_longer_than_a_validator_answers_for_its_models() {
    let (world, _) = World::usual();
    let until = |days: &str, now: u64| {
        let settings = std::fs::read_to_string(world.at("client.toml")).unwrap();
        let (head, _) = settings.split_once("[scores]").unwrap_or((&settings, ""));
        world.write("client.toml", &format!("{head}[scores]\nvalid_days = {days}\n"));
        let made = super::run::score(&world.options("champion", "scores.csv"), now);
        made.map(|made| made.note.valid_until - now).unwrap_or_else(|fault| panic!("{fault}"))
    };
    assert_eq!(until("299", NOW), 299 * DAY);
    assert_eq!(until("300", NOW), 300 * DAY);
    assert_eq!(until("301", NOW), 300 * DAY, "the report's");
    assert_eq!(until("20", NOW + 299 * DAY), DAY);
    assert_eq!(until("20", NOW + 300 * DAY), 20 * DAY, "nobody answers for it any more");
}
