use super::*;

fn issued(client: u32, serial: u32, not_after: u64) -> Issued {
    Issued {
        identity: Identity::parse(&format!("spiffe://federation.example/north-bank/client/c{client}")).unwrap(),
        serial: serial.to_be_bytes().to_vec(),
        validity: Validity { not_before: 0, not_after },
        spki_sha256: Digest::of(&serial.to_be_bytes()),
    }
}

fn write(folder: &Path, lines: &[Issued]) {
    write_list(&folder.join(ISSUED), TITLE, lines.iter().map(Issued::line)).unwrap();
}

#[test]
fn a_long_log_moves_its_past_away() {
    let folder = tempfile::tempdir().unwrap();
    let full: Vec<_> =
        (0..u32::try_from(ISSUED_LINES_MAX).unwrap()).map(|serial| issued(serial / 3, serial, 10)).collect();
    write(folder.path(), &full);
    let now = GRACE_SECONDS + 11;
    let newest = issued(0, u32::MAX, now);
    assert!(record(folder.path(), newest.clone(), now).unwrap());
    assert!(!record(folder.path(), newest.clone(), now).unwrap());
    assert_eq!(read_issued(folder.path()).unwrap(), [newest]);
    let archive = read_list(&folder.path().join(format!("issued-{now}")), TITLE, WHAT, Issued::parse).unwrap();
    assert_eq!(archive, full);
}

/// Certificates that are valid still are needed to be revoked: none is lost, and the log does not outgrow what can be read again.
#[test]
fn a_log_of_valid_certificates_is_full_and_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut full: Vec<_> =
        (0..u32::try_from(ISSUED_LINES_MAX).unwrap()).map(|serial| issued(serial / 3, serial, 1_000)).collect();
    write(folder.path(), &full);
    let refused = record(folder.path(), issued(1, u32::MAX, 2_000), 500);
    assert!(matches!(refused, Err(FileError::Full { .. })), "{refused:?}");
    assert_eq!(read_issued(folder.path()).unwrap(), full);
    // The newest of each bearer is there for the renewal's grace; older ones that have ended are not needed, and make room.
    full[3].validity.not_after = 400;
    full[3 * 5 + 1].validity.not_after = 450;
    for line in [6, 7, 8] {
        full[line].validity.not_after = 450;
    }
    write(folder.path(), &full);
    assert!(record(folder.path(), issued(1, u32::MAX, 2_000), 500).unwrap());
    let kept = read_issued(folder.path()).unwrap();
    assert_eq!(kept.len(), ISSUED_LINES_MAX - 1);
    assert!(kept.contains(&full[6]) && !kept.contains(&full[3]) && !kept.contains(&full[16]));
    // Room once more in the same second: the other file grows, and loses nothing.
    full = kept;
    full.push(issued(2, 1 << 30, 499));
    write(folder.path(), &full);
    full[20].validity.not_after = 400;
    write(folder.path(), &full);
    assert!(record(folder.path(), issued(1, (1 << 30) + 1, 2_000), 500).unwrap());
    let archive = read_list(&folder.path().join("issued-500"), TITLE, WHAT, Issued::parse).unwrap();
    assert!(archive.contains(&issued(1, 3, 400)) && archive.contains(&issued(5, 16, 450)), "{}", archive.len());
    assert!(archive.len() > 2);
}

#[test]
fn what_is_moved_away_has_ended_and_the_newest_of_each_bearer_ends_its_grace_as_well() {
    const NOW: u64 = 2 * GRACE_SECONDS;
    let log = [
        // The newest stands first, so that the order of the lines decides nothing.
        issued(1, 1, NOW - 5),
        issued(1, 2, NOW - 9),
        issued(2, 3, NOW - GRACE_SECONDS),
        issued(3, 4, NOW - GRACE_SECONDS - 1),
        issued(4, 5, NOW),
        issued(4, 6, NOW + 9),
        issued(4, 7, NOW - 1),
        issued(5, 8, NOW - 3),
        issued(5, 9, NOW - 3),
    ];
    let folder = tempfile::tempdir().unwrap();
    let kept = move_away(folder.path(), log.to_vec(), NOW).unwrap();
    let moved = read_list(&folder.path().join(format!("issued-{NOW}")), TITLE, WHAT, Issued::parse).unwrap();
    let of = |places: &[usize]| places.iter().map(|place| log[*place].clone()).collect::<Vec<_>>();
    assert_eq!(kept, of(&[0, 2, 4, 5, 7, 8]));
    assert_eq!(moved, of(&[1, 3, 6]));
    assert_eq!(move_away(folder.path(), kept.clone(), NOW - 1).unwrap(), kept);
    assert!(!folder.path().join(format!("issued-{}", NOW - 1)).exists(), "nothing moved makes no file");
}

#[test]
fn a_line_of_the_log_says_all_of_a_certificate_and_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let one = Issued { validity: Validity { not_before: 3, not_after: 8 }, ..issued(1, 2, 0) };
    assert!(!record(folder.path(), one.clone(), 5).unwrap() && !record(folder.path(), one.clone(), 5).unwrap());
    let text = std::fs::read_to_string(folder.path().join(ISSUED)).unwrap();
    let line = format!(
        "serial 00000002 not-before 3 not-after 8 spki {} identity spiffe://federation.example/north-bank/client/c1",
        one.spki_sha256
    );
    assert_eq!(text, format!("{TITLE}\n{line}\n"));
    assert_eq!(Issued::parse(&line), Some(one));
    for bad in [format!("{line} "), line.replace("not-before 3", "not-before 03"), line.replace("serial 0", "serial ")]
    {
        assert_eq!(Issued::parse(&bad), None, "{bad}");
    }
}

#[test]
fn a_log_of_exactly_the_limit_moves_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let most = u32::try_from(ISSUED_LINES_MAX).unwrap();
    let lines: Vec<_> = (0..most - 1).map(|serial| issued(serial, serial, 10)).collect();
    write(folder.path(), &lines);
    let now = GRACE_SECONDS + 11;
    assert!(!record(folder.path(), issued(0, u32::MAX, now), now).unwrap());
    assert_eq!(read_issued(folder.path()).unwrap().len(), ISSUED_LINES_MAX);
    assert!(!folder.path().join(format!("issued-{now}")).exists());
}

/// A line leaves the log when it is in the other file, and no sooner.
#[cfg(unix)]
#[test]
fn no_line_of_the_log_is_lost_whichever_write_fails() {
    let log = [issued(1, 1, 10), issued(1, 2, GRACE_SECONDS)];
    let failed = tributary_storage::faults::each_sync_fails_once(
        || tempfile::tempdir().unwrap(),
        |folder| {
            let kept = move_away(folder.path(), log.to_vec(), 20)?;
            assert_eq!(kept, log[1..]);
            record(folder.path(), kept[0].clone(), 20)?;
            assert_eq!(read_issued(folder.path())?, kept);
            Ok::<_, FileError>(())
        },
    );
    assert!(failed > 2);
}
