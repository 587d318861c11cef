//! The questions about a database whose answers are lists: name, detail, and a statement that mends.

mod versions;

use flexway_core::assess::facts::Census;

use super::{cascade, grants, rights, search_path, system_schemas};
use crate::catalog::trees::USERS_OID_MIN;
use crate::catalog::{USER_SCHEMAS, not_of_extension};
use crate::schema::languages;

/// The query that answers it on a server of this version; `None` where nothing of that kind exists.
/// `target` is the version of the server that is moved to.
pub(super) fn question(census: Census, version: u32, target: u32) -> Option<String> {
    match census {
        Census::Oids | Census::RegTypes | Census::BuiltInTypes => versions::columns(census, version),
        Census::Unknown => versions::unknown_to(version, target),
        Census::SuperuserOnly => Some(superuser_only(version)),
        Census::Unreadable | Census::RowSecurity | Census::ForcedSecurity | Census::Owners => {
            Some(rights::question(census))
        }
        Census::CatalogGrants => grants::of_users(version),
        Census::SystemSchemas => Some(system_schemas::question()),
        Census::PathDependent => Some(search_path::question(version, target)),
        Census::Casts | Census::Languages | Census::EventTriggers | Census::ForeignServers => {
            Some(objects(census))
        }
        Census::Collations | Census::UsedCollations | Census::CollationVersions => {
            collations(census, version)
        }
        Census::Slots => Some(slots(version)),
        Census::Subscriptions | Census::WidePublications => replication(census, version),
        Census::Unlogged | Census::NoIdentity | Census::InvalidIndexes | Census::MemberTables => {
            Some(relations(census))
        }
        Census::Tablespaces => Some(
            "SELECT DISTINCT t.spcname, '', '' FROM pg_tablespace t \
             WHERE t.spcname NOT IN ('pg_default', 'pg_global') AND (SELECT oid FROM pg_database \
             WHERE datname = current_database()) IN (SELECT pg_tablespace_databases(t.oid)) ORDER BY 1"
                .to_owned(),
        ),
        Census::SecurityLabels => Some(
            "SELECT concat(objtype, ' ', objname), provider, format('SECURITY LABEL FOR %I ON %s %s \
             IS NULL', provider, upper(objtype), objname) FROM pg_seclabels \
             WHERE objtype NOT IN ('role', 'database', 'tablespace') ORDER BY 1"
                .to_owned(),
        ),
        // Not read by one query.
        Census::TablespaceSettings | Census::Removed | Census::Xml | Census::LostSettings
        | Census::ForbiddenToFunctions | Census::ForbiddenToDatabase
        | Census::Bodies | Census::Code | Census::ServiceGrants | Census::Compressions => None,
    }
}

/// `format()` of a relation's quoted name.
pub(super) const RELATION: &str = "format('%I.%I', n.nspname, c.relname)";

pub(super) const FROM_RELATIONS: &str =
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace";

