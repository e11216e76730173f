//! A whole coordinator without a socket or a thread: its machines and its files, and branches that are machines as well.

mod beside;
mod bundles;
mod orders;
mod read;
mod restarts;
mod runs;

#[path = "../../../tests/support/branch.rs"]
mod branch;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tributary_certs::clock::{SteadyClock, unix_millis};
use tributary_daemon::Metrics;
use tributary_protocol::codec;
use tributary_protocol::ids::{ClientId, RunId};
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, VECTOR_BYTES_MAX};
use tributary_protocol::log::Mark;
use tributary_protocol::message::{FRAME_CONTROL, ToClient, Upstream, frame_bytes_max};
use tributary_protocol::plan::RunRef;
use tributary_protocol::time::Millis;
use tributary_storage::journal::check_front;
use tributary_transport::Frames;

use branch::{Deed, Ended, Machines};

use super::found::Found;
use super::hands::{Hands, HandsSettings};
use super::open_runs::Federation as Centre;
use crate::connections::{Arrival, Limits, Link, Members, Orders, Traffic};
use crate::control::{Request, Said, Status};
use crate::enrolled::{Federation, now};
use crate::error::CoordinatorError;
use crate::open::Opened;
use crate::report::{Event, Told};
use crate::run::spool::Spool;
use crate::run::uploads::Verdict;
use crate::sink::Sink;

/// As many as a cohort's rule asks for, and one more.
const BRANCHES: u32 = 9;

/// A federation's folder, its coordinator's process, and the branches that are connected to it.
struct World {
    house: Federation,
    config: PathBuf,
    centre: Centre<'static>,
    told: Rc<RefCell<Vec<Told>>>,
    here: BTreeMap<ClientId, Seat>,
    /// What the sink's thread says.
    arrivals: mpsc::Receiver<Arrival>,
    /// The front of the journal that was not read.
    unread: Option<Mark>,
    /// Why the process has ended, in a test that lets its disk fail.
    ended: Result<(), CoordinatorError>,
    may_end: bool,
}

/// A branch and the coordinator's way to it.
struct Seat {
    machines: Machines,
    frames: Frames,
    queue: mpsc::Receiver<Vec<Bytes>>,
    verdicts: mpsc::Receiver<Verdict>,
    /// What its connection is told to do.
    orders: Arc<Orders>,
    ended: Option<Ended>,
    /// What it heard beside its runs.
    heard: Vec<ToClient>,
}

impl World {
    /// A federation whose settings and plan are changed so.
    fn new(change: impl Fn(String) -> String) -> Self {
        Self::of_runs(1, change)
    }

    /// With a plan of so many runs.
    fn of_runs(runs: u32, change: impl Fn(String) -> String) -> Self {
        let house = Federation::new(BRANCHES as usize);
        let config = house.settings_of_runs(runs, change);
        Self::at(house, config)
    }

    fn at(house: Federation, config: PathBuf) -> Self {
        let started = start(&config).unwrap();
        Self::started(house, config, started)
    }

    fn started(house: Federation, config: PathBuf, (centre, told, arrivals, unread): Started) -> Self {
        let here = BTreeMap::new();
        Self { house, config, centre, told, here, arrivals, unread, ended: Ok(()), may_end: false }
    }

    fn state(&self, name: &str) -> PathBuf {
        self.house.path("state").join(name)
    }

    /// The process ends and another one begins; nobody is connected to it.
    fn restart(self) -> Self {
        let Self { house, config, centre, told, here, arrivals, .. } = self;
        drop((centre, told, here, arrivals));
        Self::at(house, config)
    }

    /// What the process does at its start, after it has its port.
    fn begin(&mut self) {
        let begun = self.centre.conclude_the_finished().and_then(|()| self.centre.open_due());
        self.goes_on(begun);
        self.centre.keep_index();
        if let Some(mark) = self.unread.take() {
            let leaves = check_front(&self.state("audit.log"), &mark).unwrap();
            self.arrive(Arrival::Front(leaves));
        }
    }

