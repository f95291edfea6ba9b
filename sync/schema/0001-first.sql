-- casepack.db, schema 1. Never edited once released; a change is a file of its own.
--
-- Synced tables are what travels: every row has a key that is never NULL, a rev
-- (8 bytes, new at every edit; joined where a document has several leaves) and,
-- where the row is a document of its own, a clock (hybrid logical, microseconds
-- since 1970). Rows are inserted and updated, never deleted. A ratings row is
-- part of its judgment and carries the rev of the edit that wrote it.
-- No secondary UNIQUE, no triggers, no foreign keys on them: merging must be able
-- to write any accepted state.

-- ---- material: written by leads, travels to those who need it ------------------

CREATE TABLE project (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	name  TEXT NOT NULL DEFAULT '',
	shows_queries INTEGER NOT NULL DEFAULT 0 CHECK (shows_queries IN (0, 1)), -- query text on main
	policies TEXT NOT NULL DEFAULT '{}'                                       -- JSON: "table.column" -> policy
) STRICT, WITHOUT ROWID;

-- People stand in history under a pseudonym; names are private.
CREATE TABLE persons (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- of project and pseudonym
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	pseudonym TEXT NOT NULL DEFAULT '',
	role  TEXT NOT NULL DEFAULT 'rater' CHECK (role IN ('lead', 'relay', 'rater', 'auditor')),
	locales TEXT NOT NULL DEFAULT '',   -- BCP 47, comma separated; empty: any
	vendor TEXT NOT NULL DEFAULT '',
	state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'left'))
) STRICT, WITHOUT ROWID;

-- The roster of devices: whose key speaks for whom.
CREATE TABLE replicas (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- of project and public key
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	person BLOB NOT NULL DEFAULT x'',
	public_key BLOB NOT NULL DEFAULT x'', -- ed25519, 32 bytes
	is_hub INTEGER NOT NULL DEFAULT 0 CHECK (is_hub IN (0, 1)),
	state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'revoked'))
) STRICT, WITHOUT ROWID;

-- What a case shows is not here: content is the BLAKE2b-256 of a document in content.db.
CREATE TABLE cases (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- of project and external id
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	name  TEXT NOT NULL DEFAULT '',     -- external id if plain, else "~" and its keyed hash
	kind  TEXT NOT NULL DEFAULT 'serp' CHECK (kind IN ('item', 'serp', 'sxs')),
	locale TEXT NOT NULL DEFAULT '',
	segment TEXT NOT NULL DEFAULT '',
	content BLOB NOT NULL DEFAULT x'',
	results TEXT NOT NULL DEFAULT '[]', -- JSON array of result names, in the order shown
	state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired', 'forgotten'))
) STRICT, WITHOUT ROWID;

