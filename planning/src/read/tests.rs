mod bad_values;
mod gates;

use tributary_protocol::plan::{AsOf, Date, ModelRef, Readiness, Rhythm};
use tributary_protocol::secagg::parameters::CoalitionRule;

use super::*;
use crate::settings::ScheduleSettings;

/// The smallest file, with every file it names.
pub(super) const SMALLEST: &str = r#"
[plan]
name = "test"
schema = "file"
model = "logistic"
rounds = 10
privacy = "customer"
epsilon = 2
delta = 1e-6
example_clip_norm = 1.0
customers_nominal = 1000
customers_max = 2000
[plan.optimizer]
kind = "sgd"
learning_rate = 0.5
[schedule]
not_before = 2027-01-01
not_after = "2027-12-31"
[charter]
legal_basis = "consent"
assessment_reference = "PIA 1"
assessment_digest = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
assessment_date = 2026-11-02
ticket = "CHG 1"
data_assets = ["customers"]
intended_use = "tests"
prohibited_use = "anything else"
materiality = "low"
review_by = 2027-12-31
organisation = 1
[[charter.agreement]]
organisation = 3
reference = "AGR 3"
file = "file"
until = 2027-06-30
[[charter.agreement]]
organisation = 2
reference = "AGR 2"
digest = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
until = 2028-06-30
"#;

const DAY: u64 = 86_400;

pub(super) fn load(text: &str) -> Result<PlanSettings, Faults> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), b"text").unwrap();
    let path = folder.path().join("plan.toml");
    std::fs::write(&path, text).unwrap();
    PlanSettings::load(&path)
}

/// [`SMALLEST`] with one line replaced.
fn changed(line: &str, by: &str) -> Result<PlanSettings, Faults> {
    assert!(SMALLEST.contains(line), "no line {line}");
    load(&SMALLEST.replacen(line, by, 1))
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let plan = load(SMALLEST).unwrap();
    assert_eq!((plan.retries, plan.session_rounds, plan.initial_model), (1, 16, ModelRef::Seed(1)));
    assert_eq!((plan.ring, plan.clip_units, plan.model.clone()), (Ring::Bits64, None, ModelKind::Logistic));
    assert_eq!(plan.cohort, CohortRule::USUAL);
    assert_eq!(plan.optimizer, UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.9 });
    assert_eq!((plan.round_deadline_ms, plan.keying_deadline_ms), (60_000, 30_000));
    assert_eq!(changed("rounds = 10", "rounds = 200").unwrap().retries, 10);
    assert_eq!(plan.mechanism.retention, Retention { uploads_dimension_max: 4096, sums: true, days: 3650 });
    let ScheduleSettings { runs_max, schedule, readiness, epsilon_all_runs } = plan.schedule;
    assert_eq!(readiness, Readiness::NONE);
    assert_eq!((runs_max, epsilon_all_runs, schedule.rhythm), (1, None, Rhythm::Interval { seconds: 0 }));
    // A comment of the sample names each default: the sample with all of them switched on says the same.
    for default in [
        "session_rounds = 16",
        "round_deadline_ms = 60000",
        "keying_deadline_ms = 30000",
        "uploads_dimension_max = 4096",
        "sums = true",
        "days = 3650",
        "initial_model = \"seed\"",
        "seed = 1",
        "interval_days = 0",
        "ready_min = 0",
    ] {
        assert!(crate::SAMPLE.contains(&format!("# {default}")), "{default}");
    }
}

#[test]
fn the_day_of_the_data_is_a_rule_or_a_date() {
    let read = |line: &str| changed("[schedule]", &format!("[schedule]\n{line}")).map(|plan| plan.schedule.readiness);
    let rows = [
        ("as_of = \"month-end\"", AsOf::MonthEnd),
        ("as_of = \"0 days before\"", AsOf::DaysBefore { days: 0 }),
        ("as_of = \"1 day before\"", AsOf::DaysBefore { days: 1 }),
        ("as_of = \"366 days before\"", AsOf::DaysBefore { days: 366 }),
        ("as_of = 2026-12-31", AsOf::Day(Date::parse("2026-12-31").unwrap())),
        ("as_of = \"2026-12-31\"", AsOf::Day(Date::parse("2026-12-31").unwrap())),
    ];
    for (line, as_of) in rows {
        assert_eq!(read(line).unwrap(), Readiness { as_of, ready_min: 0 }, "{line}");
    }
    for bad in ["2026-11-31", "367 days before", "+1 days before", "01 days before", "days before", "month-end ", ""] {
        let faults = read(&format!("as_of = \"{bad}\"")).unwrap_err().faults;
        assert_eq!((faults.len(), faults[0].key.as_str()), (1, "schedule.as_of"), "{bad}");
    }
    assert_eq!(read("ready_min = 8").unwrap().ready_min, 8);
    let faults = read("ready_min = 7").unwrap_err().faults;
    assert_eq!((faults.len(), faults[0].key.as_str()), (1, "schedule.ready_min"));
    assert!(faults[0].allowed.contains("plan.cohort.cohort_min (8)"), "{}", faults[0].allowed);
}

