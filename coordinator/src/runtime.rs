//! The daemon's loop: one task owns the machine, executes what it asks for strictly in order, and sleeps until something happens.
//!
//! This task runs on the thread that called [`run`]: syncing the ledger and unmasking block it and nothing else. Sockets and folding run
//! on worker threads, for which one core fewer is counted than there are.

use std::future::{Future, poll_fn};
use std::num::NonZero;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tributary_certs::clock::{SteadyClock, unix_millis, unix_seconds};
use tributary_protocol::round::{Coordinator, CoordinatorEvent, CoordinatorSettings, Input, Outbox};
use tributary_protocol::time::Millis;
use tributary_settings::Faults;
use tributary_storage::journal::Journal;
use tributary_transport::limits::CLOSING_TIME;
use tributary_transport::{Listener, Metrics, Pulse, Watchdog};

use crate::advance::Advance;
use crate::connections::{Arrival, Door, DoorSettings, Members};
use crate::error::CoordinatorError;
use crate::muster::LOOK_EVERY;
use crate::next_run::NextRun;
use crate::office::Counter;
use crate::open::{Opened, upload_bytes};
use crate::orders::OrdersFolder;
use crate::progress::Progress;
use crate::report::Event;
use crate::shell::{Shell, ShellParts};
use crate::spool::Spool;
use crate::store::{self, HeadsFile, Store};
use crate::uploads::OpenSum;

/// Most threads for sockets and folding. On a machine with two cores it is one: two that wake each other cost a tenth of what the coordinator
/// does in a round.
const WORKERS_MAX: usize = 4;

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

