/*
 * Any bytes as a bundle, and, behind a right signature, as one of its parts. The
 * first byte chooses: 0 the file itself; 1 to 3 a part as it stands in the bundle;
 * 4 to 6 what such a part expands to. For 1 to 3 two more bytes promise its
 * expanded size in units of 64.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/bundle.h"
#include "formats/bundle_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cp_limits limits = { {
	[CP_LIMIT_BUNDLE] = 1 << 24, [CP_LIMIT_EXPANDED] = 1 << 22, [CP_LIMIT_RATIO] = 1000, [CP_LIMIT_WINDOW] = 1 << 27,
	[CP_LIMIT_MEMBERS] = 1000, [CP_LIMIT_OBJECT] = 1 << 20, [CP_LIMIT_CHANGESET] = 1 << 20, [CP_LIMIT_DOCUMENT] = 1 << 16,
	[CP_LIMIT_TEXT] = 1 << 16, [CP_LIMIT_DEPTH] = 32, [CP_LIMIT_SECONDS] = 60,
} };

static void must(bool holds)
{
	if (!holds)
		abort();
}

static enum cp_code count_object(void *user, const char *oid, const char *type, const void *bytes,
		size_t len, struct cp_err *err)
{
	(void)err;
	(void)bytes;
	must(cp_oid_valid(oid) && cp_object_type_valid(type) && len <= limits.of[CP_LIMIT_OBJECT]);
	*(uint64_t *)user += len;
	return CP_OK;
}

static enum cp_code count_case(void *user, const char *json, size_t len, struct cp_err *err)
{
	(void)err;
	must(len > 0 && len <= limits.of[CP_LIMIT_DOCUMENT] && memchr(json, '\n', len) == NULL);
	*(uint64_t *)user += len + 1;
	return CP_OK;
}

static enum cp_code count_media(void *user, const struct cp_hash *name, const void *bytes, size_t len,
		bool more, struct cp_err *err)
{
	(void)err;
	(void)name;
	(void)bytes;
	must(more == (len > 0));
	*(uint64_t *)user += len;
	return CP_OK;
}

/* Refused in words, or all of it visited and no more than promised. */
static void visit_all(int fd)
{
	CP_AUTO(bundle) struct cp_bundle *b = NULL;
	struct cp_err err = { CP_OK, "" };
	uint64_t given = 0, promised = 0;
	enum cp_code code;
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	code = cp_bundle_open(&b, path, &limits, &err);
	must(code == err.code && (code == CP_OK) == (b != NULL));
	if (b == NULL)
		return;
	for (size_t i = 0; i < cp_bundle_manifest(b)->n_parts; i++)
		promised += cp_bundle_manifest(b)->parts[i].expanded;
	code = cp_bundle_each_object(b, count_object, &given, &err);
	must(code == CP_OK || code == CP_EFORMAT);
	code = cp_bundle_each_case(b, count_case, &given, &err);
	must(code == CP_OK || code == CP_EFORMAT);
	code = cp_bundle_each_media(b, count_media, &given, &err);
	must(code == CP_OK || code == CP_EFORMAT);
	must(given <= promised);
}

static void write_all(int fd, const uint8_t *data, size_t size)
{
	must(write(fd, data, size) == (ssize_t)size);
}

static enum cp_code to_file(void *user, const void *bytes, size_t len, struct cp_err *err)
{
	return cp_newfile_add(user, bytes, len, err);
}

/* A rightly signed bundle whose only part lies in part_fd. */
static void visit_forged(const char *name, const struct cp_zsum *sum, int part_fd)
{
	struct cp_newfile file = CP_NEWFILE_NONE;
	struct cp_manifest m;
	struct cp_seckey key = { .is_set = true };
	uint8_t public[32], seed[32] = { 1 };
	int fds[CP_MAX_PARTS] = { part_fd };

	crypto_sign_seed_keypair(public, key.bytes, seed);
	memset(&m, 0, sizeof m);
	m.format = m.reader = m.schema = 1;
	m.number = m.volume = m.volumes = 1;
	m.n_parts = 1;
	snprintf(m.parts[0].name, sizeof m.parts[0].name, "%s", name);
	m.parts[0].size = sum->size;
	m.parts[0].expanded = sum->expanded;
	m.parts[0].hash = sum->hash;
	file.fd = memfd_create("bundle", MFD_CLOEXEC);
	must(file.fd >= 0 && cp_bundle_assemble(to_file, &file, &m, &key, fds, NULL) == CP_OK);
	visit_all(file.fd);
	cp_newfile_drop(&file);
}

static void visit_packed(const char *name, const uint8_t *data, size_t size, int fd)
{
	struct cp_zsum sum;

	if (size < 3)
		return;
	sum.expanded = ((uint64_t)data[0] << 8 | data[1]) * 64 + 64;
	sum.size = size - 2;
	cp_hash_bytes(&sum.hash, data + 2, size - 2);
	write_all(fd, data + 2, size - 2);
	visit_forged(name, &sum, fd);
}

static void visit_plain(const char *name, const uint8_t *data, size_t size, int fd)
{
	struct cp_zout *z = NULL;
	struct cp_zsum sum;

	if (size == 0)
		return;
	must(cp_zout_begin(&z, fd, 1, NULL) == CP_OK && cp_zout_add(z, data, size, NULL) == CP_OK &&
	     cp_zout_end(z, &sum, NULL) == CP_OK);
	cp_zout_free(z);
	visit_forged(name, &sum, fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd;

	cp_hash_setup();
	if (size < 1 || data[0] > 6)
		return 0;
	fd = memfd_create("part", MFD_CLOEXEC);
	must(fd >= 0);
	if (data[0] == 0) {
		write_all(fd, data + 1, size - 1);
		visit_all(fd);
	} else if (data[0] <= 3) {
		visit_packed(cp_part_names[data[0] - 1], data + 1, size - 1, fd);
	} else {
		visit_plain(cp_part_names[data[0] - 4], data + 1, size - 1, fd);
	}
	close(fd);
	return 0;
}
