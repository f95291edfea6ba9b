/*
 * The strict changeset reader on all synced tables, beside SQLite itself.
 *
 *     changesets SEED INPUTS
 *
 * Sessions record random edits of every synced table: what they write the reader reads as SQLite's iterator does.
 * Then each input is one of these changesets with one to three wounds by somebody who knows the format. What the
 * reader still accepts the iterator must read the same; it is applied to an empty database of the schema, where every
 * change must be written or reported; and to one of the same tables without types or checks, whose rows must then be
 * those that follow from the changes by the rules of SQL, restated here.
 */
#include "tests/damage/judge.h"

#include "sync/migrate.h"
#include "tests/sim/chance.h"

#define SAMPLE_MAX ((size_t)1 << 20)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct chance chance;

static size_t below(size_t n)
{
	return chance_below(&chance, n);
}

static void run(sqlite3 *db, const char *sql)
{
	MUST(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

/* ---- random rows --------------------------------------------------------------------- */

static struct cp_value random_text(void)
{
	static const char *const letters[] = { "a", "Z", " ", "\n", "\x7f", "\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\x9a\xb2", "0" };
	static char texts[64][512];
	static size_t next;
	char *text = texts[next = (next + 1) % 64];
	struct cp_value v = { .type = CP_TEXT, .bytes = (const uint8_t *)text };

	for (size_t n = below(6) == 0 ? below(120) : below(6); n > 0; n--) {
		const char *letter = letters[below(COUNT(letters))];

		memcpy(text + v.len, letter, strlen(letter));
		v.len += strlen(letter);
	}
	return v;
}

static struct cp_value random_blob(size_t len)
{
	static uint8_t blobs[64][512];
	static size_t next;
	uint8_t *blob = blobs[next = (next + 1) % 64];

	for (size_t i = 0; i < len; i++)
		blob[i] = (uint8_t)below(256);
	return (struct cp_value){ .type = CP_BLOB, .len = len, .bytes = blob };
}

static struct cp_value random_int(void)
{
	static const int64_t often[] = { 0, 1, 1, 2, -1, 127, 128, 65536, INT64_MAX, INT64_MIN, INT64_C(1750000000000000) };

	return cp_v_int(below(4) ? often[below(COUNT(often))] : (int64_t)chance_next(&chance));
}

/* Mostly of the column's type; the default often, since some columns take certain words only. */
static struct cp_value random_value(size_t table, size_t column)
{
	struct cp_value v;

	if (column == cp_table_rev(table))
		return random_blob(table == CP_T_RATINGS || below(4) ? 8 : 8 * (1 + below(9)));
	if (column == 0)
		return random_blob(16);
	cp_table_default(&v, table, column);
	if (column == CP_C_CLOCK && table != CP_T_RATINGS)
		return random_int();
	if (below(3) == 0)
		return v;
	if (v.type == CP_INT)
		return below(2) ? cp_v_int((int64_t)below(2)) : random_int();
	if (v.type == CP_BLOB)
		return random_blob(((const size_t[]){ 0, 8, 16, 32, 200 })[below(5)]);
	return v.type == CP_NULL && below(4) == 0 ? v : random_text();
}

static void bind(sqlite3_stmt *q, size_t place, const struct cp_value *v)
{
	const void *bytes = v->len > 0 ? (const void *)v->bytes : "";
	int at = (int)place;

	switch (v->type) {
	case CP_INT:  MUST(sqlite3_bind_int64(q, at, v->integer) == SQLITE_OK); break;
	case CP_REAL: MUST(sqlite3_bind_double(q, at, v->real) == SQLITE_OK); break;
	case CP_TEXT: MUST(sqlite3_bind_text(q, at, bytes, (int)v->len, SQLITE_TRANSIENT) == SQLITE_OK); break;
	case CP_BLOB: MUST(sqlite3_bind_blob(q, at, bytes, (int)v->len, SQLITE_TRANSIENT) == SQLITE_OK); break;
	default:      MUST(sqlite3_bind_null(q, at) == SQLITE_OK); break;
	}
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static sqlite3_stmt *prepare(sqlite3 *db, const char *fmt, ...)
{
	sqlite3_stmt *q;
	va_list args;
	char *sql;

	va_start(args, fmt);
	sql = sqlite3_vmprintf(fmt, args);
	va_end(args);
	MUST(sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK);
	sqlite3_free(sql);
	return q;
}

/* What the checks of the schema do not let in is left out. */
static void insert_row(sqlite3 *db, size_t table)
{
	char places[3 * CP_MAX_COLUMNS] = "?";
	sqlite3_stmt *q;

	for (size_t i = 1; i < cp_shapes[table].n_columns; i++)
		strcat(places, ",?");
	q = prepare(db, "INSERT OR IGNORE INTO %s VALUES (%s)", cp_shapes[table].name, places);
	for (size_t i = 0; i < cp_shapes[table].n_columns; i++) {
		struct cp_value v = random_value(table, i);

		bind(q, i + 1, &v);
	}
	MUST(sqlite3_step(q) == SQLITE_DONE);
	sqlite3_finalize(q);
}

/* A new rev, and a few other columns, of a row that is there. */
static void update_row(sqlite3 *db, size_t table)
{
	const struct cp_shape *shape = &cp_shapes[table];
	size_t rev = cp_table_rev(table);
	char set[64 * CP_MAX_COLUMNS];
	int at = snprintf(set, sizeof set, "%s = ?%zu", cp_columns[table][rev], rev + 1);
	sqlite3_stmt *q;

	for (size_t i = 0; i < shape->n_columns; i++)
		if (i != rev && shape->key[i] == 0 && below(3) == 0)
			at += snprintf(set + at, sizeof set - (size_t)at, ", %s = ?%zu", cp_columns[table][i], i + 1);
	q = prepare(db, "UPDATE OR IGNORE %s SET %s WHERE %s = (SELECT %s FROM %s LIMIT 1 OFFSET ?100)", shape->name, set,
			cp_columns[table][0], cp_columns[table][0], shape->name);
	for (size_t i = 0; i < shape->n_columns; i++) {
		struct cp_value v = random_value(table, i);

		if (shape->key[i] == 0)
			sqlite3_bind_null(q, (int)i + 1), bind(q, i + 1, &v);
	}
	MUST(sqlite3_bind_int64(q, 100, (int64_t)below(3)) == SQLITE_OK);
	MUST(sqlite3_step(q) == SQLITE_DONE);
	sqlite3_finalize(q);
}

/* ---- samples: what sessions record -------------------------------------------------------- */

static sqlite3 *new_database(void)
{
	sqlite3 *db;

	MUST(sqlite3_open(":memory:", &db) == SQLITE_OK);
	MUST(cp_schema_create(db, "damage", NULL) == CP_OK);
	return db;
}

static sqlite3_session *new_session(sqlite3 *db)
{
	sqlite3_session *session;

	MUST(sqlite3session_create(db, "main", &session) == SQLITE_OK);
	for (size_t t = 0; t < CP_T_COUNT; t++)
		MUST(sqlite3session_attach(session, cp_shapes[t].name) == SQLITE_OK);
	return session;
}

/* Some sittings of edits of tables in any order, their changesets joined. */
static void make_sample(struct cp_buf *out, sqlite3 *db)
{
	cp_buf_clear(out);
	run(db, "BEGIN");
	for (size_t sittings = 1 + below(4); sittings > 0; sittings--) {
		sqlite3_session *session = new_session(db);
		void *bytes;
		int len;

		for (size_t edits = 4 + below(30); edits > 0; edits--)
			(below(3) ? insert_row : update_row)(db, below(CP_T_COUNT));
		MUST(sqlite3session_changeset(session, &len, &bytes) == SQLITE_OK);
		MUST(cp_buf_add(out, bytes, (size_t)len, NULL) == CP_OK);
		sqlite3_free(bytes);
		sqlite3session_delete(session);
	}
	run(db, "ROLLBACK");
}

/* ---- wounds --------------------------------------------------------------------------------- */

enum part { P_HEADER, P_COUNT, P_KEY, P_OP, P_INDIRECT, P_TYPE, P_LENGTH, P_BYTES, P_VALUE, P_CHANGE };
struct spot { size_t at, len; enum part part; };

static struct spot spots[65536];
static size_t n_spots;

static void add_spot(size_t at, size_t end, enum part part)
{
	MUST(n_spots < COUNT(spots));
	spots[n_spots++] = (struct spot){ at, end - at, part };
}

/* Walks a changeset that is known to be good, by its own rules; lengths in it are below 16384. */
static size_t walk_value(const uint8_t *d, size_t at)
{
	size_t start = at, len = 8;
	uint8_t type = d[at++];

	add_spot(start, at, P_TYPE);
	if (type == CP_TEXT || type == CP_BLOB) {
		len = d[at] & 0x7f;
		if (d[at++] & 0x80)
			len = len << 7 | d[at++];
		add_spot(start + 1, at, P_LENGTH);
	} else if (type == CP_NULL || type == CP_ABSENT) {
		len = 0;
	}
	add_spot(at, at + len, P_BYTES);
	add_spot(start, at + len, P_VALUE);
	return at + len;
}

static void walk(const uint8_t *d, size_t len)
{
	size_t at = 0, columns = 0, start;

	n_spots = 0;
	while (at < len) {
		start = at;
		if (d[at] == 'T') {
			columns = d[at + 1];
			at += 2 + columns;
			at += strlen((const char *)d + at) + 1;
			add_spot(start, at, P_HEADER);
			add_spot(start + 1, start + 2, P_COUNT);
			add_spot(start + 2, start + 2 + columns, P_KEY);
			continue;
		}
		at += 2;
		add_spot(start, start + 1, P_OP);
		add_spot(start + 1, start + 2, P_INDIRECT);
		for (size_t i = 0; i < columns * (d[start] == CP_UPDATE ? 2 : 1); i++)
			at = walk_value(d, at);
		add_spot(start, at, P_CHANGE);
	}
}

/* Replaces del bytes at at by ins bytes of with; does nothing where that does not fit. */
static void splice(struct cp_buf *d, size_t at, size_t del, const void *with, size_t ins)
{
	if (at > d->len || del > d->len - at || cp_buf_room(d, ins, NULL) != CP_OK)
		return;
	memmove(d->data + at + ins, d->data + at + del, d->len - at - del);
	memcpy(d->data + at, with, ins);
	d->len = d->len - del + ins;
}

static void wound_length(struct cp_buf *d, const struct spot *s)
{
	static const struct { uint8_t len, bytes[9]; } lengths[] = {
		{ 1, { 0 } }, { 1, { 1 } }, { 1, { 2 } }, { 1, { 0x7f } }, { 2, { 0x81, 0 } }, { 2, { 0x80, 1 } },
		{ 3, { 0x80, 0x80, 2 } }, { 5, { 0x87, 0xff, 0xff, 0xff, 0x7f } }, { 5, { 0x8f, 0xff, 0xff, 0xff, 0x7f } },
		{ 9, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } }, { 2, { 0xb4, 1 } },
	};
	size_t i = below(COUNT(lengths) + 2);

	if (i < COUNT(lengths))
		splice(d, s->at, s->len, lengths[i].bytes, lengths[i].len);
	else if (s->at < d->len)
		d->data[s->at] = (char)(d->data[s->at] + (i == COUNT(lengths) ? 1 : -1));
}

static void wound_byte(struct cp_buf *d, const struct spot *s)
{
	static const uint8_t likely[] = { 0, 1, 2, 3, 4, 5, 6, 9, 18, 23, 'T', 'P', 0x80, 0xff };

	if (s->len > 0 && s->at + s->len <= d->len)
		d->data[s->at + below(s->len)] = (char)(below(4) ? likely[below(COUNT(likely))] : below(256));
}

/* Puts a part of the same kind from elsewhere in the whole sample here, in front of or in place of this one. */
static void wound_part(struct cp_buf *d, const struct spot *s, const struct cp_buf *sample)
{
	const struct spot *from;

	do
		from = &spots[below(n_spots)];
	while (from->part != s->part);
	splice(d, s->at, below(3) == 0 ? 0 : s->len, sample->data + from->at, from->len);
}

static void wound(struct cp_buf *d, const struct spot *s, const struct cp_buf *sample)
{
	struct cp_value other = random_blob(s->len < 500 ? s->len : 0), more = random_blob(1 + below(9));

	switch (below(9)) {
	case 0:
		if (s->len > 0 && s->at + s->len <= d->len)
			d->data[s->at + below(s->len)] ^= (char)(1 << below(8));
		break;
	case 1: splice(d, s->at, s->len, "", 0); break;
	case 2: splice(d, s->at, 0, more.bytes, more.len); break;
	case 3:
		if (below(4) == 0 && s->at < d->len)
			d->len = s->at;
		break;
	case 4:
		if (s->part == P_BYTES)
			splice(d, s->at, other.len, other.bytes, other.len);
		break;
	case 5:
		(s->part == P_LENGTH || s->part == P_COUNT ? wound_length : wound_byte)(d, s);
		break;
	default:
		wound_part(d, s, sample);
	}
}

static int last_first(const void *a, const void *b)
{
	const struct spot *x = *(const struct spot *const *)a, *y = *(const struct spot *const *)b;

	return (x->at < y->at) - (x->at > y->at);
}

/* One to three wounds, the last first, so that offsets of the sample still hold for the others. */
static void wound_some(struct cp_buf *d, const struct cp_buf *sample)
{
	const struct spot *chosen[3];
	size_t wounds = 1 + below(3);

	cp_buf_clear(d);
	MUST(cp_buf_add(d, sample->data, sample->len, NULL) == CP_OK);
	for (size_t i = 0; i < wounds; i++)
		chosen[i] = &spots[below(n_spots)];
	qsort(chosen, wounds, sizeof *chosen, last_first);
	for (size_t i = 0; i < wounds; i++)
		wound(d, chosen[i], sample);
}

/* Until it is another changeset than the sample. */
static void damage(struct cp_buf *d, const struct cp_buf *sample)
{
	do
		wound_some(d, sample);
	while (d->len == sample->len && memcmp(d->data, sample->data, d->len) == 0);
}

/* ---- what follows from a changeset, by the rules of SQL ---------------------------------------- */

static struct row { size_t table; struct cp_value cells[CP_MAX_COLUMNS]; } rows[4096];
static size_t n_rows, n_conflicts;

/* As SQL compares without types: 1 is 1.0. */
static bool is_same(const struct cp_value *a, const struct cp_value *b)
{
	bool numbers = (a->type == CP_INT || a->type == CP_REAL) && (b->type == CP_INT || b->type == CP_REAL);
	long double x = a->type == CP_INT ? (long double)a->integer : (long double)a->real;
	long double y = b->type == CP_INT ? (long double)b->integer : (long double)b->real;

	return numbers ? x == y : cp_value_equal(a, b);
}

static struct row *row_of(const struct cp_change *c)
{
	for (size_t k = 0; k < n_rows; k++) {
		bool found = rows[k].table == c->table;

		for (size_t i = 0; found && i < cp_shapes[c->table].n_columns; i++)
			found = cp_shapes[c->table].key[i] == 0 || is_same(&rows[k].cells[i], cp_change_key(c, i));
		if (found)
			return &rows[k];
	}
	return NULL;
}

static bool holds_old(const struct row *row, const struct cp_change *c)
{
	for (size_t i = 0; i < cp_shapes[c->table].n_columns; i++)
		if (c->was[i].type != CP_ABSENT && cp_shapes[c->table].key[i] == 0 && !is_same(&row->cells[i], &c->was[i]))
			return false;
	return true;
}

static void restate_change(const struct cp_change *c)
{
	struct row *row = row_of(c);

	if ((c->op == CP_INSERT) == (row != NULL) || (row != NULL && !holds_old(row, c))) {
		n_conflicts++;
		return;
	}
	if (row == NULL) {
		MUST(n_rows < COUNT(rows));
		row = &rows[n_rows++];
		row->table = c->table;
		for (size_t i = 0; i < CP_MAX_COLUMNS; i++)
			row->cells[i] = (struct cp_value){ .type = CP_NULL };
	}
	for (size_t i = 0; i < cp_shapes[c->table].n_columns; i++)
		if (c->now[i].type != CP_ABSENT)
			row->cells[i] = c->now[i];
}

static void restate(const void *data, size_t len)
{
	static struct cp_change c;
	struct cp_changeset r;
	bool more = true;

	n_rows = n_conflicts = 0;
	cp_changeset_begin(&r, data, len, cp_shapes, CP_T_COUNT);
	while (cp_changeset_next(&r, &c, &more, NULL) == CP_OK && more)
		restate_change(&c);
}

/* ---- what SQLite makes of it ---------------------------------------------------------------------- */

static sqlite3 *strict_db, *loose_db;
static sqlite3_stmt *find_row[CP_T_COUNT], *count_rows[CP_T_COUNT];

/* The same tables without types and checks, so that all that a changeset says can be kept. */
static void make_loose(void)
{
	MUST(sqlite3_open(":memory:", &loose_db) == SQLITE_OK);
	for (size_t t = 0; t < CP_T_COUNT; t++) {
		const struct cp_shape *shape = &cp_shapes[t];
		char columns[1024] = "", keys[256] = "", where[512] = "1", *sql;

		for (size_t i = 0; i < shape->n_columns; i++) {
			snprintf(columns + strlen(columns), sizeof columns - strlen(columns), "%s, ", cp_columns[t][i]);
			if (shape->key[i] == 0)
				continue;
			snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%s%s", *keys ? ", " : "", cp_columns[t][i]);
			snprintf(where + strlen(where), sizeof where - strlen(where), " AND %s = ?%zu", cp_columns[t][i], i + 1);
		}
		sql = sqlite3_mprintf("CREATE TABLE %s (%s PRIMARY KEY (%s)) WITHOUT ROWID", shape->name, columns, keys);
		run(loose_db, sql);
		sqlite3_free(sql);
		find_row[t] = prepare(loose_db, "SELECT * FROM %s WHERE %s", shape->name, where);
		count_rows[t] = prepare(loose_db, "SELECT count(*) FROM %s", shape->name);
	}
}

static int count_conflict(void *count, int what, sqlite3_changeset_iter *it)
{
	(void)it;
	MUST(what != SQLITE_CHANGESET_FOREIGN_KEY);
	++*(size_t *)count;
	return SQLITE_CHANGESET_OMIT;
}

static size_t apply(sqlite3 *db, const void *data, size_t len)
{
	size_t conflicts = 0;

	run(db, "BEGIN");
	MUST(sqlite3changeset_apply_v2(db, (int)len, (void *)(uintptr_t)data, NULL, count_conflict, &conflicts, NULL, NULL, 0) ==
			SQLITE_OK);
	return conflicts;
}

static void check_strict(const void *data, size_t len, size_t changes)
{
	int before = sqlite3_total_changes(strict_db);
	size_t conflicts = apply(strict_db, data, len);

	MUST((size_t)(sqlite3_total_changes(strict_db) - before) + conflicts == changes);
	run(strict_db, "ROLLBACK");
}

static void check_row(const struct row *row)
{
	sqlite3_stmt *q = find_row[row->table];

	for (size_t i = 0; i < cp_shapes[row->table].n_columns; i++)
		if (cp_shapes[row->table].key[i] != 0)
			bind(q, i + 1, &row->cells[i]);
	MUST(sqlite3_step(q) == SQLITE_ROW);
	for (size_t i = 0; i < cp_shapes[row->table].n_columns; i++)
		judge_value(&row->cells[i], sqlite3_column_value(q, (int)i));
	MUST(sqlite3_step(q) == SQLITE_DONE);
	sqlite3_reset(q);
}

static void check_loose(const void *data, size_t len)
{
	size_t conflicts = apply(loose_db, data, len), found = 0;

	restate(data, len);
	MUST(conflicts == n_conflicts);
	for (size_t i = 0; i < n_rows; i++)
		check_row(&rows[i]);
	for (size_t t = 0; t < CP_T_COUNT; t++) {
		MUST(sqlite3_step(count_rows[t]) == SQLITE_ROW);
		found += (size_t)sqlite3_column_int64(count_rows[t], 0);
		sqlite3_reset(count_rows[t]);
	}
	MUST(found == n_rows);
	run(loose_db, "ROLLBACK");
}

/* The other doors into the session API that accepted bytes may be led through. */
static void invert_and_group(const void *data, size_t len)
{
	sqlite3_changegroup *group;
	void *out;
	int out_len;

	MUST(sqlite3changeset_invert((int)len, data, &out_len, &out) == SQLITE_OK);
	sqlite3_free(out);
	MUST(sqlite3changegroup_new(&group) == SQLITE_OK);
	MUST(sqlite3changegroup_add(group, (int)len, (void *)(uintptr_t)data) == SQLITE_OK);
	MUST(sqlite3changegroup_output(group, &out_len, &out) == SQLITE_OK);
	sqlite3_free(out);
	sqlite3changegroup_delete(group);
}

/* ---- the run ------------------------------------------------------------------------------------------ */

static struct { size_t samples, edits, inputs, past_first, accepted, changes, rows; } counts;

/* How far the reader comes: changes read; all of them where *accepted. */
static size_t read_as_far(bool *accepted, const void *data, size_t len)
{
	static struct cp_change c;
	struct cp_changeset r;
	struct cp_err err = { CP_OK, "" };
	bool more;
	size_t n = 0;

	cp_changeset_begin(&r, data, len, cp_shapes, CP_T_COUNT);
	for (;; n++) {
		*accepted = cp_changeset_next(&r, &c, &more, &err) == CP_OK;
		if (!*accepted)
			MUST(err.code == CP_EFORMAT && err.text[0] != '\0');
		if (!*accepted || !more)
			return n;
	}
}

static void try_input(const struct cp_buf *d)
{
	uint8_t *copy = malloc(d->len > 0 ? d->len : 1); /* of just its size, so that a read past its end is noticed */
	bool accepted;
	size_t n;

	MUST(copy != NULL);
	memcpy(copy, d->data, d->len);
	n = read_as_far(&accepted, copy, d->len);
	counts.inputs++;
	counts.past_first += n > 0;
	if (accepted) {
		MUST(judge_changeset(copy, d->len, cp_shapes, CP_T_COUNT) == n);
		check_strict(copy, d->len, n);
		check_loose(copy, d->len);
		invert_and_group(copy, d->len);
		counts.accepted++;
		counts.changes += n;
		counts.rows += n_rows;
	}
	free(copy);
}

/* A changeset of sessions, which is read, applied and read back as it is. */
static void next_sample(struct cp_buf *sample)
{
	do
		make_sample(sample, strict_db);
	while (sample->len == 0);
	counts.samples++;
	counts.edits += judge_changeset(sample->data, sample->len, cp_shapes, CP_T_COUNT);
	check_loose(sample->data, sample->len);
	walk((const uint8_t *)sample->data, sample->len);
}

static bool say(bool good, const char *sentence)
{
	printf("%sok - %s\n", good ? "" : "not ", sentence);
	return good;
}

static bool report(const char *seed)
{
	double whole = (double)counts.inputs / 100;
	bool good;

	printf("# seed %s: %zu changesets of sessions with %zu changes; %zu damaged ones: %zu (%.1f %%) well formed past the first"
			" row, %zu (%.1f %%) accepted, with %zu changes that left %zu rows\n", seed, counts.samples, counts.edits,
			counts.inputs, counts.past_first, (double)counts.past_first / whole, counts.accepted,
			(double)counts.accepted / whole, counts.changes, counts.rows);
	good = say(counts.edits > 5 * counts.samples, "what sessions record of all synced tables is read as SQLite's iterator reads it");
	good &= say(counts.past_first * 2 >= counts.inputs, "at least half of the damaged changesets are well formed past the first row");
	return good & say(counts.accepted * 20 > counts.inputs, "what is accepted of them SQLite reads and applies the same, row for row");
}

int main(int argc, char **argv)
{
	CP_AUTO(buf) struct cp_buf sample = CP_BUF(SAMPLE_MAX), damaged = CP_BUF(SAMPLE_MAX);
	size_t inputs = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	bool good;

	if (inputs == 0)
		return fputs("usage: changesets SEED INPUTS\n", stderr), 2;
	chance = chance_of(strtoul(argv[1], NULL, 10), 0);
	strict_db = new_database();
	make_loose();
	while (counts.inputs < inputs) {
		if (counts.inputs % 50 == 0)
			next_sample(&sample);
		damage(&damaged, &sample);
		try_input(&damaged);
	}
	good = report(argv[1]);
	for (size_t t = 0; t < CP_T_COUNT; t++) {
		sqlite3_finalize(find_row[t]);
		sqlite3_finalize(count_rows[t]);
	}
	sqlite3_close(strict_db);
	sqlite3_close(loose_db);
	return !good;
}
