//! The compliance report, for people: headings, columns and sentences of its page.

use crate::texts;

pub use crate::evaluation::{figure, group, interval, written};

texts! {
    title() { en: "Compliance report", zh: "合规报告" }
    preset_yearly() { en: "Yearly assessment and audit", zh: "年度评估与审计" }
    preset_personal_information() { en: "Audit of the protection of personal information", zh: "个人信息保护合规审计" }
    preset_leak() { en: "Audit after a leak", zh: "数据泄露后的审计" }
    preset_none() { en: "No occasion was named", zh: "未指定事由" }
    cover() { en: "0. Cover", zh: "0. 封面" }
    occasion() { en: "occasion", zh: "事由" }
    period() { en: "period", zh: "报告期间" }
    from_to(from, to) { en: "{from} to {to}, days of UTC", zh: "{from} 至 {to}（UTC 日期）" }
    scope() { en: "scope", zh: "范围" }
    scope_all() { en: "all plans", zh: "全部计划" }
    generator() { en: "made by", zh: "生成程序" }
    digest() { en: "digest of the report", zh: "报告摘要值" }
    signed_by() { en: "signed by the key", zh: "签名密钥" }
    check_it() {
        en: "Check it: tributary verify report FILE --key coordinator.key, with the key that a branch keeps beside its checkpoints. With --journal audit.log the report is made again and compared; the command says what could not be.",
        zh: "核验方法：tributary verify report 文件 --key coordinator.key，该密钥保存在分行的检查点文件夹中。加上 --journal audit.log 时，将重新生成报告并比较，并列出无法比较的内容。",
    }
    summary() { en: "1. Summary, and what is not guaranteed", zh: "1. 摘要与不作保证的事项" }
    summary_runs(plans, runs, committed, charged) {
        en: "Plans: {plans}. Runs: {runs}. Rounds charged to the privacy budget: {charged}. Sums released: {committed}.",
        zh: "计划 {plans} 个，运行 {runs} 次。计入隐私预算 {charged} 轮，公布聚合结果 {committed} 轮。",
    }
    summary_troubles(aborted, dropouts, refusals, stops) {
        en: "Rounds without a sum: {aborted}. Branches missing in sums: {dropouts}. Refusals of branches: {refusals}. Orders to stop: {stops}.",
        zh: "未产生聚合结果 {aborted} 轮。分行缺席聚合 {dropouts} 次，分行拒绝 {refusals} 次，停止命令 {stops} 次。",
    }
    summary_models(models, decisions, alone) {
        en: "Models registered: {models}. Decisions signed: {decisions}. Decisions by one person where two are needed: {alone}.",
        zh: "登记模型 {models} 个。签署决定 {decisions} 项；其中须双人复核而仅一人签署的有 {alone} 项。",
    }
    summary_witnessed(entries, open) {
        en: "Entries of the log: {entries}. Entries at its end that no branch has cosigned: {open} (section 11).",
        zh: "日志共 {entries} 条记录；末尾尚无任何分行见证签名的记录 {open} 条（见第 11 节）。",
    }
    not_guaranteed() { en: "What is not guaranteed", zh: "不作保证的事项" }
    not_other_releases() {
        en: "What branches publish by other ways is not known here, and not counted.",
        zh: "分行以其他途径发布的内容，本报告无从知悉，也未计入。",
    }
    not_overlap() {
        en: "That a customer is at no more branches than the plan says is assumed. Nothing checks it across branches.",
        zh: "“同一客户所在分行不超过计划所述家数”是假设，跨分行无从核验。",
    }
    not_end_cut() {
        en: "The log alone cannot show that its end was cut off. Witnesses can, up to the size that they have cosigned.",
        zh: "仅凭日志本身，无法证明其末尾未被截去；见证签名可以证明到其所见证的长度为止。",
    }
    not_model_anonymous() {
        en: "The guarantee is about single customers. What holds for customers as a whole can be learnt from a model: that is its purpose.",
        zh: "保证针对单个客户。整体客户的规律可以从模型中得知，这正是模型的用途。",
    }
    parties() { en: "2. Parties and roles", zh: "2. 参与方与角色" }
    branches() { en: "Branches and partners", zh: "分行与合作机构" }
    number() { en: "number", zh: "编号" }
    name() { en: "name", zh: "名称" }
    until() { en: "valid until", zh: "有效期至" }
    people() { en: "People with roles", zh: "角色持有人" }
    staff() { en: "staff number", zh: "工号" }
    role() { en: "role", zh: "角色" }
    role_from_to(role, from, until) { en: "{role}, {from} to {until}", zh: "{role}，{from} 至 {until}" }
    role_deputy(role, staff) { en: "{role} in the place of {staff}", zh: "{role}（代 {staff}）" }
    rosters() { en: "Rosters that came into force", zh: "生效的名册" }
    when() { en: "when (UTC)", zh: "时间（UTC）" }
    roster() { en: "roster", zh: "名册" }
    joined() { en: "joined", zh: "加入" }
    left() { en: "left", zh: "退出" }
    people_changed() { en: "people changed", zh: "人员变更" }
    processing() { en: "3. Processing of personal information", zh: "3. 个人信息处理活动" }
    plan() { en: "plan", zh: "计划" }
    purpose() { en: "purpose", zh: "处理目的" }
    legal_basis() { en: "legal basis", zh: "合法性基础" }
    assessment() { en: "impact assessment", zh: "个人信息保护影响评估" }
    of_day(reference, day) { en: "{reference}, of {day}", zh: "{reference}，评估日期 {day}" }
    ticket() { en: "change ticket", zh: "变更单号" }
    assets() { en: "data assets", zh: "数据资产" }
    intended() { en: "intended use", zh: "预期用途" }
    prohibited() { en: "prohibited use", zh: "禁止用途" }
    materiality() { en: "materiality", zh: "重要程度" }
    review_by() { en: "review by", zh: "复审期限" }
    agreements() { en: "agreements with partners", zh: "与合作机构的协议" }
    agreement(number, reference, until) {
        en: "organisation {number}: {reference}, until {until}",
        zh: "机构 {number}：{reference}，有效期至 {until}",
    }
    as_of() { en: "data of the day", zh: "数据截止日" }
    level_max() { en: "highest level of a field", zh: "字段最高级别" }
    fields() { en: "fields", zh: "字段" }
    fields_unknown() {
        en: "The schema's file is not beside the journal, so its fields are not listed.",
        zh: "模式文件不在日志旁，未列出字段。",
    }
    used_as() { en: "used as", zh: "用作" }
    class() { en: "class (JR/T 0171)", zh: "类别（JR/T 0171）" }
    level() { en: "level (JR/T 0197)", zh: "级别（JR/T 0197）" }
    runs() { en: "4. Runs", zh: "4. 运行记录" }
    run() { en: "run", zh: "运行" }
    begun() { en: "begun (UTC)", zh: "开始（UTC）" }
    ended() { en: "ended (UTC)", zh: "结束（UTC）" }
    state() { en: "state", zh: "状态" }
    proposed_by() { en: "proposed by", zh: "提出人" }
    approved_by() { en: "approved by", zh: "批准人" }
    rounds() { en: "rounds committed of planned", zh: "完成轮数／计划轮数" }
    model() { en: "model", zh: "模型" }
    sums() { en: "sums verified", zh: "已核验的聚合结果" }
    sums_of(verified, all) { en: "{verified} of {all}", zh: "{all} 个中 {verified} 个" }
    settings() { en: "5. Privacy settings: planned and realised", zh: "5. 隐私设置：计划值与实际值" }
    settings_note() {
        en: "Epsilon is of one customer, or of one branch where the mode protects branches, by the Rényi bound that is enforced. Released is never more than charged.",
        zh: "epsilon 针对单个客户；保护分行的模式下针对单家分行；按实际执行的 Rényi 界计算。公布值不超过计入值。",
    }
    mode() { en: "mode", zh: "模式" }
    delta() { en: "delta", zh: "delta（保证失效的概率）" }
    epsilon_plan() { en: "epsilon, plan", zh: "epsilon（计划）" }
    epsilon_run() { en: "epsilon, one run", zh: "epsilon（单次运行）" }
    epsilon_charged() { en: "epsilon charged", zh: "epsilon（已计入）" }
    epsilon_released() { en: "epsilon released", zh: "epsilon（已公布）" }
    survivors() { en: "fewest branches in a sum: needed, found", zh: "聚合的最少分行数：要求／实际" }
    honest() { en: "fewest honest noise shares", zh: "最少诚实噪声份额" }
    stages() { en: "Stages", zh: "阶段" }
    stage() { en: "stage", zh: "阶段" }
    charged() { en: "charged", zh: "计入" }
    committed() { en: "committed", zh: "完成" }
    planned() { en: "planned", zh: "计划" }
    noise_multiplier() { en: "noise multiplier", zh: "噪声倍数" }
    sampling_rate() { en: "sampling rate", zh: "抽样率" }
    spending() { en: "6. Privacy ledger", zh: "6. 隐私预算台账" }
    spending_note() {
        en: "What a branch's customers were charged over all plans: the last figure that it signed, and its signed uploads since.",
        zh: "分行客户在全部计划下的计入额：分行最后一次签名的数值，加上此后经其签名的上传。",
    }
    opening() { en: "opening", zh: "期初" }
    closing() { en: "closing", zh: "期末" }
    within_year() { en: "within a year", zh: "一年内" }
    cap_year() { en: "cap of a year", zh: "年度上限" }
    cap_life() { en: "cap for life", zh: "终身上限" }
    counter() { en: "counter", zh: "计数器" }
    withdrawn() { en: "grants taken back, caps raised", zh: "撤回授权与提高上限次数" }
    spending_of(group, delta) { en: "Group \"{group}\": epsilon at delta {delta}", zh: "组“{group}”：delta 为 {delta} 时的 epsilon" }
    spending_axes() {
        en: "Month; epsilon that a customer was charged since the log began. Dashed: the lowest cap of a branch.",
        zh: "横轴：月份；纵轴：自日志开始以来单个客户累计计入的 epsilon。虚线：各分行上限中的最低值。",
    }
    months() { en: "Rounds by month", zh: "按月统计的轮数" }
    months_axes() {
        en: "Month; rounds that were committed, and above them those that ended without a sum.",
        zh: "横轴：月份；纵轴：完成的轮数，其上为未产生聚合结果的轮数。",
    }
    month() { en: "month", zh: "月份" }
    aborted() { en: "aborted", zh: "中止" }
    dropouts() { en: "branches missing in sums", zh: "缺席聚合的分行次数" }
    deviations() { en: "7. Deviations", zh: "7. 偏差" }
    what() { en: "what", zh: "事项" }
    who() { en: "who", zh: "对象" }
    why() { en: "why", zh: "原因" }
    more_of_them(shown, all) {
        en: "{shown} of {all} are shown here. The JSON file has all of them.",
        zh: "此处显示 {shown} 条，共 {all} 条；JSON 文件包含全部。",
    }
    sent() { en: "8. What left the branches", zh: "8. 分行对外发送的内容" }
    sent_note() {
        en: "A branch's messages have no place for a row, a customer's id or a feature's value. Its numbers leave as masked vectors alone. Messages of key set-up, acknowledgements and signed budget heads hold no number about data.",
        zh: "分行的消息中没有容纳数据行、客户编号或特征值的位置。数值仅以掩码向量的形式离开分行。密钥协商、确认消息以及签名的预算数值均不含与数据有关的数字。",
    }
    coordinates() { en: "numbers of a vector", zh: "每个向量的数值个数" }
    bits() { en: "bits of each", zh: "每个数值的位数" }
    uploads() { en: "vectors", zh: "向量数" }
    bytes() { en: "bytes", zh: "字节数" }
    masked() { en: "masked", zh: "掩码" }
    noised() { en: "noised", zh: "加噪" }
    security() { en: "9. Keys and algorithms", zh: "9. 密钥与算法" }
    used_for() { en: "used for", zh: "用于" }
    algorithm() { en: "algorithm", zh: "算法" }
    signatures(count) { en: "Signatures in the log that were verified: {count}.", zh: "已核验日志中的 {count} 个签名。" }
    entries_ended(names) { en: "Entries that ended in the period: {names}", zh: "期间内到期的成员：{names}" }
    put_out(count) {
        en: "Clients that were put out of a run because of what they signed: {count}.",
        zh: "因其签名内容而被移出运行的客户端：{count} 个。",
    }
    not_certified() {
        en: "The program is not a certified product of commercial cryptography. Whoever needs national algorithms reads docs/PROTOCOL.md on algorithm identifiers.",
        zh: "本程序不是经认证的商用密码产品。需要国密算法的机构请参阅 docs/PROTOCOL.md 中关于算法标识的说明。",
    }
    duties() { en: "10. Separation of duties", zh: "10. 职责分离与双人复核" }
    subject() { en: "of what (digest)", zh: "对象（摘要值）" }
    signed_by_whom() { en: "signed by", zh: "签署人" }
    decision_of_number(what, number) { en: "{what} (change {number})", zh: "{what}（第 {number} 次）" }
    signers_unknown() {
        en: "not told: the signed file is not beside the journal",
        zh: "未列出：已签署的文件不在日志旁",
    }
    integrity() { en: "11. Integrity of the audit log", zh: "11. 审计日志完整性" }
    entries(all, of_period) { en: "{all} entries, {of_period} of them in the period.", zh: "共 {all} 条记录，其中报告期间 {of_period} 条。" }
    first_last(first, last) { en: "The first is of {first}, the last of {last} (UTC).", zh: "第一条记录于 {first}，最后一条于 {last}（UTC）。" }
    head() { en: "head of the chain", zh: "链首摘要" }
    root() { en: "root of the Merkle tree", zh: "默克尔树根" }
    verified() {
        en: "Every entry was verified: the chain, the rule book, the signatures, and the numbers that follow from each plan.",
        zh: "每条记录均已核验：哈希链、规则、签名，以及由各计划推出的数值。",
    }
    witnesses() { en: "Witnesses", zh: "见证签名" }
    witnessed(entries) { en: "has cosigned {entries} entries", zh: "已见证前 {entries} 条记录" }
    no_witnesses() {
        en: "No cosignature of a branch was handed to this report. Compare the head with a copy that was kept elsewhere.",
        zh: "本报告未附分行的见证签名。请将链首摘要与他处保存的副本比较。",
    }
    attacks() { en: "12. Attack tests", zh: "12. 攻击测试" }
    attacks_note() {
        en: "Each release is tested with a canary, membership inference, reconstruction and hostile models: CONTRIBUTING.md says how to repeat it. What attacks on single models came to, as a model validator has signed it, follows here.",
        zh: "每个版本均以金丝雀测试、成员推断、重构与恶意模型进行测试，重复方法见 CONTRIBUTING.md。以下为经模型验证人签署的针对各模型的攻击测试结果。",
    }
    models() { en: "13. Models: utility, fairness and gates", zh: "13. 模型：效用、公平性与准入门槛" }
    parent() { en: "learnt from", zh: "起始模型" }
    registered() { en: "registered", zh: "登记时间" }
    label() { en: "label", zh: "标签" }
    value() { en: "value", zh: "数值" }
    no_figures() { en: "No evaluation under privacy is kept of it.", zh: "没有保存其隐私保护下的评估。" }
    validation(staff, until) {
        en: "Validated by {staff}, until {until}.",
        zh: "由 {staff} 验证，有效期至 {until}。",
    }
    not_validated() { en: "No validation stands in the log.", zh: "日志中没有验证记录。" }
    points_set(count) {
        en: "Changes of its scorecard's points, each signed by two people: {count}. They are on the scorecard alone; scores and exported files keep the model's points.",
        zh: "经两人签署的评分卡分值调整 {count} 次，仅体现在评分卡上；评分与导出文件仍按模型分值。",
    }
    points_change(number, at, change) { en: "Change {number}, {at}: {change}", zh: "第 {number} 次调整，{at}：{change}" }
    points_of(label, bin, field, values, before, after) {
        en: "\"{label}\", bin {bin} of \"{field}\" ({values}): {after} points in the place of {before}",
        zh: "标签“{label}”，字段“{field}”第 {bin} 档（{values}）：由 {before} 分改为 {after} 分",
    }
    points_reason(reason) { en: "Reason: {reason}", zh: "理由：{reason}" }
    points_gone(number, at, change) {
        en: "Change {number}, {at}: its file {change} is not beside the journal, so its points, reason and signers are not told.",
        zh: "第 {number} 次调整，{at}：其文件 {change} 不在日志旁，分值、理由与签署人未列出。",
    }
    findings(text) { en: "Findings: {text}", zh: "验证结论：{text}" }
    condition(text) { en: "Condition: {text}", zh: "使用条件：{text}" }
    incidents() { en: "14. Incidents and availability", zh: "14. 事件与可用性" }
    incidents_note(stops, aborted, all) {
        en: "Orders that stopped a plan or the federation: {stops}. Charged rounds without a sum: {aborted} of {all}. Section 7 has each with its reason.",
        zh: "停止计划或联邦的命令 {stops} 次。{all} 个计入轮次中有 {aborted} 轮未产生聚合结果，逐条原因见第 7 节。",
    }
    no_incidents() { en: "No incident was open in this period.", zh: "报告期间没有处于打开状态的事件。" }
    incident(number, state, severity) { en: "Incident {number}, {state}, {severity}", zh: "事件 {number}，{state}，{severity}" }
    digest_of_incident() { en: "digest of the opening", zh: "事件登记的摘要值" }
    happened() { en: "began (UTC)", zh: "发生时间（UTC）" }
    opened() { en: "opened (UTC)", zh: "登记（UTC）" }
    closed() { en: "closed (UTC)", zh: "关闭（UTC）" }
    severity() { en: "severity", zh: "严重程度" }
    entry_of_log() { en: "entry of the log", zh: "日志条目" }
    looks() { en: "What inspectors were shown", zh: "检查人员的查阅记录" }
    no_looks() { en: "No inspector was shown anything in this period.", zh: "报告期间没有检查人员查阅。" }
    retention() { en: "15. Retention, deletion and files that left", zh: "15. 保存、删除与外发文件" }
    kept(dimension, days) {
        en: "Masked uploads of sums up to {dimension} numbers are kept, and all of it is removed {days} days after the run.",
        zh: "不超过 {dimension} 个数值的聚合，其掩码上传予以保存；运行结束 {days} 天后全部删除。",
    }
    exports() { en: "Models that left as files", zh: "以文件形式导出的模型" }
    recipient() { en: "recipient", zh: "接收方" }
    format() { en: "format", zh: "格式" }
    made() { en: "made", zh: "生成时间" }
    void_() { en: "void", zh: "已失效" }
    questions() { en: "16. The 24 questions of NIST SP 800-226", zh: "16. NIST SP 800-226 的 24 个问题" }
    question() { en: "question", zh: "问题" }
    answer() { en: "answer", zh: "回答" }
    controls() { en: "17. Control mapping", zh: "17. 控制项对照" }
    controls_note() {
        en: "[K]: from general knowledge of the law or standard. Have the original text or a lawyer confirm it before you rely on it.",
        zh: "[K]：依据对法律或标准的一般了解，引用前请核对原文或请律师确认。",
    }
    instrument() { en: "law or standard", zh: "法律或标准" }
    asked() { en: "what is asked", zh: "要求" }
    evidence_of() { en: "evidence", zh: "证据" }
    annex() { en: "18. Annex: evidence", zh: "18. 附件：证据清单" }
    artefact() { en: "artefact", zh: "材料" }
    where_it_is() { en: "where", zh: "位置" }
    file() { en: "file", zh: "文件" }
    file_digest() { en: "SHA-256 of the file", zh: "文件的 SHA-256" }
    its_digest() { en: "digest", zh: "摘要值" }
    not_in_log_roles() {
        en: "Not in the log: accounts of the machines, and their last use. Sections 10, 12 and 14 have every signature of a role. Ask the operator of each machine for its accounts.",
        zh: "日志不含各机器的账户及其最后使用时间。各角色的签名见第 10、12、14 节；账户情况请向各机器的运维人员索取。",
    }
    not_in_log_processing() {
        en: "Not in the log: how many customers have agreed or refused. No count of customers leaves a branch without noise. Ask the branch.",
        zh: "日志不含同意与拒绝的客户人数：未加噪声的客户计数不离开分行。请向分行索取。",
    }
    not_in_log_certificates() {
        en: "Not in the log: certificates that were issued, renewed and revoked, the time until a revocation counts, refused connections, and advisories on components. The office's folder has certificates (`issued`, `revoked`); `tributary report security` has versions and components. Ask the operator for the rest.",
        zh: "日志不含证书的签发、更新与吊销、吊销生效时长、被拒绝的连接，以及组件的安全公告。证书见签发机构文件夹（`issued`、`revoked`）；版本与组件见 `tributary report security`；其余请向运维人员索取。",
    }
}
