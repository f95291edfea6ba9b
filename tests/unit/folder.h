/*
 * A folder of the test's own, and what is done in it: files, shell commands. First of all that a
 * unit test includes of tests/unit; brings cmocka.
 */
#ifndef CASEPACK_TESTS_FOLDER_H
#define CASEPACK_TESTS_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "formats/file.h"

/* A call that must succeed; it names its last argument err. */
#define OK(call)                                                                       \
	do {                                                                           \
		struct cp_err ok_err_ = { 0 };                                         \
		struct cp_err *err = &ok_err_;                                         \
		if ((call) != CP_OK)                                                   \
			fail_msg("%s: %s", #call, ok_err_.text);                       \
	} while (0)

static char folder[128]; /* while folder_make's is there; no character of it needs quotes */

/* For cmocka, around one test or all of them. Git and ssh find no settings but the test's, casepack no tokens. */
static inline int folder_make(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof folder, "%.100s/casepack-unit-XXXXXX", base != NULL ? base : "/tmp");
	assert_non_null(mkdtemp(folder));
	setenv("HOME", folder, 1);
	setenv("XDG_CONFIG_HOME", "/dev/null", 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	unsetenv("GIT_DIR");
	unsetenv("CASEPACK_PASSPHRASE");
	cp_hash_setup();
	return 0;
}

static inline int folder_remove(void **state)
{
	(void)state;
	cp_folder_remove(folder);
	return 0;
}

/* A path in the folder; four may be in use at a time. */
static inline const char *at(const char *name)
{
	static char made[4][512];
	static unsigned next;

	next = (next + 1) % 4;
	snprintf(made[next], sizeof made[next], "%s/%s", folder, name);
	return made[next];
}

static inline void put(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(at(name), "wb"); /* tests put thousands: no fsync */

	assert_non_null(f);
	assert_int_equal(fwrite(len > 0 ? bytes : "", 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* What was in out is gone. */
static inline void get(struct cp_buf *out, const char *name)
{
	cp_buf_clear(out);
	OK(cp_file_read(out, at(name), err));
}

/* ---- shell commands, run in the folder ---------------------------------------------------- */

/* The command as it is run, freed by the caller. */
static inline char *sh_line(const char *fmt, va_list args, const char *to)
{
	char *command, *line;

	assert_true(vasprintf(&command, fmt, args) > 0);
	assert_true(asprintf(&line, "cd '%s' && { %s\n}%s", folder, command, to) > 0);
	free(command);
	return line;
}

/* The command's exit status; all that it prints is in the file "said". */
static inline int sh(const char *fmt, ...) CP_PRINTF(1, 2);
static inline int sh(const char *fmt, ...)
{
	va_list args;
	char *line;
	int status;

	va_start(args, fmt);
	line = sh_line(fmt, args, " >said 2>&1");
	va_end(args);
	status = system(line);
	free(line);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What a command that must succeed prints, without the last newline; four may be in use at a time. */
static inline const char *shell(const char *fmt, ...) CP_PRINTF(1, 2);
static inline const char *shell(const char *fmt, ...)
{
	static char printed[4][1 << 16];
	static unsigned next;
	char *out = printed[next = (next + 1) % 4], *line;
	va_list args;
	size_t n;
	FILE *f;

	va_start(args, fmt);
	line = sh_line(fmt, args, "");
	va_end(args);
	f = popen(line, "r");
	assert_non_null(f);
	n = fread(out, 1, sizeof printed[0], f);
	assert_true(n < sizeof printed[0]);
	out[n] = '\0';
	if (n > 0 && out[n - 1] == '\n')
		out[n - 1] = '\0';
	if (pclose(f) != 0)
		fail_msg("it fails: %s\n%s", line, out);
	free(line);
	return out;
}

/* What the last sh() printed, without the last newline. */
static inline const char *said(void)
{
	return shell("cat said");
}

/* An outside judge that a computer may lack. */
static inline bool there_is(const char *program)
{
	return sh("command -v %s", program) == 0;
}

#endif
