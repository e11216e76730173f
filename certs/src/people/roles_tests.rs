use tributary_storage::faults::{each_fault, each_sync_fails_once, number, synced};

use super::*;
use crate::people::{make_next_key, make_person, read_people};
use crate::prepared::{NOW, Prepared};

fn staff(number: &str) -> StaffNumber {
    StaffNumber::parse(&format!("north-bank/{number}")).unwrap()
}

fn giver() -> Giver {
    Giver { by: "dora".to_owned(), at: NOW }
}

fn officer() -> RoleGiven {
    RoleGiven { role: Role::PrivacyOfficer, scope: Scope::Federation, from: NOW, until: NOW + 86_400 }
}

fn listed(world: &Prepared) -> Vec<Person> {
    read_people(&world.ca()).unwrap().into_iter().map(|enlisted| enlisted.person).collect()
}

/// A role that is gone is not taken a second time, and a key that is lost is not lost again: whoever types it again is told so.
#[test]
fn roles_are_given_and_taken_whichever_write_fails() {
    let prepared = Prepared::new();
    let own = make_person(&prepared.at("e1"), &staff("e1"), NOW).unwrap();
    let next = make_next_key(&prepared.at("next"), &own, NOW).unwrap();
    let stranger = make_person(&prepared.at("other"), &staff("e1"), NOW).unwrap();
    let failed = each_sync_fails_once(
        || prepared.copied(),
        |world| {
            let person = grant(&world.ca(), own.request(), &officer(), false, &giver())?;
            assert_eq!(listed(world), [person]);
            Ok::<_, PeopleError>(())
        },
    );
    assert!(failed > 0);
    grant(&prepared.ca(), own.request(), &officer(), false, &giver()).unwrap();
    let failed = each_sync_fails_once(
        || prepared.copied(),
        |world| {
            let person = change_key(&world.ca(), next.request(), false, &giver())?;
            assert_eq!(listed(world), [person]);
            Ok::<_, PeopleError>(())
        },
    );
    assert!(failed > 0);
    let before = listed(&prepared);
    let failed = each_fault(|fault| {
        let world = prepared.copied();
        let take = || revoke(&world.ca(), &staff("e1"), Which::All);
        assert_eq!(fault.during(take).is_err(), fault.struck());
        if listed(&world) == before {
            take().unwrap();
        }
        assert_eq!(listed(&world), []);
        // Of one that was told a failure: the folder is synced before it hears that there is no role any more.
        let (done, asked) = synced(None, || revoke(&world.ca(), &staff("e1"), Which::Role(Role::PrivacyOfficer)));
        assert!(done.is_err() && asked == [number(&world.ca())], "{done:?}");
    });
    assert!(failed > 0);
    let failed = each_fault(|fault| {
        let world = prepared.copied();
        let lose = || change_key(&world.ca(), stranger.request(), true, &giver());
        assert_eq!(fault.during(lose).is_err(), fault.struck());
        if listed(&world) == before {
            lose().unwrap();
        }
        assert_eq!(listed(&world)[0].signing_key, stranger.key().public());
        let (back, asked) = synced(None, || change_key(&world.ca(), own.request(), true, &giver()));
        assert!(matches!(back, Err(PeopleError::Lost { .. })) && asked == [number(&world.ca())]);
    });
    assert!(failed > 0);
}
