//! The questions that a reader of a privacy claim should ask (after NIST SP 800-226, 2025), with short answers from a compliance report. The privacy
//! statement of a run has the long ones.

use crate::texts;

texts! {
    definition() { en: "Which definition of privacy?", zh: "采用何种隐私定义？" }
    definition_answer(mode) {
        en: "(epsilon, delta) differential privacy in mode {mode}, from Rényi differential privacy at 73 orders.",
        zh: "(epsilon, delta) 差分隐私，模式为 {mode}，由 73 个阶的 Rényi 差分隐私换算。",
    }
    epsilon() { en: "How large is epsilon, in all and for each run?", zh: "epsilon 总计与单次运行各为多少？" }
    epsilon_answer(plan, run, charged) {
        en: "{plan} for all runs of the plan, {run} for one run, {charged} charged.",
        zh: "计划全部运行 {plan}，单次运行 {run}，已计入 {charged}。",
    }
    delta() { en: "How large is delta, and is it below one over the number of customers?", zh: "delta 为多少？是否小于客户数的倒数？" }
    delta_answer(delta, customers) {
        en: "{delta}; the nominal number of customers is {customers}.",
        zh: "{delta}；名义客户数为 {customers}。",
    }
    unit() { en: "What is the unit of privacy?", zh: "隐私单位是什么？" }
    unit_customer() {
        en: "A customer: all rows of a customer at a branch together.",
        zh: "客户：同一客户在一家分行的全部数据行视为一个整体。",
    }
    unit_branch() { en: "A branch with all its customers.", zh: "分行及其全部客户。" }
    unit_none() { en: "None: secure aggregation alone.", zh: "无：仅使用安全聚合。" }
    neighbours() { en: "Which data sets are neighbours?", zh: "相邻数据集如何定义？" }
    neighbours_answer() { en: "One unit is there or not (add or remove).", zh: "增加或删除一个隐私单位。" }
    contribution() { en: "How much may one customer contribute?", zh: "单个客户的贡献上限是多少？" }
    contribution_answer() {
        en: "Each customer's vector is clipped as one record. Rows beyond the branch's bound are left out.",
        zh: "每个客户的向量作为一条记录裁剪；超出分行上限的数据行不予使用。",
    }
    overlap() { en: "What if a customer is at several branches?", zh: "客户同时在多家分行时如何处理？" }
    overlap_answer(branches) {
        en: "The plan assumes at most {branches}, and charges for that many.",
        zh: "计划假设最多 {branches} 家，并按此计入。",
    }
    repeated() { en: "What about repeated training, other plans, other years?", zh: "重复训练、其他计划及跨年度如何计算？" }
    repeated_answer() {
        en: "Each branch has one budget for life over all plans, and one for each year. Its heads are signed: section 6.",
        zh: "每家分行有一个覆盖全部计划的终身预算和年度预算，数值均经签名，见第 6 节。",
    }
    composition() { en: "Which composition, under which assumptions?", zh: "采用何种组合定理？有何假设？" }
    composition_answer() {
        en: "Sums of RDP at each order, rounded up. Sampling is by a secret coin for each customer where section 5 shows a rate below 1.",
        zh: "按各阶 RDP 求和并向上取整。第 5 节抽样率小于 1 时，每个客户独立秘密抽样。",
    }
    clipping() { en: "Who chose the clip norm, and from what?", zh: "裁剪范数由谁依据什么设定？" }
    clipping_answer() {
        en: "The plan's author, before data was read. It stands in the signed plan.",
        zh: "由计划负责人在读取数据之前设定，并写入已签名的计划。",
    }
    tuning() { en: "Are tuning, early stopping and selection charged?", zh: "调参、提前停止与选择是否计入预算？" }
    tuning_answer() { en: "Nothing is tuned inside a plan. A search over plans is charged plan by plan.", zh: "计划内不调参；跨计划的搜索逐个计划计入。" }
    releases() { en: "Is everything that is released accounted for?", zh: "全部公布内容是否均已计入？" }
    releases_answer() { en: "Section 8 lists all of it. Messages have no other place for a number about data.", zh: "第 8 节列出全部内容；消息中没有其他容纳数据数值的位置。" }
    others() { en: "Are there other releases of the same data without noise?", zh: "同一数据是否有未加噪的其他发布？" }
    others_answer() { en: "This program makes none. What a branch publishes otherwise is not known here.", zh: "本程序没有；分行其他途径的发布无从知悉。" }
    random() { en: "Where do random bits come from?", zh: "随机数来自何处？" }
    random_answer() {
        en: "The operating system keys a ChaCha20 stream with fast key erasure. No released build can be seeded.",
        zh: "由操作系统为 ChaCha20 提供密钥并快速擦除；发布版本不可设定种子。",
    }
    floating() { en: "Is it safe against floating-point attacks?", zh: "能否抵御浮点攻击？" }
    floating_answer() { en: "Noise is an exact discrete Gaussian on integers. No float is added to anything private.", zh: "噪声为整数上的精确离散高斯分布，隐私数据上不叠加浮点数。" }
    timing() { en: "Does timing tell anything about noise?", zh: "计时是否泄露噪声？" }
    timing_answer() { en: "Noise is drawn before a round, for all numbers at once. Uploads leave at a fixed offset.", zh: "噪声在轮次开始前一次性抽取；上传按固定时刻发出。" }
    trust() { en: "Where is the noise added, and who is trusted?", zh: "噪声加在何处？信任谁？" }
    trust_answer() { en: "At the branches, before masking. The coordinator is trusted with no single update.", zh: "在分行端、掩码之前加入；不信任协调方接触任何单个更新。" }
    dropouts() { en: "What if clients drop out?", zh: "客户端掉线时如何处理？" }
    dropouts_answer(needed, found) {
        en: "A sum needs {needed} branches; the smallest that was opened had {found}. A failed round stays charged.",
        zh: "聚合至少需要 {needed} 家分行；已打开的最小聚合有 {found} 家。失败的轮次仍然计入。",
    }
    access() { en: "Who can see what?", zh: "谁能看到什么？" }
    access_answer() { en: "The coordinator sees masked vectors and opened sums. Branches see models. Section 2 has the roles.", zh: "协调方看到掩码向量与打开的聚合结果；分行看到模型。角色见第 2 节。" }
    at_rest() { en: "How is data protected at rest and in memory?", zh: "静态数据与内存数据如何保护？" }
    at_rest_answer() { en: "Private files are the daemon's alone. Core dumps are off, and keys are erased after use. Disk encryption is the branch's own.", zh: "私有文件仅守护进程可读；关闭内存转储，密钥用后擦除；磁盘加密由分行负责。" }
    collection() { en: "Who collected the data, and with whose consent?", zh: "数据由谁收集？取得了谁的同意？" }
    collection_answer() { en: "The legal basis and the impact assessment stand in section 3. Consents are applied at the branch before rows are read.", zh: "合法性基础与影响评估见第 3 节；分行读取数据行之前先应用同意记录。" }
    utility() { en: "What does it cost in utility, and whom?", zh: "效用损失多少？由谁承担？" }
    utility_answer() { en: "Section 13, with groups where the plan compares them.", zh: "见第 13 节；计划比较群体时列出各群体。" }
    checked() { en: "How was the implementation checked?", zh: "实现如何验证？" }
    checked_answer() { en: "By reference vectors, attacks as tests, a simulator with dishonest parties, and the replay of this log. No third party has audited it.", zh: "通过参考向量、攻击测试、含不诚实方的模拟器以及本日志的重放；尚未经第三方审计。" }
    meaning() { en: "What does it all mean in plain words, and what is not promised?", zh: "通俗含义是什么？哪些不作承诺？" }
    meaning_answer() { en: "Section 1 says it.", zh: "见第 1 节。" }
}
