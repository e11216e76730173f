//! The daemon's loop: one task owns the machines, executes what they ask for strictly in order, and sleeps until something happens.
//!
//! This task runs on the thread that called [`run()`]: syncing the journal and unmasking block it and nothing else. Sockets and folding run
//! on worker threads, for which one core fewer is counted than there are.

use std::future::{Future, poll_fn};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tributary_certs::clock::{SteadyClock, unix_millis, unix_seconds};
#[cfg(unix)]
use tributary_daemon::control::{SocketDoor, listen};
use tributary_daemon::{Metrics, Pulse, Watchdog};
use tributary_protocol::log::Mark;
use tributary_protocol::time::Millis;
use tributary_settings::Faults;
use tributary_storage::journal::check_front;
use tributary_transport::Listener;
use tributary_transport::limits::CLOSING_TIME;

use super::found::Found;
use super::grant_files::GrantsFolder;
use super::hands::{Hands, HandsSettings};
use super::models::Word;
use super::office::Counter;
use super::open_runs::Federation;
use super::orders::OrdersFolder;
use super::plans::PlansFolder;
use crate::connections::{Arrival, Door, DoorSettings, Limits, Members, Traffic};
use crate::control::Asked;
use crate::error::CoordinatorError;
use crate::federation::muster::LOOK_EVERY;
use crate::inbox::follow;
use crate::open::Opened;
use crate::registry::{AttacksFolder, StatementsFolder};
use crate::report::{Event, Told};
use crate::run::spool::Spool;
use crate::sink::Sink;
use crate::store::{self, ledger_of};

/// Most threads for sockets and folding. On a machine with two cores it is one: two that wake each other cost a tenth of what the coordinator
/// does in a round.
const WORKERS_MAX: usize = 4;

/// Threads for sockets and folding on a machine of so many cores: one core is the rounds'.
fn workers(cores: usize) -> usize {
    cores.saturating_sub(1).clamp(1, WORKERS_MAX)
}

/// Inputs that may wait for the machine; beyond it connections are not read.
const INPUTS_MAX: usize = 1_024;

/// Inputs handled before the next look at the clock.
const BATCH: usize = 64;

/// How long clients have to take their last messages.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Longest sleep: a deadline beyond it is looked at again by then.
const SLEEP_MAX: Duration = Duration::from_secs(86_400);

/// The moment of a deadline, or of the next look at it.
fn instant(clock: &SteadyClock, deadline: Millis) -> tokio::time::Instant {
    let left = Duration::from_millis(clock.now().until(deadline));
    (Instant::now() + left.min(SLEEP_MAX)).into()
}

/// The coordinator's loops, as the watchdog sees them. A loop that only waits is at rest.
struct Pulses {
    machine: Pulse,
    roster: Pulse,
    door: Pulse,
    identity: Pulse,
    renewal: Pulse,
    office: Pulse,
}

impl Pulses {
    fn of(watchdog: &mut Watchdog) -> Self {
        let mut watch = |name, metric, help| watchdog.watch(name, metric, help, STALLED_AFTER);
        Self {
            machine: watch(
                "rounds",
                "rounds_stalled_seconds",
                "Seconds for which the loop of the rounds stands still at one step, beyond what it may; 0 where it goes on.",
            ),
            roster: watch(
                "roster",
                "roster_stalled_seconds",
                "Seconds for which the loop that follows the roster's file stands still; 0 where it goes on.",
            ),
            door: watch(
                "door",
                "door_stalled_seconds",
                "Seconds for which the loop that lets connections in stands still; 0 where it goes on.",
            ),
            identity: watch(
                "identity",
                "identity_stalled_seconds",
                "Seconds for which the loop that follows keys, trust and revocations stands still; 0 where it goes on.",
            ),
            renewal: watch(
                "renewal",
                "renewal_stalled_seconds",
                "Seconds for which the renewal of this coordinator's certificate waits for the authority's folder, beyond what it may; 0 where it does not.",
            ),
            office: watch(
                "office",
                "office_stalled_seconds",
                "Seconds for which the enrolment office waits for the authority's folder, beyond what it may; 0 where it goes on.",
            ),
        }
    }
}

