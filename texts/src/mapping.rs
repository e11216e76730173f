//! How a branch's own columns become the schema's, for the owner who signs that.

use crate::texts;

texts! {
    mapping_of(schema, source) {
        en: "mapping to the schema {schema}, {source}",
        zh: "映射到模式 {schema}，{source}",
    }
    from_text() { en: "from a text file that is written as the schema says", zh: "来自按模式所述格式书写的文本文件" }
    from_own_text(encoding) {
        en: "from a text file in {encoding} that is written in this branch's own way",
        zh: "来自按本分行格式书写的文本文件（编码 {encoding}）",
    }
    from_parquet() { en: "from a Parquet file", zh: "来自 Parquet 文件" }
    from_sqlite() { en: "from an SQLite file, by a query", zh: "来自 SQLite 文件的查询" }
    from_postgres() { en: "from a PostgreSQL database, by a query", zh: "来自 PostgreSQL 数据库的查询" }
    query(text) { en: "  rows to learn from:\n{text}", zh: "  用于学习的数据行：\n{text}" }
    held_out_query(text) { en: "  rows that are only counted:\n{text}", zh: "  仅用于评估计数的数据行：\n{text}" }
    date_query(text) { en: "  day of the data:\n{text}", zh: "  数据日期：\n{text}" }
    home(column, values) {
        en: "  only rows whose column {column} is one of {values}; other rows are another branch's",
        zh: "  只使用列 {column} 为 {values} 之一的数据行；其他数据行属于别的分行",
    }
    column(to, from, kind, codes, conversion) {
        en: "  {to} is the column {from}{kind}{codes}{conversion}",
        zh: "  {to} 取自列 {from}{kind}{codes}{conversion}",
    }
    kind(kind) { en: ", of {kind}", zh: "，类型 {kind}" }
    codes(pairs) { en: ", in which {pairs}", zh: "，其中 {pairs}" }
    money(from, to) { en: ", from {from} to {to}", zh: "，由 {from} 换算为 {to}" }
    trailing_sign() { en: ", with a minus after the number", zh: "，负号写在数字之后" }
    day(form, counted) {
        en: ", a date {form}, counted to the day of the data: {counted}",
        zh: "，日期 {form}，按数据日期计算：{counted}",
    }
    other_columns() {
        en: "  every other column of the schema is the branch's column of that name",
        zh: "  模式的其他列都取自本分行的同名列",
    }
    signed(path) { en: "{path}: the mapping is signed as it stands", zh: "{path}：已按现有内容签署映射" }
    written(path) {
        en: "{path} is written, with the schema's digest; every key is explained in it. Edit it, then have the data's owner read and sign it.",
        zh: "已写入 {path}，其中包含模式的摘要，并解释了每个配置项。请编辑后交由数据负责人审阅并签署。",
    }
    none_named(config) {
        en: "{config} names no mapping (data.mapping): columns are taken as the schema names them",
        zh: "{config} 没有指定映射（data.mapping）：各列按模式中的名称读取",
    }
    no_key(key) {
        en: "{key}: there is no such key. A mapping is signed with the key that signed the policy (`tributary client policy sign`)",
        zh: "{key}：没有这个私钥。映射必须用签署策略的私钥签署（`tributary client policy sign`）",
    }
}
