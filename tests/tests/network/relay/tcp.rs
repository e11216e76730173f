//! TCP: two connections for each flow, and bytes in between.

use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Fate, Shared};

/// Chunks that may be under way in one direction: what a path holds.
const UNDER_WAY: usize = 64;

/// The flow is over, for both directions.
struct Cut;

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            if let Ok(coordinator) = TcpStream::connect(shared.target()).await {
                carry(client, coordinator, &shared).await;
            }
        });
    }
}

async fn carry(mut client: TcpStream, mut coordinator: TcpStream, shared: &Shared) {
    let _ = (client.set_nodelay(true), coordinator.set_nodelay(true));
    let over = {
        let ((client_in, client_out), (coordinator_in, coordinator_out)) = (client.split(), coordinator.split());
        let up = direction(client_in, coordinator_out, shared.delay, |bytes| shared.judge(bytes));
        let down = direction(coordinator_in, client_out, shared.delay, |_| Fate::Pass);
        tokio::try_join!(up, down)
    };
    if over.is_err() {
        // A reset instead of an end: neither side is told anything, and what was under way is lost.
        for stream in [&client, &coordinator] {
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

async fn direction(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    delay: Duration,
    judge: impl Fn(usize) -> Fate,
) -> Result<(), Cut> {
    let (sender, mut under_way) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let read = async move {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = from.read(&mut buffer).await.map_err(|_| Cut)?;
            if count == 0 {
                return Ok(());
            }
            let fate = judge(count);
            let passes = if let Fate::Cut(passes) = fate { passes } else { count };
            let sent = sender.send((Instant::now() + delay, buffer[..passes].to_vec())).await;
            if sent.is_err() || matches!(fate, Fate::Cut(_)) {
                return Err(Cut);
            }
        }
    };
    let write = async {
        while let Some((due, bytes)) = under_way.recv().await {
            tokio::time::sleep_until(due).await;
            to.write_all(&bytes).await.map_err(|_| Cut)?;
        }
        to.shutdown().await.map_err(|_| Cut)
    };
    tokio::try_join!(read, write).map(|_| ())
}
