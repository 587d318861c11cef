//! Two real servers, a source full of everything, and the ports called in the engine's order.
#![allow(dead_code, reason = "each test uses its part")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use flexway_core::migrate::{
    Contents, Copied, CopyProgress, Difference, MoveError, RoleReport, Room, Table,
};
use flexway_core::port::{Database, Databases, Servers};
use flexway_lab::{Options, Server, installed};
use flexway_postgres::{ConnInfo, Mover, Session};

/// Statements for sources from 12 on.
const SINCE_12: &str = "
    CREATE TABLE app.generated (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED, c text \
    COLLATE \"C\");
    CREATE TABLE app.only_generated (b integer GENERATED ALWAYS AS (7) STORED);
    INSERT INTO app.generated (a, c) SELECT i, 'x' FROM generate_series(1, 9) i;
    INSERT INTO app.only_generated SELECT FROM generate_series(1, 3);";

/// Statements for sources from 15 on.
const SINCE_15: &str = "
    CREATE FUNCTION app.atomic(n integer) RETURNS bigint LANGUAGE sql
      BEGIN ATOMIC SELECT count(c.id) FROM app.customers c WHERE c.id > atomic.n; SELECT \
      2::bigint; END;
    CREATE TABLE app.multi (m int4multirange, n text UNIQUE NULLS NOT DISTINCT);
    INSERT INTO app.multi VALUES ('{[1,3),[5,9)}', NULL);
    CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA app WITH (publish = 'insert');";

/// A source and a target server.
pub(crate) struct World {
    pub(crate) source: Server,
    pub(crate) target: Server,
    pub(crate) mover: Mover,
}

/// What a build may use that goes on by itself.
pub(crate) const ALONE: Room = Room { may_spread: true, memory_bytes: None };

/// Name of the database that is moved.
pub(crate) const DATABASE: &str = "shop \"x\" %";

/// Starts both; `None`, said on standard error, when a major is not installed here.
pub(crate) fn start(source: u32, target: u32) -> Option<World> {
    start_with(source, target, &Options::default())
}

/// As [`start`], with settings for the target.
pub(crate) fn start_with(source: u32, target: u32, of_target: &Options) -> Option<World> {
    let start = |major: u32, options: &Options| match installed::find(major) {
        Ok(install) => Some(Server::start(&install, options).expect("server starts")),
        Err(error) => {
            eprintln!("skipped: PostgreSQL {major} is not here ({error}); run `cargo xtask setup`");
            None
        }
    };
    let (source, target) = (start(source, &Options::default())?, start(target, of_target)?);
    let mover = Mover::new(info(&source, "postgres"), info(&target, "postgres"));
    Some(World { source, target, mover })
}

pub(crate) fn info(server: &Server, database: &str) -> ConnInfo {
    let info = ConnInfo::parse(&server.url("postgres"), &|_| None).expect("url");
    info.with_database(database)
}

pub(crate) fn run(server: &Server, database: &str, sql: &str) {
    if let Err(error) = server.psql(database, sql) {
        panic!("{error}: {sql}");
    }
}

/// One value as text.
pub(crate) fn ask(server: &Server, database: &str, sql: &str) -> String {
    let mut session = Session::connect(&info(server, database)).expect("connects");
    let rows = session.rows(sql).expect(sql);
    rows.iter()
        .flatten()
        .map(|value| value.as_deref().unwrap_or("NULL"))
        .collect::<Vec<_>>()
        .join(",")
}

/// Fills the source.
pub(crate) fn fill(world: &World) {
    let source = &world.source;
    run(source, "postgres", include_str!("roles.sql"));
    let name = flexway_postgres::quote_ident(DATABASE);
    run(
        source,
        "postgres",
        &format!("CREATE DATABASE {name} OWNER owner_a TEMPLATE template0 ENCODING 'UTF8'"),
    );
    run(
        source,
        "postgres",
        &format!(
            "ALTER DATABASE {name} SET work_mem = '9MB'; ALTER DATABASE {name} SET search_path = \
             app, public; \
             ALTER DATABASE {name} SET TimeZone = 'America/New_York'; \
             ALTER ROLE reader IN DATABASE {name} SET statement_timeout = '5min'; \
             ALTER DATABASE {name} CONNECTION LIMIT 50; COMMENT ON DATABASE {name} IS 'it''s a \
             shop'; \
             REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO reader"
        ),
    );
    run(source, DATABASE, include_str!("source.sql"));
    if source.major() >= 12 {
        run(source, DATABASE, SINCE_12);
    }
    if source.major() >= 15 {
        run(source, DATABASE, SINCE_15);
    }
}

/// Moves the database as the engine does: phases in order, entries in the dump's order.
pub(crate) fn move_all(world: &World, overwrite: bool) -> (RoleReport, Contents) {
    let mover = &world.mover;
    let roles = mover.copy_roles(&[], overwrite).expect("roles");
    mover.prepare(DATABASE, overwrite).expect("prepare");
    let open = mover.open(DATABASE).expect("open");
    let contents = copy(&*open);
    (roles, contents)
}

pub(crate) fn copy(open: &dyn Database) -> Contents {
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    open.schema().pre_data(3).expect("pre-data");
    let contents = open.data().contents().expect("contents");
    let parts = open.data().begin().expect("parts");
    let units: Vec<_> = contents.tables.iter().zip(parts).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let take = || next.fetch_add(1, Ordering::Relaxed);
                while let Some((table, parts)) = units.get(take()) {
                    for part in parts {
                        open.data().copy_part(table, part, &progress, &stop).expect("copy");
                    }
                }
            });
        }
    });
    open.data().copy_large_objects(&progress, &stop).expect("large objects");
    for entry in open.schema().post_data().expect("post-data") {
        open.schema().apply(&entry, ALONE, &stop).expect("apply");
        // A run that was killed may have built it and not have written that down.
        open.schema().apply(&entry, ALONE, &stop).expect("stands already");
    }
    open.data().finish(&contents, 2, &stop).expect("finish");
    open.schema().last(&stop).expect("event triggers");
    contents
}

/// Copies all parts of a table, also those that the target has.
pub(crate) fn copy_table(
    open: &dyn Database,
    table: &Table,
    progress: &CopyProgress,
    stop: &AtomicBool,
) -> Result<Copied, MoveError> {
    let tables = open.data().contents()?.tables;
    let place = tables.iter().position(|one| one == table).expect("listed");
    let parts = open.data().begin()?.swap_remove(place);
    let copied: Result<Vec<Copied>, MoveError> =
        parts.iter().map(|part| open.data().copy_part(table, part, progress, stop)).collect();
    Ok(copied?.into_iter().reduce(Copied::and).expect("a part"))
}

/// All differences, each as `kind name: detail`.
pub(crate) fn differences(world: &World) -> Vec<String> {
    let open = world.mover.open(DATABASE).expect("open");
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    let mut found = open.compare().schema().expect("compare schema");
    found.extend(world.mover.role_differences(&[]).expect("compare roles"));
    let (tables, _) = open.compare().tables().expect("tables");
    for table in &tables {
        let comparison =
            open.compare().table(table, None, &progress, &stop).expect("compare table");
        if !comparison.is_equal() {
            let detail =
                format!("{} rows, {} rows", comparison.source_rows, comparison.target_rows);
            found.push(Difference {
                kind: "table",
                name: format!("{}.{}", table.schema, table.name),
                detail,
            });
        }
    }
    found.iter().map(|one| format!("{} {}: {}", one.kind, one.name, one.detail)).collect()
}
