//! What the source holds in these tests. Everything here exists since PostgreSQL 11.

use crate::pair::Pair;

const ROLES: &str = "
    CREATE ROLE shop_owner;
    CREATE ROLE shop_reader NOLOGIN;
    CREATE ROLE clerk LOGIN PASSWORD 'clerk-secret' IN ROLE shop_reader;
    ALTER ROLE clerk SET statement_timeout = '5min';
    CREATE DATABASE shop OWNER shop_owner;
    ALTER DATABASE shop SET search_path = app, public;
    CREATE DATABASE \"Blog 2\";
";

const SHOP: &str = "
    CREATE SCHEMA app AUTHORIZATION shop_owner;
    CREATE TYPE app.state AS ENUM ('new', 'paid', 'sent');
    CREATE FUNCTION app.double(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
    CREATE TABLE app.customers (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL,
        tags text[] NOT NULL DEFAULT '{}',
        about jsonb,
        joined timestamptz NOT NULL DEFAULT '2024-02-29 12:00:00+00'
    );
    INSERT INTO app.customers (name, tags, about)
        SELECT E'n\\t\\\\' || n, ARRAY['a,b', NULL, 'c\"' || n], jsonb_build_object('n', n, 'x', \
            NULL)
        FROM generate_series(1, 3000) n;
    CREATE TABLE app.orders (
        id bigserial,
        customer bigint NOT NULL REFERENCES app.customers,
        state app.state NOT NULL DEFAULT 'new',
        day date NOT NULL,
        price numeric(12, 2),
        weight double precision,
        PRIMARY KEY (id, day)
    ) PARTITION BY RANGE (day);
    CREATE TABLE app.orders_2024 PARTITION OF app.orders
        FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE app.orders_rest PARTITION OF app.orders DEFAULT;
    INSERT INTO app.orders (customer, state, day, price, weight)
        SELECT 1 + n % 3000, (ARRAY['new', 'paid', 'sent'])[1 + n % 3]::app.state,
            date '2024-01-01' + n % 700, n / 7.0, 'NaN'
        FROM generate_series(1, 20000) n;
    CREATE INDEX orders_customer ON app.orders (customer) WHERE state <> 'sent';
    CREATE TABLE app.blobs (id int PRIMARY KEY, body bytea);
    INSERT INTO app.blobs SELECT n, decode(repeat(md5(n::text), 400), 'hex')
        FROM generate_series(1, 100) n;
    CREATE TABLE app.nothing ();
    INSERT INTO app.nothing DEFAULT VALUES;
    CREATE TABLE app.\"Odd \"\"Name\" (\"From\" int, \"a b\" text);
    INSERT INTO app.\"Odd \"\"Name\" VALUES (1, E'line\\nbreak'), (NULL, '');
    CREATE VIEW app.open_orders AS SELECT * FROM app.orders WHERE state <> 'sent';
    CREATE MATERIALIZED VIEW app.sales AS SELECT day, sum(price) AS total \
    FROM app.orders GROUP BY day;
    CREATE UNIQUE INDEX sales_day ON app.sales (day);
    CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.joined := now(); RETURN NEW; END';
    CREATE TRIGGER touch BEFORE UPDATE ON app.customers
        FOR EACH ROW EXECUTE PROCEDURE app.touch();
    ALTER TABLE app.customers ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON app.customers FOR SELECT TO shop_reader USING (true);
    GRANT USAGE ON SCHEMA app TO shop_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA app TO shop_reader;
    ALTER TABLE app.customers OWNER TO shop_owner;
    COMMENT ON TABLE app.orders IS 'what was ordered';
    SELECT setval('app.orders_id_seq', 4711);
    SELECT lo_from_bytea(4242, decode(repeat('00ff10', 5000), 'hex'));
    SELECT lo_from_bytea(4243, '');
    GRANT SELECT ON LARGE OBJECT 4242 TO clerk;
";

const BLOG: &str = "
    CREATE TABLE posts (id int PRIMARY KEY, body text);
    INSERT INTO posts SELECT n, repeat('word ', n) FROM generate_series(1, 500) n;
";

/// Roles, `shop` with a bit of everything, and `Blog 2`, whose name needs quotes.
pub(crate) fn fill(pair: &Pair) {
    pair.on_source("postgres", ROLES);
    pair.on_source("shop", SHOP);
    pair.on_source("Blog 2", BLOG);
}

/// Rows of each wide table: enough that a look at the status comes in time.
pub(crate) const WIDE_ROWS: u32 = 10_000;

/// `wide` with many tables of a few megabytes: long enough to be caught at it.
pub(crate) fn fill_wide(pair: &Pair, tables: u32) {
    pair.on_source("postgres", "CREATE DATABASE wide");
    let sql = format!(
        "DO $$ BEGIN FOR t IN 1..{tables} LOOP
            EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, body text)', t);
            EXECUTE format('INSERT INTO t%s SELECT n, repeat(md5(n::text), 10) '
                'FROM generate_series(1, {WIDE_ROWS}) n', t);
        END LOOP; END $$"
    );
    pair.on_source("wide", &sql);
}
