#include "formats/zstream.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
	PIECE = 128 << 10,    /* bytes read, written or given at once */
	JOB = 1 << 20,        /* bytes that one worker compresses at once */
	WORKERS = 2,          /* zstd writes the same bytes for 1 to 4 */
	FRAME_HEADER_MIN = 6, /* magic, descriptor, and at least one byte more */
	WINDOW_LOG_MAX = 27,  /* of the highest limit */
};

/* ---- out -------------------------------------------------------------------------- */

struct cp_zout {
	int fd;
	int level;
	ZSTD_CCtx *ctx;      /* NULL while all of it still fits into small */
	struct cp_buf small;
	uint64_t size, expanded;
	struct cp_hasher hasher;
	bool has_ended;
	char piece[PIECE];
};

static enum cp_code fail_zstd(struct cp_err *err, size_t rc, const char *what)
{
	bool no_memory = ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation;

	return cp_fail(err, no_memory ? CP_EIO : CP_EFORMAT, "%s: %s", what, ZSTD_getErrorName(rc));
}

enum cp_code cp_zout_begin(struct cp_zout **out, int fd, int level, struct cp_err *err)
{
	struct cp_zout *z;

	if (level < 0 || level > CP_ZSTD_MAX_LEVEL)
		return cp_fail(err, CP_EINPUT, "zstd has levels 1 to %d, not %d", CP_ZSTD_MAX_LEVEL, level);
	z = malloc(sizeof *z);
	if (z == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	z->fd = fd;
	z->level = level == 0 ? CP_ZSTD_LEVEL : level;
	z->ctx = NULL;
	z->small = (struct cp_buf)CP_BUF(CP_ZSTD_SMALL);
	z->size = z->expanded = 0;
	z->has_ended = false;
	cp_hasher_begin(&z->hasher);
	*out = z;
	return CP_OK;
}

static enum cp_code put(struct cp_zout *z, size_t len, struct cp_err *err)
{
	const char *at = z->piece;

	cp_hasher_add(&z->hasher, at, len);
	z->size += len;
	while (len > 0) {
		ssize_t n = write(z->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cp_fail_errno(err, "cannot write compressed data");
		at += n;
		len -= (size_t)n;
	}
	return CP_OK;
}

static enum cp_code squeeze(struct cp_zout *z, const void *bytes, size_t len, ZSTD_EndDirective mode,
		struct cp_err *err)
{
	ZSTD_inBuffer in = { bytes, len, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { z->piece, sizeof z->piece, 0 };

		left = ZSTD_compressStream2(z->ctx, &out, &in, mode);
		if (ZSTD_isError(left))
			return cp_fail(err, CP_EIO, "cannot compress: %s", ZSTD_getErrorName(left));
		CP_TRY(put(z, out.pos, err));
	} while (in.pos < in.size || (mode == ZSTD_e_end && left > 0));
	return CP_OK;
}

static enum cp_code start(struct cp_zout *z, int level, struct cp_err *err)
{
	z->ctx = ZSTD_createCCtx();
	if (z->ctx == NULL)
		return cp_fail(err, CP_EIO, "out of memory for compression");
	if (ZSTD_isError(ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_compressionLevel, level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_checksumFlag, 1)))
		return cp_fail(err, CP_EIO, "cannot set up compression");
	return CP_OK;
}

/* Too long for memory: compress from here on with workers, window and jobs kept modest. */
static enum cp_code start_long(struct cp_zout *z, struct cp_err *err)
{
	CP_TRY(start(z, z->level, err));
	if (ZSTD_isError(ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_windowLog, CP_ZSTD_WRITE_WINDOW)))
		return cp_fail(err, CP_EIO, "cannot set up compression");
	/* a libzstd built without threads refuses these two, and works alone */
	(void)ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_nbWorkers, WORKERS);
	(void)ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_jobSize, JOB);
	CP_TRY(squeeze(z, z->small.data, z->small.len, ZSTD_e_continue, err));
	cp_buf_drop(&z->small);
	return CP_OK;
}

