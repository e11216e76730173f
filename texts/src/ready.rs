//! Of which day a branch's data are, and its operator's word that they are ready.

use crate::texts;

texts! {
    wants(name, number, plan, as_of) {
        en: "{name} run {number} ({plan}/{number}) wants data of {as_of}",
        zh: "{name} 第 {number} 次运行（{plan}/{number}）需要 {as_of} 的数据",
    }
    lacking(wants, said, run) {
        en: "{wants}; {said}. Put the data of that day in place, look at them (`tributary client dataset check`), and say that they are ready: `tributary client ready --run {run}`",
        zh: "{wants}；{said}。请放入当日的数据，查看（`tributary client dataset check`），然后声明已就绪：`tributary client ready --run {run}`",
    }
    last_word(date) {
        en: "the last data that were said to be ready are of {date}",
        zh: "最近一次声明就绪的是 {date} 的数据",
    }
    no_word() { en: "nobody has said here that any data are ready", zh: "本机还没有人声明任何数据已就绪" }
    replaced(wants, before, run) {
        en: "{wants}: {before}. Put the first one back, or look at the new one (`tributary client dataset check`) and say that it is ready: `tributary client ready --run {run}`",
        zh: "{wants}：{before}。请放回原来的文件，或查看新文件（`tributary client dataset check`）并声明它已就绪：`tributary client ready --run {run}`",
    }
    joined_with_another() {
        en: "the run was joined with another file than the one that is here now",
        zh: "参加该运行时使用的文件与现在的文件不同",
    }
    said_of_another() {
        en: "another file was said to be ready than the one that is here now",
        zh: "声明就绪的文件与现在的文件不同",
    }
    nothing_said() { en: "nothing was said to be ready", zh: "没有声明过任何数据已就绪" }
    not_kept_by_us(path) {
        en: "{path}: this is not what `tributary client ready` or the daemon writes there, so it is not believed; remove the file, and give the word again (`tributary client ready`)",
        zh: "{path}：这不是 `tributary client ready` 或服务写入的内容，因此不予采信；请删除该文件，并重新声明（`tributary client ready`）",
    }
    nothing_ready(what) { en: "nothing is said to be ready: {what}", zh: "没有声明任何数据已就绪：{what}" }
    no_file_named() { en: "the settings name no file", zh: "配置中没有指定文件" }
    two_days(file, date, other, found) {
        en: "{file} is of {date} and {other} is of {found}: the two are of one data set, and have one day; export both anew",
        zh: "{file} 属于 {date}，而 {other} 属于 {found}：两者同属一个数据集，日期必须相同；请重新导出两者",
    }
    not_usable() {
        en: "a run would not use these files; `tributary client dataset check` says why",
        zh: "运行不会使用这些文件；原因见 `tributary client dataset check`",
    }
    said_ready(path, date, digest) {
        en: "{path}: the data of {date} are said to be ready, SHA-256 {digest}",
        zh: "{path}：已声明 {date} 的数据就绪，SHA-256 校验值 {digest}",
    }
    run_joins(name, number) { en: "{name} run {number} is joined with them", zh: "{name} 第 {number} 次运行将使用这些数据" }
    next_joins(date) {
        en: "the next run that wants data of {date} is joined with them",
        zh: "下一次需要 {date} 数据的运行将使用这些数据",
    }
    heard(whom) {
        en: "{whom}; a daemon that runs hears of it within a second",
        zh: "{whom}；正在运行的服务会在一秒内得知",
    }
    file_of_another_day(date) {
        en: "data.file is, byte for byte, the file of {date}: the export may not have run; look at it before this is learned from twice",
        zh: "data.file 与 {date} 的文件逐字节相同：导出可能没有执行；请先检查，以免重复学习",
    }
    another_file_of_the_day(date, digest) {
        en: "another file of {date} was said to be ready before, with SHA-256 {digest}: look which of the two is meant",
        zh: "此前已声明 {date} 的另一个文件就绪，SHA-256 校验值 {digest}：请确认应使用哪一个",
    }
    asking(plan, number, name, as_of) {
        en: "{plan}/{number} ({name}, data of {as_of})",
        zh: "{plan}/{number}（{name}，{as_of} 的数据）",
    }
    nobody() { en: "none", zh: "无" }
    later_day(date, names) {
        en: "these data are of {date}, and a run asks for a later day. The runs that ask are: {names}. Put the data of their day in place",
        zh: "这些数据属于 {date}，而有运行需要更晚的日期。正在等待的运行：{names}。请放入它们所需日期的数据",
    }
    no_such_run(text, names) {
        en: "{text} names no run that asks, or more than one. The runs that ask are: {names}. Before a run asks, `--next` gives the word for the day of the data",
        zh: "{text} 没有对应的等待中的运行，或对应多个。正在等待的运行：{names}。在运行提出之前，用 `--next` 按数据的日期声明",
    }
    other_day(name, number, as_of, date) {
        en: "{name} run {number} wants data of {as_of}, and these are of {date}. Put the data of {as_of} in place",
        zh: "{name} 第 {number} 次运行需要 {as_of} 的数据，而这些数据属于 {date}。请放入 {as_of} 的数据",
    }
    stamp_absent(path, table) {
        en: "{path}: there is no such ready file, so nobody has said of which day {table} is, and that it is whole. Whoever exports the table writes it last (three lines, docs/OPERATING.md); by hand: `tributary client dataset stamp`",
        zh: "{path}：没有这个就绪文件，因此没有人说明 {table} 属于哪一天、是否完整。导出数据表的人应在最后写入它（三行，见 docs/OPERATING.md）；手工写入：`tributary client dataset stamp`",
    }
    stamp_form(path, what) {
        en: "{path}: {what}, so the ready file is not believed. It has three lines: `tributary data 1`, `date YYYY-MM-DD`, and what `sha256sum` prints for the table in its folder",
        zh: "{path}：{what}，因此不采信该就绪文件。它应有三行：`tributary data 1`、`date YYYY-MM-DD`，以及在该文件夹中对数据表执行 `sha256sum` 的输出",
    }
    stamp_differs(table, said, found) {
        en: "{table}: its ready file says SHA-256 {said}, and the file that was read has {found}: it was replaced, changed or cut after it was exported. Nothing of it is used; export the table anew, and its ready file after it",
        zh: "{table}：就绪文件中的 SHA-256 是 {said}，而读取的文件是 {found}：它在导出之后被替换、修改或截断。不会使用其中任何内容；请重新导出数据表，然后写入就绪文件",
    }
    database_undated(name) {
        en: "{name}: nobody says of which day these rows are. Add `date_query` to the mapping, or name the day in the settings (data.date)",
        zh: "{name}：没有人说明这些数据行属于哪一天。请在映射中加入 `date_query`，或在设置中写明日期（data.date）",
    }
    stamp_of_database(name) {
        en: "{name}: a database has no ready file beside it, and none was written. Its day is said by `date_query` of the mapping, or by the settings (data.date)",
        zh: "{name}：数据库旁边没有就绪文件，没有写入任何文件。它的日期由映射的 `date_query` 或设置（data.date）说明",
    }
    stamp_too_long() { en: "it is longer than 4096 bytes", zh: "它超过 4096 字节" }
    stamp_title() { en: "its first line is not `tributary data 1`", zh: "第一行不是 `tributary data 1`" }
    stamp_date() {
        en: "its second line is not `date YYYY-MM-DD` with a day of the calendar",
        zh: "第二行不是带有日历日期的 `date YYYY-MM-DD`",
    }
    stamp_sum() { en: "its third line is no line of `sha256sum`", zh: "第三行不是 `sha256sum` 的输出" }
    stamp_digits() {
        en: "its third line does not begin with 64 hexadecimal digits",
        zh: "第三行开头不是 64 位十六进制数字",
    }
    stamp_of_another() {
        en: "its third line names another file than the table beside it",
        zh: "第三行所写的文件不是旁边的数据表",
    }
    stamp_too_many() { en: "it has more than three lines", zh: "它超过三行" }
    stamp_name() {
        en: "the table's own name has a character that a line cannot have",
        zh: "数据表的文件名含有一行中不能出现的字符",
    }
    asks(name, number, as_of, plan) {
        en: "{name} run {number} wants data of {as_of}: `tributary client ready --run {plan}/{number}`",
        zh: "{name} 第 {number} 次运行需要 {as_of} 的数据：`tributary client ready --run {plan}/{number}`",
    }
    joined_before(date, digest) {
        en: "  it was joined before with the data of {date}, SHA-256 {digest}",
        zh: "  此前参加时使用的是 {date} 的数据，SHA-256 校验值 {digest}",
    }
    nobody_asks() { en: "no run waits for a word here", zh: "没有运行在等待声明" }
    last(date, digest) {
        en: "the last word: data of {date}, SHA-256 {digest}",
        zh: "最近一次声明：{date} 的数据，SHA-256 校验值 {digest}",
    }
    never() { en: "no word was given here yet", zh: "本机还没有声明过" }
}
