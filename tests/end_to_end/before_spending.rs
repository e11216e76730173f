//! What an analyst types before a budget is spent: the page's own commands, and everything that can be typed wrongly.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{EXECUTABLE, Finished, finished};

/// A desk with a schema of invented customers, and public rows with a schema of their own.
struct Desk(tempfile::TempDir);

const PUBLIC: &str = r#"
name = "public"
version = 1
necessity = "a test"
fields = [
    { name = "age", kind = "numeric", min = 0, max = 9, transform = "bins", edges = [1, 2, 3, 4, 5, 6, 7, 8], class = "C1", level = "L1" },
    { name = "open", kind = "categorical", categories = ["yes", "no"], class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["1"], negative = ["0"] }]
"#;

impl Desk {
    fn set() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/samples/schemas/deposit_churn_bins.toml");
        fs::copy(sample, desk.0.path().join("schema.toml")).unwrap();
        desk.write("public.toml", PUBLIC);
        let [mut rows, mut partition, mut split] =
            ["age,open,churn\n", "row,branch\n", "row,y,part\n"].map(str::to_owned);
        let mut drawn = 1_u32;
        for row in 0..400 {
            drawn = drawn.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Old customers leave, but for one of eight.
            let age = (drawn >> 16) % 10;
            let leaves = u32::from((age > 5) != (drawn >> 24).is_multiple_of(8));
            writeln!(rows, "{age},{},{leaves}", ["yes", "no"][(drawn >> 28) as usize % 2]).unwrap();
            writeln!(partition, "{row},{}", row % 8).unwrap();
            writeln!(split, "{row},{leaves},{}", if row % 5 == 4 { "test" } else { "train" }).unwrap();
        }
        desk.write("rows.csv", &rows);
        desk.write("partition.csv", &partition);
        desk.write("split.csv", &split);
        desk
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    /// Types a line into a shell in this folder, after the executable's name.
    fn typed(&self, line: &str) -> Finished {
        let mut command = Command::new(EXECUTABLE);
        command.env("LC_ALL", "C").current_dir(self.0.path());
        finished(&command.args(line.split_whitespace()).output().unwrap())
    }

    fn done(&self, line: &str) -> Finished {
        let done = self.typed(line);
        assert_eq!(done.code, Some(0), "{line}: {} {}", done.out, done.err);
        done
    }
}

/// The commands of the page, as they stand there.
fn commands() -> Vec<String> {
    let page = include_str!("../../docs/BEFORE_SPENDING.md");
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("tributary ")).map(str::to_owned).collect()
}

#[test]
fn the_page_is_typed_from_its_first_command_to_its_last() {
    let desk = Desk::set();
    let mut told = Vec::new();
    for command in commands() {
        told.push((desk.done(&command), command));
    }
    let of = |words: &str| &told.iter().find(|(_, command)| command.contains(words)).unwrap().0;
    let first = &of("--fields 16").out;
    assert!(first.contains("proposed  ") && first.contains("Why") && first.contains("half as many fields"), "{first}");
    let chinese = &of("--lang zh").out;
    assert!(chinese.contains("建议") && chinese.contains("每年 4 次运行"), "{chinese}");
    let few = of("--customers 900").json();
    assert!(few["verdict"] == "nothing" && few["next"][1].as_u64().unwrap() > 900, "{few}");
    assert!(few["proposed"]["predicted"]["score_noise"].as_f64().unwrap() > 0.0, "{few}");
    let lint = &of("plan lint").out;
    assert!(!lint.contains("FAULT") && lint.contains("noise in a customer's score"), "{lint}");

    let tried = &of("--synthetic 10").out;
    for words in [
        "public or invented",
        "nothing was spent",
        "The plan states 40000",
        "Label churn",
        "lift at 10 %",
        "measured over the runs",
    ] {
        assert!(tried.contains(words), "{words}: {tried}");
    }
    let public = of("--data rows.csv").json();
    assert_eq!((&public["spent"], &public["branches"], &public["customers"]), (&0.0.into(), &8.into(), &320.into()));
    let auc = |of: &serde_json::Value| of["auc"]["mean"].as_f64().or(of["auc"].as_f64()).unwrap();
    let [plan, central, alone] = ["plan", "central", "alone"].map(|whose| auc(&public[whose][0]));
    assert!(central > 0.8 && plan > 0.6 && alone > 0.6, "{public}");
    assert!(public["plan"][0]["auc"]["stddev"].is_number() && public["epsilon"].as_f64().unwrap() <= 8.0, "{public}");
    let noise = ["score_noise_predicted", "score_noise_measured"].map(|key| public[key].as_f64().unwrap());
    assert!(noise.iter().all(|noise| *noise > 0.0), "{public}");
}

