//! The parsed expressions that a database stores, whose they are, and what takes one away.

use super::cascade;
use crate::catalog::USER_SCHEMAS;
use crate::catalog::trees::USERS_OID_MIN;

/// Parsed expressions: class and id of what one belongs to, its text, and class and id of what decides
/// whether that is a user's. The first number is the version from which on the catalog has it.
const EXPRESSIONS: [(u32, &str); 12] = [
    (
        0,
        "SELECT CASE r.rulename WHEN '_RETURN' THEN 'pg_class'::regclass ELSE 'pg_rewrite' END, \
         CASE r.rulename WHEN '_RETURN' THEN r.ev_class ELSE r.oid END, \
         concat(r.ev_qual, ' ', r.ev_action), 'pg_class'::regclass, r.ev_class FROM pg_rewrite r",
    ),
    (
        0,
        "SELECT 'pg_attrdef'::regclass, d.oid, d.adbin::text, 'pg_class'::regclass, d.adrelid \
         FROM pg_attrdef d",
    ),
    (
        0,
        "SELECT 'pg_constraint'::regclass, k.oid, k.conbin::text, \
         CASE k.conrelid WHEN 0 THEN 'pg_type'::regclass ELSE 'pg_class' END, \
         CASE k.conrelid WHEN 0 THEN k.contypid ELSE k.conrelid END FROM pg_constraint k",
    ),
    (
        0,
        "SELECT CASE WHEN k.oid IS NULL THEN 'pg_class'::regclass ELSE 'pg_constraint' END, \
         coalesce(k.oid, i.indexrelid), concat(i.indexprs, ' ', i.indpred), 'pg_class'::regclass, \
         i.indrelid FROM pg_index i LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid \
         AND k.contype = 'x'",
    ),
    (
        0,
        "SELECT 'pg_trigger'::regclass, t.oid, t.tgqual::text, 'pg_class'::regclass, t.tgrelid \
         FROM pg_trigger t",
    ),
    (
        0,
        "SELECT 'pg_policy'::regclass, p.oid, concat(p.polqual, ' ', p.polwithcheck), \
         'pg_class'::regclass, p.polrelid FROM pg_policy p",
    ),
    (
        0,
        "SELECT 'pg_proc'::regclass, p.oid, p.proargdefaults::text, 'pg_proc'::regclass, p.oid \
         FROM pg_proc p",
    ),
    (
        0,
        "SELECT 'pg_type'::regclass, t.oid, t.typdefaultbin::text, 'pg_type'::regclass, t.oid \
         FROM pg_type t",
    ),
    (
        100_000,
        "SELECT 'pg_class'::regclass, p.partrelid, p.partexprs::text, 'pg_class'::regclass, \
         p.partrelid FROM pg_partitioned_table p",
    ),
    (
        140_000,
        "SELECT 'pg_proc'::regclass, p.oid, p.prosqlbody::text, 'pg_proc'::regclass, p.oid \
         FROM pg_proc p",
    ),
    (
        140_000,
        "SELECT 'pg_statistic_ext'::regclass, s.oid, s.stxexprs::text, 'pg_class'::regclass, \
         s.stxrelid FROM pg_statistic_ext s",
    ),
    (
        150_000,
        "SELECT 'pg_publication_rel'::regclass, p.oid, p.prqual::text, 'pg_class'::regclass, \
         p.prrelid FROM pg_publication_rel p",
    ),
];

/// The expression of what takes `u` away, of which `i` says what it is.
fn mend() -> String {
    let drop = cascade::statement(
        "format('DROP %s IF EXISTS %s', upper(i.type), i.identity)",
        "u.class",
        "u.id",
    );
    format!(
        "CASE i.type \
         WHEN 'table constraint' THEN (SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', \
         k.conrelid::regclass, k.conname) FROM pg_constraint k WHERE k.oid = u.id) \
         WHEN 'domain constraint' THEN (SELECT format('ALTER DOMAIN %s DROP CONSTRAINT IF EXISTS %I', \
         k.contypid::regtype, k.conname) FROM pg_constraint k WHERE k.oid = u.id) \
         WHEN 'default value' THEN (SELECT format(CASE to_jsonb(a) ->> 'attgenerated' \
         WHEN 's' THEN 'ALTER TABLE %s ALTER COLUMN %I DROP EXPRESSION IF EXISTS' \
         WHEN 'v' THEN 'ALTER TABLE %s DROP COLUMN IF EXISTS %I' \
         ELSE 'ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT' END, d.adrelid::regclass, a.attname) \
         FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid \
         AND a.attnum = d.adnum WHERE d.oid = u.id) \
         WHEN 'type' THEN format('ALTER DOMAIN %s DROP DEFAULT', i.identity) \
         WHEN 'statistics object' THEN format('DROP STATISTICS IF EXISTS %s', i.identity) \
         WHEN 'table' THEN '' WHEN 'publication relation' THEN '' ELSE {drop} END"
    )
}