fn superuser_only(version: u32) -> String {
    let user = |oid: &str, catalog: &str| {
        format!("{oid} >= {USERS_OID_MIN} AND {}", not_of_extension(catalog, oid))
    };
    let drop = |sql: &str, catalog: &str, oid: &str| {
        cascade::statement(sql, &format!("'{catalog}'::regclass"), oid)
    };
    let named = |kind: &str, word: &str, catalog: &str, name: &str, schema: &str, more: &str| {
        let sql = format!("format('DROP {word} %I.%I', n.nspname, o.{name})");
        format!(
            "SELECT format('%I.%I', n.nspname, o.{name}), '{kind}', {} FROM {catalog} o \
             JOIN pg_namespace n ON n.oid = o.{schema} WHERE {} AND {more}",
            drop(&sql, catalog, "o.oid"),
            user("o.oid", catalog)
        )
    };
    let own_function = user("p.oid", "pg_proc");
    let (kind, word) = match version {
        110_000.. => ("p.prokind = 'a'", "ROUTINE"),
        _ => ("p.proisagg", "FUNCTION"),
    };
    let mut parts = vec![
        named(
            "base type",
            "TYPE",
            "pg_type",
            "typname",
            "typnamespace",
            "o.typtype = 'b' AND o.typelem = 0",
        ),
        format!(
            "SELECT p.oid::regprocedure::text, CASE WHEN p.proleakproof THEN 'leakproof function' \
             ELSE concat('function in ', l.lanname) END, {} \
             FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE {own_function} \
             AND NOT ({kind}) AND (NOT l.lanpltrusted OR p.proleakproof)",
            drop(&format!("concat('DROP {word} ', p.oid::regprocedure)"), "pg_proc", "p.oid")
        ),
        format!(
            "SELECT p.oid::regprocedure::text, 'aggregate with an internal state', {} \
             FROM pg_proc p JOIN pg_aggregate a ON a.aggfnoid = p.oid WHERE {own_function} \
             AND a.aggtranstype = 'internal'::regtype",
            drop("concat('DROP AGGREGATE ', p.oid::regprocedure)", "pg_proc", "p.oid")
        ),
        format!(
            "SELECT format('(%s AS %s)', format_type(c.castsource, NULL), \
             format_type(c.casttarget, NULL)), 'cast without function', {} FROM pg_cast c \
             WHERE {} AND c.castmethod = 'b'",
            drop(
                "format('DROP CAST (%s AS %s)', format_type(c.castsource, NULL), \
                 format_type(c.casttarget, NULL))",
                "pg_cast",
                "c.oid"
            ),
            user("c.oid", "pg_cast")
        ),
        named(
            "text search parser",
            "TEXT SEARCH PARSER",
            "pg_ts_parser",
            "prsname",
            "prsnamespace",
            "true",
        ),
        named(
            "text search template",
            "TEXT SEARCH TEMPLATE",
            "pg_ts_template",
            "tmplname",
            "tmplnamespace",
            "true",
        ),
        format!(
            "SELECT format('%I.%I', n.nspname, o.opfname), 'operator family', {} FROM pg_opfamily o \
             JOIN pg_namespace n ON n.oid = o.opfnamespace \
             JOIN pg_am a ON a.oid = o.opfmethod WHERE {}",
            drop(
                "format('DROP OPERATOR FAMILY %I.%I USING %I', n.nspname, o.opfname, a.amname)",
                "pg_opfamily",
                "o.oid"
            ),
            user("o.oid", "pg_opfamily")
        ),
        format!(
            "SELECT format('%I', o.fdwname), 'foreign data wrapper', {} \
             FROM pg_foreign_data_wrapper o WHERE {}",
            drop(
                "format('DROP FOREIGN DATA WRAPPER %I', o.fdwname)",
                "pg_foreign_data_wrapper",
                "o.oid"
            ),
            user("o.oid", "pg_foreign_data_wrapper")
        ),
    ];
    if version >= 90_600 {
        parts.push(format!(
            "SELECT format('%I', o.amname), 'access method', {} FROM pg_am o WHERE {}",
            drop("format('DROP ACCESS METHOD %I', o.amname)", "pg_am", "o.oid"),
            user("o.oid", "pg_am")
        ));
    }
    parts.join(" UNION ALL ") + " ORDER BY 2, 1"
}

fn objects(census: Census) -> String {
    match census {
        Census::Casts => format!(
            "SELECT format('(%s AS %s)', format_type(c.castsource, NULL), \
             format_type(c.casttarget, NULL)), '', '' FROM pg_cast c \
             WHERE c.oid >= {USERS_OID_MIN} AND {} ORDER BY 1",
            not_of_extension("pg_cast", "c.oid")
        ),
        Census::Languages => format!(
            "SELECT l.lanname, CASE WHEN {} THEN '' ELSE l.lanplcallfoid::regproc::text END, \
             {} FROM pg_language l WHERE l.oid >= {USERS_OID_MIN} AND {} ORDER BY 1",
            languages::is_bare_there(),
            cascade::statement(
                "format('DROP LANGUAGE %I', l.lanname)",
                "'pg_language'::regclass",
                "l.oid"
            ),
            not_of_extension("pg_language", "l.oid")
        ),
        Census::EventTriggers => format!(
            "SELECT evtname, CASE WHEN evtenabled IN ('O', 'A') THEN evtevent ELSE '' END, format('DROP EVENT TRIGGER %I', evtname) \
             FROM pg_event_trigger t WHERE {} ORDER BY 1",
            not_of_extension("pg_event_trigger", "t.oid")
        ),
        _ => "SELECT concat(s.srvname, ' (', w.fdwname, ' ', (SELECT string_agg(option_name || ' ' || \
              option_value, ', ') FROM pg_options_to_table(s.srvoptions) \
              WHERE option_name IN ('host', 'port', 'dbname')), ')'), '', '' \
              FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw ORDER BY 1"
            .to_owned(),
    }
}

