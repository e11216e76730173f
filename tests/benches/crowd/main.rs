//! A thousand branches at one coordinator: real connections, real identities, the real machine of each client, and a training that is a number.
//!
//! `ulimit -n 20000; cargo bench -p tributary-tests --bench crowd [-- --clients 1000 --cohort 1000 --loads 2 --transport quic|tcp|auto]` connects
//! all, waits for a round, stops the coordinator as an operator does, starts it again and prints how long all take to come back (goal: 60 seconds).
//! A smaller cohort ends sooner: whoever is beyond it joins, refuses the plan, and stays.
//!
//! `-- --idle 5000` connects so many that say nothing more, and prints what they cost (goal: 2 GiB of the coordinator's memory).
//!
//! `--folder PATH` keeps the identities there for the next time: a thousand take a while to issue.
//!
//! Over QUIC every client takes a file descriptor of a load's process and none of the coordinator's; over TCP one of both.

mod load;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tributary_coordinator::Ends;
use tributary_coordinator::cli::{ServeOptions, serve};
use tributary_coordinator::federation::plans::activate_plan;
use tributary_coordinator::settings::PlanFiles;
use tributary_model::synthetic::SCHEMA_TOML;
use tributary_planning::demonstration::TwoPeople;
use tributary_transport::Mode;

use self::load::Load;
use self::support::{Enrolled, option};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// So long that only a hanging program meets it.
const PATIENCE: Duration = Duration::from_secs(1_800);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["coordinator", config] => {
            serve(&ServeOptions { config: PathBuf::from(config), events: true, ends: Ends::WithTheLastRun })
                .expect("the coordinator ends well");
        }
        ["load", folder, address, from, to, transport, manner] => {
            let number = |text: &str| text.parse::<usize>().expect("a number");
            let load = Load {
                enrolled: Enrolled::open(Path::new(folder)),
                address: address.parse().expect("an address"),
                mode: mode(transport),
                cohort: manner.parse().ok(),
            };
            load.run(number(from)..number(to));
        }
        _ => measure(&arguments),
    }
}

fn mode(name: &str) -> Mode {
    match name {
        "tcp" => Mode::Tcp,
        "auto" => Mode::Auto,
        _ => Mode::Quic,
    }
}

fn measure(arguments: &[String]) {
    let idle = option(arguments, "--idle", 0);
    let clients = if idle > 0 { idle } else { option(arguments, "--clients", 1_000) };
    let loads = option(arguments, "--loads", 2);
    let at = arguments.iter().position(|argument| argument == "--transport");
    let transport = at.and_then(|at| arguments.get(at + 1)).map_or("quic", String::as_str);
    let cohort = option(arguments, "--cohort", clients).min(clients);
    let temporary = tempfile::tempdir().expect("a folder");
    let at = arguments.iter().position(|argument| argument == "--folder");
    let folder = at.and_then(|at| arguments.get(at + 1)).map_or(temporary.path(), Path::new);
    let enrolled = match folder.join("authority").is_dir() {
        true => Enrolled::open(folder),
        false => Enrolled::create(folder, clients),
    };
    // The last run's plan is nobody's.
    let _ = std::fs::remove_dir_all(folder.join("state"));
    let config = write_settings(folder, (clients, cohort), "127.0.0.1:0");
    let begun = Instant::now();
    let mut coordinator = Daemon::start(&["coordinator".as_ref(), config.as_os_str()]);
    let listening = coordinator.until("listening");
    let address = listening["address"].as_str().expect("an address").to_owned();
    println!("{clients} clients enrolled; the coordinator listens after {:.1} s", begun.elapsed().as_secs_f64());
    println!("memory of the coordinator alone: {}", megabytes(coordinator.memory()));
    let manner = if idle > 0 { "idle".to_owned() } else { cohort.to_string() };
    let begun = Instant::now();
    let processes: Vec<Daemon> = (0..loads)
        .map(|load| {
            let (from, to) = (clients * load / loads, clients * (load + 1) / loads);
            let words = [from.to_string(), to.to_string()];
            let folder = enrolled.folder.as_os_str();
            let [from, to] = &words;
            Daemon::start(&[
                "load".as_ref(),
                folder,
                address.as_ref(),
                from.as_ref(),
                to.as_ref(),
                transport.as_ref(),
                manner.as_ref(),
            ])
        })
        .collect();
    if idle > 0 {
        idle_cost(&mut coordinator, processes, clients, begun);
    } else {
        busy_cost(coordinator, (folder, &address), (clients, cohort), (&processes, begun));
    }
}

