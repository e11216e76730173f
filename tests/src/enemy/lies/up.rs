//! Lies of a client, signed by it: each earns that it is cut off.

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, SessionId};
use tributary_protocol::message::{
    Deal, Encapsulation, Keys, MaskedHeader, SignedBody, Upstream, envelopes_digest, keys_digest, rounds_digest,
};
use tributary_protocol::privacy::Accounts;
use tributary_protocol::secagg::commitments::pairs_digest;

use super::row::Row;
use crate::cast::{Keyed, client_key};

/// Somebody else.
fn other(client: ClientId) -> ClientId {
    ClientId(if client.0 == 1 { 2 } else { 1 })
}

fn in_keys<S: Keyed>(client: ClientId, message: &mut Upstream, change: impl FnOnce(&mut Keys)) -> bool {
    let Upstream::Keys(keys) = message else { return false };
    change(keys);
    keys.statement.signature = S::sign(&client_key::<S>(client), &keys.statement.to_sign::<S>());
    true
}

fn in_items(message: &mut Upstream, change: impl FnOnce(&mut Vec<Encapsulation>)) -> bool {
    match message {
        Upstream::Encapsulations { items, .. } if items.len() > 1 => change(items),
        _ => return false,
    }
    true
}

/// Changes a deal, and makes its statement true and signed where `states`.
fn in_deal<S: Keyed>(client: ClientId, message: &mut Upstream, states: bool, change: impl FnOnce(&mut Deal)) -> bool {
    let Upstream::Deal(deal) = message else { return false };
    if deal.bundles.len() < 2 || deal.pairs.iter().any(Vec::is_empty) {
        return false;
    }
    change(deal);
    if states {
        deal.statement.envelopes = envelopes_digest::<S>(&deal.envelopes);
        let pairs: Vec<Digest> = deal.pairs.iter().map(|pairs| pairs_digest::<S>(pairs)).collect();
        deal.statement.pairs = rounds_digest::<S>(&pairs);
        deal.statement.signature = S::sign(&client_key::<S>(client), &deal.statement.to_sign::<S>());
    }
    true
}

/// Changes a header, and signs its head and itself.
fn in_header<S: Keyed>(client: ClientId, message: &mut Upstream, change: impl FnOnce(&mut MaskedHeader)) -> bool {
    let Upstream::Masked(header) = message else { return false };
    let key = client_key::<S>(client);
    change(header);
    header.head.signature = S::sign(&key, &header.head.to_sign::<S>());
    header.signature = S::sign(&key, &header.to_sign::<S>());
    true
}

