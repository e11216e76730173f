//! Scores through the built executable, as docs/SCORING.md tells it: beside a running daemon, by a champion that people made so, until it is withdrawn.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::demo::demo;
use crate::federation::Federation;
use crate::models::{Daemons, Desk, PEERS, all_say};
use crate::support::{EXECUTABLE, Finished, replan, run};

const MANUAL: &str = include_str!("../../docs/SCORING.md");

/// The commands of the manual's example, in their order.
fn commands() -> Vec<&'static str> {
    let (_, rest) = MANUAL.split_once("```sh\n").expect("the manual has such a block");
    let (block, _) = rest.split_once("```").expect("the block ends");
    let lines = block.lines().filter(|line| line.starts_with("tributary "));
    lines.map(|line| line.split('#').next().unwrap().trim()).collect()
}

/// The branch whose folder the manual calls `branch-01`.
struct Typist(PathBuf);

impl Typist {
    fn words(&self, line: &str) -> Vec<String> {
        let words = line.split_whitespace().skip(1);
        let typed = words.map(|word| match word.strip_prefix("branch-01") {
            Some(rest) => format!("{}{rest}", self.0.display()),
            None => word.to_owned(),
        });
        typed.collect()
    }

    fn typed(&self, line: &str) -> Finished {
        run(self.words(line))
    }

    fn done(&self, line: &str) -> String {
        let finished = self.typed(line);
        assert_eq!(finished.code, Some(0), "{line}: {} {}", finished.out, finished.err);
        finished.out
    }
}

/// A process that is ended with this.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn asked(socket: &Path, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let mut stream = UnixStream::connect(socket).unwrap();
    let head = "POST /v1/score HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n";
    stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

/// A table without the columns of labels and audits, and each row as an object.
fn without_labels(text: &str) -> (String, Vec<Value>) {
    let dropped = ["churn", "deposit_propensity", "gender"];
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let kept: Vec<usize> = (0..header.len()).filter(|at| !dropped.contains(&header[*at])).collect();
    let names: Vec<&str> = kept.iter().map(|at| header[*at]).collect();
    let (mut table, mut objects) = (format!("{}\n", names.join(",")), Vec::new());
    for line in lines {
        let own: Vec<&str> = kept.iter().map(|at| line[*at]).collect();
        table.push_str(&format!("{}\n", own.join(",")));
        let object = names.iter().zip(&own).map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        objects.push(Value::Object(object.collect()));
    }
    (table, objects)
}

/// A challenger scores half of the customers beside the champion, in files and for programs, until it is withdrawn.
fn side_by_side(
    federation: &mut Federation,
    (desk, typist): (&Desk, &Typist),
    score: &str,
    (champion, challenger): (&str, &str),
    objects: &[Value],
) {
    desk.validate(challenger);
    desk.state("challenge", challenger, PEERS);
    assert_eq!(federation.until("model_stated")["step"], "challenge");
    all_say(federation, challenger, "kept");
    let table = |name: &str| -> BTreeMap<String, Vec<String>> {
        let text = fs::read_to_string(typist.0.join(name)).unwrap();
        let rows = text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        rows.map(|row| (row[0].clone(), row)).collect()
    };
    let alone = table("scores.csv");
    let beside = score.replace("scores.csv", "beside.csv");
    let said = typist.done(&beside);
    assert!(said.contains(&challenger[..8]), "{said}");
    typist.done(&score.replace("scores.csv", "challenger.csv").replace("champion", "challenger"));
    let (both, own) = (table("beside.csv"), table("challenger.csv"));
    let note: Value = serde_json::from_slice(&fs::read(typist.0.join("beside.csv.json")).unwrap()).unwrap();
    let noted = note["models"].as_array().unwrap();
    assert_eq!((&noted[0]["model"], &noted[1]["model"]), (&champion.into(), &challenger.into()), "{note}");
    assert_eq!((&noted[1]["state"], &noted[1]["share"]), (&"challenger".into(), &5_000.into()), "{note}");
    // Each customer has the very score that its model gives alone.
    let mut by_challenger = 0;
    for (customer, row) in &both {
        let is_challengers = row.last().unwrap() == &challenger[..8];
        by_challenger += u64::from(is_challengers);
        let of_model = if is_challengers { &own[customer] } else { &alone[customer] };
        assert_eq!((&row[1..3], row.last()), (&of_model[1..3], of_model.last()), "{customer}");
    }
    assert_eq!(noted[1]["rows"], by_challenger, "{note}");
    assert_eq!(noted[0]["rows"].as_u64().unwrap() + by_challenger, both.len() as u64, "{note}");
    // Half of the customers, give or take five standard deviations of the draw.
    let all = both.len() as u64;
    assert!((2 * by_challenger).abs_diff(all).pow(2) < 25 * all, "{by_challenger} of {all}");
    let socket = typist.0.join("state/scores.sock");
    let (status, answer) = asked(&socket, &serde_json::json!({ "customers": &objects[..20] }));
    assert_eq!(status, 200, "{answer}");
    for (object, result) in objects.iter().zip(answer["results"].as_array().unwrap()) {
        // The table has no column of customers where rows are numbered.
        let Some(customer) = object.get("customer_id").and_then(Value::as_str) else { continue };
        let digits = result["model"].as_str().unwrap();
        assert!(digits.starts_with(both[customer].last().unwrap().as_str()), "{result}");
    }
    desk.state("withdraw", challenger, [("e2", "privacy-officer"), ("e3", "model-validator")]);
    all_say(federation, challenger, "refused");
    typist.done(&beside);
    assert_eq!(table("beside.csv"), alone, "all are the champion's again");
}

