#include "sync/textblame.h"

#include <stdlib.h>
#include <string.h>

#include "formats/text.h"

/* One line of the tip, and where it stands in the version that is suspected now. */
struct line { size_t version, at; };

struct blame {
	const struct cp_blame_version *versions;
	cp_blame_load *load;
	void *user;
	struct line *lines; size_t n;
};

static void cp_blame_drop(struct blame *b)
{
	free(b->lines);
}

static void texts_drop(struct cp_buf *list, size_t n)
{
	for (size_t i = 0; list != NULL && i < n; i++)
		cp_buf_drop(&list[i]);
	free(list);
}

static const char *bytes_of(const struct cp_buf *text)
{
	return text->data != NULL ? text->data : "";
}

static bool is_same(const struct cp_buf *a, const struct cp_buf *b)
{
	return a->len == b->len && memcmp(bytes_of(a), bytes_of(b), a->len) == 0;
}

static bool suspects(const struct blame *b, size_t version)
{
	for (size_t k = 0; k < b->n; k++)
		if (b->lines[k].version == version)
			return true;
	return false;
}

/* The text is the parent's: so is every line. */
static void pass_all(struct blame *b, size_t version, size_t parent)
{
	for (size_t k = 0; k < b->n; k++)
		if (b->lines[k].version == version)
			b->lines[k].version = parent;
}

/* The parent takes the lines that it has. */
static enum cp_code pass(struct blame *b, size_t version, const struct cp_buf *mine, size_t parent, const struct cp_buf *its,
		struct cp_err *err)
{
	size_t *from, n;

	CP_TRY(cp_text_pair(&from, &n, bytes_of(its), its->len, bytes_of(mine), mine->len, err));
	for (size_t k = 0; k < b->n; k++)
		if (b->lines[k].version == version && from[b->lines[k].at] != CP_LINE_NEW)
			b->lines[k] = (struct line){ parent, from[b->lines[k].at] };
	free(from);
	return CP_OK;
}

/* texts[0] is the version's own, the others its parents'. */
static enum cp_code ask_parents(struct blame *b, size_t version, struct cp_buf *texts, struct cp_err *err)
{
	const struct cp_blame_version *v = &b->versions[version];

	CP_TRY(b->load(b->user, version, &texts[0], err));
	for (size_t p = 0; p < v->n_parents; p++) {
		CP_TRY(b->load(b->user, v->parents[p], &texts[p + 1], err));
		if (is_same(&texts[0], &texts[p + 1])) {
			pass_all(b, version, v->parents[p]);
			return CP_OK;
		}
	}
	for (size_t p = 0; p < v->n_parents; p++)
		CP_TRY(pass(b, version, &texts[0], v->parents[p], &texts[p + 1], err));
	return CP_OK;
}

static enum cp_code settle(struct blame *b, size_t version, struct cp_err *err)
{
	size_t n = b->versions[version].n_parents + 1;
	struct cp_buf *texts;
	enum cp_code code;

	if (n == 1 || !suspects(b, version))
		return CP_OK;
	texts = calloc(n, sizeof *texts);
	if (texts == NULL)
		return cp_fail(err, CP_EIO, "out of memory");
	for (size_t i = 0; i < n; i++)
		texts[i] = (struct cp_buf)CP_BUF(CP_TEXT_MAX);
	code = ask_parents(b, version, texts, err);
	texts_drop(texts, n);
	return code;
}

/* At first the tip is suspected of all its lines. */
static enum cp_code begin(struct blame *b, size_t tip, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf body = CP_BUF(CP_TEXT_MAX);
	size_t *from;

	CP_TRY(b->load(b->user, tip, &body, err));
	CP_TRY(cp_text_pair(&from, &b->n, "", 0, bytes_of(&body), body.len, err));
	free(from);
	b->lines = calloc(b->n + 1, sizeof *b->lines);
	if (b->lines == NULL)
		return cp_fail(err, CP_EIO, "out of memory for %zu lines", b->n);
	for (size_t k = 0; k < b->n; k++)
		b->lines[k] = (struct line){ tip, k };
	return CP_OK;
}

enum cp_code cp_textblame(size_t **out, size_t *n, const struct cp_blame_version *versions, size_t tip,
		cp_blame_load *load, void *user, struct cp_err *err)
{
	CP_AUTO(blame) struct blame b = { .versions = versions, .load = load, .user = user };
	size_t *who;

	CP_TRY(begin(&b, tip, err));
	for (size_t v = tip + 1; v-- > 0;) /* children before their parents */
		CP_TRY(settle(&b, v, err));
	who = calloc(b.n + 1, sizeof *who);
	if (who == NULL)
		return cp_fail(err, CP_EIO, "out of memory for %zu lines", b.n);
	for (size_t k = 0; k < b.n; k++)
		who[k] = b.lines[k].version;
	*out = who;
	*n = b.n;
	return CP_OK;
}
