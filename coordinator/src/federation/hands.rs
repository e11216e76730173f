//! What all runs of a federation use: the journal, the links to the clients, and what people are told. Nothing here decides.
//!
//! Messages leave at the end of a batch of effects: later than asked for, never earlier.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tributary_certs::clock::{SteadyClock, unix_millis, unix_seconds};
use tributary_certs::suite::SigningKey;
use tributary_daemon::Metrics;
use tributary_protocol::budget::Kept;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RunId};
use tributary_protocol::message::{Downstream, ToClient};
use tributary_protocol::roster::{Roster, RosterEntry};
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::time::Millis;
use tributary_storage::journal::Journal;

use crate::connections::{Link, Members, Traffic, Trouble, control_frame};
use crate::control::Site;
use crate::error::CoordinatorError;
use crate::registry::Registry;
use crate::report::{Event, RunName, Told, Whom};
use crate::run::uploads::Verdict;
use crate::sink::{FAREWELL_TIME, Sink};
use crate::store::HeadsFile;
use crate::witness::Witnesses;

/// Everything that the runs share.
pub(crate) struct Hands<'a> {
    pub(crate) journal: Journal<CoordinatorEvent>,
    /// What finished runs released, and what became of it.
    pub(crate) registry: Registry,
    /// What clients have spent, over all plans.
    pub(crate) heads: HeadsFile,
    /// Who has seen the journal.
    pub(crate) witnesses: Witnesses,
    /// Who has a second copy of it.
    pub(crate) sink: Option<Sink>,
    pub(crate) clock: SteadyClock,
    /// Whom the door lets in.
    pub(crate) members: Arc<Members>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) signing_key: Arc<SigningKey>,
    /// What names the federation.
    pub(crate) federation: Digest,
    /// Time to wait for every member before a session opens with those who came, in milliseconds.
    pub(crate) gather_ms: u64,
    traffic: Arc<Traffic>,
    /// Revocation lists for whoever comes; nothing where there are none to carry.
    lists: Option<Vec<u8>>,
    links: BTreeMap<ClientId, Link>,
    /// Unix seconds at which a client was connected last, of those that this process has seen.
    seen: BTreeMap<ClientId, u64>,
    /// Why a member is not here, as far as this process has heard it.
    troubles: BTreeMap<ClientId, String>,
    /// The release that each says it runs.
    releases: BTreeMap<ClientId, String>,
    report: &'a mut dyn FnMut(&Told),
    /// What leaves when an outbox is empty, each client's messages together: a packet and a wake-up for all of them.
    unsent: BTreeMap<ClientId, Vec<Bytes>>,
    /// Events that are told when they are durable.
    untold: Vec<Told>,
    /// Budget heads that were kept since the other runs were told.
    news: Vec<(RunId, Kept)>,
}

/// What such hands begin with.
pub(crate) struct HandsSettings {
    pub(crate) journal: Journal<CoordinatorEvent>,
    pub(crate) registry: Registry,
    pub(crate) heads: HeadsFile,
    pub(crate) witnesses: Witnesses,
    pub(crate) sink: Option<Sink>,
    pub(crate) clock: SteadyClock,
    pub(crate) members: Arc<Members>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) signing_key: Arc<SigningKey>,
    pub(crate) federation: Digest,
    pub(crate) gather_ms: u64,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) lists: Option<Vec<u8>>,
}

impl<'a> Hands<'a> {
    pub(crate) fn new(settings: HandsSettings, report: &'a mut dyn FnMut(&Told)) -> Self {
        let HandsSettings { journal, registry, heads, witnesses, clock, members, metrics, .. } = settings;
        let HandsSettings { signing_key, federation, gather_ms, traffic, lists, sink, .. } = settings;
        Self {
            journal,
            registry,
            heads,
            witnesses,
            sink,
            clock,
            members,
            metrics,
            signing_key,
            federation,
            gather_ms,
            traffic,
            lists,
            links: BTreeMap::new(),
            seen: BTreeMap::new(),
            troubles: BTreeMap::new(),
            releases: BTreeMap::new(),
            report,
            unsent: BTreeMap::new(),
            untold: Vec::new(),
            news: Vec::new(),
        }
    }

