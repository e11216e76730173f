//! A relay on loopback between clients and the coordinator: UDP and TCP on one port, and whatever a network does to both.

mod tcp;
mod udp;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Runtime;

/// The relay; gone with everything that it carries when dropped.
pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

/// What every flow's task shares.
struct Shared {
    target: OnceLock<SocketAddr>,
    /// Bytes towards the coordinator, whether or not they were let through.
    up: AtomicU64,
    udp_stopped: AtomicBool,
    muted: AtomicBool,
    cuts: Mutex<Cuts>,
    /// Something was counted.
    counted: Condvar,
    delay: Duration,
    udp: Mutex<BTreeMap<SocketAddr, udp::Flow>>,
}

#[derive(Default)]
struct Cuts {
    /// At this count of bytes towards the coordinator.
    next: Option<u64>,
    made: usize,
}

/// What becomes of bytes towards the coordinator.
enum Fate {
    Pass,
    /// So many of them still pass; then their flow is cut.
    Cut(usize),
}

impl Relay {
    /// A relay whose every byte is late by `delay` in each direction.
    pub(crate) fn open(delay: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let shared = Arc::new(Shared {
            target: OnceLock::new(),
            up: AtomicU64::new(0),
            udp_stopped: AtomicBool::new(false),
            muted: AtomicBool::new(false),
            cuts: Mutex::default(),
            counted: Condvar::new(),
            delay,
            udp: Mutex::default(),
        });
        let (listener, socket) = runtime.block_on(ports());
        let address = listener.local_addr().expect("an open port");
        runtime.spawn(tcp::serve(listener, Arc::clone(&shared)));
        runtime.spawn(udp::serve(Arc::new(socket), Arc::clone(&shared)));
        Self { address, shared, _runtime: runtime }
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where everything goes; before the first client.
    pub(crate) fn lead_to(&self, coordinator: SocketAddr) {
        self.shared.target.set(coordinator).expect("it leads to one coordinator");
    }

    /// Cuts whichever flow carries the byte that is so many ahead, counted towards the coordinator: TCP without a word to either side, UDP by
    /// silence, for that flow and for ever.
    pub(crate) fn cut_after(&self, bytes: u64) {
        self.shared.cuts().next = Some(self.up() + bytes);
    }

    /// Cuts that were made.
    pub(crate) fn cuts(&self) -> usize {
        self.shared.cuts().made
    }

    /// Bytes that clients have sent: UDP payload, and TCP's.
    pub(crate) fn up(&self) -> u64 {
        self.shared.up.load(Ordering::SeqCst)
    }

    /// Waits until so many have been sent, for `patience` at most; whether they were.
    pub(crate) fn wait_for_up(&self, bytes: u64, patience: Duration) -> bool {
        let waits = |_: &mut Cuts| self.up() < bytes;
        let waited = self.shared.counted.wait_timeout_while(self.shared.cuts(), patience, waits);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Drops every UDP packet, or carries them again.
    pub(crate) fn stop_udp(&self, stopped: bool) {
        self.shared.udp_stopped.store(stopped, Ordering::SeqCst);
    }

    /// Lets no UDP packet come back from the coordinator any more.
    pub(crate) fn mute(&self) {
        self.shared.muted.store(true, Ordering::SeqCst);
    }

    /// Gives every UDP flow another source port, as a router does that has forgotten them: what comes back meanwhile is lost.
    pub(crate) fn rebind(&self) {
        self.shared.flows().values_mut().for_each(udp::Flow::forget_port);
    }
}

impl Shared {
    fn target(&self) -> SocketAddr {
        *self.target.get().expect("the relay is led somewhere before a client starts")
    }

    fn cuts(&self) -> MutexGuard<'_, Cuts> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flows(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, udp::Flow>> {
        self.udp.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts bytes towards the coordinator.
    fn judge(&self, bytes: usize) -> Fate {
        let mut cuts = self.cuts();
        let before = self.up.fetch_add(bytes as u64, Ordering::SeqCst);
        self.counted.notify_all();
        match cuts.next {
            Some(at) if at < before + bytes as u64 => {
                cuts.next = None;
                cuts.made += 1;
                Fate::Cut(usize::try_from(at.saturating_sub(before)).expect("below the bytes that are here"))
            }
            _ => Fate::Pass,
        }
    }
}

/// TCP and UDP of one number.
async fn ports() -> (TcpListener, UdpSocket) {
    for _ in 0..64 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a TCP port");
        let address = listener.local_addr().expect("an open port");
        if let Ok(socket) = UdpSocket::bind(address).await {
            return (listener, socket);
        }
    }
    panic!("no port is free for TCP and UDP");
}
