//! Which law or standard asks for what, and which part of a compliance report answers. What is marked [K] is known in general alone: it is to be
//! confirmed in the original text before anybody relies on it.

use crate::{Said, texts};

texts! {
    pipl_purpose() { en: "Personal Information Protection Law, article 6 [K]", zh: "《个人信息保护法》第六条 [K]" }
    pipl_purpose_asks() { en: "A stated purpose, and no more data than it needs", zh: "目的明确、最小必要" }
    pipl_purpose_evidence() { en: "Sections 3 and 8: purpose, fields by class and level, what left", zh: "第 3、8 节：处理目的、分类分级字段、对外发送内容" }
    pipl_entrust() { en: "Personal Information Protection Law, articles 17, 21, 23 [K]", zh: "《个人信息保护法》第十七、二十一、二十三条 [K]" }
    pipl_entrust_asks() { en: "Notice, separate consent, and contracts where others process", zh: "告知、单独同意与委托处理合同" }
    pipl_entrust_evidence() { en: "Section 3: legal basis and agreements with partners", zh: "第 3 节：合法性基础与合作协议" }
    pipl_automated() { en: "Personal Information Protection Law, article 24 [K]", zh: "《个人信息保护法》第二十四条 [K]" }
    pipl_automated_asks() { en: "Automated decisions are transparent and can be refused", zh: "自动化决策透明、可拒绝" }
    pipl_automated_evidence() { en: "Section 13, with groups of customers where the plan compares them; reasons and exclusions at the branch (`tributary client customer`)", zh: "第 13 节，计划比较客户群体时含群体指标；分行端的理由与排除（`tributary client customer`）" }
    pipl_sensitive() { en: "Personal Information Protection Law, articles 28 and 29 [K]", zh: "《个人信息保护法》第二十八、二十九条 [K]" }
    pipl_sensitive_asks() { en: "Sensitive information, such as financial accounts: a specific purpose, sufficient necessity, separate consent", zh: "敏感个人信息（如金融账户）：特定目的、充分必要性与单独同意" }
    pipl_sensitive_evidence() { en: "Section 3: purpose, basis, the level of each field. At the branch: `necessity` of each field in the schema, consents in the mapping", zh: "第 3 节：处理目的、合法性基础、各字段级别；分行端：模式中各字段的 `necessity`，映射中的同意设置" }
    pipl_security() { en: "Personal Information Protection Law, article 51 [K]", zh: "《个人信息保护法》第五十一条 [K]" }
    pipl_security_asks() { en: "Classification, encryption, access by role", zh: "分类管理、加密与权限控制" }
    pipl_security_evidence() { en: "Sections 2, 3, 9, 10", zh: "第 2、3、9、10 节" }
    pipl_assessment() { en: "Personal Information Protection Law, articles 55 and 56", zh: "《个人信息保护法》第五十五、五十六条" }
    pipl_assessment_asks() { en: "An impact assessment before processing, kept for three years", zh: "事前进行个人信息保护影响评估，报告与处理记录至少保存三年" }
    pipl_assessment_evidence() { en: "Sections 3 and 15: assessment with its digest, retention", zh: "第 3、15 节：评估文件及摘要、保存期限" }
    pipl_proof() { en: "Personal Information Protection Law, article 69 [K]", zh: "《个人信息保护法》第六十九条 [K]" }
    pipl_proof_asks() { en: "The processor proves that it is not at fault", zh: "个人信息处理者自证无过错" }
    pipl_proof_evidence() { en: "The signed log and this report, recomputed offline", zh: "可离线复核的签名日志与本报告" }
    audit_measures() { en: "Personal information compliance audit measures (2025)", zh: "《个人信息保护合规审计管理办法》（2025）" }
    audit_measures_asks() { en: "An audit every second year for more than ten million people; after a leak by order", zh: "处理超过一千万人的，每两年至少审计一次；泄露后可被责令审计" }
    audit_measures_evidence() { en: "Presets of this report; the bundle of evidence", zh: "本报告的预设期间；证据包" }
    data_security() { en: "Data security measures of banking and insurance, 2024 number 24 [K]", zh: "金规〔2024〕24号《银行保险机构数据安全管理办法》[K]" }
    data_security_asks() { en: "Models and algorithms can be verified, audited and traced", zh: "模型算法可验证、可审核、可追溯" }
    data_security_evidence() { en: "Sections 4, 11, 13: lineage, verified log, validation", zh: "第 4、11、13 节：血缘、经核验的日志、模型验证" }
    pboc() { en: "Central bank order 2025 number 3", zh: "中国人民银行令〔2025〕第3号《业务领域数据安全管理办法》" }
    pboc_asks() { en: "A yearly assessment and audit for important data", zh: "重要数据每年风险评估与合规审计" }
    pboc_evidence() { en: "Preset yearly of this report", zh: "本报告的年度预设" }
    jrt_0171() { en: "JR/T 0171-2020 [K]", zh: "JR/T 0171-2020《个人金融信息保护技术规范》[K]" }
    jrt_0171_asks() { en: "C3 is never shared; C2 is encrypted", zh: "C3 类信息不得共享；C2 类加密" }
    jrt_0171_evidence() { en: "Section 3: fields by class. A schema with C3 is refused", zh: "第 3 节：字段类别；含 C3 的模式被拒绝" }
    jrt_0197() { en: "JR/T 0197-2020 [K]", zh: "JR/T 0197-2020《金融数据安全 数据安全分级指南》[K]" }
    jrt_0197_asks() { en: "A level from 1 to 5 for data", zh: "数据安全级别 1 至 5 级" }
    jrt_0197_evidence() { en: "Section 3: the highest level of a field", zh: "第 3 节：字段最高级别" }
    jrt_0196_channel() { en: "JR/T 0196-2020, 7.5", zh: "JR/T 0196-2020《多方安全计算金融应用技术规范》7.5" }
    jrt_0196_channel_asks() { en: "Mutual authentication, signatures, recovery after interruption, key exchange by national cryptographic standards", zh: "双向身份认证、签名、中断恢复，密钥协商符合国家密码标准" }
    jrt_0196_channel_evidence() { en: "Section 9; PROTOCOL.md on links and keys. Not met: key exchange by national standards, since there is no SM2, SM3 or SM4", zh: "第 9 节；PROTOCOL.md 中的链路与密钥。未满足：密钥协商未采用国密算法，未实现 SM2、SM3、SM4" }
    jrt_0196_log() { en: "JR/T 0196-2020, 7.6", zh: "JR/T 0196-2020《多方安全计算金融应用技术规范》7.6" }
    jrt_0196_log_asks() { en: "Logs and evidence of each party; deviating parties are found", zh: "各方操作日志与存证；可追溯违约方" }
    jrt_0196_log_evidence() { en: "Sections 7, 8, 11; a log of its own at each branch", zh: "第 7、8、11 节；分行自有日志" }
    gbt_35273() { en: "GB/T 35273-2020 [K]", zh: "GB/T 35273-2020《个人信息安全规范》[K]" }
    gbt_35273_asks() { en: "Minimum necessary, retention, impact assessment", zh: "最小必要、保存期限、影响评估" }
    gbt_35273_evidence() { en: "Sections 3 and 15", zh: "第 3、15 节" }
    gbt_39786() { en: "GB/T 39786-2021", zh: "GB/T 39786-2021《信息系统密码应用基本要求》" }
    gbt_39786_asks() { en: "Compliant algorithms, products and services", zh: "密码算法、技术、产品与服务合规" }
    gbt_39786_evidence() { en: "Section 9: algorithms. Not met: no national algorithm, and no certified product", zh: "第 9 节：算法清单。未满足：未实现国密算法，且非认证产品" }
    mlps() { en: "MLPS level 3, GB/T 22239-2019 [K]", zh: "等级保护三级，GB/T 22239-2019 [K]" }
    mlps_asks() { en: "Identification, access control, audit, integrity", zh: "身份鉴别、访问控制、安全审计、数据完整性" }
    mlps_evidence() { en: "Sections 2, 9, 10, 11", zh: "第 2、9、10、11 节" }
    nist() { en: "NIST SP 800-226 (2025)", zh: "美国 NIST SP 800-226（2025）" }
    nist_asks() { en: "Questions on a claim of differential privacy", zh: "差分隐私声明的核查问题" }
    nist_evidence() { en: "Section 16", zh: "第 16 节" }
    a1() { en: "A1 Signed plan", zh: "A1 签名的训练计划" }
    a1_where() { en: "STATE/plans; the journal holds each plan whole", zh: "STATE/plans；日志中保存完整计划" }
    a2() { en: "A2 Branch authorisation", zh: "A2 分行授权" }
    a2_where() { en: "STATE/grants at the branch; its digest in the branch's budget file", zh: "分行 STATE/grants；其摘要在分行预算文件中" }
    a3() { en: "A3 Privacy ledger", zh: "A3 隐私预算台账" }
    a3_where() { en: "Section 6; budget.ledger at each branch", zh: "第 6 节；各分行 budget.ledger" }
    a4() { en: "A4 Audit log and checkpoints", zh: "A4 审计日志与检查点" }
    a4_where() { en: "audit.log; section 11; `tributary audit export`, checked with `tributary verify audit`", zh: "audit.log；第 11 节；`tributary audit export`，以 `tributary verify audit` 核验" }
    a5() { en: "A5 Round evidence", zh: "A5 轮次证据" }
    a5_where() { en: "The journal, and STATE/rounds where the plan keeps uploads; `tributary audit export` has both", zh: "日志；计划保存上传时见 STATE/rounds；`tributary audit export` 含两者" }
    a6() { en: "A6 What left a branch", zh: "A6 数据最小化报告（对外发送内容）" }
    a6_where() { en: "Section 8; `tributary client sent --html` at the branch", zh: "第 8 节；分行端 `tributary client sent --html`" }
    a7() { en: "A7 Record of processing", zh: "A7 个人信息处理活动记录" }
    a7_where() { en: "`tributary report ropa`; section 3", zh: "`tributary report ropa`；第 3 节" }
    a8() { en: "A8 Input for the impact assessment", zh: "A8 影响评估输入材料" }
    a8_where() { en: "`tributary report dpia`; sections 3, 5, 6, 8, 12", zh: "`tributary report dpia`；第 3、5、6、8、12 节" }
    a9() { en: "A9 Configuration", zh: "A9 配置证明" }
    a9_where() { en: "`tributary report security`: digests of settings and executable of the coordinator, signed; `tributary config check --json` of each machine, unsigned. No daemon signs it at each start", zh: "`tributary report security`：协调方设置与可执行文件的摘要值，已签名；各机器的 `tributary config check --json`，未签名。守护进程启动时不签署" }
    a10() { en: "A10 Record of changes", zh: "A10 变更记录（双人复核）" }
    a10_where() { en: "Section 10", zh: "第 10 节" }
    a11() { en: "A11 Roles and access", zh: "A11 角色与访问权限" }
    a11_where() { en: "Section 2: roles with their days; sections 10, 12 and 14: each signature of a role. Last use of accounts is with the operator of each machine", zh: "第 2 节：角色及其期限；第 10、12、14 节：各角色的签名。账户的最后使用时间由各机器的运维人员提供" }
    a12() { en: "A12 Attack tests", zh: "A12 攻击测试报告" }
    a12_where() { en: "`tributary redteam run`; section 12", zh: "`tributary redteam run`；第 12 节" }
    a13() { en: "A13 Model card and lineage", zh: "A13 模型卡与血缘" }
    a13_where() { en: "`tributary model card`; section 13", zh: "`tributary model card`；第 13 节" }
    a14() { en: "A14 Retention and deletion", zh: "A14 保存与删除证明" }
    a14_where() { en: "Section 15; `tributary client purge --certificates` at the branch", zh: "第 15 节；分行端 `tributary client purge --certificates`" }
    a15() { en: "A15 Keys and cryptography", zh: "A15 密钥与密码清单" }
    a15_where() { en: "`tributary report security`; section 9", zh: "`tributary report security`；第 9 节" }
    a16() { en: "A16 Timeline of incidents", zh: "A16 事件时间线" }
    a16_where() { en: "`tributary incident export`; sections 7 and 14", zh: "`tributary incident export`；第 7、14 节" }
    a17() { en: "A17 Control mapping", zh: "A17 控制项对照" }
    a17_where() { en: "Section 17", zh: "第 17 节" }
}