    /// A member connects.
    fn comes(&mut self, number: u32) {
        let orders = Arc::<Orders>::default();
        let (link, queue, verdicts) = Link::to(Arc::clone(&orders));
        let machines = Machines::of(&self.house, &format!("branch-{}", number - 1), 1_000);
        let frames = Frames::new(|kind| frame_bytes_max(kind, VECTOR_BYTES_MAX));
        let seat = Seat { machines, frames, queue, verdicts, orders, ended: None, heard: Vec::new() };
        self.here.insert(ClientId(number), seat);
        self.arrive(Arrival::Connected(ClientId(number), link));
    }

    /// Its connection is gone.
    fn goes(&mut self, number: u32, why: Option<&str>) {
        self.here.remove(&ClientId(number));
        self.arrive(Arrival::Disconnected(ClientId(number), why.map(str::to_owned)));
    }

    fn all_come(&mut self) {
        (1..=BRANCHES).for_each(|number| self.comes(number));
    }

    /// An ended process hears nothing any more.
    fn arrive(&mut self, arrival: Arrival) {
        if self.ended.is_ok() {
            let went = self.centre.arrive(arrival);
            self.goes_on(went);
        }
    }

    fn goes_on(&mut self, went: Result<(), CoordinatorError>) {
        assert!(self.may_end || went.is_ok(), "{went:?}");
        self.ended = went;
    }

    /// Everybody hears what was said, and answers, until nobody says anything.
    fn talk(&mut self) {
        while self.talk_once() {}
    }

    /// The same, until something was told.
    fn talk_until(&mut self, done: impl Fn(&Event) -> bool) {
        let seen = self.told.borrow().len();
        while !self.told.borrow()[seen..].iter().any(|told| done(&told.event)) {
            assert!(self.talk_once(), "nobody says anything any more: {:#?}", self.lines());
        }
    }

