//! The daemon's loop: one task owns the runs of the branch and hears link, worker, owner and operator, in order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tributary_certs::clock::{SteadyClock, unix_millis, unix_seconds};
use tributary_daemon::{Metrics, Pulse, StopSignal, Watchdog, WatchdogGuard};
use tributary_model::schema::Schema;
use tributary_protocol::message::{ShownCheckpoint, ToCoordinator};
use tributary_protocol::roster::federation_digest;
use tributary_protocol::round::Branch;
use tributary_transport::{ChannelSettings, Dialer};

use crate::budget::{bad_budget, open_budget};
use crate::control::{Asked, LinkStatus, PauseFile, Request, Said, Status};
use crate::conversation::{Conversation, Incoming, LEAVING};
use crate::data::read_schema;
use crate::error::ClientError;
use crate::grants::{Grants, OwnersInbox};
use crate::hands::Hands;
use crate::identity::{BranchIdentity, Keys, own_name};
use crate::last_word::LastWord;
use crate::lists::Distress;
use crate::models::Models;
use crate::notice::Notice;
use crate::policy::BranchPolicy;
use crate::pulses::Pulses;
use crate::reading::{Read, Rereader, read_rows};
use crate::ready::{Store, Watch};
use crate::renewal::{LOOK_EVERY, Renewal};
use crate::runs::{Ended, Outside as _, Runs};
use crate::sent::SentLog;
use crate::settings::Settings;
use crate::telemetry::{Last, Report, RunName};
use crate::witness::Witness;
use crate::worker::{self, Answer, Snapshot, WorkerEnds, WorkerSource};

/// When a daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// When the operator stops it.
    WhenStopped,
    /// With the first run that has finished or was refused, or when the operator stops it. After a run that has finished, the branch first cosigns what the
    /// coordinator's journal says of its end, where it is shown that within five seconds.
    WithFirstRun,
}

/// Everything that the loop owns.
struct Daemon<'r> {
    runs: Runs<Hands<'r>>,
    clock: SteadyClock,
    answers: mpsc::UnboundedReceiver<Answer>,
    /// Of the certificate's renewal, and of the lists.
    notices: mpsc::UnboundedReceiver<Notice>,
    /// The operator's questions.
    asked: mpsc::Receiver<Asked>,
    keys: Keys,
    distress: Distress,
    pulse: Pulse,
    /// What the owner of the data has granted.
    grants: Grants,
    /// Models that the branch keeps.
    models: Models,
    /// What the branch has seen of the coordinator's journal.
    witness: Witness,
    pause: PauseFile,
    rereader: Rereader,
    link: LinkStatus,
    ends: Ends,
}

/// Clocks that differ by more are reported at each connection.
const SKEW_SECONDS_MAX: u64 = 30;

/// How often the folder of the owner's grants is looked at, and whether the branch is paused.
const LOOK_AT_FOLDER_EVERY: Duration = Duration::from_secs(1);

/// Longest sleep until the runs are asked again.
const SLEEP_MAX: Duration = Duration::from_secs(86_400);

/// Runs the daemon until it ends, and tells `report` what happens.
///
/// # Errors
/// [`ClientError`], for the operator.
pub fn run(settings: Settings, ends: Ends, report: &dyn Fn(&Report)) -> Result<(), ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ClientError::Runtime)?;
    let mut stop = runtime.block_on(async { StopSignal::listen() });
    let schema = read_schema(&settings.schema_file)?;
    let identity = BranchIdentity::open(settings.identity.clone(), unix_seconds())?;
    let owned = BranchPolicy::owned(&settings)?;
    // Before a row is read: whether a table can be read under another schema is nothing that anybody may learn.
    let named = |fault| ClientError::File(format!("{}: {fault}", settings.policy_file.display()));
    owned.schema.holds(&schema).map_err(named)?;
    let Some(snapshot) = runtime.block_on(read_rows(&settings, &schema, report, &mut stop))? else { return Ok(()) };
    let _within = runtime.enter();
    let source = Source { schema, identity, owned, snapshot };
    let Opened { mut daemon, renewal, watched: _watched, door: _door } = open(settings, source, ends, report)?;
    tokio::spawn(renewal.run());
    let result = runtime.block_on(daemon.serve(&mut stop));
    runtime.block_on(daemon.runs.out.conversation.leave(farewell(&result)));
    result
}

/// What the coordinator is told when the daemon leaves. It tells of no row, whatever has ended the daemon.
fn farewell(result: &Result<(), ClientError>) -> &'static str {
    match result {
        Ok(()) | Err(ClientError::Refused(_)) => LEAVING,
        Err(fault) if fault.is_full_disk() => "the client stopped, because its disk is full",
        Err(_) => "the client stopped with an error",
    }
}

