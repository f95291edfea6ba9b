/*
 * BLAKE2b (RFC 7693) through libsodium, identifiers, and their spelling.
 *
 * A content hash is BLAKE2b-256, as `b2sum -l 256` prints it. An identifier is
 * 16 bytes: random, or the first 16 of a BLAKE2b-256 over length-prefixed parts.
 */
#ifndef CASEPACK_FORMATS_HASH_H
#define CASEPACK_FORMATS_HASH_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/buf.h"

struct cp_hash { uint8_t bytes[32]; };
struct cp_id   { uint8_t bytes[16]; };
struct cp_rev  { uint8_t bytes[8]; };

#define CP_HASH_HEX 65 /* with the final zero byte */
#define CP_ID_HEX   33
#define CP_REV_HEX  17

/* Call once before anything else here; asserts that libsodium works. */
void cp_hash_setup(void);

void cp_hash_bytes(struct cp_hash *out, const void *bytes, size_t len);

/* Keyed BLAKE2b-256; key is 32 bytes. */
void cp_hash_keyed(struct cp_hash *out, const uint8_t key[32], const void *bytes, size_t len);

/* Streaming: begin, add any number of times, end once. */
struct cp_hasher { crypto_generichash_state state; };
void cp_hasher_begin(struct cp_hasher *h);
void cp_hasher_add(struct cp_hasher *h, const void *bytes, size_t len);
/* A part: its length as 8 bytes big-endian, then its bytes. */
void cp_hasher_add_part(struct cp_hasher *h, const void *bytes, size_t len);
void cp_hasher_end(struct cp_hasher *h, struct cp_hash *out);

/*
 * An identifier derived from a kind ("case", "assignment", ...) and parts, each
 * a length-prefixed byte string. parts and lens have n entries.
 */
void cp_id_derive(struct cp_id *out, const char *kind, size_t n,
		const void *const parts[], const size_t lens[]);

void cp_id_random(struct cp_id *out);
void cp_rev_random(struct cp_rev *out);
bool cp_id_equal(const struct cp_id *a, const struct cp_id *b);

/* Lower-case hex with a final zero byte; out has room for 2 * len + 1. Returns out. */
char *cp_hex(char *out, const void *bytes, size_t len);

/* Exactly 2 * len lower-case hex digits and nothing behind; false otherwise. */
bool cp_unhex(void *out, size_t len, const char *hex);

/* Standard base64 with padding (RFC 4648, section 4) into a buffer. */
CP_CHECKED enum cp_code cp_base64_add(struct cp_buf *out, const void *bytes, size_t len, struct cp_err *err);
/* Only letters of base64, "=", and ignored ones? To be asked before libsodium is: 1.0.18 takes some bytes above 127 for "/". */
bool cp_base64_spelled(const char *text, size_t len, const char *ignored);
/* Strict: no white space, right padding. CP_EFORMAT otherwise. text need not end in zero. */
CP_CHECKED enum cp_code cp_base64_read(struct cp_buf *out, const char *text, size_t len, struct cp_err *err);

#endif