#[test]
fn agreements_are_tables() {
    let (head, _) = SMALLEST.split_once("[[charter.agreement]]").unwrap();
    assert!(load(head).unwrap().charter.agreements.is_empty());
    let faults = load(&format!("{head}agreement = 2\n")).map(|_| ()).unwrap_err().faults;
    assert_eq!((faults[0].key.as_str(), faults.len()), ("charter.agreement", 1));
    assert!(faults[0].allowed.contains("[[charter.agreement]]"));
}

#[test]
fn dates_are_whole_days_and_agreements_ascend() {
    let plan = load(SMALLEST).unwrap();
    let schedule = plan.schedule.schedule;
    assert_eq!((schedule.not_after + 1 - schedule.not_before) / DAY, 365);
    assert_eq!((schedule.not_before % DAY, schedule.not_after % DAY), (0, DAY - 1));
    assert_eq!(plan.charter.review_by, schedule.not_after);
    let agreements = plan.charter.agreements;
    assert_eq!(agreements.iter().map(|one| one.organisation.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(agreements[1].document, Digest::of(b"text"), "a document is named by its file as well");
    assert_eq!(plan.charter.assessment.at % DAY, 0);
}

#[test]
fn a_plan_names_a_year_and_its_kind_or_neither() {
    let digest = Digest::of(b"year").to_string();
    let year = |lines: &str| changed("organisation = 1", &format!("organisation = 1\n{lines}"));
    let named = year(&format!("year = '{digest}'\nyear_kind = 'churn'")).unwrap().charter.year.expect("it names one");
    assert_eq!((named.year, named.kind.raw()), (Digest::of(b"year"), "churn"));
    assert_eq!(year("").unwrap().charter.year, None);
    for (lines, key) in [
        (format!("year = '{digest}'"), "charter.year_kind"),
        ("year_kind = 'churn'".to_owned(), "charter.year"),
        (format!("year = '{digest}'\nyear_kind = 'Churn runs'"), "charter.year_kind"),
        ("year = '5d11'\nyear_kind = 'churn'".to_owned(), "charter.year"),
        (format!("year = '{}'\nyear_kind = 'churn'", digest.to_uppercase()), "charter.year"),
    ] {
        let faults = year(&lines).map(|_| ()).unwrap_err().faults;
        assert!(faults.len() == 1 && faults[0].key == key, "{lines}: {faults:?}");
    }
}

#[test]
fn runs_begin_from_what_the_plan_says() {
    let model = |lines: &str| changed("rounds = 10", &format!("rounds = 10\n{lines}")).unwrap().initial_model;
    assert_eq!(model("seed = 7"), ModelRef::Seed(7));
    assert_eq!(model("initial_model = 'seed'\nseed = 7"), ModelRef::Seed(7));
    assert_eq!(model("initial_model = 'zero'"), ModelRef::Zero);
    assert_eq!(model("initial_model = 'previous-run'"), ModelRef::PreviousRun);
    assert_eq!(model("initial_model = 'champion'"), ModelRef::Champion);
    let digest = Digest::of(b"model");
    assert_eq!(model(&format!("initial_model = '{digest}'")), ModelRef::Digest(digest));
}

#[test]
fn the_sample_is_a_plan_and_has_every_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.toml");
    let schema = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples/schemas/bank_full.toml");
    std::fs::copy(schema, folder.path().join("schema.toml")).unwrap();
    for name in ["assessment.pdf", "agreement.pdf"] {
        std::fs::write(folder.path().join(name), b"").unwrap();
    }
    std::fs::write(&path, crate::SAMPLE).unwrap();
    let settings = PlanSettings::load(&path).unwrap_or_else(|faults| panic!("{faults}"));
    crate::build(&settings).unwrap_or_else(|fault| panic!("{fault:?}"));
    // Every `# key = value` that fits the sample's choices can be switched on; the rest is refused by name, not as unknown.
    let switched = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        let key = rest.split_once(" = ").map(|(key, _)| key);
        let is_key = |key: &str| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
        (key.is_some_and(is_key) || rest.starts_with('[')).then(|| rest.to_owned())
    };
    let all: Vec<String> =
        crate::SAMPLE.lines().map(|line| switched(line).unwrap_or_else(|| line.to_owned())).collect();
    std::fs::write(&path, all.join("\n")).unwrap();
    let faults = PlanSettings::load(&path).expect_err("a fault");
    let keys: Vec<&str> = faults.faults.iter().map(|fault| fault.key.as_str()).collect();
    let other_choice = [
        "plan.hidden",
        "plan.features.edges",
        "plan.staged.groups",
        "plan.staged.labels_share",
        "plan.staged.first_rounds",
        "plan.staged.momentum",
        "plan.staged.first_step",
        "plan.staged.step",
        "plan.staged.step_max",
        "plan.staged.floor",
        "plan.staged.pairs",
        "plan.staged.pair_groups",
        "plan.staged.pair_share",
        "plan.staged.head_shares",
        "plan.staged.negative_weights",
        "plan.staged.positive_weights",
        "plan.staged.monotone",
        "plan.local.steps",
        "plan.local.learning_rate",
        "plan.local.update_clip_norm",
        "plan.local.adaptive",
        "plan.cohort.coalition_permille",
        "plan.optimizer.beta1",
        "plan.optimizer.beta2",
        "plan.optimizer.epsilon",
        "schedule.monthly_day",
        "charter.assessment_file",
        "charter.agreement.1.file",
        "gates.pilot.share",
    ];
    assert_eq!(keys, other_choice, "{faults}");
}