/// Each control: the law or standard, what it asks, and where the evidence is.
#[must_use]
pub fn controls() -> Vec<[Said; 3]> {
    vec![
        [pipl_purpose(), pipl_purpose_asks(), pipl_purpose_evidence()],
        [pipl_entrust(), pipl_entrust_asks(), pipl_entrust_evidence()],
        [pipl_automated(), pipl_automated_asks(), pipl_automated_evidence()],
        [pipl_sensitive(), pipl_sensitive_asks(), pipl_sensitive_evidence()],
        [pipl_security(), pipl_security_asks(), pipl_security_evidence()],
        [pipl_assessment(), pipl_assessment_asks(), pipl_assessment_evidence()],
        [pipl_proof(), pipl_proof_asks(), pipl_proof_evidence()],
        [audit_measures(), audit_measures_asks(), audit_measures_evidence()],
        [data_security(), data_security_asks(), data_security_evidence()],
        [pboc(), pboc_asks(), pboc_evidence()],
        [jrt_0171(), jrt_0171_asks(), jrt_0171_evidence()],
        [jrt_0197(), jrt_0197_asks(), jrt_0197_evidence()],
        [jrt_0196_channel(), jrt_0196_channel_asks(), jrt_0196_channel_evidence()],
        [jrt_0196_log(), jrt_0196_log_asks(), jrt_0196_log_evidence()],
        [gbt_35273(), gbt_35273_asks(), gbt_35273_evidence()],
        [gbt_39786(), gbt_39786_asks(), gbt_39786_evidence()],
        [mlps(), mlps_asks(), mlps_evidence()],
        [nist(), nist_asks(), nist_evidence()],
    ]
}

/// Each artefact: its name, and where it is.
#[must_use]
pub fn artefacts() -> Vec<[Said; 2]> {
    vec![
        [a1(), a1_where()],
        [a2(), a2_where()],
        [a3(), a3_where()],
        [a4(), a4_where()],
        [a5(), a5_where()],
        [a6(), a6_where()],
        [a7(), a7_where()],
        [a8(), a8_where()],
        [a9(), a9_where()],
        [a10(), a10_where()],
        [a11(), a11_where()],
        [a12(), a12_where()],
        [a13(), a13_where()],
        [a14(), a14_where()],
        [a15(), a15_where()],
        [a16(), a16_where()],
        [a17(), a17_where()],
    ]
}
