use alloc::collections::BTreeMap;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::entropy::Entropy;
use crate::secagg::permit::{BudgetReceipt, Opened, Ticket};
use crate::secagg::suite::SecretKey;
use crate::secagg::toy::{Seeded, Toy};

const RINGS: [Ring; 2] = [Ring::Bits32, Ring::Bits64];
const ROUND: RoundId = RoundId(9);
const OTHER_ROUND: RoundId = RoundId(10);

/// A cohort of clients 10, 13, 16, .. with their seeds and updates, and what the coordinator would have received from each.
struct Cohort {
    ring: Ring,
    dimension: usize,
    clients: Vec<ClientId>,
    self_seeds: Vec<SecretKey>,
    pair_seeds: BTreeMap<(ClientId, ClientId), SecretKey>,
    values: Vec<Vec<i64>>,
}

fn descriptor() -> Digest {
    Digest::of(b"descriptor")
}

impl Cohort {
    fn new(ring: Ring, size: u32, dimension: usize, seed: u64) -> Self {
        let mut entropy = Seeded::new(seed);
        let clients: Vec<_> = (0..size).map(|index| ClientId(10 + 3 * index)).collect();
        let mut pair_seeds = BTreeMap::new();
        for low in &clients {
            for high in clients.iter().filter(|high| *high > low) {
                pair_seeds.insert((*low, *high), entropy.key());
            }
        }
        let values = clients
            .iter()
            .map(|_| {
                let mut draw = || i64::from(i16::from_le_bytes([entropy.bytes32()[0], entropy.bytes32()[0]]));
                (0..dimension).map(|_| draw()).collect()
            })
            .collect();
        let self_seeds = clients.iter().map(|_| entropy.key()).collect();
        Self { ring, dimension, clients, self_seeds, pair_seeds, values }
    }

    fn pair_seed(&self, a: ClientId, b: ClientId) -> SecretKey {
        self.pair_seeds[&(a.min(b), a.max(b))].clone()
    }

    fn upload(&self, index: usize, descriptor: Digest) -> MaskedUpdate {
        let own = self.clients[index];
        let peers = self.clients.iter().filter(|peer| **peer != own);
        let pairs = peers.map(|peer| (Sign::of_pair(own, *peer), self.pair_seed(own, *peer))).collect();
        let seeds = MaskSeeds { self_seed: self.self_seeds[index].clone(), pairs };
        mask::<Toy>(RingWords::reduce(self.ring, &self.values[index]), BudgetReceipt::new(ROUND, descriptor), seeds)
    }

    fn ticket(&self, index: usize, update: &MaskedUpdate) -> Ticket {
        Ticket::new(ROUND, self.clients[index], (self.ring, self.dimension), update.digest())
    }

    fn fold(&self, survivors: &[usize]) -> MaskedSum {
        let mut sum = MaskedSum::new(ROUND, self.ring, self.dimension);
        for (count, index) in survivors.iter().enumerate() {
            let update = self.upload(*index, descriptor());
            let folded = sum.fold(self.ticket(*index, &update).verify(update.bytes()).unwrap()).unwrap();
            assert_eq!(folded, Folded { client: self.clients[*index], count: count + 1 });
        }
        sum
    }

    fn permit(&self, survivors: &[usize]) -> UnmaskPermit {
        let lost = (0..self.clients.len()).filter(|index| !survivors.contains(index));
        let lost_pairs = lost
            .flat_map(|lost| survivors.iter().map(move |survivor| (self.clients[*survivor], self.clients[lost])))
            .map(|(survivor, lost)| (Sign::of_pair(survivor, lost), self.pair_seed(survivor, lost)))
            .collect();
        let survivors = survivors.iter().map(|index| (self.clients[*index], self.self_seeds[*index].clone())).collect();
        UnmaskPermit::new(Opened { round: ROUND, descriptor: descriptor(), survivors, lost_pairs })
    }

    fn expected(&self, survivors: &[usize]) -> Vec<i64> {
        (0..self.dimension).map(|k| survivors.iter().map(|index| self.values[*index][k]).sum()).collect()
    }
}

fn error(result: Result<AggregateSum, UnmaskError>) -> Option<UnmaskError> {
    result.err()
}

#[test]
fn masks_cancel_for_every_cohort_and_every_single_loss() {
    for ring in RINGS {
        for size in 2..=12 {
            let cohort = Cohort::new(ring, size, 9, size.into());
            let all: Vec<usize> = (0..cohort.clients.len()).collect();
            let losses = all.iter().map(|lost| all.iter().copied().filter(|index| index != lost).collect());
            for survivors in [all.clone()].into_iter().chain(losses) {
                let sum = cohort.fold(&survivors).unmask::<Toy>(cohort.permit(&survivors)).unwrap();
                let expected = cohort.expected(&survivors);
                assert_eq!(sum.values(), expected);
                assert_eq!(sum.values_from(4).collect::<Vec<_>>(), expected[4..]);
                assert_eq!(sum.digest(), RingWords::reduce(ring, &expected).digest());
                assert_eq!((sum.participants(), sum.round(), sum.dimension()), (survivors.len(), ROUND, 9));
            }
        }
    }
}

