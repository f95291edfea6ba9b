/*
 * What every command is given and how it speaks. One row of the table in
 * cli/commands.c registers a command; usage, help, the manual page and the shell
 * completion come from that row.
 */
#ifndef CASEPACK_CLI_CLI_H
#define CASEPACK_CLI_CLI_H

#include <stdio.h>

#include "formats/err.h"
#include "sync/store.h"

/*
 * One option of a command. A value that ends in "..." ("ID...") may be given more than once; any
 * other option only once. -n is another spelling of --dry-run: name the long one, both are read.
 * -C, --json, --passphrase-fd and -h belong to every command and stand in no table.
 */
struct cp_option {
	const char *name;   /* "--to" */
	const char *value;  /* "PERSON"; NULL: a switch */
	const char *help;   /* one line */
};

struct cp_example { const char *line, *why; };

struct cp_args;

struct cp_command {
	const char *name;
	const char *usage;          /* "--to PERSON -o DIR", without the name; one line for each way to use it */
	const char *summary;        /* a few words, lower case */
	const char *about;          /* paragraphs for help and the manual, an empty line between two; they are
	                               filled anew, except lines that begin with a space */
	const struct cp_option *options;  /* ends with a NULL name */
	const struct cp_example *examples; /* ends with a NULL line; may be NULL */
	bool needs_store;           /* open the workspace before run */
	enum cp_code (*run)(struct cp_args *a, struct cp_err *err);
};
/* Each row lives in the command's own file, as `const struct cp_command cp_cmd_NAME`. */
extern const struct cp_command *const cp_commands[]; /* ends with NULL */

/* The row of that name, or NULL. */
const struct cp_command *cp_command_find(const char *name);

/* A heading in the list of commands, in front of the command named first. */
struct cp_group { const char *first, *title; };
extern const struct cp_group cp_groups[]; /* ends with a NULL first */

/* Parsed before run: unknown options, missing values and repeated single options are CP_EUSAGE.
 * "--x=v" and "--x v" both; "--" ends the options; short: -o DIR, -C DIR, -n (dry run), -h. */
struct cp_args {
	const struct cp_command *command;
	const char *dir;            /* of -C, "." otherwise: the workspace; other paths are as they are typed */
	struct cp_store *store;     /* open when the command needs it, else NULL */
	bool json;                  /* --json */
	const char *passphrase_fd;  /* of --passphrase-fd, NULL otherwise */
	struct cp_passphrase { bool is_given; char *key_path; char text[1024]; } passphrase; /* see cp_ask_passphrase */
	bool wants_help;            /* -h, --help: run is not called */
	bool wants_version;         /* --version in front of a command: likewise */
	bool waits;                 /* set by run: done, but something waits for a person: exit 3 */
	bool refused;               /* set by run: some files were refused: exit 4 */
	size_t n; const char **words; /* positional ones */
	size_t n_set; struct { const char *name, *value; } *set; /* options given, in order */
};
const char *cp_arg(const struct cp_args *a, const char *option);   /* value of the last one given, "" for a switch, NULL */
bool cp_arg_given(const struct cp_args *a, const char *option);
size_t cp_arg_all(const struct cp_args *a, const char *option, const char **out, size_t max);
/* A whole number within bounds, or CP_EUSAGE naming the option. *out is otherwise when it is not given. */
CP_CHECKED enum cp_code cp_arg_int(const struct cp_args *a, const char *option, int64_t min, int64_t max,
		int64_t otherwise, int64_t *out, struct cp_err *err);
CP_CHECKED enum cp_code cp_args_want(const struct cp_args *a, size_t min, size_t max, struct cp_err *err); /* number of words */

/* Words for people, on stderr: "casepack: ..." is only for errors; these are plain lines. */
void cp_say(const char *fmt, ...) CP_PRINTF(1, 2);

/* Progress on stderr, only when it is a terminal; total 0: unknown. cp_progress_end wipes the line. */
void cp_progress_show(const char *what, uint64_t done, uint64_t total);
void cp_progress_end(void);

/*
 * Fits cp_passphrase_ask; user is the struct cp_args. What --passphrase-fd gave, else what was typed for that key before,
 * else asks on the terminal without echo; false where there is none.
 */
bool cp_ask_passphrase(void *user, const char *key_path, char *out, size_t size);
/* What --passphrase-fd names is read, at once and in place of CASEPACK_PASSPHRASE. CP_EUSAGE: not a number, or not open. */
CP_CHECKED enum cp_code cp_passphrase_read(struct cp_args *a, struct cp_err *err);
void cp_passphrase_drop(struct cp_passphrase *p); /* wipes */
/* Asks with other words: "new passphrase: ". */
bool cp_ask_terminal(const char *words, char *out, size_t size);

/* ---- results on stdout: a table for people, or one JSON object a line under --json ---- */

/*
 * Columns are given once, then rows. text cells are shown safely (no control characters).
 * The columns' names are borrowed until the end; they are the keys in JSON, and the headings in
 * capitals for people (cli/table.h). A table without rows prints nothing. "" is "-" in a table; NULL is null in JSON.
 */
struct cp_out;
CP_CHECKED enum cp_code cp_out_begin(struct cp_out **out, bool json, const char *const *columns, size_t n,
		struct cp_err *err);
/* One cell at a time, in order; a row ends with its last cell. */
CP_CHECKED enum cp_code cp_out_text(struct cp_out *o, const char *text, struct cp_err *err);
CP_CHECKED enum cp_code cp_out_int(struct cp_out *o, int64_t n, struct cp_err *err);
CP_CHECKED enum cp_code cp_out_bool(struct cp_out *o, bool b, struct cp_err *err);
/* "2026-03-01 14:05" for people (UTC), the microseconds' RFC 3339 form in JSON; 0 is "-" or null. */
CP_CHECKED enum cp_code cp_out_time(struct cp_out *o, int64_t us, struct cp_err *err);
/* Prints the table (widths fit the content) and frees; NULL-safe. */
CP_CHECKED enum cp_code cp_out_end(struct cp_out *o, struct cp_err *err);
/* The same when code is CP_OK; otherwise frees, prints no table, and hands code on: the end of a visit. */
CP_CHECKED enum cp_code cp_out_close(struct cp_out *o, enum cp_code code, struct cp_err *err);

/* RFC 3339 in UTC with seconds, "2026-03-01T14:05:09Z"; out has 21 bytes or more. */
char *cp_time_text(char out[32], int64_t us);

#endif
