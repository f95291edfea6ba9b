/*
 * Hostile bytes behind a right signature: a rater's own key signs change commits and a
 * manifest over whatever the input says, and a hub merges the bundle.
 *
 * The input is read as a list of choices, each a number of some bytes; where it ends all further ones are 0, which
 * is what an honest device would do. A bundle that is refused must leave the hub's database and branches as they
 * were. After one that is taken in, each commit must be readable again and by whom it says, every object that a
 * branch reaches must be there, a replay must give the same state, and the same bundle again must change nothing.
 */
#include <stdint.h>

#include "formats/bundle_parts.h"
#include "formats/text.h"
#include "sync/apply.h"
#include "sync/change.h"
#include "sync/parcel.h"
#include "sync/verify.h"
#include "sync/rights.h"
#include "tests/fuzz/hub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cp_store *hub;

/* ---- choices -------------------------------------------------------------------------- */

static const uint8_t *input;
static size_t input_left;

static unsigned choice(unsigned n)
{
	unsigned value = input_left > 0 ? *input : 0;

	if (input_left > 0)
		input++, input_left--;
	return value % n;
}

static size_t choice_large(void)
{
	size_t high = choice(256);

	return high << 8 | choice(256);
}

static int64_t choice_number(void)
{
	static const int64_t often[] = { 0, 1, -1, 2, 3, 8, INT64_MAX, INT64_MIN, HUB_NOW_US, 2 * HUB_NOW_US };
	unsigned which = choice(16);
	uint64_t value = 0;

	if (which < 10)
		return often[which];
	for (unsigned i = 0; i < which - 8; i++)
		value = value << 8 | choice(256);
	return (int64_t)value;
}

/* A run of the input's own bytes. */
static void choice_bytes(struct cp_buf *out)
{
	size_t len = choice_large();

	len = len < input_left ? len : input_left;
	DONE(cp_buf_add(out, input, len, err));
	input += len;
	input_left -= len;
}

/* A few changes of single bytes. */
static void choice_edits(struct cp_buf *b)
{
	for (unsigned n = choice(8) + 1; n > 0 && b->len > 0; n--) {
		size_t at = choice_large() % b->len;
		unsigned how = choice(4), value = choice(256);
		char *p = b->data + at;

		if (how == 0)
			*p = (char)(*p ^ (1 << value % 8));
		else if (how == 1)
			*p = (char)value;
		else if (how == 2)
			memmove(p, p + 1, --b->len - at);
		else if (cp_buf_room(b, 1, NULL) == CP_OK) {
			memmove(b->data + at + 1, b->data + at, b->len++ - at);
			b->data[at] = (char)value;
		}
	}
	if (b->data != NULL)
		b->data[b->len] = '\0';
}

/* ---- what people wrote in truth --------------------------------------------------------- */

#define BASES 16
#define POOL 256

static struct {
	struct cp_id project, hub, replicas[5]; /* of the keys; the last is a copy of anna's */
	struct cp_seckey keys[4];               /* lead, anna, ben, somebody */
	struct cp_oid tip;                      /* of anna's commits that the hub has */
	struct cp_buf bases[BASES];             /* changesets */
	size_t n_bases;
	struct cp_value pool[POOL];             /* values in these */
	size_t n_pool;
} scene;

static enum cp_code keep_base(void *user, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	(void)c;
	MUST(scene.n_bases < BASES);
	scene.bases[scene.n_bases] = (struct cp_buf)CP_BUF(CP_TEXT_MAX);
	return cp_repo_read_path(user, oid, "changeset", &scene.bases[scene.n_bases++], err);
}

static void keep_branch(struct cp_store *s, const struct cp_id *replica)
{
	char branch[80], hex[CP_ID_HEX];
	struct cp_oid tip;

	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, replica->bytes, 16));
	DONE(cp_repo_branch(s->history, branch, &tip, err));
	DONE(cp_repo_walk(s->history, tip.hex, "", keep_base, s->history, err));
}

