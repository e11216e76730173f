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
    level_1() { en: "level 1 (low)", zh: "1级（低）" }
    level_2() { en: "level 2 (personal)", zh: "2级（个人信息）" }
    level_3() { en: "level 3 (sensitive)", zh: "3级（敏感）" }
    level_4() { en: "level 4 (severe)", zh: "4级（严重）" }
    stage_count() { en: "counts of fields", zh: "字段统计" }
    stage_quantile() { en: "learnt groups", zh: "学习分组" }
    stage_labels() { en: "counts of labels", zh: "标签统计" }
    stage_mean() { en: "means", zh: "均值统计" }
    stage_gradient() { en: "gradients", zh: "梯度训练" }
    stage_local() { en: "local steps", zh: "本地训练" }
    stage_staged() { en: "learning in stages", zh: "分阶段训练" }
    stage_evaluate() { en: "evaluation", zh: "模型评估" }
    signed_proposal() { en: "proposal", zh: "提出计划" }
    signed_approval() { en: "approval", zh: "批准计划" }
    signed_order() { en: "order", zh: "命令" }
    signed_statement() { en: "statement", zh: "声明" }
    signed_gates() { en: "report on the gates", zh: "门槛报告" }
    evidence_log() { en: "audit log: head of its chain", zh: "审计日志：链首摘要" }
    evidence_plan() { en: "plan", zh: "训练计划" }
    evidence_schema() { en: "schema of the plan", zh: "计划的模式" }
    evidence_model() { en: "model for", zh: "模型，用途为" }
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
    points_changed() { en: "points of its scorecard changed", zh: "调整评分卡分值" }
    signed_points() { en: "change of points", zh: "分值调整" }
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
        "points" => points_changed(),
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
        lift if lift.starts_with("lift_") => lift_of(lift),
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

/// The lift of a list of a share of all customers, `lift_0.01`: by its share in percent.
fn lift_of(word: &str) -> Said {
    let share = word.strip_prefix("lift_").and_then(|share| share.parse::<f64>().ok());
    share.map_or_else(|| Said::verbatim(word), |share| evaluation::lift((share * 10_000.0).round() / 100.0))
}

/// The level of a field after JR/T 0197-2020, by the word of files.
#[must_use]
pub fn level_of(level: &str) -> Said {
    match level {
        "low" => level_1(),
        "personal" => level_2(),
        "sensitive" => level_3(),
        "severe" => level_4(),
        other => Said::verbatim(other),
    }
}

/// What a stage of a plan does, by its kind.
#[must_use]
pub fn stage_of(kind: &str) -> Said {
    match kind {
        "count" => stage_count(),
        "quantile" => stage_quantile(),
        "labels" => stage_labels(),
        "mean" => stage_mean(),
        "gradient" => stage_gradient(),
        "local" => stage_local(),
        "staged" => stage_staged(),
        "evaluate" => stage_evaluate(),
        other => Said::verbatim(other),
    }
}

/// What somebody signed, by the action that the signature is for.
#[must_use]
pub fn signed_of(action: &str) -> Said {
    match action {
        "propose-plan" => signed_proposal(),
        "approve-plan" => signed_approval(),
        "pause-plan" | "resume-plan" | "abort-plan" | "freeze" | "thaw" => signed_order(),
        "promote-model" | "roll-back-model" | "retire-model" | "withdraw-model" => signed_statement(),
        "validate-model" => signed_gates(),
        "change-points" => signed_points(),
        other => Said::verbatim(other),
    }
}

/// What a piece of evidence is.
#[must_use]
pub fn evidence_of(kind: &str) -> Said {
    match kind {
        "log" => evidence_log(),
        "plan" => evidence_plan(),
        "schema" => evidence_schema(),
        "model" => evidence_model(),
        other => Said::verbatim(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    #[test]
    fn a_lift_is_told_by_its_share_in_percent() {
        for (word, english, chinese) in [
            ("lift_0.01", "lift, best 1 % of customers", "提升度，得分最高的 1% 客户"),
            ("lift_0.07", "lift, best 7 % of customers", "提升度，得分最高的 7% 客户"),
            ("lift_0.005", "lift, best 0.5 % of customers", "提升度，得分最高的 0.5% 客户"),
            ("lift_of_all", "lift_of_all", "lift_of_all"),
        ] {
            let said = of(word);
            assert_eq!((said.text(Language::English), said.text(Language::Chinese)), (english, chinese));
        }
    }
}
