//! `tributary certs roster`: the roster proposed, shown, signed one after the other, and put in force.

use tributary_certs::ceremony::{
    CeremonyError, ChangeReport, Holder, install, propose, read_proposal, read_roster_or_proposal,
};
use tributary_certs::clock::unix_seconds;
use tributary_certs::enrolment;
use tributary_certs::office::Fingerprint;
use tributary_certs::people::fingerprint;
use tributary_certs::roster::{RosterAuthorities, print_clients};
use tributary_protocol::printable::counted;
use tributary_storage::files::Existing;

use super::done::done;
use super::options::{
    DiffOptions, GroupOptions, InstallOptions, ProposeOptions, RosterCommand, ShowOptions, SignOptions,
};
use super::people::words;
use crate::confirm::Shown;
use crate::exit::{Exit, Failure};

/// Does what was asked.
pub(super) fn run(command: &RosterCommand) -> Result<Exit, Failure> {
    match command {
        RosterCommand::Propose(options) => proposed(options),
        RosterCommand::Diff(options) => diff(options),
        RosterCommand::Sign(options) => sign(options, false),
        RosterCommand::Countersign(options) => sign(options, true),
        RosterCommand::Install(options) => installed(options),
        RosterCommand::Show(options) => show(options),
        RosterCommand::Group(options) => group(options),
    }
}

fn proposed(options: &ProposeOptions) -> Result<Exit, Failure> {
    let ProposeOptions { authority, out } = options;
    let proposal = propose(authority, unix_seconds()).map_err(Failure::failed)?;
    let before = authority.join(enrolment::names::ROSTER);
    let before = before.exists().then(|| read_roster_or_proposal(&before)).transpose().map_err(Failure::failed)?;
    let report =
        ChangeReport::new(before.as_ref().map(|before| &before.0.roster), &proposal.signed.roster, &proposal.rests);
    if before.is_some() && report.count() == 0 {
        let epoch = proposal.signed.roster.epoch().saturating_sub(1);
        return Err(Failure::failed(format!(
            "nothing differs from roster {epoch}, which is in force; nothing is proposed"
        )));
    }
    proposal.write(out, Existing::Replace).map_err(Failure::failed)?;
    let (epoch, count) = (proposal.signed.roster.epoch(), report.count());
    done(
        out,
        &format!(
            "roster {epoch} is proposed, with {}; carry it to the holders of the roster keys",
            counted(count, "change")
        ),
    )
}

fn diff(options: &DiffOptions) -> Result<Exit, Failure> {
    let read = |path| read_roster_or_proposal(path).map_err(Failure::failed);
    let (before, (after, rests)) = match options.files.as_slice() {
        [after] if options.first => (None, read(after)?),
        [before, after] if !options.first => (Some(read(before)?.0), read(after)?),
        _ => {
            return Err(Failure::usage(
                "name the roster before and the one after it, or --first and the first one alone",
            ));
        }
    };
    let before = before.as_ref().map(|before| &before.roster);
    if let Some(fault) = before.and_then(|before| after.roster.follows(&before.head()).err()) {
        eprintln!("tributary: {fault}");
    } else if before.map_or(1, |before| before.epoch().saturating_add(1)) != after.roster.epoch() {
        eprintln!("tributary: these are not two rosters that follow each other");
    }
    let report = ChangeReport::new(before, &after.roster, &rests);
    if options.json {
        println!("{}", report.to_json());
    } else {
        print!("{report}");
    }
    Ok(Exit::Done)
}

fn sign(options: &SignOptions, others_first: bool) -> Result<Exit, Failure> {
    let proposal = read_proposal(&options.file).map_err(Failure::failed)?;
    match (proposal.signed.signatures.is_empty(), others_first) {
        (true, true) => {
            let text =
                "nobody has signed this proposal yet; the first holder signs it with `tributary certs roster sign`";
            return Err(Failure::failed(CeremonyError::Turn(text)));
        }
        (false, false) => {
            let text = "this proposal carries a signature already; add one with `tributary certs roster countersign`";
            return Err(Failure::failed(CeremonyError::Turn(text)));
        }
        _ => {}
    }
    let holder = Holder::open(&options.keys).map_err(Failure::failed)?;
    let last = options.last.as_ref().map(|last| read_roster_or_proposal(last)).transpose().map_err(Failure::failed)?;
    let review = holder.review(proposal, last.map(|last| last.0), options.first, options.instead);
    let review = review.map_err(Failure::failed)?;
    if let Some(since) = &review.since {
        println!("Signed by others, since this holder last signed:\n\n{since}");
        println!("To be signed now:\n");
    }
    print!("{}", review.report);
    let first = "Compare each fingerprint above with the one that the branch or the person reads to you";
    let again = "Look again, and ask the office if it stays so";
    let shown = Shown::english("these changes", review.report.digest(), first, again);
    shown.confirm(options.confirm.as_ref(), |entropy| review.report.questions(entropy))?;
    let signed = holder.sign(review).map_err(Failure::failed)?;
    let out = options.out.as_ref().unwrap_or(&options.file);
    signed.write(out, Existing::Replace).map_err(Failure::failed)?;
    let (epoch, have, needed) = (signed.signed.roster.epoch(), signed.signed.signatures.len(), holder.needed());
    let next = if have < needed {
        "carry it to the next holder"
    } else {
        "carry it back to the office, which installs it (`tributary certs roster install`)"
    };
    done(out, &format!("roster {epoch} has {have} of {}; {next}", counted(needed, "signature")))
}

