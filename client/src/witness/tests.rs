use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::merkle::{MerkleTree, leaf_digest};
use tributary_storage::faults::{each_fault, each_sync_fails_once_and_heals};

use super::*;

const FEDERATION: Digest = Digest([3; 32]);

fn cosign(name: &MemberName, checkpoint: &Checkpoint, seconds: u64) -> Result<NoteSignature, NoteFault> {
    NoteSignature::by_witness::<RealSuite>(name.as_str(), &key(1), checkpoint, seconds)
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

/// The tree of a journal whose entries are these bytes.
fn tree(entries: &[u8]) -> MerkleTree {
    MerkleTree::new(Digest::of_parts, entries.iter().map(|entry| leaf_digest(Digest::of_parts, &[*entry])).collect())
}

fn note(entries: &[u8], signer: u8, federation: &Digest) -> SignedCheckpoint {
    let tree = tree(entries);
    let checkpoint = Checkpoint { origin: origin_of(federation), size: tree.leaves() as u64, root: tree.root() };
    SignedCheckpoint::sign::<RealSuite>(checkpoint, &key(signer)).unwrap()
}

/// As an honest coordinator shows its journal to somebody who has so many entries.
fn shown(entries: &[u8], from: usize) -> ShownCheckpoint {
    let proof = tree(entries).consistency(from).unwrap_or_default();
    ShownCheckpoint { note: note(entries, 9, &FEDERATION).to_string().into_bytes(), from: from as u64, proof }
}

fn opened(state: &Path) -> Witness {
    let name = MemberName::new("north-bank", "branch-1").unwrap();
    Witness::open(state, &FEDERATION, key(9).verifying_key(), name).unwrap()
}

const HONEST: &[u8] = b"abcdefgh";

#[test]
fn a_journal_that_goes_on_is_cosigned_after_it_is_written_down() {
    let dir = tempfile::tempdir().unwrap();
    let mut own = opened(dir.path());
    assert_eq!(own.connected(), WitnessWord::Seen { size: 0 });
    let own_key = NoteKey::new("north-bank/branch-1", SignatureKind::Witness, &key(1).verifying_key()).unwrap();
    for (size, from) in [(3, 0), (3, 3), (7, 3), (8, 7)] {
        let (said, told) = own.hear(&shown(&HONEST[..size], from), &cosign, 1_700_000_000 + size as u64);
        let Some(WitnessWord::Cosigned { size: signed, signature }) = said else { panic!("{said:?}") };
        assert_eq!((signed, told.is_none()), (size as u64, true));
        let kept = SignedCheckpoint::parse(&fs::read(dir.path().join("checkpoints/newest")).unwrap()).unwrap();
        assert_eq!(kept.checkpoint().size, size as u64);
        assert_eq!(kept.witnessed::<RealSuite>(&own_key), Ok(1_700_000_000 + size as u64));
        assert!(kept.signatures().contains(&signature));
        // Killed between the two: the next process has it, and says so.
        assert_eq!(opened(dir.path()).connected(), WitnessWord::Seen { size: size as u64 });
    }
    let status = own.status();
    assert_eq!((status.entries, status.refused.len()), (Some(8), 0));
}

#[test]
fn an_edited_cut_restamped_or_forked_journal_is_refused_and_kept_as_evidence() {
    let lies: [(&str, ShownCheckpoint, bool); 7] = [
        ("edited", shown(b"abXdefgh", 6), false),
        ("edited, of the same size", shown(b"abXdef", 6), false),
        ("cut", shown(b"abcd", 6), true),
        ("emptied", shown(b"", 6), true),
        ("restamped from the beginning", shown(b"ABCDEFGH", 6), false),
        ("forked at the end", shown(b"abcdeXgh", 6), false),
        ("with the proof of another size", ShownCheckpoint { from: 6, ..shown(HONEST, 5) }, false),
    ];
    for (what, lie, shorter) in lies {
        let dir = tempfile::tempdir().unwrap();
        let mut own = opened(dir.path());
        own.hear(&shown(&HONEST[..6], 0), &cosign, 1_700_000_000);
        let before = fs::read(dir.path().join("checkpoints/newest")).unwrap();
        let (said, told) = own.hear(&lie, &cosign, 1_700_000_001);
        let Some(WitnessWord::Disputed { note: shown_back }) = said else { panic!("{what}: {said:?}") };
        assert_eq!(shown_back, note(&HONEST[..6], 9, &FEDERATION).to_string().into_bytes(), "{what}");
        let Some(Report::LogRefused { seen: 6, shorter: found, file, .. }) = told else { panic!("{what}: {told:?}") };
        assert_eq!((found, fs::read(file).unwrap()), (shorter, lie.note.clone()), "{what}");
        assert_eq!(fs::read(dir.path().join("checkpoints/newest")).unwrap(), before, "{what}");
        // Told once, also by the next process; and the honest journal is cosigned again.
        assert!(own.hear(&lie, &cosign, 1_700_000_002).1.is_none(), "{what}");
        let mut next = opened(dir.path());
        assert!(next.hear(&lie, &cosign, 1_700_000_003).1.is_none(), "{what}");
        assert_eq!(next.status().refused.len(), 1, "{what}");
        let (said, _) = next.hear(&shown(HONEST, 6), &cosign, 1_700_000_004);
        assert!(matches!(said, Some(WitnessWord::Cosigned { size: 8, .. })), "{what}: {said:?}");
    }
}

#[test]
fn what_the_coordinator_did_not_sign_for_this_federation_says_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut own = opened(dir.path());
    own.hear(&shown(&HONEST[..6], 0), &cosign, 1_700_000_000);
    let as_note = |note: SignedCheckpoint| ShownCheckpoint { note: note.to_string().into_bytes(), ..shown(HONEST, 6) };
    let long = ShownCheckpoint { note: vec![b'a'; 1 << 20], ..shown(HONEST, 6) };
    let deep = ShownCheckpoint { proof: vec![Digest::ZERO; 66], ..shown(HONEST, 6) };
    let others = [as_note(note(HONEST, 8, &FEDERATION)), as_note(note(HONEST, 9, &Digest([4; 32]))), long, deep];
    for other in others {
        assert!(matches!(own.hear(&other, &cosign, 1_700_000_001), (None, None)));
    }
    assert_eq!(own.status().entries, Some(6));
}