static void keep_values(const struct cp_buf *base)
{
	struct cp_changeset r;
	struct cp_change c;
	bool more = true;

	cp_changeset_begin(&r, base->data, base->len, cp_shapes, CP_T_COUNT);
	while (cp_changeset_next(&r, &c, &more, NULL) == CP_OK && more)
		for (size_t i = 0; i < cp_shapes[c.table].n_columns && scene.n_pool < POOL; i++)
			if (c.now[i].type != CP_ABSENT && c.now[i].len < 100)
				scene.pool[scene.n_pool++] = c.now[i];
}

static const struct cp_id copy_nonce = { { 7 } };

static void read_scene(void)
{
	static const char *const keys[] = { "lead.key", "anna.key", "ben.key", "stranger.key" };
	static const char *const stores[] = { "anna", "ben", "hub" };
	char branch[80], hex[CP_ID_HEX];

	for (int i = 0; i < 4; i++)
		DONE(cp_sshkey_read(&scene.keys[i], hub_path(keys[i]), NULL, err));
	for (int i = 0; i < 3; i++) {
		CP_AUTO(store) struct cp_store *s = NULL;

		DONE(cp_store_open(&s, hub_path(stores[i]), err));
		keep_branch(s, &s->me.replica);
		scene.project = s->me.project;
		scene.hub = s->me.replica; /* the last one is the hub */
	}
	for (int i = 0; i < 4; i++) {
		struct cp_pubkey key;

		cp_seckey_public(&key, &scene.keys[i]);
		cp_replica_id(&scene.replicas[i], &scene.project, &key);
		if (i == 1)
			cp_replica_id_of(&scene.replicas[4], &scene.project, &key, &copy_nonce);
	}
	DONE(cp_store_open(&hub, hub_path("hub"), err));
	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, scene.replicas[1].bytes, 16));
	DONE(cp_repo_branch(hub->history, branch, &scene.tip, err));
	cp_store_drop(&hub);
	for (size_t i = 0; i < scene.n_bases; i++)
		keep_values(&scene.bases[i]);
}

/* ---- a change commit ------------------------------------------------------------------------ */

struct made {
	struct cp_buf changeset, tree, commit;
	struct cp_oid parent;
	int64_t edits, clock, schema;
};

/* Rows of any table, in the product's own spelling: values of their type, values of elsewhere, or any at all. */
static void build_rows(struct cp_buf *out)
{
	for (unsigned groups = choice(3) + 1; groups > 0; groups--) {
		size_t table = choice(CP_T_COUNT);

		DONE(cp_changeset_add_table(out, &cp_shapes[table], err));
		for (unsigned rows = choice(3) + 1; rows > 0; rows--) {
			CP_AUTO(buf) struct cp_buf text = CP_BUF(CP_TEXT_MAX);
			struct cp_value row[CP_MAX_COLUMNS];

			DONE(cp_buf_room(&text, 65536 * CP_MAX_COLUMNS, err)); /* it never moves */
			for (size_t i = 0; i < cp_shapes[table].n_columns; i++) {
				unsigned how = choice(4);

				cp_table_default(&row[i], table, i);
				if (how == 1)
					row[i] = scene.pool[choice(POOL) % scene.n_pool];
				else if (how == 2)
					row[i] = cp_v_int(choice_number());
				if (how != 3)
					continue;
				row[i] = cp_v_blob(text.data + text.len, text.len);
				choice_bytes(&text);
				row[i].len = text.len - row[i].len;
				row[i].type = cp_utf8_valid((const char *)row[i].bytes, row[i].len) ? CP_TEXT : CP_BLOB;
			}
			if (cp_changeset_add_insert(out, &cp_shapes[table], row, NULL) != CP_OK)
				continue;
		}
	}
}

static void choose_changeset(struct cp_buf *out)
{
	unsigned how = choice(5);

	if (how == 2) {
		choice_bytes(out);
	} else if (how == 3) {
		build_rows(out);
	} else {
		for (unsigned n = how == 4 ? 2 : 1; n > 0; n--) {
			const struct cp_buf *base = &scene.bases[(1 + choice((unsigned)scene.n_bases)) % scene.n_bases];

			DONE(cp_buf_add(out, base->data, base->len, err));
		}
		if (how == 1)
			choice_edits(out);
	}
}

static void name_object(struct cp_oid *out, const char *type, const struct cp_buf *b)
{
	DONE(cp_repo_name(out, type, b->data ? b->data : "", b->len, err));
}

