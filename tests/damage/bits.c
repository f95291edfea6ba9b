/*
 * Bundles of a real project with one bit flipped, each in turn, and cut to each length, given to whoever takes such a
 * bundle in: nothing is accepted, and nothing is written.
 *
 *     bits whole     every bit and every length
 *     bits quick     every bit of manifest and signature as far as the merge goes, or of the header of an encrypted one,
 *                    else every 97th, and every 211th length
 *
 * What is written stays written, so the folder that holds everybody's workspaces is looked at behind every 64 damaged
 * bundles: each file by name, size, inode and time of its last change; at the end by its content.
 */
#include "tests/fuzz/hub.h"

#include "formats/text.h"

#define DAMAGED "damaged.casepack"

/* ---- who takes bundles in --------------------------------------------------------------- */

static struct cp_store *hub;

static enum cp_code merge(const char *bundle, struct cp_err *err)
{
	struct cp_merged merged;

	return cp_merge(hub, bundle, &merged, err);
}

static enum cp_code open_again(const char *bundle, struct cp_err *err)
{
	struct cp_opened opened;

	return cp_open(hub_path("anna"), bundle, NULL, NULL, NULL, &opened, err);
}

static enum cp_code open_anew(const char *bundle, struct cp_err *err)
{
	struct cp_opened opened;

	return cp_open(hub_path("fresh"), bundle, hub_path("anna.key"), NULL, NULL, &opened, err);
}

struct sample {
	const char *what, *file;           /* file: in the scene's folder */
	enum cp_code (*take)(const char *bundle, struct cp_err *err);
	size_t head;                       /* of the quick run: as many bytes from the beginning have each bit flipped */
	struct cp_buf bytes;
	size_t flips, cuts, accepted;
};

static struct sample samples[] = {
	{ .what = "a return, merged by its hub", .file = "return.casepack", .take = merge, .head = SIZE_MAX },
	{ .what = "cases, opened by a device that has others", .file = "second.casepack", .take = open_again },
	{ .what = "cases, opened where there is no workspace yet", .file = "first.casepack", .take = open_anew },
	{ .what = "an encrypted return, merged by its hub", .file = "return.casepack.age", .take = merge, .head = 512 },
};
#define SAMPLES (sizeof samples / sizeof *samples)

/* ---- what there is -------------------------------------------------------------------------- */

static void see_file(struct cp_hasher *h, const char *path, bool with_content)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);
	struct stat st;

	MUST(lstat(path, &st) == 0);
	cp_hasher_add_part(h, path, strlen(path));
	if (!S_ISREG(st.st_mode))
		return;
	cp_hasher_add(h, (int64_t[]){ (int64_t)st.st_ino, st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec }, 4 * sizeof(int64_t));
	if (with_content) {
		DONE(cp_file_read(&bytes, path, err));
		cp_hasher_add(h, bytes.data, bytes.len);
	}
}

static bool is_seen(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && strcmp(e->d_name, DAMAGED) != 0 &&
		(n < 4 || strcmp(e->d_name + n - 4, "-shm") != 0); /* locks of SQLite's, no content */
}

static int seen(const struct dirent *e)
{
	return is_seen(e);
}

static void see_folder(struct cp_hasher *h, const char *path, bool with_content)
{
	struct dirent **list;
	int n = scandir(path, &list, seen, alphasort);

	MUST(n >= 0);
	for (int i = 0; i < n; i++) {
		CP_AUTO(str) char *inner = cp_path_join(path, list[i]->d_name);

		see_file(h, inner, with_content);
		if (list[i]->d_type == DT_DIR)
			see_folder(h, inner, with_content);
		free(list[i]);
	}
	free(list);
}

static struct cp_hash see(bool with_content)
{
	struct cp_hasher h;
	struct cp_hash out;

	cp_hasher_begin(&h);
	see_folder(&h, hub_folder, with_content);
	cp_hasher_end(&h, &out);
	return out;
}

static struct cp_hash before, before_whole;
static size_t damages;

static bool is_as_it_was(bool with_content)
{
	struct cp_hash now = see(with_content);

	return memcmp(&now, with_content ? &before_whole : &before, sizeof now) == 0;
}

/* ---- damage -------------------------------------------------------------------------------------- */

/* One damaged bundle: refused as damaged, untrusted, to nobody's key, or as one for others (CP_EINPUT), in one line. */
static void try(struct sample *s, const char *how, size_t at)
{
	struct cp_err err = { CP_OK, "" };
	enum cp_code code = s->take(hub_path(DAMAGED), &err);

	if ((code != CP_EFORMAT && code != CP_ETRUST && code != CP_EKEY && code != CP_EINPUT) || err.text[0] == '\0' ||
			cp_text_has_controls(err.text, strlen(err.text), false)) {
		printf("#   %s, %s %zu: code %d, %s\n", s->what, how, at, code, err.text);
		s->accepted++;
	}
	if (++damages % 64 == 0)
		MUST(is_as_it_was(false));
}

