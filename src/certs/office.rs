//! `tributary certs token`, `approve`, `renew`, `revoke`, `crl` and `issue request`: the office by hand.

use std::path::Path;

use tributary_certs::enrolment::write_certificates;
use tributary_certs::files::{self, Existing};
use tributary_certs::issue::Validity;
use tributary_certs::office::{self, Answer, BatchTerms, Office, TokenRequest, WhomToRevoke, decode_answer};
use tributary_certs::tls::read_certificates;

use super::options::{
    ApproveOptions, CertificateOptions, CrlOptions, RenewOptions, RequestOptions, RevokeOptions, TokenOptions,
};
use super::{done, unix_seconds};
use crate::exit::{Exit, Failure};

pub(super) fn token(options: &TokenOptions) -> Result<Exit, Failure> {
    if let Some(list) = &options.from {
        return tokens(options, list);
    }
    let (Some(organisation), Some(id)) = (&options.organisation, &options.id) else {
        return Err(Failure::usage("give --organisation and --id, or --from"));
    };
    let request = TokenRequest {
        organisation,
        id,
        coordinator_address: &options.coordinator,
        hours: options.hours,
        approval: options.approval,
        again: options.again,
    };
    let identity = office::make_token(&options.authority, &request, &options.out, unix_seconds());
    let identity = identity.map_err(Failure::failed)?;
    done(&options.out, &format!("enrols {identity} once within {} hours; hand it to that branch alone", options.hours))
}

fn tokens(options: &TokenOptions, list: &Path) -> Result<Exit, Failure> {
    let list = files::read_public(list).map_err(Failure::failed)?;
    let list = String::from_utf8(list).map_err(|_| Failure::usage("the list of branches must be text in UTF-8"))?;
    let terms = BatchTerms {
        coordinator_address: &options.coordinator,
        hours: options.hours,
        approval: options.approval,
        again: options.again,
    };
    let made = office::make_tokens(&options.authority, &list, &terms, &options.out, unix_seconds());
    let made = made.map_err(Failure::failed)?;
    for (identity, bundle) in &made {
        println!(
            "{}: enrols {identity} once within {} hours; hand it to that branch alone",
            bundle.display(),
            options.hours
        );
    }
    Ok(Exit::Done)
}

pub(super) fn approve(options: &ApproveOptions) -> Result<Exit, Failure> {
    let Some(fingerprint) = &options.fingerprint else {
        let waiting = office::read_waiting(&options.authority).map_err(Failure::failed)?;
        for request in waiting {
            let what = if request.renewal { "renewal" } else { "enrolment" };
            let state =
                request.approval.map_or_else(|| "waits".to_owned(), |approval| format!("approved by {}", approval.by));
            println!("{}  {what} of {}: {state}", request.fingerprint, request.identity);
        }
        return Ok(Exit::Done);
    };
    let by = options.by.clone().unwrap_or_else(files::own_account);
    let approved = office::approve(&options.authority, fingerprint, &by, unix_seconds()).map_err(Failure::failed)?;
    done(&options.authority, &format!("{} is approved; the branch sends its request again", approved.identity))
}

pub(super) fn request(options: &RequestOptions) -> Result<Exit, Failure> {
    let request = files::read_public(&options.file).map_err(Failure::failed)?;
    let mut office = Office::open(&options.authority).map_err(Failure::failed)?;
    let reply = match &options.certificate {
        None => office.reply_to_file(&request, unix_seconds()),
        Some(path) => {
            let chain = read_certificates(path).map_err(Failure::failed)?;
            office.register(&request, &chain, unix_seconds())
        }
    };
    answered(&reply, &options.out)
}

pub(super) fn certificate(options: &CertificateOptions) -> Result<Exit, Failure> {
    let request = files::read_public(&options.file).map_err(Failure::failed)?;
    let chain = office::certify(&options.authority, &request, unix_seconds()).map_err(Failure::failed)?;
    write_certificates(&options.out, &chain, Existing::Replace).map_err(Failure::failed)?;
    done(&options.out, "signed; hand it, with the request, to the federation's office to be registered")
}

/// Writes an answer, which is of use to the branch whatever it says.
fn answered(reply: &office::Reply, out: &Path) -> Result<Exit, Failure> {
    files::write_public(out, &reply.bytes, Existing::Replace).map_err(Failure::failed)?;
    match decode_answer(&reply.bytes) {
        Ok(Answer::Granted(_)) => done(out, &reply.outcome),
        _ => Err(Failure::failed(&reply.outcome)),
    }
}

pub(super) fn renew(options: &RenewOptions) -> Result<Exit, Failure> {
    let (folder, now) = (&options.authority, unix_seconds());
    let keys = options.keys.as_ref().unwrap_or(folder);
    let days = |validity: Validity| (validity.not_after - now) / 86_400;
    if let (Some(file), Some(out)) = (&options.request, &options.out) {
        let request = files::read_public(file).map_err(Failure::failed)?;
        let mut office = Office::open(folder).map_err(Failure::failed)?;
        return answered(&office.reply_to_file(&request, now), out);
    }
    if let Some(coordinator) = &options.coordinator_folder {
        let validity = office::renew_coordinator(folder, coordinator, now).map_err(Failure::failed)?;
        return done(coordinator, &format!("a certificate for {} days; restart or reload its daemon", days(validity)));
    }
    if options.issuing {
        let validity = office::renew_issuing(folder, keys, now).map_err(Failure::failed)?;
        return done(
            folder,
            &format!("a new issuing authority for {} days; make a fresh revocation list", days(validity)),
        );
    }
    let validity = office::renew_root(folder, keys, now).map_err(Failure::failed)?;
    let text = format!(
        "a new root for {} days beside the old one. It reaches every branch with its next renewal; then put a new issuing authority \
         under it (`tributary certs renew --issuing`)",
        days(validity)
    );
    done(folder, &text)
}

pub(super) fn revoke(options: &RevokeOptions) -> Result<Exit, Failure> {
    let whom = match (&options.identity, &options.serial) {
        (Some(identity), _) => WhomToRevoke::Identity(identity.clone()),
        (None, serial) => WhomToRevoke::Serial(hexadecimal(serial.as_deref().unwrap_or_default())?),
    };
    let revoked = office::revoke(&options.authority, &whom, options.reason, options.days, unix_seconds());
    let revoked = revoked.map_err(Failure::failed)?;
    let text = format!("{} certificates revoked; install revocations.pem and sign the next roster", revoked.len());
    done(&options.authority, &text)
}

pub(super) fn list(options: &CrlOptions) -> Result<Exit, Failure> {
    let number = office::fresh_list(&options.authority, options.days, unix_seconds()).map_err(Failure::failed)?;
    done(&options.authority, &format!("revocation list {number}, for {} days", options.days))
}

/// A serial number as `certs inspect` prints it.
fn hexadecimal(text: &str) -> Result<Vec<u8>, Failure> {
    let wrong =
        || Failure::usage("a serial number is hexadecimal digits in pairs, as `tributary certs inspect` prints it");
    if text.is_empty() || !text.is_ascii() || text.len() % 2 == 1 {
        return Err(wrong());
    }
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong());
    (0..text.len()).step_by(2).map(byte).collect()
}
