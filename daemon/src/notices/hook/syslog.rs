//! A collector of logs: RFC 5424, one line for each message.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
#[cfg(unix)]
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use tributary_protocol::printable::Printable;

use super::delivery::{Hook, HookFault};
use crate::notices::message::Message;
use crate::notices::notice::Severity;
use crate::notices::settings::{HostPort, SyslogAddress};
use crate::syslog::{framed, timestamp};
use tributary_texts::Language;

/// The facility of system daemons.
const FACILITY: u8 = 3;

/// Before a text in UTF-8, as the standard wants it.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Lines that every receiver must take (RFC 5424, section 6.1), in bytes; a longer one is cut.
const LINE_BYTES_MAX: usize = 2_048;

pub(super) struct Syslog {
    pub(super) address: SyslogAddress,
    pub(super) language: Language,
    pub(super) limit: Duration,
}

impl Hook for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn target(&self) -> String {
        match &self.address {
            SyslogAddress::Udp(address) => format!("udp://{address}"),
            SyslogAddress::Tcp(address) => format!("tcp://{address}"),
            SyslogAddress::Unix(path) => format!("unix:{}", path.display()),
        }
    }

    fn deliver(&mut self, message: &Message) -> Result<(), HookFault> {
        let line = line(message, self.language);
        let sent = match &self.address {
            SyslogAddress::Udp(to) => resolved(to).and_then(|to| {
                let any: SocketAddr = if to.is_ipv6() { ([0_u16; 8], 0).into() } else { ([0, 0, 0, 0], 0).into() };
                UdpSocket::bind(any)?.send_to(line.as_bytes(), to).map(drop)
            }),
            SyslogAddress::Tcp(to) => resolved(to).and_then(|to| {
                let mut stream = TcpStream::connect_timeout(&to, self.limit)?;
                stream.set_write_timeout(Some(self.limit))?;
                stream.write_all(framed(&line).as_bytes())?;
                stream.shutdown(std::net::Shutdown::Write)
            }),
            #[cfg(unix)]
            SyslogAddress::Unix(path) => UnixDatagram::unbound().and_then(|socket| {
                socket.set_write_timeout(Some(self.limit))?;
                socket.send_to(line.as_bytes(), path).map(drop)
            }),
            #[cfg(not(unix))]
            SyslogAddress::Unix(_) => Err(std::io::ErrorKind::Unsupported.into()),
        };
        sent.map_err(HookFault::Network)
    }
}

fn resolved(address: &HostPort) -> std::io::Result<SocketAddr> {
    let mut found = (address.host.as_str(), address.port).to_socket_addrs()?;
    found.next().ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address"))
}

fn line(message: &Message, language: Language) -> String {
    let level = match message.severity() {
        Severity::Info => 6,
        Severity::Warning => 4,
        Severity::Critical => 2,
    };
    let priority = FACILITY * 8 + level;
    let text = format!("{}. {}", message.headline(language), message.body(language).replace('\n', " "));
    let mut line = format!(
        "<{priority}>1 {} - tributary {} {} - {BYTE_ORDER_MARK}",
        timestamp(message.at().saturating_mul(1_000)),
        std::process::id(),
        message.kind()
    );
    // Line by line already; whatever a receiver would take for the end of one is escaped all the same.
    for character in text.chars() {
        let shown = Printable::new(character.encode_utf8(&mut [0; 4])).as_str().to_owned();
        if line.len() + shown.len() > LINE_BYTES_MAX {
            break;
        }
        line.push_str(&shown);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notices::notice::Notice;
    use crate::notices::quiet::Parcel;

    #[test]
    fn a_line_is_what_the_standard_says() {
        let parcel = Parcel { notices: vec![Notice::DaemonFailed], more: 0 };
        let message = Message::of(&parcel, "branch-03", 1_893_456_061);
        let head = format!(
            "<26>1 2030-01-01T00:01:01.000Z - tributary {} daemon_failed - \u{feff}[branch-03] ",
            std::process::id()
        );
        let english = line(&message, Language::English);
        assert!(english.starts_with(&format!("{head}critical: The daemon")), "{english}");
        assert!(line(&message, Language::Chinese).starts_with(&format!("{head}紧急：").replace('：', ": ")));
        let reason = "x".repeat(10_000);
        let long = Notice::PlanHeldBack { plan: "a\nb".into(), reason };
        let parcel = Parcel { notices: vec![long; 40], more: 7 };
        let line = line(&Message::of(&parcel, "s", 0), Language::English);
        assert!(line.len() <= LINE_BYTES_MAX && !line.contains('\n'), "{line}");
        assert!(line.starts_with("<28>1 1970-01-01T00:00:00.000Z - "), "{line}");
    }
}