#[test]
fn an_upload_has_the_announced_size_and_digest() {
    for ring in RINGS {
        let cohort = Cohort::new(ring, 3, 7, 1);
        let update = cohort.upload(0, descriptor());
        assert_eq!(update.bytes().len(), upload_bytes(ring, 7));
        assert_eq!(update.bytes().len(), 9 * ring.word_bytes());
        assert_eq!(update.digest(), Digest::of_vector(update.bytes()));
        assert_eq!(update.round(), ROUND);
        // A ticket says the same, and an upload on its way keeps it.
        let ticket = cohort.ticket(0, &update);
        let named = |ticket: &Ticket| {
            (ticket.round(), ticket.client(), ticket.dimension(), ticket.upload_bytes(), ticket.digest())
        };
        let expected = (ROUND, cohort.clients[0], 7, update.bytes().len(), update.digest());
        assert_eq!(named(&ticket), expected);
        let mut arriving = ticket.receive_into(Faulty { pieces: vec![], damage: |_| Ok(()) });
        assert_eq!(named(arriving.ticket()), expected);
        arriving.append(update.bytes()).expect("it takes everything");
        assert_eq!(named(arriving.finish().expect("what was signed").ticket()), expected);
        let bytes = update.bytes().to_vec();
        assert_eq!(update.into_bytes(), bytes);
    }
}

#[test]
fn unfit_uploads_leave_the_sum_as_it_was() {
    let cohort = Cohort::new(Ring::Bits64, 3, 4, 5);
    let mut sum = cohort.fold(&[0, 1]);
    let before = sum.sum.clone();
    let update = cohort.upload(2, descriptor());
    let client = cohort.clients[2];
    let digest = update.digest();
    let expected = upload_bytes(Ring::Bits64, 4);
    let refuse = |sum: &mut MaskedSum, ticket: Ticket, bytes: &[u8]| {
        ticket.verify(bytes).and_then(|upload| sum.fold(upload)).err()
    };

    let late = Ticket::new(OTHER_ROUND, client, (cohort.ring, 4), digest);
    assert_eq!(refuse(&mut sum, late, update.bytes()), Some(FoldError::OtherRound(client)));
    let wide = Ticket::new(ROUND, client, (cohort.ring, 5), digest);
    let (longer, found) = (expected + cohort.ring.word_bytes(), expected);
    let other = FoldError::OtherLength { client, expected: longer, found };
    assert_eq!(refuse(&mut sum, wide, update.bytes()), Some(other));
    for found in [0, expected - 1, expected + 1] {
        let mut bytes = update.bytes().to_vec();
        bytes.resize(found, 0);
        let ticket = Ticket::new(ROUND, client, (cohort.ring, 4), Digest::of_vector(&bytes));
        assert_eq!(refuse(&mut sum, ticket, &bytes), Some(FoldError::OtherLength { client, expected, found }));
    }
    let mut flipped = update.bytes().to_vec();
    flipped[17] ^= 1;
    assert_eq!(refuse(&mut sum, cohort.ticket(2, &update), &flipped), Some(FoldError::OtherDigest(client)));
    let repeated = cohort.upload(1, descriptor());
    let ticket = cohort.ticket(1, &repeated);
    assert_eq!(refuse(&mut sum, ticket, repeated.bytes()), Some(FoldError::Repeated(cohort.clients[1])));

    assert!(sum.sum == before);
    assert_eq!(sum.folded().len(), 2);
    sum.fold(cohort.ticket(2, &update).verify(update.bytes()).unwrap()).unwrap();
    let all = [0, 1, 2];
    assert_eq!(sum.unmask::<Toy>(cohort.permit(&all)).unwrap().values(), cohort.expected(&all));
}

#[test]
fn permits_for_another_round_or_other_survivors_are_refused() {
    let cohort = Cohort::new(Ring::Bits64, 4, 3, 8);
    let other = UnmaskPermit::new(Opened {
        round: OTHER_ROUND,
        descriptor: descriptor(),
        survivors: vec![],
        lost_pairs: vec![],
    });
    let refused = error(cohort.fold(&[0, 1]).unmask::<Toy>(other));
    assert_eq!(refused, Some(UnmaskError::OtherRound { permitted: OTHER_ROUND, found: ROUND }));
    for certified in [vec![0, 1], vec![0, 1, 3], vec![0, 1, 1], vec![0, 1, 2, 3], vec![]] {
        let refused = error(cohort.fold(&[0, 1, 2]).unmask::<Toy>(cohort.permit(&certified)));
        assert_eq!(refused, Some(UnmaskError::OtherSurvivors { certified: certified.len(), folded: 3 }));
    }
}

