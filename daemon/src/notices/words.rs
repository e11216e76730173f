//! What a notice says to people, in Chinese and in English: what happened; what it means; what to do.

use tributary_certs::inspect::date;
use tributary_protocol::printable::Printable;

use super::notice::{Notice, RunName, Severity};
use tributary_texts::Language;

/// A notice in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// One line: what happened.
    pub subject: String,
    /// What it means, and what to do.
    pub body: String,
}

impl Severity {
    /// In this language.
    #[must_use]
    pub fn word(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Info, Language::English) => "info",
            (Self::Warning, Language::English) => "warning",
            (Self::Critical, Language::English) => "critical",
            (Self::Info, Language::Chinese) => "通知",
            (Self::Warning, Language::Chinese) => "提醒",
            (Self::Critical, Language::Chinese) => "紧急",
        }
    }
}

/// What others wrote, fit for one line.
fn line(text: &str) -> String {
    Printable::new(text).as_str().to_owned()
}

impl RunName {
    fn english(&self) -> String {
        let plan = self.plan.as_ref().map(|plan| format!("plan {}", line(plan)));
        match (self.number, plan) {
            (Some(number), Some(plan)) => format!("Run {number} of {plan}"),
            (None, Some(plan)) => format!("The run of {plan}"),
            (Some(number), None) => format!("Run {number}"),
            (None, None) => "The run".into(),
        }
    }

    fn chinese(&self) -> String {
        let plan = self.plan.as_ref().map(|plan| format!("计划 {}", line(plan)));
        match (self.number, plan) {
            (Some(number), Some(plan)) => format!("{plan} 的第 {number} 次运行"),
            (None, Some(plan)) => format!("{plan} 的运行"),
            (Some(number), None) => format!("第 {number} 次运行"),
            (None, None) => "本次运行".into(),
        }
    }
}

impl Notice {
    /// In this language.
    #[must_use]
    pub fn text(&self, language: Language) -> Text {
        let (subject, body) = match language {
            Language::English => self.english(),
            Language::Chinese => self.chinese(),
        };
        Text { subject, body }
    }

