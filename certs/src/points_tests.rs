use tributary_protocol::ids::{ClientId, OrganisationId};
use tributary_protocol::roster::{Holding, MemberName, Person, RosterEntry, Scope};
use tributary_protocol::secagg::suite::Signature;

use super::*;
use crate::gates::tests::{FEDERATION, manifest};
use crate::people::make_person;
use crate::suite::SigningKey;

fn statement() -> PointsStatement {
    PointsStatement {
        federation: FEDERATION,
        model: manifest().digest(),
        head: "churn".into(),
        base_points: 600,
        base_odds: 50,
        double: 20,
        field: "income".into(),
        bin: 3,
        values: "below 1000".into(),
        before: -12,
        after: -15,
        sequence: 4,
        previous: Digest([9; 32]),
        reason: "the policy of May".into(),
    }
}

/// The plan's owner, a validator and one more, with a roster in which their roles last until second 2000.
struct People {
    folder: tempfile::TempDir,
    owner: SigningPerson,
    validator: SigningPerson,
    other: SigningPerson,
    roster: Roster,
}

fn people() -> People {
    let folder = tempfile::tempdir().unwrap();
    let person = |number: &str| {
        let staff = StaffNumber::parse(&format!("north-bank/{number}")).unwrap();
        make_person(&folder.path().join(number), &staff, 7).unwrap()
    };
    let (owner, validator, other) = (person("e1"), person("e2"), person("e3"));
    let entry = RosterEntry {
        client: ClientId(1),
        name: MemberName::parse("north-bank/branch-1").unwrap(),
        organisation: OrganisationId(1),
        signing_key: SigningKey::from_seed(&[9; 32]).verifying_key(),
        tls_spki_sha256: Digest([1; 32]),
        not_after: 9_000,
    };
    let holder = |person: &SigningPerson, role| Person {
        staff: person.staff().clone(),
        signing_key: person.key().public(),
        holdings: vec![Holding { role, deputy_of: None, scope: Scope::Federation, from: 1, until: 2_000 }],
    };
    let people = vec![holder(&owner, Role::PlanOwner), holder(&validator, Role::ModelValidator)];
    let roster = Roster::new(1, Digest::ZERO, vec![entry], Vec::new(), people).unwrap();
    People { folder, owner, validator, other, roster }
}

#[test]
fn a_change_that_differs_anywhere_has_another_digest() {
    type Change = fn(&mut PointsStatement);
    let changes: [Change; 17] = [
        |one| one.federation = Digest([6; 32]),
        |one| one.model = Digest([6; 32]),
        |one| one.head = "loss".into(),
        |one| one.base_points += 1,
        |one| one.base_odds += 1,
        |one| one.double += 1,
        |one| std::mem::swap(&mut one.base_odds, &mut one.double),
        |one| one.field = "age".into(),
        |one| (one.head, one.field) = ("chur".into(), "nincome".into()),
        |one| one.bin += 1,
        |one| one.values = "below 2000".into(),
        |one| one.before += 1,
        |one| one.after += 1,
        |one| std::mem::swap(&mut one.before, &mut one.after),
        |one| one.sequence += 1,
        |one| one.previous = Digest([6; 32]),
        |one| one.reason = "another".into(),
    ];
    let digests = changes.iter().map(|change| {
        let mut one = statement();
        change(&mut one);
        one.digest().to_string()
    });
    let digests: std::collections::BTreeSet<String> = digests.chain([statement().digest().to_string()]).collect();
    assert_eq!(digests.len(), changes.len() + 1);
    // What is signed stands still: a release that signs something else would break every change that was signed.
    let still = PointsStatement { model: Digest([4; 32]), ..statement() }.digest();
    assert_eq!(still.to_string(), "888ead7b4ceb6af0b957bd3d5c280c42f64dfb44b6cca85337ae31f474dbd07c");
}

#[test]
fn each_text_is_one_line_that_is_shown_whole() {
    type Place = fn(&mut PointsStatement) -> &mut Untrusted;
    let places: [Place; 4] = [|one| &mut one.head, |one| &mut one.field, |one| &mut one.values, |one| &mut one.reason];
    let check = |place: Place, text: &str| {
        let mut file = PointsFile::new(manifest(), statement());
        *place(&mut file.statement) = text.into();
        file.check()
    };
    let (longest, wide) = ("x".repeat(600), "\u{e4}".repeat(MODEL_REASON_BYTES_MAX / 2));
    let (longer, wider) = (format!("{longest}x"), format!("{wide}x"));
    for place in places {
        for good in ["a", &longest, &wide] {
            assert_eq!(check(place, good), Ok(()));
        }
        for bad in ["", " a", "a\nb", "a\u{202e}b", &longer, &wider] {
            assert_eq!(check(place, bad), Err(PointsFault::Words), "{bad:?}");
        }
    }
    let mut other = PointsFile::new(manifest(), statement());
    other.manifest.lineage.rounds += 1;
    assert_eq!(other.check(), Err(PointsFault::OtherModel));
}

