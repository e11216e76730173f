use tributary_evidence::checkpoint::kept_name;
use tributary_protocol::ids::OrganisationId;
use tributary_protocol::log::NoteSignature;
use tributary_protocol::merkle::leaf_digest;
use tributary_protocol::roster::MemberName;
use tributary_storage::faults::{each_fault, each_sync_fails_once};
use tributary_storage::files::{Existing, create_private_folder, write_private};

use super::*;

const FEDERATION: Digest = Digest([3; 32]);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn name(client: u32) -> MemberName {
    MemberName::new("north-bank", &format!("branch-{client}")).unwrap()
}

fn roster() -> Roster {
    let entry = |client: u32| RosterEntry {
        client: ClientId(client),
        name: name(client),
        organisation: OrganisationId(1),
        signing_key: key(u8::try_from(client).unwrap()).verifying_key(),
        tls_spki_sha256: Digest::of(&client.to_le_bytes()),
        not_after: 2_000_000_000,
    };
    Roster::new(1, Digest::ZERO, (1..=3).map(entry).collect(), vec![], vec![]).unwrap()
}

fn leaves(from: u8, to: u8) -> Vec<Digest> {
    (from..to).map(|number| leaf_digest(Digest::of_parts, &[number])).collect()
}

fn opened(folder: &Path, leaves: Vec<Digest>) -> Witnesses {
    let ledger = folder.join("audit.log");
    Witnesses::open((folder, &ledger), &FEDERATION, Arc::new(key(9)), (leaves, true)).unwrap()
}

fn hear(witnesses: &mut Witnesses, client: u32, word: WitnessWord) -> Heard {
    let roster = roster();
    witnesses.hear((ClientId(client), roster.entry(ClientId(client))), word)
}

fn cosign(shown: &ShownCheckpoint, client: u8, at: u64) -> WitnessWord {
    let note = SignedCheckpoint::parse(&shown.note).unwrap();
    let name = name(client.into());
    let signature = NoteSignature::by_witness::<RealSuite>(name.as_str(), &key(client), note.checkpoint(), at);
    WitnessWord::Cosigned { size: note.checkpoint().size, signature: signature.unwrap() }
}

#[test]
fn members_are_shown_each_checkpoint_once_with_a_proof_from_what_they_have() {
    let dir = tempfile::tempdir().unwrap();
    let mut own = opened(dir.path(), leaves(0, 5));
    assert_eq!(hear(&mut own, 1, WitnessWord::Seen { size: 0 }), Heard::Shows);
    assert!(own.show(ClientId(1)).is_none(), "nothing was made");
    assert!(own.is_due(1_000, false));
    own.make(1_000, &roster(), false).unwrap();
    let shown = own.show(ClientId(1)).unwrap();
    assert_eq!((shown.from, shown.proof.len()), (0, 0));
    assert!(own.show(ClientId(1)).is_none(), "it owes an answer");
    let first = SignedCheckpoint::parse(&shown.note).unwrap();
    assert_eq!(hear(&mut own, 1, cosign(&shown, 1, 77)), Heard::Shows);
    assert!(own.show(ClientId(1)).is_none(), "it has cosigned the newest");
    own.add(leaves(5, 9));
    assert!(!own.is_due(1_000 + EVERY_SECONDS - 1, false) && own.is_due(1_000 + EVERY_SECONDS, false));
    assert!(own.is_due(1_001, true), "at the end of a run");
    own.make(1_005, &roster(), true).unwrap();
    let shown = own.show(ClientId(1)).unwrap();
    let second = SignedCheckpoint::parse(&shown.note).unwrap();
    assert_eq!(shown.from, 5);
    assert_eq!(second.checkpoint().follows(first.checkpoint(), &shown.proof), Ok(()));
    let previous = std::fs::read_to_string(dir.path().join("checkpoints/previous")).unwrap();
    assert_eq!(SignedCheckpoint::parse(previous.as_bytes()).unwrap().signatures().len(), 2, "with its cosignature");
    // A late cosignature of the older one counts for that one.
    hear(&mut own, 2, WitnessWord::Seen { size: 0 });
    let late = ShownCheckpoint { note: first.to_string().into_bytes(), from: 0, proof: vec![] };
    assert_eq!(hear(&mut own, 2, cosign(&late, 2, 78)), Heard::Shows);
    hear(&mut own, 1, cosign(&shown, 1, 79));
    own.write();
    let read = |name: &str| {
        SignedCheckpoint::parse(&std::fs::read(dir.path().join("checkpoints").join(name)).unwrap()).unwrap()
    };
    assert_eq!(read("previous").signatures().len(), 3);
    assert_eq!(read("newest"), read("00000000000000000009"));
    assert_eq!(read("newest").signatures().len(), 2);
    let overview = own.overview(&roster(), 1_006).unwrap();
    assert_eq!((overview.entries, overview.cosigned, overview.late.len()), (9, 1, 0));
    let late = own.overview(&roster(), 1_000 + LATE_SECONDS).unwrap().late;
    let late: Vec<_> = late.iter().map(|behind| (behind.client.0, behind.since, behind.size)).collect();
    assert_eq!(late, [(2, 1_000, 5), (3, 1_000, 0)]);
    // The next process knows it all.
    let mut next = opened(dir.path(), leaves(0, 9));
    next.make(2_000, &roster(), false).unwrap();
    assert_eq!(next.overview(&roster(), 2_000).unwrap().late.len(), 2);
}