    fn english(&self) -> (String, String) {
        let here = |branch: &Option<String>| branch.as_ref().map_or("this branch".to_owned(), |name| line(name));
        let a_plan =
            |plan: &Option<String>| plan.as_ref().map_or("a plan".to_owned(), |plan| format!("plan {}", line(plan)));
        match self {
            Self::PlanHeldBack { plan, reason } => (
                format!("Plan {} waits for people", line(plan)),
                format!(
                    "The plan does not begin, or does not go on. The reason: {}. Nothing is lost. Do what the reason says; the plan then goes on by \
                     itself.",
                    line(reason)
                ),
            ),
            Self::GrantAwaited { branch, plan, until, .. } => (
                format!("{}: {} waits for the owner of the data", here(branch), a_plan(plan)),
                format!(
                    "The owner of the branch's data has not granted all that the plan needs. The branch takes no part before that. Show the plan to \
                     the owner (`tributary client authorise inbox`). If the owner agrees, grant it (`tributary client authorise grant`).{}",
                    until.map_or_else(String::new, |until| format!(" Its last run may begin on {}.", date(until)))
                ),
            ),
            Self::GrantWithdrawn { branch, plan } => (
                format!("{}: the grant for {} is withdrawn", here(branch), a_plan(plan)),
                "The owner of the branch's data has taken the grant back. From the next round on, this branch's customers are not in the sum. \
                 Ask the owner for the reason; nothing else has to be done."
                    .into(),
            ),
            Self::DataLate { branch, run } => (
                format!("{}: the data are late. {} waits", here(branch), run.english()),
                "The branch has not said that its data are ready, and the day for that has come. The run may begin without it. Check the export of \
                 the data, then type `tributary client dataset check` and `tributary client ready` at the branch."
                    .into(),
            ),
            Self::CertificateExpires { not_after, urgent } => (
                format!("This daemon's certificate ends on {}", date(*not_after)),
                format!(
                    "The certificate should have renewed itself, and did not. {}Look in this daemon's log for the reason of the last attempt. \
                     If it does not help, renew the certificate by hand (docs/CERTIFICATES.md, \"Renewal\").",
                    if *urgent { "After that time this daemon has no connection any more. " } else { "" }
                ),
            ),
            Self::ListsExpire { not_after } => (
                format!("The revocation lists of this machine end on {}", date(*not_after)),
                "After that time no coordinator is believed, and this branch takes no part. Ask the office for newer lists \
                 (`revocations.pem`), and put them into the folder of the identity."
                    .into(),
            ),
            Self::RoleExpires { staff, role, until } => (
                format!("The role {} of {} ends on {}", line(role), line(staff), date(*until)),
                "After that time this person's signatures in this role do not count, and plans may wait for them. If the role is still needed, have the \
                 next roster signed with a new end (`tributary certs people`)."
                    .into(),
            ),
            Self::RosterEntryEnds { branch, not_after } => (
                format!("The roster's entry of {} ends on {}", line(branch), date(*not_after)),
                "After that time this branch takes no part. If it stays in the federation, enrol it anew and have the next roster signed \
                 (`tributary certs roster`)."
                    .into(),
            ),
            Self::RunFailed { run } => (
                format!("{} has failed", run.english()),
                "The run ended without all its rounds. What was charged stays charged. Read the reason on the screen or in the log of this \
                 machine; a later run needs a new plan or the plan's next date."
                    .into(),
            ),
            Self::DaemonFailed => (
                "The daemon of this machine ended with an error".into(),
                "It takes no part in any run until it is started again. The last line of its log says what happened and what to do. Do that, then \
                 start it again."
                    .into(),
            ),
            Self::RunFinished { run, epsilon } => (
                format!("{} is finished", run.english()),
                format!(
                    "{}Nothing has to be done here.",
                    epsilon.map_or_else(String::new, |epsilon| format!("It has spent epsilon {epsilon:.4}. "))
                ),
            ),
            Self::Frozen { action, staff, role } => (
                format!("Stopped: {} ({}) has ordered {}", line(staff), line(role), line(action)),
                "Nothing that the order names begins or goes on. No data are lost. When the cause is found, two people of two roles let it go on \
                 (`tributary order`)."
                    .into(),
            ),
            Self::PlanAborted { plan, staff, role } => (
                format!("{} ({}) has ended {} for good", line(staff), line(role), a_plan(plan)),
                "Its run is over, and nothing of it is released. What was charged stays charged. No order lets the plan go on. If its model is still \
                 needed, put another plan forward (`tributary plan propose`)."
                    .into(),
            ),
            Self::Thawed { action, staff, role } => (
                format!("Let go on: {} ({}) has ordered {}", line(staff), line(role), line(action)),
                "What was stopped may go on, once as many people have signed as the rules ask for. Nothing has to be done here.".into(),
            ),
            Self::ModelWithdrawn { model } => (
                format!("The model {} is withdrawn", line(model)),
                "It must not be used any more. Take lists that were made with it out of use, and use the model that the coordinator names in \
                 its place."
                    .into(),
            ),
            Self::LogDisputed { branch } => (
                format!("{}: the coordinator's journal is not the one that was seen before", here(branch)),
                "Entries were cut off or changed, or the coordinator runs from an older copy. Both checkpoints are kept as evidence. Rounds go on, and \
                 nothing is cosigned meanwhile. Tell the auditors, and compare what branches have (`tributary verify fork`)."
                    .into(),
            ),
            Self::SinkFailed { target } => (
                format!("the second copy of the audit log is not taken by {}", line(target)),
                "Entries wait, and nothing is lost. No round begins when too many wait, or for too long. Mend the receiver or the way to it; \
                 `tributary coordinator status` says what is wrong."
                    .into(),
            ),
        }
    }

