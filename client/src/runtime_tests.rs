//! The daemon's loop between its link, its files and its operator: what comes of each thing that it hears.

use std::cell::RefCell;
use std::time::Duration;

use tributary_certs::enrolment::names;
use tributary_certs::grant::sign_withdrawal;
use tributary_certs::identity::Identity;
use tributary_certs::keys::read_signing_key;
use tributary_certs::office::fresh_list;
use tributary_certs::suite::RealSuite;
use tributary_model::synthetic::{self, SyntheticSpec};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RunId;
use tributary_protocol::log::{Checkpoint, SignedCheckpoint, origin_of};
use tributary_protocol::merkle::{MerkleTree, leaf_digest};
use tributary_protocol::message::Downstream;
use tributary_protocol::plan::OwnersWord;
use tributary_storage::faults::each_fault;
use tributary_storage::files::{Existing, write_private};
use tributary_transport::Transport;

use super::*;
use crate::data::write_csv;
use crate::sent;
use crate::whole_branch_tests::Home;

/// What the operator was told, a JSON line each.
type Told = RefCell<Vec<String>>;

struct World {
    home: Home,
    schema: Schema,
    told: Told,
}

impl World {
    /// A branch that was enrolled yesterday, and whose budget has begun.
    fn new() -> Self {
        let home = Home::enrolled_at(unix_seconds() - 86_400);
        home.begin();
        Self::of(home)
    }

    fn of(home: Home) -> Self {
        let schema = read_schema(&home.settings().schema_file).unwrap_or_else(|fault| panic!("{fault}"));
        Self { home, schema, told: Told::default() }
    }

    /// A copy of it, in another place.
    fn copied(&self) -> Self {
        Self::of(self.home.copied())
    }

