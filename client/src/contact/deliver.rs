//! An approved list is handed to the bank's system: a file, and the word that it is whole, which is written last.

use std::path::Path;

use serde::Serialize;
use tributary_certs::suite::RealSuite;
use tributary_protocol::digest::Digest;
use tributary_protocol::secagg::suite::Suite as _;
use tributary_storage::files::shown;
use tributary_texts::{Said, contact as words};

use super::approve::rules_of;
use super::choose::{Grounds, LeftOut};
use super::event::{Approval, ContactEvent, Delivery};
use super::grounds::Facts;
use super::handed::{Handed, hand_over, is_free};
use super::pseudonym::Pseudonym;
use super::register::ListState;
use super::rules::{ColumnOrigin, Rules, bank_day};
use super::sheet::{Line, Sheet, Table};
use super::store::{Store, noted};
use super::withdrawn::void_withdrawn;
use crate::error::ClientError;
use crate::settings::Settings;

/// What the word beside a delivered file says.
#[derive(Debug, Serialize)]
struct Word<'a> {
    format: u32,
    kind: &'static str,
    batch: u32,
    crm: &'a str,
    branch: &'a str,
    campaign: &'a str,
    file: &'a str,
    lines: u32,
    #[serde(serialize_with = "super::hex::one")]
    sha256: Digest,
    encoding: &'static str,
    valid_until: String,
}

/// Delivers a list into a folder. The same command after an interruption goes on where it was, under the same number.
///
/// # Errors
/// If it is not approved, over, delivered already, or void in part; if a table or a file cannot be used.
pub fn deliver(config: &Path, list: u32, folder: &Path, now: u64) -> Result<Vec<Said>, ClientError> {
    let settings = Settings::load(config)?;
    let mut store = Store::open(&settings, now)?;
    store.clock_stands(now)?;
    void_withdrawn(&settings, &mut store, now)?;
    let state = store.list(list)?.clone();
    let folder_text = noted(folder)?;
    match &state.delivery {
        Some((delivery, true)) => {
            return Err(ClientError::Said(words::delivered_already(list, delivery.batch, &delivery.folder)));
        }
        Some((delivery, false)) if delivery.folder != folder_text => {
            return Err(ClientError::Said(words::delivering_elsewhere(list, delivery.batch, &delivery.folder)));
        }
        _ => {}
    }
    let rules = deliverable(&settings, &store, (list, &state), now)?;
    let sheet = store.sheet(list)?;
    let batch = state.delivery.as_ref().map_or_else(|| store.register().next_batch(), |(delivery, _)| delivery.batch);
    let bytes = file(&rules, &state, &sheet, batch)?;
    let name = format!("{}-{batch:06}.csv", rules.delivery.name);
    let digest = Digest::of(&bytes);
    match &state.delivery {
        None => {
            if !folder.is_dir() {
                return Err(ClientError::Said(words::no_folder(shown(folder))));
            }
            is_free(folder, &name)?;
            let delivery = Delivery { list, batch, folder: folder_text, name: name.clone(), digest, at: now };
            store.record(now, ContactEvent::DeliveryBegun(Box::new(delivery)))?;
        }
        Some((delivery, _)) if delivery.digest != digest => {
            return Err(ClientError::Said(words::delivery_differs(list, batch)));
        }
        Some(_) => {}
    }
    let word = Word {
        format: 1,
        kind: "list",
        batch,
        crm: &rules.delivery.crm,
        branch: &state.built.branch,
        campaign: &state.built.campaign,
        file: &name,
        lines: state.built.lines,
        sha256: digest,
        encoding: if rules.delivery.gb18030 { "gb18030" } else { "utf-8" },
        valid_until: bank_day(&rules, state.built.valid_until).to_string(),
    };
    let word = serde_json::to_vec_pretty(&word).map_err(ClientError::file)?;
    let path = hand_over(folder, &Handed { name: &name, bytes: &bytes, word: &word })?;
    store.record(now, ContactEvent::Delivered { batch })?;
    Ok(vec![words::delivered(list, batch, shown(&path), state.built.lines)])
}

