/*
 * OpenSSH ed25519 key files, private ones through libssh (openssh-key-v1, PROTOCOL.key).
 *
 * libssh crashes on some ciphers and puts no bound on KDF rounds, so cipher and
 * rounds are read by us first: none, aes-ctr and aes-cbc, at most 256 rounds.
 * libssh sees protected files only, and only those that passed.
 *
 * libssh cannot be told how to lock a file: 0.10 always takes aes128-cbc with 16
 * rounds of bcrypt and an empty comment. `ssh-keygen -p -Z aes256-ctr -f PATH`
 * locks it anew with another cipher that is read here just as well.
 */
#ifndef CASEPACK_FORMATS_SSHKEY_H
#define CASEPACK_FORMATS_SSHKEY_H

#include "formats/sshsig.h"

/* A new random key pair: PATH (0600) and PATH.pub ("ssh-ed25519 BASE64 COMMENT"). passphrase may be NULL
 * or empty: unprotected. CP_EINPUT when either file is there already, or when comment (may be NULL or empty;
 * 256 bytes at most) has control characters. On a failure neither file is left behind. */
CP_CHECKED enum cp_code cp_sshkey_generate(const char *path, const char *comment, const char *passphrase,
		struct cp_err *err);

/* Does the private key at path ask for a passphrase? Needs none itself. CP_EKEY: absent. CP_EFORMAT as
 * cp_sshkey_read, so what would be refused is refused before anybody is asked for a passphrase. */
CP_CHECKED enum cp_code cp_sshkey_is_protected(bool *out, const char *path, struct cp_err *err);

/* The public half as the private file holds it in the open: no passphrase. Failures as above. */
CP_CHECKED enum cp_code cp_sshkey_public(struct cp_pubkey *out, const char *path, struct cp_err *err);

/* Read it. CP_EKEY: absent, protected and passphrase is NULL or empty, or the wrong passphrase (a damaged
 * protected file looks the same). A passphrase that an unprotected file does not need is ignored.
 * CP_EFORMAT: not an OpenSSH ed25519 private key, or a cipher or rounds we refuse
 * (the words name `ssh-keygen -p -Z aes256-ctr`). out is set on CP_OK only. */
CP_CHECKED enum cp_code cp_sshkey_read(struct cp_seckey *out, const char *path, const char *passphrase,
		struct cp_err *err);

/* "ssh-ed25519 BASE64[ COMMENT]", one line, the newline optional. len excludes any zero byte. */
CP_CHECKED enum cp_code cp_pubkey_read(struct cp_pubkey *out, const char *line, size_t len, struct cp_err *err);
/* Appends "ssh-ed25519 BASE64" without comment or newline. */
CP_CHECKED enum cp_code cp_pubkey_print(struct cp_buf *out, const struct cp_pubkey *k, struct cp_err *err);
/* Appends "SHA256:..." as `ssh-keygen -lf` prints it. */
CP_CHECKED enum cp_code cp_pubkey_fingerprint(struct cp_buf *out, const struct cp_pubkey *k, struct cp_err *err);

/* The first 128 bits of that hash as eight words to read aloud, joined by hyphens: proquints, five letters for 16 bits
 * (D. S. Wilkerson, "A Proposal for Proquints", arXiv:0901.4016). */
#define CP_FINGERPRINT_WORDS 8
CP_CHECKED enum cp_code cp_pubkey_words(struct cp_buf *out, const struct cp_pubkey *k, struct cp_err *err);
/* Does text say that fingerprint: those words, however separated and in whatever letters, or "SHA256:..." exactly? */
CP_CHECKED enum cp_code cp_pubkey_fits(const struct cp_pubkey *k, const char *text, bool *out, struct cp_err *err);

/* A passphrase to be written down once: five such words, 80 random bits. */
#define CP_PASSPHRASE_WORDS 5
#define CP_PASSPHRASE_SIZE (6 * CP_PASSPHRASE_WORDS)
void cp_passphrase_random(char out[CP_PASSPHRASE_SIZE]);

#endif