    /// The clients that are here, ascending.
    pub(crate) fn here(&self) -> Vec<ClientId> {
        self.links.keys().copied().collect()
    }

    /// When a client was connected last, as far as this process has seen it.
    pub(crate) fn last_seen(&self, client: ClientId) -> Option<u64> {
        self.seen.get(&client).copied()
    }

    /// A client has come; it is given the lists.
    pub(crate) fn came(&mut self, client: ClientId, link: Link) {
        self.links.insert(client, link);
        self.troubles.remove(&client);
        self.seen.insert(client, unix_seconds());
        if let Some(text) = self.lists.clone() {
            self.push(client, control_frame(&ToClient::Lists(text)));
        }
        let client = self.whom(client);
        self.tell(None, Event::Joined { client });
    }

    /// A member was not let in: told once, until it is another reason.
    pub(crate) fn turned_away(&mut self, client: ClientId, Trouble { code, reason }: Trouble) {
        if self.troubles.insert(client, reason.clone()).as_ref() != Some(&reason) {
            let client = self.whom(client);
            self.tell(None, Event::TurnedAway { client, code, reason });
        }
    }

    /// Whether a client's link stands.
    pub(crate) fn is_here(&self, client: ClientId) -> bool {
        self.links.contains_key(&client)
    }

    /// Why a member that is away is so, and what to do.
    pub(crate) fn trouble(&self, client: ClientId) -> String {
        let unheard =
            || "its daemon may not run; ask its operator what `tributary client status` says there".to_owned();
        self.troubles.get(&client).cloned().unwrap_or_else(unheard)
    }

    /// A client has gone, and perhaps it is known why.
    pub(crate) fn went(&mut self, client: ClientId, why: Option<String>) {
        self.unsent.remove(&client);
        self.witnesses.gone(client);
        let reason = why.map(|why| format!("{why}; its own screen says more (`tributary client status`)"));
        if let Some(reason) = reason.clone() {
            self.troubles.insert(client, reason);
        }
        if self.links.remove(&client).is_some() {
            self.seen.insert(client, unix_seconds());
        }
        let client = self.whom(client);
        self.tell(None, Event::Left { client, reason });
    }

    /// A client says which release it runs.
    pub(crate) fn runs_release(&mut self, client: ClientId, release: String) {
        self.releases.insert(client, release);
    }

    /// The members of a roster, and who of them is here.
    pub(crate) fn sites(&self, roster: &Roster) -> Vec<Site> {
        let site = |entry: &RosterEntry| Site {
            client: Whom { client: entry.client.0, name: Some(entry.name.to_string()) },
            here: self.is_here(entry.client),
            last_seen: self.last_seen(entry.client),
            trouble: (!self.is_here(entry.client)).then(|| self.trouble(entry.client)),
            release: self.releases.get(&entry.client).cloned(),
            not_after: entry.not_after,
        };
        roster.entries().iter().map(site).collect()
    }

    /// Lists that changed, for everybody who is here and whoever comes.
    pub(crate) fn carry(&mut self, text: Vec<u8>) {
        let frame = control_frame(&ToClient::Lists(text.clone()));
        for client in self.here() {
            self.push(client, frame.clone());
        }
        self.lists = Some(text);
        self.send_all();
    }

    /// A roster is in force in one run at least: from here on it says who may connect.
    pub(crate) fn enrol(&mut self, roster: &Roster) {
        if self.members.replace(roster) {
            let (epoch, enrolled) = (roster.epoch(), self.members.count());
            self.tell(None, Event::Roster { epoch, enrolled });
        }
    }

    /// A client, as people know it.
    pub(crate) fn whom(&self, client: ClientId) -> Whom {
        self.members.whom(client)
    }

    /// Queues a message of a run for one client.
    pub(crate) fn send(&mut self, run: RunId, client: ClientId, message: Downstream) {
        if self.links.contains_key(&client) {
            self.push(client, control_frame(&ToClient::Run(run, message)));
        }
    }

    /// Queues one message of a run for many; it is encoded once.
    pub(crate) fn broadcast(&mut self, run: RunId, clients: &[ClientId], message: Downstream) {
        let frame = control_frame(&ToClient::Run(run, message));
        clients.iter().for_each(|client| self.push(*client, frame.clone()));
    }

