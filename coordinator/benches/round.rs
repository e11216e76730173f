//! What a round costs the coordinator: 16 clients, about 10,000 parameters, 64 rounds of one session, over QUIC on this machine.
//!
//! The coordinator runs in a process of its own, so that its CPU seconds are its own. Start and key set-up are in the figure.
#![expect(clippy::unwrap_used, reason = "a benchmark that fails says where")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{Client, Ended, Federation};
use tributary_coordinator::cli::{ServeOptions, serve};

const CLIENTS: usize = 16;
const ROUNDS: u32 = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(config) = arguments.iter().skip_while(|argument| *argument != "--serve").nth(1) {
        return serve(&ServeOptions { config: config.into(), events: true }).unwrap();
    }
    let federation = Federation::new(CLIENTS);
    let config = federation.settings(|text| {
        text.replace("model = \"logistic\"", "model = \"mlp\"\nhidden = [128, 32]")
            .replace("rounds = 3\n", &format!("rounds = {ROUNDS}\n"))
            .replace("session_rounds = 2", "session_rounds = 64")
            .replace("epsilon = 4.0", "epsilon = 40.0")
    });
    let mut coordinator = Command::new(std::env::current_exe().unwrap())
        .args(["--serve", config.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let events = BufReader::new(coordinator.stdout.take().unwrap()).lines();
    let mut events = events.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let address =
        events.find(|event| event["event"] == "listening").unwrap()["address"].as_str().unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ends = runtime.block_on(async {
        let mut running = tokio::task::JoinSet::new();
        for index in 0..CLIENTS {
            let client = Client::connect(&federation, &format!("branch-{index}"), address, 1).await.unwrap();
            running.spawn(client.run());
        }
        running.join_all().await
    });
    assert_eq!(ends, vec![Ended::Finished(ROUNDS); CLIENTS]);
    let finished = events.find(|event| event["event"] == "finished").unwrap();
    assert!(coordinator.wait().unwrap().success());
    let mut rounds: Vec<f64> =
        finished["round_milliseconds"].as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect();
    rounds.sort_by(f64::total_cmp);
    println!(
        "{} parameters, {CLIENTS} clients, {ROUNDS} rounds: {:.2} ms of CPU a round, {:.1} ms median from start to commit ({:.1} longest), \
         {:.0} kB up and {:.0} kB down a round, {:.1} MB at most",
        finished["parameters"],
        finished["cpu_seconds"].as_f64().unwrap() * 1e3 / f64::from(ROUNDS),
        rounds[rounds.len() / 2],
        rounds[rounds.len() - 1],
        finished["bytes_up"].as_f64().unwrap() / 1e3 / f64::from(ROUNDS),
        finished["bytes_down"].as_f64().unwrap() / 1e3 / f64::from(ROUNDS),
        finished["rss_bytes_max"].as_f64().unwrap_or_default() / 1e6,
    );
}
