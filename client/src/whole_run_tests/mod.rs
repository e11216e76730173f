//! A daemon in a whole run, over a real link: what it says, writes and is asked for from its first word to its last.

mod centre;
mod member;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, mpsc};

use serde_json::{Value, json};
use tributary_certs::clock::unix_seconds;
use tributary_certs::enrolment::names;
use tributary_certs::grant::sign_grant;
use tributary_certs::keys::read_signing_key;
use tributary_certs::people::attest;
use tributary_certs::provider::KeyExchange;
use tributary_certs::revocation::{RevocationLists, Seen};
use tributary_certs::roster::RosterAuthorities;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_certs::tls::{CoordinatorTls, Credentials, TrustRoots, server_config, system_clock};

use tributary_model::parameters::Parameters;
use tributary_model::planned;
use tributary_model::schema::Schema;
use tributary_model::synthetic::{self, SyntheticSpec};
use tributary_model::update::ClipForm;
use tributary_protocol::budget::Heads;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::{Approvals, GrantSubject, GrantUses, ModelRef, PrivacyMode, Rhythm, Run, Schedule};
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::{AuthoritySignature, MemberName, Roster, RosterEntry, SignedRoster, StaffNumber};
use tributary_protocol::round::{CoordinatorSettings, Orders, ParticipantEvent, cast};
use tributary_protocol::secagg::suite::Suite as _;
use tributary_protocol::time::Millis;
use tributary_storage::journal;
use tributary_texts::{Language, Said};
use tributary_transport::{ListenSettings, Listener, ServerKeys, Timers};

use self::centre::{Centre, DAEMON, Then};
use self::member::Member;
use crate::control;
use crate::data::write_csv;
use crate::error::ClientError;
use crate::grants::{GrantRequest, grant_here, waiting};
use crate::identity::own_name;
use crate::judge::tests::{SCHEMA, gradient, plan_of, policy};
use crate::runtime::{Ends, run};
use crate::sent;
use crate::test_home::person;
use crate::whole_branch_tests::Home;

const MEMBERS: u32 = 8;
const ROUNDS: u32 = 3;
const DAY: u64 = 86_400;

const AUTHORITY: u8 = 40;
const PROPOSER: u8 = 41;
const APPROVER: u8 = 42;
const OWNER: u8 = 43;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn staff(seed: u8) -> StaffNumber {
    StaffNumber::parse(&format!("bank/e{seed}")).unwrap()
}

fn authorities() -> RosterAuthorities {
    RosterAuthorities::new(1, vec![key(AUTHORITY).verifying_key()]).unwrap()
}

/// The key of a branch beside the daemon.
fn member_key(client: ClientId) -> SigningKey {
    key(u8::try_from(client.0).unwrap())
}

fn member_name(client: ClientId) -> MemberName {
    MemberName::new("north-bank", &format!("beside-{}", client.0)).unwrap()
}

fn roster(home: &Home) -> SignedRoster {
    let held = (unix_seconds() - 2 * DAY, unix_seconds() + 100 * DAY);
    let person = |seed, role| person(staff(seed), key(seed).verifying_key(), role, held);
    let own = own_name(&home.at("identity")).unwrap_or_else(|fault| panic!("{fault}"));
    let own_key = read_signing_key(&home.at("identity").join(names::SIGNING_KEY)).unwrap();
    let daemon = RosterEntry { name: own, signing_key: own_key.verifying_key(), ..cast::entry(DAEMON) };
    let beside = (2..=MEMBERS).map(ClientId).map(|client| RosterEntry {
        name: member_name(client),
        signing_key: member_key(client).verifying_key(),
        ..cast::entry(client)
    });
    let people = vec![person(PROPOSER, Role::PlanOwner), person(APPROVER, Role::PrivacyOfficer)];
    let entries = [daemon].into_iter().chain(beside).collect();
    let roster = Roster::new(1, Digest::ZERO, entries, Vec::new(), people).unwrap();
    let signature = RealSuite::sign(&key(AUTHORITY), &roster.signing_input());
    SignedRoster { roster, signatures: vec![AuthoritySignature { authority: 0, signature }] }
}

