//! A person's signature on a plan: the plan is shown in words, then the person answers, then the key signs.

use std::io::{BufRead, IsTerminal as _, Write};
use std::path::PathBuf;

use tributary_certs::clock::unix_seconds;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::keys::read_signing_key;
use tributary_certs::people::{PERSON_KEY, SigningPerson};
use tributary_certs::roster::RosterAuthorities;
use tributary_planning::differences::Differences;
use tributary_planning::lint::{Beside, Lint};
use tributary_planning::portrait::groups;
use tributary_planning::{PlanFile, Portrait, Signer};
use tributary_protocol::digest::Digest;
use tributary_protocol::entropy::Entropy;
use tributary_protocol::role::{Action, Role};
use tributary_protocol::roster::StaffNumber;
use tributary_storage::files::Existing;

use super::options::{SignOptions, SignerOptions};
use super::reading::{of_either, of_file, told};
use crate::exit::{Exit, Failure};
use crate::json;

/// `tributary plan propose`.
pub(super) fn propose(options: &SignerOptions) -> Result<Exit, Failure> {
    signed(options, Action::ProposePlan)
}

/// `tributary plan approve`.
pub(super) fn approve(options: &SignerOptions) -> Result<Exit, Failure> {
    signed(options, Action::ApprovePlan)
}

/// `tributary sign`.
///
/// # Errors
/// Why nothing was signed.
pub(crate) fn sign(options: &SignOptions) -> Result<Exit, Failure> {
    signed(&options.signer, options.action.action())
}

fn signed(options: &SignerOptions, action: Action) -> Result<Exit, Failure> {
    let mut file = of_file(&options.file)?;
    let federation = RosterAuthorities::read(&options.federation).map_err(Failure::failed)?.digest();
    let (staff, key) = who(options)?;
    let own = file.proposal.as_ref().is_none_or(|author| author.staff == staff);
    let role = options.role.or_else(|| the_role(action, own)).ok_or_else(|| {
        Failure::usage("more than one role may sign this, or none; name the one in which you sign with --role")
    })?;
    file.may_sign(action, &staff, role, federation).map_err(Failure::failed)?;
    let lint = Lint::of(&file.plan, Beside::default());
    if lint.is_at_fault() && matches!(action, Action::ProposePlan | Action::ApprovePlan) {
        return Err(Failure::failed(format!("the plan has a fault, and nothing was signed:\n{lint}")));
    }
    let digest = file.plan.digest();
    // To standard error with --json: whoever signs sees it in any case.
    let mut shown = Portrait::of(&file.plan).to_string();
    for attestation in file.attestations() {
        shown.push_str(&told(attestation));
        shown.push('\n');
    }
    if let Some(last) = &options.last {
        let differences = Differences::of(&of_either(last)?, &file.plan);
        shown.push_str(&format!("\nAgainst the last plan: {differences}"));
    }
    shown.push_str(&format!(
        "\nTo be signed: {action} by {staff} as {role}, in the federation {federation}\nthe plan {}\n",
        groups(&digest).join("-")
    ));
    if options.json {
        eprint!("{shown}");
    } else {
        print!("{shown}");
    }
    confirm(&digest, options.confirm.as_deref())?;
    let key = read_signing_key(&key).map_err(Failure::failed)?;
    let at = unix_seconds();
    file.sign(action, &Signer { key: &key, staff: &staff, role }, federation, at).map_err(Failure::failed)?;
    let out = options.out.as_ref().unwrap_or(&options.file);
    file.write(out, Existing::Replace).map_err(Failure::failed)?;
    if options.json {
        json::print(&serde_json::json!({
            "file": out, "plan": digest.to_string(), "action": action.name(), "staff": staff.as_str(), "role": role.name(), "at": at,
        }));
    } else {
        println!("{}: {}", out.display(), next(&file));
    }
    Ok(Exit::Done)
}

/// Whose signature it is, and where the key is.
fn who(options: &SignerOptions) -> Result<(StaffNumber, PathBuf), Failure> {
    match (&options.person, &options.key, &options.staff) {
        (Some(folder), _, _) => {
            let person = SigningPerson::open(folder).map_err(Failure::failed)?;
            Ok((person.staff().clone(), folder.join(PERSON_KEY)))
        }
        (None, Some(key), Some(staff)) => Ok((staff.clone(), key.clone())),
        _ => Err(Failure::usage(
            "name the person's folder with --person, or the key and the number with --key and --staff",
        )),
    }
}

/// The one role that may.
fn the_role(action: Action, own: bool) -> Option<Role> {
    let mut roles = Role::ALL.into_iter().filter(|role| role.may(action, own));
    let first = roles.next();
    if roles.next().is_none() { first } else { None }
}

fn next(file: &PlanFile) -> &'static str {
    match (&file.proposal, &file.approval) {
        (Some(_), None) => {
            "it is proposed; carry it to the privacy officer, who approves it (`tributary plan approve`)"
        }
        (Some(_), Some(_)) => "it is approved; carry it to the coordinator, whose settings name the file",
        _ => "the signature is added",
    }
}

/// Nothing is signed that nobody has looked at.
fn confirm(digest: &Digest, asked: Option<&str>) -> Result<(), Failure> {
    if let Some(asked) = asked {
        if asked == digest.to_string() {
            return Ok(());
        }
        let asked = asked.escape_default();
        return Err(Failure::failed(format!("nothing is signed: this is the plan {digest}, and not {asked}")));
    }
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Failure::failed(
            "nothing is signed: there is no terminal to ask at. Read the plan above, then sign with --confirm and its digest",
        ));
    }
    let mut drawn = [0];
    OsEntropy.fill(&mut drawn);
    match answered(digest, drawn[0], &mut input.lock(), &mut std::io::stderr()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::failed("nothing is signed: the answer is another one. Read the plan again")),
        Err(fault) => Err(Failure::failed(format!("nothing is signed: {fault}"))),
    }
}

/// Whether the drawn group of the digest was typed.
fn answered(digest: &Digest, drawn: u8, input: &mut impl BufRead, out: &mut impl Write) -> std::io::Result<bool> {
    let groups = groups(digest);
    let place = usize::from(drawn) % groups.len();
    write!(out, "If you have read all of it and sign it: group {} of the eight of the plan's digest: ", place + 1)?;
    out.flush()?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(line.trim() == groups[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_drawn_group_counts() {
        let digest = Digest::of(b"plan");
        let groups = groups(&digest);
        assert_eq!((groups.len(), groups.concat()), (8, digest.to_string()));
        let ask = |drawn, typed: &str| answered(&digest, drawn, &mut typed.as_bytes(), &mut Vec::new()).unwrap();
        for drawn in [0, 3, 7, 8, 255] {
            let right = &groups[usize::from(drawn) % 8];
            assert!(ask(drawn, &format!("{right}\n")));
            for typed in ["", "\n", "y\n", "yes\n", &digest.to_string(), &groups[(usize::from(drawn) + 1) % 8]] {
                assert!(!ask(drawn, typed), "{typed:?}");
            }
        }
        assert!(confirm(&digest, Some(&digest.to_string())).is_ok());
        assert!(confirm(&digest, Some(&groups[0])).is_err());
    }

    #[test]
    fn the_role_follows_where_one_alone_may_sign() {
        assert_eq!(the_role(Action::ProposePlan, true), Some(Role::PlanOwner));
        assert_eq!(the_role(Action::ApprovePlan, false), Some(Role::PrivacyOfficer));
        assert_eq!(the_role(Action::PausePlan, true), None);
        assert_eq!(the_role(Action::ApprovePlan, true), None);
    }
}
