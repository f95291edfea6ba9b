-- casepack.db, schema 3: whom leads trust and why, encryption and retention, what only leads may know of cases.

ALTER TABLE project ADD COLUMN encryption TEXT NOT NULL DEFAULT '' CHECK (encryption IN ('', 'required')); -- of every bundle
ALTER TABLE project ADD COLUMN keep_days INTEGER NOT NULL DEFAULT 0 CHECK (keep_days >= 0); -- raters keep content so long behind its receipt; 0: for ever
ALTER TABLE cases ADD COLUMN reason TEXT NOT NULL DEFAULT ''; -- why it was forgotten

-- A device is invited (it may only hand over to a key of its owner's own), active, retired (another one goes on for it), or
-- revoked (no longer trusted: what it sent before is to be looked at).
CREATE TABLE devices (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	person BLOB NOT NULL DEFAULT x'',
	public_key BLOB NOT NULL DEFAULT x'', -- ed25519, 32 bytes
	is_hub INTEGER NOT NULL DEFAULT 0 CHECK (is_hub IN (0, 1)),
	state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('invited', 'active', 'retired', 'revoked')),
	copy_of BLOB NOT NULL DEFAULT x'', -- the device that this one goes on for: copied, put back, or with another key; empty: none
	home BLOB NOT NULL DEFAULT x''     -- hub or relay that gives it material; empty: any hub of the roster
) STRICT, WITHOUT ROWID;
INSERT INTO devices SELECT id, rev, clock, person, public_key, is_hub, state, copy_of, home FROM replicas;
DROP TABLE replicas;
ALTER TABLE devices RENAME TO replicas;

-- What a lead decided about trust, and why. id is of what it is about, so that two leads meet in one cell.
CREATE TABLE rulings (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	about TEXT NOT NULL DEFAULT '',     -- a change commit (40 hex digits), or a device (32)
	decision TEXT NOT NULL DEFAULT '' CHECK (decision IN ('', 'accept', 'drop', 'keep', 'trust', 'revoke')),
	reason TEXT NOT NULL DEFAULT '',
	person BLOB NOT NULL DEFAULT x''
) STRICT, WITHOUT ROWID;

-- Private: what leads know of cases and raters must not. Ids are of case, field or metric, and result.
CREATE TABLE gold (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	case_id BLOB NOT NULL DEFAULT x'',
	field TEXT NOT NULL DEFAULT '',
	result TEXT NOT NULL DEFAULT '',
	value TEXT,                         -- NULL: withdrawn
	reason TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE metrics (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	case_id BLOB NOT NULL DEFAULT x'',
	result TEXT NOT NULL DEFAULT '',
	name  TEXT NOT NULL DEFAULT '',
	value TEXT                          -- NULL: withdrawn
) STRICT, WITHOUT ROWID;
CREATE INDEX gold_of ON gold (case_id);
CREATE INDEX metrics_of ON metrics (case_id);

-- Keys that are not on the roster and say that they go on for a device which is: a lead decides. Their work waits.
CREATE TABLE strangers (
	replica BLOB PRIMARY KEY,
	public_key BLOB NOT NULL,
	succeeds BLOB NOT NULL,          -- the device that they go on for
	is_proven INTEGER NOT NULL,      -- that one has signed for it
	since_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE waiting ADD COLUMN parent TEXT NOT NULL DEFAULT ''; -- '' for the first of its line

-- Cases whose content was erased here, forgotten or expired, and the rev that each had then: another one is looked at again.
CREATE TABLE erased (
	case_id BLOB PRIMARY KEY,
	rev   BLOB NOT NULL,
	at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX cases_forgotten ON cases (id) WHERE state = 'forgotten';

-- A device: when it heard that its hub holds the commit; 0: not yet.
ALTER TABLE commits ADD COLUMN acked_us INTEGER NOT NULL DEFAULT 0;

-- Private tables stand behind the new one in the list of synced tables.
UPDATE edits SET tbl = tbl + 1 WHERE tbl >= 15;
UPDATE tricky SET tbl = tbl + 1 WHERE tbl >= 15;
UPDATE conflicts SET tbl = tbl + 1 WHERE tbl >= 15;
UPDATE candidates SET tbl = tbl + 1 WHERE tbl >= 15;
