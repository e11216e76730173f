//! What a person at a terminal is asked before something is signed, or said to be ready.

use crate::texts;

texts! {
    nothing_signed() { en: "nothing is signed", zh: "没有签署任何内容" }
    sign() { en: "sign", zh: "签署" }
    nothing_ready() { en: "nothing is said to be ready", zh: "没有声明任何数据已就绪" }
    say_so() { en: "say so", zh: "声明" }
    other_digest(undone, named, what, digest, first, verb) {
        en: "{undone}: {named} is not the digest of {what}, {digest}. {first}, then {verb} with --confirm and that digest",
        zh: "{undone}：{named} 不是{what}的摘要，正确的是 {digest}。{first}，然后用 --confirm 加该摘要{verb}",
    }
    no_terminal(undone, first, verb, what) {
        en: "{undone}: there is no terminal to ask at. {first}, then {verb} with --confirm and the digest of {what}",
        zh: "{undone}：没有可以提问的终端。{first}，然后用 --confirm 加{what}的摘要{verb}",
    }
    then_answer(first) { en: "{first}. Then answer.", zh: "{first}。然后回答。" }
    wrong_answer(undone, again) {
        en: "{undone}: the answer is another one. {again}",
        zh: "{undone}：回答不对。{again}",
    }
    not_asked(undone, fault) { en: "{undone}: {fault}", zh: "{undone}：{fault}" }
    group_to_sign(number, what) {
        en: "If you have read all of it and sign it: group {number} of the eight of the {what}'s digest",
        zh: "如果您已全部阅读并同意签署：请输入{what}摘要八组中的第 {number} 组",
    }
    group_of_data(number) {
        en: "If you have read all of it, and the data are right: group {number} of the eight of the data set's digest",
        zh: "如果您已全部阅读，并且数据无误：请输入数据集摘要八组中的第 {number} 组",
    }
    raise() { en: "raise", zh: "提高申请" }
    this_raise() { en: "this raise", zh: "这份提高申请" }
    read_raise() { en: "Read the raise above", zh: "请阅读上面的提高申请" }
    read_raise_again() { en: "Read the raise again", zh: "请重新阅读提高申请" }
    raise_to_sign(action, staff, role, federation, groups) {
        en: "\nTo be signed: {action} by {staff} as {role}, in the federation {federation}\nthe raise {groups}",
        zh: "\n待签署：{action}，签署人 {staff}，角色 {role}，联邦 {federation}\n提高申请 {groups}",
    }
    data_set() { en: "this data set with its changes", zh: "这个数据集及其变化" }
    read_asks() { en: "Read every line that begins with ASK", zh: "请阅读每一行“请确认（ASK）”" }
    look_again() {
        en: "Look at the data again (`tributary client dataset check`)",
        zh: "请重新查看数据（`tributary client dataset check`）",
    }
    data_to_confirm(groups) {
        en: "\nTo be confirmed: the data set {groups}",
        zh: "\n待确认：数据集 {groups}",
    }
    digest_is(digest) { en: "the digest is {digest}", zh: "摘要是 {digest}" }
}
