//! What an evaluation says of a model, for people.

use crate::texts;

texts! {
    title(model) { en: "Model {model}", zh: "模型 {model}" }
    comparison() { en: "Models compared", zh: "模型比较" }
    of_run(purpose, number, plan) {
        en: "for \"{purpose}\", run {number} of plan \"{plan}\"",
        zh: "用途“{purpose}”，计划“{plan}”第 {number} 次运行",
    }
    counted(customers, survivors) {
        en: "about {customers} customers of {survivors} branches were counted by label and score",
        zh: "按标签和得分统计了 {survivors} 家分行的约 {customers} 名客户",
    }
    intervals() {
        en: "Intervals are of the privacy noise, at 95 %. That other customers would give other figures is not in them.",
        zh: "区间为隐私噪声的 95% 区间，不包含更换客户样本所带来的差异。",
    }
    label(name) { en: "Label {name}", zh: "标签 {name}" }
    figure() { en: "figure", zh: "指标" }
    estimate() { en: "estimate", zh: "估计值" }
    interval() { en: "95 % interval", zh: "95% 区间" }
    difference() { en: "difference", zh: "差值" }
    none() { en: "the counts cannot give it", zh: "统计数不足以给出" }
    customers() { en: "customers", zh: "客户数" }
    positives() { en: "share of positives", zh: "正例占比" }
    auc() { en: "AUC", zh: "AUC（ROC 曲线下面积）" }
    pr_auc() { en: "PR-AUC (average precision)", zh: "PR-AUC（平均精确率）" }
    ks() { en: "KS", zh: "KS（两类得分分布的最大距离）" }
    log_loss() { en: "log loss (nats)", zh: "对数损失（nat）" }
    brier() { en: "Brier score", zh: "Brier 分数" }
    ece() { en: "calibration error (ECE)", zh: "校准误差（ECE）" }
    lift(share) { en: "lift, best {share} % of customers", zh: "提升度，得分最高的 {share}% 客户" }
    roc() { en: "Receiver operating characteristic", zh: "ROC 曲线" }
    roc_axes() { en: "negatives above the score; positives above the score", zh: "横轴：高于该得分的负例；纵轴：高于该得分的正例" }
    calibration() { en: "Calibration", zh: "校准曲线" }
    calibration_axes() { en: "mean score of a group; share of positives in it", zh: "横轴：分组平均得分；纵轴：分组正例占比" }
    lifts() { en: "Lift by size of the list", zh: "按名单大小的提升度" }
    lifts_axes() { en: "share of customers in the list; times more positives than at random", zh: "横轴：名单占客户的比例；纵轴：相对随机名单的倍数" }
    separation() { en: "KS: both classes by score", zh: "KS：两类客户的得分分布" }
    separation_axes() { en: "share of customers above the score: positives and negatives", zh: "高于该得分的客户占比：正例与负例" }
    written(path) { en: "{path}: the report is written", zh: "{path}：报告已写入" }
}
