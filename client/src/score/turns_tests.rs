//! A challenger beside the champion, and a model in pilot: who scores whom.

use std::collections::BTreeMap;
use std::fs;

use tributary_protocol::registry::ModelStep;
use tributary_texts::Language;

use super::run::{ScoreOptions, ScoresMade, Unplaced, score};
use super::world::{NOW, SHARE, World, manifest, model};
use crate::contact;

/// So many rows, of customers in four spellings of a key.
fn rows(world: &World, customers: usize) {
    let rows: String = (0..customers).map(|number| format!("C{number},{},1\n", number % 90)).collect();
    world.write("rows.csv", &format!("who,age,state\n{rows}"));
}

/// Which model scored each customer, with score and tenth.
fn told(text: &str) -> BTreeMap<String, (String, f64, u8)> {
    let line = |line: &str| {
        let values: Vec<&str> = line.split(',').collect();
        let (score, tenth) = (values[1].parse().unwrap(), values[3].parse().unwrap());
        (values[0].to_owned(), (values.last().unwrap().to_string(), score, tenth))
    };
    text.lines().skip(1).map(line).collect()
}

#[test]
fn a_challenger_scores_its_share_and_each_customer_stays_with_one_model() {
    let (mut world, champion) = World::usual();
    rows(&world, 4_000);
    let alone = told(&world.scored().unwrap().1);
    assert!(!world.at("state/turns.key").exists());
    let challenger = world.used(ModelStep::Challenge, &model(3.0));
    let (made, text) = world.scored().unwrap();
    let both = told(&text);
    let whole = told(&world.scored_as(&world.options("challenger", "all.csv")).unwrap().1);
    assert_eq!((alone.len(), both.len(), whole.len()), (4_000, 4_000, 4_000));
    let mut tenths = BTreeMap::<(&str, u8), u32>::new();
    for (customer, (by, score, tenth)) in &both {
        let own = if *by == challenger.short() { &whole } else { &alone };
        assert_eq!((by, score), (&own[customer].0, &own[customer].1), "{customer}");
        *tenths.entry((by, *tenth)).or_default() += 1;
    }
    let theirs = both.values().filter(|(by, ..)| *by == challenger.short()).count();
    // Four thousand drawn with a tenth: a standard deviation of 19.
    assert!((300..500).contains(&theirs), "{theirs}");
    // Each model has its own tenths: equal scores share one, so that the highest holds a tenth at least.
    for (by, customers) in [(champion.short(), 4_000 - theirs), (challenger.short(), theirs)] {
        let highest = tenths[&(by.as_str(), 1)] as usize;
        assert!((customers / 10..=customers / 5).contains(&highest), "{highest} of {customers}");
    }
    let [first, second] = made.note.models.as_slice() else { panic!("{:?}", made.note.models) };
    assert_eq!((&first.model, first.state.as_str(), first.share), (&champion.to_string(), "champion", None));
    assert_eq!(
        (&second.model, second.state.as_str(), second.share),
        (&challenger.to_string(), "challenger", Some(SHARE))
    );
    assert_eq!((first.rows, second.rows), ((4_000 - theirs) as u64, theirs as u64));
    let said = made.said[1].text(Language::English);
    assert!(said.contains(&format!("{theirs} of them by the challenger {challenger}: it scores 10 %")), "{said}");

    // The next month, in another order and spelling, with other customers around them, they are the same.
    let turned: String = (0..6_000).rev().map(|number| format!(" c{number} ,{},1\n", number % 50)).collect();
    world.write("rows.csv", &format!("who,age,state\n{turned}"));
    let later = told(&world.scored().unwrap().1);
    for (customer, (by, ..)) in &both {
        assert_eq!(later[&customer.to_lowercase()].0, *by, "{customer}");
    }
    // Whoever names the champion by its digest means it alone.
    let by_digest = world.scored_as(&world.options(&champion.to_string(), "alone.csv")).unwrap();
    assert_eq!(by_digest.0.note.models.len(), 1);
    // Another branch, with another key, draws other customers.
    fs::remove_file(world.at("state/turns.key")).unwrap();
    let others = told(&world.scored().unwrap().1);
    assert!(later.iter().any(|(customer, own)| others[customer].0 != own.0));
    // Once it is withdrawn the champion scores all.
    world.stated(ModelStep::Withdraw, &manifest(&model(3.0)));
    assert_eq!(world.scored().unwrap().0.note.models.len(), 1);
}

