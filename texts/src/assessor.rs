//! Papers for assessors: the security report, the input to an impact assessment, the record of processing activities.

use crate::{Said, evaluation, report, texts, words};

texts! {
    security_title() { en: "Security report", zh: "安全评估报告" }
    dpia_title() { en: "Input to an impact assessment", zh: "个人信息保护影响评估材料" }
    ropa_title() { en: "Record of processing activities", zh: "个人信息处理活动记录" }
    about() { en: "1. What this is", zh: "1. 说明" }
    flows() { en: "2. Flows and ports", zh: "2. 数据流与端口" }
    cryptography() { en: "3. Cryptography", zh: "3. 密码算法清单" }
    certificates() { en: "4. Certificates", zh: "4. 证书" }
    roles() { en: "5. Members and roles", zh: "5. 成员与角色" }
    hardening() { en: "6. Hardening", zh: "6. 安全加固" }
    not_promised() { en: "7. What is not promised", zh: "7. 不作承诺的事项" }
    versions() { en: "8. Versions and components", zh: "8. 版本与组件" }
    made() { en: "made on", zh: "生成日期" }
    federation() { en: "federation", zh: "联邦指纹" }
    check_paper() { en: "Check it: tributary verify report FILE --key coordinator.key, with the key that a branch keeps beside its checkpoints.", zh: "核验方法：tributary verify report 文件 --key coordinator.key，该密钥保存在分行的检查点文件夹中。" }
    flows_note() { en: "Whoever is named first opens the connection. Branches open every connection themselves and need no port of their own.", zh: "首列一方发起连接。分行始终主动发起连接，无需开放任何端口。" }
    from_and_to() { en: "from and to", zh: "发起方与接收方" }
    address() { en: "address or place, and protocol", zh: "地址或位置及协议" }
    carries() { en: "what it carries", zh: "传输内容" }
    protection() { en: "protected by", zh: "保护方式" }
    bits() { en: "bits", zh: "密钥长度（位）" }
    key_place() { en: "where the key is", zh: "密钥位置" }
    standard() { en: "standard (libraries)", zh: "标准（实现库）" }
    crypto_note() { en: "Every algorithm that the program uses stands here. A test holds this list against the code.", zh: "本清单列出程序使用的全部算法，并由测试与代码对照。" }
    subject() { en: "subject", zh: "主体" }
    serial() { en: "serial number", zh: "序列号" }
    key() { en: "key", zh: "密钥" }
    first_day() { en: "first day", zh: "起始日" }
    last_day() { en: "last day", zh: "截止日" }
    days_left() { en: "days left", zh: "剩余天数" }
    found() { en: "found", zh: "检查结果" }
    version() { en: "version", zh: "版本" }
    components(digest, packages) { en: "Components: SHA-256 of Cargo.lock {digest}, {packages} packages.", zh: "组件清单：Cargo.lock 的 SHA-256 为 {digest}，共 {packages} 个软件包。" }
    member() { en: "branch or partner", zh: "分行或合作方" }
    newcomer() { en: "newcomer", zh: "待入网方" }
    operator() { en: "operator on this machine", zh: "本机运维人员" }
    carrier() { en: "person with a file", zh: "携带文件的人员" }
    collector() { en: "metrics collector on this machine", zh: "本机指标采集程序" }
    process() { en: "process", zh: "进程" }
    mail_server() { en: "mail server", zh: "邮件服务器" }
    web_service() { en: "web service", zh: "网络服务" }
    log_collector() { en: "log collector", zh: "日志服务器" }
    program() { en: "program on this machine", zh: "本机程序" }
    coordinator() { en: "coordinator", zh: "协调方" }
    rounds() { en: "plans, keys, masked vectors, models, checkpoints", zh: "计划、密钥、掩码向量、模型、检查点" }
    enrolment() { en: "enrolment and renewal of certificates", zh: "入网与证书更新" }
    questions() { en: "questions about its state", zh: "状态查询" }
    signed_files() { en: "signed plans, orders, grants, statements and rosters", zh: "已签名的计划、命令、授权、声明与名录" }
    metrics() { en: "counters without data", zh: "不含数据的计数指标" }
    second_copy() { en: "a second copy of the audit log: kind, place, digest and author of each entry", zh: "审计日志的第二副本：每条记录的类型、位置、摘要和作者" }
    notices() { en: "notices without data of customers", zh: "不含客户数据的通知" }
    mutual_tls() { en: "TLS with certificates of both sides", zh: "双向证书 TLS" }
    pinned_tls() { en: "TLS with a token and pinned roots", zh: "令牌与固定根证书的 TLS" }
    own_user() { en: "the user of the daemon alone", zh: "仅限守护进程用户" }
    own_signature() { en: "signatures of people, judged by the roster", zh: "人员签名，按名录核验" }
    local_file() { en: "a file on this machine", zh: "本机文件" }
    server_tls() { en: "TLS with the certificate of the server", zh: "服务器证书 TLS" }
    plain() { en: "nothing: for a network of its own", zh: "无保护，仅限专用网络" }
    memory_connection() { en: "memory, for one connection", zh: "内存，单次连接" }
    memory_session() { en: "memory, for one session", zh: "内存，单次会话" }
    memory_round() { en: "memory, for one round", zh: "内存，单轮" }
    file_or_token() { en: "a file of mode 0600, or a token", zh: "权限 0600 的文件或密码令牌" }
    token_key() { en: "a token", zh: "密码令牌" }
    no_key() { en: "no key", zh: "无密钥" }
    file_own() { en: "a file of mode 0600 at the branch", zh: "分行端权限 0600 的文件" }
    channel_first() { en: "first packets of QUIC, and peers that ask for it", zh: "QUIC 首批数据包及对端要求时" }
    channel_keys() { en: "keys of connections", zh: "信道密钥协商" }
    channel_keys_weaker() { en: "keys of connections, where the settings prefer both and do not require them", zh: "信道密钥协商（仅当设置为首选而非必需时）" }
    certificates_authority() { en: "certificates of the authorities", zh: "签发机构证书" }
    file_authority() { en: "a file of mode 0600 in the folder of the authority", zh: "签发机构文件夹中权限 0600 的文件" }
    tokens() { en: "keys in tokens", zh: "令牌中的密钥" }
    derivation() { en: "derivation of keys", zh: "密钥派生" }
    sealing() { en: "sealing of shares", zh: "份额加密" }
    pseudonyms() { en: "pseudonyms of customers at a branch", zh: "分行端客户假名" }
    others() { en: "services outside of the federation", zh: "联邦之外的服务" }
    certificate_root() { en: "root", zh: "根证书" }
    certificate_issuing() { en: "issuing authority", zh: "签发机构" }
    no_core_dumps() { en: "No core dump of the process can be written", zh: "进程不产生内存转储" }
    signing_key_own() { en: "The signing key is a file of its user alone", zh: "签名密钥文件仅限其用户" }
    tls_key_own() { en: "The key of the certificate is a file of its user alone", zh: "证书密钥文件仅限其用户" }
    tls_key_in_token() { en: "The key of the certificate is in a token", zh: "证书密钥位于密码令牌" }
    state_own() { en: "The state folder is its user's alone", zh: "状态文件夹仅限其用户" }
    post_quantum_required() { en: "Every connection has a key exchange that a quantum computer does not open", zh: "所有连接均采用抗量子密钥协商" }
    tls_13_alone() { en: "TLS 1.3 alone", zh: "仅使用 TLS 1.3" }
    roster_of_several() { en: "Several holders must sign a roster (needed / all)", zh: "名录须由多名持有人签署（所需 / 全部）" }
    revocation_lists() { en: "Revocation lists are in place", zh: "已配置吊销列表" }
    heads_apart() { en: "Budget heads are kept apart from the state", zh: "预算签名记录与状态分开保存" }
    no_weak_modes() { en: "Built without the modes that protect no customer", zh: "构建中不含不保护客户的模式" }
    holds() { en: "holds", zh: "满足" }
    not() { en: "does not hold", zh: "不满足" }
    no_certified_product() { en: "This program is no certified commercial cryptography product, and its modules have no certificate.", zh: "本程序不是经认证的商用密码产品，其模块未取得商用密码认证。" }
    no_national_algorithms() { en: "SM2, SM3 and SM4 are not part of it. Numbers for them are reserved.", zh: "未实现 SM2、SM3、SM4 算法，仅为其预留编号。" }
    no_outside_audit() { en: "No third party has audited the code.", zh: "代码尚未经第三方审计。" }
    no_branch_machine() { en: "Disk encryption, patches and physical access of each machine are its owner's own.", zh: "各机器的磁盘加密、补丁与物理访问由其所有方负责。" }
    no_hidden_traffic() { en: "Who is connected, when, and how much is sent can be seen on the network.", zh: "网络上可见通信双方、时间与流量大小。" }
    no_availability() { en: "No availability is promised. A round without enough branches ends without a sum.", zh: "不承诺可用性；分行不足的轮次不产生聚合结果。" }
    no_end_of_log() { en: "A log that was cut at its end shows that by its witnesses alone.", zh: "日志末尾被截断只能由见证方发现。" }
    no_anonymous_model() { en: "No law calls a model anonymous because of a figure in this report.", zh: "不得仅凭本报告中的数值认定模型为匿名信息。" }
    version_program() { en: "program", zh: "程序" }
    version_protocol() { en: "protocol", zh: "协议" }
    version_log() { en: "layout of the log", zh: "日志格式" }
    digest_settings() { en: "SHA-256 of the settings file", zh: "设置文件的 SHA-256" }
    digest_executable() { en: "SHA-256 of the executable that made this report", zh: "生成本报告的可执行文件的 SHA-256" }
    controller() { en: "2. Who answers for it", zh: "2. 个人信息处理者" }
    activities() { en: "3. Processing activities", zh: "3. 处理活动" }
    grants() { en: "4. Grants of the owners of data", zh: "4. 数据所有人授权" }
    measures() { en: "5. Measures", zh: "5. 保护措施" }
    members() { en: "members", zh: "成员" }
    privacy_officers() { en: "privacy officers", zh: "隐私官" }
    log_head() { en: "head of the log", zh: "日志摘要值" }
    subjects() { en: "data subjects", zh: "个人信息主体" }
    customers_of_members() { en: "customers of the branches", zh: "分行客户" }
    categories() { en: "Categories of personal information", zh: "个人信息类别" }
    recipients() { en: "Recipients", zh: "接收方" }
    receives() { en: "what", zh: "内容" }
    retention() { en: "retention at the coordinator", zh: "协调方保存期限" }
    transfer() { en: "transfer to other countries", zh: "跨境提供" }
    no_transfer() { en: "The program makes none. Where the machines are, the institution says.", zh: "程序不进行跨境提供；机器所在地由机构说明。" }
    grant() { en: "grant", zh: "授权" }
    grant_subject() { en: "for", zh: "用途" }
    granted_runs() { en: "runs", zh: "运行次数" }
    withdrawn() { en: "taken back", zh: "已撤回" }
    no_grants() { en: "No grant came through this coordinator. Owners may carry grants to their branches by hand.", zh: "没有经协调方转交的授权；数据所有人可自行送达分行。" }
    masked_sums() { en: "masked vectors, and sums of all branches with noise", zh: "掩码向量与含噪聚合结果" }
    models() { en: "models", zh: "模型" }
    lists_at_branch() { en: "lists, at the branch alone", zh: "名单（仅在分行）" }
    model_file() { en: "a model as a file", zh: "模型文件" }
    void_file(what) {
        en: "{what}; void, since the model was withdrawn: the recipient has the file, and is to delete it",
        zh: "{what}；模型已撤回，文件失效：接收方持有该文件，须予删除",
    }
    staff_of_branch() { en: "staff of the branch", zh: "分行人员" }
    measure_local() { en: "Rows of customers stay at the branch.", zh: "客户数据行保留在分行。" }
    measure_clip() { en: "What a customer adds to a sum is bounded before it leaves.", zh: "每个客户对聚合的贡献在离开前被裁剪。" }
    measure_noise() { en: "Noise of all branches is in every sum.", zh: "每个聚合结果均含各分行加入的噪声。" }
    measure_noise_some() { en: "Noise of all branches is in some sums, and none is in others (section 8 of the compliance report).", zh: "部分聚合结果含各分行加入的噪声，其余不含（见合规报告第 8 节）。" }
    measure_noise_none() { en: "No noise is in the sums: they are masked alone.", zh: "聚合结果不含噪声，仅有掩码保护。" }
    measure_masks() { en: "Each vector is masked: nobody sees that of one branch.", zh: "每个向量均加掩码，任何一方都看不到单家分行的向量。" }
    measure_threshold() { en: "A sum opens with enough branches alone.", zh: "仅在分行数达到门限时打开聚合结果。" }
    measure_budget() { en: "A budget for a year and for life holds over all plans.", zh: "年度与终身隐私预算覆盖全部计划。" }
    measure_budget_some() { en: "Not every branch has shown a budget for a year and for life.", zh: "并非每家分行均已出示年度与终身隐私预算。" }
    measure_overlap() { en: "A plan counts a customer as often as its overlap says.", zh: "计划按其声明的分行数计入同一客户的影响。" }
    measure_four_eyes() { en: "Two people of two roles decide which plan runs, and which model is used.", zh: "运行哪个计划、使用哪个模型，由两个角色的两人共同决定。" }
    measure_register() { en: "The coordinator's operator hands out a model that two people have put in use, or a candidate for trial, for 31 days at most. A register has its number, recipient and last day, and makes it void where the model is withdrawn.", zh: "由协调方运维人员导出经两人批准使用的模型；候选模型仅供试用，最长 31 天。登记册载明编号、接收方与截止日，模型撤回时该文件失效。" }
    measure_grants() { en: "The owner of the data grants each use, and can take it back.", zh: "数据所有人逐项授权，并可撤回。" }
    measure_log() { en: "Every step is in a signed log that branches witness.", zh: "每一步均写入签名日志，由分行见证。" }
    measure_log_some() { en: "Every step is in a signed log. More than half of the branches have witnessed it, and not up to the last entry of these days (section 11 of the compliance report).", zh: "每一步均写入签名日志；半数以上分行已见证该日志，但未覆盖至本期间的最后一条记录（见合规报告第 11 节）。" }
    measure_log_alone() { en: "Every step is in a signed log. No more than half of the branches have witnessed it.", zh: "每一步均写入签名日志；见证该日志的分行不超过半数。" }
    measure_channel() { en: "Connections are encrypted, with certificates of both sides.", zh: "连接加密，双方均持证书。" }
    drawing() { en: "Flow of personal information", zh: "个人信息流向" }
    drawing_note() { en: "Boxes are places, arrows are what goes from one to another. Personal information stays at the branch: in its data, its program and its lists.", zh: "方框为处理场所，箭头为传递内容。个人信息仅停留在分行：客户数据、分行程序与人员名单。" }
    box_data() { en: "customers' data", zh: "客户数据" }
    box_branch() { en: "branch program", zh: "分行程序" }
    box_lists() { en: "lists of staff", zh: "人员名单" }
    arrow_rows() { en: "rows, local", zh: "本地数据行" }
    arrow_masked() { en: "masked, noised", zh: "加掩码与噪声" }
    arrow_sum() { en: "sums with noise", zh: "含噪聚合" }
    arrow_scores() { en: "scores, local", zh: "本地评分" }
    branches_count(count) { en: "branches: {count}", zh: "分行 {count} 家" }
    parameters() { en: "4. Parameters", zh: "4. 参数" }
    trust() { en: "5. What is assumed", zh: "5. 信任假设" }
    necessity() { en: "6. Necessity and proportion", zh: "6. 必要性与相称性" }
    risks() { en: "7. Risks that are left", zh: "7. 残余风险" }
    dpia_measures() { en: "8. Measures and incidents", zh: "8. 措施与事件" }
    dpia_activities() { en: "3. What is processed", zh: "3. 处理内容" }
    dpia_flows() { en: "2. Flows", zh: "2. 数据流" }
    nominal() { en: "nominal customers", zh: "名义客户数" }
    overlap() { en: "branches of one customer", zh: "同一客户的分行数" }
    group_size() { en: "members", zh: "成员数" }
    trust_coordinator() { en: "The coordinator is relied on for availability alone, and trusted with no single vector.", zh: "仅在可用性上依赖协调方遵守协议，不向其信托任何单个向量。" }
    trust_members() { en: "As many branches are honest as the threshold of section 4 asks for.", zh: "诚实分行数达到第 4 节的门限。" }
    trust_branch() { en: "Each branch answers for its own machine and its own rows.", zh: "各分行对其机器与数据行负责。" }
    trust_authorities() { en: "Not enough holders of roster keys work together against the federation.", zh: "名录密钥持有人不会达到签署人数合谋。" }
    trust_network() { en: "The network is not trusted: it can delay and drop, and nothing else.", zh: "不信任网络：其只能延迟或丢弃数据。" }
    trust_overlap() { en: "No customer is at more branches than the plan says.", zh: "同一客户所在分行数不超过计划所述。" }
    need_purpose() { en: "Each plan has one stated purpose, a legal basis and an assessment (section 3).", zh: "每个计划有单一明确目的、合法性基础与影响评估（第 3 节）。" }
    need_no_pooling() { en: "The same model from pooled rows would need every row to leave its branch.", zh: "若采用集中数据训练同一模型，全部数据行都须离开分行。" }
    need_fields() { en: "The schema of a plan names each field, with class and level. Others are not read.", zh: "计划的模式逐一列出字段及其类别、级别，其他字段不读取。" }
    need_retention() { en: "What is kept is masked, and is removed after the days of section 3.", zh: "保存内容均加掩码，超过第 3 节天数后删除。" }
    need_people() { en: "Customers who refuse are left out at the branch before rows are read.", zh: "拒绝的客户在分行读取数据行之前即被排除。" }
    risk() { en: "risk", zh: "风险" }
    measure() { en: "measure", zh: "措施" }
    level() { en: "level", zh: "等级" }
    rule() { en: "rule of the level", zh: "等级规则" }
    risk_membership() { en: "Somebody finds out whether a customer was in the data", zh: "推断某客户是否在数据中" }
    rule_membership() { en: "the largest epsilon that a plan may charge, or that was charged over all plans: low up to 1, medium up to 8, else high", zh: "取单个计划可计入额与全部计划已计入额中最大的 epsilon：不超过 1 为低，不超过 8 为中，否则为高" }
    risk_single_update() { en: "Somebody sees the vector of one branch", zh: "看到单家分行的向量" }
    rule_single_update() { en: "low where a sum of every run needs 3 branches or more", zh: "每次运行的聚合均至少需要 3 家分行为低" }
    risk_coalition() { en: "Branches work together with the coordinator", zh: "分行与协调方合谋" }
    rule_coalition() { en: "low where half of the group must be honest, by the run with the smallest part (shares of honest noise / group)", zh: "须有半数成员诚实为低，取占比最小的一次运行（诚实噪声份额 / 组成员数）" }
    risk_overlap() { en: "A customer is at several branches", zh: "同一客户在多家分行" }
    rule_overlap() { en: "low where the plan counts several branches of one customer", zh: "计划已计入多家分行为低" }
    risk_repeated() { en: "Many plans add up", zh: "多个计划累加" }
    rule_repeated() { en: "the largest cap for life of a branch, in epsilon: low up to 1, medium up to 8, else high, and high without a cap (with cap / all)", zh: "取各分行终身上限（epsilon）中的最大值：不超过 1 为低，不超过 8 为中，否则为高；有分行未设上限亦为高（有上限 / 全部）" }
    risk_kept() { en: "Kept vectors are opened later", zh: "保存的向量日后被打开" }
    rule_kept() { en: "low where no masked upload is kept (days)", zh: "不保存掩码上传为低（天数）" }
    risk_files() { en: "A model leaves as a file", zh: "模型以文件形式外发" }
    rule_files() { en: "low without such a file; a void one counts as well, since its recipient has received it (files)", zh: "没有外发文件为低；已失效的文件亦计入，因接收方已收到（文件数）" }
    risk_decisions() { en: "A customer is treated differently because of a score", zh: "客户因评分受到差别对待" }
    rule_decisions() { en: "high where a plan is of high materiality, else medium (models)", zh: "计划重要性为高时为高，否则为中（模型数）" }
    risk_incidents() { en: "An incident is open", zh: "存在未关闭的事件" }
    rule_incidents() { en: "high while an incident is open (open ones)", zh: "有未关闭事件为高（未关闭数）" }
    attack_tests() { en: "Tests by attacks on the released models stand in section 12 of the compliance report.", zh: "对已发布模型的攻击测试见合规报告第 12 节。" }
    incidents_of(all, open) { en: "Incidents of these days: {all}, of which {open} are open.", zh: "期间事件 {all} 起，其中 {open} 起未关闭。" }
    who_decides() { en: "This is input. The institution assesses, decides and signs.", zh: "本材料仅供输入，由机构评估、决定并签署。" }
}

