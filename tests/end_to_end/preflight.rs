//! What an operator learns before a daemon runs: each cause has its exit code, and each faulty line says what to ask of whom.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::federation::Federation;
use crate::support::{Finished, run};

fn preflight(federation: &Federation, number: usize) -> Finished {
    run(["client".as_ref(), "preflight".as_ref(), "--config".as_ref(), federation.config(number).as_os_str()])
}

#[test]
fn each_cause_has_its_code_and_its_sentences() {
    let mut federation = Federation::waiting_with(|_, text| text.to_owned());
    let good = preflight(&federation, 0);
    assert_eq!(good.code, Some(0), "{} {}", good.out, good.err);
    let lines =
        ["looking up 127.0.0.1", "QUIC to UDP", "TLS to TCP", "bytes of UDP payload", "s apart", "it does", "rows of"];
    for part in lines {
        assert!(good.out.contains(part), "{part:?} is missing in {}", good.out);
    }
    // A daemon that runs is not disturbed, and is recognised. Of the preflight before, the coordinator says nothing.
    let mut daemon = federation.start(0);
    assert_eq!(federation.until_any(&["joined", "left"])["event"], "joined");
    let beside = preflight(&federation, 0);
    assert!(beside.out.contains("this client's daemon is connected now"), "{} {}", beside.out, beside.err);
    assert!(daemon.is_running());
    assert_eq!(preflight(&federation, 1).code, Some(0));
    daemon.stop();
    assert_eq!(federation.until("left")["client"], 1, "the first that leaves is the daemon");

    let failing = |number: usize, code: i32, parts: &[&str]| {
        let found = preflight(&federation, number);
        assert_eq!(found.code, Some(code), "{} {}", found.out, found.err);
        for part in ["FAULT", "means", "ask"].iter().chain(parts) {
            assert!(found.out.contains(part), "{part:?} is missing in {}", found.out);
        }
    };
    // Nobody listens there: the first fault is UDP's, with the rule to ask for.
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    federation.edit(1, |text| text.replace(&federation.address, &closed));
    failing(1, 11, &["allow UDP from 127.0.0.1 (any port) to 127.0.0.1 port", "allow TCP from"]);
    federation.edit(1, |text| text.replace("[coordinator]\n", "[coordinator]\ntransport = \"tcp\"\n"));
    failing(1, 12, &["the coordinator is not reached"]);
    federation.edit(2, |text| text.replace(&federation.address, "nowhere.invalid:7443"));
    failing(2, 10, &["nowhere.invalid", "name resolution"]);
    federation.edit(3, |text| {
        text.replace("[coordinator]\n", "[coordinator]\ntransport = \"tcp\"\nproxy = \"127.0.0.1:9\"\n")
    });
    failing(3, 12, &["through the proxy 127.0.0.1:9"]);
    let key = federation.dir.join("identities/branch-004/identity.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    failing(4, 18, &["chmod 600"]);
    fs::write(federation.dir.join("data/branch-005.csv"), "nothing\n1\n").unwrap();
    failing(5, 19, &["branch-005.csv"]);
    // The signing key's entry is another's: TLS is fine, and the roster is not.
    let json = run([
        "client".as_ref(),
        "preflight".as_ref(),
        "--json".as_ref(),
        "--config".as_ref(),
        federation.config(6).as_os_str(),
    ]);
    let found = json.json();
    assert_eq!(found["version"], 1);
    assert!(found["findings"].as_array().unwrap().iter().all(|line| line["outcome"] == "ok"), "{found}");
}

#[test]
fn a_coordinator_tries_its_port_and_its_limits() {
    let federation = Federation::waiting_with(|_, text| text.to_owned());
    let config = federation.dir.join("coordinator/coordinator.toml");
    let preflight = || run(["coordinator".as_ref(), "preflight".as_ref(), "--config".as_ref(), config.as_os_str()]);
    let good = preflight();
    assert_eq!(good.code, Some(0), "{} {}", good.out, good.err);
    for part in
        ["roster 1 of 8 clients", "limit of open files", "UDP buffers", "free, and this user may use it", "MB free"]
    {
        assert!(good.out.contains(part), "{part:?} is missing in {}", good.out);
    }
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("127.0.0.1:0", &federation.address)).unwrap();
    let taken = preflight();
    assert_eq!(taken.code, Some(21), "{} {}", taken.out, taken.err);
    assert!(taken.out.contains("in use by another program"), "{}", taken.out);
}