CREATE TABLE guidelines (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- of project and name
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	name  TEXT NOT NULL DEFAULT '',
	kind  TEXT NOT NULL DEFAULT 'guideline' CHECK (kind IN ('guideline', 'sop')),
	title TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- Immutable; the key is the hash of text and parents, the number a label.
CREATE TABLE guideline_revisions (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	parent_doc BLOB NOT NULL DEFAULT x'',  -- the guideline
	parents BLOB NOT NULL DEFAULT x'',     -- ids of the revisions it was written on, joined
	number INTEGER NOT NULL DEFAULT 0,
	kind  TEXT NOT NULL DEFAULT 'clarifying' CHECK (kind IN ('editorial', 'clarifying', 'breaking')),
	note  TEXT NOT NULL DEFAULT '',
	person BLOB NOT NULL DEFAULT x'',
	body  TEXT NOT NULL DEFAULT ''         -- Markdown
) STRICT, WITHOUT ROWID;

CREATE TABLE forms (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- of project and name
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	name  TEXT NOT NULL DEFAULT '',
	kind  TEXT NOT NULL DEFAULT 'form' CHECK (kind = 'form'),
	title TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE form_versions (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	parent_doc BLOB NOT NULL DEFAULT x'',  -- the form
	parents BLOB NOT NULL DEFAULT x'',
	number INTEGER NOT NULL DEFAULT 0,
	kind  TEXT NOT NULL DEFAULT 'clarifying' CHECK (kind IN ('editorial', 'clarifying', 'breaking')),
	note  TEXT NOT NULL DEFAULT '',
	person BLOB NOT NULL DEFAULT x'',
	body  TEXT NOT NULL DEFAULT ''         -- canonical JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE assignments (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- of case, person and pass
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	case_id BLOB NOT NULL DEFAULT x'',
	person BLOB NOT NULL DEFAULT x'',
	pass  INTEGER NOT NULL DEFAULT 1,
	position INTEGER NOT NULL DEFAULT 0,   -- in which order the rater sees it
	due   TEXT NOT NULL DEFAULT '',        -- YYYY-MM-DD
	form  BLOB NOT NULL DEFAULT x'',
	guideline BLOB NOT NULL DEFAULT x'',   -- empty: none
	state TEXT NOT NULL DEFAULT 'given'    -- or "withdrawn", "expired", "reassigned" and the judgment revs known
) STRICT, WITHOUT ROWID;

-- A lead's final answer. id is of case, field and result.
CREATE TABLE adjudications (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	case_id BLOB NOT NULL DEFAULT x'',
	field TEXT NOT NULL DEFAULT '',
	result TEXT NOT NULL DEFAULT '',
	value TEXT,
	cause TEXT NOT NULL DEFAULT '',
	reason TEXT NOT NULL DEFAULT '',
	person BLOB NOT NULL DEFAULT x''
) STRICT, WITHOUT ROWID;

-- A lead's decision between leaves of one judgment, taken whole. id is the judgment's.
CREATE TABLE settlements (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	stands BLOB NOT NULL DEFAULT x'',
	weighed BLOB NOT NULL DEFAULT x'',
	reason TEXT NOT NULL DEFAULT '',
	person BLOB NOT NULL DEFAULT x''
) STRICT, WITHOUT ROWID;

-- ---- work: written by raters ------------------------------------------------------

-- One rater's work on one assignment; the id is the assignment's.
CREATE TABLE judgments (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	assignment_rev BLOB NOT NULL DEFAULT x'',     -- as the author held it
	content BLOB NOT NULL DEFAULT x'',            -- hash of what was on screen
	form_version BLOB NOT NULL DEFAULT x'',
	guideline_revision BLOB NOT NULL DEFAULT x'', -- empty: none
	state TEXT NOT NULL DEFAULT '' CHECK (state IN ('', 'submitted', 'skipped', 'escalated', 'withdrawn')),
	note  TEXT NOT NULL DEFAULT '',
	active_ms INTEGER NOT NULL DEFAULT 0,
	idle_ms INTEGER NOT NULL DEFAULT 0,
	wall_ms INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- One answer. result is '' for a field of the whole page. value NULL: taken back.
CREATE TABLE ratings (
	judgment BLOB NOT NULL CHECK (length(judgment) = 16),
	field TEXT NOT NULL,
	result TEXT NOT NULL,
	rev   BLOB NOT NULL CHECK (length(rev) = 8),
	value TEXT,
	PRIMARY KEY (judgment, field, result)
) STRICT, WITHOUT ROWID;

-- ---- private: synced between leads alone, through private.git ------------------------

CREATE TABLE names (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- the person's
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	name  TEXT NOT NULL DEFAULT '',
	contact TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- the project's: the key of salts and of hashed ids
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	value BLOB NOT NULL DEFAULT x''
) STRICT, WITHOUT ROWID;

-- Which system is which side of a side-by-side case.
CREATE TABLE side_keys (
	id    BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- the case's
	rev   BLOB NOT NULL CHECK (length(rev) BETWEEN 8 AND 512 AND length(rev) % 8 = 0),
	clock INTEGER NOT NULL,
	side_a TEXT NOT NULL DEFAULT '',  -- the system shown left
	side_b TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- ---- local: never travels -----------------------------------------------------------

CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

-- Edits made here and not yet sealed. AUTOINCREMENT: a number is never used again.
CREATE TABLE outbox (
	seq   INTEGER PRIMARY KEY AUTOINCREMENT,
	is_private INTEGER NOT NULL,
	words TEXT NOT NULL,
	edits INTEGER NOT NULL,
	at_us INTEGER NOT NULL,
	changeset BLOB NOT NULL
) STRICT;

CREATE TABLE drafts (
	id    BLOB PRIMARY KEY,          -- the assignment's
	note  TEXT NOT NULL DEFAULT '',
	content BLOB NOT NULL,           -- what was on screen when it was begun
	form_version BLOB NOT NULL,
	guideline_revision BLOB NOT NULL,
	active_ms INTEGER NOT NULL DEFAULT 0,
	begun_us INTEGER NOT NULL,
	saved_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE draft_ratings (
	id    BLOB NOT NULL,
	field TEXT NOT NULL,
	result TEXT NOT NULL,
	value TEXT,
	PRIMARY KEY (id, field, result)
) STRICT, WITHOUT ROWID;

-- Change commits seen, with the verdict on each.
CREATE TABLE commits (
	no    INTEGER PRIMARY KEY,
	oid   TEXT NOT NULL UNIQUE,
	is_private INTEGER NOT NULL DEFAULT 0,
	branch TEXT NOT NULL,            -- replica/<id>, or replica/<id>.2 for a second line
	parent TEXT NOT NULL,            -- '' for the first
	replica BLOB NOT NULL,
	verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'refused', 'waiting')),
	reason TEXT NOT NULL DEFAULT '',
	received_us INTEGER NOT NULL,
	claimed_us INTEGER NOT NULL,     -- its committer's clock
	is_far INTEGER NOT NULL DEFAULT 0, -- claimed more than a day ahead of receipt
	edits INTEGER NOT NULL
) STRICT;
CREATE INDEX commits_of ON commits (replica, verdict);
CREATE INDEX commits_children ON commits (parent) WHERE parent <> '';

-- Which commit holds which edit of which document; number < 0 is an outbox row.
CREATE TABLE edits (
	doc   BLOB NOT NULL,             -- key of the document
	tbl   INTEGER NOT NULL,          -- its table, by position in the list of synced tables
	rev   BLOB NOT NULL,
	commit_no INTEGER NOT NULL,
	fate  INTEGER NOT NULL,          -- enum cp_fate
	PRIMARY KEY (doc, tbl, rev, commit_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX edits_in ON edits (commit_no, fate);

-- Documents that always go through their revision tree.
CREATE TABLE tricky (
	doc   BLOB NOT NULL,
	tbl   INTEGER NOT NULL,
	PRIMARY KEY (doc, tbl)
) STRICT, WITHOUT ROWID;

CREATE TABLE conflicts (
	doc   BLOB NOT NULL,
	tbl   INTEGER NOT NULL,
	col   TEXT NOT NULL,             -- '' where the document is taken whole
	class TEXT NOT NULL,
	policy TEXT NOT NULL,
	stands BLOB NOT NULL,            -- rev, or empty: nothing stands
	PRIMARY KEY (doc, tbl, col)
) STRICT, WITHOUT ROWID;

CREATE TABLE candidates (
	doc   BLOB NOT NULL,
	tbl   INTEGER NOT NULL,
	col   TEXT NOT NULL,
	rev   BLOB NOT NULL,
	commit_no INTEGER NOT NULL,
	clock INTEGER NOT NULL,
	value TEXT NOT NULL,             -- for people: JSON
	PRIMARY KEY (doc, tbl, col, rev, commit_no)
) STRICT, WITHOUT ROWID;

-- Change commits that wait for something this replica does not hold yet.
CREATE TABLE waiting (
	oid   TEXT PRIMARY KEY,
	branch TEXT NOT NULL,
	commit_bytes BLOB NOT NULL,
	tree_bytes BLOB NOT NULL,
	changeset BLOB NOT NULL,
	edits INTEGER NOT NULL,
	why   TEXT NOT NULL,
	since_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A hub's knowledge of each device it gives to, and a device's of its hub.
CREATE TABLE peers (
	replica BLOB PRIMARY KEY,
	sent_number INTEGER NOT NULL DEFAULT 0,
	sent_us INTEGER NOT NULL DEFAULT 0,
	received_us INTEGER NOT NULL DEFAULT 0,
	outbound TEXT NOT NULL DEFAULT '',      -- hub: tip of outbound/<replica>; device: last one applied
	outbound_acked TEXT NOT NULL DEFAULT '',-- hub: what the device says it has applied
	acked TEXT NOT NULL DEFAULT '',         -- device: tip of its own branch that the hub holds
	told TEXT NOT NULL DEFAULT ''           -- hub: tip of the device's branch it last acknowledged
) STRICT, WITHOUT ROWID;

-- What outbound commits have given: rev of each row in a device's scope.
CREATE TABLE given (
	replica BLOB NOT NULL,
	tbl   INTEGER NOT NULL,
	id    BLOB NOT NULL,
	rev   BLOB NOT NULL,
	PRIMARY KEY (replica, tbl, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX assignments_of ON assignments (person, position);
CREATE INDEX assignments_case ON assignments (case_id);
CREATE INDEX revisions_of ON guideline_revisions (parent_doc, number);
CREATE INDEX versions_of ON form_versions (parent_doc, number);
