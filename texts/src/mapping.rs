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
    from_odbc() { en: "from a database over ODBC, by a query", zh: "来自 ODBC 数据库的查询" }
    dialect(encoding, layout, decimal, comment, columns) {
        en: "    written in {encoding}, {layout}, {decimal}{comment}; {columns}",
        zh: "    编码 {encoding}，{layout}，{decimal}{comment}；{columns}",
    }
    delimited(delimiter, quotes) { en: "values divided by {delimiter}, {quotes}", zh: "以 {delimiter} 分隔，{quotes}" }
    quotes(quote) { en: "quotes {quote}", zh: "引号 {quote}" }
    no_quotes() { en: "without quotes", zh: "没有引号" }
    fixed(spans) { en: "values at the bytes {spans} of each line", zh: "各值位于每行的字节 {spans}" }
    decimal_point() { en: "a point before fractions", zh: "小数点为点号" }
    decimal_comma() { en: "a comma before fractions", zh: "小数点为逗号" }
    comments(letter) { en: ", lines that begin with {letter} are passed over", zh: "，以 {letter} 开头的行被跳过" }
    columns_of_first_line() { en: "the first line names the columns", zh: "第一行是列名" }
    columns_without_header(columns) {
        en: "no line names the columns, which are {columns}",
        zh: "没有列名行，各列依次为 {columns}",
    }
    for_branch(name) { en: "  for the branch {name} alone", zh: "  仅用于分行 {name}" }
    for_any_branch() {
        en: "  for every branch of this owner (mapping.branch would name one)",
        zh: "  用于该负责人的所有分行（可用 mapping.branch 指定一个分行）",
    }
    other_branch(path, named, own) {
        en: "{path}: the owner signed this mapping for the branch {named}, and this is {own}, so no row is read. Put this branch's own mapping there, or have the owner sign one for it",
        zh: "{path}：负责人为分行 {named} 签署了此映射，而本分行是 {own}，因此不读取任何数据行。请放回本分行自己的映射，或由负责人为本分行签署",
    }
    older(path) {
        en: "{path}: this branch has used a file of this kind that the owner signed later, so this one is not in force. Put the newest file and its signature back; or have the owner read this one and sign it anew, which makes it the newest",
        zh: "{path}：本分行已使用过负责人更晚签署的同类文件，因此此文件无效。请放回最新的文件及其签名；或由负责人审阅此文件并重新签署，使其成为最新",
    }
    query(text) { en: "  rows to learn from:\n{text}", zh: "  用于学习的数据行：\n{text}" }
    held_out_query(text) { en: "  rows that are only counted:\n{text}", zh: "  仅用于评估计数的数据行：\n{text}" }
    score_query(text) { en: "  rows of customers to score:\n{text}", zh: "  用于评分的数据行：\n{text}" }
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
        en: "{key}: there is no such key. Such a file is signed with the key that signed the policy (`tributary client policy sign`)",
        zh: "{key}：没有这个私钥。此类文件必须用签署策略的私钥签署（`tributary client policy sign`）",
    }
}