/// Serves a plan until it is over or `stop` completes, and tells `report` what happens.
///
/// # Errors
/// Why the coordinator could not start or had to end.
pub fn run(
    opened: Opened,
    report: &mut dyn FnMut(&Event),
    stop: impl Future<Output = ()>,
) -> Result<(), CoordinatorError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let workers = cores.saturating_sub(1).clamp(1, WORKERS_MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let runtime = runtime.map_err(CoordinatorError::Runtime)?;
    let result = runtime.block_on(serve(opened, report, stop));
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve(
    opened: Opened,
    report: &mut dyn FnMut(&Event),
    stop: impl Future<Output = ()>,
) -> Result<(), CoordinatorError> {
    let Opened { file, state_dir, heads_dir, gather_ms, listen, identity, job } = opened;
    // Before anything changes.
    store::judge(&state_dir, &heads_dir)?;
    let adopted = identity.keyring.adopt(unix_seconds());
    adopted.map_err(|faults| Faults { file, faults })?;
    for warning in &identity.warnings {
        tracing::warn!("{warning}");
    }
    let store = Store::open(&state_dir)?;
    // The ledger's lock keeps a second coordinator out before anything else is touched.
    let (journal, mut ledgers) = Journal::<CoordinatorEvent>::open_view(&store.ledger(), job.run.id().into())?;
    if let Some(torn) = journal.torn() {
        tracing::warn!("{torn}");
    }
    let NextRun { job, not_before, orders } = NextRun::of(job, &ledgers, &store)?;
    let journal = journal.appending_to(job.run.id().into());
    let recorded = ledgers.remove(&job.run.id().into()).unwrap_or_default();
    let events: Vec<CoordinatorEvent> = recorded.iter().map(|recorded| recorded.event.clone()).collect();
    let heads = HeadsFile::open(&heads_dir)?;
    let clock = SteadyClock::start();
    let mut outbox = Outbox::new();
    let (keyring, roster_file) = (identity.keyring, identity.roster_file);
    let members = Members::open(&identity.roster.roster, &heads_dir);
    let members = Arc::new(members?);
    let standing = keyring.standing();
    let lists = keyring.carried();
    let machine = CoordinatorSettings {
        run: job.run.clone(),
        model: job.initial.digest(),
        approvals: job.approvals.clone(),
        federation: identity.federation,
        not_before,
        orders,
        roster: identity.roster,
        signing_key: identity.signing_key,
        heads: heads.heads().clone(),
        gather_ms,
    };
    let machine = Coordinator::resume(machine, &events, store.sessions(), clock.now(), &mut outbox)?;
    let advance = Advance::start(&job, &store, machine.record())?;
    let all = ledgers.values().map(Vec::as_slice).chain([recorded.as_slice()]);
    store.forget_evidence(all, Millis(unix_millis()));
    drop((ledgers, recorded));
    let progress = Progress::resume(&job, Arc::clone(&members), &events);
    let sum = OpenSum::default();
    let (inputs, mut arrivals) = mpsc::channel(INPUTS_MAX);
    let orders = OrdersFolder::of(&state_dir);
    let metrics = Arc::new(Metrics::in_folder(&state_dir));
    let mut watchdog = Watchdog::new();
    let pulses = Pulses::of(&mut watchdog);
    let farewell_time = listen.timers.detached;
    let door = DoorSettings {
        members: Arc::clone(&members),
        standing,
        inputs: inputs.clone(),
        sum: sum.clone(),
        spool: Spool::new(state_dir),
        upload_bytes: upload_bytes(&job),
        session_rounds: job.run.session_rounds,
        timers: listen.timers,
        office: keyring.office().cloned().map(|folder| Counter::new(folder, pulses.office)),
        unix_seconds,
    };
    let door = Door::new(door);
    let plan = job.plan().digest();
    let mut shell = Shell::new(
        ShellParts {
            machine,
            outbox,
            journal,
            heads,
            store,
            advance,
            progress,
            sum,
            clock,
            members,
            metrics: Arc::clone(&metrics),
            lists,
        },
        report,
    );
    // The first model is in the store.
    drop(job);
    // The port comes first: where it cannot be had, the ledger stays as it was.
    let listener = match shell.is_concluded() {
        true => None,
        false => Some(Arc::new(Listener::open(&listen, keyring.keys())?)),
    };
    shell.execute()?;
    shell.state()?;
    if let Some(listener) = listener {
        let address = listener.address();
        let enrolled = shell.enrolled();
        // Asked once before anybody is told that this process is here, so that a wish to stop is heard from then on.
        let mut stop = pin!(stop);
        let wished = poll_fn(|context| Poll::Ready(stop.as_mut().poll(context).is_ready())).await;
        let mut stop = pin!(async move {
            if !wished {
                stop.await;
            }
        });
        shell.tell(&Event::Listening { address, plan: plan.to_string(), enrolled });
        shell.tell_what_is_lacking();
        let _watched = watchdog.start(Arc::clone(&metrics), unix_seconds).map_err(CoordinatorError::Runtime)?;
        tokio::spawn(roster_file.watch(Arc::clone(&door), inputs.clone(), pulses.roster));
        tokio::spawn(orders.watch(inputs.clone()));
        tokio::spawn(Arc::clone(&door).serve(Arc::clone(&listener), pulses.door));
        if let Some(renewal) = keyring.renewal(inputs.clone(), Arc::clone(&metrics), pulses.renewal) {
            tokio::spawn(renewal.run());
        }
        tokio::spawn(keyring.watch(Arc::clone(&listener), Arc::clone(&door), inputs, metrics, pulses.identity));
        // A process that ended while it told the clients of their plan's end has left some of them waiting.
        let absent = if shell.is_over() { farewell_time } else { Duration::ZERO };
        if turn(&mut shell, &mut arrivals, stop.as_mut(), &pulses.machine).await? {
            let leaving = async {
                tokio::time::sleep(absent).await;
                door.emptied(farewell_time).await;
            };
            farewell(&mut shell, &mut arrivals, leaving, stop).await?;
        }
        // Nobody waits for an answer any more.
        drop(arrivals);
        shell.leave();
        door.emptied(DRAIN_TIME).await;
        listener.drain(CLOSING_TIME).await;
    }
    shell.conclude(door.bytes())
}

/// Inputs, deadlines and the operator's wish to stop, until the plan is over or the wish was fulfilled; whether it is the plan.
async fn turn(
    shell: &mut Shell<'_>,
    arrivals: &mut mpsc::Receiver<Arrival>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
    pulse: &Pulse,
) -> Result<bool, CoordinatorError> {
    let mut sleep = pin!(tokio::time::sleep(Duration::ZERO));
    let mut armed: Option<Millis> = None;
    let mut expired: Option<Millis> = None;
    let mut batch = Vec::with_capacity(BATCH);
    let mut roll = tokio::time::interval(LOOK_EVERY);
    roll.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !shell.is_over() {
        // A deadline that has passed once is not waited for again: the machine acted on it, or waits for something else.
        let deadline = shell.deadline().filter(|deadline| Some(*deadline) != expired);
        if let Some(deadline) = deadline.filter(|deadline| armed != Some(*deadline)) {
            sleep.as_mut().reset(instant(&shell.clock(), deadline));
        }
        armed = deadline;
        pulse.rest();
        tokio::select! {
            biased;
            () = &mut stop => {
                pulse.beat();
                shell.input(Input::Stop)?;
                shell.stopped();
                return Ok(false);
            }
            count = arrivals.recv_many(&mut batch, BATCH) => {
                assert!(count > 0, "the door keeps a sender");
                pulse.beat();
                for arrival in batch.drain(..) {
                    shell.arrive(arrival)?;
                }
            }
            () = &mut sleep, if armed.is_some() => {
                pulse.beat();
                // One beyond the longest sleep is armed again.
                expired = armed.filter(|deadline| *deadline <= shell.clock().now());
                armed = None;
                shell.input(Input::Timer)?;
            }
            _ = roll.tick() => {
                pulse.beat();
                shell.call_the_roll();
            }
        }
    }
    pulse.rest();
    Ok(true)
}

/// The plan is over: whoever is here, or comes while others are still being told, hears of it; until `leaving` completes, or the operator does
/// not want to wait.
async fn farewell(
    shell: &mut Shell<'_>,
    arrivals: &mut mpsc::Receiver<Arrival>,
    leaving: impl Future<Output = ()>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), CoordinatorError> {
    let mut leaving = pin!(leaving);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            Some(arrival) = arrivals.recv() => shell.arrive(arrival)?,
            () = &mut leaving => return Ok(()),
        }
    }
}
