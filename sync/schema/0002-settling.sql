-- casepack.db, schema 2: settling what disagrees, copies of workspaces, home hubs, verdicts of several hubs.

ALTER TABLE replicas ADD COLUMN copy_of BLOB NOT NULL DEFAULT x''; -- the device whose workspace was copied; empty: none
ALTER TABLE replicas ADD COLUMN home BLOB NOT NULL DEFAULT x'';    -- hub or relay that gives it material; empty: any hub of the roster
ALTER TABLE settlements ADD COLUMN policy TEXT NOT NULL DEFAULT ''; -- that was in force when it was decided

-- A lead's resolve of a document decided column by column: it goes with the edit of that document in the same
-- change commit, and names every column that it settles, changed or not. id is of table, document and edit.
CREATE TABLE resolutions (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	tbl   TEXT NOT NULL DEFAULT '',
	doc   BLOB NOT NULL DEFAULT x'',
	edit  BLOB NOT NULL DEFAULT x'',    -- rev of the edit that resolves
	settles TEXT NOT NULL DEFAULT '{}', -- JSON: column -> value
	policy TEXT NOT NULL DEFAULT '',
	reason TEXT NOT NULL DEFAULT '',
	person BLOB NOT NULL DEFAULT x''
) STRICT, WITHOUT ROWID;

-- What a lead decided about one judgment that a breaking revision made stale. id is of judgment and cause, so that
-- two leads who decide without knowing of each other meet in one cell.
CREATE TABLE stale_settlements (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	judgment BLOB NOT NULL DEFAULT x'',
	cause BLOB NOT NULL DEFAULT x'',    -- the breaking guideline revision or form version
	weighed BLOB NOT NULL DEFAULT x'',  -- rev of the judgment's edit that stood
	decision TEXT NOT NULL DEFAULT '' CHECK (decision IN ('', 'keep', 'requeue', 'void')),
	reason TEXT NOT NULL DEFAULT '',
	person BLOB NOT NULL DEFAULT x''
) STRICT, WITHOUT ROWID;
CREATE INDEX stale_settlements_of ON stale_settlements (judgment);

-- Private tables stand behind the two new ones in the list of synced tables.
UPDATE edits SET tbl = tbl + 2 WHERE tbl >= 13;
UPDATE tricky SET tbl = tbl + 2 WHERE tbl >= 13;

-- Rows of one schema are sealed together.
ALTER TABLE outbox ADD COLUMN schema INTEGER NOT NULL DEFAULT 1;

-- Each hub's own verdict on a change commit; what they come to together stands in commits.
CREATE TABLE verdicts (
	oid   TEXT NOT NULL,
	hub   BLOB NOT NULL,
	verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'refused')),
	is_far INTEGER NOT NULL DEFAULT 0,
	received_us INTEGER NOT NULL,
	reason TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (oid, hub)
) STRICT, WITHOUT ROWID;
INSERT INTO verdicts(oid, hub, verdict, is_far, received_us, reason)
	SELECT oid, (SELECT value FROM meta WHERE key = 'replica'), verdict, is_far, received_us, reason
	FROM commits WHERE is_private = 0 AND verdict <> 'waiting';

-- Derived: made again from the trees when the workspace is opened next.
DROP TABLE conflicts;
CREATE TABLE conflicts (
	doc   BLOB NOT NULL,
	tbl   INTEGER NOT NULL,
	col   TEXT NOT NULL,             -- '' where the document is taken whole
	class TEXT NOT NULL,             -- identical, parallel, fork, hard, text, late, stale
	is_open INTEGER NOT NULL,        -- 1: waits for a person
	policy TEXT NOT NULL,
	stands BLOB NOT NULL,            -- rev, or empty: nothing stands
	base  TEXT NOT NULL DEFAULT '',  -- for people: JSON, what all candidates grew from; '' where they share nothing
	PRIMARY KEY (doc, tbl, col, class)
) STRICT, WITHOUT ROWID;
DELETE FROM candidates;
INSERT INTO meta(key, value) VALUES('reevaluate', 1) ON CONFLICT DO UPDATE SET value = 1;
