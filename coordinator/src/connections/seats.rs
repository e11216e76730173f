//! Who is here: one seat for each client, held by its session.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::sync::Notify;
use tributary_certs::entropy::OsEntropy;
use tributary_protocol::entropy::Entropy as _;
use tributary_protocol::ids::ClientId;
use tributary_transport::{Greeted, Greeting, LinkId};

use super::orders::{Order, Orders};
use super::traffic::Traffic;

/// A connection for a session whose own was cut, and how far the client has read.
pub(super) type Resumption = (Greeted, u64);

/// Holds the newest connection that is to carry a session on; one that was not taken yet is dropped.
#[derive(Default)]
pub(super) struct NextConnection {
    newest: Mutex<Option<Resumption>>,
    put: Notify,
}

impl NextConnection {
    pub(super) fn put(&self, resumption: Resumption) {
        let before = self.newest().replace(resumption);
        self.put.notify_one();
        drop(before);
    }

    /// The newest one, as soon as there is one. Cancel-safe.
    pub(super) async fn take(&self) -> Resumption {
        loop {
            let newest = self.newest().take();
            match newest {
                Some(resumption) => return resumption,
                None => self.put.notified().await,
            }
        }
    }

    fn newest(&self) -> MutexGuard<'_, Option<Resumption>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a client proved when it came.
#[derive(Clone)]
pub(super) struct Proof {
    pub(super) certificate: CertificateDer<'static>,
    /// What binds its key to the roster.
    pub(super) binding: Vec<u8>,
}

/// All seats.
#[derive(Default)]
pub(super) struct Seats {
    state: Mutex<State>,
    freed: Notify,
    traffic: Arc<Traffic>,
}

impl Seats {
    /// Nobody sits yet; what they will move is counted here.
    pub(super) fn new(traffic: Arc<Traffic>) -> Self {
        Self { traffic, ..Self::default() }
    }
}

#[derive(Default)]
struct State {
    taken: BTreeMap<ClientId, Taken>,
    /// Connections that wait for a seat.
    waiting: usize,
}

impl State {
    fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.waiting == 0
    }
}

struct Taken {
    link: LinkId,
    instance: [u8; 16],
    proof: Proof,
    next: Arc<NextConnection>,
    orders: Arc<Orders>,
}

/// Where a connection belongs.
pub(super) enum Place<'a> {
    /// In a session of its own.
    New(Seat<'a>),
    /// In the session that its link has.
    Resumed(Arc<NextConnection>),
}

/// The one session of a client; free again when dropped.
pub(super) struct Seat<'a> {
    seats: &'a Seats,
    client: ClientId,
    link: LinkId,
    pub(super) next: Arc<NextConnection>,
    pub(super) orders: Arc<Orders>,
    bytes: (u64, u64),
}