static void make_tree(struct made *m, bool is_odd)
{
	struct cp_tree_entry entry = { .name = "changeset", .name_len = 9 };
	struct cp_oid blob;

	name_object(&blob, "blob", &m->changeset);
	MUST(cp_unhex(entry.oid, 20, blob.hex));
	DONE(cp_tree_add(&m->tree, &entry, err));
	if (is_odd)
		choice_edits(&m->tree);
}

static void add_message(struct cp_buf *out, const struct made *m, bool is_copy, bool is_odd)
{
	struct cp_hash hash;
	char hex[CP_HASH_HEX];

	cp_hash_bytes(&hash, m->changeset.data, m->changeset.len);
	DONE(cp_buf_puts(out, "judged\n\n", err));
	if (is_copy) {
		char nonce[CP_ID_HEX];

		DONE(cp_buf_printf(out, err, "Casepack-Copy-Of: %s %s\n", cp_hex(hex, scene.replicas[1].bytes, 16),
				cp_hex(nonce, copy_nonce.bytes, 16)));
	}
	DONE(cp_buf_printf(out, err, "Casepack-Schema: %lld\nCasepack-Edits: %lld\nCasepack-Outbox: 1\nCasepack-Clock: %lld\n"
			"Casepack-Changeset: %s\n", (long long)m->schema, (long long)m->edits, (long long)m->clock,
			cp_hex(hex, hash.bytes, sizeof hash.bytes)));
	if (is_odd)
		choice_edits(out);
}

/* The payload as the commit object without its signature; then with that of whoever signs it. */
static void make_commit(struct made *m, unsigned odd)
{
	CP_AUTO(buf) struct cp_buf payload = CP_BUF(CP_TEXT_MAX), armor = CP_BUF(CP_TEXT_MAX), message = CP_BUF(CP_TEXT_MAX);
	static const char *const names[] = { "lea", "anna", "ben", "somebody", "anna" };
	unsigned who = odd & 8 ? choice(5) : 1, key = odd & 16 ? choice(4) : 0;
	char replica[CP_ID_HEX], project[CP_ID_HEX];
	struct cp_oid tree;
	const char *end;

	name_object(&tree, "tree", &m->tree);
	add_message(&message, m, who == 4, odd & 32);
	cp_hex(replica, scene.replicas[who].bytes, 16);
	cp_hex(project, scene.project.bytes, 16);
	DONE(cp_buf_printf(&payload, err, "tree %s\n", tree.hex));
	if (*m->parent.hex)
		DONE(cp_buf_printf(&payload, err, "parent %s\n", m->parent.hex));
	for (int i = 0; i < 2; i++)
		DONE(cp_buf_printf(&payload, err, "%s %s <%s@%s.invalid> %lld +0000\n", i ? "committer" : "author", names[who], replica,
				project, (long long)(HUB_NOW_US / 1000000)));
	DONE(cp_buf_puts(&payload, "\n", err));
	DONE(cp_buf_add(&payload, message.data ? message.data : "", message.len, err));
	if (odd & 64)
		choice_edits(&payload);
	DONE(cp_sshsig_sign(&armor, &scene.keys[(1 + key) % 4], "git", payload.data, payload.len, false, err));
	end = memmem(payload.data, payload.len, "\n\n", 2);
	end = end ? end : payload.data + payload.len - (payload.len > 0);
	DONE(cp_buf_add(&m->commit, payload.data, (size_t)(end - payload.data), err));
	DONE(cp_buf_puts(&m->commit, "\ngpgsig ", err));
	for (const char *c = armor.data; *c; c++)
		DONE(cp_buf_printf(&m->commit, err, *c == '\n' ? "%c " : "%c", *c));
	DONE(cp_buf_add(&m->commit, end, payload.len - (size_t)(end - payload.data), err));
}

static void made_drop(struct made *m)
{
	cp_buf_drop(&m->changeset);
	cp_buf_drop(&m->tree);
	cp_buf_drop(&m->commit);
}
#define cp_made_drop made_drop

