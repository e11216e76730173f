//! What the owner of a branch's data does, and what is said of it: whole, in the order of a branch's life.

use std::fmt::Write as _;

use tributary_certs::enrolment::names;
use tributary_certs::keys::write_verifying_key;
use tributary_certs::suite::SigningKey;
use tributary_protocol::plan::{GrantSubject, GrantUses, Plan};
use tributary_protocol::roster::{MemberName, StaffNumber};
use tributary_protocol::round::cast;
use tributary_texts::{Language, Said};

use crate::begin::{begin_budget, change_owner};
use crate::error::ClientError;
use crate::grants::{self, GrantRequest, OwnersInbox};
use crate::init::{Whose, init};
use crate::whole::{compare, plain};
use crate::whole_branch_tests::Home;

const NOW: u64 = 1_900_000_000;
const DAY: u64 = 86_400;

struct Story {
    home: Home,
    text: String,
}

impl Story {
    fn told(&mut self, heading: &str, said: Result<Vec<Said>, ClientError>) {
        let lines = said.unwrap_or_else(|fault| vec![Said::verbatim("refused"), fault.said()]);
        let _ = writeln!(self.text, "== {heading}");
        for line in lines {
            let _ = writeln!(self.text, "{}", line.text(Language::English));
        }
    }

    fn json(&mut self, value: &impl serde::Serialize) {
        let _ = writeln!(self.text, "{}", serde_json::to_string_pretty(value).unwrap());
    }

    fn config(&self) -> std::path::PathBuf {
        self.home.at("client.toml")
    }
}

fn request() -> GrantRequest {
    GrantRequest {
        subject: GrantSubject::Plans { proposer: StaffNumber::parse("bank/e5").unwrap(), purpose: "churn".into() },
        uses: GrantUses { train: true, keep_models: true },
        branches: ["north-bank/branch-02", "north-bank/branch-01", "north-bank/branch-01"]
            .map(|name| MemberName::parse(name).unwrap())
            .to_vec(),
        epsilon_run: 1.5,
        epsilon_year: 2.5,
        delta: 1e-6,
        runs: 12,
        fields: vec!["income".into(), "age".into(), "age".into()],
        not_before: NOW,
        not_after: NOW + 30 * DAY,
    }
}

#[test]
fn an_owner_s_work_is_told_as_it_was() {
    let mut story = Story { home: Home::enrolled_at(NOW), text: String::new() };
    let config = story.config();
    let at = |story: &Story, name: &str| story.home.at(name);
    for (name, key) in [("with a stranger's key", "other.key"), ("begun", "owner.key"), ("begun again", "owner.key")] {
        let said = begin_budget(&config, &at(&story, key), false, NOW * 1_000);
        story.told(name, said);
    }
    std::fs::rename(at(&story, "state/budget.ledger"), at(&story, "budget.before")).unwrap();
    for (name, adopt) in [("after a loss", false), ("in the place of a lost one", true)] {
        let said = begin_budget(&config, &at(&story, "owner.key"), adopt, NOW * 1_000);
        story.told(name, said);
    }
    let authorities = at(&story, "identity").join(names::AUTHORITIES);
    let out = at(&story, "a.grant");
    let granted = |request: &GrantRequest, out: &std::path::Path, key: &std::path::Path| {
        grants::grant(request, &authorities, key, out).map(|_| Vec::new())
    };
    let key = at(&story, "owner.key");
    type Change = fn(&mut GrantRequest);
    let changes: [(&str, Change); 14] = [
        ("no epsilon of a run", |request| request.epsilon_run = 0.0),
        ("more in a run than in a year", |request| request.epsilon_run = 2.6),
        ("as much in a run as in a year", |request| request.epsilon_run = 2.5),
        ("too much in a year", |request| request.epsilon_year = 1_001.0),
        ("the most in a year", |request| request.epsilon_year = 1_000.0),
        ("no delta", |request| request.delta = 0.0),
        ("too large a delta", |request| request.delta = 0.5),
        ("no runs", |request| request.runs = 0),
        ("most runs", |request| request.runs = 1_000),
        ("too many runs", |request| request.runs = 1_001),
        ("an end before its beginning", |request| request.not_after = request.not_before - 1),
        ("a second", |request| request.not_after = request.not_before),
        ("no branches", |request| request.branches.clear()),
        ("a single field", |request| request.fields = vec!["age".into()]),
    ];
    for (name, change) in changes {
        let mut request = request();
        change(&mut request);
        let said = granted(&request, &at(&story, &format!("{name}.grant")), &key);
        story.told(&format!("granted: {name}"), said);
    }
    story.told("granted", granted(&request(), &out, &key));
    story.told("granted into the same file", granted(&request(), &out, &key));
    story.told("granted by a stranger", granted(&request(), &at(&story, "stranger.grant"), &at(&story, "other.key")));
    let mut others = request();
    others.branches = vec![MemberName::parse("north-bank/branch-09").unwrap()];
    story.told("granted to others", granted(&others, &at(&story, "others.grant"), &key));
    for (name, file, now) in [
        ("of a stranger", "stranger.grant", NOW),
        ("of others", "others.grant", NOW),
        ("that is over", "a.grant", NOW + 30 * DAY + 1),
        ("in its last second", "a.grant", NOW + 30 * DAY),
        ("again", "a.grant", NOW),
    ] {
        let said = grants::install(&config, &at(&story, file), now).map(|said| vec![said]);
        story.told(&format!("installed: a grant {name}"), said);
    }
    for (name, key) in [("by a stranger", "other.key"), ("here", "owner.key")] {
        let said = grants::grant_here(&config, &request(), &at(&story, key));
        let said = said.map(|(grant, said)| {
            assert_eq!(grant.branches.len(), 1);
            vec![said]
        });
        story.told(&format!("granted {name}"), said);
    }
    let first = tributary_certs::grant::read_grant(&out).unwrap().digest();
    for (name, file, key) in [("", "a.withdrawal", "owner.key"), (" by a stranger", "b.withdrawal", "other.key")] {
        let withdrawn = grants::withdraw(first, &at(&story, key), &at(&story, file), NOW + DAY);
        assert_eq!(withdrawn.map(|withdrawn| (withdrawn.grant, withdrawn.at)).ok(), Some((first, NOW + DAY)), "{name}");
    }
    for file in ["b.withdrawal", "a.withdrawal", "a.withdrawal"] {
        let said = grants::install(&config, &at(&story, file), NOW + DAY).map(|said| vec![said]);
        story.told(&format!("installed: {file}"), said);
    }
    let mut lines = grants::list(&config).unwrap_or_else(|fault| panic!("{fault}"));
    lines.sort_by_key(|line| (line.withdrawn, line.branches.len()));
    for line in &lines {
        story.told("a grant", Ok(vec![line.said.clone()]));
        story.json(line);
    }
    let next = SigningKey::from_seed(&[5; 32]).verifying_key();
    write_verifying_key(&next, &at(&story, "next.pub")).unwrap();
    for (name, key) in [("by a stranger", "other.key"), ("", "owner.key"), ("back", "owner.key")] {
        let said = change_owner(&config, &at(&story, key), &at(&story, "next.pub"), (NOW + DAY) * 1_000);
        story.told(&format!("another owner {name}"), said);
    }
    for (name, whose) in [
        ("without a port", Whose::Address("fl.bank.example".into())),
        ("of an address", Whose::Address("fl.other.example:7443".into())),
        ("again", Whose::Unknown),
    ] {
        let said = init(&at(&story, "fresh"), &whose).map(|path| vec![Said::verbatim(path.display())]);
        story.told(&format!("settings {name}"), said);
    }
    let settings = std::fs::read_to_string(at(&story, "fresh/client.toml")).unwrap();
    assert!(settings.contains("\naddress = \"fl.other.example:7443\"\n"), "{settings}");
    let folder = story.home.at("");
    compare(&plain(&story.text, &folder), "owner.txt");
}

