//! Lists of customers: their rules, what was left out, approval, delivery, answers and outcomes.

use crate::texts;

texts! {
    rules_of(campaign, purpose, label) {
        en: "rules of the campaign {campaign}: scores of models for {purpose}, label {label}",
        zh: "营销活动 {campaign} 的名单规则：使用用途为 {purpose} 的模型的评分，标签 {label}",
    }
    rules_last_day(day) { en: "  in force up to {day}; no list is used after it", zh: "  有效期至 {day}，此后名单一律作废" }
    rules_approvers(keys) { en: "  a list is approved with one of the keys {keys}", zh: "  名单须由下列密钥之一审批：{keys}" }
    rules_top(top, by) { en: "  at most {top} customers, the best by {by}", zh: "  最多 {top} 位客户，按 {by} 从优到劣" }
    rules_threshold(by, threshold) {
        en: "  every customer whose {by} reaches {threshold}",
        zh: "  {by} 达到 {threshold} 的全部客户",
    }
    rules_opt_out(column, codes) {
        en: "  nobody whose column {column} is anything but {codes}",
        zh: "  列 {column} 不是 {codes} 的客户一律不进入名单（拒绝营销）",
    }
    rules_consent(column, codes) {
        en: "  nobody whose column {column} does not name {codes}",
        zh: "  列 {column} 未包含 {codes} 的客户一律不进入名单（未同意此用途）",
    }
    rules_risk(column, most, levels) {
        en: "  nobody whose column {column} is above {most} (of {levels}), or unknown",
        zh: "  列 {column} 高于 {most}（等级依次为 {levels}）或未知的客户不进入名单",
    }
    rules_tolerance(column, least, levels) {
        en: "  nobody whose column {column} is below {least} (of {levels}), or unknown: the product is not suitable",
        zh: "  列 {column} 低于 {least}（等级依次为 {levels}）或未知的客户不进入名单：产品不适当",
    }
    rules_quota(team, most) { en: "  at most {most} customers of the team {team}", zh: "  团队 {team} 最多 {most} 位客户" }
    rules_contacts(most, days) {
        en: "  at most {most} contacts of a customer in {days} days, this list included",
        zh: "  每位客户 {days} 天内最多联系 {most} 次，含本名单",
    }
    rules_hold_out(permille, days) {
        en: "  {permille} of 1000 chosen customers are held out at random for {days} days, in this campaign",
        zh: "  在本活动中，每 1000 位入选客户随机留出 {permille} 位作为对照组，为期 {days} 天",
    }
    rules_hold_out_branch(permille, days) {
        en: "  {permille} of 1000 chosen customers are held out at random for {days} days, in all campaigns of the branch",
        zh: "  在本分行的所有活动中，每 1000 位入选客户随机留出 {permille} 位作为对照组，为期 {days} 天",
    }
    rules_confidential(permille) {
        en: "  confidential suppressions are hidden among those held out; each list newly holds out {permille} of 1000",
        zh: "  保密排除隐藏在对照组之中；每份名单每 1000 位入选客户重新留出 {permille} 位",
    }
    rules_delivery(crm, days, columns) {
        en: "  delivered to {crm}, void after {days} days, with the columns {columns}",
        zh: "  交付给 {crm}，{days} 天后失效，列为 {columns}",
    }
    rules_signed(path) {
        en: "{path}: the rules are signed as they stand. Older rules count until each branch notes these (`tributary client list adopt`), or makes a list by them",
        zh: "{path}：已按现有内容签署规则。各分行登记（`tributary client list adopt`）或据此生成名单之前，旧规则仍然有效",
    }
    rules_adopted(campaign, number, day) {
        en: "the rules of the campaign {campaign} with the number {number}, signed on {day}, are in force: no list is made, approved or delivered by older ones",
        zh: "营销活动 {campaign} 编号为 {number}、签署于 {day} 的规则已生效：不再按旧规则生成、审批或交付名单",
    }
    rules_over(path, day) {
        en: "{path}: the last day of these rules, {day}, is over, so no list is made, approved or delivered by them. Have the owner read them and sign them with a later list.valid_until",
        zh: "{path}：这些规则的有效期已于 {day} 结束，因此不据此生成、审批或交付名单。请由负责人审阅，将 list.valid_until 改为更晚的日期并重新签署",
    }
    rules_too_long(path, day, days) {
        en: "{path}: list.valid_until is {day}, more than {days} days after the day of the signature. Rules are read again at least once a year; name an earlier day",
        zh: "{path}：list.valid_until 为 {day}，距签署日超过 {days} 天。规则每年至少重新审阅一次，请填写更早的日期",
    }
    made_on(day) {
        en: "made on {day}, by this machine's clock. Where that is not the true day, contacts were counted in a wrong window: approve nothing, and correct the clock",
        zh: "按本机时钟生成于 {day}。若与实际日期不符，则统计接触次数的时段有误：请勿审批，并校正时钟",
    }
    made_by_rules(number, day) {
        en: "made by the rules with the number {number}, signed on {day}, which say:",
        zh: "所用规则编号 {number}，签署于 {day}，内容如下：",
    }
    delivered_before(count, batch) {
        en: "{count} of these customers were in batch {batch}, which was delivered: the bank's system says that it did not take the batch, or did not reach them. Nobody has signed that. Ask whoever keeps that system before you sign",
        zh: "其中 {count} 位客户曾在已交付的批次 {batch} 中：业务系统称未接收该批次或未联系到他们，但无人签署。签署前请向该系统的管理人员核实",
    }
    newer_rules(number, day) {
        en: "newer rules of this campaign are in force, with the number {number}, signed on {day}: the list is neither approved nor delivered",
        zh: "该营销活动已有更新的规则生效，编号 {number}，签署于 {day}：本名单不得审批或交付",
    }
    rules_written(path) {
        en: "{path} is written; every key is explained in it. Edit it, then have the data's owner read and sign it.",
        zh: "已写入 {path}，其中解释了每个配置项。请编辑后交由数据负责人审阅并签署。",
    }
    approver_made(path, public) {
        en: "{path} is the key of risk control, for the person who approves lists; {public} is its public half",
        zh: "{path} 是风险控制部门的私钥，由审批名单的人保管；{public} 是其公钥",
    }
    approver_line(key) { en: "the rules name it: approvers = [\"{key}\"]", zh: "在规则中填写：approvers = [\"{key}\"]" }
    rules_of_other_branch(path, named, own) {
        en: "{path}: the owner signed these rules for the branch {named}, and this is {own}, so no list is made. Put this branch's own rules there, or have the owner sign some for it",
        zh: "{path}：负责人为分行 {named} 签署了这些规则，而本分行是 {own}，因此不生成名单。请放回本分行自己的规则，或由负责人为本分行签署",
    }
    rules_changed(list, path) {
        en: "{path}: these are not the rules that made list {list}, or newer ones are in force, so the list is void. Make a list by the rules in force",
        zh: "{path}：这些规则不是生成名单 {list} 时的规则，或已有更新的规则生效，因此该名单无效。请按现行规则重新生成名单",
    }
    approver_is_owner(path) {
        en: "{path}: the owner's own key is among the approvers. Whoever makes the rules does not approve lists as well; name the keys of risk control",
        zh: "{path}：审批人中包含负责人自己的密钥。制定规则的人不能同时审批名单；请填写风险控制部门的密钥",
    }
    approver_is_daemon(path) {
        en: "{path}: the key of this branch's daemon is among the approvers. Whoever runs the daemon does not approve lists as well; name the keys of risk control",
        zh: "{path}：审批人中包含本分行服务的密钥。运行服务的人不能同时审批名单；请填写风险控制部门的密钥",
    }
    window_longer(path, window, kept) {
        en: "{path}: contacts are counted over {window} days, and lists are kept for {kept} days (retention.lists_days). Shorten the window, or keep lists longer",
        zh: "{path}：联系次数按 {window} 天统计，而名单只保留 {kept} 天（retention.lists_days）。请缩短统计窗口，或延长名单的保留期",
    }
    no_table(key) {
        en: "the rules read a table, and the settings do not say where it is; name it ({key})",
        zh: "规则要读取一张表，而配置文件没有说明它在哪里；请填写（{key}）",
    }
    no_database(key) {
        en: "the rules read a table of a database ({key}), and the settings name none of that kind; add [data.postgres] or [data.odbc]",
        zh: "规则要读取数据库中的表（{key}），而配置文件没有指定这类数据库；请添加 [data.postgres] 或 [data.odbc]",
    }
    table_empty(key) {
        en: "the table of [{key}] has no line, so no list is made or delivered. Look whether its export has run. Where it is meant to be empty, the owner signs rules with {key}.may_be_empty = true",
        zh: "[{key}] 的表没有任何行，因此不生成也不交付名单。请检查导出是否已运行。如果该表本应为空，请由数据负责人签署含 {key}.may_be_empty = true 的规则",
    }
    table_shrunk(key, found, before, permille) {
        en: "the table of [{key}] has {found} lines, and had {before} at the campaign's last list: more than {permille} of 1000 are gone, so no list is made or delivered. Look whether its export was cut. Where these lines are meant to be gone, the owner signs rules with a larger {key}.lost_permille_max for one list",
        zh: "[{key}] 的表有 {found} 行，而该活动上一份名单时为 {before} 行：减少超过千分之 {permille}，因此不生成也不交付名单。请检查导出是否被截断。如果确应减少，请由数据负责人为一份名单签署更大的 {key}.lost_permille_max",
    }
    refusals_gone(found, before, permille) {
        en: "the table of [attributes] keeps out {found} customers by refusal or missing consent, and kept out {before} at the campaign's last list: more than {permille} of 1000 are gone, so no list is made or delivered. Look whether its columns were exported right. Where so many refusals were taken back, the owner signs rules with a larger attributes.lost_permille_max for one list",
        zh: "[attributes] 的表因拒绝营销或未同意而排除 {found} 位客户，而该活动上一份名单时为 {before} 位：减少超过千分之 {permille}，因此不生成也不交付名单。请检查各列导出是否正确。如果确有这么多客户撤回拒绝，请由数据负责人为一份名单签署更大的 attributes.lost_permille_max",
    }
    confidential_gone() {
        en: "the table of [confidential] has no line, or is much shorter than at the campaign's last list, so no list is made or delivered. Ask whoever keeps it whether its export has run whole. Where that is meant, the owner signs rules with confidential.may_be_empty = true, or a larger confidential.lost_permille_max for one list",
        zh: "[confidential] 的表没有任何行，或比该活动上一份名单时少很多，因此不生成也不交付名单。请向该表的保管人确认导出是否完整。如果确应如此，请由数据负责人签署含 confidential.may_be_empty = true 的规则，或为一份名单签署更大的 confidential.lost_permille_max",
    }
    rules_may_be_empty(key) {
        en: "  the table of [{key}] is believed without a line",
        zh: "  [{key}] 的表即使为空也被采信",
    }
    rules_may_lose(key, permille) {
        en: "  the table of [{key}] is refused if more than {permille} of 1000 lines are gone since the campaign's last list",
        zh: "  如果 [{key}] 的表自该活动上一份名单以来减少超过千分之 {permille}，则不予采信",
    }
    scores_note_unsigned(path) {
        en: "{path}: the note beside the scores is not signed by this branch's key as it stands, so nothing is made of the scores. File or note was changed, another branch made them, or the branch has a new key. Score the customers anew (`tributary client score`)",
        zh: "{path}：评分旁的说明与本分行密钥的签名不符，因此不使用这些评分。文件或说明被更改，由其他分行生成，或本分行更换了密钥。请重新评分（`tributary client score`）",
    }
    confidential_unread() {
        en: "the table of confidential suppressions cannot be read whole, so no list is made or delivered. Ask whoever keeps it to look at it",
        zh: "无法完整读取保密排除表，因此不生成也不交付名单。请让该表的保管人检查",
    }
    scores_note_bad(path, what) {
        en: "{path}: this is no note of a scores file that this release reads ({what}), so no list is made of it. Score the customers anew (`tributary client score`)",
        zh: "{path}：这不是本版本可读取的评分说明文件（{what}），因此不据此生成名单。请重新评分（`tributary client score`）",
    }
    scores_changed(path) {
        en: "{path}: the file is another one than the note beside it speaks of, so no list is made of it. It was changed or cut; score the customers anew",
        zh: "{path}：该文件与旁边的说明不符，因此不据此生成名单。文件被更改或截断；请重新评分",
    }
    scores_rows(path, found, stated) {
        en: "{path}: the file has {found} rows and the note beside it says {stated}, so no list is made of it. Score the customers anew",
        zh: "{path}：文件有 {found} 行，而旁边的说明写的是 {stated} 行，因此不据此生成名单。请重新评分",
    }
    scores_of_other_branch(path, found, own) {
        en: "{path}: these are scores of the branch {found}, and this is {own}. Use this branch's own scores",
        zh: "{path}：这是分行 {found} 的评分，而本分行是 {own}。请使用本分行自己的评分",
    }
    scores_for_other_purpose(path, found, wanted) {
        en: "{path}: the model is for {found}, and the rules ask for {wanted}. Use scores of a model for that purpose",
        zh: "{path}：该模型的用途是 {found}，而规则要求 {wanted}。请使用相应用途的模型评分",
    }
    scores_of_state(path, found, wanted) {
        en: "{path}: the model was a {found} when it scored, and the rules take {wanted} alone (scores.states)",
        zh: "{path}：评分时该模型的状态是 {found}，而规则只接受 {wanted}（scores.states）",
    }
    scores_without_label(path, label, labels) {
        en: "{path}: there are no scores of the label {label}, but of {labels}. Correct scores.label, and have the owner sign the rules",
        zh: "{path}：没有标签 {label} 的评分，只有 {labels}。请更正 scores.label，并由负责人签署规则",
    }
    scores_of_future(path) {
        en: "{path}: the scores were made in the future by this machine's clock. Set the clock, then score the customers anew",
        zh: "{path}：按本机时钟，评分时间在未来。请校准时钟后重新评分",
    }
    scores_end_today(path) {
        en: "{path}: the scores or the rules end before today is over by the bank's clock. The bank's systems use a list for whole days, so none is made of them. Score the customers anew, or sign rules with a later list.valid_until",
        zh: "{path}：按银行时区，评分或规则在今天结束之前即失效。银行系统以整天为单位使用名单，因此不生成名单。请重新评分，或签署 list.valid_until 更晚的规则",
    }
    scores_too_old(path, days) {
        en: "{path}: the scores are valid no more, or older than {days} days (scores.days_max), so no list is made of them. Score the customers anew",
        zh: "{path}：评分已失效，或早于 {days} 天（scores.days_max），因此不据此生成名单。请重新评分",
    }
    model_withdrawn(path, model) {
        en: "{path}: the model {model} was withdrawn, so nothing is made or delivered of its scores. Score the customers with the champion",
        zh: "{path}：模型 {model} 已被撤回，因此不再据其评分生成或交付名单。请用现行冠军模型重新评分",
    }
    left_no_attributes() { en: "without a line in the table of attributes", zh: "客户属性表中没有记录" }
    left_excluded() { en: "excluded at the customer's wish", zh: "应客户要求排除" }
    left_opted_out() { en: "refused contacts", zh: "拒绝营销联系" }
    left_no_consent() { en: "without consent to this purpose", zh: "未同意此用途" }
    left_risk() { en: "above the risk limit, or of unknown risk", zh: "风险等级超过上限或未知" }
    left_unsuitable() { en: "for whom the product is not suitable, or whose tolerance is unknown", zh: "产品不适当，或风险承受能力未知" }
    left_contact_cap() { en: "contacted as often as the window allows", zh: "已达到窗口内的联系次数上限" }
    left_open_list() { en: "in an open list already", zh: "已在一份有效的名单中" }
    left_other_model() {
        en: "were scored by a model whose scores these rules do not take",
        zh: "由本规则不采用的模型评分",
    }
    left_no_value() { en: "without the number by which the rules choose", zh: "没有规则所依据的数值" }
    left_no_team() { en: "of a team without a quota", zh: "所属团队没有配额" }
    left_not_chosen() { en: "not among the best that the rules choose", zh: "未达到规则选取的范围" }
    left_quota() { en: "beyond the quota of the team", zh: "超出团队配额" }
    left_held_out() { en: "held out at random, for comparison", zh: "随机留出，作为对照组" }
    counted(rows) { en: "{rows} customers in the scores", zh: "评分文件中有 {rows} 位客户" }
    left_out(count, why) { en: "{count} {why}", zh: "{count} 位：{why}" }
    in_the_list(lines) { en: "{lines} in the list", zh: "{lines} 位进入名单" }
    built(list, valid_until) {
        en: "list {list} is made, and can be used until {valid_until}. It waits for the approval of risk control (`tributary client list approve`)",
        zh: "已生成名单 {list}，有效期至 {valid_until}。等待风险控制部门审批（`tributary client list approve`）",
    }
    copied(path) { en: "its lines are in {path}, and its counts beside them", zh: "名单内容已写入 {path}，计数在其旁边" }
    stage_built() { en: "waits for approval", zh: "等待审批" }
    stage_approved() { en: "approved, not delivered", zh: "已审批，未交付" }
    stage_delivering() { en: "its delivery was interrupted; type the same command again", zh: "交付被中断；请再次执行同一命令" }
    stage_delivered() { en: "delivered, not answered", zh: "已交付，未回执" }
    stage_accepted() { en: "taken by the bank's system", zh: "业务系统已接收" }
    stage_refused() { en: "not taken by the bank's system", zh: "业务系统未接收" }
    stage_recalled() { en: "recalled", zh: "已召回" }
    stage_over() { en: "its last day is over", zh: "已过有效期" }
    stage_cut() { en: "void, because records after it are lost", zh: "已失效（其后的登记记录已丢失）" }
    stage_purged() { en: "deleted, past its time", zh: "超过保留期，已删除" }
    no_batch() { en: "no batch", zh: "无批次" }
    batch(batch) { en: "batch {batch}", zh: "批次 {batch}" }
    list_line(list, campaign, stage, batch, lines, until) {
        en: "list {list}, {campaign}: {stage}; {batch}, {lines} lines, until {until}",
        zh: "名单 {list}，{campaign}：{stage}；{batch}，{lines} 行，有效期至 {until}",
    }
    list_void(lines) { en: "{lines} lines are void", zh: "{lines} 行已作废" }
    list_outcomes(all, contacted) {
        en: "{all} outcomes, of which {contacted} say that the customer was reached",
        zh: "{all} 条结果，其中 {contacted} 条已联系到客户",
    }
    recalls_open(count) {
        en: "{count} recalls are not written yet; type `tributary client list recall` again when the folder can be written",
        zh: "{count} 份召回文件尚未写出；文件夹可写入后请再次执行 `tributary client list recall`",
    }
    no_lists() { en: "there is no list yet", zh: "还没有名单" }
    no_lines() { en: "there is no line to show", zh: "没有可显示的行" }
    line_erased() { en: "(erased)", zh: "（已删除）" }
    line(line, customer, probability, decile, reasons, what) {
        en: "  {line}. {customer}: probability {probability}, tenth {decile}; because of {reasons}; {what}",
        zh: "  {line}. {customer}：概率 {probability}，第 {decile} 档；原因：{reasons}；{what}",
    }
    more_lines(count) { en: "  and {count} more lines", zh: "  另有 {count} 行" }
    scored_by(models) { en: "scored by the model {models}", zh: "评分所用模型：{models}" }
    digest_of_list(digest) { en: "digest of the list and its counts: {digest}", zh: "名单及其计数的摘要：{digest}" }
    no_such_list(list) {
        en: "there is no list {list}; `tributary client list status` names all of them",
        zh: "没有名单 {list}；`tributary client list status` 列出全部名单",
    }
    list_over(list) {
        en: "list {list} cannot be used any more: it was recalled, changed or deleted, or its last day is over. Make another list",
        zh: "名单 {list} 已不能使用：已被召回、更改或删除，或已过有效期。请重新生成名单",
    }
    approved_already(list) { en: "list {list} is approved already", zh: "名单 {list} 已审批" }
    no_approver(list, campaign) {
        en: "this key is none of those that may approve lists of {campaign}, so list {list} is not approved. The rules name the keys (list.approvers)",
        zh: "该密钥无权审批 {campaign} 的名单，因此名单 {list} 未获审批。有权的密钥见规则（list.approvers）",
    }
    this_list() { en: "this list", zh: "此名单" }
    read_list() { en: "Read the list and its counts", zh: "请阅读名单及其计数" }
    read_list_again() { en: "Read the list and its counts again, then approve it", zh: "请再次阅读名单及其计数，然后审批" }
    list_to_sign(list, groups) {
        en: "to approve list {list}: its digest in groups is {groups}",
        zh: "审批名单 {list}：其摘要分组为 {groups}",
    }
    list_word() { en: "the list", zh: "名单" }
    approved(list) { en: "list {list} is approved, and may be delivered", zh: "名单 {list} 已审批，可以交付" }
    not_approved(list) {
        en: "list {list} is not approved by a key that the rules in force name, so it is not delivered. Have risk control approve it (`tributary client list approve`)",
        zh: "名单 {list} 未经现行规则所列密钥审批，因此不交付。请由风险控制部门审批（`tributary client list approve`）",
    }
    tables_changed(list) {
        en: "the tables by which list {list} was judged are others now, so it is not delivered. Make another list",
        zh: "评判名单 {list} 所依据的表已变更，因此不交付。请重新生成名单",
    }
    lines_void(list, lines, why) {
        en: "{lines} lines of list {list} would not be in it today, so it is not delivered; some are customers {why}. Make another list",
        zh: "名单 {list} 中有 {lines} 行今天已不应在名单内，因此不交付；其中有客户属于：{why}。请重新生成名单",
    }
    delivered_already(list, batch, folder) {
        en: "list {list} was delivered as batch {batch} into {folder}, and is never delivered twice. Where the file was lost, recall the list and make another one",
        zh: "名单 {list} 已作为批次 {batch} 交付到 {folder}，不会再次交付。如文件丢失，请召回该名单并重新生成",
    }
    delivering_elsewhere(list, batch, folder) {
        en: "the delivery of list {list} as batch {batch} into {folder} was interrupted. Name the same folder again",
        zh: "名单 {list} 作为批次 {batch} 交付到 {folder} 时被中断。请再次指定同一文件夹",
    }
    delivery_differs(list, batch) {
        en: "batch {batch} of list {list} has begun with another file, so nothing is written. Recall the list and make another one",
        zh: "名单 {list} 的批次 {batch} 已按另一份文件开始交付，因此不写入任何内容。请召回该名单并重新生成",
    }
    no_folder(folder) {
        en: "{folder}: there is no such folder, so nothing is delivered. Make it, or name the one that the bank's system reads",
        zh: "{folder}：没有这个文件夹，因此不交付。请创建它，或指定业务系统读取的文件夹",
    }
    no_gb18030(list) {
        en: "list {list} has letters that GB18030 does not have, so it is not delivered. Deliver it in UTF-8 (delivery.encoding)",
        zh: "名单 {list} 含有 GB18030 没有的字符，因此不交付。请用 UTF-8 交付（delivery.encoding）",
    }
    delivered(list, batch, path, lines) {
        en: "list {list} is delivered as batch {batch}: {lines} lines in {path}",
        zh: "名单 {list} 已作为批次 {batch} 交付：{lines} 行，文件 {path}",
    }
    not_delivered(list) { en: "list {list} was not delivered", zh: "名单 {list} 尚未交付" }
    bad_answer(path, what) {
        en: "{path}: this is no answer about a batch ({what}), so nothing is noted. docs/LISTS.md says what an answer holds",
        zh: "{path}：这不是批次回执（{what}），因此不作记录。回执的内容见 docs/LISTS.md",
    }
    answer_of_other_batch(path, found, wanted) {
        en: "{path}: the answer is about batch {found}, and this list was delivered as batch {wanted}. Name the list of that batch",
        zh: "{path}：回执是关于批次 {found} 的，而此名单的批次是 {wanted}。请指定该批次的名单",
    }
    answer_of_other_file(path, batch) {
        en: "{path}: the answer names another file than batch {batch} has, so it is not noted. Ask what the bank's system has read, or recall the list",
        zh: "{path}：回执所指的文件不是批次 {batch} 的文件，因此不作记录。请查明业务系统读取了什么，或召回该名单",
    }
    answer_contradicts(path, batch) {
        en: "{path}: batch {batch} was answered otherwise before, so this answer is not noted. Recall the list if it must not be used",
        zh: "{path}：批次 {batch} 此前的回执与此相反，因此不作记录。如不应使用，请召回该名单",
    }
    answer_accepted(batch) { en: "batch {batch} was taken by the bank's system", zh: "业务系统已接收批次 {batch}" }
    answer_refused(batch) {
        en: "batch {batch} was not taken by the bank's system, so all of it is recalled. Where rules cap contacts, each line counts as one until the list's last day, or until outcomes say that nobody was reached",
        zh: "业务系统未接收批次 {batch}，因此已全部召回。规则限制联系次数时，每一行在名单有效期内计为一次联系，除非结果反馈表明未联系到客户",
    }
    bad_reason(most) {
        en: "give a reason of one line, at most {most} bytes: the bank's system is told it",
        zh: "请用一行文字说明原因，最多 {most} 字节：原因将告知业务系统",
    }
    recalled(list) { en: "list {list} is recalled: no line of it may be used", zh: "名单 {list} 已召回：其中任何一行都不得使用" }
    recalled_already(list) { en: "list {list} was recalled before", zh: "名单 {list} 此前已召回" }
    recall_written(list, path) { en: "the recall of list {list} is in {path}", zh: "名单 {list} 的召回文件：{path}" }
    recall_unwritten(list, fault) {
        en: "lines of list {list} are void, and the file that tells the bank's system could not be written: {fault}. Tell it by other means now, and type `tributary client list recall` again",
        zh: "名单 {list} 的行已作废，但告知业务系统的文件无法写出：{fault}。请立即用其他方式告知，并再次执行 `tributary client list recall`",
    }
    outcomes_taken(rows, taken, known, rejected) {
        en: "{rows} rows: {taken} outcomes are noted, {known} were known, {rejected} are rejected",
        zh: "{rows} 行：新记录 {taken} 条结果，{known} 条已有，{rejected} 条被拒",
    }
    outcomes_rejected(count, why) { en: "  {count}: {why}", zh: "  {count} 条：{why}（见拒绝文件）" }
    outcomes_rejects(path) { en: "each rejected row is named in {path}", zh: "每条被拒的行见 {path}" }
    register_broken(path, fault) {
        en: "{path}: {fault}; the register of lists was changed, or another release wrote it. Restore it from a copy",
        zh: "{path}：{fault}；名单登记簿被更改，或由其他版本写入。请从备份恢复",
    }
    register_cut(path, found, known, head) {
        en: "{path}: the register of lists does not go on to the place that {head} notes: {found} of {known} records are there as they were noted. It was cut, an older copy was put back, or {head} is missing. Exclusions or deliveries may be missing, so nothing is done with lists. Put back the newest copy of the state folder, {head} with it. Where there is none, two people begin it again (`tributary client list restart`)",
        zh: "{path}：名单登记簿与 {head} 记录的末尾不符：记录的 {known} 条中只有 {found} 条与之一致。登记簿可能被截断，或被旧备份覆盖，或 {head} 缺失。排除或交付记录可能缺失，因此名单操作已停止。请从最新备份恢复状态文件夹，包括 {head}。如果没有备份，由两人重新开始（`tributary client list restart`）",
    }
    register_goes_on(path, found, known) {
        en: "{path}: the register of lists has {found} records, and its end was noted after {known}. A process that was killed leaves one more at most. Anybody may have written the others, so nothing is done with lists. Put back the newest copy of the state folder, contact.head with it. Where there is none, two people begin it again (`tributary client list restart`)",
        zh: "{path}：名单登记簿有 {found} 条记录，而其末尾记录为 {known} 条。进程被强行终止只会多出一条；其余记录来源不明，因此名单操作已停止。请从最新备份恢复状态文件夹，包括 contact.head。如果没有备份，由两人重新开始（`tributary client list restart`）",
    }
    note_changed(path, key) {
        en: "{path}: this note of where the register of lists ends was changed, or {key} is another key than the register's. Exclusions may be missing, so nothing is done with lists. Put both back from the newest copy. Where there is none, two people begin the register again (`tributary client list restart`)",
        zh: "{path}：名单登记簿的末尾记录已被更改，或 {key} 与登记簿的密钥不符。排除记录可能缺失，因此名单操作已停止。请从最新备份一并恢复。如果没有备份，由两人重新开始（`tributary client list restart`）",
    }
    restart_whole() {
        en: "the register of lists is whole, so nothing is begun again",
        zh: "名单登记簿完整，无需重新开始",
    }
    restart_reason(bytes) {
        en: "the reason is one line of 1 to {bytes} bytes, without a character that does not show (`--reason`)",
        zh: "原因须为一行，1 至 {bytes} 字节，不含不可见字符（`--reason`）",
    }
    restart_bad(path) {
        en: "{path}: this is no file to begin the register of lists again, or it was changed. Draft it anew (`tributary client list restart draft`)",
        zh: "{path}：这不是重新开始名单登记簿的文件，或已被更改。请重新起草（`tributary client list restart draft`）",
    }
    restart_noted_nothing() { en: "no note says how many there were", zh: "没有记录说明原有多少条" }
    restart_noted(records) { en: "{records} were noted", zh: "曾记录 {records} 条" }
    restart_of(branch, left, noted) {
        en: "register of lists of {branch}: {left} records are left, and {noted}",
        zh: "{branch} 的名单登记簿：尚存 {left} 条，{noted}",
    }
    restart_why(at, reason) { en: "  drafted {at}, because: {reason}", zh: "  起草于 {at}，原因：{reason}" }
    restart_means(skipped) {
        en: "  What is lost may have held exclusions, erasures, deliveries and contacts. Enter again who has asked to be excluded since the last record; lists whose record is lost are deleted here. {skipped} numbers of lists, batches and recalls are left out",
        zh: "  丢失的记录可能含有客户的排除、删除、交付与联系。请重新录入自最后一条记录以来要求排除的客户；登记已丢失的名单将在此删除。跳过 {skipped} 个名单、批次和撤回编号",
    }
    restart_drafted(path, digest) {
        en: "{path}: its digest is {digest}. Have the owner of the data and risk control sign it (`tributary client list restart sign`), then install it (`tributary client list restart install`)",
        zh: "{path}：摘要为 {digest}。请由数据负责人和风险控制部门签署（`tributary client list restart sign`），然后安装（`tributary client list restart install`）",
    }
    restart_signed_already(path) {
        en: "{path}: this key has signed it, or two people have; nothing is signed",
        zh: "{path}：该密钥已签署，或已有两人签署；未签署任何内容",
    }
    restart_signed(path, count) { en: "{path}: {count} of two people have signed", zh: "{path}：两人中已有 {count} 人签署" }
    restart_of_other_branch(path, branch) {
        en: "{path}: it is for the register of {branch}, and not for this branch. The register is as it was",
        zh: "{path}：该文件针对 {branch} 的登记簿，而非本分行。登记簿未变",
    }
    restart_unsigned(path) {
        en: "{path}: it needs a signature of the owner of the data, and one of a risk control whom the rules name. The register is as it was",
        zh: "{path}：须有数据负责人的签名，以及规则所列风险控制部门之一的签名。登记簿未变",
    }
    restart_too_far(skipped, most) {
        en: "by the notes of the register's end, or by the folders of lists, {skipped} records or numbers are missing, and more than {most} were never used. A note or a folder is not this branch's. Nothing was changed; look at contact.head in the state folder and in the identity's, and at the folder lists",
        zh: "按登记簿末尾记录或名单文件夹推算，缺少 {skipped} 条记录或编号，而从未用过超过 {most} 个。其中某个记录或文件夹不属于本分行。未作任何更改；请检查状态文件夹和身份文件夹中的 contact.head，以及 lists 文件夹",
    }
    restart_changed(path) {
        en: "{path}: the register or its note is not as it was when this was drafted. The register is as it was; draft anew",
        zh: "{path}：登记簿或其末尾记录与起草时不同。登记簿未变；请重新起草",
    }
    restart_done(path) {
        en: "the register of lists begins again with what was left. The file as it was is kept as {path}. Every list shows from now on that records are missing",
        zh: "名单登记簿以尚存的记录重新开始。原文件保留为 {path}。此后每份名单都会显示缺少记录",
    }
    restarted(at, lost, reason, owner, risk) {
        en: "THE REGISTER OF LISTS WAS BEGUN AGAIN on {at}: at least {lost} records before it are missing. Why: {reason}. Signed by the owner {owner} and by risk control {risk}",
        zh: "名单登记簿曾于 {at} 重新开始：此前至少缺少 {lost} 条记录。原因：{reason}。由数据负责人 {owner} 和风险控制部门 {risk} 签署",
    }
    restart_word() { en: "register", zh: "登记簿" }
    this_restart() { en: "this register of lists", zh: "该名单登记簿" }
    restart_to_sign(digest) {
        en: "digest of what is signed: {digest}",
        zh: "签署内容的摘要：{digest}",
    }
    read_restart() { en: "Read what is lost and why", zh: "请阅读丢失的内容与原因" }
    read_restart_again() { en: "Read it again, then sign it", zh: "请再次阅读后签署" }
    other_key(path) {
        en: "{path}: this is another key than the register's, so nobody's exclusion could be recognised. Restore the key from a copy",
        zh: "{path}：该密钥与登记簿不符，将无法识别客户的排除。请从备份恢复密钥",
    }
    key_lost(path) {
        en: "{path}: the key of pseudonyms is gone, so nobody's exclusion could be recognised. Restore it from a copy; no list is made without it",
        zh: "{path}：假名密钥丢失，将无法识别客户的排除。请从备份恢复；没有它就不生成名单",
    }
    file_changed(path) {
        en: "{path}: this is not the file that the register names, so it is not used. Restore it from a copy, or make another list",
        zh: "{path}：这不是登记簿所记录的文件，因此不使用。请从备份恢复，或重新生成名单",
    }
    rules_of_another_owner(path, named, mark) {
        en: "{path}: the settings name {named} as the owner's key, and {mark} names another one. Nothing is done by these rules. Name the owner's key; where the owner has changed, start the daemon once",
        zh: "{path}：配置指定 {named} 为数据负责人的密钥，而 {mark} 记录的是另一个密钥。不按这些规则执行任何操作。请指定负责人的密钥；如负责人已变更，请先启动一次守护进程",
    }
    rules_of_new_owner(path, list) {
        en: "{path}: another owner of the data signed these rules than those of list {list}, and the identity names no owner. Nothing is done by these rules. Name the owner's key in the settings; where the owner has changed, start the daemon once",
        zh: "{path}：签署这些规则的数据负责人与名单 {list} 所用规则的负责人不同，且身份文件夹没有记录负责人。不按这些规则执行任何操作。请在配置中指定负责人的密钥；如负责人已变更，请先启动一次守护进程",
    }
    rules_without_confidential(path) {
        en: "{path}: this branch has confidential suppressions, and the rules do not read them, so no list is made or delivered by them. Have the owner add [confidential] and sign the rules",
        zh: "{path}：本分行有保密排除名单，而规则未读取它，因此不据此生成或交付名单。请由负责人加入 [confidential] 并签署规则",
    }
    purged_in_window(list) {
        en: "the files of list {list} were deleted, and its contacts lie within the window of these rules: nobody knows any more whom it named. Have the owner sign a shorter window, or wait until it is past them",
        zh: "名单 {list} 的文件已删除，而其联系仍在规则的窗口内：已无法得知其中有哪些客户。请由负责人签署更短的窗口，或等窗口过去",
    }
    clock_back(now, last) {
        en: "by this machine's clock it is {now}, and a list was made, approved or delivered at {last} by the same clock, so nothing is done. Set the clock. Where that earlier time was wrong, restore the register from a copy, or wait",
        zh: "本机时钟为 {now}，而同一时钟在 {last} 已生成、审批或交付过名单，因此不作任何操作。请校准时钟；若先前的时间有误，请从备份恢复登记簿，或等待",
    }
    something_else(path) {
        en: "{path}: something has this name already, and nothing is replaced. Move it away, or name another folder",
        zh: "{path}：该名称已被占用，不作替换。请将其移走，或指定其他文件夹",
    }
    path_no_text(path) { en: "{path}: a path must be text in UTF-8", zh: "{path}：路径必须是 UTF-8 文本" }
    no_id() {
        en: "an id of a customer is one line of 1 to 256 bytes; write it as the table has it",
        zh: "客户号是一行 1 到 256 字节的文本；请按数据表的写法填写",
    }
}
