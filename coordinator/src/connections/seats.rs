//! Who is here: one seat for each client, held by its session.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::sync::{Notify, mpsc};
use tributary_certs::entropy::OsEntropy;
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::ids::ClientId;
use tributary_transport::{Greeted, Greeting, LinkId};

/// A connection for a session whose own was cut, and how far the client has read.
pub(super) type Resumption = (Greeted, u64);

/// What a session is told from outside.
#[derive(Debug)]
pub(super) enum Demand {
    /// Another process of this identity asks for the seat: prove that the client is alive, or leave.
    Prove,
    /// The same process has begun anew.
    Leave,
    /// What is queued is the last: a client whose connection is cut may come back for it.
    Farewell,
    /// End at once, with this reason.
    Cut(String),
}

/// All seats.
#[derive(Default)]
pub(super) struct Seats {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Default)]
struct State {
    taken: BTreeMap<ClientId, Taken>,
    /// Connections that wait for a seat.
    waiting: usize,
    past_bytes: (u64, u64),
}

impl State {
    fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.waiting == 0
    }
}

struct Taken {
    link: LinkId,
    instance: [u8; 16],
    certificate: CertificateDer<'static>,
    resumptions: mpsc::Sender<Resumption>,
    demands: mpsc::Sender<Demand>,
    /// Somebody waits for this seat.
    wanted: bool,
}

/// Where a connection belongs.
pub(super) enum Place<'a> {
    /// In a session of its own.
    New(Seat<'a>),
    /// In the session that its link has.
    Resumed(mpsc::Sender<Resumption>),
}

/// The one session of a client; free again when dropped.
pub(super) struct Seat<'a> {
    seats: &'a Seats,
    client: ClientId,
    link: LinkId,
    pub(super) resumptions: mpsc::Receiver<Resumption>,
    pub(super) demands: mpsc::Receiver<Demand>,
    pub(super) demand: mpsc::Sender<Demand>,
    bytes: (u64, u64),
}

impl Seats {
    /// A free seat, the session of the link that is asked for, or nothing: somebody else sits there and is alive.
    pub(super) async fn take(
        &self,
        client: ClientId,
        certificate: &CertificateDer<'static>,
        greeting: &Greeting,
        patience: Duration,
    ) -> Option<Place<'_>> {
        let mut waits = false;
        let seated = tokio::time::timeout(patience, async {
            loop {
                let freed = self.freed.notified();
                match self.try_take(client, certificate, greeting, &mut waits) {
                    Some(place) => return place,
                    None => freed.await,
                }
            }
        });
        let place = seated.await.ok().flatten();
        if waits {
            let mut state = self.state();
            state.waiting -= 1;
            if place.is_none()
                && let Some(taken) = state.taken.get_mut(&client)
            {
                taken.wanted = false;
            }
            drop(state);
            self.freed.notify_waiters();
        }
        place
    }

    /// The outer nothing: wait. The inner: in vain.
    fn try_take(
        &self,
        client: ClientId,
        certificate: &CertificateDer<'static>,
        greeting: &Greeting,
        waits: &mut bool,
    ) -> Option<Option<Place<'_>>> {
        let mut state = self.state();
        let Some(taken) = state.taken.get_mut(&client) else {
            let (resumption_sender, resumptions) = mpsc::channel(1);
            let (demand, demands) = mpsc::channel(4);
            let link = new_link();
            let taken = Taken {
                link,
                instance: greeting.instance,
                certificate: certificate.clone(),
                resumptions: resumption_sender,
                demands: demand.clone(),
                wanted: false,
            };
            state.taken.insert(client, taken);
            let seat = Seat { seats: self, client, link, resumptions, demands, demand, bytes: (0, 0) };
            return Some(Some(Place::New(seat)));
        };
        let same_process = taken.instance == greeting.instance;
        if same_process && taken.link == greeting.link {
            taken.certificate = certificate.clone();
            return Some(Some(Place::Resumed(taken.resumptions.clone())));
        }
        if *waits {
            return None;
        }
        if taken.wanted {
            return Some(None);
        }
        (taken.wanted, *waits) = (true, true);
        // Where the queue is full, the session has been told before.
        let _ = taken.demands.try_send(if same_process { Demand::Leave } else { Demand::Prove });
        state.waiting += 1;
        None
    }

    /// Ends every session whose client's certificate is judged to be out, with the reason; how many.
    pub(super) fn cut(&self, judge: impl Fn(&CertificateDer<'static>) -> Option<String>) -> usize {
        let state = self.state();
        let mut out = 0;
        for taken in state.taken.values() {
            if let Some(reason) = judge(&taken.certificate) {
                out += 1;
                // Where the queue is full, the session is ending already.
                let _ = taken.demands.try_send(Demand::Cut(reason));
            }
        }
        out
    }

    pub(super) fn past_bytes(&self) -> (u64, u64) {
        self.state().past_bytes
    }

    /// Waits until nobody is here, nor about to be: a seat stands empty for a moment before its next bearer takes it.
    pub(super) async fn emptied(&self) {
        loop {
            let freed = self.freed.notified();
            if self.state().is_empty() {
                return;
            }
            freed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat<'_> {
    pub(super) fn client(&self) -> ClientId {
        self.client
    }

    pub(super) fn link(&self) -> LinkId {
        self.link
    }

    /// What the session has moved, for the sum of all.
    pub(super) fn moved(&mut self, bytes: (u64, u64)) {
        self.bytes = bytes;
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut state = self.seats.state();
        state.taken.remove(&self.client);
        let (down, up) = state.past_bytes;
        state.past_bytes = (down.saturating_add(self.bytes.0), up.saturating_add(self.bytes.1));
        drop(state);
        self.seats.freed.notify_waiters();
    }
}

/// A name for a link that nobody guesses.
pub(super) fn new_link() -> LinkId {
    let mut link = LinkId::default();
    OsEntropy.fill(&mut link.0);
    link
}