#[test]
fn wrong_cosignatures_count_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut own = opened(dir.path(), leaves(0, 5));
    own.make(1_000, &roster(), false).unwrap();
    hear(&mut own, 1, WitnessWord::Seen { size: 0 });
    let shown = own.show(ClientId(1)).unwrap();
    // Another member's, one of no member, and one for another checkpoint.
    let mut other = opened(&dir.path().join("other"), leaves(1, 6));
    other.make(1_000, &roster(), false).unwrap();
    hear(&mut other, 1, WitnessWord::Seen { size: 0 });
    let elsewhere = other.show(ClientId(1)).unwrap();
    for word in [cosign(&shown, 2, 77), cosign(&shown, 8, 77), cosign(&elsewhere, 1, 77)] {
        assert!(matches!(hear(&mut own, 1, word), Heard::Wrong(_)));
    }
    assert_eq!(hear(&mut own, 8, cosign(&shown, 8, 77)), Heard::Fine, "not in the roster");
    assert_eq!(own.overview(&roster(), 1_000).unwrap().cosigned, 0);
}

#[test]
fn a_journal_that_is_not_the_one_that_was_signed_ends_the_process() {
    for (others, cut) in [(leaves(1, 9), false), (leaves(0, 3), true)] {
        let dir = tempfile::tempdir().unwrap();
        let mut own = opened(dir.path(), leaves(0, 5));
        own.make(1_000, &roster(), false).unwrap();
        own.write();
        drop(own);
        let fault = opened(dir.path(), others).check().unwrap_err().to_string();
        assert!(fault.contains("checkpoint of 5 entries") && fault.contains("newest good copy"), "{cut}: {fault}");
        let mut own = opened(dir.path(), leaves(0, 7));
        own.check().unwrap();
        own.make(2_000, &roster(), false).unwrap();
    }
}

#[test]
fn a_front_that_is_read_later_comes_before_what_was_appended_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("audit.log");
    let whole = opened(dir.path(), leaves(0, 9));
    let unread = (leaves(4, 7), false);
    let mut own = Witnesses::open((dir.path(), &ledger), &FEDERATION, Arc::new(key(9)), unread).unwrap();
    own.add(leaves(7, 9));
    assert!(!own.is_due(1_000, true));
    own.front(leaves(0, 4));
    assert_eq!(own.leaves.tree, whole.leaves.tree);
    assert!(own.is_due(1_000, true));
}

