#include "sync/textmerge.h"

#include <git2.h>
#include <string.h>

#define MARK 7          /* git's own */
#define MARK_MOST 200   /* nobody's text has lines that begin so; libgit2 takes a short */

/* How many of < or > the line begins with. */
static size_t mark_at(const char *line, const char *end)
{
	const char *p = line;

	while (p < end && (*p == '<' || *p == '>') && *p == *line)
		p++;
	return (size_t)(p - line);
}

static const char *next_line(const char *line, const char *end)
{
	const char *stop = memchr(line, '\n', (size_t)(end - line));

	return stop ? stop + 1 : end;
}

static size_t longest_mark(const struct cp_merge_side *side)
{
	size_t longest = 0;

	for (const char *p = side->text, *end = p + side->len; p < end; p = next_line(p, end))
		if (mark_at(p, end) > longest)
			longest = mark_at(p, end);
	return longest;
}

bool cp_textmerge_is_marked(const char *text, size_t len)
{
	for (const char *p = text, *end = p + len; p < end; p = next_line(p, end)) {
		const char *behind = p + mark_at(p, end);

		if (behind - p >= MARK && (behind == end || strchr(" \r\n", *behind) != NULL))
			return true;
	}
	return false;
}

/* No side has a line that begins with this many, so each that does is a mark. */
static size_t count_marks(const char *text, size_t len, size_t size)
{
	size_t n = 0;

	for (const char *p = text, *end = p + len; p < end; p = next_line(p, end))
		n += *p == '<' && mark_at(p, end) == size;
	return n;
}

static git_merge_file_input input_of(const struct cp_merge_side *side)
{
	return (git_merge_file_input){ GIT_MERGE_FILE_INPUT_VERSION, side->text ? side->text : "", side->len, NULL, 0 };
}

static enum cp_code merge_two(struct cp_buf *out, size_t *overlaps, const struct cp_merge_side *base,
		const struct cp_merge_side *ours, const struct cp_merge_side *theirs, struct cp_err *err)
{
	const struct cp_merge_side *const all[] = { base, ours, theirs };
	git_merge_file_options options = { .version = GIT_MERGE_FILE_OPTIONS_VERSION };
	git_merge_file_input in[3];
	git_merge_file_result merged = { 0 };
	size_t size = MARK;
	enum cp_code code;

	for (int i = 0; i < 3; i++) {
		in[i] = input_of(all[i]);
		size = longest_mark(all[i]) >= size ? longest_mark(all[i]) + 1 : size;
	}
	size = size < MARK_MOST ? size : MARK_MOST;
	options.our_label = ours->label;
	options.their_label = theirs->label;
	options.flags = GIT_MERGE_FILE_SIMPLIFY_ALNUM; /* as `git merge-file` has it */
	options.marker_size = (unsigned short)size;
	if (git_libgit2_init() < 0 || /* counts; starts only once */
			git_merge_file(&merged, &in[0], &in[1], &in[2], &options) != 0)
		return cp_fail(err, CP_EIO, "merging %s and %s: %s", ours->label, theirs->label,
				git_error_last() ? git_error_last()->message : "out of memory");
	code = cp_buf_add(out, merged.ptr ? merged.ptr : "", merged.len, err);
	*overlaps += merged.automergeable ? 0 : count_marks(merged.ptr, merged.len, size);
	git_merge_file_result_free(&merged);
	return code;
}

enum cp_code cp_textmerge(struct cp_buf *out, size_t *out_overlaps, const struct cp_merge_side *base,
		const struct cp_merge_side *sides, size_t n, struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf whole = CP_BUF(out->max), next = CP_BUF(out->max);
	struct cp_merge_side so_far = sides[0];

	*out_overlaps = 0;
	for (size_t i = 1; i < n; i++) {
		cp_buf_clear(&next);
		CP_TRY(merge_two(&next, out_overlaps, base, &so_far, &sides[i], err));
		cp_buf_drop(&whole);
		whole = next;
		next = (struct cp_buf)CP_BUF(out->max);
		so_far = (struct cp_merge_side){ "those before it, merged", whole.data, whole.len };
	}
	return cp_buf_add(out, so_far.text ? so_far.text : "", so_far.len, err);
}