/// A run of gradients from a model of noughts, for the sample's schema.
fn plan(schema: &Schema) -> Run {
    let mut plan = plan_of(schema, &[], PrivacyMode::Customer, &[(gradient(ClipForm::Exact), ROUNDS)]).plan().clone();
    (plan.purpose, plan.upload_offset_ms) = ("churn and deposit propensity".into(), 5);
    (plan.initial_model, plan.round_deadline_ms, plan.keying_deadline_ms) = (ModelRef::Zero, 60_000, 60_000);
    let now = unix_seconds();
    let (not_before, not_after) = (now - DAY, now + DAY);
    plan.schedule = Schedule { not_before, not_after, rhythm: Rhythm::Interval { seconds: 0 } };
    cast::run(plan)
}

fn settings(home: &Home, run: Run, model: Digest) -> CoordinatorSettings<RealSuite> {
    let federation = authorities().digest();
    let signed = |seed, role, action| {
        attest(&key(seed), action, run.plan().digest(), federation, &staff(seed), role, unix_seconds() - DAY).unwrap()
    };
    let approvals = Approvals {
        proposal: signed(PROPOSER, Role::PlanOwner, Action::ProposePlan),
        approval: signed(APPROVER, Role::PrivacyOfficer, Action::ApprovePlan),
    };
    CoordinatorSettings {
        run,
        model,
        approvals,
        federation,
        orders: Orders::default(),
        not_before: Millis(0),
        roster: roster(home),
        signing_key: Arc::new(read_signing_key(&home.at("centre").join(names::SIGNING_KEY)).unwrap()),
        heads: Heads::default(),
        gather_ms: 60_000,
    }
}

/// The branches beside the daemon, each with a grant of its own owner.
fn members(home: &Home, schema: &Schema, run: &Run) -> BTreeMap<ClientId, Member> {
    let coordinator = read_signing_key(&home.at("centre").join(names::SIGNING_KEY)).unwrap().verifying_key();
    let member = |client: ClientId| {
        let grant = sign_grant(
            &key(OWNER),
            tributary_protocol::plan::Grant {
                federation: authorities().digest(),
                subject: GrantSubject::Plans { proposer: staff(PROPOSER), purpose: run.plan().purpose.clone() },
                owner: key(OWNER).verifying_key(),
                ..cast::grant_of(run.plan(), [member_name(client)].into_iter())
            },
        );
        let machines = policy(schema).of_machines(coordinator.clone(), (authorities().keys().to_vec(), 1));
        let keys = (member_key(client), &key(OWNER));
        (client, Member::new(machines, keys, cast::granted(run.plan(), grant), run.id()))
    };
    (2..=MEMBERS).map(ClientId).map(member).collect()
}

fn listener(home: &Home) -> Listener {
    let folder = home.at("centre");
    let roots = TrustRoots::read(&folder.join(names::TRUST)).unwrap();
    let seen = Seen::beside(&folder.join(names::TRUST)).unwrap();
    let lists = RevocationLists::read(&folder.join(names::REVOCATIONS), &roots, &seen, None).unwrap();
    let tls = CoordinatorTls {
        credentials: Credentials::read(&folder.join(names::CHAIN), &folder.join(names::KEY)).unwrap(),
        roots: &roots,
        revocations: &lists.lists,
        clock: system_clock(),
        key_exchange: KeyExchange::DEFAULT,
        ended: tributary_certs::ended::EndedCertificates::default(),
    };
    let peers = Arc::new(server_config(tls).unwrap());
    let keys = ServerKeys { quic: Arc::clone(&peers), office: None, peers };
    let path = tributary_transport::Path::default();
    let settings = ListenSettings { listen: "localhost:0".into(), tcp: true, path, timers: Timers::default() };
    Listener::open(&settings, keys).unwrap()
}

