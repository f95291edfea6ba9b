/*
 * What the files of sync/ share and nobody else sees: the store's insides and
 * the few verbs with which they speak to SQLite.
 */
#ifndef CASEPACK_SYNC_INNER_H
#define CASEPACK_SYNC_INNER_H

#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <sqlite3.h>

#include "sync/repo.h"
#include "sync/store.h"
#include "sync/tables.h"

#define CP_STATEMENTS 1024
#define CP_EXCHANGE "exchange.git" /* what another hub sent, while it is being checked; swept away when a store opens */
#define CP_CONTENT_STATEMENTS 5

struct cp_store {
	struct cp_me me;
	char *path, *key_path;
	sqlite3 *db;                  /* casepack.db */
	sqlite3 *contents;            /* content.db, content.c's */
	sqlite3_stmt *content_sql[CP_CONTENT_STATEMENTS];
	struct cp_repo *history;
	struct cp_repo *private;      /* NULL where there is none */
	struct cp_limits limits;
	int lock;                     /* flock on the folder, -1 when not held */
	struct { const char *sql; sqlite3_stmt *q; } cached[CP_STATEMENTS];
	struct cp_buf held[CP_T_COUNT]; /* of each table the row that cp_row_get read last */
	sqlite3_session *session[2];  /* public, private; only inside an edit */
	int64_t edit_clock;           /* of the edit that is open */
	int64_t clock_before;         /* what the clock showed before it */
	bool is_judging;              /* between cp_judge_begin and _commit */
	uint8_t secret[32];           /* of the project, while an import is open */
	struct cp_secrets *secrets;   /* what must not go out, secrets.c's */
	const char *const *may_hold; size_t n_may_hold; /* borrowed: what may, all the same */
	struct cp_seckey key;         /* read when first needed */
	cp_passphrase_ask *ask;
	void *ask_user;
	char token_trouble[1024];     /* why no token of this workspace is kept, "" when one is */
};

/*
 * A cached statement, reset and bound. sql is a string literal: it is its own
 * name in the cache. Binds, one letter each: d id, r rev, h hash (pointers to
 * the structs), b bytes and length (const void *, size_t), t text or NULL,
 * s text and length, i int64_t, v const struct cp_value *.
 */
CP_CHECKED enum cp_code cp_query(struct cp_store *s, sqlite3_stmt **out, struct cp_err *err, const char *sql,
		const char *binds, ...);
/* *row false at the end; the statement is then reset. */
CP_CHECKED enum cp_code cp_step(struct cp_store *s, sqlite3_stmt *q, bool *row, struct cp_err *err);
/* A statement without rows. */
CP_CHECKED enum cp_code cp_run(struct cp_store *s, struct cp_err *err, const char *sql, const char *binds, ...);
/* The first column of the first row, or otherwise. */
CP_CHECKED enum cp_code cp_query_int(struct cp_store *s, int64_t *out, int64_t otherwise, struct cp_err *err,
		const char *sql, const char *binds, ...);
CP_CHECKED enum cp_code cp_query_text(struct cp_store *s, struct cp_buf *out, bool *found, struct cp_err *err,
		const char *sql, const char *binds, ...);
/* Zeros when there is no row. */
CP_CHECKED enum cp_code cp_query_id(struct cp_store *s, struct cp_id *out, struct cp_err *err, const char *sql,
		const char *binds, ...);
enum cp_code cp_fail_sqlite(struct cp_err *err, sqlite3 *db, const char *fmt, ...) CP_PRINTF(3, 4);

/* Typed reading of the current row. Ids and revs of another size read as zeros. */
void cp_col_id(sqlite3_stmt *q, int column, struct cp_id *out);
void cp_col_hash(sqlite3_stmt *q, int column, struct cp_hash *out);
const char *cp_col_text(sqlite3_stmt *q, int column); /* never NULL */
void cp_col_value(sqlite3_stmt *q, int column, struct cp_value *out); /* borrowed until the next step */

/* Values that code makes. Borrowed bytes. */
static inline struct cp_value cp_v_text(const char *t) { return (struct cp_value){ CP_TEXT, __builtin_strlen(t), 0, 0, (const uint8_t *)t }; }
static inline struct cp_value cp_v_blob(const void *b, size_t n) { return (struct cp_value){ CP_BLOB, n, 0, 0, b }; }
static inline struct cp_value cp_v_int(int64_t i) { return (struct cp_value){ CP_INT, 0, i, 0, NULL }; }

