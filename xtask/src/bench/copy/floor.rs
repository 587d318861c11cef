//! What the servers cost alone: COPY from one into the other through named pipes, in the fastest format, then index builds and
//! constraints, by as many sessions as the tools have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use flexway_lab::Server;

use super::cost::Cost;
use super::tools::{Arena, JOBS};
use crate::process::{GIT_LIMIT, Result, read};

/// Ordinary tables and partitions, largest first, and whether the fast format suits them (it does for all types of the data sets).
const TABLES: &str = "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
    ORDER BY pg_table_size(c.oid) DESC, c.oid";

/// Indexes and keys, of the largest tables first.
const INDEXES: &str = "SELECT coalesce('ALTER TABLE ' || i.indrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(k.conname) || ' ' \
    || pg_get_constraintdef(k.oid), pg_get_indexdef(i.indexrelid)) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
    JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u') \
    WHERE n.nspname !~ '^pg_' AND NOT c.relispartition ORDER BY pg_table_size(i.indrelid) DESC, i.indexrelid";

const FOREIGN_KEYS: &str = "SELECT 'ALTER TABLE ' || conrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(conname) || ' ' \
    || pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 ORDER BY oid";

/// Moves the database without any tool; the CPU of the psql sessions that drive the servers does not count.
pub(super) fn run(arena: &Arena, database: &str, work: &Path) -> Result<Cost> {
    let list = |sql: &str| -> Result<Vec<String>> {
        let text = arena.source.psql(database, sql).map_err(|error| error.to_string())?;
        Ok(text.lines().map(str::to_owned).collect())
    };
    let mut schema = arena.command(Path::new("sh"));
    schema.args(["-c", "\"$1\" --section=pre-data -d \"$2\" | \"$3\" -X -q -d \"$4\"", "sh"]);
    schema.arg(arena.install.program("pg_dump")).arg(arena.source.url(database));
    schema.arg(arena.install.program("psql")).arg(arena.target.url(database));
    let mut cost = arena.cost(schema)?;
    cost = cost.and(copy(arena, database, work, &list(TABLES)?)?);
    let mut shares = vec![Vec::new(); JOBS];
    for (index, sql) in list(INDEXES)?.into_iter().enumerate() {
        shares[index % JOBS].push(sql);
    }
    let scripts = shares.iter().map(|share| (arena.target, share.as_slice()));
    cost = cost.and(together(arena, database, work, scripts)?);
    let keys = list(FOREIGN_KEYS)?;
    cost = cost.and(together(arena, database, work, [(arena.target, keys.as_slice())])?);
    Ok(Cost { tool: 0.0, memory_bytes: 0, ..cost })
}

fn copy(arena: &Arena, database: &str, work: &Path, tables: &[String]) -> Result<Cost> {
    let pipes: Vec<PathBuf> = (0..tables.len()).map(|n| work.join(format!("pipe{n}"))).collect();
    for some in pipes.chunks(500) {
        let mut make = Command::new("mkfifo");
        make.args(["-m", "666"]).args(some);
        read(make, GIT_LIMIT)?;
    }
    let (mut outs, mut ins) = (vec![Vec::new(); JOBS], vec![Vec::new(); JOBS]);
    for (index, (table, pipe)) in tables.iter().zip(&pipes).enumerate() {
        let pipe = pipe.display();
        outs[index % JOBS].push(format!("COPY {table} TO '{pipe}' (FORMAT binary)"));
        ins[index % JOBS].push(format!(
            "BEGIN; TRUNCATE ONLY {table}; COPY {table} FROM '{pipe}' (FORMAT binary, FREEZE); COMMIT"
        ));
    }
    let scripts = outs.iter().map(|share| (arena.source, share.as_slice()));
    let scripts = scripts.chain(ins.iter().map(|share| (arena.target, share.as_slice())));
    together(arena, database, work, scripts)
}

/// Runs scripts side by side, one session each.
fn together<'a>(
    arena: &Arena,
    database: &str,
    work: &Path,
    scripts: impl IntoIterator<Item = (&'a Server, &'a [String])>,
) -> Result<Cost> {
    let mut line =
        String::from("PGOPTIONS='-c synchronous_commit=off'; export PGOPTIONS; failed=0; ");
    let mut count = 0;
    for (number, (server, share)) in scripts.into_iter().enumerate() {
        let file = work.join(format!("script{number}"));
        let text: String = share.iter().map(|sql| format!("{sql};\n")).collect();
        fs::write(&file, text).map_err(|why| format!("write {}: {why}", file.display()))?;
        let psql = arena.install.program("psql");
        line.push_str(&format!(
            "'{}' -X -q -v ON_ERROR_STOP=1 -d '{}' -f '{}' & p{number}=$!; ",
            psql.display(),
            server.url(database),
            file.display()
        ));
        count = number + 1;
    }
    for number in 0..count {
        line.push_str(&format!("wait $p{number} || failed=1; "));
    }
    line.push_str("exit $failed");
    let mut shell = arena.command(Path::new("sh"));
    shell.args(["-c", &line]);
    arena.cost(shell)
}
