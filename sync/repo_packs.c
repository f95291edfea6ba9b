#include "sync/repo_packs.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/file.h"
#include "formats/sha1.h"

#define STEM      45 /* "pack-" and 40 hex digits */
#define HEAD      12 /* of a pack: "PACK", version 2, number of objects */
#define FAN       8  /* of an index: 256 counts behind its magic and version */
#define NAMES     (FAN + 256 * 4)
#define OFS_DELTA 6
#define PACK_MOST ((uint64_t)1 << 31) /* beyond it an index needs a further table */

struct map { const uint8_t *bytes; size_t len; };

struct pack {
	char stem[STEM + 1];
	struct timespec made;
	uint64_t size;
	struct map data, index;
	size_t n;
};
struct packs { struct pack *list; size_t n, room; };

/* An object of one of the packs: its name as it lies in the index, its bytes from at on. */
struct entry { const uint8_t *name; uint32_t crc, at, len, pack; };
struct entries { struct entry *list; size_t n, room; };

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, size_t x)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(x >> (24 - 8 * i));
}

static char *path_of(const char *folder, const char *stem, const char *end)
{
	char name[STEM + 16];

	snprintf(name, sizeof name, "%s%s", stem, end);
	return cp_path_join(folder, name);
}

/* ---- which ---------------------------------------------------------------------------------- */

static void note(struct packs *p, const char *stem)
{
	if (p->n == p->room) {
		p->room = p->room * 2 + 64;
		p->list = reallocarray(p->list, p->room, sizeof *p->list);
		assert(p->list != NULL);
	}
	memset(&p->list[p->n], 0, sizeof *p->list);
	memcpy(p->list[p->n++].stem, stem, STEM);
}

/* None where there is an index over many packs. */
static enum cp_code list(const char *folder, struct packs *p, struct cp_err *err)
{
	struct dirent *e;
	DIR *d = opendir(folder);

	if (d == NULL)
		return cp_fail_errno(err, "%s: reading", folder);
	while ((e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, "multi-pack-index", 16) == 0)
			break;
		if (strncmp(e->d_name, "pack-", 5) == 0 && strlen(e->d_name) == STEM + 5 && strcmp(e->d_name + STEM, ".pack") == 0)
			note(p, e->d_name);
	}
	p->n = e == NULL ? p->n : 0;
	closedir(d);
	return CP_OK;
}

static bool is_ours(const char *folder, struct pack *p)
{
	static const char *const others[] = { ".keep", ".rev", ".bitmap", ".promisor", ".mtimes", NULL };
	CP_AUTO(str) char *data = path_of(folder, p->stem, ".pack");
	struct stat st;
	bool is_ours = stat(data, &st) == 0;

	for (const char *const *o = others; is_ours && *o != NULL; o++) {
		CP_AUTO(str) char *other = path_of(folder, p->stem, *o);

		is_ours = !cp_file_exists(other);
	}
	p->size = is_ours ? (uint64_t)st.st_size : 0;
	p->made = st.st_mtim;
	return is_ours;
}

static int by_size(const void *a, const void *b)
{
	const struct pack *x = a, *y = b;

	return x->size != y->size ? (x->size > y->size) - (x->size < y->size) : strcmp(x->stem, y->stem);
}

static int by_age(const void *a, const void *b)
{
	const struct pack *x = a, *y = b;

	if (x->made.tv_sec != y->made.tv_sec)
		return (x->made.tv_sec > y->made.tv_sec) - (x->made.tv_sec < y->made.tv_sec);
	return x->made.tv_nsec != y->made.tv_nsec ? (x->made.tv_nsec > y->made.tv_nsec) - (x->made.tv_nsec < y->made.tv_nsec)
		: strcmp(x->stem, y->stem);
}

/* The smallest ones, as long as the next is no larger than they are together. */
static void choose(struct packs *p)
{
	uint64_t sum = 0;
	size_t n = 0;

	qsort(p->list, p->n, sizeof *p->list, by_size);
	while (n < p->n && (n < 2 || p->list[n].size <= sum) && sum + p->list[n].size < PACK_MOST)
		sum += p->list[n++].size;
	p->n = n;
	qsort(p->list, p->n, sizeof *p->list, by_age);
}

/* ---- reading -------------------------------------------------------------------------------- */

static bool map_file(struct map *m, const char *folder, const char *stem, const char *end)
{
	CP_AUTO(str) char *path = path_of(folder, stem, end);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *at = MAP_FAILED;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	*m = at == MAP_FAILED ? (struct map){ NULL, 0 } : (struct map){ at, (size_t)st.st_size };
	return at != MAP_FAILED;
}

static void unmap(struct map *m)
{
	if (m->bytes != NULL)
		munmap((void *)(uintptr_t)m->bytes, m->len);
	*m = (struct map){ NULL, 0 };
}

