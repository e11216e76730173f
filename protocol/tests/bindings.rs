//! What a digest or a signature covers is everything that is said: two values that differ in anything but their signatures have different ones.
//!
//! Values of each type are drawn, and changed in each byte of their encoding. Whatever decodes to another value must have another digest. So a field that
//! a canonical encoding leaves out, or writes as another one, shows here, whichever type it is of.

#[path = "../fuzz/targets/arbitrary.rs"]
mod arbitrary;

use std::fmt::Debug;

use arbitrary::{value, variants};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_protocol::budget::{BudgetHead, FirstUse, OwnerChange, Release};
use tributary_protocol::codec;
use tributary_protocol::digest::Digest;
use tributary_protocol::limits::CONTROL_MESSAGE_BYTES_MAX;
use tributary_protocol::message::{DealStatement, Encapsulation, KeysStatement, Offer, SignedBody, Survivors};
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

/// Changes values of a type everywhere. `unsigned` takes out what the digest does not cover: the signature itself.
fn changed<T>(unsigned: impl Fn(&mut T), digest: impl Fn(&T) -> Digest)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let drawn = |seed: u64| {
        let mut drawn: T = value(seed, u32::try_from(seed % u64::from(variants::<T>())).ok());
        unsigned(&mut drawn);
        drawn
    };
    for seed in 0..VALUES * u64::from(variants::<T>()) {
        let own = drawn(seed);
        let (bytes, covered) = (codec::encode(&own), digest(&own));
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
}

fn signed<T>(signature: impl Fn(&mut T) -> &mut Signature)
where
    T: SignedBody + Serialize + DeserializeOwned + PartialEq + Debug,
{
    changed::<T>(|body| *signature(body) = Signature::none(), |body| body.canonical().finish());
}

#[test]
fn a_signature_covers_all_that_is_signed() {
    signed::<Grant>(|grant| &mut grant.signature);
    signed::<Withdrawal>(|withdrawal| &mut withdrawal.signature);
    signed::<CapRaise>(|raise| &mut raise.signature);
    signed::<Attestation>(|attestation| &mut attestation.signature);
    signed::<BudgetHead>(|head| &mut head.signature);
    signed::<FirstUse>(|first| &mut first.signature);
    signed::<OwnerChange>(|change| &mut change.signature);
    signed::<Release>(|release| &mut release.signature);
    signed::<CopyNote>(|note| &mut note.signature);
    signed::<Offer>(|offer| &mut offer.signature);
    signed::<KeysStatement>(|keys| &mut keys.signature);
    signed::<Encapsulation>(|encapsulation| &mut encapsulation.signature);
    signed::<DealStatement>(|deal| &mut deal.signature);
}

#[test]
fn a_digest_covers_all_of_its_object() {
    changed::<Plan>(|_| {}, Plan::digest);
    changed::<Gates>(|_| {}, Gates::digest);
    changed::<RunRef>(|_| {}, |run| run.id().digest());
    changed::<ModelStatement>(|_| {}, ModelStatement::digest);
    changed::<GatesReport>(|_| {}, GatesReport::digest);
    changed::<IncidentWord>(|_| {}, IncidentWord::digest);
    changed::<Look>(|_| {}, Look::digest);
    changed::<AttackReport>(|_| {}, AttackReport::digest);
    changed::<ModelManifest>(|_| {}, ModelManifest::digest);
    changed::<RoundDescriptor>(|_| {}, |round| round.canonical().finish());
    changed::<Survivors>(|_| {}, |survivors| survivors.canonical().finish());
}
