//! What speaks against a move, judged from facts alone. A validation is one file here, one page in
//! docs/validations, and one line below.

pub mod facts;
pub mod forecast;
pub mod provider;

mod census;
mod finding;
mod power;

use std::collections::BTreeSet;

use serde::Serialize;

use facts::{Database, Facts, Known, Missing, Mode};
pub use finding::{Finding, Fix, Level, Place};

/// What a validation found; the fact that it lacked otherwise.
type Found = Known<Vec<Finding>>;

/// What a validation looks at.
enum Look {
    /// Both servers.
    Servers(fn(&Facts) -> Found),
    /// Each database of the source.
    Database(fn(&Facts, &Database) -> Found),
}

/// Something that can speak against a move.
pub struct Validation {
    /// Its id, such as `extension/not-available`.
    pub id: &'static str,
    /// Azure's code for it, where there is exactly one.
    pub code: Option<&'static str>,
    /// Its page, in Markdown.
    pub page: &'static str,
    is_online_only: bool,
    /// Whether it can keep a move from being begun; what the others lack leaves the verdict alone.
    may_block: bool,
    look: Look,
}

/// The answer to "can this move be made".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing blocks, and everything was looked at.
    Ready,
    /// Something has to be mended first.
    Blocked,
    /// Nothing that was looked at blocks, and not everything could be looked at.
    Undetermined,
}

/// What all validations came to.
#[derive(Debug, Clone, Serialize)]
pub struct Assessment {
    /// The answer.
    pub verdict: Verdict,
    /// What was found: what blocks first, in the order of the registry.
    pub findings: Vec<Finding>,
    /// What could not be read, and which validations say nothing therefore.
    pub missing: Vec<Unseen>,
    /// How many validations looked.
    pub validations: usize,
}

/// A fact that was not observed, and what depends on it.
#[derive(Debug, Clone, Serialize)]
pub struct Unseen {
    /// The fact.
    #[serde(flatten)]
    pub fact: Missing,
    /// Ids of the validations that lack it.
    pub validations: Vec<&'static str>,
}

/// Runs every validation.
pub fn judge(facts: &Facts) -> Assessment {
    let mut findings = Vec::new();
    let mut missing: Vec<Unseen> = Vec::new();
    let mut count = 0;
    for one in ALL.iter().filter(|one| !one.is_online_only || facts.mode == Mode::Online) {
        count += 1;
        let places: Vec<Option<&Database>> = match one.look {
            Look::Servers(_) => vec![None],
            Look::Database(_) => facts.databases.iter().map(Some).collect(),
        };
        for place in places {
            match one.run(facts, place) {
                Ok(found) => findings.extend(found),
                Err(fact) => note_missing(&mut missing, fact, one.id),
            }
        }
    }
    findings.sort_by_key(|one| one.level);
    let blocks = findings.iter().any(|one| one.level == Level::Blocks);
    let may_block = |id: &&str| find(id).is_some_and(|one| one.may_block);
    let is_whole = !missing.iter().any(|one| one.validations.iter().any(may_block));
    let verdict = match (blocks, is_whole) {
        (true, _) => Verdict::Blocked,
        (false, false) => Verdict::Undetermined,
        (false, true) => Verdict::Ready,
    };
    Assessment { verdict, findings, missing, validations: count }
}

fn note_missing(missing: &mut Vec<Unseen>, fact: Missing, id: &'static str) {
    match missing.iter_mut().find(|one| one.fact == fact) {
        Some(one) if one.validations.contains(&id) => {}
        Some(one) => one.validations.push(id),
        None => missing.push(Unseen { fact, validations: vec![id] }),
    }
}

impl Validation {
    fn run(&self, facts: &Facts, database: Option<&Database>) -> Found {
        let found = match (&self.look, database) {
            (Look::Servers(look), _) => look(facts)?,
            (Look::Database(look), Some(database)) => look(facts, database)?,
            (Look::Database(_), None) => Vec::new(),
        };
        let named = |mut one: Finding| {
            one.id = self.id;
            one.code = one.code.or(self.code);
            one.database = one.database.or_else(|| database.map(|database| database.name.clone()));
            one
        };
        Ok(found.into_iter().map(named).collect())
    }
}

/// Names that occur in a list, for sets of words in messages.
fn distinct<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    BTreeSet::from_iter(names).into_iter().collect()
}

