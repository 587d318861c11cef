//! Two servers in memory that behave like the real ports: what is created twice fails, what is
//! repeatable repeats, and any call can be made to fail before or after it took effect.

mod open;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use flexway_core::assess::facts;
use flexway_core::assess::forecast::Rates;
use flexway_core::migrate::*;
use flexway_core::port::*;
use flexway_engine::Ports;
use open::Open;

/// A database of either server.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Store {
    pub(crate) has_schema: bool,
    pub(crate) tables: BTreeMap<String, Vec<u64>>,
    pub(crate) entries: BTreeSet<String>,
    pub(crate) large_objects: u64,
    pub(crate) is_finished: bool,
}

impl Store {
    /// Rows of each part of a table, ten rows at most.
    fn parts(&self, table: &str) -> Vec<Vec<u64>> {
        self.tables[table].chunks(10).map(<[u64]>::to_vec).collect()
    }
}

/// When a call fails: before its effect, or after (the answer was lost).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Moment {
    Before,
    After,
}

#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// Number of the call, from 0; `None` with a name means every such call.
    pub(crate) call: Option<usize>,
    pub(crate) name: Option<String>,
    pub(crate) times: usize,
    pub(crate) moment: Moment,
    pub(crate) remedy: Remedy,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) source: BTreeMap<String, Store>,
    pub(crate) target: BTreeMap<String, Store>,
    pub(crate) source_version: u32,
    pub(crate) target_version: u32,
    pub(crate) has_roles: bool,
    pub(crate) has_tools: bool,
    pub(crate) role_notes: Vec<String>,
    /// The databases whose roles were carried, and how: a line for each call.
    pub(crate) roles_of: Vec<String>,
    pub(crate) roles_different: Vec<String>,
    /// Roles that differ on the target.
    pub(crate) role_faults: Vec<String>,
    /// Databases that are kept from other moves.
    pub(crate) reserved: Vec<String>,
    /// Every call in the order in which it began.
    pub(crate) calls: Vec<String>,
    /// Calls whose effect took place.
    pub(crate) effects: Vec<String>,
    pub(crate) fault: Option<Fault>,
    /// The first call of this name meets a crash, which takes the rows of table `small` back.
    pub(crate) crash_at: Option<String>,
    /// Calls of this name set the stop flag, as Ctrl-C would.
    pub(crate) stop_at: Option<(String, Arc<AtomicBool>)>,
    pub(crate) running: usize,
    pub(crate) running_max: usize,
}

#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<State>>);

