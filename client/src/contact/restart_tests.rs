use super::*;

fn place(records: u64, head: u8) -> Place {
    Place { records, head: Digest([head; 32]) }
}

fn restart() -> Restart {
    Restart {
        branch: "north-bank/branch-01".to_owned(),
        left: place(4, 1),
        noted: Some(place(7, 2)),
        skipped: 3,
        reason: "the disk failed".to_owned(),
        at: 9,
    }
}

#[test]
fn two_restarts_that_differ_anywhere_are_signed_otherwise() {
    let changes: [fn(&mut Restart); 12] = [
        |one| one.branch.push('x'),
        |one| one.left.records += 1,
        |one| one.left.head = Digest([9; 32]),
        |one| one.noted = None,
        |one| one.noted = Some(Place { records: 0, head: Digest::ZERO }),
        |one| one.noted = Some(Place { records: 8, head: Digest([2; 32]) }),
        |one| one.noted = Some(Place { records: 7, head: Digest([9; 32]) }),
        |one| (one.left, one.noted) = (Place { records: 7, head: Digest([2; 32]) }, Some(one.left)),
        |one| one.skipped += 1,
        |one| one.reason.push('x'),
        |one| one.at += 1,
        |one| (one.skipped, one.at) = (9, 3),
    ];
    let digests = changes.iter().map(|change| {
        let mut one = restart();
        change(&mut one);
        one.digest()
    });
    let all: std::collections::BTreeSet<Digest> = digests.chain([restart().digest()]).collect();
    assert_eq!(all.len(), changes.len() + 1);
    let without = Restart { noted: None, ..restart() };
    let fewer = Restart { noted: Some(place(3, 2)), ..restart() };
    assert_eq!((restart().lost(), without.lost(), fewer.lost()), (3, 0, 0));
    let digest = restart().digest();
    assert_ne!(RestartWord::message(&digest, 1), RestartWord::message(&digest, 2));
    assert_ne!(RestartWord::message(&digest, 1), RestartWord::message(&Digest::ZERO, 1));
}
