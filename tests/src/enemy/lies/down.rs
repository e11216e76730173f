//! Lies to a client, signed by the coordinator, and by members that lie with it.

use tributary_protocol::digest::Canonical;
use tributary_protocol::ids::{ClientId, RoundId, SessionId};
use tributary_protocol::limits::PROTOCOL_VERSION;
use tributary_protocol::message::RefusalCode::{
    BadKeyMaterial, NotApproved, PlanMalformed, PolicyFloor, RosterInvalid, RoundReused, SignatureInvalid,
    SurvivorsInvalid, Unexpected,
};
use tributary_protocol::message::{
    Downstream, Encapsulation, Floor, Freeze, Offer, RefusalCode, SignedBody, Survivors, Welcome, keys_digest,
    signed_message,
};
use tributary_protocol::plan::{ApprovalFault, AttestationFault, RunRef};

use super::row::{Earned, Row};
use crate::cast::{Keyed, client_key, coordinator_key};

type Change = fn(ClientId, &mut Downstream) -> bool;

fn in_welcome<S: Keyed>(message: &mut Downstream, change: impl FnOnce(&mut Welcome)) -> bool {
    let Downstream::Welcome(welcome) = message else { return false };
    change(welcome);
    sign_welcome::<S>(welcome);
    true
}

/// The coordinator's signature over what a welcome says now.
pub(crate) fn sign_welcome<S: Keyed>(welcome: &mut Welcome) {
    let run = RunRef { plan: welcome.plan.digest(), number: welcome.number }.id();
    let body = Canonical::new("WELCOME")
        .u32(PROTOCOL_VERSION)
        .digest(&welcome.nonce)
        .digest(&run.digest())
        .digest(&welcome.roster.roster.digest())
        .u64(welcome.at.0)
        .u64(welcome.begun.0);
    welcome.signature = S::sign(&coordinator_key::<S>(), &signed_message("WELCOME", &S::digest(body)));
}

fn in_offer<S: Keyed>(message: &mut Downstream, change: impl FnOnce(&mut Offer)) -> bool {
    let Downstream::Offer(offer) = message else { return false };
    change(offer);
    offer.signature = S::sign(&coordinator_key::<S>(), &offer.to_sign::<S>());
    true
}

/// Changes a frozen cohort in the place of a member that is not the listener.
fn in_freeze(to: ClientId, message: &mut Downstream, change: impl FnOnce(&mut Freeze, usize)) -> bool {
    let Downstream::Freeze(freeze) = message else { return false };
    if freeze.keys.len() < 3 {
        return false;
    }
    let Some(place) = freeze.members.iter().rposition(|member| member.client != to) else { return false };
    change(freeze, place);
    true
}

/// A member signs its statement again.
fn restate<S: Keyed>(freeze: &mut Freeze, place: usize) {
    let statement = &mut freeze.members.to_mut()[place];
    statement.signature = S::sign(&client_key::<S>(statement.client), &statement.to_sign::<S>());
}

/// A member states the keys that are shown of it.
fn rekey<S: Keyed>(freeze: &mut Freeze, place: usize) {
    let keys = &freeze.keys[place];
    freeze.members.to_mut()[place].keys = keys_digest::<S>(&keys.exchange, &keys.commitments);
    restate::<S>(freeze, place);
}

fn in_items(message: &mut Downstream, change: impl FnOnce(&mut Vec<Encapsulation>)) -> bool {
    match message {
        Downstream::Encapsulations { items, .. } if items.len() > 1 => change(items),
        _ => return false,
    }
    true
}

/// A member signs what it encapsulated again.
fn sign_item<S: Keyed>(item: &mut Encapsulation) {
    item.signature = S::sign(&client_key::<S>(item.from), &item.to_sign::<S>());
}

fn in_survivors(message: &mut Downstream, change: impl FnOnce(&mut Survivors)) -> bool {
    match message {
        Downstream::Survivors(set) if set.uploads.len() > 1 => change(set),
        _ => return false,
    }
    true
}