/// A loop that stands still for longer is reported.
const STALLED_AFTER: Duration = Duration::from_secs(30);

/// When the process ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Never: it serves until it is stopped.
    Never,
    /// When every run of every plan is over, and the clients were told.
    WithTheLastRun,
}

/// Serves the federation until `stop` completes, and tells `report` what happens.
///
/// # Errors
/// Why the coordinator could not start or had to end.
pub fn run(
    opened: Opened,
    ends: Ends,
    report: &mut dyn FnMut(&Told),
    stop: impl Future<Output = ()>,
) -> Result<(), CoordinatorError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers(cores)).enable_all().build();
    let runtime = runtime.map_err(CoordinatorError::Runtime)?;
    let result = runtime.block_on(serve(opened, ends, report, stop));
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve(
    opened: Opened,
    ends: Ends,
    report: &mut dyn FnMut(&Told),
    stop: impl Future<Output = ()>,
) -> Result<(), CoordinatorError> {
    let Opened { file, state_dir, heads_dir, gather_ms, windows, listen, sink, identity, .. } = opened;
    // Before anything changes.
    store::judge(&state_dir, &heads_dir)?;
    let adopted = identity.keyring.adopt(unix_seconds());
    adopted.map_err(|faults| Faults { file, faults })?;
    for warning in &identity.warnings {
        tracing::warn!("{warning}");
    }
    // The journal's lock keeps a second coordinator out before anything else is touched.
    let signing_key = Arc::new(identity.signing_key);
    let (folders, own) = ((&*state_dir, &*heads_dir), (identity.federation, &signing_key));
    let found = Found::open(folders, own, Millis(unix_millis()))?;
    let Found { journal, past, begun, unread, witnesses, registry, heads } = found;
    let (keyring, roster_file) = (identity.keyring, identity.roster_file);
    let members = Arc::new(Members::open(&identity.roster.roster, &heads_dir)?);
    let (traffic, limits) = (Arc::new(Traffic::default()), Arc::new(Limits::default()));
    let metrics = Arc::new(Metrics::in_folder(&state_dir));
    let (inputs, mut arrivals) = mpsc::channel(INPUTS_MAX);
    let (mut plans, local) = (PlansFolder::of(&state_dir), state_dir.clone());
    let mut watchdog = Watchdog::new();
    let pulses = Pulses::of(&mut watchdog);
    let door = Door::new(DoorSettings {
        members: Arc::clone(&members),
        standing: keyring.standing(),
        inputs: inputs.clone(),
        spool: Spool::new(state_dir.clone()),
        limits: Arc::clone(&limits),
        traffic: Arc::clone(&traffic),
        timers: listen.timers,
        ended: keyring.ended(),
        office: keyring.office().cloned().map(|folder| Counter::new(folder, pulses.office)),
        unix_seconds,
    });
    let sink = sink.map(|settings| {
        let journal = (state_dir.as_path(), journal.durable());
        Sink::start(&settings, journal, inputs.clone(), unix_millis)
    });
    let hands = HandsSettings {
        journal,
        registry,
        heads,
        witnesses,
        sink: sink.transpose().map_err(CoordinatorError::Runtime)?,
        clock: SteadyClock::start(),
        members: Arc::clone(&members),
        metrics: Arc::clone(&metrics),
        signing_key,
        federation: identity.federation,
        gather_ms,
        traffic,
        lists: keyring.carried(),
    };
    let hands = Hands::new(hands, report);
    let mut orders = OrdersFolder::of(&state_dir);
    let (mut statements, mut attacks) = (StatementsFolder::of(&state_dir), AttacksFolder::of(&state_dir));
    let mut grants = GrantsFolder::of(&state_dir);
    if let Some(mark) = unread {
        check_beside(ledger_of(&state_dir), mark, inputs.clone()).map_err(CoordinatorError::Runtime)?;
    }
    let mut federation = Federation::new(
        hands,
        (state_dir, limits, windows),
        (plans.new_ones(unix_seconds()), identity.roster),
        (past, begun),
    );
    // The port comes first: where it cannot be had, the journal stays as it was.
    let listener = Arc::new(Listener::open(&listen, keyring.keys())?);
    // What people have ordered is heard before anything begins.
    for order in orders.new_ones() {
        federation.arrive(Arrival::Ordered(Box::new(order)))?;
    }
    // What owners have signed as well, so that a member hears of a withdrawal as soon as it is here.
    federation.arrive(Arrival::Owners(grants.new_ones()))?;
    federation.conclude_the_finished()?;
    federation.open_due()?;
    federation.keep_index();
    let (address, enrolled) = (listener.address(), members.count());
    // Asked once before anybody is told that this process is here, so that a wish to stop is heard from then on.
    let mut stop = pin!(stop);
    let wished = poll_fn(|context| Poll::Ready(stop.as_mut().poll(context).is_ready())).await;
    let mut stop = pin!(async move {
        if !wished {
            stop.await;
        }
    });
    // A command that hears so finds this process, and does not take the journal for its own.
    let (asking, mut asked) = mpsc::channel(1);
    let _socket = listen_locally(&local, asking);
    federation.hands.tell(None, Event::Listening { address, enrolled });
    let _watched = watchdog.start(Arc::clone(&metrics), unix_seconds).map_err(CoordinatorError::Runtime)?;
    tokio::spawn(roster_file.watch(Arc::clone(&door), inputs.clone(), pulses.roster));
    let ordered = move || orders.new_ones().into_iter().map(|order| Arrival::Ordered(Box::new(order)));
    tokio::spawn(follow(ordered, inputs.clone()));
    let granted = move || Some(grants.new_ones()).filter(|words| !words.is_empty()).map(Arrival::Owners);
    tokio::spawn(follow(granted, inputs.clone()));
    let activated = move || plans.new_ones(unix_seconds()).into_iter().map(|job| Arrival::Plan(Box::new(job)));
    tokio::spawn(follow(activated, inputs.clone()));
    let stated = move || statements.new_ones().into_iter().map(Word::from).map(Arrival::Stated);
    let attacked = move || attacks.new_ones().into_iter().map(Word::from).map(Arrival::Stated);
    tokio::spawn(follow(attacked, inputs.clone()));
    tokio::spawn(follow(stated, inputs.clone()));
    tokio::spawn(Arc::clone(&door).serve(Arc::clone(&listener), pulses.door));
    if let Some(renewal) = keyring.renewal(inputs.clone(), Arc::clone(&metrics), pulses.renewal) {
        tokio::spawn(renewal.run());
    }
    tokio::spawn(keyring.watch(Arc::clone(&listener), Arc::clone(&door), inputs, metrics, pulses.identity));
    // A process that ended while it told the clients of the last run's end has left some of them waiting.
    let absent = if federation.is_through() { listen.timers.detached } else { Duration::ZERO };
    if turn(&mut federation, (&mut arrivals, &mut asked), stop.as_mut(), (ends, &pulses.machine)).await? {
        let leaving = async {
            tokio::time::sleep(absent).await;
            door.emptied(listen.timers.detached).await;
        };
        farewell(&mut federation, &mut arrivals, leaving, stop).await?;
    }
    // Nobody waits for an answer any more.
    drop(arrivals);
    federation.hands.witnesses.write();
    federation.hands.leave();
    door.emptied(DRAIN_TIME).await;
    listener.drain(CLOSING_TIME).await;
    federation.hands.copy_the_rest();
    Ok(())
}

