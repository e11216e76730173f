//! Events as supervisors and people read them.

use super::*;

#[test]
fn events_have_stable_names_and_keys() {
    let json = |event: &Event| Told::from(event.clone()).to_json();
    let listening = Event::Listening { address: ([127, 0, 0, 1], 7443).into(), enrolled: 9 };
    assert_eq!(json(&listening), r#"{"event":"listening","address":"127.0.0.1:7443","enrolled":9}"#);
    let run = RunName { plan: "ab".into(), plan_name: "churn".into(), run: 2 };
    let opened = Told { event: Event::RunOpened { as_of: None }, run: Some(run) };
    assert_eq!(opened.to_json(), r#"{"event":"run_opened","plan":"ab","plan_name":"churn","run":2}"#);
    assert_eq!(opened.to_string(), "churn run 2: open; its members are invited");
    let dated = Event::RunOpened { as_of: Some("2026-11-30".into()) };
    assert_eq!(json(&dated), r#"{"event":"run_opened","as_of":"2026-11-30"}"#);
    assert_eq!(dated.to_string(), "open, with data of 2026-11-30; its members are invited");
    assert_eq!(json(&Event::Roster { epoch: 2, enrolled: 9 }), r#"{"event":"roster","epoch":2,"enrolled":9}"#);
    let waiting = Event::Waiting { reason: "more".into() };
    assert_eq!(json(&waiting), r#"{"event":"waiting","reason":"more"}"#);
    assert_eq!(waiting.to_string(), "waiting for more");
    let client = Whom { client: 3, name: Some("bank/branch-03".into()) };
    let joined = Event::Joined { client: client.clone() };
    assert_eq!(json(&joined), r#"{"event":"joined","client":3,"name":"bank/branch-03"}"#);
    assert_eq!(joined.to_string(), "client 3 (bank/branch-03) joined");
    let missing = vec![
        Missing { client, last_seen: Some(1_893_456_000), not_ready: false, trouble: Some("it stopped".into()) },
        Missing { client: Whom { client: 4, name: None }, last_seen: None, not_ready: false, trouble: None },
        Missing { client: Whom { client: 5, name: None }, last_seen: Some(1), not_ready: true, trouble: None },
    ];
    let muster = Event::Muster { here: 6, needed: 8, missing, more: 2 };
    assert_eq!(
        muster.to_string(),
        "6 of 8 members are here; missing: client 3 (bank/branch-03), last seen 2030-01-01 00:00 UTC: it stopped; client 4, not seen since this \
         coordinator started; client 5, here, and its operator has not said that its data are ready; and 2 more"
    );
    assert!(
        json(&muster)
            .contains(r#""missing":[{"client":3,"name":"bank/branch-03","last_seen":1893456000,"not_ready":false,"trouble":"it stopped"}"#)
    );
    let round =
        Event::Round { round: 7, committed: 6, survivors: 9, loss: None, epsilon: Some(0.5), milliseconds: 12.5 };
    assert_eq!(
        json(&round),
        r#"{"event":"round","round":7,"committed":6,"survivors":9,"loss":null,"epsilon":0.5,"milliseconds":12.5}"#
    );
    let counted = Event::Counted { round: 9, stage: 3, kind: "evaluate".into(), survivors: 8, epsilon: Some(0.75) };
    assert_eq!(
        json(&counted),
        r#"{"event":"counted","round":9,"stage":3,"kind":"evaluate","survivors":8,"epsilon":0.75}"#
    );
    assert_eq!(
        counted.to_string(),
        "round 9 committed: counts of 8 branches are in counts/3-evaluate.json, epsilon 0.7500 spent"
    );
    let far = Event::CustomersFar { nominal: 1000, counted: 3000.4, noise_stddev: 20.0, factor: Some(3.0) };
    assert_eq!(
        json(&far),
        r#"{"event":"customers_far","nominal":1000,"counted":3000.4,"noise_stddev":20.0,"factor":3.0}"#
    );
    assert!(far.to_string().contains(
        "about 3000 customers (noise 20): the loss, and steps that are divided by it, are 3.00 times as large"
    ));
    let none = Event::NoiseAlone { nominal: 1000, counted: 12.4, noise_stddev: 20.0 };
    assert_eq!(json(&none), r#"{"event":"noise_alone","nominal":1000,"counted":12.4,"noise_stddev":20.0}"#);
    assert!(none.to_string().contains("about 12 customers (noise 20), and plan.customers_nominal is 1000"));
    let renewed = Event::CertificateRenewed { not_after: 1_893_456_000 };
    assert_eq!(json(&renewed), r#"{"event":"certificate_renewed","not_after":1893456000}"#);
    assert!(renewed.to_string().contains("2030-01-01"), "{renewed}");
    let failed = Event::RenewalFailed { reason: "x".into(), retry_seconds: 60 };
    assert_eq!(json(&failed), r#"{"event":"renewal_failed","reason":"x","retry_seconds":60}"#);
    let aborted = Event::Aborted { round: None, reason: "x".into() };
    assert_eq!(json(&aborted), r#"{"event":"aborted","round":null,"reason":"x"}"#);
}

/// The kind of a key says nothing of whose it is.
#[test]
fn an_owner_is_named_by_the_first_digits_of_its_key() {
    let client = Whom { client: 3, name: None };
    let begun = |owner: &str, after_loss| {
        Event::BudgetBegun { client: client.clone(), owner: owner.into(), after_loss }.to_string()
    };
    let known = begun("ed25519:0123456789abcdef", false);
    assert!(known.contains("signed by its owner 01234567; if it took part"), "{known}");
    let lost = begun("0123456789", true);
    assert!(lost.contains("signed by its owner 01234567, in the place of a lost file; if"), "{lost}");
    assert!(begun("ed25519:0123", false).contains("owner 0123;"));
}

/// What a run came to.
pub(crate) fn finished() -> Finished {
    Finished {
        folder: "f".into(),
        complete: true,
        model_file: "m".into(),
        model: "d".into(),
        registered: "r".into(),
        ledger: "l".into(),
        rounds: 2,
        charged: 3,
        epsilon: Some(1.5),
        epsilon_customer: Some(3.25),
        delta: Some(1e-6),
        noise_multiplier: Some(2.0),
        parameters: 4,
        seconds_rounds: 0.25,
        round_milliseconds: vec![1.0],
        bytes_up: 5,
        bytes_down: 6,
        cpu_seconds: None,
        cpu_seconds_before: None,
        rss_bytes_max: None,
    }
}

#[test]
fn the_last_event_is_flat() {
    let event = Event::Finished(Box::new(finished()));
    let value: serde_json::Value = serde_json::from_str(&Told::from(event.clone()).to_json()).unwrap();
    assert_eq!(value["event"], "finished");
    assert_eq!(value["complete"], true);
    assert_eq!(value["rss_bytes_max"], serde_json::Value::Null);
    let keys = value.as_object().unwrap().len();
    assert_eq!(keys, 21, "one for the name and one for each field");
    let line = event.to_string();
    assert!(
        line.contains("epsilon 1.5000 at delta 1e-6 for a branch, 3.2500 for each") && line.contains("3 charged"),
        "{line}"
    );
}

/// Whoever reads an event learns whether something stops or goes on.
#[test]
fn an_order_is_told_with_what_it_does() {
    use tributary_protocol::role::Role;
    use tributary_protocol::round::cast::{self, PROPOSER};
    let rows = [
        (Action::Freeze, "freeze", true),
        (Action::Thaw, "thaw", false),
        (Action::PausePlan, "pause-plan", true),
        (Action::ResumePlan, "resume-plan", false),
        (Action::AbortPlan, "abort-plan", true),
    ];
    for (action, name, stops) in rows {
        let order = cast::attestation(PROPOSER, Role::PlanOwner, action, tributary_protocol::digest::Digest::ZERO);
        let (action, staff, role) = (name.to_owned(), order.staff.to_string(), "plan-owner".to_owned());
        assert_eq!(Event::ordered(&order), Event::Ordered { action, staff, role, stops });
    }
}
