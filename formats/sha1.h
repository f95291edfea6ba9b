/*
 * SHA-1 (FIPS 180-4), for the checksums of git's pack and index files. They say whether a file is
 * whole, and prove nothing: what must be proven is named by libgit2, or signed.
 */
#ifndef CASEPACK_FORMATS_SHA1_H
#define CASEPACK_FORMATS_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define CP_SHA1 20

/* Streaming: begin, add any number of times, end once. */
struct cp_sha1 { uint32_t h[5]; uint64_t len; uint8_t block[64]; };
void cp_sha1_begin(struct cp_sha1 *s);
void cp_sha1_add(struct cp_sha1 *s, const void *bytes, size_t len);
void cp_sha1_end(struct cp_sha1 *s, uint8_t out[CP_SHA1]);

#endif
