//! Frozen verdicts: whatever is given to a parser, a rule or an account, what it says of it stays the same. Values that are right are changed a little,
//! thousands of times and always alike, and all that is said of them is noted. So a limit that moves by one shows, and a reason that changes. Whoever changes
//! a rule on purpose writes the digest again from what the test prints.

#[path = "../fuzz/targets/mutate.rs"]
mod mutate;

use std::fmt::{Debug, Write as _};
use std::path::Path;

use mutate::Mutator;
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::frame::{FrameReader, encode_frame};
use tributary_protocol::ids::{ClientId, OrganisationId, RoundId};
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::log::{LogReader, Mark, NoteKey, SignatureKind, SignedCheckpoint, Step};
use tributary_protocol::message::frame_bytes_max;
use tributary_protocol::plan::Plan;
use tributary_protocol::privacy::{Accounts, RdpVector, YearSpend};
use tributary_protocol::roster::{Roster, RosterChanges, SignedRoster};
use tributary_protocol::round::cast::{self, masked_round};
use tributary_protocol::secagg::kept::{KeptHead, KeptRound, before_upload, opened_secrets};
use tributary_protocol::secagg::modular::Ring;
use tributary_protocol::secagg::parameters::{CoalitionRule, CohortRule, Thresholds};
use tributary_protocol::secagg::suite::{Suite as _, VerifyingKey};
use tributary_protocol::secagg::toy::Toy;
use tributary_protocol::time::Millis;

/// All that was said, so far.
struct Said(Digest);

impl Said {
    fn new() -> Self {
        Self(Digest::ZERO)
    }

    fn note(&mut self, words: impl Debug) {
        let mut text = self.0.to_string();
        write!(text, "{words:?}").expect("a text takes all");
        self.0 = Digest::of(text.as_bytes());
    }

    fn short(&self) -> String {
        self.0.to_string()[..16].to_owned()
    }
}

/// A value's encoding with each byte one more and one less, all bits turned, and nothing.
fn changed(bytes: &[u8], step: usize) -> impl Iterator<Item = Vec<u8>> {
    let place = move |place: usize| {
        let own = bytes[place];
        [own.wrapping_add(1), own.wrapping_sub(1), !own, 0].map(|byte| {
            let mut changed = bytes.to_vec();
            changed[place] = byte;
            changed
        })
    };
    (0..bytes.len()).step_by(step).flat_map(place)
}

const fn organisations(operator: u32, others: u16, outside_min: u16) -> CoalitionRule {
    CoalitionRule::Organisations { operator: OrganisationId(operator), others, outside_min }
}

/// Rules at and beside their limits, cohorts of few and of many organisations, and offers that are off by one.
#[test]
fn cohorts_and_offers_are_judged_as_they_were() {
    let fractions = [0, 200, 250, 333, 1000, 1001].map(|permille| CoalitionRule::Fraction { permille });
    let coalitions = fractions.into_iter().chain([
        organisations(1, 0, 2),
        organisations(1, 1, 2),
        organisations(2, 2, 3),
        organisations(9, 0, 1),
    ]);
    let mut rules = Vec::new();
    for coalition in coalitions {
        for (cohort_min, organisations_min, survivors_permille, honest_min) in
            [(8, 1, 800, 5), (2, 3, 0, 1), (3, 2, 1000, 4), (1, 1, 500, 0), (12, 4, 667, 9), (8, 1, 1001, 5)]
        {
            rules.push(CohortRule { coalition, cohort_min, organisations_min, survivors_permille, honest_min });
        }
    }
    let mut said = Said::new();
    for rule in &rules {
        said.note((rule.smallest_group(), [2, 7, 8, 9, 33, 100, 257].map(|group| rule.smallest_cohort(group))));
        said.note(rules.iter().map(|own| rule.at_least_as_strict(own)).collect::<Vec<_>>());
        for (size, kinds) in [(0, 1), (1, 1), (2, 2), (7, 3), (8, 1), (9, 4), (13, 5), (30, 4), (256, 7), (257, 9)] {
            // The first organisation has more members than the others.
            let of = |member: u32| if member.is_multiple_of(3) { 1 } else { 1 + member % kinds };
            let members: Vec<OrganisationId> = (0..size).map(|member| OrganisationId(of(member))).collect();
            for group in [members.len(), members.len() + 3, 10_000] {
                let found = rule.thresholds(&members, group);
                said.note(found);
                let Ok(own) = found else { continue };
                offered(&mut said, rule, (&members, group), own);
            }
        }
    }
    assert_eq!(said.short(), "13735fab5d4eb580");
}

