-- One table of :n rows, about 190 bytes each, with three indexes.
CREATE TABLE big (id bigint NOT NULL, at timestamptz NOT NULL, account integer NOT NULL, amount numeric(12,2) NOT NULL,
  code text NOT NULL, filler text NOT NULL);
INSERT INTO big SELECT i, timestamptz '2024-01-01' + i * interval '1 s', (i::bigint * 7919 % 1000003)::integer, i % 1000000 / 7.0,
  md5(i::text), repeat('f', 80) FROM generate_series(1, :n) i;
ALTER TABLE big ADD PRIMARY KEY (id);
CREATE INDEX ON big (account, at);
CREATE INDEX ON big (code);
