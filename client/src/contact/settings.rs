//! What a settings file says of lists: where their tables are, and how long what follows from them is kept.

use std::path::PathBuf;

use tributary_settings::Document;

/// Where the tables are that the rules of lists read, but for those of the database.
#[derive(Clone, Debug, Default)]
pub struct ContactSettings {
    /// Attributes of customers.
    pub attributes: Option<PathBuf>,
    /// Contacts outside of lists.
    pub contacts: Option<PathBuf>,
    /// Confidential suppressions.
    pub confidential: Option<PathBuf>,
}

impl ContactSettings {
    /// Reads the table `[contact]`.
    pub(crate) fn read(file: &mut Document) -> Option<Self> {
        let mut path = |key: &str| if file.has(key) { file.path(key).map(Some) } else { Some(None) };
        let attributes = path("contact.attributes");
        let contacts = path("contact.contacts");
        let confidential = path("contact.confidential");
        Some(Self { attributes: attributes?, contacts: contacts?, confidential: confidential? })
    }
}

/// How long files about customers are kept, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Scores files that this branch made.
    pub scores_days: u16,
    /// Lists after their last day, and hold-outs after theirs.
    pub lists_days: u16,
    /// Models that are no champion any more, since they were stored.
    pub models_days: u16,
    /// Counts of data sets and drafts that a crash left.
    pub caches_days: u16,
}

impl Retention {
    /// What holds where the settings say nothing.
    pub const USUAL: Self = Self { scores_days: 90, lists_days: 400, models_days: 365, caches_days: 730 };

    /// Reads the table `[retention]`.
    pub(crate) fn read(file: &mut Document) -> Option<Self> {
        let usual = Self::USUAL;
        let mut days = |key: &str, usual| file.integer(&format!("retention.{key}"), 1..=3660, Some(usual));
        let scores_days = days("scores_days", usual.scores_days);
        let lists_days = days("lists_days", usual.lists_days);
        let models_days = days("models_days", usual.models_days);
        let caches_days = days("caches_days", usual.caches_days);
        Some(Self {
            scores_days: scores_days?,
            lists_days: lists_days?,
            models_days: models_days?,
            caches_days: caches_days?,
        })
    }
}