fn offered(said: &mut Said, rule: &CohortRule, (members, group): (&[OrganisationId], usize), own: Thresholds) {
    type Change = fn(&mut Thresholds) -> &mut u16;
    let fields: [Change; 6] = [
        |own| &mut own.coalition_max,
        |own| &mut own.holder_cap,
        |own| &mut own.quorum,
        |own| &mut own.threshold,
        |own| &mut own.survivors_min,
        |own| &mut own.honest_min,
    ];
    said.note((rule.accept(members, group, &own), own.degree(members.len()), own.committee(members)));
    for one in fields {
        for other in fields {
            for (more, less) in [(1, 1), (1, 0), (0, 1)] {
                let mut offer = own;
                *one(&mut offer) = one(&mut offer).saturating_add(more);
                *other(&mut offer) = other(&mut offer).saturating_sub(less);
                said.note(rule.accept(members, group, &offer));
            }
        }
    }
    let all: Vec<u32> = (0..u32::try_from(members.len()).expect("few")).collect();
    for lost in 0..all.len().min(12) {
        let (front, back) = (&all[lost..], &all[..all.len() - lost]);
        let odd: Vec<u32> = all.iter().copied().filter(|member| member % 2 == 1 || *member as usize >= lost).collect();
        said.note([front, back, &odd].map(|survivors| rule.admits_survivors(members, &own, survivors)));
    }
}

/// A plan of customers with stages of one round and of several, and one of branches.
fn plans() -> [Plan; 2] {
    let staged = Plan { stages: [cast::counting_plan().stages, cast::plan().stages].concat(), ..cast::plan() };
    [staged, cast::branch_plan()].map(|mut plan| {
        plan.charter.agreements.truncate(2);
        plan
    })
}

/// Where a plan's encoding has no charge, of which it has thousands of bytes.
fn places(plan: &Plan) -> Vec<usize> {
    let other = RdpVector::from_nanos(vec![0x5a5a_5a5a_5a5a_5a5a; plan.cap.customer.nanos().len()])
        .expect("one for each order");
    let other_charge = Accounts { customer: other.clone(), branch: other };
    let mut other = Plan { cap: other_charge.clone(), ..plan.clone() };
    other.stages.iter_mut().for_each(|stage| stage.charge = other_charge.clone());
    let (own, other) = (codec::encode(plan), codec::encode(&other));
    assert_eq!(own.len(), other.len());
    (0..own.len()).filter(|place| own[*place] == other[*place]).collect()
}

#[test]
fn plans_are_judged_as_they_were() {
    let mut said = Said::new();
    for plan in plans() {
        let bytes = codec::encode(&plan);
        let places = places(&plan);
        assert!(places.len() < 2_000, "{}", places.len());
        for (place, change) in places.iter().flat_map(|place| [(*place, 1), (*place, u8::MAX)]) {
            let mut changed = bytes.clone();
            changed[place] = changed[place].wrapping_add(change);
            let Ok(other) = codec::decode::<Plan>(&changed, CONTROL_MESSAGE_BYTES_MAX) else { continue };
            said.note((other.terms_digest(), other.clone().validate().map(|valid| valid.digest())));
            accounted(&mut said, &other);
        }
    }
    assert_eq!(said.short(), "29f4bb581dfa6552");
}

