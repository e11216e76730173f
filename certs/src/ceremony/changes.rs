//! What a signer is shown: every difference between two rosters, the most dangerous first, each with what the office says that it rests on.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_protocol::digest::{Canonical, Digest};
use tributary_protocol::entropy::Entropy;
use tributary_protocol::ids::ClientId;
use tributary_protocol::roster::{Roster, RosterChanges, RosterEntry, RosterHead};

use super::people::{PeopleReport, PersonView};
use super::proposal::Rests;
use super::question::{Question, about_fingerprint};
use super::shape::shape;
use crate::office::Fingerprint;

/// Members that a signer is asked about one by one; of more, their numbers alone are asked.
const ASKED_ONE_BY_ONE_MAX: usize = 20;

/// The differences between two rosters.
#[derive(Clone, Debug)]
pub struct ChangeReport {
    pub(super) from: Option<RosterHead>,
    pub(super) to: RosterHead,
    pub(super) changes: RosterChanges,
    pub(super) rests: Rests,
    /// Members of the later roster.
    pub(super) members: usize,
    /// What is odd about a member that is added or has another name.
    pub(super) remarks: BTreeMap<ClientId, Vec<String>>,
    pub(super) people: PeopleReport,
}

/// One member, for programs.
#[derive(Serialize)]
struct MemberView<'a> {
    client: u32,
    name: &'a str,
    organisation: u32,
    fingerprint: String,
    not_after: u64,
}

#[derive(Serialize)]
struct ChangeView<'a> {
    before: Option<MemberView<'a>>,
    after: Option<MemberView<'a>>,
    other_keys: bool,
    other_name: bool,
    other_end: bool,
    rests_on: Option<String>,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct GroupView<'a> {
    name: &'a str,
    new: bool,
    gone: bool,
    added: Vec<u32>,
    removed: Vec<u32>,
}

#[derive(Serialize)]
struct View<'a> {
    version: u32,
    from: Option<u64>,
    to: u64,
    roster: String,
    members: usize,
    count: usize,
    added: Vec<ChangeView<'a>>,
    removed: Vec<ChangeView<'a>>,
    changed: Vec<ChangeView<'a>>,
    groups: Vec<GroupView<'a>>,
    people: Vec<PersonView<'a>>,
    digest: String,
}

impl ChangeReport {
    /// What differs; without an earlier roster every member is new. What is said to rest under changes that are none is left out.
    #[must_use]
    pub fn new(earlier: Option<&Roster>, later: &Roster, rests: &Rests) -> Self {
        let changes = RosterChanges::between(earlier, later);
        let named = changes.added.iter().chain(&changes.removed).map(|entry| entry.client);
        let named: Vec<ClientId> = named.chain(changes.changed.iter().map(|change| change.after.client)).collect();
        let members = named.iter().filter_map(|client| Some((*client, rests.members.get(client)?.clone()))).collect();
        let staff = changes.people.iter().map(|change| &change.staff);
        let people = staff.filter_map(|staff| Some((staff.clone(), rests.people.get(staff)?.clone()))).collect();
        let rests = Rests { members, people };
        let remarks = remarks(earlier, later, &changes);
        let people = PeopleReport::new(&changes.people, &rests.people, earlier, later);
        let from = earlier.map(Roster::head);
        Self { from, to: later.head(), changes, rests, members: later.entries().len(), remarks, people }
    }

