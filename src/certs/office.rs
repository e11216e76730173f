//! `tributary certs token`, `approve`, `renew`, `revoke`, `crl` and `issue request`: the office by hand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::denied::Denied;
use tributary_certs::enrolment::write_certificates;
use tributary_certs::issue::{RevocationReason, Validity};
use tributary_certs::office::{
    self, Answer, BatchTerms, Office, REVOCATION_DAYS, ROOT_LIST_DAYS, TokenRequest, Waiting, WhomToRevoke,
    decode_answer,
};
use tributary_certs::tls::read_certificates;
use tributary_protocol::ids::ClientId;
use tributary_storage::files::{self, Existing};

use super::done::done;
use super::options::{
    ApproveOptions, CertificateOptions, CrlOptions, DenyOptions, RenewOptions, RequestOptions, RevokeOptions,
    TokenOptions,
};
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
    if options.list {
        let waiting = office::read_waiting(&options.authority).map_err(Failure::failed)?;
        for request in waiting {
            let what = if request.renewal { "renewal" } else { "enrolment" };
            let state =
                request.approval.map_or_else(|| "waits".to_owned(), |approval| format!("approved by {}", approval.by));
            println!("{}  {what} of {}: {state}", request.fingerprint, request.identity);
        }
        return Ok(Exit::Done);
    }
    let by = options.by.clone().unwrap_or_else(files::own_account);
    let approved = office::approve(&options.authority, &options.fingerprints, &by, unix_seconds());
    for Waiting { identity, .. } in approved.map_err(Failure::failed)? {
        done(&options.authority, &format!("{identity} is approved; the branch sends its request again"))?;
    }
    Ok(Exit::Done)
}

pub(super) fn request(options: &RequestOptions) -> Result<Exit, Failure> {
    let RequestOptions { authority, files, out, certificate } = options;
    let requests = files.iter().map(|file| files::read_public(file)).collect::<Result<Vec<_>, _>>();
    let requests = requests.map_err(Failure::failed)?;
    let mut office = Office::open(authority).map_err(Failure::failed)?;
    match (requests.as_slice(), certificate) {
        ([request], None) => answered(&office.reply_to_file(request, unix_seconds()), out),
        ([request], Some(path)) => {
            let chain = read_certificates(path).map_err(Failure::failed)?;
            answered(&office.register(request, &chain, unix_seconds()), out)
        }
        (_, Some(_)) => Err(Failure::usage("--certificate goes with one request")),
        (several, None) => {
            let names = answers(files, out)?;
            files::create_private_folder(out).map_err(Failure::failed)?;
            // One that is refused keeps no other one from its answer.
            let each = several.iter().zip(names);
            let each = each.map(|(request, name)| answered(&office.reply_to_file(request, unix_seconds()), &name));
            let refused: Vec<String> = each.filter_map(Result::err).map(|failure| failure.message).collect();
            if refused.is_empty() { Ok(Exit::Done) } else { Err(Failure::failed(refused.join("\n"))) }
        }
    }
}

/// Where the answers to several requests go: each has a name of its own.
fn answers(requests: &[PathBuf], out: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = |request: &PathBuf| Some(out.join(request.file_name()?).with_extension("answer"));
    let names: Option<Vec<PathBuf>> = requests.iter().map(name).collect();
    let distinct = names.as_ref().map_or(0, |names| names.iter().collect::<BTreeSet<_>>().len());
    names
        .filter(|names| names.len() == distinct)
        .ok_or_else(|| Failure::usage("give each request a file name of its own"))
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
    if options.issuing {
        let reason = options.revoke.then_some(RevocationReason::KeyCompromise);
        let renewed = office::renew_issuing(folder, keys, reason, options.coordinator_folder.as_deref(), now)
            .map_err(Failure::failed)?;
        let rest = if options.revoke {
            "; the old one is revoked, and everything that it issued. The coordinator's certificate must be of the new one (`--coordinator-folder`); the \
             branches fetch the lists and renew by themselves"
        } else {
            ", and fresh lists"
        };
        let (earlier, days) = (earlier(&renewed), days(renewed.validity));
        return done(folder, &format!("{earlier}a new issuing authority for {days} days{rest}"));
    }
    if let Some(coordinator) = &options.coordinator_folder {
        let validity = office::renew_coordinator(folder, coordinator, now).map_err(Failure::failed)?;
        return done(coordinator, &format!("a certificate for {} days; restart or reload its daemon", days(validity)));
    }
    let renewed = office::renew_root(folder, keys, now).map_err(Failure::failed)?;
    let text = format!(
        "{}a new root for {} days beside the old one. It reaches every branch with its next renewal; then put a new issuing authority under it \
         (`tributary certs renew --issuing`)",
        earlier(&renewed),
        days(renewed.validity)
    );
    done(folder, &text)
}