/// Whether `u` is a parent's as well, whose statement goes for it too.
const INHERITED: &str = "u.class = 'pg_constraint'::regclass AND EXISTS (SELECT 1 FROM pg_constraint k \
    WHERE k.oid = u.id AND k.coninhcount > 0 AND NOT k.conislocal) \
    OR u.class = 'pg_attrdef'::regclass AND EXISTS (SELECT 1 FROM pg_attrdef d JOIN pg_attribute a \
    ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE d.oid = u.id AND a.attinhcount > 0 \
    AND to_jsonb(a) ->> 'attgenerated' IN ('s', 'v')) \
    OR u.class = 'pg_trigger'::regclass AND EXISTS (SELECT 1 FROM pg_trigger t WHERE t.oid = u.id \
    AND to_jsonb(t) ->> 'tgparentid' <> '0')";

/// `expression (class, id, body)` as part of a `WITH`: all expressions of users, with class and id of
/// what one belongs to.
pub(super) fn all(version: u32) -> String {
    let parts: Vec<&str> =
        EXPRESSIONS.iter().filter(|one| one.0 <= version).map(|one| one.1).collect();
    format!(
        "held (class, id, body, holder_class, holder) AS ({}), \
         expression AS (SELECT class, id, body FROM held WHERE id >= {USERS_OID_MIN} \
          AND body LIKE '%{{%' AND (holder_class <> 'pg_class'::regclass OR EXISTS \
          (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
           WHERE c.oid = holder AND {USER_SCHEMAS})) \
          AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = holder_class \
           AND e.objid = holder AND e.deptype = 'e'))",
        parts.join(" UNION ALL ")
    )
}

/// Name, detail and statement of things: `things` gives class, id and detail of each.
pub(super) fn described(things: &str) -> String {
    format!(
        "SELECT concat(CASE i.type WHEN 'type' THEN 'domain' ELSE i.type END, ' ', i.identity), \
         u.words, {} FROM ({things}) AS u (class, id, words), \
         LATERAL pg_identify_object(u.class, u.id, 0) i WHERE NOT ({INHERITED})",
        mend()
    )
}

/// The expression of what takes away the definitions that keep the type of column `a` of `c` from changing: views and the like, of it and
/// of the columns that inherit it. NULL where one cannot be taken away so.
pub(super) fn users_of_column() -> String {
    format!(
        "(WITH RECURSIVE heir (oid) AS (SELECT c.oid UNION SELECT i.inhrelid FROM heir JOIN pg_inherits i \
           ON i.inhparent = heir.oid), \
          used (class, id) AS (SELECT DISTINCT CASE r.rulename WHEN '_RETURN' THEN 'pg_class'::regclass \
            ELSE d.classid END, CASE r.rulename WHEN '_RETURN' THEN r.ev_class ELSE d.objid END \
           FROM heir JOIN pg_attribute h ON h.attrelid = heir.oid AND h.attname = a.attname \
           JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = h.attrelid \
           AND d.refobjsubid = h.attnum \
           LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid \
           LEFT JOIN pg_attrdef v ON d.classid = 'pg_attrdef'::regclass AND v.oid = d.objid \
           WHERE d.classid::regclass::text IN ('pg_rewrite', 'pg_policy', 'pg_trigger', 'pg_proc', \
           'pg_publication_rel', 'pg_attrdef') AND v.adnum IS DISTINCT FROM h.attnum) \
          SELECT CASE WHEN bool_and(sql <> '') THEN string_agg(sql, '; ' ORDER BY sql) || '; ' \
           WHEN count(*) = 0 THEN '' END \
          FROM (SELECT {} AS sql FROM used u, LATERAL pg_identify_object(u.class, u.id, 0) i \
           WHERE NOT ({INHERITED})) m)",
        mend()
    )
}
