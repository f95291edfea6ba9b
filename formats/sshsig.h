/*
 * SSHSIG signatures over ed25519 (OpenSSH PROTOCOL.sshsig): what `ssh-keygen -Y
 * sign` writes and `git verify-commit` reads. Hash sha512 only. The page of the
 * format is formats/sshsig.md.
 */
#ifndef CASEPACK_FORMATS_SSHSIG_H
#define CASEPACK_FORMATS_SSHSIG_H

#include "formats/hash.h"

struct cp_pubkey { uint8_t bytes[32]; };
/* libsodium's layout: seed then public key. Wipe with cp_seckey_drop. */
struct cp_seckey { uint8_t bytes[64]; bool is_set; };

/* Wipes the key; NULL-safe. */
void cp_seckey_drop(struct cp_seckey *k);
void cp_seckey_public(struct cp_pubkey *out, const struct cp_seckey *k);

/*
 * Append the armoured signature of message under namespace ns (not empty, at
 * most CP_SSHSIG_NAMESPACE_MAX bytes), 70 columns, final newline only if asked.
 * On a failure out is as it was.
 */
CP_CHECKED enum cp_code cp_sshsig_sign(struct cp_buf *out, const struct cp_seckey *k, const char *ns,
		const void *message, size_t len, bool final_newline, struct cp_err *err);

/*
 * Check an armoured signature. out_signer is set on CP_OK: the key that signed,
 * which the caller must still find on its roster. CP_EFORMAT: not one canonical
 * SSHSIG block over ed25519 and sha512. CP_ETRUST: another namespace, or it does
 * not match the message. One newline behind the last line is optional.
 */
CP_CHECKED enum cp_code cp_sshsig_verify(struct cp_pubkey *out_signer, const char *armor, size_t armor_len,
		const char *ns, const void *message, size_t len, struct cp_err *err);

#define CP_SSHSIG_NAMESPACE_MAX 255
#define CP_SSHSIG_ARMOR_MAX ((size_t)4096) /* bytes; a longer text is CP_EFORMAT */

/*
 * What signatures and key files have in common.
 *
 * The wire (RFC 4251, section 5): a number is 4 bytes, big-endian; a string is
 * its length as such a number, then its bytes. A reader is a view of bytes that
 * somebody else owns; each step that does not fit returns false and moves nothing.
 */
struct cp_sshwire {
	const uint8_t *at;
	size_t left;
};

bool cp_sshwire_u32(struct cp_sshwire *r, uint32_t *out);
/* out views the string's bytes. */
bool cp_sshwire_string(struct cp_sshwire *r, struct cp_sshwire *out);
/* A string of exactly len bytes, copied. */
bool cp_sshwire_copy(struct cp_sshwire *r, void *out, size_t len);
/* A string of exactly these characters. */
bool cp_sshwire_expect(struct cp_sshwire *r, const char *text);
bool cp_sshwire_is(const struct cp_sshwire *view, const char *text);
/* A name for people: what is in view if it is short and plain, "of no known name" otherwise. Returns out. */
const char *cp_sshwire_show(char out[64], const struct cp_sshwire *view);

CP_CHECKED enum cp_code cp_sshwire_add_u32(struct cp_buf *out, uint32_t n, struct cp_err *err);
CP_CHECKED enum cp_code cp_sshwire_add(struct cp_buf *out, const void *bytes, size_t len, struct cp_err *err);

/* A public key as the wire spells it: string "ssh-ed25519", string of 32 bytes. */
CP_CHECKED enum cp_code cp_pubkey_add(struct cp_buf *out, const struct cp_pubkey *k, struct cp_err *err);
/* Exactly that and nothing behind; false otherwise. */
bool cp_pubkey_from(struct cp_pubkey *out, struct cp_sshwire view);

/* "-----BEGIN WHAT-----", base64 in lines of 70 columns, "-----END WHAT-----" without a newline behind. */
CP_CHECKED enum cp_code cp_ssharmor_add(struct cp_buf *out, const char *what, const void *bytes, size_t len,
		struct cp_err *err);
/*
 * The bytes inside one such block, whatever its line breaks; white space may
 * follow it, nothing else may. False when it is not such a block or out, which
 * holds at most out->max bytes, has no room. Appends; out grows once at most.
 */
bool cp_ssharmor_read(struct cp_buf *out, const char *what, const char *text, size_t len);

/* A buffer that held secrets: wiped, then freed. CP_AUTO(secret) struct cp_buf b = ...; */
void cp_secret_drop(struct cp_buf *b);

#endif
