//! What a preflight finds: each line says what was tried, what was seen, what it means and what to ask of whom.

mod machine;

use std::fmt;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tributary_protocol::codec;
use tributary_protocol::limits::{CONTROL_MESSAGE_BYTES_MAX, VECTOR_BYTES_MAX};
use tributary_protocol::message::{Downstream, FRAME_CONTROL, RejectCode, frame_bytes_max};

pub use machine::{disk, open_files, udp_buffers};

use crate::dial::{Dialer, Mode, look_up};
use crate::fault::DialFault;
use crate::frames::Frames;
use crate::link::{Greeted, Link};
use crate::record::{Greeting, LinkId};
use crate::wire::Transport;

/// How long path discovery is given.
const DISCOVERY_TIME: Duration = Duration::from_millis(1_500);

/// How long a refusal is waited for; without one the coordinator has let us in.
const REFUSAL_TIME: Duration = Duration::from_secs(3);

/// Clocks that differ by more are reported, and by more than the second are a fault: certificates forgive five minutes.
const SKEW_SECONDS: (u64, u64) = (30, 300);

/// What a finding is about; the exit code of a preflight that found it at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A name has no address.
    Name = 10,
    /// UDP does not get through.
    Udp = 11,
    /// TCP does not get through.
    Tcp = 12,
    /// A proxy does not let the connection through.
    Proxy = 13,
    /// Packets of the smallest size that QUIC needs do not get through.
    Mtu = 14,
    /// The two clocks differ.
    Clock = 15,
    /// A certificate, or the handshake.
    Certificate = 16,
    /// A disk is full or not writable.
    Disk = 17,
    /// A file may not be used, or others may use it.
    Files = 18,
    /// The branch's data or its schema.
    Data = 19,
    /// The coordinator refuses this client.
    Refused = 20,
    /// A port of this machine cannot be opened.
    Port = 21,
    /// A limit of the operating system is too low.
    System = 22,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Works, but not as well as it could.
    Warning,
    /// Must be mended.
    Fault,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What it is about.
    pub cause: Cause,
    /// How it ended.
    pub outcome: Outcome,
    /// What was tried.
    pub tried: String,
    /// What was seen.
    pub seen: String,
    /// What that means; empty where everything is as it should be.
    pub means: String,
    /// What to ask of whom; empty where nothing is.
    pub ask: String,
}

/// Everything that was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds what is as it should be.
    pub fn good(&mut self, cause: Cause, tried: impl Into<String>, seen: impl Into<String>) {
        self.add(cause, Outcome::Ok, [tried.into(), seen.into(), String::new(), String::new()]);
    }

    /// Adds what is not.
    pub fn bad(&mut self, cause: Cause, outcome: Outcome, sentences: [&str; 4]) {
        self.add(cause, outcome, sentences.map(str::to_owned));
    }

    /// Adds a check whose error says by itself what it means and what to do.
    pub fn checked<T, E: fmt::Display>(
        &mut self,
        cause: Cause,
        tried: &str,
        result: Result<T, E>,
        seen: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match result {
            Ok(value) => {
                self.good(cause, tried, seen(&value));
                Some(value)
            }
            Err(fault) => {
                let means = "the daemon would not start, or could not take part";
                self.bad(cause, Outcome::Fault, [tried, &fault.to_string(), means, "what the message says"]);
                None
            }
        }
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[Finding] {
        &self.0
    }

    /// 0, or the first fault's cause.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let fault = self.0.iter().find(|finding| finding.outcome == Outcome::Fault);
        fault.map_or(0, |finding| finding.cause as u8)
    }

    fn add(&mut self, cause: Cause, outcome: Outcome, [tried, seen, means, ask]: [String; 4]) {
        self.0.push(Finding { cause, outcome, tried, seen, means, ask });
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { cause, outcome, tried, seen, means, ask } in &self.0 {
            let mark = match outcome {
                Outcome::Ok => "ok     ",
                Outcome::Warning => "warning",
                Outcome::Fault => "FAULT  ",
            };
            writeln!(formatter, "{mark} {tried}: {seen}")?;
            if *outcome != Outcome::Ok {
                writeln!(
                    formatter,
                    "          means  {means}\n          ask    {}",
                    ask.replace('\n', "\n                 ")
                )?;
            }
            if *outcome == Outcome::Fault {
                writeln!(formatter, "          code   {}", *cause as u8)?;
            }
        }
        Ok(())
    }
}

