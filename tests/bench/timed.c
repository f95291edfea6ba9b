/*
 * Runs a command and writes what it took to a file: seconds, seconds of user time, seconds of
 * system time, peak memory in KiB, exit status. A program of its own because a child begins with
 * the peak of the process that starts it, and this one is small.
 *
 *     timed FIGURES COMMAND...
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct rusage used;
	double begun = now(), ended;
	int status;
	FILE *f;
	pid_t child;

	if (argc < 3)
		return 2;
	child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &used) != child)
		return 126;
	ended = now();
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	f = fopen(argv[1], "w");
	if (f == NULL || fprintf(f, "%.6f %.6f %.6f %ld %d\n", ended - begun, seconds(used.ru_utime),
			seconds(used.ru_stime), used.ru_maxrss, status) < 0 || fclose(f) != 0)
		return 126;
	return status;
}
