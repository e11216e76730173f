//! Rows that wait between the reading of a table and the writing of its scores.

use tributary_model::features::EncodedRow;

use super::rater::Turn;
use super::spool::{Spool, Spooled, SpooledRows};
use crate::data::{CustomerKey, plainest};

fn spooled(rows: &[(&str, u8, f64)]) -> SpooledRows {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::new(folder.path(), 2, 1, true).unwrap();
    for (number, (customer, byte, score)) in rows.iter().enumerate() {
        let encoded = [*byte, 7];
        let row = Spooled {
            encoded: EncodedRow::new(&encoded),
            stage: (number % 2 == 0).then_some(number),
            turn: if *customer == "z" { Turn::Challenger } else { Turn::Named },
            logits: &[*score],
            key: Some(customer),
            customer,
        };
        spool.push(&row).unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "files without names");
    spool.finish().unwrap()
}

#[test]
fn of_a_customers_rows_the_first_by_its_contents_counts_in_whatever_order_they_come() {
    let rows = [("a", 3, 0.5), ("b", 9, 0.1), ("a", 1, 0.9), ("a", 2, 0.4), ("b", 9, 0.1), ("c", 5, 0.2)];
    let told = |rows: &[(&str, u8, f64)]| {
        let all = spooled(rows);
        let superseded = all.superseded().unwrap();
        let mut told = Vec::new();
        all.each(&superseded, |customer, row, _, _| {
            told.push((customer.to_owned(), row.bytes()[0]));
            Ok(())
        })
        .unwrap();
        (told, superseded.rows, superseded.most, all.cuts(&superseded).unwrap())
    };
    let (found, gone, most, cuts) = told(&rows);
    assert_eq!(found, [("b".to_owned(), 9), ("a".to_owned(), 1), ("c".to_owned(), 5)]);
    assert_eq!((gone, most), (3, 3));
    assert_eq!(
        [0.9, 0.2, 0.1].map(|score| cuts.of(Turn::Named)[0].decile(score)),
        [1, 4, 7],
        "three customers, and no row twice"
    );
    let mut turned = rows;
    turned.reverse();
    let (mut other, ..) = told(&turned);
    let mut found = found;
    found.sort_unstable();
    other.sort_unstable();
    assert_eq!(found, other);
}

#[test]
fn rows_come_back_with_their_stages_and_their_digest_knows_no_order() {
    let rows = [("甲", 3, 0.5), ("", 9, 0.1), ("z", 1, 0.9)];
    let all = spooled(&rows);
    let mut stages = Vec::new();
    all.each(&all.superseded().unwrap(), |customer, _, stage, turn| {
        stages.push((customer.to_owned(), stage, turn));
        Ok(())
    })
    .unwrap();
    let (named, other) = (Turn::Named, Turn::Challenger);
    assert_eq!(stages, [("甲".into(), Some(0), named), (String::new(), None, named), ("z".into(), Some(2), other)]);
    let turned = spooled(&[rows[2], rows[0], rows[1]]);
    assert_eq!(all.digest(), turned.digest());
    for other in [&rows[..2], &[rows[0], rows[1], ("z", 2, 0.9)], &[rows[0], rows[1], ("d", 1, 0.9)]] {
        assert_ne!(spooled(other).digest(), all.digest());
    }
    assert!(spooled(&[]).cuts(&spooled(&[]).superseded().unwrap()).unwrap().is_empty());
}

#[test]
fn rows_without_some_customers_are_as_if_these_had_not_been_read() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [("a-1", 3, 0.5), ("b", 9, 0.1), ("A1", 1, 0.9), ("z", 1, 0.3), ("b", 2, 0.4), ("甲", 5, 0.2)];
    let told = |all: &SpooledRows| {
        let superseded = all.superseded().unwrap();
        let mut told = Vec::new();
        all.each(&superseded, |customer, row, _, turn| {
            told.push((customer.to_owned(), row.bytes().to_vec(), turn));
            Ok(())
        })
        .unwrap();
        let cuts = all.cuts(&superseded).unwrap();
        let tenths = Turn::ALL.map(|turn| cuts.of(turn).iter().map(|cuts| cuts.decile(0.2)).collect::<Vec<_>>());
        (told, all.count(), superseded.rows, superseded.most, tenths, all.digest())
    };
    let all = spooled(&rows);
    let without = |gone: &[&str]| {
        let gone: Vec<CustomerKey> = gone.iter().map(|gone| plainest(gone)).collect();
        all.without(folder.path(), &|customer| gone.contains(customer)).unwrap()
    };
    assert!(without(&[]).is_none() && without(&["c", "a"]).is_none());
    for gone in [&["a 1"][..], &["b"], &["z"], &["甲", "B"], &["a1", "b", "z", "甲"]] {
        let stay = rows.into_iter().filter(|(own, ..)| !gone.iter().any(|gone| plainest(gone) == plainest(own)));
        let stay: Vec<_> = stay.collect();
        let (left, rows) = without(gone).unwrap();
        assert_eq!((told(&left), rows), (told(&spooled(&stay)), 6 - left.count()), "{gone:?}");
        assert_eq!(left.count() as usize, stay.len());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "files without names");
    // Without a column of customers nobody knows whose a row is.
    let rows = Spool::new(folder.path(), 2, 1, false).unwrap().finish().unwrap();
    assert!(rows.without(folder.path(), &|_| true).unwrap().is_none());
}

#[test]
fn every_label_of_each_model_has_tenths_of_its_own_and_no_row_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let spool = || Spool::new(folder.path(), 1, 2, false).unwrap();
    let cuts = |spool: Spool| {
        let rows = spool.finish().unwrap();
        rows.cuts(&rows.superseded().unwrap()).unwrap()
    };
    let mut both = spool();
    for number in 0..20 {
        let score = f64::from(number);
        let (encoded, logits) = (EncodedRow::new(&[0]), &[score, -score]);
        // The challenger's scores are higher, and its tenths are among its own.
        for (turn, logits) in [(Turn::Named, *logits), (Turn::Challenger, [score + 100.0, 0.0])] {
            let row = Spooled { encoded, stage: None, turn, logits: &logits, key: None, customer: "one" };
            both.push(&row).unwrap();
        }
    }
    let found = cuts(both);
    let [named, other] = Turn::ALL.map(|turn| found.of(turn));
    assert_eq!([named[0].decile(19.0), named[0].decile(0.0)], [1, 10]);
    assert_eq!([named[1].decile(0.0), named[1].decile(-19.0)], [1, 10]);
    assert_eq!([other[0].decile(119.0), other[0].decile(100.0)], [1, 10]);
    assert!(cuts(spool()).is_empty());
}
