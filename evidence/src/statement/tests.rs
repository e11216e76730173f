use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId, SessionId};
use tributary_protocol::plan::{NoiseShare, Plan, PrivacyMode};
use tributary_protocol::privacy::{Accounts, RdpVector, Unit};
use tributary_protocol::roster::{Roster, RosterGroup};
use tributary_protocol::round::cast;
use tributary_protocol::round::{CoordinatorEvent, RoundDescriptor, RoundHead, SessionView};
use tributary_protocol::secagg::parameters::{CoalitionRule, Thresholds};
use tributary_protocol::time::Millis;

use super::*;
use crate::stated::{Stated, compare};
use tributary_model::server_optimizer::{OptimizerFields, OptimizerSettings, UpdateRule};
use tributary_model::stage::{
    EvaluateSettings, GradientSettings, LocalSettings, StageSettings, round_charge, stated_charge,
};
use tributary_model::update::{ClipForm, ClipSettings, LocalRule};

const VIEW: Digest = Digest([3; 32]);
const SESSION: SessionId = SessionId([4; 32]);

/// A ledger of the first `rounds` rounds of every stage, of nine branches.
fn ledger(plan: &Plan, rounds: u32) -> Vec<CoordinatorEvent> {
    let run = cast::run(plan.clone());
    let thresholds =
        Thresholds { coalition_max: 2, holder_cap: 9, quorum: 6, threshold: 6, survivors_min: 8, honest_min: 6 };
    let view = SessionView { session: SESSION, view: VIEW, thresholds };
    let mut events = vec![
        CoordinatorEvent::RunOpened {
            plan: Box::new(plan.clone()),
            approvals: Box::new(cast::approvals(plan)),
            number: 1,
            model: cast::first_model(),
            begun: Millis(0),
        },
        CoordinatorEvent::RosterAdopted { roster: Box::new(cast::roster(9)), group_size: 9 },
    ];
    let mut number = 0;
    for (stage, terms) in (0..).zip(&plan.stages) {
        for _ in 0..terms.rounds.min(rounds) {
            number += 1;
            let (round, model) = (RoundId(number), VIEW);
            let descriptor = RoundDescriptor::derive(&run, &view, RoundHead { round, stage, model }).unwrap();
            events.push(CoordinatorEvent::RoundStarted { descriptor });
            let survivors = (1..=9 - u32::from(number == 1)).map(ClientId).collect();
            events.push(CoordinatorEvent::SurvivorsFrozen { round, survivors, digest: VIEW });
            events.push(CoordinatorEvent::RoundCommitted { round, sum: VIEW, model });
        }
        events.push(CoordinatorEvent::StageConcluded { stage, model: VIEW });
    }
    events
}

fn clip() -> ClipSettings {
    ClipSettings { example_clip_norm: 1.5, clip_units: 1 << 20, form: ClipForm::Exact, loss_bound: Some(4.0) }
}

fn optimizer() -> OptimizerSettings {
    let update_rule = UpdateRule::Sgd { learning_rate: 0.75, momentum: 0.9 };
    OptimizerSettings::new(OptimizerFields { update_rule, tail_start: None }).unwrap()
}

fn local(adaptive: bool) -> StageSettings {
    let rule = LocalRule { steps: 3, learning_rate: 0.5, update_clip_norm: 1.0 };
    StageSettings::Local(LocalSettings { clip: clip(), rule, adaptive, optimizer: optimizer() })
}

/// A plan whose first stage says that it is of these settings. Its numbers stay the plan's.
fn of_kind(mut plan: Plan, settings: StageSettings) -> Plan {
    plan.stages[0].kind = settings.kind().into();
    plan.stages[0].settings = settings.encode();
    plan
}

/// A plan that sums gradients.
fn gradients() -> Plan {
    of_kind(cast::plan(), StageSettings::Gradient(GradientSettings { clip: clip(), optimizer: optimizer() }))
}

fn without_noise() -> Plan {
    let mut bare = Plan { privacy: PrivacyMode::None, delta_bits: 0, ..gradients() };
    bare.stages[0].noise_variance = 0;
    bare.stages[0].charge = Accounts::zero();
    bare
}

