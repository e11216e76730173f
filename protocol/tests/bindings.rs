//! What a digest or a signature covers is everything that is said: two values that differ in anything but their signatures have different ones.
//!
//! Values of each type are drawn, and changed in each byte of their encoding. Whatever decodes to another value must have another digest. So a field that
//! a canonical encoding leaves out, or writes as another one, shows here, whichever type it is of.

#[path = "../fuzz/targets/arbitrary.rs"]
mod arbitrary;

use std::collections::BTreeSet;
use std::fmt::Debug;

use arbitrary::{value, variants};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_protocol::budget::{BudgetHead, FirstUse, OwnerChange, Release};
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::{
    DealStatement, Encapsulation, FRAME_CONTROL, FRAME_VECTOR, KeysStatement, Offer, RefusalCode, SignedBody,
    Survivors, frame_bytes_max,
};
use tributary_protocol::plan::{Attestation, CapRaise, Gates, Grant, Plan, RunRef, Withdrawal};
use tributary_protocol::registry::{
    AttackReport, CopyNote, GatesReport, IncidentWord, Look, ModelManifest, ModelStatement,
};
use tributary_protocol::round::RoundDescriptor;
use tributary_protocol::secagg::suite::Signature;

/// Values of each variant that are changed.
const VALUES: u64 = 6;
/// What a byte is changed by: the lowest bit, the highest one, and two in between.
const CHANGES: [u8; 3] = [0x01, 0x80, 0x24];

/// Each type, and what the digests of its drawn values come to.
const SIGNED: [&str; 13] = [
    "Grant cd62d1956c096fdc",
    "Withdrawal 3f3f157db2b4c2ea",
    "CapRaise a395d196ef8546e0",
    "Attestation 186ec889f713f005",
    "BudgetHead c6f73296c1daaeb0",
    "FirstUse 8423ddd3badae10f",
    "OwnerChange 150e6865b7ea3b65",
    "Release 572904c064407000",
    "CopyNote 1ac14617d7f738e8",
    "Offer e5ba2593e848debd",
    "KeysStatement dda2f9d5410c19e0",
    "Encapsulation e18a942b0718278e",
    "DealStatement 081c396b309b08ef",
];
const DIGESTS: [&str; 11] = [
    "Plan 7e7194c36090ac67",
    "Gates bddaf0e1d10fd04f",
    "RunRef 29bdf67c33d244c0",
    "ModelStatement f04d5e54c5503016",
    "GatesReport 10aec51fae28c736",
    "IncidentWord 6506d6d4268d463c",
    "Look e6287f0b2389a6ff",
    "AttackReport 0e32ae3e11d75743",
    "ModelManifest 2d883da7cb3a96f6",
    "RoundDescriptor 00f6f90e8dc26e5e",
    "Survivors 42fd729065808b37",
];

/// Changes values of a type everywhere. `unsigned` takes out what the digest does not cover: the signature itself. The answer is the type's name, and what
/// the digests of all drawn values come to.
fn changed<T>(unsigned: impl Fn(&mut T), digest: impl Fn(&T) -> Digest) -> String
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let drawn = |seed: u64| {
        let mut drawn: T = value(seed, u32::try_from(seed % u64::from(variants::<T>())).ok());
        unsigned(&mut drawn);
        drawn
    };
    let mut all = Vec::new();
    for seed in 0..VALUES * u64::from(variants::<T>()) {
        let own = drawn(seed);
        let (bytes, covered) = (codec::encode(&own), digest(&own));
        all.extend_from_slice(covered.as_bytes());
        let mut others = 0;
        for place in 0..bytes.len() {
            for change in CHANGES {
                let mut bytes = bytes.clone();
                bytes[place] ^= change;
                let Ok(mut other) = codec::decode::<T>(&bytes, CONTROL_MESSAGE_BYTES_MAX) else { continue };
                unsigned(&mut other);
                if other != own {
                    others += 1;
                    assert_ne!(digest(&other), covered, "byte {place} of seed {seed}: {own:?}, and {other:?}");
                }
            }
        }
        assert!(others > 0, "no change decodes: {own:?}");
    }
    let (name, all) = (std::any::type_name::<T>(), Digest::of(&all).to_string());
    format!("{} {}", name.rsplit("::").next().unwrap_or(name), &all[..16])
}