/// Invented customers in the branch's file, and a budget that was begun.
fn furnish(home: &Home, port: u16) {
    let data =
        synthetic::generate(&SyntheticSpec { branches: 1, customers_per_branch: 80, ..SyntheticSpec::default() });
    write_csv(&home.at("customers.csv"), synthetic::schema().dialect(), &data.header, &data.branches[0].training)
        .unwrap_or_else(|fault| panic!("{fault}"));
    let text = std::fs::read_to_string(home.at("client.toml")).unwrap();
    std::fs::write(home.at("client.toml"), text.replace("localhost:1", &format!("localhost:{port}"))).unwrap();
    authorities().write(&home.at("identity").join(names::AUTHORITIES)).unwrap();
    home.begin();
}

/// The owner grants what the proposer puts forward.
fn grant(home: &Home, run: &Run) {
    let request = GrantRequest {
        subject: GrantSubject::Plans { proposer: staff(PROPOSER), purpose: run.plan().purpose.clone() },
        uses: GrantUses::TRAIN,
        branches: Vec::new(),
        epsilon_run: 4.0,
        epsilon_year: 4.0,
        delta: 1e-6,
        runs: 12,
        fields: Vec::new(),
        not_before: 0,
        not_after: u64::MAX,
    };
    grant_here(&home.at("client.toml"), &request, &home.at("owner.key")).unwrap_or_else(|fault| panic!("{fault}"));
}

fn words(done: Result<Said, ClientError>) -> String {
    done.unwrap_or_else(|fault| panic!("{fault}")).text(Language::English).to_owned()
}

fn status(config: &Path) -> Value {
    serde_json::to_value(control::status(config).unwrap_or_else(|fault| panic!("{fault}"))).unwrap()
}

/// What a daemon of this branch tells, until its first run is over, and how it ends.
fn served(home: &Home) -> (Vec<Value>, Result<(), ClientError>) {
    let told = RefCell::new(Vec::new());
    let tell = |report: &_| told.borrow_mut().push(serde_json::to_value(report).unwrap());
    let ended = run(home.settings(), Ends::WithFirstRun, &tell);
    let mut told = told.into_inner();
    // Who is missing is told after a while.
    told.retain(|one: &Value| one["event"] != "muster");
    (told, ended)
}

fn names_of(told: &[Value]) -> Vec<&str> {
    told.iter().map(|one| one["event"].as_str().unwrap()).collect()
}

/// The kinds of what stands in its budget file.
fn entries(home: &Home) -> Vec<String> {
    let path = home.settings().state_dir.join("budget.ledger");
    let events = journal::read::<ParticipantEvent>(&path, LedgerId::BUDGET).unwrap_or_else(|fault| panic!("{fault}"));
    let kind = |event: &ParticipantEvent| {
        let text = format!("{event:?}");
        text.split([' ', '(']).next().unwrap_or_default().to_owned()
    };
    events.iter().map(|recorded| kind(&recorded.event)).collect()
}