/// A coordinator from an old copy of its state: a branch shows it what it has signed itself.
#[test]
fn a_branch_that_has_seen_another_journal_is_told_of_and_shown_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut lost = opened(&dir.path().join("lost"), leaves(0, 9));
    lost.make(1_000, &roster(), false).unwrap();
    hear(&mut lost, 1, WitnessWord::Seen { size: 0 });
    let kept = lost.show(ClientId(1)).unwrap().note;
    let mut restored = opened(&dir.path().join("restored"), leaves(0, 5));
    restored.make(2_000, &roster(), false).unwrap();
    hear(&mut restored, 1, WitnessWord::Seen { size: 9 });
    let shown = restored.show(ClientId(1)).unwrap();
    assert_eq!((shown.from, shown.proof.len()), (9, 0));
    let disputed = || WitnessWord::Disputed { note: kept.clone() };
    let root = SignedCheckpoint::parse(&kept).unwrap().checkpoint().root;
    assert_eq!(hear(&mut restored, 1, disputed()), Heard::Disputed { entries: 9, root });
    // On its next link the branch says it again, and people have heard it.
    hear(&mut restored, 1, WitnessWord::Seen { size: 9 });
    assert_eq!(hear(&mut restored, 1, disputed()), Heard::Fine);
    assert!(restored.show(ClientId(1)).is_none());
    assert_eq!(restored.overview(&roster(), 2_000).unwrap().disputes, [(ClientId(1), 9)]);
    // What somebody else signed, or what is of this journal, proves nothing.
    let own = restored.recent.back().unwrap().to_string().into_bytes();
    let checkpoint = SignedCheckpoint::parse(&kept).unwrap().checkpoint().clone();
    let forged = SignedCheckpoint::sign::<RealSuite>(checkpoint, &key(8)).unwrap().to_string().into_bytes();
    for note in [own, forged, b"no note".to_vec()] {
        assert!(matches!(hear(&mut restored, 2, WitnessWord::Disputed { note }), Heard::Wrong(_)));
    }
}

/// While the front of the journal is unread, nothing can be compared. A dispute of that time is held against nobody, and is judged when it is said again.
#[test]
fn a_dispute_is_judged_once_the_journal_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut lost = opened(&dir.path().join("lost"), leaves(0, 9));
    lost.make(1_000, &roster(), false).unwrap();
    hear(&mut lost, 1, WitnessWord::Seen { size: 0 });
    let kept = lost.show(ClientId(1)).unwrap().note;
    let disputed = || WitnessWord::Disputed { note: kept.clone() };
    let root = SignedCheckpoint::parse(&kept).unwrap().checkpoint().root;
    // The journal of another copy, and the very journal: of both the first two entries are read later.
    for (entries, expected) in [(5, Some(Heard::Disputed { entries: 9, root })), (9, None)] {
        let folder = dir.path().join(entries.to_string());
        let unread = (leaves(2, entries), false);
        let ledger = folder.join("audit.log");
        let mut own = Witnesses::open((&folder, &ledger), &FEDERATION, Arc::new(key(9)), unread).unwrap();
        hear(&mut own, 1, WitnessWord::Seen { size: 9 });
        let early = hear(&mut own, 1, disputed());
        assert!(matches!(&early, Heard::Wrong(why) if why.contains("still being read")), "{early:?}");
        own.front(leaves(0, 2));
        own.make(2_000, &roster(), false).unwrap();
        assert!(own.overview(&roster(), 2_000).unwrap().disputes.is_empty());
        assert!(own.show(ClientId(1)).is_some(), "the link is as good as before");
        hear(&mut own, 1, WitnessWord::Seen { size: 9 });
        let heard = hear(&mut own, 1, disputed());
        match expected {
            Some(expected) => assert_eq!(heard, expected),
            None => assert!(matches!(&heard, Heard::Wrong(why) if why.contains("very journal")), "{heard:?}"),
        }
        assert_eq!(own.overview(&roster(), 2_000).unwrap().disputes.len(), usize::from(entries == 5));
    }
}