fn accounted(said: &mut Said, plan: &Plan) {
    said.note((plan.rounds(), plan.rounds_charged_max(), plan.rounds_charged_max_of_all_runs(), plan.longest_ms()));
    said.note((plan.last_end(), plan.schedule.next_after(None), plan.schedule.next_after(Some(1_000))));
    let rounds: Vec<u32> = plan.stages.iter().map(|stage| stage.rounds).collect();
    for more in [0, 1, 3, 4] {
        let charged: Vec<u32> = rounds.iter().map(|rounds| rounds.saturating_add(more).saturating_sub(1)).collect();
        said.note(plan.allowance().retries_used(&charged));
        said.note([0, 1, 2].map(|stage| plan.may_charge(&charged, stage)));
        said.note(plan.charge_left(&charged).customer.nanos().first());
    }
}

/// Charges, clocks and other copies of an account, in an order that is drawn.
#[test]
fn years_are_kept_as_they_were() {
    const DAY: usize = 86_400_000;
    let mut said = Said::new();
    for seed in 0..15 {
        let mut mutator = Mutator::new(seed);
        let mut years = [YearSpend::default(), YearSpend::default()];
        let mut now = 20_000 * DAY + mutator.below(400 * DAY);
        for _ in 0..60 {
            now += mutator.below(40) * mutator.below(2) * DAY;
            let at = |mutator: &mut Mutator| Millis((now + mutator.below(90 * DAY) - 45 * DAY) as u64);
            let (own, kind) = (mutator.below(2), mutator.below(6));
            let other = years[1 - own].clone();
            let charge = RdpVector::gaussian(1 + mutator.below(3) as u128, 10);
            match kind {
                0..3 => years[own].charge(at(&mut mutator), &Accounts::customers(charge)),
                3 => years[own].pass((at(&mut mutator), at(&mut mutator))),
                4 => years[own].raise(&other),
                _ => years[own].charge(Millis(now as u64), &Accounts::zero()),
            }
            said.note((&years, years[own].knows(&other), other.knows(&years[own]), years[own].is_short()));
            let now = Millis(now as u64);
            said.note((years[own].spent(), years[own].spent_at(now), years[own].falls_after(now)));
        }
        let bytes = codec::encode(&years[0]);
        for changed in changed(&bytes, 3).take(400) {
            let Ok(other) = codec::decode::<YearSpend>(&changed, CONTROL_MESSAGE_BYTES_MAX) else { continue };
            said.note((other.is_short(), other.knows(&years[0]), years[0].knows(&other)));
        }
    }
    assert_eq!(said.short(), "7b387489f25034bf");
}

/// With a signature of a journal and one of a witness (C2SP).
const NOTE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

#[test]
fn notes_and_keys_are_read_as_they_were() {
    let mut said = Said::new();
    for text in changed(NOTE.as_bytes(), 1) {
        let read = SignedCheckpoint::parse(&text);
        said.note(read.as_ref().map(|note| (note.to_string(), note.bare(), note.checkpoint().check())));
    }
    for kind in [SignatureKind::Journal, SignatureKind::Witness] {
        let key = NoteKey::new("a/b", kind, &VerifyingKey::ed25519([7; 32])).expect("a key").to_string();
        for text in changed(key.as_bytes(), 1).filter_map(|text| String::from_utf8(text).ok()) {
            said.note(NoteKey::parse(&text));
        }
    }
    assert_eq!(said.short(), "40bf112d82adb0e2");
}

fn corpus(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(folder);
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).expect("readable")).collect()
}

/// Through a window that is as long as the reader asks for.
#[test]
fn journals_are_read_as_they_were() {
    let (mut said, mut mutator, valid) = (Said::new(), Mutator::new(3), corpus("ledger"));
    for case in 0..1_500 {
        let (from, other) = (mutator.below(valid.len()), mutator.below(valid.len()));
        let bytes = if case < valid.len() { valid[case].clone() } else { mutator.mutate(&valid[from], &valid[other]) };
        let (mut reader, mut length) = (LogReader::at(&Mark::start()), 0);
        for _ in 0..60 {
            let start = usize::try_from(reader.offset()).expect("short");
            let end = bytes.len().min(start + length);
            let step = reader.step(&bytes[start.min(end)..end], end == bytes.len());
            match step {
                Step::Entry(entry) => said.note((entry.position, entry.sequence, entry.leaf, entry.event.len())),
                Step::More(more) => (length = more, said.note(more)).1,
                Step::End => break,
                Step::Fault(fault) => {
                    said.note((fault, fault.to_string()));
                    break;
                }
            }
        }
        said.note((reader.offset(), reader.log().head(), reader.log().size()));
    }
    assert_eq!(said.short(), "2bcd144cb3cd0e49");
}

