//! [charter]: what the author answers for. Each key says why an approver needs it.

use std::collections::BTreeSet;

use tributary_model::year::is_kind_name;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::OrganisationId;
use tributary_protocol::limits::{
    AGREEMENTS_MAX, CHARTER_REFERENCE_BYTES_MAX, CHARTER_TEXT_BYTES_MAX, DATA_ASSETS_MAX,
};
use tributary_protocol::plan::{Agreement, Assessment, Charter, Materiality, YearShare};
use tributary_protocol::printable::Untrusted;
use tributary_settings::Document;
use tributary_storage::files::shown;

use super::keys::{first_second, last_second, line};
use crate::dates::day;

pub(super) fn charter(document: &mut Document, not_before: Option<u64>) -> Option<Charter> {
    let legal_basis = text(document, "charter.legal_basis", "the law or the consent on which the learning rests");
    let why = "where the assessment of the impact on customers is found; without one nobody has weighed what they risk";
    let reference = reference(document, "charter.assessment_reference", why);
    let document_digest = digest(document, "charter.assessment", "because the assessment must not change afterwards");
    let why = "when the assessment was made, so that an old one is seen";
    let at = first_second(document, "charter.assessment_date", why);
    let why = "the institution's own change ticket, in which this plan was asked for";
    let ticket = self::reference(document, "charter.ticket", why);
    let data_assets = data_assets(document);
    let intended_use =
        text(document, "charter.intended_use", "what the model is for; a use beside it needs another plan");
    let prohibited_use =
        text(document, "charter.prohibited_use", "what the model must not be used for; users are shown it");
    let words = Materiality::ALL.map(|materiality| (materiality.name(), materiality));
    let allowed = format!("{}: how much depends on the model", Materiality::ALL.map(Materiality::name).join(", "));
    let materiality = document.text("charter.materiality", &allowed, None, |text| {
        words.iter().find(|(word, _)| *word == text).map(|(_, materiality)| *materiality)
    });
    let why = "when the plan is reviewed at the latest; no run begins afterwards";
    let review_by = last_second(document, "charter.review_by", why);
    if let (Some(review), Some(first)) = (review_by, not_before)
        && review < first
    {
        let allowed = format!("schedule.not_before ({}) or later: no run begins after the review", day(first));
        document.fault("charter.review_by", day(review), allowed);
    }
    let organisation = organisation(document, "charter.organisation", "whose plan this is");
    let agreements = agreements(document, organisation);
    let year = year(document);
    Some(Charter {
        legal_basis: legal_basis?,
        assessment: Assessment { reference: reference?, document: document_digest?, at: at? },
        ticket: ticket?,
        data_assets: data_assets?,
        intended_use: intended_use?,
        prohibited_use: prohibited_use?,
        materiality: materiality?,
        review_by: review_by?,
        organisation: organisation?,
        agreements: agreements?,
        year: year?,
    })
}

/// The year of spending under which the plan runs: both keys, or none of them.
fn year(document: &mut Document) -> Option<Option<YearShare>> {
    let keys = ["charter.year", "charter.year_kind"];
    if !keys.iter().any(|key| document.has(key)) {
        return Some(None);
    }
    let allowed =
        "64 hexadecimal digits: the digest of the year under which the plan runs (`tributary plan year show`)";
    let year =
        document.text(keys[0], allowed, None, |text| Digest::from_hex(text).filter(|read| read.to_string() == text));
    let allowed = "the name of one of the year's kinds of run, 1 to 64 of a-z, 0-9, - and _";
    let kind = document.text(keys[1], allowed, None, |text| is_kind_name(text).then(|| text.into()));
    Some(Some(YearShare { year: year?, kind: kind? }))
}

fn text(document: &mut Document, key: &str, why: &str) -> Option<Untrusted> {
    bounded(document, key, CHARTER_TEXT_BYTES_MAX, why)
}

fn reference(document: &mut Document, key: &str, why: &str) -> Option<Untrusted> {
    bounded(document, key, CHARTER_REFERENCE_BYTES_MAX, why)
}

