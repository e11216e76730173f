//! Files that the owner of the data signs.

use std::path::Path;

use tributary_model::schema::Schema;

use super::told;
use crate::data::Mapping;
use crate::policy::{BranchPolicy, SAMPLE};
use crate::score::Actions;
use crate::whole::compare;

const SCHEMA: &str = include_str!("../../../docs/samples/schemas/events_churn.toml");

/// A mapping in which each key has a value of its own.
const MAPPING: &str = r#"
[mapping]
schema = "SCHEMA"
branch = "north-bank/branch-01"
utc_offset_minutes = 420
source = "sqlite"
query = "SELECT * FROM kh"
held_out_query = "SELECT * FROM kh WHERE held"
score_query = "SELECT * FROM kh WHERE here"
date_query = "SELECT day FROM day"
[mapping.home]
column = "JGH"
values = ["A1", "A2"]
[[columns]]
to = "customer_id"
from = "KHH"
type = "text"
[[columns]]
to = "age"
from = "CSRQ"
date = "YYYYMMDD"
count = "years-since"
[[consent]]
name = "words"
customer = "khh"
column = "YXTY"
allowed = ["Y", "1"]
purpose = "YT"
purposes = ["营销", "模型"]
[[consent]]
column = "JJ"
refused = ["N"]
[label]
days = 90
happened = "XHRQ"
happened_form = "YYYYMMDD"
time_zone = "utc"
known_after = ["XHRQ", "LSBZ"]
[[events]]
name = "transactions"
customer = "KHH"
time = "JYRQ"
time_form = "YYYYMMDD"
booked = "JZRQ"
booked_form = "YYYYMMDD"
until = "JSRQ"
until_form = "YYYYMMDD"
time_zone = "utc"
amount = "JYJE"
unit = "分"
sign = "direction"
trailing_sign = true
direction = "JDBZ"
in = ["C"]
out = ["D"]
id = "LSH"
unknown_percent_max = 7
[events.csv]
encoding = "gb18030"
[[events.codes]]
name = "kind"
column = "JYLX"
meanings = { "存入" = "deposit", "取出" = "withdraw" }
others = true
[[derived]]
to = "large_transfer_out"
table = "transactions"
function = "any"
window_days = 90
direction = "out"
amount_min = "50000000"
only = { kind = ["withdraw"] }
[[derived]]
to = "channels_90d"
table = "transactions"
function = "distinct"
of = "kind"
window_days = 91
[[derived]]
to = "activity_decay"
table = "transactions"
function = "decay"
window_months = 2
former = 4
"#;

/// Actions in which each key has a value of its own.
const ACTIONS: &str = r#"
[actions]
schema = "SCHEMA"
branch = "north-bank/branch-01"
[[stages]]
name = "new"
action_zh = "行动"
action_en = "act"
notice_zh = "提示"
notice_en = "told"
[[stages.when]]
field = "age"
from = 18.5
below = 30.5
[[stages.when]]
column = "vip"
missing = true
[[stages.when]]
column = "level"
is = ["1", "2"]
[[stages]]
name = "rest"
action_zh = "行动二"
action_en = "act two"
notice_zh = "提示二"
notice_en = "told two"
"#;

fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"))
}

fn pinned(text: &str) -> String {
    text.replace("SCHEMA", &schema().digest().to_string())
}

#[test]
fn a_policy_takes_what_it_took() {
    let reads = |text: &str| {
        BranchPolicy::parse(Path::new("policy.toml"), text).map(|_| ()).map_err(|faults| faults.to_string())
    };
    let lines: Vec<&str> = SAMPLE.lines().filter(|line| !line.starts_with('#')).collect();
    let more = "purposes_more = 1";
    assert!(reads(&format!("{}\n{more}\n", lines.join("\n"))).is_err());
    let text = format!("{}\n", lines.join("\n"));
    let whole = format!("{:#?}", BranchPolicy::parse(Path::new("policy.toml"), &text).unwrap());
    compare(&format!("{}{whole}\n", told(&text, &reads)), "file_ranges/policy.txt");
}

#[test]
fn a_mapping_takes_what_it_took() {
    let (schema, path) = (schema(), Path::new("mapping.toml"));
    let reads = |text: &str| Mapping::parse(path, text, &schema).map(|_| ()).map_err(|fault| fault.to_string());
    let text = pinned(MAPPING);
    let whole = format!("{:#?}", Mapping::parse(path, &text, &schema).unwrap_or_else(|fault| panic!("{fault}")));
    compare(&format!("{}{whole}\n", told(&text, &reads)), "file_ranges/mapping.txt");
}

#[test]
fn actions_take_what_they_took() {
    let (schema, path) = (schema(), Path::new("actions.toml"));
    let reads = |text: &str| Actions::parse(path, text, &schema).map(|_| ()).map_err(|fault| fault.to_string());
    compare(&told(&pinned(ACTIONS), &reads), "file_ranges/actions.txt");
}
