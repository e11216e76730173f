//! Units of money, and numbers from one to another.

/// A unit of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Money {
    /// 分.
    Fen,
    /// 角.
    Jiao,
    /// 元.
    Yuan,
    /// 千元.
    ThousandYuan,
    /// 万元.
    TenThousandYuan,
    /// 百万元.
    MillionYuan,
    /// 亿元.
    HundredMillionYuan,
}

impl Money {
    /// Each of them, by its words. The first one is what people are shown.
    const WORDS: [(&'static str, Self); 12] = [
        ("分", Self::Fen),
        ("fen", Self::Fen),
        ("角", Self::Jiao),
        ("元", Self::Yuan),
        ("yuan", Self::Yuan),
        ("CNY", Self::Yuan),
        ("千元", Self::ThousandYuan),
        ("万元", Self::TenThousandYuan),
        ("萬元", Self::TenThousandYuan),
        ("百万元", Self::MillionYuan),
        ("亿元", Self::HundredMillionYuan),
        ("億元", Self::HundredMillionYuan),
    ];

    /// A unit by its word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(name, _)| *name == word).map(|(_, money)| *money)
    }

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, money)| *money == self).map_or("元", |(name, _)| name)
    }

    /// How many fen it has.
    #[must_use]
    pub const fn fen(self) -> i64 {
        match self {
            Self::Fen => 1,
            Self::Jiao => 10,
            Self::Yuan => 100,
            Self::ThousandYuan => 100_000,
            Self::TenThousandYuan => 1_000_000,
            Self::MillionYuan => 100_000_000,
            Self::HundredMillionYuan => 10_000_000_000,
        }
    }

    /// A number of this unit in another one: multiplied or divided once by a whole number, so that it is rounded once.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "powers of ten below 2^53")]
    pub fn to(self, other: Self, number: f64) -> f64 {
        let (from, to) = (self.fen(), other.fen());
        if from >= to { number * (from / to) as f64 } else { number / (to / from) as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_once() {
        for (from, to, number, expected) in [
            ("分", "元", 12_345.0, 123.45),
            ("万元", "元", 1.2345, 12_345.0),
            ("元", "万元", 12_345.0, 1.2345),
            ("元", "分", 0.07, 7.000_000_000_000_001),
            ("亿元", "分", 1.0, 1e10),
            ("元", "CNY", -3.5, -3.5),
            ("角", "元", 3.0, 0.3),
        ] {
            let (from, to) = (Money::named(from).unwrap(), Money::named(to).unwrap());
            assert_eq!(from.to(to, number).to_bits(), f64::to_bits(expected), "{number} {}", from.name());
        }
        assert_eq!(Money::named("dollar"), None);
        assert_eq!(Money::named("萬元").map(Money::name), Some("万元"));
    }
}
