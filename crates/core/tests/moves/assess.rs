//! The judging of an assessment: what is missing is never fine, every validation has its page, and
//! each says the same of the same facts.

use std::collections::{BTreeMap, BTreeSet};

use flexway_core::assess::facts::{
    Available, Census, Database, Extension, Facts, Missing, Mode, Object, Role, Server, Setting,
    Standing,
};
use flexway_core::assess::provider::Provider;
use flexway_core::assess::{self, Assessment, Level, Place, Verdict};
use flexway_core::explain;
use flexway_core::migrate::{DatabaseFacts, ServerFacts, ToolFacts};

fn server(version: u32) -> Server {
    let database =
        DatabaseFacts { name: "d".to_owned(), size_bytes: 1000, user_object_count: Some(0) };
    let facts = ServerFacts {
        label: format!("{version} as admin"),
        version,
        databases: vec![database],
        left_out: Vec::new(),
        is_superuser: true,
        is_standby: false,
        started_us: u64::from(version),
    };
    Server::plain(facts, "admin")
}

/// What two plain servers are.
pub(crate) fn facts() -> Facts {
    Facts {
        mode: Mode::Online,
        with_roles: true,
        overwrite: false,
        wanted: Vec::new(),
        touched: BTreeSet::new(),
        source: server(150_018),
        target: server(170_010),
        tool: Ok(ToolFacts { pg_dump: "pg_dump".to_owned(), version: 170_010 }),
        databases: vec![Database::empty("d", 1000, 100)],
        unopened: Vec::new(),
    }
}

fn ids(assessment: &Assessment, level: Level) -> Vec<&'static str> {
    assessment.findings.iter().filter(|one| one.level == level).map(|one| one.id).collect()
}

fn missing<T>() -> Result<T, Missing> {
    Err(Missing { what: "a thing".to_owned(), why: "it was hidden".to_owned() })
}

#[test]
fn two_plain_servers_are_ready() {
    let assessment = assess::judge(&facts());
    assert_eq!(assessment.verdict, Verdict::Ready, "{assessment:?}");
    assert_eq!(assessment.findings.len(), 1, "{assessment:?}");
    assert_eq!(ids(&assessment, Level::Note), ["server/disk-room"]);
    assert_eq!(assessment.validations, assess::ALL.len());
    let offline = Facts { mode: Mode::Offline, ..facts() };
    assert!(assess::judge(&offline).validations < assess::ALL.len());
}

/// Any fact that was not observed is named, and the answer is not `ready`, but for facts that no
/// blocking validation reads.
#[test]
fn what_was_not_observed_is_never_fine() {
    type Hide = fn(&mut Facts);
    let mut hides: Vec<(&str, Hide)> = vec![
        ("settings", |facts| facts.target.settings = missing()),
        ("extensions", |facts| facts.target.extensions = missing()),
        ("collations", |facts| {
            facts.target.collations = missing();
            let object = Object::default();
            facts.databases[0].census.insert(Census::UsedCollations, Ok(vec![object]));
        }),
        ("types", |facts| facts.target.types = missing()),
        ("roles", |facts| facts.target.roles = missing()),
        ("slots", |facts| {
            let setting =
                Setting { value: "9".into(), own: None, unit: String::new(), default: "9".into() };
            let name = "max_replication_slots".to_owned();
            facts.source.settings = Ok(BTreeMap::from([(name, setting)]));
            facts.source.slots = missing();
        }),
        ("standing", |facts| facts.databases[0].standing = missing()),
    ];
    let looks: BTreeSet<Census> = Census::ALL.iter().copied().collect();
    // Read only where the login is none, or the source a standby.
    let ordinary = |facts: &mut Facts| {
        facts.target.facts.is_superuser = false;
        facts.source.facts.is_standby = true;
    };
    for census in looks {
        let mut hidden = facts();
        ordinary(&mut hidden);
        hidden.databases[0].census.insert(census, missing());
        let assessment = assess::judge(&hidden);
        let told = assessment.missing.iter().any(|one| one.fact.what == "a thing");
        assert!(told, "{census:?} is read by no validation");
    }
    for (name, hide) in hides.drain(..) {
        let mut hidden = facts();
        hide(&mut hidden);
        let assessment = assess::judge(&hidden);
        assert_eq!(assessment.verdict, Verdict::Undetermined, "{name}: {assessment:?}");
        assert!(assessment.missing.iter().all(|one| !one.validations.is_empty()));
    }
    let mut hidden = facts();
    hidden.source.transactions = missing();
    let assessment = assess::judge(&hidden);
    assert_eq!((assessment.verdict, assessment.missing.len()), (Verdict::Ready, 1));
}

#[test]
fn every_validation_has_a_page_and_a_known_code() {
    let mut seen = BTreeSet::new();
    for one in assess::ALL {
        assert!(seen.insert(one.id), "{} twice", one.id);
        let lines: Vec<&str> = one.page.lines().collect();
        assert_eq!(lines[0], format!("# {}", one.id));
        assert!(lines[2].ends_with('.'), "{}: {}", one.id, lines[2]);
        for part in ["\n## Why\n", "\n## What to do\n"] {
            assert!(one.page.contains(part), "{} has no {part:?}", one.id);
        }
        if let Some(code) = one.code {
            assert!(explain::explain(code).is_ok(), "{code}");
            assert!(one.page.contains(code), "{} does not name {code}", one.id);
        }
        assert_eq!(explain::explain(one.id), Ok(one.page));
    }
}

