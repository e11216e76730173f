use tributary_protocol::plan::{AsOf, Date, Gate, Materiality, Measure, Pilot, PilotGroup, Rhythm, YearShare};
use tributary_protocol::privacy::Month;
use tributary_protocol::role::Action;

use super::*;
use crate::file::PlanFile;
use crate::file::tests::{FEDERATION, people, plan, plan_of};
use crate::year::file::tests::signed;

const SCHEMA: &str = include_str!("../../../docs/samples/schemas/bank_full.toml");

fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap()
}

fn keys(plan: &Plan, level: Level) -> Vec<String> {
    let lint = Lint::of(plan, Beside { slowest_ms: Some(0), schema: Some(&schema()), ..Beside::default() });
    lint.findings.into_iter().filter(|finding| finding.level == level).map(|finding| finding.key).collect()
}

#[test]
fn a_privacy_officer_reads_this_of_the_sample() {
    let (last, now) = (plan(""), plan(""));
    let (last, schema) = (Plan { runs: 6, ..last }, schema());
    let beside = Beside { last: Some(&last), slowest_ms: Some(40), schema: Some(&schema), ..Beside::default() };
    let lint = Lint::of(&now, beside);
    let told = lint.to_string();
    assert_eq!(told, include_str!("golden.txt"), "{told}");
    assert!(!lint.is_at_fault());
}

#[test]
fn a_plan_that_cannot_run_is_at_fault() {
    type Change = fn(&mut Plan);
    let rows: [(&str, Change); 12] = [
        ("charter.intended_use", |plan| plan.charter.intended_use = "tests\u{202e}".into()),
        ("charter.prohibited_use", |plan| plan.charter.prohibited_use = "\u{1b}".repeat(200).as_str().into()),
        ("charter.data_assets", |plan| plan.charter.data_assets.push("a\nb".into())),
        ("charter.agreement", |plan| plan.charter.agreements[0].reference = "\u{7f}".into()),
        ("charter.year_kind", |plan| {
            plan.charter.year =
                Some(YearShare { year: tributary_protocol::digest::Digest::ZERO, kind: "churn\u{202e}".into() });
        }),
        ("schedule.as_of", |plan| {
            plan.readiness.as_of = AsOf::Day(Date::of_second(plan.schedule.not_after + 86_400));
            plan.runs = 1;
        }),
        ("plan", |plan| plan.runs = 0),
        ("plan", |plan| plan.stages[0].dimension += 1),
        ("schedule.epsilon_all_runs", |plan| plan.cap = plan.charge_of_run().missing_to(&plan.charge_of_run())),
        ("schedule.not_after", |plan| {
            plan.schedule.rhythm = Rhythm::Monthly { day: 20 };
            plan.schedule.not_after = plan.schedule.not_before + 86_400;
        }),
        ("charter.review_by", |plan| plan.charter.review_by = plan.schedule.not_before - 1),
        ("charter.agreement", |plan| plan.charter.agreements[0].until = plan.schedule.not_before - 1),
    ];
    assert_eq!(keys(&plan(""), Level::Fault), Vec::<String>::new());
    for (key, change) in rows {
        let mut plan = plan("");
        change(&mut plan);
        assert_eq!(keys(&plan, Level::Fault), [key]);
    }
}

#[test]
fn what_an_approver_should_ask_is_told() {
    type Change = fn(&mut Plan);
    let rows: [(&str, Change); 11] = [
        ("gates.label", |plan| plan.gates.limits.clear()),
        ("gates.card", |plan| plan.gates.card = false),
        ("gates.pilot.days", |plan| {
            let group = PilotGroup::Share(1_000);
            plan.gates.pilot = Some(Pilot { group, copies_min: 1, seconds_min: 0 });
        }),
        ("schedule.as_of", |plan| plan.readiness.as_of = AsOf::Undeclared),
        ("schedule.as_of", |plan| {
            (plan.readiness.as_of, plan.runs) = (AsOf::Day(Date::of_second(plan.schedule.not_before)), 2);
        }),
        ("plan.epsilon", |plan| plan.cap = plan.charge_max().times(100)),
        ("plan.delta", |plan| plan.delta_bits = 1e-3_f64.to_bits()),
        ("plan.cohort.organisations_min", |plan| plan.cohort.organisations_min = 1),
        ("charter.agreement", |plan| plan.charter.agreements[0].until = plan.schedule.not_before),
        ("charter.review_by", |plan| plan.charter.review_by = plan.schedule.not_before + 2 * YEAR),
        ("charter.assessment_date", |plan| plan.charter.assessment.at = 0),
    ];
    let mut quiet = plan("");
    (quiet.cohort.organisations_min, quiet.runs, quiet.cap) = (2, 1, quiet.charge_of_run());
    quiet.gates.limits.push(Gate { label: "deposit".into(), measure: Measure::Auc, limit: 7_000 });
    assert_eq!(keys(&quiet, Level::Ask), Vec::<String>::new());
    for (key, change) in rows {
        let mut plan = quiet.clone();
        if key == "plan.epsilon" {
            plan.runs = 100;
        }
        change(&mut plan);
        assert!(keys(&plan, Level::Ask).iter().any(|found| found == key), "{key}: {:?}", keys(&plan, Level::Ask));
    }
    for (slowest_ms, asked) in [(None, true), (Some(4), false), (Some(5), false), (Some(6), true)] {
        let lint = Lint::of(&quiet, Beside { slowest_ms, ..Beside::default() });
        assert_eq!(lint.findings.iter().any(|finding| finding.key == "plan.upload_offset_ms"), asked, "{slowest_ms:?}");
    }
}