fn idle_cost(coordinator: &mut Daemon, mut loads: Vec<Daemon>, clients: usize, begun: Instant) {
    let mut connected = 0;
    for load in &mut loads {
        let done = load.until("connected");
        connected += done["clients"].as_u64().expect("a count");
        if let Some(reason) = done["stopped"].as_str() {
            println!("a load stopped: {reason}");
        }
    }
    println!("{connected} of {clients} are connected after {:.1} s", begun.elapsed().as_secs_f64());
    println!(
        "memory of the coordinator: {}, goal 2147 MB; {:.1} kB a connection",
        megabytes(coordinator.memory()),
        coordinator.memory() as f64 / 1e3 / connected.max(1) as f64
    );
    let (cpu, since) = (coordinator.cpu(), Instant::now());
    // A keep-alive interval or two: what a connection costs that says nothing.
    let _ = coordinator.event_within(Duration::from_secs(12));
    let cores = (coordinator.cpu() - cpu).as_secs_f64() / since.elapsed().as_secs_f64();
    println!("idle, the coordinator takes {:.1} % of a core", cores * 100.0);
}

fn busy_cost(
    mut coordinator: Daemon,
    (folder, address): (&Path, &str),
    (clients, cohort): (usize, usize),
    (loads, begun): (&[Daemon], Instant),
) {
    let loads_cpu = || loads.iter().map(|load| load.cpu().as_secs_f64()).sum::<f64>();
    coordinator.all_joined(clients);
    let cpu = coordinator.cpu().as_secs_f64();
    println!(
        "all have joined after {:.1} s, for {cpu:.1} CPU s of the coordinator and {:.1} of the loads",
        begun.elapsed().as_secs_f64(),
        loads_cpu()
    );
    println!("memory of the coordinator: {}", megabytes(coordinator.memory()));
    let session = coordinator.until("session");
    println!("a session of {} after {:.1} s", session["cohort"], begun.elapsed().as_secs_f64());
    let round = coordinator.until("round");
    println!(
        "round {} has {} updates, {:.0} ms; {:.1} CPU s so far, {}",
        round["round"],
        round["survivors"],
        round["milliseconds"].as_f64().unwrap_or(f64::NAN),
        coordinator.cpu().as_secs_f64(),
        megabytes(coordinator.memory())
    );
    let stopping = Instant::now();
    coordinator.terminate();
    println!("stopped within {:.1} s", stopping.elapsed().as_secs_f64());
    let config = write_settings(folder, (clients, cohort), address);
    let (begun, loads_before) = (Instant::now(), loads_cpu());
    let mut coordinator = Daemon::start(&["coordinator".as_ref(), config.as_os_str()]);
    coordinator.until("listening");
    let listening = begun.elapsed().as_secs_f64();
    coordinator.all_joined(clients);
    println!(
        "started again: listens after {listening:.1} s, all {clients} are back after {:.1} s, goal 60 s; {:.1} CPU s, {:.1} of the loads, {}",
        begun.elapsed().as_secs_f64(),
        coordinator.cpu().as_secs_f64(),
        loads_cpu() - loads_before,
        megabytes(coordinator.memory())
    );
    let round = coordinator.until("round");
    println!(
        "round {} has {} updates after {:.1} s",
        round["round"],
        round["survivors"],
        begun.elapsed().as_secs_f64()
    );
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

/// A fifth of the cohort may collude; counted of everybody enrolled, as a plan counts, that is a smaller part.
fn write_settings(folder: &Path, (clients, cohort): (usize, usize), listen: &str) -> PathBuf {
    std::fs::write(folder.join("schema.toml"), SCHEMA_TOML).expect("a schema file");
    let path = folder.join("coordinator.toml");
    let settings = format!(
        "[coordinator]\nlisten = \"{listen}\"\nstate_dir = \"state\"\ngather_ms = 60000\n\n\
         [identity]\ncertificate = \"coordinator/identity.pem\"\nprivate_key = \"coordinator/identity.key\"\n\
         signing_key = \"coordinator/signing.key\"\nca_certificate = \"coordinator/trust.pem\"\n\
         roster = \"authority/roster\"\nauthorities = \"authority/authorities\"\n"
    );
    let plan = format!(
        "[plan]\nname = \"crowd\"\nschema = \"schema.toml\"\nmodel = \"logistic\"\nrounds = 1000\nprivacy = \"none\"\n\
         example_clip_norm = 1.0\ncustomers_nominal = {}\ncustomers_max = {}\nsession_rounds = 16\nupload_offset_ms = 1000\n\
         round_deadline_ms = 600000\nkeying_deadline_ms = 600000\n\
         [plan.cohort]\ncoalition_permille = {}\n\
         [plan.optimizer]\nkind = \"sgd\"\nlearning_rate = 1.0\n",
        clients * 10,
        clients * 20,
        200 * cohort / clients
    );
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let people = TwoPeople::open(&folder.join("people")).expect("two people");
    people.sign(&plan, folder, &folder.join("authority"), now).expect("a signed plan");
    std::fs::write(&path, settings).expect("settings");
    let files = PlanFiles { file: folder.join("plan.tributary"), schema: folder.join("schema.toml") };
    activate_plan(&folder.join("state"), &files).unwrap_or_else(|fault| panic!("{}", fault.found));
    path
}

/// A process of this program, and what it says; it does not outlive the bench.
struct Daemon {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Daemon {
    fn start(arguments: &[&std::ffi::OsStr]) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn().expect("a process");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        // Whoever is not listened to must not block.
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)).unwrap_or_default();
        });
        Self { child, lines }
    }

    fn event_within(&mut self, patience: Duration) -> Option<Value> {
        let line = self.lines.recv_timeout(patience).ok()?;
        Some(serde_json::from_str(&line).expect("JSON"))
    }

    fn until(&mut self, name: &str) -> Value {
        loop {
            let event = self.event_within(PATIENCE).unwrap_or_else(|| panic!("no {name} event"));
            if event["event"] == name {
                return event;
            }
            if event["event"] == "aborted" {
                println!("aborted: {}", event["reason"]);
            }
        }
    }

    /// Waits until every client is here.
    fn all_joined(&mut self, clients: usize) {
        let mut here = BTreeSet::new();
        while here.len() < clients {
            let event = self.event_within(PATIENCE).unwrap_or_else(|| panic!("{} of {clients} are here", here.len()));
            let client = event["client"].as_u64();
            match event["event"].as_str() {
                Some("joined") => here.extend(client),
                Some("left") => here.retain(|other| Some(*other) != client),
                _ => {}
            }
        }
    }

    fn terminate(&mut self) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(id), Signal::SIGTERM).expect("a process of this bench");
        self.child.wait().expect("it ends");
    }

    /// Resident memory in bytes.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
    }

    /// CPU time so far, in the kernel's hundredths.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("Linux");
        let behind_name = stat.rsplit_once(')').expect("a name in brackets").1;
        let ticks: u64 =
            behind_name.split_whitespace().skip(11).take(2).map(|word| word.parse::<u64>().expect("ticks")).sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
