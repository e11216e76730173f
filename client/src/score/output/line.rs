//! One line of a file of scores.

/// What stands of one head in a line.
pub(crate) struct HeadLine<'a> {
    pub(crate) score: f64,
    pub(crate) probability: f64,
    pub(crate) decile: u8,
    /// Nothing where the model is not additive.
    pub(crate) points: Option<i64>,
    /// Nothing where there are fewer.
    pub(crate) reasons: [&'a str; 3],
}

/// One customer.
pub(crate) struct Line<'a> {
    pub(crate) customer: &'a str,
    pub(crate) heads: &'a [HeadLine<'a>],
    pub(crate) stage: &'a str,
    pub(crate) action: &'a str,
    pub(crate) notice: &'a str,
    /// The first digits of the digest of the model that scored the customer.
    pub(crate) model: &'a str,
}
