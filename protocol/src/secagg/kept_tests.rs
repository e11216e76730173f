//! A kept round recomputes its sum, and whatever is changed in it or in what the ledger says is found.

use alloc::vec;

use alloc::string::ToString as _;
use proptest::prelude::*;

use super::*;
use crate::round::cast::{MaskedRound, masked_round};
use crate::secagg::toy::Toy;

/// A round as its coordinator kept it, and what the ledger says of it.
struct Kept {
    bytes: Vec<u8>,
    head: KeptHead,
    admitted: BTreeMap<ClientId, Digest>,
    sum: Digest,
    values: Vec<i64>,
}

impl Kept {
    fn committed(&self) -> CommittedRound<'_> {
        CommittedRound { head: self.head, admitted: &self.admitted, sum: self.sum }
    }

    fn fault(&self, bytes: &[u8]) -> Option<KeptFault> {
        KeptRound::decode(bytes).and_then(|round| round.recompute::<Toy>(&self.committed())).err()
    }
}

fn head(ring: Ring, dimension: u32) -> KeptHead {
    KeptHead { round: RoundId(7), descriptor: Digest::of(b"descriptor"), ring, dimension }
}

/// The round of clients 3, 5, 8 and, lost, 4 and 9: uploads come in another order than their senders' numbers have.
fn kept(ring: Ring, lost: &[ClientId]) -> Kept {
    let head = head(ring, 4);
    let values =
        [(ClientId(5), vec![1, -2, 3, 70_000]), (ClientId(8), vec![-9, 8, 7, -6]), (ClientId(3), vec![0, 0, 5, 1])];
    let MaskedRound { uploads, permit } = masked_round::<Toy>((head.round, head.descriptor, ring), &values, lost);
    let mut bytes = head.encode();
    let (mut sum, mut admitted) = (MaskedSum::new(head.round, ring, 4), BTreeMap::new());
    for (ticket, upload) in uploads {
        let client = ticket.client();
        admitted.insert(client, ticket.digest());
        bytes.extend_from_slice(&before_upload(client));
        sum.fold_keeping(ticket.verify(upload).unwrap(), |piece| bytes.extend_from_slice(piece)).unwrap();
    }
    bytes.extend_from_slice(&opened_secrets(&permit));
    let sum = sum.unmask::<Toy>(permit).unwrap();
    Kept { bytes, head, admitted, sum: sum.digest(), values: sum.values() }
}

const LOST: [ClientId; 2] = [ClientId(4), ClientId(9)];

#[test]
fn a_kept_round_gives_the_committed_sum_again() {
    for ring in [Ring::Bits32, Ring::Bits64] {
        for lost in [&LOST[..], &[]] {
            let kept = kept(ring, lost);
            let round = KeptRound::decode(&kept.bytes).unwrap();
            assert_eq!(round.head(), kept.head);
            assert_eq!(round.survivors().collect::<Vec<_>>(), [3, 5, 8].map(ClientId));
            let sum = round.recompute::<Toy>(&kept.committed()).unwrap();
            assert_eq!((sum.values(), sum.participants()), (vec![-8, 6, 15, 69_995], 3));
            let pairs = 3 * lost.len() as u64;
            assert_eq!(kept.head.kept_bytes(3, pairs), kept.bytes.len() as u64);
        }
    }
}

/// 50 branches, 600 coordinates, 200 rounds.
#[test]
fn a_plan_of_the_usual_size_keeps_about_fifty_megabytes() {
    let one = head(Ring::Bits64, 600).kept_bytes(50, 0);
    assert_eq!(one, 16 + 8 + 32 + 4 + 4 + 50 * (5 + 8 * 602) + 50 * 37 + 1);
    assert_eq!(200 * one, 48_593_000);
    // Two lost members cost their pairs with the other 48.
    assert!(head(Ring::Bits64, 600).kept_bytes(48, 96) < one);
}

#[test]
fn every_cut_and_every_changed_byte_is_found() {
    let kept = kept(Ring::Bits64, &LOST);
    for length in 0..kept.bytes.len() {
        assert!(KeptRound::decode(&kept.bytes[..length]).is_err(), "cut at {length}");
    }
    for at in 0..kept.bytes.len() {
        for change in [1, 0x10, 0xff] {
            let mut bytes = kept.bytes.clone();
            bytes[at] ^= change;
            assert!(kept.fault(&bytes).is_some(), "byte {at} changed by {change}");
        }
        let mut more = kept.bytes.clone();
        more.insert(at, 0);
        assert!(kept.fault(&more).is_some(), "a byte more at {at}");
    }
    assert!(kept.fault(&[kept.bytes.clone(), vec![0]].concat()).is_some());
    assert_eq!(kept.fault(&kept.bytes), None);
}