fn installed(options: &InstallOptions) -> Result<Exit, Failure> {
    let proposal = read_proposal(&options.file).map_err(Failure::failed)?;
    let signed = install(&options.authority, &proposal).map_err(Failure::failed)?;
    let (epoch, clients) = (signed.roster.epoch(), signed.roster.entries().len());
    let signatures = signed.signatures.len();
    let names: Vec<&str> = signed.roster.groups().iter().map(|group| group.name.as_str()).collect();
    let groups = if names.is_empty() { String::new() } else { format!("; groups {}", names.join(", ")) };
    let people = match signed.roster.people().len() {
        0 => String::new(),
        1 => " and 1 person".to_owned(),
        people => format!(" and {people} people"),
    };
    let text = format!(
        "roster {epoch} of {}{people} with {} is in force{groups}",
        counted(clients, "client"),
        counted(signatures, "signature")
    );
    done(&options.authority.join(enrolment::names::ROSTER), &text)
}

fn show(options: &ShowOptions) -> Result<Exit, Failure> {
    let (signed, _) = read_roster_or_proposal(&options.file).map_err(Failure::failed)?;
    let roster = &signed.roster;
    println!("roster       {}", roster.epoch());
    println!("digest       {}", roster.digest());
    println!("predecessor  {}", roster.previous());
    println!("members      {}", roster.entries().len());
    for entry in roster.entries() {
        let (client, name, organisation) = (entry.client, &entry.name, entry.organisation);
        let end = tributary_certs::inspect::date(entry.not_after);
        println!("  client {client}  {name}  (organisation {organisation})  until {end}");
        println!("      fingerprint {}", Fingerprint::of_entry(entry));
    }
    for group in roster.groups() {
        println!("group        {}: clients {}", group.name, print_clients(&group.members, ", "));
    }
    for person in roster.people() {
        println!("person       {}", person.staff);
        for holding in &person.holdings {
            println!("      {}", words(holding));
        }
        println!("      fingerprint {}", fingerprint(&person.staff, &person.signing_key));
    }
    let signers: Vec<String> =
        signed.signatures.iter().map(|signature| format!("authority-{}", signature.authority)).collect();
    let signers = if signers.is_empty() { "nobody".to_owned() } else { signers.join(", ") };
    let Some(authorities) = &options.authorities else {
        println!("signed by    {signers} (not verified: name the list of authorities with --authorities)");
        return Ok(Exit::Done);
    };
    let authorities = RosterAuthorities::read(authorities).map_err(Failure::failed)?;
    match authorities.verify(&signed) {
        Ok(()) => {
            println!("signed by    {signers}: genuine, and enough ({} must sign)", authorities.needed());
            Ok(Exit::Done)
        }
        Err(fault) => {
            println!("signed by    {signers}: {fault}");
            Ok(Exit::Failed)
        }
    }
}

fn group(options: &GroupOptions) -> Result<Exit, Failure> {
    let GroupOptions { authority, name, members, remove } = options;
    let Some(name) = name else {
        for group in enrolment::read_groups(authority).map_err(Failure::failed)? {
            println!("{}  {}", group.name, print_clients(&group.members, ","));
        }
        return Ok(Exit::Done);
    };
    if *remove {
        enrolment::remove_group(authority, name).map_err(Failure::failed)?;
        return done(
            authority,
            &format!("group {name} is removed; propose the next roster and have it signed, so that it counts no more"),
        );
    }
    let members = members.as_ref().map_or(&[][..], |members| &members.0);
    let group = enrolment::set_group(authority, name, members).map_err(Failure::failed)?;
    let (size, list) = (group.members.len(), print_clients(&group.members, ","));
    done(
        authority,
        &format!(
            "group {name} has {}, {list}; propose the next roster and have it signed, so that it counts",
            counted(size, "member")
        ),
    )
}