/// Its owner has not granted the plan at first. Later its operator pauses it once it has accepted; when it has accepted again, its link breaks before
/// the first round.
#[test]
fn a_daemon_takes_part_in_a_whole_run() {
    let home = Home::enrolled_at(unix_seconds() - DAY);
    let schema = Schema::parse(SCHEMA).unwrap();
    let served_run = plan(&schema);
    let planned = planned::check(served_run.plan(), Some(&schema)).unwrap();
    let stage = planned.stage(0).unwrap();
    let bytes = stage.start(Parameters::zero(planned.architecture())).public().to_bytes();
    let state = (bytes.clone(), stage.state_digest(&bytes));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let within = runtime.enter();
    let listener = listener(&home);
    furnish(&home, listener.address().port());
    let (config, (tell, heard)) = (home.at("client.toml"), mpsc::channel());
    let at_accept = move |number: usize| {
        if number == 1 {
            let before = status(&config);
            let (paused, between) = (words(control::pause(&config)), status(&config));
            tell.send((before, paused, between, words(control::resume(&config)))).unwrap();
        }
        if number == 2 { Then::Cut } else { Then::GoOn }
    };
    let members = members(&home, &schema, &served_run);
    let centre = Centre::new(settings(&home, served_run.clone(), state.1), members, state, at_accept);
    drop(within);
    let centre = std::thread::spawn(move || runtime.block_on(centre.serve(listener)));
    let asked = || waiting(&home.at("client.toml"), unix_seconds()).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(asked().is_empty());
    let (told, ended) = served(&home);
    assert_eq!(names_of(&told), ["dataset", "connected", "roster", "grant_awaited", "refused"]);
    assert!(matches!(&ended, Err(ClientError::Refused(reason)) if reason.contains("not granted")), "{ended:?}");
    let plan = served_run.plan().digest().to_string();
    assert_eq!(asked().iter().map(|line| &line.plan).collect::<Vec<_>>(), [&plan]);

    grant(&home, &served_run);
    let (told, ended) = served(&home);
    assert!(ended.is_ok() && asked().is_empty(), "{ended:?}");
    let begins = ["dataset", "connected", "budget_begun", "accepted", "paused", "resumed", "accepted"];
    let goes_on = ["disconnected", "connected", "round", "round", "round", "finished"];
    assert_eq!(names_of(&told), [&begins[..], &goes_on].concat(), "{told:?}");
    assert_eq!((&told[1]["resumed"], &told[8]["resumed"]), (&json!(false), &json!(true)));
    for (round, told) in (1..=ROUNDS).zip(&told[9..]) {
        assert_eq!((&told["round"], &told["committed"], &told["plan"]), (&json!(round), &json!(true), &json!(plan)));
    }
    let finished = told.last().unwrap();
    assert_eq!(finished["rounds"], ROUNDS);
    assert!(finished["cpu_seconds_training"].as_f64().unwrap() > 0.0);
    let (before, paused, between, resumed) = heard.recv().unwrap();
    assert_eq!((&before["link"]["state"], &before["paused"]), (&json!("connected"), &json!(false)));
    assert_eq!((&before["runs"][0]["plan"], &between["runs"]), (&json!(plan), &json!([])));
    assert_eq!((&before["runs"][0]["reason"], &between["paused"]), (&json!("the next key set-up"), &json!(true)));
    // The others' updates are nought: what is not is this branch's, and noise.
    let centre = centre.join().unwrap();
    assert_eq!(centre.sums, [(MEMBERS as usize, false); ROUNDS as usize]);

    // Whatever left is noted. Words about the journal come when it has new entries.
    let (mut kinds, mut bytes, mut masked) = (Vec::new(), 0, Vec::new());
    let read = sent::read(&home.settings().state_dir, |_, line| {
        kinds.push(line.kind.name());
        bytes = if line.kind.name() == "about" { line.bytes } else { bytes + line.bytes };
        masked.extend(line.masked.zip(line.noised));
    });
    assert!(read.is_ok());
    assert_eq!((kinds.last(), masked.as_slice()), (Some(&"witness"), &[(true, true); ROUNDS as usize][..]));
    kinds.retain(|kind| *kind != "witness");
    let begins = ["about", "join", "refuse", "about", "join", "accept", "leave", "join", "accept"];
    let keyed = ["keys", "encapsulations", "deal", "setup-ack"];
    let rounds = ["masked", "survivors-ack", "unmask"].repeat(ROUNDS as usize);
    assert_eq!(kinds, [&begins[..], &keyed, &rounds].concat());
    let up = finished["bytes_up"].as_u64().unwrap();
    assert!((bytes..2 * bytes).contains(&up), "{up} {bytes}");
    let begins = ["BudgetBegun", "RosterAccepted", "Refused", "CapsNoted", "RunAccepted", "HeadSigned", "RunAccepted"];
    let round = ["BudgetCharged", "Uploaded", "SurvivorsAcknowledged", "SharesRevealed", "RoundClosed"];
    let rounds = round.repeat(ROUNDS as usize);
    assert_eq!(entries(&home), [&begins[..], &["CountersSeen"], &rounds, &["RunEnded"]].concat());

    // Without a daemon a word is noted for the next one.
    let config = home.at("client.toml");
    assert_ne!(words(control::pause(&config)), paused);
    assert!(home.settings().state_dir.join("paused").exists());
    assert_ne!(words(control::resume(&config)), resumed);
    assert!(!home.settings().state_dir.join("paused").exists());
    assert!(control::status(&config).is_err());
}
