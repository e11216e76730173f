//! `tributary client enrol`: a branch joins with a bundle and its token. Keys are made here and never leave.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tributary_certs::counter::{CounterTrust, counter_config};
use tributary_certs::enrolment::EnrolmentError;
use tributary_certs::fault::FaultKind;
use tributary_certs::office::{
    ANSWER_BYTES_MAX, Begun, Bundle, Installed, begin, begin_renewal, install, install_renewal,
};
use tributary_certs::provider::KeyExchange;
use tributary_certs::skew::CLOCK_FAULTS;
use tributary_certs::tls::system_clock;
use tributary_protocol::ids::ClientId;
use tributary_storage::files::{Existing, read_public, write_private, write_public};
use tributary_texts::{Said, commands};
use tributary_transport::{DialSettings, Dialer, Mode, Proxy, Timers};

use crate::error::ClientError;
use crate::identity::{read_number, write_number};

/// How often an office that waits for an approval is asked.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// What the branch's operator has and wants.
#[derive(Clone, Debug)]
pub struct EnrolOptions {
    /// The enrolment bundle, which holds the token.
    pub bundle: PathBuf,
    /// The folder of the new identity.
    pub out: PathBuf,
    /// An HTTP proxy, HOST:PORT.
    pub proxy: Option<String>,
}

/// Enrols over the network: waits for a person's approval where one is needed, and tells `say` what is to be done.
///
/// # Errors
/// Why nothing was installed; the keys that were made stay, and the same command goes on with them.
pub fn enrol(options: &EnrolOptions, unix_seconds: fn() -> u64, say: &dyn Fn(&Said)) -> Result<Installed, ClientError> {
    let bundle = Bundle::read(&options.bundle).map_err(ClientError::file)?;
    let begun = begin(&bundle, &options.out).map_err(ClientError::file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ClientError::Runtime)?;
    runtime.block_on(ask(&bundle, &begun, options, unix_seconds, say))
}

/// The first half of an enrolment without a network: keys into the folder, and a request to be carried to the office.
///
/// # Errors
/// If a file cannot be used.
pub fn request(bundle: &Path, out: &Path, request: &Path) -> Result<Begun, ClientError> {
    let bundle = Bundle::read(bundle).map_err(ClientError::file)?;
    let begun = begin(&bundle, out).map_err(ClientError::file)?;
    // It carries the token.
    write_private(request, &begun.request, Existing::Keep).map_err(ClientError::file)?;
    Ok(begun)
}

/// The second half: installs the office's answer.
///
/// # Errors
/// What does not fit, or the office's reason.
pub fn install_answer(answer: &Path, out: &Path, now: u64) -> Result<Installed, ClientError> {
    let answer = read_public(answer).map_err(ClientError::file)?;
    installed(install(&answer, out, now).map_err(|fault| refused(fault, now))?, out)
}

/// Begins a renewal without a network: the next key into the folder, and a request to be carried to the office.
///
/// # Errors
/// If the client's number is not known yet, or a file cannot be used.
pub fn request_renewal(folder: &Path, request: &Path) -> Result<Begun, ClientError> {
    let number = read_number(folder).ok_or_else(|| ClientError::Said(commands::number_unknown(folder.display())))?;
    let begun = begin_renewal(folder, ClientId(number)).map_err(ClientError::file)?;
    write_public(request, &begun.request, Existing::Keep).map_err(ClientError::file)?;
    Ok(begun)
}

/// Installs the office's answer to a renewal.
///
/// # Errors
/// What does not fit, or the office's reason.
pub fn install_renewal_answer(answer: &Path, folder: &Path, now: u64) -> Result<Installed, ClientError> {
    let answer = read_public(answer).map_err(ClientError::file)?;
    install_renewal(folder, &answer, now).map_err(|fault| refused(fault, now))
}