impl World {
    /// Two databases on the source: `shop` with three tables, keys, a trigger and large objects;
    /// `blog` with one table.
    pub(crate) fn new() -> World {
        let shop = Store {
            has_schema: true,
            tables: [("small", 1), ("big", 30), ("middle", 5)]
                .map(|(name, rows)| (name.to_owned(), (0..rows).collect()))
                .into(),
            entries: ["INDEX big_idx", "CONSTRAINT big_pkey", "FK CONSTRAINT fk", "TRIGGER t"]
                .map(str::to_owned)
                .into(),
            large_objects: 4,
            is_finished: true,
        };
        let blog = Store {
            has_schema: true,
            tables: [("posts".to_owned(), vec![1, 2])].into(),
            is_finished: true,
            ..Store::default()
        };
        World(Arc::new(Mutex::new(State {
            source: [("blog".to_owned(), blog), ("shop".to_owned(), shop)].into(),
            target: [("postgres".to_owned(), Store::default())].into(),
            source_version: 110_022,
            target_version: 170_010,
            has_tools: true,
            ..State::default()
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn ports(&self) -> Ports<'_> {
        Ports { servers: self, databases: self }
    }

    /// Whether the target holds exactly what the source does.
    pub(crate) fn is_moved(&self) -> bool {
        let state = self.state();
        state.has_roles
            && state.source.iter().all(|(name, store)| state.target.get(name) == Some(store))
    }

    pub(crate) fn count(&self, effect: &str) -> usize {
        self.state().effects.iter().filter(|done| *done == effect).count()
    }

    /// One call of a port.
    fn call<T>(
        &self,
        name: &str,
        effect: impl FnOnce(&mut State) -> Result<T, MoveError>,
    ) -> Result<T, MoveError> {
        let mut state = self.state();
        let number = state.calls.len();
        state.calls.push(name.to_owned());
        if let Some((at, stop)) = &state.stop_at
            && at == name
        {
            stop.store(true, Ordering::Relaxed);
            return Err(error(name, "cancelled", Remedy::Stopped));
        }
        state.crash(name)?;
        let fault = state.fault.clone().filter(|fault| {
            fault.times > 0
                && fault.call.is_none_or(|call| call == number)
                && fault.name.as_ref().is_none_or(|wanted| wanted == name)
        });
        if let Some(fault) = &fault {
            state.fault.as_mut().unwrap().times -= 1;
            if fault.moment == Moment::Before {
                return Err(error(name, "injected", fault.remedy));
            }
        }
        let result = effect(&mut state)?;
        state.effects.push(name.to_owned());
        match fault {
            Some(fault) => Err(error(name, "the answer was lost", fault.remedy)),
            None => Ok(result),
        }
    }
}

impl State {
    /// An error where this is the call that meets the crash.
    fn crash(&mut self, name: &str) -> Result<(), MoveError> {
        if self.crash_at.take_if(|at| at == name).is_none() {
            return Ok(());
        }
        let tables = self.target.values_mut().filter_map(|store| store.tables.get_mut("small"));
        tables.for_each(Vec::clear);
        Err(error(name, "the target crashed", Remedy::Retry))
    }
}

pub(crate) fn error(what: &str, why: &str, remedy: Remedy) -> MoveError {
    MoveError { what: what.to_owned(), why: why.to_owned(), help: String::new(), remedy }
}

fn facts_of(label: &str, version: u32, databases: &BTreeMap<String, Store>) -> ServerFacts {
    let databases = databases.iter().map(|(name, store)| DatabaseFacts {
        name: name.clone(),
        size_bytes: 1000,
        user_object_count: Some((store.tables.len() + usize::from(store.has_schema)) as u64),
    });
    ServerFacts {
        label: label.to_owned(),
        version,
        databases: databases.collect(),
        left_out: Vec::new(),
        is_superuser: true,
        is_standby: false,
        started_us: u64::from(version),
    }
}

impl Servers for World {
    fn source(&self) -> Result<ServerFacts, MoveError> {
        self.call("source", |state| {
            Ok(facts_of("old:5432 as admin", state.source_version, &state.source))
        })
    }

    fn target(&self, _look_into: &[String]) -> Result<ServerFacts, MoveError> {
        self.call("target", |state| {
            Ok(facts_of("new:5432 as admin", state.target_version, &state.target))
        })
    }

    fn tools(&self) -> Result<ToolFacts, MoveError> {
        self.call("tools", |state| match state.has_tools {
            true => Ok(ToolFacts { pg_dump: "pg_dump".to_owned(), version: 170_010 }),
            false => Err(error("find pg_dump", "none of major 17 on the path", Remedy::Act)),
        })
    }

    fn look_at(
        &self,
        source: ServerFacts,
        target: ServerFacts,
        _databases: &[String],
    ) -> Result<(facts::Server, facts::Server), MoveError> {
        self.call("look at", |_| {
            Ok((facts::Server::plain(source, "admin"), facts::Server::plain(target, "admin")))
        })
    }

    fn measure(&self, _databases: &[String]) -> Result<Rates, MoveError> {
        self.call("measure", |_| Ok(Rates { copy: 1e6, read: 1e6, index: 1e6, sample_bytes: 9 }))
    }

    fn copy_roles(&self, databases: &[String], overwrite: bool) -> Result<RoleReport, MoveError> {
        self.call("roles", |state| {
            state.has_roles = true;
            let how = if overwrite { " overwriting" } else { "" };
            state.roles_of.push(format!("[{}]{how}", databases.join(" ")));
            let notes = state.role_notes.clone();
            let different = state.roles_different.clone();
            Ok(RoleReport { created: vec!["ada".to_owned()], kept: Vec::new(), different, notes })
        })
    }

    fn role_differences(&self, _databases: &[String]) -> Result<Vec<Difference>, MoveError> {
        self.call("compare roles", |state| {
            let difference = |name: &str, detail: &str| Difference {
                kind: "role",
                name: name.to_owned(),
                detail: detail.to_owned(),
            };
            let mut found: Vec<Difference> =
                state.role_faults.iter().map(|name| difference(name, "differs in LOGIN")).collect();
            if !state.has_roles {
                found.push(difference("ada", "missing on the target"));
            }
            Ok(found)
        })
    }
}

impl Databases for World {
    fn reserve(&self, databases: &[String]) -> Result<(), MoveError> {
        self.call("reserve", |state| {
            state.reserved = databases.to_vec();
            Ok(())
        })
    }

    fn at_work(&self, databases: &[String]) -> Result<Vec<(String, String)>, MoveError> {
        self.call("at work", |state| {
            let is_reserved = |name: &&String| state.reserved.contains(name);
            let reserved = databases.iter().filter(is_reserved);
            Ok(reserved.map(|name| (name.clone(), "another".to_owned())).collect())
        })
    }

    fn look_into(&self, database: &str) -> Result<facts::Database, MoveError> {
        self.call(&format!("{database} look into"), |_| {
            Ok(facts::Database::empty(database, 1000, 100))
        })
    }

    fn prepare(&self, database: &str, overwrite: bool) -> Result<u64, MoveError> {
        self.call(&format!("{database} prepare"), |state| {
            let store = state.target.entry(database.to_owned()).or_default();
            if overwrite {
                *store = Store::default();
            }
            match *store == Store::default() {
                true => Ok(0),
                false => Err(error("prepare", "it is not empty", Remedy::Act)),
            }
        })
    }

    fn abandon(&self, database: &str, drop: bool) -> Result<(), MoveError> {
        self.call(&format!("{database} abandon"), |state| {
            if drop {
                state.target.remove(database);
            }
            Ok(())
        })
    }

    fn open(&self, database: &str) -> Result<Box<dyn Database>, MoveError> {
        self.call(&format!("{database} open"), |_| Ok(()))?;
        Ok(Box::new(Open { world: self.clone(), name: database.to_owned() }))
    }
}