/// Whatever the plan's own evaluation cannot give, no model ever passes.
#[test]
fn a_gate_that_nothing_measures_is_at_fault() {
    let text = format!(
        "{}\n[plan.evaluation]\nbins = 28\n[[gates.label]]\nlabel = \"deposit\"\nauc_min = 0.7\n",
        crate::SAMPLE
    );
    let measured = plan_of(&text);
    assert_eq!(keys(&measured, Level::Fault), Vec::<String>::new());
    type Change = fn(&mut Plan);
    let rows: [(&str, &str, Change); 5] = [
        ("gates.label", "no evaluation", |plan| drop(plan.stages.pop())),
        ("plan.retention.sums", "opened sums", |plan| plan.retention.sums = false),
        ("gates.label", "no label", |plan| plan.gates.limits[0].label = "churn".into()),
        ("gates.label", "no groups", |plan| plan.gates.limits[0].measure = Measure::FoundGap),
        ("gates.label", "not shown as it is", |plan| plan.gates.limits[0].label = "a\u{202e}".into()),
    ];
    for (key, words, change) in rows {
        let mut plan = measured.clone();
        change(&mut plan);
        let findings = Lint::of(&plan, Beside::default()).findings;
        let told = |one: &&Finding| one.level == Level::Fault && one.key == key && one.text.as_str().contains(words);
        assert!(findings.iter().any(|one| told(&one)), "{words}: {findings:?}");
    }
    let lint = Lint::of(&measured, Beside::default()).to_string();
    assert!(
        lint.contains("AUC of deposit at least 0.7; a model card; a report that a model validator has signed"),
        "{lint}"
    );
}

#[test]
fn a_weak_mode_is_said_first() {
    for (mode, begin) in [("none", "MODE NONE"), ("branch", "MODE BRANCH")] {
        let told = Lint::of(&plan(mode), Beside::default()).to_string();
        assert!(told.starts_with(begin), "{told}");
    }
}

/// Whatever the method, a plan of few customers is asked about, and one of many is not.
#[test]
fn noise_that_leaves_little_to_learn_is_asked_about() {
    let (head, rest) = crate::SAMPLE.split_once("\n[plan.optimizer]\n").unwrap();
    let staged =
        head.replace("example_clip_norm = 1.0\n", "method = \"staged\"\n").replace("rounds = 40\n", "rounds = 200\n");
    let staged = format!("{staged}{}", &rest[rest.find("\n[schedule]\n").unwrap()..]);
    let network = crate::SAMPLE.replace("model = \"logistic\"", "model = \"mlp\"\nhidden = [16]");
    let local = crate::SAMPLE.replace("privacy = \"customer\"", "privacy = \"local\"");
    let local = local.replace("learning_rate = 1.0\n", "learning_rate = 1.0\nmomentum = 0.0\n");
    for text in [crate::SAMPLE, &staged, &network, &local] {
        let asked = |customers: &str| {
            let text = text.replace("customers_nominal = 40000", &format!("customers_nominal = {customers}"));
            let text = text
                .replace("customers_max = 100000", "customers_max = 50000000")
                .replace("delta = 1e-6", "delta = 1e-8");
            let lint = Lint::of(&plan_of(&text), Beside { schema: Some(&schema()), ..Beside::default() });
            let told = lint.questions.iter().any(|one| one.answer.to_string().contains("logits"));
            assert!(told, "{lint}");
            lint.findings.iter().any(|one| one.text.to_string().contains("worse than it could"))
        };
        assert!(asked("600"), "{text}");
        assert!(text == local || !asked("20000000"), "{text}");
    }
    let without = Lint::of(&plan(""), Beside::default());
    assert!(!without.questions.iter().any(|one| one.answer.to_string().contains("logits")), "{without}");
}

