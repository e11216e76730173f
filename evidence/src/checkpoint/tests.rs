use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::OrganisationId;
use tributary_protocol::log::{Checkpoint, LOG_HEADER, LedgerId, Log, NoteSignature, origin_of};
use tributary_protocol::roster::{MemberName, RosterEntry};

use super::*;

const RUN: LedgerId = LedgerId([7; 32]);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn journal(events: &[&str]) -> (Vec<u8>, Checkpoint) {
    let (mut file, mut log) = (LOG_HEADER.to_vec(), Log::new());
    for (sequence, event) in (0..).zip(events) {
        file.extend(log.append(RUN, sequence, event.as_bytes()).expect("the next one"));
    }
    (file, log.checkpoint(&origin_of(&Digest([1; 32]))))
}

fn roster() -> Roster {
    let entry = |client: u32| RosterEntry {
        client: ClientId(client),
        name: MemberName::new("north-bank", &format!("branch-{client}")).expect("a name"),
        organisation: OrganisationId(1),
        signing_key: key(u8::try_from(client).expect("small")).verifying_key(),
        tls_spki_sha256: Digest::of(&client.to_le_bytes()),
        not_after: 2_000_000_000,
    };
    Roster::new(1, Digest::ZERO, (1..=3).map(entry).collect(), vec![], vec![]).expect("in order")
}

fn cosigned(signed: &mut SignedCheckpoint, client: u8, name: &str, at: u64) {
    let line = NoteSignature::by_witness::<RealSuite>(name, &key(client), signed.checkpoint(), at).expect("a name");
    signed.add(line);
}

#[test]
fn a_checkpoint_counts_the_witnesses_of_the_roster_alone() {
    let mut signed = SignedCheckpoint::sign::<RealSuite>(journal(&["a", "b"]).1, &key(9)).expect("signs");
    cosigned(&mut signed, 1, "north-bank/branch-1", 1_700_000_000);
    cosigned(&mut signed, 3, "north-bank/branch-3", 1_700_000_001);
    // Another key under a member's name, and a stranger.
    cosigned(&mut signed, 8, "north-bank/branch-2", 1_700_000_002);
    cosigned(&mut signed, 7, "south-bank/branch-7", 1_700_000_003);
    let text = signed.to_string();
    let read = verified(text.as_bytes(), &key(9).verifying_key()).expect("signed");
    assert_eq!(read, signed);
    let found = witnesses(&read, &roster()).expect("keys with a type");
    let counted: Vec<_> = found.witnesses.iter().map(|witness| (witness.client.0, witness.at)).collect();
    assert_eq!(counted, [(1, 1_700_000_000), (3, 1_700_000_001)]);
    assert_eq!((found.unknown.len(), found.forged.len(), found.members), (2, 0, 3));
    // A later time under the earlier signature.
    let moved = SignedCheckpoint::sign::<RealSuite>(journal(&["a", "c"]).1, &key(9)).expect("signs");
    let mut moved = moved;
    read.signatures().iter().skip(1).for_each(|line| moved.add(line.clone()));
    let found = witnesses(&moved, &roster()).expect("keys with a type");
    assert_eq!((found.witnesses.len(), found.forged.len()), (0, 2), "{found}");
    assert!(matches!(verified(text.as_bytes(), &key(8).verifying_key()), Err(NoteFault::Unsigned { .. })));
}

/// No changed byte of a note leaves it with the coordinator's signature and another checkpoint, or with a witness that it did not have.
#[test]
fn no_changed_byte_passes() {
    let mut signed = SignedCheckpoint::sign::<RealSuite>(journal(&["a", "b"]).1, &key(9)).expect("signs");
    cosigned(&mut signed, 1, "north-bank/branch-1", 1_700_000_000);
    let text = signed.to_string().into_bytes();
    let (coordinator, roster) = (key(9).verifying_key(), roster());
    let whole = witnesses(&signed, &roster).expect("keys with a type").witnesses;
    for position in 0..text.len() {
        for flip in [1, 2, 0x20] {
            let mut changed = text.clone();
            changed[position] ^= flip;
            if let Ok(read) = verified(&changed, &coordinator) {
                assert_eq!(read.checkpoint(), signed.checkpoint(), "byte {position}");
                assert!(witnesses(&read, &roster).expect("keys").witnesses.is_empty(), "byte {position}");
            }
        }
    }
    assert_eq!(whole.len(), 1);
}

#[test]
fn two_checkpoints_of_one_journal_are_told_from_a_fork() {
    let ((file, long), (_, short)) = (journal(&["a", "b", "c", "d"]), journal(&["a", "b"]));
    let ((other, forked), (_, edited)) = (journal(&["a", "x", "c", "d", "e"]), journal(&["a", "x"]));
    let sizes = [2, 4, 5];
    let (roots, forks) = (roots_of(&file, &sizes).expect("whole"), roots_of(&other, &sizes).expect("whole"));
    assert_eq!((roots.len(), forks.len()), (2, 3));
    let none = JournalRoots::new();
    let cases = [
        (&short, &short, &none, Comparison::Consistent),
        (&short, &edited, &none, Comparison::Forked),
        (&short, &long, &none, Comparison::Open),
        (&short, &long, &roots, Comparison::Consistent),
        (&edited, &long, &roots, Comparison::Forked),
        // A journal without the larger checkpoint says nothing.
        (&edited, &long, &forks, Comparison::Open),
        (&long, &forked, &roots, Comparison::Open),
        (&long, &forked, &forks, Comparison::Forked),
    ];
    for (one, other, roots, expected) in cases {
        assert_eq!((compare(one, other, roots), compare(other, one, roots)), (expected, expected));
    }
    let elsewhere = Checkpoint { origin: origin_of(&Digest([2; 32])), ..short.clone() };
    assert_eq!(compare(&short, &elsewhere, &none), Comparison::OtherJournal);
    assert!(roots_of(&file[..file.len() - 1], &sizes).is_err());
}
