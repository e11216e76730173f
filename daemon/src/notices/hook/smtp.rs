//! A mail. What a server says is bounded in bytes, and the whole in time.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message as Letter};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::delivery::{Hook, HookFault, within};
use crate::notices::message::Message;
use crate::notices::settings::{Smtp, SmtpSecurity};
use crate::outward::client_config;
use tributary_texts::Language;

pub(super) struct Mail {
    pub(super) smtp: Smtp,
    pub(super) language: Language,
    pub(super) limit: Duration,
}

/// A server's words are shown, escaped: no secret of ours is in them, since none is sent before the server has proved itself.
fn mail(fault: impl std::fmt::Display) -> HookFault {
    HookFault::Mail(tributary_protocol::printable::Printable::new(&fault.to_string()).as_str().to_owned())
}

fn with_cause(fault: &lettre::transport::smtp::Error) -> HookFault {
    let cause = std::error::Error::source(fault).map_or_else(String::new, |cause| format!(": {cause}"));
    mail(format!("{fault}{cause}"))
}

impl Mail {
    fn letter(&self, message: &Message) -> Result<Letter, HookFault> {
        let mailbox = |address: &str| address.parse::<Mailbox>().map_err(mail);
        let mut letter = Letter::builder().from(mailbox(&self.smtp.from)?);
        for receiver in &self.smtp.to {
            letter = letter.to(mailbox(receiver)?);
        }
        let subject = message.headline(self.language).replace(char::is_control, " ");
        let text = message.body(self.language).replace('\n', "\r\n");
        letter.subject(subject).header(ContentType::TEXT_PLAIN).body(format!("{text}\r\n")).map_err(mail)
    }

    /// For TLS after the greeting.
    fn tls(&self) -> Result<TlsParameters, HookFault> {
        let mut tls = TlsParameters::builder(self.smtp.server.host.clone()).certificate_store(CertificateStore::None);
        for root in &self.smtp.trust {
            // Systems keep roots that no library reads any more.
            if let Ok(root) = Certificate::from_der(root.to_vec()) {
                tls = tls.add_root_certificate(root);
            }
        }
        tls.build().map_err(|fault| with_cause(&fault))
    }

    async fn send(&self, letter: Letter) -> Result<(), HookFault> {
        let Smtp { server, security, login, .. } = &self.smtp;
        let hello = ClientId::Ipv4(Ipv4Addr::LOCALHOST);
        let stream = TcpStream::connect((server.host.as_str(), server.port)).await.map_err(HookFault::Network)?;
        let peer = stream.peer_addr().map_err(HookFault::Network)?;
        let stream: Box<dyn AsyncTokioStream> = match security {
            SmtpSecurity::StartTls | SmtpSecurity::None => Box::new(Bounded { stream, peer, left: ANSWER_BYTES_MAX }),
            SmtpSecurity::Tls => {
                let name = ServerName::try_from(server.host.clone()).map_err(mail)?;
                let stream = TlsConnector::from(client_config(&self.smtp.trust, None).map_err(mail)?)
                    .connect(name, stream)
                    .await
                    .map_err(HookFault::Network)?;
                Box::new(Bounded { stream, peer, left: ANSWER_BYTES_MAX })
            }
        };
        let connected = AsyncSmtpConnection::connect_with_transport(stream, &hello).await;
        let mut connection = connected.map_err(|fault| with_cause(&fault))?;
        let sent = async {
            if *security == SmtpSecurity::StartTls {
                connection.starttls(self.tls()?, &hello).await.map_err(|fault| with_cause(&fault))?;
            }
            if let Some((user, password)) = login {
                let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
                let authenticated = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await;
                authenticated.map_err(|fault| with_cause(&fault))?;
            }
            let sent = connection.send(letter.envelope(), &letter.formatted()).await;
            sent.map(drop).map_err(|fault| with_cause(&fault))
        };
        let sent = sent.await;
        // Whoever took the mail may hang up without a farewell.
        let _ = connection.quit().await;
        sent
    }
}

/// Most bytes of a server in one delivery, the handshake of TLS among them: the library waits for a line's end however long the line is.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// A stream of which so much is read at most.
#[derive(Debug)]
struct Bounded<S> {
    stream: S,
    peer: SocketAddr,
    left: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::Error::other("it says more than any mail server has to say")));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.left = self.left.saturating_sub(buffer.filled().len() - before);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> AsyncTokioStream for Bounded<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl Hook for Mail {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn target(&self) -> String {
        self.smtp.server.to_string()
    }

    fn deliver(&mut self, message: &Message) -> Result<(), HookFault> {
        let letter = self.letter(message)?;
        within(self.limit, self.send(letter))
    }
}