/// Before what a renewal has made: whoever asked for another one is to know that this is not it.
const fn earlier(renewed: &office::Renewed) -> &'static str {
    if renewed.went_on {
        "an earlier renewal had broken off, and is finished now. No other one was begun: if you want one more, type the command again. There is "
    } else {
        ""
    }
}

pub(super) fn revoke(options: &RevokeOptions) -> Result<Exit, Failure> {
    if let (Some(file), Some(keys)) = (&options.issuing, &options.keys) {
        let certificate = read_certificates(file).map_err(Failure::failed)?.swap_remove(0);
        let new = office::revoke_issuing(&options.authority, &certificate, keys, options.reason, unix_seconds());
        return match new.map_err(Failure::failed)? {
            true => done(
                &options.authority,
                "the authority is revoked, and everything that it issued; revocations.pem says so",
            ),
            false => Err(Failure::failed("nothing was changed: this authority is revoked already")),
        };
    }
    let whom = match (&options.identity, &options.serial) {
        (Some(identity), _) => WhomToRevoke::Identity(identity.clone()),
        (None, serial) => WhomToRevoke::Serial(hexadecimal(serial.as_deref().unwrap_or_default())?),
    };
    let revoked = office::revoke(&options.authority, &whom, options.reason, options.days, unix_seconds());
    let revoked = revoked.map_err(Failure::failed)?;
    if !revoked.had_effect() {
        return Err(Failure::failed("nothing was changed: everything of it is revoked and denied already"));
    }
    let denied = if revoked.denied { ", denied at the coordinator's door" } else { "" };
    let next = if revoked.member { "; sign the next roster, so that it is a member no more" } else { "" };
    let text = format!("{} certificates revoked{denied}{next}", revoked.certificates.len());
    done(&options.authority, &text)
}

pub(super) fn list(options: &CrlOptions) -> Result<Exit, Failure> {
    let (folder, now) = (&options.authority, unix_seconds());
    if let Some(keys) = options.keys.as_ref().filter(|_| options.root) {
        let days = options.days.unwrap_or(ROOT_LIST_DAYS);
        let number = office::fresh_root_list(folder, keys, days, now).map_err(Failure::failed)?;
        return done(
            folder,
            &format!("root list {number}, for {days} days, and a fresh list of the issuing authority"),
        );
    }
    let days = options.days.unwrap_or(REVOCATION_DAYS);
    let number = office::fresh_list(folder, days, now).map_err(Failure::failed)?;
    done(folder, &format!("revocation list {number}, for {days} days"))
}

pub(super) fn deny(options: &DenyOptions) -> Result<Exit, Failure> {
    let folder = &options.authority;
    if options.list {
        for entry in office::read_denied(folder).map_err(Failure::failed)?.entries() {
            println!("{}  at {}  {}", entry.who, entry.at, entry.reason.as_str());
        }
        return Ok(Exit::Done);
    }
    let who = match (&options.identity, &options.key, options.client) {
        (Some(identity), ..) => Denied::Identity(identity.clone()),
        (None, Some(key), _) => key.clone(),
        (None, None, client) => Denied::Client(ClientId(client.unwrap_or_default())),
    };
    if options.remove {
        return match office::allow(folder, &who).map_err(Failure::failed)? {
            true => done(folder, &format!("{who} is denied no more")),
            false => Err(Failure::failed(format!("nothing was changed: {who} is not on the deny-list"))),
        };
    }
    match office::deny(folder, who.clone(), options.reason, unix_seconds()).map_err(Failure::failed)? {
        true => done(
            folder,
            &format!("{who} is denied; the coordinator that reads this folder ends its session within two seconds"),
        ),
        false => Err(Failure::failed(format!("nothing was changed: {who} is denied already"))),
    }
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