    /// Each branch takes at most one message: whether any did.
    fn talk_once(&mut self) -> bool {
        let numbers: Vec<ClientId> = self.here.keys().copied().collect();
        let mut moved = false;
        for client in numbers {
            let Some(seat) = self.here.get_mut(&client) else { continue };
            let Ok(pieces) = seat.queue.try_recv() else { continue };
            moved = true;
            let mut deeds = Vec::new();
            for piece in pieces {
                seat.frames.feed(piece);
                while let Some(frame) = seat.frames.frame().unwrap() {
                    if frame.kind == FRAME_CONTROL {
                        let said: ToClient = codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX).unwrap();
                        if !matches!(said, ToClient::Run(..)) {
                            seat.heard.push(said);
                        }
                    }
                    deeds.extend(seat.machines.hear(&frame));
                }
            }
            deeds.into_iter().for_each(|deed| self.does(client, deed));
        }
        moved
    }

    fn does(&mut self, client: ClientId, deed: Deed) {
        match deed {
            Deed::Says(run, message) => self.arrive(Arrival::Message(client, run, message)),
            Deed::Uploads(run, header, bytes) => self.uploads(client, (run, header), &bytes),
            Deed::Ends(end) => {
                if let Some(seat) = self.here.get_mut(&client) {
                    seat.ended = Some(end);
                }
            }
        }
    }

    /// What a connection does with a vector, by the machine's verdict on its header.
    fn uploads(&mut self, client: ClientId, (run, header): (RunId, Upstream), bytes: &[u8]) {
        self.arrive(Arrival::Message(client, run, header));
        let Ok(verdict) = self.here.get_mut(&client).unwrap().verdicts.try_recv() else { return };
        let Verdict::Admit { run, ticket, sum } = verdict else { return };
        assert_eq!(ticket.upload_bytes(), bytes.len());
        let room = Spool::new(self.house.path("")).room(bytes.len()).unwrap();
        let mut arriving = ticket.receive_into(room);
        // In pieces that cut coordinates.
        bytes.chunks(1_000).for_each(|piece| arriving.append(piece).unwrap());
        self.arrive(Arrival::Vector(run, sum.arrive(arriving)));
    }

    /// Events so far, as people read them; what was told before is forgotten.
    fn take_told(&self) -> Vec<Told> {
        self.told.borrow_mut().drain(..).collect()
    }

    fn lines(&self) -> Vec<String> {
        self.told.borrow().iter().map(ToString::to_string).collect()
    }

    /// The events so far, without those of people who come and go.
    fn take_lines(&self) -> Vec<String> {
        let told = self.take_told();
        let told = told.iter().filter(|told| !matches!(told.event, Event::Joined { .. } | Event::Left { .. }));
        told.map(|told| without_times(&told.to_string())).collect()
    }

    fn status(&mut self) -> Status {
        match self.centre.answer(Request::Status).unwrap() {
            Said::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    /// How everybody's part ended.
    fn ends(&self) -> Vec<Ended> {
        self.here.values().filter_map(|seat| seat.ended.clone()).collect()
    }

    fn heard(&self, number: u32) -> &[ToClient] {
        &self.here[&ClientId(number)].heard
    }

    /// A run of the plan that was signed last.
    fn run(&self, number: u32) -> RunRef {
        RunRef { plan: crate::Job::open(&self.house.plan()).unwrap().plan().digest(), number }
    }
}

type Started = (Centre<'static>, Rc<RefCell<Vec<Told>>>, mpsc::Receiver<Arrival>, Option<Mark>);

/// As a process does it, up to its port.
fn start(config: &std::path::Path) -> Result<Started, CoordinatorError> {
    let opened = Opened::open(config, now()).unwrap();
    let (jobs, Opened { state_dir, heads_dir, gather_ms, windows, sink, identity, .. }) = (opened.jobs(), opened);
    let signing_key = Arc::new(identity.signing_key);
    let (folders, own) = ((&*state_dir, &*heads_dir), (identity.federation, &signing_key));
    let Found { journal, past, begun, unread, witnesses, registry, heads } =
        Found::open(folders, own, Millis(unix_millis()))?;
    let (inputs, arrivals) = mpsc::channel(64);
    let sink = sink.map(|sink| Sink::start(&sink, (&state_dir, journal.durable()), inputs, unix_millis).unwrap());
    let settings = HandsSettings {
        journal,
        registry,
        heads,
        witnesses,
        sink,
        clock: SteadyClock::start(),
        members: Arc::new(Members::open(&identity.roster.roster, &heads_dir)?),
        metrics: Arc::new(Metrics::in_folder(&state_dir)),
        signing_key,
        federation: identity.federation,
        gather_ms,
        traffic: Arc::<Traffic>::default(),
        lists: identity.keyring.carried(),
    };
    let told = Rc::<RefCell<Vec<Told>>>::default();
    let log = Rc::clone(&told);
    let report = Box::leak(Box::new(move |event: &Told| log.borrow_mut().push(event.clone())));
    let windows = (state_dir, Arc::<Limits>::default(), windows);
    let centre = Centre::new(Hands::new(settings, report), windows, (jobs, identity.roster), (past, begun));
    Ok((centre, told, arrivals, unread))
}

/// The first line without what differs from one attempt to the next: digests, sessions, durations and figures with noise.
fn without_times(text: &str) -> String {
    let mut before = "";
    let words = text.lines().next().unwrap_or_default().split_inclusive(' ').map(|word| {
        let bare = word.trim_end_matches([' ', ',', ':', ';']);
        let is_digest = bare.len() >= 8 && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_figure = bare.parse::<f64>().is_ok() && (bare.contains('.') || ["in ", "about "].contains(&before));
        before = word;
        if is_digest || is_figure { word.replace(bare, "…") } else { word.to_owned() }
    });
    words.collect()
}
