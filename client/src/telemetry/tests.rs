use super::*;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::plan::RunRef;
use tributary_protocol::role::Role;
use tributary_protocol::roster::{
    EntryChange, Holding, MemberName, Person, PersonChange, RosterEntry, Scope, StaffNumber,
};
use tributary_protocol::secagg::suite::VerifyingKey;

fn english(report: &Report) -> String {
    sentence(report).text(Language::English).to_owned()
}

fn entry(client: u32) -> RosterEntry {
    RosterEntry {
        client: ClientId(client),
        name: MemberName::new("bank", &format!("branch-{client}")).unwrap(),
        organisation: OrganisationId(1),
        signing_key: VerifyingKey::ed25519([7; 32]),
        tls_spki_sha256: Digest([7; 32]),
        not_after: 1,
    }
}

#[test]
fn a_roster_is_told_with_its_changes_and_its_gap() {
    let rekeyed = RosterEntry { signing_key: VerifyingKey::ed25519([8; 32]), ..entry(3) };
    let changes = RosterChanges {
        added: vec![entry(4), entry(5)],
        removed: vec![entry(1)],
        changed: vec![EntryChange { before: entry(3), after: rekeyed }],
        groups: vec![],
        people: vec![],
    };
    let report = Report::roster(7, 2, Some(changes));
    let text = english(&report);
    let start = "roster 7 is accepted; new: bank/branch-4 (client 4), bank/branch-5 (client 5); gone: bank/branch-1 (client 1); \
                 OTHER KEYS: bank/branch-3 (client 3). Enough";
    assert!(text.starts_with(start) && text.contains(". 2 rosters before it"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(json["changes"]["other_keys"]["names"], serde_json::json!(["bank/branch-3 (client 3)"]));
    assert_eq!(english(&Report::roster(1, 0, None)), "roster 1 is accepted");
}

#[test]
fn a_roster_is_told_with_the_people_that_differ() {
    let person = |staff: &str, key: u8, role| Person {
        staff: StaffNumber::parse(staff).unwrap(),
        signing_key: VerifyingKey::ed25519([key; 32]),
        holdings: vec![Holding { role, deputy_of: None, scope: Scope::Federation, from: 1, until: 2 }],
    };
    let change = |before: Option<Person>, after: Option<Person>| PersonChange {
        staff: before.iter().chain(&after).next().map(|person| person.staff.clone()).unwrap(),
        before,
        after,
    };
    let people = vec![
        change(Some(person("bank/e1", 1, Role::Auditor)), None),
        change(Some(person("bank/e2", 2, Role::PlanOwner)), Some(person("bank/e2", 3, Role::PlanOwner))),
        change(None, Some(person("bank/e4", 4, Role::PrivacyOfficer))),
        change(None, Some(person("bank/e5", 5, Role::ModelUser))),
    ];
    let report = Report::roster(2, 0, Some(RosterChanges { people, ..RosterChanges::default() }));
    let text = english(&report);
    let wanted = "roster 2 is accepted; PEOPLE WITH OTHER KEYS: bank/e2 (plan-owner); people with new roles that may approve: bank/e4 \
                  (privacy-officer); people with other new roles: bank/e5 (model-user); people with fewer roles, or for another time: bank/e1 (no \
                  role any more). If you know a person";
    assert!(text.starts_with(wanted), "{text}");
    let json: serde_json::Value = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(json["changes"]["people"]["other_keys"]["names"], serde_json::json!(["bank/e2 (plan-owner)"]));
}

/// A roster of thousands of changes says how many there are, on one line.
#[test]
fn of_many_changes_the_first_are_named_and_the_rest_counted() {
    let added: Vec<RosterEntry> = (1..=5_000).map(entry).collect();
    let text = english(&Report::roster(2, 0, Some(RosterChanges { added, ..RosterChanges::default() })));
    assert!(text.contains("bank/branch-20 (client 20) and 4980 more") && !text.contains("branch-21"), "{text}");
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn figures_of_rows_are_for_a_terminal_or_for_who_asked_for_events() {
    let figures = [
        Report::RowsDropped { rows: 1, kept: 2 },
        Report::MaximaPassed { customers: 1, rows: 2 },
        Report::DatasetRemark {
            file: "rows.csv".to_owned(),
            remark: "40 rows, 1 customer".to_owned(),
            said: Said::empty(),
        },
    ];
    for report in &figures {
        assert_eq!(line(report, false, false, Language::Chinese), None, "a service's journal");
        assert!(
            line(report, false, true, Language::Chinese).is_some()
                && line(report, true, false, Language::Chinese).is_some()
        );
    }
    assert!(
        line(&Report::roster(1, 0, None), false, false, Language::Chinese).is_some(),
        "all else is told everywhere"
    );
}

/// What programs read is the same in both languages, and the words are those of the table.
#[test]
fn grants_are_told_in_both_languages_and_events_in_one() {
    for fault in GrantFault::ALL {
        let of = RunName { plan_name: Some("churn".into()), run: Some(2), ..RunName::default() };
        let report = Report::grant_awaited(of, fault, None);
        assert_eq!(english(&report), format!("churn run 2: it is not granted here: {fault}"));
        let chinese = line(&report, false, true, Language::Chinese).unwrap();
        assert!(chinese.starts_with("churn 第 2 次运行：本分行尚未授权："), "{chinese}");
        let events = [Language::Chinese, Language::English].map(|language| line(&report, true, false, language));
        assert_eq!(events[0], events[1]);
        assert!(events[0].as_ref().is_some_and(|event| event.contains(&fault.to_string()) && !event.contains("said")));
    }
}

#[test]
fn events_of_a_run_name_it() {
    let run = RunRef { plan: Digest([3; 32]), number: 2 };
    let of = RunName::of(&run, "churn".to_owned());
    let report = Report::Round { of: of.clone(), round: 7, committed: true };
    let json = serde_json::to_value(&report).unwrap();
    let (plan, short) = (run.plan.to_string(), run.id().digest().short());
    let expected = serde_json::json!({
        "event": "round", "run_id": short, "plan": plan, "plan_name": "churn", "run": 2, "round": 7, "committed": true
    });
    assert_eq!(json, expected);
    assert_eq!(english(&report), "churn run 2: round 7: committed");
    assert_eq!(RunName::unknown(run.id()).to_string(), format!("run {short}"));
}

#[test]
fn the_last_events_are_kept_and_none_of_rows() {
    let mut last = Last::default();
    last.keep(1, &Report::RowsDropped { rows: 1, kept: 2 });
    for at in 0..30 {
        last.keep(at, &Report::Paused);
    }
    let all = last.all();
    assert_eq!((all.len(), all[0].at, all[19].at), (20, 10, 29));
    assert!(all.iter().all(|event| event.event["event"] == "paused"));
}

/// Who is missing is named as far as the roster knows them, and no more of them than a message may name.
#[test]
fn those_who_are_missing_are_named() {
    let of = RunName { plan_name: Some("churn".into()), run: Some(3), ..RunName::default() };
    let roster = Roster::new(1, Digest::ZERO, vec![entry(4)], vec![], vec![]).unwrap();
    let muster = Muster { here: 5, needed: 8, missing: vec![ClientId(4), ClientId(9)], more: 2 };
    let told = Report::muster(of.clone(), &muster, Some(&roster));
    let Report::Muster { of: run, here, needed, missing, more } = &told else { panic!("{told:?}") };
    assert_eq!((run, here, needed, more), (&of, &5, &8, &2));
    assert_eq!(missing, &["client 4 (bank/branch-4)", "client 9"]);
    let many = Muster { missing: (0..100).map(ClientId).collect(), ..muster };
    let Report::Muster { missing, .. } = Report::muster(of, &many, None) else { panic!("another report") };
    assert_eq!((missing.len(), missing[0].as_str()), (MUSTER_NAMED_MAX, "client 0"));
}
