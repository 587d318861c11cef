//! Whether the way to the other end still carries what is sent.
//!
//! While nothing is under way the kernel's keepalives tell. While something is, they are not sent, and the kernel repeats what was not
//! acknowledged for a quarter of an hour before it gives up. So its table of connections is looked at: there a path that is dead differs
//! from an end that is alive and reads nothing, such as a target that waits for its disk, which answers every question.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Of the time that a path may be silent, how much passes between two looks. The table has a line for each connection of the machine.
const LOOKS: u32 = 4;

/// What is known of a path.
#[derive(Debug)]
pub(crate) struct Path {
    /// How long it may carry nothing.
    limit: Duration,
    looked: Instant,
    /// Since when each look found something that was sent again and not acknowledged.
    repeating_since: Option<Instant>,
}

impl Path {
    /// A path that counts as dead when it carries nothing for this long.
    pub(crate) fn new(limit: Duration) -> Path {
        Path { limit, looked: Instant::now(), repeating_since: None }
    }

    /// Bytes moved.
    pub(crate) fn moved(&mut self) {
        self.repeating_since = None;
    }

    /// Nothing moved for a moment.
    ///
    /// # Errors
    /// `TimedOut` when the path is dead.
    pub(crate) fn quiet(&mut self, socket: &TcpStream) -> io::Result<()> {
        if self.looked.elapsed() < self.limit / LOOKS {
            return Ok(());
        }
        self.looked = Instant::now();
        if !is_repeating(socket) {
            self.repeating_since = None;
            return Ok(());
        }
        let since = *self.repeating_since.get_or_insert(self.looked);
        if since.elapsed() >= self.limit { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

/// Whether the kernel sends something again that was not acknowledged. False also where it does not tell, as on other systems.
fn is_repeating(socket: &TcpStream) -> bool {
    let (Ok(ours), Ok(theirs)) = (socket.local_addr(), socket.peer_addr()) else { return false };
    let table = if ours.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let Ok(table) = fs::read_to_string(table) else { return false };
    line_of(&table, ours, theirs).is_some_and(tells_of_repeats)
}

/// The line of a connection. Source: Linux, Documentation/networking/proc_net_tcp.rst.
fn line_of(table: &str, ours: SocketAddr, theirs: SocketAddr) -> Option<&str> {
    let (ours, theirs) = (written(ours), written(theirs));
    table.lines().find(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        words.next() == Some(ours.as_str()) && words.next() == Some(theirs.as_str())
    })
}

/// Timer 1 repeats what was not acknowledged. Timer 4 asks an end that reads nothing whether it does again: one that is alive answers
/// each question before the next.
fn tells_of_repeats(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace().skip(5);
    let timer = words.next().and_then(|word| word.split_once(':')).map(|(timer, _)| timer);
    let repeats = words.next().and_then(|word| u32::from_str_radix(word, 16).ok());
    let questions = words.nth(1).and_then(|word| word.parse::<u32>().ok());
    match timer {
        Some("01") => repeats > Some(0),
        Some("04") => questions > Some(1),
        _ => false,
    }
}

/// An address as the table has it: words of the machine's own byte order.
fn written(address: SocketAddr) -> String {
    let bytes = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = bytes.chunks_exact(4).map(|word| {
        let word = <[u8; 4]>::try_from(word).unwrap_or_default();
        format!("{:08X}", u32::from_ne_bytes(word))
    });
    format!("{}:{:04X}", words.collect::<String>(), address.port())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_kernel_has_a_line_for_each_connection() {
        for host in ["127.0.0.1", "::1"] {
            let Ok(listener) = TcpListener::bind((host, 0)) else { continue };
            let mut ours =
                TcpStream::connect(listener.local_addr().expect("an address")).expect("connects");
            let (mut theirs, _) = listener.accept().expect("connected");
            theirs.write_all(b"x").expect("sent");
            ours.read_exact(&mut [0]).expect("received");
            let table = if host == "::1" { "/proc/net/tcp6" } else { "/proc/net/tcp" };
            let table = fs::read_to_string(table).expect("Linux");
            let addresses = (ours.local_addr().expect("ours"), ours.peer_addr().expect("theirs"));
            let line = line_of(&table, addresses.0, addresses.1).expect("a line");
            assert!(!tells_of_repeats(line), "{line}");
            assert!(line_of(&table, addresses.0, addresses.0).is_none());
        }
    }

    #[test]
    fn an_end_that_reads_nothing_is_alive() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let ours =
            TcpStream::connect(listener.local_addr().expect("an address")).expect("connects");
        let _theirs = listener.accept().expect("connected");
        ours.set_nonblocking(true).expect("set");
        while (&ours).write(&[0; 65536]).is_ok() {}
        let mut path = Path::new(Duration::from_millis(200));
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(60));
            path.quiet(&ours).expect("its window is full, and it answers");
        }
    }

    #[test]
    fn only_what_is_sent_again_counts() {
        let line = |timer, repeats, questions| {
            format!(
                "1: 0100007F:1538 0200007F:9C40 01 00001000:00000000 {timer}:00000014 {repeats} 0 {questions} 1"
            )
        };
        assert!(tells_of_repeats(&line("01", "0000000A", 0)));
        assert!(!tells_of_repeats(&line("01", "00000000", 0)));
        assert!(tells_of_repeats(&line("04", "00000000", 2)));
        assert!(!tells_of_repeats(&line("04", "00000000", 1)));
        assert!(!tells_of_repeats(&line("02", "00000000", 3)));
        assert!(!tells_of_repeats("sl local_address"));
    }
}