/// A process that ends between any two of its files leaves some of before and some of after. The next one goes on from each mixture, and has signed nothing
/// that contradicts the journal.
#[test]
fn a_crash_between_any_two_files_of_the_folder_leaves_a_folder_that_is_gone_on_with() {
    type Files = BTreeMap<String, Vec<u8>>;
    let dir = tempfile::tempdir().unwrap();
    let folder = |of: &Path| of.join(CHECKPOINTS);
    let files = |of: &Path| -> Files {
        let entries = std::fs::read_dir(folder(of)).unwrap().map(|entry| entry.unwrap());
        entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
    };
    let checkpoint = |own: &mut Witnesses, client: u8, now: u64| {
        own.make(now, &roster(), true).unwrap();
        hear(own, client.into(), WitnessWord::Seen { size: 0 });
        let shown = own.show(ClientId(client.into())).unwrap();
        hear(own, client.into(), cosign(&shown, client, now));
        own.write();
    };
    let mut own = opened(dir.path(), leaves(0, 5));
    checkpoint(&mut own, 1, 1_000);
    let before = files(dir.path());
    own.add(leaves(5, 9));
    checkpoint(&mut own, 2, 1_005);
    let after = files(dir.path());
    let changed: Vec<&String> = after.keys().filter(|name| before.get(*name) != after.get(*name)).collect();
    assert!(changed.len() >= 4, "{changed:?}");
    for mixture in 0..1_u32 << changed.len() {
        let crashed = dir.path().join(format!("crashed-{mixture}"));
        create_private_folder(&crashed).unwrap();
        drop(opened(&crashed, Vec::new()));
        let of_before =
            |name: &String| changed.iter().position(|own| *own == name).is_some_and(|at| (mixture >> at) & 1 == 1);
        for (name, bytes) in &after {
            let path = folder(&crashed).join(name);
            let kept = if of_before(name) { before.get(name) } else { Some(bytes) };
            let written = kept.map(|kept| write_private(&path, kept, Existing::Replace));
            written.transpose().unwrap();
        }
        let mut next = opened(&crashed, leaves(0, 9));
        next.check().unwrap();
        next.make(2_000, &roster(), false).unwrap();
        next.write();
        let newest = SignedCheckpoint::parse(&files(&crashed)["newest"]).unwrap();
        newest.verify::<RealSuite>(&key(9).verifying_key()).unwrap();
        assert_eq!(Some(newest.checkpoint().root), next.leaves.tree.root_at(Digest::of_parts, 9), "{mixture}");
        assert!(opened(&crashed, leaves(0, 5)).check().is_err(), "the newest one is of nine entries now");
    }
}

/// A cosignature counts for the eight newest checkpoints; a member is behind until it has cosigned the newest.
#[test]
fn a_cosignature_counts_for_the_newest_checkpoints_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut own = opened(dir.path(), leaves(0, 1));
    hear(&mut own, 1, WitnessWord::Seen { size: 0 });
    let mut shown = Vec::new();
    for number in 1..=9_u8 {
        own.make(1_000 + u64::from(number), &roster(), number % 2 == 0).unwrap();
        own.write();
        hear(&mut own, 1, WitnessWord::Seen { size: 0 });
        shown.push(own.show(ClientId(1)).unwrap());
        own.add(leaves(number, number + 1));
    }
    assert_eq!(own.recent.len(), RECENT_MAX);
    let behind = |own: &Witnesses| own.standing[&ClientId(1)].behind;
    assert_eq!(hear(&mut own, 1, cosign(&shown[0], 1, 77)), Heard::Fine, "nobody remembers it");
    assert_eq!((hear(&mut own, 1, cosign(&shown[1], 1, 77)), behind(&own)), (Heard::Shows, Some(1_001)));
    let standing = own.standing[&ClientId(1)];
    assert_eq!((standing.size, standing.at, standing.dispute), (2, 77, None));
    assert_eq!((hear(&mut own, 1, cosign(&shown[8], 1, 78)), behind(&own)), (Heard::Shows, None));
    assert_eq!(own.links[&ClientId(1)].seen, 9);
    own.write();
    // Those at the end of a run are kept for good, and no other.
    let names = std::fs::read_dir(dir.path().join(CHECKPOINTS)).unwrap();
    let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.starts_with('0'));
    names.sort();
    assert_eq!(names, [2, 4, 6, 8].map(|size| format!("{size:020}")));
}

#[test]
fn a_checkpoint_is_due_when_the_journal_has_grown_and_its_time_has_come() {
    let dir = tempfile::tempdir().unwrap();
    let mut own = opened(dir.path(), leaves(0, 0));
    assert!(!own.is_due(1_000, true), "there is no entry");
    own.add(leaves(0, 1));
    assert!(own.is_due(1_000, true) && own.is_due(1_000, false), "the first entry is enough");
    own.make(1_000, &roster(), false).unwrap();
    assert!(!own.is_due(9_000, true) && !own.is_due(9_000, false), "nothing was added");
    own.add(leaves(1, 2));
    assert!(own.is_due(1_000, true) && !own.is_due(1_000, false) && !own.is_due(1_004, false));
    assert!(own.is_due(1_005, false) && own.is_due(999, false), "a clock that was set back holds nothing up");
}

