//! What `plan try` says of a plan that was rehearsed.

use crate::texts;

texts! {
    public_data() {
        en: "These rows are public or invented: only such rows belong here, since one process reads all of them. Nothing was sent, and nothing was spent.",
        zh: "以下使用公开或虚构数据：一个进程会读取全部数据，因此不得使用客户的真实数据。未发送任何数据，也未消耗任何预算。",
    }
    size(branches, customers, held_out) {
        en: "{branches} branches, {customers} customers to learn from, {held_out} rows held out",
        zh: "{branches} 家分行，训练客户 {customers} 名，留出 {held_out} 行",
    }
    other_size(nominal, customers) {
        en: "The plan states {nominal} customers, and these are {customers}: sums are divided by the former. The figures are not those of the plan's own population.",
        zh: "计划声明客户数为 {nominal}，而此处为 {customers}：求和按前者平均，故下列结果不代表计划对应的客户群。",
    }
    begins_from_zero() {
        en: "The plan begins from a model of the registry; here it begins from zeros.",
        zh: "计划以登记库中的模型为起点；此处从零开始。",
    }
    price(epsilon, delta) {
        en: "a run of it costs a customer epsilon {epsilon} at delta {delta}; here nothing was spent",
        zh: "该计划每次运行对单个客户的开销：epsilon {epsilon}，delta {delta}；此处未消耗预算",
    }
    price_of_branch(epsilon, customer, delta) {
        en: "a run of it costs a branch epsilon {epsilon} and a customer epsilon {customer} at delta {delta}; here nothing was spent",
        zh: "该计划每次运行的开销：分行 epsilon {epsilon}，客户 epsilon {customer}，delta {delta}；此处未消耗预算",
    }
    no_price() {
        en: "a run of it has no noise: no epsilon bounds what is learned of anybody",
        zh: "该计划不加噪声：没有 epsilon 约束",
    }
    columns() {
        en: "figure on held-out rows; plan (spread over runs); without noise, all branches; without noise, a branch alone",
        zh: "留出数据指标；本计划（各次运行的标准差）；无噪声，全部分行；无噪声，单家分行",
    }
    lift() { en: "lift at 10 %", zh: "前 10% 提升度" }
    log_loss() { en: "log loss", zh: "对数损失" }
    brier() { en: "Brier", zh: "Brier 分数" }
    ece() { en: "ECE", zh: "校准误差 ECE" }
    absent() { en: "no figure", zh: "无此指标" }
    noise_predicted(noise) {
        en: "noise in a customer's score: {noise} logits, predicted from public numbers",
        zh: "单个客户得分的噪声：{noise}（logit，由公开数字预测）",
    }
    noise_measured(noise) {
        en: "noise in a customer's score: {noise} logits, measured over the runs",
        zh: "单个客户得分的噪声：{noise}（logit，由各次运行测得）",
    }
    evaluated(head, auc, low, high) {
        en: "{head}: the plan's own evaluation would tell an AUC of {auc}, between {low} and {high}",
        zh: "{head}：按计划自身的评估，AUC 为 {auc}，区间 {low} 至 {high}",
    }
    time(runs, seconds, all) {
        en: "{runs} runs of {seconds} s each; {all} s in all",
        zh: "共 {runs} 次运行，每次 {seconds} 秒；总计 {all} 秒",
    }
}
