/*
 * casepack [-C DIR] COMMAND ...: take the words apart, run the command, and turn
 * what came of it into one line of words and an exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/help.h"
#include "formats/hash.h"
#include "formats/text.h"

enum { DONE = 0, FAILED = 1, USAGE = 2, WAITS = 3, REFUSED = 4, BUSY = 5 };

/*
 * A database must never be opened as descriptor 1 or 2, to be printed into. What fills
 * their place cannot be written to, so that results with nowhere to go are a failure.
 */
static void fill_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static enum cp_code run(struct cp_args *a, int argc, char **argv, struct cp_err *err)
{
	CP_TRY(cp_args_parse(a, cp_commands, argc, argv, err));
	if (a->wants_help)
		return a->command != NULL ? cp_help_command(a->command, err) : cp_help_list(err);
	if (a->wants_version)
		return cp_version_print(a, err);
	if (a->command == NULL) {
		CP_TRY(cp_help_list(err));
		return cp_fail(err, CP_EUSAGE, "a command is missing");
	}
	CP_TRY(cp_passphrase_read(a, err));
	if (a->command->needs_store) {
		CP_TRY(cp_store_open(&a->store, a->dir, err));
		cp_store_ask_with(a->store, cp_ask_passphrase, a);
	}
	return a->command->run(a, err);
}

static int status_of_code(enum cp_code code)
{
	switch (code) {
	case CP_OK:
		return DONE;
	case CP_EUSAGE:
		return USAGE;
	case CP_EFORMAT:
	case CP_ETRUST:
		return REFUSED;
	case CP_EBUSY:
		return BUSY;
	case CP_EIO:
	case CP_EINPUT:
	case CP_ENOTFOUND:
	case CP_EKEY:
		break;
	}
	return FAILED;
}

/* Where several apply the first of 1, 5, 4, 3, 0; wrong usage is always alone. */
static int status_of(const struct cp_args *a, enum cp_code code)
{
	int status = status_of_code(code);

	if (status != DONE)
		return status;
	return a->refused ? REFUSED : a->waits ? WAITS : DONE;
}

static void complain(const struct cp_args *a, const struct cp_err *err)
{
	CP_AUTO(buf) struct cp_buf line = CP_BUF(8192);
	const char *words = err->text[0] != '\0' ? err->text : "failed without a reason";

	cp_progress_end();
	fflush(stdout);
	if (cp_text_shown(&line, words, strlen(words), false, NULL) != CP_OK)
		return;
	fprintf(stderr, "casepack: %s", line.data);
	if (err->code == CP_EUSAGE && strstr(words, "`casepack ") == NULL)
		fprintf(stderr, "; see `casepack help%s%s`", a->command != NULL ? " " : "",
				a->command != NULL ? a->command->name : "");
	fputc('\n', stderr);
}

/* Results that did not reach the disk are no results. */
static int finish_output(int status)
{
	bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) != 0 || fclose(stdout) != 0)
		failed = true;
	if (!failed || status == FAILED)
		return status;
	fprintf(stderr, "casepack: standard output: %s; the results are not complete\n",
			errno != 0 ? strerror(errno) : "could not be written");
	return FAILED;
}

int main(int argc, char **argv)
{
	struct cp_args args = { 0 };
	struct cp_err err = { .code = CP_OK };
	enum cp_code code;
	int status;

	fill_standard_files();
	signal(SIGXFSZ, SIG_IGN); /* a file that may grow no further is an error like a full disk, and said like one */
	cp_hash_setup();
	code = run(&args, argc, argv, &err);
	err.code = code;
	if (code != CP_OK)
		complain(&args, &err);
	status = status_of(&args, code);
	cp_store_close(args.store);
	cp_args_drop(&args);
	return finish_output(status);
}
