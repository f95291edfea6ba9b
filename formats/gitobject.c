#include "formats/gitobject.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "formats/sha1.h"
#include "formats/text.h"

#define ARMOR_BEGIN "-----BEGIN SSH SIGNATURE-----\n"
#define ARMOR_END   "\n-----END SSH SIGNATURE-----"

/* ---- what may stand where ----------------------------------------------------------- */

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool is_hex(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
			return false;
	return true;
}

static bool oid_valid(const struct cp_oid *oid)
{
	return strnlen(oid->hex, sizeof(oid->hex)) == 40 && is_hex(oid->hex, 40);
}

static bool name_valid(const char *text, size_t len)
{
	if (len == 0 || len > 127 || text[0] == ' ' || text[len - 1] == ' ' || !cp_utf8_valid(text, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (is_control(text[i]) || text[i] == '<' || text[i] == '>')
			return false;
	return true;
}

static bool email_valid(const char *text, size_t len)
{
	return name_valid(text, len) && memchr(text, ' ', len) == NULL;
}

static bool message_valid(const char *text, size_t len)
{
	if (len < 2 || text[0] == '\n' || text[len - 1] != '\n' || text[len - 2] == '\n')
		return false;
	for (size_t i = 0; i < len; i++)
		if (is_control(text[i]) && text[i] != '\n' && text[i] != '\t')
			return false;
	return cp_utf8_valid(text, len);
}

/* Begins and ends as an SSH signature does; the lines between are not empty and have no spaces. */
static bool armor_valid(const char *text, size_t len)
{
	const size_t begin = sizeof(ARMOR_BEGIN) - 1, end = sizeof(ARMOR_END) - 1;

	if (len <= begin + end || memcmp(text, ARMOR_BEGIN, begin) != 0
			|| memcmp(text + len - end, ARMOR_END, end) != 0)
		return false;
	for (size_t i = begin; i < len - end; i++) {
		if (text[i] == '\n' ? text[i - 1] == '\n' : text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return text[len - end - 1] != '\n';
}

/* ---- commits: reading --------------------------------------------------------------- */

struct cursor { const char *start, *at, *end; };

static enum cp_code bad(const struct cursor *c, struct cp_err *err, const char *what)
{
	return cp_fail(err, CP_EFORMAT, "commit object, byte %zu: %s", (size_t)(c->at - c->start), what);
}

static bool take(struct cursor *c, const char *word)
{
	const size_t len = strlen(word);

	if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0)
		return false;
	c->at += len;
	return true;
}

/* The bytes up to stop, which is passed over; NULL when this line ends before it. */
static const char *take_until(struct cursor *c, char stop, size_t *out_len)
{
	const char *from = c->at;

	for (const char *p = from; p < c->end; p++) {
		if (*p == stop) {
			*out_len = (size_t)(p - from);
			c->at = p + 1;
			return from;
		}
		if (*p == '\n')
			break;
	}
	return NULL;
}

static enum cp_code take_oid(struct cursor *c, struct cp_oid *out, struct cp_err *err)
{
	if (c->end - c->at < 41 || !is_hex(c->at, 40) || c->at[40] != '\n')
		return bad(c, err, "an object name has 40 lower-case hex digits");
	memcpy(out->hex, c->at, 40);
	out->hex[40] = '\0';
	c->at += 41;
	return CP_OK;
}

static enum cp_code take_seconds(struct cursor *c, int64_t *out, struct cp_err *err)
{
	const char *from = c->at;
	int64_t seconds = 0;

	while (c->at < c->end && c->at - from < 13 && *c->at >= '0' && *c->at <= '9')
		seconds = seconds * 10 + (*c->at++ - '0');
	if (c->at == from || (*from == '0' && c->at - from > 1) || seconds > CP_COMMIT_SECONDS_MAX)
		return bad(c, err, "a time is plain decimal seconds up to the year 9999");
	*out = seconds;
	if (!take(c, " +0000\n"))
		return bad(c, err, "a time ends in the zone +0000 and a newline");
	return CP_OK;
}

static enum cp_code take_ident(struct cursor *c, const char *header, struct cp_ident *out, struct cp_err *err)
{
	const char *text;
	size_t len = 0;

	if (!take(c, header))
		return bad(c, err, "tree, parents, author and committer must stand here in this order");
	text = take_until(c, '<', &len);
	if (text == NULL || len < 1 || text[len - 1] != ' ' || !name_valid(text, len - 1))
		return bad(c, err, "not a name that casepack writes");
	memcpy(out->name, text, len - 1);
	out->name[len - 1] = '\0';
	text = take_until(c, '>', &len);
	if (text == NULL || !email_valid(text, len))
		return bad(c, err, "not an address that casepack writes");
	memcpy(out->email, text, len);
	out->email[len] = '\0';
	if (!take(c, " "))
		return bad(c, err, "no time behind the address");
	return take_seconds(c, &out->seconds, err);
}

/* gpgsig's value with the continuation spaces taken away; leaves out->signature NULL when there is none. */
static enum cp_code take_signature(struct cursor *c, struct cp_commit *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf armor = CP_BUF(CP_COMMIT_MAX);
	const char *line;
	size_t len = 0;

	if (!take(c, "gpgsig "))
		return CP_OK;
	do {
		line = take_until(c, '\n', &len);
		if (line == NULL)
			return bad(c, err, "the signature is cut short");
		CP_TRY(cp_buf_add(&armor, line, len + 1, err));
	} while (take(c, " "));
	armor.data[--armor.len] = '\0';
	if (!armor_valid(armor.data, armor.len))
		return bad(c, err, "the signature is not an SSH signature");
	out->signature = cp_buf_detach(&armor);
	return CP_OK;
}

static enum cp_code copy_bytes(char **out, const char *bytes, size_t len, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf copy = CP_BUF(CP_COMMIT_MAX);

	CP_TRY(cp_buf_add(&copy, bytes, len, err));
	*out = cp_buf_detach(&copy);
	return CP_OK;
}

/* What is left behind the headers, and what the signature covers: all but the gpgsig header. */
static enum cp_code take_message(struct cursor *c, const char *sig_from, const char *sig_to,
		struct cp_commit *out, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf payload = CP_BUF(CP_COMMIT_MAX);

	if (!take(c, "\n"))
		return bad(c, err, "a header that casepack does not write");
	if (!message_valid(c->at, (size_t)(c->end - c->at)))
		return bad(c, err, "a message is UTF-8 that ends in one newline and has no control characters");
	CP_TRY(copy_bytes(&out->message, c->at, (size_t)(c->end - c->at), err));
	CP_TRY(cp_buf_add(&payload, c->start, (size_t)(sig_from - c->start), err));
	CP_TRY(cp_buf_add(&payload, sig_to, (size_t)(c->end - sig_to), err));
	out->payload_len = payload.len;
	out->payload = cp_buf_detach(&payload);
	return CP_OK;
}

enum cp_code cp_commit_read(struct cp_commit *out, const void *bytes, size_t len, struct cp_err *err)
{
	CP_AUTO(commit) struct cp_commit commit = { 0 };
	struct cursor c = { bytes, bytes, bytes };
	const char *sig_from;

	if (len == 0 || len > CP_COMMIT_MAX)
		return cp_fail(err, CP_EFORMAT, "commit object of %zu bytes: the limits are 1 and %zu", len,
				CP_COMMIT_MAX);
	c.end += len;
	if (!take(&c, "tree "))
		return bad(&c, err, "a commit begins with its tree");
	CP_TRY(take_oid(&c, &commit.tree, err));
	while (commit.n_parents < 2 && take(&c, "parent "))
		CP_TRY(take_oid(&c, &commit.parents[commit.n_parents++], err));
	CP_TRY(take_ident(&c, "author ", &commit.author, err));
	CP_TRY(take_ident(&c, "committer ", &commit.committer, err));
	sig_from = c.at;
	CP_TRY(take_signature(&c, &commit, err));
	CP_TRY(take_message(&c, sig_from, c.at, &commit, err));
	*out = commit;
	commit = (struct cp_commit){ 0 };
	return CP_OK;
}

void cp_commit_drop(struct cp_commit *c)
{
	if (c == NULL)
		return;
	free(c->message);
	free(c->signature);
	free(c->payload);
	*c = (struct cp_commit){ 0 };
}

/* ---- commits: writing --------------------------------------------------------------- */

static enum cp_code print_ident(struct cp_buf *out, const char *header, const struct cp_ident *who,
		struct cp_err *err)
{
	if (!name_valid(who->name, strnlen(who->name, sizeof(who->name)))
			|| !email_valid(who->email, strnlen(who->email, sizeof(who->email))))
		return cp_fail(err, CP_EFORMAT, "%s: a commit cannot carry this name or address", header);
	if (who->seconds < 0 || who->seconds > CP_COMMIT_SECONDS_MAX)
		return cp_fail(err, CP_EFORMAT, "%s: a commit cannot carry the time %" PRId64, header, who->seconds);
	return cp_buf_printf(out, err, "%s %s <%s> %" PRId64 " +0000\n", header, who->name, who->email,
			who->seconds);
}

static enum cp_code print_headers(struct cp_buf *out, const struct cp_commit *c, struct cp_err *err)
{
	assert(c->n_parents <= 2);
	if (!oid_valid(&c->tree))
		return cp_fail(err, CP_EFORMAT, "a commit needs its tree's name");
	CP_TRY(cp_buf_printf(out, err, "tree %s\n", c->tree.hex));
	for (size_t i = 0; i < c->n_parents; i++) {
		if (!oid_valid(&c->parents[i]))
			return cp_fail(err, CP_EFORMAT, "a commit's parent has no valid name");
		CP_TRY(cp_buf_printf(out, err, "parent %s\n", c->parents[i].hex));
	}
	CP_TRY(print_ident(out, "author", &c->author, err));
	return print_ident(out, "committer", &c->committer, err);
}

static enum cp_code print_message(struct cp_buf *out, const struct cp_commit *c, struct cp_err *err)
{
	if (c->message == NULL || !message_valid(c->message, strlen(c->message)))
		return cp_fail(err, CP_EFORMAT, "a commit message is UTF-8 that ends in one newline"
				" and has no control characters");
	CP_TRY(cp_buf_puts(out, "\n", err));
	return cp_buf_puts(out, c->message, err);
}

static enum cp_code print_signature(struct cp_buf *out, const char *armor, struct cp_err *err)
{
	const char *line = armor, *end;

	if (!armor_valid(armor, strlen(armor)))
		return cp_fail(err, CP_EFORMAT, "a commit cannot carry this signature");
	CP_TRY(cp_buf_puts(out, "gpgsig", err));
	for (; line != NULL; line = end == NULL ? NULL : end + 1) {
		end = strchr(line, '\n');
		CP_TRY(cp_buf_puts(out, " ", err));
		CP_TRY(cp_buf_add(out, line, end == NULL ? strlen(line) : (size_t)(end - line), err));
		CP_TRY(cp_buf_puts(out, "\n", err));
	}
	return CP_OK;
}

static enum cp_code print_whole(struct cp_buf *out, const struct cp_commit *c, const char *armor,
		struct cp_err *err)
{
	const size_t before = out->len;

	CP_TRY(print_headers(out, c, err));
	if (armor != NULL)
		CP_TRY(print_signature(out, armor, err));
	CP_TRY(print_message(out, c, err));
	if (out->len - before > CP_COMMIT_MAX)
		return cp_fail(err, CP_EFORMAT, "a commit of %zu bytes: the limit is %zu", out->len - before,
				CP_COMMIT_MAX);
	return CP_OK;
}

enum cp_code cp_commit_print(struct cp_buf *out, const struct cp_commit *c, struct cp_err *err)
{
	return print_whole(out, c, NULL, err);
}

enum cp_code cp_commit_print_signed(struct cp_buf *out, const struct cp_commit *c, const char *armor,
		struct cp_err *err)
{
	assert(armor != NULL);
	return print_whole(out, c, armor, err);
}

/* ---- commits: what they say --------------------------------------------------------- */

enum cp_code cp_commit_signer(struct cp_pubkey *out, const struct cp_commit *c, struct cp_err *err)
{
	if (c->signature == NULL)
		return cp_fail(err, CP_ETRUST, "a commit by %s is not signed", c->committer.email);
	return cp_sshsig_verify(out, c->signature, strlen(c->signature), "git", c->payload, c->payload_len, err);
}

bool cp_commit_trailer(const struct cp_commit *c, const char *name, size_t n, const char **out, size_t *out_len)
{
	const size_t name_len = strlen(name);
	const char *line = NULL, *end;

	for (const char *p = c->message; (p = strstr(p, "\n\n")) != NULL; p++)
		line = p + 2;
	for (; line != NULL && *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (end == NULL)
			return false;
		if (strncmp(line, name, name_len) == 0 && strncmp(line + name_len, ": ", 2) == 0 && n-- == 0) {
			*out = line + name_len + 2;
			*out_len = (size_t)(end - *out);
			return true;
		}
	}
	return false;
}

/* ---- trees -------------------------------------------------------------------------- */

/* Code points that a file system may drop from a name, or that turn its direction: U+200B-200F,
 * U+202A-202E, U+2060-206F, U+FEFF. text is valid UTF-8. */
static bool has_invisible(const char *text, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++) {
		const uint8_t *p = (const uint8_t *)text + i;

		if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
			return true;
		if (p[0] != 0xe2)
			continue;
		if (p[1] == 0x80 && ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae)))
			return true;
		if (p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf)
			return true;
	}
	return false;
}

