use super::*;

#[test]
fn runs_of_clients_have_one_text_and_are_as_many_as_a_roster_has() {
    for (text, numbers) in [
        ("7", vec![7]),
        ("0,2-4", vec![0, 2, 3, 4]),
        ("1-2,4,6-7", vec![1, 2, 4, 6, 7]),
        ("4294967293,4294967295", vec![4_294_967_293, u32::MAX]),
        ("4294967294-4294967295", vec![u32::MAX - 1, u32::MAX]),
    ] {
        let clients: Vec<ClientId> = numbers.into_iter().map(ClientId).collect();
        assert_eq!(parse_clients(text).as_deref(), Some(clients.as_slice()), "{text}");
        assert_eq!(print_clients(&clients, ","), text);
    }
    for bad in
        ["", ",", "1,", "1,1", "2,1", "1-3,3", "3-2", "01", "1-02", "+1", "-1", "1-", "1 ,2", "4294967296", "1-2-3"]
    {
        assert_eq!(parse_clients(bad), None, "{bad:?}");
    }
    let most = ROSTER_ENTRIES_MAX;
    for good in [format!("1-{most}"), format!("1-{},{}", most - 1, most + 5), format!("1,3-{}", most + 1)] {
        assert_eq!(parse_clients(&good).map(|clients| clients.len()), Some(most), "{good}");
    }
    let (two, all) = (format!("1-{},{}-{}", most - 1, most + 5, most + 6), format!("1-{most},{}", most + 2));
    for more in [format!("0-{most}"), two, all, "0-4294967295".to_owned()] {
        assert_eq!(parse_clients(&more), None, "{more}");
    }
}

fn of(line: &str) -> Fields<'_> {
    Fields::of(line)
}

#[test]
fn a_field_is_its_name_and_one_value_in_its_one_form() {
    assert_eq!(
        (of("a b").text("a"), of("a b").text("b"), of("a").text("a"), of("a ").text("a")),
        (Some("b"), None, None, Some(""))
    );
    assert_eq!(of("n 255").number::<u8>("n"), Some(255));
    for bad in ["n 256", "n 07", "n +7", "n -1", "n ", "n", "m 7"] {
        assert_eq!(of(bad).number::<u8>("n"), None, "{bad:?}");
    }
    assert_eq!(
        ["y yes", "y no", "y Yes", "y", "n yes"].map(|line| of(line).yes("y")),
        [Some(true), Some(false), None, None, None]
    );
    let digest = Digest([0xab; 32]);
    let text = digest.to_string();
    assert_eq!(of(&format!("d {text}")).digest("d"), Some(digest));
    for bad in [text.to_uppercase(), text[1..].to_owned(), format!("{text}00")] {
        assert_eq!(of(&format!("d {bad}")).digest("d"), None, "{bad}");
    }
    let mut fields = of("a 1 b 2");
    assert_eq!((fields.value(), fields.value(), fields.text("b")), (Some("a"), Some("1"), Some("2")));
    assert_eq!((fields.end(), of("").end()), (Some(()), None));
    let group = |line: &str| of(line).group().map(|group| (group.name, group.members.len()));
    assert_eq!(group("group pilot 1-3 6"), Some(("pilot".to_owned(), 4)));
    assert_eq!((group("group pilot 1-2 3"), group("group pilot "), group("troop pilot 1")), (None, None, None));
}

#[test]
fn bytes_have_two_digits_each_and_a_text_has_its_title_and_its_last_line_end() {
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(unhex(&hex(&all)), Some(all));
    assert_eq!((hex(&[0x0f, 0xa0]), unhex("")), ("0fa0".to_owned(), Some(vec![])));
    for bad in ["0", "000", "0A", "A0", "/0", "0:", "`0", "0g", "0 ", "\u{e9}"] {
        assert_eq!(unhex(bad), None, "{bad:?}");
    }
    let lines = |text| body(text, "title 1").map(Iterator::collect::<Vec<&str>>);
    assert_eq!(lines("title 1\na\n\nb\n"), Some(vec!["a", "", "b"]));
    assert_eq!(lines("title 1\n"), Some(vec![]));
    for bad in ["title 1", "title 2\n", "title 1\na", "title 1\na\r\n", "\ntitle 1\n", ""] {
        assert_eq!(lines(bad), None, "{bad:?}");
    }
}