/// Where each thing stands in the file of [`kept`].
const UPLOADS: usize = 16 + 8 + 32 + 4 + 4;
const ONE_UPLOAD: usize = 5 + 8 * 6;
const SEEDS: usize = UPLOADS + 3 * ONE_UPLOAD;
const PAIRS: usize = SEEDS + 3 * 37;

#[test]
fn what_was_changed_is_named() {
    let kept = kept(Ring::Bits64, &LOST);
    let fault = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = kept.bytes.clone();
        change(&mut bytes);
        kept.fault(&bytes).expect("a fault")
    };
    assert_eq!(fault(&|bytes| bytes[16] ^= 1), KeptFault::OtherRound);
    assert_eq!(fault(&|bytes| bytes[30] ^= 1), KeptFault::OtherRound);
    assert_eq!(fault(&|bytes| bytes[UPLOADS + 5] ^= 1), FoldError::OtherDigest(ClientId(5)).into());
    assert!(matches!(fault(&|bytes| bytes[SEEDS + 5] ^= 1), KeptFault::Unmask(UnmaskError::Check(_))));
    assert!(matches!(fault(&|bytes| bytes[PAIRS + 1] ^= 1), KeptFault::Unmask(UnmaskError::Check(_))));
    assert!(matches!(fault(&|bytes| bytes[PAIRS + 2] ^= 1), KeptFault::Unmask(UnmaskError::Check(_))));
    // Another survivor: in its upload and its seed alike.
    let other = fault(&|bytes| (bytes[UPLOADS + 1 + ONE_UPLOAD], bytes[SEEDS + 2 * 37 + 1]) = (10, 10));
    assert_eq!(other, KeptFault::OtherSurvivors);
    // Two uploads under each other's names.
    let swapped = fault(&|bytes| (bytes[UPLOADS + 1], bytes[UPLOADS + 1 + ONE_UPLOAD]) = (8, 5));
    assert_eq!(swapped, FoldError::OtherDigest(ClientId(8)).into());
    // One survivor less, everywhere.
    let fewer = fault(&|bytes| {
        bytes.drain(SEEDS..SEEDS + 37);
        bytes.drain(UPLOADS + 2 * ONE_UPLOAD..SEEDS);
    });
    assert_eq!(fewer, KeptFault::OtherSurvivors);
    // A pair less.
    assert!(matches!(fault(&|bytes| drop(bytes.drain(PAIRS..PAIRS + 34))), KeptFault::Unmask(UnmaskError::Check(_))));
}

#[test]
fn a_ledger_that_says_something_else_is_found() {
    let kept = kept(Ring::Bits64, &LOST);
    let round = KeptRound::decode(&kept.bytes).unwrap();
    let fault = |committed: &CommittedRound<'_>| round.recompute::<Toy>(committed).err().expect("a fault");
    let other = CommittedRound { sum: Digest::of(b"another sum"), ..kept.committed() };
    assert_eq!(fault(&other), KeptFault::OtherSum { committed: other.sum, found: kept.sum });
    let head = KeptHead { descriptor: Digest::of(b"another"), ..kept.head };
    assert_eq!(fault(&CommittedRound { head, ..kept.committed() }), KeptFault::OtherRound);
    let mut admitted = kept.admitted.clone();
    admitted.insert(ClientId(4), Digest::ZERO);
    assert_eq!(fault(&CommittedRound { admitted: &admitted, ..kept.committed() }), KeptFault::OtherSurvivors);
    admitted.remove(&ClientId(4));
    // Also where the one that is missing comes after all others.
    admitted.insert(ClientId(9), Digest::ZERO);
    assert_eq!(fault(&CommittedRound { admitted: &admitted, ..kept.committed() }), KeptFault::OtherSurvivors);
    admitted.remove(&ClientId(9));
    admitted.insert(ClientId(3), Digest::ZERO);
    let refused = fault(&CommittedRound { admitted: &admitted, ..kept.committed() });
    assert_eq!(refused, FoldError::OtherDigest(ClientId(3)).into());
}

