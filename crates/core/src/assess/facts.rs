//! What was read of two servers for an assessment. Plain data; what could not be read is [`Missing`].

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use super::census::{Census, Object};
use super::provider::{Power, Provider};
use crate::migrate::{MoveError, ServerFacts, ToolFacts};

/// The role that plain servers have, and that owns empty databases.
const EXAMPLE_OWNER: &str = "postgres";

/// A fact, or why it was not observed.
pub type Known<T> = Result<T, Missing>;

/// A fact that was not observed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Missing {
    /// What was to be read, such as `the settings of the source`.
    pub what: String,
    /// Why it was not, in the server's words.
    pub why: String,
}

/// How the move is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The source is not written to meanwhile.
    Offline,
    /// Changes follow until a cutover.
    Online,
}

/// Everything that the validations look at.
#[derive(Debug)]
pub struct Facts {
    /// How the move is to go.
    pub mode: Mode,
    /// Whether roles are carried along.
    pub with_roles: bool,
    /// Whether databases of the target may be replaced.
    pub overwrite: bool,
    /// Databases asked for by name; empty for all.
    pub wanted: Vec<String>,
    /// Databases of the target that an earlier run of the same move made.
    pub touched: BTreeSet<String>,
    /// The server that is left.
    pub source: Server,
    /// The server that is moved to.
    pub target: Server,
    /// The `pg_dump` that fits both servers.
    pub tool: Result<ToolFacts, NoTool>,
    /// The databases to move, as the source has them.
    pub databases: Vec<Database>,
    /// Those that could not be looked into, and what failed.
    pub unopened: Vec<(String, MoveError)>,
}

/// Why no `pg_dump` would do.
#[derive(Debug, Clone)]
pub struct NoTool {
    /// What was found instead, and where.
    pub why: String,
    /// What to do.
    pub help: String,
}

/// One server as its login sees it.
#[derive(Debug)]
pub struct Server {
    /// Version, databases, place.
    pub facts: ServerFacts,
    /// Who the login is.
    pub login: Login,
    /// Whose service it is.
    pub provider: Provider,
    /// `pg_settings`: name to value in its base unit.
    pub settings: Known<BTreeMap<String, Setting>>,
    /// Extensions that can be created there.
    pub extensions: Known<BTreeMap<String, Available>>,
    /// Names of built-in collations of `pg_catalog`.
    pub collations: Known<BTreeSet<String>>,
    /// Locales that the system below was asked about, and whether it has them.
    pub locales: BTreeMap<String, bool>,
    /// Roles of users, and whether the login may become them; on the source only those to carry.
    pub roles: Known<Vec<Role>>,
    /// Transactions that are open for long, oldest first.
    pub transactions: Known<Vec<Transaction>>,
    /// Prepared transactions.
    pub prepared: Known<Vec<Transaction>>,
    /// Replication slots in use.
    pub slots: Known<u64>,
    /// Replication connections in use.
    pub senders: Known<u64>,
    /// Sessions in use, those of others included.
    pub sessions: Known<u64>,
    /// Whether a pooler stands before it.
    pub has_pooler: bool,
    /// Tablespaces of users.
    pub tablespaces: BTreeSet<String>,
    /// Built-in types, and whether each is more than a name.
    pub types: Known<BTreeMap<String, bool>>,
    /// Languages that exist in a new database.
    pub languages: BTreeSet<String>,
}

impl Server {
    /// A server of one's own in which there is nothing odd, seen by this superuser; for examples.
    pub fn plain(facts: ServerFacts, login: &str) -> Server {
        Server {
            facts,
            login: Login { name: login.to_owned(), reads_passwords: true, ..Login::default() },
            provider: Provider::Own,
            settings: Ok(BTreeMap::new()),
            extensions: Ok(BTreeMap::new()),
            collations: Ok(BTreeSet::new()),
            locales: BTreeMap::new(),
            roles: Ok(vec![Role { name: EXAMPLE_OWNER.to_owned(), ..Role::default() }]),
            transactions: Ok(Vec::new()),
            prepared: Ok(Vec::new()),
            slots: Ok(0),
            senders: Ok(0),
            sessions: Ok(0),
            has_pooler: false,
            tablespaces: BTreeSet::new(),
            types: Ok(BTreeMap::new()),
            languages: BTreeSet::new(),
        }
    }

