//! The ledger file: who may use it, what others read in it, what it never holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use flexway_core::assess::facts;
use flexway_core::assess::forecast::Rates;
use flexway_core::migrate::*;
use flexway_core::port::Servers;
use flexway_engine::RunError;
use flexway_engine::ledger::{LedgerView, qualified};
use flexway_engine::{Ledger, LedgerError, Ports, Run};

use crate::fake::World;
use crate::folder::Folder;
use crate::watch::{Watch, options, run, run_with};

#[test]
fn a_second_opener_is_told_who_has_it() {
    let folder = Folder::new();
    let _held = Ledger::open(&folder.ledger()).unwrap();
    let refused = Ledger::open(&folder.ledger()).unwrap_err();
    assert_eq!(refused.to_string(), format!("process {} works with it", std::process::id()));
}

fn files(folder: &Folder) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_refused_run_leaves_no_file_and_a_ledger_that_was_used_stays() {
    let (world, folder) = (World::new(), Folder::new());
    world.state().has_tools = false;
    run(&world, &folder).unwrap_err();
    assert_eq!(files(&folder), Vec::<String>::new());
    world.state().has_tools = true;
    run(&world, &folder).unwrap();
    world.state().has_tools = false;
    run(&world, &folder).unwrap_err();
    assert_eq!(files(&folder), ["move.ledger", "move.ledger.lock"]);
    assert_eq!(LedgerView::read(&folder.ledger()).unwrap().run.unwrap().state, "done");
}

/// Ledgers come and go under many threads; at no time two of them are open at once.
#[test]
fn a_ledger_that_is_removed_lets_nobody_in_twice() {
    let folder = Folder::new();
    let open = AtomicUsize::new(0);
    let opened = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let ledger = match Ledger::open(&folder.ledger()) {
                        Ok(ledger) => ledger,
                        Err(LedgerError::Busy { .. }) => continue,
                        Err(error) => panic!("{error}"),
                    };
                    assert_eq!(open.fetch_add(1, Ordering::SeqCst), 0, "open twice");
                    opened.fetch_add(1, Ordering::SeqCst);
                    open.fetch_sub(1, Ordering::SeqCst);
                    drop(ledger);
                }
            });
        }
    });
    assert!(opened.load(Ordering::SeqCst) > 20, "hardly anybody got in");
    assert_eq!(files(&folder), Vec::<String>::new());
}

#[test]
fn the_status_is_read_while_the_ledger_is_held_and_does_not_disturb() {
    let (world, folder) = (World::new(), Folder::new());
    run(&world, &folder).unwrap();
    let held = Ledger::open(&folder.ledger()).unwrap();
    let view = LedgerView::read(&folder.ledger()).unwrap();
    assert_eq!(view.run.unwrap().state, "done");
    let shop = &view.databases[1];
    assert_eq!((shop.tables_done, shop.tables, shop.rows), (3, 3, 36));
    assert_eq!((shop.entries_done, shop.entries), (4, 4));
    assert_eq!(shop.phase.as_deref(), Some("verified"));
    assert!(held.database("shop").unwrap().is_touched);
}

#[test]
fn a_run_whose_process_is_gone_reads_as_interrupted() {
    let (world, folder) = (World::new(), Folder::new());
    run(&world, &folder).unwrap();
    let file = rusqlite::Connection::open(folder.ledger()).unwrap();
    file.execute("UPDATE run SET state = 'running', ended = NULL", []).unwrap();
    drop(file);
    let state = || LedgerView::read(&folder.ledger()).unwrap().run.unwrap().state;
    assert_eq!(state(), "interrupted");
    let held = Ledger::open(&folder.ledger()).unwrap();
    assert_eq!(state(), "running");
    drop(held);
    assert_eq!(state(), "interrupted");
}

