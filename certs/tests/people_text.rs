//! Whatever people a roster has, its text says the same, and no other text says it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use proptest::prelude::*;
use tributary_certs::roster::{parse_roster, print_roster};
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::limits::HOLDING_SECONDS_MAX;
use tributary_protocol::role::Role;
use tributary_protocol::roster::{Holding, MemberName, Person, Roster, RosterEntry, Scope, SignedRoster, StaffNumber};

/// People as a strategy draws them: of every role, with deputies of whoever holds the role before them.
fn people() -> impl Strategy<Value = Vec<Person>> {
    let holding = (0..8_usize, 0..3_u8, any::<u32>(), 0..=HOLDING_SECONDS_MAX);
    let drawn = prop::collection::vec((1..9_u8, prop::collection::vec(holding, 1..4)), 0..7);
    drawn.prop_map(|drawn| {
        let mut people: Vec<Person> = Vec::new();
        for (index, (seed, drawn)) in drawn.into_iter().enumerate() {
            let staff = StaffNumber::parse(&format!("bank-{}/e-{index}", index / 4)).unwrap();
            let place = u8::try_from(index).unwrap();
            let signing_key = SigningKey::from_seed(&[seed.wrapping_add(place * 10); 32]).verifying_key();
            let mut holdings: Vec<Holding> = Vec::new();
            for (role, scope, from, lasts) in drawn {
                let role = Role::ALL[role];
                let scope = match scope {
                    0 if !role.is_of_branches() => Scope::Federation,
                    1 if role.is_of_branches() => Scope::Branches(vec![ClientId(1), ClientId(2)]),
                    _ => Scope::Organisation(OrganisationId(1)),
                };
                let from = u64::from(from);
                let own = Holding { role, deputy_of: None, scope, from, until: from + lasts };
                let principal = people.iter().find_map(|other| Some((&other.staff, other.holding(role)?)));
                let stands_in = |(staff, held): (&StaffNumber, &Holding)| Holding {
                    deputy_of: Some(staff.clone()),
                    scope: held.scope.clone(),
                    ..own.clone()
                };
                holdings.push(principal.map_or(own.clone(), stands_in));
            }
            holdings.sort_by(|one, other| (one.role, &one.deputy_of).cmp(&(other.role, &other.deputy_of)));
            holdings.dedup_by(|one, other| (one.role, &one.deputy_of) == (other.role, &other.deputy_of));
            let conflicts = |holding: &Holding| matches!(holding.role, Role::PrivacyOfficer | Role::ModelValidator);
            if holdings.iter().any(|holding| holding.role == Role::PlanOwner) {
                holdings.retain(|holding| !conflicts(holding));
            }
            people.push(Person { staff, signing_key, holdings });
        }
        people
    })
}

/// Two branches of one organisation.
fn entries() -> Vec<RosterEntry> {
    let entry = |client: u8| RosterEntry {
        client: ClientId(client.into()),
        name: MemberName::parse(&format!("north-bank/branch-{client}")).unwrap(),
        organisation: OrganisationId(1),
        signing_key: SigningKey::from_seed(&[200 + client; 32]).verifying_key(),
        tls_spki_sha256: Digest([client; 32]),
        not_after: 2_000_000_000,
    };
    vec![entry(1), entry(2)]
}

#[test]
fn whatever_people_a_roster_has_its_text_says_the_same() {
    let entries = entries();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    runner
        .run(&people(), |people| {
            let roster = Roster::new(1, Digest::ZERO, entries.clone(), vec![], people.clone()).unwrap();
            let signed = SignedRoster { roster, signatures: vec![] };
            let text = print_roster(&signed);
            prop_assert!(parse_roster(&text).as_ref() == Ok(&signed), "{text}");
            // Whatever differs in the text is no text, or another roster.
            let other = text.replacen(" until 1", " until 2", 1);
            if other != text {
                prop_assert!(parse_roster(&other).as_ref() != Ok(&signed));
            }
            for line in text.lines().filter(|line| line.starts_with("person ") || line.starts_with("role ")) {
                let twice = text.replacen(line, &format!("{line}\n{line}"), 1);
                prop_assert!(parse_roster(&twice).as_ref() != Ok(&signed));
                let wide = text.replacen(line, &line.replacen(' ', "  ", 1), 1);
                prop_assert_eq!(parse_roster(&wide), Err(None));
            }
            Ok(())
        })
        .unwrap();
}
