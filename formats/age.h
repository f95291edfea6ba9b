/*
 * age (age-encryption.org/v1): files encrypted to OpenSSH ed25519 keys, as
 * `age -R KEY.pub` writes them and `age -d -i KEY` reads them (formats/age.md).
 *
 * ssh-ed25519 recipients only; a reader passes over those of other kinds. The binary
 * form only, not the armoured one. Memory is bounded whatever the length: a chunk of
 * 64 KiB and its cipher text, and on reading the header.
 */
#ifndef CASEPACK_FORMATS_AGE_H
#define CASEPACK_FORMATS_AGE_H

#include "formats/file.h"
#include "formats/sshsig.h"

#define CP_AGE_MAX_STANZAS 1100               /* recipients of one file */
#define CP_AGE_MAX_HEADER ((size_t)1 << 20)   /* bytes */

/* Encrypts one file: made anew for each, known to its writer, in the header for each recipient. */
struct cp_filekey { uint8_t bytes[16]; };

/* ---- writing ---------------------------------------------------------------------- */

struct cp_ageout; /* opaque */

/*
 * Write a file to those n keys into sink, which gets the header at once. to is borrowed for the call.
 * CP_EINPUT: none, more than CP_AGE_MAX_STANZAS, or one that is no public key (a point of small order).
 */
CP_CHECKED enum cp_code cp_ageout_begin(struct cp_ageout **out, const struct cp_pubkey *to, size_t n, cp_sink *sink,
		void *user, struct cp_err *err);
CP_CHECKED enum cp_code cp_ageout_add(struct cp_ageout *o, const void *bytes, size_t len, struct cp_err *err);
/* The final chunk; nothing can be added afterwards. */
CP_CHECKED enum cp_code cp_ageout_end(struct cp_ageout *o, struct cp_err *err);
/* For a writer that reads back what it wrote to others. Borrowed. */
const struct cp_filekey *cp_ageout_key(const struct cp_ageout *o);
void cp_ageout_free(struct cp_ageout *o); /* wipes; NULL-safe */
void cp_ageout_drop(struct cp_ageout **o); /* for CP_AUTO */

/* Bytes that a file of size bytes to n keys has in encryption. */
uint64_t cp_age_size(uint64_t size, size_t n);

/* ---- reading ---------------------------------------------------------------------- */

/* Does a file that begins so claim to be age's, in whatever version or form? */
bool cp_age_begins(const void *bytes, size_t len);

struct cp_agein; /* opaque */

/* Read the header of the file at fd, which stays the caller's and must outlive it; its position is neither used nor
 * moved. Needs no key, believes nothing yet. CP_EFORMAT: damaged, cut short, armoured, or of another version. */
CP_CHECKED enum cp_code cp_agein_open(struct cp_agein **out, int fd, struct cp_err *err);
size_t cp_agein_recipients(const struct cp_agein *a);     /* of any kind */
uint64_t cp_agein_size(const struct cp_agein *a);         /* bytes of what is encrypted, by the length of the file */
/* Does the header name that key? One in 4,294,967,296 strange keys looks so, too. */
bool cp_agein_is_to(const struct cp_agein *a, const struct cp_pubkey *key);

/*
 * Check the header, and that the last chunk is the final one. CP_EKEY: not to that key;
 * CP_EFORMAT: damaged or cut short. On a failure another key may be tried.
 */
CP_CHECKED enum cp_code cp_agein_unlock(struct cp_agein *a, const struct cp_seckey *key, struct cp_err *err);
CP_CHECKED enum cp_code cp_agein_unlock_with(struct cp_agein *a, const struct cp_filekey *key, struct cp_err *err);

/* A cp_read_at of what is encrypted; only of one that was unlocked. The present chunk is kept. CP_EFORMAT: damaged. */
CP_CHECKED enum cp_code cp_agein_read(void *a, void *bytes, size_t len, uint64_t offset, struct cp_err *err);
void cp_agein_free(struct cp_agein *a); /* wipes; NULL-safe */
void cp_agein_drop(struct cp_agein **a); /* for CP_AUTO */

#endif