/// A member that refuses what it was shown is shown nothing more on that link; on the next one it is.
#[test]
fn whoever_refuses_a_checkpoint_is_shown_none_until_it_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut own = opened(dir.path(), leaves(0, 5));
    own.make(1_000, &roster(), false).unwrap();
    assert!(own.show(ClientId(1)).is_none(), "it has not said what it has");
    hear(&mut own, 1, WitnessWord::Seen { size: 3 });
    assert_eq!(own.show(ClientId(1)).unwrap().from, 3);
    let disputed = WitnessWord::Disputed { note: b"no note".to_vec() };
    assert!(matches!(hear(&mut own, 1, disputed), Heard::Wrong(_)));
    assert!(own.show(ClientId(1)).is_none());
    hear(&mut own, 1, WitnessWord::Seen { size: 3 });
    assert!(own.show(ClientId(1)).is_none(), "the same link");
    own.gone(ClientId(1));
    hear(&mut own, 1, WitnessWord::Seen { size: 3 });
    assert!(own.show(ClientId(1)).is_some());
    // One that has what is newest, and has not cosigned it, is shown it all the same.
    hear(&mut own, 2, WitnessWord::Seen { size: 5 });
    assert!(own.show(ClientId(2)).is_some());
}

/// What each member did last is read back whole, and a line that is none makes all of it nothing.
#[test]
fn the_standing_of_the_witnesses_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    assert!(folder.standing().is_empty());
    let of = |size, at, behind, dispute| Standing { size, at, behind, dispute };
    let rows = [of(7, 8, None, None), of(9, 10, Some(11), None), of(0, 0, None, Some(12)), of(1, 2, Some(3), Some(4))];
    let all: BTreeMap<ClientId, Standing> = (1..).map(ClientId).zip(rows).collect();
    folder.write_standing(&all).unwrap();
    assert_eq!(folder.standing(), all);
    let path = dir.path().join(CHECKPOINTS).join("witnesses");
    let good = std::fs::read_to_string(&path).unwrap();
    assert_eq!(good.lines().nth(2), Some("client 2 entries 9 at 10 behind 11 dispute -"));
    for (line, by) in
        [("client 2", "member 2"), ("entries 9", "entries x"), ("behind 11", "behind"), ("dispute -", "dispute x")]
    {
        write_private(&path, good.replacen(line, by, 1).as_bytes(), Existing::Replace).unwrap();
        assert!(folder.standing().is_empty(), "{by}");
    }
    write_private(&path, good.replace("witnesses 1", "witnesses 2").as_bytes(), Existing::Replace).unwrap();
    assert_eq!(folder.standing().len(), 0);
}

/// A disk that is full for a moment takes no checkpoint out of a later bundle: what could not be written down is written at the next look.
#[test]
fn what_could_not_be_written_down_is_written_at_the_next_look() {
    let failed = each_fault(|fault| {
        let dir = tempfile::tempdir().unwrap();
        let mut own = opened(dir.path(), leaves(0, 5));
        own.make(1_000, &roster(), true).unwrap();
        fault.during(|| own.write());
        own.write();
        for name in ["newest", &kept_name(5)] {
            let bytes = std::fs::read(dir.path().join("checkpoints").join(name)).unwrap();
            assert_eq!(SignedCheckpoint::parse(&bytes).unwrap().checkpoint().size, 5, "{name}");
        }
        drop(own);
        let read = opened(dir.path(), leaves(0, 5));
        assert_eq!(read.before.map(|before| before.size), Some(5));
    });
    // Each of the files and its name.
    assert_eq!(failed, 6);
    let standing = each_sync_fails_once(
        || tempfile::tempdir().unwrap(),
        |dir| {
            let folder = Folder::open(dir.path())?;
            folder.write_key(&origin_of(&FEDERATION), &key(9).verifying_key())?;
            folder.write_standing(&BTreeMap::from([(ClientId(1), Standing { size: 5, ..Standing::default() })]))?;
            if folder.standing().len() == 1 { Ok(()) } else { Err(FileError::content(dir.path(), "standing")) }
        },
    );
    assert_eq!(standing, 5);
}
