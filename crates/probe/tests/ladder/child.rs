//! A program in a private folder, ended and removed with its value.

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A program that serves, and its folder.
pub(crate) struct Served {
    child: Child,
    folder: PathBuf,
}

impl Served {
    /// Starts a program whose first file is written before, and waits for its port.
    pub(crate) fn start(
        name: &str,
        port: u16,
        write: impl FnOnce(&Path),
        command: impl FnOnce(&Path) -> Command,
    ) -> Served {
        let folder =
            std::env::temp_dir().join(format!("flexway-{name}-{port}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        write(&folder);
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut command = command(&folder);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap_or_else(|why| panic!("start {name}: {why}"));
        let mut served = Served { child, folder };
        served.wait(port);
        served
    }

    fn wait(&mut self, port: u16) {
        let end = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {log}");
            assert!(Instant::now() < end, "no port within 30 s: {log}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A port that nobody has, for TCP and UDP.
pub(crate) fn free_port() -> u16 {
    let find = || -> io::Result<u16> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        UdpSocket::bind(("127.0.0.1", port)).map(|_| port)
    };
    (0..20).find_map(|_| find().ok()).unwrap()
}
