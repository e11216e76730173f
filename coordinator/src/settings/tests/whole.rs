//! A file in which every key has an unusual value, and each limit of each number.

use tributary_certs::denied::DENIED;
use tributary_certs::enrolment::names;
use tributary_certs::provider::KeyExchange;
use tributary_daemon::hours::Hours;
use tributary_daemon::notices::HostPort;
use tributary_storage::files::{Existing, write_private};
use tributary_transport::identity::KeyPlace;

use super::*;
use crate::enrolled::Federation;

/// A file at each of these places, of whom nobody asks what is in it.
fn files(folder: &Path) {
    std::fs::create_dir_all(folder.join("ca")).unwrap();
    for name in ["chain", "key", "signing", "trust", "roster", "authorities"] {
        std::fs::write(folder.join(name), b"").unwrap();
    }
    std::fs::write(folder.join("ca").join(names::ISSUING), b"").unwrap();
    let federation = Federation::new(1);
    let own = federation.coordinator();
    for name in ["roots.pem", "own.pem"] {
        std::fs::copy(own.join(names::CHAIN), folder.join(name)).unwrap();
    }
    let key = std::fs::read(own.join(names::KEY)).unwrap();
    write_private(&folder.join("own.key"), &key, Existing::Replace).unwrap();
    write_private(&folder.join("no.key"), &std::fs::read(own.join(names::CHAIN)).unwrap(), Existing::Replace).unwrap();
}

const COORDINATOR: &str = r#"
[coordinator]
listen = "192.0.2.7:7001"
tcp = false
state_dir = "s/state"
heads_dir = "elsewhere"
gather_ms = 17
windows = ["22:00-06:00", "12:30-13:00"]
utc_offset_minutes = 480
[identity]
certificate = "chain"
private_key = "key"
signing_key = "signing"
ca_certificate = "trust"
roster = "roster"
authorities = "authorities"
"#;

const REST: &str = r#"revocations = "lists/all.pem"
renew = false
post_quantum = "preferred"
[enrolment]
authority = "ca"
[network]
keep_alive_ms = 1001
idle_ms = 2003
mtu = 1301
segmentation_offload = false
[audit.sink]
lag_entries_max = 19
lag_seconds_max = 23
enterprise = 4711
[audit.sink.syslog]
server = "logs.bank.example:6515"
trust = "roots.pem"
certificate = "own.pem"
private_key = "own.key"
close_notify = false
[notices]
name = "centre"
"#;

fn loaded(folder: &Path, text: &str) -> Result<Settings, Faults> {
    let path = folder.join("coordinator.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load(&path)
}

#[test]
fn each_key_is_read_into_its_own_place() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    files(folder.path());
    let settings = loaded(folder.path(), &format!("{COORDINATOR}{REST}")).map_err(|faults| faults.to_string());
    let settings = settings.unwrap();
    assert_eq!((settings.listen.as_str(), settings.tcp, settings.gather_ms), ("192.0.2.7:7001", false, 17));
    assert_eq!((settings.state_dir, settings.heads_dir), (at("s/state"), at("elsewhere")));
    let window = |text: &str| Hours::parse(text, 480).unwrap();
    assert_eq!(settings.windows, Windows(vec![window("22:00-06:00"), window("12:30-13:00")]));
    let NetworkSettings { timers, path } = settings.network;
    let milliseconds = [timers.keep_alive, timers.idle].map(|time| time.as_millis());
    assert_eq!((milliseconds, path.mtu, path.segmentation_offload), ([1_001, 2_003], Some(1_301), false));
    let IdentityFiles { tls, signing_key, roster, authorities, renew } = settings.identity;
    assert_eq!((tls.chain, tls.trust, tls.revocations), (at("chain"), at("trust"), at("lists/all.pem")));
    assert_eq!(tls.denied, Some(at("lists").join(DENIED)));
    assert!(matches!(tls.key, KeyPlace::File(key) if key == at("key")) && tls.key_exchange == KeyExchange::Preferred);
    assert_eq!((signing_key, roster, authorities, renew), (at("signing"), at("roster"), at("authorities"), false));
    assert_eq!((settings.office, settings.notices.name.as_str()), (Some(at("ca")), "centre"));
    let syslog = SyslogSink {
        server: HostPort { host: "logs.bank.example".into(), port: 6_515 },
        trust: at("roots.pem"),
        certificate: Some((at("own.pem"), at("own.key"))),
        close_notify: false,
    };
    let lag = Lag { entries_max: 19, seconds_max: 23 };
    assert_eq!(settings.sink, Some(SinkSettings { way: SinkWay::Syslog(syslog), lag, enterprise: 4_711 }));
    // The port stands after the last colon.
    let six = loaded(folder.path(), &COORDINATOR.replacen("192.0.2.7:7001", "[2001:db8::7]:7001", 1));
    assert_eq!(six.map_err(|faults| faults.to_string()).unwrap().listen, "[2001:db8::7]:7001");
    // What is left out has its default.
    let usual = loaded(folder.path(), COORDINATOR).map_err(|faults| faults.to_string()).unwrap();
    assert_eq!(usual.identity.tls.revocations, at(names::REVOCATIONS), "beside the roots");
    assert_eq!((usual.office, usual.sink), (None, None));
    assert_eq!(usual.network, NetworkSettings::default());
    assert!(usual.identity.renew && usual.identity.tls.key_exchange == KeyExchange::DEFAULT);
    let office = loaded(folder.path(), &format!("{COORDINATOR}[enrolment]\nauthority = 'ca'\n"));
    let office = office.map_err(|faults| faults.to_string()).unwrap();
    assert_eq!(office.identity.tls.revocations, at("ca").join(names::REVOCATIONS), "the office's own");
    let sink = format!("{COORDINATOR}[audit.sink]\nfile = 'copy.log'\n");
    let sink = loaded(folder.path(), &sink).map_err(|faults| faults.to_string()).unwrap().sink.unwrap();
    let usual = Lag { entries_max: 10_000, seconds_max: 60 };
    assert_eq!(sink, SinkSettings { way: SinkWay::File(at("copy.log")), lag: usual, enterprise: 32_473 });
}