    fn chinese(&self) -> (String, String) {
        let here = |branch: &Option<String>| branch.as_ref().map_or("本分行".to_owned(), |name| line(name));
        let a_plan = |plan: &Option<String>| {
            plan.as_ref().map_or("一项计划".to_owned(), |plan| format!("计划 {}", line(plan)))
        };
        match self {
            Self::PlanHeldBack { plan, reason } => (
                format!("计划 {} 正在等待人工处理", line(plan)),
                format!("该计划没有开始，或者没有继续。原因（英文原文）：{}。没有任何损失。请按原因处理，之后计划会自动继续。", line(reason)),
            ),
            Self::GrantAwaited { branch, plan, until, .. } => (
                format!("{}：{} 等待数据负责人授权", here(branch), a_plan(plan)),
                format!(
                    "本分行数据的负责人还没有授予计划所需的全部权限，在此之前该分行不参加。请把计划交给负责人审阅\
                     （`tributary client authorise inbox`）；如同意，请签发授权（`tributary client authorise grant`）。{}",
                    until.map_or_else(String::new, |until| format!("该计划最后一次运行最迟于 {} 开始。", date(until)))
                ),
            ),
            Self::GrantWithdrawn { branch, plan } => (
                format!("{}：{} 的授权已被撤回", here(branch), a_plan(plan)),
                "数据负责人已撤回授权。从下一轮开始，该分行的客户不再计入总和。如需了解原因，请询问负责人；不需要其他操作。".into(),
            ),
            Self::DataLate { branch, run } => (
                format!("{}：数据迟到，{} 正在等待", here(branch), run.chinese()),
                "到了规定的日期，该分行还没有报告数据已准备好，运行可能会在没有它的情况下开始。请检查数据导出，然后在该分行执行 \
                 `tributary client dataset check` 和 `tributary client ready`。"
                    .into(),
            ),
            Self::CertificateExpires { not_after, urgent } => (
                format!("本机服务的证书将于 {} 到期", date(*not_after)),
                format!(
                    "证书本应自动更新，但没有成功。{}请在本机服务的日志中查看最近一次失败的原因；如仍无法解决，请手工更新证书\
                     （docs/CERTIFICATES.md 的 \"Renewal\" 一节）。",
                    if *urgent { "到期之后，本机服务将无法连接。" } else { "" }
                ),
            ),
            Self::ListsExpire { not_after } => (
                format!("本机的吊销列表将于 {} 到期", date(*not_after)),
                "到期之后，本机不再信任任何协调方，本分行无法参加。请向注册办公室索取新的列表（`revocations.pem`），并放入身份文件夹。".into(),
            ),
            Self::RoleExpires { staff, role, until } => (
                format!("{} 的角色 {} 将于 {} 到期", line(staff), line(role), date(*until)),
                "到期之后，此人以该角色所做的签名不再有效，计划可能因此等待。如仍需要该角色，请在下一份名册中写入新的期限并签署\
                 （`tributary certs people`）。"
                    .into(),
            ),
            Self::RosterEntryEnds { branch, not_after } => (
                format!("名册中 {} 的条目将于 {} 到期", line(branch), date(*not_after)),
                "到期之后，该分行不再参加。如它仍留在联邦中，请重新注册，并签署下一份名册（`tributary certs roster`）。".into(),
            ),
            Self::RunFailed { run } => (
                format!("{} 失败", run.chinese()),
                "这次运行没有完成全部轮次就结束了，已扣除的隐私预算不会退回。请在本机屏幕或日志中查看原因；再次运行需要新的计划，或等到计划的\
                 下一个日期。"
                    .into(),
            ),
            Self::DaemonFailed => (
                "本机服务因错误而停止".into(),
                "重新启动之前，本机不参加任何运行。日志的最后一行说明了发生的事情和处理办法。请照此处理，然后重新启动服务。".into(),
            ),
            Self::RunFinished { run, epsilon } => (
                format!("{} 已完成", run.chinese()),
                format!(
                    "{}不需要任何操作。",
                    epsilon.map_or_else(String::new, |epsilon| format!("共使用隐私预算 epsilon {epsilon:.4}。"))
                ),
            ),
            Self::Frozen { action, staff, role } => (
                format!("已停止：{}（{}）下达了命令 {}", line(staff), line(role), line(action)),
                "命令所指的一切都不会开始或继续，数据没有损失。查明原因后，由两个不同角色的两个人解除（`tributary order`）。".into(),
            ),
            Self::PlanAborted { plan, staff, role } => (
                format!("{}（{}）已永久终止{}", line(staff), line(role), a_plan(plan)),
                "该计划的运行已结束，不发布任何结果，已扣除的隐私预算不会退回。任何命令都不能使它恢复。如仍需要该模型，请提出新的计划\
                 （`tributary plan propose`）。"
                    .into(),
            ),
            Self::Thawed { action, staff, role } => (
                format!("恢复：{}（{}）下达了命令 {}", line(staff), line(role), line(action)),
                "签名人数达到规定之后，被停止的内容可以继续。不需要任何操作。".into(),
            ),
            Self::ModelWithdrawn { model } => (
                format!("模型 {} 已被撤回", line(model)),
                "不得再使用该模型。请停用由它生成的名单，改用协调方指定的模型。".into(),
            ),
            Self::LogDisputed { branch } => (
                format!("{}：协调方的审计日志与此前看到的不一致", here(branch)),
                "日志条目被删除或改动，或者协调方使用了较旧的副本。两份检查点均已留存为证据。轮次照常进行，期间不再签署见证签名。请通知审计人员，\
                 并比对各分行留存的检查点（`tributary verify fork`）。"
                    .into(),
            ),
            Self::SinkFailed { target } => (
                format!("审计日志的第二份副本未能写入 {}", line(target)),
                "日志条目正在等待写入，不会丢失。等待的条目过多或等待时间过长时，不再开始新的轮次。请修复接收端或其网络连接；\
                 原因见 `tributary coordinator status`。"
                    .into(),
            ),
        }
    }
}

