//! What counts of customers by their values say of each field, for people.

use crate::texts;

texts! {
    title(run, plan) { en: "Run {run} of plan {plan}: fields", zh: "计划 {plan} 第 {run} 次运行：字段概况" }
    counted(customers, survivors) {
        en: "about {customers} customers of {survivors} branches were counted by the values of their fields",
        zh: "按字段取值统计了 {survivors} 家分行的约 {customers} 名客户",
    }
    missing() { en: "without a value", zh: "缺失率" }
    quantile(percent) { en: "{percent} % are below", zh: "{percent}% 分位数" }
    few() { en: "too few were counted", zh: "统计数不足以给出" }
    edges(groups, edges) {
        en: "the model was learnt over {groups} groups, divided at {edges}",
        zh: "模型按 {groups} 个分组学习，分界点为 {edges}",
    }
    together(categories) { en: "rare, and learnt as one: {categories}", zh: "稀有类别，合并学习：{categories}" }
    intervals() {
        en: "Intervals are of the privacy noise, at 95 %; those of \"are below\" reach to the edges of the schema's bins as well.",
        zh: "区间为隐私噪声的 95% 区间；分位数的区间还包含所在分箱的宽度。",
    }
}
