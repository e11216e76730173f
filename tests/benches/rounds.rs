//! What a private round costs: real daemons as processes of their own, over QUIC on loopback.
//!
//! `cargo bench -p tributary-tests --bench rounds [-- --branches 16 --hidden 121 --rounds 100 --ring 64 --session-rounds 64 --upload-offset 5]` prints the median
//! round, and CPU time for each client-round with training and noise sampling apart. Quote figures of an otherwise idle machine. At the end it prints what
//! journal, tree, checkpoints and cosigning took of the run's CPU, and fails where that is more than 3 %.
//!
//! `--hidden 960 --second 960 --ring 32` has a million parameters; `--lost 3` ends so many clients behind the first round, so that the
//! others recover their masks in all the rounds after it.

#[path = "support/evidence.rs"]
mod evidence;
#[path = "../tests/support/federation.rs"]
mod federation;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::Value;
use tributary_client::cli::{RunOptions, run};
use tributary_coordinator::cli::{ServeOptions, serve};
use tributary_texts::Language;

use self::federation::{Federation, FederationSpec};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Options {
    branches: usize,
    hidden: u32,
    second: u32,
    rounds: u32,
    ring: u32,
    session_rounds: u32,
    /// Milliseconds behind the start at which uploads may leave.
    upload_offset: u32,
    lost: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["coordinator", config] => {
            serve(&ServeOptions {
                config: PathBuf::from(config),
                events: true,
                ends: tributary_coordinator::Ends::WithTheLastRun,
            })
            .expect("the coordinator ends well");
        }
        ["client", config] => {
            let options =
                RunOptions { config: PathBuf::from(config), events: true, once: true, language: Language::English };
            run(&options).expect("the client ends well");
        }
        _ => measure(&options(&arguments)),
    }
}

fn options(arguments: &[String]) -> Options {
    let value = |name: &str, default: u32| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    Options {
        branches: value("--branches", 16) as usize,
        hidden: value("--hidden", 121),
        second: value("--second", 0),
        lost: value("--lost", 0) as usize,
        rounds: value("--rounds", 100),
        ring: value("--ring", 64),
        session_rounds: value("--session-rounds", 64),
        upload_offset: value("--upload-offset", 5),
    }
}

fn measure(options: &Options) {
    let folder = tempfile::tempdir().expect("a folder");
    let hidden = match options.second {
        0 => options.hidden.to_string(),
        second => format!("{}, {second}", options.hidden),
    };
    let plan = format!(
        "model = \"mlp\"\nhidden = [{}]\nrounds = {}\nring = {}\nsession_rounds = {}\nupload_offset_ms = {}\nround_deadline_ms = 600000\n\
         keying_deadline_ms = 600000\nprivacy = \"customer\"\nepsilon = 4.0\ndelta = 1e-6\n\
         [plan.optimizer]\nkind = \"sgd\"\nlearning_rate = 0.1\nmomentum = 0.9\n",
        hidden, options.rounds, options.ring, options.session_rounds, options.upload_offset
    );
    let federation = Federation::create(
        folder.path(),
        FederationSpec {
            branches: options.branches,
            customers_per_branch: 30,
            plan,
            epsilon_max: 4.0,
            modes: &["customer"],
            seed: 1,
            group: None,
        },
    );
    let (mut coordinator, mut lines) = start("coordinator", &federation.coordinator);
    let listening = next_event(&mut lines, "listening");
    let address: SocketAddr = listening["address"].as_str().and_then(|text| text.parse().ok()).expect("an address");
    let began = Instant::now();
    let mut clients: Vec<_> = federation.client_settings(address).iter().map(|path| start("client", path)).collect();
    if options.lost > 0 {
        next_event(&mut lines, "round");
        for (mut child, _) in clients.split_off(options.branches - options.lost) {
            child.kill().expect("a client of this bench");
            child.wait().expect("the client ends");
        }
    }
    let (finished, updates) = to_the_end(&mut lines);
    let took = began.elapsed().as_secs();
    let (mut rest, mut before, mut training, mut noise, mut memory) = (0.0, 0.0, 0.0, 0.0, 0.0_f64);
    for (mut child, mut lines) in clients {
        let event = next_event(&mut lines, "finished");
        let seconds = |key: &str| event[key].as_f64().expect("seconds");
        before += seconds("cpu_seconds_before");
        training += seconds("cpu_seconds_training");
        noise += seconds("cpu_seconds_noise");
        rest += seconds("cpu_seconds") - seconds("cpu_seconds_before");
        memory = memory.max(event["rss_bytes_max"].as_f64().expect("bytes"));
        child.wait().expect("the client ends");
    }
    coordinator.wait().expect("the coordinator ends");
    print(options, &finished, updates, [rest - training - noise, before, training, noise], memory);
    let coordinator = finished["cpu_seconds"].as_f64().zip(finished["cpu_seconds_before"].as_f64());
    let coordinator = coordinator.map(|(all, before)| all - before).expect("seconds");
    evidence::measure(folder.path(), options.branches - options.lost, (took, rest + coordinator));
}

