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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn run<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
    }

    /// What a question of these bytes, sent as they are, is taken for where so many are allowed.
    fn received(bytes: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        run(async {
            let (own, mut other) = tokio::io::duplex(64);
            other.write_all(bytes).await.expect("there is room");
            drop(other);
            OfficeStream::new(own, || {}).question(limit).await.map_err(|fault| fault.to_string())
        })
    }

    fn framed(length: u32, bytes: &[u8]) -> Vec<u8> {
        [&length.to_le_bytes()[..], bytes].concat()
    }

    #[test]
    fn a_question_is_as_long_as_it_says_and_no_longer_than_it_may_be() {
        assert_eq!(received(&framed(3, b"abc"), 3), Ok(b"abc".to_vec()));
        assert_eq!(received(&framed(0, b""), 0), Ok(vec![]));
        assert_eq!(received(&framed(3, b"abcdef"), 3), Ok(b"abc".to_vec()), "what follows is not of it");
        let long = received(&framed(4, b"abcd"), 3).expect_err("too long");
        assert!(long.contains("the question: it announces 4 bytes and may have 3"), "{long}");
        for cut in [&framed(3, b"ab")[..], &[3, 0], &[]] {
            let fault = received(cut, 3).expect_err("cut");
            assert!(fault.contains("cut short") || fault.contains("broke the connection off"), "{fault}");
        }
    }

    /// Both sides end the connection: the one that asks when it has the answer, the other one when that was read.
    #[test]
    fn a_question_gets_its_answer_and_both_sides_end() {
        let ended = Arc::new(AtomicUsize::new(0));
        let end = |ended: &Arc<AtomicUsize>| {
            let ended = Arc::clone(ended);
            move || {
                ended.fetch_add(1, Ordering::Relaxed);
            }
        };
        let (answer, told) = run(async {
            let (own, other) = tokio::io::duplex(16);
            let (asks, mut answers) = (OfficeStream::new(own, end(&ended)), OfficeStream::new(other, end(&ended)));
            let office = async {
                let question = answers.question(100).await.expect("a question");
                answers.answer(&[question, b" indeed".to_vec()].concat()).await
            };
            tokio::join!(ask(asks, b"who is there", 100), office)
        });
        assert_eq!(answer.expect("an answer"), b"who is there indeed");
        assert!(told.is_ok() && ended.load(Ordering::Relaxed) == 2);
        // An answer beyond the limit is named as one, and a cut as a failure.
        for (length, long) in [(7, true), (6, false)] {
            let fault = run(async {
                let (own, mut other) = tokio::io::duplex(64);
                other.write_all(&framed(length, b"12345")).await.expect("there is room");
                other.shutdown().await.expect("ends");
                ask(OfficeStream::new(own, || {}), b"", 6).await.expect_err("no answer")
            });
            assert_eq!(matches!(fault, DialFault::Answer(_)), long, "{fault}");
            assert_eq!(matches!(fault, DialFault::Failed(_)), !long, "{fault}");
        }
    }
}