fn collations(census: Census, version: u32) -> Option<String> {
    let provider = match version {
        100_000.. => "CASE k.collprovider WHEN 'i' THEN 'icu' ELSE 'libc' END",
        _ => "'libc'",
    };
    match census {
        Census::Collations => Some(format!(
            "SELECT format('%I.%I', n.nspname, k.collname), {provider}, \
             format('DROP COLLATION %I.%I', n.nspname, k.collname) FROM pg_collation k \
             JOIN pg_namespace n ON n.oid = k.collnamespace WHERE {USER_SCHEMAS} AND {} ORDER BY 1",
            not_of_extension("pg_collation", "k.oid")
        )),
        Census::UsedCollations => Some(format!(
            "SELECT k.collname, concat('column ', a.attname, ' of ', n.nspname, '.', c.relname), \
             format('ALTER TABLE %I.%I ALTER COLUMN %I TYPE %s COLLATE \"C\"', n.nspname, c.relname, \
             a.attname, format_type(a.atttypid, a.atttypmod)) {FROM_RELATIONS} \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             JOIN pg_collation k ON k.oid = a.attcollation \
             WHERE k.collnamespace = 'pg_catalog'::regnamespace \
             AND k.collname NOT IN ('default', 'C', 'POSIX') AND c.relkind IN ('r', 'p', 'f', 'c') \
             AND {USER_SCHEMAS} ORDER BY 1, 2"
        )),
        _ if version < 100_000 => None,
        _ => {
            let of_database = match version {
                150_000.. => {
                    " UNION ALL SELECT concat('database ', datname), '', \
                     format('ALTER DATABASE %I REFRESH COLLATION VERSION', datname) FROM pg_database \
                     WHERE datname = current_database() \
                     AND datcollversion <> pg_database_collation_actual_version(oid)"
                }
                _ => "",
            };
            Some(format!(
                "SELECT format('%I.%I', m.nspname, k.collname), '', \
                 format('ALTER COLLATION %I.%I REFRESH VERSION', m.nspname, k.collname) \
                 FROM pg_collation k JOIN pg_namespace m ON m.oid = k.collnamespace \
                 WHERE k.collversion <> pg_collation_actual_version(k.oid) \
                 AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attcollation = k.oid \
                 AND a.attrelid >= {USERS_OID_MIN}){of_database} ORDER BY 1"
            ))
        }
    }
}

fn slots(version: u32) -> String {
    let lasting = if version >= 100_000 { " AND NOT temporary" } else { "" };
    format!(
        "SELECT slot_name, plugin, '' FROM pg_replication_slots \
         WHERE database = current_database(){lasting} ORDER BY 1"
    )
}

fn replication(census: Census, version: u32) -> Option<String> {
    if version < 100_000 {
        return None;
    }
    if census == Census::Subscriptions {
        return Some(
            "SELECT subname, '', '' FROM pg_subscription WHERE subdbid = (SELECT oid \
             FROM pg_database WHERE datname = current_database()) ORDER BY 1"
                .to_owned(),
        );
    }
    let schemas = match version {
        150_000.. => {
            " OR EXISTS (SELECT 1 FROM pg_publication_namespace s WHERE s.pnpubid = p.oid)"
        }
        _ => "",
    };
    Some(format!(
        "SELECT pubname, '', format('DROP PUBLICATION %I', pubname) FROM pg_publication p \
         WHERE p.puballtables{schemas} ORDER BY 1"
    ))
}

fn relations(census: Census) -> String {
    let own = not_of_extension("pg_class", "c.oid");
    match census {
        Census::Unlogged => format!(
            "SELECT n.nspname || '.' || c.relname, '', format('ALTER TABLE %I.%I SET LOGGED', \
             n.nspname, c.relname) {FROM_RELATIONS} WHERE c.relpersistence = 'u' \
             AND c.relkind IN ('r', 'm', 'S') AND {USER_SCHEMAS} ORDER BY 1"
        ),
        Census::NoIdentity => format!(
            "SELECT {RELATION}, '', format('ALTER TABLE %I.%I REPLICA IDENTITY FULL', n.nspname, \
             c.relname) {FROM_RELATIONS} WHERE c.relkind = 'r' AND c.relpersistence = 'p' \
             AND {USER_SCHEMAS} AND {own} AND (c.relreplident = 'n' OR c.relreplident = 'd' \
             AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary) \
             OR c.relreplident = 'i' AND NOT EXISTS (SELECT 1 FROM pg_index i \
             WHERE i.indrelid = c.oid AND i.indisreplident)) ORDER BY 1"
        ),
        Census::MemberTables => format!(
            "SELECT {RELATION}, quote_ident(x.extname), format('ALTER EXTENSION %I DROP TABLE %I.%I', \
             x.extname, n.nspname, c.relname) {FROM_RELATIONS} \
             JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e' \
             JOIN pg_extension x ON x.oid = e.refobjid AND e.refclassid = 'pg_extension'::regclass \
             WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND pg_relation_size(c.oid) > 0 \
             AND c.oid <> ALL (coalesce(x.extconfig, '{{}}')) ORDER BY 1"
        ),
        _ => format!(
            "SELECT {RELATION}, '', format('REINDEX INDEX %I.%I', n.nspname, c.relname) \
             {FROM_RELATIONS} JOIN pg_index i ON i.indexrelid = c.oid \
             WHERE NOT i.indisvalid AND c.relkind = 'i' AND {USER_SCHEMAS} ORDER BY 1"
        ),
    }
}