/// Every text of two tags after the head is refused but by its own rule, and nothing is set aside for what does not follow.
#[test]
fn a_round_without_survivors_or_with_things_in_another_order_is_no_round() {
    let head = head(Ring::Bits64, 4).encode();
    let malformed = |rest: &[u8]| KeptRound::decode(&[head.as_slice(), rest].concat()).is_err();
    assert!(KeptRound::decode(&[head.as_slice(), &[END]].concat()).is_ok_and(|round| round.survivors().count() == 0));
    let upload = [&before_upload(ClientId(1))[..], &[0; 48]].concat();
    let seed = [&[SELF_SEED, 1, 0, 0, 0][..], &[9; 32]].concat();
    let pair = [&[LOST_PAIR, 0][..], &[9; 32]].concat();
    assert!(!malformed(&[&upload[..], &seed, &pair, &[END]].concat()));
    let of = |bytes: &[&[u8]]| bytes.concat().len();
    for (parts, read) in [
        // The second seed is refused with its client, before its bytes.
        ([&upload[..], &seed, &seed], of(&[&upload, &seed]) + 5),
        ([&upload[..], &upload, &seed], of(&[&upload, &upload, &seed]) + 1),
        ([&seed[..], &upload, &[]], seed.len() + 1),
        ([&upload[..], &pair, &seed], of(&[&upload, &pair]) + 1),
        ([&upload[..], &pair, &[]], of(&[&upload, &pair]) + 1),
        ([&seed[..], &[], &[]], seed.len() + 1),
        ([&upload[..], &seed, &[4]], of(&[&upload, &seed]) + 1),
        ([&upload[..], &seed, &[LOST_PAIR, 2]], of(&[&upload, &seed]) + 2),
        ([&upload[..], &seed, &[END]], of(&[&upload, &seed]) + 1),
    ] {
        let fault = KeptRound::decode(&[&head[..], &parts.concat(), &[END]].concat()).err();
        assert_eq!(fault, Some(KeptFault::Malformed { at: head.len() + read }), "{parts:?}");
    }
    // What is cut was read up to what is not whole.
    let cut = KeptRound::decode(&[&head[..], &upload[..52]].concat()).err();
    assert_eq!(cut, Some(KeptFault::Malformed { at: head.len() + 5 }));
    for (dimension, taken) in [(0, false), (1, true), (4096, true), (4097, false), (u32::MAX, false)] {
        let head = KeptHead { dimension, ..self::head(Ring::Bits64, 1) };
        assert_eq!(KeptRound::decode(&[head.encode(), vec![END]].concat()).is_ok(), taken, "{dimension}");
    }
}

/// A cohort has no more members, and so no round more survivors.
#[test]
fn a_kept_round_has_as_many_survivors_as_a_cohort_may_have() {
    let of = |count: u32| {
        let mut bytes = head(Ring::Bits32, 1).encode();
        for client in 0..count {
            bytes.extend_from_slice(&before_upload(ClientId(client)));
            bytes.extend_from_slice(&[0; 12]);
        }
        for client in 0..count {
            bytes.push(SELF_SEED);
            bytes.extend_from_slice(&client.to_le_bytes());
            bytes.extend_from_slice(&[9; SEED_BYTES]);
        }
        bytes.push(END);
        KeptRound::decode(&bytes).map(|round| round.survivors().count())
    };
    let most = u32::try_from(COHORT_MAX).unwrap();
    assert_eq!(of(most), Ok(COHORT_MAX));
    assert!(matches!(of(most + 1), Err(KeptFault::Malformed { .. })));
}

/// Releases before 0.2 began a round with a label, and a sum with its first number.
#[test]
fn files_of_earlier_and_later_releases_are_refused_with_what_to_do() {
    let kept = kept(Ring::Bits64, &[]);
    let label = crate::digest::Canonical::new("tributary/kept-round/1").into_bytes();
    let early = KeptRound::decode(&[&label[..], &kept.bytes[16..]].concat()).err().expect("a fault").to_string();
    assert!(early.contains("an earlier release wrote it") && early.contains("make it anew"), "{early}");
    let numbers: Vec<u8> = kept.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let early = read_sum(Ring::Bits64, 4, &numbers, kept.sum).unwrap_err().to_string();
    assert!(early.contains("an earlier release wrote it"), "{early}");
    let of =
        |format: &Versioned, version| Versioned { version, since: Release { major: 1, minor: 7 }, ..*format }.header();
    let (late, old) = (of(&KEPT_FORMAT, 9), of(&KEPT_FORMAT, 1));
    let decoded = |header: [u8; 16]| {
        KeptRound::decode(&[&header[..], &kept.bytes[16..]].concat()).err().expect("a fault").to_string()
    };
    assert!(decoded(late).contains("version 9") && decoded(late).contains("use release 1.7 or later"));
    assert!(decoded(old).contains("version 1") && decoded(old).contains("with the release that wrote it"));
    let late = [&of(&SUM_FORMAT, 9)[..], &numbers].concat();
    let late = read_sum(Ring::Bits64, 4, &late, kept.sum).unwrap_err().to_string();
    assert!(late.contains("version 9") && late.contains("use release 1.7 or later"), "{late}");
}