fn of(earns: Earned, rows: Vec<(&'static str, Change)>) -> impl Iterator<Item = Row<Downstream, Earned>> {
    rows.into_iter().map(move |(what, change)| (what, earns, change))
}

/// Every row.
pub(super) fn rows<S: Keyed>() -> Vec<Row<Downstream, Earned>> {
    let mut rows = joining::<S>();
    rows.extend(keying::<S>());
    rows.extend(dealing());
    rows.extend(rounds());
    rows
}

/// Whatever the coordinator writes, it has no key of the people who sign.
const NOT_APPROVED: RefusalCode = NotApproved(ApprovalFault::Approval(AttestationFault::Subject));
const FORGED: RefusalCode = NotApproved(ApprovalFault::Approval(AttestationFault::Signature));
const FOREIGN: RefusalCode = NotApproved(ApprovalFault::Proposal(AttestationFault::Federation));

fn joining<S: Keyed>() -> Vec<Row<Downstream, Earned>> {
    let malformed: Vec<(&'static str, Change)> =
        vec![("a welcome in another version", |_, message| in_welcome::<S>(message, |welcome| welcome.version += 1))];
    // What is said of another run than the one that was asked about is no answer, whoever has signed it.
    let elsewhere: Vec<(&'static str, Change)> = vec![
        ("a welcome with no plan", |_, message| in_welcome::<S>(message, |welcome| welcome.plan.runs = 0)),
        ("a welcome with more retries than a plan may have", |_, message| {
            in_welcome::<S>(message, |welcome| welcome.plan.retries = u32::MAX)
        }),
        ("a welcome with a cheaper stage", |_, message| {
            in_welcome::<S>(message, |welcome| {
                welcome.plan.stages[0].charge = tributary_protocol::privacy::Accounts::zero();
            })
        }),
        ("a welcome to a run before the first", |_, message| in_welcome::<S>(message, |welcome| welcome.number = 0)),
        ("a welcome to a run after the last", |_, message| {
            in_welcome::<S>(message, |welcome| welcome.number = welcome.plan.runs + 1)
        }),
        ("a welcome with another schema", |_, message| {
            in_welcome::<S>(message, |welcome| welcome.plan.schema.0[0] ^= 1)
        }),
        ("a welcome with another purpose", |_, message| {
            in_welcome::<S>(message, |welcome| welcome.plan.purpose = "another".into())
        }),
        ("a welcome with a laxer cohort", |_, message| {
            in_welcome::<S>(message, |welcome| welcome.plan.cohort.cohort_min -= 1)
        }),
    ];
    let roster: Vec<(&'static str, Change)> = vec![
        ("a welcome with a roster that nobody signed", |_, message| {
            in_welcome::<S>(message, |welcome| welcome.roster.signatures.clear())
        }),
        ("a welcome with a roster of a forged signature", |_, message| {
            in_welcome::<S>(message, |welcome| welcome.roster.signatures[0].signature.bytes[0] ^= 1)
        }),
    ];
    let other: Vec<(&'static str, Earned, Change)> = vec![
        ("a welcome with an approval of another plan", Earned::Refusal(NOT_APPROVED), |_, message| {
            in_welcome::<S>(message, |welcome| welcome.approvals.approval.subject.0[0] ^= 1)
        }),
        (
            "a welcome that one person signed twice",
            Earned::Refusal(NotApproved(ApprovalFault::OnePerson)),
            |_, message| {
                in_welcome::<S>(message, |welcome| welcome.approvals.approval = welcome.approvals.proposal.clone())
            },
        ),
        ("a welcome with a forged approval", Earned::Refusal(FORGED), |_, message| {
            in_welcome::<S>(message, |welcome| welcome.approvals.approval.signature.bytes[0] ^= 1)
        }),
        ("a welcome with a proposal of another federation", Earned::Refusal(FOREIGN), |_, message| {
            in_welcome::<S>(message, |welcome| welcome.approvals.proposal.federation.0[0] ^= 1)
        }),
        ("a welcome with a forged signature", Earned::Distrust, |_, message| match message {
            Downstream::Welcome(welcome) => {
                welcome.signature.bytes[0] ^= 1;
                true
            }
            _ => false,
        }),
        ("an end after more rounds than were signed", Earned::Distrust, |_, message| match message {
            Downstream::Finished { rounds, .. } => {
                *rounds += 1;
                true
            }
            _ => false,
        }),
        ("an end that nobody signed", Earned::Distrust, |_, message| match message {
            Downstream::Finished { proof, .. } => {
                *proof = None;
                true
            }
            _ => false,
        }),
    ];
    of(Earned::Refusal(PlanMalformed), malformed)
        .chain(of(Earned::Distrust, elsewhere))
        .chain(of(Earned::Refusal(RosterInvalid), roster))
        .chain(other)
        .collect()
}

fn keying<S: Keyed>() -> Vec<Row<Downstream, Earned>> {
    let unexpected: Vec<(&'static str, Change)> = vec![
        ("an offer in another run", |_, message| in_offer::<S>(message, |offer| offer.run.0[0] ^= 1)),
        ("an offer under another roster", |_, message| in_offer::<S>(message, |offer| offer.roster.0[0] ^= 1)),
        ("an offer without this client", |to, message| {
            in_offer::<S>(message, |offer| offer.candidates.to_mut().retain(|client| *client != to))
        }),
        ("an offer out of order", |_, message| in_offer::<S>(message, |offer| offer.candidates.to_mut().swap(0, 1))),
        ("an offer to a stranger", |_, message| {
            in_offer::<S>(message, |offer| offer.candidates.to_mut().push(ClientId(77_777)))
        }),
        ("an offer for no round", |_, message| in_offer::<S>(message, |offer| offer.rounds = 0)),
        ("an offer for more rounds than the plan says", |_, message| {
            in_offer::<S>(message, |offer| offer.rounds = 100)
        }),
        ("a frozen cohort without a member", |_, message| {
            in_freeze(ClientId(0), message, |freeze, _| drop(freeze.members.to_mut().pop()))
        }),
        ("a frozen cohort out of order", |_, message| {
            in_freeze(ClientId(0), message, |freeze, _| freeze.members.to_mut().swap(0, 1))
        }),
        ("a frozen cohort with another statement of this client", |to, message| match message {
            Downstream::Freeze(freeze) => {
                let Some(place) = freeze.members.iter().position(|member| member.client == to) else { return false };
                freeze.members.to_mut()[place].contribution.0[0] ^= 1;
                restate::<S>(freeze, place);
                true
            }
            _ => false,
        }),
        ("a statement with a commitment to noise", |to, message| {
            in_freeze(to, message, |freeze, place| {
                freeze.members.to_mut()[place].noise.push(tributary_protocol::digest::Digest::ZERO);
                restate::<S>(freeze, place);
            })
        }),
        ("a statement with a nonce", |to, message| {
            in_freeze(to, message, |freeze, place| {
                freeze.members.to_mut()[place].nonce = Some([0; 32]);
                restate::<S>(freeze, place);
            })
        }),
        ("a frozen cohort without a neighbour's keys", |to, message| {
            in_freeze(to, message, |freeze, place| drop(freeze.keys.to_mut().remove(place)))
        }),
    ];
    let unsigned: Vec<(&'static str, Change)> = vec![
        ("an offer with a forged signature", |_, message| match message {
            Downstream::Offer(offer) => {
                offer.signature.bytes[0] ^= 1;
                true
            }
            _ => false,
        }),
        ("a statement for another session", |to, message| {
            in_freeze(to, message, |freeze, place| {
                freeze.members.to_mut()[place].session = SessionId([9; 32]);
                restate::<S>(freeze, place);
            })
        }),
        ("a statement that nobody signed", |to, message| {
            in_freeze(to, message, |freeze, place| freeze.members.to_mut()[place].contribution.0[0] ^= 1)
        }),
        ("keys that are not a member's stated ones", |to, message| {
            in_freeze(to, message, |freeze, place| freeze.keys.to_mut()[place].exchange.diffie_hellman[0] ^= 1)
        }),
        ("a member's commitments for fewer rounds", |to, message| {
            in_freeze(to, message, |freeze, place| {
                freeze.keys.to_mut()[place].commitments.pop();
                rekey::<S>(freeze, place);
            })
        }),
        ("an encapsulation relayed for another session", |_, message| {
            in_items(message, |items| {
                items[1].session = SessionId([9; 32]);
                sign_item::<S>(&mut items[1]);
            })
        }),
        ("an encapsulation relayed for another member", |_, message| {
            in_items(message, |items| {
                items[1].to = ClientId(0);
                sign_item::<S>(&mut items[1]);
            })
        }),
        ("an encapsulation relayed with a forged signature", |_, message| {
            in_items(message, |items| items[1].signature.bytes[0] ^= 1)
        }),
    ];
    let other: Vec<(&'static str, Earned, Change)> = vec![
        ("an offer from a round before the first", Earned::Refusal(RoundReused), |_, message| {
            in_offer::<S>(message, |offer| offer.first_round = RoundId(0))
        }),
        ("a frozen cohort with a smaller quorum", Earned::Refusal(PolicyFloor(Floor::Cohort)), |_, message| {
            in_freeze(ClientId(0), message, |freeze, _| freeze.thresholds.quorum -= 1)
        }),
        ("an encapsulation key that is none", Earned::Refusal(BadKeyMaterial), |to, message| match message {
            // Of a member to whom this one encapsulates.
            Downstream::Freeze(freeze) if freeze.keys.last().is_some_and(|last| last.client != to) => {
                let place = freeze.keys.len() - 1;
                freeze.keys.to_mut()[place].exchange.encapsulation.pop();
                rekey::<S>(freeze, place);
                true
            }
            _ => false,
        }),
        ("a ciphertext that is none", Earned::Refusal(BadKeyMaterial), |_, message| {
            in_items(message, |items| {
                items[1].ciphertext.pop();
                sign_item::<S>(&mut items[1]);
            })
        }),
    ];
    of(Earned::Refusal(Unexpected), unexpected)
        .chain(of(Earned::Refusal(SignatureInvalid), unsigned))
        .chain(other)
        .collect()
}

fn dealing() -> Vec<Row<Downstream, Earned>> {
    let unexpected: Vec<(&'static str, Change)> = vec![
        ("an encapsulation relayed too few", |_, message| in_items(message, |items| drop(items.pop()))),
        ("an encapsulation relayed twice", |_, message| in_items(message, |items| items.push(items[0].clone()))),
        ("encapsulations relayed out of order", |_, message| in_items(message, |items| items.swap(0, 1))),
        ("a dealer's statement too few", |_, message| match message {
            Downstream::Shares { deals, .. } => deals.to_mut().pop().is_some(),
            _ => false,
        }),
        ("dealers' statements out of order", |_, message| match message {
            Downstream::Shares { deals, .. } if deals.len() > 1 => {
                deals.to_mut().swap(0, 1);
                true
            }
            _ => false,
        }),
        ("another deal of this client", |to, message| match message {
            Downstream::Shares { deals, .. } => {
                let own = deals.to_mut().iter_mut().find(|deal| deal.client == to);
                own.is_some_and(|own| {
                    own.root.0[0] ^= 1;
                    true
                })
            }
            _ => false,
        }),
        ("a bundle relayed too few", |_, message| match message {
            Downstream::Shares { bundles, .. } => bundles.pop().is_some(),
            _ => false,
        }),
        ("bundles relayed out of order", |_, message| match message {
            Downstream::Shares { bundles, .. } if bundles.len() > 1 => {
                bundles.swap(0, 1);
                true
            }
            _ => false,
        }),
        ("a bundle relayed to somebody else", |_, message| match message {
            Downstream::Shares { bundles, .. } if !bundles.is_empty() => {
                bundles[0].to = ClientId(0);
                true
            }
            _ => false,
        }),
    ];
    let bad: Vec<(&'static str, Change)> = vec![
        ("a bundle that was changed", |_, message| match message {
            Downstream::Shares { bundles, .. } if !bundles.is_empty() => {
                bundles[0].sealed[0] ^= 1;
                true
            }
            _ => false,
        }),
        ("another root than a bundle was dealt under", |to, message| match message {
            Downstream::Shares { deals, .. } => {
                let other = deals.to_mut().iter_mut().find(|deal| deal.client != to);
                other.is_some_and(|other| {
                    other.root.0[0] ^= 1;
                    true
                })
            }
            _ => false,
        }),
    ];
    let unsigned: Vec<(&'static str, Change)> = vec![
        ("a member's acknowledgement too few", |_, message| match message {
            Downstream::SetupAcks { signatures, .. } => signatures.to_mut().pop().is_some(),
            _ => false,
        }),
        ("members' acknowledgements out of order", |_, message| match message {
            Downstream::SetupAcks { signatures, .. } if signatures.len() > 1 => {
                signatures.to_mut().swap(0, 1);
                true
            }
            _ => false,
        }),
        ("a member's acknowledgement that is forged", |_, message| match message {
            Downstream::SetupAcks { signatures, .. } if !signatures.is_empty() => {
                signatures.to_mut()[0].bytes[0] ^= 1;
                true
            }
            _ => false,
        }),
    ];
    let rows = of(Earned::Refusal(Unexpected), unexpected).chain(of(Earned::Refusal(BadKeyMaterial), bad));
    rows.chain(of(Earned::Refusal(SignatureInvalid), unsigned)).collect()
}

fn rounds() -> Vec<Row<Downstream, Earned>> {
    let sets: Vec<(&'static str, Change)> = vec![
        ("survivors out of order", |_, message| in_survivors(message, |set| set.uploads.to_mut().swap(0, 1))),
        ("a survivor twice", |_, message| {
            in_survivors(message, |set| {
                let first = set.uploads[0];
                set.uploads.to_mut().insert(0, first);
            })
        }),
        ("a stranger among the survivors", |_, message| {
            in_survivors(message, |set| {
                let vector = set.uploads[0].1;
                set.uploads.to_mut().push((ClientId(77_777), vector));
            })
        }),
        ("another vector of this client", |to, message| {
            in_survivors(message, |set| {
                set.uploads.to_mut().iter_mut().filter(|upload| upload.0 == to).for_each(|upload| upload.1.0[0] ^= 1);
            })
        }),
        ("survivors without this client", |to, message| {
            in_survivors(message, |set| set.uploads.to_mut().retain(|upload| upload.0 != to))
        }),
        ("no survivor but this client", |to, message| {
            in_survivors(message, |set| set.uploads.to_mut().retain(|upload| upload.0 == to))
        }),
    ];
    let certificates: Vec<(&'static str, Change)> = vec![
        ("a certificate with one signature", |_, message| match message {
            Downstream::Quorum(certificate) if certificate.signatures.len() > 1 => {
                certificate.signatures.to_mut().truncate(1);
                true
            }
            _ => false,
        }),
        ("a certificate with a signer twice", |_, message| match message {
            Downstream::Quorum(certificate) if certificate.signatures.len() > 1 => {
                let signatures = certificate.signatures.to_mut();
                signatures[1] = signatures[0].clone();
                true
            }
            _ => false,
        }),
        ("a certificate out of order", |_, message| match message {
            Downstream::Quorum(certificate) if certificate.signatures.len() > 1 => {
                certificate.signatures.to_mut().swap(0, 1);
                true
            }
            _ => false,
        }),
        ("a certificate with a forged signature", |_, message| match message {
            Downstream::Quorum(certificate) if !certificate.signatures.is_empty() => {
                certificate.signatures.to_mut()[0].1.bytes[0] ^= 1;
                true
            }
            _ => false,
        }),
    ];
    of(Earned::Refusal(SurvivorsInvalid), sets).chain(of(Earned::Refusal(SignatureInvalid), certificates)).collect()
}
