//! The questions of `census` about who owns what, and who may read it.

use flexway_core::assess::facts::Census;

use super::census::{FROM_RELATIONS, RELATION};
use crate::catalog::trees::USERS_OID_MIN;
use crate::catalog::{OWN_TYPES, USER_SCHEMAS, not_of_extension};

/// The query that answers it, as [`super::census::question`] has them.
pub(super) fn question(census: Census) -> String {
    let own = not_of_extension("pg_class", "c.oid");
    match census {
        Census::RowSecurity => format!(
            "SELECT {RELATION}, '', CASE WHEN c.relforcerowsecurity THEN \
             format('ALTER TABLE %I.%I NO FORCE ROW LEVEL SECURITY', n.nspname, c.relname) ELSE '' END \
             {FROM_RELATIONS} WHERE c.relrowsecurity \
             AND c.relkind IN ('r', 'p') AND row_security_active(c.oid) AND {USER_SCHEMAS} ORDER BY 1"
        ),
        Census::ForcedSecurity => format!(
            "SELECT {RELATION}, '', format('ALTER TABLE %I.%I NO FORCE ROW LEVEL SECURITY', n.nspname, \
             c.relname) {FROM_RELATIONS} WHERE c.relrowsecurity AND c.relforcerowsecurity \
             AND c.relkind IN ('r', 'p') AND {USER_SCHEMAS} ORDER BY 1"
        ),
        Census::Unreadable => format!(
            "SELECT concat(CASE c.relkind WHEN 'S' THEN 'sequence ' WHEN 'm' THEN 'materialized view ' \
             ELSE 'table ' END, {RELATION}), '', \
             concat_ws('; ', CASE WHEN NOT p.of_schema THEN \
             format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END, \
             CASE WHEN NOT p.of_relation THEN format('GRANT SELECT ON %s%I.%I TO %I', CASE c.relkind \
             WHEN 'S' THEN 'SEQUENCE ' ELSE '' END, n.nspname, c.relname, current_user) END) \
             {FROM_RELATIONS}, \
             LATERAL (SELECT has_schema_privilege(n.oid, 'USAGE') AS of_schema, CASE c.relkind \
             WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT') \
             ELSE has_table_privilege(c.oid, 'SELECT') END AS of_relation) p \
             WHERE c.relkind IN ('r', 'p', 'S', 'm') AND {USER_SCHEMAS} AND {own} \
             AND NOT (p.of_schema AND p.of_relation) \
             UNION ALL SELECT concat('large object ', l.oid), '', \
             format('GRANT SELECT ON LARGE OBJECT %s TO %I', l.oid, current_user) \
             FROM pg_largeobject_metadata l WHERE NOT pg_has_role(l.lomowner, 'USAGE') \
             AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) \
             AND NOT EXISTS (SELECT 1 FROM aclexplode(l.lomacl) a WHERE a.privilege_type = 'SELECT' \
             AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE'))) ORDER BY 1"
        ),
        // Schema public belongs to whoever the version gives it to, and is not created.
        _ => {
            let part = |catalog: &str, owner: &str, more: &str| {
                format!(
                    "SELECT o.{owner} AS owner FROM {catalog} o WHERE o.oid >= {USERS_OID_MIN} AND {} \
                     {more}",
                    not_of_extension(catalog, "o.oid")
                )
            };
            let toast = "AND o.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')";
            let parts = [
                part("pg_class", "relowner", toast),
                part("pg_proc", "proowner", ""),
                part("pg_type", "typowner", &format!("AND {OWN_TYPES}")),
                part(
                    "pg_namespace",
                    "nspowner",
                    "AND o.nspname <> 'public' AND o.nspname !~ '^pg_'",
                ),
                part("pg_operator", "oprowner", ""),
                part("pg_collation", "collowner", ""),
                part("pg_foreign_server", "srvowner", ""),
                part("pg_event_trigger", "evtowner", ""),
                "SELECT lomowner FROM pg_largeobject_metadata".to_owned(),
                // By default it belongs to a role of the system.
                format!(
                    "SELECT nspowner FROM pg_namespace WHERE nspname = 'public' \
                     AND nspowner >= {USERS_OID_MIN}"
                ),
            ];
            format!(
                "SELECT DISTINCT pg_get_userbyid(owner), '', '' FROM ({}) o ORDER BY 1",
                parts.join(" UNION ")
            )
        }
    }
}