#[test]
fn a_kept_sum_is_the_committed_one_or_none() {
    for ring in [Ring::Bits32, Ring::Bits64] {
        let kept = kept(ring, &[]);
        let numbers: Vec<u8> = kept.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let bytes = [&SUM_FORMAT.header()[..], &numbers].concat();
        assert_eq!(read_sum(ring, 4, &bytes, kept.sum).as_ref(), Ok(&kept.values));
        assert!(read_sum(ring, 3, &bytes, kept.sum).is_err() && read_sum(ring, 5, &bytes, kept.sum).is_err());
        for at in 0..bytes.len() {
            assert!(read_sum(ring, 4, &bytes[..at], kept.sum).is_err());
            let mut changed = bytes.clone();
            changed[at] ^= 0x80;
            assert!(read_sum(ring, 4, &changed, kept.sum).is_err(), "byte {at}");
        }
        for length in [0, 3, 7, 9, 8 * 4 - 1, 8 * 4 + 1] {
            let mut other = bytes.clone();
            other.resize(HEADER_BYTES + length, 0);
            let refused = read_sum(ring, 4, &other, kept.sum);
            assert_eq!(refused, Err(KeptFault::Malformed { at: other.len() }), "{length}");
        }
        let committed = Digest::of(b"another");
        let other = KeptFault::OtherSum { committed, found: kept.sum };
        assert_eq!(read_sum(ring, 4, &bytes, committed), Err(other));
        // A number outside the narrow ring is named by its place.
        let mut outside = bytes.clone();
        outside[HEADER_BYTES + 2 * 8 + 4] ^= 1;
        let refused = read_sum(ring, 4, &outside, kept.sum);
        match ring {
            Ring::Bits32 => assert_eq!(refused, Err(KeptFault::Malformed { at: HEADER_BYTES + 2 * 8 })),
            Ring::Bits64 => assert!(matches!(refused, Err(KeptFault::OtherSum { .. }))),
        }
    }
}

/// What is refused stands nowhere: neither in the sum nor in what is kept.
#[test]
fn nothing_is_kept_of_an_upload_that_is_refused() {
    let head = head(Ring::Bits64, 4);
    let values = [(ClientId(5), vec![1, 2, 3, 4])];
    let upload = |round| {
        let MaskedRound { mut uploads, .. } = masked_round::<Toy>((round, head.descriptor, head.ring), &values, &[]);
        let (ticket, bytes) = uploads.remove(0);
        ticket.verify(bytes).unwrap()
    };
    let mut sum = MaskedSum::new(head.round, head.ring, 4);
    let mut kept = 0;
    let mut fold = |round| sum.fold_keeping(upload(round), |piece| kept += piece.len()).map(|_| ());
    assert_eq!(fold(RoundId(8)), Err(FoldError::OtherRound(ClientId(5))));
    assert_eq!(fold(head.round), Ok(()));
    assert_eq!(fold(head.round), Err(FoldError::Repeated(ClientId(5))));
    assert_eq!(kept, upload_bytes(head.ring, 4));
}

proptest! {
    /// Pieces of the file in other places, and of any bytes, are found unless they change nothing.
    #[test]
    fn whatever_stands_in_the_place_of_a_piece_is_found(
        (at, length, from) in (0_usize..400, 0_usize..60, 0_usize..400),
        other in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..60)),
    ) {
        let kept = kept(Ring::Bits64, &LOST);
        let end = kept.bytes.len();
        let (at, from) = (at.min(end), from.min(end));
        let piece = other.unwrap_or_else(|| kept.bytes[from..(from + length).min(end)].to_vec());
        let mut bytes = kept.bytes.clone();
        bytes.splice(at..(at + length).min(end), piece);
        prop_assert_eq!(kept.fault(&bytes).is_none(), bytes == kept.bytes);
    }
}
