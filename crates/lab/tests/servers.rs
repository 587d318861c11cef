//! Real servers of every major that set-up provides: start, ask, stop, crash, leave nothing.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::panic;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flexway_lab::{Auth, Error, Install, Options, Server, installed};

/// Long enough for a cleaner on a loaded machine; nobody waits so long when all is well.
const GONE_LIMIT: Duration = Duration::from_secs(30);

/// A server may stand in a `static` and be asked from several threads.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Server>();
};

fn start(major: u32, options: &Options) -> Server {
    let install = installed::find(major).expect("cargo xtask setup has run");
    Server::start(&install, options).expect("the server starts")
}

/// Runs `psql` of major 17, which has TLS, with a connection string.
fn psql(connection: &str) -> Result<String, String> {
    let tools = installed::client_tools();
    let tools = tools.iter().find(|tools| tools.major == 17).expect("client tools of 17");
    let mut command = Command::new(tools.program("psql"));
    command.args(["-XAtq", "-d", connection, "-c", "select current_user"]);
    let output = command.stdin(Stdio::null()).output().expect("psql runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(text(output.stderr)),
    }
}

fn processes_in(folder: &Path) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").expect("a Linux").flatten();
    let cwd = processes.filter_map(|entry| std::fs::read_link(entry.path().join("cwd")).ok());
    cwd.filter(|cwd| cwd.starts_with(folder)).collect()
}

fn assert_gone(folder: &Path) {
    let deadline = Instant::now() + GONE_LIMIT;
    while folder.exists() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(50));
    }
    assert!(!folder.exists(), "{} stayed", folder.display());
    assert_eq!(processes_in(folder), Vec::<PathBuf>::new());
}

fn start_ask_stop(major: u32) {
    let mut server = start(major, &Options::default());
    assert_eq!(server.major(), major);
    let version = server.psql("postgres", "show server_version_num").expect("psql works");
    assert_eq!(version.trim().parse::<u32>().expect("a number") / 10_000, major);
    assert_eq!(psql(&server.url("postgres")), Ok("postgres\n".to_owned()));

    let wrong = server.url("postgres").replace(server.password(), "wrong");
    let refusal = psql(&wrong).expect_err("the password counts");
    assert!(refusal.contains("password authentication failed"), "{refusal}");
    assert!(!format!("{server:?}").contains(server.password()), "Debug tells the password");

    let folder = server.folder().to_owned();
    server.stop().expect("it stops");
    assert!(!server.is_running());
    assert!(folder.exists(), "a stopped server can start again");
    drop(server);
    assert_gone(&folder);
}

#[test]
fn server_11_starts_and_leaves_nothing() {
    start_ask_stop(11);
}

#[test]
fn server_15_starts_and_leaves_nothing() {
    start_ask_stop(15);
}

#[test]
fn server_17_starts_and_leaves_nothing() {
    start_ask_stop(17);
}

#[test]
fn server_18_starts_and_leaves_nothing() {
    start_ask_stop(18);
}

#[test]
fn committed_rows_survive_a_stop_and_a_kill() {
    let mut server = start(15, &Options::default());
    let port = server.port();
    server.psql("postgres", "create table t (n int); insert into t values (1)").expect("one");
    server.stop().expect("it stops");
    server.start_again().expect("it starts again");
    server.psql("postgres", "insert into t values (2)").expect("two");
    server.kill9().expect("it dies");
    assert!(!server.is_running());
    server.start_again().expect("it recovers");
    assert_eq!(server.port(), port);
    assert_eq!(server.psql("postgres", "select sum(n) from t").expect("psql works"), "3\n");
}

#[test]
fn settings_trust_and_hba_lines_take_effect() {
    let options = Options {
        settings: vec![("wal_level".into(), "logical".into())],
        auth: Auth::Trust,
        hba: vec!["host all barred all reject".into()],
        ..Options::default()
    };
    let server = start(18, &options);
    assert_eq!(server.psql("postgres", "show wal_level").expect("psql works"), "logical\n");
    assert_eq!(psql(&server.url("postgres")), Ok("postgres\n".to_owned()));
    server.psql("postgres", "create role barred login").expect("psql works");
    let barred = server.url("postgres").replace("postgres@", "barred@");
    let refusal = psql(&barred).expect_err("pg_hba.conf counts");
    assert!(refusal.contains("rejects connection"), "{refusal}");
}

