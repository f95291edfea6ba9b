/*
 * NAME.casepack: one file that travels (formats/bundle.md); NAME.casepack.age: the
 * same in encryption to its recipients' keys.
 *
 * An uncompressed tar of, in this order: manifest.json, manifest.json.sig,
 * history.tar.zst, cases.jsonl.zst, media.tar.zst, private.tar.zst; any of them may be
 * absent. Bytes only: whether the signer may speak, and what the
 * objects mean, is for sync/ to say.
 */
#ifndef CASEPACK_FORMATS_BUNDLE_H
#define CASEPACK_FORMATS_BUNDLE_H

#include "formats/age.h"
#include "formats/limits.h"
#include "formats/sshsig.h"

#define CP_BUNDLE_FORMAT 1
#define CP_BUNDLE_NAMESPACE "casepack-bundle"

enum cp_bundle_kind { CP_BUNDLE_CASES, CP_BUNDLE_RETURN, CP_BUNDLE_RELAY, CP_BUNDLE_HUB };
const char *cp_bundle_kind_name(enum cp_bundle_kind kind);

/* A git object id as the 40 lower-case hex digits that git prints. */
struct cp_oid { char hex[41]; };

/* "replica NAME stands at OID": a tip carried, needed, or held. name is "replica/<id>", "outbound/<id>", "main" ... */
struct cp_tip { char name[80]; struct cp_oid oid; };
struct cp_tips { struct cp_tip *list; size_t n; }; /* owned */
/* CP_EINPUT: a name that could be no git branch (79 characters at most), no object id, or a name twice. */
CP_CHECKED enum cp_code cp_tips_add(struct cp_tips *t, const char *name, const char *oid_hex, struct cp_err *err);
const char *cp_tips_find(const struct cp_tips *t, const char *name); /* oid hex or NULL */
void cp_tips_drop(struct cp_tips *t);

#define CP_MAX_PARTS 4
#define CP_MAX_RECIPIENTS 1024

struct cp_part {
	char name[32];          /* "history.tar.zst" ... */
	uint64_t size;          /* bytes in the bundle */
	uint64_t expanded;      /* bytes after zstd */
	struct cp_hash hash;    /* BLAKE2b-256 of the part as it stands in the bundle */
};

struct cp_manifest {
	int format;             /* CP_BUNDLE_FORMAT */
	int reader;             /* lowest format that a reader must know */
	int schema;             /* version of the tables that the history speaks of */
	enum cp_bundle_kind kind;
	struct cp_id project;
	char project_name[128]; /* UTF-8, for people */
	struct cp_id sender;    /* replica */
	struct cp_id *recipients; size_t n_recipients; /* replicas, owned */
	uint64_t number;        /* of the sender's bundles for these recipients, from 1 */
	int64_t created_us, expires_us; /* since 1970; expires 0: never */
	struct cp_tips tips;    /* carried */
	struct cp_tips needs;   /* commits that the receiver must hold already */
	struct cp_tips have;    /* what the sender holds: the only receipt there is */
	unsigned volume, volumes; /* N of M, from 1 */
	struct cp_part parts[CP_MAX_PARTS]; size_t n_parts;
};
void cp_manifest_drop(struct cp_manifest *m);
/* Canonical JSON: sorted keys, no spaces but a final newline; ids and hashes in hex. */
CP_CHECKED enum cp_code cp_manifest_print(struct cp_buf *out, const struct cp_manifest *m, struct cp_err *err);
/* Strict: every known field present with its type, no unknown one, and printing gives the same bytes. */
CP_CHECKED enum cp_code cp_manifest_read(struct cp_manifest *out, const char *text, size_t len,
		struct cp_err *err);

#define CP_BUNDLE_SUFFIX ".casepack"
#define CP_BUNDLE_AGE_SUFFIX CP_BUNDLE_SUFFIX ".age"
/* Is that the name of a bundle, encrypted or not? Letter case is as on FAT, hidden files are none. */
bool cp_bundle_is_name(const char *name);

/* ---- writing ---------------------------------------------------------------------- */

struct cp_bundle_writer; /* opaque */

/*
 * Parts are collected in temporary files beside path, which have no name where the
 * system allows it. Nothing is at path before _commit. level: zstd's, 1 to 22, 0 for 3;
 * a part that expands to 1 MiB or less is compressed at 19 at least.
 *
 * CP_EINPUT from an _add function: refused as a whole, the writer is as before,
 * unless it says that a media file is not what its hash says or changed while it was
 * read. After that, and after CP_EIO, nothing more can be added or committed.
 */
CP_CHECKED enum cp_code cp_bundle_begin(struct cp_bundle_writer **out, const char *path, int level,
		struct cp_err *err);
/*
 * From now on everything is shown to watch before it is taken in, and the manifest as it was printed before
 * anything is at path. part: "history.tar.zst", "cases.jsonl.zst", "private.tar.zst" or "manifest.json"; name: of
 * an object "<oid>.<type>", else "". bytes are borrowed for the call. Whatever it fails with is the writer's failure:
 * the bundle is not to be committed. Media are not shown.
 */
typedef enum cp_code cp_bundle_watch(void *user, const char *part, const char *name, const void *bytes, size_t len,
		struct cp_err *err);
void cp_bundle_watch_with(struct cp_bundle_writer *w, cp_bundle_watch *watch, void *user);

