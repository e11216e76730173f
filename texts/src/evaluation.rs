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
    groups() { en: "Groups of customers", zh: "客户群体对比" }
    groups_note(share) {
        en: "The list has the {share} % of all customers with the highest scores. Below each figure stands how much higher it is than that of all.",
        zh: "名单为全部客户中得分最高的 {share}%。每个指标下方为其与全部客户之差。",
    }
    group() { en: "group", zh: "群体" }
    group_listed() { en: "share in the list", zh: "进入名单的比例" }
    group_found() { en: "share of positives in the list", zh: "正例进入名单的比例（真正例率）" }
    group_score() { en: "mean score", zh: "平均得分" }
    group_calibration() { en: "mean score less share of positives", zh: "平均得分减正例占比" }
    group_small() { en: "too small for the noise", zh: "人数过少，低于噪声" }
    to_all() { en: "to all", zh: "与全部之差" }
    no_value() { en: "no value", zh: "缺失" }
    between(low, high) { en: "{low} to {high}", zh: "{low} 至 {high}" }
    importance() { en: "Importance of fields", zh: "字段重要性" }
    importance_note() {
        en: "Variance of each field's contribution to the score, in logits squared. The interval is of the noise in the counts. What two fields do together stands as one × other, as if they were independent.",
        zh: "各字段对得分贡献的方差（logit 的平方）。区间来自统计数的噪声。两个字段的交互作用单列为“甲 × 乙”，计算时假定二者相互独立。",
    }
    importance_no_counts() {
        en: "Not available: the run counted no fields. Put [plan.statistics] into the next plan.",
        zh: "不可用：该次运行未统计字段。请在下一个计划中加入 [plan.statistics]。",
    }
    importance_not_additive() {
        en: "Not available: this model is no sum over fields, and a measure by exchanged values would not be private.",
        zh: "不可用：该模型不是各字段之和；用置换取值来度量则不满足隐私要求。",
    }
    field() { en: "field", zh: "字段" }
    variance() { en: "variance", zh: "方差" }
    training_noise() { en: "training noise gives about", zh: "训练噪声约产生" }
    below_noise() { en: "below the noise", zh: "低于噪声" }
    above_noise() { en: "above the noise", zh: "高于噪声" }
    below_noise_or_not() { en: "beside the noise", zh: "与噪声相比" }
    noise_unknown() { en: "not known", zh: "未知" }
    weights() { en: "Weight of evidence and information value", zh: "证据权重（WOE）与信息值（IV）" }
    weights_note() {
        en: "A weight above 0 says that positives are more frequent in the bin than on average. Bins without one have too few customers for the noise.",
        zh: "权重大于 0 表示该分箱中的正例比平均更多。没有权重的分箱客户过少，低于噪声。",
    }
    bin() { en: "bin", zh: "分箱" }
    weight() { en: "weight of evidence", zh: "证据权重（WOE）" }
    information_value(field) { en: "{field}: information value", zh: "{field}：信息值（IV）" }
    too_few() { en: "too few customers for the noise", zh: "客户过少，低于噪声" }
    stability(number) { en: "Stability against run {number}", zh: "与第 {number} 次运行相比的稳定性" }
    stability_note() {
        en: "Population stability index (PSI): below 0.1 little has moved, above 0.25 much has.",
        zh: "群体稳定性指标（PSI）：低于 0.1 表示变化很小，高于 0.25 表示变化很大。",
    }
    scores_of(name) { en: "scores of {name}", zh: "{name} 的得分" }
    index() { en: "PSI", zh: "PSI（群体稳定性指标）" }
    beside() { en: "Beside it: figures on public data", zh: "对照：公开数据上的指标" }
    beside_note(path) {
        en: "From {path}, which was written on public data. These figures are not private, and they are not of these customers.",
        zh: "来自 {path}，由公开数据得出。这些指标未加隐私保护，也不属于上述客户。",
    }
    beside_name() { en: "model", zh: "模型" }
    price() { en: "The price of epsilon", zh: "epsilon 的代价" }
    price_axes() {
        en: "AUC at each epsilon; the dashed line is this model's own",
        zh: "各 epsilon 下的 AUC；虚线为本模型自己的 AUC",
    }
    branches() {
        en: "All figures are of the customers of all branches together. No branch sends a figure of its own.",
        zh: "所有指标均基于全部分行的客户合并计算。任何分行都不发送自己的单独指标。",
    }
    written(path) { en: "{path} is written", zh: "{path}：已写入" }
}
