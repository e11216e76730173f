//! Words of the protocol that people read in reports: states, modes, roles, kinds.

use crate::{Said, evaluation, month, score, texts};

texts! {
    yes() { en: "yes", zh: "是" }
    no() { en: "no", zh: "否" }
    none() { en: "none", zh: "无" }
    kind() { en: "kind", zh: "类型" }
    runs() { en: "Runs", zh: "运行" }
    complete() { en: "complete", zh: "已完成" }
    ended_early() { en: "ended early", zh: "提前结束" }
    aborted() { en: "aborted by an order", zh: "被命令终止" }
    open() { en: "open", zh: "进行中" }
    mode_customer() { en: "customer", zh: "客户" }
    mode_local() { en: "local", zh: "本地" }
    mode_branch() { en: "branch", zh: "分行" }
    platform_operator() { en: "platform operator", zh: "平台运维" }
    plan_owner() { en: "plan owner", zh: "计划负责人" }
    privacy_officer() { en: "privacy officer", zh: "隐私官" }
    model_validator() { en: "model validator", zh: "模型验证人" }
    branch_owner() { en: "branch owner", zh: "分行数据所有人" }
    branch_operator() { en: "branch operator", zh: "分行运维" }
    auditor() { en: "auditor", zh: "审计人员" }
    model_user() { en: "model user", zh: "模型使用人" }
    inspector() { en: "inspector", zh: "检查人员" }
    lift() { en: "lift of a list", zh: "名单的提升度" }
    low() { en: "low", zh: "低" }
    medium() { en: "medium", zh: "中" }
    high() { en: "high", zh: "高" }
    personal() { en: "personal", zh: "个人信息" }
    sensitive() { en: "sensitive", zh: "敏感" }
    severe() { en: "severe", zh: "严重" }
    input() { en: "input", zh: "输入" }
    label_of() { en: "label", zh: "标签" }
    audited() { en: "groups that are compared", zh: "用于群体对比" }
    round_aborted() { en: "round aborted", zh: "轮次中止" }
    refused() { en: "refused", zh: "拒绝" }
    charged_more() { en: "charged more", zh: "计入额不一致" }
    evicted() { en: "put out of the run", zh: "移出运行" }
    budget_begun() { en: "budget file replaced", zh: "重建预算文件" }
    stopped() { en: "stopped", zh: "停止" }
    plan_approved() { en: "plan approved", zh: "批准计划" }
    challenge() { en: "made challenger", zh: "设为挑战者模型" }
    promote() { en: "promoted", zh: "晋升为冠军模型" }
    roll_back() { en: "rolled back", zh: "回退" }
    retire() { en: "made retired", zh: "办理退役" }
    withdraw() { en: "made withdrawn", zh: "办理撤回" }
    pause_plan() { en: "plan paused", zh: "暂停计划" }
    resume_plan() { en: "plan resumed", zh: "恢复计划" }
    abort_plan() { en: "plan aborted", zh: "终止计划" }
    freeze() { en: "federation frozen", zh: "冻结联邦" }
    thaw() { en: "federation thawed", zh: "解冻联邦" }
    closed() { en: "closed", zh: "已关闭" }
    critical() { en: "critical", zh: "特别严重" }
    incident_open() { en: "incident opened", zh: "登记事件" }
    incident_note() { en: "incident: note", zh: "事件记录" }
    incident_close() { en: "incident closed", zh: "关闭事件" }
    log_disputed() { en: "log disputed by a witness", zh: "见证方对日志提出异议" }
    sink_failed() { en: "second place of the log failed", zh: "日志第二存储失败" }
    sink_back() { en: "second place of the log is back", zh: "日志第二存储恢复" }
    report_compliance() { en: "compliance report", zh: "合规报告" }
    report_security() { en: "security report", zh: "安全报告" }
    report_dpia() { en: "impact assessment input", zh: "影响评估材料" }
    report_ropa() { en: "record of processing", zh: "处理活动记录" }
    audit_export() { en: "audit bundle", zh: "审计证据包" }
    incidents() { en: "incidents", zh: "事件" }
    status() { en: "status", zh: "运行状态" }
    channel() { en: "connections", zh: "通信信道" }
    certificates() { en: "certificates", zh: "证书" }
    signatures() { en: "signatures", zh: "签名" }
    log() { en: "audit log", zh: "审计日志" }
    vectors() { en: "digests of vectors", zh: "向量摘要" }
    key_agreement() { en: "key agreement", zh: "密钥协商" }
    shares() { en: "secret sharing", zh: "秘密共享" }
    masks() { en: "masks", zh: "掩码" }
    noise() { en: "noise", zh: "噪声" }
}

