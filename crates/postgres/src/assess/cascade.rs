//! What goes along when something is dropped.

/// Objects that are looked for, and those that are named: enough to think twice.
const FOUND_MAX: u32 = 100;
const NAMED_MAX: u32 = 5;

/// The SQL expression of a statement that drops an object: `drop`, an expression too, as it is where nothing hangs on the object
/// that `class` and `id` name, else with CASCADE and a comment that names what goes along.
pub(super) fn statement(drop: &str, class: &str, id: &str) -> String {
    // Parts of others (rules of views, types of rows, indexes of keys) lead to these, which are named in their place.
    format!(
        "concat({drop}, (WITH RECURSIVE fallen (class, id, part) AS (\
           SELECT {class}::oid, {id}::oid, 0 UNION SELECT d.* FROM fallen f, LATERAL (\
            SELECT classid, objid, objsubid FROM pg_depend WHERE refclassid = f.class AND refobjid = f.id \
             AND (f.part = 0 OR refobjsubid IN (0, f.part)) AND deptype <> 'e' \
            UNION ALL SELECT refclassid, refobjid, refobjsubid FROM pg_depend WHERE classid = f.class \
             AND objid = f.id AND objsubid = f.part AND deptype = 'i') d), \
          along AS (SELECT DISTINCT concat(i.type, ' ', i.identity) AS name \
           FROM (SELECT * FROM fallen LIMIT {FOUND_MAX}) f, LATERAL pg_identify_object(f.class, f.id, f.part) i \
           WHERE (f.class, f.id) <> ({class}::oid, {id}::oid) AND NOT EXISTS (SELECT 1 FROM pg_depend p \
            WHERE p.classid = f.class AND p.objid = f.id AND p.objsubid = f.part AND p.deptype = 'i')) \
          SELECT concat(' CASCADE /* takes along ', regexp_replace(string_agg(name, ', ' ORDER BY name) \
           FILTER (WHERE place <= {NAMED_MAX}), '/[*]|[*]/', '', 'g'), \
           CASE WHEN count(*) > {NAMED_MAX} THEN concat(' and ', count(*) - {NAMED_MAX}, \
            CASE WHEN count(*) >= {FOUND_MAX} / 2 THEN ' or more' END, ' others') END, ' */') \
          FROM (SELECT name, row_number() OVER (ORDER BY name) AS place FROM along) n HAVING count(*) > 0))"
    )
}
