//! Why there is no connection, for the person who reads it.

use std::io;
use std::net::SocketAddr;

use tributary_certs::fault::FaultKind;
use tributary_certs::skew::CLOCK_FAULTS;
use tributary_texts::{Said, preflight as words, screen};

use crate::failure::Failure;
use crate::limits::{HANDSHAKE_TIME, PROXY_ANSWER_BYTES_MAX};
use crate::wire::End;

/// What a proxy did instead of connecting.
#[derive(Debug, thiserror::Error)]
pub enum ProxyFault {
    /// Nothing, for too long.
    #[error("it did not answer within {} seconds", HANDSHAKE_TIME.as_secs())]
    Silent,
    /// It took no question.
    #[error("it could not be asked ({0})")]
    Unasked(#[source] io::Error),
    /// It ended its answer early.
    #[error("it closed the connection ({0})")]
    Closed(#[source] io::Error),
    /// An answer without an end.
    #[error("it gave an answer longer than {PROXY_ANSWER_BYTES_MAX} bytes")]
    Long,
    /// A refusal; its words, quoted.
    #[error("it answered {0}")]
    Refused(String),
    /// A refusal that holds what only this side may read.
    #[error("it repeated the credentials, and is not quoted here")]
    Indiscreet,
}

/// Why a client has no connection. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DialFault {
    /// The coordinator's name has no address.
    #[error(
        "{name} cannot be looked up: {fault}; check coordinator.address in the settings and this machine's name resolution"
    )]
    Name {
        /// What was looked up.
        name: String,
        /// What the system said.
        fault: String,
    },
    /// No local socket.
    #[error("no socket could be opened: {0}; check the machine's network configuration")]
    Socket(#[source] io::Error),
    /// The address or the TLS configuration is unusable.
    #[error("the connection could not be prepared: {0}")]
    Prepare(String),
    /// TCP got no connection.
    #[error(
        "TCP to {address} was not connected: {fault}; check address, port and that the firewall lets TCP out to it"
    )]
    Tcp {
        /// Where it went.
        address: SocketAddr,
        /// What the system said.
        fault: io::Error,
    },
    /// The proxy did not let the connection through.
    #[error(
        "the proxy {proxy} did not connect to {target}: {said}; ask whoever runs it to allow CONNECT to that host and port"
    )]
    Proxy {
        /// The proxy.
        proxy: String,
        /// Where it was to connect.
        target: String,
        /// What it answered, or what happened.
        said: ProxyFault,
    },
    /// The handshake failed.
    #[error("{0}")]
    Failed(Failure),
    /// The peer showed no certificate, which TLS has refused already.
    #[error("the coordinator showed no certificate")]
    NoCertificate,
    /// Nobody answered in time.
    #[error(
        "nobody answered within {} seconds; check address and port, that the coordinator runs, and that the firewall lets {what} out to it",
        HANDSHAKE_TIME.as_secs() * 2
    )]
    Silence {
        /// What was tried.
        what: &'static str,
    },
    /// No address of the name answered.
    #[error("{}", listed(.0))]
    Addresses(Vec<(SocketAddr, DialFault)>),
    /// The office's answer is none.
    #[error("the office's answer cannot be used: {0}; compare the releases of both sides")]
    Answer(String),
    /// A question and its answer took too long.
    #[error(
        "the office's answer did not come within {seconds} seconds: it is overloaded, or something between keeps the connection and \
         carries nothing; ask again later"
    )]
    Exchange {
        /// So long.
        seconds: f64,
    },
    /// Nobody takes questions there.
    #[error(
        "the coordinator keeps no enrolment office at {address}: nobody enrols and no certificate renews itself there. Carry a request to the \
         authority as a file (`tributary client enrol --request`, `tributary client renew --request`), or ask the coordinator's operator to \
         set [enrolment]"
    )]
    NoOffice {
        /// Where it was asked.
        address: String,
    },
    /// Both transports failed.
    #[error("over QUIC: {quic}. Over TCP: {tcp}")]
    Both {
        /// Why QUIC failed.
        quic: Box<DialFault>,
        /// Why TCP failed.
        tcp: Box<DialFault>,
    },
}

