//! What a customer is told who asks the branch, and what is past its time.

use crate::texts;

texts! {
    reply_of(id, made) { en: "Customer {id}. This answer was made at {made}.", zh: "客户号：{id}。本答复生成于 {made}。" }
    reply_end() {
        en: "The branch that you asked answers for this letter. It holds nothing of any other customer.",
        zh: "本答复由受理您申请的分行负责，不包含任何其他客户的信息。",
    }
    show_title() { en: "How your data were used", zh: "关于您的个人信息使用情况的答复" }
    explain_title() { en: "Why a score is what it is", zh: "关于评分依据的说明" }
    exclude_title() { en: "You are in no marketing list", zh: "关于拒绝营销名单的答复" }
    erase_title() { en: "Your data were erased from marketing", zh: "关于删除营销信息的答复" }
    no_runs() {
        en: "The branch has taken part in no joint learning of models.",
        zh: "本分行没有参加过任何模型的联合建模。",
    }
    runs(count) {
        en: "The branch has admitted {count} runs of joint learning. Rows of customers never left it. Only sums over many customers leave it. They are masked, and nobody can read those of one branch.",
        zh: "本分行接受过 {count} 次联合建模。客户数据从未离开本分行，离开的只有多位客户的汇总值，并经过掩码，任何人都无法读出单个分行的数值。",
    }
    run(plan, number, purpose, admitted, data, sent) {
        en: "Run {number} of {plan}, for {purpose}, admitted on {admitted}, {data}. {sent}.",
        zh: "{plan} 第 {number} 次运行，用途 {purpose}，于 {admitted} 接受，{data}。{sent}。",
    }
    sent_nothing() {
        en: "Nothing that was computed of customers left the branch in it",
        zh: "该次运行中没有任何由客户数据计算的数值离开本分行",
    }
    sent_noised(sums) {
        en: "Sums that left the branch in it, with noise: {sums}",
        zh: "该次运行中离开本分行的汇总值（已加入噪声）：{sums} 个",
    }
    sent_without_noise(sums) {
        en: "Sums that left the branch in it, masked and without noise: {sums}",
        zh: "该次运行中离开本分行的汇总值（经过掩码，未加入噪声）：{sums} 个",
    }
    data_of(day) { en: "with the data set of {day}", zh: "使用 {day} 的数据集" }
    data_unsaid() { en: "with the data set of that time", zh: "使用当时的数据集" }
    runs_known() {
        en: "Which customers' rows were in a data set is not kept: rows are read and forgotten. The bank's own tables of that day say who was its customer and had agreed.",
        zh: "系统不保存某个数据集中包含哪些客户：数据读取后即被清除。当日谁是客户、谁已同意，以银行自己的数据表为准。",
    }
    no_lists() { en: "No marketing list that is kept names you.", zh: "现存的营销名单中没有您。" }
    in_list(campaign, made) {
        en: "A list of the campaign {campaign}, made at {made}, named you.",
        zh: "{made} 生成的营销活动 {campaign} 的名单中有您。",
    }
    in_list_line(list, line, stage) {
        en: "for the branch: line {line} of list {list}, {stage}",
        zh: "仅供分行：名单 {list} 第 {line} 行，{stage}",
    }
    other_spelling(list) {
        en: "for the branch: list {list} has a line whose id is written otherwise, and may be this customer's; look at it by that id",
        zh: "仅供分行：名单 {list} 中有一行客户号写法不同，可能属于该客户；请按那种写法查询",
    }
    contacted(day, channel) { en: "On {day} you were contacted by {channel}.", zh: "{day} 通过 {channel} 联系过您。" }
    not_reached(day, channel) { en: "On {day} you were not reached by {channel}.", zh: "{day} 通过 {channel} 未能联系到您。" }
    is_excluded() {
        en: "You have asked to be in no marketing list, and you are in none.",
        zh: "您已要求不进入任何营销名单，我们已照办。",
    }
    is_erased() {
        en: "You were erased from lists and scores. A code without your name is kept, so that no list names you again.",
        zh: "您已从名单和评分中删除。我们仅保留一个不含姓名的代码，以确保不再将您列入名单。",
    }
    rights() {
        en: "You may ask at any time to be in no marketing list, to have a score explained, and to have these data erased.",
        zh: "您可以随时要求不进入营销名单、要求说明评分依据，以及要求删除上述信息。",
    }
    excluded() {
        en: "From now on no marketing list of this branch names you. Lists that are under way are corrected.",
        zh: "从现在起，本分行的任何营销名单都不会再列入您。正在使用的名单会予以更正。",
    }
    lines_voided(lines) {
        en: "for the branch: {lines} open lines are void, and delivered ones are recalled",
        zh: "仅供分行：{lines} 行已作废，已交付的已召回",
    }
    erased() {
        en: "You were erased from the lists and scores that this system keeps track of. A code without your name stays, so that no list names you again. Your accounts are not touched by this.",
        zh: "您已从本系统登记的名单和评分中删除。我们仅保留一个不含姓名的代码，以确保不再将您列入名单。您的账户不受影响。",
    }
    copy_left(path, list) {
        en: "for the branch: {path} was written of list {list}, and may have this customer still. Whoever keeps it deletes the customer's line, or the file",
        zh: "仅供分行：{path} 由名单 {list} 生成，可能仍含有该客户。请由保管人删除该客户所在行或整个文件",
    }
    copies_unknown() {
        en: "for the branch: letters to this customer, and copies that people made themselves, are not known here",
        zh: "仅供分行：已出具给该客户的答复，以及人员自行复制的文件，本系统没有登记",
    }
    lines_erased(lines) { en: "for the branch: {lines} lines are erased in kept lists", zh: "仅供分行：已删除名单中的 {lines} 行" }
    scores_erased(path, lines, stay) {
        en: "for the branch: {path}: {lines} lines are erased, and {stay} stay. The file has a new digest, and the note beside it says so",
        zh: "仅供分行：{path}：已删除 {lines} 行，保留 {stay} 行。文件有新的摘要，旁边的说明文件已更新",
    }
    scores_deleted(path) {
        en: "for the branch: {path} is deleted, because it had this customer alone or could not be read; score the customers anew if it is needed",
        zh: "仅供分行：{path} 只包含该客户或无法读取，已删除；如需要请重新评分",
    }
    scored(purpose, label, made) {
        en: "For {purpose}, a model estimated at {made} how likely this is: {label}. It did so for all customers of the branch alike.",
        zh: "{made}，为 {purpose}，模型以相同方法对本分行所有客户估计了以下情况的可能性：{label}。",
    }
    tenth(decile) {
        en: "Of ten groups of equal size, the first being the likeliest, you are in group {decile}.",
        zh: "将客户按可能性从高到低分为人数相同的十组，您在第 {decile} 组。",
    }
    points(points) { en: "Your points are {points}.", zh: "您的得分为 {points} 分。" }
    reasons(reasons) { en: "What counted most: {reasons}.", zh: "影响最大的因素：{reasons}。" }
    no_reasons() {
        en: "No single fact counted more than the others.",
        zh: "没有哪一个因素的影响明显大于其他因素。",
    }
    decided_by_people() {
        en: "The score chose whom we may offer something. It decides no credit, no price and no service.",
        zh: "该评分仅用于选择向哪些客户提供产品信息，不用于决定授信、价格或服务。",
    }
    nothing_to_explain() {
        en: "there is no score of this customer in a kept list; name a scores file (`--scores`), or write the id as the table has it",
        zh: "现存名单中没有该客户的评分；请指定评分文件（`--scores`），或按数据表的写法填写客户号",
    }
    reply_written(path) { en: "the answer is in {path}, to be printed", zh: "答复已写入 {path}，可供打印" }
    purged() { en: "deleted, because it is past its time:", zh: "超过保留期，已删除：" }
    would_be_purged() { en: "past its time; nothing was deleted:", zh: "已超过保留期；未删除任何内容：" }
    nothing_past() { en: "nothing is past its time", zh: "没有超过保留期的内容" }
    purged_list(list) { en: "  list {list}", zh: "  名单 {list}" }
    purged_draws(count) { en: "  {count} draws of hold-outs", zh: "  对照组抽取记录 {count} 份" }
    purged_scores(path) { en: "  the scores file {path}", zh: "  评分文件 {path}" }
    purged_model(model) { en: "  the model {model}, which is used no more", zh: "  已停用的模型 {model}" }
    certified(number) {
        en: "certificate {number} says what is gone (`tributary client purge --certificates`)",
        zh: "第 {number} 号删除证明记载了已删除的内容（`tributary client purge --certificates`）",
    }
    certificate(number, at, count, digest) {
        en: "certificate {number} of {at}: {count} things were deleted; digest {digest}",
        zh: "第 {number} 号删除证明，{at}：删除 {count} 项；摘要 {digest}",
    }
    certificate_of(kind, name, rule, digest) {
        en: "  {kind} {name}, by {rule}: {digest}",
        zh: "  {kind} {name}，依据 {rule}：{digest}",
    }
    certificate_of_unfinished(name, digest) {
        en: "  {name}, which an interruption left unfinished: {digest}",
        zh: "  {name}，中断后遗留的未完成文件：{digest}",
    }
    no_certificates() { en: "nothing was certified as deleted yet", zh: "尚无删除证明" }
    certificates_whole(count) {
        en: "{count} certificates, each after the one before, as the register names them",
        zh: "共 {count} 份删除证明，依次相连，并与登记簿一致",
    }
    certificate_changed(path) {
        en: "{path}: this is not the certificate that the register names: it was changed or exchanged. Restore it from a copy, and keep this one as evidence",
        zh: "{path}：与登记簿所记的删除证明不符：已被更改或替换。请从备份恢复，并保留此文件作为证据",
    }
    certificate_unknown(path) {
        en: "{path}: the register does not name this certificate, and it does not follow on the last one that it names. No certificate is replaced, so nothing is deleted. Keep this file elsewhere as evidence, and take it away from here",
        zh: "{path}：登记簿没有记载此删除证明，且它不接续登记簿所记的最后一份。删除证明不得覆盖，因此未删除任何内容。请将此文件作为证据另行保存，并从此处移走",
    }
    pending_changed(path) {
        en: "{path}: this note of a deletion that was interrupted is not as this branch wrote it. Restore it from a copy. Where there is none, keep it elsewhere as evidence, and take it away from here: nobody certifies then what that deletion removed",
        zh: "{path}：此文件记载一次中断的删除，但与本分行所写不符。请从备份恢复。如无备份，请作为证据另行保存并从此处移走：该次删除的内容将没有证明",
    }
    unfinished_deleted(path) {
        en: "for the branch: {path} was left unfinished by an interruption, and may have held this customer: it is deleted",
        zh: "仅供分行：{path} 是中断后遗留的未完成文件，可能含有该客户信息，已删除",
    }
    other_name(path, number) {
        en: "for the branch: {path} has another name on this disk (a hard link); the customer is in that one still. `find` with `-inum {number}` shows where it is: delete the customer's line there, or the file",
        zh: "仅供分行：{path} 在本磁盘上还有另一个名称（硬链接），该名称下的文件仍含有该客户的信息。可用 `find` 加 `-inum {number}` 查找；请删除其中该客户所在行或整个文件",
    }
    erase_left() {
        en: "the erasure is not complete. The customer may still be in each file and folder that is named here:",
        zh: "删除尚未全部完成。以下文件或文件夹中可能仍有该客户的信息：",
    }
    left_file(path, cause) { en: "  {path}: {cause}", zh: "  {path}：{cause}" }
    left_link(path) {
        en: "  {path} is a link, or a folder above it is one. Nobody follows it: look yourself at what it leads to, and put the file back or delete the link",
        zh: "  {path} 或其上级文件夹是符号链接。系统不跟随链接：请自行查看其指向的内容，然后恢复原文件或删除该链接",
    }
    left_owner(path, owner) {
        en: "  {path} is unfinished and belongs to {owner}. Nobody else deletes it: delete it by hand if no command is making it",
        zh: "  {path} 是未完成的文件，属于 {owner}，其他账户的命令不会删除。如果没有命令正在生成它，请手工删除",
    }
    left_no_locks(path, cause) {
        en: "  {path} is unfinished, and a command may be making it: locks do not work where it lies ({cause}). Delete it by hand if none is",
        zh: "  {path} 是未完成的文件，可能仍有命令正在生成：其所在的存储不支持文件锁（{cause}）。如果没有命令正在生成它，请手工删除",
    }
    left_other(cause) { en: "  {cause}", zh: "  {cause}" }
    exclude_left() {
        en: "the exclusion is in force: no new list will name the customer, and lines of the lists that can be read are void. These lists cannot be read, and may name the customer:",
        zh: "排除已生效：今后新生成的名单不会再列入该客户，可读取的名单中的相关行已作废。以下名单无法读取，可能仍列有该客户：",
    }
    exclude_left_then() {
        en: "Mend what is named, and give the same command again. Where the bank's system has taken such a list, recall it whole until then (`tributary client list recall`).",
        zh: "请排除上述问题，然后再次执行同一命令。如所列名单已被银行系统接收，请先整单撤回（`tributary client list recall`）。",
    }
    erase_left_then() {
        en: "All else is done, and no new list will name the customer. Mend what is named, and give the same command again. Where a list is named that the bank's system has taken, recall it whole until then (`tributary client list recall`). The letter to the customer comes when nothing is left.",
        zh: "其余均已处理，今后新生成的名单不会再列入该客户。请排除上述问题，然后再次执行同一命令。如所列名单已被银行系统接收，请先整单撤回（`tributary client list recall`）。全部完成后，才能向客户出具答复。",
    }
    erase_done() { en: "What was done, and what else you should know:", zh: "已完成的处理及其他须知：" }
    purge_left() {
        en: "the purge is not complete. Each file and folder that is named here is there still, or could not be looked at:",
        zh: "清理尚未全部完成。以下文件或文件夹仍然存在，或无法查看：",
    }
    purge_left_then() {
        en: "None of them is certified as deleted. Mend what is named, and give the same command again.",
        zh: "上述内容均未写入删除证明。请排除上述问题，然后再次执行同一命令。",
    }
    nothing_else_past() { en: "nothing else is past its time", zh: "没有其他超过保留期的内容" }
    unfinished_purged() {
        en: "deleted, because an interruption left it unfinished:",
        zh: "中断后遗留的未完成文件，已删除：",
    }
    unfinished_would_be_purged() {
        en: "left unfinished by an interruption; nothing was deleted:",
        zh: "中断后遗留的未完成文件；未删除任何内容：",
    }
    purged_unfinished(path) { en: "  {path}", zh: "  {path}" }
    scores_other(path) {
        en: "{path}: another file lies there now than the file of scores that was noted. It was not looked at: delete it if this customer is in it and it is needed no more",
        zh: "{path}：此处现为另一个文件，并非登记的评分文件。未查看其内容：如其中有该客户且不再需要，请删除",
    }
    purged_cache(path) { en: "  {path}", zh: "  {path}（缓存）" }
    models_stay(fault) {
        en: "models stay for now: {fault}. Stop the daemon for a moment, and type the same command again",
        zh: "模型暂时保留：{fault}。请暂时停止服务后再次执行同一命令",
    }
}
