//! Where is listened, and how many are let in.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tributary_storage::files::{folder_of, keeps_secrets, user};
use tributary_texts::score as words;

use super::guard::{Guard, token_of};
use crate::error::ClientError;

/// Connections that are held at once.
pub(super) const CONNECTIONS_MAX: usize = 32;

/// How long the head of a request may take, from the connection or the answer before it.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// How long a connection may stand, whatever is asked on it.
const CONNECTION_WITHIN: Duration = Duration::from_secs(60);

/// Pause after a connection that the system could not give.
const AFTER_FAULT: Duration = Duration::from_secs(1);

/// What a connection beyond the last one is told.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n\
    content-length: 96\r\n\r\n{\"error\":{\"code\":\"busy\",\"message\":\"as many connections as this service takes are open already\"}}";

/// A place where is listened.
pub(super) struct Door {
    listener: Listener,
    place: String,
    guard: Guard,
    /// Room for connections.
    pub(super) places: Arc<Semaphore>,
    _file: Option<SocketFile>,
}

enum Listener {
    Socket(UnixListener),
    Loopback(TcpListener),
}

/// The socket's file, which is removed with this.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Door {
    /// A Unix socket of mode 0600, in a folder that only this user may change; inside of the runtime.
    ///
    /// # Errors
    /// If another process listens there, something else has the name, or it cannot be made.
    pub(super) fn socket(path: &Path) -> Result<Self, ClientError> {
        let failed = |fault: io::Error| ClientError::Said(words::no_socket(path.display(), fault));
        let folder = folder_of(path);
        keeps_secrets(folder).map_err(ClientError::file)?;
        match fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => {
                if StdUnixStream::connect(path).is_ok() {
                    return Err(ClientError::Said(words::socket_in_use(path.display())));
                }
                // Of a process that died.
                fs::remove_file(path).map_err(failed)?;
            }
            Ok(_) => return Err(ClientError::Said(words::no_socket(path.display(), "it is something else"))),
            Err(_) => {}
        }
        // In a folder of its own until it has its mode: nobody else connects before.
        let making = tempfile::Builder::new().prefix(".s").rand_bytes(4).tempdir_in(folder).map_err(failed)?;
        let first = making.path().join("s");
        let listener = UnixListener::bind(&first).map_err(failed)?;
        fs::set_permissions(&first, Permissions::from_mode(0o600)).map_err(failed)?;
        fs::rename(&first, path).map_err(failed)?;
        let (place, file) = (path.display().to_string(), SocketFile(path.to_owned()));
        Ok(Self::new(Listener::Socket(listener), (place, Some(file)), Guard::socket()))
    }

    /// A loopback address, and the file of the token that a request shows.
    ///
    /// # Errors
    /// If the address is another one, the token cannot be used, or the port is taken.
    pub(super) async fn loopback(address: SocketAddr, token: &Path) -> Result<Self, ClientError> {
        if !address.ip().is_loopback() {
            return Err(ClientError::Said(words::no_loopback(address)));
        }
        let token = token_of(token).map_err(ClientError::file)?;
        let failed = |fault: io::Error| ClientError::Said(words::no_address(address, fault));
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let guard = Guard::loopback(address, &token);
        Ok(Self::new(Listener::Loopback(listener), (format!("http://{address}"), None), guard))
    }

    fn new(listener: Listener, (place, file): (String, Option<SocketFile>), guard: Guard) -> Self {
        Self { listener, place, guard, places: Arc::new(Semaphore::new(CONNECTIONS_MAX)), _file: file }
    }

    /// Where it is.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Who may ask.
    pub(super) fn guard(&self) -> Guard {
        self.guard.clone()
    }

    /// Lets in whoever comes, for ever.
    pub(super) async fn serve(self, app: Router) {
        let place = || Arc::clone(&self.places).try_acquire_owned().ok();
        loop {
            match &self.listener {
                Listener::Socket(listener) => match listener.accept().await {
                    Ok((stream, _)) if !is_ours(&stream) => {
                        tracing::warn!("a connection of another user is not answered");
                    }
                    Ok((stream, _)) => match place() {
                        Some(place) => drop(tokio::spawn(converse(stream, app.clone(), place))),
                        None => drop(stream.try_write(BUSY)),
                    },
                    Err(fault) => rest(&fault).await,
                },
                Listener::Loopback(listener) => match listener.accept().await {
                    Ok((stream, _)) => match place() {
                        Some(place) => drop(tokio::spawn(converse(stream, app.clone(), place))),
                        None => drop(stream.try_write(BUSY)),
                    },
                    Err(fault) => rest(&fault).await,
                },
            }
        }
    }
}

/// Whether whoever has connected is this process's user, or the superuser.
fn is_ours(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == user() || peer.uid() == 0)
}

async fn rest(fault: &io::Error) {
    tracing::warn!(%fault, "a connection could not be taken");
    tokio::time::sleep(AFTER_FAULT).await;
}

/// One connection, to its end. Whoever is too slow is left alone.
async fn converse<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    app: Router,
    place: tokio::sync::OwnedSemaphorePermit,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(64 << 10).max_headers(64);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let _ = tokio::time::timeout(CONNECTION_WITHIN, connection).await;
    drop(place);
}
