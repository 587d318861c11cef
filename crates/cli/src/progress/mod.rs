//! Shows a run while it goes on: bars on a terminal, one plain line at a time anywhere else. All of
//! it on standard error.

mod bars;
mod tally;

pub(crate) use flexway_core::format::{bytes, count, duration, things, version};

use std::env;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use flexway_core::migrate::{Copied, MoveError, Phase, Remedy};
use flexway_engine::{Event, LARGE_OBJECTS, Observer, Work};

use crate::output;
use bars::Bars;
use tally::Tally;
pub(crate) use tally::paced_words;

/// How often bars are drawn: smooth for the eye, nothing for the processor.
const BAR_TICK: Duration = Duration::from_millis(200);

/// How often a plain line tells how far a long step has come: enough for a log that somebody reads
/// later.
const LINE_TICK: Duration = Duration::from_secs(5);

/// Finished tables and indexes get a line of their own only this often, or when they took this
/// long: there can be 100,000 of them.
const UNIT_LINE_GAP: Duration = Duration::from_secs(1);

/// Watches a run. Dropping it removes the bars.
pub(crate) struct Progress {
    shared: Arc<Shared>,
    over: Option<Sender<()>>,
    ticker: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    stop: Arc<AtomicBool>,
}

struct State {
    bars: Option<Bars>,
    /// The work that is shown.
    tally: Tally,
    /// What is built beside a copy, shown once that is over.
    beside: Option<Tally>,
    last_line: Instant,
    has_said_stop: bool,
}

impl Progress {
    /// Begins to watch. `stop` is the flag that Ctrl-C sets: that it was seen is said here.
    pub(crate) fn new(stop: Arc<AtomicBool>) -> Progress {
        let bars = is_terminal().then(|| Bars::new(has_colour()));
        let tick = if bars.is_some() { BAR_TICK } else { LINE_TICK };
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                bars,
                tally: Tally::default(),
                beside: None,
                last_line: Instant::now(),
                has_said_stop: false,
            }),
            stop,
        });
        let (over, is_over) = mpsc::channel::<()>();
        let ticked = Arc::clone(&shared);
        let ticker = thread::spawn(move || {
            let poll = tick.min(BAR_TICK);
            while let Err(RecvTimeoutError::Timeout) = is_over.recv_timeout(poll) {
                ticked.lock().tick(tick, ticked.stop.load(Ordering::Relaxed));
            }
        });
        Progress { shared, over: Some(over), ticker: Some(ticker) }
    }

    /// A line for people.
    pub(crate) fn say(&self, line: &str) {
        self.shared.lock().say(line);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
        if let Some(bars) = self.shared.lock().bars.take() {
            bars.clear();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event<'_>) {
        self.shared.lock().event(event);
    }
}