/// Tries the way to the coordinator: name, UDP, TCP or proxy, packet size, clock, and whether the coordinator lets this client in.
pub async fn network(
    dialer: &Dialer,
    keys: (Arc<rustls::ClientConfig>, Vec<u8>),
    unix_seconds: u64,
    found: &mut Findings,
) {
    let settings = dialer.settings().clone();
    let target = &settings.address;
    let looked = look_up(target).await;
    let address = match looked {
        Ok(address) => {
            found.good(Cause::Name, format!("looking up {target}"), address.to_string());
            Some(address)
        }
        Err(fault) if settings.proxy.is_some() => {
            let means = "QUIC cannot be used from here; the proxy looks the name up by itself";
            let ask = "nothing, if the proxy's connection below is fine";
            found.bad(Cause::Name, Outcome::Warning, [&format!("looking up {target}"), &fault.to_string(), means, ask]);
            None
        }
        Err(fault) => {
            let means = "this machine cannot find the coordinator, so nothing else was tried";
            let ask = format!(
                "whoever runs name resolution here: an entry for {target}; or give its address in coordinator.address"
            );
            found.bad(Cause::Name, Outcome::Fault, [&format!("looking up {target}"), &fault.to_string(), means, &ask]);
            return;
        }
    };
    let rule = |protocol: &str| rule(protocol, address, target);
    let quic = match (settings.mode, address) {
        (Mode::Tcp, _) | (_, None) => None,
        _ => Some(tried(dialer, Transport::Quic, &keys).await),
    };
    let tcp = match settings.mode {
        Mode::Quic => None,
        _ => Some(tried(dialer, Transport::Tcp, &keys).await),
    };
    let works = |way: &Option<Result<Way, DialFault>>| way.as_ref().is_some_and(Result::is_ok);
    let (over_quic, over_tcp) = (works(&quic), works(&tcp));
    if let Some(way) = &quic {
        let tried = format!("QUIC to UDP {target}");
        match way {
            Ok(way) => {
                found.good(Cause::Udp, &tried, format!("handshake in {} ms", way.milliseconds));
                found.good(Cause::Mtu, "packets over that path", format!("{} bytes of UDP payload", way.mtu));
            }
            Err(fault) if is_certificate(fault) => certificate(found, &tried, fault),
            Err(fault) => {
                let outcome = if over_tcp { Outcome::Warning } else { Outcome::Fault };
                let means = if over_tcp {
                    "UDP is dropped on the way; the daemon uses TCP, which costs a little time in each round"
                } else {
                    "the coordinator is not reached: it is down, or the firewall drops UDP to it"
                };
                found.bad(Cause::Udp, outcome, [&tried, &fault.to_string(), means, &rule("UDP")]);
            }
        }
    }
    if let Some(way) = &tcp {
        let through = settings.proxy.as_ref().map(|proxy| format!(" through the proxy {}", proxy.address));
        let tried = format!("TLS to TCP {target}{}", through.unwrap_or_default());
        match way {
            Ok(way) => found.good(Cause::Tcp, &tried, format!("handshake in {} ms", way.milliseconds)),
            Err(fault) if is_certificate(fault) => certificate(found, &tried, fault),
            Err(fault @ DialFault::Proxy { .. }) => {
                let means = "the proxy does not carry this connection";
                let ask = format!("whoever runs the proxy: allow CONNECT to {target}, without opening TLS");
                let outcome = if over_quic { Outcome::Warning } else { Outcome::Fault };
                found.bad(Cause::Proxy, outcome, [&tried, &fault.to_string(), means, &ask]);
            }
            Err(fault) => {
                let outcome = if over_quic { Outcome::Warning } else { Outcome::Fault };
                let means = if over_quic {
                    "there is no way around a firewall that begins to drop UDP"
                } else {
                    "the coordinator is not reached: it is down, or the firewall drops TCP to it"
                };
                found.bad(Cause::Tcp, outcome, [&tried, &fault.to_string(), means, &rule("TCP")]);
            }
        }
    }
    let way = quic.and_then(Result::ok).or(tcp.and_then(Result::ok));
    if let Some(way) = way {
        clock(found, way.coordinator_seconds, unix_seconds);
        admitted(found, way.refusal);
    }
}

/// A connection that was greeted.
struct Way {
    milliseconds: u128,
    mtu: u16,
    coordinator_seconds: u64,
    refusal: Option<(RejectCode, String)>,
}

async fn tried(
    dialer: &Dialer,
    transport: Transport,
    (tls, binding): &(Arc<rustls::ClientConfig>, Vec<u8>),
) -> Result<Way, DialFault> {
    let begun = Instant::now();
    let wire = dialer.over(transport, Arc::clone(tls)).await?;
    // Zero: a process of its own, so that a daemon that runs keeps its place.
    let greeting = Greeting { instance: [0; 16], link: LinkId::default(), received: 0, binding: binding.clone() };
    let greeted = Greeted::by_us(wire, &greeting).await;
    let (greeted, welcome) = greeted.map_err(|end| DialFault::Failed(end.to_string()))?;
    let milliseconds = begun.elapsed().as_millis();
    let mut link = Link::new(dialer.settings().timers);
    link.attach(greeted, welcome.received).map_err(|end| DialFault::Failed(end.to_string()))?;
    let patience = if transport == Transport::Quic { DISCOVERY_TIME } else { REFUSAL_TIME };
    let refusal = tokio::time::timeout(patience, refused(&mut link)).await.ok().flatten();
    let mtu = link.wire().and_then(crate::wire::Wire::path_mtu).unwrap_or_default();
    link.close("preflight").await;
    Ok(Way { milliseconds, mtu, coordinator_seconds: welcome.unix_seconds, refusal })
}

