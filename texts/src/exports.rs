//! The register of exports, for people.

use crate::texts;

texts! {
    none() { en: "nothing was exported yet", zh: "尚无导出记录" }
    line(number, kind, model, recipient, made, until, state) {
        en: "{number}  {kind}  model {model}  for {recipient}, made {made}, until {until}: {state}",
        zh: "{number}  {kind}  模型 {model}  接收方 {recipient}，导出日 {made}，有效期至 {until}：{state}",
    }
    valid() { en: "valid", zh: "有效" }
    trial() { en: "valid for trial: nobody has promoted the model", zh: "仅供试用：模型尚未晋升" }
    expired() { en: "EXPIRED: nobody may use it any more", zh: "已过期，不得再使用" }
    void() { en: "VOID: the model was withdrawn; have the recipient delete the file", zh: "作废：模型已撤回，请接收方删除文件" }
}