impl DialFault {
    /// For people in both languages. What a certificate's fault or a proxy says is English in both.
    #[must_use]
    pub fn said(&self) -> Said {
        match self {
            Self::Name { name, fault } => words::name_unknown(name, fault),
            Self::Socket(fault) => words::no_socket(fault),
            Self::Tcp { address, fault } => words::tcp_refused(address, fault),
            Self::Proxy { proxy, target, said } => words::proxy_did_not(proxy, target, said),
            Self::NoCertificate => words::no_certificate(),
            Self::Silence { what } => words::silence(HANDSHAKE_TIME.as_secs() * 2, what),
            Self::Addresses(faults) => {
                let faults = faults.iter().map(|(address, fault)| screen::remark(address, fault.said()));
                Said::joined(&faults.collect::<Vec<_>>(), "; ")
            }
            Self::Exchange { seconds } => words::office_slow(seconds),
            Self::NoOffice { address } => words::no_office(address),
            Self::Both { quic, tcp } => words::over_both(quic.said(), tcp.said()),
            Self::Prepare(_) | Self::Failed(_) | Self::Answer(_) => Said::verbatim(self),
        }
    }

    /// Whether it may be gone in a moment: a connection that was broken off without a reason, as by a crowded door.
    pub(crate) fn may_pass(&self) -> bool {
        let passes = |kind| matches!(kind, FaultKind::TlsOther | FaultKind::ClosedByPeer);
        self.any(&|failure| failure.kind().is_none_or(passes))
    }

    /// Whether somebody is there who does not speak the protocol that was asked for.
    pub(crate) fn refuses_protocol(&self) -> bool {
        self.any(&|failure| failure.kind() == Some(FaultKind::TlsApplicationProtocol))
    }

    /// How a connection to one address failed.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// Whether one of the connections failed so.
    fn any(&self, so: &dyn Fn(&Failure) -> bool) -> bool {
        self.first(&|failure| so(failure).then_some(())).is_some()
    }

    /// What the first of the connections says of which something can be said.
    fn first<T>(&self, of: &dyn Fn(&Failure) -> Option<T>) -> Option<T> {
        match self {
            Self::Failed(failure) => of(failure),
            Self::Both { quic, tcp } => quic.first(of).or_else(|| tcp.first(of)),
            Self::Addresses(faults) => faults.iter().find_map(|(_, fault)| fault.first(of)),
            _ => None,
        }
    }

    /// The fault of a clock, where this side finds that something of the other's is not valid now.
    #[must_use]
    pub fn untimely(&self) -> Option<FaultKind> {
        let own = |failure: &Failure| failure.kind().filter(|_| !failure.is_found_by_peer());
        self.first(&|failure| own(failure).filter(|kind| CLOCK_FAULTS.contains(kind)))
    }

    /// Whether nobody answered, at any address.
    pub(crate) fn is_silence(&self) -> bool {
        match self {
            Self::Silence { .. } => true,
            Self::Addresses(faults) => faults.iter().any(|(_, fault)| fault.is_silence()),
            _ => false,
        }
    }
}

impl From<End> for DialFault {
    fn from(end: End) -> Self {
        Self::Failed(match end {
            End::Cut(failure) => failure,
            other => other.to_string().into(),
        })
    }
}

fn listed(faults: &[(SocketAddr, DialFault)]) -> String {
    let lines = faults.iter().map(|(address, fault)| format!("{address}: {fault}"));
    lines.collect::<Vec<_>>().join("; ")
}

/// Why no client can be served. The operator's configuration or machine is to blame.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address names no machine.
    #[error("the address {listen} of coordinator.listen cannot be resolved: {fault}; give an IP address and a port")]
    Address {
        /// The setting.
        listen: String,
        /// What the system said.
        fault: String,
    },
    /// Somebody has the port.
    #[error(
        "{kind} port {port} on {ip} is in use by another program, so no client can reach this coordinator; stop that program \
         (perhaps another coordinator) or choose another port in coordinator.listen{hint}",
        port = address.port(),
        ip = address.ip(),
        hint = if *kind == "TCP" { "; coordinator.tcp = false serves QUIC alone" } else { "" }
    )]
    PortInUse {
        /// UDP or TCP.
        kind: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// The system refused the socket.
    #[error(
        "{kind} {address} cannot be opened: {fault}; check that the address is this machine's and that the port may be used"
    )]
    Socket {
        /// UDP or TCP.
        kind: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        fault: io::Error,
    },
    /// The TLS configuration does not fit QUIC.
    #[error("the TLS configuration cannot be used for QUIC: {0}; this is a fault of this program, report it")]
    Tls(String),
}

impl ListenError {
    pub(crate) fn of(kind: &'static str, address: SocketAddr, fault: io::Error) -> Self {
        match fault.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse { kind, address },
            _ => Self::Socket { kind, address, fault },
        }
    }
}

