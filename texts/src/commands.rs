//! Answers of the commands that a branch's people type.

use crate::texts;

texts! {
    settings_written(path) {
        en: "{path} is written; every key is explained in it. What it names goes beside it: the identity (`tributary client enrol`), the table, its schema, and the signed policy (`tributary client policy init` and `sign`). Then `tributary config check`.",
        zh: "已写入 {path}，其中解释了每个配置项。它所引用的内容放在旁边：身份（`tributary client enrol`）、数据表、模式，以及签署的策略（`tributary client policy init` 和 `sign`）。然后运行 `tributary config check`。",
    }
    bad_address(text) {
        en: "{text} is not of the form HOST:PORT; nothing was written. Give the coordinator's address",
        zh: "{text} 不是 HOST:PORT 的形式，没有写入任何内容。请给出协调方的地址",
    }
    request_written(path, fingerprint) {
        en: "{path}: the request; carry it to the office (it holds the token), and install the answer with --install.\n\n    {fingerprint}\n\nis the fingerprint that the office shows for it.",
        zh: "{path}：注册请求；请送到注册办公室（其中含有令牌），然后用 --install 安装答复。\n\n    {fingerprint}\n\n是办公室对该请求应显示的指纹。",
    }
    approve_by_voice(fingerprint) {
        en: "A person at the office must approve this branch. Read this fingerprint aloud to them, and compare every group:\n\n    {fingerprint}\n\nWaiting for the approval; Ctrl-C ends the waiting, and the same command goes on later.",
        zh: "需要注册办公室的人批准本分行。请向对方朗读下面的指纹，并逐组核对：\n\n    {fingerprint}\n\n正在等待批准；按 Ctrl-C 停止等待，以后用同一条命令继续。",
    }
    enrolled(folder, identity, client, fingerprint) {
        en: "{folder}: {identity}, client {client}. It takes part once the federation's next roster is in force. Whoever signs that may ask you for the fingerprint in {fingerprint}.",
        zh: "{folder}：{identity}，编号 {client}。联邦的下一份名册生效后即可参加。签署名册的人可能会向您询问 {fingerprint} 中的指纹。",
    }
    give_bundle_or_install() { en: "give --bundle, or --install", zh: "请给出 --bundle 或 --install" }
    give_out_or_home() { en: "give --out, or --home", zh: "请给出 --out 或 --home" }
    give_branches_or_config() {
        en: "give --config, or --branch with --authorities and --out",
        zh: "请给出 --config，或者 --branch 以及 --authorities 和 --out",
    }
    give_policy_or_home() { en: "give --policy and --schema, or --home", zh: "请给出 --policy 和 --schema，或者 --home" }
    renewed(folder, identity) {
        en: "{folder}: the certificate of {identity} is renewed; a running daemon takes it up by itself",
        zh: "{folder}：{identity} 的证书已更新；正在运行的服务会自动采用",
    }
    renewal_request(path, fingerprint) {
        en: "{path}: the request; its fingerprint is\n\n    {fingerprint}",
        zh: "{path}：更新请求；它的指纹是\n\n    {fingerprint}",
    }
    number_unknown(folder) {
        en: "{folder}: this client's number in the roster is not known; it is noted by `client enrol` and at the first connection",
        zh: "{folder}：还不知道本分行在名册中的编号；编号由 `client enrol` 或首次连接时记录",
    }
    clock_may_be_wrong(fault, now) {
        en: "{fault} By this machine's clock it is {now}. If that is wrong, set the clock (NTP, or `date`) and give the same command again: the keys that were made stay. If it is right, the coordinator's operator has to act: a certificate or a list there has ended.",
        zh: "{fault} 本机时钟显示 {now}。如果不对，请校准时钟（NTP 或 `date`）后重新执行同一条命令：已生成的密钥会保留。如果时钟正确，则需要协调方的操作员处理：那里的某个证书或列表已过期。",
    }
    home_settings(path) {
        en: "{path} is written, with the coordinator's address; every key is explained in it. The branch's table goes beside it.",
        zh: "已写入 {path}，其中有协调方的地址，并解释了每个配置项。请把分行的数据表放在旁边。",
    }
    another_schema(there, given) {
        en: "{there} is another schema than {given}, and stays as it is; nothing was written. If the new one is right, remove the old one, and have the owner read and sign a policy for it",
        zh: "{there} 与 {given} 是不同的模式，保持不变，没有写入任何内容。如果新模式正确，请删除旧文件，并让负责人审阅和签署与之相应的策略",
    }
    another_owner(key, owner) {
        en: "{key}: this is not the key of the owner that the branch's folder names ({owner}), so nothing is signed. Sign with that owner's key; `tributary client budget owner` passes the data to another owner",
        zh: "{key}：这不是分行文件夹所指定的负责人（{owner}）的私钥，因此没有签署。请使用该负责人的私钥；更换负责人请用 `tributary client budget owner`",
    }
    policy_written(path) {
        en: "{path} is written, with the schema's lines; every key is explained in it. Edit it, then have its owner read and sign it.",
        zh: "已写入 {path}，其中包含模式的内容，并解释了每个配置项。请编辑后交由负责人审阅并签署。",
    }
    owner_key_made(path) {
        en: "{path}: new key of the policy's owner; keep it away from the daemon",
        zh: "{path}：策略负责人的新私钥；不要放在运行服务的机器上",
    }
    owner_public_key(path) {
        en: "{path}: its public half, for policy.owner in client.toml",
        zh: "{path}：对应的公钥，填入 client.toml 的 policy.owner",
    }
    policy_signed(path) {
        en: "{path}: the policy is signed as it stands",
        zh: "{path}：已按现有内容签署策略",
    }
    policy_of(population) { en: "Policy for {population}, signed by its owner", zh: "{population} 的策略，已由负责人签署" }
    policy_epsilon(life, year, plan, delta) {
        en: "  epsilon   {life} for life, {year} in a year, {plan} for one plan, at delta {delta}",
        zh: "  隐私预算  终身 {life}，一年 {year}，每项计划 {plan}（epsilon，delta {delta}）",
    }
    policy_epsilon_branch(life, year, plan) {
        en: "            {life} for life, {year} in a year, {plan} for one plan, for the branch as one unit",
        zh: "            以整个分行为单位：终身 {life}，一年 {year}，每项计划 {plan}",
    }
    policy_modes(modes) { en: "  modes     {modes}", zh: "  隐私模式  {modes}" }
    policy_purposes(purposes) { en: "  purposes  {purposes}", zh: "  用途      {purposes}" }
    policy_rounds(day, plan) {
        en: "  rounds    {day} within 24 hours, {plan} for one plan",
        zh: "  轮次      24 小时内 {day} 轮，每项计划 {plan} 轮",
    }
    policy_cohort(branches, organisations, permille, honest) {
        en: "  cohort    at least {branches} branches of {organisations} organisations, {permille} per thousand of it in every sum, {honest} of them honest",
        zh: "  同组      至少 {organisations} 个机构的 {branches} 个分行，每次求和至少有其中千分之 {permille}，其中 {honest} 个诚实",
    }
    policy_overlap(branches) {
        en: "  overlap   a customer may be at {branches} branches",
        zh: "  重叠      一个客户最多出现在 {branches} 个分行",
    }
    policy_noise(noise) { en: "  own noise {noise}", zh: "  自加噪声  {noise}" }
    policy_uploads(offset_ms, timing) {
        en: "  uploads   {offset_ms} ms after a round's start at the earliest; timing {timing}",
        zh: "  上传      最早在一轮开始后 {offset_ms} 毫秒；准时要求：{timing}",
    }
    timing_plain() {
        en: "plain (a vector that is late leaves when it is ready)",
        zh: "plain（迟到的向量准备好后再上传）",
    }
    timing_strict() {
        en: "strict (noise alone leaves in the place of a vector that is late)",
        zh: "strict（向量迟到时只上传噪声）",
    }
    policy_clip(norm) { en: "  clip norm at least {norm}", zh: "  裁剪范数  至少 {norm}" }
    policy_network(layers, width) {
        en: "  network   at most {layers} hidden layers of {width} units",
        zh: "  网络      最多 {layers} 个隐藏层，每层 {width} 个单元",
    }
    nothing_granted() {
        en: "nothing is granted: no plan runs at this branch",
        zh: "没有任何授权：本分行不运行任何计划",
    }
    grant_line(grant, state) { en: "grant {grant}  {state}", zh: "授权 {grant}  {state}" }
    grant_unsigned() {
        en: "NOT SIGNED BY THE OWNER, counts for nothing",
        zh: "未经负责人签署，无效",
    }
    grant_taken_back() { en: "withdrawn", zh: "已撤回" }
    grant_in_force() { en: "in force", zh: "有效" }
    grant_for(what) { en: "  for       {what}", zh: "  对象      {what}" }
    grant_of_plan(plan) { en: "the plan {plan}", zh: "计划 {plan}" }
    grant_of_plans(proposer, purpose) {
        en: "every plan of {proposer} for \"{purpose}\"",
        zh: "{proposer} 为“{purpose}”提出的所有计划",
    }
    grant_uses(uses) { en: "  uses      {uses}", zh: "  用法      {uses}" }
    grant_branches(branches) { en: "  branches  {branches}", zh: "  分行      {branches}" }
    grant_within(run, year, delta, runs) {
        en: "  within    epsilon {run} a run and {year} a year, at delta {delta}; {runs} runs",
        zh: "  限额      每次运行 epsilon {run}，每年 {year}（delta {delta}）；{runs} 次运行",
    }
    grant_time(from, until) { en: "  from      {from} until {until}", zh: "  期限      {from} 至 {until}" }
    grant_carry(path) {
        en: "{path}: carry it to each of its branches, and install it there (`tributary client authorise install`)",
        zh: "{path}：请送到相关的每个分行，并在那里安装（`tributary client authorise install`）",
    }
    withdrawal_carry(path, grant) {
        en: "{path}: the grant {grant} is withdrawn where this file is installed (`tributary client authorise install`); it counts before the next round",
        zh: "{path}：在安装此文件的分行（`tributary client authorise install`），授权 {grant} 即被撤回；下一轮开始前生效",
    }
    nothing_asked() { en: "no plan waits for the owner's answer", zh: "没有等待数据负责人答复的计划" }
    asked_plan(name, plan) { en: "{name} ({plan})", zh: "{name}（{plan}）" }
    asked_what(purpose, proposer, approver, runs) {
        en: "  for {purpose}; put forward by {proposer}, approved by {approver}; {runs} runs at most",
        zh: "  用途：{purpose}；提出人 {proposer}，批准人 {approver}；最多运行 {runs} 次",
    }
    asked_when(since, until, days) {
        en: "  waits since {since}; its last run may begin on {until}, in {days} days",
        zh: "  自 {since} 起等待；最后一次运行最迟于 {until} 开始，还有 {days} 天",
    }
    asked_how() {
        en: "Read a plan with `tributary client authorise inbox DIGEST --out FILE` and `tributary plan show FILE`. To answer, sign a grant (`tributary client authorise grant --plan DIGEST`), and have it carried here. A plan that is not granted does not run here.",
        zh: "用 `tributary client authorise inbox DIGEST --out FILE` 和 `tributary plan show FILE` 阅读计划。同意时请签发授权（`tributary client authorise grant --plan DIGEST`）并送到本分行。未获授权的计划不会在本分行运行。",
    }
    plan_taken_out(path) {
        en: "{path}: the plan, with the signatures of its two people; `tributary plan show` shows it in words",
        zh: "{path}：计划及其两位签署人的签名；可用 `tributary plan show` 查看其内容",
    }
    grant_of_another(key, owner) {
        en: "nothing is granted: {key} is not the key of the owner of this branch's data ({owner}). Sign with that owner's key",
        zh: "没有授权：{key} 不是本分行数据负责人（{owner}）的私钥。请使用该负责人的私钥",
    }
    grant_installed(path) {
        en: "{path}: the grant is here; a running daemon takes it up within seconds",
        zh: "{path}：授权已安装；正在运行的服务会在几秒内采用",
    }
    withdrawal_installed(path) {
        en: "{path}: the grant is withdrawn: no round begins under it; a running daemon takes it up within seconds",
        zh: "{path}：授权已撤回：不会再有轮次据此开始；正在运行的服务会在几秒内采用",
    }
    grant_of_a_stranger(path, owner) {
        en: "{path}: it is not signed by the owner of this branch's data ({owner}), so it is not installed: ask the owner for the file again",
        zh: "{path}：不是由本分行数据的负责人（{owner}）签署的，因此没有安装：请向负责人重新索取",
    }
    grant_of_others(path) {
        en: "{path}: it names another federation or other branches, so it would never count here and is not installed: ask the owner for one of this branch",
        zh: "{path}：所指的是其他联邦或其他分行，在此永远不会生效，因此没有安装：请向负责人索取针对本分行的授权",
    }
    grant_over(path) {
        en: "{path}: the grant is over by this machine's clock, so it is not installed: ask the owner for a new one, or set the clock",
        zh: "{path}：按本机时钟，该授权已到期，因此没有安装：请向负责人索取新的授权，或校正时钟",
    }
    nothing_granted_because(what) { en: "nothing is granted: {what}", zh: "没有授权：{what}" }
    grant_epsilons() {
        en: "the epsilon of a run is above 0 and at most that of a year, which is at most 1000",
        zh: "每次运行的 epsilon 必须大于 0 且不超过一年的 epsilon，后者不超过 1000",
    }
    grant_numbers() {
        en: "delta is above 0 and at most 0.001, there are 1 to 1000 runs, and the end comes after the beginning",
        zh: "delta 必须大于 0 且不超过 0.001，运行次数为 1 到 1000，结束时间必须在开始时间之后",
    }
    grant_branches_count() {
        en: "name one branch at least, and a thousand at most, and one use at least",
        zh: "至少指定一个分行（最多一千个）和一种用法",
    }
    name_must_end(path, extension) {
        en: "{path}: the name must end with .{extension}",
        zh: "{path}：文件名必须以 .{extension} 结尾",
    }
    give_plan_or_proposer() {
        en: "give --plan, or --proposer and --purpose",
        zh: "请给出 --plan，或者 --proposer 和 --purpose",
    }
    faults_of(file, count) { en: "{file}: {count} faults", zh: "{file}：{count} 处错误" }
    one_fault_of(file) { en: "{file}: 1 fault", zh: "{file}：1 处错误" }
    fault_line(key, found, allowed) {
        en: "  {key}: found {found}; allowed: {allowed}",
        zh: "  {key}：现为 {found}；允许：{allowed}",
    }
    disk_full(path, fault) {
        en: "{path}: {fault}; nothing is done without this file. Make room on its disk, and start the daemon again: what was recorded stays",
        zh: "{path}：{fault}；没有这个文件，一切都无法进行。请清理它所在的磁盘，再重新启动服务：已记录的内容都会保留",
    }
    in_english(words) {
        en: "{words}",
        zh: "未能完成。系统的说明（英文）：{words}",
    }
    runtime_failed(fault) {
        en: "the daemon's runtime could not start: {fault}",
        zh: "服务的运行环境无法启动：{fault}",
    }
    rows_not_logged(config) {
        en: "the rows cannot be used, so this branch takes no part. Why is for its own screen alone, and stands in no log: `tributary client dataset check` shows it, with --config {config}",
        zh: "数据行无法使用，因此本分行不参加。原因只在本机屏幕上显示，不写入日志：请用 `tributary client dataset check` 查看，并给出 --config {config}",
    }
}
