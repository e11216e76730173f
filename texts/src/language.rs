//! The language in which people are told something.

use std::ffi::OsString;

/// Chinese or English. What programs read is the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Chinese, in simplified characters.
    Chinese,
    /// English.
    #[default]
    English,
}

impl Language {
    /// Both, by the names that settings and options use.
    pub const NAMES: [(&'static str, Self); 2] = [("zh", Self::Chinese), ("en", Self::English)];

    /// The language of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, language)| *language)
    }

    /// What stands between two parts of a list in a sentence.
    #[must_use]
    pub const fn semicolon(self) -> &'static str {
        match self {
            Self::Chinese => "；",
            Self::English => "; ",
        }
    }

    /// What stands between two words of a list in a sentence.
    #[must_use]
    pub const fn comma(self) -> &'static str {
        match self {
            Self::Chinese => "，",
            Self::English => ", ",
        }
    }

    /// Of this process's environment: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set and not empty decides. English where none is,
    /// and for every locale that is not Chinese.
    #[must_use]
    pub fn of_environment() -> Self {
        Self::of(|name| std::env::var_os(name))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let locale =
            ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| variable(name).filter(|set| !set.is_empty()));
        let locale = locale.map(|locale| locale.to_string_lossy().to_ascii_lowercase());
        let tongue = locale.as_deref().and_then(|locale| locale.split(['_', '.', '@', '-']).next());
        if tongue == Some("zh") { Self::Chinese } else { Self::English }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides_in_the_order_of_the_system() {
        let of = |set: &[(&str, &str)]| {
            Language::of(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
        };
        let (zh, en) = (Language::Chinese, Language::English);
        assert_eq!(of(&[]), en);
        for (locale, language) in [
            ("zh_CN.UTF-8", zh),
            ("zh-Hans-CN", zh),
            ("ZH_cn", zh),
            ("zh", zh),
            ("zhe_CN", en),
            ("C", en),
            ("de_DE@euro", en),
        ] {
            assert_eq!(of(&[("LANG", locale)]), language, "{locale}");
        }
        assert_eq!(of(&[("LC_ALL", "C"), ("LANG", "zh_CN")]), en, "LC_ALL comes first");
        assert_eq!(of(&[("LC_ALL", ""), ("LC_MESSAGES", "zh_CN"), ("LANG", "C")]), zh, "an empty one counts as none");
        assert_eq!(Language::parse("zh"), Some(zh));
        assert_eq!(Language::parse("fr"), None);
    }
}