/// The sample's plan as a run of the sample's year: monthly, of kind churn.
fn under_a_year(change: impl FnOnce(&mut Plan, &mut YearFile)) -> Vec<Finding> {
    let (mut plan, mut file) = (plan(""), signed(&people()));
    plan.charter.year = Some(YearShare { year: file.year.digest(), kind: "churn".into() });
    change(&mut plan, &mut file);
    Lint::of(&plan, Beside { year: Some(&file), slowest_ms: Some(0), ..Beside::default() }).findings
}

/// What is at fault between a plan and its year.
fn misfit(change: impl FnOnce(&mut Plan, &mut YearFile)) -> Vec<(String, String)> {
    let found = under_a_year(change).into_iter().filter(|one| one.level == Level::Fault);
    found.map(|one| (one.key, one.text.to_string())).collect()
}

#[test]
fn a_plan_fits_its_year_or_is_told_where_it_does_not() {
    assert_eq!(misfit(|_, _| {}), []);
    type Change = fn(&mut Plan, &mut YearFile);
    // The year's digest follows what is changed in it.
    fn year(plan: &mut Plan, file: &mut YearFile, change: impl FnOnce(&mut YearFile)) {
        change(file);
        plan.charter.year = Some(YearShare { year: file.year.digest(), kind: "churn".into() });
    }
    let rows: &[(&str, &str, Change)] = &[
        ("charter.year", "the plan names no year", |plan, _| plan.charter.year = None),
        ("charter.year", "the file holds the year", |_, file| file.year.months -= 1),
        ("charter.year", "two people have not signed the year", |_, file| file.approval = None),
        ("charter.year_kind", "no runs of kind scoring; its kinds are churn, validation", |plan, _| {
            plan.charter.year.as_mut().expect("it names one").kind = "scoring".into();
        }),
        ("plan.epsilon", "the year gives a run of kind churn epsilon 0.5", |plan, file| {
            year(plan, file, |file| file.year.kinds[0].epsilon = 0.5);
        }),
        // The same noise comes to more at a smaller delta.
        ("plan.epsilon", "at delta 1e-9", |plan, file| year(plan, file, |file| file.year.delta = 1e-9)),
        ("schedule", "1 in 2027-02, where the year has 0; 1 in 2027-03, where the year has 0", |plan, file| {
            year(plan, file, |file| file.year.kinds[0].every = 12);
        }),
        ("schedule", "and so in 8 more months", |plan, file| year(plan, file, |file| file.year.kinds[0].every = 12)),
        ("schedule", "12 in 2027-01, where the year has 1", |plan, _| {
            plan.schedule.rhythm = Rhythm::Interval { seconds: 0 };
        }),
        ("schedule", "1 in 2027-01, where the year has 0", |plan, file| {
            year(plan, file, |file| {
                (file.year.begins, file.year.kinds[0].first) = (Month(2027 * 12 + 1), Month(2027 * 12 + 1))
            });
        }),
    ];
    for (key, text, change) in rows {
        let found = misfit(change);
        assert!(found.iter().any(|(at, told)| at == key && told.contains(text)), "{text}: {found:?}");
        assert!(found.iter().all(|(at, _)| at == key), "{text}: {found:?}");
    }
    let none = {
        let (mut plan, file) = (plan("none"), signed(&people()));
        plan.charter.year = Some(YearShare { year: file.year.digest(), kind: "churn".into() });
        Lint::of(&plan, Beside { year: Some(&file), ..Beside::default() })
    };
    assert!(none.findings.iter().any(|one| one.key == "charter.year" && one.text.contains("adds no noise")));
}

#[test]
fn what_a_year_leaves_open_is_asked() {
    let mut plan = plan("");
    plan.charter.year = Some(YearShare { year: signed(&people()).year.digest(), kind: "churn".into() });
    assert!(keys(&plan, Level::Ask).contains(&"charter.year".to_owned()), "nobody gave the year");
    // Every 31 days never begins twice in a month, unless a run begins late.
    let asked = under_a_year(|plan, _| plan.schedule.rhythm = Rhythm::Interval { seconds: 31 * 86_400 });
    assert!(!asked.iter().any(|one| one.key == "schedule"), "{asked:?}");
    let asked =
        under_a_year(|plan, _| (plan.schedule.rhythm, plan.runs) = (Rhythm::Interval { seconds: 30 * 86_400 }, 2));
    let late = asked.iter().find(|one| one.level == Level::Ask && one.key == "schedule");
    assert!(late.is_some_and(|one| one.text.contains("can come to 2 in one month")), "{asked:?}");
}