bool cp_tree_name_valid(const char *name, size_t len)
{
	static const char attributes[] = ".gitattributes";

	if (len == 0 || len > 255 || !cp_utf8_valid(name, len) || has_invisible(name, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (is_control(name[i]) || name[i] == '/' || name[i] == '\\')
			return false;
	if ((len == 1 && name[0] == '.') || (len == 2 && memcmp(name, "..", 2) == 0))
		return false;
	if (len == sizeof(attributes) - 1 && memcmp(name, attributes, len) == 0)
		return true;
	return !(len >= 4 && (strncasecmp(name, ".git", 4) == 0 || strncasecmp(name, "git~", 4) == 0));
}

int cp_tree_order(const struct cp_tree_entry *a, const struct cp_tree_entry *b)
{
	const size_t min = a->name_len < b->name_len ? a->name_len : b->name_len;
	const int c = memcmp(a->name, b->name, min);
	unsigned char next_a, next_b;

	if (c != 0)
		return c;
	next_a = a->name_len > min ? (unsigned char)a->name[min] : a->is_folder ? '/' : 0;
	next_b = b->name_len > min ? (unsigned char)b->name[min] : b->is_folder ? '/' : 0;
	return (int)next_a - (int)next_b;
}

static enum cp_code bad_tree(size_t at, struct cp_err *err, const char *what)
{
	return cp_fail(err, CP_EFORMAT, "tree object, byte %zu: %s", at, what);
}

enum cp_code cp_tree_next(struct cp_tree_entry *entry, const void *bytes, size_t len, size_t *at,
		struct cp_err *err)
{
	static const uint8_t zeros[20];
	struct cp_tree_entry next = { 0 };
	struct cursor c;
	const char *nul;

	if (*at == len) {
		*entry = next;
		return CP_OK;
	}
	c = (struct cursor){ bytes, (const char *)bytes + *at, (const char *)bytes + len };
	next.is_folder = take(&c, "40000 ");
	if (!next.is_folder && !take(&c, "100644 "))
		return bad_tree(*at, err, "neither a plain file nor a folder");
	nul = memchr(c.at, '\0', (size_t)(c.end - c.at));
	if (nul == NULL || c.end - nul < 21)
		return bad_tree(*at, err, "cut short");
	next.name = c.at;
	next.name_len = (size_t)(nul - c.at);
	memcpy(next.oid, nul + 1, 20);
	if (!cp_tree_name_valid(next.name, next.name_len))
		return bad_tree(*at, err, "a name that may not stand in a tree");
	if (memcmp(next.oid, zeros, 20) == 0)
		return bad_tree(*at, err, "an object name of zeros");
	if (entry->name != NULL && cp_tree_order(entry, &next) >= 0)
		return bad_tree(*at, err, "entries out of order");
	*entry = next;
	*at = (size_t)(nul + 21 - c.start);
	return CP_OK;
}

static enum cp_code bad_name(const struct cp_tree_entry *entry, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(8192);

	if (cp_text_shown(&shown, entry->name, entry->name_len, false, NULL) != CP_OK || shown.len == 0)
		return cp_fail(err, CP_EINPUT, "the name of a file is UTF-8 and not empty");
	return cp_fail(err, CP_EINPUT, "\"%s\" may not be the name of a file", shown.data);
}

enum cp_code cp_tree_add(struct cp_buf *out, const struct cp_tree_entry *entry, struct cp_err *err)
{
	const char *mode = entry->is_folder ? "40000 " : "100644 ";
	const size_t len = strlen(mode) + entry->name_len + 1 + sizeof(entry->oid);

	if (!cp_tree_name_valid(entry->name, entry->name_len))
		return bad_name(entry, err);
	CP_TRY(cp_buf_room(out, len, err));
	CP_TRY(cp_buf_puts(out, mode, err));
	CP_TRY(cp_buf_add(out, entry->name, entry->name_len, err));
	CP_TRY(cp_buf_add(out, "", 1, err));
	return cp_buf_add(out, entry->oid, sizeof(entry->oid), err);
}

enum cp_code cp_tree_read_single(struct cp_oid *out_blob, const char *name, const void *bytes, size_t len,
		struct cp_err *err)
{
	struct cp_tree_entry entry = { 0 };
	size_t at = 0;

	CP_TRY(cp_tree_next(&entry, bytes, len, &at, err));
	if (entry.name == NULL || entry.is_folder || strcmp(entry.name, name) != 0 || at != len)
		return cp_fail(err, CP_EFORMAT, "tree object: it must hold the one file %s and nothing else", name);
	cp_hex(out_blob->hex, entry.oid, sizeof(entry.oid));
	return CP_OK;
}

/* ---- names -------------------------------------------------------------------------- */

void cp_object_name(struct cp_oid *out, const char *type, const void *bytes, size_t len)
{
	uint8_t sum[CP_SHA1];
	struct cp_sha1 s;
	char head[64];
	int n = snprintf(head, sizeof(head), "%s %zu", type, len);

	cp_sha1_begin(&s);
	cp_sha1_add(&s, head, (size_t)n + 1);
	cp_sha1_add(&s, bytes, len);
	cp_sha1_end(&s, sum);
	cp_hex(out->hex, sum, sizeof(sum));
}
