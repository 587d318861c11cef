//! Things of users in the schemas of the system, which pg_dump takes for the system's own.

use crate::catalog::trees::USERS_OID_MIN;
use crate::catalog::{OWN_TYPES, not_of_extension};
use crate::roles::SERVICE_ROLES;

/// Catalogs of things with a schema: its column, that of the owner, and what of it is a thing by itself.
const CATALOGS: [(&str, &str, &str, &str); 10] = [
    ("pg_class", "relnamespace", "relowner", "o.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"),
    (
        "pg_proc",
        "pronamespace",
        "proowner",
        // Those of a language come with it.
        "NOT EXISTS (SELECT 1 FROM pg_language l \
         WHERE o.oid IN (l.lanplcallfoid, l.laninline, l.lanvalidator))",
    ),
    ("pg_type", "typnamespace", "typowner", OWN_TYPES),
    ("pg_operator", "oprnamespace", "oprowner", "true"),
    ("pg_opclass", "opcnamespace", "opcowner", "true"),
    ("pg_opfamily", "opfnamespace", "opfowner", "true"),
    ("pg_collation", "collnamespace", "collowner", "true"),
    ("pg_conversion", "connamespace", "conowner", "true"),
    ("pg_ts_config", "cfgnamespace", "cfgowner", "true"),
    ("pg_ts_dict", "dictnamespace", "dictowner", "true"),
];

/// The query of them. Name: the thing; detail: what else needs it, if anything does; sql: what takes it out of there.
pub(super) fn question() -> String {
    let services = SERVICE_ROLES.map(|name| format!("'{name}'")).join(", ");
    let parts = CATALOGS.map(|(catalog, schema, owner, is_thing)| {
        format!(
            "SELECT '{catalog}'::regclass AS class, o.oid FROM {catalog} o \
             JOIN pg_namespace n ON n.oid = o.{schema} WHERE o.oid >= {USERS_OID_MIN} AND {is_thing} \
             AND n.nspname IN ('pg_catalog', 'information_schema') \
             AND pg_get_userbyid(o.{owner}) NOT IN ({services}) AND {}",
            not_of_extension(catalog, "o.oid")
        )
    });
    format!(
        "SELECT concat(i.type, ' ', i.identity), coalesce((SELECT pg_describe_object(d.classid, d.objid, \
          d.objsubid) FROM pg_depend d WHERE d.refclassid = t.class AND d.refobjid = t.oid \
          AND d.deptype = 'n' ORDER BY d.classid, d.objid LIMIT 1), ''), \
         format('ALTER %s %s SET SCHEMA public', upper(i.type), i.identity) \
         FROM ({}) t, LATERAL pg_identify_object(t.class, t.oid, 0) i ORDER BY 1",
        parts.join(" UNION ALL ")
    )
}