/// Why a peer was not let in, or left. The peer or the network is to blame.
#[derive(Debug, thiserror::Error)]
pub enum PeerFault {
    /// The handshake failed.
    #[error("the handshake failed: {0}")]
    Handshake(String),
    /// The link ended.
    #[error("the connection ended: {0}")]
    Ended(#[from] End),
    /// It took too long.
    #[error("nothing arrived for {} seconds", HANDSHAKE_TIME.as_secs())]
    Slow,
    /// Others came, and there was no room for all.
    #[error("no room: {0}")]
    Crowded(&'static str),
}

#[cfg(test)]
mod tests {
    use tributary_certs::fault::CertificateFault;
    use tributary_texts::Language;

    use super::*;

    /// The text that programs and logs have is the one that people read in English.
    #[test]
    fn both_ways_of_telling_say_the_same_in_english() {
        let there: SocketAddr = ([127, 0, 0, 1], 7_443).into();
        let io = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let name = || DialFault::Name { name: "a.b".into(), fault: "none".into() };
        let faults = [
            name(),
            DialFault::Socket(io()),
            DialFault::Prepare("x".into()),
            DialFault::Tcp { address: there, fault: io() },
            DialFault::Proxy { proxy: "p:1".into(), target: "t:2".into(), said: ProxyFault::Silent },
            DialFault::Failed("x".into()),
            DialFault::NoCertificate,
            DialFault::Silence { what: "UDP" },
            DialFault::Addresses(vec![(there, name()), (there, DialFault::NoCertificate)]),
            DialFault::Answer("x".into()),
            DialFault::Exchange { seconds: 1.5 },
            DialFault::NoOffice { address: "a:1".into() },
            DialFault::Both { quic: Box::new(name()), tcp: Box::new(DialFault::NoCertificate) },
        ];
        for fault in faults {
            assert_eq!(fault.said().text(Language::English), fault.to_string());
        }
    }

    /// A newcomer whose clock is wrong is told so, whichever transport and address has shown it. What a peer says of this side's certificate shows
    /// nothing about this side's clock.
    #[test]
    fn a_clock_is_suspected_over_either_transport_and_by_this_side_alone() {
        let failed = |kind: FaultKind, found_by_peer| {
            DialFault::Failed(CertificateFault { found_by_peer, ..kind.because("somebody") }.into())
        };
        let silence = || DialFault::Silence { what: "UDP" };
        let there: SocketAddr = ([127, 0, 0, 1], 7_443).into();
        for kind in FaultKind::ALL.iter().copied() {
            let expected = CLOCK_FAULTS.contains(&kind).then_some(kind);
            let own = || failed(kind, false);
            let both = |quic, tcp| DialFault::Both { quic: Box::new(quic), tcp: Box::new(tcp) };
            for fault in [
                own(),
                both(own(), silence()),
                both(silence(), own()),
                DialFault::Addresses(vec![(there, silence()), (there, own())]),
            ] {
                assert_eq!(fault.untimely(), expected, "{fault}");
            }
            assert_eq!(failed(kind, true).untimely(), None, "{kind:?}");
        }
    }

    #[test]
    fn what_a_text_says_decides_nothing() {
        for kind in FaultKind::ALL.iter().copied() {
            let marked = DialFault::Failed(format!("The peer refused this side: {}", kind.mark()).into());
            assert!(marked.may_pass() && !marked.refuses_protocol(), "{marked}");
            let ended = DialFault::from(End::Over(kind.mark().into()));
            assert!(ended.failure().is_some_and(|failure| failure.kind().is_none() && !failure.is_found_by_peer()));
            let found = DialFault::Failed(kind.because("somebody").into());
            assert_eq!(found.refuses_protocol(), kind == FaultKind::TlsApplicationProtocol, "{found}");
        }
    }

    #[test]
    fn silence_at_any_address_is_silence() {
        let there: SocketAddr = ([127, 0, 0, 1], 7_443).into();
        let (silence, other) = (|| DialFault::Silence { what: "UDP" }, || DialFault::NoCertificate);
        assert!(silence().is_silence() && !other().is_silence());
        let listed =
            |faults: Vec<DialFault>| DialFault::Addresses(faults.into_iter().map(|fault| (there, fault)).collect());
        assert!(listed(vec![other(), silence()]).is_silence() && !listed(vec![other(), other()]).is_silence());
        let refused = ListenError::of("UDP", there, io::ErrorKind::AddrInUse.into());
        assert!(matches!(refused, ListenError::PortInUse { kind: "UDP", address } if address == there));
        let refused = ListenError::of("TCP", there, io::ErrorKind::PermissionDenied.into());
        assert!(matches!(refused, ListenError::Socket { kind: "TCP", .. }));
    }
}
