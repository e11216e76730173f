use tributary_protocol::ids::OrganisationId;
use tributary_protocol::secagg::parameters::CoalitionRule;

use super::*;

/// The smallest file, with every file it names.
const SMALLEST: &str = r#"
[coordinator]
listen = "127.0.0.1:0"
state_dir = "state"
[identity]
certificate = "file"
private_key = "file"
signing_key = "file"
ca_certificate = "file"
roster = "file"
authorities = "file"
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
"#;

fn load(text: &str) -> Result<Settings, Faults> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), b"").unwrap();
    let path = folder.path().join("coordinator.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load(&path)
}

/// [`SMALLEST`] with one line replaced.
fn changed(line: &str, by: &str) -> Result<Settings, Faults> {
    assert!(SMALLEST.contains(line), "no line {line}");
    load(&SMALLEST.replacen(line, by, 1))
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let settings = load(SMALLEST).unwrap();
    let plan = &settings.plan;
    assert_eq!((settings.gather_ms, plan.retries, plan.session_rounds, plan.seed), (30_000, 1, 16, 1));
    assert!(settings.identity.renew);
    assert_eq!((plan.ring, plan.clip_units, plan.model.clone()), (Ring::Bits64, None, ModelKind::Logistic));
    let cohort = CohortRule::USUAL;
    assert_eq!(plan.cohort, cohort);
    assert_eq!(plan.optimizer, UpdateRule::Sgd { learning_rate: 0.5, momentum: 0.9 });
    assert_eq!((plan.round_deadline_ms, plan.keying_deadline_ms), (60_000, 30_000));
    assert_eq!(changed("rounds = 10", "rounds = 200").unwrap().plan.retries, 10);
    assert_eq!(plan.mechanism.retention, Retention { uploads_dimension_max: 4096, sums: true, days: 3650 });
    // A comment of the sample names each default: the sample with all of them switched on says the same.
    let sample = include_str!("../../../docs/samples/coordinator.toml");
    for default in [
        "gather_ms = 30000",
        "session_rounds = 16",
        "round_deadline_ms = 60000",
        "keying_deadline_ms = 30000",
        "uploads_dimension_max = 4096",
        "sums = true",
        "days = 3650",
    ] {
        assert!(sample.contains(&format!("# {default}")), "{default}");
    }
}

#[test]
fn the_sample_has_every_key_and_no_fault() {
    let sample = include_str!("../../../docs/samples/coordinator.toml");
    let folder = tempfile::tempdir().unwrap();
    let (centre, authority) = (folder.path().join("centre"), folder.path().join("ca"));
    std::fs::create_dir_all(centre.join("identity")).unwrap();
    std::fs::create_dir(&authority).unwrap();
    for name in ["identity.pem", "identity.key", "signing.key", "trust.pem", "roster", "authorities"] {
        std::fs::write(centre.join("identity").join(name), b"").unwrap();
    }
    for name in ["revocations.pem", "issuing.pem"] {
        std::fs::write(authority.join(name), b"").unwrap();
    }
    std::fs::write(centre.join("schema.toml"), b"").unwrap();
    let path = centre.join("coordinator.toml");
    std::fs::write(&path, sample).unwrap();
    let settings = Settings::load(&path).unwrap();
    assert_eq!(settings.state_dir, centre.join("state"));
    assert_eq!(settings.heads_dir, centre.join("heads"), "beside it");
    // Every `# key = value` that fits the sample's choices can be switched on; the rest is refused by name, not as unknown.
    let all: String = sample
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if rest.split_once(" = ").is_some_and(|(key, _)| {
                    key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
                }) || rest.starts_with('[') =>
            {
                rest
            }
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n");
    std::fs::write(&path, &all).unwrap();
    let faults = Settings::load(&path).err().expect("a fault");
    let keys: Vec<&str> = faults.faults.iter().map(|fault| fault.key.as_str()).collect();
    let other_choice = [
        // A token is not here, nor the feature that would open it.
        "identity.token.module",
        "identity.private_key",
        "plan.hidden",
        "plan.local.steps",
        "plan.local.learning_rate",
        "plan.local.update_clip_norm",
        "plan.local.adaptive",
        "plan.cohort.coalition_permille",
        "plan.optimizer.beta1",
        "plan.optimizer.beta2",
        "plan.optimizer.epsilon",
    ];
    assert_eq!(keys, other_choice, "{faults}");
}