impl Seats {
    /// A free seat, the session of the link that is asked for, or nothing: somebody else sits there and is alive.
    pub(super) async fn take(
        &self,
        client: ClientId,
        proof: &Proof,
        greeting: &Greeting,
        patience: Duration,
    ) -> Option<Place<'_>> {
        let _waits = Waits::at(self);
        let mut asked = false;
        let seated = async {
            loop {
                let freed = self.freed.notified();
                if let Some(place) = self.try_take(client, proof, greeting, asked) {
                    return place;
                }
                asked = true;
                freed.await;
            }
        };
        tokio::time::timeout(patience, seated).await.ok()
    }

    /// Nothing: wait. Whoever sits there is asked for the seat once.
    fn try_take(&self, client: ClientId, proof: &Proof, greeting: &Greeting, asked: bool) -> Option<Place<'_>> {
        let mut state = self.state();
        let Some(taken) = state.taken.get_mut(&client) else {
            let next = Arc::<NextConnection>::default();
            let orders = Arc::<Orders>::default();
            let link = new_link();
            let taken = Taken {
                link,
                instance: greeting.instance,
                proof: proof.clone(),
                next: Arc::clone(&next),
                orders: Arc::clone(&orders),
            };
            state.taken.insert(client, taken);
            return Some(Place::New(Seat { seats: self, client, link, next, orders, bytes: (0, 0) }));
        };
        let same_process = taken.instance == greeting.instance;
        if same_process && taken.link == greeting.link {
            taken.proof = proof.clone();
            return Some(Place::Resumed(Arc::clone(&taken.next)));
        }
        if !asked {
            // At most one connection waits beside the one that is seated.
            drop(taken.next.newest().take());
            taken.orders.give(if same_process { Order::Leave } else { Order::Prove });
        }
        None
    }

    /// The link of a client's session, and whether a connection waits to carry it on.
    #[cfg(test)]
    pub(super) fn standing(&self, client: ClientId) -> Option<(LinkId, bool)> {
        self.state().taken.get(&client).map(|taken| (taken.link, taken.next.newest().is_some()))
    }

    /// Whether somebody sits there.
    pub(super) fn is_taken(&self, client: ClientId) -> bool {
        self.state().taken.contains_key(&client)
    }

    /// Ends every session, or one client's alone, whose client is judged to be out, with the reason; who it was.
    pub(super) fn cut(
        &self,
        alone: Option<ClientId>,
        judge: impl Fn(ClientId, &Proof) -> Option<String>,
    ) -> Vec<(ClientId, String)> {
        let state = self.state();
        let mut out = Vec::new();
        for (client, taken) in state.taken.iter().filter(|(client, _)| alone.is_none_or(|alone| alone == **client)) {
            if let Some(reason) = judge(*client, &taken.proof) {
                taken.orders.give(Order::Cut(reason.clone()));
                out.push((*client, reason));
            }
        }
        out
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

/// Somebody waits for a seat.
struct Waits<'a>(&'a Seats);

impl<'a> Waits<'a> {
    fn at(seats: &'a Seats) -> Self {
        seats.state().waiting += 1;
        Self(seats)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.waiting -= 1;
        let empty = state.is_empty();
        drop(state);
        if empty {
            self.0.freed.notify_waiters();
        }
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
        self.seats.traffic.add(self.bytes, bytes);
        self.bytes = bytes;
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut state = self.seats.state();
        state.taken.remove(&self.client);
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

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn greeting(instance: u8, link: LinkId) -> Greeting {
        Greeting { instance: [instance; 16], link, received: 0, binding: Vec::new() }
    }

    fn proof() -> Proof {
        Proof { certificate: CertificateDer::from(vec![1]), binding: Vec::new() }
    }

    /// One look at what waits.
    fn look<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }

