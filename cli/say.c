#include "cli/cli.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "formats/text.h"

#define REDRAW_MS 100
#define LINE_MAX_COLUMNS 78

/*
 * The progress line is the one thing on the screen that must be taken away again
 * before anything else is said there.
 */
static struct { size_t width; int64_t drawn_ms; } progress;

static void wipe(void)
{
	if (progress.width > 0)
		fprintf(stderr, "\r%*s\r", (int)progress.width, "");
	progress.width = 0;
}

void cp_say(const char *fmt, ...)
{
	CP_AUTO(buf) struct cp_buf shown = CP_BUF(1 << 20);
	CP_AUTO(str) char *text = NULL;
	va_list list;
	int n;

	va_start(list, fmt);
	n = vasprintf(&text, fmt, list);
	va_end(list);
	if (n < 0) {
		text = NULL;
		return;
	}
	fflush(stdout); /* results first: in a pipe both must come in order */
	wipe();
	if (cp_text_shown(&shown, text, (size_t)n, false, NULL) == CP_OK)
		fprintf(stderr, "%s\n", shown.data != NULL ? shown.data : "");
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int part_of(uint64_t done, uint64_t total, int whole)
{
	return done >= total ? whole : (int)((double)done / (double)total * whole);
}

static int draw(char *line, size_t size, const char *what, uint64_t done, uint64_t total)
{
	static const char bar[] = "##############################";
	int full = part_of(done, total, 30);

	if (total == 0)
		return snprintf(line, size, "%.40s %llu", what, (unsigned long long)done);
	return snprintf(line, size, "%.30s [%-30.*s] %3d%%", what, full, bar, part_of(done, total, 100));
}

void cp_progress_show(const char *what, uint64_t done, uint64_t total)
{
	char line[LINE_MAX_COLUMNS + 1];
	int64_t now = now_ms();
	int n;

	if (isatty(STDERR_FILENO) != 1 || (progress.drawn_ms != 0 && now - progress.drawn_ms < REDRAW_MS))
		return;
	n = draw(line, sizeof line, what, done, total);
	wipe();
	fputs(line, stderr);
	fflush(stderr);
	progress.width = n < LINE_MAX_COLUMNS ? (size_t)n : LINE_MAX_COLUMNS;
	progress.drawn_ms = now;
}

void cp_progress_end(void)
{
	wipe();
	progress.drawn_ms = 0;
}