/// Nobody is left without a score because a challenger is late, and people are told.
#[test]
fn a_challenger_that_cannot_score_here_leaves_its_customers_to_the_champion() {
    let (mut world, champion) = World::usual();
    rows(&world, 200);
    let challenger = manifest(&model(3.0));
    world.stated(ModelStep::Challenge, &challenger);
    let absent = |world: &World| {
        let (made, text) = world.scored().unwrap();
        assert!(told(&text).values().all(|(by, ..)| *by == champion.short()));
        assert_eq!(made.note.models.len(), 1);
        made.said.iter().map(|line| line.text(Language::English).to_owned()).collect::<Vec<_>>().join("\n")
    };
    let said = absent(&world);
    assert!(said.contains("The champion scores all:") && said.contains("not here yet or no more"), "{said}");
    world.used(ModelStep::Challenge, &model(3.0));
    assert_eq!(world.scored().unwrap().0.note.models.len(), 2);
    let parameters = world.at("state/models").join(challenger.digest().to_string()).join("parameters");
    let mut bytes = fs::read(&parameters).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(parameters, bytes).unwrap();
    assert!(absent(&world).contains("these are not the parameters of the model"));
    // A key that others may read is a fault, and not another draw.
    world.used(ModelStep::Challenge, &model(4.0));
    fs::write(world.at("state/turns.key"), "none").unwrap();
    let refused = score(&world.options("champion", "scores.csv"), NOW).err().unwrap().to_string();
    assert!(refused.contains("turns.key"), "{refused}");
}

/// The statement names the pilot's branches: elsewhere the model is not the champion, and not kept.
#[test]
fn a_model_in_pilot_scores_at_the_branches_of_its_pilot_alone() {
    let (mut world, champion) = World::usual();
    let pilot = manifest(&model(2.0));
    world.stated_of(ModelStep::Pilot, &pilot, false);
    let by = |world: &World| {
        let note = world.scored().unwrap().0.note;
        let own = &note.models[0];
        (own.model.clone(), own.state.clone())
    };
    assert_eq!(by(&world), (champion.to_string(), "champion".into()));
    let named = world.scored_as(&world.options(&pilot.digest().to_string(), "pilot.csv")).err().unwrap();
    assert!(named.contains("its files are not here"), "{named}");
    // At a branch of the pilot it scores in the champion's place, and the challenger its share of the pilot's.
    world.used(ModelStep::Pilot, &model(2.0));
    assert_eq!(by(&world), (pilot.digest().to_string(), "pilot".into()));
    world.used(ModelStep::Challenge, &model(5.0));
    rows(&world, 300);
    let note = world.scored().unwrap().0.note;
    let states: Vec<&str> = note.models.iter().map(|own| own.state.as_str()).collect();
    assert_eq!(states, ["pilot", "challenger"]);
    // Another champion ends the pilot.
    world.champion(&model(7.0));
    assert_eq!(by(&world), (manifest(&model(7.0)).digest().to_string(), "champion".into()));
}

/// Whoever refuses while scores are made leaves the counts and tenths of both models, and the file is the one that a new reading of the table makes.
#[test]
fn customers_of_both_models_who_refuse_meanwhile_are_in_no_count_and_no_tenth() {
    let (mut world, _) = World::usual();
    rows(&world, 400);
    world.used(ModelStep::Challenge, &model(3.0));
    let (settings, config) = (world.settings(), world.at("client.toml"));
    let mut excluded = 0;
    for (name, gb18030) in [("scores.csv", false), ("gb.csv", true), ("scores.parquet", false)] {
        let options = ScoreOptions { gb18030, ..world.options("champion", name) };
        let begun = Unplaced::of(&options, &settings, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        for number in excluded..excluded + 30 {
            contact::exclude(&config, &format!("c-{number}"), NOW).unwrap_or_else(|fault| panic!("{fault}"));
        }
        excluded += 30;
        let made = begun.placed(&settings, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        let file = fs::read(&options.output).unwrap();
        let counted: u64 = made.note.models.iter().map(|own| own.rows).sum();
        assert_eq!((made.note.rows, counted), (400 - excluded, 400 - excluded), "{name}");
        let again = score(&options, NOW).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(fs::read(&options.output).unwrap() == file, "{name}");
        assert_eq!(made.note, again.note, "{name}");
        let said = |made: &ScoresMade| made.said.iter().map(|line| line.text(Language::Chinese).to_owned()).collect();
        let [first, second]: [Vec<String>; 2] = [said(&made), said(&again)];
        assert_eq!(first, second, "{name}");
    }
}