/* In the order in which a device gives them, and under their names, unless the input says otherwise. */
static void add_objects(struct cp_bundle_writer *w, const struct made *m, bool is_odd)
{
	static const char *const types[] = { "commit", "tree", "blob" };
	const struct cp_buf *const objects[] = { &m->commit, &m->tree, &m->changeset };
	unsigned left_out = is_odd ? choice(8) : 0;

	for (unsigned i = 0; i < 3; i++) {
		unsigned which = is_odd ? (i + choice(3)) % 3 : i;
		struct cp_oid oid;

		name_object(&oid, types[which], objects[which]);
		if (is_odd && choice(4) == 3)
			oid.hex[0] = oid.hex[0] == '0' ? '1' : '0';
		if (!(left_out >> i & 1))
			DONE(cp_bundle_add_object(w, oid.hex, types[is_odd ? (which + choice(3)) % 3 : which],
					objects[which]->data ? objects[which]->data : "", objects[which]->len, err));
	}
}

static void add_change(struct cp_bundle_writer *w, struct cp_oid *tip)
{
	CP_AUTO(made) struct made m = { CP_BUF(CP_TEXT_MAX), CP_BUF(CP_TEXT_MAX), CP_BUF(CP_TEXT_MAX), *tip, 0, HUB_NOW_US, 1 };
	unsigned odd = choice(256);
	size_t edits = 0;

	choose_changeset(&m.changeset);
	if (cp_changeset_edits(m.changeset.data, m.changeset.len, &edits, NULL) == CP_OK)
		m.edits = (int64_t)edits;
	if (odd & 1) {
		m.edits = choice(2) ? choice_number() : m.edits;
		m.clock = choice(2) ? choice_number() : m.clock;
		m.schema = choice(2) ? choice_number() : CP_SCHEMA;
	}
	if (odd & 2) {
		static const char *const parents[] = { "", "0000000000000000000000000000000000000001" };
		unsigned which = choice(3);

		snprintf(m.parent.hex, sizeof m.parent.hex, "%s", which < 2 ? parents[which] : scene.tip.hex);
	}
	make_tree(&m, odd & 4);
	make_commit(&m, odd);
	add_objects(w, &m, odd & 128);
	name_object(tip, "commit", &m.commit);
}

/* ---- the bundle ---------------------------------------------------------------------------- */

static void choose_tips(struct cp_tips *tips, const struct cp_oid *tip)
{
	static const char *const prefixes[] = { "replica/", "outbound/", "main", "" };

	for (unsigned n = choice(4); n > 0; n--) {
		CP_AUTO(buf) struct cp_buf name = CP_BUF(CP_TEXT_MAX);
		char hex[CP_ID_HEX];
		unsigned whose = choice(8);

		DONE(cp_buf_puts(&name, prefixes[choice(4)], err));
		if (whose < 5)
			DONE(cp_buf_puts(&name, cp_hex(hex, scene.replicas[whose].bytes, 16), err));
		else
			choice_bytes(&name);
		if (cp_tips_add(tips, name.data, choice(2) ? scene.tip.hex : tip->hex, NULL) != CP_OK)
			continue; /* no name that a manifest can have */
	}
}

static void choose_manifest(struct cp_manifest *m, const struct cp_oid *tip)
{
	unsigned odd = choice(256);
	char branch[80], hex[CP_ID_HEX];

	m->format = m->reader = 1;
	m->schema = odd & 1 ? (int)choice(8) : 1;
	m->kind = odd & 2 ? (enum cp_bundle_kind)choice(4) : CP_BUNDLE_RETURN;
	m->project = scene.project;
	if (odd & 4)
		m->project.bytes[choice(16)] ^= 1;
	snprintf(m->project_name, sizeof m->project_name, "Fuzz");
	m->sender = scene.replicas[odd & 8 ? choice(5) : 1];
	m->number = odd & 16 ? (uint64_t)choice_number() & 0xffffffff : 1;
	m->created_us = HUB_NOW_US + (odd & 16 ? (int64_t)choice_large() * 1000000 : 0);
	m->volume = m->volumes = 1;
	DONE(cp_parcel_recipient(m, odd & 32 ? &scene.replicas[choice(4)] : &scene.hub, err));
	snprintf(branch, sizeof branch, "replica/%s", cp_hex(hex, scene.replicas[1].bytes, 16));
	if (!(odd & 64))
		DONE(cp_tips_add(&m->tips, branch, tip->hex, err));
	else
		choose_tips(&m->tips, tip);
	if (odd & 128) {
		choose_tips(&m->needs, tip);
		choose_tips(&m->have, tip);
	}
}

