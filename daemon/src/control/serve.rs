//! The daemon's end of the socket.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tributary_storage::files::user;

use super::question::{Asked, QUESTION_BYTES_MAX, Question, SOCKET};

/// Questions that are answered at once.
const AT_ONCE: usize = 4;

/// How long one may take, from its first byte to the answer's last.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pause after a connection that the system could not give.
const AFTER_FAULT: Duration = Duration::from_secs(1);

/// The socket, which is removed with this.
pub struct SocketDoor(PathBuf);

impl Drop for SocketDoor {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Listens in a state folder that this process has for itself; inside of the runtime. Questions go to `asked`.
///
/// # Errors
/// For the operator; whoever cannot listen goes on without.
pub fn listen<Q: Question, A: Serialize + Send + 'static>(
    state_dir: &Path,
    asked: mpsc::Sender<Asked<Q, A>>,
) -> Result<SocketDoor, String> {
    let path = state_dir.join(SOCKET);
    let failed = |fault: io::Error| {
        format!(
            "{}: {fault}; commands that ask this daemon do not reach it. The path may have 100 bytes at most: choose a shorter state_dir if it \
             is longer",
            path.display()
        )
    };
    match fs::symlink_metadata(&path) {
        // Of a daemon that died: this one has the state folder for itself.
        Ok(found) if found.file_type().is_socket() => fs::remove_file(&path).map_err(failed)?,
        Ok(_) => return Err(failed(io::Error::other("is no socket; remove it"))),
        Err(_) => {}
    }
    let listener = UnixListener::bind(&path).map_err(failed)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
    tokio::spawn(serve(listener, asked));
    Ok(SocketDoor(path))
}

async fn serve<Q: Question, A: Serialize + Send + 'static>(listener: UnixListener, asked: mpsc::Sender<Asked<Q, A>>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let asked = asked.clone();
                tokio::spawn(async move {
                    // Whoever takes too long, or asks what nobody knows, is told nothing.
                    let _ = tokio::time::timeout(PATIENCE, converse(stream, asked)).await;
                    drop(place);
                });
            }
            Err(fault) => {
                tracing::warn!(%fault, "a question to this daemon could not be taken");
                tokio::time::sleep(AFTER_FAULT).await;
            }
        }
    }
}

async fn converse<Q: Question, A: Serialize>(
    mut stream: UnixStream,
    asked: mpsc::Sender<Asked<Q, A>>,
) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if peer != user() && peer != 0 {
        tracing::warn!(peer, "a question of another user is not answered");
        return Ok(());
    }
    let Some(question) = read(&mut stream).await? else { return Ok(()) };
    let (answer, said) = oneshot::channel();
    // A daemon that is ending answers nobody.
    if asked.send(Asked { question, answer }).await.is_err() {
        return Ok(());
    }
    let Ok(said) = said.await else { return Ok(()) };
    let said = serde_json::to_vec(&said).map_err(io::Error::other)?;
    stream.write_all(&said).await?;
    stream.shutdown().await
}

async fn read<Q: Question>(stream: &mut UnixStream) -> io::Result<Option<Q>> {
    let mut question = Vec::with_capacity(QUESTION_BYTES_MAX);
    while question.len() < QUESTION_BYTES_MAX && !question.ends_with(b"\n") {
        match stream.read_u8().await {
            Ok(byte) => question.push(byte),
            Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(fault) => return Err(fault),
        }
    }
    let line = question.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
    Ok(line.and_then(Q::of_line))
}
