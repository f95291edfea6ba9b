/* ssh-keygen as a judge. */
#ifndef CASEPACK_TESTS_SSH_KEYGEN_H
#define CASEPACK_TESTS_SSH_KEYGEN_H

#include "tests/unit/folder.h"

/*
 * ssh-keygen in the folder of the test, with the file "stdin" as its input if there is one; what
 * it says goes to "said". Arguments as they are, no shell between; NULL ends them. Returns its exit status.
 */
static inline int ssh_keygen(const char *first, ...)
{
	char *argv[32] = { (char *)"ssh-keygen", (char *)(uintptr_t)first };
	va_list args;
	pid_t pid;
	int status, n = 2;

	va_start(args, first);
	while ((argv[n] = va_arg(args, char *)) != NULL)
		assert_true(++n < 31);
	va_end(args);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (chdir(folder) != 0 || freopen("said", "w", stdout) == NULL || dup2(1, 2) < 0
		    || (freopen("stdin", "r", stdin) == NULL && freopen("/dev/null", "r", stdin) == NULL))
			_exit(126);
		execvp("ssh-keygen", argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
