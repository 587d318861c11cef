//! An observer that remembers events as words, and short ways to start a run.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use flexway_engine::RunError;
use flexway_engine::report::MoveReport;
use flexway_engine::{Event, Ledger, Observer, RetryPolicy, Run, RunOptions};

use crate::fake::World;
use crate::folder::Folder;

#[derive(Default)]
pub(crate) struct Watch(pub(crate) Mutex<Vec<String>>);

impl Observer for Watch {
    fn event(&self, event: &Event<'_>) {
        let line = match event {
            Event::PhaseEnds { database, phase, .. } => format!("{database} {}", phase.word()),
            Event::Retrying { error, .. } => format!("again {}", error.what),
            Event::WorkBegins { work, amount, .. } => {
                let (done, all) = (amount.units_done, amount.units);
                match amount.large_objects {
                    0 => format!("{work:?} {done}/{all}"),
                    objects => format!("{work:?} {done}/{all} and {objects}"),
                }
            }
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

pub(crate) fn options() -> RunOptions {
    RunOptions {
        databases: Vec::new(),
        jobs: 3,
        overwrite: false,
        roles: true,
        verify: true,
        sample: None,
        build_memory_bytes: None,
        retry: RetryPolicy::never(),
    }
}

pub(crate) fn run(world: &World, folder: &Folder) -> Result<MoveReport, RunError> {
    run_with(world, folder, &options(), &Watch::default(), &AtomicBool::new(false))
}

pub(crate) fn run_with(
    world: &World,
    folder: &Folder,
    options: &RunOptions,
    watch: &Watch,
    stop: &AtomicBool,
) -> Result<MoveReport, RunError> {
    let ledger = Ledger::open(&folder.ledger())?;
    Run::start(world.ports(), options, &ledger, watch, stop)
}
