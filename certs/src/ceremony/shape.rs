//! Names that an eye takes for one another.

/// A name as an eye takes it in.
pub(super) fn shape(name: &str) -> String {
    let letter = |letter: char| match letter {
        '0' => 'o',
        '1' | 'i' => 'l',
        '5' => 's',
        '_' | '.' => '-',
        other => other,
    };
    name.chars().map(letter).collect::<String>().replace("rn", "m").replace("vv", "w")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_have_one_shape() {
        for (one, other) in [
            ("north-bank/branch-01", "north-bank/branch-0l"),
            ("north-bank/branch-01", "north-bank/branch-o1"),
            ("north-bank/branch-01", "north_bank/branch.01"),
            ("modern/b1", "modem/bi"),
            ("savvy/5b", "sawy/sb"),
        ] {
            assert_eq!(shape(one), shape(other));
        }
        assert_ne!(shape("north-bank/branch-01"), shape("north-bank/branch-10"));
    }
}
