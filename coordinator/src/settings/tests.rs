mod whole;

use super::*;

/// The smallest file, with every file it names.
const SMALLEST: &str = r#"
[coordinator]
listen = "127.0.0.1:0"
state_dir = "state"
[identity]
certificate = "file"
private_key = "file"
signing_key = "file"
ca_certificate = "file"
roster = "file"
authorities = "file"
"#;

fn load(text: &str) -> Result<Settings, Faults> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), b"").unwrap();
    let path = folder.path().join("coordinator.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load(&path)
}

/// [`SMALLEST`] with one line replaced.
fn changed(line: &str, by: &str) -> Result<Settings, Faults> {
    assert!(SMALLEST.contains(line), "no line {line}");
    load(&SMALLEST.replacen(line, by, 1))
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let settings = load(SMALLEST).unwrap();
    assert_eq!(settings.gather_ms, 30_000);
    assert!(settings.identity.renew);
    let sample = include_str!("../../../docs/samples/coordinator.toml");
    assert!(sample.contains("# gather_ms = 30000"));
}

#[test]
fn the_sample_has_every_key_and_no_fault() {
    let sample = include_str!("../../../docs/samples/coordinator.toml");
    let folder = tempfile::tempdir().unwrap();
    let (centre, authority) = (folder.path().join("centre"), folder.path().join("ca"));
    std::fs::create_dir_all(centre.join("identity")).unwrap();
    std::fs::create_dir(&authority).unwrap();
    for name in ["identity.pem", "identity.key", "signing.key", "trust.pem", "roster", "authorities"] {
        std::fs::write(centre.join("identity").join(name), b"").unwrap();
    }
    for name in ["revocations.pem", "issuing.pem"] {
        std::fs::write(authority.join(name), b"").unwrap();
    }
    let path = centre.join("coordinator.toml");
    std::fs::write(&path, sample).unwrap();
    let settings = Settings::load(&path).unwrap();
    assert_eq!(settings.state_dir, centre.join("state"));
    assert_eq!(settings.heads_dir, centre.join("heads"), "beside it");
    // Every `# key = value` that fits the sample's choices can be switched on; the rest is refused by name, not as unknown.
    let all: String = sample
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if rest.split_once(" = ").is_some_and(|(key, _)| {
                    key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
                }) || rest.starts_with('[') =>
            {
                rest
            }
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n");
    std::fs::write(&path, &all).unwrap();
    let faults = Settings::load(&path).err().expect("a fault");
    let keys: Vec<&str> = faults.faults.iter().map(|fault| fault.key.as_str()).collect();
    let other_choice = [
        // A token is not here, nor the feature that would open it.
        "identity.token.module",
        "identity.private_key",
        // Nor are the files of hooks.
        "notices.command",
        "notices.smtp.password_file",
        "notices.smtp.trust",
        "notices.webhook.url_file",
        "notices.webhook.token_file",
        "notices.webhook.trust",
        // Nor are those of a receiver of the second copy, which goes one way alone.
        "audit.sink.syslog.trust",
        "audit.sink.syslog.certificate",
        "audit.sink.syslog.private_key",
        "audit.sink.file",
    ];
    assert_eq!(keys, other_choice, "{faults}");
}

