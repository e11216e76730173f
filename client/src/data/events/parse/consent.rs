//! One consent.

use std::path::Path;

use tributary_settings::{Document, Faults};

use super::parts::{WORD, word};
use crate::data::events::declared::{Consent, ConsentRule, TableSource};
use crate::data::mapping::{NAME, name, source};

/// # Errors
/// The faults of a table `csv`, which are told at once.
pub(super) fn consent(file: &mut Document, path: &Path, prefix: &str) -> Result<Option<Consent>, Faults> {
    let of = |key: &str| format!("{prefix}.{key}");
    let column = file.text(&of("column"), NAME, None, name);
    let list = format!("a list of codes, each {NAME}");
    let mut codes = |key: &str| if file.has(&of(key)) { Some(file.texts(&of(key), &list, name)) } else { None };
    let rule = match (codes("allowed"), codes("refused")) {
        (Some(allowed), None) => allowed.map(ConsentRule::Allowed),
        (None, Some(refused)) => refused.map(ConsentRule::Refused),
        (both, _) => {
            let found = if both.is_some() { "both lists" } else { "neither list" };
            file.fault(&of("allowed"), found, "allowed: these codes and no other; or refused: all but these codes");
            None
        }
    };
    let purpose = match file.has(&of("purpose")) {
        true => {
            let column = file.text(&of("purpose"), NAME, None, name);
            let purposes = file.texts(&of("purposes"), &list, name);
            column.zip(purposes).map(Some)
        }
        false => Some(None),
    };
    let table = if file.has(&of("name")) {
        let named = file.text(&of("name"), WORD, None, word);
        let customer = file.text(&of("customer"), NAME, None, name);
        let source = source(file, path, (prefix, false))?;
        named.zip(source).zip(customer).map(|((name, source), customer)| Some((TableSource { name, source }, customer)))
    } else {
        Some(None)
    };
    let consent = || Some(Consent { table: table?, column: column?, rule: rule?, purpose: purpose? });
    Ok(consent())
}