async fn ask(
    bundle: &Bundle,
    begun: &Begun,
    options: &EnrolOptions,
    unix_seconds: fn() -> u64,
    say: &dyn Fn(&Said),
) -> Result<Installed, ClientError> {
    let trust = CounterTrust::Fingerprint(bundle.root_sha256);
    let tls = counter_config(trust, bundle.coordinator.identity.clone(), system_clock(), KeyExchange::DEFAULT);
    let tls = Arc::new(tls.map_err(ClientError::file)?);
    let address = bundle.coordinator_address.clone();
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host).trim_matches(['[', ']']);
    let dialer = Dialer::new(DialSettings {
        server_name: host.to_owned(),
        mode: Mode::Auto,
        proxy: options.proxy.clone().map(|address| Proxy { address, credentials: None }),
        path: tributary_transport::Path::default(),
        timers: Timers::default(),
        address,
    });
    let mut told = false;
    loop {
        let answer = dialer.exchange(Arc::clone(&tls), &begun.request, ANSWER_BYTES_MAX).await;
        let answer = answer.map_err(|fault| match fault.untimely() {
            Some(_) => ClientError::clock(fault.said(), unix_seconds()),
            None => ClientError::Said(fault.said()),
        })?;
        match install(&answer, &options.out, unix_seconds()) {
            Ok(done) => return installed(done, &options.out),
            Err(EnrolmentError::Refused(fault)) if fault.kind == FaultKind::ApprovalPending => {
                if !told {
                    say(&commands::approve_by_voice(begun.fingerprint));
                    told = true;
                }
                tokio::time::sleep(ASK_EVERY).await;
            }
            Err(other) => return Err(refused(other, unix_seconds())),
        }
    }
}

/// Why an answer was not installed: the clock may be wrong where something of it is not valid now, unless it is the office that says so.
fn refused(fault: EnrolmentError, now: u64) -> ClientError {
    match &fault {
        EnrolmentError::Refused(found) if !found.found_by_peer && CLOCK_FAULTS.contains(&found.kind) => {
            ClientError::clock(fault, now)
        }
        _ => ClientError::file(fault),
    }
}

fn installed(done: Installed, out: &Path) -> Result<Installed, ClientError> {
    write_number(out, done.client.0)?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_certs::enrolment::{CoordinatorRequest, init_authority, issue_coordinator};
    use tributary_certs::identity::TrustDomain;
    use tributary_certs::office::{Office, TokenRequest, make_token};

    const NOW: u64 = 1_900_000_000;
    const DAY: u64 = 86_400;

    /// An answer that came as a file, and a machine whose clock is weeks off.
    #[test]
    fn a_wrong_clock_is_told_from_a_bad_answer() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let ca = at("ca");
        init_authority(&ca, &TrustDomain::parse("federation.example").unwrap(), 1, 1, NOW).unwrap();
        let hosts = ["coordinator.example".to_owned()];
        let coordinator = CoordinatorRequest { organisation: "bank", id: "centre", host_names: &hosts, addresses: &[] };
        issue_coordinator(&ca, &coordinator, &at("centre"), NOW).unwrap();
        let token = TokenRequest {
            organisation: "north-bank",
            id: "branch-1",
            coordinator_address: "coordinator.example:7443",
            hours: 24,
            approval: false,
            again: false,
        };
        make_token(&ca, &token, &at("bundle"), NOW).unwrap();
        let begun = begin(&Bundle::read(&at("bundle")).unwrap(), &at("branch-1")).unwrap();
        let answer = Office::open(&ca).unwrap().answer(&begun.request, NOW);
        write_public(&at("answer"), &answer, Existing::Keep).unwrap();
        write_public(&at("bad"), b"{}", Existing::Keep).unwrap();
        let out = at("branch-1");
        // Nothing is valid yet; the certificate has ended, the root's list, the authority.
        for now in [NOW - 10 * DAY, NOW + 31 * DAY, NOW + 200 * DAY, NOW + 1_000 * DAY] {
            match install_answer(&at("answer"), &out, now) {
                Err(fault @ ClientError::Clock(_)) => {
                    let text = fault.to_string();
                    assert!(
                        text.contains(&tributary_certs::inspect::date(now)) && text.contains("set the clock"),
                        "{text}"
                    );
                }
                other => panic!("{now}: {other:?}"),
            }
        }
        assert!(matches!(install_answer(&at("bad"), &out, NOW - 10 * DAY), Err(ClientError::File(_))));
        install_answer(&at("answer"), &out, NOW).unwrap();
    }
}