/* What the hub gave to anna, as proof of it. */
static void add_given(struct cp_bundle_writer *w)
{
	char branch[80], hex[CP_ID_HEX];
	struct cp_oid tip;
	int64_t n = 0;

	snprintf(branch, sizeof branch, "outbound/%s", cp_hex(hex, scene.replicas[1].bytes, 16));
	DONE(cp_repo_branch(hub->history, branch, &tip, err));
	DONE(cp_parcel_chain(hub, w, tip.hex, "", &n, err));
	MUST(n > 0);
}

/* False where the writer will not make such a bundle. */
static bool write_bundle(const char *path)
{
	CP_AUTO(bundle_writer) struct cp_bundle_writer *w = NULL;
	struct cp_manifest m = { 0 };
	struct cp_oid tip = scene.tip;
	unsigned n = (choice(4) + 1) % 4, signer = (choice(8) + 1) % 8;
	enum cp_code code;

	unlink(path);
	DONE(cp_bundle_begin(&w, path, 1, err));
	if (choice(8) == 7)
		add_given(w);
	for (; n > 0; n--)
		add_change(w, &tip);
	choose_manifest(&m, &tip);
	if (choice(8) == 7) {
		CP_AUTO(buf) struct cp_buf line = CP_BUF(CP_TEXT_MAX);

		choice_bytes(&line);
		if (cp_bundle_add_case(w, line.data ? line.data : "", line.len, NULL) != CP_OK)
			cp_buf_clear(&line);
	}
	code = cp_bundle_commit(w, &m, &scene.keys[signer < 4 ? signer : 1], NULL, NULL);
	cp_manifest_drop(&m);
	return code == CP_OK;
}

/* ---- the hub before and behind ------------------------------------------------------------------ */

static sqlite3 *witness; /* another pair of eyes on its database */

static int64_t ask(const char *sql)
{
	sqlite3_stmt *q;
	int64_t n;

	MUST(sqlite3_prepare_v2(witness, sql, -1, &q, NULL) == SQLITE_OK);
	MUST(sqlite3_step(q) == SQLITE_ROW);
	n = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return n;
}

static void hub_open(void)
{
	char path[600];

	snprintf(path, sizeof path, "%s/casepack.db", hub_path("hub"));
	DONE(cp_store_open(&hub, hub_path("hub"), err));
	MUST(sqlite3_open(path, &witness) == SQLITE_OK);
}

static void hub_close(void)
{
	sqlite3_close(witness);
	cp_store_close(hub);
}

static void hub_put_back(void)
{
	hub_close();
	cp_folder_remove(hub_path("hub"));
	hub_copy(hub_path("kept"), hub_path("hub"));
	hub_open();
}

/* Every branch and where it stands, and every synced row. */
static struct cp_hash state_of_hub(void)
{
	struct cp_hash rows, state;
	struct cp_hasher h;

	cp_hasher_begin(&h);
	for (int i = 0; i < 2; i++) {
		struct cp_tips tips = { 0 };

		DONE(cp_repo_branches(i ? hub->private : hub->history, "", &tips, err));
		for (size_t k = 0; k < tips.n; k++) {
			cp_hasher_add_part(&h, tips.list[k].name, strlen(tips.list[k].name));
			cp_hasher_add(&h, tips.list[k].oid.hex, 40);
		}
		cp_tips_drop(&tips);
	}
	DONE(cp_store_hash(hub, &rows, err));
	cp_hasher_add(&h, rows.bytes, sizeof rows.bytes);
	cp_hasher_end(&h, &state);
	return state;
}

/* ---- what must hold behind a merge ------------------------------------------------------------------ */

static enum cp_code read_entry(void *repo, const char *oid, const char *type, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);

	return cp_repo_read(repo, oid, type, &bytes, err);
}

static enum cp_code read_commit(void *repo, const char *oid, const struct cp_commit *c, struct cp_err *err)
{
	(void)oid;
	return cp_repo_each_new(repo, c->tree.hex, NULL, read_entry, repo, err);
}

