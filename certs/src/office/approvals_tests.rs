use super::*;

#[test]
fn a_fingerprint_is_read_with_dashes_and_without() {
    let fingerprint = Fingerprint::of_keys(&Digest::of(b"keys"));
    let text = fingerprint.to_string();
    assert_eq!(text.split('-').count(), 8);
    for text in [text.clone(), text.replace('-', ""), text.replace('-', " "), text.to_uppercase()] {
        assert_eq!(Fingerprint::parse(&text), Some(fingerprint), "{text}");
    }
    for bad in ["", &text[1..], &text[..34], "zzzz"] {
        assert_eq!(Fingerprint::parse(bad), None, "{bad}");
    }
}

const NOW: u64 = 1_900_000_000;

fn identity(id: &str) -> Identity {
    Identity::parse(&format!("spiffe://federation.example/bank/client/{id}")).unwrap()
}

#[test]
fn a_request_waits_for_thirty_days_and_is_approved_within_them() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Digest([1; 32]);
    let fingerprint = Fingerprint::of_keys(&keys);
    let ask = |now| approved(folder.path(), keys, &identity("x"), true, now).unwrap();
    let last = NOW + WAITING_SECONDS;
    assert_eq!(ask(NOW), None);
    let waiting = read_waiting(folder.path()).unwrap();
    let expected = Waiting { identity: identity("x"), fingerprint, renewal: true, approval: None, since: NOW, keys };
    assert_eq!(waiting, std::slice::from_ref(&expected));
    // Asking again changes nothing as long as it waits.
    assert_eq!((ask(last), read_waiting(folder.path()).unwrap()), (None, vec![expected.clone()]));
    let past = approve(folder.path(), &[fingerprint], "anna", last + 1);
    assert!(matches!(past, Err(EnrolmentError::Refused(fault)) if fault.kind == FaultKind::ApprovalUnknown));
    let approval = Approval { by: "anna".to_owned(), at: last };
    let done = approve(folder.path(), &[fingerprint], "anna", last).unwrap();
    assert_eq!(done, [Waiting { approval: Some(approval.clone()), ..expected.clone() }]);
    assert_eq!(ask(last), Some(approval));
    // After the last day it is asked for anew.
    assert_eq!(ask(last + 1), None);
    assert_eq!(read_waiting(folder.path()).unwrap(), [Waiting { since: last + 1, ..expected }]);
}

#[test]
fn one_request_of_a_member_waits_at_a_time_and_one_alone_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let names = || -> Vec<(String, u8)> {
        let waiting = read_waiting(folder.path()).unwrap();
        waiting.into_iter().map(|one| (one.identity.id().to_owned(), one.keys.as_bytes()[0])).collect()
    };
    for (id, key) in [("x", 1), ("y", 2), ("x", 3)] {
        approved(folder.path(), Digest([key; 32]), &identity(id), false, NOW).unwrap();
    }
    assert_eq!(names(), [("y".to_owned(), 2), ("x".to_owned(), 3)]);
    // One that nobody knows stops all of them.
    let prints = [2, 9].map(|key| Fingerprint::of_keys(&Digest([key; 32])));
    assert!(approve(folder.path(), &prints, "anna", NOW).is_err());
    assert!(read_waiting(folder.path()).unwrap().iter().all(|one| one.approval.is_none()));
    forget(folder.path(), Digest([2; 32]), NOW).unwrap();
    forget(folder.path(), Digest([7; 32]), NOW).unwrap();
    assert_eq!(names(), [("x".to_owned(), 3)]);
}

#[test]
fn an_approver_s_name_is_one_short_word() {
    for good in ["a", "anna.b@bank-1_x", &"x".repeat(64)] {
        assert!(Approval::may_name(good), "{good}");
    }
    for bad in ["", "two words", "a:b", "\u{e4}", &"x".repeat(65)] {
        assert!(!Approval::may_name(bad), "{bad}");
    }
}

#[test]
fn a_waiting_request_has_one_line() {
    let keys = Digest([1; 32]);
    let fingerprint = Fingerprint::of_keys(&keys);
    for (renewal, approval) in [(false, None), (true, Some(Approval { by: "anna".to_owned(), at: 5 }))] {
        let one = Waiting { identity: identity("x"), fingerprint, renewal, approval, since: 3, keys };
        let line = one.line();
        assert_eq!(Waiting::parse(line.trim_end()), Some(one));
        let line = line.trim_end();
        for bad in [
            format!("{line} "),
            line.replace("kind ", "kind re"),
            line.replace("state ", "state un"),
            line.replace("since 3", "since 03"),
            line.replace(" by ", " of "),
        ] {
            assert!(bad == line || Waiting::parse(&bad).is_none(), "{bad}");
        }
    }
}
