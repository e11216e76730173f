//! What `tributary client --help` says: the Chinese of each English sentence that stands beside a command or an option in the sources.
//!
//! The executable's own tests see that the table has every sentence that its commands show, and no other.

/// English, and the same in Chinese.
const HELP: [(&str, &str); 168] = [
    (
        "A branch whose data it is, by name (ORGANISATION/ID); more than once for several branches of one owner",
        "数据所属的分行，用名称表示（ORGANISATION/ID）；同一负责人有多家分行时可多次给出",
    ),
    ("A branch: takes part in runs of plans with its own data", "分行：用自己的数据参加各计划的运行"),
    (
        "A field or label that may be used; none: those of the schema that the policy pins",
        "允许使用的字段或标签；不给出则为策略所固定的模式中的全部字段",
    ),
    ("A loopback address instead of a socket, such as 127.0.0.1:8471", "代替套接字的回环地址，例如 127.0.0.1:8471"),
    (
        "A run that waits for the word: its number, with the plan's first eight letters before it where two plans have one of that number, such as 9f86d081/2",
        "等待声明的运行：它的编号；如果两个计划都有这个编号，则在前面加上计划摘要的前八个字符，例如 9f86d081/2",
    ),
    (
        "A table in the place of the one that the settings name, written in the same way",
        "代替配置文件所指定数据表的数据表，书写方式相同",
    ),
    ("An HTTP proxy, HOST:PORT", "HTTP 代理，格式为 HOST:PORT"),
    (
        "Begin a register that was cut again, knowingly: by a reason that two people sign",
        "在知情的前提下重新开始被截短的登记簿：理由由两人签名",
    ),
    (
        "Begin the branch's budget as well, once in the life of the branch (`tributary client budget begin`)",
        "同时建立本分行的隐私预算；每家分行只做一次（`tributary client budget begin`）",
    ),
    ("Begin the register again with what is left, once both have signed", "两人均签名后，以剩余内容重新开始登记簿"),
    (
        "Delete files about customers that are past their time by the settings, and record that",
        "按配置删除超过保留期的客户相关文件，并作记录",
    ),
    (
        "End by itself: a coordinator when every run of its plans is over, a client with the first run that ends",
        "自行结束：协调方在其计划的所有运行结束时结束，分行在第一次运行结束时结束",
    ),
    (
        "Erase a customer from lists and scores that this product keeps; a keyed pseudonym stays, by which no list names the customer again",
        "从本产品保存的名单和评分中删除客户；仅保留带密钥的假名，以确保不再列入名单",
    ),
    ("Explain a customer's scores in words for the customer", "用客户能理解的文字说明其评分依据"),
    (
        "First day of yours, YYYY-MM-DD, in UTC: of runs of other days nothing that is kept is wanted. Without days it is wanted of every run",
        "您所核验期间的首日（YYYY-MM-DD，UTC）：其他日期的运行不要求留存材料；不给出日期时，每次运行都要求",
    ),
    ("For how many days from now", "从现在起的有效天数"),
    (
        "Free what a run has reserved that nobody ended here, once it cannot be under way any more; this branch takes no part in it again",
        "释放一次运行所预留的预算：该运行在本分行没有正常结束，也不可能再进行；本分行不再参加这次运行",
    ),
    (
        "Hand an approved list to the bank's system: a file, and the word beside it that it is whole",
        "把已审批的名单交付给业务系统：一份文件，以及旁边表示文件完整的 .ok 文件",
    ),
    (
        "How the branch's own columns become the schema's: a file that the owner of its data signs",
        "分行自己的列如何对应到模式的列：由数据负责人签署的映射文件",
    ),
    (
        "In the place of a file that was lost: it adopts the newest head that the coordinator shows, before anything else",
        "用于替换丢失的文件：在做其他任何事之前，先采用协调方出示的最新记录",
    ),
    ("Install the answer that was carried back", "安装带回的答复"),
    (
        "Instead of --branch, --authorities and --out: the settings of the one branch whose data it is, on this machine; the grant is put into its folder",
        "代替 --branch、--authorities 和 --out：数据所属的那一家分行在本机上的配置文件；授权将放入该分行的文件夹",
    ),
    (
        "Instead of --out: the branch's folder, for its identity, client.toml and, with --schema, a policy; made if it is absent",
        "代替 --out：分行的文件夹，用于存放身份、client.toml，给出 --schema 时还有策略；不存在时自动创建",
    ),
    (
        "Instead of --policy and --schema: the branch's folder, which gets the owner's public key as well",
        "代替 --policy 和 --schema：分行的文件夹；负责人的公钥也会放入其中",
    ),
    (
        "Join a federation with an enrolment bundle: keys are made here, and the office certifies them",
        "用注册包加入联邦：密钥在本机生成，由注册办公室签发证书",
    ),
    ("Largest epsilon of one run", "一次运行的 epsilon 上限"),
    ("Largest epsilon of the runs of a year", "一年内各次运行的 epsilon 上限"),
    ("Last day of yours, YYYY-MM-DD, in UTC", "您所核验期间的末日（YYYY-MM-DD，UTC）"),
    (
        "Leave every run and take part in none, until `resume`; the link to the coordinator stays",
        "退出所有运行，在执行 `resume` 之前不再参加；与协调方的连接保持不变",
    ),
    (
        "Let more be spent than the budget file has seen, by the owner and a privacy officer",
        "提高预算文件中的上限，需要负责人和隐私官共同批准",
    ),
    (
        "List the certificates of what was deleted, compared with the register; delete nothing",
        "列出删除证明并与登记簿比对；不删除任何内容",
    ),
    (
        "Lists of customers to contact: made from scores by rules, approved, handed over, taken back",
        "客户联系名单：按规则由评分生成、审批、交付、召回",
    ),
    (
        "Make a list of customers from scores, by signed rules: how many were left out by which rule, and why each line is in it",
        "按已签署的规则由评分生成客户名单：每条规则排除了多少客户，以及每一行入选的原因",
    ),
    (
        "Make the budget file, once, with the signature of the data's owner; no daemon makes one by itself",
        "建立预算文件，只做一次，须有数据负责人的签名；服务不会自行建立",
    ),
    (
        "Make the key of the branch's risk control, with its public half beside it",
        "生成分行风险控制部门的私钥，公钥放在旁边",
    ),
    (
        "Make the next key, and write the request into this file, to be carried to the office",
        "生成下一个密钥，并把请求写入该文件，以便送到注册办公室",
    ),
    ("Most runs", "最多运行次数"),
    ("Name what is past its time, and delete nothing", "只列出超过保留期的内容，不删除"),
    ("Note a raise with both signatures in the budget file", "把有两个签名的上限提高记入预算文件"),
    ("Note the answer of the bank's system to a delivered list", "记录业务系统对已交付名单的回执"),
    (
        "Note what became of the lines, from a file of the bank's system; rows that are not taken are named in a file beside it",
        "根据业务系统的文件记录各行的结果；未采纳的行写入旁边的文件",
    ),
    ("Of which day the data are", "数据属于哪一天"),
    ("One JSON object for each event on standard output", "在标准输出上为每个事件输出一个 JSON 对象"),
    (
        "Pass the budget to another owner of the data, by the signature of its owner",
        "经现负责人签名，把预算移交给另一位数据负责人",
    ),
    ("Print help", "显示帮助"),
    ("Print one JSON object", "输出一个 JSON 对象"),
    ("Print one JSON object for each message", "每条消息打印一个 JSON 对象"),
    ("Print this message or the help of the given subcommand(s)", "显示本说明，或某个子命令的帮助"),
    ("Print version", "显示版本"),
    ("Probability with which the guarantee may fail", "隐私保证可能失效的概率"),
    (
        "Put a customer into no list from now on: open lines are void, and delivered ones are recalled",
        "从现在起不再把客户列入任何名单：未完成的行作废，已交付的召回",
    ),
    (
        "Put a grant or its withdrawal, carried here from the owner, into this branch's folder",
        "把从负责人处带来的授权或撤回文件放入本分行的文件夹",
    ),
    (
        "Put newer rules of the owner in force before a list is made by them: no list is made or delivered by older ones",
        "在据此生成名单之前使负责人新签署的规则生效：不再按旧规则生成或交付名单",
    ),
    (
        "Read the files that a settings file names as a run would, and show what they hold: on this screen alone, nothing is sent",
        "按运行时的方式读取配置文件所指定的数据文件，并显示其内容：只显示在本屏幕上，不发送任何内容",
    ),
    (
        "Renew this client's certificate through files, where the daemon cannot do it by itself",
        "服务不能自行更新证书时，通过文件更新本分行的证书",
    ),
    (
        "Say what is left of the register and why it begins again, in a file that nobody has signed",
        "写明登记簿剩余的内容和重新开始的理由，生成尚无人签名的文件",
    ),
    (
        "Say, after a look at them, that the data are ready: a run whose plan names their day is joined with them. Without --run or --next: what waits for that word",
        "查看数据之后声明已就绪：计划要求该日期数据的运行将使用它们。不带 --run 或 --next 时：显示哪些运行在等待声明",
    ),
    (
        "Score customers one by one for programs of this machine, until the process is asked to stop",
        "为本机的程序逐个评分客户，直到进程被要求停止",
    ),
    (
        "Score every customer of a table by a model that this branch keeps, into a file; no label is read",
        "用本分行保存的模型为数据表中的每个客户评分并写入文件；不读取标签",
    ),
    ("Show a list with its counts and first lines", "显示名单的计数和前几行"),
    (
        "Show a list with its counts and first lines, and sign it as the branch's risk control",
        "显示名单的计数和前几行，并由分行风险控制部门签署",
    ),
    (
        "Show a mapping in words, and sign it as it stands, with the key that signed the policy",
        "用文字显示映射，并用签署策略的密钥按原样签署",
    ),
    (
        "Show a raise in words, ask, and sign it, as a privacy officer, on a machine of that person's own",
        "由隐私官在本人的机器上：用文字显示上限提高，提问确认，然后签署",
    ),
    (
        "Show actions in words, and sign them as they stand, with the key that signed the policy",
        "用文字显示行动，并用签署策略的私钥按现有内容签署",
    ),
    (
        "Show such a file, and sign it: as the owner of the data, and as risk control",
        "显示该文件并签名：分别由数据负责人和风险控制人员签",
    ),
    (
        "Show the actions in force: those that a settings file names, if their owner signed them",
        "显示生效的行动：配置文件所指定、并由负责人签署的行动",
    ),
    (
        "Show the mapping in force: the one that a settings file names, if its owner signed it",
        "显示生效的映射：配置文件所指定、并由负责人签署的映射",
    ),
    (
        "Show the policy in force: the one that a settings file names, if its owner signed it",
        "显示生效的策略：配置文件所指定、并由负责人签署的策略",
    ),
    (
        "Show the rules of lists in words, and sign them as they stand, with the key that signed the policy",
        "用文字显示名单规则，并用签署策略的密钥按原样签署",
    ),
    ("Show what this branch was granted, and what was taken back", "显示对本分行的授权，以及已撤回的授权"),
    ("Show where each list stands", "显示各份名单的状态"),
    (
        "Show which plans wait for the owner's answer, and until when; or write one of them into a file, for the owner to read (`tributary plan show`)",
        "显示哪些计划在等待负责人答复、等到何时；或把其中一个写入文件，供负责人阅读（`tributary plan show`）",
    ),
    (
        "Show which runs used this branch's data, and which lists named a customer",
        "显示哪些运行使用了本分行的数据，以及哪些名单列入了某位客户",
    ),
    (
        "Sign a grant where the owner's key is: for one plan, or for every plan that a named plan owner puts forward for a purpose",
        "在负责人私钥所在的机器上签署授权：针对一个计划，或针对指定计划负责人为某一用途提出的所有计划",
    ),
    (
        "Sign a policy as it stands, if its words are the schema's; makes the owner's key, with its public half beside it, where there is none",
        "策略的文字与模式一致时，按原样签署；没有负责人私钥时会生成一个，公钥放在旁边",
    ),
    (
        "Sign, as the owner, that the caps of the signed policy take the place of those that the budget file has",
        "由负责人签署：用已签署策略中的上限取代预算文件中的上限",
    ),
    ("Signed rules that name the key of risk control", "已签名的规则，其中写明风险控制人员的密钥"),
    (
        "Stages of a customer's life, with a suggested action and the risk notice of each: a file that the owner of the data signs",
        "客户生命周期的阶段，以及各阶段的建议行动和风险提示：由数据负责人签署的文件",
    ),
    ("Take a grant back where the owner's key is", "在负责人私钥所在的机器上撤回授权"),
    (
        "Take a list back: no line of it may be used, and a file tells the bank's system",
        "召回名单：其中任何一行都不得使用，并用文件告知业务系统",
    ),
    ("Take part again", "重新参加"),
    (
        "Take part in every run that is granted, until the process is asked to stop",
        "参加所有已授权的运行，直到进程被要求停止",
    ),
    ("The answer", "回执文件"),
    ("The audit bundle", "审计包"),
    ("The branch's rows", "分行的数据行"),
    ("The client's settings file", "分行的配置文件"),
    ("The customer's id, as the table has it", "客户号，按数据表的写法"),
    ("The digest of what was read before, instead of a question", "代替提问：此前阅读内容的摘要"),
    ("The encoding of a CSV file", "CSV 文件的编码"),
    (
        "The enrolment bundle that the federation's authority sent; it holds the one-time token",
        "联邦注册机构发来的注册包，其中含有一次性令牌",
    ),
    ("The enrolment bundle, which says where the coordinator answers", "注册包，其中写明协调方的地址"),
    ("The file", "文件"),
    ("The file of actions", "行动文件"),
    (
        "The file of mode 0600 with the token that each request shows; made if it is absent",
        "存有令牌的文件（权限 0600），每个请求须出示该令牌；不存在时自动生成",
    ),
    (
        "The file of scores: Parquet where its name ends with .parquet, else CSV",
        "评分文件：文件名以 .parquet 结尾时为 Parquet，否则为 CSV",
    ),
    ("The file of the private key; never replaced", "私钥文件；已存在时不会替换"),
    ("The file that both have signed", "双方都已签署的文件"),
    ("The file that the owner signed", "负责人已签署的文件"),
    ("The file to write, for a privacy officer", "要写入的文件，交给隐私官"),
    ("The file to write, for the branch", "要写入的文件，交给分行"),
    ("The file; never replaced", "输出文件；绝不覆盖"),
    ("The folder from which the bank's system reads", "业务系统读取文件的文件夹"),
    ("The folder of the new identity; made if it is absent", "新身份的文件夹；不存在时自动创建"),
    (
        "The folder of whoever signs (`tributary certs person request`)",
        "签署人的文件夹（`tributary certs person request`）",
    ),
    ("The folder; made if it is absent", "文件夹；不存在时自动创建"),
    ("The grant, by its digest, as `authorise list` shows it", "授权，用 `authorise list` 所显示的摘要表示"),
    ("The identity's folder", "身份所在的文件夹"),
    (
        "The language of what people read, zh or en; else that of the locale (LC_ALL, LC_MESSAGES, LANG)",
        "显示给人看的语言，zh 或 en；不给出则按区域设置（LC_ALL、LC_MESSAGES、LANG）",
    ),
    (
        "The list of roster authorities, from the branch's identity: it names the federation",
        "名册机构列表，来自分行的身份文件夹：它指明是哪个联邦",
    ),
    ("The mapping", "映射文件"),
    (
        "The model: champion, challenger, or the first digits of its digest",
        "模型：champion、challenger，或其摘要的前几位",
    ),
    ("The next run that wants data of the same day", "下一次需要同一天数据的运行"),
    ("The number of the list", "名单编号"),
    ("The outcomes", "结果文件"),
    ("The owner's private key", "负责人的私钥"),
    ("The plan to write out, by its digest", "要写出的计划，用摘要表示"),
    ("The plan, by its digest", "计划，用摘要表示"),
    ("The policy", "策略文件"),
    ("The policy that the owner of the branch's data signs", "由分行数据的负责人签署的策略"),
    ("The private key of risk control", "风险控制部门的私钥"),
    ("The private key of the budget's owner", "预算负责人的私钥"),
    ("The private key of whoever signs", "签名人的私钥"),
    ("The public key of the next owner", "下一任负责人的公钥"),
    ("The purpose of those plans", "这些计划的用途"),
    (
        "The roster authorities whose federation it must be: their list, or its fingerprint of 64 hexadecimal digits",
        "必须属于哪个联邦的名册签署方：其名单文件，或 64 位十六进制指纹",
    ),
    ("The roster that the branch accepted last", "分行最近接受的名册"),
    ("The round", "轮次"),
    ("The rules", "规则文件"),
    (
        "The run: the plan's digest or its first eight letters, and the run's number, such as 9f86d081/2",
        "运行：计划的摘要或其前八个字符，加上运行编号，例如 9f86d081/2",
    ),
    (
        "The schema for the branch's folder, and for the policy that its owner reads",
        "分行文件夹所用的模式，也用于负责人要阅读的策略",
    ),
    ("The schema that it maps to", "映射所对应的模式"),
    ("The schema that it pins", "策略所固定的模式"),
    ("The schema whose fields the rules look at", "规则所查看字段所属的模式"),
    (
        "The scores to be explained; without it those of the newest list that named the customer",
        "要说明的评分文件；不给出则为最近一份列入该客户的名单中的评分",
    ),
    ("The scores, as `tributary client score` wrote them", "评分文件，由 `tributary client score` 写出"),
    ("The settings file", "配置文件"),
    ("The signed rules", "已签署的规则文件"),
    ("The Unix socket [default: scores.sock in the state folder]", "Unix 套接字 [默认：状态文件夹中的 scores.sock]"),
    (
        "Try everything that taking part will need: files, data, name, UDP, TCP, proxy, clocks; say what to ask of whom. A trial message goes to the people who are told by [notices]",
        "试验参加运行所需的一切：文件、数据、名称、UDP、TCP、代理、时钟；并说明应向谁提出什么要求。会向 [notices] 所通知的人发送一条测试消息",
    ),
    (
        "What a customer may ask: what was done with the data, why a score is what it is, to be in no list, to be erased",
        "客户权利：查询信息的使用情况、评分依据，要求不进入名单，要求删除",
    ),
    (
        "What left this machine: every message to the coordinator, with the chain of the file checked",
        "从本机发出的内容：发给协调方的每一条消息，并校验文件的哈希链",
    ),
    (
        "What may be done under it: `train` lets such plans learn from the data, `keep-models` lets the branches keep the champions that came of them",
        "授权允许做什么：`train` 允许这些计划用数据学习，`keep-models` 允许分行保留由此产生的在用模型",
    ),
    (
        "What the owner of the branch's data has granted: no plan runs without it",
        "分行数据的负责人所作的授权：没有授权，任何计划都不能运行",
    ),
    (
        "What the running daemon is at: its link, each run with what it waits for, what is left of the budget, and what happened last",
        "正在运行的服务的状态：连接、各次运行及其等待的内容、剩余预算，以及最近发生的事",
    ),
    (
        "What was spent on this branch's customers, what is left, and how many rounds that pays for",
        "本分行客户的隐私预算：已用多少、剩余多少、还够多少轮",
    ),
    ("Where that was decided", "作出该决定的单号"),
    ("Where the coordinator answers", "协调方的地址"),
    ("Where the grant is written; its name ends with .grant", "授权写入的文件；文件名以 .grant 结尾"),
    ("Where the plan is written", "计划写入的文件"),
    ("Where the withdrawal is written; its name ends with .withdrawal", "撤回写入的文件；文件名以 .withdrawal 结尾"),
    (
        "Where there is no terminal, and something has changed more than the settings allow: the digest that was shown with it",
        "没有终端、而数据变化超过配置允许的范围时：当时所显示的摘要",
    ),
    ("Where there is no terminal: the digest of the raise that was looked at", "没有终端时：已查看的上限提高的摘要"),
    (
        "Whether what this branch sent in a round is in the sum, by its own record and an auditor's bundle",
        "本分行在某一轮发出的内容是否已计入总和：依据本分行自己的记录和审计包",
    ),
    ("Whose plans, by staff number (ORGANISATION/NUMBER)", "谁提出的计划，用工号表示（ORGANISATION/NUMBER）"),
    ("Why, in one line", "理由，一行以内"),
    ("Why, in one line for the bank's system", "原因，一行文字，将告知业务系统"),
    ("Why, in words", "用文字说明原因"),
    ("Without a network: install the answer that was carried back", "没有网络时：安装带回的答复"),
    (
        "Without a network: write the request into this file, to be carried to the office",
        "没有网络时：把请求写入该文件，以便送到注册办公室",
    ),
    ("Write a commented actions.toml into a folder, for a schema", "为某个模式在文件夹中写入带注释的 actions.toml"),
    ("Write a commented client.toml into a folder", "在文件夹中写入带注释的 client.toml"),
    ("Write a commented mapping.toml into a folder, for a schema", "为某个模式在文件夹中写入带注释的 mapping.toml"),
    (
        "Write a commented policy.toml into a folder, with a schema's lines in words",
        "在文件夹中写入带注释的 policy.toml，其中用文字列出模式的各行",
    ),
    ("Write a copy of the lines and of the counts into this folder", "把名单各行和计数的副本写入该文件夹"),
    (
        "Write commented rules into a folder: whom the lists of a campaign may name",
        "在文件夹中写入带注释的规则：某个营销活动的名单可以列入哪些客户",
    ),
    ("Write one page instead, with sums by kind; never replaced", "改为写出一个网页，按类别汇总；绝不覆盖已有文件"),
    (
        "Write the answer to the customer into this file, as one page to be printed",
        "把给客户的答复写入该文件，为一页可打印的网页",
    ),
    (
        "Write the ready file beside each file that a settings file names, where whoever exports them does not: of which day they are, and their checksum",
        "导出数据的人没有写就绪文件时，在配置文件所指定的每个文件旁写入就绪文件：数据属于哪一天，以及校验值",
    ),
];

