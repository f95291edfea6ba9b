/*
 * Codes and words of everything that can fail.
 *
 * A function that can fail returns enum cp_code and takes a struct cp_err that
 * its caller owns. The lowest level that knows what went wrong writes the words,
 * one line saying what, where and what now; nobody above overwrites them.
 * A bug is not an error: it is an assert.
 */
#ifndef CASEPACK_FORMATS_ERR_H
#define CASEPACK_FORMATS_ERR_H

#include <stdarg.h>

enum cp_code {
	CP_OK = 0,
	CP_EIO,       /* the world: a file, a disk, memory, a library        exit 1 */
	CP_EINPUT,    /* what a person gave does not fit: a row, a value     exit 1 */
	CP_ENOTFOUND, /* it names something that is not here                 exit 1 */
	CP_EKEY,      /* no key, no passphrase, or the wrong one             exit 1 */
	CP_EUSAGE,    /* wrong words on the command line                     exit 2 */
	CP_EFORMAT,   /* damaged, cut short, hostile, or newer than we read  exit 4 */
	CP_ETRUST,    /* well formed, but not from whom it must be           exit 4 */
	CP_EBUSY,     /* another casepack is at work in this workspace       exit 5 */
};

struct cp_err {
	enum cp_code code;
	char text[1024]; /* one line, UTF-8, no final newline */
};

#define CP_CHECKED __attribute__((warn_unused_result))
#define CP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Write code and words into err (may be NULL) and return code. */
enum cp_code cp_fail(struct cp_err *err, enum cp_code code, const char *fmt, ...) CP_PRINTF(3, 4);

/* The same with ": " and the words for the current errno behind; returns CP_EIO. */
enum cp_code cp_fail_errno(struct cp_err *err, const char *fmt, ...) CP_PRINTF(2, 3);

/* Put "WHERE: " in front of the words that are there, and return their code (CP_EIO when err is NULL). */
enum cp_code cp_fail_at(struct cp_err *err, const char *fmt, ...) CP_PRINTF(2, 3);

/*
 * The words for a file that was not taken in: its path in front, once, and where it was refused (CP_EFORMAT, CP_ETRUST)
 * that nothing was changed, and what to do now, behind words that do not say so yet. Returns their code (CP_EIO when err is
 * NULL).
 */
enum cp_code cp_fail_untaken(struct cp_err *err, const char *path);

/* Hand a failure upward as it is. */
#define CP_TRY(call)                                \
	do {                                        \
		enum cp_code cp_try_code_ = (call); \
		if (cp_try_code_ != CP_OK)          \
			return cp_try_code_;        \
	} while (0)

/* CP_AUTO(buf) struct cp_buf b = ...; ends b with cp_buf_drop(&b) at scope exit. */
#define CP_AUTO(kind) __attribute__((cleanup(cp_##kind##_drop)))

#endif