fn signed<T>(signature: impl Fn(&mut T) -> &mut Signature) -> String
where
    T: SignedBody + Serialize + DeserializeOwned + PartialEq + Debug,
{
    changed::<T>(|body| *signature(body) = Signature::none(), |body| body.canonical().finish())
}

#[test]
fn each_kind_of_frame_has_its_bound_and_no_other_kind_has_one() {
    let bounds = [0, FRAME_CONTROL, FRAME_VECTOR, 3, u8::MAX].map(|kind| frame_bytes_max(kind, 77));
    assert_eq!(bounds, [None, Some(CONTROL_MESSAGE_BYTES_MAX), Some(77), None, None]);
}

/// A ledger of years holds these numbers: each stays what it is, and no two codes have the same.
#[test]
fn each_refusal_has_a_number_of_its_own() {
    let word = |number: u32| number.to_le_bytes().to_vec();
    let codes = (0..=u32::from(u8::MAX)).flat_map(|outer| {
        let inner = (0..=u32::from(u8::MAX)).map(move |inner| [word(outer), word(inner)].concat());
        let bytes = inner.chain([word(outer)]);
        bytes.filter_map(|bytes| codec::decode::<RefusalCode>(&bytes, CONTROL_MESSAGE_BYTES_MAX).ok())
    });
    let numbers: Vec<u32> = codes.map(RefusalCode::number).collect();
    let distinct: BTreeSet<u32> = numbers.iter().copied().collect();
    assert_eq!(distinct.len(), numbers.len(), "{numbers:?}");
    let all: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    assert_eq!((numbers.len(), &Digest::of(&all).to_string()[..16]), (51, "300df8538e133df2"), "{numbers:x?}");
}

/// What was signed once is verified by whoever reads it later: the bytes under a signature stay what they are.
#[test]
fn a_signature_covers_all_that_is_signed() {
    let found = [
        signed::<Grant>(|grant| &mut grant.signature),
        signed::<Withdrawal>(|withdrawal| &mut withdrawal.signature),
        signed::<CapRaise>(|raise| &mut raise.signature),
        signed::<Attestation>(|attestation| &mut attestation.signature),
        signed::<BudgetHead>(|head| &mut head.signature),
        signed::<FirstUse>(|first| &mut first.signature),
        signed::<OwnerChange>(|change| &mut change.signature),
        signed::<Release>(|release| &mut release.signature),
        signed::<CopyNote>(|note| &mut note.signature),
        signed::<Offer>(|offer| &mut offer.signature),
        signed::<KeysStatement>(|keys| &mut keys.signature),
        signed::<Encapsulation>(|encapsulation| &mut encapsulation.signature),
        signed::<DealStatement>(|deal| &mut deal.signature),
    ];
    assert_eq!(found, SIGNED);
}

#[test]
fn a_digest_covers_all_of_its_object() {
    let found = [
        changed::<Plan>(|_| {}, Plan::digest),
        changed::<Gates>(|_| {}, Gates::digest),
        changed::<RunRef>(|_| {}, |run| run.id().digest()),
        changed::<ModelStatement>(|_| {}, ModelStatement::digest),
        changed::<GatesReport>(|_| {}, GatesReport::digest),
        changed::<IncidentWord>(|_| {}, IncidentWord::digest),
        changed::<Look>(|_| {}, Look::digest),
        changed::<AttackReport>(|_| {}, AttackReport::digest),
        changed::<ModelManifest>(|_| {}, ModelManifest::digest),
        changed::<RoundDescriptor>(|_| {}, |round| round.canonical().finish()),
        changed::<Survivors>(|_| {}, |survivors| survivors.canonical().finish()),
    ];
    assert_eq!(found, DIGESTS);
}