#[test]
fn other_files_are_left_alone() {
    let folder = Folder::new();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "remember the milk").unwrap();
    assert!(matches!(Ledger::open(&text), Err(LedgerError::NotALedger)));
    assert!(matches!(LedgerView::read(&text), Err(LedgerError::NotALedger)));
    assert_eq!(std::fs::read_to_string(&text).unwrap(), "remember the milk");
    let other = folder.path().join("other.db");
    let database = rusqlite::Connection::open(&other).unwrap();
    database.execute_batch("CREATE TABLE theirs (a)").unwrap();
    assert!(matches!(Ledger::open(&other), Err(LedgerError::NotALedger)));
    let newer = folder.ledger();
    assert_eq!(files(&folder), ["notes.txt", "other.db"]);
    run(&World::new(), &folder).unwrap();
    let database = rusqlite::Connection::open(&newer).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    let refused = Ledger::open(&newer).unwrap_err().to_string();
    assert_eq!(refused, "the file has version 99 of the ledger's tables, this program knows 5");
    assert!(matches!(LedgerView::read(&folder.path().join("none")), Err(LedgerError::Io { .. })));
}

/// The fake servers under other names.
struct Elsewhere(World, &'static str);

impl Servers for Elsewhere {
    fn source(&self) -> Result<ServerFacts, MoveError> {
        Ok(ServerFacts { label: self.1.to_owned(), ..self.0.source()? })
    }
    fn target(&self, look_into: &[String]) -> Result<ServerFacts, MoveError> {
        self.0.target(look_into)
    }
    fn tools(&self) -> Result<ToolFacts, MoveError> {
        self.0.tools()
    }
    fn look_at(
        &self,
        source: ServerFacts,
        target: ServerFacts,
        databases: &[String],
    ) -> Result<(facts::Server, facts::Server), MoveError> {
        self.0.look_at(source, target, databases)
    }
    fn measure(&self, databases: &[String]) -> Result<Rates, MoveError> {
        self.0.measure(databases)
    }
    fn copy_roles(&self, databases: &[String], overwrite: bool) -> Result<RoleReport, MoveError> {
        self.0.copy_roles(databases, overwrite)
    }
    fn role_differences(&self, databases: &[String]) -> Result<Vec<Difference>, MoveError> {
        self.0.role_differences(databases)
    }
}

#[test]
fn a_ledger_of_other_servers_is_refused_by_name() {
    let (world, folder) = (World::new(), Folder::new());
    run(&world, &folder).unwrap();
    let ledger = Ledger::open(&folder.ledger()).unwrap();
    let start = |label| {
        let servers = Elsewhere(world.clone(), label);
        let ports = Ports { servers: &servers, databases: &world };
        let stop = AtomicBool::new(false);
        Run::start(ports, &options(), &ledger, &Watch::default(), &stop)
    };
    match start("third:5432 as admin") {
        Err(RunError::Ledger(error)) => assert_eq!(
            error.to_string(),
            "it belongs to the move from old:5432 as admin to new:5432 as admin"
        ),
        other => panic!("not refused: {other:?}"),
    }
    assert!(start("old:5432 as somebody_else").is_ok(), "the login may differ");
}

#[test]
fn options_are_kept_for_resume() {
    let (world, folder) = (World::new(), Folder::new());
    let mut chosen = options();
    chosen.databases = vec!["blog".to_owned()];
    chosen.overwrite = true;
    chosen.retry = flexway_engine::RetryPolicy::default();
    let stop = Arc::new(AtomicBool::new(false));
    run_with(&world, &folder, &chosen, &Watch::default(), &stop).unwrap();
    let kept = Ledger::open(&folder.ledger()).unwrap().last_options().unwrap();
    assert_eq!(kept, Some(chosen));
}

#[test]
fn names_are_quoted_where_they_need_it() {
    assert_eq!(qualified("app", "orders_2"), "app.orders_2");
    assert_eq!(qualified("My App", "a\"b.c"), "\"My App\".\"a\"\"b.c\"");
}
