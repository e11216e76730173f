//! Scores of customers at a branch: which model is used, what was made, and what was not.

use crate::{Said, texts};

texts! {
    no_champion() {
        en: "no model is the champion for this branch. Nobody was scored. A model becomes one by the statement of two people (`tributary model promote`). A running daemon hears of it. Until then name a model by its digest",
        zh: "本分行没有冠军模型，因此没有评分。模型须经两人签署声明才能成为冠军（`tributary model promote`），运行中的服务会收到该声明。在此之前可用摘要指定模型",
    }
    no_challenger() {
        en: "no model is a challenger for this branch. Nobody was scored. Use the champion, or name a model by its digest",
        zh: "本分行没有挑战者模型，因此没有评分。请使用冠军模型，或用摘要指定模型",
    }
    several(name, models) {
        en: "{name} means several models of this branch. Nobody was scored. Name one by the first digits of its digest:{models}",
        zh: "{name} 对应本分行的多个模型，因此没有评分。请用摘要的前几位指定其中一个：{models}",
    }
    no_name_of_a_model() {
        en: "a model is named by the words champion or challenger, or by the first 8 digits of its digest or more",
        zh: "请用 champion 或 challenger 指定模型，或用其摘要的前 8 位或更多位",
    }
    unknown_model(model) {
        en: "{model}: this branch was told of no such model. Nobody was scored. Ask the plan owner for the digest. A running daemon hears of models",
        zh: "{model}：本分行没有收到过关于该模型的声明，因此没有评分。请向计划负责人核对摘要；运行中的服务会收到模型的声明",
    }
    withdrawn(model) {
        en: "{model}: the model was withdrawn. Nobody is scored by it any more, and nothing lifts that. Scores that were made by it must not be used. Use the champion",
        zh: "{model}：该模型已被撤回，不得再用于评分，且无法恢复。用它得出的评分不得使用。请使用冠军模型",
    }
    retired(model) {
        en: "{model}: the use of the model has ended. Nobody was scored. Use the champion",
        zh: "{model}：该模型已停用，不再用于评分。请使用冠军模型",
    }
    other_schema(model, its, file, own) {
        en: "{model}: the model is for the schema {its}, and {file} is the schema {own}. It scored nobody. Name the model's schema in the settings (`data.schema`), or another model",
        zh: "{model}：该模型用于模式 {its}，而 {file} 是模式 {own}，因此没有用它评分。请在设置中指定模型的模式（`data.schema`），或使用其他模型",
    }
    models_cut(ledger, one, other) {
        en: "{ledger}: this branch has heard of later statements about models than this file has, by the notes {one} and {other}. The file was cut or lost, or an older copy was put back. A model that was withdrawn may look usable in it, so nobody is scored and no list is made. Start the daemon: once it is connected it is told of them again. Or put back the newest copy of the state folder",
        zh: "{ledger}：根据 {one} 和 {other} 的记录，本分行收到过比此文件更新的模型声明。该文件被截断、丢失，或被旧副本覆盖，已撤回的模型在其中可能看似可用，因此不评分、不生成名单。请启动服务，连接后会重新收到这些声明；或恢复状态文件夹的最新备份",
    }
    not_granted(model, purpose) {
        en: "{model}: no grant of the data's owner lets this branch keep a model for {purpose} now. It scored nobody. Ask the owner for one (`tributary client authorise grant`, with `--keep-models`)",
        zh: "{model}：目前没有数据负责人的授权允许本分行保存用于 {purpose} 的模型，因此不用它评分。请向负责人申请授权（`tributary client authorise grant`，并给出 `--keep-models`）",
    }
    not_kept(model) {
        en: "{model}: the model may be kept here, and its files are not here yet or no more. It scored nobody. A daemon that is connected fetches the champion: `tributary client status` shows whether one is",
        zh: "{model}：本分行可以保存该模型，但其文件尚未取得或已不在，因此没有用它评分。已连接的服务会获取冠军模型：`tributary client status` 显示是否已连接",
    }
    damaged(path, model) {
        en: "{path}: these are not the parameters of the model {model}. It scored nobody. Delete its folder while the daemon is stopped, and start the daemon: it fetches the model again",
        zh: "{path}：这不是模型 {model} 的参数，因此没有用它评分。请停止服务、删除该模型的文件夹，再启动服务重新获取",
    }
    without_value(field) { en: "{field} (no value)", zh: "{field}（无数据）" }
    parquet_has_no_encoding(path) {
        en: "{path}: a Parquet file holds its texts in UTF-8. Leave `--encoding` away, or give the file a name that ends otherwise",
        zh: "{path}：Parquet 文件的文本使用 UTF-8。请去掉 `--encoding`，或使用其他扩展名",
    }
    input_beside_a_database(path) {
        en: "{path}: this branch's rows come from a database by the signed mapping, so that no file takes their place. Leave `--input` away",
        zh: "{path}：按已签署的映射，本分行的数据行来自数据库，不能用文件代替。请去掉 `--input`",
    }
    output_is_a_folder(path) {
        en: "{path}: this is no name of a file. Give the file of scores a name",
        zh: "{path}：这不是文件名。请给出评分文件的名称",
    }
    no_folder(path, folder) {
        en: "{path}: {folder} is no folder. Make it, with mode 0700, or give another place",
        zh: "{path}：{folder} 不是文件夹。请先建立它（权限 0700），或给出其他位置",
    }
    output_is_read(path) {
        en: "{path}: this file is read, and would be replaced by the scores. Give another place",
        zh: "{path}：该文件是要读取的文件，写入评分会将其替换。请给出其他位置",
    }
    output_is_another_file(path) {
        en: "{path}: a file is there, or beside it a note FILE.json, that no scoring has made. Nothing was written. Remove it, or give another place",
        zh: "{path}：此处或旁边的说明文件（FILE.json）已有并非评分所生成的文件。没有写入任何内容。请删除它，或给出其他位置",
    }
    output_has_no_note(path) {
        en: "{path}: the note FILE.json, which belongs beside it, would have a name that is too long. Nothing was written. Give the file of scores a shorter name",
        zh: "{path}：旁边的说明文件（FILE.json）的名称将超出长度限制。没有写入任何内容。请为评分文件改用较短的名称",
    }
    output_is_a_draft(path) {
        en: "{path}: such names are kept for unfinished files, which the next command deletes. Nothing was written. Give the file of scores another name",
        zh: "{path}：未完成的文件使用这类名称，下一条命令会将其删除。没有写入任何内容。请给评分文件另一个名称",
    }
    output_folder_changed(path, folder) {
        en: "{path}: its folder was {folder} when the scoring began, and is another one now. It was renamed, or a link was turned. Nothing was placed. Score again",
        zh: "{path}：评分开始时其文件夹是 {folder}，现在已是另一个文件夹（被重命名，或链接指向了别处）。未生成评分文件。请重新评分",
    }
    unfinished_stays(path) {
        en: "  {path} was left unfinished by an interruption, and cannot be deleted. It may have customers in it: delete it yourself",
        zh: "  {path} 是中断后遗留的未完成文件，无法删除，其中可能含有客户信息：请自行删除",
    }
    unfinished_deleted(path) {
        en: "  {path} was left unfinished by an interruption: it is deleted",
        zh: "  {path} 是中断后遗留的未完成文件，已删除",
    }
    table_not_usable() {
        en: "the table does not look like the one that the schema means. Nobody was scored, and nothing was written:",
        zh: "该数据表看来不是模式所指的数据表，因此没有评分，也没有写入任何内容：",
    }
    no_rows() {
        en: "the table has no row of a customer who may be scored; nothing was written",
        zh: "数据表中没有可评分的客户，没有写入任何内容",
    }
    state_candidate() { en: "candidate", zh: "候选模型" }
    state_challenger() { en: "challenger", zh: "挑战者模型" }
    state_pilot() { en: "pilot", zh: "试点模型" }
    state_champion() { en: "champion", zh: "冠军模型" }
    state_retired() { en: "retired", zh: "已停用模型" }
    state_withdrawn() { en: "withdrawn", zh: "已撤回模型" }
    made(path, customers, model, state, purpose) {
        en: "{path}: {customers} customers, scored by the {state} {model} for {purpose}",
        zh: "{path}：已评分 {customers} 个客户，使用{state} {model}（用途 {purpose}）",
    }
    made_beside(customers, model, state, percent) {
        en: "  {customers} of them by the {state} {model}: it scores {percent} % of the customers",
        zh: "  其中 {customers} 个客户由{state} {model} 评分：它为 {percent}% 的客户评分",
    }
    challenger_absent(why) {
        en: "a challenger scores a share of the customers, and cannot do so here now. The champion scores all: {why}",
        zh: "挑战者模型应为部分客户评分，但目前在此不能使用。全部客户由冠军模型评分：{why}",
    }
    no_turns() {
        en: "a challenger scores a share of the customers, and the schema has no column of customers. So nobody knows who is its customer, and the champion scores all",
        zh: "挑战者模型应为部分客户评分，但模式没有客户列，无法确定哪些客户由它评分。全部客户由冠军模型评分",
    }
    rows_read(rows, faulty, elsewhere, withheld, repeated) {
        en: "  {rows} rows; left out: {faulty} with a fault, {elsewhere} of other branches, {withheld} of customers who have not agreed or have refused, {repeated} further rows of a customer",
        zh: "  共 {rows} 行；未使用：{faulty} 行有错误，{elsewhere} 行属于其他分行，{withheld} 行的客户未同意或已拒绝，{repeated} 行为同一客户的其余行",
    }
    of_day(day, until) {
        en: "  data of {day}; the scores may be used until {until}",
        zh: "  数据日期 {day}；评分的有效期至 {until}",
    }
    of_no_day(until) {
        en: "  of which day the data are nobody says; the scores may be used until {until}",
        zh: "  没有说明数据日期；评分的有效期至 {until}",
    }
    warns(what) { en: "  warning: {what}", zh: "  警告：{what}" }
    serving(place, model, state) {
        en: "scores are served at {place}, by the {state} {model}",
        zh: "评分服务位于 {place}，使用{state} {model}",
    }
    served() { en: "scores are served no more", zh: "评分服务已停止" }
    no_socket(path, fault) {
        en: "{path}: no socket can be made here ({fault}), so that nothing is served. A path has 100 bytes at most: name a shorter one (`--socket`)",
        zh: "{path}：无法在此建立套接字（{fault}），因此没有提供服务。路径最多 100 字节：请指定更短的路径（`--socket`）",
    }
    socket_in_use(path) {
        en: "{path}: another process serves here. Stop it, or name another socket (`--socket`)",
        zh: "{path}：已有其他进程在此提供服务。请停止它，或指定其他套接字（`--socket`）",
    }
    no_loopback(address) {
        en: "{address}: scores are served on this machine alone. Give an address such as 127.0.0.1:8471, and let a program of this machine ask",
        zh: "{address}：评分服务只在本机提供。请给出如 127.0.0.1:8471 的地址，由本机的程序访问",
    }
    no_address(address, fault) {
        en: "{address}: nothing can be listened on here ({fault}). Name another port",
        zh: "{address}：无法在此监听（{fault}）。请指定其他端口",
    }
}

/// What a model is, of the word that files and programs have for it.
#[must_use]
pub fn state(word: &str) -> Said {
    match word {
        "candidate" => state_candidate(),
        "challenger" => state_challenger(),
        "pilot" => state_pilot(),
        "champion" => state_champion(),
        "retired" => state_retired(),
        "withdrawn" => state_withdrawn(),
        other => Said::verbatim(other),
    }
}