    /// Major version: 9.6 gives 9.
    pub fn major(&self) -> u32 {
        self.facts.major()
    }

    /// Whether the login may do what PostgreSQL keeps for superusers; `None`: not known.
    pub fn may(&self, power: Power) -> Option<bool> {
        let is_own = match power {
            // Since 16 who has the attribute and CREATEROLE may give it.
            Power::Replication => self.facts.version >= 160_000 && self.login.can_replicate,
            Power::BypassRowSecurity => {
                self.facts.version >= 160_000 && self.login.bypasses_row_security
            }
            _ => false,
        };
        if self.facts.is_superuser || is_own && self.login.can_create_roles {
            Some(true)
        } else if self.login.is_administrator {
            self.provider.lets_administrators(power)
        } else {
            Some(false)
        }
    }

    /// Whether it was built with ICU: then it has ICU's collations by these names.
    pub fn has_icu(&self) -> Known<bool> {
        let collations = self.collations.as_ref().map_err(Clone::clone)?;
        Ok(collations.iter().any(|name| name.ends_with("-x-icu")))
    }

    /// The setting's value; `None` where this version has none of that name.
    pub fn setting(&self, name: &str) -> Known<Option<&str>> {
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        Ok(settings.get(name).map(|one| one.value.as_str()))
    }

    /// The setting as a whole number; `None` where there is none or it is something else.
    pub fn number(&self, name: &str) -> Known<Option<u64>> {
        Ok(self.setting(name)?.and_then(|value| value.parse().ok()))
    }
}

/// A setting of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What a session of the login begins with, in its base unit.
    pub value: String,
    /// The server's own, where neither the login's role, nor the database, nor the connection says
    /// otherwise; `None`: not seen behind what they say.
    pub own: Option<String>,
    /// Such as `8kB` or `ms`; empty without one.
    pub unit: String,
    /// The value that the server has when nobody sets one.
    pub default: String,
}

impl Setting {
    /// A value of it with its unit, for people.
    pub fn words(&self, value: &str) -> String {
        if value.is_empty() { "empty".to_owned() } else { format!("{value}{}", self.unit) }
    }
}

/// The role that a session runs as.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// Its name.
    pub name: String,
    /// CREATEDB.
    pub can_create_databases: bool,
    /// CREATEROLE.
    pub can_create_roles: bool,
    /// REPLICATION, or a service's role for it.
    pub can_replicate: bool,
    /// BYPASSRLS.
    pub bypasses_row_security: bool,
    /// Whether it may end other roles' sessions.
    pub can_signal: bool,
    /// Whether it may read password verifiers.
    pub reads_passwords: bool,
    /// Whether it may keep event triggers from firing in its sessions.
    pub silences_triggers: bool,
    /// Whether it is a member of the role that administers the service.
    pub is_administrator: bool,
}

/// An extension that a server offers.
#[derive(Debug, Clone, Default)]
pub struct Available {
    /// Versions that can be created, the default first.
    pub versions: Vec<String>,
    /// Whether an ordinary role with CREATE on the database may.
    pub is_trusted: bool,
}

/// A role of users.
#[derive(Debug, Clone, Default)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// SUPERUSER.
    pub is_superuser: bool,
    /// REPLICATION.
    pub can_replicate: bool,
    /// BYPASSRLS.
    pub bypasses_row_security: bool,
    /// LOGIN.
    pub can_login: bool,
    /// Roles that it is a member of.
    pub groups: Vec<String>,
    /// Whether the login may give objects to it.
    pub may_become: bool,
    /// Whether the login may make itself a member that may.
    pub may_join: bool,
    /// `md5` or `scram`; `None` for no password or one that may not be read.
    pub verifier: Option<String>,
    /// Whether it stands for a user of an outside directory.
    pub is_external: bool,
}