/// In pieces of any length.
#[test]
fn frames_are_read_as_they_were() {
    let (mut said, mut mutator, valid) = (Said::new(), Mutator::new(5), corpus("frames"));
    for _ in 0..1_500 {
        let (from, other) = (mutator.below(valid.len()), mutator.below(valid.len()));
        let bytes = mutator.mutate(&valid[from], &valid[other]);
        let (mut reader, mut rest) = (FrameReader::new(|kind| frame_bytes_max(kind, 5_000)), bytes.as_slice());
        while !rest.is_empty() {
            let (mut piece, after) = rest.split_at((1 + mutator.below(90)).min(rest.len()));
            rest = after;
            while !piece.is_empty() {
                let before = piece.len();
                match reader.push(&mut piece) {
                    Ok(Some(frame)) => said.note(encode_frame(frame.kind, &frame.payload).len()),
                    Ok(None) => said.note(before - piece.len()),
                    Err(fault) => {
                        said.note(fault);
                        (piece, rest) = (&[], &[]);
                    }
                }
            }
        }
    }
    assert_eq!(said.short(), "9d97af11fec2ab68");
}

#[test]
fn rosters_are_judged_as_they_were() {
    let mut said = Said::new();
    let (first, authority) = (cast::roster(4), Toy::verifying_key(&[201; 32]));
    let next = cast::rekeyed_roster(&first.roster, 5, ClientId(2));
    assert_eq!(first.verify::<Toy>(std::slice::from_ref(&authority), 1), Ok(()));
    let look = |said: &mut Said, roster: &Roster| {
        let heads = [&first, &next].map(|last| roster.follows(&last.roster.head()));
        said.note((heads, RosterChanges::between(Some(&first.roster), roster), RosterChanges::between(None, roster)));
        said.note((roster.organisations(&[1, 4, 3].map(ClientId)), roster.organisations(&[ClientId(9)])));
        let all = roster.group("all").map(|group| (group.size(), group.members().collect::<Vec<_>>()));
        said.note((all, roster.group("none").is_some(), roster.digest()));
    };
    for signed in [&first, &next] {
        look(&mut said, &signed.roster);
        for changed in changed(&codec::encode(signed), 1) {
            let Ok(other) = codec::decode::<SignedRoster>(&changed, CONTROL_MESSAGE_BYTES_MAX) else { continue };
            said.note(other.verify::<Toy>(std::slice::from_ref(&authority), 1));
            look(&mut said, &other.roster);
        }
    }
    assert_eq!(said.short(), "78449f7ba5f6eb68");
}

/// A round with lost members as its coordinator keeps it, and sums of both rings.
#[test]
fn kept_rounds_are_read_as_they_were() {
    let mut said = Said::new();
    for ring in [Ring::Bits32, Ring::Bits64] {
        let head = KeptHead { round: RoundId(9), descriptor: Digest([7; 32]), ring, dimension: 3 };
        let values = [3, 5, 8].map(|client| (ClientId(client), vec![1, -2, i64::from(client)]));
        let made = masked_round::<Toy>((head.round, head.descriptor, ring), &values, &[ClientId(6), ClientId(9)]);
        let mut bytes = head.encode();
        for ((client, _), (_, upload)) in values.iter().zip(&made.uploads) {
            bytes.extend_from_slice(&before_upload(*client));
            bytes.extend_from_slice(upload);
        }
        bytes.extend_from_slice(&opened_secrets(&made.permit));
        said.note(&bytes);
        for changed in changed(&bytes, 1) {
            let read = KeptRound::decode(&changed);
            said.note(read.map(|round| (round.head(), round.survivors().collect::<Vec<_>>())));
        }
        for end in 0..bytes.len() {
            said.note(KeptRound::decode(&bytes[..end]).map(|round| round.head()));
        }
    }
    assert_eq!(said.short(), "7e94d0d9065889f2");
}
