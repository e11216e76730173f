//! A server of PostgreSQL that a test starts for itself on this machine, and ends.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A cluster of a test, which ends with it.
pub(crate) struct Cluster {
    pub(crate) folder: PathBuf,
    programs: PathBuf,
    pub(crate) port: u16,
}

/// The newest server's programs that are installed here.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> =
        fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|entry| entry.path()).collect();
    versions.sort();
    versions.into_iter().map(|version| version.join("bin")).rfind(|programs| programs.join("initdb").is_file())
}

/// A command of an account that a server runs under: it refuses the superuser's.
fn command(program: &Path, arguments: &[&str]) -> Command {
    let superuser = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    let mut command = Command::new(if superuser { Path::new("runuser") } else { program });
    if superuser {
        command.args(["-u", "postgres", "--"]).arg(program);
    }
    command.args(arguments).current_dir("/");
    command
}

/// Runs a program under that account: what it prints.
pub(crate) fn run(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = command(program, arguments).output().map_err(|fault| format!("{}: {fault}", program.display()))?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap_or_default();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr) + &text(&output.stdout)) }
}

impl Cluster {
    /// Starts a server that lets its owner in by its socket, and others by these rules. `settings` gives more of its settings, and makes what they
    /// need in its folder.
    pub(crate) fn start(rules: &str, settings: impl FnOnce(&Self) -> Result<String, String>) -> Result<Self, String> {
        let programs = programs().ok_or("no server of PostgreSQL is installed")?;
        let folder = PathBuf::from(run(Path::new("mktemp"), &["-d", "/tmp/tributary-postgres-XXXXXXXX"])?.trim());
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .map_err(|fault| fault.to_string())?
            .port();
        let server = Self { folder, programs, port };
        let more = settings(&server)?;
        let data = server.at("data");
        run(
            &server.programs.join("initdb"),
            &["-D", &data, "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        )?;
        let rules = format!("local all owner trust\n{rules}");
        run(Path::new("sh"), &["-c", "printf %s \"$1\" > \"$2\"", "sh", &rules, &server.at("data/pg_hba.conf")])?;
        let settings = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off {more}",
            server.folder.display()
        );
        run(
            &server.programs.join("pg_ctl"),
            &["-D", &data, "-w", "-s", "-l", &server.at("log"), "-o", &settings, "start"],
        )?;
        Ok(server)
    }

    /// A path in its folder.
    pub(crate) fn at(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// What the database's owner does, with psql's arguments: what it prints, a line for each row.
    pub(crate) fn owner(&self, database: &str, arguments: &[&str]) -> Result<String, String> {
        let (host, port) = (self.folder.display().to_string(), self.port.to_string());
        let own = ["-h", &host, "-p", &port, "-U", "owner", "-d", database, "-v", "ON_ERROR_STOP=1", "-qAt"];
        run(&self.programs.join("psql"), &[&own, arguments].concat())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = run(&self.programs.join("pg_ctl"), &["-D", &self.at("data"), "-w", "-s", "-m", "immediate", "stop"]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}
