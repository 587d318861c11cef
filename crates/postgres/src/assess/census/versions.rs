//! What some versions have and others do not: columns, types, and things that a newer one does not take.

use flexway_core::assess::facts::Census;

use super::FROM_RELATIONS;
use crate::catalog::trees::USERS_OID_MIN;
use crate::catalog::{USER_SCHEMAS, not_of_extension};

pub(super) fn columns(census: Census, version: u32) -> Option<String> {
    let own = not_of_extension("pg_class", "c.oid");
    match census {
        Census::Oids if version >= 120_000 => None,
        Census::Oids => Some(format!(
            "SELECT n.nspname || '.' || c.relname, '', \
             format('ALTER TABLE %I.%I SET WITHOUT OIDS', n.nspname, c.relname) {FROM_RELATIONS} \
             WHERE c.relhasoids AND c.relkind IN ('r', 'p') AND {USER_SCHEMAS} AND {own} ORDER BY 1"
        )),
        Census::RegTypes => Some(format!(
            "SELECT concat('column ', a.attname, ' of ', n.nspname, '.', c.relname), \
             format_type(a.atttypid, NULL), '' {FROM_RELATIONS} \
             JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid \
             WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped \
             AND t.typnamespace = 'pg_catalog'::regnamespace AND t.typname ~ '^_?reg' \
             AND {USER_SCHEMAS} AND {own} ORDER BY 1"
        )),
        // Views get their types from what they read.
        _ => Some(format!(
            "SELECT u.place, format_type(t.oid, NULL), t.typname \
             FROM (SELECT a.atttypid AS oid, concat('column ', a.attname, ' of ', n.nspname, '.', \
                          c.relname) AS place \
                   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
                   JOIN pg_namespace n ON n.oid = c.relnamespace \
                   WHERE c.relkind IN ('r', 'p', 'f', 'c') AND a.attnum > 0 \
                   AND NOT a.attisdropped AND {USER_SCHEMAS} AND {own} \
                   UNION ALL SELECT d.typbasetype, concat('domain ', n.nspname, '.', d.typname) \
                   FROM pg_type d JOIN pg_namespace n ON n.oid = d.typnamespace \
                   WHERE d.typtype = 'd' AND {USER_SCHEMAS}) u \
             JOIN pg_type t ON t.oid = u.oid JOIN pg_namespace n ON n.oid = t.typnamespace \
             WHERE n.nspname = 'pg_catalog' AND t.oid < {USERS_OID_MIN} ORDER BY 1"
        )),
    }
}

