-- The four tables of pgbench, :n rows of accounts.
CREATE TABLE branches (bid integer NOT NULL, bbalance integer, filler char(88));
CREATE TABLE tellers (tid integer NOT NULL, bid integer, tbalance integer, filler char(84));
CREATE TABLE accounts (aid integer NOT NULL, bid integer, abalance integer, filler char(84));
CREATE TABLE history (tid integer, bid integer, aid integer, delta integer, mtime timestamp, filler char(22));
INSERT INTO branches SELECT i, 0, '' FROM generate_series(1, :n / 100000 + 1) i;
INSERT INTO tellers SELECT i, (i - 1) / 10 + 1, 0, '' FROM generate_series(1, 10 * (:n / 100000 + 1)) i;
INSERT INTO accounts SELECT i, (i - 1) / 100000 + 1, 0, '' FROM generate_series(1, :n) i;
ALTER TABLE branches ADD PRIMARY KEY (bid);
ALTER TABLE tellers ADD PRIMARY KEY (tid);
ALTER TABLE accounts ADD PRIMARY KEY (aid);