    fn seated(seats: &Seats, client: u32) -> Seat<'_> {
        match seats.try_take(ClientId(client), &proof(), &greeting(7, LinkId::default()), false) {
            Some(Place::New(seat)) => seat,
            _ => panic!("the seat is free"),
        }
    }

    /// Whoever waits for an empty house hears of the last one that has gone, and of the last one that has given up.
    #[test]
    fn nobody_is_here_when_nobody_sits_and_nobody_waits() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        let (seats, proof, patience) = (Seats::default(), proof(), Duration::from_secs(60));
        let (first, second) = (greeting(7, LinkId::default()), greeting(8, LinkId::default()));
        let Some(Some(Place::New(seat))) = look(pin!(seats.take(ClientId(1), &proof, &first, patience))) else {
            panic!("the seat is free")
        };
        assert!(seats.is_taken(ClientId(1)) && !seats.is_taken(ClientId(2)));
        let mut waits = Box::pin(seats.take(ClientId(1), &proof, &second, patience));
        assert!(look(waits.as_mut()).is_none());
        let mut empty = pin!(seats.emptied());
        assert!(look(empty.as_mut()).is_none());
        drop(seat);
        assert!(look(empty.as_mut()).is_none(), "somebody is about to be here");
        drop(waits);
        assert_eq!(look(empty.as_mut()), Some(()));
        // The seat is the next one's, as soon as somebody looks.
        let seat = seated(&seats, 1);
        let mut waits = Box::pin(seats.take(ClientId(1), &proof, &second, patience));
        assert!(look(waits.as_mut()).is_none());
        drop(seat);
        assert!(matches!(look(waits.as_mut()), Some(Some(Place::New(_)))));
    }

    /// Whoever sits there is asked once: to prove that it is alive, or to leave to its own next beginning.
    #[test]
    fn a_seat_is_asked_for_once_by_each_that_waits() {
        let (seats, other) = (Seats::default(), LinkId([9; 16]));
        for (instance, order) in [(8, Order::Prove), (7, Order::Leave)] {
            let seat = seated(&seats, 1);
            let asks = |asked| seats.try_take(ClientId(1), &proof(), &greeting(instance, other), asked).is_none();
            assert!(asks(true) && look(pin!(seat.orders.next())).is_none());
            assert!(asks(false));
            assert_eq!(look(pin!(seat.orders.next())), Some(order));
            assert!(look(pin!(seat.orders.next())).is_none());
        }
    }

    #[test]
    fn those_who_are_out_are_cut_and_one_alone_where_one_is_meant() {
        let seats = Seats::default();
        let all = [1, 2, 3].map(|client| seated(&seats, client));
        let judge = |client: ClientId, _: &Proof| (client != ClientId(3)).then(|| format!("{client} is out"));
        let cut = || all.each_ref().map(|seat| look(pin!(seat.orders.cut())));
        let out = |client: u32| (ClientId(client), format!("{client} is out"));
        assert_eq!(seats.cut(Some(ClientId(2)), judge), [out(2)]);
        assert_eq!(cut(), [None, Some("2 is out".into()), None]);
        assert_eq!(seats.cut(Some(ClientId(3)), judge), []);
        assert_eq!(seats.cut(None, judge), [out(1), out(2)]);
        assert_eq!(cut(), [Some("1 is out".into()), Some("2 is out".into()), None]);
    }

    /// Sessions name all that they have moved, and the sum has each byte once.
    #[test]
    fn what_sessions_move_is_summed_over_all_of_them() {
        let traffic = Arc::<Traffic>::default();
        let seats = Seats::new(Arc::clone(&traffic));
        let [mut one, mut two] = [1, 2].map(|client| seated(&seats, client));
        [(5, 70), (9, 100)].into_iter().for_each(|bytes| one.moved(bytes));
        two.moved((1, 2));
        assert_eq!(traffic.sum(), (10, 102));
        assert_eq!((one.client(), two.client()), (ClientId(1), ClientId(2)));
        assert!(one.link() != two.link() && one.link() != LinkId::default(), "nobody guesses them");
    }

    /// A second process with a client's identity, and a link that was never given: neither takes up what a session has sent and heard.
    #[test]
    fn a_session_goes_on_for_its_own_process_and_link_alone() {
        let (seats, client) = (Seats::default(), ClientId(1));
        let proof = Proof { certificate: CertificateDer::from(vec![1]), binding: Vec::new() };
        let place = |instance, link, asked| {
            let greeting = Greeting { instance: [instance; 16], link, received: 0, binding: Vec::new() };
            seats.try_take(client, &proof, &greeting, asked)
        };
        let Some(Place::New(seat)) = place(7, new_link(), false) else { panic!("the seat is free") };
        let (own, other) = (seat.link, new_link());
        for (instance, link, resumed) in [(7, own, true), (7, other, false), (8, own, false), (8, other, false)] {
            for asked in [false, true] {
                let taken = place(instance, link, asked);
                assert_eq!(matches!(taken, Some(Place::Resumed(_))), resumed, "process {instance}");
                assert_eq!(taken.is_none(), !resumed, "process {instance}");
            }
        }
    }
}
