//! Whether a server that takes connections still answers.
//!
//! A statement may run for hours without a word, and the kernel of a server whose processes stand still goes on acknowledging: neither
//! the silence nor the path tells. So after a while another connection is made and asked. As long as it is answered, the silent one is
//! waited for, however long; when none is, the server hangs. A new connection that does not come about at all tells nothing: a firewall
//! may keep new ones out and let the old one be.

use std::fmt;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use flexway_core::probes::Symptom;

use crate::conninfo::ConnInfo;
use crate::dial::{self, Address};
use crate::session::Session;
use crate::session::connect::climb;

/// Who waits looks at least this often; a longer pause means that something else went on meanwhile.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Unanswered questions that tell: one may meet a moment of great load.
const QUESTIONS_MIN: u32 = 2;

/// A server that takes connections and answers none; how long it has been silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mute(pub(crate) Duration);

impl fmt::Display for Mute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "nothing came for {} s, and the server takes new connections without answering them: its processes, or a pooler's in \
             front of it, stand still",
            self.0.as_secs()
        )
    }
}

/// What is known of a server that is waited for.
#[derive(Debug)]
pub(crate) struct Watch {
    info: ConnInfo,
    /// How long it may be silent before it is asked, and then without an answer.
    limit: Duration,
    /// When it was waited for last, and since when it is silent.
    silent: Option<(Instant, Instant)>,
    /// A question under way, and when it was asked.
    asked: Option<(Instant, Receiver<bool>)>,
    /// When the first of the questions was asked that had no answer, and how many they are.
    unanswered: Option<(Instant, u32)>,
}

impl Watch {
    /// A watch over what a login leads to.
    pub(crate) fn of(info: &ConnInfo) -> Watch {
        let limit = info.keepalive().limit();
        Watch { info: info.clone(), limit, silent: None, asked: None, unanswered: None }
    }

    /// A watch over the one server, of those that a login may lead to, that a session has got.
    pub(crate) fn over(info: &ConnInfo, address: &Address) -> Watch {
        match address {
            Address::Tcp(address) => Watch::of(&info.at(address.ip())),
            Address::Unix(_) => Watch::of(info),
        }
    }

    /// Bytes moved.
    pub(crate) fn moved(&mut self) {
        self.silent = None;
        self.asked = None;
        self.unanswered = None;
    }

    /// Nothing came for a moment.
    ///
    /// # Errors
    /// The server answers nobody.
    pub(crate) fn quiet(&mut self) -> Result<(), Mute> {
        let now = Instant::now();
        let since = match self.silent {
            Some((last, since)) if now.duration_since(last) < PAUSE_MAX => since,
            _ => now,
        };
        if since == now {
            self.moved();
        }
        self.silent = Some((now, since));
        match &self.asked {
            None if now.duration_since(since) >= self.limit => self.ask(now),
            None => {}
            Some((asked, answer)) => match answer.try_recv() {
                Err(TryRecvError::Empty) => {}
                Ok(true) | Err(TryRecvError::Disconnected) => {
                    // It is asked again after as long a silence.
                    self.moved();
                }
                Ok(false) => {
                    let (first, count) = self.unanswered.unwrap_or((*asked, 0));
                    self.unanswered = Some((first, count + 1));
                    self.asked = None;
                    if count + 1 >= QUESTIONS_MIN && now.duration_since(first) >= self.limit {
                        return Err(Mute(now.duration_since(since)));
                    }
                }
            },
        }
        Ok(())
    }

    /// Asks in a thread of its own, which ends within a few times the limit of a rung.
    fn ask(&mut self, now: Instant) {
        let (sender, receiver) = channel();
        let info = self.info.clone();
        let started = thread::Builder::new().name("watch".to_owned()).spawn(move || {
            // Whoever waited may have got its answer meanwhile.
            let _ = sender.send(is_answered(&info));
        });
        // A machine without room for a thread is asked again at the next tick.
        self.asked = started.ok().map(|_| (now, receiver));
    }
}

/// Whether a server says anything, be it no, to a new connection.
fn is_answered(info: &ConnInfo) -> bool {
    let connection = match climb(info) {
        Ok(connection) => connection,
        Err(error) => return error.symptom != Some(Symptom::Mute),
    };
    let limit = dial::rung_time_max(info);
    let mut session = Session::on(connection, info);
    session.set_silence_time_max(Some(limit));
    let asked = Instant::now();
    session.rows("SELECT 1").is_ok() || asked.elapsed() < limit
}