/// A member that saw another model derives other masks: nothing but noise is left, and the checks say so.
#[test]
fn a_member_under_another_descriptor_makes_the_sum_noise() {
    for ring in RINGS {
        let cohort = Cohort::new(ring, 4, 6, 3);
        let mut sum = cohort.fold(&[0, 1, 2]);
        let update = cohort.upload(3, Digest::of(b"another model"));
        sum.fold(cohort.ticket(3, &update).verify(update.bytes()).unwrap()).unwrap();
        let refused = error(sum.unmask::<Toy>(cohort.permit(&[0, 1, 2, 3])));
        assert_eq!(refused, Some(UnmaskError::Check(CheckFailure::Counter)));
    }
}

#[test]
fn a_forgotten_or_reversed_mask_fails_the_checks() {
    let cohort = Cohort::new(Ring::Bits64, 4, 6, 3);
    let survivors = [0, 1, 3];
    let opened = |alter: &dyn Fn(&mut Opened)| {
        let lost = cohort.clients[2];
        let mut opened = Opened {
            round: ROUND,
            descriptor: descriptor(),
            survivors: survivors.iter().map(|i| (cohort.clients[*i], cohort.self_seeds[*i].clone())).collect(),
            lost_pairs: survivors
                .iter()
                .map(|i| (Sign::of_pair(cohort.clients[*i], lost), cohort.pair_seed(cohort.clients[*i], lost)))
                .collect(),
        };
        alter(&mut opened);
        error(cohort.fold(&survivors).unmask::<Toy>(UnmaskPermit::new(opened)))
    };
    assert_eq!(opened(&|_| ()), None);
    let failed = Some(UnmaskError::Check(CheckFailure::Counter));
    assert_eq!(opened(&|opened| drop(opened.lost_pairs.pop())), failed);
    assert_eq!(opened(&|opened| opened.lost_pairs[0].0 = opened.lost_pairs[0].0.opposite()), failed);
    assert_eq!(opened(&|opened| opened.survivors[1].1 = SecretKey::new([1; 32])), failed);
}

/// Without the self masks a late upload would be open once its sender's pairwise masks are; with them it is not.
#[test]
fn a_late_upload_stays_masked_by_its_self_mask() {
    let cohort = Cohort::new(Ring::Bits64, 3, 4, 2);
    let late = cohort.upload(2, descriptor());
    let mut words = RingWords::from_le_bytes(Ring::Bits64, 6, late.bytes()).unwrap();
    for peer in 0..2 {
        let (own, peer) = (cohort.clients[2], cohort.clients[peer]);
        let key = labels::pair_mask_key::<Toy>(&cohort.pair_seed(own, peer), &descriptor());
        crate::secagg::mask::apply::<Toy>(&mut words, &key, Sign::of_pair(own, peer).opposite());
    }
    assert!(words.centred().iter().zip(&cohort.values[2]).all(|(masked, plain)| masked != plain));
    let key = labels::self_mask_key::<Toy>(&cohort.self_seeds[2], &descriptor());
    crate::secagg::mask::apply::<Toy>(&mut words, &key, Sign::Subtract);
    assert_eq!(words.centred()[..4], cohort.values[2]);
}

proptest! {
    #[test]
    fn any_survivors_give_their_exact_sum(size in 2_u32..=12, dimension in 0_usize..50, lost: u16, seed: u64) {
        for ring in RINGS {
            let cohort = Cohort::new(ring, size, dimension, seed);
            let survivors: Vec<usize> = (0..cohort.clients.len()).filter(|index| lost >> index & 1 == 0).collect();
            let sum = cohort.fold(&survivors).unmask::<Toy>(cohort.permit(&survivors));
            prop_assert_eq!(sum.map(|sum| sum.values()).ok(), Some(cohort.expected(&survivors)));
        }
    }
}

/// A disk that gives back something else than it took.
struct Faulty {
    pieces: Vec<Vec<u8>>,
    damage: Damage,
}

/// What is wrong with a disk: what it does to the pieces that it took, and whether it says that it failed.
type Damage = fn(&mut Vec<Vec<u8>>) -> Result<(), ()>;

