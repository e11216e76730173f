//! What a branch's own files hold, on its own screen.

use crate::texts;

texts! {
    holds(file, rows, customers, most, left_out) {
        en: "{file}: {rows} rows, {customers} customers, at most {most} rows each{left_out}",
        zh: "{file}：{rows} 行，{customers} 个客户，每个客户最多 {most} 行{left_out}",
    }
    holds_faulty(rows) { en: "  {rows} more rows have a fault and are left out", zh: "  另有 {rows} 行有错误，未使用" }
    holds_elsewhere(rows) {
        en: "  {rows} more rows are another branch's, by the mapping",
        zh: "  另有 {rows} 行按映射属于别的分行",
    }
    field_absent(name, level, column) {
        en: "  field {name}, level {level}: there is no column {column}, which the schema allows; it is learned as missing",
        zh: "  字段 {name}，级别 {level}：没有列 {column}，模式允许这种情况；按缺失学习",
    }
    absent(named) {
        en: "{named}: the data have no such column, which the schema allows; every row is learned as missing there. Look whether the export has lost it",
        zh: "{named}：数据中没有这一列，模式允许这种情况；每一行都按缺失学习。请检查导出是否丢失了它",
    }
    rows_faulty(faulty, rows, limit, first) {
        en: "{faulty} of {rows} rows have a fault and are left out, each by itself (data.faulty_percent_max = {limit}). Correct the export; the first faults, in English:{first}",
        zh: "{rows} 行中有 {faulty} 行有错误，已逐行略过（data.faulty_percent_max = {limit}）。请改正导出；最初的错误（英文）：{first}",
    }
    other_database() {
        en: "the settings and the mapping name different sources: `source` of the mapping is `postgres` where the settings have [data.postgres], `odbc` where they have [data.odbc], and a file's kind where they have data.file. No row is read",
        zh: "设置与映射指定的数据来源不一致：设置中有 [data.postgres] 时，映射的 `source` 应为 `postgres`；有 [data.odbc] 时应为 `odbc`；有 data.file 时应为文件的类型。没有读取任何数据行",
    }
    held_out_has_a_query() {
        en: "the settings name data.held_out, and the mapping reads an SQLite file by a query. Name the held-out rows by mapping.held_out_query instead",
        zh: "设置中指定了 data.held_out，而映射通过查询读取 SQLite 文件。请改用 mapping.held_out_query 指定留出的数据行",
    }
    left_out(rows) { en: ", {rows} rows left out", zh: "，其中 {rows} 行未使用" }
    label(name, positive, negative, missing, unlisted) {
        en: "  label {name}: {positive} positive, {negative} negative, {missing} not known, {unlisted} unlisted",
        zh: "  标签 {name}：正例 {positive}，负例 {negative}，未知 {missing}，不在列表中 {unlisted}",
    }
    field(name, level, missing) {
        en: "  field {name}, level {level}: {missing} missing",
        zh: "  字段 {name}，级别 {level}：缺失 {missing}",
    }
    is_there() { en: "is there", zh: "存在" }
    is_not_there() { en: "is not in the file", zh: "不在文件中" }
    audit(name, level, column, found) {
        en: "  audit {name}, level {level}: the column {column} {found}; it is not read, and nothing is learned from it",
        zh: "  审计 {name}，级别 {level}：列 {column} {found}；不会读取，也不会从中学习",
    }
    field_unlisted(count) { en: ", {count} unlisted", zh: "，不在列表中 {count}" }
    field_bounds(below, at_min, at_max, above) {
        en: ", {below} below min, {at_min} at min, {at_max} at max, {above} above max",
        zh: "，低于下限 {below}，等于下限 {at_min}，等于上限 {at_max}，高于上限 {above}",
    }
    would_be_used() { en: "a run would use this", zh: "运行会使用这些数据" }
    would_not_be_used() {
        en: "a run would not use this, and stop before it connects",
        zh: "运行不会使用这些数据，并会在连接之前停止",
    }
    schema_of(key, schema) { en: "{key}, schema {schema}", zh: "{key}，模式（schema）{schema}" }
    stops(text) { en: "STOPS: {text}", zh: "停止：{text}" }
    warns(text) { en: "WARNING: {text}", zh: "警告：{text}" }
    field_named(name, column) { en: "field {name} (column {column})", zh: "字段 {name}（列 {column}）" }
    label_named(name, column) { en: "label {name} (column {column})", zh: "标签 {name}（列 {column}）" }
    one_customer(customers) { en: "{customers} customer", zh: "{customers} 个客户" }
    customers(customers) { en: "{customers} customers", zh: "{customers} 个客户" }
    few_customers(rows, customers, most, column, max) {
        en: "{rows} rows, {customers}, at most {most} rows each: rows with one value in the column {column} count as one customer, and at most {max} of them are used (data.rows_per_customer_max); look whether the export has changed the column",
        zh: "{rows} 行，{customers}，每个客户最多 {most} 行：列 {column} 中值相同的行算作同一个客户，其中最多使用 {max} 行（data.rows_per_customer_max）；请检查导出是否改变了这一列",
    }
    outside(named, count, rows, min, max, below, above, limit) {
        en: "{named}: {count} of {rows} values are outside of {min} to {max} ({below} below, {above} above) and would count as a bound; export what the field means, or raise data.outside_percent_max ({limit}) if that is meant",
        zh: "{named}：{rows} 个值中有 {count} 个不在 {min} 到 {max} 之间（低于 {below} 个，高于 {above} 个），会按边界值计算；请按字段的含义导出，如果这是有意的，请调高 data.outside_percent_max（{limit}）",
    }
    unlisted(named, count, rows, cure) {
        en: "{named}: {count} of {rows} values are not in the schema's list, and are learned as none of its categories; {cure}",
        zh: "{named}：{rows} 个值中有 {count} 个不在模式的列表中，学习时不属于任何类别；{cure}",
    }
    export_or_raise(limit) {
        en: "export what the field means, or raise data.unlisted_percent_max ({limit}) if that is meant",
        zh: "请按字段的含义导出，如果这是有意的，请调高 data.unlisted_percent_max（{limit}）",
    }
    ask_exporter() {
        en: "ask whoever exports the data whether that is meant",
        zh: "请询问导出数据的人这是否有意",
    }
    missing(named, count, rows, limit) {
        en: "{named}: {count} of {rows} values are missing; export the column, or raise data.missing_percent_max ({limit}) if that is meant",
        zh: "{named}：{rows} 个值中有 {count} 个缺失；请导出该列，如果这是有意的，请调高 data.missing_percent_max（{limit}）",
    }
    grouped(named, count) {
        en: "{named}: every point stands before three digits, {count} times, as between thousands in 1.250; if 1.250 means 1250, the schema's key is csv.decimal = \",\"",
        zh: "{named}：每个小数点后面都正好是三位数字（{count} 次），像 1.250 中的千位分隔；如果 1.250 表示 1250，请在模式中写 csv.decimal = \",\"",
    }
    label_unlisted(named, count, rows, words, limit) {
        en: "{named}: {count} of {rows} values are neither in `positive` nor in `negative`, and teach nothing{words}; ask the owner of the schema for one that lists them{limit}",
        zh: "{named}：{rows} 个值中有 {count} 个既不在 `positive` 也不在 `negative` 中，不起任何作用{words}；请模式的负责人把它们列入{limit}",
    }
    look_like(yes, no) { en: ". They look like {yes} and {no}", zh: "。它们看起来是 {yes} 和 {no}" }
    or_raise_unlisted(limit) {
        en: ", or raise data.unlisted_percent_max ({limit})",
        zh: "，或调高 data.unlisted_percent_max（{limit}）",
    }
    no_value_known() { en: "no value is known", zh: "没有任何已知的值" }
    no_positive() { en: "no row is positive", zh: "没有正例" }
    no_negative() { en: "no row is negative", zh: "没有负例" }
    teaches_little(named, lacking) {
        en: "{named}: {lacking}, so that the table teaches little about it; look whether that is meant",
        zh: "{named}：{lacking}，因此这张表几乎学不到它；请检查这是否有意",
    }
    not_usable(file) {
        en: "{file}: the rows can be read, but hardly mean what the schema says; nothing is learned from them",
        zh: "{file}：数据行可以读取，但含义与模式明显不符；不会从中学习",
    }
    stamped(path, date) {
        en: "{path}: written; the table is of {date}, and whoever changes it must write this file anew",
        zh: "{path}：已写入；数据表属于 {date}，修改数据表的人必须重新写入此文件",
    }
    since(date, changes) { en: "since the data of {date}:\n{changes}", zh: "与 {date} 的数据相比：\n{changes}" }
    no_earlier() {
        en: "no earlier data set is kept here, so there is nothing beside which this one could be laid",
        zh: "本机没有保存更早的数据集，因此无法对照",
    }
    ask(alarm) { en: "ASK: {alarm}", zh: "请确认（ASK）：{alarm}" }
    sha256(digest) { en: "SHA-256 {digest}", zh: "SHA-256 校验值 {digest}" }
    data_of(date) { en: "data of {date}", zh: "{date} 的数据" }
    of_no_day() {
        en: "of no declared day: a run whose plan names one is not joined with it (docs/OPERATING.md, \"The ready file\")",
        zh: "没有声明日期：如果计划指定了日期，就不会用它参加运行（见 docs/OPERATING.md 的 \"The ready file\"）",
    }
    same_rows() {
        en: "every count is that of the data set before, in each column and each label: this looks like the same rows again; ask whoever exports the data",
        zh: "每一列和每个标签的计数都与上一个数据集相同：看起来是同样的数据行；请询问导出数据的人",
    }
    rows_apart(now, before, limit) {
        en: "{now} rows, and {before} in the data set before: more than {limit} % apart (data.volume_change_percent_max); look whether the export is whole",
        zh: "{now} 行，而上一个数据集有 {before} 行：相差超过 {limit} %（data.volume_change_percent_max）；请检查导出是否完整",
    }
    customers_apart(now, before, limit) {
        en: "{now} customers, and {before} in the data set before: more than {limit} % apart (data.volume_change_percent_max); look whether the export is whole",
        zh: "{now} 个客户，而上一个数据集有 {before} 个：相差超过 {limit} %（data.volume_change_percent_max）；请检查导出是否完整",
    }
    label_moved(name, rate, before, limit) {
        en: "label {name}: {rate} positive, and {before} in the data set before: the rarer class moved by more than {limit} % of its share (data.label_change_percent_max); look whether the label means what it meant",
        zh: "标签 {name}：正例占 {rate}，而上一个数据集为 {before}：较少的一类变化超过其比例的 {limit} %（data.label_change_percent_max）；请检查标签的含义是否改变",
    }
    label_flipped(name) {
        en: "label {name}: in the columns' bins it is positive where it was negative in the data set before: its classes look flipped; look whether `positive` and `negative` of the schema, or the export, have changed places",
        zh: "标签 {name}：按各列分箱来看，上一个数据集中的负例现在是正例：两类看起来对调了；请检查模式的 `positive` 和 `negative`，或导出，是否互换了",
    }
    field_moved(name, stability, limit) {
        en: "field {name}: its values are spread otherwise than in the data set before, with a stability index of {stability} (data.stability_index_max = {limit}); look whether the column means what it meant",
        zh: "字段 {name}：取值分布与上一个数据集不同，稳定性指数为 {stability}（data.stability_index_max = {limit}）；请检查该列的含义是否改变",
    }
    changed_volume(rows_before, rows, customers_before, customers) {
        en: "  rows {rows_before} -> {rows}, customers {customers_before} -> {customers}",
        zh: "  行数 {rows_before} -> {rows}，客户数 {customers_before} -> {customers}",
    }
    changed_label(name, before, now) {
        en: "  label {name}: positive {before} -> {now}",
        zh: "  标签 {name}：正例 {before} -> {now}",
    }
    rate_unknown() { en: "not known", zh: "未知" }
    changed_field(name, stability) {
        en: "  field {name}: stability index {stability}",
        zh: "  字段 {name}：稳定性指数 {stability}",
    }
}