fn statement(plan: &Plan, rounds: u32) -> Statement {
    Statement::of(&Facts::read(&ledger(plan, rounds)).unwrap())
}

#[test]
fn figures_follow_from_the_ledger() {
    // z = 44.7 over 5 rounds of at most 8.
    let made = statement(&cast::plan(), 5);
    let figures = made.figures;
    assert_eq!((figures.rounds, figures.rounds_charged, figures.rounds_charged_max), (5, 5, 8));
    assert_eq!((figures.survivors_fewest, figures.honest_fewest), (Some(8), Some(6)));
    let release = RdpVector::gaussian(1, 2000);
    let enforced = |rounds| Some(tributary_model::privacy::epsilon_of(&release.times(rounds), 1e-6).0);
    assert_eq!((figures.epsilon_plan, figures.epsilon_spent), (enforced(8), enforced(5)));
    assert_eq!((figures.epsilon_run, made.run, made.runs), (enforced(8), 1, 1));
    let tight = figures.epsilon_spent_tight.unwrap();
    assert!(tight < figures.epsilon_spent.unwrap() && tight > 0.8 * figures.epsilon_spent.unwrap());
    // Everybody else works together: a sixth of the noise is left, over all eight rounds.
    let alone =
        tributary_model::privacy::accountant::GaussianDp::round((2000.0_f64 / 6.0).sqrt()).times(8.0).epsilon(1e-6);
    assert!((figures.epsilon_collusion.unwrap() / alone - 1.0).abs() < 1e-3, "{figures:?} {alone}");
    assert_eq!(made.questions.len(), 24);
    assert!(made.questions.iter().enumerate().all(|(index, answer)| answer.number as usize == index + 1));
    assert_eq!(made.model, Some(VIEW.to_string()));
    let [release] = made.releases.as_slice() else { panic!("{:?}", made.releases) };
    assert_eq!((release.committed, release.charged, release.charged_max), (5, 5, 8));
    assert!((release.noise_multiplier.unwrap() - 2000.0_f64.sqrt()).abs() < 1e-6 && release.sampling_rate == 1.0);
}

/// A plan that may run again promises for all its runs together, and says what one of them may cost.
#[test]
fn several_runs_are_stated_together_and_apart() {
    let plan = Plan { runs: 12, ..gradients() };
    let made = statement(&plan, 5);
    let enforced =
        |rounds| Some(tributary_model::privacy::epsilon_of(&RdpVector::gaussian(1, 2000).times(rounds), 1e-6).0);
    assert_eq!((made.figures.epsilon_plan, made.figures.epsilon_run), (enforced(96), enforced(8)));
    assert_eq!((made.run, made.runs), (1, 12));
    assert!(made.to_string().contains("  run         1 of 12\n"));
    // What is left where everybody else works together is of one run.
    assert_eq!(made.protections[0].epsilon_run, enforced(8));
    assert_eq!(made.figures.epsilon_collusion, statement(&gradients(), 5).figures.epsilon_collusion);
}

/// A kind that this version does not know is counted by its numbers, and its content is not guessed.
#[test]
fn a_kind_from_elsewhere_is_stated_by_its_numbers() {
    let made = statement(&cast::plan(), 5);
    assert_eq!(made.releases[0].kind, "probe");
    assert!(made.releases[0].content.contains("cannot read"), "{:?}", made.releases[0]);
    assert_eq!(made.figures, statement(&gradients(), 5).figures);
}

/// Whether the model was evaluated is said of the rounds that were committed.
#[test]
fn an_evaluation_is_said_to_be_one() {
    let mut plan = gradients();
    let evaluate = StageSettings::Evaluate(EvaluateSettings { clip_units: 10, bins: 2, groups: None });
    plan.stages.push(tributary_protocol::plan::Stage {
        kind: evaluate.kind().into(),
        settings: evaluate.encode(),
        rounds: 1,
        ..cast::stage()
    });
    let answer = |made: &Statement| made.questions[21].answer.clone();
    assert!(answer(&statement(&plan, 5)).contains("Histograms of scores"));
    assert!(answer(&statement(&plan, 0)).contains("Not measured"));
    assert!(answer(&statement(&gradients(), 5)).contains("Not measured"));
}

