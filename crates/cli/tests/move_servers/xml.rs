//! Values of xml, and targets whose server was built without libxml.

use crate::assessed::{mend, of_pair};
use crate::pair::Pair;

/// `never` and what is made of it go: a server without libxml takes NULL.
const XML: &str = "
    CREATE TABLE never (a xml, b xml[]); INSERT INTO never VALUES (NULL, NULL);
    CREATE VIEW fine AS SELECT a, xpath('/a', a), xmlconcat(a, a), NULL::xml AS n FROM never;
    CREATE VIEW named AS SELECT xmlforest(a AS x) FROM never;
    CREATE DOMAIN page AS xml; CREATE TYPE pair AS (n int, x xml);
    CREATE TABLE pages (a page, b pair); INSERT INTO pages VALUES ('<a/>', NULL);
    CREATE TABLE lists (a xml[]); INSERT INTO lists VALUES (ARRAY['<a/>'::xml, NULL]);
    CREATE TABLE with_default (a xml DEFAULT '<a/>');
    CREATE VIEW constant AS SELECT '<a/>'::xml AS x, NULL::xml AS y;
";

#[test]
fn only_values_of_xml_keep_it_from_a_target_without_libxml() {
    let pair = Pair::start(15, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", XML);
    let report = of_pair(&pair, &[]).1;
    let words = "the target was built without libxml, and xml is in default value for \
                 public.with_default.a, view public.constant, view public.named, column a of public.lists, column a of \
                 public.pages";
    assert_eq!(report["findings"][0]["message"], words, "{report:#}");
    mend(&pair, &report, "schema/xml-unreadable");
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!((code, report["verdict"].as_str()), (Some(0), Some("ready")), "{report:#}");
    pair.migrate(&[]).ended(0);
}

/// Columns whose type something keeps from changing.
const XML_IN_USE: &str = "
    CREATE TABLE seen (a xml, b int GENERATED ALWAYS AS (length(a::text)) STORED); INSERT INTO seen VALUES ('<a/>');
    CREATE VIEW sees AS SELECT a FROM seen; CREATE VIEW sees_that AS SELECT * FROM sees;
    CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER of_a AFTER UPDATE OF a ON seen FOR EACH ROW EXECUTE FUNCTION nothing();
    CREATE POLICY with_a ON seen USING (a IS NOT NULL);
    CREATE MATERIALIZED VIEW kept AS SELECT xmlparse(content n::text) AS a FROM generate_series(1, 2) n;
    CREATE TABLE parted (k int, a xml) PARTITION BY LIST (k); CREATE TABLE part PARTITION OF parted DEFAULT;
    INSERT INTO parted VALUES (1, '<a/>'); CREATE VIEW sees_part AS SELECT a FROM part;
    CREATE TABLE checked (a xml CHECK (a::text <> '<b/>'::xml::text));
    CREATE TABLE checked_too () INHERITS (checked); INSERT INTO checked_too VALUES ('<a/>');
    CREATE TYPE row_of AS (a xml); CREATE TABLE typed OF row_of; INSERT INTO typed VALUES ('<a/>');
";

#[test]
fn the_fixes_of_xml_work_whatever_uses_it() {
    let pair = Pair::start(15, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", XML_IN_USE);
    let report = of_pair(&pair, &[]).1;
    mend(&pair, &report, "schema/xml-unreadable");
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!((code, report["verdict"].as_str()), (Some(0), Some("ready")), "{report:#}");
    let left = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind IN ('v', 'm') \
                AND relnamespace = 'public'::regnamespace";
    assert_eq!(pair.on_source("d", left), "kept\n");
    pair.migrate(&[]).ended(0);
}
