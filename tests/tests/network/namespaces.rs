//! Processes in network namespaces of their own, and a firewall between them that drops every UDP packet.
//!
//! Needs root, `ip` and `nft` (Debian: iproute2, nftables); says so where it cannot run, and fails there if `TRIBUTARY_TEST_NAMESPACES` is set.

use std::process::Command;

use crate::cast::{BRANCHES, by_way_of, federation};
use crate::needed;
use crate::process::Process;
use crate::support::sums::compare_sums;

/// So many, each at least as long as the upload offset, that QUIC is found again before the plan ends.
const ROUNDS: usize = 60;

/// UDP is let through again behind this round.
const OPENED_AFTER: u64 = 3;

/// Within so many seconds a branch whose network drops UDP is connected.
const CONNECTED_SECONDS: f64 = 8.0;

const CENTRE: &str = "10.213.7.1";

/// Two namespaces and a wire between them; gone when dropped, with the firewall.
struct Network {
    centre: String,
    branches: String,
}

/// Runs a command; what it said where it failed.
fn command(words: &[&str]) -> Result<(), String> {
    let said = |text: &str| format!("{}: {}", words.join(" "), text.trim());
    let output = Command::new(words[0]).args(&words[1..]).output().map_err(|fault| said(&fault.to_string()))?;
    if output.status.success() { Ok(()) } else { Err(said(&String::from_utf8_lossy(&output.stderr))) }
}

impl Network {
    fn create() -> Result<Self, String> {
        let id = std::process::id();
        let own = Self { centre: format!("tributary-{id}-c"), branches: format!("tributary-{id}-b") };
        let (wire, peer) = (format!("tc{id}"), format!("tb{id}"));
        command(&["ip", "netns", "add", &own.centre])?;
        command(&["ip", "netns", "add", &own.branches])?;
        command(&[
            "ip",
            "link",
            "add",
            &wire,
            "netns",
            &own.centre,
            "type",
            "veth",
            "peer",
            "name",
            &peer,
            "netns",
            &own.branches,
        ])?;
        for (space, device, address) in [(&own.centre, &wire, "10.213.7.1/24"), (&own.branches, &peer, "10.213.7.2/24")]
        {
            command(&["ip", "-n", space, "address", "add", address, "dev", device])?;
            command(&["ip", "-n", space, "link", "set", device, "up"])?;
            command(&["ip", "-n", space, "link", "set", "lo", "up"])?;
        }
        own.firewall("add table inet tributary")?;
        Ok(own)
    }

    fn firewall(&self, rule: &str) -> Result<(), String> {
        command(&["ip", "netns", "exec", &self.centre, "nft", rule])
    }

    fn drop_udp(&self) -> Result<(), String> {
        self.firewall("add chain inet tributary door { type filter hook input priority 0; }")?;
        self.firewall("add rule inet tributary door meta l4proto udp drop")
    }

    fn let_udp_through(&self) -> Result<(), String> {
        self.firewall("flush chain inet tributary door")
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for space in [&self.centre, &self.branches] {
            // One that was never made, where the other could not be.
            let _ = command(&["ip", "netns", "delete", space]);
        }
    }
}

#[test]
fn branches_whose_network_drops_udp_take_part_and_come_back_to_quic() {
    let network = match Network::create().and_then(|network| network.drop_udp().map(|()| network)) {
        Ok(network) => network,
        Err(reason) => {
            return needed::skip("TRIBUTARY_TEST_NAMESPACES", "branches whose network drops UDP", reason);
        }
    };
    let folder = tempfile::tempdir().expect("a folder");
    let plan = format!("model = \"logistic\"\nrounds = {ROUNDS}\nsession_rounds = 64\nupload_offset_ms = 250\n");
    let federation = federation(folder.path(), &plan, "");
    let text = std::fs::read_to_string(&federation.coordinator).expect("settings");
    std::fs::write(&federation.coordinator, text.replace("127.0.0.1:0", &format!("{CENTRE}:7443"))).expect("settings");
    let coordinator = Process::coordinator(&["ip", "netns", "exec", &network.centre], &federation.coordinator);
    let listening = coordinator.until("listening");
    let address = listening["address"].as_str().and_then(|text| text.parse().ok()).expect("an address");
    let front = ["ip", "netns", "exec", &network.branches];
    let start = |path: &std::path::PathBuf| {
        let usual = std::fs::read_to_string(path).expect("settings");
        let settings = by_way_of(&usual, address, "auto") + "\n[network]\nprobe_ms = 1000\n";
        std::fs::write(path, settings).expect("settings");
        Process::client(&front, path)
    };
    let clients: Vec<Process> = federation.client_settings(address).iter().map(start).collect();
    for (branch, client) in clients.iter().enumerate() {
        let connected = client.until("connected");
        let seconds = connected["seconds"].as_f64().expect("seconds");
        println!("branch {branch}: connected over {} after {seconds:.2} s", connected["transport"]);
        assert_eq!((connected["event"].as_str(), connected["transport"].as_str()), (Some("connected"), Some("tcp")));
        assert!(seconds <= CONNECTED_SECONDS);
    }
    for round in 1..=ROUNDS as u64 {
        let event = coordinator.until("round");
        assert_eq!((event["committed"].as_u64(), event["survivors"].as_u64()), (Some(round), Some(BRANCHES as u64)));
        if round == OPENED_AFTER {
            network.let_udp_through().expect("the firewall is ours");
        }
    }
    coordinator.until("finished");
    for client in &clients {
        let back = client.until("connected");
        assert_eq!((back["transport"].as_str(), back["resumed"].as_bool()), (Some("quic"), Some(true)));
        client.until("finished");
    }
    assert_eq!(compare_sums(&federation), ROUNDS);
}
