//! What assessors are told of a configuration: every flow that it opens, what protects its files, and what owners have granted.

use tributary_certs::grant::{sign_grant, sign_withdrawal, write_grant, write_withdrawal};
use tributary_protocol::plan::Grant;
use tributary_protocol::roster::{MemberName, StaffNumber};
use tributary_protocol::round::cast;

use super::*;
use crate::enrolled::Federation;

const EVERYTHING: &str = r#"[enrolment]
authority = "authority"
[audit.sink]
file = "elsewhere/copy.log"
[notices.smtp]
server = "mail.bank.example:587"
from = "a@bank.example"
to = ["b@bank.example"]
[notices.webhook]
url = "https://hooks.bank.example/x"
[notices.syslog]
address = "udp://127.0.0.1:514"
[plan]
"#;

fn configured(federation: &Federation, change: impl Fn(String) -> String) -> Configured {
    Configured::read(&federation.settings(change)).map_err(|fault| fault.to_string()).unwrap()
}

#[test]
fn every_flow_that_is_configured_is_named_in_its_order() {
    let federation = Federation::new(2);
    let flows_of = |change: &dyn Fn(String) -> String| flows(&configured(&federation, change).settings);
    let whole = flows_of(&|text| text.replace("[plan]\n", EVERYTHING));
    let state = |name: &str| federation.path("state").join(name).display().to_string();
    let (listen, copy) = ("127.0.0.1:0".to_owned(), federation.path("elsewhere/copy.log").display().to_string());
    let rows = [
        ("member", "coordinator", "rounds", "mutual-tls", listen.clone(), "UDP: QUIC version 1, TLS 1.3"),
        ("member", "coordinator", "rounds", "mutual-tls", listen.clone(), "TCP: TLS 1.3"),
        ("newcomer", "coordinator", "enrolment", "pinned-tls", listen, "UDP: QUIC version 1, TLS 1.3; TCP: TLS 1.3"),
        ("operator", "coordinator", "questions", "own-user", state("control.sock"), "Unix socket"),
        (
            "carrier",
            "coordinator",
            "signed-files",
            "own-signature",
            federation.path("state").display().to_string(),
            "file",
        ),
        ("coordinator", "collector", "metrics", "local-file", state("metrics.prom"), "file"),
        ("coordinator", "log-collector", "second-copy", "local-file", copy, "file"),
        ("coordinator", "mail-server", "notices", "server-tls", "mail.bank.example:587".into(), "TCP: SMTP"),
        ("coordinator", "web-service", "notices", "server-tls", "hooks.bank.example".into(), "TCP: HTTPS"),
        ("coordinator", "log-collector", "notices", "plain", "[notices.syslog]".into(), "syslog (RFC 5424)"),
    ];
    let expected: Vec<FlowLine> = (1..)
        .zip(rows)
        .map(|(number, (from, to, carries, protection, address, protocol))| FlowLine {
            number,
            from: from.into(),
            to: to.into(),
            address,
            protocol: protocol.into(),
            carries: carries.into(),
            protection: protection.into(),
        })
        .collect();
    assert_eq!(whole, expected);
    let least = flows_of(&|text| text.replace("state_dir", "tcp = false\nstate_dir"));
    let carried: Vec<&str> = least.iter().map(|flow| flow.carries.as_str()).collect();
    assert_eq!(carried, ["rounds", "questions", "signed-files", "metrics"]);
}

