#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "formats/text.h"

/* What the terminal sends for ^C, ^D, ^U, and the two that rub out. */
enum { CANCEL = 3, END = 4, CLEAR = 21, BACK = 8, DELETE = 127 };

/*
 * One key after the other, since a terminal that does not hand out signals cannot
 * be left without its echo: ^C is a key here, and means that there is no passphrase.
 */
static bool read_secret(int tty, char *out, size_t size)
{
	size_t n = 0;
	char key;

	while (read(tty, &key, 1) == 1) {
		if (key == CANCEL || (key == END && n == 0))
			break;
		if (key == '\r' || key == '\n' || key == END) {
			out[n] = '\0';
			return true;
		}
		if (key == CLEAR)
			n = 0;
		else if (key == BACK || key == DELETE) {
			while (n > 0 && ((unsigned char)out[--n] & 0xc0) == 0x80)
				; /* back to the first byte of a letter */
		} else if (n + 1 < size)
			out[n++] = key;
		else
			break; /* too long: better none than a cut one */
	}
	sodium_memzero(out, size);
	return false;
}

static void prompt(int tty, const char *words)
{
	ssize_t n = write(tty, words, strlen(words));

	(void)n; /* a terminal that cannot show it can still be typed at */
}

static bool ask(int tty, const char *words, char *out, size_t size)
{
	struct termios before, quiet;
	bool done;

	if (tcgetattr(tty, &before) != 0)
		return false;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
		return false;
	prompt(tty, words);
	done = read_secret(tty, out, size);
	tcsetattr(tty, TCSAFLUSH, &before);
	prompt(tty, "\n");
	return done;
}

bool cp_ask_terminal(const char *words, char *out, size_t size)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	bool done;

	if (tty < 0 || size == 0) {
		if (tty >= 0)
			close(tty);
		return false;
	}
	cp_progress_end();
	fflush(stdout);
	done = ask(tty, words, out, size);
	close(tty);
	return done;
}

static bool ask_for_key(const char *key_path, char *out, size_t size)
{
	char shown[CP_QUOTE], words[CP_QUOTE + 32];

	snprintf(words, sizeof words, "passphrase of %s: ", cp_text_quote(shown, key_path, strlen(key_path)));
	return cp_ask_terminal(words, out, size);
}

/* A command may open its key more than once; who has typed is not asked again. */
bool cp_ask_passphrase(void *user, const char *key_path, char *out, size_t size)
{
	struct cp_passphrase *p = &((struct cp_args *)user)->passphrase;

	if (!p->is_given && (p->key_path == NULL || strcmp(p->key_path, key_path) != 0)) {
		cp_passphrase_drop(p);
		if (!ask_for_key(key_path, p->text, sizeof p->text))
			return false;
		p->key_path = strdup(key_path);
	}
	if (strlen(p->text) >= size)
		return false;
	memcpy(out, p->text, strlen(p->text) + 1);
	return true;
}

void cp_passphrase_drop(struct cp_passphrase *p)
{
	sodium_memzero(p->text, sizeof p->text);
	free(p->key_path);
	p->key_path = NULL;
	p->is_given = false;
}

/* One byte after the other: what stands behind the line is somebody else's. */
static enum cp_code read_line(struct cp_passphrase *p, int fd, struct cp_err *err)
{
	size_t n = 0;

	for (;;) {
		char c;
		ssize_t got = read(fd, &c, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cp_fail(err, CP_EUSAGE, "--passphrase-fd %d: cannot be read: %s", fd, strerror(errno));
		if (got == 0 || c == '\n')
			break;
		if (n + 1 >= sizeof p->text)
			return cp_fail(err, CP_EUSAGE, "--passphrase-fd %d: a passphrase has at most %zu bytes", fd, sizeof p->text - 1);
		p->text[n++] = c;
	}
	p->text[n] = '\0';
	p->is_given = true;
	return CP_OK;
}

enum cp_code cp_passphrase_read(struct cp_args *a, struct cp_err *err)
{
	char shown[CP_QUOTE], *end;
	long fd;

	if (a->passphrase_fd == NULL)
		return CP_OK;
	fd = strtol(a->passphrase_fd, &end, 10);
	if (*a->passphrase_fd < '0' || *a->passphrase_fd > '9' || *end != '\0' || fd > 65535)
		return cp_fail(err, CP_EUSAGE, "option --passphrase-fd needs the number of an open file, not %s",
				cp_text_quote(shown, a->passphrase_fd, strlen(a->passphrase_fd)));
	unsetenv("CASEPACK_PASSPHRASE");
	return read_line(&a->passphrase, (int)fd, err);
}