/// Every row.
pub(super) fn rows<S: Keyed>() -> [Row<Upstream, ()>; 31] {
    [
        ("a join in another version", (), |_: ClientId, message: &mut Upstream| match message {
            Upstream::Join(join) => {
                join.version += 1;
                true
            }
            _ => false,
        }),
        ("a join with another schema", (), |_, message| match message {
            Upstream::Join(join) => {
                join.schema.0[0] ^= 1;
                true
            }
            _ => false,
        }),
        ("an acceptance of another run", (), |_, message| match message {
            Upstream::Accept { run, .. } => {
                run.0[0] ^= 1;
                true
            }
            _ => false,
        }),
        ("an acceptance with a head that forgets what was spent", (), |client, message| match message {
            Upstream::Accept { head, .. } => {
                head.spent = Accounts::zero();
                head.signature = S::sign(&client_key::<S>(client), &head.to_sign::<S>());
                true
            }
            _ => false,
        }),
        ("an acceptance with a head of another epoch", (), |client, message| match message {
            Upstream::Accept { head, .. } => {
                head.epoch += 1;
                head.signature = S::sign(&client_key::<S>(client), &head.to_sign::<S>());
                true
            }
            _ => false,
        }),
        ("an acceptance with a head that was not signed", (), |_, message| match message {
            Upstream::Accept { head, .. } => {
                head.counter += 1;
                true
            }
            _ => false,
        }),
        ("keys for another client", (), |client, message| {
            in_keys::<S>(client, message, |keys| keys.statement.client = other(client))
        }),
        ("keys that are not the stated ones", (), |client, message| {
            in_keys::<S>(client, message, |keys| keys.exchange.diffie_hellman[0] ^= 1)
        }),
        ("keys with a commitment to noise", (), |client, message| {
            in_keys::<S>(client, message, |keys| keys.statement.noise.push(Digest::ZERO))
        }),
        ("keys with a nonce", (), |client, message| {
            in_keys::<S>(client, message, |keys| keys.statement.nonce = Some([0; 32]))
        }),
        ("keys with a lower counter", (), |client, message| {
            in_keys::<S>(client, message, |keys| keys.statement.counter -= 1)
        }),
        ("keys with a higher counter", (), |client, message| {
            in_keys::<S>(client, message, |keys| keys.statement.counter += 1)
        }),
        ("keys for fewer rounds", (), |client, message| {
            in_keys::<S>(client, message, |keys| {
                keys.commitments.pop();
                keys.statement.keys = keys_digest::<S>(&keys.exchange, &keys.commitments);
            })
        }),
        ("keys with a forged signature", (), |_, message| match message {
            Upstream::Keys(keys) => {
                keys.statement.signature.bytes[0] ^= 1;
                true
            }
            _ => false,
        }),
        ("an encapsulation for another session", (), |_, message| {
            in_items(message, |items| items[1].session = SessionId([9; 32]))
        }),
        ("an encapsulation by another client", (), |client, message| {
            in_items(message, |items| items[1].from = other(client))
        }),
        ("an encapsulation too few", (), |_, message| in_items(message, |items| drop(items.pop()))),
        ("encapsulations out of order", (), |_, message| in_items(message, |items| items.swap(0, 1))),
        ("a deal for another client", (), |client, message| {
            in_deal::<S>(client, message, true, |deal| deal.statement.client = other(client))
        }),
        ("a bundle too few", (), |client, message| {
            in_deal::<S>(client, message, true, |deal| drop(deal.bundles.pop()))
        }),
        ("bundles out of order", (), |client, message| {
            in_deal::<S>(client, message, true, |deal| deal.bundles.swap(0, 1))
        }),
        ("an envelope too few", (), |client, message| {
            in_deal::<S>(client, message, true, |deal| drop(deal.envelopes.pop()))
        }),
        ("commitments for a neighbour too few", (), |client, message| {
            in_deal::<S>(client, message, true, |deal| {
                deal.pairs[0].pop();
            })
        }),
        ("other envelopes than the stated ones", (), |client, message| {
            in_deal::<S>(client, message, false, |deal| deal.envelopes[0][0] ^= 1)
        }),
        ("other commitments than the stated ones", (), |client, message| {
            in_deal::<S>(client, message, false, |deal| deal.pairs[0][0].0[0] ^= 1)
        }),
        ("a set-up acknowledged with a forged signature", (), |_, message| match message {
            Upstream::SetupAck { signature, .. } => {
                signature.bytes[0] ^= 1;
                true
            }
            _ => false,
        }),
        ("a header over another descriptor", (), |client, message| {
            in_header::<S>(client, message, |header| header.descriptor.0[0] ^= 1)
        }),
        ("a header with a head that forgets what was spent", (), |client, message| {
            in_header::<S>(client, message, |header| header.head.spent = Accounts::zero())
        }),
        ("a header with a head of a lower counter", (), |client, message| {
            in_header::<S>(client, message, |header| header.head.counter = 0)
        }),
        ("a header with a head that does not pay for its round", (), |client, message| {
            in_header::<S>(client, message, |header| header.head.charged.last_round -= 1)
        }),
        ("a survivor set acknowledged with a forged signature", (), |_, message| match message {
            Upstream::SurvivorsAck { signature, .. } => {
                signature.bytes[0] ^= 1;
                true
            }
            _ => false,
        }),
    ]
}
