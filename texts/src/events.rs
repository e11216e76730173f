//! Tables of events beside the customers' own, what is derived from them, and who may be read: for the owner who signs that, and for the operator
//! who reads what came of it.

use crate::texts;

texts! {
    consent(column, table, rule, purpose) {
        en: "  first of all: the column {column} {table} says whether a customer agrees: {rule}{purpose}. Of others nothing else is read",
        zh: "  首先：列 {column}（{table}）说明客户是否同意：{rule}{purpose}。对于其他客户，不再读取任何内容",
    }
    in_customers() { en: "of the customers' table", zh: "客户表" }
    in_table(name, source, customer) {
        en: "of the table {name} (from {source}; the customer is the column {customer})",
        zh: "表 {name}，来自{source}，客户取自列 {customer}",
    }
    allowed(codes) { en: "{codes} allow, and nothing else does", zh: "只有 {codes} 表示同意" }
    refused(codes) { en: "{codes} refuse, and nothing else does", zh: "只有 {codes} 表示拒绝" }
    purposes(column, purposes) {
        en: ", in rows whose column {column} is one of {purposes}",
        zh: "，仅看列 {column} 为 {purposes} 之一的数据行",
    }
    holds_events() { en: "events", zh: "事件" }
    holds_balances() { en: "balances of days", zh: "每日余额" }
    from_text() { en: "a text file", zh: "文本文件" }
    from_parquet() { en: "a Parquet file", zh: "Parquet 文件" }
    from_sqlite() { en: "an SQLite file, by a query", zh: "SQLite 文件的查询" }
    from_postgres() { en: "a PostgreSQL database, by a query", zh: "PostgreSQL 数据库的查询" }
    from_odbc() { en: "a database over ODBC, by a query", zh: "ODBC 数据库的查询" }
    table(name, holds, source, customer, time) {
        en: "  table {name}: {holds}, from {source}; the customer is the column {customer}, the time is {time}",
        zh: "  表 {name}：{holds}，来自{source}；客户取自列 {customer}，时间取自{time}",
    }
    query(text) { en: "    its rows:\n{text}", zh: "    其数据行：\n{text}" }
    time(column, form, zone) { en: "the column {column}, {form}{zone}", zh: "列 {column}，{form}{zone}" }
    zone_local() { en: ", by the bank's clock", zh: "，按本行时钟" }
    zone_utc() { en: ", by UTC", zh: "，按 UTC" }
    booked(time) {
        en: "    known to the bank since {time}; what was not known on the day of the data is not seen",
        zh: "    入账时间取自{time}；数据日期时尚未入账的不会被看到",
    }
    until(time) {
        en: "    ended at {time}; an end after the day of the data is not seen",
        zh: "    结束时间取自{time}；数据日期之后的结束不会被看到",
    }
    amount(column, unit, sign, trailing) {
        en: "    amounts in {column}, in {unit}; {sign}{trailing}",
        zh: "    金额取自列 {column}，单位 {unit}；{sign}{trailing}",
    }
    trailing_sign() { en: ", and it may stand after the number", zh: "，且可写在数字之后" }
    sign_refused() { en: "a minus is a fault", zh: "负号视为错误" }
    sign_direction() { en: "a minus means that it went out", zh: "负号表示流出" }
    sign_allowed() { en: "a minus is a number below 0", zh: "负号表示负数" }
    direction(column, inward, outward) {
        en: "    direction in {column}: {inward} came in, {outward} went out",
        zh: "    方向取自列 {column}：{inward} 为流入，{outward} 为流出",
    }
    codes(name, column, meanings, others) {
        en: "    {name} is the column {column}: {meanings}; {others}",
        zh: "    {name} 取自列 {column}：{meanings}；{others}",
    }
    others_pass() { en: "other codes belong to no group", zh: "其他代码不属于任何组" }
    others_are_faults() { en: "another code is a fault", zh: "其他代码视为错误" }
    id(column) { en: "    {column} tells events apart: the same event twice counts once", zh: "    {column} 区分事件：同一事件出现两次只计一次" }
    unknown_customers(percent) {
        en: "    at most {percent} % of its rows may be of customers whom the customers' table does not have",
        zh: "    最多 {percent} % 的数据行可以属于客户表中没有的客户",
    }
    clock(minutes) { en: "  the bank's clock is {minutes} minutes ahead of UTC", zh: "  本行时钟比 UTC 早 {minutes} 分钟" }
    derived(to, function, table, window, filter) {
        en: "  {to} is {function} of {table}, over {window}{filter}",
        zh: "  {to} 为表 {table} 的 {function}，窗口为{window}{filter}",
    }
    decay(function, former) {
        en: "{function} (by the mean of the {former} windows before)",
        zh: "{function}（与之前 {former} 个窗口的平均值相比）",
    }
    window_days(days) {
        en: "the {days} days that end with the day of the data",
        zh: "截至数据日期的 {days} 天",
    }
    window_months(months) {
        en: "the {months} months that end with the day of the data",
        zh: "截至数据日期的 {months} 个月",
    }
    only(code, groups) { en: ", where {code} is one of {groups}", zh: "，仅限 {code} 为 {groups} 之一" }
    only_in() { en: ", what came in alone", zh: "，仅限流入" }
    only_out() { en: ", what went out alone", zh: "，仅限流出" }
    amount_min(amount, unit) { en: ", from {amount} {unit} on", zh: "，金额不低于 {amount} {unit}" }
    label(days) {
        en: "  the labels are about the {days} days after the day of the data",
        zh: "  标签说明数据日期之后 {days} 天内的情况",
    }
    label_happened(time) {
        en: "  when it happened, is said by {time}; `tributary client dataset check` compares it with these days",
        zh: "  发生的日期取自{time}；`tributary client dataset check` 会与上述天数比较",
    }
    known_after(columns) {
        en: "  known only after the label: {columns}; a field that reads one of them is warned of",
        zh: "  标签之后才知道的列：{columns}；若有字段读取其中之一，会给出警告",
    }
    read(name, place, seen, rows) {
        en: "  table {name} ({place}): {seen} of {rows} rows are within a field's days",
        zh: "  表 {name}（{place}）：{rows} 行中有 {seen} 行在字段的窗口之内",
    }
    read_consent(name, place) { en: "  table {name} ({place}): consents", zh: "  表 {name}（{place}）：客户同意情况" }
    left(older, later, booked_later, unknown, elsewhere, withheld, repeated, faulty) {
        en: "    not looked at: {older} older, {later} after the day of the data, {booked_later} booked after it; {unknown} of unknown customers, {elsewhere} of other data sets, {withheld} of customers who do not agree, {repeated} repeated, {faulty} with a fault",
        zh: "    未使用：更早 {older}，数据日期之后 {later}，数据日期之后入账 {booked_later}，未知客户 {unknown}，其他数据集 {elsewhere}，未同意的客户 {withheld}，重复 {repeated}，有错误 {faulty}",
    }
    withheld(customers, rows) {
        en: "  {customers} customers have not agreed, or have refused: their {rows} rows are left out, and nothing else of them was read. This figure is never sent",
        zh: "  {customers} 个客户未同意或已拒绝：其 {rows} 行未使用，也未读取他们的其他内容。此数字不会被发送",
    }
    short_span(field, table, from, first) {
        en: "field column {field}: it looks back to {from}, and the first event of the table {table} is of {first}. Customers seem less active than they are. Export older events, or have the owner sign a shorter window",
        zh: "字段列 {field}：窗口从 {from} 开始，而表 {table} 的第一个事件在 {first}。客户会显得不如实际活跃。请导出更早的事件，或由数据负责人签署更短的窗口",
    }
    one_customer_has_most(table, most, seen) {
        en: "table {table}: one customer has {most} of {seen} events. Look whether a code for nobody stands where a key should",
        zh: "表 {table}：一个客户占 {seen} 个事件中的 {most} 个。请检查客户列中是否有表示“无客户”的代码",
    }
    nothing_seen(table) {
        en: "table {table}: no event is within a field's days, so every count of it is 0. Look whether the day of the data is right",
        zh: "表 {table}：没有事件在字段的窗口之内，因此所有计数都为 0。请检查数据日期是否正确",
    }
    faulty(table, faulty, rows, limit, first) {
        en: "table {table}: {faulty} of {rows} rows have a fault and are left out, each by itself (data.faulty_percent_max = {limit}). Correct the export; the first faults, in English:{first}",
        zh: "表 {table}：{rows} 行中有 {faulty} 行有错误，已逐行略过（data.faulty_percent_max = {limit}）。请改正导出；最初的错误（英文）：{first}",
    }
    label_days(begin, end) {
        en: "  the labels are about the days after {begin}, up to {end}; no field sees a day after {begin}",
        zh: "  标签说明 {begin} 之后至 {end} 的情况；任何字段都看不到 {begin} 之后的日期",
    }
    labels_before(rows, day) {
        en: "{rows} rows have a label that was known on {day} already: what the label is about happened before its days began. The fields may know it. Leave such customers out of the export",
        zh: "{rows} 行的标签在 {day} 就已知道：标签所说的情况发生在窗口开始之前，字段可能已包含它。请从导出中去掉这些客户",
    }
    labels_after(rows, day) {
        en: "{rows} rows have a label that is about a day after {day}, where its days end. Give them the label of customers of whom nothing happened",
        zh: "{rows} 行的标签说明的是 {day} 之后的情况，已超出标签窗口。请把它们的标签改为未发生",
    }
    known_too_late(field, column) {
        en: "field {field}: the mapping says that the column {column} is known only after the label, so the field tells what it should predict. Have the owner sign another column for it",
        zh: "字段 {field}：映射说明列 {column} 在标签之后才知道，因此该字段泄露了要预测的内容。请由数据负责人签署另一列",
    }
    tells_alone(field, label, area) {
        en: "field {field} alone tells the label {label} with an AUC of {area}. Hardly any honest field does: look whether it is known only after the label",
        zh: "仅凭字段 {field} 就能预测标签 {label}，AUC 为 {area}。正常字段很少如此：请检查它是否在标签之后才知道",
    }
    no_place(table, key) {
        en: "the mapping reads the table {table}, and the settings do not say where it is: name its file under {key}. No row is read",
        zh: "映射要读取表 {table}，而设置中没有说明它在哪里：请在 {key} 下写明文件。没有读取任何数据行",
    }
    no_table(table, key) {
        en: "the settings name a file for the table {table} ({key}), and no mapping reads such a table. Correct the name, or take the line away. No row is read",
        zh: "设置为表 {table} 指定了文件（{key}），但没有映射读取这个表。请改正名称或删除该行。没有读取任何数据行",
    }
    no_database(table) {
        en: "the mapping reads the table {table} from PostgreSQL, and the settings have no [data.postgres]. Name the database, or give the table as a file. No row is read",
        zh: "映射要从 PostgreSQL 读取表 {table}，而设置中没有 [data.postgres]。请指定数据库，或改用文件。没有读取任何数据行",
    }
    no_odbc(table) {
        en: "the mapping reads the table {table} over ODBC, and the settings have no [data.odbc]. Name the database, or give the table as a file. No row is read",
        zh: "映射要通过 ODBC 读取表 {table}，而设置中没有 [data.odbc]。请指定数据库，或改用文件。没有读取任何数据行",
    }
}