#[test]
fn each_limit_is_allowed_and_one_beyond_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    let sink = |key: &str, value: i64| format!("{COORDINATOR}[audit.sink]\nfile = 'copy.log'\n{key} = {value}\n");
    let own = |key: &str, value: i64| {
        let old = COORDINATOR.lines().find(|line| line.starts_with(key)).unwrap();
        COORDINATOR.replacen(old, &format!("{key} = {value}"), 1)
    };
    type Text<'a> = &'a dyn Fn(&str, i64) -> String;
    let rows: [(&str, &str, Text<'_>, i64, i64); 5] = [
        ("coordinator", "gather_ms", &own, 0, 86_400_000),
        ("coordinator", "utc_offset_minutes", &own, -840, 840),
        ("audit.sink", "lag_entries_max", &sink, 0, 10_000_000),
        ("audit.sink", "lag_seconds_max", &sink, 2, 86_400),
        ("audit.sink", "enterprise", &sink, 1, 4_294_967_295),
    ];
    for (table, key, text, least, most) in rows {
        for (value, allowed) in [(least - 1, false), (least, true), (most, true), (most + 1, false)] {
            let found = loaded(folder.path(), &text(key, value));
            assert_eq!(found.is_ok(), allowed, "{key} = {value}");
            let keys: Vec<String> =
                found.err().into_iter().flat_map(|faults| faults.faults).map(|fault| fault.key).collect();
            let expected = if allowed { vec![] } else { vec![format!("{table}.{key}")] };
            assert_eq!(keys, expected, "{key} = {value}");
        }
    }
}

/// A fault in one table is named with its key, whatever the others say, and each key of a table counts as known.
#[test]
fn one_fault_is_one_fault() {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    let whole = format!("{COORDINATOR}{REST}");
    std::fs::write(folder.path().join("empty"), b"").unwrap();
    std::fs::create_dir(folder.path().join("no-authority")).unwrap();
    let rows = [
        ("listen = \"192.0.2.7:7001\"", "listen = \"192.0.2.7:65536\"", "coordinator.listen"),
        ("windows = [", "windows = [\"x\", ", "coordinator.windows"),
        ("certificate = \"chain\"", "certificate = \"none\"", "identity.certificate"),
        ("private_key = \"key\"", "private_key = \"none\"", "identity.private_key"),
        ("signing_key = \"signing\"", "signing_key = \"none\"", "identity.signing_key"),
        ("ca_certificate = \"trust\"", "ca_certificate = \"none\"", "identity.ca_certificate"),
        ("renew = false", "renew = 1", "identity.renew"),
        ("post_quantum = \"preferred\"", "post_quantum = \"no\"", "identity.post_quantum"),
        ("authority = \"ca\"", "authority = \"no-authority\"", "enrolment.authority"),
        ("server = \"logs.bank.example:6515\"", "server = \"a b:1\"", "audit.sink.syslog.server"),
        ("trust = \"roots.pem\"", "trust = \"empty\"", "audit.sink.syslog.trust"),
        ("certificate = \"own.pem\"", "certificate = \"empty\"", "audit.sink.syslog.certificate"),
        ("private_key = \"own.key\"", "private_key = \"roots.pem\"", "audit.sink.syslog.private_key"),
        ("private_key = \"own.key\"", "private_key = \"no.key\"", "audit.sink.syslog.private_key"),
        ("certificate = \"own.pem\"\n", "", "audit.sink.syslog.certificate"),
        ("private_key = \"own.key\"\n", "", "audit.sink.syslog.private_key"),
        ("close_notify = false", "close_notify = 2", "audit.sink.syslog.close_notify"),
        ("enterprise = 4711", "enterprise = 4711\nfile = 'x'", "audit.sink.file"),
        ("tcp = false", "tcp = 0", "coordinator.tcp"),
    ];
    for (line, by, key) in rows {
        assert!(whole.contains(line), "{line}");
        let faults = loaded(folder.path(), &whole.replacen(line, by, 1)).err().expect(by).faults;
        let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, [key], "{by}: {faults:?}");
    }
    // The folder of heads is the coordinator's as well.
    let inside = format!("{COORDINATOR}[audit.sink]\nfile = 'elsewhere/copy.log'\n");
    let faults = loaded(folder.path(), &inside).err().expect("a fault").faults;
    assert!(matches!(&faults[..], [one] if one.key == "audit.sink.file"), "{faults:?}");
}

/// A key is in one place, in a file or in a token.
#[test]
fn a_key_file_beside_a_token_has_no_effect() {
    let folder = tempfile::tempdir().unwrap();
    files(folder.path());
    let token = "[identity.token]\nmodule = \"none.so\"\ntoken = \"a\"\nkey = \"b\"\npin_file = \"c\"\n";
    let named = |coordinator: &str| {
        let faults =
            loaded(folder.path(), &format!("{coordinator}{token}")).err().expect("there is no such module").faults;
        let of_token = faults.iter().any(|fault| fault.key == "identity.token.module");
        let of_file = faults.iter().find(|fault| fault.key == "identity.private_key").map(|fault| fault.found.clone());
        (of_token, of_file)
    };
    assert_eq!(named(COORDINATOR), (true, Some("a value that would have no effect".into())));
    assert_eq!(named(&COORDINATOR.replace("private_key = \"key\"\n", "")), (true, None));
}
