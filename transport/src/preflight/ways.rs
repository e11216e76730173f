//! Tries the way to the coordinator: name, every address over UDP and TCP or the proxy, packet size, clock, and whether it lets this client in.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;
use tributary_certs::fault::FaultKind;
use tributary_protocol::message::RejectCode;
use tributary_protocol::printable::Printable;

use super::trial::{Told, TrialKeys, trial};
use super::{Cause, Findings, Outcome, clocks};
use crate::dial::{Dialer, Mode};
use crate::failure::Failure;
use crate::fault::DialFault;
use crate::limits::HANDSHAKE_TIME;
use crate::wire::{Transport, Wire};

/// One transport: each address with its outcome, and what the coordinator told at the first that answered.
struct Way {
    transport: Transport,
    /// Milliseconds of the handshake.
    addresses: Vec<(SocketAddr, Result<u128, DialFault>)>,
    told: Option<Told>,
}

/// Tries everything; the coordinator's clock, in Unix seconds, where it could be asked.
pub async fn network(dialer: &Dialer, keys: &TrialKeys, unix_seconds: u64, found: &mut Findings) -> Option<u64> {
    let settings = dialer.settings().clone();
    let target = &settings.address;
    let looking = format!("looking up {target}");
    let reachable = match dialer.addresses().await {
        Ok(addresses) => {
            let listed: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
            found.good(Cause::Name, looking, listed.join(", "));
            true
        }
        Err(fault) if settings.proxy.is_some() => {
            let means = "QUIC cannot be used from here; the proxy looks the name up by itself";
            let ask = "nothing, if the proxy's connection below is fine";
            found.bad(Cause::Name, Outcome::Warning, [&looking, &fault.to_string(), means, ask]);
            false
        }
        Err(fault) => {
            let means = "this machine cannot find the coordinator, so nothing else was tried";
            let ask = format!(
                "whoever runs name resolution here: an entry for {target}; or give its address in coordinator.address"
            );
            found.bad(Cause::Name, Outcome::Fault, [&looking, &fault.to_string(), means, &ask]);
            return None;
        }
    };
    let mut ways = Vec::new();
    if settings.mode != Mode::Tcp && reachable {
        ways.push(tried(dialer, Transport::Quic, keys).await);
    }
    if settings.mode != Mode::Quic {
        ways.push(tried(dialer, Transport::Tcp, keys).await);
    }
    let coordinator_seconds = match ways.iter().find_map(|way| way.told.as_ref()) {
        Some(told) => Some(told.coordinator_seconds),
        None => {
            let faults = ways.iter().flat_map(|way| way.addresses.iter().map(|(_, outcome)| (way.transport, outcome)));
            let faults = faults.filter_map(|(transport, outcome)| Some((transport, outcome.as_ref().err()?)));
            let expired = |fault: &DialFault| {
                let kind = fault.failure().and_then(Failure::kind);
                kind.is_some_and(|kind| tributary_certs::skew::CLOCK_FAULTS.contains(&kind))
            };
            let untimely = faults.into_iter().find(|(_, fault)| expired(fault));
            match untimely {
                Some(untimely) => clocks::diagnose(found, dialer, keys, untimely, unix_seconds).await,
                None => None,
            }
        }
    };
    let works = |transport| ways.iter().any(|way| way.transport == transport && way.told.is_some());
    let (over_quic, over_tcp) = (works(Transport::Quic), works(Transport::Tcp));
    for way in &ways {
        let other_works = if way.transport == Transport::Quic { over_tcp } else { over_quic };
        report(found, dialer, way, other_works);
    }
    if let Some(told) = ways.into_iter().find_map(|way| way.told) {
        clocks::compare(found, told.coordinator_seconds, unix_seconds);
        admitted(found, told.refusal);
    }
    coordinator_seconds
}

/// Every address at the same time; the first that answers is asked whether it lets this client in.
async fn tried(dialer: &Dialer, transport: Transport, keys: &TrialKeys) -> Way {
    let addresses = match dialer.targets(transport).await {
        Ok(addresses) => addresses,
        Err(fault) => {
            let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
            return Way { transport, addresses: vec![(nowhere, Err(fault))], told: None };
        }
    };
    let mut dialled = JoinSet::new();
    for (index, address) in addresses.iter().copied().enumerate() {
        let (dialer, tls, begun) = (dialer.clone(), Arc::clone(&keys.tls), Instant::now());
        dialled.spawn(async move {
            let wire = tokio::time::timeout(HANDSHAKE_TIME * 2, dialer.at(transport, address, tls)).await;
            let what = if transport == Transport::Quic { "UDP" } else { "TCP" };
            let wire = wire.unwrap_or(Err(DialFault::Silence { what }));
            (index, wire.map(|wire| (wire, begun.elapsed().as_millis())))
        });
    }
    let mut outcomes: Vec<Option<Result<(Wire, u128), DialFault>>> = addresses.iter().map(|_| None).collect();
    while let Some(Ok((index, outcome))) = dialled.join_next().await {
        outcomes[index] = Some(outcome);
    }
    let mut way = Way { transport, addresses: Vec::new(), told: None };
    for (address, outcome) in addresses.into_iter().zip(outcomes) {
        let outcome = outcome.unwrap_or(Err(DialFault::Failed("it was not tried".into())));
        let outcome = match outcome {
            Ok((wire, milliseconds)) if way.told.is_none() => match trial(dialer, wire, keys, transport).await {
                Ok(told) => {
                    way.told = Some(told);
                    Ok(milliseconds)
                }
                Err(fault) => Err(fault),
            },
            other => other.map(|(_, milliseconds)| milliseconds),
        };
        way.addresses.push((address, outcome));
    }
    way
}

