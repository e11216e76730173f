//! What a branch's people do about a customer, for the owner who signs that.

use crate::texts;

texts! {
    actions_of(schema) { en: "actions for the schema {schema}", zh: "用于模式 {schema} 的行动" }
    for_any_branch() {
        en: "  for every branch of this owner (actions.branch would name one)",
        zh: "  用于该负责人的所有分行（可用 actions.branch 指定一个分行）",
    }
    stage(number, name, when) { en: "  {number}. {name}: {when}", zh: "  {number}. {name}：{when}" }
    everybody() { en: "everybody who fits no stage before it", zh: "不符合之前各阶段的所有客户" }
    action(chinese, english) {
        en: "     suggested: {english} / {chinese}",
        zh: "     建议行动：{chinese} / {english}",
    }
    notice(chinese, english) {
        en: "     the customer is told: {english} / {chinese}",
        zh: "     向客户提示：{chinese} / {english}",
    }
    else_none() {
        en: "  a customer who fits no stage has no stage, action or notice",
        zh: "  不符合任何阶段的客户没有阶段、行动和提示",
    }
    of_schema(column) { en: "the schema's column {column}", zh: "模式的列 {column}" }
    of_table(column) { en: "the table's column {column}", zh: "数据表的列 {column}" }
    is_missing(of) { en: "{of} has no value", zh: "{of} 没有值" }
    is_there(of) { en: "{of} has a value", zh: "{of} 有值" }
    from_below(of, from, below) { en: "{of} is from {from} to below {below}", zh: "{of} 不小于 {from} 且小于 {below}" }
    from(of, from) { en: "{of} is {from} or more", zh: "{of} 不小于 {from}" }
    below(of, below) { en: "{of} is below {below}", zh: "{of} 小于 {below}" }
    is_one_of(of, codes) { en: "{of} is one of {codes}", zh: "{of} 为 {codes} 之一" }
    written(path) {
        en: "{path} is written, with the schema's digest; every key is explained in it. Edit it, then have the data's owner read and sign it, and name it in the settings (`scores.actions`).",
        zh: "已写入 {path}，其中包含模式的摘要，并解释了每个配置项。请编辑后交由数据负责人审阅并签署，再写入设置（`scores.actions`）。",
    }
    signed(path) { en: "{path}: the actions are signed as they stand", zh: "{path}：已按现有内容签署行动" }
    none_named(config) {
        en: "{config} names no actions (scores.actions): scores have no stage, action or notice",
        zh: "{config} 没有指定行动（scores.actions）：评分没有阶段、行动和提示",
    }
    other_branch(path, named, own) {
        en: "{path}: the owner signed these actions for the branch {named}, and this is {own}, so nobody is scored. Put this branch's own actions there, or have the owner sign some for it",
        zh: "{path}：负责人为分行 {named} 签署了这些行动，而本分行是 {own}，因此没有评分。请放回本分行自己的行动，或由负责人为本分行签署",
    }
}
