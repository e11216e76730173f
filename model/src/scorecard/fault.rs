//! What is wrong with a scale, or with a change of points.

/// Largest absolute value of base points, and of points that somebody sets.
pub const POINTS_ABS_MAX: i64 = 1_000_000;

/// A scale outside its limits.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ScaleFault {
    /// The base points.
    #[error("{0} base points: they are from -{POINTS_ABS_MAX} to {POINTS_ABS_MAX}; usual are 600")]
    Base(i64),
    /// The base odds.
    #[error(
        "base odds of {0}: they are above 0, at most 1,000,000,000 to 1, and no less than one over that; usual are 50"
    )]
    Odds(f64),
    /// The points that double the odds.
    #[error("{0} points to double the odds: they are from 1 to 10,000; usual are 20")]
    Double(f64),
}

/// Why points cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeFault {
    /// No such field.
    #[error("the scorecard has no field \"{0}\"; `tributary model scorecard` shows which it has")]
    Field(String),
    /// No such bin.
    #[error(
        "the field \"{field}\" has no bin {bin}; its bins are 1 to {bins}, as `tributary model scorecard` numbers them"
    )]
    Bin {
        /// The field.
        field: String,
        /// The number that was named.
        bin: u32,
        /// Bins of the field.
        bins: usize,
    },
    /// Other points than were read.
    #[error(
        "bin {bin} of \"{field}\" has {found} points, and the change says {before}: it was made for another scale, or after another change. Make it \
         again from the scorecard of today"
    )]
    Before {
        /// The field.
        field: String,
        /// The bin.
        bin: u32,
        /// What the scorecard has.
        found: i64,
        /// What the change says.
        before: i64,
    },
    /// Nothing changes.
    #[error("the bin has {0} points already, so that nothing would change; name other points")]
    Same(i64),
    /// Too many points.
    #[error("{0} points: a bin has from -{POINTS_ABS_MAX} to {POINTS_ABS_MAX}")]
    Points(i64),
}