#[test]
fn all_faults_come_at_once() {
    let faults = load("[plan]\nrounds = 0\nprivacy = 'none'\n[[charter.agreement]]\n").expect_err("a fault");
    let keys: Vec<&str> = faults.faults.iter().map(|fault| fault.key.as_str()).collect();
    for key in [
        "plan.schema",
        "plan.rounds",
        "plan.optimizer.kind",
        "schedule.not_before",
        "schedule.not_after",
        "charter.legal_basis",
        "charter.assessment_reference",
        "charter.assessment_digest",
        "charter.assessment_date",
        "charter.ticket",
        "charter.data_assets",
        "charter.intended_use",
        "charter.prohibited_use",
        "charter.materiality",
        "charter.review_by",
        "charter.organisation",
        "charter.agreement.1.organisation",
        "charter.agreement.1.reference",
        "charter.agreement.1.digest",
        "charter.agreement.1.until",
    ] {
        assert!(keys.contains(&key), "{key} in {keys:?}");
    }
    assert!(!keys.contains(&"plan.epsilon"));
}

/// Who must fill in a key of the charter is told what it is for.
#[test]
fn each_missing_field_of_the_charter_has_its_reason() {
    for (line, key, reason) in [
        ("legal_basis = \"consent\"", "legal_basis", "the law or the consent"),
        ("assessment_reference = \"PIA 1\"", "assessment_reference", "what they risk"),
        ("assessment_date = 2026-11-02", "assessment_date", "an old one is seen"),
        ("ticket = \"CHG 1\"", "ticket", "change ticket"),
        ("data_assets = [\"customers\"]", "data_assets", "the institution's register"),
        ("intended_use = \"tests\"", "intended_use", "what the model is for"),
        ("prohibited_use = \"anything else\"", "prohibited_use", "must not be used for"),
        ("materiality = \"low\"", "materiality", "how much depends"),
        ("review_by = 2027-12-31", "review_by", "no run begins afterwards"),
        ("organisation = 1", "organisation", "whose plan this is"),
    ] {
        let faults = changed(line, "").map(|_| ()).expect_err(line).faults;
        let [fault] = faults.as_slice() else { panic!("{line}: {faults:?}") };
        assert_eq!((fault.key.as_str(), fault.found.as_str()), (format!("charter.{key}").as_str(), "nothing"));
        assert!(fault.allowed.contains(reason), "{fault:?}");
    }
}

/// The core allows a twentieth of the rounds, rounded up, and three where that is less; the largest number passes the core as well.
#[test]
fn as_many_retries_are_read_as_a_plan_may_have() {
    for (rounds, most) in [(1, 0), (2, 3), (60, 3), (61, 4), (1000, 50)] {
        let plan = |retries| changed("rounds = 10", &format!("rounds = {rounds}\nretries = {retries}"));
        assert_eq!(plan(most).unwrap().retries, most);
        assert!(plan(most + 1).is_err());
    }
}

#[test]
fn what_is_kept_can_be_chosen() {
    let by = "[plan.retention]\nuploads_dimension_max = 0\nsums = false\ndays = 1\n[plan.optimizer]";
    let retention = changed("[plan.optimizer]", by).unwrap().mechanism.retention;
    assert_eq!(retention, Retention { uploads_dimension_max: 0, sums: false, days: 1 });
}

#[test]
fn a_consortium_names_its_operator_and_the_organisations_that_may_help_it() {
    let rule = |lines: &str| {
        let by = format!("[plan.cohort]\ncoalition = \"organisations\"\n{lines}\n[plan.optimizer]");
        changed("[plan.optimizer]", &by).unwrap().cohort.coalition
    };
    let expected =
        |others, outside_min| CoalitionRule::Organisations { operator: OrganisationId(7), others, outside_min };
    assert_eq!(rule("coalition_operator = 7"), expected(1, 2));
    assert_eq!(rule("coalition_operator = 7\ncoalition_others = 2\noutside_min = 3"), expected(2, 3));
}

#[test]
fn an_mlp_without_noise_in_the_small_ring_is_read() {
    let text = SMALLEST
        .replace("model = \"logistic\"", "model = \"mlp\"\nhidden = [16]\nring = 32")
        .replace("privacy = \"customer\"\nepsilon = 2\ndelta = 1e-6", "privacy = \"none\"");
    let plan = load(&text).unwrap();
    assert_eq!(plan.model, ModelKind::Mlp { hidden: vec![16] });
    assert_eq!((plan.ring, plan.privacy), (Ring::Bits32, PrivacyTarget::None));
}
