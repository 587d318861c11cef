//! The real az in a profile of its own, and the server that it takes for Azure.

use std::ffi::OsString;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::service::Request;
use crate::lint_plans::{linter, python_with_az};
use crate::process::{Result, read, reason};

/// The one subscription that the server knows.
pub(super) const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// A script has at most a dozen commands of a second or two each; a poll of az waits up to 30 s.
const SCRIPT_LIMIT: Duration = Duration::from_secs(600);

/// One command of az, on a busy machine.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);

/// The server is a Python script of a hundred lines.
const START_LIMIT: Duration = Duration::from_secs(20);

/// az, logged in to the server's cloud.
pub(super) struct Az {
    folder: PathBuf,
    python: PathBuf,
    port: u16,
}

/// The server while it runs: ended when this is dropped.
pub(super) struct Server {
    child: Child,
    log: PathBuf,
}

impl Az {
    /// Makes certificates and a profile in the folder, and logs in with an identity that the server
    /// hands out.
    pub(super) fn log_in(plans: &Path) -> Result<Az> {
        let folder = plans.join("loopback");
        fs::create_dir_all(&folder).map_err(|why| format!("make {}: {why}", folder.display()))?;
        // The server looks for its certificate beside itself.
        let script = folder.join("armserver.py");
        fs::copy(linter("armserver.py")?, &script)
            .map_err(|why| format!("copy the server to {}: {why}", script.display()))?;
        let mut certify = Command::new("sh");
        certify.arg(linter("mkcert.sh")?).arg(&folder);
        read(certify, COMMAND_LIMIT)?;
        let az = Az { python: python_with_az()?, port: free_ports()?, folder };
        let _server = Server::start(&az, &[])?;
        let base = format!("https://localhost:{}", az.port);
        let slashed = format!("{base}/");
        let register = [
            "cloud",
            "register",
            "-n",
            "loop",
            "--endpoint-resource-manager",
            &slashed,
            "--endpoint-active-directory",
            &base,
            "--endpoint-active-directory-resource-id",
            &slashed,
            "--endpoint-active-directory-graph-resource-id",
            &slashed,
            "--endpoint-management",
            &slashed,
            "--skip-endpoint-discovery",
        ];
        az.command(&register)?;
        az.command(&["cloud", "set", "-n", "loop"])?;
        az.command(&["login", "--identity"])?;
        Ok(az)
    }

    fn command(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new(self.python.with_file_name("az"));
        command.args(words);
        read(self.settled(command), COMMAND_LIMIT)
    }

    /// The settings that lead az to the server and away from the user's profile.
    fn settled(&self, mut command: Command) -> Command {
        let mut path = OsString::from(self.python.parent().unwrap_or(Path::new("")));
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command
            .env("PATH", path)
            .env("AZURE_CONFIG_DIR", self.folder.join("profile"))
            .env("AZURE_CORE_COLLECT_TELEMETRY", "no")
            .env("REQUESTS_CA_BUNDLE", self.folder.join("ca.pem"))
            .env("IDENTITY_ENDPOINT", format!("http://127.0.0.1:{}/msi/token", self.port + 1))
            .env("IDENTITY_HEADER", "x")
            .current_dir(&self.folder);
        command
    }

    /// Runs a plan's script; says how many commands it has.
    pub(super) fn run_script(&self, script: &str) -> Result<usize> {
        let path = self.folder.join("plan.sh");
        fs::write(&path, script).map_err(|why| format!("write {}: {why}", path.display()))?;
        let mut command = Command::new("bash");
        command.arg(&path);
        let output = crate::process::capture(self.settled(command), SCRIPT_LIMIT)?;
        match output.status.success() {
            true => Ok(script.lines().filter(|line| line.starts_with("az ")).count()),
            false => Err(format!("the script failed: {}", reason(&output))),
        }
    }

    /// Everything that the server holds, asked for by az.
    pub(super) fn read_back(&self) -> Result<Vec<Value>> {
        let graph = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01";
        let text = self.command(&["rest", "--method", "post", "--url", graph, "--body", "{}"])?;
        let answer: Value =
            serde_json::from_str(&text).map_err(|why| format!("read back: {why}"))?;
        Ok(answer["data"].as_array().cloned().unwrap_or_default())
    }
}

/// A port whose neighbour is free too: the server takes both.
fn free_ports() -> Result<u16> {
    const TRIES: usize = 50;
    for _ in 0..TRIES {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|why| format!("listen: {why}"))?;
        let port = listener.local_addr().map_err(|why| format!("listen: {why}"))?.port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return Ok(port);
        }
    }
    Err("find two free ports beside each other".to_owned())
}

impl Server {
    /// Starts the server with these resources and waits until it answers.
    pub(super) fn start(az: &Az, resources: &[Value]) -> Result<Server> {
        let (estate, log) = (az.folder.join("estate.json"), az.folder.join("requests.log"));
        let text = Value::Array(resources.to_vec()).to_string();
        fs::write(&estate, text).map_err(|why| format!("write {}: {why}", estate.display()))?;
        fs::write(&log, "").map_err(|why| format!("write {}: {why}", log.display()))?;
        let mut command = Command::new(&az.python);
        command.arg(az.folder.join("armserver.py")).arg(az.port.to_string());
        command.arg(&estate).arg("--log").arg(&log);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|why| format!("start the server: {why}"))?;
        let mut server = Server { child, log };
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(("127.0.0.1", az.port + 1)).is_err() {
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(format!("start the server: it ended with {status}"));
            }
            if Instant::now() > deadline {
                return Err("start the server: it does not answer".to_owned());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Requests that changed something, in order.
    pub(super) fn requests(&self) -> Result<Vec<Request>> {
        let text = fs::read_to_string(&self.log).map_err(|why| format!("read the log: {why}"))?;
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(lines.filter_map(|line| Request::of_log(&line)).collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