static void flip_bits(struct sample *s, int fd, bool is_whole)
{
	for (size_t bit = 0; bit < s->bytes.len * 8; bit++) {
		char was = s->bytes.data[bit / 8], now = (char)(was ^ (1 << bit % 8));

		if (!is_whole && bit % 97 != 0 && bit / 8 >= s->head)
			continue;
		MUST(pwrite(fd, &now, 1, (off_t)(bit / 8)) == 1);
		try(s, "bit", bit);
		MUST(pwrite(fd, &was, 1, (off_t)(bit / 8)) == 1);
		s->flips++;
	}
}

static void cut(struct sample *s, int fd, bool is_whole)
{
	for (size_t len = s->bytes.len; len-- > 0;) {
		if (!is_whole && len % 211 != 0)
			continue;
		MUST(ftruncate(fd, (off_t)len) == 0);
		try(s, "length", len);
		s->cuts++;
	}
}

static void say(bool good, const char *what, const char *sentence)
{
	printf("%sok - %s: %s\n", good ? "" : "not ", what, sentence);
}

static bool try_sample(struct sample *s, bool is_whole)
{
	int fd;

	if (s->head == SIZE_MAX) { /* its manifest and signature */
		CP_AUTO(bundle) struct cp_bundle *b = NULL;

		DONE(cp_bundle_open(&b, hub_path(s->file), &cp_limits_default, err));
		s->head = s->bytes.len - 1024;
		for (size_t i = 0; i < cp_bundle_manifest(b)->n_parts; i++)
			s->head -= 512 + (cp_bundle_manifest(b)->parts[i].size + 511) / 512 * 512;
	}
	fd = open(hub_path(DAMAGED), O_RDWR | O_CREAT | O_TRUNC, 0644);
	MUST(fd >= 0 && write(fd, s->bytes.data, s->bytes.len) == (ssize_t)s->bytes.len);
	flip_bits(s, fd, is_whole);
	cut(s, fd, is_whole);
	close(fd);
	printf("# %s, %zu bytes: %zu bits flipped, %zu lengths cut, %zu not refused\n", s->what, s->bytes.len, s->flips, s->cuts,
			s->accepted);
	say(s->accepted == 0, s->what, "with any bit flipped, or cut anywhere, it is refused");
	return s->accepted == 0;
}

/* ---- the scene --------------------------------------------------------------------------------------- */

static void keep(struct sample *s, const char *path)
{
	hub_copy_file(path, hub_path(s->file));
	s->bytes = (struct cp_buf)CP_BUF(CP_TEXT_MAX);
	DONE(cp_file_read(&s->bytes, path, err));
}

static void set_up(void)
{
	struct cp_assigned done;

	hub_make();
	keep(&samples[0], hub_find("back", "-from-anna-"));
	keep(&samples[2], hub_find("out", "-to-anna-"));
	hub_return_as("anna", 0);
	keep(&samples[3], hub_find("back", "-from-anna-"));
	DONE(cp_store_open(&hub, hub_path("hub"), err));
	hub_import(hub, "q3");
	DONE(cp_assign(hub, &(struct cp_assign){ .form = "relevance", .guideline = "guide", .pass = 1 }, &done, err));
	hub_pack(hub);
	keep(&samples[1], hub_find("out", "-to-anna-"));
	before = see(false);
	before_whole = see(true);
}

/* Undamaged each of them is taken: it was the damage that was refused. */
static bool take_whole(struct sample *s)
{
	struct cp_err err = { CP_OK, "" };
	bool good = s->take(hub_path(s->file), &err) == CP_OK;

	printf("%sok - %s: undamaged it is taken%s%s\n", good ? "" : "not ", s->what, good ? "" : ": ", err.text);
	return good;
}

int main(int argc, char **argv)
{
	bool is_whole = argc == 2 && strcmp(argv[1], "whole") == 0, good = true;

	if (!is_whole && (argc != 2 || strcmp(argv[1], "quick") != 0))
		return fputs("usage: bits quick | whole\n", stderr), 2;
	set_up();
	for (size_t i = 0; i < SAMPLES; i++)
		good = try_sample(&samples[i], is_whole) && good;
	say(is_as_it_was(true), "every workspace", "no byte of it has changed");
	good = is_as_it_was(true) && good;
	for (size_t i = 0; i < SAMPLES; i++) {
		good = take_whole(&samples[i]) && good;
		cp_buf_drop(&samples[i].bytes);
	}
	cp_store_close(hub);
	return !good;
}
