//! Whether what a branch sent is in a sum.

use crate::texts;

texts! {
    not_sent(file, round, run) {
        en: "{file}: nothing left this branch in round {round} of the run {run}. A run is named by its plan's digest, or the first 8 or more letters of it, and its number: 9f86d081/2",
        zh: "{file}：在运行 {run} 的第 {round} 轮中，本分行没有发出任何内容。运行用计划摘要（或其前 8 位以上）和编号表示：9f86d081/2",
    }
    in_sum(vector, round, by, entry, client, sum, vectors) {
        en: "What this branch sent in round {round} is in the sum.\n  sent     {vector}, by {by}\n  admitted by entry {entry} of the coordinator's journal, signed by client {client}\n  sum      {sum} of {vectors} vectors, this one among them",
        zh: "本分行在第 {round} 轮发出的内容已计入总和。\n  发出     {vector}（依据{by}）\n  接收     协调方日志的第 {entry} 条，由编号 {client} 的分行签名\n  总和     {sum}，共 {vectors} 个向量，其中包括这一个",
    }
    by_both() { en: "this branch's own sent.log and budget file", zh: "本分行自己的 sent.log 和预算文件" }
    by_sent() { en: "this branch's own sent.log; its budget file does not have the round", zh: "本分行自己的 sent.log；预算文件没有该轮" }
    by_budget() { en: "this branch's own budget file; its sent.log does not have the round", zh: "本分行自己的预算文件；sent.log 没有该轮" }
    records_differ(file, left, charged) {
        en: "{file}: {left} left this branch in the round, and the budget file says {charged}. One of the two files was changed or put back from a copy; keep both as evidence",
        zh: "{file}：该轮本分行发出 {left}，而预算文件为 {charged}。两个文件之一被更改或由副本恢复；请保留二者作为证据",
    }
    recomputed() {
        en: "  The uploads of the round are in the bundle, and the sum was recomputed from them.",
        zh: "  该轮的上传内容在审计包中，总和已据此重新计算。",
    }
    not_recomputed() {
        en: "  The uploads of the round are not in the bundle. A quorum of the branches signed the list in which this one stands; the sum was not recomputed.",
        zh: "  该轮的上传内容不在审计包中。法定数量的分行签署了包含这一个的清单；总和没有重新计算。",
    }
    not_in_sum(why) {
        en: "What this branch sent is NOT shown to be in the sum: {why}",
        zh: "不能证明本分行发出的内容已计入总和：{why}",
    }
    bundle_stands(standing) {
        en: "The bundle itself stands as {standing}; `tributary verify audit` says why.",
        zh: "审计包本身的核验结论为 {standing}；原因见 `tributary verify audit`。",
    }
}