static bool is_whole(const struct map *m)
{
	uint8_t sum[CP_SHA1];
	struct cp_sha1 s;

	cp_sha1_begin(&s);
	cp_sha1_add(&s, m->bytes, m->len - CP_SHA1);
	cp_sha1_end(&s, sum);
	return memcmp(sum, m->bytes + m->len - CP_SHA1, CP_SHA1) == 0;
}

/* Both files are what they were when they were written, and belong together. */
static bool is_sound(struct pack *p)
{
	const struct map *data = &p->data, *index = &p->index;

	if (data->len < HEAD + CP_SHA1 || index->len < NAMES + 2 * CP_SHA1 || data->len > PACK_MOST)
		return false;
	p->n = get32(index->bytes + NAMES - 4);
	return memcmp(data->bytes, "PACK\0\0\0\2", 8) == 0 && get32(data->bytes + 8) == p->n
		&& memcmp(index->bytes, "\377tOc\0\0\0\2", 8) == 0 && index->len == NAMES + p->n * (CP_SHA1 + 8) + 2 * CP_SHA1
		&& memcmp(index->bytes + index->len - 2 * CP_SHA1, data->bytes + data->len - CP_SHA1, CP_SHA1) == 0
		&& is_whole(index) && is_whole(data);
}

static int by_place(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->pack != y->pack ? (x->pack > y->pack) - (x->pack < y->pack) : (x->at > y->at) - (x->at < y->at);
}

/* Its objects, in the order in which they lie; false where a delta says by a distance what it is one of. */
static bool read_entries(const struct pack *p, uint32_t number, struct entry *out)
{
	const uint8_t *names = p->index.bytes + NAMES, *crcs = names + p->n * CP_SHA1, *places = crcs + p->n * 4;
	uint32_t end = (uint32_t)(p->data.len - CP_SHA1);

	for (size_t i = 0; i < p->n; i++)
		out[i] = (struct entry){ names + i * CP_SHA1, get32(crcs + i * 4), get32(places + i * 4), 0, number };
	qsort(out, p->n, sizeof *out, by_place);
	for (size_t i = p->n; i-- > 0; end = out[i].at) {
		if (out[i].at < HEAD || out[i].at >= end || (p->data.bytes[out[i].at] >> 4 & 7) == OFS_DELTA)
			return false;
		out[i].len = end - out[i].at;
	}
	return true;
}

static bool take(const char *folder, struct pack *p, uint32_t number, struct entries *e)
{
	if (!map_file(&p->data, folder, p->stem, ".pack") || !map_file(&p->index, folder, p->stem, ".idx") || !is_sound(p))
		return false;
	if (e->n + p->n > e->room) {
		e->room = (e->n + p->n) * 2;
		e->list = reallocarray(e->list, e->room, sizeof *e->list);
		assert(e->list != NULL);
	}
	if (!read_entries(p, number, e->list + e->n))
		return false;
	e->n += p->n;
	return true;
}

/* ---- each object once ------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = memcmp(x->name, y->name, CP_SHA1);

	return order != 0 ? order : by_place(a, b);
}

/* The copy in the oldest pack stays: its delta is of an object of the same pack, which stays there or in an older one,
 * so no two can become deltas of each other. */
static void make_unique(struct entries *e)
{
	size_t n = 0;

	qsort(e->list, e->n, sizeof *e->list, by_name);
	for (size_t i = 0; i < e->n; i++)
		if (n == 0 || memcmp(e->list[n - 1].name, e->list[i].name, CP_SHA1) != 0)
			e->list[n++] = e->list[i];
	e->n = n;
}

/* ---- writing ---------------------------------------------------------------------------------- */

/* A file that ends in the checksum of all before it. */
struct summed { struct cp_newfile file; struct cp_sha1 sum; };

static enum cp_code add(struct summed *f, const void *bytes, size_t len, struct cp_err *err)
{
	cp_sha1_add(&f->sum, bytes, len);
	return cp_newfile_add(&f->file, bytes, len, err);
}

static enum cp_code begin(struct summed *f, const char *folder, const char *stem, const char *end, struct cp_err *err)
{
	CP_AUTO(str) char *path = path_of(folder, stem, end);

	cp_sha1_begin(&f->sum);
	return cp_newfile_begin(&f->file, path, 0444, err);
}

static enum cp_code commit(struct summed *f, uint8_t sum[CP_SHA1], struct cp_err *err)
{
	cp_sha1_end(&f->sum, sum);
	CP_TRY(cp_newfile_add(&f->file, sum, CP_SHA1, err));
	return cp_newfile_commit(&f->file, err);
}

/* In the order in which they lay; each is told where it lies now. */
static enum cp_code add_objects(struct summed *f, const struct packs *p, struct entries *e, struct cp_err *err)
{
	uint8_t head[HEAD] = "PACK\0\0\0\2";
	uint32_t at = HEAD;

