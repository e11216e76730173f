//! The groups that the next roster names: a list in the authority's folder, kept by people and signed with the roster.
//!
//! ```text
//! tributary groups 1
//! group pilot 1 3 5-9
//! ```

use std::path::Path;

use tributary_protocol::ids::ClientId;
use tributary_protocol::limits::ROSTER_GROUPS_MAX;
use tributary_protocol::roster::{ALL, RosterGroup, is_group_name};

use super::{EnrolmentError, names, read_members};
use crate::lines::{Fields, print_group, read_list, write_list};
use tributary_storage::files::{FileError, sync_folder};
use tributary_storage::lock::FolderLock;

const TITLE: &str = "tributary groups 1";

/// The groups of the next roster, ascending by name.
///
/// # Errors
/// [`FileError`].
pub fn read_groups(folder: &Path) -> Result<Vec<RosterGroup>, FileError> {
    read_list(&folder.join(names::GROUPS), TITLE, "list of groups", |line| Fields::of(line).group())
}

/// Names a group, or gives one other members; it counts from the next roster on. Every member must be enrolled.
///
/// # Errors
/// [`EnrolmentError::Group`] for a name that no group may have, no member, a member that is not enrolled, or too many groups;
/// [`EnrolmentError::File`].
pub fn set_group(folder: &Path, name: &str, members: &[ClientId]) -> Result<RosterGroup, EnrolmentError> {
    let refused = |what: String| Err(EnrolmentError::Group { name: name.to_owned(), what });
    if name == ALL || !is_group_name(name) {
        return refused(format!(
            "a name is 1 to 64 of a-z, 0-9, -, _ and .; \"{ALL}\" always means every client of the roster"
        ));
    }
    let _lock = FolderLock::take(folder)?;
    let mut members = members.to_vec();
    members.sort_unstable();
    members.dedup();
    let enrolled = read_members(folder)?;
    if let Some(stranger) = members.iter().find(|client| enrolled.iter().all(|member| member.entry.client != **client))
    {
        return refused(format!("client {stranger} is not in the members list; enrol it first, or correct the number"));
    }
    if members.is_empty() {
        return refused("a group has one member at least".into());
    }
    let group = RosterGroup { name: name.to_owned(), members };
    let mut groups = read_groups(folder)?;
    groups.retain(|other| other.name != name);
    if groups.len() >= ROSTER_GROUPS_MAX {
        return refused(format!("a roster has at most {ROSTER_GROUPS_MAX} groups; remove one first"));
    }
    groups.push(group.clone());
    write_groups(folder, groups)?;
    Ok(group)
}

/// Removes a group; the next roster does not name it.
///
/// # Errors
/// [`EnrolmentError::Group`] if there is none of this name; [`EnrolmentError::File`].
pub fn remove_group(folder: &Path, name: &str) -> Result<(), EnrolmentError> {
    let _lock = FolderLock::take(folder)?;
    let mut groups = read_groups(folder)?;
    let before = groups.len();
    groups.retain(|other| other.name != name);
    if groups.len() == before {
        // An earlier try may have removed it, and not for good.
        sync_folder(folder)?;
        let what = "there is none of this name; `tributary certs roster group` lists them".to_owned();
        return Err(EnrolmentError::Group { name: name.to_owned(), what });
    }
    Ok(write_groups(folder, groups)?)
}

/// The groups of a roster of these clients, ascending: whoever is not among them is left out, and so is a group that then has no member.
pub(crate) fn groups_of(folder: &Path, clients: &[ClientId]) -> Result<Vec<RosterGroup>, FileError> {
    let mut groups = read_groups(folder)?;
    for group in &mut groups {
        group.members.retain(|member| clients.binary_search(member).is_ok());
    }
    groups.retain(|group| !group.members.is_empty());
    Ok(groups)
}

fn write_groups(folder: &Path, mut groups: Vec<RosterGroup>) -> Result<(), FileError> {
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    let lines = groups.iter().map(|group| format!("{}\n", print_group(group)));
    write_list(&folder.join(names::GROUPS), TITLE, lines)
}
