//! `tributary privacy`: figures against the published ones, and what it refuses.

use std::fs;
use std::path::Path;

use crate::needed;
use crate::support::run;

const KEYS: [&str; 7] =
    ["epsilon_enforced", "epsilon_gdp", "epsilon_pld", "epsilon_rdp", "noise_multiplier", "order", "version"];

fn figures(arguments: &[&str]) -> serde_json::Value {
    let finished = run(["privacy"].iter().chain(arguments).chain(&["--json"]));
    assert_eq!(finished.code, Some(0), "{arguments:?}: {} {}", finished.out, finished.err);
    let found = finished.json();
    let keys: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, KEYS, "{arguments:?}");
    found
}

fn account(q: &str, z: &str, rounds: &str, delta: &str) -> serde_json::Value {
    figures(&["account", "--sampling-rate", q, "--noise-multiplier", z, "--rounds", rounds, "--delta", delta])
}

fn number(found: &serde_json::Value, key: &str) -> f64 {
    found[key].as_f64().unwrap_or_else(|| panic!("{key} in {found}"))
}

#[test]
fn every_accountant_gives_its_published_figure() {
    // Sampling, noise, rounds, delta; RDP at integer orders and its order, loss distributions, exact.
    let full = account("1", "10", "100", "1e-6");
    assert!((number(&full, "epsilon_rdp") / 5.222_428_660_953_289 - 1.0).abs() < 1e-9, "{full}");
    assert!((number(&full, "epsilon_pld") - 4.886_554).abs() < 0.005, "{full}");
    assert!((number(&full, "epsilon_gdp") / 4.886_554_117_462_212 - 1.0).abs() < 1e-9, "{full}");
    assert!(number(&full, "epsilon_enforced") >= number(&full, "epsilon_rdp"), "{full}");
    assert!((number(&full, "epsilon_enforced") - 5.222_428).abs() < 1e-5, "{full}");
    assert_eq!((&full["order"], &full["noise_multiplier"]), (&6.into(), &10.0.into()));

    let sampled = account("0.05", "2", "200", "1e-6");
    assert!((number(&sampled, "epsilon_rdp") / 1.951_806_548_191_748 - 1.0).abs() < 1e-9, "{sampled}");
    assert!((number(&sampled, "epsilon_pld") - 1.792_055).abs() < 0.005, "{sampled}");
    assert_eq!((&sampled["order"], &sampled["epsilon_gdp"]), (&12.into(), &serde_json::Value::Null));
}

#[test]
fn noise_is_calibrated_on_what_is_enforced_or_on_the_tight_figure() {
    let target = ["calibrate", "--epsilon", "2", "--delta", "1e-6", "--rounds", "100", "--sampling-rate", "0.2"];
    let enforced = figures(&target);
    assert!((number(&enforced, "noise_multiplier") / 4.982 - 1.0).abs() < 0.01, "{enforced}");
    let spent = number(&enforced, "epsilon_enforced");
    assert!(spent <= 2.0 && spent > 1.999, "{enforced}");
    let tight = figures(&[&target[..], &["--by", "pld"]].concat());
    assert!((number(&tight, "noise_multiplier") / 4.661_05 - 1.0).abs() < 0.01, "{tight}");
    let spent = number(&tight, "epsilon_pld");
    assert!(spent <= 2.0 && spent > 1.999 && number(&tight, "epsilon_enforced") > 2.0, "{tight}");
}

#[test]
fn people_read_which_figure_is_enforced() {
    let words = ["privacy", "account", "--noise-multiplier", "46.43", "--rounds", "105", "--delta", "1e-6"];
    let shown = run(words);
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    for part in ["enforced", "proved", "RDP", "PLD", "GDP", "reported only", "one customer, added or removed"] {
        assert!(shown.out.contains(part), "{part:?} is missing in {}", shown.out);
    }
    let words = ["privacy", "calibrate", "--epsilon", "1", "--rounds", "10", "--delta", "1e-6", "--by", "pld"];
    assert!(run(words).out.contains("will not admit"));
}

#[test]
fn a_figure_that_does_not_exist_is_null_with_its_reason() {
    let words = ["privacy", "account", "--noise-multiplier", "2", "--rounds", "1", "--delta", "1e-25", "--json"];
    let shown = run(words);
    assert_eq!(shown.json()["epsilon_pld"], serde_json::Value::Null);
    assert!(shown.err.contains("delta") && shown.err.contains("1e-20"), "{}", shown.err);
}

#[test]
fn numbers_that_no_plan_can_have_are_refused_with_what_is_allowed() {
    let account = |change: &[&str]| {
        let options =
            [["--noise-multiplier", "1"], ["--sampling-rate", "0.5"], ["--rounds", "10"], ["--delta", "1e-6"]];
        let kept = options.iter().filter(|option| !change.contains(&option[0])).flatten();
        run(["privacy", "account"].iter().chain(kept).chain(change))
    };
    for (option, found, allowed) in [
        ("--delta", "0", "above 0"),
        ("--delta", "1", "below 1"),
        ("--delta", "NaN", "above 0"),
        ("--sampling-rate", "1.5", "at most 1"),
        ("--sampling-rate", "0", "above 0"),
        ("--sampling-rate", "NaN", "at most 1"),
        ("--noise-multiplier", "0", "above 0"),
        ("--noise-multiplier", "-1", "above 0"),
        ("--noise-multiplier", "NaN", "above 0"),
        ("--noise-multiplier", "inf", "at most 1e9"),
        ("--noise-multiplier", "much", "invalid"),
        ("--rounds", "0", "1.."),
        ("--rounds", "2000000", "1000000"),
    ] {
        account(&[option, found]).assert_refused(64, &[option, found, allowed]);
    }
    let calibrate =
        |epsilon: &str| run(["privacy", "calibrate", "--rounds", "10", "--delta", "1e-6", "--epsilon", epsilon]);
    for epsilon in ["0", "-1", "NaN", "1001"] {
        calibrate(epsilon).assert_refused(64, &["epsilon", epsilon, "above 0 and at most 1000"]);
    }
    calibrate("1e-4").assert_refused(64, &["cannot be proved", "raise epsilon"]);
    run(["privacy", "account"]).assert_refused(64, &["--noise-multiplier", "--rounds", "--delta"]);
}

/// Every row of the reference vectors, where they are at hand.
#[test]
fn the_reference_vectors_come_out_of_the_command() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/dp_vectors.csv");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(fault) => return needed::skip("TRIBUTARY_TEST_VECTORS", "reference vectors dp_vectors.csv", fault),
    };
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let cell = |name: &str| cells[names.iter().position(|known| *known == name).unwrap()];
        let value = |name: &str| cell(name).parse::<f64>().unwrap();
        let found = account(cell("q"), cell("sigma"), cell("steps"), cell("delta"));
        let rdp = number(&found, "epsilon_rdp");
        assert!((rdp / value("eps_rdp_int") - 1.0).abs() < 1e-9, "{line}: {found}");
        assert!(number(&found, "epsilon_enforced") >= rdp, "{line}: {found}");
        assert_eq!(number(&found, "order"), value("order_int"), "{line}: {found}");
        assert!((number(&found, "epsilon_pld") - value("eps_pld_pess")).abs() < 0.005, "{line}: {found}");
        match cell("eps_gauss_exact").parse::<f64>() {
            Ok(exact) => assert!((number(&found, "epsilon_gdp") / exact - 1.0).abs() < 1e-9, "{line}: {found}"),
            Err(_) => assert!(found["epsilon_gdp"].is_null(), "{line}: {found}"),
        }
    }
}
