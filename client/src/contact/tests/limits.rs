//! What rules of lists may say.

use std::path::Path;

use crate::contact::Rules;
use crate::file_ranges::told;
use crate::whole::compare;

/// Rules in which each key has a value of its own.
const RULES: &str = r#"
[list]
campaign = "2026-12 deposits"
purpose = "churn"
branch = "north-bank/branch-01"
approvers = ["ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"]
valid_until = "2026-12-31"
utc_offset_minutes = 420
[scores]
label = "churn"
days_max = 34
states = ["champion", "challenger"]
[choose]
by = "probability"
top = 500
[attributes]
may_be_empty = true
lost_permille_max = 150
source = "text"
customer = "KHH"
team = "TD"
[attributes.opt_out]
column = "JJYX"
allowed = ["否", "N"]
[attributes.consent]
column = "YTTY"
allowed = ["营销"]
divider = ";"
[attributes.risk]
column = "FXDJ"
levels = ["低", "中", "高"]
most = "中"
[attributes.tolerance]
column = "CSNL"
levels = ["C1", "C2", "C3", "C4"]
least = "C2"
[attributes.csv]
encoding = "gb18030"
[[quotas]]
team = "一组"
most = 299
[[quotas]]
team = "二组"
most = 301
[contacts]
most = 2
window_days = 31
[contacts.table]
may_be_empty = false
lost_permille_max = 160
source = "sqlite"
query = "SELECT * FROM contacts"
customer = "customer"
day = "day"
[hold_out]
permille = 100
days = 180
over = "branch"
[confidential]
may_be_empty = true
lost_permille_max = 170
customer = "who"
renewed_permille = 11
[delivery]
crm = "CRM-01"
name = "leads"
encoding = "gb18030"
delimiter = "|"
valid_days = 14
[[delivery.columns]]
from = "batch"
to = "PCH"
[[delivery.columns]]
from = "line"
to = "XH"
[[delivery.columns]]
from = "customer"
to = "KHH"
[[delivery.columns]]
from = "team"
to = "TD"
"#;

#[test]
fn rules_take_what_they_took() {
    let path = Path::new("rules.toml");
    let reads = |text: &str| Rules::parse(path, text).map(|_| ()).map_err(|faults| faults.to_string());
    let whole = format!("{:#?}", Rules::parse(path, RULES).unwrap_or_else(|faults| panic!("{faults}")));
    compare(&format!("{}{whole}\n", told(RULES, &reads)), "contact/tests/limits.txt");
}
