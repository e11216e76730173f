use super::*;
use crate::suite::SigningKey;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn staff(name: &str) -> StaffNumber {
    StaffNumber::parse(name).unwrap()
}

#[test]
fn the_old_key_s_word_is_for_one_person_one_old_key_and_one_new_one() {
    let (anna, old, new) = (staff("bank/e1"), key(1), key(2));
    let request = PersonRequest::make(&anna, &new, Some(&old), 7).unwrap();
    let word = request.after.clone().unwrap();
    let person = |staff: &StaffNumber, key: &SigningKey| Person {
        staff: staff.clone(),
        signing_key: key.verifying_key(),
        holdings: Vec::new(),
    };
    assert!(word.is_of(&person(&anna, &old), &new.verifying_key()));
    assert!(!word.is_of(&person(&staff("bank/e2"), &old), &new.verifying_key()));
    assert!(!word.is_of(&person(&anna, &key(3)), &new.verifying_key()));
    assert!(!word.is_of(&person(&anna, &old), &key(3).verifying_key()));
    let signed_by_another = Word {
        signature: PersonRequest::make(&anna, &new, Some(&key(3)), 7).unwrap().after.unwrap().signature,
        ..word
    };
    assert!(!signed_by_another.is_of(&person(&anna, &old), &new.verifying_key()));
    // What is signed stands still: a release that signs something else would break every word that was given.
    let inputs =
        [proof_input(&anna, &new.verifying_key(), 7), word_input(&anna, &old.verifying_key(), &new.verifying_key())];
    let digests = inputs.map(|input| Digest::of(&input).to_string());
    assert_eq!(
        digests,
        [
            "214777d8f9a9d18fd71641e61426e50dc3f492ff3c93f367422a169215f3000e",
            "dc948bfe0f915bbb51e93c2c69cb0508d94cc26675d14a8208b3961b33efa4a2"
        ]
    );
    assert_eq!(fingerprint(&anna, &new.verifying_key()).to_string(), "495e-d97d-b686-43ab-7441-ffa9-8d75-f5ac");
}

#[test]
fn a_request_is_proved_for_one_person_one_key_and_one_time() {
    let (anna, own) = (staff("bank/e1"), key(2));
    let PersonRequest { proof, .. } = PersonRequest::make(&anna, &own, None, 7).unwrap();
    let public = own.verifying_key();
    assert!(is_proved(&anna, &public, 7, &proof));
    assert!(!is_proved(&staff("bank/e2"), &public, 7, &proof));
    assert!(!is_proved(&anna, &key(3).verifying_key(), 7, &proof));
    assert!(!is_proved(&anna, &public, 8, &proof));
}
