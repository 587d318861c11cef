//! What is refused, in words that name the rung, the cause and the remedy.

use std::net::TcpListener;

use crate::pair::{Pair, Ran};
use crate::sample;

#[test]
fn a_target_with_data_is_refused_without_overwrite() {
    let pair = Pair::start(11, 17);
    pair.on_source("postgres", "CREATE DATABASE shop");
    pair.on_source("shop", "CREATE TABLE ours AS SELECT 1 AS a");
    pair.on_target("postgres", "CREATE DATABASE shop");
    pair.on_target("shop", "CREATE TABLE theirs AS SELECT 2 AS a");
    let choice = ["--database", "shop"];
    let refused = pair.migrate(&choice).ended(3);
    refused.says(&["database shop", "--overwrite", "nothing was changed"]);
    assert_eq!(pair.on_target("shop", "SELECT a FROM theirs"), "2\n");
    pair.migrate(&["--database", "shop", "--overwrite"]).ended(0);
    assert_eq!(
        pair.on_target("shop", "SELECT to_regclass('theirs') IS NULL, a FROM ours"),
        "t|1\n"
    );
}

#[test]
fn an_older_target_and_an_unknown_database_are_refused_together() {
    let pair = Pair::start(17, 11);
    pair.migrate(&["--database", "nowhere"]).ended(3).says(&[
        "PostgreSQL 17",
        "create the target with PostgreSQL 17 or newer",
        "find database nowhere",
    ]);
}

#[test]
fn one_server_under_two_names_is_not_moved_onto_itself() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE shop");
    pair.on_source("shop", "CREATE TABLE ours AS SELECT 1 AS a");
    let mut command = pair.command("migrate");
    command.arg("--overwrite").arg("--ledger").arg(pair.ledger());
    let (host, port) = (pair.source.socket_dir(), pair.source.port());
    let password = pair.source.password();
    let socket = format!(
        "host={} port={port} user=postgres password={password} dbname=postgres",
        host.display()
    );
    command.env("FLEXWAY_TARGET", socket);
    Ran::of(command).ended(3).says(&["are the same server", "nothing was changed"]);
    assert_eq!(pair.on_source("shop", "SELECT a FROM ours"), "1\n");
}

#[test]
fn connection_problems_name_their_rung() {
    let pair = Pair::start(15, 17);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = free.local_addr().unwrap().port();
    drop(free);
    let with_source = |url: &str| {
        let mut command = pair.command("migrate");
        command.arg("--ledger").arg(pair.ledger()).env("FLEXWAY_SOURCE", url);
        let ran = Ran::of(command).ended(3);
        assert!(!ran.err.contains("wrong-secret"), "{}", ran.err);
        ran
    };
    let port = pair.source.port();
    with_source(&format!("postgres://postgres:wrong-secret@127.0.0.1:{port}/postgres"))
        .says(&["password authentication failed", "check user and password"]);
    with_source(&format!("postgres://postgres:wrong-secret@127.0.0.1:{closed}/postgres"))
        .says(&["refused", &closed.to_string()]);
    with_source("postgres://postgres:wrong-secret@no-such-host.invalid/postgres")
        .says(&["no-such-host.invalid"]);
}

#[test]
fn a_ledger_of_other_servers_is_refused_by_name() {
    let pair = Pair::start(15, 17);
    sample::fill_wide(&pair, 1);
    pair.migrate(&["--database", "wide"]).ended(0);
    let mut command = pair.command("migrate");
    command.arg("--ledger").arg(pair.ledger());
    // The other way round.
    command.env("FLEXWAY_SOURCE", pair.target.url("postgres"));
    command.env("FLEXWAY_TARGET", pair.source.url("postgres"));
    let place = format!("127.0.0.1:{}", pair.source.port());
    Ran::of(command).ended(3).says(&["it belongs to the move from", &place]);
}

#[test]
fn wrong_usage_ends_with_64() {
    let folder = crate::pair::Folder::new();
    let run = |arguments: &[&str]| {
        let mut command = crate::pair::flexway(folder.path());
        command.args(arguments);
        Ran::of(command).ended(64)
    };
    run(&["migrate"]).says(&["--source-url", "FLEXWAY_SOURCE"]);
    run(&["migrate", "--mode", "online"]).says(&["offline only"]);
    run(&["status", "--ledger", "postgres://a:secret@h/d"]).says(&["keeps it in a file"]);
    run(&["migrate", "--jobs", "0"]).says(&["1..=64"]);
    let bad = run(&["verify", "--source-url", "postgres://a:secret@h:port/d", "--target-url", "x"]);
    assert!(!bad.err.contains("secret"), "{}", bad.err);
}
