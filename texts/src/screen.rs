//! What a branch's daemon says on its screen while it runs.

use crate::texts;

texts! {
    connected(coordinator, transport) {
        en: "connected to {coordinator} over {transport}",
        zh: "已通过 {transport} 连接到 {coordinator}",
    }
    connected_again(coordinator, transport) {
        en: "connected to {coordinator} again, over {transport}; nothing was lost",
        zh: "已通过 {transport} 重新连接到 {coordinator}；没有任何丢失",
    }
    disconnected(reason, retry_ms) {
        en: "{reason}; next attempt in {retry_ms} ms",
        zh: "连接中断：{reason}；{retry_ms} 毫秒后再次尝试",
    }
    remark(file, remark) {
        en: "{file}: {remark}",
        zh: "{file}：{remark}",
    }
    rows_dropped(rows, kept) {
        en: "{rows} rows beyond data.rows_per_customer_max were left out, {kept} are used; raise it (it is public), or send fewer rows of one customer",
        zh: "有 {rows} 行超出 data.rows_per_customer_max 而未使用，使用了 {kept} 行；请调高该值（它是公开的），或减少同一客户的行数",
    }
    maxima_passed(customers, rows) {
        en: "the data have {customers} customers and {rows} rows, more than data.customers_max or data.rows_max. All take part, but a round then takes as long as the data ask for; raise the maxima, which are public, above these numbers",
        zh: "数据有 {customers} 个客户、{rows} 行，超过了 data.customers_max 或 data.rows_max。所有客户仍会参加，但每一轮所用的时间会随数据量变化；请把这两个公开的上限调到高于这些数字",
    }
    run_named(plan, number) { en: "{plan} run {number}", zh: "{plan} 第 {number} 次运行" }
    run_unnamed(id) { en: "run {id}", zh: "运行 {id}" }
    this_branch() { en: "this branch", zh: "本分行" }
    takes_part(of) { en: "{of}: this branch takes part", zh: "{of}：本分行参加" }
    paused() {
        en: "paused: this branch has left every run and takes part in none until `tributary client resume`",
        zh: "已暂停：本分行已退出所有运行，在执行 `tributary client resume` 之前不再参加",
    }
    resumed() { en: "resumed: this branch takes part again", zh: "已恢复：本分行重新参加" }
    noise_alone(of, round, reason) {
        en: "{of}: round {round}: this branch's upload was noise alone, so that its customers did not count in it: {reason}",
        zh: "{of}：第 {round} 轮：本分行只上传了噪声，因此本轮没有计入本行客户：{reason}",
    }
    too_late_for_its_offset() {
        en: "it was not ready at the plan's offset, and the policy's timing is strict",
        zh: "到计划规定的时刻还没有准备好，而策略要求严格准时（strict）",
    }
    head_of_a_lost_file(shown) {
        en: "the budget file takes the place of a lost one: what this branch has signed up to counter {shown} is counted now",
        zh: "预算文件取代了丢失的文件：本分行到计数 {shown} 为止签署过的花费现已全部计入",
    }
    head_adopted(file, shown) {
        en: "the budget file ends at counter {file}, and this branch has signed more, up to counter {shown}: all of it is counted now. An older copy of the file was put back; find out by whom, and keep the newest one",
        zh: "预算文件只到计数 {file}，而本分行签署过的花费已到计数 {shown}：现已全部计入。有人放回了旧的文件副本；请查明是谁，并保留最新的文件",
    }
    budget_begun() {
        en: "the coordinator is told of this budget's first use; its ledger names the branch and the owner's key",
        zh: "已告知协调方本预算首次使用；协调方的账本会记录本分行和负责人的公钥",
    }
    budget_forgotten(counter) {
        en: "the coordinator keeps nothing of this branch's budget, whose counter is {counter}: it has lost its copy; tell its operator",
        zh: "协调方没有本分行预算（计数 {counter}）的记录：它丢失了副本；请通知协调方的操作员",
    }
    clock_differs(seconds) {
        en: "this machine's clock and the coordinator's are {seconds} seconds apart; certificates are judged by them: synchronise the clock",
        zh: "本机时钟与协调方时钟相差 {seconds} 秒；证书的有效期按时钟判断：请校准时钟",
    }
    certificate_renewed(until) {
        en: "the certificate was renewed, until {until}; nothing was interrupted",
        zh: "证书已更新，有效期至 {until}；没有任何中断",
    }
    renewal_failed(reason, seconds) {
        en: "the certificate was not renewed: {reason}; next attempt in {seconds} s",
        zh: "证书没有更新成功：{reason}；{seconds} 秒后再次尝试",
    }
    certificate_ends(hours, level) {
        en: "the certificate ends in {hours} hours ({level}), and then this branch cannot connect; see the last renewal's reason, or renew by hand",
        zh: "证书将在 {hours} 小时后到期（{level}），到期后本分行无法连接；请查看最近一次更新失败的原因，或手工更新",
    }
    members_missing(of, here, needed, who, rest) {
        en: "{of}: the coordinator waits: {here} of {needed} members are there; {who}{rest}",
        zh: "{of}：协调方正在等待：需要 {needed} 个成员，现有 {here} 个；{who}{rest}",
    }
    nobody_else() {
        en: "nobody else is in the plan's group",
        zh: "计划的组里没有其他成员",
    }
    missing(names) {
        en: "missing: {names}",
        zh: "缺少：{names}",
    }
    and_more(count) {
        en: " and {count} more",
        zh: "，另有 {count} 个",
    }
    distrusted(reason) {
        en: "whoever answered at the coordinator's address did not prove to be the coordinator: {reason}. The connection was cut; another attempt follows. If this stays so, call the coordinator's operator: its certificate may be in other hands",
        zh: "在协调方地址上应答的一方不能证明自己是协调方：{reason}。连接已切断，稍后会再次尝试。如果一直这样，请致电协调方的操作员：它的证书可能落入他人之手",
    }
    lists_renewed(until) {
        en: "newer revocation lists are in force, until {until} (Unix seconds)",
        zh: "新的吊销列表已生效，有效期至 {until}（Unix 秒）",
    }
    lists_over(cure) {
        en: "the revocation lists have ended, so that no coordinator is believed: {cure}",
        zh: "吊销列表已过期，因此不再信任任何协调方：{cure}",
    }
    lists_end(hours, cure) {
        en: "the revocation lists end in {hours} hours, and then no coordinator is believed: {cure}",
        zh: "吊销列表将在 {hours} 小时后到期，到期后不再信任任何协调方：{cure}",
    }
    round_committed(of, round) {
        en: "{of}: round {round}: committed",
        zh: "{of}：第 {round} 轮：已完成",
    }
    round_aborted(of, round) {
        en: "{of}: round {round}: aborted, nothing was revealed",
        zh: "{of}：第 {round} 轮：已中止，没有泄露任何内容",
    }
    not_granted(of, reason) {
        en: "{of}: it is not granted here: {reason}",
        zh: "{of}：本分行尚未授权：{reason}",
    }
    not_granted_until(of, reason, until) {
        en: "{of}: it is not granted here: {reason}. It waits in the owner's inbox (`tributary client authorise inbox`); its last run may begin on {until}",
        zh: "{of}：本分行尚未授权：{reason}。该计划在数据负责人的收件箱中等待（`tributary client authorise inbox`）；最后一次运行最迟于 {until} 开始",
    }
    grant_none() {
        en: "the owner of the branch's data has not granted it (`tributary client authorise`); a plan without noise needs a grant of its own, and a run goes on under the grant under which it began",
        zh: "数据负责人还没有授权它（`tributary client authorise`）；不加噪声的计划需要单独的授权，运行须沿用其开始时的授权",
    }
    grant_window() {
        en: "the owner's grant for it has not begun or is over; ask the owner for a new one",
        zh: "负责人对它的授权尚未开始或已经到期；请向负责人申请新的授权",
    }
    grant_uses() {
        en: "the owner's grant for it has no runs left; ask the owner for a new one",
        zh: "负责人对它的授权已没有剩余运行次数；请向负责人申请新的授权",
    }
    grant_epsilon_run() {
        en: "a run of it may cost more than the owner's grant allows for one run",
        zh: "它的一次运行可能超过负责人授权的单次预算",
    }
    grant_epsilon_year() {
        en: "with this run the runs of a year would cost more than the owner's grant allows",
        zh: "加上这次运行，一年的花费会超过负责人的授权",
    }
    grant_fields() {
        en: "its schema has a field that the owner's grant does not name",
        zh: "它的模式含有负责人授权中没有列出的字段",
    }
    grant_withdrawn() {
        en: "the owner has withdrawn the grant for it",
        zh: "负责人已撤回对它的授权",
    }
    level_warning() { en: "warning", zh: "提醒" }
    level_critical() { en: "critical", zh: "紧急" }
    level_expired() { en: "expired", zh: "已过期" }
    refused(of, reason) {
        en: "{of}: refused: {reason}",
        zh: "{of}：已拒绝：{reason}",
    }
    finished(of, rounds, cpu, up, down) {
        en: "{of}: finished after {rounds} rounds; so far {cpu} CPU s, {up} bytes up, {down} down",
        zh: "{of}：{rounds} 轮后结束；至今处理器时间 {cpu} 秒，上传 {up} 字节，下载 {down} 字节",
    }
    roster_accepted(epoch) {
        en: "roster {epoch} is accepted",
        zh: "已接受第 {epoch} 号名册",
    }
    roster_change(what, names) {
        en: "; {what}: {names}",
        zh: "；{what}：{names}",
    }
    members_new() { en: "new", zh: "新增" }
    members_gone() { en: "gone", zh: "退出" }
    members_rekeyed() { en: "OTHER KEYS", zh: "密钥已更换" }
    people_rekeyed() { en: "PEOPLE WITH OTHER KEYS", zh: "密钥已更换的人员" }
    people_approving() { en: "people with new roles that may approve", zh: "获得审批权的人员" }
    people_gaining() { en: "people with other new roles", zh: "获得其他角色的人员" }
    people_losing() { en: "people with fewer roles, or for another time", zh: "角色减少或期限变化的人员" }
    members_ending() { en: "another end", zh: "期限变化" }
    groups_changed() { en: "groups with other members", zh: "成员有变化的组" }
    ask_new_members() {
        en: ". Enough roster authorities signed it. If you know a branch that is new or has other keys, ask it whether that is so",
        zh: "。名册已由足够的名册机构签署。如果您认识新增或更换密钥的分行，请向它核实",
    }
    ask_people() {
        en: ". If you know a person who has another key or may approve from now on, ask whether that is so",
        zh: "。如果您认识更换了密钥或获得审批权的人，请向本人核实",
    }
    rosters_unseen(missing) {
        en: ". {missing} rosters before it were not shown to this branch, so it is not known here who came and went in them: ask the roster authorities for them",
        zh: "。在它之前有 {missing} 份名册没有出示给本分行，因此不知道其间谁加入、谁退出：请向名册机构索取",
    }
    link_connecting() {
        en: "link      the first attempt to connect is under way",
        zh: "连接      正在首次尝试连接",
    }
    link_connected(coordinator, transport, seconds) {
        en: "link      connected to {coordinator} over {transport} for {seconds} s",
        zh: "连接      已通过 {transport} 连接到 {coordinator}，持续 {seconds} 秒",
    }
    link_waiting(reason, at) {
        en: "link      none: {reason}; next attempt {at}",
        zh: "连接      无：{reason}；下次尝试：{at}",
    }
    in_seconds(seconds) { en: "in {seconds} s", zh: "{seconds} 秒后" }
    now() { en: "now", zh: "现在" }
    status_paused() {
        en: "paused    this branch takes part in no run until `tributary client resume`",
        zh: "已暂停    在执行 `tributary client resume` 之前，本分行不参加任何运行",
    }
    status_no_runs() {
        en: "runs      none; the coordinator invites when one is open",
        zh: "运行      无；有运行开放时，协调方会发出邀请",
    }
    status_run(of, reason, until) {
        en: "runs      {of}: waits for {reason}{until}",
        zh: "运行      {of}：等待 {reason}{until}",
    }
    status_until(at, next) { en: "; {at}: {next}", zh: "；{at}：{next}" }
    status_put_off(of, reason, at) {
        en: "put off   {of}: {reason}; asked about again {at}",
        zh: "推迟      {of}：{reason}；{at}再次询问",
    }
    status_invited(run) { en: "invited   {run}: waits for a place", zh: "受邀      {run}：等待名额" }
    status_log_none() {
        en: "log       no checkpoint of the coordinator's journal was shown so far",
        zh: "日志      协调方尚未出示审计日志的检查点",
    }
    status_log_seen(entries) {
        en: "log       the last checkpoint has {entries} entries; none was cosigned since this daemon started",
        zh: "日志      最近的检查点有 {entries} 条记录；本服务启动以来尚未签署见证签名",
    }
    status_log(entries, seconds) {
        en: "log       the coordinator's journal has {entries} entries, cosigned {seconds} s ago",
        zh: "日志      协调方的审计日志有 {entries} 条记录，{seconds} 秒前已签署见证签名",
    }
    status_log_refused(count) {
        en: "log       {count} checkpoints were refused, because they do not go on from what was seen; they are in the folder `checkpoints`. Tell the auditors",
        zh: "日志      {count} 个检查点与此前看到的不一致，已被拒绝，保存在 `checkpoints` 文件夹中。请通知审计人员",
    }
    log_shorter(seen, shown, file) {
        en: "the coordinator's journal had {seen} entries and now has {shown}: entries were cut off, or it runs from an older copy. Nothing is cosigned; what was shown is kept in {file}. Rounds go on. Tell the auditors and the coordinator's operator",
        zh: "协调方的审计日志曾有 {seen} 条记录，现在只有 {shown} 条：有记录被删除，或者协调方使用了较旧的副本。本分行不签署见证签名；所出示的检查点保存在 {file}。轮次照常进行。请通知审计人员和协调方的操作员",
    }
    log_forked(seen, shown, file) {
        en: "nothing shows that the coordinator's journal of {shown} entries goes on from the one of {seen} that this branch has seen: it was changed. Nothing is cosigned; what was shown is kept in {file}. Rounds go on. Tell the auditors, and compare with another branch (`tributary verify fork`)",
        zh: "没有证据表明协调方现在 {shown} 条记录的审计日志是本分行看到过的 {seen} 条记录的延续：日志被改动过。本分行不签署见证签名；所出示的检查点保存在 {file}。轮次照常进行。请通知审计人员，并与另一分行比对（`tributary verify fork`）",
    }
    end_not_cosigned(seen) {
        en: "this branch leaves without having cosigned the run's end: the coordinator showed it no checkpoint after the one of {seen} entries. Run the client once more while the coordinator runs: it cosigns the newest one when it connects",
        zh: "本分行未对运行的结束签署见证签名即退出：协调方在 {seen} 条记录的检查点之后未再出示检查点。请在协调方运行期间再次启动客户端；客户端连接后会为最新的检查点签署见证签名",
    }
    status_event(seconds, text) { en: "{seconds} s ago  {text}", zh: "{seconds} 秒前  {text}" }
    status_budget(spent, reserved, cap, left, today, most) {
        en: "budget    epsilon {spent} spent and {reserved} reserved of {cap} for life, {left} left; {today} of {most} rounds within 24 hours",
        zh: "隐私预算  终身 epsilon 已用 {spent}，预留 {reserved}，上限 {cap}，剩余 {left}；24 小时内已用 {today} 轮，上限 {most} 轮",
    }
    without_limit() { en: "without limit", zh: "无上限" }
    no_daemon(folder, config) {
        en: "{folder}: no daemon of these settings runs, so there is nothing to show. Start it: `tributary client run --config {config}`",
        zh: "{folder}：没有使用这份配置的服务在运行，因此没有可显示的内容。请启动：`tributary client run --config {config}`",
    }
    paused_now() {
        en: "paused: this branch has left every run; its link to the coordinator stays",
        zh: "已暂停：本分行已退出所有运行；与协调方的连接保持",
    }
    paused_later() {
        en: "paused: no daemon runs now, and the next one takes part in no run",
        zh: "已暂停：目前没有服务在运行，下次启动后也不参加任何运行",
    }
    resumed_now() {
        en: "resumed: this branch asks to be let into its runs again",
        zh: "已恢复：本分行正在请求重新加入各次运行",
    }
    resumed_later() {
        en: "resumed: no daemon runs now, and the next one takes part",
        zh: "已恢复：目前没有服务在运行，下次启动后会参加",
    }
    daemon_could_not(fault) { en: "the daemon could not do it: {fault}", zh: "服务无法执行：{fault}" }
    daemon_of_another_release() {
        en: "the daemon answered something else; compare its release with this one's, and start it anew",
        zh: "服务的答复无法识别；请核对两者的版本，并重新启动服务",
    }
    daemon_silent(path, fault) {
        en: "{path}: {fault}; the daemon did not answer. Run this command as the daemon's user; if that does not help, see its log",
        zh: "{path}：{fault}；服务没有答复。请以运行服务的用户执行本命令；如仍无效，请查看服务的日志",
    }
    model_stated(words) { en: "two people state: {words}", zh: "两人声明：{words}" }
    model_kept(purpose, model) {
        en: "a model in use for \"{purpose}\" is kept here: models/{model}",
        zh: "“{purpose}”的在用模型已保存在本机：models/{model}",
    }
    grant_carried(grant) {
        en: "the coordinator has carried here a grant of this branch's owner, {grant}; `tributary client authorise list` shows it",
        zh: "协调方已送来本分行数据负责人的授权 {grant}；可用 `tributary client authorise list` 查看",
    }
    withdrawal_carried(grant) {
        en: "the coordinator has carried here that this branch's owner takes back the grant {grant}; nothing more is charged under it",
        zh: "协调方已送来本分行数据负责人撤回授权 {grant} 的通知；此后不再据此扣减任何预算",
    }
    model_withdrawn(model) {
        en: "model {model} was withdrawn: its files are deleted, and this branch refuses it from now on. Stop using what was copied from them",
        zh: "模型 {model} 已被撤回：文件已删除，本分行今后拒绝使用它。请停用从中复制的一切内容",
    }
    model_not_kept(model) {
        en: "model {model} is not kept any more: it was retired, or no grant of the owner lets this branch keep it. Its files are deleted",
        zh: "模型 {model} 不再保存：它已退役，或负责人的授权不允许本分行保存。文件已删除",
    }
    not_ready(reason) { en: "not ready: {reason}", zh: "尚未就绪：{reason}" }
    not_ready_again(reason) {
        en: "the files that are said to be ready could not be read: {reason}",
        zh: "被声明为就绪的文件无法读取：{reason}",
    }
}
