//! A second copy at a receiver of syslog, over TLS (RFC 5424 in RFC 5425: each line with its length before it).
//!
//! Syslog has no acknowledgement. TLS has one: each connection is ended with close_notify, and the receiver answers with its own after it has read
//! everything before (RFC 5425, section 4.4). So there is one connection for each batch of lines, and only one that ended so counts.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio_rustls::TlsConnector;
use tributary_certs::tls::{read_certificates, server_name};
use tributary_daemon::outward::{OwnCertificate, client_config, within};
use tributary_daemon::syslog::framed;
use tributary_storage::files::{FileError, read_private};

use super::entry::{Line, whole};
use super::way::{SinkFault, Way};
use crate::settings::SyslogSink;

/// Longest time for one batch, from the name to the last answer.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Most bytes that a receiver says in one connection, after the handshake.
const ANSWER_BYTES_MAX: usize = 16 << 10;

pub(super) struct SyslogWay {
    settings: SyslogSink,
    pub(super) limit: Duration,
}

impl SyslogWay {
    pub(super) fn to(settings: SyslogSink) -> Self {
        Self { settings, limit: TIME_LIMIT }
    }

    /// Files are read for each connection: a certificate that was renewed counts from then on.
    fn own(&self) -> Result<Option<OwnCertificate>, SinkFault> {
        let Some((chain, key)) = &self.settings.certificate else { return Ok(None) };
        let chain = read_certificates(chain)?;
        let text = read_private(key)?;
        let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| FileError::content(key, "private key (PEM)"))?;
        Ok(Some((chain, key)))
    }

    async fn send(&self, text: String) -> Result<(), SinkFault> {
        let roots = read_certificates(&self.settings.trust)?;
        let config = client_config(&roots, self.own()?).map_err(SinkFault::Own)?;
        let server = &self.settings.server;
        let name = server_name(&server.host);
        let name = name.map_err(|fault| SinkFault::Network(std::io::Error::other(fault)))?;
        let stream = TcpStream::connect((server.host.as_str(), server.port)).await.map_err(SinkFault::Network)?;
        let mut stream = TlsConnector::from(config).connect(name, stream).await.map_err(SinkFault::Network)?;
        stream.write_all(text.as_bytes()).await.map_err(SinkFault::Network)?;
        stream.flush().await.map_err(SinkFault::Network)?;
        let (mut answer, mut left) = (vec![0; 1 << 10], ANSWER_BYTES_MAX);
        // An end that is here already was sent without a look at what came last. It is looked for whatever this task has done before: the runtime's budget for
        // a task would hide it after much was written.
        let early = poll_fn(|context| {
            let mut buffer = ReadBuf::new(&mut answer);
            let read = Pin::new(&mut stream).poll_read(context, &mut buffer);
            Poll::Ready(read.map_ok(|()| buffer.filled().len()))
        });
        match unconstrained(early).await {
            Poll::Ready(Ok(0)) => return Err(SinkFault::EndedEarly),
            Poll::Ready(Ok(said)) => left = left.saturating_sub(said),
            Poll::Ready(Err(fault)) => return Err(SinkFault::Network(fault)),
            Poll::Pending => {}
        }
        stream.shutdown().await.map_err(SinkFault::Network)?;
        while left > 0 {
            match stream.read(&mut answer).await {
                Ok(0) => return Ok(()),
                Ok(said) => left = left.saturating_sub(said),
                Err(fault) if fault.kind() == ErrorKind::UnexpectedEof && self.settings.close_notify => {
                    return Err(SinkFault::NotAcknowledged);
                }
                Err(fault) if fault.kind() == ErrorKind::UnexpectedEof => return Ok(()),
                Err(fault) => return Err(SinkFault::Network(fault)),
            }
        }
        Err(SinkFault::Speaks)
    }
}

impl Way for SyslogWay {
    fn target(&self) -> String {
        format!("syslog over TLS at {}", self.settings.server)
    }

    /// Without lines it is a trial: the receiver proves itself, and nothing is sent.
    fn deliver(&mut self, lines: &[Line]) -> Result<(), SinkFault> {
        match within(self.limit, self.send(whole(lines, framed))) {
            Ok(sent) => sent,
            Err(fault) if fault.kind() == ErrorKind::TimedOut => Err(SinkFault::TooSlow(self.limit)),
            Err(fault) => Err(SinkFault::Network(fault)),
        }
    }
}