/// Inputs, deadlines and the operator's wish to stop, until that was fulfilled or the process ends by itself; whether it does.
async fn turn(
    federation: &mut Federation<'_>,
    (arrivals, asked): (&mut mpsc::Receiver<Arrival>, &mut mpsc::Receiver<Asked>),
    mut stop: Pin<&mut impl Future<Output = ()>>,
    (ends, pulse): (Ends, &Pulse),
) -> Result<bool, CoordinatorError> {
    let mut sleep = pin!(tokio::time::sleep(Duration::ZERO));
    let mut armed: Option<Millis> = None;
    let mut expired: Option<Millis> = None;
    let mut batch = Vec::with_capacity(BATCH);
    let mut roll = tokio::time::interval(LOOK_EVERY);
    roll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while ends == Ends::Never || !federation.is_through() {
        if let Some(fault) = federation.stuck().filter(|_| ends == Ends::WithTheLastRun) {
            return Err(CoordinatorError::NotOpened(fault.to_owned()));
        }
        // A deadline that has passed once is not waited for again: the machine acted on it, or waits for something else.
        let deadline = federation.deadline().filter(|deadline| Some(*deadline) != expired);
        if let Some(deadline) = deadline.filter(|deadline| armed != Some(*deadline)) {
            sleep.as_mut().reset(instant(&federation.hands.clock, deadline));
        }
        armed = deadline;
        pulse.rest();
        tokio::select! {
            biased;
            () = &mut stop => {
                pulse.beat();
                federation.stop()?;
                return Ok(false);
            }
            count = arrivals.recv_many(&mut batch, BATCH) => {
                assert!(count > 0, "the door keeps a sender");
                pulse.beat();
                for arrival in batch.drain(..) {
                    federation.arrive(arrival)?;
                }
            }
            () = &mut sleep, if armed.is_some() => {
                pulse.beat();
                // One beyond the longest sleep is armed again.
                expired = armed.filter(|deadline| *deadline <= federation.hands.clock.now());
                armed = None;
                federation.timer()?;
            }
            Some(Asked { question, answer }) = asked.recv() => {
                pulse.beat();
                // Whoever asked may have gone.
                let _ = answer.send(federation.answer(question)?);
            }
            _ = roll.tick() => {
                pulse.beat();
                federation.look()?;
            }
        }
    }
    pulse.rest();
    Ok(true)
}