#[test]
fn the_same_ledger_makes_the_same_statement() {
    let plan = cast::counting_plan();
    let (first, second) = (statement(&plan, 5), statement(&plan, 5));
    assert_eq!(first.to_string(), second.to_string());
    assert_eq!(
        first.releases.iter().map(|release| release.kind.as_str()).collect::<Vec<_>>(),
        ["count", "probe", "evaluate"]
    );
    assert!(first.figures.epsilon_plan > statement(&cast::plan(), 5).figures.epsilon_plan, "counting rounds cost");
}

/// A plan of every mode, and one with a coin.
fn modes() -> Vec<Plan> {
    let mut modes = vec![gradients()];
    modes.push(of_kind(cast::branch_plan(), local(true)));
    let mut own = of_kind(Plan { privacy: PrivacyMode::Local, overlap_max: 2, ..cast::plan() }, local(false));
    let steps = &mut own.stages[0];
    (steps.noise, steps.summed, steps.releases) = (NoiseShare::Inside, Unit::Branch, 6);
    steps.charge = stated_charge(steps, PrivacyMode::Local);
    modes.push(own);
    let mut sampled = gradients();
    let stage = &mut sampled.stages[0];
    stage.sampling_threshold = 1 << 62;
    stage.charge = stated_charge(stage, PrivacyMode::Customer);
    assert!(round_charge(stage, PrivacyMode::Customer).at_most(&stage.charge));
    modes.push(sampled);
    modes.push(without_noise());
    modes
}

#[test]
fn every_mode_says_what_it_protects() {
    let modes = modes();
    let texts: Vec<String> = modes.iter().map(|plan| statement(plan, 4).to_string()).collect();
    for (index, (text, plan)) in texts.iter().zip(&modes).enumerate() {
        assert!(text.contains(plan.privacy.name()), "{text}");
        assert!(texts[..index].iter().all(|other| other != text));
        assert!(!text.contains("NOT below"), "{text}");
    }
    assert!(texts[1].contains("1.5 and 1 in stage 1 (local), written into the plan"), "{}", texts[1]);
    assert!(texts[1].contains("data of a given branch was used") && texts[1].contains("follows the noised share"));
    assert!(texts[2].contains("masks or no masks") && texts[2].contains("at 2 branches at most"));
    assert!(texts[3].contains("secret coin of its branch") && texts[3].contains("with probability 0.250000"));
    assert!(texts[0].contains("1.5 in stage 1 (gradient), written into the plan"), "{}", texts[0]);
    assert!(texts[4].contains("Nothing is promised about a customer"));
    let spent = |index: usize| Facts::read(&ledger(&modes[index], 4)).unwrap().spent();
    let steps = RdpVector::gaussian(1, 2000).times(4 * 3 * 2);
    assert_eq!(spent(2), Accounts::customers(steps), "each local step at each of two branches");
    assert!(spent(3).at_most(&spent(0)), "a coin makes it cheaper");
}

#[test]
fn in_mode_branch_a_customer_has_an_epsilon_of_its_own() {
    let made = statement(&cast::branch_plan(), 5);
    let enforced = |square, rounds| {
        let spent = RdpVector::gaussian(square, 2000).times(rounds);
        Some(tributary_model::privacy::epsilon_of(&spent, 1e-6).0)
    };
    let figures = made.figures;
    assert_eq!((figures.epsilon_plan, figures.epsilon_spent), (enforced(1, 8), enforced(1, 5)));
    assert_eq!((figures.epsilon_customer_plan, figures.epsilon_customer_spent), (enforced(4, 8), enforced(4, 5)));
    let words = format!("For one customer of a branch it is epsilon = {:.4}", enforced(4, 8).unwrap());
    assert!(made.claim.contains(&words) && made.to_string().contains("for a customer of a branch"), "{}", made.claim);
    let other = statement(&cast::plan(), 5).figures;
    assert_eq!((other.epsilon_customer_plan, other.epsilon_customer_spent), (None, None), "the customer is the unit");
}