#[test]
fn the_manuals_example_scores_customers_until_the_model_is_withdrawn() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("run");
    assert_eq!(demo(&dir, &["--epsilon", "8"]).code, Some(0));
    replan(&dir, |text| text.replace("name = \"demo\"", "name = \"second\""));
    let mut federation = Federation::serving(folder, dir.clone(), |_, text| text.to_owned());
    let _daemons = Daemons::start(&federation);
    assert_eq!(federation.until("finished")["complete"], true);
    let desk = Desk::new(&dir);
    let models = desk.json(&["list"]);
    let [model, other] = [0, 1].map(|place| models["models"][place]["model"].as_str().unwrap().to_owned());

    let branch = federation.branch(0);
    fs::copy(dir.join("schema.toml"), branch.join("schema.toml")).unwrap();
    let typist = Typist(branch.clone());
    let commands = commands();
    let [init, sign, show, score, parquet, chinese, serve] = commands.as_slice() else { panic!("{commands:?}") };
    // The federation has no champion yet.
    typist.typed(score).assert_refused(1, &["no model is the champion"]);
    desk.validate(&model);
    desk.state("promote", &model, PEERS);
    all_say(&mut federation, &model, "kept");

    assert!(typist.done(init).contains("actions.toml is written"));
    assert!(typist.done(sign).contains("the actions are signed as they stand"));
    federation.edit(0, |text| format!("{text}\n[scores]\nactions = \"actions.toml\"\n"));
    assert!(typist.done(show).contains("4. \"activate\": the schema's column \"txn_count_90d\" is below 6"));
    let (table, objects) = without_labels(&fs::read_to_string(federation.data(0)).unwrap());
    fs::write(branch.join("today.csv"), &table).unwrap();

    let said = typist.done(score);
    assert!(said.contains(&format!("{} customers, scored by the champion {model}", objects.len())), "{said}");
    let file = fs::read_to_string(branch.join("scores.csv")).unwrap();
    let note: Value = serde_json::from_slice(&fs::read(branch.join("scores.csv.json")).unwrap()).unwrap();
    let by = &note["models"][0];
    assert_eq!((note["rows"].as_u64(), by["model"].as_str()), (Some(objects.len() as u64), Some(model.as_str())));
    assert_eq!((&by["state"], &by["rows"]), (&"champion".into(), &note["rows"]));
    let lines: Vec<Vec<&str>> = file.lines().map(|line| line.split(',').collect()).collect();
    let at = |name: &str| lines[0].iter().position(|column| *column == name).unwrap();
    let decile = at("churn.decile");
    let tenth = lines.iter().filter(|line| line[decile] == "1").count();
    assert!((objects.len() / 10..=objects.len() / 10 + 1).contains(&tenth), "{tenth} of {}", objects.len());
    assert!(lines[1..].iter().all(|line| !line[at("stage")].is_empty()), "the last stage is everybody's");

    // The same customers without labels have the same scores, in whatever form they come and go.
    typist.done(parquet);
    assert_eq!(&fs::read(branch.join("today.parquet")).unwrap()[..4], b"PAR1");
    let same = parquet.replace("today.parquet", "today-scores.csv");
    typist.done(&same);
    assert_eq!(fs::read_to_string(branch.join("today-scores.csv")).unwrap(), file);
    typist.done(chinese);
    assert!(String::from_utf8(fs::read(branch.join("gb.csv")).unwrap()).is_err(), "GB18030 is no UTF-8");

    let mut serving = Command::new(EXECUTABLE);
    let serving = serving.env("LC_ALL", "C").args(typist.words(serve)).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut serving = Serving(serving.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("scores are served at") && line.contains(&model), "{line}");
    let socket = branch.join("state/scores.sock");
    let (status, answer) = asked(&socket, &serde_json::json!({ "customers": &objects[..20] }));
    assert_eq!(status, 200, "{answer}");
    for (line, result) in lines[1..].iter().zip(answer["results"].as_array().unwrap()) {
        for label in ["churn", "deposit_propensity"] {
            let score = result["scores"][label]["score"].as_f64().unwrap();
            let expected: f64 = line[at(&format!("{label}.score"))].parse().unwrap();
            assert!((score - expected).abs() < 1e-12, "{score} {expected}");
            assert_eq!(result["scores"][label]["points"].to_string(), line[at(&format!("{label}.points"))]);
        }
        assert_eq!(result["stage"], line[at("stage")]);
    }
    side_by_side(&mut federation, (&desk, &typist), score, (&model, &other), &objects);

    // What the manual asks is short of columns, and that is what is told.
    let example = MANUAL.split_once("-d '").unwrap().1.split_once('\'').unwrap().0;
    let (status, answer) = asked(&socket, &serde_json::from_str(example).unwrap());
    assert!(status == 422 && answer.to_string().contains("tenure_months"), "{answer}");

    desk.state("withdraw", &model, [("e2", "privacy-officer"), ("e3", "model-validator")]);
    all_say(&mut federation, &model, "refused");
    typist.typed(score).assert_refused(1, &["no model is the champion"]);
    typist.typed(&score.replace("champion", &model[..8])).assert_refused(1, &["was withdrawn", "must not be used"]);
    let (status, answer) = asked(&socket, &serde_json::json!({ "customers": &objects[..1] }));
    assert_eq!((status, &answer["error"]["code"]), (503, &"no_model".into()), "{answer}");
    assert_eq!(
        fs::read_to_string(branch.join("scores.csv")).unwrap(),
        file,
        "the file stays; its readers know the model"
    );
}