/// One list for all databases, what stands there kept, each name once.
#[test]
fn the_list_of_allowed_extensions_is_given_whole() {
    let mut facts = facts();
    let extension = |name: &str| Extension {
        name: name.to_owned(),
        version: "1.0".to_owned(),
        schema: "public".to_owned(),
    };
    let mut other = Database::empty("e", 0, 0);
    other.extensions = vec![extension("hstore"), extension("postgis")];
    facts.databases[0].extensions = vec![extension("hstore"), extension("PG_TRGM")];
    facts.databases.push(other);
    facts.target.provider = Provider::Azure;
    let offered = ["hstore", "PG_TRGM", "postgis"].map(|name| {
        (name.to_owned(), Available { versions: vec!["1.0".into()], is_trusted: true })
    });
    facts.target.extensions = Ok(offered.into());
    let setting = |value: &str| Setting {
        value: value.to_owned(),
        own: Some(value.to_owned()),
        unit: String::new(),
        default: value.to_owned(),
    };
    let settings = [("azure.extensions", setting("pg_trgm, citext"))];
    facts.target.settings = Ok(settings.map(|(name, value)| (name.to_owned(), value)).into());
    let assessment = assess::judge(&facts);
    let found: Vec<_> =
        assessment.findings.iter().filter(|one| one.id == "extension/not-allowed").collect();
    assert_eq!(found.len(), 2);
    for one in found {
        assert_eq!((one.code, one.fixes[0].on), (Some("603108"), Place::Shell));
        let words = "-n azure.extensions -v 'pg_trgm,citext,hstore,postgis'";
        assert!(one.fixes[0].run.ends_with(words), "{:?}", one.fixes);
    }
}

#[test]
fn what_stands_on_the_target_is_compared() {
    let mut facts = facts();
    let standing = Standing {
        encoding: "LATIN1".to_owned(),
        sorts_by: "C".to_owned(),
        extensions: BTreeSet::new(),
        may_drop: false,
        held_by: Vec::new(),
        is_kept: false,
        session_count: 2,
    };
    facts.databases[0].standing = Ok(Some(standing));
    assert_eq!(ids(&assess::judge(&facts), Level::Blocks), ["database/encoding"]);
    facts.overwrite = true;
    let blocks = ids(&assess::judge(&facts), Level::Blocks);
    assert_eq!(blocks, ["database/encoding", "database/sessions-on-target"]);
    facts.target.login.can_signal = true;
    let risks = ids(&assess::judge(&facts), Level::Risks);
    assert_eq!(risks, ["database/not-replaceable", "database/sessions-on-target"]);
}

#[test]
fn owners_are_joined_only_where_roles_are_carried() {
    let mut facts = facts();
    facts.target.facts.is_superuser = false;
    facts.target.login.can_create_databases = true;
    facts.target.login.can_create_roles = true;
    facts.databases[0].owner = "app".to_owned();
    let role = |may_join| Role { name: "app".to_owned(), may_join, ..Role::default() };
    facts.source.roles = Ok(vec![role(true)]);
    assert!(ids(&assess::judge(&facts), Level::Blocks).is_empty());
    facts.target.roles = Ok(vec![role(true)]);
    assert!(ids(&assess::judge(&facts), Level::Blocks).is_empty());
    facts.with_roles = false;
    assert_eq!(ids(&assess::judge(&facts), Level::Blocks), ["role/owner"]);
    facts.target.roles = Ok(Vec::new());
    let assessment = assess::judge(&facts);
    assert_eq!(assessment.findings[0].fixes[0].run, "CREATE ROLE \"app\"");
}

#[test]
fn memberships_are_lost_where_the_login_may_not_grant_them() {
    let mut facts = facts();
    facts.target.facts.is_superuser = false;
    facts.target.login.can_create_roles = true;
    let role = |name: &str, groups: &[&str], may_join| Role {
        name: name.to_owned(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        may_join,
        ..Role::default()
    };
    let groups = ["pg_monitor", "pg_read_server_files", "team", "theirs"];
    facts.source.roles = Ok(vec![role("app", &groups, true), role("team", &[], true)]);
    let there = || vec![role("pg_monitor", &[], true), role("pg_read_server_files", &[], false)];
    facts.target.roles = Ok(there());
    let told = |facts: &Facts| -> Vec<String> {
        let all = assess::judge(facts).findings.into_iter();
        let all = all.filter(|one| one.id == "role/membership");
        all.map(|one| one.message.replace("memberships of roles are not carried: ", "")).collect()
    };
    assert_eq!(told(&facts), ["app in theirs", "app in pg_read_server_files"]);
    // A role that stands is left as it is.
    let mut roles = there();
    roles.push(role("app", &["pg_read_server_files", "theirs"], false));
    facts.target.roles = Ok(roles);
    assert_eq!(told(&facts), ["app in pg_monitor, app in team"]);
    facts.overwrite = true;
    assert!(told(&facts).is_empty());
    facts.target.roles = Ok(there());
    facts.target.facts.is_superuser = true;
    assert_eq!(told(&facts), ["app in theirs"]);
}
