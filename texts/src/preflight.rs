//! What a preflight tries and finds.

use crate::texts;

texts! {
    mark_good() { en: "ok     ", zh: "正常  " }
    mark_warning() { en: "warning", zh: "警告  " }
    mark_fault() { en: "FAULT  ", zh: "故障  " }
    finding(mark, tried, seen) { en: "{mark} {tried}: {seen}", zh: "{mark} {tried}：{seen}" }
    means(text) { en: "          means  {text}", zh: "          含义   {text}" }
    ask(text) { en: "          ask    {text}", zh: "          请联系 {text}" }
    code(number) { en: "          code   {number}", zh: "          代码   {number}" }

    would_not_start() {
        en: "the daemon would not start, or could not take part",
        zh: "服务无法启动，或无法参加",
    }
    as_the_message_says() { en: "what the message says", zh: "按上面的说明处理" }

    looking_up(target) { en: "looking up {target}", zh: "查询地址 {target}" }
    proxy_looks_up() {
        en: "QUIC cannot be used from here; the proxy looks the name up by itself",
        zh: "这里无法使用 QUIC；代理会自行查询该名称",
    }
    nothing_if_proxy_is_fine() {
        en: "nothing, if the proxy's connection below is fine",
        zh: "如果下面的代理连接正常，则不需要任何操作",
    }
    coordinator_not_found() {
        en: "this machine cannot find the coordinator, so nothing else was tried",
        zh: "本机找不到协调方，因此没有进行其他检查",
    }
    ask_name_resolution(target) {
        en: "whoever runs name resolution here: an entry for {target}; or give its address in coordinator.address",
        zh: "负责域名解析的人员：为 {target} 添加记录；或在 coordinator.address 中直接写地址",
    }
    quic_to(target, through, at) { en: "QUIC to UDP {target}{through}{at}", zh: "QUIC 连接 UDP {target}{through}{at}" }
    tls_to(target, through, at) { en: "TLS to TCP {target}{through}{at}", zh: "TLS 连接 TCP {target}{through}{at}" }
    at(address) { en: " at {address}", zh: "，地址 {address}" }
    through_proxy(proxy) { en: " through the proxy {proxy}", zh: "，经代理 {proxy}" }
    handshake_in(milliseconds) { en: "handshake in {milliseconds} ms", zh: "握手用时 {milliseconds} 毫秒" }
    silent_address() {
        en: "at this address the coordinator does not answer; the daemon takes another of the name's, a moment later",
        zh: "协调方在这个地址没有应答；服务稍后会使用该名称的另一个地址",
    }
    ask_about_address(target, address) {
        en: "whoever runs name resolution here, whether {target} should have the address {address}",
        zh: "负责域名解析的人员：{target} 是否应有地址 {address}",
    }
    no_coordinator_there() {
        en: "a web server, a proxy or a gateway answers at this address and port, and no coordinator",
        zh: "在这个地址和端口应答的是网页服务器、代理或网关，而不是协调方",
    }
    ask_for_address() {
        en: "whoever gave you the address: host and port of the coordinator; or who runs what answers there",
        zh: "提供地址的人：协调方的主机和端口；或负责该应答设备的人员",
    }
    certificate_not_believed() {
        en: "the network is fine, and one side does not believe the other's certificate",
        zh: "网络正常，但一方不信任另一方的证书",
    }
    ask_authority_with_number() {
        en: "the federation's authority, with the number in brackets",
        zh: "联邦的证书机构，并告知括号中的编号",
    }
    proxy_refuses() { en: "the proxy does not carry this connection", zh: "代理不转发这个连接" }
    ask_proxy(target) {
        en: "whoever runs the proxy: allow CONNECT to {target}, without opening TLS",
        zh: "负责代理的人员：允许 CONNECT 到 {target}，不要拆解 TLS",
    }
    udp_dropped() {
        en: "UDP is dropped on the way; the daemon uses TCP, which costs a little time in each round",
        zh: "UDP 在途中被丢弃；服务会改用 TCP，每一轮会稍慢一些",
    }
    not_reached_udp() {
        en: "the coordinator is not reached: it is down, or the firewall drops UDP to it",
        zh: "无法到达协调方：它没有运行，或防火墙丢弃了 UDP",
    }
    no_way_around() {
        en: "there is no way around a firewall that begins to drop UDP",
        zh: "如果防火墙开始丢弃 UDP，将没有其他通路",
    }
    not_reached_tcp() {
        en: "the coordinator is not reached: it is down, or the firewall drops TCP to it",
        zh: "无法到达协调方：它没有运行，或防火墙丢弃了 TCP",
    }
    packets() { en: "packets over that path", zh: "该通路上的数据包" }
    packet_size(bytes) { en: "{bytes} bytes of UDP payload", zh: "UDP 载荷 {bytes} 字节" }
    asking_to_be_let_in() { en: "asking the coordinator to let this client in", zh: "请求协调方接纳本分行" }
    let_in() { en: "it does", zh: "接纳" }
    let_in_already() { en: "it does; this client's daemon is connected now", zh: "接纳；本分行的服务已经连接" }
    not_in_roster() {
        en: "the certificate is good, and the coordinator's roster or plan does not include this client",
        zh: "证书有效，但协调方的名册或计划不包括本分行",
    }
    ask_authority_with_sentence() {
        en: "the federation's authority, with that sentence",
        zh: "联邦的证书机构，并告知上面这句话",
    }
    this_machine() { en: "this machine", zh: "本机" }
    firewall_rule(protocol, from, to) {
        en: "the network team, with this rule:\nallow {protocol} from {from} (any port) to {to}, outbound only, replies allowed, idle timeout at least 30 seconds, no inspection of the content",
        zh: "网络管理人员，申请以下规则：\n允许 {protocol} 从 {from}（任意端口）到 {to}，仅出站，允许应答，空闲超时不少于 30 秒，不检查内容",
    }
    port_of(address, port) { en: "{address} port {port}", zh: "{address} 端口 {port}" }

    comparing_clocks() {
        en: "comparing this machine's clock with the coordinator's",
        zh: "比较本机时钟与协调方时钟",
    }
    clocks_same() { en: "0 s apart", zh: "相差 0 秒" }
    clock_slow(seconds) { en: "{seconds} s apart: this machine's is behind", zh: "相差 {seconds} 秒：本机偏慢" }
    clock_fast(seconds) { en: "{seconds} s apart: this machine's is ahead", zh: "相差 {seconds} 秒：本机偏快" }
    clock_means() {
        en: "certificates are judged by these clocks: beyond five minutes they look expired or not yet valid",
        zh: "证书的有效期按这些时钟判断：相差五分钟以上，证书就会显得过期或尚未生效",
    }
    clock_ask() {
        en: "whoever runs this machine: synchronise its clock (NTP)",
        zh: "负责本机的人员：校准时钟（NTP）",
    }
    clock_ask_both() {
        en: "whoever runs this machine: synchronise its clock (NTP), and the coordinator's",
        zh: "负责本机的人员：校准本机时钟（NTP），以及协调方的时钟",
    }
    clock_of_coordinator() {
        en: "by this machine's clock this client's certificate is valid, and by the coordinator's it is not",
        zh: "按本机时钟，本分行的证书有效；按协调方时钟则无效",
    }
    clock_of_ours() {
        en: "by this machine's clock the coordinator's certificate is not valid yet, and by its own it is",
        zh: "按本机时钟，协调方的证书尚未生效；按它自己的时钟则有效",
    }

    writing_to(folder) { en: "writing to {folder}", zh: "写入 {folder}" }
    not_writable() {
        en: "nothing can be recorded there, and without its records a daemon does not run",
        zh: "那里无法记录任何内容，而没有记录服务就不能运行",
    }
    ask_folder() {
        en: "whoever runs this machine: a folder that this user may write to, on a local disk",
        zh: "负责本机的人员：提供一个本用户可写、位于本地磁盘的文件夹",
    }
    written() { en: "written, synced and taken away", zh: "写入、同步并删除均成功" }
    megabytes_free(count) { en: "{count} MB free", zh: "剩余 {count} MB" }
    fills_up(count) { en: "it fills up: about {count} MB are needed", zh: "空间会用尽：大约需要 {count} MB" }
    ask_room() {
        en: "whoever runs this machine: more room, or another folder",
        zh: "负责本机的人员：增加空间，或换一个文件夹",
    }

    opening_identity(folder) { en: "opening the identity in {folder}", zh: "打开身份文件夹 {folder}" }
    identity_fits() { en: "certificate, keys, trust and pins fit", zh: "证书、密钥、信任根和固定信息相符" }
    reading(file) { en: "reading {file}", zh: "读取 {file}" }
    signed_by_owner() { en: "signed by its owner", zh: "已由负责人签署" }
    looking_at_budget() { en: "looking at the budget file", zh: "检查预算文件" }
    budget_begun(counter) { en: "it was begun; its counter is {counter}", zh: "已开始使用；计数为 {counter}" }
    looking_at(path) { en: "looking at {path}", zh: "检查 {path}" }
    no_folder() { en: "it is no folder", zh: "不是文件夹" }
    state_means() {
        en: "the daemon records what was spent there, and without its records it does not run",
        zh: "服务在那里记录已花费的预算，没有记录就不能运行",
    }
    state_ask() {
        en: "the settings, for a client.state_dir that is a folder or is not there yet",
        zh: "修改配置：client.state_dir 应是一个文件夹，或尚不存在",
    }
    comparing_key(path) { en: "comparing {path} with the signing key", zh: "比较 {path} 与签名密钥" }
    halves_fit() { en: "they are halves of one key", zh: "属于同一对密钥" }
    two_keys() { en: "they are of two keys", zh: "不属于同一对密钥" }
    not_our_key() {
        en: "signing.key is not the one that this branch enrolled with, so the coordinator's roster does not know it",
        zh: "signing.key 不是本分行注册时的密钥，协调方的名册不认识它",
    }
    ask_for_key() {
        en: "your copies, for this branch's own signing.key; or the office, for a new token",
        zh: "查找备份中本分行自己的 signing.key；或向注册办公室索取新的令牌",
    }
    key_of_nobody() { en: "whose signing key this is cannot be told", zh: "无法判断这是谁的签名密钥" }
    looking_at_certificate() { en: "looking at this client's certificate", zh: "检查本分行的证书" }
    ends_on(when, days, hours) {
        en: "it ends on {when}, in {days} days and {hours} hours",
        zh: "将于 {when} 到期，还有 {days} 天 {hours} 小时",
    }
    should_have_renewed() {
        en: "it should have renewed itself at half of its life",
        zh: "它本应在有效期过半时自动更新",
    }
    ask_log_or_renew() {
        en: "this daemon's log, for the reason of the last renewal; or a renewal by file (`tributary client renew --request`)",
        zh: "查看本服务日志中最近一次更新失败的原因；或用文件更新（`tributary client renew --request`）",
    }
    certificate_over() {
        en: "the coordinator refuses this client; for 30 days the daemon can still renew it, if the office approves",
        zh: "协调方会拒绝本分行；在 30 天内，经注册办公室批准，服务仍可更新证书",
    }
    ask_office_approval() {
        en: "the office, to approve the renewal that the daemon asks for; afterwards enrol again",
        zh: "注册办公室：批准服务提出的更新申请；超过期限则需重新注册",
    }
    ended_on(when) { en: "it has ended on {when}", zh: "已于 {when} 过期" }
    looking_at_lists() { en: "looking at the revocation lists", zh: "检查吊销列表" }
    lists_of_nobody() {
        en: "they are of no authority that stands",
        zh: "它们不属于任何有效的证书机构",
    }
    nobody_believed() { en: "no coordinator is believed", zh: "不信任任何协调方" }
    ask_office_lists() { en: "the office, for its revocations.pem", zh: "注册办公室：索取 revocations.pem" }
    list_ended(authority, when) {
        en: "the list of {authority} has ended on {when}",
        zh: "{authority} 的列表已于 {when} 过期",
    }
    lists_over_means() {
        en: "no coordinator is believed before a newer one is here, which the daemon asks the office for when it runs",
        zh: "在得到新列表之前不信任任何协调方；服务运行时会向注册办公室索取",
    }
    list_ends(authority, when, days, hours) {
        en: "the list of {authority} ends on {when}, in {days} days and {hours} hours",
        zh: "{authority} 的列表将于 {when} 到期，还有 {days} 天 {hours} 小时",
    }
    nobody_believed_later() { en: "no coordinator is believed after that", zh: "到期后不再信任任何协调方" }
    first_list_ends(when) { en: "the first ends on {when}", zh: "最早的一份于 {when} 到期" }
    schema_seen(digest, width) {
        en: "schema {digest}, {width} encoded features",
        zh: "模式 {digest}，编码后 {width} 个特征",
    }
    comparing_schema() { en: "comparing the schema with the policy", zh: "比较模式与策略" }
    schema_pinned() { en: "it is the one that the owner pinned", zh: "与负责人指定的一致" }
    rows_fit(rows, customers) {
        en: "{rows} rows of {customers} customers fit the schema",
        zh: "{customers} 个客户的 {rows} 行数据符合模式",
    }
    used_as_it_is() { en: "the table is used as it is", zh: "数据表会按原样使用" }
    ask_exporter() {
        en: "whoever exports the data, whether that is meant; `tributary client dataset check` shows the figures",
        zh: "导出数据的人员：这是否有意；`tributary client dataset check` 会显示具体数字",
    }
    above_maxima() {
        en: "there are more customers or rows than data.customers_max or data.rows_max",
        zh: "客户数或行数超过了 data.customers_max 或 data.rows_max",
    }
    above_maxima_means() {
        en: "all take part, but a round takes as long as the data ask for",
        zh: "所有客户都会参加，但每一轮所用的时间会随数据量变化",
    }
    ask_maxima() { en: "the settings, for larger public maxima", zh: "修改配置：调高这两个公开的上限" }
    trying_hook(hook, target) {
        en: "sending a trial through notices.{hook} ({target})",
        zh: "通过 notices.{hook}（{target}）试发通知",
    }
    hook_took() { en: "taken; look whether it arrived", zh: "已接收；请确认是否送达" }
    hook_means() {
        en: "the daemon runs all the same, but nobody is told by this hook when people must act",
        zh: "服务照常运行，但需要人处理时，这个渠道不会通知任何人",
    }
    hook_ask() {
        en: "whoever runs that service, with this message; then try again",
        zh: "负责该渠道的人员，并告知上面的信息；然后重试",
    }

    name_unknown(name, fault) {
        en: "{name} cannot be looked up: {fault}; check coordinator.address in the settings and this machine's name resolution",
        zh: "无法查询 {name}：{fault}；请检查配置中的 coordinator.address 和本机的域名解析",
    }
    no_socket(fault) {
        en: "no socket could be opened: {fault}; check the machine's network configuration",
        zh: "无法打开套接字：{fault}；请检查本机的网络配置",
    }
    tcp_refused(address, fault) {
        en: "TCP to {address} was not connected: {fault}; check address, port and that the firewall lets TCP out to it",
        zh: "无法建立到 {address} 的 TCP 连接：{fault}；请检查地址、端口，以及防火墙是否允许 TCP 出站",
    }
    proxy_did_not(proxy, target, said) {
        en: "the proxy {proxy} did not connect to {target}: {said}; ask whoever runs it to allow CONNECT to that host and port",
        zh: "代理 {proxy} 没有连接到 {target}：{said}；请负责代理的人员允许 CONNECT 到该主机和端口",
    }
    no_certificate() { en: "the coordinator showed no certificate", zh: "协调方没有出示证书" }
    silence(seconds, what) {
        en: "nobody answered within {seconds} seconds; check address and port, that the coordinator runs, and that the firewall lets {what} out to it",
        zh: "{seconds} 秒内没有应答；请检查地址和端口、协调方是否在运行，以及防火墙是否允许 {what} 出站",
    }
    no_office(address) {
        en: "the coordinator keeps no enrolment office at {address}: nobody enrols and no certificate renews itself there. Carry a request to the authority as a file (`tributary client enrol --request`, `tributary client renew --request`), or ask the coordinator's operator to set [enrolment]",
        zh: "协调方在 {address} 没有设注册办公室：那里无法注册，证书也不会自动更新。请用文件向证书机构提交请求（`tributary client enrol --request`，`tributary client renew --request`），或请协调方的操作员配置 [enrolment]",
    }
    office_slow(seconds) {
        en: "the office's answer did not come within {seconds} seconds: it is overloaded, or something between keeps the connection and carries nothing; ask again later",
        zh: "注册办公室在 {seconds} 秒内没有答复：它过于繁忙，或途中的设备保持了连接却不转发内容；请稍后再试",
    }
    over_both(quic, tcp) { en: "over QUIC: {quic}. Over TCP: {tcp}", zh: "经 QUIC：{quic}。经 TCP：{tcp}" }
}