static void walk_branches(struct cp_repo *repo)
{
	struct cp_tips tips = { 0 };

	DONE(cp_repo_branches(repo, "", &tips, err));
	for (size_t i = 0; i < tips.n; i++)
		DONE(cp_repo_walk_all(repo, tips.list[i].oid.hex, NULL, 0, read_commit, repo, err));
	cp_tips_drop(&tips);
}

/* A commit that counts: signed by the device that it names, and its changeset is the one that was signed. */
static void check_accepted(const char *oid)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX), tree = CP_BUF(CP_TEXT_MAX), changeset = CP_BUF(CP_TEXT_MAX);
	struct cp_change_commit c;
	struct cp_pubkey signer;
	struct cp_author author;
	bool found;

	DONE(cp_repo_read(hub->history, oid, "commit", &bytes, err));
	DONE(cp_change_commit_read(&c, bytes.data, bytes.len, err));
	DONE(cp_repo_read_single(hub->history, c.commit.tree.hex, "changeset", &tree, &changeset, err));
	DONE(cp_change_commit_check(&c, tree.data, tree.len, changeset.data, changeset.len, false, err));
	DONE(cp_commit_signer(&signer, &c.commit, err));
	DONE(cp_author_find(hub, &c.replica, &author, &found, err));
	MUST(found && memcmp(&author.key, &signer, sizeof signer) == 0);
	cp_change_commit_drop(&c);
}

static int64_t check_commits(int64_t after)
{
	sqlite3_stmt *q;
	int64_t n = 0;

	MUST(sqlite3_prepare_v2(witness, "SELECT oid FROM commits WHERE no > ?1 AND verdict = 'accepted' AND is_private = 0", -1, &q,
			NULL) == SQLITE_OK);
	MUST(sqlite3_bind_int64(q, 1, after) == SQLITE_OK);
	for (; sqlite3_step(q) == SQLITE_ROW; n++)
		check_accepted((const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	return n;
}

static void check_taken(const struct cp_merged *merged, int64_t last)
{
	struct cp_verified rebuilt;

	MUST(check_commits(last) >= merged->commits);
	MUST(ask("SELECT count(*) FROM pragma_foreign_key_check") == 0);
	MUST(ask("SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1);
	walk_branches(hub->history);
	walk_branches(hub->private);
	DONE(cp_verify_store(hub, &rebuilt, err));
}

static void check_again(const char *path)
{
	struct cp_hash before, after;
	struct cp_merged merged;

	DONE(cp_seal(hub, NULL, err)); /* as the merge would: what the first one entered into the roster */
	before = state_of_hub();
	DONE(cp_merge(hub, path, &merged, err));
	MUST(merged.commits == 0);
	after = state_of_hub();
	MUST(memcmp(&before, &after, sizeof before) == 0);
}

static struct cp_hash pristine;

static void try_merge(const char *path)
{
	int64_t version = ask("PRAGMA data_version"), last = ask("SELECT max(no) FROM commits");
	struct cp_err err = { CP_OK, "" };
	struct cp_merged merged;
	struct cp_hash after;
	enum cp_code code = cp_merge(hub, path, &merged, &err);

	MUST(code == CP_OK || (err.text[0] != '\0' && !cp_text_has_controls(err.text, strlen(err.text), false)));
	if (code == CP_OK) {
		check_taken(&merged, last);
		check_again(path);
	} else {
		MUST(code == CP_EFORMAT || code == CP_ETRUST || code == CP_EINPUT);
		MUST(ask("PRAGMA data_version") == version);
		after = state_of_hub();
		MUST(memcmp(&after, &pristine, sizeof after) == 0);
	}
	if (ask("PRAGMA data_version") != version)
		hub_put_back();
}

static void set_up(void)
{
	hub_make();
	read_scene();
	hub_copy(hub_path("hub"), hub_path("kept"));
	hub_open();
	pristine = state_of_hub();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path;

	if (hub == NULL)
		set_up();
	chance_seed_entropy(2, 2);
	input = data;
	input_left = size;
	path = hub_path("input.casepack");
	if (write_bundle(path))
		try_merge(path);
	return 0;
}