/// Reads the front of the journal that the start has not read, beside the work: a file that was changed there ends the process.
fn check_beside(path: PathBuf, mark: Mark, inputs: mpsc::Sender<Arrival>) -> std::io::Result<()> {
    let check = move || {
        let found = match check_front(&path, &mark) {
            Ok(leaves) => Arrival::Front(leaves),
            Err(fault) => Arrival::Damaged(fault),
        };
        // Where the process is ending already, its next start checks again.
        let _ = inputs.blocking_send(found);
    };
    std::thread::Builder::new().name("journal".into()).spawn(check).map(drop)
}

/// Whoever cannot be asked serves all the same.
#[cfg(unix)]
fn listen_locally(state_dir: &Path, asking: mpsc::Sender<Asked>) -> Option<SocketDoor> {
    listen(state_dir, asking).map_err(|fault| tracing::warn!("{fault}")).ok()
}

/// There are no such sockets outside Unix.
#[cfg(not(unix))]
fn listen_locally(_: &Path, asking: mpsc::Sender<Asked>) -> mpsc::Sender<Asked> {
    asking
}

/// Every run is over: whoever is here, or comes while others are still being told, hears of it; until `leaving` completes, or the operator does not want
/// to wait.
async fn farewell(
    federation: &mut Federation<'_>,
    arrivals: &mut mpsc::Receiver<Arrival>,
    leaving: impl Future<Output = ()>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), CoordinatorError> {
    let mut leaving = pin!(leaving);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            Some(arrival) = arrivals.recv() => federation.arrive(arrival)?,
            () = &mut leaving => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_core_is_left_to_the_rounds() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 64].map(workers), [1, 1, 1, 2, 3, 4, 4, 4]);
    }

    #[test]
    fn the_loop_sleeps_until_its_deadline_and_looks_once_a_day() {
        let clock = SteadyClock::start();
        let sleeps = |deadline: Millis| instant(&clock, deadline).into_std().saturating_duration_since(Instant::now());
        assert!(sleeps(Millis(0)).is_zero());
        let minute = Duration::from_secs(60);
        assert!(sleeps(clock.now().plus(60_000)) <= minute);
        assert!(sleeps(Millis(u64::MAX)) <= SLEEP_MAX && sleeps(Millis(u64::MAX)) > SLEEP_MAX / 2);
    }
}