#[test]
fn a_rejection_is_said_first() {
    let people = people();
    let mut file = PlanFile::new(plan(""));
    file.sign(Action::ProposePlan, &people.owner, FEDERATION, 1).unwrap();
    file.reject("too weak", &people.officer, FEDERATION, 2).unwrap();
    let lint = Lint::of(&file.plan, Beside { rejection: file.rejection.as_ref(), ..Beside::default() });
    let first = lint.findings.first().expect("one");
    assert!(lint.is_at_fault() && first.text.contains("north-bank/e2 (privacy-officer) has rejected it: too weak"));
}

#[test]
fn to_what_is_shipped_a_weak_mode_is_a_fault() {
    let shipped = Beside { build: Build::SHIPPED, ..Beside::default() };
    for (mode, begin) in [("none", "MODE NONE"), ("branch", "MODE BRANCH")] {
        let lint = Lint::of(&plan(mode), shipped);
        let told = lint.to_string();
        assert!(lint.is_at_fault() && told.starts_with(begin), "{told}");
        assert!(told.contains("FAULT  plan.privacy: the plan's mode is") && told.contains("weak-modes"), "{told}");
    }
    assert!(!Lint::of(&plan(""), shipped).is_at_fault());
}

/// A field that is of grave level, one without a reason and an audit column are all told by name.
#[test]
fn an_approver_is_told_of_levels_reasons_and_uses() {
    let judged = |text: &str, change: fn(&mut Plan)| {
        let schema = Schema::parse(text).unwrap_or_else(|faults| panic!("{faults}"));
        let mut plan = plan("");
        plan.schema = schema.digest();
        change(&mut plan);
        let lint = Lint::of(&plan, Beside { schema: Some(&schema), slowest_ms: Some(0), ..Beside::default() });
        (lint.is_at_fault(), lint.to_string())
    };
    let usual = |_: &mut Plan| {};
    let (at_fault, told) = judged(SCHEMA, usual);
    let answer = "15 inputs: 6 of level 1 (low), 5 of level 2 (personal), 4 of level 3 (sensitive); needed: \"work, household and";
    assert!(!at_fault && told.contains(answer), "{told}");
    assert!(told.contains("; no audit column; the highest level of all is level 3 (sensitive)"), "{told}");

    let reason = SCHEMA.lines().find(|line| line.starts_with("necessity = ")).unwrap();
    let each = SCHEMA.replace(reason, "").replace("level = \"L3\"", "level = \"L3\"\nnecessity = \"debts\"");
    let (at_fault, told) = judged(&each, usual);
    let asked =
        "ask    schema.necessity: personal data without a reason: age, job, marital, education, poutcome; ask why";
    assert!(!at_fault && told.contains(asked), "{told}");

    let audit = SCHEMA.replace("name = \"marital\"", "name = \"marital\"\nuse = \"audit\"\nnecessity = \"fair\"");
    assert!(judged(&audit, usual).1.contains("for audits alone, and never learned from: marital; the highest"));

    let severe = SCHEMA.replacen("level = \"L3\"", "level = \"L4\"\nnecessity = \"debts\"", 1);
    let (at_fault, told) = judged(&severe, usual);
    assert!(at_fault && told.contains("FAULT  charter.materiality: the plan learns from data of level 4"), "{told}");
    let (at_fault, told) = judged(&severe, |plan| plan.charter.materiality = Materiality::High);
    assert!(
        !at_fault && told.contains("ask    schema.level: default is of level 4 (severe), and is learned"),
        "{told}"
    );
}

#[test]
fn a_schema_that_nobody_gave_is_asked_for_and_another_one_is_a_fault() {
    let plan = plan("");
    let told = Lint::of(&plan, Beside::default()).to_string();
    assert!(told.contains("ask    plan.schema: nobody gave the schema here (--schema)"), "{told}");
    let other = Schema::parse(&SCHEMA.replace("version = 1", "version = 2")).unwrap();
    let lint = Lint::of(&plan, Beside { schema: Some(&other), ..Beside::default() });
    assert!(lint.is_at_fault() && lint.to_string().contains("judge the plan by its own schema"), "{lint}");
}