/*
 * Before the first _add: the file will be encrypted to those keys (copied), at most CP_AGE_MAX_STANZAS. Parts are then
 * collected in folder, which must not be on the medium that path is on unless plain text may be there, too: of the file
 * at path no plain byte is ever written beside it. The key that encrypts it is in memory only, and reads it back.
 */
CP_CHECKED enum cp_code cp_bundle_encrypt_to(struct cp_bundle_writer *w, const struct cp_pubkey *keys, size_t n,
		const char *folder, struct cp_err *err);
/* type: "commit", "tree", "blob"; goes to history.tar.zst as objects/<oid>.<type>. One that is there
 * already is not added again. That oid names these bytes is not checked here. */
CP_CHECKED enum cp_code cp_bundle_add_object(struct cp_bundle_writer *w, const char *oid_hex, const char *type,
		const void *bytes, size_t len, struct cp_err *err);
/* The same for private.tar.zst: what only leads may read, in a bundle from hub to hub. */
CP_CHECKED enum cp_code cp_bundle_add_private(struct cp_bundle_writer *w, const char *oid_hex, const char *type,
		const void *bytes, size_t len, struct cp_err *err);
/* One canonical document without newline. */
CP_CHECKED enum cp_code cp_bundle_add_case(struct cp_bundle_writer *w, const void *json, size_t len,
		struct cp_err *err);
/* A media file by its hash, streamed from path, as media/<hash>; its content is checked against it. */
CP_CHECKED enum cp_code cp_bundle_add_media(struct cp_bundle_writer *w, const struct cp_hash *hash,
		const char *path, struct cp_err *err);
/* Fills in m's format, reader and parts, signs, assembles, flushes, reads the file back against the
 * manifest, renames. Once only, whatever it returns. m->created_us is also the time in the tar.
 * An existing path is never replaced: CP_EINPUT. *out_size (may be NULL): bytes written. */
CP_CHECKED enum cp_code cp_bundle_commit(struct cp_bundle_writer *w, struct cp_manifest *m,
		const struct cp_seckey *key, uint64_t *out_size, struct cp_err *err);
/* Frees, and removes what is temporary; after _commit too. NULL-safe. */
void cp_bundle_writer_free(struct cp_bundle_writer *w);
void cp_bundle_writer_drop(struct cp_bundle_writer **w); /* for CP_AUTO */

/* ---- reading ---------------------------------------------------------------------- */

struct cp_bundle; /* opaque */

/*
 * Read the manifest, check its signature and that the parts follow it exactly as
 * it promises, hash included; decompress nothing. out is set on CP_OK only. limits is copied:
 * it bounds this and every visit; what is over one of them is CP_EFORMAT.
 * CP_EFORMAT: damaged, cut short, hostile, or newer than this reader ("needs a
 * newer casepack"); CP_ETRUST: the signature does not match; CP_EKEY: encrypted.
 */
CP_CHECKED enum cp_code cp_bundle_open(struct cp_bundle **out, const char *path,
		const struct cp_limits *limits, struct cp_err *err);

/*
 * The same with keys. Whether the file is encrypted its first bytes say; then unlock is called once, to find out by
 * cp_agein_is_to whether a key of its user fits, and to cp_agein_unlock it. What it returns is returned: CP_EKEY where
 * none fits. Nothing decrypted touches the disk.
 */
typedef enum cp_code cp_unlock(void *user, struct cp_agein *file, struct cp_err *err);
CP_CHECKED enum cp_code cp_bundle_open_with(struct cp_bundle **out, const char *path, const struct cp_limits *limits,
		cp_unlock *unlock, void *user, struct cp_err *err);
bool cp_bundle_is_encrypted(const struct cp_bundle *b);
/* Smaller limits from here on; what _open promised is held against them. CP_EFORMAT, and b is as before. */
CP_CHECKED enum cp_code cp_bundle_tighten(struct cp_bundle *b, const struct cp_limits *limits, struct cp_err *err);
const struct cp_manifest *cp_bundle_manifest(const struct cp_bundle *b);
const struct cp_pubkey *cp_bundle_signer(const struct cp_bundle *b);

/*
 * Visit a part's members in order, decompressing as it goes within the limits.
 * The hash is computed once more while reading: CP_EFORMAT if the file changed
 * meanwhile, in which case the caller must drop what it was given. A part that is
 * absent has no members. bytes are borrowed for the call. A visitor's failure ends
 * the visit and is returned.
 */
typedef enum cp_code cp_object_visit(void *user, const char *oid_hex, const char *type, const void *bytes,
		size_t len, struct cp_err *err);
typedef enum cp_code cp_case_visit(void *user, const char *json, size_t len, struct cp_err *err);
/* Called with more = true for each piece of one file, in order, then once with len 0 and more = false:
 * only then is its content known to have the hash that names it. */
typedef enum cp_code cp_media_visit(void *user, const struct cp_hash *name, const void *bytes, size_t len,
		bool more, struct cp_err *err);
CP_CHECKED enum cp_code cp_bundle_each_object(struct cp_bundle *b, cp_object_visit *visit, void *user,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_bundle_each_private(struct cp_bundle *b, cp_object_visit *visit, void *user,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_bundle_each_case(struct cp_bundle *b, cp_case_visit *visit, void *user,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_bundle_each_media(struct cp_bundle *b, cp_media_visit *visit, void *user,
		struct cp_err *err);
void cp_bundle_close(struct cp_bundle *b);
void cp_bundle_drop(struct cp_bundle **b); /* for CP_AUTO */

#endif
