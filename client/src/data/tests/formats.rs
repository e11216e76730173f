//! Encodings, layouts and packed files.

use super::*;

#[test]
fn several_characters_can_stand_between_values() {
    let (_folder, path) = file("age|@|job|@|y\n1|@|student|@|no\n2|@|\"office, old\"|@|yes\n");
    let matrix = read_csv(&path, &schema(r#"{ delimiter = "|@|" }"#)).unwrap();
    assert_eq!((ages(&matrix), matrix.targets().sum()), (vec![1.0, 2.0], 1.0));
}

/// Whatever a value begins with, and where it is empty.
#[test]
fn what_is_written_is_read_again() {
    let mut dialect = plain().dialect().clone();
    dialect.comment = Some(b'#');
    for header in [&["one"][..], &["one", "two"]] {
        let values = ["#x", "", "a", "\"", "a\nb", "a,b", "#"];
        let rows: [Vec<String>; 7] = values.map(|value| header.iter().map(|_| value.to_owned()).collect());
        let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        let (_folder, path) = file("");
        assert_eq!(write_csv(&path, &dialect, &header, &rows).unwrap(), 7);
        let mut records = records::Records::open(&path, &dialect).unwrap();
        assert_eq!(records.header(), header);
        for row in rows {
            let (_, record) = records.next().ok().flatten().expect("as many rows");
            assert_eq!(record.iter().collect::<Vec<_>>(), row);
        }
        assert!(records.next().is_ok_and(|end| end.is_none()));
    }
}

#[test]
fn columns_can_stand_at_fixed_bytes() {
    let fixed = r#"{ header = false, columns = ["y", "age", "job"], positions = ["1-3", "4-6", "7-17"], encoding = "gb18030" }"#;
    let (_folder, path) = file("no   1student\r\nyes 22office, old   \u{7f}\n");
    let matrix = read_csv(&path, &schema(fixed)).unwrap();
    assert_eq!((ages(&matrix), matrix.targets().sum()), (vec![1.0, 22.0], 1.0));
    let (told, _) = faults(
        encoding_rs::GB18030.encode("no 客1student\n").0,
        &schema(&fixed.replace("4-6", "4-4").replace("\"7-17\"", "\"6-17\"")),
    );
    assert!(told[0].starts_with("row 1, column \"age\": the column's positions cut through a character"), "{told:?}");
}

#[test]
fn a_packed_file_is_read_as_it_is() {
    let text = format!("age,job,y\n{}", "3,student,no\n".repeat(100_000));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, text.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let (_folder, path) = file(&packed);
    assert_eq!(read_csv(&path, &plain()).unwrap().rows(), 100_000);
    let torn = error(&packed[..packed.len() / 2]);
    assert!(matches!(torn, FileError::Read { .. }), "{torn}");
}

#[test]
fn encodings_are_read_by_their_key_and_named_without_it() {
    let text = "age,job,y\n1,student,是\n2,student,否\n";
    let labels = |key: &str| {
        let text = format!(
            "name = \"small\"\nversion = 1\ncsv = {{ {key} }}\n\
             fields = [{{ name = \"age\", kind = \"numeric\", min = 0, max = 100, class = \"C2\", level = \"L2\" }}]\n\
             labels = [{{ name = \"y\", positive = [\"yes\", \"是\"], negative = [\"no\", \"否\"] }}]\n"
        );
        Schema::parse(&text).unwrap()
    };
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (key, bytes) in [
        ("utf-8", text.as_bytes().to_vec()),
        ("utf-16", wide),
        ("utf-16", [&b"\xff\xfe"[..], &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat()),
        ("gb18030", encoding_rs::GB18030.encode(text).0.into_owned()),
        ("big5", encoding_rs::BIG5.encode(text).0.into_owned()),
    ] {
        let (_folder, path) = file(&bytes);
        let matrix =
            read_csv(&path, &labels(&format!("encoding = \"{key}\""))).unwrap_or_else(|fault| panic!("{key}: {fault}"));
        assert_eq!((matrix.targets().sum(), matrix.present().sum()), (1.0, 2.0), "{key}");
        if key == "utf-8" {
            let other = read_csv(&path, &labels("encoding = \"gb18030\"")).err().unwrap();
            assert!(other.to_string().contains("it looks like utf-8"), "{other}");
            continue;
        }
        let named = read_csv(&path, &labels("")).err().unwrap();
        let text = named.to_string();
        assert!(
            matches!(named, FileError::Encoding { .. }) && text.contains(&format!("csv.encoding = \"{key}\"")),
            "{text}"
        );
    }
    let latin = error(b"age,job,y\n1,student,no\n2,M\xfcller,no\n");
    let text = latin.to_string();
    assert!(matches!(latin, FileError::Encoding { row: Some(2), .. }) && text.contains("looks like latin1"), "{text}");
    let header = error(encoding_rs::GB18030.encode("客户号,age,job,y\n").0);
    assert!(header.to_string().contains("the header shows") && header.to_string().contains("gb18030"), "{header}");
    let (told, _) = faults(b"age,job,y\n1,student,no\n2,\xff,no\n", &schema("{ encoding = \"gb18030\" }"));
    assert!(told[0].starts_with("row 2, column \"job\": a character is not gb18030"), "{told:?}");
}

#[test]
fn a_renamed_spreadsheet_or_archive_is_called_that() {
    for (content, name) in [
        (&b"PK\x03\x04\x14\0[Content_Types].xml"[..], "a spreadsheet (xlsx"),
        (b"PK\x03\x04\x14\0customers.csv", "a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "(xls)"),
        (b"PAR1\x15\0", "a Parquet file"),
    ] {
        let fault = error(content);
        assert!(matches!(fault, FileError::Kind { .. }) && fault.to_string().contains(name), "{fault}");
    }
}

#[test]
fn a_wish_to_stop_ends_reading() {
    let (_folder, path) = file("age,job,y\n1,student,no\n");
    let stop = Stop::default();
    stop.now();
    assert!(matches!(read_table(&path, &plain(), &stop), Err(FileError::Stopped { .. })));
}
