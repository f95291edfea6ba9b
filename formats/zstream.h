/*
 * One zstd frame (RFC 8878) into a file and out of one: how a bundle's parts are stored.
 *
 * Exactly one frame, with its checksum, without dictionary; never a skippable one.
 * Memory is bounded whatever the length: under 20 MiB for a frame written at level 3
 * (some 40 at level 9, 180 at 19), the frame's window and 256 KiB for one read.
 */
#ifndef CASEPACK_FORMATS_ZSTREAM_H
#define CASEPACK_FORMATS_ZSTREAM_H

#include "formats/file.h"
#include "formats/hash.h"
#include "formats/limits.h"

/* What expands to this or less is kept in memory, then compressed as hard as CP_ZSTD_SMALL_LEVEL. */
#define CP_ZSTD_SMALL ((size_t)1 << 20)
#define CP_ZSTD_SMALL_LEVEL 19
#define CP_ZSTD_LEVEL 3
#define CP_ZSTD_MAX_LEVEL 22

/* log2 of the window that we write. */
#define CP_ZSTD_WRITE_WINDOW 21

/* What a frame is, once it is written. */
struct cp_zsum {
	uint64_t size;       /* bytes of the frame */
	uint64_t expanded;   /* bytes that went in */
	struct cp_hash hash; /* BLAKE2b-256 of the frame */
};

struct cp_zout; /* opaque */

/*
 * Write a frame at fd's position; fd stays the caller's and must outlive it.
 * level: zstd's, 1 to 22, or 0 for 3. Same bytes in, same level: same frame out.
 * CP_EINPUT for another level.
 */
CP_CHECKED enum cp_code cp_zout_begin(struct cp_zout **out, int fd, int level, struct cp_err *err);
CP_CHECKED enum cp_code cp_zout_add(struct cp_zout *z, const void *bytes, size_t len, struct cp_err *err);
/* Finish the frame; nothing can be added afterwards. sum is set on CP_OK. */
CP_CHECKED enum cp_code cp_zout_end(struct cp_zout *z, struct cp_zsum *sum, struct cp_err *err);
/* Bytes in the file, and bytes added, so far. */
uint64_t cp_zout_size(const struct cp_zout *z);
uint64_t cp_zout_expanded(const struct cp_zout *z);
void cp_zout_free(struct cp_zout *z); /* NULL-safe */

struct cp_zin; /* opaque */

/* Read the frame that lies from offset on in what read gives, and is promised to be sum. Of the limits its window counts;
 * they must outlive it. */
CP_CHECKED enum cp_code cp_zin_begin(struct cp_zin **out, cp_read_at *read, void *user, uint64_t offset,
		const struct cp_zsum *sum, const struct cp_limits *limits, struct cp_err *err);
/*
 * The next piece: *bytes is valid until the next call. *len 0 is the end, and only
 * then has everything held: one whole frame, its checksum, both lengths and the hash.
 * Before that nothing that was given may be believed. Never gives more than
 * sum->expanded bytes in all. CP_EFORMAT for anything else than what was promised.
 */
CP_CHECKED enum cp_code cp_zin_next(struct cp_zin *z, const void **bytes, size_t *len, struct cp_err *err);
void cp_zin_free(struct cp_zin *z); /* NULL-safe */

#endif