    /// Its daemon, which nobody has connected.
    fn daemon(&self, look: impl FnOnce(&mut Daemon<'_>)) {
        self.opened(look).unwrap_or_else(|fault| panic!("{fault}"));
    }

    /// The same, or why it does not start.
    fn opened(&self, look: impl FnOnce(&mut Daemon<'_>)) -> Result<(), ClientError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _within = runtime.enter();
        let settings = self.home.settings();
        let identity = BranchIdentity::open(settings.identity.clone(), unix_seconds())?;
        let owned = BranchPolicy::owned(&settings).unwrap_or_else(|fault| panic!("{fault}"));
        let tell = |report: &Report| self.told.borrow_mut().push(serde_json::to_string(report).unwrap());
        let source =
            Source { schema: self.schema.clone(), identity, owned, snapshot: crate::worker::tests::snapshot() };
        let Opened { mut daemon, .. } = open(settings, source, Ends::WhenStopped, &tell)?;
        look(&mut daemon);
        Ok(())
    }

    fn heard(&self, daemon: &mut Daemon<'_>, incoming: Incoming) -> Vec<String> {
        daemon.arrived(incoming).unwrap_or_else(|fault| panic!("{fault}"));
        self.told.take()
    }

    /// Kinds of the messages that left, in order.
    fn sent(&self) -> Vec<&'static str> {
        let mut kinds = Vec::new();
        let read = sent::read(&self.home.settings().state_dir, |_, entry| kinds.push(entry.kind.name()));
        assert!(read.is_ok());
        kinds
    }
}

fn connected(resumed: bool, coordinator_seconds: u64) -> Incoming {
    let coordinator = Identity::parse("spiffe://federation.example/centre/coordinator/main");
    let coordinator = coordinator.unwrap_or_else(|fault| panic!("{fault}"));
    Incoming::Connected { coordinator, transport: Transport::Tcp, resumed, coordinator_seconds }
}

#[test]
fn a_link_is_told_of_and_what_is_said_on_it_is_noted() {
    let world = World::new();
    world.daemon(|daemon| {
        assert!(world.told.take().is_empty() && world.sent().is_empty());
        daemon.distress.set(true);
        let told = world.heard(daemon, connected(false, unix_seconds()));
        assert!(!daemon.distress.is_on());
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert!(
            told.starts_with("{\"event\":\"connected\",") && told.contains("\"transport\":\"tcp\",\"resumed\":false")
        );
        assert_eq!(world.sent(), ["witness"]);
        let LinkStatus::Connected { transport, since, .. } = &daemon.link else { panic!("it stands") };
        assert!(transport == "tcp" && unix_seconds() - since < 60);
        // A link that goes on: nobody says anything again.
        let told = world.heard(daemon, connected(true, unix_seconds() + SKEW_SECONDS_MAX));
        assert!(told.len() == 1 && told[0].contains("\"resumed\":true"), "{told:?}");
        assert_eq!(world.sent(), ["witness"]);
        let told = world.heard(daemon, connected(true, unix_seconds() - SKEW_SECONDS_MAX - 1));
        assert!(told.len() == 2 && told[0].starts_with("{\"event\":\"clock_differs\",\"skew_seconds\":3"), "{told:?}");
        let before = unix_millis();
        let retry = Duration::from_millis(5_250);
        let told = world.heard(daemon, Incoming::Waiting { reason: "no route".into(), retry });
        assert_eq!(told, ["{\"event\":\"disconnected\",\"reason\":\"no route\",\"retry_ms\":5250}"]);
        assert!(daemon.distress.is_on());
        let LinkStatus::Waiting { reason, again_unix_ms } = &daemon.link else { panic!("it waits") };
        assert!(reason == "no route" && (5_250..65_250).contains(&(again_unix_ms - before)));
        let told = world.heard(daemon, Incoming::Refused("go away".into()));
        let nobody = "\"run_id\":null,\"plan\":null,\"plan_name\":null,\"run\":null";
        assert_eq!(told, [format!("{{\"event\":\"refused\",{nobody},\"reason\":\"go away\"}}")]);
        // An invitation is asked about on a link, and not without one.
        let run = |number: u8| RunId([number; 32]);
        assert!(world.heard(daemon, Incoming::Gone).is_empty());
        assert!(world.heard(daemon, Incoming::Message(run(1), Downstream::Invite)).is_empty());
        assert_eq!(world.sent(), ["witness"]);
        world.heard(daemon, connected(false, unix_seconds()));
        assert_eq!(world.sent(), ["witness", "witness", "join"]);
        world.heard(daemon, Incoming::Message(run(2), Downstream::Invite));
        assert_eq!(world.sent(), ["witness", "witness", "join", "join"]);
        daemon.runs.stop(daemon.clock.now()).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(world.sent()[4..], ["leave", "leave"]);
    });
}

#[test]
fn lists_grants_and_checkpoints_that_a_coordinator_carries_are_taken_once() {
    let world = World::new();
    let (office, now) = (world.home.at("office"), unix_seconds());
    world.daemon(|daemon| {
        assert!(world.heard(daemon, Incoming::Lists(b"{}".to_vec())).is_empty());
        fresh_list(&office, 7, now).unwrap_or_else(|fault| panic!("{fault}"));
        let lists = std::fs::read(office.join(names::REVOCATIONS)).unwrap();
        let told = world.heard(daemon, Incoming::Lists(lists.clone()));
        let end = daemon.keys.lists_end(now).map(|end| end.next_update).unwrap();
        assert_eq!(told, [format!("{{\"event\":\"lists_renewed\",\"next_update\":{end}}}")]);
        assert!(world.heard(daemon, Incoming::Lists(lists)).is_empty(), "they are no news");
        let key = |path: &str| read_signing_key(&world.home.at(path)).unwrap_or_else(|fault| panic!("{fault}"));
        let word = |path: &str| {
            let withdrawal = sign_withdrawal(&key(path), Digest([7; 32]), 5);
            Incoming::Owner(Box::new(OwnersWord::TakenBack(withdrawal)))
        };
        assert!(world.heard(daemon, word("other.key")).is_empty());
        let told = world.heard(daemon, word("owner.key"));
        let grant = Digest([7; 32]);
        assert_eq!(told, [format!("{{\"event\":\"grant_carried\",\"grant\":\"{grant}\",\"withdrawn\":true}}")]);
        assert!(daemon.runs.branch().record().withdrawn.contains(&grant));
        assert!(world.heard(daemon, word("owner.key")).is_empty());
        // The coordinator's journal of one entry is cosigned, and another one of that size disputed.
        let coordinator = key("centre/signing.key");
        let (authorities, needed) = daemon.runs.out.authorities.clone();
        let shown = |entry: u8, from: u64| {
            let tree = MerkleTree::new(Digest::of_parts, vec![leaf_digest(Digest::of_parts, &[entry])]);
            let origin = origin_of(&federation_digest(&authorities, needed));
            let checkpoint = Checkpoint { origin, size: 1, root: tree.root() };
            let note = SignedCheckpoint::sign::<RealSuite>(checkpoint, &coordinator).unwrap();
            Incoming::Checkpoint(ShownCheckpoint { note: note.to_string().into_bytes(), from, proof: Vec::new() })
        };
        let before = world.sent().len();
        assert!(world.heard(daemon, shown(1, 0)).is_empty());
        assert_eq!(world.sent()[before..], ["witness"]);
        assert!(daemon.witness.status().cosigned.is_some_and(|at| at.abs_diff(now) < 60));
        let told = world.heard(daemon, shown(2, 1));
        assert!(
            told.len() == 1 && told[0].starts_with("{\"event\":\"log_refused\",\"seen\":1,\"shown\":1,"),
            "{told:?}"
        );
        assert_eq!(world.sent()[before..], ["witness", "witness"]);
    });
}

#[test]
fn an_operator_s_wishes_are_done_noted_and_answered() {
    let world = World::new();
    let settings = world.home.settings();
    let paused = settings.state_dir.join("paused");
    world.daemon(|daemon| {
        let asked =
            |daemon: &mut Daemon<'_>, request| daemon.asked_for(request).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(matches!(asked(daemon, Request::Pause), Said::Paused));
        assert!(paused.exists() && daemon.runs.status().paused);
        assert_eq!(world.told.take(), ["{\"event\":\"paused\"}"]);
        let Said::Status(status) = asked(daemon, Request::Status) else { panic!("a status") };
        assert!(matches!(status.link, LinkStatus::Connecting) && status.runs.paused && status.log.entries.is_none());
        assert_eq!(
            status.events.iter().map(|event| event.event["event"].as_str()).collect::<Vec<_>>(),
            [Some("paused")]
        );
        assert!(matches!(asked(daemon, Request::Resume), Said::Resumed));
        assert!(!paused.exists() && !daemon.runs.status().paused);
        assert_eq!(world.told.take(), ["{\"event\":\"resumed\"}"]);
        // A file that somebody has put there counts as well; what cannot be taken away is told.
        std::fs::create_dir(&paused).unwrap();
        daemon.look_at_folder().unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(world.told.take(), ["{\"event\":\"paused\"}"]);
        assert!(matches!(asked(daemon, Request::Resume), Said::Fault(fault) if fault.contains("paused")));
        assert!(daemon.runs.status().paused);
        daemon.noticed(Notice::Judge);
        daemon.noticed(Notice::Report(Report::BudgetBegun { counter: 3 }));
        assert_eq!(world.told.take(), ["{\"event\":\"budget_begun\",\"counter\":3}"]);
        assert_eq!(daemon.runs.out.last.all().len(), 4);
    });
    // Whoever starts it paused is told so first.
    world.daemon(|daemon| {
        assert!(daemon.runs.status().paused);
        assert_eq!(world.told.take(), ["{\"event\":\"paused\"}"]);
    });
}

/// What is refused before anything is spoken leaves no note of the policy and no file of what was sent.
#[test]
fn a_daemon_that_may_not_begin_leaves_nothing() {
    let refused = |change: &dyn Fn(&Home)| {
        let home = Home::enrolled_at(unix_seconds() - 86_400);
        change(&home);
        let told = Told::default();
        let tell = |report: &Report| told.borrow_mut().push(serde_json::to_string(report).unwrap());
        let fault = run(home.settings(), Ends::WithFirstRun, &tell).unwrap_err().to_string();
        let state = home.settings().state_dir;
        (fault, told.take().len(), state.join("sent.log").exists() || state.join("checkpoints").exists())
    };
    let rows = |home: &Home| {
        let data =
            synthetic::generate(&SyntheticSpec { branches: 1, customers_per_branch: 40, ..SyntheticSpec::default() });
        let (path, schema) = (home.at("customers.csv"), synthetic::schema());
        write_csv(&path, schema.dialect(), &data.header, &data.branches[0].training)
            .unwrap_or_else(|fault| panic!("{fault}"));
    };
    let (fault, told, left) = refused(&|home| {
        home.begin();
        let schema = std::fs::read_to_string(home.at("schema.toml")).unwrap();
        std::fs::write(home.at("schema.toml"), schema.replacen("version = 1", "version = 2", 1)).unwrap();
    });
    assert!(fault.contains("policy.toml: the policy pins the schema") && told == 0 && !left, "{fault}");
    let (fault, _, left) = refused(&|home| home.begin());
    assert!(fault.contains("customers.csv") && !left, "{fault}");
    let (fault, _, left) = refused(&rows);
    assert!(fault.contains("budget") && !left, "{fault}");
    let (fault, _, left) = refused(&|home| {
        home.begin();
        write_private(&home.at("state/sent.log"), b"no log\n", Existing::Replace).unwrap();
        rows(home);
    });
    assert!(fault.contains("sent.log") && left, "{fault}");
}

#[test]
fn the_coordinator_is_told_why_a_client_leaves_and_nothing_of_a_row() {
    let full = std::io::Error::from_raw_os_error(28);
    let path = std::path::PathBuf::from("budget.ledger");
    let full = ClientError::Journal(tributary_storage::journal::JournalError::Io { path, fault: full });
    let said = |result: Result<(), ClientError>| farewell(&result);
    assert_eq!(said(Ok(())), "the client stopped");
    assert_eq!(said(Err(ClientError::Refused("row 3".into()))), "the client stopped");
    assert_eq!(said(Err(full)), "the client stopped, because its disk is full");
    assert_eq!(said(Err(ClientError::File("row 3".into()))), "the client stopped with an error");
}

/// A daemon that cannot write what it must know later does not start, and the next one does. Its metrics are no such thing: they are written again
/// at the next change.
#[test]
fn a_daemon_of_which_a_write_failed_starts_again() {
    let base = World::new();
    let mut started = 0;
    let failed = each_fault(|fault| {
        let world = base.copied();
        let done = fault.during(|| world.opened(|_| ()));
        assert!(done.is_ok() || fault.struck());
        started += usize::from(done.is_ok() && fault.struck());
        world.daemon(|_| ());
    });
    assert!(failed > 12 && started == 2, "{failed} {started}: all but the metrics' file and its name");
}

/// What an owner has taken back counts once the budget has it. A fault of the budget ends the process, and the next one has it; one of the folder
/// ends nothing, and is tried again.
#[test]
fn what_is_taken_back_counts_whichever_write_failed() {
    let base = World::new();
    let key = read_signing_key(&base.home.at("owner.key")).unwrap_or_else(|fault| panic!("{fault}"));
    let withdrawal = sign_withdrawal(&key, Digest([7; 32]), 5);
    let mut ended = 0;
    let failed = each_fault(|fault| {
        let world = base.copied();
        let counts = |daemon: &mut Daemon<'_>| daemon.runs.branch().record().withdrawn.contains(&withdrawal.grant);
        world.daemon(|daemon| {
            let word = Incoming::Owner(Box::new(OwnersWord::TakenBack(withdrawal.clone())));
            match fault.during(|| daemon.arrived(word)) {
                Err(_) => ended += usize::from(fault.struck()),
                Ok(()) => {
                    daemon.look_at_folder().unwrap_or_else(|fault| panic!("{fault}"));
                    assert!(counts(daemon));
                }
            }
        });
        world.daemon(|daemon| assert!(counts(daemon)));
    });
    assert_eq!((failed, ended), (4, 1), "the folder, the file and its name; the budget");
}

#[test]
fn a_pause_that_cannot_be_noted_is_none() {
    let base = World::new();
    let failed = each_fault(|fault| {
        let world = base.copied();
        world.daemon(|daemon| {
            let asked =
                |daemon: &mut Daemon<'_>| daemon.asked_for(Request::Pause).unwrap_or_else(|fault| panic!("{fault}"));
            let said = fault.during(|| asked(daemon));
            assert_eq!(matches!(said, Said::Fault(_)), fault.struck());
            assert!(matches!(asked(daemon), Said::Paused) && daemon.runs.status().paused);
        });
    });
    assert_eq!(failed, 2);
}

/// Lists that cannot be written are not in force. Where they are on the disk all the same, the loop that follows the files puts them in force; else
/// they are news when they come again.
#[test]
fn lists_that_could_not_be_written_are_in_force_later() {
    let base = World::new();
    let now = unix_seconds();
    fresh_list(&base.home.at("office"), 7, now).unwrap_or_else(|fault| panic!("{fault}"));
    let lists = std::fs::read(base.home.at("office").join(names::REVOCATIONS)).unwrap();
    let mut followed = 0;
    let failed = each_fault(|fault| {
        let world = base.copied();
        world.daemon(|daemon| {
            let before = daemon.keys.lists_end(now).map(|end| end.next_update);
            let told = fault.during(|| world.heard(daemon, Incoming::Lists(lists.clone())));
            let is_told = |told: &[String]| told.len() == 1 && told[0].contains("lists_renewed");
            assert_eq!(is_told(&told), !fault.struck(), "{told:?}");
            if fault.struck() && !is_told(&world.heard(daemon, Incoming::Lists(lists.clone()))) {
                followed += 1;
                daemon.keys.reload(now).unwrap_or_else(|fault| panic!("{fault}"));
            }
            assert!(daemon.keys.lists_end(now).map(|end| end.next_update) > before);
        });
    });
    assert!(failed > 1 && followed < failed, "{failed} {followed}");
}