fn report(found: &mut Findings, dialer: &Dialer, way: &Way, other_works: bool) {
    let settings = dialer.settings();
    let target = &settings.address;
    let quic = way.transport == Transport::Quic;
    let cause = if quic { Cause::Udp } else { Cause::Tcp };
    for (address, outcome) in &way.addresses {
        let at = if way.addresses.len() > 1 { format!(" at {address}") } else { String::new() };
        let proxy = settings.proxy.as_ref().filter(|_| !quic);
        let through = proxy.map(|proxy| format!(" through the proxy {}", proxy.address)).unwrap_or_default();
        let tried = format!("{} {target}{through}{at}", if quic { "QUIC to UDP" } else { "TLS to TCP" });
        let fault = match outcome {
            Ok(milliseconds) => {
                found.good(cause, &tried, format!("handshake in {milliseconds} ms"));
                continue;
            }
            Err(fault) => fault,
        };
        let seen = fault.to_string();
        let kind = fault.failure().and_then(Failure::kind);
        let outcome = if other_works || way.told.is_some() { Outcome::Warning } else { Outcome::Fault };
        if way.told.is_some() {
            let means = "at this address the coordinator does not answer; the daemon takes another of the name's, a moment later";
            let ask = format!("whoever runs name resolution here, whether {target} should have the address {address}");
            found.bad(cause, outcome, [&tried, &seen, means, &ask]);
        } else if kind == Some(FaultKind::TlsHttp) {
            let means = "a web server, a proxy or a gateway answers at this address and port, and no coordinator";
            let ask = "whoever gave you the address: host and port of the coordinator; or who runs what answers there";
            found.bad(cause, outcome, [&tried, &seen, means, ask]);
        } else if kind.is_some_and(|kind| kind.number() < 300 || kind.number() >= 400) {
            let means = "the network is fine, and one side does not believe the other's certificate";
            let ask = "the federation's authority, with the number in brackets";
            found.bad(Cause::Certificate, Outcome::Fault, [&tried, &seen, means, ask]);
        } else if matches!(fault, DialFault::Proxy { .. }) {
            let means = "the proxy does not carry this connection";
            let ask = format!("whoever runs the proxy: allow CONNECT to {target}, without opening TLS");
            found.bad(Cause::Proxy, outcome, [&tried, &seen, means, &ask]);
        } else {
            let means = match (quic, outcome == Outcome::Warning) {
                (true, true) => {
                    "UDP is dropped on the way; the daemon uses TCP, which costs a little time in each round"
                }
                (true, false) => "the coordinator is not reached: it is down, or the firewall drops UDP to it",
                (false, true) => "there is no way around a firewall that begins to drop UDP",
                (false, false) => "the coordinator is not reached: it is down, or the firewall drops TCP to it",
            };
            let protocol = if quic { "UDP" } else { "TCP" };
            found.bad(cause, outcome, [&tried, &seen, means, &rule(protocol, *address, target)]);
        }
    }
    if let (true, Some(told)) = (quic, &way.told) {
        found.good(Cause::Mtu, "packets over that path", format!("{} bytes of UDP payload", told.mtu));
    }
}

fn admitted(found: &mut Findings, refusal: Option<(RejectCode, Printable)>) {
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
fn rule(protocol: &str, address: SocketAddr, target: &str) -> String {
    let known = !address.ip().is_unspecified();
    let from = Some(address).filter(|_| known).and_then(source);
    let from = from.map_or_else(|| "this machine".to_owned(), |from| from.ip().to_string());
    let to = if known { format!("{} port {}", address.ip(), address.port()) } else { target.to_owned() };
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
    fn the_rule_names_both_ends() {
        let text = rule("UDP", ([127, 0, 0, 1], 7_443).into(), "localhost:7443");
        assert!(text.contains("allow UDP from 127.0.0.1 (any port) to 127.0.0.1 port 7443, outbound only"), "{text}");
        let text = rule("TCP", ([0, 0, 0, 0], 0).into(), "fl.example:7443");
        assert!(text.contains("allow TCP from this machine (any port) to fl.example:7443, outbound only"), "{text}");
    }
}