/// Whether a list may be delivered now: approved under the rules in force, by tables as they are now.
fn deliverable(
    settings: &Settings,
    store: &Store,
    (list, state): (u32, &ListState),
    now: u64,
) -> Result<Rules, ClientError> {
    let said = |said| Err(ClientError::Said(said));
    if !state.is_open(now) {
        return said(words::list_over(list));
    }
    let Some(approval) = &state.approval else { return said(words::not_approved(list)) };
    let signed = rules_of(settings, (store, &state.built), now)?;
    let message = Approval::message(&state.built.digest(), approval.at);
    let approver = signed.rules.approvers.contains(&approval.key);
    if !approver || !RealSuite::verify(&approval.key, &message, &approval.signature) {
        return said(words::not_approved(list));
    }
    let rules = signed.rules;
    let facts = Facts::read(settings, &rules, store, (now, Some(list)))?;
    if facts.confidential != state.built.confidential {
        // Whoever it is about: the same words, whether the list has such a line or not.
        return said(words::tables_changed(list));
    }
    let grounds = Grounds {
        rules: &rules,
        attributes: &facts.attributes,
        excluded: &store.register().excluded,
        contacts: &facts.contacts,
        open: &facts.open,
    };
    let (sheet, members) = (store.sheet(list)?, store.members(list)?);
    let held = store.assigned_by(&rules, now)?.held;
    let bar = |(line, customer): (&Line, &Pseudonym)| {
        let barred = grounds.bar(&line.customer, *customer);
        barred.or_else(|| held.contains(customer).then_some(LeftOut::HeldOut))
    };
    let bars = sheet.lines.iter().zip(&members).filter_map(bar);
    let first = bars.clone().min();
    if let Some(first) = first {
        return said(words::lines_void(list, bars.count(), first.said()));
    }
    if !state.void.is_empty() || state.files != state.built.files {
        return said(words::lines_void(list, state.void.len(), LeftOut::Excluded.said()));
    }
    Ok(rules)
}

/// The bytes of a delivered file: the same for the same list.
fn file(rules: &Rules, state: &ListState, sheet: &Sheet, batch: u32) -> Result<Vec<u8>, ClientError> {
    let delivery = &rules.delivery;
    let mut table = Table::new(delivery.delimiter);
    table.row(delivery.columns.iter().map(|column| column.to.as_str()));
    let until = bank_day(rules, state.built.valid_until).to_string();
    let batch = batch.to_string();
    for line in &sheet.lines {
        let number = line.line.to_string();
        let values = delivery.columns.iter().map(|column| match column.from {
            ColumnOrigin::Batch => batch.as_str(),
            ColumnOrigin::Line => number.as_str(),
            ColumnOrigin::Campaign => state.built.campaign.as_str(),
            ColumnOrigin::ValidUntil => until.as_str(),
            from => of_line(line, from),
        });
        table.row(values);
    }
    let text = table.into_text();
    if !delivery.gb18030 {
        return Ok(text.into_bytes());
    }
    let (bytes, _, lost) = encoding_rs::GB18030.encode(&text);
    if lost {
        return Err(ClientError::Said(words::no_gb18030(state.built.list)));
    }
    Ok(bytes.into_owned())
}

fn of_line(line: &Line, from: ColumnOrigin) -> &str {
    let [stage, action, notice] = &line.ends;
    match from {
        ColumnOrigin::Customer => &line.customer,
        ColumnOrigin::Team => &line.team,
        ColumnOrigin::Score => &line.score,
        ColumnOrigin::Probability => &line.probability,
        ColumnOrigin::Decile => &line.decile,
        ColumnOrigin::Points => &line.points,
        ColumnOrigin::Reason(number) => {
            let place = usize::from(number).saturating_sub(1);
            line.reasons.get(place).map_or("", String::as_str)
        }
        ColumnOrigin::Stage => stage,
        ColumnOrigin::Action => action,
        ColumnOrigin::Notice => notice,
        ColumnOrigin::Model => &line.model,
        ColumnOrigin::Batch | ColumnOrigin::Line | ColumnOrigin::Campaign | ColumnOrigin::ValidUntil => "",
    }
}
