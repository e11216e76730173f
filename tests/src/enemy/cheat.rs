//! A byzantine client: what its honest machine says is changed on the way out, and signed again where that helps.

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, RunId};
use tributary_protocol::message::{MaskedHeader, SignedBody, Upstream, envelopes_digest};

use super::lies::{LIES_PERMILLE, Liar, Lie as FieldLie};
use crate::cast::{Keyed, client_key};
use crate::dice::Dice;
use crate::link::Body;

/// What a byzantine client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Misdeed {
    /// Sends an earlier round's upload again, as it was.
    Replay,
    /// Sends an earlier round's vector under a header of this round.
    StaleVector,
    /// Signs a vector that is too short or too long.
    WrongLength,
    /// Sends another vector than it signed.
    BadDigest,
    /// Sends a vector that no mask fits.
    SpoiltVector,
    /// Sends its upload twice.
    DoubleSubmit,
    /// Contributes to another descriptor: another model, say.
    WrongModel,
    /// Reveals a wrong share.
    BadShare,
    /// Signs its acknowledgement badly.
    ForgedAck,
    /// Deals out shares that cannot be opened.
    BadBundle,
    /// Deals out an envelope that does not hold what it should.
    FalseEnvelope,
    /// Says everything twice.
    Stammer,
    /// Lies in one field of a message now and then, whichever it is.
    OneField,
}

const MISDEEDS: [Misdeed; 13] = [
    Misdeed::Replay,
    Misdeed::StaleVector,
    Misdeed::WrongLength,
    Misdeed::BadDigest,
    Misdeed::SpoiltVector,
    Misdeed::DoubleSubmit,
    Misdeed::WrongModel,
    Misdeed::BadShare,
    Misdeed::ForgedAck,
    Misdeed::BadBundle,
    Misdeed::FalseEnvelope,
    Misdeed::Stammer,
    Misdeed::OneField,
];

/// A byzantine client's other half.
pub(crate) struct Cheat<S: Keyed> {
    misdeed: Misdeed,
    key: S::SigningKey,
    last: Option<(MaskedHeader, Vec<u8>)>,
    client: ClientId,
    /// Lies in one field.
    liar: Liar<()>,
    /// Lies told.
    pub(crate) lies: u32,
}

impl<S: Keyed> Cheat<S> {
    /// A client with one bad habit.
    pub(crate) fn new(client: ClientId, dice: &mut Dice) -> Self {
        let misdeed = *dice.pick(&MISDEEDS);
        Self { misdeed, key: client_key::<S>(client), last: None, client, liar: Liar::new(LIES_PERMILLE), lies: 0 }
    }

    /// A client that lies in one field, and often.
    #[cfg(test)]
    pub(crate) fn in_one_field(client: ClientId, dice: &mut Dice) -> Self {
        Self { misdeed: Misdeed::OneField, liar: Liar::new(100), ..Self::new(client, dice) }
    }

    /// For traces.
    pub(crate) fn habit(&self) -> String {
        format!("{:?}", self.misdeed)
    }

    /// The lie in one field that the coordinator hears now.
    pub(crate) fn lie_heard(&mut self, message: &Upstream) -> Option<FieldLie<()>> {
        self.liar.heard_from(self.client, message)
    }

