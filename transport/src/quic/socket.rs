//! A socket whose packets come one by one.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller};

/// A client's socket on the loopback.
///
/// Quinn keeps room for 32 reads of 64 packets each, as if the system put so many into one. Packets of the loopback's size are never put
/// together: for them that is 134 MB, all of it touched whenever a client opens another socket in memory that it has used before. With
/// one packet a read it is 2 MB.
#[derive(Debug)]
pub(super) struct SinglePackets(Arc<dyn AsyncUdpSocket>);

impl SinglePackets {
    pub(super) fn new(socket: std::net::UdpSocket) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self(TokioRuntime.wrap_udp_socket(socket)?)))
    }
}

impl AsyncUdpSocket for SinglePackets {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.0).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.0.try_send(transmit)
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        received: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_recv(context, buffers, received)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.0.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        1
    }

    fn may_fragment(&self) -> bool {
        self.0.may_fragment()
    }
}
