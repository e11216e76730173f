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
    install(&answer, out, now).map(|done| noted(done, out)).map_err(|fault| refused(fault, now))
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
            Ok(done) => return Ok(noted(done, &options.out)),
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

/// Notes the client's number. All else is installed and the bundle is gone, so that the same command would be refused: a fault is said, and ends
/// nothing. The daemon notes the number of the first roster that it is shown.
fn noted(done: Installed, out: &Path) -> Installed {
    if let Err(fault) = write_number(out, done.client.0) {
        tracing::warn!(%fault, "the client's number could not be noted; the daemon notes it when it has seen a roster");
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_certs::enrolment::{CoordinatorRequest, init_authority, issue_coordinator};
    use tributary_certs::identity::TrustDomain;
    use tributary_certs::office::{Office, make_token};
    use tributary_certs::renewal::{current_binding, finish};
    use tributary_storage::faults::{each_fault, each_sync_fails_once};

    use crate::log::logged;
    use crate::test_home::{copied, each_until_done, token};

    const NOW: u64 = 1_900_000_000;
    const DAY: u64 = 86_400;

    /// An office in a folder, and a branch's bundle.
    fn office(folder: &Path, bundle: &Path) -> PathBuf {
        let ca = folder.join("ca");
        init_authority(&ca, &TrustDomain::parse("federation.example").unwrap(), 1, 1, NOW).unwrap();
        let hosts = ["coordinator.example".to_owned()];
        let coordinator = CoordinatorRequest { organisation: "bank", id: "centre", host_names: &hosts, addresses: &[] };
        issue_coordinator(&ca, &coordinator, &folder.join("centre"), NOW).unwrap();
        make_token(&ca, &token("branch-1", "coordinator.example:7443"), bundle, NOW).unwrap();
        ca
    }

    /// An answer that came as a file, and a machine whose clock is weeks off.
    #[test]
    fn a_wrong_clock_is_told_from_a_bad_answer() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let ca = office(folder.path(), &at("bundle"));
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

    /// Keys are made once, and carried through whatever write fails: the same command goes on with them.
    #[test]
    fn an_enrolment_and_a_renewal_of_which_a_write_failed_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let branch = tempfile::tempdir().unwrap();
        let at = |name: &str| branch.path().join(name);
        let ca = office(folder.path(), &at("bundle"));
        let world = || copied(branch.path(), &[]);
        let asks = |of: &Path| request(&of.join("bundle"), &of.join("own"), &of.join("asked"));
        let asked = each_sync_fails_once(world, |of| asks(of.path()));
        let begun = asks(branch.path()).unwrap();
        let answer = Office::open(&ca).unwrap().answer(&begun.request, NOW);
        write_public(&at("answer"), &answer, Existing::Keep).unwrap();
        let installs = |of: &Path| install_answer(&of.join("answer"), &of.join("own"), NOW);
        let mut unnoted = 0;
        let installed = each_fault(|fault| {
            let of = world();
            let (done, log) = logged(|| fault.during(|| installs(of.path())));
            assert!(done.is_ok() || fault.struck());
            let is_noted = read_number(&of.path().join("own")).is_some();
            match done {
                Err(_) => drop(installs(of.path()).unwrap()),
                // A daemon starts with it.
                Ok(_) if fault.struck() => {
                    unnoted += 1;
                    assert!(log.contains("number could not be noted") && of.path().join("own/identity.pem").exists());
                }
                Ok(_) => assert!(is_noted && !log.contains("could not be noted")),
            }
        });
        assert_eq!(unnoted, 2, "its file, and the folder");
        installs(branch.path()).unwrap();
        let renews = |of: &Path| request_renewal(&of.join("own"), &of.join("renewal"));
        let renewed = each_sync_fails_once(world, |of| renews(of.path()));
        let begun = renews(branch.path()).unwrap();
        let later = NOW + DAY;
        let answer = Office::open(&ca).unwrap().reply_to_file(&begun.request, later).bytes;
        write_public(&at("renewed"), &answer, Existing::Keep).unwrap();
        // What was begun is completed by the next start, and the same command finds nothing to do then.
        let last = each_until_done(
            world,
            |of| install_renewal_answer(&of.path().join("renewed"), &of.path().join("own"), later),
            |of| {
                finish(&of.path().join("own")).unwrap();
                current_binding(&of.path().join("own")).unwrap().is_some()
            },
        );
        assert_eq!([asked, installed, renewed, last].map(|failed| failed > 1), [true; 4]);
    }
}