/// The Chinese of a sentence of the help.
#[must_use]
pub fn chinese(english: &str) -> Option<&'static str> {
    HELP.iter().find(|(known, _)| *known == english).map(|(_, chinese)| *chinese)
}

/// Every English sentence of the table.
pub fn sentences() -> impl Iterator<Item = &'static str> {
    HELP.iter().map(|(english, _)| *english)
}

/// What stands before the usage, and over the commands, the arguments and the options.
pub const HEADINGS: [&str; 4] = ["用法：", "命令", "参数", "选项"];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Options, names of files and commands are the same in both.
    fn named(text: &str) -> BTreeSet<String> {
        let quoted = text.split('`').skip(1).step_by(2).map(str::to_owned);
        let words = text.split(|character: char| !(character.is_ascii_alphanumeric() || "-./_".contains(character)));
        quoted.chain(words.filter(|word| word.starts_with("--")).map(str::to_owned)).collect()
    }

    #[test]
    fn every_sentence_of_the_help_is_there_once_and_in_chinese() {
        assert!(
            HELP.is_sorted_by(|(one, _), (other, _)| one.to_lowercase() < other.to_lowercase()),
            "sorted, and once"
        );
        for (english, chinese) in HELP {
            assert!(chinese.chars().any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character)), "{english}");
            assert_eq!(named(english), named(chinese), "{english}");
            assert!(!chinese.ends_with('。') && !chinese.contains('\n'), "{english}");
            assert_eq!(super::chinese(english), Some(chinese));
        }
        assert_eq!(chinese("No such sentence"), None);
    }
}