/// A word of these papers, for people. One that is not in the table stands as it is: names are the same in every language.
#[must_use]
pub fn of(word: &str) -> Said {
    match word {
        "member" => member(),
        "newcomer" => newcomer(),
        "operator" => operator(),
        "carrier" => carrier(),
        "collector" => collector(),
        "mail-server" => mail_server(),
        "web-service" => web_service(),
        "log-collector" => log_collector(),
        "program" => program(),
        "coordinator" | "certificate-coordinator" => coordinator(),
        "rounds" => rounds(),
        "enrolment" => enrolment(),
        "questions" => questions(),
        "signed-files" => signed_files(),
        "metrics" => metrics(),
        "second-copy" => second_copy(),
        "notices" => notices(),
        "mutual-tls" => mutual_tls(),
        "pinned-tls" => pinned_tls(),
        "own-user" => own_user(),
        "own-signature" => own_signature(),
        "local-file" => local_file(),
        "server-tls" => server_tls(),
        "plain" => plain(),
        "memory-connection" => memory_connection(),
        "memory-session" => memory_session(),
        "memory-round" => memory_round(),
        "file-or-token" => file_or_token(),
        "no-key" => no_key(),
        "file-own" => file_own(),
        "channel-first" => channel_first(),
        "channel-keys" => channel_keys(),
        "channel-keys-weaker" => channel_keys_weaker(),
        "certificates-authority" => certificates_authority(),
        "file-authority" => file_authority(),
        "file" => report::file(),
        "process" => process(),
        "tokens" => tokens(),
        "derivation" => derivation(),
        "sealing" => sealing(),
        "pseudonyms" => pseudonyms(),
        "others" => others(),
        "certificate-root" => certificate_root(),
        "certificate-issuing" => certificate_issuing(),
        "no-core-dumps" => no_core_dumps(),
        "signing-key-own" => signing_key_own(),
        "tls-key-own" => tls_key_own(),
        "tls-key-in-token" => tls_key_in_token(),
        "state-own" => state_own(),
        "post-quantum-required" => post_quantum_required(),
        "tls-13-alone" => tls_13_alone(),
        "roster-of-several" => roster_of_several(),
        "revocation-lists" => revocation_lists(),
        "heads-apart" => heads_apart(),
        "no-weak-modes" => no_weak_modes(),
        "holds" => holds(),
        "not" => not(),
        "unknown" => evaluation::noise_unknown(),
        "no-certified-product" => no_certified_product(),
        "no-national-algorithms" => no_national_algorithms(),
        "no-outside-audit" => no_outside_audit(),
        "no-branch-machine" => no_branch_machine(),
        "no-hidden-traffic" => no_hidden_traffic(),
        "no-availability" => no_availability(),
        "no-end-of-log" => no_end_of_log(),
        "no-anonymous-model" => no_anonymous_model(),
        "version-program" => version_program(),
        "version-protocol" => version_protocol(),
        "version-log" => version_log(),
        "digest-settings" => digest_settings(),
        "digest-executable" => digest_executable(),
        "masked-sums" => masked_sums(),
        "models" => models(),
        "lists-at-branch" => lists_at_branch(),
        "model-file" => model_file(),
        "staff-of-branch" => staff_of_branch(),
        "members" => members(),
        "measure-local" => measure_local(),
        "measure-clip" => measure_clip(),
        "measure-noise" => measure_noise(),
        "measure-noise-some" => measure_noise_some(),
        "measure-noise-none" => measure_noise_none(),
        "measure-masks" => measure_masks(),
        "measure-threshold" => measure_threshold(),
        "measure-budget" => measure_budget(),
        "measure-budget-some" => measure_budget_some(),
        "measure-overlap" => measure_overlap(),
        "measure-register" => measure_register(),
        "measure-four-eyes" => measure_four_eyes(),
        "measure-grants" => measure_grants(),
        "measure-log" => measure_log(),
        "measure-log-some" => measure_log_some(),
        "measure-log-alone" => measure_log_alone(),
        "measure-channel" => measure_channel(),
        "trust-coordinator" => trust_coordinator(),
        "trust-members" => trust_members(),
        "trust-branch" => trust_branch(),
        "trust-authorities" => trust_authorities(),
        "trust-network" => trust_network(),
        "trust-overlap" => trust_overlap(),
        "need-purpose" => need_purpose(),
        "need-no-pooling" => need_no_pooling(),
        "need-fields" => need_fields(),
        "need-retention" => need_retention(),
        "need-people" => need_people(),
        "risk-membership" => risk_membership(),
        "risk-single-update" => risk_single_update(),
        "risk-coalition" => risk_coalition(),
        "risk-overlap" => risk_overlap(),
        "risk-repeated" => risk_repeated(),
        "risk-kept" => risk_kept(),
        "risk-files" => risk_files(),
        "risk-decisions" => risk_decisions(),
        "risk-incidents" => risk_incidents(),
        "token" => token_key(),
        other => words::of(other),
    }
}

/// The rule by which the level of a risk follows.
#[must_use]
pub fn rule_of(risk: &str) -> Said {
    match risk {
        "risk-membership" => rule_membership(),
        "risk-single-update" => rule_single_update(),
        "risk-coalition" => rule_coalition(),
        "risk-overlap" => rule_overlap(),
        "risk-repeated" => rule_repeated(),
        "risk-kept" => rule_kept(),
        "risk-files" => rule_files(),
        "risk-decisions" => rule_decisions(),
        "risk-incidents" => rule_incidents(),
        _ => words::none(),
    }
}