/* meta: small facts about this workspace, written in the open transaction if there is one. */
CP_CHECKED enum cp_code cp_meta_get(struct cp_store *s, const char *key, struct cp_buf *out, struct cp_err *err);
CP_CHECKED enum cp_code cp_meta_int(struct cp_store *s, const char *key, int64_t *out, struct cp_err *err);
CP_CHECKED enum cp_code cp_meta_set(struct cp_store *s, const char *key, const void *bytes, size_t len,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_meta_set_int(struct cp_store *s, const char *key, int64_t value, struct cp_err *err);

CP_CHECKED enum cp_code cp_txn_begin(struct cp_store *s, struct cp_err *err); /* BEGIN IMMEDIATE */
CP_CHECKED enum cp_code cp_txn_commit(struct cp_store *s, struct cp_err *err);
void cp_txn_rollback(struct cp_store *s);

int64_t cp_now_us(void);
/* The next tick of the hybrid logical clock, remembered in meta. Inside a transaction. */
CP_CHECKED enum cp_code cp_clock_tick(struct cp_store *s, int64_t *out, struct cp_err *err);

/*
 * The next number of a save, inside a transaction; none is ever used twice. Those of private saves begin behind
 * CP_OUTBOX_PRIVATE: numbers of public ones stand in change commits, and must not tell how many others there were.
 */
#define CP_OUTBOX_PRIVATE ((int64_t)1 << 40)
CP_CHECKED enum cp_code cp_outbox_number(struct cp_store *s, bool is_private, int64_t *out, struct cp_err *err);

/* The signing key, read once; asks for the passphrase if it must. CP_EKEY. */
CP_CHECKED enum cp_code cp_store_key(struct cp_store *s, const struct cp_seckey **out, struct cp_err *err);
/* Fill s->me from meta and the roster. */
CP_CHECKED enum cp_code cp_store_read_me(struct cp_store *s, struct cp_err *err);
/* The project's secret: 32 bytes; leads' hubs only. CP_ENOTFOUND elsewhere. */
CP_CHECKED enum cp_code cp_store_secret(struct cp_store *s, uint8_t out[32], struct cp_err *err);

/* Table access by description: the row of that id as values borrowed until the next query of the same table. */
CP_CHECKED enum cp_code cp_row_get(struct cp_store *s, size_t table, const struct cp_id *id, struct cp_value *out,
		bool *found, struct cp_err *err);
/* INSERT OR REPLACE of a complete row; no session is attached. */
CP_CHECKED enum cp_code cp_row_put(struct cp_store *s, size_t table, const struct cp_value *row, struct cp_err *err);
/* A cached statement with a row's columns bound to ?1, ?2, ... */
CP_CHECKED enum cp_code cp_run_row(struct cp_store *s, size_t table, const char *sql, const struct cp_value *row,
		struct cp_err *err);

/* Missing, or a folder with nothing in it; else CP_EINPUT. */
CP_CHECKED enum cp_code cp_folder_is_new(const char *path, struct cp_err *err);

/*
 * A new workspace is made beside its place and put there when it is whole, so that a
 * failure leaves nothing: beside names and makes the temporary folder (what an
 * interrupted try left there is swept away), fill puts an empty workspace into it,
 * settle moves it when code is CP_OK, else removes it and returns code.
 */
CP_CHECKED enum cp_code cp_workspace_beside(const char *path, char *out, size_t size, struct cp_err *err);
CP_CHECKED enum cp_code cp_device_fill(const char *temp, const char *key_path, struct cp_err *err);
CP_CHECKED enum cp_code cp_hub_fill(const char *temp, const char *key_path, struct cp_err *err); /* with private.git */
/* An empty workspace takes the project and the id that follow from the bundle and its key. CP_ETRUST: not for this key. */
CP_CHECKED enum cp_code cp_workspace_adopt(struct cp_store *s, const struct cp_manifest *m, struct cp_err *err);
CP_CHECKED enum cp_code cp_workspace_settle(const char *temp, const char *path, enum cp_code code, struct cp_err *err);

/* Type, then the length-prefixed bytes or the 8 bytes of a number: what every hash over rows is made of. */
void cp_hash_value(struct cp_hasher *h, const struct cp_value *v);

#endif