/// What a newer major took away: name, why, what mends.
pub(super) fn unknown_to(version: u32, target: u32) -> Option<String> {
    let since = |major: u32| version < major * 10_000 && target >= major * 10_000;
    let mut parts = Vec::new();
    let own_type = not_of_extension("pg_type", "t.oid");
    if since(14) {
        // Source: PostgreSQL 14 release notes, "Migration to Version 14".
        parts.push(format!(
            "SELECT format('operator %I.%s', n.nspname, o.oprname), 'postfix operators', \
             format('DROP OPERATOR %I.%s (%s, NONE)', n.nspname, o.oprname, \
             format_type(o.oprleft, NULL)) \
             FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace \
             WHERE o.oprright = 0 AND o.oid >= {USERS_OID_MIN}"
        ));
        let changed = "('array_append', 'array_cat', 'array_position', 'array_positions', \
                       'array_prepend', 'array_remove', 'array_replace', 'width_bucket')";
        parts.push(format!(
            "SELECT format('aggregate %s', a.aggfnoid::regprocedure), \
             'aggregates over functions that take anycompatible now', \
             format('DROP AGGREGATE %s', a.aggfnoid::regprocedure) \
             FROM pg_aggregate a JOIN pg_proc p ON p.oid IN (a.aggtransfn, a.aggfinalfn) \
             JOIN pg_type t ON t.oid = a.aggtranstype \
             WHERE a.aggfnoid >= {USERS_OID_MIN} AND p.oid < {USERS_OID_MIN} \
             AND p.proname IN {changed} AND t.typname = 'anyarray'"
        ));
        parts.push(format!(
            "SELECT format('type %I.%I', n.nspname, t.typname), \
             'types with elements without a function that takes one out', \
             format('DROP TYPE %I.%I CASCADE', n.nspname, t.typname) \
             FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
             JOIN pg_type e ON e.oid = t.typelem WHERE t.typtype = 'b' AND t.oid >= {USERS_OID_MIN} \
             AND NOT EXISTS (SELECT 1 FROM pg_type a WHERE a.typarray = t.oid) \
             AND (t.typlen < 0 OR t.typbyval OR e.typlen < 0) AND {own_type}"
        ));
        parts.push(format!(
            "SELECT format('conversion %I.%I', n.nspname, k.conname), \
             'conversions whose function takes no flag', \
             format('DROP CONVERSION %I.%I', n.nspname, k.conname) \
             FROM pg_conversion k JOIN pg_namespace n ON n.oid = k.connamespace \
             JOIN pg_proc p ON p.oid = k.conproc \
             WHERE k.oid >= {USERS_OID_MIN} AND p.oid >= {USERS_OID_MIN}"
        ));
    }
    if since(14) {
        parts.push(format!(
            "SELECT format('type %I.%I', n.nspname, t.typname), \
             'range types whose multirange would have the name of another type', \
             format('ALTER %s %I.%I RENAME TO %I', CASE WHEN o.typrelid <> 0 AND c.relkind <> 'c' \
             THEN 'TABLE' ELSE 'TYPE' END, n.nspname, o.typname, left(o.typname, 60) || '_2') \
             FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
             JOIN pg_type o ON o.typnamespace = t.typnamespace AND o.typname = left(CASE \
             WHEN t.typname LIKE '%range%' THEN regexp_replace(t.typname, 'range', 'multirange') \
             ELSE t.typname || '_multirange' END, 63) LEFT JOIN pg_class c ON c.oid = o.typrelid \
             WHERE t.typtype = 'r' AND t.oid >= {USERS_OID_MIN} \
             AND NOT (o.typelem <> 0 AND o.typcategory = 'A')"
        ));
    }
    if since(17) {
        parts.push(format!(
            "SELECT format('constraint %I of %I.%I', k.conname, n.nspname, t.typname), \
             'checks with the name of the NOT NULL of their domain', \
             format('ALTER DOMAIN %I.%I RENAME CONSTRAINT %I TO %I', n.nspname, t.typname, k.conname, \
             left(t.typname, 57) || '_check') \
             FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid \
             JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typnotnull AND k.contype = 'c' \
             AND k.conname = t.typname || '_not_null' AND t.oid >= {USERS_OID_MIN}"
        ));
    }
    // Source: PostgreSQL 11 and 18 release notes, "Data Types".
    let own = [
        (
            11,
            "c.castsource = to_regtype('jsonb') AND c.casttarget IN ('bool'::regtype, 'numeric'::regtype, \
              'int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'float4'::regtype, 'float8'::regtype)",
        ),
        (
            18,
            "'bytea'::regtype IN (c.castsource, c.casttarget) AND (c.castsource IN ('int2'::regtype, \
              'int4'::regtype, 'int8'::regtype) OR c.casttarget IN ('int2'::regtype, 'int4'::regtype, \
              'int8'::regtype))",
        ),
    ];
    for (_, casts) in own.iter().filter(|(major, _)| since(*major)) {
        parts.push(format!(
            "SELECT format('cast (%s AS %s)', s.name, s.other), 'casts that it has itself', \
             format('DROP CAST (%s AS %s)', s.name, s.other) FROM pg_cast c, LATERAL (SELECT \
             format_type(c.castsource, NULL) AS name, format_type(c.casttarget, NULL) AS other) s \
             WHERE c.oid >= {USERS_OID_MIN} AND {casts}"
        ));
    }
    if since(16) && version >= 120_000 {
        parts.push(format!(
            "SELECT format('column %I of {table}', a.attname, n.nspname, c.relname), \
             'generated columns whose parent is none', \
             format('ALTER TABLE {table} NO INHERIT %s', n.nspname, c.relname, i.inhparent::regclass) \
             {FROM_RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid \
             JOIN pg_inherits i ON i.inhrelid = c.oid \
             JOIN pg_attribute b ON b.attrelid = i.inhparent AND b.attname = a.attname \
             WHERE a.attgenerated <> '' AND b.attgenerated = '' AND NOT b.attisdropped \
             AND b.attnum > 0 AND NOT c.relispartition",
            table = "%I.%I"
        ));
    }
    (!parts.is_empty()).then(|| parts.join(" UNION ALL ") + " ORDER BY 1")
}
