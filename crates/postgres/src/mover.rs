//! The engine's ports to two servers: whole servers here, one open database in `open`.

mod open;
mod reserve;

use std::sync::{Mutex, PoisonError};

use flexway_core::assess::facts;
use flexway_core::assess::forecast::Rates;
use flexway_core::migrate::{Difference, LeftOut, MoveError, RoleReport, ServerFacts, ToolFacts};
use flexway_core::port::{Database, Databases, Servers};

use crate::ask::Outcome;
use crate::pool::connect;
use crate::schema::{abandon, database, tool};
use crate::{ConnInfo, assess, catalog, locks, roles};

/// The database that every server has from the start; it counts as one of the users' when they keep
/// objects in it.
const MAINTENANCE_DATABASE: &str = "postgres";

/// A source and a target server. Opens sessions when they are needed.
///
/// Not carried, since they would do harm or belong to the server: subscriptions (their text holds
/// passwords, and a copy would pull from the old publisher), tablespaces, replication slots,
/// server settings, and the contents of foreign tables.
#[derive(Debug)]
pub struct Mover {
    source: ConnInfo,
    target: ConnInfo,
    tool: Mutex<Option<ToolFacts>>,
    reservation: Mutex<Option<reserve::Reservation>>,
}

impl Mover {
    /// Moves from the server of `source` to that of `target`. The databases that they name are used
    /// to ask about the servers; nothing is connected yet.
    pub fn new(source: ConnInfo, target: ConnInfo) -> Mover {
        Mover { source, target, tool: Mutex::new(None), reservation: Mutex::new(None) }
    }

    fn tool(&self) -> Outcome<ToolFacts> {
        let mut known = self.tool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tool) = &*known {
            return Ok(tool.clone());
        }
        let versions = [&self.source, &self.target]
            .map(|info| connect(info).map(|session| session.version().number));
        let [source, target] = versions;
        let tool = tool::find(source?, target?)?;
        *known = Some(tool.clone());
        Ok(tool)
    }

    fn renew_reservation(&self) -> Outcome<()> {
        let mut reservation = self.reservation.lock().unwrap_or_else(PoisonError::into_inner);
        reservation.as_mut().map_or(Ok(()), reserve::Reservation::renew)
    }

    fn count_objects(info: &ConnInfo, database: &str) -> Outcome<u64> {
        catalog::user_object_count(&mut connect(&info.with_database(database))?)
    }
}

impl Servers for Mover {
    fn source(&self) -> Result<ServerFacts, MoveError> {
        let mut facts = catalog::server_facts(&mut connect(&self.source)?, &self.source)?;
        let maintenance = facts.databases.iter().position(|one| one.name == MAINTENANCE_DATABASE);
        if let Some(index) = maintenance {
            match Mover::count_objects(&self.source, MAINTENANCE_DATABASE)? {
                0 => {
                    let name = facts.databases.remove(index).name;
                    facts.left_out.push(LeftOut {
                        name,
                        why: "it holds nothing of users".to_owned(),
                        because: "every server has one".to_owned(),
                        change: String::new(),
                        help: String::new(),
                        is_users: false,
                    });
                }
                count => facts.databases[index].user_object_count = Some(count),
            }
        }
        Ok(facts)
    }

    fn target(&self, look_into: &[String]) -> Result<ServerFacts, MoveError> {
        let mut facts = catalog::server_facts(&mut connect(&self.target)?, &self.target)?;
        for database in facts.databases.iter_mut().filter(|one| look_into.contains(&one.name)) {
            database.user_object_count = Some(Mover::count_objects(&self.target, &database.name)?);
        }
        Ok(facts)
    }

    fn tools(&self) -> Result<ToolFacts, MoveError> {
        self.tool()
    }

    fn look_at(
        &self,
        source: ServerFacts,
        target: ServerFacts,
        databases: &[String],
    ) -> Result<(facts::Server, facts::Server), MoveError> {
        assess::servers((&self.source, source), (&self.target, target), databases)
    }

    fn measure(&self, databases: &[String]) -> Result<Rates, MoveError> {
        assess::measure(&self.source, &self.target, databases)
    }

    fn copy_roles(&self, databases: &[String], overwrite: bool) -> Result<RoleReport, MoveError> {
        let (source, target) = (&mut connect(&self.source)?, &mut connect(&self.target)?);
        roles::copy(source, target, databases, overwrite)
    }

    fn role_differences(&self, databases: &[String]) -> Result<Vec<Difference>, MoveError> {
        roles::differences(&mut connect(&self.source)?, &mut connect(&self.target)?, databases)
    }
}

impl Databases for Mover {
    fn reserve(&self, databases: &[String]) -> Result<(), MoveError> {
        let mut reservation = self.reservation.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was taken before would be in the way of the new one.
        *reservation = None;
        *reservation = Some(reserve::Reservation::take(&self.target, databases)?);
        Ok(())
    }

    fn at_work(&self, databases: &[String]) -> Result<Vec<(String, String)>, MoveError> {
        reserve::at_work(&self.target, databases)
    }

    fn look_into(&self, database: &str) -> Result<facts::Database, MoveError> {
        let source = self.source.with_database(database);
        assess::database(&self.source, &self.target, database)
            .map_err(|error| locks::explained(&source, error))
    }

    fn prepare(&self, database: &str, overwrite: bool) -> Result<u64, MoveError> {
        self.renew_reservation()?;
        let pg_dump = self.tool()?.pg_dump;
        database::prepare(&pg_dump, &self.source, &self.target, database, overwrite)
    }

    fn abandon(&self, database: &str, drop: bool) -> Result<(), MoveError> {
        self.renew_reservation()?;
        abandon::abandon(&self.target, database, drop)
    }

    fn open(&self, database: &str) -> Result<Box<dyn Database>, MoveError> {
        self.renew_reservation()?;
        let tool = self.tool()?;
        let (source, target) =
            (self.source.with_database(database), self.target.with_database(database));
        let open = open::OpenDatabase::open(tool, source.clone(), target);
        Ok(Box::new(open.map_err(|error| locks::explained(&source, error))?))
    }
}
