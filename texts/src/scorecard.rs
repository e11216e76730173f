//! What a scorecard says, for people.

use crate::texts;

texts! {
    title(label, model) { en: "Scorecard of {label}, model {model}", zh: "评分卡：{label}，模型 {model}" }
    state(state) { en: "state: {state}", zh: "状态：{state}" }
    scale(points, odds, double) {
        en: "{points} points at odds of {odds} to 1; {double} points more double the odds. More points mean that the label is more likely.",
        zh: "几率为 {odds}:1 时为 {points} 分，每增加 {double} 分几率翻倍。分数越高，标签成立的可能性越大。",
    }
    rounding(most) {
        en: "Points are rounded to whole numbers, halves away from zero. A customer's points are within {most} of the exact score.",
        zh: "分值四舍五入为整数（半数远离零取整）。客户总分与精确得分之差不超过 {most} 分。",
    }
    base() { en: "base points, which everybody has", zh: "基础分（所有客户均有）" }
    code() { en: "code", zh: "代码" }
    values() { en: "values", zh: "取值" }
    points() { en: "points", zh: "分值" }
    exact() { en: "exact points", zh: "精确分值" }
    weight() { en: "logit", zh: "对数几率" }
    evidence() { en: "weight of evidence", zh: "证据权重（WOE）" }
    information() { en: "information value", zh: "信息值（IV）" }
    unlisted() { en: "not listed", zh: "未列出的取值" }
    also_below() { en: "and all below", zh: "及更低的值" }
    also_above() { en: "and all above", zh: "及更高的值" }
    also_missing() { en: "and missing values", zh: "及缺失值" }
    also_unlisted() { en: "and values that are not listed", zh: "及未列出的取值" }
    codes(values) { en: "missing: {values}", zh: "缺失代码：{values}" }
    rises() { en: "points only rise with the value", zh: "分值随取值单调上升" }
    falls() { en: "points only fall with the value", zh: "分值随取值单调下降" }
    level() { en: "all values have the same points", zh: "所有取值分值相同" }
    both() { en: "points rise and fall", zh: "分值非单调" }
    line(low, high, share) {
        en: "points of v = {low} + ({high} - {low}) * {share}, rounded",
        zh: "v 的分值 = {low} + ({high} - {low}) * {share}，取整",
    }
    bounds(min, max) { en: "v from {min} to {max}; what is beyond counts as the bound", zh: "v 取 {min} 至 {max}，超出部分按边界计" }
    read_as(value) { en: "a missing value is read as {value}", zh: "缺失值按 {value} 计" }
    set(points) {
        en: "set by people, on this card alone; the model has {points}, and scores keep it",
        zh: "人工调整，仅体现在本评分卡上；模型分值为 {points}，评分仍按此计",
    }
    card_alone() {
        en: "These changes are on this card alone. Scores, the points of `tributary client score`, lists, letters to customers and exported files keep the model's points.",
        zh: "上述调整仅体现在本评分卡上。评分、`tributary client score` 的分值列、名单、致客户的说明以及导出的文件仍采用模型分值。",
    }
    changes() { en: "Points that people have set", zh: "人工调整的分值" }
    change(number, field, values, before, after, reason, signed) {
        en: "{number}. {field}, {values}: {before} to {after}, because: {reason}. Signed by {signed}",
        zh: "{number}. {field}，{values}：由 {before} 改为 {after}，原因：{reason}。签署人：{signed}",
    }
    elsewhere(count) {
        en: "changes of points that are of other labels or other scales, and not in this card: {count}",
        zh: "另有 {count} 项分值调整属于其他标签或其他刻度，不在本评分卡内",
    }
    pair(one, other) { en: "{one} with {other}: points on top", zh: "{one} 与 {other} 组合：附加分值" }
    no_group() { en: "no value", zh: "无取值" }
    counted_otherwise() {
        en: "the run counted by other bins, so no bin has its weight of evidence",
        zh: "该次运行的统计分箱与本评分卡不同，各分箱无证据权重",
    }
    no_evidence() {
        en: "No weights of evidence: the run counted no labels by field, or nothing was counted of this model.",
        zh: "无证据权重：该次运行未按字段统计标签，或未对此模型进行统计。",
    }
    reasons() {
        en: "The code of a field is its code in reasons. It stays the same for as long as the schema does.",
        zh: "字段代码即原因代码，在字段规范不变期间保持不变。",
    }
    written(path) { en: "{path}: the scorecard is written", zh: "{path}：评分卡已写入" }
}