macro_rules! registry {
    ($($scope:ident $id:literal $(= $code:literal)? in $file:literal as $name:ident;)*) => {
        $( #[path = $file] mod $name; )*
        /// Every validation, in the order in which a move would meet them.
        pub const ALL: &[Validation] = &[$(Validation {
            id: $id,
            code: registry!(@code $($code)?),
            page: include_str!(concat!("../../../../docs/validations/", $id, ".md")),
            is_online_only: registry!(@online $scope),
            may_block: registry!(@blocks $scope),
            look: registry!(@look $scope $name),
        }),*];
    };
    (@code $code:literal) => { Some($code) };
    (@code) => { None };
    (@blocks advisory_server) => { false };
    (@blocks advisory_database) => { false };
    (@blocks $other:ident) => { true };
    (@online online_server) => { true };
    (@online online_database) => { true };
    (@online $other:ident) => { false };
    (@look server $name:ident) => { Look::Servers($name::find) };
    (@look advisory_server $name:ident) => { Look::Servers($name::find) };
    (@look online_server $name:ident) => { Look::Servers($name::find) };
    (@look database $name:ident) => { Look::Database($name::find) };
    (@look advisory_database $name:ident) => { Look::Database($name::find) };
    (@look online_database $name:ident) => { Look::Database($name::find) };
}

registry! {
    server "server/same" in "server/same.rs" as server_same;
    server "server/target-standby" in "server/target-standby.rs" as target_standby;
    server "server/target-read-only" = "603112" in "server/target-read-only.rs" as target_read_only;
    server "server/pooler" in "server/pooler.rs" as pooler;
    server "server/reader-endpoint" in "server/reader-endpoint.rs" as reader_endpoint;
    server "server/single-server-login" in "server/single-server-login.rs" as single_server_login;
    server "server/parameters-differ" in "server/parameters-differ.rs" as parameters_differ;
    server "server/connections" in "server/connections.rs" as connections;
    server "server/locks" in "server/locks.rs" as locks;
    server "server/disk-room" in "server/disk-room.rs" as disk_room;
    advisory_server "server/long-transaction" in "server/long-transaction.rs" as long_transaction;
    server "server/prepared-transaction" in "server/prepared-transaction.rs" as prepared_transaction;
    server "server/no-pg-dump" in "server/no-pg-dump.rs" as no_pg_dump;

    server "version/target-older" in "version/target-older.rs" as target_older;
    server "version/source-too-old" = "603400" in "version/source-too-old.rs" as source_too_old;

    server "database/not-found" = "603102" in "database/not-found.rs" as not_found;
    server "database/unreadable" in "database/unreadable.rs" as database_unreadable;
    server "database/left-out" in "database/left-out.rs" as left_out;
    server "database/target-holds-data" = "603101" in "database/target-holds-data.rs" as target_holds_data;
    database "database/encoding" in "database/encoding.rs" as encoding;
    database "database/locale" = "603401" in "database/locale.rs" as locale;
    database "database/odd-name" in "database/odd-name.rs" as odd_name;
    database "database/connection-limit" in "database/connection-limit.rs" as connection_limit;
    database "database/owner-lacks-right" in "database/owner-lacks-right.rs" as owner_lacks_right;
    database "database/not-replaceable" = "603117" in "database/not-replaceable.rs" as not_replaceable;
    database "database/sessions-on-target" = "603111" in "database/sessions-on-target.rs" as sessions_on_target;

    server "role/no-createdb" in "role/no-createdb.rs" as no_createdb;
    server "role/no-createrole" = "603116" in "role/no-createrole.rs" as no_createrole;
    server "role/not-administrator" = "603115" in "role/not-administrator.rs" as not_administrator;
    server "role/attributes" in "role/attributes.rs" as attributes;
    server "role/membership" in "role/membership.rs" as membership;
    server "role/passwords" in "role/passwords.rs" as passwords;
    server "role/outside-directory" = "603103" in "role/outside-directory.rs" as outside_directory;
    server "role/odd-name" in "role/odd-name.rs" as role_odd_name;
    database "role/owner" in "role/owner.rs" as owner;

    database "privilege/unreadable" = "603110" in "privilege/unreadable.rs" as unreadable;
    database "privilege/row-security" in "privilege/row-security.rs" as row_security;
    database "privilege/superuser-only" in "privilege/superuser-only.rs" as superuser_only;
    database "privilege/event-trigger" in "privilege/event-trigger.rs" as event_trigger;
    advisory_database "privilege/login-trigger" in "privilege/login-trigger.rs" as login_trigger;
    database "privilege/wide-publication" in "privilege/wide-publication.rs" as wide_publication;
    database "privilege/setting" in "privilege/setting.rs" as setting;
    database "privilege/catalog-grant" = "603410" in "privilege/catalog-grant.rs" as catalog_grant;

    database "extension/not-available" = "603405" in "extension/not-available.rs" as not_available;
    database "extension/not-allowed" = "603108" in "extension/not-allowed.rs" as not_allowed;
    database "extension/not-preloaded" = "603109" in "extension/not-preloaded.rs" as not_preloaded;
    database "extension/version" in "extension/version.rs" as extension_version;
    database "extension/not-trusted" in "extension/not-trusted.rs" as not_trusted;
    database "extension/system-schema" = "603407" in "extension/system-schema.rs" as system_schema;

    database "schema/type-removed" in "schema/type-removed.rs" as type_removed;
    database "schema/xml-unreadable" in "schema/xml-unreadable.rs" as xml_unreadable;
    database "schema/compression" in "schema/compression.rs" as compression;
    database "schema/built-in-removed" in "schema/built-in-removed.rs" as built_in_removed;
    database "schema/code-missing" in "schema/code-missing.rs" as code_missing;
    advisory_database "schema/body-out-of-date" in "schema/body-out-of-date.rs" as body_out_of_date;
    advisory_database "schema/search-path" in "schema/search-path.rs" as search_path;
    database "schema/not-in-version" in "schema/not-in-version.rs" as not_in_version;
    database "schema/object-ids" in "schema/object-ids.rs" as object_ids;
    database "schema/cast" = "603409" in "schema/cast.rs" as cast;
    database "schema/language" = "603413" in "schema/language.rs" as language;
    database "schema/user-collation" = "603403" in "schema/user-collation.rs" as user_collation;
    database "schema/collation-missing" = "603402" in "schema/collation-missing.rs" as collation_missing;
    database "schema/collation-version" in "schema/collation-version.rs" as collation_version;
    database "schema/invalid-index" in "schema/invalid-index.rs" as invalid_index;
    database "schema/security-label" in "schema/security-label.rs" as security_label;
    database "schema/foreign-server" in "schema/foreign-server.rs" as foreign_server;
    database "schema/unlogged-on-standby" in "schema/unlogged-on-standby.rs" as unlogged_on_standby;
    database "schema/large-objects" in "schema/large-objects.rs" as large_objects;

    database "left/system-schema" in "left/system-schema.rs" as left_system_schema;
    database "left/oids" = "603404" in "left/oids.rs" as oids;
    database "left/extension-table" in "left/extension-table.rs" as extension_table;
    database "left/tablespace" in "left/tablespace.rs" as tablespace;
    database "left/tablespace-setting" in "left/tablespace-setting.rs" as tablespace_setting;
    database "left/unknown-setting" in "left/unknown-setting.rs" as unknown_setting;
    advisory_database "left/catalog-right" in "left/catalog-right.rs" as catalog_right;
    advisory_database "left/service-grant" in "left/service-grant.rs" as service_grant;
    database "left/slot" in "left/slot.rs" as slot;
    database "left/subscription" in "left/subscription.rs" as subscription;

    online_server "online/wal-level" = "603107" in "online/wal-level.rs" as wal_level;
    online_server "online/slots" = "603105" in "online/slots.rs" as slots;
    online_server "online/senders" = "603106" in "online/senders.rs" as senders;
    online_server "online/no-replication-right" = "603104" in "online/no-replication-right.rs" as no_replication_right;
    online_server "online/plugin-not-allowed" in "online/plugin-not-allowed.rs" as plugin_not_allowed;
    online_database "online/no-replica-identity" in "online/no-replica-identity.rs" as no_replica_identity;
    online_database "online/unlogged" in "online/unlogged.rs" as unlogged;
    online_database "online/large-objects" in "online/large-objects.rs" as online_large_objects;
}

/// The validation of that id.
pub fn find(id: &str) -> Option<&'static Validation> {
    ALL.iter().find(|one| one.id == id)
}