    /// Queues frames for many.
    pub(crate) fn push_all(&mut self, clients: &[ClientId], frames: &[Bytes]) {
        for client in clients {
            self.unsent.entry(*client).or_default().extend_from_slice(frames);
        }
    }

    /// Queues a message that belongs to no run.
    pub(crate) fn send_beside(&mut self, client: ClientId, message: &ToClient) {
        if self.links.contains_key(&client) {
            self.push(client, control_frame(message));
        }
    }

    fn push(&mut self, client: ClientId, frame: Bytes) {
        self.unsent.entry(client).or_default().push(frame);
    }

    /// Everything before it in the outbox is done: what a message relies on is on the disk.
    pub(crate) fn send_all(&mut self) {
        for (client, frames) in std::mem::take(&mut self.unsent) {
            if self.links.get(&client).is_some_and(|link| !link.send(frames))
                && let Some(link) = self.links.remove(&client)
            {
                tracing::warn!(%client, "does not read what it is sent; the connection is closed");
                link.abort("this client did not read what it was sent");
            }
        }
    }

    /// Tells a connection what to do with the vector that it announced.
    pub(crate) fn judge(&self, client: ClientId, verdict: Verdict) {
        // Without a link the connection is closing, and its reader ends without a verdict.
        if let Some(link) = self.links.get(&client) {
            assert!(link.judge(verdict), "a connection waits for one verdict at a time");
        }
    }

    /// Closes a connection after what is queued for it.
    pub(crate) fn close(&mut self, client: ClientId) {
        self.send_all();
        self.links.remove(&client);
    }

    /// Closes every connection after what is queued for it.
    pub(crate) fn leave(&mut self) {
        self.send_all();
        self.links.clear();
    }

    /// Tells what happens, in a run or in the federation.
    pub(crate) fn tell(&mut self, run: Option<&RunName>, event: Event) {
        (self.report)(&Told { event, run: run.cloned() });
    }

    /// Tells what happens in a run when everything recorded so far is durable.
    pub(crate) fn tell_later(&mut self, run: &RunName, event: Event) {
        self.untold.push(Told { event, run: Some(run.clone()) });
    }

    /// UDP and TCP bytes received from and sent to clients so far.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        self.traffic.sum()
    }

    /// Tells what was to be told later.
    pub(crate) fn tell_all(&mut self) {
        for event in self.untold.drain(..) {
            (self.report)(&event);
        }
    }

    /// Appends an event of a run.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn append(&mut self, run: RunId, event: CoordinatorEvent) -> Result<(), CoordinatorError> {
        Ok(self.journal.append_to(run.into(), Millis(unix_millis()), event)?)
    }

    /// Makes everything recorded and kept durable.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn sync(&mut self) -> Result<(), CoordinatorError> {
        self.heads.sync()?;
        self.journal.sync()?;
        self.tell_sink();
        Ok(())
    }

    /// What is durable may be copied.
    pub(crate) fn tell_sink(&self) {
        if let Some(sink) = &self.sink {
            sink.grows(self.journal.durable());
        }
    }

    /// The daemon ends: its last entries are copied, if that takes no time to speak of.
    pub(crate) fn copy_the_rest(&self) {
        self.tell_sink();
        self.sink.iter().for_each(|sink| sink.finish(FAREWELL_TIME));
    }

    /// Why no round may begin now, in words that stay the same while it stays so.
    pub(crate) fn withheld(&self) -> Option<String> {
        self.sink.as_ref().and_then(|sink| sink.withheld(unix_millis()))
    }

    /// Keeps a budget head for all plans, as a run has it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn keep(&mut self, run: RunId, kept: Kept) -> Result<(), CoordinatorError> {
        self.news.push((run, kept.clone()));
        Ok(self.heads.keep(Millis(unix_millis()), kept)?)
    }

    /// What was kept since the last time that this was asked, and by which run.
    pub(crate) fn take_news(&mut self) -> Vec<(RunId, Kept)> {
        std::mem::take(&mut self.news)
    }
}