#[test]
fn tls_is_verified_against_the_servers_own_authority() {
    for major in [11, 15, 17] {
        let server = start(major, &Options { tls: true, ..Options::default() });
        let authority = server.certificate_authority().expect("it offers TLS");
        let url = format!("{}?sslmode=verify-full", server.url("postgres"));
        let trusted = format!("{url}&sslrootcert={}", authority.display());
        assert_eq!(psql(&trusted), Ok("postgres\n".to_owned()), "PostgreSQL {major}");
        let refusal = psql(&format!("{url}&sslrootcert=system")).expect_err("not a public one");
        assert!(refusal.contains("certificate verify failed"), "{refusal}");
    }
}

#[test]
fn an_error_of_psql_quotes_postgres() {
    let server = start(17, &Options::default());
    let error = server.psql("postgres", "select 1/0; select 2").expect_err("it divides by zero");
    assert!(error.to_string().contains("division by zero"), "{error}");
}

#[test]
fn a_server_that_cannot_start_says_why_and_leaves_nothing() {
    let folder = env::temp_dir().join(format!("flexway-bad-setting-{}", std::process::id()));
    let options = Options {
        folder: Some(folder.clone()),
        settings: vec![("wal_level".into(), "nonsense".into())],
        ..Options::default()
    };
    let install = installed::find(17).expect("cargo xtask setup has run");
    let error = Server::start(&install, &options).expect_err("it cannot start");
    assert!(matches!(error, Error::Start { major: 17, .. }), "{error}");
    assert!(error.to_string().contains("wal_level"), "{error}");
    assert_gone(&folder);
}

#[test]
fn a_folder_in_use_is_refused_and_kept() {
    let folder = env::temp_dir().join(format!("flexway-in-use-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("precious")).expect("make a folder");
    let options = Options { folder: Some(folder.clone()), ..Options::default() };
    let install = Install { major: 17, bin: "/".into() };
    let error = Server::start(&install, &options).expect_err("it is refused");
    let kept = folder.join("precious").exists();
    std::fs::remove_dir_all(&folder).expect("clean up");
    assert!(matches!(error, Error::FolderInUse(_)), "{error}");
    assert!(kept);
}

#[test]
fn a_panic_leaves_nothing() {
    let server = start(17, &Options::default());
    let folder = server.folder().to_owned();
    let owner = thread::spawn(move || {
        panic::set_hook(Box::new(|_| {}));
        assert!(server.port() == 0, "the owner panics");
    });
    assert!(owner.join().is_err());
    assert_gone(&folder);
}

/// Not a test by itself: the process that `a_killed_owner_leaves_nothing` starts and kills.
#[test]
fn owner_to_be_killed() {
    if env::var_os("FLEXWAY_LAB_OWNER").is_none() {
        return;
    }
    let server = start(17, &Options::default());
    println!("\nfolder {}", server.folder().display());
    // The end of our input is the end of the test that started us.
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn a_killed_owner_leaves_nothing() {
    let mut owner = Command::new(env::current_exe().expect("we run"))
        .args(["--exact", "owner_to_be_killed", "--nocapture"])
        .env("FLEXWAY_LAB_OWNER", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start an owner");
    let lines = BufReader::new(owner.stdout.take().expect("its output")).lines();
    let mut lines = lines.map_while(Result::ok);
    let folder = lines.find_map(|line| line.strip_prefix("folder ").map(PathBuf::from));
    owner.kill().and_then(|()| owner.wait()).expect("kill the owner");
    let folder = folder.expect("the owner tells its server's folder");
    assert!(folder.starts_with("/"));
    assert_gone(&folder);
}

#[test]
fn a_killed_server_leaves_no_shared_memory() {
    let mut server = start(15, &Options::default());
    let status = std::fs::read_to_string(server.folder().join("data/postmaster.pid"));
    let status = status.expect("its status");
    let id = status.lines().nth(6).and_then(|line| line.split_whitespace().last());
    let id = id.expect("line 7 names its shared memory");
    server.kill9().expect("it dies");
    let is_there = || {
        let all = std::fs::read_to_string("/proc/sysvipc/shm").expect("a Linux");
        all.lines().any(|line| line.split_whitespace().nth(1) == Some(id))
    };
    assert!(is_there(), "the kernel keeps it");
    drop(server);
    assert!(!is_there());
}
