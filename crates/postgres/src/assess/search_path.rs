//! Functions that find what they call by `search_path` alone, where it is empty when they run.

use crate::assess::expressions;
use crate::catalog::not_of_extension;
use crate::catalog::trees::USERS_OID_MIN;
use crate::owners_path::CLOSED_SINCE;

/// The query of them, by the words of their text. Name: what calls the function; detail: the function; sql: what gives it a path.
///
/// Only what is called while something is made counts: generated columns and keys of partitions, and from 17 on indexes and
/// materialized views. While rows are copied the path is the owner's.
pub(super) fn question(version: u32, target: u32) -> String {
    let kinds = if target >= CLOSED_SINCE { "'i', 'I', 'm', 'p'" } else { "'p'" };
    let exclusion = if target >= CLOSED_SINCE { "'x'" } else { "''" };
    let by_name = |class: &str, words: &str| {
        format!(
            "SELECT n.nspname, n.oid = p.pronamespace AS is_own FROM {class} AS o (oid, name, schema) \
             JOIN pg_namespace n ON n.oid = o.schema WHERE o.oid >= {USERS_OID_MIN} \
             AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
             AND o.name ~ '^[A-Za-z_][A-Za-z0-9_]*$' AND b.body ~* concat({words})"
        )
    };
    let names = [
        by_name(
            "(SELECT oid, relname, relnamespace FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f'))",
            "'\\m(from|join|into|update|only)\\s+\"?', o.name, '\"?(?![A-Za-z0-9_\"])(?!\\s*[.(])'",
        ),
        by_name(
            "(SELECT f.oid, f.proname, f.pronamespace FROM pg_proc f WHERE NOT EXISTS (SELECT 1 FROM pg_proc s \
             WHERE s.pronamespace = 'pg_catalog'::regnamespace AND s.proname = f.proname))",
            "'(^|[^.A-Za-z0-9_\"])\"?', o.name, '\"?\\s*[(]'",
        ),
        by_name(
            "(SELECT t.oid, t.typname, t.typnamespace FROM pg_type t WHERE t.typtype IN ('c', 'd', 'e', 'r'))",
            "'::\\s*\"?', o.name, '\"?(?![A-Za-z0-9_\"])(?!\\s*[.])'",
        ),
    ];
    let things = format!(
        "WITH {} SELECT DISTINCT e.class, e.id, m[1]::oid AS function \
         FROM expression e, regexp_matches(e.body, ':(?:funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+) ', 'g') m \
         WHERE m[1]::oid >= {USERS_OID_MIN} AND CASE e.class \
          WHEN 'pg_class'::regclass THEN EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = e.id \
           AND c.relkind IN ({kinds})) \
          WHEN 'pg_constraint'::regclass THEN EXISTS (SELECT 1 FROM pg_constraint k WHERE k.oid = e.id \
           AND k.contype IN ({exclusion})) \
          WHEN 'pg_attrdef'::regclass THEN EXISTS (SELECT 1 FROM pg_attrdef d JOIN pg_attribute a \
           ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.oid = e.id \
           AND to_jsonb(a) ->> 'attgenerated' = 's') ELSE false END",
        expressions::all(version)
    );
    format!(
        "SELECT concat(u.type, ' ', u.identity), concat(f.type, ' ', f.identity), \
         format('ALTER %s %s SET search_path = %s', upper(f.type), f.identity, r.path) \
         FROM ({things}) t JOIN pg_proc p ON p.oid = t.function JOIN pg_language l ON l.oid = p.prolang, \
         LATERAL (SELECT regexp_replace(p.prosrc, '--[^\\n]*|/[*]([^*]|[*]+[^*/])*[*]+/|''[^'']*''', ' ', 'g') \
          AS body) b, \
         LATERAL (SELECT string_agg(quote_ident(s.nspname), ', ' ORDER BY s.is_own DESC, s.nspname) AS path \
          FROM ({names}) s) r, \
         LATERAL pg_identify_object(t.class, t.id, 0) u, \
         LATERAL pg_identify_object('pg_proc'::regclass, p.oid, 0) f \
         WHERE l.lanname IN ('sql', 'plpgsql') AND to_jsonb(p) ->> 'prosqlbody' IS NULL AND r.path IS NOT NULL \
         AND NOT coalesce(p.proconfig::text ~ 'search_path=', false) AND {} ORDER BY 2, 1",
        not_of_extension("pg_proc", "p.oid"),
        names = names.join(" UNION "),
    )
}