	put32(head + 8, e->n);
	CP_TRY(add(f, head, sizeof head, err));
	qsort(e->list, e->n, sizeof *e->list, by_place);
	for (size_t i = 0; i < e->n; i++) {
		CP_TRY(add(f, p->list[e->list[i].pack].data.bytes + e->list[i].at, e->list[i].len, err));
		e->list[i].at = at;
		at += e->list[i].len;
	}
	return CP_OK;
}

static enum cp_code add_index(struct summed *f, struct entries *e, const uint8_t of[CP_SHA1], struct cp_err *err)
{
	uint8_t head[NAMES] = "\377tOc\0\0\0\2", word[4];

	qsort(e->list, e->n, sizeof *e->list, by_name);
	for (size_t byte = 0, n = 0; byte < 256; byte++) {
		while (n < e->n && e->list[n].name[0] <= byte)
			n++;
		put32(head + FAN + byte * 4, n);
	}
	CP_TRY(add(f, head, sizeof head, err));
	for (size_t i = 0; i < e->n; i++)
		CP_TRY(add(f, e->list[i].name, CP_SHA1, err));
	for (int is_place = 0; is_place < 2; is_place++)
		for (size_t i = 0; i < e->n; i++) {
			put32(word, is_place ? e->list[i].at : e->list[i].crc);
			CP_TRY(add(f, word, sizeof word, err));
		}
	return add(f, of, CP_SHA1, err);
}

/* Called by its objects' names, as git calls one. */
static void name_it(char stem[STEM + 1], const struct entries *e)
{
	uint8_t sum[CP_SHA1];
	struct cp_sha1 s;

	cp_sha1_begin(&s);
	for (size_t i = 0; i < e->n; i++)
		cp_sha1_add(&s, e->list[i].name, CP_SHA1);
	cp_sha1_end(&s, sum);
	memcpy(stem, "pack-", 5);
	cp_hex(stem + 5, sum, sizeof sum);
}

/* The index comes last: a pack without one is not looked at. */
static enum cp_code write_joined(const char *folder, const char *stem, const struct packs *p, struct entries *e, struct cp_err *err)
{
	struct summed data = { .file = CP_NEWFILE_NONE }, index = { .file = CP_NEWFILE_NONE };
	uint8_t sum[CP_SHA1], unused[CP_SHA1];
	enum cp_code code = begin(&data, folder, stem, ".pack", err);

	if (code == CP_OK)
		code = add_objects(&data, p, e, err);
	if (code == CP_OK)
		code = commit(&data, sum, err);
	if (code == CP_OK)
		code = begin(&index, folder, stem, ".idx", err);
	if (code == CP_OK)
		code = add_index(&index, e, sum, err);
	if (code == CP_OK)
		code = commit(&index, unused, err);
	cp_newfile_drop(&data.file);
	cp_newfile_drop(&index.file);
	return code;
}

static void remove_file(const char *folder, const char *stem, const char *end)
{
	CP_AUTO(str) char *path = path_of(folder, stem, end);

	unlink(path);
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static void packs_drop(struct packs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		unmap(&p->list[i].data);
		unmap(&p->list[i].index);
	}
	free(p->list);
}

/* Those that can be joined, with their objects. */
static void take_all(const char *folder, struct packs *p, struct entries *e)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (take(folder, &p->list[i], (uint32_t)n, e)) {
			p->list[n++] = p->list[i];
			continue;
		}
		unmap(&p->list[i].data);
		unmap(&p->list[i].index);
	}
	p->n = n;
}

static enum cp_code join(const char *folder, struct packs *p, struct entries *e, struct cp_err *err)
{
	char stem[STEM + 1];
	bool is_there = false;

	take_all(folder, p, e);
	if (p->n < 2)
		return CP_OK;
	make_unique(e);
	name_it(stem, e);
	for (size_t i = 0; i < p->n; i++) /* after a crash one of them may hold all of it already */
		is_there = is_there || strcmp(p->list[i].stem, stem) == 0;
	if (!is_there)
		CP_TRY(write_joined(folder, stem, p, e, err));
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->list[i].stem, stem) != 0) {
			remove_file(folder, p->list[i].stem, ".idx");
			remove_file(folder, p->list[i].stem, ".pack");
		}
	return cp_folder_sync(folder, err);
}

enum cp_code cp_packs_join(const char *folder, struct cp_err *err)
{
	struct packs all = { .n = 0 };
	struct entries e = { .n = 0 };
	enum cp_code code = list(folder, &all, err);
	size_t n = 0;

	if (code == CP_OK && all.n > CP_PACKS_MAX) {
		for (size_t i = 0; i < all.n; i++)
			if (is_ours(folder, &all.list[i]))
				all.list[n++] = all.list[i];
		all.n = n;
		choose(&all);
		code = join(folder, &all, &e, err);
	}
	free(e.list);
	packs_drop(&all);
	return code;
}