#[test]
fn shares_need_honest_others_and_the_whole_noise_needs_nobody() {
    let made = statement(&gradients(), 5);
    let [shared, alone, full] = made.protections.as_slice() else { panic!("{:?}", made.protections) };
    let release = RdpVector::gaussian(1, 2000);
    let enforced = |rounds| Some(tributary_model::privacy::epsilon_of(&release.times(rounds), 1e-6).0);
    // z = 44.72 over S = 2^20 units, once and over the eight rounds that may be charged: the same for both, against others.
    for protection in [shared, full] {
        assert_eq!((protection.epsilon_round, protection.epsilon_run), (enforced(1), enforced(8)));
    }
    let group = "up to 200 per thousand of the 9 members of the roster's group \"all\", rounded up to 2,";
    assert!(shared.against.contains(group) && shared.by.contains("one in 6"), "{shared:?}");
    assert!(full.who.contains("own_noise = \"full\"") && full.against.contains("everybody else together"), "{full:?}");
    assert!(
        full.by.contains("z = 44.7214 times the sensitivity S = 1048576.0 units of a release of stage 1 (gradient)"),
        "{full:?}"
    );
    assert_eq!(alone.epsilon_run, made.figures.epsilon_collusion);
    assert!(alone.epsilon_round > full.epsilon_round && alone.epsilon_run > full.epsilon_run, "{alone:?}");

    let operator = OrganisationId(7);
    let mut banks = cast::plan();
    banks.cohort.coalition = CoalitionRule::Organisations { operator, others: 1, outside_min: 2 };
    let made = statement(&banks, 5);
    let against = &made.protections[0].against;
    assert!(
        against.contains("all participants of organisation 7") && against.contains("of any other one"),
        "{against}"
    );
    let text = made.to_string();
    for part in ["Who is protected from whom", "Who sees what", "speaks for that organisation alone", "sees the models"]
    {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    // The answers say the same as the lists.
    assert!(made.questions[16].answer.contains("own_noise = \"full\""), "{}", made.questions[16].answer);
    assert!(made.visibility.iter().all(|line| made.questions[18].answer.contains(line)));
}

#[test]
fn the_group_and_its_size_are_those_of_the_newest_roster() {
    let plan = Plan { group: "pilot".into(), ..gradients() };
    let mut events = ledger(&plan, 5);
    let stated = |events: &[CoordinatorEvent]| Statement::of(&Facts::read(events).unwrap());
    assert!(stated(&events).to_string().contains("  group       \"pilot\" of the signed roster, 0 members\n"));
    let entries = (1..=40).map(|number| cast::entry(ClientId(number))).collect();
    let group = RosterGroup { name: "pilot".into(), members: (1..=31).map(ClientId).collect() };
    let last: &Roster = &cast::roster(9).roster;
    let roster = Box::new(cast::roster_after(last, entries, vec![group]));
    events.push(CoordinatorEvent::RosterAdopted { roster, group_size: 31 });
    let made = stated(&events);
    assert_eq!((made.group.as_str(), made.group_size), ("pilot", 31));
    assert!(made.protections[0].against.contains("rounded up to 7,"), "{:?}", made.protections[0]);
}

#[test]
fn where_no_noise_is_shared_there_is_one_protection() {
    let made = statement(&without_noise(), 5);
    assert_eq!((made.protections.len(), made.protections[0].epsilon_run), (1, None));
    assert!(made.protections[0].by.contains("no noise") && !made.questions[16].answer.contains("full"));
}

#[test]
fn without_a_plan_nothing_is_stated() {
    assert_eq!(Facts::read(&[]).err(), Some(NothingStated));
}

/// What every mode says in sentences. Where one changes, `STATEMENT_WORDING` is raised: a statement of another release is then told from an edited one.
#[test]
fn sentences_of_a_wording_stay_as_they_are() {
    let mut plans = modes();
    plans.push(cast::counting_plan());
    let mut text = format!("wording {STATEMENT_WORDING}\n");
    for plan in &plans {
        let made = statement(plan, 4);
        text += &format!("\n# {}\n{}\n{}\n{}\n", plan.privacy.name(), made.unit, made.neighbours, made.claim);
        let lists = [made.visibility, made.assumptions, made.not_promised];
        let contents = made.releases.into_iter().map(|release| release.content);
        let protections = made.protections.into_iter().flat_map(|one| [one.who, one.against, one.by]);
        let answers = made.questions.into_iter().flat_map(|one| [one.question.to_owned(), one.answer]);
        let changes = made.changes.into_iter().map(str::to_owned);
        for line in lists.into_iter().flatten().chain(contents).chain(protections).chain(answers).chain(changes) {
            text += &format!("{line}\n");
        }
    }
    let written = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/statement/sentences.txt");
    crate::written::compare(&text, &written);
}

/// A registered file against the statement that follows: last digits of figures may differ, and nothing else.
#[test]
fn a_registered_statement_is_the_one_that_follows_or_is_not() {
    let own = statement(&gradients(), 5);
    let text = String::from_utf8(crate::statement_file(&own)).unwrap();
    let spent = own.figures.epsilon_spent.unwrap();
    let figure = format!("\"epsilon_spent\": {spent}");
    let near = format!("\"epsilon_spent\": {}", spent * (1.0 + 1e-12));
    let (wording, version) = (("\"wording\": 1,", "\"wording\": 2,"), ("\"version\": 1,", "\"version\": 9,"));
    let sentence = ("Whoever sees", "Nobody who sees");
    let low = "\"epsilon_spent\": 0.01";
    let twice = format!("{low},\n    {figure}");
    let [padded, commas] = [format!("{figure}000"), format!("{figure},,")];
    for (changes, expected) in [
        (vec![], Stated::Same),
        (vec![(figure.as_str(), near.as_str())], Stated::Same),
        (vec![(figure.as_str(), low)], Stated::Other),
        (vec![(figure.as_str(), twice.as_str())], Stated::Other),
        (vec![(figure.as_str(), "\"epsilon_spent\": -1e99999999")], Stated::Other),
        (vec![(figure.as_str(), "\"epsilon_spent\": 1e99999999")], Stated::Other),
        (vec![(figure.as_str(), "\"epsilon_spent\": inf")], Stated::Other),
        (vec![(figure.as_str(), padded.as_str())], Stated::Other),
        (vec![(figure.as_str(), commas.as_str())], Stated::Other),
        (vec![wording, (figure.as_str(), "\"epsilon_spent\": -1e99999999")], Stated::Other),
        (vec![("\"rounds\": 5", "\"rounds\": 6")], Stated::Other),
        (vec![("\"rounds\": 5", "\"rounds\": 5.0")], Stated::Other),
        (vec![sentence], Stated::Other),
        (vec![wording], Stated::OtherWording(2)),
        (vec![wording, sentence], Stated::OtherWording(2)),
        (vec![wording, (figure.as_str(), low)], Stated::Other),
        (vec![wording, ("\"mode\": \"customer\"", "\"mode\": \"branch\"")], Stated::Other),
        (vec![("\"wording\": 1,", "\"wording\": \"2\","), sentence], Stated::Other),
        (vec![("\"wording\": 1,", "\"wording\": 2.5,"), sentence], Stated::Other),
        (vec![("\"wording\": 1,\n", "\n")], Stated::Other),
        (vec![version], Stated::OtherForm(9)),
        (vec![("{", "[")], Stated::Other),
    ] {
        let file = changes.iter().fold(text.clone(), |text, (old, new)| {
            assert!(text.contains(old), "{old}");
            text.replacen(old, new, 1)
        });
        let found = compare(&own, &Digest::of(file.as_bytes()), Some(file.as_bytes()));
        assert_eq!(found, expected, "{changes:?}");
    }
    let registered = Digest::of(text.as_bytes());
    assert_eq!(compare(&own, &registered, Some(b"{}")), Stated::OtherFile);
    assert_eq!(compare(&own, &registered, None), Stated::Same, "its digest shows what it says");
    assert_eq!(compare(&own, &VIEW, None), Stated::Unknown);
}
