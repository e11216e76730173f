//! What people sign of lists is the same in every release: a digest that was signed yesterday is the one of the same list tomorrow.

use std::fmt::Write as _;

use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;

use crate::contact::event::{Approval, BuiltList, ListFiles, TableLines};
use crate::contact::restart::{Place, Restart};
use crate::contact::{Counts, LeftOut};
use crate::whole::compare;

fn built() -> BuiltList {
    BuiltList {
        list: 7,
        branch: "north-bank/branch-01".into(),
        campaign: "december".into(),
        rules: (Digest([1; 32]), 11),
        owner: SigningKey::from_seed(&[2; 32]).verifying_key(),
        rules_path: "/rules.toml".into(),
        scores: Digest([3; 32]),
        scores_path: "/scores.csv".into(),
        scores_made_at: 12,
        models: vec![Digest([4; 32]), Digest([5; 32])],
        label: "churn".into(),
        confidential: None,
        tables: TableLines { attributes: 13, refusals: 14, contacts: Some(15), confidential: Some([16; 8]) },
        rows: 17,
        lines: 18,
        left_out: Counts::from([(LeftOut::Risk, 19), (LeftOut::OptedOut, 20)]),
        files: ListFiles { sheet: Digest([6; 32]), members: Digest([7; 32]) },
        made_at: 21,
        valid_until: 22,
    }
}

#[test]
fn what_is_signed_of_lists_is_what_it_was() {
    let mut told = String::new();
    let place = |records, head| Place { records, head: Digest([head; 32]) };
    for noted in [Some(place(7, 2)), None] {
        let restart = Restart {
            branch: "north-bank/branch-01".into(),
            left: place(4, 1),
            noted,
            skipped: 3,
            reason: "the disk failed".into(),
            at: 9,
        };
        let _ = writeln!(told, "restart {}", restart.digest());
    }
    let mut bare = built();
    (bare.tables.contacts, bare.tables.confidential) = (None, None);
    for list in [built(), bare] {
        let _ = writeln!(told, "list {}", list.digest());
    }
    let message = Approval::message(&Digest([8; 32]), 23);
    let hex: String = message.iter().map(|byte| format!("{byte:02x}")).collect();
    let _ = writeln!(told, "approval {hex}");
    compare(&told, "contact/tests/frozen.txt");
}
