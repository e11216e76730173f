//! How a list is handed to the bank's system.

use std::collections::BTreeSet;

use tributary_settings::Document;

use super::attributes::{NAME, name};

/// Most columns of a delivered file.
const COLUMNS_MAX: usize = 32;

/// The form of delivered files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The system that takes the list, by the bank's name for it.
    pub crm: String,
    /// How files' names begin.
    pub name: String,
    /// Whether files are in GB18030; else they are in UTF-8.
    pub gb18030: bool,
    /// What stands between values.
    pub delimiter: char,
    /// For how many days a list may be used.
    pub valid_days: u16,
    /// The columns, in their order.
    pub columns: Vec<DeliveryColumn>,
}

/// A column of a delivered file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryColumn {
    /// Its name there.
    pub to: String,
    /// Where its values are from.
    pub from: Origin,
}

/// Where a delivered value is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Number of the batch.
    Batch,
    /// Number of the line in its list.
    Line,
    /// The customer's id.
    Customer,
    /// The team.
    Team,
    /// The campaign.
    Campaign,
    /// Last day of the list.
    ValidUntil,
    /// The logit.
    Score,
    /// The probability.
    Probability,
    /// The tenth.
    Decile,
    /// Points.
    Points,
    /// The reasons, the most important first.
    Reason(u8),
    /// Stage of the customer's life.
    Stage,
    /// What is suggested.
    Action,
    /// The notice that goes with it.
    Notice,
    /// The first digits of the digest of the model that scored the customer.
    Model,
}

impl Origin {
    /// All of them, by their words in rules.
    pub const ALL: [(&'static str, Self); 17] = [
        ("batch", Self::Batch),
        ("line", Self::Line),
        ("customer", Self::Customer),
        ("team", Self::Team),
        ("campaign", Self::Campaign),
        ("valid_until", Self::ValidUntil),
        ("score", Self::Score),
        ("probability", Self::Probability),
        ("decile", Self::Decile),
        ("points", Self::Points),
        ("reason_1", Self::Reason(1)),
        ("reason_2", Self::Reason(2)),
        ("reason_3", Self::Reason(3)),
        ("stage", Self::Stage),
        ("action", Self::Action),
        ("notice", Self::Notice),
        ("model", Self::Model),
    ];
}

/// The table `[delivery]`.
pub(super) fn delivery(file: &mut Document, teams: bool) -> Option<Delivery> {
    let crm = file.text("delivery.crm", NAME, None, name);
    let stem = |text: &str| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        ((1..=40).contains(&text.len()) && text.chars().all(plain)).then(|| text.to_owned())
    };
    let stem = file.text("delivery.name", "1 to 40 letters a-z, digits, - and _", Some("list".to_owned()), stem);
    let encodings = [("utf-8", false), ("gb18030", true)];
    let gb18030 = file.choice("delivery.encoding", &encodings, Some(false));
    let delimiters = [(",", ','), (";", ';'), ("\t", '\t'), ("|", '|')];
    let delimiter = file.choice("delivery.delimiter", &delimiters, Some(','));
    let valid_days = file.integer("delivery.valid_days", 1..=366, Some(14_u16));
    let columns = columns(file, teams);
    Some(Delivery {
        crm: crm?,
        name: stem?,
        gb18030: gb18030?,
        delimiter: delimiter?,
        valid_days: valid_days?,
        columns: columns?,
    })
}

fn columns(file: &mut Document, teams: bool) -> Option<Vec<DeliveryColumn>> {
    const KEY: &str = "delivery.columns";
    let prefixes = file.tables(KEY, COLUMNS_MAX)?;
    let mut columns = Vec::new();
    for prefix in &prefixes {
        let from = file.choice(&format!("{prefix}.from"), &Origin::ALL, None);
        let to = file.text(&format!("{prefix}.to"), NAME, None, name);
        columns.push(from.zip(to).map(|(from, to)| DeliveryColumn { to, from }));
    }
    let columns: Vec<DeliveryColumn> = columns.into_iter().collect::<Option<_>>()?;
    let names: BTreeSet<&str> = columns.iter().map(|column| column.to.as_str()).collect();
    if names.len() != columns.len() {
        file.fault(KEY, "a name that is there twice", "each column under a name of its own");
        return None;
    }
    for (needed, why) in [
        (Origin::Customer, "the customer's id: nobody knows otherwise whom to contact"),
        (Origin::Batch, "the batch: outcomes name it"),
        (Origin::Line, "the line: outcomes name it"),
    ] {
        if columns.iter().all(|column| column.from != needed) {
            file.fault(KEY, "columns without it", format!("among them {why}"));
            return None;
        }
    }
    if !teams && columns.iter().any(|column| column.from == Origin::Team) {
        file.fault(KEY, "a column of teams, without teams", "no such column; or attributes.team");
        return None;
    }
    Some(columns)
}