/// A word of files and messages, for people. One that is not in the table stands as it is: names and codes are the same in every language.
#[must_use]
pub fn of(word: &str) -> Said {
    match word {
        "complete" => complete(),
        "ended-early" => ended_early(),
        "aborted" => aborted(),
        "open" => open(),
        "customer" => mode_customer(),
        "local" => mode_local(),
        "branch" => mode_branch(),
        "none" => none(),
        "platform-operator" => platform_operator(),
        "plan-owner" => plan_owner(),
        "privacy-officer" => privacy_officer(),
        "model-validator" => model_validator(),
        "branch-owner" => branch_owner(),
        "branch-operator" => branch_operator(),
        "auditor" => auditor(),
        "model-user" => model_user(),
        "inspector" => inspector(),
        "low" => low(),
        "medium" => medium(),
        "high" => high(),
        "personal" => personal(),
        "sensitive" => sensitive(),
        "severe" => severe(),
        "input" => input(),
        "label" => label_of(),
        "audited" => audited(),
        "round-aborted" => round_aborted(),
        "refused" => refused(),
        "charged-more" => charged_more(),
        "evicted" => evicted(),
        "budget-begun" => budget_begun(),
        "stopped" => stopped(),
        "plan" => plan_approved(),
        "candidate" => score::state_candidate(),
        "challenger" => score::state_challenger(),
        "champion" => score::state_champion(),
        "retired" => score::state_retired(),
        "withdrawn" => score::state_withdrawn(),
        "pilot" => score::state_pilot(),
        "challenge" => challenge(),
        "promote" => promote(),
        "rollback" => roll_back(),
        "retire" => retire(),
        "withdraw" => withdraw(),
        "pause-plan" => pause_plan(),
        "resume-plan" => resume_plan(),
        "abort-plan" => abort_plan(),
        "freeze" => freeze(),
        "thaw" => thaw(),
        "customers" => evaluation::customers(),
        "positives" => evaluation::positives(),
        "auc" => evaluation::auc(),
        "pr_auc" => evaluation::pr_auc(),
        "ks" => evaluation::ks(),
        "log_loss" => evaluation::log_loss(),
        "brier" => evaluation::brier(),
        "calibration_error" | "calibration-error" => evaluation::ece(),
        "lift" => lift(),
        "found-gap" => month::found_gap(),
        "calibration-gap" => month::calibration_gap(),
        "stability" => month::stability(),
        "found" => evaluation::group_found(),
        "calibration" => evaluation::group_calibration(),
        "closed" => closed(),
        "critical" => critical(),
        "incident-open" => incident_open(),
        "incident-note" => incident_note(),
        "incident-close" => incident_close(),
        "log-disputed" => log_disputed(),
        "sink-failed" => sink_failed(),
        "sink-back" => sink_back(),
        "report-compliance" => report_compliance(),
        "report-security" => report_security(),
        "report-dpia" => report_dpia(),
        "report-ropa" => report_ropa(),
        "audit-export" => audit_export(),
        "incidents" => incidents(),
        "status" => status(),
        "channel" => channel(),
        "certificates" => certificates(),
        "signatures" => signatures(),
        "log" => log(),
        "vectors" => vectors(),
        "key-agreement" => key_agreement(),
        "shares" => shares(),
        "masks" => masks(),
        "noise" => noise(),
        other => Said::verbatim(other),
    }
}