/// A plan that is told apart by a number, and whose runs may begin until this second.
fn plan(number: u64, until: u64) -> Plan {
    let mut plan = cast::plan();
    plan.name = format!("plan {number}").as_str().into();
    plan.schedule.not_after = until;
    plan
}

#[test]
fn plans_that_wait_for_the_owner_are_shown_until_they_are_answered_or_over() {
    let home = Home::enrolled_at(NOW);
    let (config, inbox) = (home.at("client.toml"), OwnersInbox::of(&home.settings()));
    let names = |now: u64| -> Vec<String> {
        grants::waiting(&config, now)
            .unwrap_or_else(|fault| panic!("{fault}"))
            .into_iter()
            .map(|line| line.name)
            .collect()
    };
    assert!(names(NOW).is_empty());
    let far = 4_000_000_000;
    let ask = |plan: &Plan| inbox.asked(plan, &cast::approvals(plan));
    let (one, two) = (plan(1, far + 10), plan(2, far));
    ask(&one);
    ask(&two);
    assert_eq!(names(NOW), ["plan 2", "plan 1"], "the one that ends first");
    assert_eq!((names(far).len(), names(far + 1), names(far + 11).len()), (2, vec!["plan 1".to_owned()], 0));
    let line = grants::waiting(&config, NOW).unwrap_or_else(|fault| panic!("{fault}")).remove(1);
    let expected = serde_json::json!({
        "plan": one.digest().to_string(), "name": "plan 1", "purpose": one.purpose.to_string(),
        "proposer": cast::PROPOSER, "approver": cast::APPROVER, "runs": one.runs, "since": line.since, "until": far + 10,
    });
    assert_eq!(serde_json::to_value(&line).unwrap(), expected);
    let asked = |plan: &Plan| grants::asked_plan(&config, &plan.digest()).map(|(plan, _)| plan.digest());
    assert_eq!(asked(&one).ok(), Some(one.digest()));
    // What lies in its place and is no such plan is written anew.
    let path = |plan: &Plan| home.at("state/inbox").join(format!("{}.request", plan.digest()));
    std::fs::write(path(&one), "damaged").unwrap();
    assert!(grants::waiting(&config, NOW).is_err() && asked(&one).is_err());
    ask(&one);
    assert_eq!(names(NOW), ["plan 2", "plan 1"]);
    std::fs::copy(path(&two), path(&one)).unwrap();
    assert!(asked(&one).is_err(), "another plan than its name says");
    inbox.answered(&one.digest());
    inbox.answered(&one.digest());
    assert_eq!(names(NOW), ["plan 2"]);
    // One that is over makes room, and a full inbox takes no more.
    ask(&plan(3, 5));
    assert_eq!(names(0), ["plan 3", "plan 2"]);
    (4..80).for_each(|number| ask(&plan(number, far)));
    assert_eq!(names(0).len(), 64);
    assert!(!path(&plan(3, 5)).exists() && asked(&plan(66, far)).is_ok() && asked(&plan(67, far)).is_err());
}
