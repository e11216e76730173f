//! Audit bundles: what is in order is, and whatever was changed is found.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod bill;
mod cards;
mod cases;
mod days;
mod figures;
mod forks;
mod grants;
mod heads;
mod incidents;
mod ledgers;
mod mutations;
mod partial;
mod parts;
mod plans;
mod registers;
mod reports;
mod rules;
mod score;
mod spent;
mod world;

use std::io::Cursor;

use tributary_evidence::bundle::{Audited, Authority, Bundle, DAY_MS, Options, Sent, Standing, audit, in_sum};
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RoundId;
use tributary_protocol::round::CoordinatorEvent;
use tributary_protocol::time::Millis;

use world::{Event, SMALL, Shape, World, authorities};

/// What no world of these tests has, unless a test adds it: grants of the owners, and cosignatures of more than half of the branches under the last entries.
const LACKS: [&str; 2] =
    ["run of a branch that no grant of its owner here allows", "entries at the end of the journal"];

/// Where a bundle stands for the strict, but for what these worlds do not have.
fn strictly(found: &Audited) -> Standing {
    let lacks = |reason: &str| LACKS.iter().any(|lack| reason.starts_with(lack));
    match found.standing {
        Standing::Intact if !found.not_verified.iter().all(|one| lacks(&one.reason)) => Standing::Incomplete,
        standing => standing,
    }
}

/// What the audit of these bytes comes to, for somebody who knows the usual authorities; 4 where they are no bundle, and 1 where its table was changed.
fn code(bytes: &[u8], strict: bool) -> (u8, String) {
    use tributary_evidence::bundle::BundleFault;
    match Bundle::open(Cursor::new(bytes)) {
        Err(fault @ BundleFault::OtherTable) => (1, fault.to_string()),
        Err(fault) => (4, fault.to_string()),
        Ok(bundle) => {
            let audited = audited(&bundle, false);
            let standing = if strict { strictly(&audited) } else { audited.standing };
            (standing.code(), audited.to_string())
        }
    }
}

fn audited(bundle: &Bundle<Cursor<&[u8]>>, strict: bool) -> Audited {
    let authority = Some(Authority::List(authorities(SMALL.authorities)));
    audit(bundle, &Options { strict, ..asked(authority) }).unwrap()
}

/// Of all days, long after every time that a bundle of these tests says but one.
fn asked(authority: Option<Authority>) -> Options {
    Options { authority, strict: false, days: None, now: Millis(50_000 * DAY_MS), checkpoint: None }
}

#[test]
fn an_unchanged_bundle_is_intact_and_says_what_was_verified() {
    let world = World::new(SMALL);
    let bytes = world.bundle();
    let bundle = Bundle::open(Cursor::new(bytes.as_slice())).unwrap();
    let found = audited(&bundle, false);
    assert_eq!(strictly(&found), Standing::Intact, "{found}");
    // Nine uploads and nine of a quorum for each round, two people at the session; two authorities over three rosters are counted as rosters. Two
    // checkpoints, with seven cosignatures and two.
    assert_eq!(
        (found.signatures, found.sums_verified, found.models_verified),
        (3 * 18 + 2 + 3 + 2 + 9, 3, 4),
        "{found}"
    );
    let witnessed = &found.checkpoints;
    assert_eq!((witnessed.witnesses, witnessed.members, witnessed.entries_after), (7, 10, 2), "{found}");
    let registry = found.journal.as_ref().unwrap().registry.as_ref().unwrap();
    assert!(registry.each.iter().all(|model| model.follows) && registry.models == 1, "{found}");
    // The same parts give the same bytes.
    assert_eq!(world.bundle(), bytes);
    // Whoever names nobody is told so, and whoever names another is told that.
    let with = |authority| audit(&bundle, &asked(authority)).unwrap().standing;
    assert_eq!(with(None), Standing::Incomplete);
    let own = authorities(SMALL.authorities).digest();
    assert_eq!(with(Some(Authority::Fingerprint(own))), Standing::Intact);
    assert_eq!(with(Some(Authority::Fingerprint(Digest([7; 32])))), Standing::WrongKey);
}

#[test]
fn what_was_never_kept_is_not_verified_and_fails_the_strict() {
    let world = World::new(Shape { uploads: false, ..SMALL });
    let (intact, words) = code(&world.bundle(), false);
    assert_eq!(intact, 0, "{words}");
    assert!(words.contains("not verified: sums were not recomputed") && words.contains(" (3)\n"), "{words}");
    assert_eq!(code(&world.bundle(), true).0, 2);
}

#[test]
fn a_branch_finds_what_it_sent_in_the_sum() {
    let world = World::new(SMALL);
    let (own, entry) = (0..)
        .zip(&world.events)
        .find_map(|(place, event)| match event {
            Event::Run(CoordinatorEvent::UpdateAdmitted { round: RoundId(2), client, vector, .. }) if client.0 == 4 => {
                Some((*vector, place))
            }
            _ => None,
        })
        .unwrap();
    let bytes = world.bundle();
    let bundle = Bundle::open(Cursor::new(bytes.as_slice())).unwrap();
    let sent = Sent { run: world.run.reference(), round: RoundId(2), vector: own };
    let found = in_sum(&bundle, &sent).unwrap();
    assert_eq!((found.client, found.entry, found.vectors, found.recomputed), (4, entry, 9, true));
    let other = |sent| in_sum(&bundle, &sent).unwrap_err();
    assert!(other(Sent { round: RoundId(1), ..sent }).contains("no upload"));
    assert!(other(Sent { vector: Digest::ZERO, ..sent }).contains("no upload"));
    let run = tributary_protocol::plan::RunRef { number: 2, ..sent.run };
    assert!(other(Sent { run, ..sent }).contains("no such run"));
}
