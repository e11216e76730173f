//! Tries the way to the coordinator: name, every address over UDP and TCP or the proxy, packet size, clock, and whether it lets this client in.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;
use tributary_certs::fault::FaultKind;
use tributary_protocol::message::RejectCode;
use tributary_protocol::printable::Printable;
use tributary_texts::{Said, preflight as words};

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
    let looking = words::looking_up(target);
    let reachable = match dialer.addresses().await {
        Ok(addresses) => {
            let listed: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
            found.good(Cause::Name, looking, listed.join(", "));
            true
        }
        Err(fault) if settings.proxy.is_some() => {
            let said = [looking, fault.said(), words::proxy_looks_up(), words::nothing_if_proxy_is_fine()];
            found.tell(Cause::Name, Outcome::Warning, said);
            false
        }
        Err(fault) => {
            let ask = words::ask_name_resolution(target);
            let said = [looking, fault.said(), words::coordinator_not_found(), ask];
            found.tell(Cause::Name, Outcome::Fault, said);
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
        None => match untimely(&ways) {
            Some(untimely) => clocks::diagnose(found, dialer, keys, untimely, unix_seconds).await,
            None => None,
        },
    };
    for way in &ways {
        report(found, dialer, way, other_works(&ways, way.transport));
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
        let at = if way.addresses.len() > 1 { words::at(address) } else { Said::empty() };
        let proxy = settings.proxy.as_ref().filter(|_| !quic);
        let through = proxy.map_or_else(Said::empty, |proxy| words::through_proxy(&proxy.address));
        let tried = match quic {
            true => words::quic_to(target, &through, &at),
            false => words::tls_to(target, &through, &at),
        };
        let fault = match outcome {
            Ok(milliseconds) => {
                found.good(cause, &tried, words::handshake_in(milliseconds));
                continue;
            }
            Err(fault) => fault,
        };
        let seen = fault.said();
        let kind = fault.failure().and_then(Failure::kind);
        let outcome = if other_works || way.told.is_some() { Outcome::Warning } else { Outcome::Fault };
        let (cause, outcome, means, ask) = if way.told.is_some() {
            (cause, outcome, words::silent_address(), words::ask_about_address(target, address))
        } else if kind == Some(FaultKind::TlsHttp) {
            (cause, outcome, words::no_coordinator_there(), words::ask_for_address())
        } else if kind.is_some_and(|kind| kind.number() < 300 || kind.number() >= 400) {
            let ask = words::ask_authority_with_number();
            (Cause::Certificate, Outcome::Fault, words::certificate_not_believed(), ask)
        } else if matches!(fault, DialFault::Proxy { .. }) {
            (Cause::Proxy, outcome, words::proxy_refuses(), words::ask_proxy(target))
        } else {
            let means = match (quic, outcome == Outcome::Warning) {
                (true, true) => words::udp_dropped(),
                (true, false) => words::not_reached_udp(),
                (false, true) => words::no_way_around(),
                (false, false) => words::not_reached_tcp(),
            };
            let protocol = if quic { "UDP" } else { "TCP" };
            (cause, outcome, means, rule(protocol, *address, target))
        };
        found.tell(cause, outcome, [tried, seen, means, ask]);
    }
    if let (true, Some(told)) = (quic, &way.told) {
        found.good(Cause::Mtu, words::packets(), words::packet_size(told.mtu));
    }
}

fn admitted(found: &mut Findings, refusal: Option<(RejectCode, Printable)>) {
    let tried = words::asking_to_be_let_in();
    match refusal {
        None => found.good(Cause::Refused, tried, words::let_in()),
        Some((RejectCode::AlreadyConnected, _)) => found.good(Cause::Refused, tried, words::let_in_already()),
        Some((_, explanation)) => {
            let ask = words::ask_authority_with_sentence();
            let said = [tried, Said::verbatim(explanation), words::not_in_roster(), ask];
            found.tell(Cause::Refused, Outcome::Fault, said);
        }
    }
}

/// The firewall rule to request, ready to paste.
fn rule(protocol: &str, address: SocketAddr, target: &str) -> Said {
    let known = !address.ip().is_unspecified();
    let from = Some(address).filter(|_| known).and_then(source);
    let from = from.map_or_else(words::this_machine, |from| Said::verbatim(from.ip()));
    let to = if known { words::port_of(address.ip(), address.port()) } else { Said::verbatim(target) };
    words::firewall_rule(protocol, from, to)
}