#[test]
fn two_people_in_two_roles_sign_a_change_through_its_file() {
    let People { folder, owner, validator, other, .. } = people();
    let path = folder.path().join("a.points");
    let mut file = PointsFile::new(manifest(), statement());
    file.write(&path).unwrap();
    assert!(matches!(file.write(&path), Err(FileError::Exists { .. })));
    let may = |file: &PointsFile, person: &SigningPerson, role| file.may_sign(person.staff(), role, &FEDERATION);
    let duty = |role| Err(PointsFault::Signers(SignersFault::Duty { role, owner: owner.staff().clone() }));
    let signed = |person: &SigningPerson, role| {
        Err(PointsFault::Signers(SignersFault::Signed { staff: person.staff().clone(), role }))
    };
    assert_eq!(may(&file, &owner, Role::PlanOwner), Ok(()));
    assert_eq!(may(&file, &other, Role::PlanOwner), Ok(()), "as the owner's deputy");
    assert_eq!(may(&file, &validator, Role::ModelValidator), Ok(()));
    assert_eq!(may(&file, &owner, Role::ModelValidator), duty(Role::ModelValidator));
    assert_eq!(may(&file, &other, Role::Auditor), duty(Role::Auditor));
    assert_eq!(file.may_sign(owner.staff(), Role::PlanOwner, &Digest::ZERO), Err(PointsFault::Federation));
    let empty = PointsFile::new(manifest(), PointsStatement { reason: "".into(), ..statement() });
    assert_eq!(may(&empty, &owner, Role::PlanOwner), Err(PointsFault::Words));
    file.sign(&owner, Role::PlanOwner, FEDERATION, 8).unwrap();
    assert_eq!(may(&file, &owner, Role::ModelValidator), signed(&owner, Role::PlanOwner));
    assert_eq!(may(&file, &other, Role::PlanOwner), signed(&owner, Role::PlanOwner));
    file.replace(&path).unwrap();
    let mut file = PointsFile::read(&path).unwrap();
    file.sign(&validator, Role::ModelValidator, FEDERATION, 9).unwrap();
    let complete = SignersFault::Complete { install: "tributary model points install" };
    assert_eq!(may(&file, &other, Role::Auditor), Err(PointsFault::Signers(complete.clone())));
    let refused = file.sign(&other, Role::PlanOwner, FEDERATION, 10);
    assert_eq!((refused, file.signatures.len()), (Err(PointsFault::Signers(complete)), 2));
    let stands = |number, model, previous: Option<[u8; 32]>| file.stands(number, &model, previous.map(Digest).as_ref());
    let model = file.statement.model;
    assert!(stands(4, model, None) && stands(4, model, Some([9; 32])));
    assert!(!stands(5, model, None) && !stands(4, Digest::ZERO, None) && !stands(4, model, Some([8; 32])));
    let signatures: Vec<_> = file.signatures.iter().map(|one| (one.action, one.subject, one.role, one.at)).collect();
    let subject = statement().digest();
    assert_eq!(signatures, [(ACTION, subject, Role::PlanOwner, 8), (ACTION, subject, Role::ModelValidator, 9)]);
}

#[test]
fn a_change_counts_by_the_signatures_of_both_and_each_fault_is_named() {
    let People { owner, validator, roster, .. } = people();
    let mut good = PointsFile::new(manifest(), statement());
    good.sign(&owner, Role::PlanOwner, FEDERATION, 8).unwrap();
    good.sign(&validator, Role::ModelValidator, FEDERATION, 9).unwrap();
    let judge = |change: &dyn Fn(&mut PointsFile)| {
        let mut file = good.clone();
        change(&mut file);
        file.judge(&roster, &FEDERATION, Some(100))
    };
    assert_eq!(judge(&|_| ()), Ok(()));
    assert_eq!(judge(&|file| file.signatures.reverse()), Ok(()));
    assert_eq!(judge(&|file| file.statement.reason = "".into()), Err(PointsFault::Words));
    assert_eq!(judge(&|file| file.manifest.lineage.rounds += 1), Err(PointsFault::OtherModel));
    assert_eq!(judge(&|file| file.statement.federation = Digest::ZERO), Err(PointsFault::Federation));
    assert_eq!(good.judge(&roster, &Digest::ZERO, Some(100)), Err(PointsFault::Federation));
    for count in [0, 1] {
        assert_eq!(judge(&|file| file.signatures.truncate(count)), Err(PointsFault::Incomplete(count)));
    }
    let third = good.signatures[0].clone();
    assert_eq!(judge(&|file| file.signatures.push(third.clone())), Err(PointsFault::Incomplete(3)));
    let twice = SignersFault::Signed { staff: owner.staff().clone(), role: Role::PlanOwner };
    assert_eq!(judge(&|file| file.signatures[1] = third.clone()), Err(PointsFault::Signers(twice)));
    let fault = |fault| Err(PointsFault::Attestation(fault));
    assert_eq!(judge(&|file| file.statement.after += 1), fault(AttestationFault::Subject));
    for place in [0, 1] {
        let forged = judge(&|file| file.signatures[place].signature = Signature::none());
        assert_eq!(forged, fault(AttestationFault::Signature));
        let foreign = judge(&|file| file.signatures[place].federation = Digest::ZERO);
        assert_eq!(foreign, fault(AttestationFault::Federation));
        let role = judge(&|file| file.signatures[place].role = Role::Auditor);
        assert_eq!(role, fault(AttestationFault::Duty));
    }
    assert_eq!(good.judge(&roster, &FEDERATION, Some(100_000)), fault(AttestationFault::Ended));
    assert_eq!(good.judge(&roster, &FEDERATION, None), Ok(()));
}
