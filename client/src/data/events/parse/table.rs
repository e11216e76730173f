//! One table of events or balances.

use std::path::Path;

use tributary_settings::{Document, Faults};

use super::parts::{WORD, time, word};
use crate::data::events::amount::Measure;
use crate::data::events::declared::{Amount, Codes, Direction, EventTable, Holds, Sign, TableSource};
use crate::data::mapping::{Money, NAME, TEXT_BYTES_MAX, name, source};

/// Most codes of one column.
const CODES_MAX: usize = 4096;
/// Largest share of rows of customers who are not known, in percent, where the mapping does not say it.
const UNKNOWN_PERCENT_USUAL: u8 = 5;

/// # Errors
/// The faults of a table `csv`, which are told at once.
pub(super) fn table(file: &mut Document, path: &Path, prefix: &str) -> Result<Option<EventTable>, Faults> {
    let of = |key: &str| format!("{prefix}.{key}");
    let named = file.text(&of("name"), WORD, None, word);
    let source = source(file, path, (prefix, false))?;
    let holds = [("events", Holds::Events), ("balances", Holds::Balances)];
    let holds = file.choice(&of("holds"), &holds, Some(Holds::Events));
    let customer = file.text(&of("customer"), NAME, None, name);
    let [time_key, time_form, zone] = ["time", "time_form", "time_zone"].map(of);
    let when = time(file, [&time_key, &time_form, &zone], None);
    if !file.has(&time_key) {
        file.fault(&time_key, "nothing", "the column that says when it was");
    }
    let usual = when.as_ref().map(|when| when.form);
    let [booked_key, booked_form, until_key, until_form] = ["booked", "booked_form", "until", "until_form"].map(of);
    let booked = time(file, [&booked_key, &booked_form, &zone], usual);
    let until = time(file, [&until_key, &until_form, &zone], usual);
    let amount = amount(file, prefix);
    let direction = direction(file, prefix);
    let mut codes = Vec::new();
    for codes_prefix in file.tables(&of("codes"), Codes::COLUMNS_MAX).unwrap_or_default() {
        codes.push(one_of_codes(file, &codes_prefix));
    }
    let mut names: Vec<&str> = codes.iter().flatten().map(|codes: &Codes| codes.name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        file.fault(&of("codes"), "one name twice", "each name once");
    }
    let id = if file.has(&of("id")) { file.text(&of("id"), NAME, None, name).map(Some) } else { Some(None) };
    let unknown = file.integer(&of("unknown_percent_max"), 0..=100, Some(UNKNOWN_PERCENT_USUAL));
    if holds == Some(Holds::Balances) {
        if !file.has(&of("amount")) {
            file.fault(&of("amount"), "nothing", "the column of the balance");
        }
        for key in ["until", "direction", "id"] {
            if file.has(&of(key)) {
                file.fault(
                    &of(key),
                    "a key of events, beside balances",
                    "nothing: a balance has no end, direction or id",
                );
            }
        }
    }
    let table = || {
        Some(EventTable {
            source: TableSource { name: named?, source: source? },
            holds: holds?,
            customer: customer?,
            time: when?,
            booked,
            until,
            amount: amount?,
            direction: direction?,
            codes: codes.into_iter().collect::<Option<Vec<Codes>>>()?,
            id: id?,
            unknown_percent_max: unknown?,
        })
    };
    Ok(table())
}

/// The amounts of a table, where it has any. `None` where the document has noted a fault.
fn amount(file: &mut Document, prefix: &str) -> Option<Option<Amount>> {
    let of = |key: &str| format!("{prefix}.{key}");
    if !file.has(&of("amount")) {
        return Some(None);
    }
    let column = file.text(&of("amount"), NAME, None, name);
    let units = "分, 角, 元, 千元, 万元, 百万元, 亿元; or number";
    let measure = file.text(&of("unit"), units, None, |word| match word {
        "number" => Some(Measure::Plain),
        word => Money::named(word).map(Measure::Money),
    });
    let signs = [("refused", Sign::Refused), ("direction", Sign::Direction), ("allowed", Sign::Allowed)];
    let sign = file.choice(&of("sign"), &signs, Some(Sign::Refused));
    let trailing_sign = file.boolean(&of("trailing_sign"), false);
    Some(Some(Amount { column: column?, measure: measure?, sign: sign?, trailing_sign: trailing_sign? }))
}

/// The direction of amounts, where a column says it. `None` where the document has noted a fault.
fn direction(file: &mut Document, prefix: &str) -> Option<Option<Direction>> {
    let of = |key: &str| format!("{prefix}.{key}");
    if !file.has(&of("direction")) {
        return Some(None);
    }
    let column = file.text(&of("direction"), NAME, None, name);
    let allowed = format!("a list of codes, each {NAME}");
    let inward = file.texts(&of("in"), &allowed, name);
    let outward = file.texts(&of("out"), &allowed, name);
    let (inward, outward) = (inward?, outward?);
    if inward.iter().any(|code| outward.contains(code)) {
        file.fault(&of("out"), "a code that means in and out", "each code in one of the two lists");
        return None;
    }
    Some(Some(Direction { column: column?, inward, outward }))
}

fn one_of_codes(file: &mut Document, prefix: &str) -> Option<Codes> {
    let of = |key: &str| format!("{prefix}.{key}");
    let named = file.text(&of("name"), WORD, None, word);
    let column = file.text(&of("column"), NAME, None, name);
    let others = file.boolean(&of("others"), false);
    let key = of("meanings");
    let pairs = file.pairs(&key)?;
    let fits = |text: &str| text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control);
    if pairs.is_empty() || pairs.len() > CODES_MAX || pairs.iter().any(|(code, _)| !fits(code)) {
        let found = format!("{} codes", pairs.len());
        file.fault(&key, found, format!("1 to {CODES_MAX} codes, each with its group: {{ \"01\" = \"counter\" }}"));
        return None;
    }
    let (mut groups, mut meanings): (Vec<String>, Vec<(String, u8)>) = (Vec::new(), Vec::new());
    for (code, group) in pairs {
        let Some(group) = word(&group) else {
            file.fault(&format!("{key}.{code}"), format!("{group:?}"), format!("the name of a group: {WORD}"));
            return None;
        };
        let place = groups.iter().position(|known| *known == group).unwrap_or_else(|| {
            groups.push(group);
            groups.len() - 1
        });
        let code = code.trim().to_owned();
        if meanings.iter().any(|(known, _)| *known == code) {
            file.fault(&key, "a code twice, but for the blanks around it", "each code once");
            return None;
        }
        meanings.push((code, u8::try_from(place).unwrap_or(u8::MAX)));
    }
    if groups.len() > Codes::GROUPS_MAX {
        file.fault(&key, format!("{} groups", groups.len()), format!("at most {} groups", Codes::GROUPS_MAX));
        return None;
    }
    Some(Codes { name: named?, column: column?, groups, meanings, others: others? })
}