/// Each with what is said about it, and the exit code.
#[test]
fn what_is_typed_wrongly_is_explained() {
    let desk = Desk::set();
    desk.done("plan advise --customers 320 --branches 8 --schema public.toml --epsilon 8 --output plan.toml");
    desk.done("plan build plan.toml --out plan.tributary");
    desk.write("bad.toml", "name = 1\n");
    desk.write("short.csv", "row,branch\n0,0\n");
    desk.write("train.csv", &fs::read_to_string(desk.0.path().join("split.csv")).unwrap().replace("test", "train"));
    desk.write("odd.csv", &fs::read_to_string(desk.0.path().join("rows.csv")).unwrap().replace("age,open", "age,shut"));
    let advise = "plan advise --customers 5000 --branches 20";
    let rows = "--data rows.csv --partition partition.csv --split split.csv";
    let cases = [
        (format!("{advise} --epsilon 1"), 64, "--fields"),
        (format!("{advise} --fields 9"), 64, "--epsilon"),
        (format!("{advise} --fields 9 --schema public.toml --epsilon 1"), 64, "cannot be used with"),
        (format!("{advise} --fields 9 --epsilon 1 --budget-year 4"), 64, "cannot be used with"),
        (format!("{advise} --fields 0 --epsilon 1"), 64, "1..=128"),
        (format!("{advise} --fields 129 --epsilon 1"), 64, "1..=128"),
        (format!("{advise} --fields 9 --epsilon 0"), 64, "above 0"),
        (format!("{advise} --fields 9 --epsilon -1"), 64, "above 0"),
        (format!("{advise} --fields 9 --epsilon nan"), 64, "above 0"),
        (format!("{advise} --fields 9 --epsilon 101"), 64, "at most 100"),
        (format!("{advise} --fields 9 --epsilon 1 --delta 0.5"), 64, "--delta 0.5 is out of range"),
        (format!("{advise} --fields 9 --epsilon 1 --delta 0.001"), 64, "revealed in full"),
        (format!("{advise} --fields 9 --budget-year 0"), 64, "above 0"),
        (format!("{advise} --fields 9 --budget-year 0.001 --runs 1000"), 64, "does not pay"),
        (format!("{advise} --fields 9 --budget-year 4 --runs 0"), 64, "--runs"),
        (format!("{advise} --fields 9 --epsilon 1 --runs 4"), 64, "--budget-year"),
        (format!("{advise} --fields 9 --epsilon 1 --lang fr"), 64, "possible values"),
        (format!("{advise} --fields 9 --epsilon 1 --output new.toml"), 64, "--schema"),
        (format!("{advise} --fields 9 --year plan.tributary"), 64, "--kind"),
        (format!("{advise} --fields 9 --year plan.tributary --kind churn"), 1, "year"),
        (format!("{advise} --schema gone.toml --epsilon 1"), 1, "gone.toml"),
        (format!("{advise} --schema bad.toml --epsilon 1"), 2, "bad.toml"),
        (format!("{advise} --schema public.toml --epsilon 1 --output plan.toml"), 1, "plan.toml"),
        ("plan advise --customers 0 --branches 20 --fields 9 --epsilon 1".into(), 64, "--customers"),
        ("plan advise --customers 5000 --branches 7 --fields 9 --epsilon 1".into(), 64, "too few"),
        ("plan advise --customers 5000 --branches 257 --fields 9 --epsilon 1".into(), 64, "too many"),
        ("plan advise --customers 9 --branches 20 --fields 9 --epsilon 1".into(), 64, "each branch needs one"),
        ("plan try --plan plan.toml".into(), 64, "--data"),
        (format!("plan try --plan plan.toml --synthetic 8 {rows}"), 64, "cannot be used with"),
        ("plan try --plan plan.toml --data rows.csv --partition partition.csv".into(), 64, "--split"),
        ("plan try --plan plan.toml --synthetic 0".into(), 64, "1..=256"),
        ("plan try --plan plan.toml --synthetic 8".into(), 1, "deposit_churn"),
        ("plan try --plan plan.toml --synthetic 8 --customers-per-branch 5".into(), 64, "20..=100000"),
        (format!("plan try --plan plan.toml --seeds 0 {rows}"), 64, "1..=100"),
        (format!("plan try --plan plan.toml --seed 3 {rows}"), 64, "--synthetic"),
        ("plan try --plan plan.toml --synthetic 8 --partition partition.csv".into(), 64, "--data <FILE>"),
        (format!("plan try --plan gone.toml {rows}"), 1, "gone.toml"),
        (format!("plan try --plan bad.toml {rows}"), 2, "bad.toml"),
        (format!("plan try --plan plan.tributary {rows}"), 64, "--schema"),
        (format!("plan try --plan plan.tributary --schema schema.toml {rows}"), 1, "the plan's own schema"),
        (
            "plan try --plan plan.toml --data rows.csv --partition short.csv --split split.csv".into(),
            1,
            "row 1 of the data is missing",
        ),
        (
            "plan try --plan plan.toml --data rows.csv --partition partition.csv --split train.csv".into(),
            1,
            "nothing can be judged",
        ),
        ("plan try --plan plan.toml --data odd.csv --partition partition.csv --split split.csv".into(), 1, "open"),
        ("plan try --plan plan.toml --data gone.csv --partition partition.csv --split split.csv".into(), 1, "gone.csv"),
    ];
    for (line, code, said) in cases {
        let refused = desk.typed(&line);
        assert_eq!(refused.code, Some(code), "{line}: {} {}", refused.out, refused.err);
        assert!(
            refused.err.contains(said) && refused.out.is_empty(),
            "{line}: {said}: {} {}",
            refused.out,
            refused.err
        );
    }
    // Three branches are no cohort.
    desk.done("plan advise --customers 640 --branches 8 --schema schema.toml --epsilon 4 --output small.toml");
    let few = desk.typed("plan try --plan small.toml --synthetic 3");
    assert!(few.code == Some(1) && few.err.contains("admits no round of 3 branches"), "{}", few.err);
    // The canonical file with its own schema is tried as the text is.
    let canonical =
        desk.done(&format!("plan try --plan plan.tributary --schema public.toml --seeds 1 --json {rows}")).json();
    assert_eq!((&canonical["runs"], &canonical["score_noise_measured"]), (&1.into(), &serde_json::Value::Null));
}
