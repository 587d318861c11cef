-- :n small tables in ten schemas, each with a serial key, an index, and a fifth of them with a foreign key.
SELECT format('CREATE SCHEMA s%s', i) FROM generate_series(0, 9) i \gexec
SELECT format('CREATE TABLE s%s.t%s (id serial PRIMARY KEY, ref integer, name text NOT NULL, at timestamptz, amount numeric);
  INSERT INTO s%s.t%s (ref, name, at, amount) SELECT i, ''name '' || i, timestamptz ''2024-01-01'' + i * interval ''1 h'', i / 3.0
    FROM generate_series(1, 100) i;
  CREATE INDEX ON s%s.t%s (name)', t % 10, t, t % 10, t, t % 10, t) FROM generate_series(1, :n) t \gexec
SELECT format('ALTER TABLE s%s.t%s ADD FOREIGN KEY (ref) REFERENCES s%s.t%s', t % 10, t, (t - 1) % 10, t - 1)
  FROM generate_series(5, :n, 5) t \gexec
