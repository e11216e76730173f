//! A month at work, as the demo's pages show it: a model through its gates, lists at branches, exports.

use crate::texts;

texts! {
    about() {
        en: "What follows was done after the run, with the commands of the manuals. Each command is in month/commands.txt, with who types it at a bank.",
        zh: "以下各项均在训练结束后用手册中的命令完成。每条命令及其在银行中的执行人见 month/commands.txt。",
    }
    gates() { en: "A month at work: the model's gates", zh: "上线后的一个月：模型的准入门槛" }
    measured() { en: "Limits and figures", zh: "限值与指标" }
    gates_note() {
        en: "The plan has these limits, which its owner and a privacy officer have signed. A figure counts by the end of its 95 % interval that is worse for the model.",
        zh: "这些门槛写在计划中，由计划负责人和隐私官签署。每项指标按 95% 区间中对模型较不利的一端判定。",
    }
    gate_name() { en: "gate", zh: "门槛" }
    gate_limit() { en: "limit", zh: "限值" }
    verdict() { en: "verdict", zh: "结论" }
    of_label(figure, label) { en: "{label}: {figure}", zh: "{label}：{figure}" }
    at_least(limit) { en: "at least {limit}", zh: "不低于 {limit}" }
    at_most(limit) { en: "at most {limit}", zh: "不高于 {limit}" }
    gate_holds() { en: "holds", zh: "通过" }
    fails() { en: "FAILS", zh: "未通过" }
    found_gap() { en: "largest gap between groups in the true-positive rate", zh: "群体间真正例率的最大差距" }
    calibration_gap() { en: "largest gap between groups in the calibration", zh: "群体间校准的最大差距" }
    stability() { en: "stability index against the champion", zh: "相对冠军模型的稳定性指数" }
    absent() { en: "nothing gives it", zh: "无法得出" }
    no_champion() { en: "no champion to compare with", zh: "尚无可比较的冠军模型" }
    steps() { en: "From candidate to champion", zh: "从候选模型到冠军模型" }
    step() { en: "step", zh: "步骤" }
    result() { en: "result", zh: "结果" }
    card() { en: "model card", zh: "模型卡" }
    card_made() { en: "signed by the coordinator, named by the report on the gates", zh: "由协调方签署，门槛报告引用其摘要" }
    validation() { en: "validator's signature", zh: "模型验证人签名" }
    validated(who, until) { en: "{who}, valid until {until}", zh: "{who}，有效期至 {until}" }
    findings(findings) { en: "findings: {findings}", zh: "验证结论：{findings}" }
    step_pilot() { en: "pilot", zh: "试点" }
    piloted(branches) {
        en: "at {branches}; both acknowledged their copy by a signature",
        zh: "{branches}；两家分行均已签名确认其模型副本",
    }
    promotion() { en: "promotion", zh: "晋升为冠军模型" }
    promoted(copies) {
        en: "the plan's owner and the validator signed; {copies} members keep the model",
        zh: "计划负责人与模型验证人已签署；{copies} 家成员保存该模型",
    }
    not_promoted() {
        en: "The model does not hold its gates. So nobody can promote it, no branch scores with it, and there is no list and no export.",
        zh: "模型未通过准入门槛，因此任何人都无法将其晋升，分行不会用它评分，也没有名单和导出。",
    }
    lists() { en: "Lists of three branches", zh: "三家分行的名单" }
    lists_note() {
        en: "Each branch scored its own customers and made its list by rules that the owner of its data had signed; nothing of it left the branch. Each customer is counted under the first rule that applies. Customers, refusals and risk levels are invented.",
        zh: "各分行为自己的客户评分，并按数据负责人签署的规则生成名单；相关数据均未离开分行。每位客户只计入最先适用的一条规则。客户、拒绝记录和风险等级均为虚构。",
    }
    list_customers() { en: "customers", zh: "客户" }
    scored() { en: "customers scored", zh: "已评分客户" }
    left_out(rule) { en: "left out: {rule}", zh: "排除：{rule}" }
    counted() { en: "Who is in, and who was left out", zh: "入选与排除人数" }
    listed() { en: "in the list", zh: "进入名单" }
    handed_over() { en: "How the lists were handed over", zh: "名单的交付" }
    handed_over_note() {
        en: "Risk control of the branch approved each list by its key. The bank's system compared the checksum before it took the file.",
        zh: "每份名单均由分行风险控制部门用其密钥审批。业务系统核对校验和后接收文件。",
    }
    branch() { en: "branch", zh: "分行" }
    campaign() { en: "campaign", zh: "营销活动" }
    batch() { en: "batch", zh: "批次" }
    lines() { en: "lines", zh: "行数" }
    stands() { en: "state", zh: "状态" }
    file() { en: "file and SHA-256", zh: "文件与 SHA-256" }
    reasons(branch) { en: "Why these customers: the first lines of {branch}", zh: "入选原因：{branch} 名单的前几行" }
    reasons_note() {
        en: "The reasons are the fields that speak most for the label. They hold no value of a customer. Action and risk notice follow from the customer's stage, by rules that the owner signed.",
        zh: "原因是对该标签贡献最大的字段，不含客户的任何取值。建议动作和风险提示按数据负责人签署的规则由客户所处阶段得出。",
    }
    customer() { en: "customer", zh: "客户号" }
    probability() { en: "probability", zh: "概率" }
    tenth() { en: "tenth", zh: "十分位" }
    line_points() { en: "points", zh: "分数" }
    why() { en: "reasons", zh: "原因" }
    action() { en: "action and notice", zh: "建议动作与风险提示" }
    exports() { en: "Exports for other systems", zh: "供其他系统使用的导出" }
    exports_note() {
        en: "Each export has a number, a recipient and a last day. They stand in the file and in the coordinator's register, with the file's SHA-256.",
        zh: "每份导出都有编号、接收方和最后有效日，写入文件本身和协调方的登记簿，登记簿还记录文件的 SHA-256。",
    }
    number() { en: "no.", zh: "编号" }
    export_format() { en: "format", zh: "格式" }
    export_recipient() { en: "recipient", zh: "接收方" }
    until() { en: "last day", zh: "最后有效日" }
    register() { en: "The register of exports", zh: "导出登记簿" }
    scorecard() { en: "scorecard: points of each field's values", zh: "评分卡：各字段取值的分数" }
    the_card() { en: "model card (JSON)", zh: "模型卡（JSON）" }
    commands() { en: "every command of this month", zh: "本月执行的全部命令" }
    reply() { en: "answer to a customer who asks why", zh: "对客户询问评分依据的答复" }
}
