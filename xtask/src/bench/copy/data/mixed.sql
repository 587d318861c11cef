-- What applications have: wide rows, jsonb, numeric, timestamps, TOAST, bytea, arrays, an enum, partitions,
-- several indexes a table, foreign keys, a view, a trigger. :n events.
CREATE TYPE status AS ENUM ('new', 'paid', 'sent', 'done');
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE, city text,
  tags text[], score double precision, born date, status status);
INSERT INTO customers SELECT i, 'Customer ' || i, 'c' || i || '@example.com', 'City ' || i % 997,
  ARRAY['t' || i % 7, 't' || i % 11], i / 7.0, date '1950-01-01' + (i % 20000)::integer,
  (ARRAY['new', 'paid', 'sent', 'done'])[i % 4 + 1]::status FROM generate_series(1, :n / 8) i;
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, placed timestamptz NOT NULL,
  total numeric(12,2), note text);
INSERT INTO orders SELECT i, i % (:n / 8) + 1, timestamptz '2024-01-01' + i * interval '17 s', i % 100000 / 7.0,
  md5(i::text) FROM generate_series(1, :n) i;
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (placed);
CREATE TABLE order_items (order_id bigint NOT NULL REFERENCES orders, line integer NOT NULL, product integer NOT NULL,
  quantity integer NOT NULL, price numeric(10,2) NOT NULL, PRIMARY KEY (order_id, line));
INSERT INTO order_items SELECT (i - 1) / 3 + 1, (i - 1) % 3, i % 5003, i % 9 + 1, i % 10000 / 13.0
  FROM generate_series(1, :n * 3) i;
CREATE INDEX ON order_items (product);
CREATE TABLE events (id bigint PRIMARY KEY, at timestamptz NOT NULL, kind text NOT NULL, actor uuid, address inet,
  payload jsonb NOT NULL, a1 numeric, a2 numeric, a3 integer, a4 integer, a5 bigint, a6 double precision, a7 real,
  a8 boolean, a9 date, a10 time, a11 interval, a12 text, a13 text, a14 varchar(40), a15 char(10), a16 smallint);
INSERT INTO events SELECT i, timestamptz '2024-01-01' + i * interval '3 s', 'kind' || i % 23, md5(i::text)::uuid,
  ('10.' || i % 256 || '.' || i / 256 % 256 || '.1')::inet,
  jsonb_build_object('n', i, 'name', 'item ' || i, 'nested', jsonb_build_object('x', i % 13, 'y', md5(i::text)),
    'list', jsonb_build_array(i, i + 1, 'z')),
  i * 1.0001, i / 3.0, i % 1000, i % 77, i * 7, i / 9.0, i / 11.0, i % 2 = 0, date '2024-01-01' + (i % 700)::integer,
  time '00:00' + i * interval '1 s', i * interval '1 min', 'text ' || i, repeat('x', (i % 60)::integer),
  'v' || i, 'c' || i % 999, i % 32000 FROM generate_series(1, :n) i;
CREATE INDEX ON events (at);
CREATE INDEX ON events (kind, at);
CREATE INDEX ON events USING gin (payload jsonb_path_ops);
CREATE TABLE documents (id bigint PRIMARY KEY, title text, body text NOT NULL, scan bytea NOT NULL);
INSERT INTO documents SELECT i, 'Document ' || i,
  (SELECT string_agg(md5((i * 151 + k)::text) || ' lorem ipsum dolor ', '') FROM generate_series(1, 90) k),
  decode((SELECT string_agg(md5((i * 157 + k)::text), '') FROM generate_series(1, 190) k), 'hex')
  FROM generate_series(1, :n / 20) i;
CREATE TABLE readings (sensor integer NOT NULL, at timestamptz NOT NULL, value double precision, quality smallint,
  PRIMARY KEY (sensor, at)) PARTITION BY RANGE (at);
SELECT format('CREATE TABLE readings_%s PARTITION OF readings FOR VALUES FROM (%L) TO (%L)', m,
  timestamptz '2024-01-01' + m * interval '30 days', timestamptz '2024-01-01' + (m + 1) * interval '30 days')
  FROM generate_series(0, 11) m \gexec
INSERT INTO readings SELECT i % 1000, timestamptz '2024-01-01' + (i / 1000) * (interval '360 days' / (:n / 1000 + 1)),
  i / 17.0, i % 5 FROM generate_series(0, :n - 1) i;
CREATE INDEX ON readings (at);
CREATE VIEW totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY customer_id;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note := coalesce(NEW.note, ''''); RETURN NEW; END';
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