enum cp_code cp_zout_add(struct cp_zout *z, const void *bytes, size_t len, struct cp_err *err)
{
	assert(!z->has_ended);
	z->expanded += len;
	if (z->ctx == NULL && len <= CP_ZSTD_SMALL - z->small.len)
		return cp_buf_add(&z->small, bytes, len, err);
	if (z->ctx == NULL)
		CP_TRY(start_long(z, err));
	return squeeze(z, bytes, len, ZSTD_e_continue, err);
}

static enum cp_code end_small(struct cp_zout *z, struct cp_err *err)
{
	int level = z->level > CP_ZSTD_SMALL_LEVEL ? z->level : CP_ZSTD_SMALL_LEVEL;

	CP_TRY(start(z, level, err));
	if (ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(z->ctx, z->small.len)))
		return cp_fail(err, CP_EIO, "cannot set up compression");
	return squeeze(z, z->small.data, z->small.len, ZSTD_e_end, err);
}

enum cp_code cp_zout_end(struct cp_zout *z, struct cp_zsum *sum, struct cp_err *err)
{
	assert(!z->has_ended);
	z->has_ended = true;
	if (z->ctx == NULL)
		CP_TRY(end_small(z, err));
	else
		CP_TRY(squeeze(z, NULL, 0, ZSTD_e_end, err));
	sum->size = z->size;
	sum->expanded = z->expanded;
	cp_hasher_end(&z->hasher, &sum->hash);
	cp_buf_drop(&z->small);
	ZSTD_freeCCtx(z->ctx); /* its memory is large, and the caller may hold on to z */
	z->ctx = NULL;
	return CP_OK;
}

uint64_t cp_zout_size(const struct cp_zout *z)
{
	return z->size;
}

uint64_t cp_zout_expanded(const struct cp_zout *z)
{
	return z->expanded;
}

void cp_zout_free(struct cp_zout *z)
{
	if (z == NULL)
		return;
	ZSTD_freeCCtx(z->ctx);
	cp_buf_drop(&z->small);
	free(z);
}

/* ---- in --------------------------------------------------------------------------- */

struct cp_zin {
	cp_read_at *read;
	void *user;
	uint64_t at, end;      /* of what is still to be read, in the file */
	struct cp_zsum sum;    /* what was promised */
	const struct cp_limits *limits;
	ZSTD_DCtx *ctx;
	ZSTD_inBuffer in;
	uint64_t given;
	struct cp_hasher hasher;
	bool has_begun, frame_done, has_ended;
	char packed[PIECE], plain[PIECE];
};

/* log2 of the window, rounded up: all that libzstd lets us say; the bytes are checked in the header. */
static int window_log(uint64_t bytes)
{
	int log = 10;

	while (log < WINDOW_LOG_MAX && UINT64_C(1) << log < bytes)
		log++;
	return log;
}

enum cp_code cp_zin_begin(struct cp_zin **out, cp_read_at *read, void *user, uint64_t offset,
		const struct cp_zsum *sum, const struct cp_limits *limits, struct cp_err *err)
{
	struct cp_zin *z = malloc(sizeof *z);

	if (z == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	z->read = read;
	z->user = user;
	z->at = offset;
	z->end = offset + sum->size;
	z->sum = *sum;
	z->limits = limits;
	z->ctx = ZSTD_createDCtx();
	z->in = (ZSTD_inBuffer){ z->packed, 0, 0 };
	z->given = 0;
	z->has_begun = z->frame_done = z->has_ended = false;
	cp_hasher_begin(&z->hasher);
	if (z->ctx == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(z->ctx, ZSTD_d_windowLogMax,
			window_log(limits->of[CP_LIMIT_WINDOW])))) {
		cp_zin_free(z);
		return cp_fail(err, CP_EIO, "out of memory for decompression");
	}
	*out = z;
	return CP_OK;
}

void cp_zin_free(struct cp_zin *z)
{
	if (z == NULL)
		return;
	ZSTD_freeDCtx(z->ctx);
	free(z);
}

/* Fill packed as far as the frame goes; only the last piece is short. */
static enum cp_code fill(struct cp_zin *z, struct cp_err *err)
{
	uint64_t left = z->end - z->at;
	size_t want = left < sizeof z->packed ? (size_t)left : sizeof z->packed;

