//! The sections of the file, key by key: every key is asked for before the first fault counts, so that all faults are told at once.

use std::path::PathBuf;

use tributary_certs::denied::DENIED;
use tributary_certs::enrolment::names;
use tributary_daemon::hours::Hours;
use tributary_settings::Document;
use tributary_storage::files::shown;
use tributary_transport::identity::{KeyPlace, TlsFiles, key_exchange, token};

use super::IdentityFiles;
use super::windows::Windows;

pub(super) fn address(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    (!host.is_empty() && port.parse::<u16>().is_ok()).then(|| text.to_owned())
}

/// The queue's windows, by the clock of `coordinator.utc_offset_minutes`.
pub(super) fn windows(document: &mut Document) -> Option<Windows> {
    let offset = document.integer("coordinator.utc_offset_minutes", -840..=840, Some(0));
    if !document.has("coordinator.windows") {
        return offset.map(|_| Windows::default());
    }
    let allowed = "a list of hours of the day, such as \"22:00-06:00\"";
    let parse = |text: &str| Hours::parse(text, offset.unwrap_or_default());
    document.texts("coordinator.windows", allowed, parse).filter(|_| offset.is_some()).map(Windows)
}

pub(super) fn identity(document: &mut Document) -> Option<IdentityFiles> {
    let names = ["certificate", "signing_key", "ca_certificate", "authorities"];
    // All of them before the first `?`: every fault is reported, and every key counts as known.
    let files = names.map(|name| document.existing_file(&format!("identity.{name}")));
    // It may come later: the first roster is signed after its members have enrolled.
    let roster = document.path("identity.roster");
    let in_token = document.has("identity.token.module");
    let token = token(document);
    let key = match token {
        Some(None) => document.existing_file("identity.private_key").map(KeyPlace::File),
        other => other.flatten(),
    };
    if in_token && document.has("identity.private_key") {
        let _ = document.path("identity.private_key");
        document.fault("identity.private_key", "a value that would have no effect", "nothing; the key is in the token");
    }
    let revocations = match document.has("identity.revocations") {
        true => document.path("identity.revocations"),
        // Where an office is kept, its own; else beside the roots.
        false if document.has("enrolment.authority") => {
            document.path("enrolment.authority").map(|folder| folder.join(names::REVOCATIONS))
        }
        false => files[2].as_ref().map(|trust| trust.with_file_name(names::REVOCATIONS)),
    };
    let key_exchange = key_exchange(document);
    let renew = document.boolean("identity.renew", true);
    let [certificate, signing_key, ca_certificate, authorities] = files;
    let tls = TlsFiles {
        chain: certificate?,
        key: key?,
        trust: ca_certificate?,
        denied: revocations.as_ref().map(|path| path.with_file_name(DENIED)),
        revocations: revocations?,
        key_exchange: key_exchange?,
    };
    Some(IdentityFiles { tls, signing_key: signing_key?, roster: roster?, authorities: authorities?, renew: renew? })
}

/// The folder of the authority that newcomers are enrolled by.
pub(super) fn office(document: &mut Document) -> Option<Option<PathBuf>> {
    if !document.has("enrolment.authority") {
        return Some(None);
    }
    let folder = document.path("enrolment.authority")?;
    if !folder.join(names::ISSUING).is_file() {
        let found = format!("{}, in which there is no {}", shown(&folder), names::ISSUING);
        document.fault("enrolment.authority", found, "an authority's folder, as `tributary certs init` makes it");
        return None;
    }
    Some(Some(folder))
}
