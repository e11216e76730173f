//! What a coordinator does with the file of budget heads, which the journal's uploads name.

use tributary_protocol::budget::Kept;
use tributary_protocol::ids::ClientId;
use tributary_protocol::log::LOG_HEADER;

use super::cases::Change;

#[rustfmt::skip]
pub(super) const CASES: &[(&str, u8, Change)] = &[
    ("a file of heads with its header alone", 1, |world| {
        world.parts.insert("heads/budgets.ledger".into(), LOG_HEADER.to_vec());
    }),
    ("a file of heads without those of one branch", 1, |world| {
        world.heads.retain(|kept| !matches!(kept, Kept::Head(head) if head.client == ClientId(4)));
    }),
    ("a file of heads that was cut after the first round", 1, |world| {
        world.heads.retain(|kept| !matches!(kept, Kept::Head(head) if head.counter > 2));
    }),
    ("a file of heads of an earlier time that no upload names", 1, |world| {
        let head = world.head(ClientId(4), 1);
        world.heads.retain(|kept| !matches!(kept, Kept::Head(head) if head.client == ClientId(4)));
        world.heads.push(Kept::Head(Box::new(head)));
    }),
    ("a file of heads that was written anew after later uploads", 0, |world| {
        let head = world.head(ClientId(4), 9);
        world.heads.retain(|kept| !matches!(kept, Kept::Head(head) if head.client == ClientId(4)));
        world.heads.push(Kept::Head(Box::new(head)));
    }),
    ("heads under a roster that nobody has signed", 1, |world| {
        if let Some(Kept::Roster(roster)) = world.heads.first_mut() { roster.signatures.clear(); }
    }),
];