    /// What is sent instead of a message. Half of the time it is the message.
    pub(crate) fn message(&mut self, run: RunId, mut message: Upstream, dice: &mut Dice) -> Vec<Body> {
        if self.misdeed == Misdeed::OneField {
            let lied = self.liar.say::<S>(self.client, &message, dice);
            self.lies += u32::from(lied.is_some());
            return vec![Body::Up(run, lied.unwrap_or(message))];
        }
        if dice.chance(500) {
            return vec![Body::Up(run, message)];
        }
        let lied = match (self.misdeed, &mut message) {
            (Misdeed::BadShare, Upstream::Unmask { shares, .. }) if shares.len() > 1 => {
                let (at, from) = (dice.index(shares.len()), dice.index(shares.len()));
                shares[at] = if at == from { [0; 32] } else { shares[from] };
                true
            }
            (Misdeed::ForgedAck, Upstream::SurvivorsAck { signature, .. } | Upstream::SetupAck { signature, .. }) => {
                flip(&mut signature.bytes, dice);
                true
            }
            (Misdeed::BadBundle, Upstream::Deal(deal)) if !deal.bundles.is_empty() => {
                let at = dice.index(deal.bundles.len());
                flip(&mut deal.bundles[at].sealed, dice);
                true
            }
            (Misdeed::FalseEnvelope, Upstream::Deal(deal)) if !deal.envelopes.is_empty() => {
                let at = dice.index(deal.envelopes.len());
                flip(&mut deal.envelopes[at], dice);
                deal.statement.envelopes = envelopes_digest::<S>(&deal.envelopes);
                deal.statement.signature = S::sign(&self.key, &deal.statement.to_sign::<S>());
                true
            }
            (Misdeed::Stammer, _) => {
                self.lies += 1;
                return vec![Body::Up(run, message.clone()), Body::Up(run, message)];
            }
            _ => false,
        };
        self.lies += u32::from(lied);
        vec![Body::Up(run, message)]
    }

    /// What is sent instead of an upload.
    pub(crate) fn upload(
        &mut self,
        run: RunId,
        (header, bytes): (MaskedHeader, Vec<u8>),
        dice: &mut Dice,
    ) -> Vec<Body> {
        if self.misdeed == Misdeed::OneField {
            let message = Upstream::Masked(header);
            let lied = self.liar.say::<S>(self.client, &message, dice);
            self.lies += u32::from(lied.is_some());
            return vec![Body::Up(run, lied.unwrap_or(message)), Body::Vector(bytes)];
        }
        let last = self.last.replace((header.clone(), bytes.clone()));
        let honest = vec![Body::Up(run, Upstream::Masked(header.clone())), Body::Vector(bytes.clone())];
        if dice.chance(300) {
            return honest;
        }
        let mut sent = Vec::new();
        match (self.misdeed, last) {
            (Misdeed::Replay, Some((header, bytes))) => sent.extend(pair(run, header, bytes)),
            (Misdeed::StaleVector, Some((_, bytes))) => sent.extend(self.signed(run, header, bytes)),
            (Misdeed::WrongLength, _) => {
                let length = *dice.pick(&[0, bytes.len() / 2, bytes.len() - 1, bytes.len() + 1]);
                let mut bytes = bytes;
                bytes.resize(length, 1);
                sent.extend(self.signed(run, header, bytes));
            }
            (Misdeed::BadDigest, _) => {
                let mut bytes = bytes;
                flip(&mut bytes, dice);
                sent.extend(pair(run, header, bytes));
            }
            (Misdeed::SpoiltVector, _) => {
                let mut bytes = bytes;
                spoil(&mut bytes, dice);
                sent.extend(self.signed(run, header, bytes));
            }
            (Misdeed::DoubleSubmit, _) => {
                sent.extend(pair(run, header.clone(), bytes.clone()));
                sent.extend(pair(run, header, bytes));
            }
            (Misdeed::WrongModel, _) => {
                let mut header = header;
                header.descriptor = Digest::of(b"another round");
                sent.extend(self.signed(run, header, bytes));
            }
            _ => return honest,
        }
        self.lies += 1;
        sent
    }

    fn signed(&self, run: RunId, mut header: MaskedHeader, bytes: Vec<u8>) -> [Body; 2] {
        header.vector = Digest::of_vector(&bytes);
        header.signature = S::sign(&self.key, &header.to_sign::<S>());
        pair(run, header, bytes)
    }
}

fn pair(run: RunId, header: MaskedHeader, bytes: Vec<u8>) -> [Body; 2] {
    [Body::Up(run, Upstream::Masked(header)), Body::Vector(bytes)]
}

/// Changes a low bit of one coordinate: of a high one the linear checksum may not see the change, and whoever lies about its own upload may
/// add to the sum what it likes anyway.
fn spoil(bytes: &mut [u8], dice: &mut Dice) {
    let at = dice.index(bytes.len() / 8) * 8;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << dice.below(8);
    }
}

fn flip(bytes: &mut [u8], dice: &mut Dice) {
    if !bytes.is_empty() {
        let at = dice.index(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
    }
}