/// A transaction that holds others up.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// The process id, or the identifier of a prepared one.
    pub id: String,
    /// The database it runs in.
    pub database: String,
    /// Its user.
    pub user: String,
    /// Seconds since it began.
    pub age_s: u64,
}

/// One database of the source.
#[derive(Debug)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// `pg_database_size`, bytes.
    pub size_bytes: u64,
    /// Its owner.
    pub owner: String,
    /// Such as `UTF8`.
    pub encoding: String,
    /// Locales of sorting and of character classes, libc's names.
    pub locales: [String; 2],
    /// `libc`, `icu`, `builtin`.
    pub provider: String,
    /// What text is sorted by: a locale, and whose it is where that is not the system's.
    pub sorts_by: String,
    /// How many sessions of logins that are no superusers it takes; `None` for any number.
    pub connection_limit: Option<u32>,
    /// Rights on it that a move needs, and that neither everybody has nor its owner, of whom the target's login is a member.
    pub lacking_rights: Vec<String>,
    /// What the target has of that name; `None` when there is none.
    pub standing: Known<Option<Standing>>,
    /// Extensions but plpgsql.
    pub extensions: Vec<Extension>,
    /// What a query over the catalogs found, by its word in [`Census`].
    pub census: BTreeMap<Census, Known<Vec<Object>>>,
    /// Number of tables, partitions included: what a dump locks at once.
    pub table_count: Known<u64>,
    /// Number of large objects.
    pub large_object_count: Known<u64>,
    /// Bytes of tables, and of indexes.
    pub table_bytes: u64,
    /// Bytes of indexes.
    pub index_bytes: u64,
}

impl Database {
    /// One of this size in which there is nothing odd; for examples.
    pub fn empty(name: &str, table_bytes: u64, index_bytes: u64) -> Database {
        Database {
            name: name.to_owned(),
            size_bytes: table_bytes + index_bytes,
            owner: EXAMPLE_OWNER.to_owned(),
            encoding: "UTF8".to_owned(),
            locales: ["C".to_owned(), "C".to_owned()],
            provider: "libc".to_owned(),
            connection_limit: None,
            lacking_rights: Vec::new(),
            sorts_by: "C".to_owned(),
            standing: Ok(None),
            extensions: Vec::new(),
            census: Census::ALL.iter().map(|one| (*one, Ok(Vec::new()))).collect(),
            table_count: Ok(0),
            large_object_count: Ok(0),
            table_bytes,
            index_bytes,
        }
    }

    /// What the catalogs gave for one question.
    pub fn objects(&self, census: Census) -> Known<&[Object]> {
        match self.census.get(&census) {
            Some(Ok(objects)) => Ok(objects),
            Some(Err(missing)) => Err(missing.clone()),
            None => Err(Missing {
                what: format!("{} of database {}", census.words(), self.name),
                why: "it was not asked for".to_owned(),
            }),
        }
    }
}

/// A database of the target that has the name of one of the source.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its encoding.
    pub encoding: String,
    /// What text is sorted by, as [`Database::sorts_by`].
    pub sorts_by: String,
    /// Extensions that it has already.
    pub extensions: BTreeSet<String>,
    /// Whether it may be replaced: the login owns it or is a member of its owner, and it is not kept.
    pub may_drop: bool,
    /// Whether it is one that every server has, or the one that the login comes by.
    pub is_kept: bool,
    /// What keeps it from being dropped and is nobody's session, such as `subscription s`.
    pub held_by: Vec<String>,
    /// Sessions of others.
    pub session_count: u64,
}

/// An extension of a database.
#[derive(Debug, Clone)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// The version there.
    pub version: String,
    /// The schema that its objects are in.
    pub schema: String,
}