/// What was read and judged before the daemon speaks to anybody.
struct Source {
    schema: Schema,
    identity: BranchIdentity,
    owned: BranchPolicy,
    snapshot: Snapshot,
}

/// A daemon whose files are open and whose threads run, and what stands beside its loop.
struct Opened<'r> {
    daemon: Daemon<'r>,
    renewal: Renewal,
    watched: WatchdogGuard,
    door: Option<Door>,
}

/// Opens every file of the state, and starts the threads; inside of the runtime, to which their timers belong.
fn open<'r>(
    settings: Settings,
    Source { schema, identity, owned, snapshot }: Source,
    ends: Ends,
    report: &'r dyn Fn(&Report),
) -> Result<Opened<'r>, ClientError> {
    let clock = SteadyClock::start();
    let (journal, events) = open_budget(&settings, &owned.population)?;
    // After the lock of the budget: a second process of this identity, or one without a budget, leaves nothing here.
    owned.note(&settings)?;
    let authorities = (identity.authorities.keys().to_vec(), identity.authorities.needed());
    let policy = owned.of_machines(identity.coordinator.signing_key.clone(), authorities.clone());
    let signing_key = identity.signing_key.verifying_key();
    let models =
        Models::open((&settings.identity.folder, &settings.state_dir), authorities.clone(), signing_key.clone())?;
    let federation = federation_digest(&authorities.0, authorities.1);
    let name = own_name(&settings.identity.folder)?;
    let witness = Witness::open(&settings.state_dir, &federation, identity.coordinator.signing_key.clone(), name)?;
    let sent = SentLog::open(&settings.state_dir, &identity.coordinator.identity.to_string(), unix_seconds())?;
    let branch = Branch::resume(policy, schema.digest(), identity.signing_key, &events);
    let branch = branch.map_err(|fault| bad_budget(&settings, &fault))?;
    let grants = Grants::of(&settings, schema.clone());
    let rereader = Rereader::new(settings.clone(), schema.clone());
    let watch = Watch::new(Store::of(&settings.state_dir), snapshot.files);
    let mut watchdog = Watchdog::new();
    let pulses = Pulses::of(&mut watchdog);
    let (customers_nominal, caps) = (settings.customers_nominal, settings.worker);
    let source = WorkerSource { snapshot, schema, customers_nominal, policy: owned.clone(), caps };
    let WorkerEnds { jobs, answers } = worker::start(source, pulses.training);
    let keys = identity.keys;
    let (notice_sender, notices) = mpsc::unbounded_channel();
    let distress = Distress::default();
    let metrics = Arc::new(Metrics::in_folder(&settings.state_dir));
    let watched = watchdog.start(Arc::clone(&metrics), unix_seconds).map_err(ClientError::Runtime)?;
    let renewal = Renewal {
        keys: keys.clone(),
        dialer: Dialer::new(settings.dial()),
        notices: notice_sender,
        distress: distress.clone(),
        unix_seconds,
        metrics: Arc::clone(&metrics),
        pulse: pulses.renewal,
        lists: pulses.lists,
        look_every: LOOK_EVERY,
    };
    let of_channel = keys.clone();
    let channel = ChannelSettings { dial: settings.dial(), keys: Box::new(move || of_channel.current()) };
    let (asking, asked) = mpsc::channel(1);
    let (conversation, door) = (Conversation::new(channel).noted_in(sent), open_door(&settings, asking));
    let folder = settings.identity.folder.clone();
    let inbox = OwnersInbox::of(&settings);
    let hands =
        Hands { inbox, journal, conversation, jobs, report, last: Last::default(), signing_key, authorities, folder };
    let pause = PauseFile::of(&settings.state_dir);
    let paused = pause.stands();
    let mut daemon = Daemon {
        runs: Runs::new(branch, owned, metrics, watch, (hands, paused)),
        clock,
        answers,
        notices,
        asked,
        keys,
        distress,
        pulse: pulses.rounds,
        grants,
        models,
        witness,
        pause,
        rereader,
        link: LinkStatus::Connecting,
        ends,
    };
    if paused {
        daemon.runs.out.tell(Report::Paused);
    }
    daemon.look_at_folder()?;
    Ok(Opened { daemon, renewal, watched, door })
}

/// The operator's socket. Without it everything else goes on.
#[cfg(unix)]
fn open_door(settings: &Settings, asking: mpsc::Sender<Asked>) -> Option<Door> {
    tributary_daemon::control::listen(&settings.state_dir, asking).map_err(|fault| tracing::error!("{fault}")).ok()
}

#[cfg(unix)]
type Door = tributary_daemon::control::SocketDoor;