fn bounded(document: &mut Document, key: &str, most: usize, why: &str) -> Option<Untrusted> {
    document.text(key, &allowed(most, why), None, |text| line(text, most)).map(|text| text.as_str().into())
}

fn allowed(most: usize, why: &str) -> String {
    format!("a text of 1 to {most} bytes, without control characters and marks of direction: {why}")
}

/// `KEY_digest`, or `KEY_file`, whose digest is taken.
fn digest(document: &mut Document, key: &str, why: &str) -> Option<Digest> {
    let (by_digest, by_file) = (format!("{key}_digest"), format!("{key}_file"));
    either(document, &by_digest, &by_file, why)
}

fn either(document: &mut Document, by_digest: &str, by_file: &str, why: &str) -> Option<Digest> {
    let allowed = format!("SHA-256 of the document in 64 hexadecimal digits, {why}; or its file as {by_file}");
    let hex = |text: &str| Digest::from_hex(text).filter(|digest| digest.to_string() == text);
    if !document.has(by_file) {
        // Counts as known.
        let digest = document.text(by_digest, &allowed, None, hex);
        return digest;
    }
    let path = document.existing_file(by_file);
    if document.has(by_digest) {
        let _ = document.text(by_digest, &allowed, None, hex);
        document.fault(by_file, format!("given with {by_digest}"), "one of the two");
        return None;
    }
    let path = path?;
    match std::fs::read(&path) {
        Ok(bytes) => Some(Digest::of(&bytes)),
        Err(fault) => {
            document.fault(by_file, format!("{}: {fault}", shown(&path)), "a file that can be read");
            None
        }
    }
}

fn data_assets(document: &mut Document) -> Option<Vec<Untrusted>> {
    let most = CHARTER_REFERENCE_BYTES_MAX;
    let why = "the data assets that are used, by the institution's register";
    let allowed = format!("a list of 1 to {DATA_ASSETS_MAX}, each {}", allowed(most, why));
    let assets = document.texts("charter.data_assets", &allowed, |text| line(text, most))?;
    if assets.len() > DATA_ASSETS_MAX {
        document.fault("charter.data_assets", format!("a list of {} items", assets.len()), allowed);
        return None;
    }
    Some(assets.iter().map(|asset| asset.as_str().into()).collect())
}

fn organisation(document: &mut Document, key: &str, why: &str) -> Option<OrganisationId> {
    let range = 0..=i64::from(u32::MAX);
    if document.has(key) {
        return document.integer(key, range, None).map(OrganisationId);
    }
    // Counts as known.
    let _ = document.integer(key, range, Some(0_u32));
    document.fault(
        key,
        "nothing",
        format!("an integer from 0 to {}, the organisation's number in the roster: {why}", u32::MAX),
    );
    None
}

fn agreements(document: &mut Document, own: Option<OrganisationId>) -> Option<Vec<Agreement>> {
    let prefixes = document.tables("charter.agreement", AGREEMENTS_MAX)?;
    let (count, mut agreements, mut seen) = (prefixes.len(), Vec::new(), BTreeSet::new());
    for prefix in prefixes {
        let key = |name: &str| format!("{prefix}.{name}");
        let number = organisation(document, &key("organisation"), "with whom the agreement is");
        let why = "where the agreement is found";
        let reference = reference(document, &key("reference"), why);
        let digest = either(document, &key("digest"), &key("file"), "because the agreement must not change afterwards");
        let until = last_second(document, &key("until"), "afterwards the partner's branches take no part");
        if let Some(number) = number
            && (own == Some(number) || !seen.insert(number))
        {
            let allowed = "another organisation than the plan's own, once";
            document.fault(&key("organisation"), number.to_string(), allowed);
            continue;
        }
        if let (Some(organisation), Some(reference), Some(document), Some(until)) = (number, reference, digest, until) {
            agreements.push(Agreement { organisation, reference, document, until });
        }
    }
    agreements.sort_by_key(|agreement| agreement.organisation);
    (agreements.len() == count).then_some(agreements)
}
