/*
 * What writing and reading a bundle share: names, limits, the tar that both of
 * them produce (the writer to a file, the reader to compare with), and a set of
 * member names. For formats/ and its tests only; others use formats/bundle.h.
 */
#ifndef CASEPACK_FORMATS_BUNDLE_PARTS_H
#define CASEPACK_FORMATS_BUNDLE_PARTS_H

#include "formats/bundle.h"
#include "formats/file.h"
#include "formats/zstream.h"

#define CP_MANIFEST_NAME "manifest.json"
#define CP_MANIFEST_SIG_NAME "manifest.json.sig"
#define CP_MANIFEST_MAX ((size_t)2 << 20) /* bytes */
#define CP_SIGNATURE_MAX ((size_t)4096)   /* bytes */
#define CP_MAX_TIPS 8192                  /* in each of tips, needs, have */
#define CP_MAX_JSON_INT INT64_C(9007199254740991) /* 2^53 - 1 */
/* A tar header holds seconds below 2^33 (the year 2242). */
#define CP_MAX_CREATED_US INT64_C(8589934591999999)

enum cp_part_kind { CP_PART_HISTORY, CP_PART_CASES, CP_PART_MEDIA, CP_PART_PRIVATE };
extern const char *const cp_part_names[CP_MAX_PARTS]; /* in the order in which they stand */

bool cp_oid_valid(const char *hex);              /* 40 lower-case hex digits */
bool cp_object_type_valid(const char *type);     /* "commit", "tree", "blob" */

/* ---- tar -------------------------------------------------------------------------- */

struct archive;
struct archive_entry;

/*
 * A ustar archive of regular files, mode 0644, uid and gid 0, no names of owners,
 * ending in exactly 1,024 zero bytes. Everything goes to sink as it comes.
 */
struct cp_tarout {
	struct archive *archive;
	struct archive_entry *entry;
	cp_sink *sink;
	void *user;
	uint64_t owed;        /* bytes that the present member still needs */
	struct cp_err failed; /* the sink's, when it failed */
};

#define CP_TAROUT_NONE { NULL, NULL, NULL, NULL, 0, { CP_OK, "" } }

CP_CHECKED enum cp_code cp_tarout_begin(struct cp_tarout *t, cp_sink *sink, void *user, struct cp_err *err);
/* Start a member; exactly size bytes must follow through cp_tarout_data. name: ASCII, at most 100. */
CP_CHECKED enum cp_code cp_tarout_member(struct cp_tarout *t, const char *name, uint64_t size,
		int64_t mtime, struct cp_err *err);
CP_CHECKED enum cp_code cp_tarout_data(struct cp_tarout *t, const void *bytes, size_t len,
		struct cp_err *err);
CP_CHECKED enum cp_code cp_tarout_end(struct cp_tarout *t, struct cp_err *err);
/* Ends it in the middle: nothing more goes to the sink. */
void cp_tarout_drop(struct cp_tarout *t);

/* Bytes that a member of that size takes in a tar, header included, and the end of one. */
uint64_t cp_tar_member_size(uint64_t size);
#define CP_TAR_END_SIZE 1024

/* ---- member names ----------------------------------------------------------------- */

/* Names already seen, as keyed 128-bit fingerprints: 18 to 37 bytes each, 18 more while it grows. */
struct cp_nameset {
	struct cp_nameprint { uint64_t half[2]; } *slots;
	size_t cap, n;
	uint8_t key[16];
};
#define CP_NAMESET { NULL, 0, 0, { 0 } }

/* *is_new says whether the name was not there before. */
CP_CHECKED enum cp_code cp_nameset_add(struct cp_nameset *s, const char *name, bool *is_new,
		struct cp_err *err);
void cp_nameset_drop(struct cp_nameset *s);

/* ---- a whole bundle --------------------------------------------------------------- */

/*
 * Print and sign m, and write the outer tar into sink: part i of m comes from fds[i],
 * from its beginning. m is believed.
 */
CP_CHECKED enum cp_code cp_bundle_assemble(cp_sink *sink, void *user, const struct cp_manifest *m,
		const struct cp_seckey *key, const int fds[CP_MAX_PARTS], struct cp_err *err);

#endif