#[cfg(not(unix))]
fn open_door(_: &Settings, asking: mpsc::Sender<Asked>) -> Option<Door> {
    Some(asking)
}

#[cfg(not(unix))]
type Door = mpsc::Sender<Asked>;

impl Daemon<'_> {
    /// Takes part in what there is, through as many connections as it takes.
    async fn serve(&mut self, stop: &mut StopSignal) -> Result<(), ClientError> {
        let mut look = tokio::time::interval(LOOK_AT_FOLDER_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut leaves: Option<LastWord> = None;
        loop {
            let deadline = self.runs.deadline().map(|deadline| self.clock.now().until(deadline));
            let timer = async {
                match deadline {
                    // A deadline beyond the longest sleep is looked at again by then.
                    Some(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds).min(SLEEP_MAX)).await,
                    None => std::future::pending().await,
                }
            };
            let mut goes = false;
            self.pulse.rest();
            tokio::select! {
                incoming = self.runs.out.conversation.next() => {
                    let gone = matches!(incoming, Incoming::Gone);
                    self.arrived(incoming)?;
                    goes = leaves.is_some_and(|word| gone || word.has_come(self.entries_cosigned()));
                }
                Some(answer) = self.answers.recv() => self.runs.answered(self.clock.now(), answer)?,
                Some(notice) = self.notices.recv() => self.noticed(notice),
                Some(Asked { question: request, answer }) = self.asked.recv() => {
                    let said = self.asked_for(request)?;
                    // Whoever asked may have gone.
                    let _ = answer.send(said);
                }
                read = self.rereader.next() => match read {
                    Read::Told(line) => self.runs.out.tell(line),
                    Read::Done(read) => self.runs.read_again(self.clock.now(), *read)?,
                },
                () = timer => self.runs.timer(self.clock.now())?,
                _ = look.tick() => self.look_at_folder()?,
                () = LastWord::is_over(leaves) => goes = true,
                () = stop.wished() => return self.leave_runs(),
            }
            self.pulse.beat();
            self.runs.out.conversation.is_noted()?;
            if self.runs.take_reread() {
                self.rereader.begin();
            }
            match self.runs.take_ended().filter(|_| self.ends == Ends::WithFirstRun && leaves.is_none()) {
                Some(Ended::Finished) => leaves = Some(LastWord::after(self.entries_cosigned())),
                Some(Ended::Refused(reason)) => {
                    self.leave_runs()?;
                    return Err(ClientError::Refused(reason));
                }
                None => {}
            }
            if goes {
                let cosigned = self.entries_cosigned();
                if leaves.is_some_and(|word| !word.has_come(cosigned)) {
                    self.runs.out.tell(Report::EndNotCosigned { seen: cosigned.unwrap_or(0) });
                }
                return self.leave_runs();
            }
        }
    }

    /// Entries of the journal's last checkpoint that was cosigned.
    fn entries_cosigned(&self) -> Option<u64> {
        self.witness.status().entries
    }

    fn leave_runs(&mut self) -> Result<(), ClientError> {
        self.runs.stop(self.clock.now())?;
        self.pulse.rest();
        Ok(())
    }

    fn arrived(&mut self, incoming: Incoming) -> Result<(), ClientError> {
        let now = self.clock.now();
        match incoming {
            Incoming::Message(run, message) => self.runs.hear(now, run, message),
            Incoming::Started(run, start, model) => self.runs.started(now, run, start, model),
            Incoming::Refused(reason) => {
                // Whoever says so may hold the line for ever: this side hangs up, and asks again.
                self.runs.out.abandon(&reason);
                self.runs.out.tell(Report::Refused { of: RunName::default(), reason });
                Ok(())
            }
            Incoming::Lists(text) => {
                self.take_lists(&text);
                Ok(())
            }
            Incoming::Checkpoint(shown) => {
                self.witness(&shown);
                Ok(())
            }
            Incoming::Roster(roster) => {
                self.models.shown(self.runs.branch(), *roster);
                Ok(())
            }
            Incoming::RosterBefore(roster) => {
                self.models.shown_before(*roster);
                Ok(())
            }
            Incoming::Followers(notes) => {
                self.models.follow(&notes);
                Ok(())
            }
            Incoming::Models(told) => {
                self.models.hear(now, told)?;
                self.tend_models()
            }
            Incoming::Owner(word) => {
                if let Some(report) = self.grants.hear(&word) {
                    self.runs.out.tell(report);
                    self.look_at_folder()?;
                }
                Ok(())
            }
            Incoming::ModelPiece(model, from, bytes) => {
                self.models.piece(self.runs.branch(), now, (model, from, &bytes))?;
                self.tend_models()
            }
            Incoming::Connected { coordinator, transport, resumed, coordinator_seconds } => {
                self.distress.set(false);
                let own_seconds = unix_seconds();
                let skew_seconds = coordinator_seconds.abs_diff(own_seconds);
                if skew_seconds > SKEW_SECONDS_MAX {
                    self.runs.out.tell(Report::ClockDiffers { skew_seconds });
                }
                let (coordinator, transport) = (coordinator.to_string(), transport.as_str());
                self.link = LinkStatus::Connected {
                    coordinator: coordinator.clone(),
                    transport: transport.to_owned(),
                    since: own_seconds,
                };
                self.runs.out.tell(Report::Connected { coordinator, transport, resumed });
                if resumed {
                    return self.runs.resumed(now);
                }
                let seen = ToCoordinator::Witness(self.witness.connected());
                self.runs.out.conversation.send_beside(&seen);
                self.models.connected();
                self.grants.connected();
                self.runs.connected(now)
            }
            Incoming::Waiting { reason, retry } => {
                self.distress.set(true);
                let retry_ms = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
                let again_unix_ms = unix_millis().saturating_add(retry_ms);
                self.link = LinkStatus::Waiting { reason: reason.clone(), again_unix_ms };
                self.runs.out.tell(Report::Disconnected { reason, retry_ms });
                Ok(())
            }
            Incoming::Gone => self.runs.gone(now),
        }
    }

    /// Tells the runs what the owner has granted and taken back, which data the operator says are ready, and whether they are paused, where that
    /// has changed.
    fn look_at_folder(&mut self) -> Result<(), ClientError> {
        let now = self.clock.now();
        if let Some(looked) = self.grants.look() {
            self.runs.granted(now, looked)?;
            self.models.grants_changed();
        }
        self.runs.look_for_words(now)?;
        self.tend_models()?;
        if self.pause.stands() { self.runs.pause(now) } else { self.runs.resume(now) }
    }

    /// Lets the models do what is due, beside the runs.
    fn tend_models(&mut self) -> Result<(), ClientError> {
        self.models.tend(self.runs.branch(), self.clock.now())?;
        for message in self.models.take_outbox() {
            self.runs.out.conversation.send_beside(&message);
        }
        for report in self.models.take_reports() {
            self.runs.out.tell(report);
        }
        Ok(())
    }

    /// Apart from every round: what comes of it changes none.
    fn witness(&mut self, shown: &ShownCheckpoint) {
        let branch = self.runs.branch();
        let cosign = |name: &_, checkpoint: &_, seconds| branch.cosign(name, checkpoint, seconds);
        let (said, told) = self.witness.hear(shown, &cosign, unix_seconds());
        if let Some(word) = said {
            self.runs.out.conversation.send_beside(&ToCoordinator::Witness(word));
        }
        told.into_iter().for_each(|report| self.runs.out.tell(report));
    }

    /// Only what ends the process is an error: what the operator can mend is said.
    fn asked_for(&mut self, request: Request) -> Result<Said, ClientError> {
        let noted = match request {
            Request::Status => {
                let (link, runs, events) = (self.link.clone(), self.runs.status(), self.runs.out.last.all());
                let log = self.witness.status();
                return Ok(Said::Status(Box::new(Status { link, runs, log, events })));
            }
            Request::Pause => self.pause.set(),
            Request::Resume => self.pause.clear(),
        };
        if let Err(fault) = noted {
            return Ok(Said::Fault(fault.to_string()));
        }
        self.look_at_folder()?;
        Ok(if request == Request::Pause { Said::Paused } else { Said::Resumed })
    }

    fn noticed(&mut self, notice: Notice) {
        match notice {
            Notice::Report(report) => self.runs.out.tell(report),
            Notice::Judge => self.judge_peer(),
        }
    }

    /// Whoever was believed when the connection was made may not be so any more.
    fn judge_peer(&mut self) {
        let out = &mut self.runs.out;
        let reason = out.conversation.peer().and_then(|peer| self.keys.judge(peer, unix_seconds()));
        if let Some(reason) = reason {
            tracing::warn!(reason, "the connection is cut, because its coordinator is believed no more");
            out.abandon(&reason);
        }
    }

    fn take_lists(&mut self, text: &[u8]) {
        let now = unix_seconds();
        match self.keys.take_lists(text, now) {
            Ok(false) => {}
            Ok(true) => {
                let next_update = self.keys.lists_end(now).map_or(0, |end| end.next_update);
                self.runs.out.tell(Report::ListsRenewed { next_update });
                self.judge_peer();
            }
            Err(fault) => tracing::error!(%fault, "revocation lists that the coordinator carried are not believed"),
        }
    }
}

#[cfg(test)]
#[path = "runtime_tests.rs"]
mod tests;
