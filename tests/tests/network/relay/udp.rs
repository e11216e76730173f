//! UDP: a flow is a client's address, and a socket of its own towards the coordinator.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::{Fate, Shared};

/// So much may wait on a socket: a cohort's burst is no reason to lose packets here.
const BUFFER_BYTES: usize = 4 << 20;

/// Longest UDP payload.
const PACKET_BYTES: usize = 65_535;

/// A client's packets.
#[derive(Default)]
pub(super) struct Flow {
    /// Towards the coordinator, and the task that carries what comes back; nothing before the first packet.
    way: Option<(Arc<UdpSocket>, JoinHandle<()>)>,
    dead: bool,
}

impl Flow {
    /// The next packet leaves from another port, and nothing comes back until then.
    pub(super) fn forget_port(&mut self) {
        if let Some((_, back)) = self.way.take() {
            back.abort();
        }
    }
}

pub(super) async fn serve(front: Arc<UdpSocket>, shared: Arc<Shared>) {
    widen(&front);
    let mut packet = vec![0; PACKET_BYTES];
    loop {
        let Ok((length, client)) = front.recv_from(&mut packet).await else { continue };
        if shared.udp_stopped.load(Ordering::SeqCst) {
            continue;
        }
        let fate = shared.judge(length);
        let Some(way) = way(&front, &shared, client, &fate) else { continue };
        late(shared.delay, packet[..length].to_vec(), move |packet| {
            // Where a socket is full a packet is lost, as on any path.
            let _ = way.try_send(&packet);
        })
        .await;
    }
}

/// The socket on which a client's packet leaves; nothing where it is lost.
fn way(front: &Arc<UdpSocket>, shared: &Arc<Shared>, client: SocketAddr, fate: &Fate) -> Option<Arc<UdpSocket>> {
    let mut flows = shared.flows();
    let flow = flows.entry(client).or_default();
    if matches!(fate, Fate::Cut(_)) {
        flow.dead = true;
        flow.forget_port();
    }
    if flow.dead {
        return None;
    }
    if flow.way.is_none() {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a UDP port");
        socket.connect(shared.target()).expect("an address on loopback");
        socket.set_nonblocking(true).expect("a socket");
        let socket = Arc::new(UdpSocket::from_std(socket).expect("a socket"));
        widen(&socket);
        let back = tokio::spawn(back(Arc::clone(&socket), Arc::clone(front), client, Arc::clone(shared)));
        flow.way = Some((socket, back));
    }
    flow.way.as_ref().map(|(socket, _)| Arc::clone(socket))
}

async fn back(way: Arc<UdpSocket>, front: Arc<UdpSocket>, client: SocketAddr, shared: Arc<Shared>) {
    let mut packet = vec![0; PACKET_BYTES];
    loop {
        let Ok(length) = way.recv(&mut packet).await else { continue };
        if shared.udp_stopped.load(Ordering::SeqCst) || shared.muted.load(Ordering::SeqCst) {
            continue;
        }
        let front = Arc::clone(&front);
        late(shared.delay, packet[..length].to_vec(), move |packet| {
            let _ = front.try_send_to(&packet, client);
        })
        .await;
    }
}

/// Sends now, or when the time has come; then the order is the network's.
async fn late(delay: Duration, packet: Vec<u8>, send: impl FnOnce(Vec<u8>) + Send + 'static) {
    if delay.is_zero() {
        return send(packet);
    }
    tokio::spawn(async move {
        tokio::time::sleep(delay).await;
        send(packet);
    });
}

fn widen(socket: &UdpSocket) {
    // The system may grant less: then more packets are lost.
    let _ = SockRef::from(socket).set_recv_buffer_size(BUFFER_BYTES);
    let _ = SockRef::from(socket).set_send_buffer_size(BUFFER_BYTES);
}