/// The coordinator's refusal, if one comes.
async fn refused(link: &mut Link) -> Option<(RejectCode, String)> {
    let mut frames = Frames::new(|kind| frame_bytes_max(kind, VECTOR_BYTES_MAX));
    loop {
        if let Some(frame) = frames.frame().ok()? {
            if frame.kind != FRAME_CONTROL {
                return None;
            }
            return match codec::decode(&frame.payload, CONTROL_MESSAGE_BYTES_MAX).ok()? {
                Downstream::Rejected { code, explanation } => Some((code, explanation)),
                _ => None,
            };
        }
        frames.feed(link.read().await.ok()?);
    }
}

fn is_certificate(fault: &DialFault) -> bool {
    let text = fault.to_string();
    tributary_certs::fault::FaultKind::named_in(&text).is_some_and(|kind| kind.number() < 300 || kind.number() >= 400)
}

fn certificate(found: &mut Findings, tried: &str, fault: &DialFault) {
    let means = "the network is fine, and one side does not believe the other's certificate";
    let ask = "the federation's authority, with the number in brackets";
    found.bad(Cause::Certificate, Outcome::Fault, [tried, &fault.to_string(), means, ask]);
}

fn clock(found: &mut Findings, coordinator: u64, here: u64) {
    let skew = coordinator.abs_diff(here);
    let tried = "comparing this machine's clock with the coordinator's";
    let seen = format!("{skew} s apart");
    if skew <= SKEW_SECONDS.0 {
        return found.good(Cause::Clock, tried, seen);
    }
    let outcome = if skew > SKEW_SECONDS.1 { Outcome::Fault } else { Outcome::Warning };
    let means = "certificates are judged by these clocks: beyond five minutes they look expired or not yet valid";
    found.bad(Cause::Clock, outcome, [tried, &seen, means, "whoever runs this machine: synchronise its clock (NTP)"]);
}

fn admitted(found: &mut Findings, refusal: Option<(RejectCode, String)>) {
    let tried = "asking the coordinator to let this client in";
    match refusal {
        None => found.good(Cause::Refused, tried, "it does"),
        Some((RejectCode::AlreadyConnected, _)) => {
            found.good(Cause::Refused, tried, "it does; this client's daemon is connected now");
        }
        Some((_, explanation)) => {
            let means = "the certificate is good, and the coordinator's roster or plan does not include this client";
            let ask = "the federation's authority, with that sentence";
            found.bad(Cause::Refused, Outcome::Fault, [tried, &explanation, means, ask]);
        }
    }
}

/// The firewall rule to request, ready to paste.
fn rule(protocol: &str, address: Option<SocketAddr>, target: &str) -> String {
    let from = address.and_then(source).map_or_else(|| "this machine".to_owned(), |from| from.ip().to_string());
    let to = address.map_or_else(|| target.to_owned(), |to| format!("{} port {}", to.ip(), to.port()));
    format!(
        "the network team, with this rule:\nallow {protocol} from {from} (any port) to {to}, outbound only, replies allowed, \
         idle timeout at least 30 seconds, no inspection of the content"
    )
}

/// The address that packets to there leave from. Nothing is sent.
fn source(to: SocketAddr) -> Option<SocketAddr> {
    let any: SocketAddr = if to.is_ipv6() { ([0_u16; 8], 0).into() } else { ([0, 0, 0, 0], 0).into() };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(to).ok()?;
    socket.local_addr().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_the_first_fault_s_cause() {
        let mut found = Findings::default();
        assert_eq!(found.exit_code(), 0);
        found.good(Cause::Name, "looking", "fine");
        found.bad(Cause::Udp, Outcome::Warning, ["a", "b", "c", "d"]);
        assert_eq!(found.exit_code(), 0);
        found.bad(Cause::Clock, Outcome::Fault, ["a", "b", "c", "d\ne"]);
        found.bad(Cause::Disk, Outcome::Fault, ["a", "b", "c", "d"]);
        assert_eq!(found.exit_code(), 15);
        let text = found.to_string();
        assert!(
            text.contains("warning a: b\n          means  c\n          ask    d\n") && text.contains("code   15"),
            "{text}"
        );
    }

    #[test]
    fn clocks_are_judged() {
        for (skew, outcome) in [(0, Outcome::Ok), (30, Outcome::Ok), (31, Outcome::Warning), (301, Outcome::Fault)] {
            let mut found = Findings::default();
            clock(&mut found, 1_000_000 - skew, 1_000_000);
            assert_eq!(found.lines()[0].outcome, outcome, "{skew}");
        }
    }

    #[test]
    fn the_rule_names_both_ends() {
        let text = rule("UDP", Some(([127, 0, 0, 1], 7_443).into()), "localhost:7443");
        assert!(text.contains("allow UDP from 127.0.0.1 (any port) to 127.0.0.1 port 7443, outbound only"), "{text}");
    }
}
