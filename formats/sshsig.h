/*
 * SSHSIG signatures over ed25519 (OpenSSH PROTOCOL.sshsig): what `ssh-keygen -Y
 * sign` writes and `git verify-commit` reads. Hash sha512 only.
 */
#ifndef CASEPACK_FORMATS_SSHSIG_H
#define CASEPACK_FORMATS_SSHSIG_H

#include "formats/hash.h"

struct cp_pubkey { uint8_t bytes[32]; };
/* libsodium's layout: seed then public key. Wipe with cp_seckey_drop. */
struct cp_seckey { uint8_t bytes[64]; bool is_set; };

void cp_seckey_drop(struct cp_seckey *k);
void cp_seckey_public(struct cp_pubkey *out, const struct cp_seckey *k);

/* Append the armoured signature of message under namespace ns, 70 columns, final newline only if asked. */
CP_CHECKED enum cp_code cp_sshsig_sign(struct cp_buf *out, const struct cp_seckey *k, const char *ns,
		const void *message, size_t len, bool final_newline, struct cp_err *err);

/*
 * Check an armoured signature. out_signer is set on CP_OK: the key that signed,
 * which the caller must still find on its roster. CP_EFORMAT: not one canonical
 * SSHSIG block over ed25519 and sha512. CP_ETRUST: another namespace, or it does
 * not match the message.
 */
CP_CHECKED enum cp_code cp_sshsig_verify(struct cp_pubkey *out_signer, const char *armor, size_t armor_len,
		const char *ns, const void *message, size_t len, struct cp_err *err);

#endif
