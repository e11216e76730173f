//! Attacks on a model, for people: what was tested, and what came out.

use crate::texts;

texts! {
    title(model) { en: "Attacks on the model {model}", zh: "对模型 {model} 的攻击测试" }
    rows() { en: "1. What was attacked", zh: "1. 测试对象" }
    kind() { en: "rows", zh: "数据" }
    invented() { en: "invented", zh: "虚构数据" }
    public() { en: "public", zh: "公开数据" }
    branches() { en: "branches", zh: "分行数" }
    members() { en: "customers from whom it learnt", zh: "参与训练的客户数" }
    others() { en: "customers from whom it did not", zh: "未参与训练的客户数" }
    claimed() { en: "epsilon that the plan claims for one customer", zh: "计划对单个客户承诺的 epsilon" }
    signed_by() {
        en: "names as its signer (the signature is verified with the journal)",
        zh: "文件所列签署人（签名须随审计日志验证）",
    }
    results() { en: "2. Results", zh: "2. 测试结果" }
    attack() { en: "attack", zh: "攻击" }
    meaning() { en: "what it means", zh: "含义" }
    not_tested() { en: "not tested", zh: "未测试" }
    of_interval(value, low, high) { en: "{value} ({low} to {high})", zh: "{value}（{low} 至 {high}）" }
    membership() { en: "membership: area under the curve", zh: "成员推断：AUC" }
    membership_means() { en: "0.5 means that nothing is told about who took part", zh: "0.5 表示无法得知谁参与了训练" }
    found() { en: "membership: share found with one false alarm in a thousand", zh: "成员推断：误报率 0.1% 时的检出率" }
    found_means() { en: "0.001 is found by guessing", zh: "随机猜测为 0.001" }
    found_too_few() { en: "not tested: fewer than 1,000 customers were held out", zh: "未测试：留出的客户少于 1000 名" }
    canary() { en: "epsilon at least, with 99 % confidence", zh: "epsilon 下界（置信度 99%）" }
    canary_means(claimed, trials, most) {
        en: "must not be above the claimed {claimed}; {trials} trials can show {most} at most",
        zh: "不得高于承诺值 {claimed}；{trials} 次试验至多能测出 {most}",
    }
    exact() { en: "reconstruction: rows found exactly", zh: "数据重构：完全一致的比例" }
    exact_means(chance, candidates) {
        en: "{chance} are found by guessing among {candidates} rows",
        zh: "在 {candidates} 行中随机猜测为 {chance}",
    }
    exact_bare() { en: "reconstruction, without any noise", zh: "数据重构（不加噪声）" }
    exact_bare_means() { en: "shows that the attack is a real one", zh: "用以说明攻击确实有效" }
    spread_auc() { en: "standard deviation of the AUC over runs", zh: "多次运行间 AUC 的标准差" }
    spread_score() { en: "standard deviation of a score over runs, in logits", zh: "多次运行间评分的标准差（logit）" }
    spread_means(runs) { en: "{runs} runs that differ in their noise alone", zh: "{runs} 次运行，仅噪声不同" }
    poisoning() { en: "3. Branches that turn their labels", zh: "3. 分行颠倒标签" }
    liars() { en: "lying branches", zh: "颠倒标签的分行数" }
    auc() { en: "AUC on held-out rows", zh: "留出数据的 AUC" }
    fall() { en: "below the honest one by", zh: "较如实时下降" }
    verdict() { en: "4. Verdict", zh: "4. 结论" }
    alarm() {
        en: "ALARM: an attack shows a larger epsilon than the plan claims. Nobody may use the model; have it withdrawn, and the cause found.",
        zh: "警报：攻击测得的 epsilon 大于计划承诺值。任何人不得使用该模型；应撤回模型并查明原因。",
    }
    no_alarm() {
        en: "No attack shows a larger epsilon than the plan claims. That does not prove that none could.",
        zh: "没有攻击测得大于计划承诺值的 epsilon。这并不证明不存在这样的攻击。",
    }
    powerless() {
        en: "No alarm, and that says nothing: so few trials could not have shown a larger epsilon than the plan claims. Attack again with more trials.",
        zh: "未触发警报，但这不说明任何问题：试验次数过少，不可能测得大于计划承诺值的 epsilon。请增加试验次数后重新攻击。",
    }
    no_claim() {
        en: "The plan claims no epsilon for customers, so no lower bound was compared with one.",
        zh: "计划未对客户承诺 epsilon，因此未与下界比较。",
    }
    sign_it(file) {
        en: "{file}: nobody has signed it yet; a model validator does: `tributary redteam sign`",
        zh: "{file}：尚未签署；由模型验证人签署：`tributary redteam sign`",
    }
    signed_line(staff) { en: "signed by {staff}", zh: "由 {staff} 签署" }
    none_of_model(model) { en: "Model {model}: not tested", zh: "模型 {model}：未测试" }
    gone(digest) {
        en: "The report {digest} is in the audit log, and its file is not beside it.",
        zh: "审计日志记载了报告 {digest}，但其文件不在日志旁。",
    }
}
