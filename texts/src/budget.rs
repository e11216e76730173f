//! A branch's budget: what was spent, and what its owner does with it.

use crate::texts;

texts! {
    budget_of(population, delta) { en: "Budget of {population} (delta {delta})", zh: "{population} 的隐私预算（delta {delta}）" }
    of_customers() { en: "customers ", zh: "客户      " }
    of_branch() { en: "branch    ", zh: "分行      " }
    part(spent, reserved, cap, left) {
        en: "epsilon {spent} spent and {reserved} reserved of {cap}, {left} left",
        zh: "epsilon 已用 {spent}，预留 {reserved}，上限 {cap}，剩余 {left}",
    }
    for_life(unit, life, plan) {
        en: "  {unit} for life: {life}; {plan} at most for one plan",
        zh: "  {unit} 终身：{life}；每项计划最多 {plan}",
    }
    in_year(year) { en: "             in a year: {year}", zh: "             一年：{year}" }
    year_falls(month, epsilon) {
        en: "             the year's spend falls next on {month}: epsilon {epsilon} of it counts then",
        zh: "             一年的花费从 {month} 起下降，届时计入 epsilon {epsilon}",
    }
    own_noise(noise) { en: "  own noise  {noise}", zh: "  自加噪声   {noise}" }
    today(rounds, most) {
        en: "  today      {rounds} of {most} rounds within 24 hours",
        zh: "  今日       24 小时内已用 {rounds} 轮，上限 {most} 轮",
    }
    head(counter, digest) { en: "  head       counter {counter}, digest {digest}", zh: "  最新记录   计数 {counter}，摘要 {digest}" }
    no_head() { en: "none signed yet", zh: "尚未签署" }
    awaits() {
        en: "  awaits     the newest head, which the coordinator has to show; nothing is spent before",
        zh: "  等待       协调方出示最新记录；在此之前不花费任何预算",
    }
    restored(times) {
        en: "  restored   {times} times the file was an older copy; what it had forgotten is counted",
        zh: "  恢复       文件曾 {times} 次是旧副本；遗漏的花费已计入",
    }
    deviation(life_before, life, year_before, year, officer, ticket, reason) {
        en: "  DEVIATION  the caps were raised: {life_before} to {life} for life, {year_before} to {year} in a year, by the owner and {officer}; ticket {ticket}: {reason}",
        zh: "  例外       上限已提高：终身 {life_before} 到 {life}，一年 {year_before} 到 {year}，由负责人和 {officer} 批准；单号 {ticket}：{reason}",
    }
    no_plan() { en: "  no plan was admitted yet", zh: "  尚未接受任何计划" }
    others(runs) {
        en: "  others     {runs} runs of plans whose terms this file does not have; what they cost is counted above",
        zh: "  其他       {runs} 次运行所属的计划不在本文件中；其花费已计入上面的数字",
    }
    plan(name, purpose, mode, plan) {
        en: "  plan       \"{name}\" for {purpose}, mode {mode} ({plan})",
        zh: "  计划       “{name}”，用途 {purpose}，隐私模式 {mode}（{plan}）",
    }
    in_all(runs, epsilon, branch) { en: "    in all   {runs}: epsilon {epsilon}{branch}", zh: "    合计     {runs}：epsilon {epsilon}{branch}" }
    one_run() { en: "1 run", zh: "1 次运行" }
    runs_together(runs) { en: "{runs} runs together", zh: "共 {runs} 次运行" }
    and_branch(epsilon) {
        en: ", and {epsilon} for the branch as one unit",
        zh: "，以整个分行为单位 {epsilon}",
    }
    stage_rounds(rounds, kind) { en: "{rounds} of {kind}", zh: "{kind} 阶段 {rounds}" }
    pays_for_life(runs, stages) {
        en: "    for life the budget pays for {runs}; or, of one stage alone, for {stages}",
        zh: "    终身预算还够 {runs}；或只用于一个阶段：{stages}",
    }
    pays_in_year(runs, stages) {
        en: "    in a year it pays for {runs}; or, of one stage alone, for {stages}",
        zh: "    一年的预算还够 {runs}；或只用于一个阶段：{stages}",
    }
    run(number, stages, used, retries, left, epsilon, most) {
        en: "    run {number} {stages}; {used} of {retries} retries used, {left}: epsilon {epsilon} of at most {most}",
        zh: "    运行 {number} {stages}；重试 {used}/{retries} 次，{left}：epsilon {epsilon}，上限 {most}",
    }
    stage_charged(kind, charged, rounds) { en: "{kind} {charged} of {rounds}", zh: "{kind} 已用 {charged}/{rounds}" }
    run_over() { en: "it is over here", zh: "已在本分行结束" }
    left_in_run(rounds) { en: "{rounds} in the run", zh: "本次运行还有 {rounds}" }
    run_branch(spent, most) {
        en: "             for the branch as one unit: epsilon {spent} of at most {most}",
        zh: "             以整个分行为单位：epsilon {spent}，上限 {most}",
    }
    unbounded() { en: "unbounded", zh: "无上界" }
    any_rounds() { en: "any number of rounds", zh: "任意多轮" }
    any_runs() { en: "any number of more whole runs", zh: "任意多次完整运行" }
    one_round() { en: "1 round", zh: "1 轮" }
    rounds(count) { en: "{count} rounds", zh: "{count} 轮" }
    one_more_round() { en: "1 more round", zh: "1 轮" }
    more_rounds(count) { en: "{count} more rounds", zh: "{count} 轮" }
    one_more_run() { en: "1 more whole run", zh: "1 次完整运行" }
    more_runs(count) { en: "{count} more whole runs", zh: "{count} 次完整运行" }
    begins(path, population) {
        en: "{path}: the budget of \"{population}\" begins",
        zh: "{path}：“{population}”的隐私预算开始生效",
    }
    adopts_next() {
        en: "it adopts the newest head that the coordinator shows, and takes part in nothing before that",
        zh: "它将采用协调方出示的最新记录，在此之前不参加任何运行",
    }
    keep_copies() {
        en: "keep copies of it; the coordinator and the federation's ledger are told when the branch first connects",
        zh: "请保留备份；本分行首次连接时会告知协调方和联邦账本",
    }
    owner_changed(population) {
        en: "the budget of \"{population}\" has another owner",
        zh: "“{population}”的隐私预算已更换负责人",
    }
    owner_next() {
        en: "put the new owner's public key into the settings' place (policy.owner), have the new owner sign the policy, and start the daemon",
        zh: "请把新负责人的公钥填入配置的 policy.owner，由新负责人签署策略，然后启动服务",
    }
    run_released(number, plan) {
        en: "run {number} of plan {plan} is over here, and what it had reserved is free",
        zh: "计划 {plan} 的第 {number} 次运行在本分行已结束，预留的预算已释放",
    }
    released_for_good() {
        en: "this branch takes no part in it any more, whoever asks; what it has charged stays charged",
        zh: "无论谁要求，本分行都不再参加这次运行；已扣除的预算不会退回",
    }
    raise_from(caps) { en: "from    {caps}", zh: "原上限  {caps}" }
    raise_to(caps) { en: "to      {caps}", zh: "新上限  {caps}" }
    raise_reason(reason) { en: "reason  {reason}", zh: "原因    {reason}" }
    raise_ticket(ticket) { en: "ticket  {ticket}", zh: "单号    {ticket}" }
    raise_digest(digest) { en: "digest  {digest}", zh: "摘要    {digest}" }
    caps(life, year, branch, delta) {
        en: "epsilon {life} for life and {year} in a year for a customer{branch}; at delta {delta}",
        zh: "每个客户终身 epsilon {life}，一年 {year}{branch}；delta {delta}",
    }
    caps_branch(life, year) {
        en: "; {life} and {year} for the branch as one unit",
        zh: "；以整个分行为单位 {life} 和 {year}",
    }
    raise_proposed(path) {
        en: "{path}: what the owner has signed; a privacy officer reads and signs it (`tributary client budget raise attest`)",
        zh: "{path}：负责人已签署；请隐私官审阅并签署（`tributary client budget raise attest`）",
    }
    raise_noted() {
        en: "noted in the budget file; every report shows it as a deviation, and what was spent stays spent",
        zh: "已记入预算文件；每份报告都会作为例外显示，已花费的预算不变",
    }
    raise_attested(path, staff) {
        en: "{path}: signed by {staff}; the branch notes it (`tributary client budget raise apply`)",
        zh: "{path}：已由 {staff} 签署；由分行记录（`tributary client budget raise apply`）",
    }
    give_config() { en: "give --config, or begin, or owner", zh: "请给出 --config，或者 begin、owner" }
    not_owners_key(key, owner) {
        en: "{key}: this is not the key of the policy's owner ({owner}), so no budget is begun; the owner of the data signs its first use",
        zh: "{key}：这不是策略负责人（{owner}）的私钥，因此没有开始预算；首次使用须由数据负责人签署",
    }
    begun_already(path, config) {
        en: "{path}: a budget file is here already, and it is left as it is; `tributary client budget --config {config}` shows what was spent",
        zh: "{path}：预算文件已经存在，没有改动；用 `tributary client budget --config {config}` 查看已花费的预算",
    }
    file_missing(mark, path) {
        en: "{mark}: this identity has begun a budget before, and its file {path} is missing. Put the newest copy back. If there is none, let the coordinator show what was spent: `tributary client budget begin --adopt`",
        zh: "{mark}：该身份以前已开始过预算，但文件 {path} 不见了。请放回最新的副本；如果没有副本，请让协调方出示已花费的预算：`tributary client budget begin --adopt`",
    }
    of_another_owner(mark, owner) {
        en: "{mark}: this identity's budget belongs to another owner than {owner}, so nobody else begins a file in its place. Have its owner do it, or sign first that it passes to the new one (`tributary client budget owner`, with the newest copy of the file)",
        zh: "{mark}：该身份的预算属于另一位负责人，而不是 {owner}，其他人不能重新开始。请由原负责人操作，或先签署移交（`tributary client budget owner`，使用最新的文件副本）",
    }
    of_another_population(mark, population) {
        en: "{mark}: this identity has begun the budget of another population than \"{population}\", which the policy names; two populations have two budgets: give this one a state_dir and an identity of its own, or correct the policy and have it signed",
        zh: "{mark}：该身份已开始的预算属于另一个客户群，而策略写的是“{population}”；两个客户群各有自己的预算：请为它另设 state_dir 和身份，或更正策略并重新签署",
    }
    does_not_pass(path, key, next) {
        en: "{path}: the budget does not pass from {key} to {next}: the first must be the key of its owner, and the second one that has not owned it before",
        zh: "{path}：预算不能从 {key} 移交给 {next}：前者必须是现任负责人的私钥，后者必须从未拥有过该预算",
    }
    mark_missing(folder) {
        en: "{folder}: the identity's mark is missing; start the daemon once",
        zh: "{folder}：缺少身份标记；请启动一次服务",
    }
    of_file(path, text) {
        en: "{path}: {text}",
        zh: "{path}：{text}",
    }
    under_way(number, plan, days) {
        en: "run {number} of plan {plan} can be under way for {days} days more by its plan, so it is not let go of; the coordinator's signed end, or the next run of the plan, frees what it has reserved before that",
        zh: "计划 {plan} 的第 {number} 次运行按计划还可能进行 {days} 天，因此不能放弃；协调方签署结束，或该计划的下一次运行，会提前释放预留的预算",
    }
    not_let_go(key) {
        en: "{key} is not the key of this budget's owner, so nothing is let go of; the owner of the data signs it",
        zh: "{key} 不是本预算负责人的私钥，因此没有放弃任何运行；须由数据负责人签署",
    }
    no_such_run(text, names) {
        en: "{text} names no open run, or more than one. The runs that have reserved something are: {names}",
        zh: "{text} 没有对应的进行中的运行，或对应多个。仍有预留的运行是：{names}",
    }
    no_file() {
        en: "there is no budget file",
        zh: "没有预算文件",
    }
    never_begun() {
        en: "this budget was never begun",
        zh: "该预算从未开始",
    }
    absent(path, what) {
        en: "{path}: {what}. Nothing is spent without it. Has this branch taken part before, put the newest copy back, or let the coordinator show what was spent: `tributary client budget begin --adopt`. Is this its first use, have the owner of the data begin it: `tributary client budget begin --config CLIENT.TOML --key OWNER.KEY`",
        zh: "{path}：{what}。没有它就不会花费任何预算。如果本分行以前参加过，请放回最新的副本，或让协调方出示已花费的预算：`tributary client budget begin --adopt`。如果是首次使用，请数据负责人开始预算：`tributary client budget begin --config CLIENT.TOML --key OWNER.KEY`",
    }
    held_by_another(path) {
        en: "{path}: another daemon spends under this identity, from a budget file of its own; one customer's budget has one file: stop that daemon, or this one's settings name the wrong identity",
        zh: "{path}：另一个服务正以同一身份、用另一个预算文件花费；一个客户群的预算只能有一个文件：请停止那个服务，或检查本服务的配置是否写错了身份",
    }
    two_populations(path, known, named) {
        en: "{path}: this budget belongs to the population \"{known}\" and the policy names \"{named}\"; two populations have two budgets: give the other one a state_dir and an identity of its own, or correct the policy and have it signed",
        zh: "{path}：该预算属于客户群“{known}”，而策略写的是“{named}”；两个客户群各有自己的预算：请为另一个另设 state_dir 和身份，或更正策略并重新签署",
    }
    not_policys_owner(path, owner) {
        en: "{path}: the owner of this budget is not the policy's owner ({owner}), so nothing is spent from it. Put the owner's public key back; or has the data another owner now, have the one before sign that: `tributary client budget owner`",
        zh: "{path}：该预算的负责人不是策略的负责人（{owner}），因此不会花费。请放回负责人的公钥；如果数据已换负责人，请原负责人签署移交：`tributary client budget owner`",
    }
    of_another_identity(path, mark) {
        en: "{path}: this is the budget of another identity, or of another population: this identity's own left the mark {mark}. Nothing is spent from it; put this branch's own file back",
        zh: "{path}：这是另一个身份或另一个客户群的预算：本身份自己的预算留下了标记 {mark}。不会从中花费；请放回本分行自己的文件",
    }
    of_another_owner_by_mark(path, mark) {
        en: "{path}: this identity's budget belongs to another owner, by the mark {mark}. Nothing is spent from this file; put this branch's own file back",
        zh: "{path}：按标记 {mark}，本身份的预算属于另一位负责人。不会从这个文件花费；请放回本分行自己的文件",
    }
    raise_not_owner() {
        en: "the key is not that of this budget's owner, so nothing is proposed; the owner of the data signs it",
        zh: "这不是本预算负责人的私钥，因此没有提出；须由数据负责人签署",
    }
    nothing_to_raise() {
        en: "the policy's caps are not higher than those that this file has seen, so there is nothing to raise",
        zh: "策略的上限并不高于本文件已有的上限，因此不需要提高",
    }
    raise_grounds() {
        en: "a raise needs a reason of 1 to 600 bytes and a ticket of 1 to 128, without control characters and marks of direction; nothing is proposed",
        zh: "提高上限需要 1 到 600 字节的原因和 1 到 128 字节的单号，不得含控制字符和方向标记；没有提出",
    }
    raise_unsigned(path) {
        en: "{path}: the owner of the data has not signed this as it stands, so nobody attests it; have it proposed anew",
        zh: "{path}：数据负责人没有按现有内容签署，因此不能会签；请重新提出",
    }
    no_officer_yet() {
        en: "no privacy officer has signed it yet; nothing was noted",
        zh: "隐私官尚未签署；没有记录",
    }
    another_roster(path) {
        en: "{path} is not the roster that this branch accepted last, by which people are judged; take the newest one of the federation, or let the daemon connect once",
        zh: "{path} 不是本分行最近接受的名册，而人员须按该名册判断；请使用联邦最新的名册，或让服务连接一次",
    }
    not_in_roster() {
        en: "the roster does not name this branch's key",
        zh: "名册中没有本分行的密钥",
    }
    another_federation() {
        en: "it was signed for another federation; nothing was noted",
        zh: "它是为另一个联邦签署的；没有记录",
    }
    nothing_noted(fault) {
        en: "{fault}; nothing was noted",
        zh: "{fault}；没有记录",
    }
    nothing_noted_anew(fault) {
        en: "{fault}; nothing was noted. It is for this file as it was when the owner signed: have it proposed anew",
        zh: "{fault}；没有记录。它只适用于负责人签署时的文件：请重新提出",
    }
}