/// Two checkpoints under way, or a coordinator that does not remember: the proof is asked for again, once.
#[test]
fn a_proof_from_another_checkpoint_is_asked_for_again_and_not_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let mut own = opened(dir.path());
    own.hear(&shown(&HONEST[..6], 0), &cosign, 1_700_000_000);
    let other = shown(HONEST, 3);
    assert!(matches!(own.hear(&other, &cosign, 1_700_000_001), (Some(WitnessWord::Seen { size: 6 }), None)));
    assert!(matches!(own.hear(&other, &cosign, 1_700_000_002), (None, None)));
    let (said, _) = own.hear(&shown(HONEST, 6), &cosign, 1_700_000_003);
    assert!(matches!(said, Some(WitnessWord::Cosigned { size: 8, .. })));
}

#[test]
fn a_flood_of_checkpoints_is_cosigned_at_a_bounded_rate() {
    let dir = tempfile::tempdir().unwrap();
    let mut own = opened(dir.path());
    let mut signed = |now| own.hear(&shown(HONEST, 8), &cosign, now).0.is_some();
    own_first(&mut signed);
    assert!(signed(1_700_000_001) && !signed(1_700_000_001));
}

fn own_first(signed: &mut impl FnMut(u64) -> bool) {
    for number in 0..BURST_MAX {
        assert!(signed(1_700_000_000), "{number}");
    }
    assert!(!signed(1_700_000_000));
}

#[test]
fn what_was_seen_is_not_forgotten_where_its_file_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let mut own = opened(dir.path());
    own.hear(&shown(HONEST, 0), &cosign, 1_700_000_000);
    let path = dir.path().join("checkpoints/newest");
    files::write_private(&path, b"no note", Existing::Replace).unwrap();
    let name = MemberName::new("north-bank", "branch-1").unwrap();
    let fault = Witness::open(dir.path(), &FEDERATION, key(9).verifying_key(), name).map(drop).unwrap_err();
    assert!(fault.to_string().contains("Restore it from its backup"), "{fault}");
}

/// Nothing is cosigned that is not written down: whoever restarts knows at least what it has signed. Shown again, it is.
#[test]
fn a_checkpoint_that_cannot_be_written_down_is_not_cosigned() {
    let name = || MemberName::new("north-bank", "branch-1").unwrap();
    let opens = |state: &Path| Witness::open(state, &FEDERATION, key(9).verifying_key(), name());
    let opened_again =
        each_sync_fails_once_and_heals(|| tempfile::tempdir().unwrap(), |dir| opens(dir.path()).map(drop));
    let cosigned = each_fault(|fault| {
        let dir = tempfile::tempdir().unwrap();
        let mut own = opened(dir.path());
        let hear = |own: &mut Witness, seconds| own.hear(&shown(&HONEST[..3], 0), &cosign, seconds).0;
        let said = fault.during(|| hear(&mut own, 1_700_000_000));
        assert_eq!((said.is_none(), own.status().entries.is_none()), (fault.struck(), fault.struck()));
        let said = hear(&mut own, 1_700_000_001);
        assert!(matches!(said, Some(WitnessWord::Cosigned { size: 3, .. })), "{said:?}");
        assert_eq!(opened(dir.path()).status().entries, Some(3));
    });
    assert_eq!((opened_again, cosigned), (3, 2));
}

/// What proves a fork is told in any case, and written down as soon as that can be done.
#[test]
fn evidence_that_cannot_be_written_is_written_when_it_is_shown_again() {
    let failed = each_fault(|fault| {
        let dir = tempfile::tempdir().unwrap();
        let mut own = opened(dir.path());
        own.hear(&shown(&HONEST[..6], 0), &cosign, 1_700_000_000);
        let lie = shown(b"abXdefgh", 6);
        let (said, told) = fault.during(|| own.hear(&lie, &cosign, 1_700_000_001));
        let Some(Report::LogRefused { file, .. }) = told else { panic!("{told:?}") };
        assert!(matches!(said, Some(WitnessWord::Disputed { .. })));
        assert_eq!(Path::new(&file).exists(), !fault.struck());
        assert!(own.hear(&lie, &cosign, 1_700_000_002).1.is_none(), "it is told once");
        assert_eq!(fs::read(file).unwrap(), lie.note);
    });
    assert_eq!(failed, 2);
}