/// The first fault for which a clock may be to blame, in the order of the ways, and over which transport it came.
fn untimely(ways: &[Way]) -> Option<(Transport, &DialFault)> {
    let faults = ways.iter().flat_map(|way| way.addresses.iter().map(|(_, outcome)| (way.transport, outcome)));
    let mut faults = faults.filter_map(|(transport, outcome)| Some((transport, outcome.as_ref().err()?)));
    faults.find(|(_, fault)| {
        let kind = fault.failure().and_then(Failure::kind);
        kind.is_some_and(|kind| tributary_certs::skew::CLOCK_FAULTS.contains(&kind))
    })
}

/// Whether the coordinator was reached over the other transport. One that works is enough.
fn other_works(ways: &[Way], transport: Transport) -> bool {
    ways.iter().any(|way| way.transport != transport && way.told.is_some())
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
    use tributary_texts::Language;

    use super::*;
    use crate::dial::DialSettings;
    use crate::fault::ProxyFault;
    use crate::tcp::Proxy;

    #[test]
    fn one_transport_that_works_excuses_the_other_one_and_not_itself() {
        let way = |transport, works: bool| {
            let told = works.then_some(Told { mtu: 1_200, coordinator_seconds: 0, refusal: None });
            Way { transport, addresses: Vec::new(), told }
        };
        for (quic, tcp) in [(false, false), (false, true), (true, false), (true, true)] {
            let ways = [way(Transport::Quic, quic), way(Transport::Tcp, tcp)];
            let found = [Transport::Quic, Transport::Tcp].map(|transport| other_works(&ways, transport));
            assert_eq!(found, [tcp, quic]);
        }
    }

    /// Other faults, whichever came first, say nothing about a clock.
    #[test]
    fn a_clock_is_looked_at_for_the_fault_that_it_may_have_made() {
        let there: SocketAddr = ([127, 0, 0, 1], 7_443).into();
        let failed = |kind: FaultKind| (there, Err(DialFault::Failed(kind.because("somebody").into())));
        for kind in FaultKind::ALL.iter().copied() {
            let silence = (there, Err(DialFault::Silence { what: "UDP" }));
            let quic = [(there, Ok(7)), silence, failed(FaultKind::TlsApplicationProtocol)].into();
            let ways = [(Transport::Quic, quic), (Transport::Tcp, [failed(kind)].into())];
            let ways = ways.map(|(transport, addresses)| Way { transport, addresses, told: None });
            let found = untimely(&ways).map(|(transport, fault)| (transport, fault.failure().and_then(Failure::kind)));
            let suspected = tributary_certs::skew::CLOCK_FAULTS.contains(&kind);
            assert_eq!(found, suspected.then_some((Transport::Tcp, Some(kind))), "{kind:?}");
        }
    }

    fn dialer(proxy: Option<Proxy>) -> Dialer {
        Dialer::new(DialSettings {
            address: "fl.example:7443".into(),
            server_name: "fl.example".into(),
            mode: Mode::Auto,
            proxy,
            path: crate::Path::default(),
            timers: crate::Timers::default(),
        })
    }

    /// Who is asked, and how bad it is: of each kind of fault over each transport, alone and where another connection works.
    #[test]
    fn each_fault_of_a_way_has_its_cause_its_meaning_and_somebody_to_ask() {
        let there: SocketAddr = ([127, 0, 0, 1], 7_443).into();
        let certificate = |kind: FaultKind| DialFault::Failed(kind.because("somebody").into());
        let told = || Told { mtu: 1_337, coordinator_seconds: 0, refusal: None };
        let dialer = dialer(None);
        for transport in [Transport::Quic, Transport::Tcp] {
            let quic = transport == Transport::Quic;
            let own = if quic { Cause::Udp } else { Cause::Tcp };
            let unreached = match quic {
                true => [words::not_reached_udp(), words::udp_dropped()],
                false => [words::not_reached_tcp(), words::no_way_around()],
            };
            let rule = || rule(if quic { "UDP" } else { "TCP" }, there, "fl.example:7443");
            let proxied =
                |said| DialFault::Proxy { proxy: "proxy:8080".into(), target: "fl.example:7443".into(), said };
            for other_works in [false, true] {
                let may_be = if other_works { Outcome::Warning } else { Outcome::Fault };
                let [not_reached, dropped] = unreached.clone();
                let means = if other_works { dropped } else { not_reached };
                let believed = (Cause::Certificate, Outcome::Fault, words::certificate_not_believed());
                let authority = words::ask_authority_with_number();
                let proxy = (words::proxy_refuses(), words::ask_proxy("fl.example:7443"));
                let no_coordinator = (words::no_coordinator_there(), words::ask_for_address());
                let rows = [
                    (DialFault::Silence { what: "UDP" }, (own, may_be, means.clone()), rule()),
                    (certificate(FaultKind::TokenUnknown), (own, may_be, means), rule()),
                    (certificate(FaultKind::TlsHttp), (own, may_be, no_coordinator.0), no_coordinator.1),
                    (certificate(FaultKind::Revoked), believed.clone(), authority.clone()),
                    (certificate(FaultKind::ClosedByPeer), believed, authority),
                    (proxied(ProxyFault::Silent), (Cause::Proxy, may_be, proxy.0), proxy.1),
                ];
                for (fault, (cause, outcome, means), ask) in rows {
                    let name = format!("{fault} over {transport:?}, {other_works}");
                    let way = Way { transport, addresses: vec![(there, Err(fault))], told: None };
                    let mut found = Findings::default();
                    report(&mut found, &dialer, &way, other_works);
                    let [line] = found.lines() else { panic!("{name}: one line") };
                    assert_eq!((line.cause, line.outcome), (cause, outcome), "{name}");
                    let english = [means, ask].map(|said| said.text(Language::English).to_owned());
                    assert_eq!([line.means.clone(), line.ask.clone()], english, "{name}");
                    assert!(!line.tried.contains("127.0.0.1"), "the one address is not named: {}", line.tried);
                }
            }
            // Another address of the same name works: the silent one is named, and packets are measured over UDP alone.
            let addresses = vec![(there, Err(DialFault::Silence { what: "UDP" })), (there, Ok(7))];
            let way = Way { transport, addresses, told: Some(told()) };
            let mut found = Findings::default();
            report(&mut found, &dialer, &way, false);
            let lines = found.lines();
            let silent = words::silent_address().text(Language::English).to_owned();
            assert_eq!((lines[0].cause, lines[0].outcome, &lines[0].means), (own, Outcome::Warning, &silent));
            let ask = words::ask_about_address("fl.example:7443", there);
            assert_eq!(lines[0].ask, ask.text(Language::English));
            assert!(lines[0].tried.contains("127.0.0.1:7443") && lines[1].seen.contains('7'), "{found}");
            let measured = lines.iter().filter(|line| line.cause == Cause::Mtu).count();
            assert_eq!((lines.len(), measured), (2 + usize::from(quic), usize::from(quic)));
        }
    }

    /// UDP does not go through a proxy, and no line says so.
    #[test]
    fn the_proxy_is_named_where_the_way_leads_through_it() {
        let proxy = Proxy { address: "proxy.example:8080".into(), credentials: None };
        let dialer = dialer(Some(proxy));
        for transport in [Transport::Quic, Transport::Tcp] {
            let mut found = Findings::default();
            let way = Way { transport, addresses: vec![(([127, 0, 0, 1], 1).into(), Ok(1))], told: None };
            report(&mut found, &dialer, &way, false);
            assert_eq!(found.lines()[0].tried.contains("proxy.example"), transport == Transport::Tcp, "{found}");
        }
    }

    #[test]
    fn a_refusal_is_a_fault_and_a_daemon_that_has_the_seat_is_none() {
        let with = |refusal| {
            let mut found = Findings::default();
            admitted(&mut found, refusal);
            let line = &found.lines()[0];
            (line.cause, line.outcome, line.seen.clone())
        };
        let because = |code| Some((code, Printable::from("by its roster".to_owned())));
        assert_eq!(with(None).1, Outcome::Ok);
        assert_eq!(with(because(RejectCode::AlreadyConnected)).1, Outcome::Ok);
        let refused = with(because(RejectCode::NotInRoster));
        assert_eq!(refused, (Cause::Refused, Outcome::Fault, "by its roster".to_owned()));
    }

    #[test]
    fn the_rule_names_both_ends() {
        let text = rule("UDP", ([127, 0, 0, 1], 7_443).into(), "localhost:7443");
        let text = text.text(Language::English);
        assert!(text.contains("allow UDP from 127.0.0.1 (any port) to 127.0.0.1 port 7443, outbound only"), "{text}");
        let text = rule("TCP", ([0, 0, 0, 0], 0).into(), "fl.example:7443");
        let text = text.text(Language::English);
        assert!(text.contains("allow TCP from this machine (any port) to fl.example:7443, outbound only"), "{text}");
    }
}
