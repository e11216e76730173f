//! The model card, for people: headings and sentences of its page.

use crate::texts;

texts! {
    title(purpose) { en: "Model card: {purpose}", zh: "模型卡：{purpose}" }
    what_it_is() { en: "1. What the model is", zh: "1. 模型基本信息" }
    made() { en: "card made", zh: "模型卡生成时间" }
    use_of_it() { en: "2. Use", zh: "2. 使用范围" }
    limits() { en: "Limits of use", zh: "使用限制" }
    limit_group(group) {
        en: "It learnt from customers of the group \"{group}\" alone. Of others nothing is known.",
        zh: "模型仅从“{group}”群组的客户中学习；对其他客户的效果未知。",
    }
    limit_no_noise() {
        en: "No noise protects the customers: the mode has secure aggregation alone.",
        zh: "该模式仅有安全聚合，未以噪声保护客户。",
    }
    limit_incomplete() {
        en: "Its run ended before all rounds of the plan were committed.",
        zh: "运行在计划的全部轮次完成之前结束。",
    }
    limit_not_evaluated() {
        en: "No evaluation of it was kept: nothing is known of how good it is.",
        zh: "未保留对该模型的评估，其效果未知。",
    }
    limit_noise_alone() {
        en: "Figures are of the customers on whom it was evaluated. Their intervals are of the privacy noise alone; other customers give other figures.",
        zh: "各项指标针对参与评估的客户。区间仅反映隐私噪声；换一批客户，指标会不同。",
    }
    limit_groups() { en: "Groups of customers were not compared.", zh: "未对客户群体进行比较。" }
    limit_fields() {
        en: "It is not known which fields matter to it more than the noise.",
        zh: "尚不清楚哪些字段的作用超出噪声。",
    }
    learnt_from() { en: "3. Data", zh: "3. 数据" }
    run_days() { en: "days of the run", zh: "运行起止日期" }
    from_to(from, to) { en: "{from} to {to} (UTC)", zh: "{from} 至 {to}（UTC）" }
    customers() { en: "customers that the plan assumes", zh: "计划假定的客户数" }
    group() { en: "group of branches", zh: "分行群组" }
    schema() { en: "digest of the schema", zh: "模式摘要值" }
    labels() { en: "what it predicts", zh: "预测目标" }
    privacy() { en: "4. Privacy", zh: "4. 隐私保护" }
    epsilon() { en: "epsilon of the run", zh: "本次运行的 epsilon" }
    rounds() { en: "rounds committed", zh: "完成轮数" }
    complete() { en: "all rounds of the plan", zh: "计划轮次全部完成" }
    statement() { en: "digest of the privacy statement", zh: "隐私声明摘要值" }
    figures() { en: "5. Figures", zh: "5. 指标" }
    figures_note() {
        en: "Each figure was measured under differential privacy. The interval is the 95 % interval of the noise.",
        zh: "各项指标均在差分隐私下测得。区间为噪声的 95% 区间。",
    }
    fields() { en: "6. Fields and noise", zh: "6. 字段与噪声" }
    below_noise() {
        en: "The noise of the training alone explains the importance of these fields. They may well say nothing.",
        zh: "下列字段的重要性仅凭训练噪声即可解释，可能没有实际作用。",
    }
    all_above_noise() {
        en: "The importance of every field is above the noise of the training.",
        zh: "所有字段的重要性均高于训练噪声。",
    }
    not_additive() {
        en: "The model is no sum over fields, so the importance of a field does not follow from public numbers.",
        zh: "模型不是各字段之和，无法从公开数值得出字段的重要性。",
    }
    no_counts() {
        en: "The plan counted no fields, so their importance was not measured.",
        zh: "计划未统计字段，故未测量字段的重要性。",
    }
    review() { en: "7. Review", zh: "7. 复审" }
    review_by(day) { en: "The model is reviewed on {day} at the latest, and before that:", zh: "最迟于 {day} 复审；出现下列情形时提前复审：" }
    when_schema() {
        en: "when a field of the schema changes its meaning, or a branch maps other columns to it",
        zh: "模式中某字段的含义改变，或某分行以其他列对应该字段",
    }
    when_gates_end() {
        en: "when the report on its gates ends, or a condition of its validator is not met",
        zh: "门槛报告到期，或模型验证人的某项条件未满足",
    }
    when_stability() {
        en: "when a stability index of its scores or fields is above 0.25",
        zh: "评分或字段的稳定性指数高于 0.25",
    }
    when_attacks() {
        en: "when attacks on it show a larger epsilon than its privacy statement claims",
        zh: "攻击测试显示的 epsilon 大于隐私声明的值",
    }
    when_no_limits() {
        en: "before it is used for anything that matters: its plan limits no figure",
        zh: "用于任何重要用途之前：其计划未对任何指标设限",
    }
    signature() { en: "8. Signature", zh: "8. 签名" }
    check_it() {
        en: "Check it: tributary verify model BUNDLE --model DIGEST --card FILE. The audit log names the card by the digest of its file.",
        zh: "核验方法：tributary verify model 审计包 --model 摘要值 --card 文件。审计日志以文件摘要值记载该模型卡。",
    }
}
