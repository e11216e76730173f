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
    changed(path, fault) {
        en: "{path}: {fault}. What stands before it is whole and is shown above. Keep the file as evidence",
        zh: "{path}：{fault}。该处之前的内容完整，已显示在上方。请保留该文件作为证据",
    }
}
