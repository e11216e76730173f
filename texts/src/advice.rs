//! What `plan advise` says before a plan is written.

use crate::texts;

texts! {
    asked(customers, branches, fields) {
        en: "{customers} customers at {branches} branches, {fields} fields",
        zh: "{branches} 家分行共 {customers} 名客户，{fields} 个字段",
    }
    spent(epsilon, delta) {
        en: "a run may cost a customer epsilon {epsilon} at delta {delta}",
        zh: "每次运行对单个客户的隐私开销上限：epsilon {epsilon}，delta {delta}",
    }
    in_a_year(runs, epsilon) {
        en: "{runs} runs a year, which stay within epsilon {epsilon} together",
        zh: "每年 {runs} 次运行，合计不超过 epsilon {epsilon}",
    }
    nothing() {
        en: "Nothing is worth learning here: the noise leaves hardly any order among customers.",
        zh: "不建议训练：噪声几乎淹没客户之间的差异。",
    }
    rough() {
        en: "A rough list can be learnt: it is better than chance, and far from what the data hold.",
        zh: "可以得到粗略的名单：优于随机，但与数据所能达到的水平相差较大。",
    }
    good() {
        en: "A good list can be learnt: the noise costs a part of the order.",
        zh: "可以得到较好的名单：噪声造成部分排序损失。",
    }
    full() {
        en: "Hardly anything is lost to noise.",
        zh: "噪声造成的损失很小。",
    }
    proposed(method, rounds) { en: "proposed  {method}, {rounds} rounds", zh: "建议  {method}，{rounds} 轮" }
    other(method, rounds) { en: "instead    {method}, {rounds} rounds", zh: "备选  {method}，{rounds} 轮" }
    staged() { en: "staged additive learning (method = \"staged\")", zh: "分阶段加性学习（method = \"staged\"）" }
    logistic(rate) {
        en: "logistic regression by gradients (learning_rate {rate})",
        zh: "梯度法逻辑回归（learning_rate {rate}）",
    }
    perceptron(rate) {
        en: "perceptron by gradients (learning_rate {rate})",
        zh: "梯度法多层感知机（learning_rate {rate}）",
    }
    local() { en: "logistic regression in mode local", zh: "local 模式逻辑回归" }
    predicted(noise, learnt, explained, auc, without) {
        en: "noise in a score {noise} logits; {learnt} % of the signal is learnt and {explained} % explained; AUC about {auc} where a model without noise has {without}",
        zh: "得分噪声标准差 {noise}（logit）；学到信号的 {learnt}%，可解释 {explained}%；无噪声模型 AUC 为 {without} 时，预计约 {auc}",
    }
    price(seconds, up, down) {
        en: "about {seconds} s for a run; {up} MB up and {down} MB down for each branch",
        zh: "每次运行约 {seconds} 秒；每家分行上行 {up} MB，下行 {down} MB",
    }
    next(customers, verdict) {
        en: "With about {customers} customers the best choice comes to this: {verdict}",
        zh: "客户达到约 {customers} 名时，最优方案可达到：{verdict}",
    }
    why() { en: "Why", zh: "理由" }
    noise_reason() {
        en: "Noise has the size that epsilon and rounds ask for, and is divided by the customers. Twice the customers halve it.",
        zh: "噪声大小由 epsilon 和轮数决定，并按客户数摊薄：客户数翻倍，噪声减半。",
    }
    steps_reason() {
        en: "More rounds learn more and need more noise in each. Each candidate was made a plan of, with its real noise, and the best one is proposed. Additive learning is proposed where it is predicted alike.",
        zh: "轮数越多学得越多，但每轮所需噪声也越大。每个候选方案都按其真实噪声生成计划并比较，取最优者；预测相近时优先采用分阶段加性学习。",
    }
    signal_reason() {
        en: "Of the population nothing is known. A model without noise is taken to spread scores by one logit, which is an AUC of 0.76.",
        zh: "不使用任何总体数据。假定无噪声模型的得分标准差为 1 个 logit，对应 AUC 0.76。",
    }
    helps() { en: "What would change it (AUC then)", zh: "可改变结果的措施（相应 AUC）" }
    more_branches(auc) { en: "twice as many branches: {auc}", zh: "分行数翻倍：{auc}" }
    fewer_fields(auc) { en: "half as many fields: {auc}", zh: "字段减半：{auc}" }
    larger_epsilon(auc) { en: "twice the epsilon of a run: {auc}", zh: "每次运行的 epsilon 加倍：{auc}" }
    mode_local(auc) {
        en: "mode local, in which no branch relies on the others' noise: {auc}",
        zh: "local 模式（各分行不依赖他行噪声）：{auc}",
    }
    without_bins() {
        en: "The schema has numbers without bins, so that staged additive learning is left out: give them transform = \"bins\".",
        zh: "模式中有未分箱的数值字段，因此未考虑分阶段加性学习：请为其设置 transform = \"bins\"。",
    }
    written(path) {
        en: "{path}: the plan is written. Write its schedule and charter anew, and look at it with `tributary plan lint`.",
        zh: "{path}：计划已写入。请重新填写其中的日程与责任条款，并用 `tributary plan lint` 检查。",
    }
}