impl UploadStorage for Faulty {
    type Fault = ();
    fn append(&mut self, bytes: &[u8]) -> Result<(), ()> {
        self.pieces.push(bytes.to_vec());
        Ok(())
    }
    fn replay(mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), ()> {
        let end = (self.damage)(&mut self.pieces);
        self.pieces.iter().for_each(|piece| each(piece));
        end
    }
}

/// What was verified when it came must come back whole: a sum that took anything else is of no use, whatever else was in it.
#[test]
fn what_a_disk_gives_back_otherwise_spoils_the_sum() {
    let damages: [(&str, Damage); 5] = [
        ("nothing", |_| Ok(())),
        ("an error at the end", |_| Err(())),
        ("a coordinate too few", |pieces| {
            let last = pieces.last_mut().expect("a piece");
            last.truncate(last.len() - 8);
            Ok(())
        }),
        ("a coordinate too many", |pieces| {
            pieces.push(vec![0; 8]);
            Ok(())
        }),
        ("a piece that cuts a coordinate", |pieces| {
            let all = pieces.concat();
            *pieces = vec![all[..4].to_vec(), all[4..].to_vec()];
            Ok(())
        }),
    ];
    for (what, damage) in damages {
        let cohort = Cohort::new(Ring::Bits64, 3, 6, 1);
        let mut sum = cohort.fold(&[0, 1]);
        let update = cohort.upload(2, descriptor());
        let arrive = |sum: &mut MaskedSum, damage| {
            let mut arriving = cohort.ticket(2, &update).receive_into(Faulty { pieces: vec![], damage });
            update.bytes().chunks(16).for_each(|piece| arriving.append(piece).expect("it takes everything"));
            sum.fold(arriving.finish().unwrap_or_else(|fault| panic!("{fault}"))).err()
        };
        let whole = what == "nothing";
        let unreadable = Some(FoldError::Unreadable(cohort.clients[2]));
        assert_eq!(arrive(&mut sum, damage), if whole { None } else { unreadable }, "{what}");
        if !whole {
            // Nothing mends it: not the same upload again, and not the survivors that it still names.
            assert_eq!(arrive(&mut sum, |_| Ok(())), unreadable, "{what}");
        }
        let survivors: &[usize] = if whole { &[0, 1, 2] } else { &[0, 1] };
        let refused = Some(UnmaskError::OtherSurvivors { certified: 2, folded: 2 });
        let opened = error(sum.unmask::<Toy>(cohort.permit(survivors)));
        assert_eq!(opened, if whole { None } else { refused }, "{what}");
    }
}

/// What arrives in pieces is judged at its end: by its length, and by the digest that its client signed.
#[test]
fn an_upload_that_arrives_otherwise_than_it_was_signed_is_not_verified() {
    let cohort = Cohort::new(Ring::Bits64, 3, 6, 1);
    let update = cohort.upload(2, descriptor());
    let whole = update.bytes().to_vec();
    let arrives = |bytes: &[u8]| {
        let storage = Faulty { pieces: vec![], damage: |_| Ok(()) };
        let mut arriving = cohort.ticket(2, &update).receive_into(storage);
        bytes.chunks(16).for_each(|piece| arriving.append(piece).expect("it takes everything"));
        arriving.finish().err()
    };
    let client = cohort.clients[2];
    let length = |found| Some(FoldError::OtherLength { client, expected: whole.len(), found });
    assert_eq!(arrives(&whole), None);
    assert_eq!(arrives(&whole[1..]), length(whole.len() - 1));
    assert_eq!(arrives(&[&whole[..], &[0]].concat()), length(whole.len() + 1));
    for place in [0, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        assert_eq!(arrives(&changed), Some(FoldError::OtherDigest(client)), "byte {place}");
    }
}

#[test]
fn an_upload_of_another_shape_is_not_folded() {
    let (cohort, other) = (Cohort::new(Ring::Bits64, 3, 5, 1), Cohort::new(Ring::Bits64, 3, 6, 1));
    let mut sum = cohort.fold(&[0, 1]);
    let update = other.upload(2, descriptor());
    let upload = other.ticket(2, &update).verify(update.bytes()).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(sum.fold(upload), Err(FoldError::OtherRound(cohort.clients[2])));
    assert_eq!(sum.unmask::<Toy>(cohort.permit(&[0, 1])).unwrap().values(), cohort.expected(&[0, 1]));
}

/// A permit that names a survivor twice names the same set, with a seed too many.
#[test]
fn a_permit_with_one_survivor_twice_is_refused() {
    let cohort = Cohort::new(Ring::Bits64, 3, 5, 1);
    let refused = error(cohort.fold(&[0, 1]).unmask::<Toy>(cohort.permit(&[0, 1, 1])));
    assert_eq!(refused, Some(UnmaskError::OtherSurvivors { certified: 3, folded: 2 }));
}