#[test]
fn each_bad_value_is_named_with_what_is_allowed() {
    let cases = [
        ("listen = \"127.0.0.1:0\"", "listen = \"127.0.0.1\"", "coordinator.listen", "HOST:PORT"),
        ("listen = \"127.0.0.1:0\"", "listen = \":80\"", "coordinator.listen", "HOST:PORT"),
        ("state_dir = \"state\"", "", "coordinator.state_dir", "a path"),
        ("state_dir = \"state\"", "state_dir = 's'\ngather_ms = -1", "coordinator.gather_ms", "0 to 86400000"),
        ("state_dir = \"state\"", "state_dir = 's'\ncolour = 1", "coordinator.colour", "listen"),
        ("authorities = \"file\"", "authorities = \"none\"", "identity.authorities", "a file that exists"),
        ("name = \"test\"", "name = \"\"", "plan.name", "1 to 64 bytes"),
        ("name = \"test\"", "name = \"te\\u202Est\"", "plan.name", "marks of direction"),
        ("name = \"test\"", "name = \"test\"\npurpose = \"a\\u001B[2J\"", "plan.purpose", "control characters"),
        ("model = \"logistic\"", "model = \"forest\"", "plan.model", "logistic, mlp"),
        ("model = \"logistic\"", "model = \"mlp\"\nhidden = []", "plan.hidden", "one hidden layer"),
        ("model = \"logistic\"", "model = \"logistic\"\nhidden = [8]", "plan.hidden", "model = \"mlp\""),
        ("model = \"logistic\"", "model = \"logistic\"\nring = 48", "plan.ring", "32 or 64"),
        ("model = \"logistic\"", "model = \"logistic\"\nclip_units = 100", "plan.clip_units", "256 to 1048576"),
        ("rounds = 10", "rounds = 0", "plan.rounds", "1 to 1000000"),
        ("rounds = 10", "rounds = 10\nretries = 4", "plan.retries", "0 to 3"),
        ("rounds = 10", "rounds = 61\nretries = 5", "plan.retries", "0 to 4"),
        ("rounds = 10", "rounds = 1\nretries = 1", "plan.retries", "0 to 0"),
        ("rounds = 10", "rounds = 10\nsession_rounds = 65", "plan.session_rounds", "1 to 64"),
        ("epsilon = 2", "epsilon = 0", "plan.epsilon", "above 0"),
        ("delta = 1e-6", "delta = 1e-3", "plan.delta", "1 / customers_nominal"),
        ("privacy = \"customer\"", "privacy = \"none\"", "plan.epsilon", "a privacy mode with noise"),
        ("privacy = \"customer\"", "privacy = \"secret\"", "plan.privacy", "customer, local, branch, none"),
        ("privacy = \"customer\"", "privacy = \"branch\"\nsampling_rate = 0.5", "plan.sampling_rate", "\"local\""),
        ("rounds = 10", "rounds = 10\nsampling_rate = 0", "plan.sampling_rate", "above 1e-9"),
        ("rounds = 10", "rounds = 10\noverlap_max = 2\nsampling_rate = 0.5", "plan.sampling_rate", "not one coin"),
        ("rounds = 10", "rounds = 10\noverlap_max = 17", "plan.overlap_max", "1 to 16"),
        (
            "[plan.optimizer]",
            "[plan.local]\nsteps = 2\n[plan.optimizer]",
            "plan.local.steps",
            "\"local\" and \"branch\"",
        ),
        ("[plan.optimizer]", "[plan.evaluation]\nbins = 1\n[plan.optimizer]", "plan.evaluation.bins", "2 to 1000"),
        (
            "[plan.optimizer]",
            "[plan.statistics]\nbudget_share = 0.6\n[plan.optimizer]",
            "plan.statistics.budget_share",
            "0.5",
        ),
        ("customers_max = 2000", "customers_max = 999", "plan.customers_max", "customers_nominal (1000)"),
        ("example_clip_norm = 1.0", "example_clip_norm = -1", "plan.example_clip_norm", "above 0"),
        ("kind = \"sgd\"", "kind = \"sgd\"\nbeta1 = 0.5", "plan.optimizer.beta1", "kind = \"adam\""),
        ("kind = \"sgd\"", "kind = \"adam\"\nmomentum = 0.5", "plan.optimizer.momentum", "kind = \"sgd\""),
        ("kind = \"sgd\"", "kind = \"sgd\"\ntail_fraction = 1.5", "plan.optimizer.tail_fraction", "from 0 to 1"),
        ("learning_rate = 0.5", "learning_rate = 0", "plan.optimizer.learning_rate", "above 0"),
        (
            "[plan.optimizer]",
            "[plan.retention]\nuploads_dimension_max = 4097\n[plan.optimizer]",
            "plan.retention.uploads_dimension_max",
            "0 to 4096",
        ),
        ("[plan.optimizer]", "[plan.retention]\ndays = 0\n[plan.optimizer]", "plan.retention.days", "1 to 36500"),
        ("[plan.optimizer]", "[plan.retention]\nsums = 1\n[plan.optimizer]", "plan.retention.sums", "true or false"),
        ("[plan.optimizer]", "[plan.cohort]\nhonest_min = 0\n[plan.optimizer]", "plan.cohort.honest_min", "1 to 256"),
        (
            "[plan.optimizer]",
            "[plan.cohort]\ncoalition_permille = 334\n[plan.optimizer]",
            "plan.cohort.coalition_permille",
            "0 to 333",
        ),
        (
            "[plan.optimizer]",
            "[plan.cohort]\ncoalition = \"some\"\n[plan.optimizer]",
            "plan.cohort.coalition",
            "fraction, organisations",
        ),
        (
            "[plan.optimizer]",
            "[plan.cohort]\ncoalition_others = 1\n[plan.optimizer]",
            "plan.cohort.coalition_others",
            "coalition = \"organisations\"",
        ),
        (
            "[plan.optimizer]",
            "[plan.cohort]\ncoalition = \"organisations\"\n[plan.optimizer]",
            "plan.cohort.coalition_operator",
            "an integer from 0",
        ),
        (
            "[plan.optimizer]",
            "[plan.cohort]\ncoalition = \"organisations\"\ncoalition_operator = 7\ncoalition_permille = 200\n[plan.optimizer]",
            "plan.cohort.coalition_permille",
            "coalition = \"fraction\"",
        ),
        (
            "[plan.optimizer]",
            "[plan.cohort]\ncoalition = \"organisations\"\ncoalition_operator = 7\noutside_min = 1\n[plan.optimizer]",
            "plan.cohort.outside_min",
            "2 to",
        ),
        ("[plan.optimizer]", "[plan.cohorts]\nhonest_min = 1\n[plan.optimizer]", "plan.cohorts", "customers_max"),
    ];
    for (line, by, key, allowed) in cases {
        let faults = changed(line, by).map(|_| ()).expect_err(by);
        let fault = faults.faults.iter().find(|fault| fault.key == key).unwrap_or_else(|| panic!("{by}: {faults}"));
        assert!(fault.allowed.contains(allowed), "{by}: {faults}");
    }
}

