//! The enrolment office's counter: one question and one answer on a connection of its own, each after its length (u32, little-endian), over
//! either transport.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::failure::{Failure, explain_io};
use crate::fault::{DialFault, PeerFault};

/// Bytes in both directions, whatever carries them.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection between a newcomer, or somebody who renews, and the office.
pub struct OfficeStream {
    bytes: Box<dyn Duplex>,
    /// Ends the connection that carries them, where more than the bytes must be ended.
    end: Box<dyn FnOnce() + Send>,
}

impl OfficeStream {
    pub(crate) fn new(bytes: impl Duplex + 'static, end: impl FnOnce() + Send + 'static) -> Self {
        Self { bytes: Box::new(bytes), end: Box::new(end) }
    }

    /// The question, at most `limit` bytes.
    ///
    /// # Errors
    /// [`PeerFault::Handshake`] with what happened.
    pub async fn question(&mut self, limit: usize) -> Result<Vec<u8>, PeerFault> {
        self.receive(limit).await.map_err(|fault| PeerFault::Handshake(format!("the question: {fault}")))
    }

    /// Answers, waits until the other side has closed, and closes. The caller bounds the time.
    ///
    /// # Errors
    /// [`PeerFault::Handshake`] with what happened.
    pub async fn answer(mut self, answer: &[u8]) -> Result<(), PeerFault> {
        let sent = self.send(answer).await;
        sent.map_err(|fault| PeerFault::Handshake(format!("the answer: {fault}")))?;
        // Whoever has read the answer closes. A connection that is dropped earlier may take the answer with it.
        let _ = self.bytes.read_u8().await;
        (self.end)();
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let told = |fault: std::io::Error| explain_io(&fault);
        let length = u32::try_from(bytes.len()).map_err(|_| Failure::from("it has more than 4 GiB"))?;
        self.bytes.write_u32_le(length).await.map_err(told)?;
        self.bytes.write_all(bytes).await.map_err(told)?;
        self.bytes.flush().await.map_err(told)
    }

    async fn receive(&mut self, limit: usize) -> Result<Vec<u8>, Unread> {
        let told = |fault: std::io::Error| Unread::Cut(explain_io(&fault));
        let length = self.bytes.read_u32_le().await.map_err(told)? as usize;
        if length > limit {
            return Err(Unread::Long { length, limit });
        }
        let mut bytes = Vec::new();
        (&mut self.bytes).take(length as u64).read_to_end(&mut bytes).await.map_err(told)?;
        match bytes.len() == length {
            true => Ok(bytes),
            false => Err(Unread::Cut("it was cut short".into())),
        }
    }
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
enum Unread {
    /// The connection ended before.
    #[error("{0}")]
    Cut(Failure),
    /// It is longer than it may be.
    #[error("it announces {length} bytes and may have {limit}")]
    Long { length: usize, limit: usize },
}

/// Asks, and closes when the answer is here.
pub(crate) async fn ask(mut stream: OfficeStream, question: &[u8], limit: usize) -> Result<Vec<u8>, DialFault> {
    stream.send(question).await.map_err(DialFault::Failed)?;
    let answer = stream.receive(limit).await.map_err(|fault| match fault {
        Unread::Cut(said) => DialFault::Failed(said),
        long @ Unread::Long { .. } => DialFault::Answer(long.to_string()),
    })?;
    let _ = stream.bytes.shutdown().await;
    (stream.end)();
    Ok(answer)
}