    /// How many changes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.changes.count()
    }

    /// Names exactly these changes, with what they are said to rest on.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let from = self.from.map_or(Digest::ZERO, |head| head.digest);
        let body = Canonical::new("tributary/roster changes/1").digest(&from).digest(&self.to.digest);
        body.bytes(self.rests.print().as_bytes()).finish()
    }

    /// What a signer is asked before the key is used: about each member that comes with keys of its own, and each person with a key or a role that is
    /// new, one of the eight groups of the fingerprint; and the number of changes.
    #[must_use]
    pub fn questions(&self, entropy: &mut dyn Entropy) -> Vec<Question> {
        let rekeyed = self.changes.changed.iter().filter(|change| change.has_other_keys() || change.has_other_name());
        let entries: Vec<&RosterEntry> = self.changes.added.iter().chain(rekeyed.map(|change| &change.after)).collect();
        let number = |text: String, count: usize| Question { text, answer: count.to_string() };
        let mut questions = Vec::new();
        if entries.len() <= ASKED_ONE_BY_ONE_MAX {
            questions.extend(entries.iter().map(|entry| {
                let who = format!("{} (client {})", entry.name, entry.client);
                about_fingerprint(&who, "branch", Fingerprint::of_entry(entry), entropy)
            }));
        } else {
            questions.push(number("how many members come with new keys or another name".into(), entries.len()));
            questions.push(number("how many members leave".into(), self.changes.removed.len()));
        }
        questions.extend(self.people.questions(entropy));
        questions.push(number("the number of all changes above".into(), self.count()));
        questions
    }

    /// One JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        let numbers = |clients: &[ClientId]| clients.iter().map(|client| client.0).collect();
        let view = View {
            version: 1,
            from: self.from.map(|head| head.epoch),
            to: self.to.epoch,
            roster: self.to.digest.to_string(),
            members: self.members,
            count: self.count(),
            added: self.changes.added.iter().map(|entry| self.change(None, Some(entry))).collect(),
            removed: self.changes.removed.iter().map(|entry| self.change(Some(entry), None)).collect(),
            changed: self
                .changes
                .changed
                .iter()
                .map(|change| ChangeView {
                    other_keys: change.has_other_keys(),
                    other_name: change.has_other_name(),
                    other_end: change.has_other_end(),
                    ..self.change(Some(&change.before), Some(&change.after))
                })
                .collect(),
            groups: self
                .changes
                .groups
                .iter()
                .map(|group| GroupView {
                    name: &group.name,
                    new: group.new,
                    gone: group.gone,
                    added: numbers(&group.added),
                    removed: numbers(&group.removed),
                })
                .collect(),
            people: self.people.views(),
            digest: self.digest().to_string(),
        };
        serde_json::to_string(&view).expect("a report is plain data")
    }

    fn change<'a>(&'a self, before: Option<&'a RosterEntry>, after: Option<&'a RosterEntry>) -> ChangeView<'a> {
        let client = after.or(before).map(|entry| entry.client);
        ChangeView {
            before: before.map(member),
            after: after.map(member),
            other_keys: false,
            other_name: false,
            other_end: false,
            rests_on: client.and_then(|client| self.rests.members.get(&client)).map(ToString::to_string),
            remarks: client.and_then(|client| self.remarks.get(&client)).map_or(&[], Vec::as_slice),
        }
    }
}

fn member(entry: &RosterEntry) -> MemberView<'_> {
    MemberView {
        client: entry.client.0,
        name: entry.name.as_str(),
        organisation: entry.organisation.0,
        fingerprint: Fingerprint::of_entry(entry).to_string(),
        not_after: entry.not_after,
    }
}

/// What is odd about names that come: like another one to the eye, known under another number, or the first of an organisation.
fn remarks(earlier: Option<&Roster>, later: &Roster, changes: &RosterChanges) -> BTreeMap<ClientId, Vec<String>> {
    let old = earlier.map_or(&[][..], Roster::entries);
    let mut shapes: BTreeMap<String, Vec<&RosterEntry>> = BTreeMap::new();
    for entry in later.entries() {
        shapes.entry(shape(entry.name.as_str())).or_default().push(entry);
    }
    let renamed = changes.changed.iter().filter(|change| change.has_other_name()).map(|change| &change.after);
    let remark = |entry: &RosterEntry| {
        let mut found = Vec::new();
        let alike = shapes.get(&shape(entry.name.as_str())).into_iter().flatten();
        for other in alike.filter(|other| other.client != entry.client) {
            found.push(format!("LOOKS LIKE {} (client {})", other.name, other.client));
        }
        if let Some(other) = old.iter().find(|other| other.name == entry.name && other.client != entry.client) {
            found.push(format!("this name was client {} before", other.client));
        }
        let organisation = entry.name.organisation();
        if earlier.is_some() && old.iter().all(|other| other.name.organisation() != organisation) {
            found.push(format!("{organisation} is a new organisation"));
        }
        (entry.client, found)
    };
    changes.added.iter().chain(renamed).map(remark).filter(|(_, found)| !found.is_empty()).collect()
}