/// Many notices at once, in one message.
pub(super) fn summed_up(notices: &[Notice], more: u64, language: Language) -> Text {
    let count = u64::try_from(notices.len()).unwrap_or(u64::MAX).saturating_add(more);
    let lines: Vec<String> = notices
        .iter()
        .map(|notice| format!("- [{}] {}", notice.severity().word(language), notice.text(language).subject))
        .collect();
    let (subject, last) = match language {
        Language::English => (
            format!("{count} notices"),
            "Each of them is told on the screen and in the log of this machine, with what to do.",
        ),
        Language::Chinese => (format!("{count} 条通知"), "每一条在本机的屏幕和日志中都有详细说明和处理办法。"),
    };
    let rest = match (more, language) {
        (0, _) => String::new(),
        (more, Language::English) => format!("- and {more} more\n"),
        (more, Language::Chinese) => format!("- 另有 {more} 条\n"),
    };
    Text { subject, body: format!("{}\n{rest}{last}", lines.join("\n")) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One of each kind. A kind that is missing here does not compile below.
    pub(in crate::notices) fn one_of_each() -> Vec<Notice> {
        let run = || RunName { plan: Some("1f3c9a00".into()), number: Some(3) };
        let branch = || Some("north-bank/branch-03".to_owned());
        let (staff, role) = ("north-bank/e17".to_owned(), "privacy-officer".to_owned());
        vec![
            Notice::PlanHeldBack { plan: "1f3c9a00".into(), reason: "the plan is paused".into() },
            Notice::grant_awaited((branch(), Some("1f3c9a00".into())), Some(1_893_456_000), 0),
            Notice::grant_awaited((None, None), None, 0),
            Notice::GrantWithdrawn { branch: branch(), plan: Some("1f3c9a00".into()) },
            Notice::DataLate { branch: branch(), run: run() },
            Notice::CertificateExpires { not_after: 1_893_456_000, urgent: false },
            Notice::CertificateExpires { not_after: 1_893_456_000, urgent: true },
            Notice::ListsExpire { not_after: 1_893_456_000 },
            Notice::RoleExpires { staff: staff.clone(), role: role.clone(), until: 1_893_456_000 },
            Notice::RosterEntryEnds { branch: "north-bank/branch-03".into(), not_after: 1_893_456_000 },
            Notice::RunFailed { run: run() },
            Notice::DaemonFailed,
            Notice::RunFinished { run: run(), epsilon: Some(0.5) },
            Notice::RunFinished { run: run(), epsilon: None },
            Notice::Frozen { action: "freeze".into(), staff: staff.clone(), role: role.clone() },
            Notice::PlanAborted { plan: Some("1f3c9a00".into()), staff: staff.clone(), role: role.clone() },
            Notice::Thawed { action: "thaw".into(), staff, role },
            Notice::ModelWithdrawn { model: "77aa01bc".into() },
            Notice::LogDisputed { branch: branch() },
            Notice::SinkFailed { target: "tls://logs.bank.example:6514".into() },
        ]
    }

    /// What a notice holds, as it must be in its text.
    fn values(notice: &Notice) -> Vec<String> {
        let value = serde_json::to_value(notice).unwrap();
        let fields = value.as_object().unwrap().iter().filter(|(key, _)| *key != "kind");
        let text = |(key, value): (&String, &serde_json::Value)| match value {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Object(run) => Some(run["plan"].as_str().unwrap().to_owned()),
            serde_json::Value::Number(number) if key == "epsilon" => Some(format!("{:.4}", number.as_f64().unwrap())),
            serde_json::Value::Number(number) => Some(date(number.as_u64().unwrap())),
            _ => None,
        };
        fields.filter_map(text).collect()
    }

    #[test]
    fn each_notice_says_the_same_in_both_languages() {
        let mut kinds: Vec<&str> = one_of_each().iter().map(Notice::kind).collect();
        kinds.dedup();
        assert_eq!(kinds.len(), 17, "one of each kind");
        for notice in one_of_each() {
            assert_eq!(serde_json::to_value(&notice).unwrap()["kind"], notice.kind());
            let [chinese, english] = [Language::Chinese, Language::English].map(|language| notice.text(language));
            for text in [&chinese, &english] {
                let whole = format!("{} {}", text.subject, text.body);
                for value in values(&notice) {
                    assert!(whole.contains(&value), "{value} in {whole}");
                }
                assert!(!text.subject.contains('\n') && !text.body.is_empty());
            }
            let is_chinese = |text: &str| text.chars().any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character));
            assert!(is_chinese(&chinese.subject) && is_chinese(&chinese.body), "{chinese:?}");
            assert!(!is_chinese(&english.subject) && !is_chinese(&english.body), "{english:?}");
            // Commands and files are named in both.
            let named = |text: &str| text.matches('`').count();
            assert_eq!(named(&chinese.body), named(&english.body), "{chinese:?} {english:?}");
            for sentence in english.body.split(['.', ';', ':']) {
                assert!(sentence.split_whitespace().count() <= 30, "too long: {sentence}");
            }
        }
    }

    #[test]
    fn nothing_that_others_wrote_begins_a_line() {
        let hostile = "x\r\nBcc: other@bank.example\u{1b}[2J\u{202e}".to_owned();
        let notices = [
            Notice::PlanHeldBack { plan: hostile.clone(), reason: hostile.clone() },
            Notice::grant_awaited((Some(hostile.clone()), Some(hostile.clone())), None, 0),
            Notice::RunFailed { run: RunName { plan: Some(hostile.clone()), number: None } },
            Notice::Frozen { action: hostile.clone(), staff: hostile.clone(), role: hostile.clone() },
            Notice::PlanAborted { plan: Some(hostile.clone()), staff: hostile.clone(), role: hostile.clone() },
            Notice::ModelWithdrawn { model: hostile },
        ];
        for notice in &notices {
            for language in [Language::Chinese, Language::English] {
                let Text { subject, body } = notice.text(language);
                for text in [subject, body] {
                    assert!(!text.contains(['\r', '\n', '\u{1b}', '\u{202e}']), "{text}");
                }
            }
        }
        let text = summed_up(&notices, 3, Language::English);
        assert_eq!(text.body.lines().count(), notices.len() + 2, "{}", text.body);
        assert_eq!(text.subject, "9 notices");
    }
}