	CP_TRY(z->read(z->user, z->packed, want, z->at, err));
	z->at += want;
	z->in = (ZSTD_inBuffer){ z->packed, want, 0 };
	cp_hasher_add(&z->hasher, z->packed, want);
	return CP_OK;
}

/* Bytes that the decoder must hold: of a frame in one segment its content, else as 3.1.1.1.2 computes them. */
static uint64_t window_of(const uint8_t *header, unsigned long long content)
{
	uint64_t base = UINT64_C(1) << (10 + (header[5] >> 3));

	return (header[4] & 0x20) != 0 ? content : base + base / 8 * (header[5] & 7);
}

/* The frame header (RFC 8878, 3.1.1.1), as far as libzstd would let pass what we refuse. */
static enum cp_code check_header(const struct cp_zin *z, struct cp_err *err)
{
	static const uint8_t magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };
	unsigned long long content;
	uint8_t descriptor;

	if (z->in.size < FRAME_HEADER_MIN || memcmp(z->packed, magic, sizeof magic) != 0)
		return cp_fail(err, CP_EFORMAT, "does not begin with a zstd frame");
	descriptor = (uint8_t)z->packed[4];
	if ((descriptor & 0x04) == 0)
		return cp_fail(err, CP_EFORMAT, "its zstd frame has no checksum");
	if ((descriptor & 0x1b) != 0)
		return cp_fail(err, CP_EFORMAT, "its zstd frame has a dictionary or a reserved bit");
	content = ZSTD_getFrameContentSize(z->packed, z->in.size);
	if (content != ZSTD_CONTENTSIZE_UNKNOWN && content != z->sum.expanded)
		return cp_fail(err, CP_EFORMAT, "its zstd frame holds another size than the %" PRIu64
		               " bytes that the manifest promises", z->sum.expanded);
	return cp_limit_check(z->limits, CP_LIMIT_WINDOW, window_of((const uint8_t *)z->packed, content), err,
			"the window of its zstd frame");
}

static enum cp_code check_end(struct cp_zin *z, struct cp_err *err)
{
	struct cp_hash hash;

	if (z->given != z->sum.expanded)
		return cp_fail(err, CP_EFORMAT, "%" PRIu64 " bytes promised, %" PRIu64 " found",
		               z->sum.expanded, z->given);
	cp_hasher_end(&z->hasher, &hash);
	if (memcmp(&hash, &z->sum.hash, sizeof hash) != 0)
		return cp_fail(err, CP_EFORMAT, "its hash is not the one that the manifest promises");
	return CP_OK;
}

/* One call into libzstd; *len says what came out. */
static enum cp_code expand(struct cp_zin *z, size_t *len, struct cp_err *err)
{
	ZSTD_outBuffer out = { z->plain, sizeof z->plain, 0 };
	size_t rc = ZSTD_decompressStream(z->ctx, &out, &z->in);

	if (ZSTD_isError(rc))
		return fail_zstd(err, rc, "cannot decompress");
	z->given += out.pos;
	if (z->given > z->sum.expanded)
		return cp_fail(err, CP_EFORMAT, "expands to more than the %" PRIu64
		               " bytes that the manifest promises", z->sum.expanded);
	z->frame_done = rc == 0;
	if (z->frame_done && (z->in.pos < z->in.size || z->at < z->end))
		return cp_fail(err, CP_EFORMAT, "more follows its zstd frame");
	*len = out.pos;
	return CP_OK;
}

enum cp_code cp_zin_next(struct cp_zin *z, const void **bytes, size_t *len, struct cp_err *err)
{
	*bytes = z->plain;
	*len = 0;
	while (!z->frame_done && *len == 0) {
		bool at_end = z->in.pos == z->in.size && z->at == z->end;

		if (z->in.pos == z->in.size && !at_end)
			CP_TRY(fill(z, err));
		if (!z->has_begun)
			CP_TRY(check_header(z, err));
		z->has_begun = true;
		CP_TRY(expand(z, len, err)); /* at the end it may still hold some output */
		if (at_end && *len == 0 && !z->frame_done)
			return cp_fail(err, CP_EFORMAT, "its zstd frame is cut short");
	}
	if (*len == 0 && !z->has_ended) {
		CP_TRY(check_end(z, err));
		z->has_ended = true;
	}
	return CP_OK;
}