/// The core allows a twentieth of the rounds, rounded up, and three where that is less; the largest number passes the core as well.
#[test]
fn as_many_retries_are_read_as_a_plan_may_have() {
    for (rounds, most) in [(1, 0), (2, 3), (60, 3), (61, 4), (1000, 50)] {
        let plan = |retries| changed("rounds = 10", &format!("rounds = {rounds}\nretries = {retries}"));
        assert_eq!(plan(most).unwrap().plan.retries, most);
        assert!(plan(most + 1).is_err());
        let mut settings = crate::plan::tests::settings();
        (settings.rounds, settings.retries) = (rounds, most);
        assert!(crate::Job::build(&settings).is_ok());
        settings.retries = most + 1;
        assert_eq!(crate::Job::build(&settings).map(|_| ()).unwrap_err().key, "plan.retries");
    }
}

#[test]
fn what_is_kept_can_be_chosen() {
    let by = "[plan.retention]\nuploads_dimension_max = 0\nsums = false\ndays = 1\n[plan.optimizer]";
    let retention = changed("[plan.optimizer]", by).unwrap().plan.mechanism.retention;
    assert_eq!(retention, Retention { uploads_dimension_max: 0, sums: false, days: 1 });
}

#[test]
fn a_consortium_names_its_operator_and_the_organisations_that_may_help_it() {
    let rule = |lines: &str| {
        let by = format!("[plan.cohort]\ncoalition = \"organisations\"\n{lines}\n[plan.optimizer]");
        changed("[plan.optimizer]", &by).unwrap().plan.cohort.coalition
    };
    let expected =
        |others, outside_min| CoalitionRule::Organisations { operator: OrganisationId(7), others, outside_min };
    assert_eq!(rule("coalition_operator = 7"), expected(1, 2));
    assert_eq!(rule("coalition_operator = 7\ncoalition_others = 2\noutside_min = 3"), expected(2, 3));
}

#[test]
fn all_faults_come_at_once() {
    let faults = load("[plan]\nrounds = 0\nprivacy = 'none'\n").err().expect("a fault");
    let keys: Vec<&str> = faults.faults.iter().map(|fault| fault.key.as_str()).collect();
    for key in ["coordinator.listen", "identity.roster", "plan.schema", "plan.rounds", "plan.optimizer.kind"] {
        assert!(keys.contains(&key), "{key} in {keys:?}");
    }
    assert!(!keys.contains(&"plan.epsilon"));
}

#[test]
fn an_mlp_without_noise_in_the_small_ring_is_read() {
    let text = SMALLEST
        .replace("model = \"logistic\"", "model = \"mlp\"\nhidden = [16]\nring = 32")
        .replace("privacy = \"customer\"\nepsilon = 2\ndelta = 1e-6", "privacy = \"none\"");
    let plan = load(&text).unwrap().plan;
    assert_eq!(plan.model, ModelKind::Mlp { hidden: vec![16] });
    assert_eq!((plan.ring, plan.privacy), (Ring::Bits32, PrivacyTarget::None));
}