#[cfg(unix)]
#[test]
fn each_protection_is_looked_at() {
    use std::os::unix::fs::PermissionsExt as _;
    let federation = Federation::new(2);
    let of = configured(&federation, |text| text);
    let found = |of: &Configured, what: &str| {
        let line = hardening(of).into_iter().find(|line| line.what == what).unwrap();
        (line.state, line.found)
    };
    let own = |state: &str, mode: &str| (state.to_owned(), mode.to_owned());
    let identity = &of.settings.identity;
    let mut places = vec![("signing-key-own", identity.signing_key.clone())];
    #[cfg_attr(not(feature = "pkcs11"), expect(irrefutable_let_patterns, reason = "tokens are not built in"))]
    if let KeyPlace::File(key) = &identity.tls.key {
        places.push(("tls-key-own", key.clone()));
    }
    for (what, path) in places {
        let mode = |mode: u32| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        for (bits, state) in [(0o600, "holds"), (0o640, "not"), (0o601, "not"), (0o400, "holds")] {
            mode(bits);
            assert_eq!(found(&of, what), own(state, &format!("{bits:04o}")), "{what}");
        }
        mode(0o600);
        std::fs::rename(&path, federation.path("away")).unwrap();
        assert_eq!(found(&of, what), own("unknown", ""), "{what}");
        std::fs::rename(federation.path("away"), &path).unwrap();
    }
    let mode = |mode: u32| {
        std::fs::set_permissions(federation.path("state"), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (bits, state) in [(0o750, "not"), (0o701, "not"), (0o700, "holds")] {
        mode(bits);
        assert_eq!(found(&of, "state-own"), own(state, &format!("{bits:04o}")));
    }
    assert_eq!(found(&of, "roster-of-several"), own("not", "1 / 1"));
    let state = |what: &str| found(&of, what).0;
    assert_eq!((state("tls-13-alone"), state("tls-key-in-token")), ("holds".into(), "not".into()));
    assert_eq!((state("heads-apart"), state("revocation-lists")), ("holds".into(), "holds".into()));
    std::fs::remove_file(&identity.tls.revocations).unwrap();
    assert_eq!(state("revocation-lists"), "not");
    assert_eq!(state("post-quantum-required") == "holds", identity.tls.key_exchange == KeyExchange::Required);
    let together = configured(&federation, |text| {
        text.replace("[identity]\n", "heads_dir = \"state/heads\"\n[identity]\npost_quantum = \"preferred\"\n")
    });
    assert_eq!(found(&together, "heads-apart").0, "not");
    assert_eq!(found(&together, "post-quantum-required").0, "not");
    let what: Vec<String> = versions(&of).into_iter().map(|line| format!("{} {}", line.what, line.version)).collect();
    let log = tributary_protocol::log::FORMAT.version;
    let release = env!("CARGO_PKG_VERSION");
    let expected = [
        format!("version-program {release}"),
        format!("version-protocol {PROTOCOL_VERSION}"),
        format!("version-log {log}"),
        format!("digest-settings {}", Digest::of(&std::fs::read(federation.settings(|text| text)).unwrap())),
        format!("digest-executable {}", Digest::of(&std::fs::read(std::env::current_exe().unwrap()).unwrap())),
    ];
    assert_eq!(what, expected);
}

#[test]
fn certificates_are_told_with_the_office_s_where_there_is_one() {
    let federation = Federation::new(2);
    assert_eq!(certificates(&configured(&federation, |text| text)).unwrap().len(), 2);
    let office = "[enrolment]\nauthority = \"authority\"\n[plan]\n";
    let of = configured(&federation, |text| text.replace("[plan]\n", office));
    let with = certificates(&of).unwrap();
    let what: Vec<&str> = with.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(what, ["certificate-coordinator", "certificate-root", "certificate-issuing"]);
    let day = |second| Date::of_second(second).to_string();
    let issuing = federation.path("authority").join(tributary_certs::enrolment::names::ISSUING);
    let paths = [federation.coordinator().join("identity.pem"), federation.coordinator().join("trust.pem"), issuing];
    for (line, path) in with.iter().zip(paths) {
        let own = inspect(&path, None, of.now).unwrap();
        let expected = CertificateLine {
            what: line.what.clone(),
            subject: own.subject.to_string(),
            issuer: own.issuer.to_string(),
            serial: own.serial,
            key: own.key,
            from: day(own.not_before),
            until: day(own.not_after),
            days_left: own.days_left,
        };
        assert_eq!(line, &expected);
    }
    assert_eq!((&with[0].issuer, &with[1].issuer), (&with[2].subject, &with[1].subject));
}

/// Of this federation, with a good signature, and with whether it was taken back.
#[test]
fn grants_are_those_of_this_federation_as_they_came() {
    let folder = tempfile::tempdir().unwrap();
    let (federation, owner) = (Digest([3; 32]), SigningKey::from_seed(&[1; 32]));
    let branch = |name: &str| MemberName::parse(name).unwrap();
    let grant = |subject, federation: Digest, runs| {
        let grant = Grant {
            federation,
            branches: vec![branch("bank/a"), branch("bank/b")],
            subject,
            runs,
            not_before: 86_400,
            not_after: 3 * 86_400,
            ..cast::grant(&cast::plan())
        };
        sign_grant(&owner, grant)
    };
    let proposer = StaffNumber::parse("bank/e1").unwrap();
    let plans = GrantSubject::Plans { proposer, purpose: "churn".into() };
    let (one, other) = (grant(GrantSubject::Plan(Digest([9; 32])), federation, 5), grant(plans.clone(), federation, 6));
    let foreign = grant(plans.clone(), Digest([4; 32]), 7);
    let forged = Grant { runs: 8, ..one.clone() };
    std::fs::create_dir(folder.path().join("grants")).unwrap();
    let path = |grant: &Grant, ending: &str| folder.path().join("grants").join(format!("{}.{ending}", grant.digest()));
    for grant in [&one, &other, &foreign, &forged] {
        write_grant(grant, &path(grant, GRANT_EXTENSION)).unwrap();
    }
    write_withdrawal(&sign_withdrawal(&owner, other.digest(), 7), &path(&other, WITHDRAWAL_EXTENSION)).unwrap();
    std::fs::write(folder.path().join("grants/notes.txt"), "x").unwrap();
    let mut found = grants(folder.path(), &federation);
    found.sort_by_key(|line| line.runs);
    let line = |grant: &Grant, subject: String, withdrawn| GrantLine {
        grant: grant.digest().to_string(),
        subject,
        branches: vec!["bank/a".into(), "bank/b".into()],
        runs: grant.runs,
        from: "1970-01-02".into(),
        until: "1970-01-04".into(),
        withdrawn,
    };
    assert_eq!(found, [line(&one, Digest([9; 32]).to_string(), false), line(&other, "churn".into(), true)]);
    assert!(grants(&folder.path().join("none"), &federation).is_empty());
}
