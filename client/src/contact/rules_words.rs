//! Rules in words, for the owner who signs them.

use tributary_texts::{Said, contact as words};

use super::rules::{Rules, Span, TableRules};

/// Every rule, one in a line.
#[must_use]
pub(super) fn said(rules: &Rules) -> Vec<Said> {
    let Rules { attributes, choice, delivery, .. } = rules;
    let mut lines = vec![
        words::rules_of(&rules.campaign, &rules.purpose, &rules.label),
        words::rules_last_day(rules.last_day),
        words::rules_approvers(rules.approvers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        match choice.span {
            Span::Top(top) => words::rules_top(top, choice.by.word()),
            Span::Threshold(threshold) => words::rules_threshold(choice.by.word(), threshold),
        },
        words::rules_opt_out(&attributes.opt_out.column, attributes.opt_out.allowed.join(", ")),
        words::rules_consent(&attributes.consent.column, attributes.consent.allowed.join(", ")),
    ];
    lines.extend(attributes.risk.as_ref().map(|risk| {
        let most = risk.steps.get(risk.cut).map_or("", String::as_str);
        words::rules_risk(&risk.column, most, risk.steps.join(", "))
    }));
    lines.extend(attributes.tolerance.as_ref().map(|levels| {
        let least = levels.steps.get(levels.cut).map_or("", String::as_str);
        words::rules_tolerance(&levels.column, least, levels.steps.join(", "))
    }));
    lines.extend(rules.quotas.iter().map(|quota| words::rules_quota(&quota.team, quota.most)));
    lines.extend(rules.contacts.as_ref().map(|cap| words::rules_contacts(cap.most, cap.window_days)));
    lines.extend(rules.hold_out.map(|rule| match rule.whole_branch {
        true => words::rules_hold_out_branch(rule.permille, rule.days),
        false => words::rules_hold_out(rule.permille, rule.days),
    }));
    lines.extend(
        rules.confidential.as_ref().map(|confidential| words::rules_confidential(confidential.renewed_permille)),
    );
    lines.extend(tables(rules).flat_map(|(key, table)| {
        let empty = table.may_be_empty.then(|| words::rules_may_be_empty(key));
        empty.into_iter().chain([words::rules_may_lose(key, table.lost_permille_max)])
    }));
    let columns: Vec<&str> = delivery.columns.iter().map(|column| column.to.as_str()).collect();
    lines.push(words::rules_delivery(&delivery.crm, delivery.valid_days, columns.join(", ")));
    lines
}

/// The tables that rules read, by their keys.
fn tables(rules: &Rules) -> impl Iterator<Item = (&'static str, &TableRules)> {
    let contacts = rules.contacts.as_ref().and_then(|cap| cap.table.as_ref()).map(|(table, _)| table);
    let confidential = rules.confidential.as_ref().map(|confidential| &confidential.table);
    let all =
        [("attributes", Some(&rules.attributes.table)), ("contacts.table", contacts), ("confidential", confidential)];
    all.into_iter().filter_map(|(key, table)| Some((key, table?)))
}