fn print(
    options: &Options,
    finished: &Value,
    updates: u64,
    [rest, before, training, noise]: [f64; 4],
    client_memory: f64,
) {
    let mut rounds: Vec<f64> =
        finished["round_milliseconds"].as_array().expect("rounds").iter().filter_map(Value::as_f64).collect();
    rounds.sort_by(f64::total_cmp);
    let client_rounds = rounds.len() as f64 * (options.branches - options.lost) as f64;
    let per = |seconds: f64| seconds * 1e3 / client_rounds;
    let seconds = |key: &str| finished[key].as_f64().expect("seconds");
    let coordinator = seconds("cpu_seconds") - seconds("cpu_seconds_before");
    let at = |percent: usize| rounds[(rounds.len() - 1) * percent / 100];
    println!(
        "{} clients x {} parameters, ring {}, {} private rounds, {} of them a session",
        options.branches,
        finished["parameters"],
        options.ring,
        rounds.len(),
        options.session_rounds
    );
    if options.lost > 0 {
        println!("{} of the clients are lost behind the first round", options.lost);
    }
    println!("updates in the sums: {updates} of {client_rounds}");
    println!("round: median {:.2} ms, 90 % {:.2} ms, shortest {:.2} ms", at(50), at(90), at(0));
    println!(
        "CPU for each client-round: {:.3} ms client outside training and noise, {:.3} ms coordinator; {:.3} ms training, {:.3} ms noise",
        per(rest),
        per(coordinator),
        per(training),
        per(noise)
    );
    println!(
        "CPU before the first round (start, data, first key set-up): {:.0} ms a client, {:.0} ms coordinator; later key set-ups count above",
        before * 1e3 / options.branches as f64,
        seconds("cpu_seconds_before") * 1e3
    );
    println!(
        "peak memory: {:.1} MB the coordinator, {:.1} MB the largest client",
        seconds("rss_bytes_max") / 1e6,
        client_memory / 1e6
    );
    println!(
        "bytes for each client-round: {:.0} up, {:.0} down",
        finished["bytes_up"].as_f64().unwrap_or(0.0) / client_rounds,
        finished["bytes_down"].as_f64().unwrap_or(0.0) / client_rounds
    );
}

type Lines = std::io::Lines<BufReader<std::process::ChildStdout>>;

fn start(role: &str, config: &std::path::Path) -> (Child, Lines) {
    let program = std::env::current_exe().expect("this program");
    let mut child =
        Command::new(program).arg(role).arg(config).stdout(Stdio::piped()).spawn().expect("a process starts");
    let output = child.stdout.take().expect("piped");
    (child, BufReader::new(output).lines())
}

/// The last event, and the updates in the sums of the rounds until then.
fn to_the_end(lines: &mut Lines) -> (Value, u64) {
    let mut updates = 0;
    for line in lines {
        let event: Value = serde_json::from_str(&line.expect("a readable line")).expect("JSON");
        match event["event"].as_str() {
            Some("round") => updates += event["survivors"].as_u64().expect("a count"),
            Some("finished") => return (event, updates),
            Some("joined") => continue,
            _ => {}
        }
        // Rounds can take a minute each: whoever waits sees where they are.
        eprintln!("{event}");
    }
    panic!("the coordinator ended before its last event");
}

fn next_event(lines: &mut Lines, name: &str) -> Value {
    for line in lines {
        let event: Value = serde_json::from_str(&line.expect("a readable line")).expect("JSON");
        if event["event"] == name {
            return event;
        }
    }
    panic!("a daemon ended before its {name} event");
}
