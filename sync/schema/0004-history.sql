-- casepack.db, schema 4: labels that left the hub; what history is asked for, kept at hand.

-- Labels that were written to a file at a leads' hub. Written once. id is of device, format, scope and the file's hash: the same
-- file made again is the same row.
CREATE TABLE exports (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	person BLOB NOT NULL DEFAULT x'',
	format TEXT NOT NULL DEFAULT '' CHECK (format IN ('', 'csv', 'jsonl', 'qrels')),
	scope TEXT NOT NULL DEFAULT '{}',    -- JSON: whose labels, of which field, put together how
	file  BLOB NOT NULL DEFAULT x'',     -- BLAKE2b-256 of the file
	labels INTEGER NOT NULL DEFAULT 0,   -- its rows
	main  TEXT NOT NULL DEFAULT ''       -- the commit of main that the hub had reached; '' before the first
) STRICT, WITHOUT ROWID;

-- Private tables stand behind the new one in the list of synced tables.
UPDATE edits SET tbl = tbl + 1 WHERE tbl >= 16;
UPDATE tricky SET tbl = tbl + 1 WHERE tbl >= 16;
UPDATE conflicts SET tbl = tbl + 1 WHERE tbl >= 16;
UPDATE candidates SET tbl = tbl + 1 WHERE tbl >= 16;

-- What each change commit, or outbox row, wrote of one document: a changeset of these rows alone, cut out of the whole one, which
-- may be large, and stands in a repository of many packs. Numbers are in the order written.
CREATE TABLE written (
	no    INTEGER PRIMARY KEY,
	rows  BLOB NOT NULL
) STRICT;
ALTER TABLE edits ADD COLUMN written INTEGER NOT NULL DEFAULT 0; -- number of the rows that hold the edit

-- Change commits as git objects, for whoever asks who signed one.
CREATE TABLE commit_objects (
	no    INTEGER PRIMARY KEY,       -- of commits
	bytes BLOB NOT NULL
) STRICT;

-- Derived: made again from the change commits when the workspace is opened next.
INSERT INTO meta(key, value) SELECT 'reindex', 1 WHERE EXISTS (SELECT 1 FROM edits) ON CONFLICT DO UPDATE SET value = 1;
CREATE INDEX adjudications_of ON adjudications (case_id);
CREATE INDEX resolutions_of ON resolutions (doc);
CREATE INDEX cases_named ON cases (name);
CREATE INDEX commits_on ON commits (branch, is_private); -- the last of a branch is asked for by each opening