#[test]
fn each_bad_value_is_named_with_what_is_allowed() {
    let cases = [
        ("listen = \"127.0.0.1:0\"", "listen = \"127.0.0.1\"", "coordinator.listen", "HOST:PORT"),
        ("listen = \"127.0.0.1:0\"", "listen = \":80\"", "coordinator.listen", "HOST:PORT"),
        ("state_dir = \"state\"", "", "coordinator.state_dir", "a path"),
        ("state_dir = \"state\"", "state_dir = 's'\ngather_ms = -1", "coordinator.gather_ms", "0 to 86400000"),
        ("state_dir = \"state\"", "state_dir = 's'\ncolour = 1", "coordinator.colour", "listen"),
        ("state_dir = \"state\"", "state_dir = 's'\nwindows = ['22:00']", "coordinator.windows", "22:00-06:00"),
        ("state_dir = \"state\"", "state_dir = 's'\nwindows = ['06:00-06:00']", "coordinator.windows", "hours"),
        ("[identity]", "[audit.sink]\n[identity]", "audit.sink", "[audit.sink.syslog]"),
        (
            "[identity]",
            "[audit.sink]\nfile = 'a'\nlag_seconds_max = 1\n[identity]",
            "audit.sink.lag_seconds_max",
            "2 to 86400",
        ),
        (
            "[identity]",
            "[audit.sink]\nfile = 'a'\nenterprise = 0\n[identity]",
            "audit.sink.enterprise",
            "1 to 4294967295",
        ),
        ("[identity]", "[audit.sink.syslog]\nserver = 'logs:0'\n[identity]", "audit.sink.syslog.server", "HOST:PORT"),
        ("[identity]", "[audit.sink.syslog]\nserver = 'logs:6514'\n[identity]", "audit.sink.syslog.trust", "a path"),
        (
            "[identity]",
            "[audit.sink.syslog]\ntrust = 'file'\n[identity]",
            "audit.sink.syslog.trust",
            "certificates in PEM",
        ),
        // Plans are activated; the settings hold none.
        ("[identity]", "[plan]\nfile = 'file'\n[identity]", "plan", "version"),
        ("authorities = \"file\"", "authorities = \"none\"", "identity.authorities", "a file that exists"),
    ];
    for (line, by, key, allowed) in cases {
        let faults = changed(line, by).map(|_| ()).expect_err(by);
        let fault = faults.faults.iter().find(|fault| fault.key == key).unwrap_or_else(|| panic!("{by}: {faults}"));
        assert!(fault.allowed.contains(allowed), "{by}: {faults}");
    }
}

#[test]
fn all_faults_come_at_once() {
    let faults = load("[coordinator]\nrounds = 0\n[plan]\n").err().expect("a fault");
    let keys: Vec<&str> = faults.faults.iter().map(|fault| fault.key.as_str()).collect();
    for key in ["coordinator.listen", "identity.roster", "coordinator.rounds", "plan"] {
        assert!(keys.contains(&key), "{key} in {keys:?}");
    }
}

/// A second copy in the folder of the first one is none: whoever changes the one changes the other.
#[cfg(unix)]
#[test]
fn no_second_copy_lies_in_a_folder_of_the_coordinator() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("file"), b"").unwrap();
    std::fs::create_dir(path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../state/copy.log", path("elsewhere/link.log")).unwrap();
    std::os::unix::fs::symlink(path("heads"), path("away")).unwrap();
    let load = |file: &str| {
        let table = format!("[audit.sink]\nfile = '{file}'\n[identity]");
        std::fs::write(path("coordinator.toml"), SMALLEST.replacen("[identity]", &table, 1)).unwrap();
        Settings::load(&path("coordinator.toml"))
    };
    let absolute = path("state/deep/copy.log").display().to_string();
    for there in [false, true] {
        for inside in [
            "state/copy.log",
            "heads/copy.log",
            "elsewhere/../state/copy.log",
            "elsewhere/link.log",
            "away/copy.log",
            absolute.as_str(),
        ] {
            let faults = load(inside).err().expect("a fault").faults;
            assert!(matches!(&faults[..], [one] if one.key == "audit.sink.file"), "{inside} {there}: {faults:?}");
            assert!(faults[0].found.contains("in the state folder"), "{inside}: {faults:?}");
        }
        for outside in ["elsewhere/copy.log", "state/../copy.log", "states.log"] {
            assert!(load(outside).is_ok(), "{outside} {there}");
        }
        std::fs::create_dir_all(path("state/deep")).unwrap();
        std::fs::create_dir_all(path("heads")).unwrap();
    }
}