impl State {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Accepted { source, target, tools, databases, notes } => {
                self.say(&format!(
                    "source   {}, PostgreSQL {}",
                    source.label,
                    version(source.version)
                ));
                self.say(&format!(
                    "target   {}, PostgreSQL {}",
                    target.label,
                    version(target.version)
                ));
                if let Some(tools) = tools {
                    self.say(&format!("pg_dump  {}, {}", version(tools.version), tools.pg_dump));
                }
                // Only a move needs a tool.
                let verb = if tools.is_some() { "moving  " } else { "comparing" };
                self.say(&format!("{verb} {}", databases.join(", ")));
                for note in *notes {
                    self.say(&format!("  note: {note}"));
                }
            }
            Event::RolesCarried(report) => {
                let (created, kept) = (report.created.len(), report.kept.len());
                self.say(&format!("roles: {created} created, {kept} there before"));
                for note in &report.notes {
                    self.say(&format!("  note: {note}"));
                }
            }
            Event::DatabaseBegins { database, reached } => self.database_begins(database, *reached),
            Event::SessionsEnded { database, count } => {
                let sessions = things(*count, "session");
                self.say(&format!("{database}: ended {sessions} of others on the target"));
            }
            Event::PhaseEnds { database, phase, seconds } => {
                let took = duration(*seconds);
                self.say(&format!("{database}: {} ({took})", phase_words(*phase)));
            }
            Event::WorkBegins { database, work, amount } => {
                let tally = Tally::begin(database, *work, *amount);
                if let Some(line) = tally.opening() {
                    self.say(&line);
                }
                if self.tally.is_of(Work::Copy) {
                    self.beside = Some(tally);
                } else {
                    self.show(tally);
                }
            }
            Event::UnitBegins { work, name, size_bytes, progress, .. } => {
                let progress = Arc::clone(progress);
                if let Some(beside) = self.beside.as_mut().filter(|beside| beside.is_of(*work)) {
                    beside.unit_begins(name, *size_bytes, progress);
                    return;
                }
                self.tally.unit_begins(name, *size_bytes, progress);
                if let Some(bars) = &mut self.bars {
                    bars.unit_begins(name);
                }
            }
            Event::Paced { paced, .. } => self.tally.paced(paced),
            Event::UnitEnds { database, work, name, result, seconds } => {
                self.unit_ends(database, *work, name, *result, *seconds);
            }
            Event::WorkEnds { .. } => match self.beside.take() {
                Some(beside) => self.show(beside),
                None => {
                    self.tally = Tally::default();
                    if let Some(bars) = &mut self.bars {
                        bars.end();
                    }
                }
            },
            Event::StatisticsSettled { database, statistics } => {
                self.say(&format!("{database}: {statistics}"));
                for reason in &statistics.reasons {
                    self.say(&format!("{database}: gathered: {reason}"));
                }
            }
            Event::LeftOpen { database, error } => {
                self.say(&format!("{database}: left open: {error}"));
            }
            Event::Noted { database, text } => self.say(&format!("  note: {database}: {text}")),
            Event::Retrying { error, wait } => {
                let wait = duration(wait.as_secs_f64());
                self.say(&format!("{error}; trying again in {wait}"));
            }
            Event::DatabaseEnds { database, reached, error } => {
                if error.is_some() {
                    let reached = reached.map_or("nothing was kept", Phase::word);
                    self.say(&format!("{database}: left unfinished; last complete: {reached}"));
                }
            }
        }
    }

    fn show(&mut self, tally: Tally) {
        self.tally = tally;
        if let Some(bars) = &mut self.bars {
            bars.begin(&self.tally);
        }
    }

    fn database_begins(&mut self, database: &str, reached: Option<Phase>) {
        match reached {
            Some(Phase::Verified) => {
                self.say(&format!(
                    "{database}: verified by an earlier run; another --ledger moves it anew"
                ));
            }
            Some(phase) => self.say(&format!("{database}: going on after {}", phase.word())),
            None => {}
        }
    }

    fn unit_ends(
        &mut self,
        database: &str,
        work: Work,
        name: &str,
        result: Result<Copied, &MoveError>,
        seconds: f64,
    ) {
        if let Some(beside) = self.beside.as_mut().filter(|beside| beside.is_of(work)) {
            beside.unit_ends(name, result.ok());
        } else {
            self.tally.unit_ends(name, result.ok());
            if let Some(bars) = &mut self.bars {
                bars.unit_ends(name);
            }
        }
        match result {
            // One line says for all of them that the run was asked to stop.
            Err(error) if error.remedy == Remedy::Stopped => self.say_stop(),
            Err(error) => self.say(&format!("{database}: {error}")),
            Ok(copied) => {
                let is_due = self.last_line.elapsed() >= UNIT_LINE_GAP
                    || seconds >= UNIT_LINE_GAP.as_secs_f64();
                if is_due || self.bars.is_some() && work == Work::Copy {
                    let line = unit_line(work, name, copied, seconds);
                    self.say(&format!("{database}: {line}"));
                }
            }
        }
    }

    fn tick(&mut self, tick: Duration, is_stopping: bool) {
        if is_stopping {
            self.say_stop();
        }
        if let Some(bars) = &mut self.bars {
            bars.draw(&self.tally);
        } else if self.last_line.elapsed() >= tick
            && let Some(line) = self.tally.line()
        {
            self.say(&line);
        }
    }

    fn say_stop(&mut self) {
        if !std::mem::replace(&mut self.has_said_stop, true) {
            self.say(
                "stopping: what runs is cancelled, and done again when the move goes on; once \
                 more ends at once",
            );
        }
    }

    fn say(&mut self, line: &str) {
        self.last_line = Instant::now();
        match &self.bars {
            Some(bars) => bars.say(line),
            None => output::remark(line),
        }
    }
}

fn unit_line(work: Work, name: &str, copied: Copied, seconds: f64) -> String {
    let took = duration(seconds);
    let rows = things(copied.rows, "row");
    match work {
        Work::Copy if name == LARGE_OBJECTS => {
            let objects = things(copied.rows, "large object");
            format!("copied {objects}: {} in {took}", bytes(copied.bytes))
        }
        Work::Copy => format!("copied {name}: {rows}, {} in {took}", bytes(copied.bytes)),
        Work::Compare => format!("compared {name}: {rows} in {took}"),
        Work::Build => format!("built {name} in {took}"),
    }
}

fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Prepared => "target database prepared",
        Phase::PreData => "types, functions and tables created",
        Phase::Copied => "all rows copied",
        Phase::PostData => "indexes, keys and triggers built",
        Phase::Finished => "sequences set, views refreshed, statistics there",
        Phase::Verified => "compared with the source: equal",
    }
}

fn is_terminal() -> bool {
    std::io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Source: no-color.org: set and not empty.
fn has_colour() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
