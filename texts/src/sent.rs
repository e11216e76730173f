//! What left a branch.

use crate::texts;

texts! {
    nothing(path) {
        en: "{path}: nothing has left this branch yet, or its daemon runs with another settings file",
        zh: "{path}：本分行尚未发出任何内容，或者服务使用的是另一份配置文件",
    }
    message(at, run, round, kind, bytes, masked, noised, digest) {
        en: "{at}  run {run}  round {round}  {kind} {bytes} bytes  masked {masked}  noised {noised}  {digest}",
        zh: "{at}  运行 {run}  轮次 {round}  {kind} {bytes} 字节  掩码 {masked}  加噪 {noised}  {digest}",
    }
    sum(kind, count, bytes) {
        en: "total  {kind}: {count} messages, {bytes} bytes",
        zh: "合计  {kind}：{count} 条消息，{bytes} 字节",
    }
    whole(lines, chain) {
        en: "{lines} messages; the chain is whole and ends with {chain}. Numbers about customers are in `masked` messages alone",
        zh: "共 {lines} 条消息；哈希链完整，末尾为 {chain}。只有 `masked` 消息包含与客户有关的数值",
    }
    torn(bytes) {
        en: "an incomplete last line of {bytes} bytes is left out: the daemon is writing it, or was killed. Its next start cuts it off",
        zh: "略去不完整的最后一行（{bytes} 字节）：服务正在写入，或者被强制结束。下次启动时会将其截去",
    }
    uploads_missing(folder, missing, all, round, plan, run) {
        en: "{folder}: {missing} of {all} uploads that the budget file charges are in no file of what was sent. The first is of round {round} of the run {plan}/{run}. A file was cut, deleted or taken away, or the machine lost its last lines without power. Compare with the copies of these files that you keep elsewhere, and with the proof of the round (`tributary client proof`)",
        zh: "{folder}：预算文件记录的 {all} 次上传中，有 {missing} 次不在任何发送记录文件中，最早的是运行 {plan}/{run} 的第 {round} 轮。文件被截断、删除或移走，或因断电丢失了最后几行。请与另行保存的副本以及该轮的证明（`tributary client proof`）核对",
    }
    changed(path, fault) {
        en: "{path}: {fault}. What stands before it is whole and is shown above. Keep the file as evidence",
        zh: "{path}：{fault}。该处之前的内容完整，已显示在上方。请保留该文件作为证据",
    }
    changed_file(path, fault) {
        en: "{path}: {fault}. Nothing is concluded from it; keep the file as evidence",
        zh: "{path}：{fault}。不据此得出任何结论；请保留该文件作为证据",
    }
    page_title() { en: "What left this branch", zh: "本分行发出内容一览" }
    page_note() {
        en: "Made from the branch's own file of what left (sent.log) alone. A line of that file is written before its message is queued, and each line is chained to the one before it.",
        zh: "本页仅依据本分行自己的发出记录（sent.log）生成。每条记录在消息排队之前写入，并与前一条以哈希链相连。",
    }
    page_between(first, last) { en: "From {first} to {last}, by this branch's clock.", zh: "时间范围：{first} 至 {last}（本分行时钟）。" }
    page_whole(lines, files, chain) {
        en: "{lines} messages; files: {files}; the chain is whole and ends with {chain}.",
        zh: "共 {lines} 条消息，{files} 个文件；哈希链完整，末尾为 {chain}。",
    }
    page_written(path, lines) { en: "{path}: a page of {lines} messages", zh: "{path}：包含 {lines} 条消息的页面" }
    page_sums() { en: "Totals", zh: "合计" }
    page_what() { en: "What can leave", zh: "可能发出的内容" }
    page_messages() { en: "Messages", zh: "消息" }
    page_by_kind() { en: "By kind of message", zh: "按消息类型" }
    page_by_kind_note() {
        en: "Masked and noised are said of vectors about customers alone: of how many such vectors how many were masked, and how many carried this branch's noise.",
        zh: "“掩码”和“加噪”仅针对与客户有关的向量：此类向量中有多少经过掩码，有多少带有本分行的噪声。",
    }
    page_by_whom() { en: "By recipient", zh: "按接收方" }
    page_by_month() { en: "By month", zh: "按月份" }
    page_by_run() { en: "By run", zh: "按运行" }
    page_kinds() { en: "Kinds of messages", zh: "消息类型" }
    page_kinds_note() {
        en: "The program can send no other message. None of them has a place for a row, an identifier or a value of a customer.",
        zh: "程序无法发送其他类型的消息。其中任何一种都没有可容纳客户记录、客户标识或客户数值的字段。",
    }
    page_newest(count) { en: "The newest {count} messages", zh: "最新的 {count} 条消息" }
    page_newest_note() {
        en: "Older ones are in the totals, and one by one in the file (`tributary client sent`).",
        zh: "更早的消息计入合计，并可在记录文件中逐条查看（`tributary client sent`）。",
    }
    page_all() { en: "all", zh: "全部" }
    page_meaning() { en: "what it is", zh: "含义" }
    page_about() { en: "numbers about customers", zh: "与客户有关的数值" }
    page_masked_only() { en: "one vector, clipped, noised and masked", zh: "一个向量，已裁剪、加噪并掩码" }
    page_count() { en: "messages", zh: "消息数" }
    page_bytes() { en: "bytes", zh: "字节" }
    page_of(some, all) { en: "{some} of {all}", zh: "{all} 个中 {some} 个" }
    page_to() { en: "to whom", zh: "接收方" }
    page_round() { en: "round", zh: "轮次" }
    page_time() { en: "time", zh: "时间" }
    page_digest() { en: "digest", zh: "摘要" }
    join() { en: "asks to be let into a run", zh: "请求加入运行" }
    accept() { en: "takes part in a run, with what was spent of the budget", zh: "参加运行，附预算使用情况" }
    not_ready() { en: "does not take part yet: its data are not ready", zh: "暂不参加：数据尚未就绪" }
    refuse() { en: "does not take part", zh: "不参加" }
    keys() { en: "public keys of a session", zh: "会话公钥" }
    contribution() { en: "a share of the seed by which neighbours are drawn", zh: "用于抽取邻居的种子份额" }
    encapsulations() { en: "encapsulated secrets for other members", zh: "发给其他成员的封装密钥" }
    deal() { en: "sealed shares of secrets for other members", zh: "发给其他成员的加密秘密份额" }
    setup_ack() { en: "says that the set-up of a session is complete here", zh: "确认本方会话建立完成" }
    masked() { en: "a masked vector, with what was spent of the budget", zh: "掩码后的向量，附预算使用情况" }
    survivors_ack() { en: "signs who is in the sum of a round", zh: "签署计入该轮总和的成员名单" }
    unmask() { en: "shares that open the sum of a round", zh: "用于开启该轮总和的份额" }
    proofs() { en: "proofs of shares that others dealt", zh: "对他方所发份额的证明" }
    abandon() { en: "gives a session up", zh: "放弃会话" }
    leave() { en: "leaves a run", zh: "退出运行" }
    about() { en: "the release of this program", zh: "本程序版本" }
    model_piece() { en: "asks for a piece of a model", zh: "请求模型的一部分" }
    model_copy() { en: "says, signed, which statement about a model it follows, and whether it keeps a copy", zh: "以签名声明所遵循的模型声明，以及是否保存副本" }
    witness() { en: "a word as a witness of the coordinator's journal", zh: "作为协调方日志见证方的声明" }
}
