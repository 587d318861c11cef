//! Listeners that say what a test tells them to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// A listener on a free port; its thread ends with its script.
pub(crate) struct Fake {
    pub(crate) port: u16,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    /// Serves `connections` connections, one after the other.
    pub(crate) fn start(
        connections: usize,
        mut script: impl FnMut(usize, TcpStream) + Send + 'static,
    ) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = thread::spawn(move || {
            for number in 0..connections {
                script(number, listener.accept().unwrap().0);
            }
        });
        Fake { port, thread: Some(thread) }
    }

    pub(crate) fn url(&self, parameters: &str) -> String {
        format!("postgres://bob:pw@127.0.0.1:{}/d?{parameters}", self.port)
    }

    /// Waits for the script's end; it has served all its connections.
    pub(crate) fn finish(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Reads one untagged message: SSLRequest or a startup message.
pub(crate) fn read_first(stream: &mut impl Read) {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    stream.read_exact(&mut body).unwrap();
}

/// Reads one tagged message; gives its tag.
pub(crate) fn read_message(stream: &mut impl Read) -> u8 {
    let mut tag = [0];
    stream.read_exact(&mut tag).unwrap();
    read_first(stream);
    tag[0]
}

pub(crate) fn send(stream: &mut impl Write, tag: u8, body: &[u8]) {
    let mut message = vec![tag];
    message.extend((body.len() as u32 + 4).to_be_bytes());
    message.extend(body);
    stream.write_all(&message).unwrap();
}

/// The body of an ErrorResponse.
pub(crate) fn error(code: &str, message: &str) -> Vec<u8> {
    format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0").into_bytes()
}
