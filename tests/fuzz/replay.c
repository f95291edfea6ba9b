/*
 * Runs a fuzz target over stored inputs, without a fuzzer: each FILE, and each file of
 * each FOLDER. Prints how many there were.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "formats/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t inputs;

/* Each in memory of just its size, so that a read past its end is noticed. */
static void run_file(const char *path)
{
	CP_AUTO(buf) struct cp_buf bytes = CP_BUF(CP_TEXT_MAX);
	struct cp_err err = { CP_OK, "" };
	uint8_t *copy;

	if (cp_file_read(&bytes, path, &err) != CP_OK) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	copy = malloc(bytes.len > 0 ? bytes.len : 1);
	if (copy == NULL)
		abort();
	if (bytes.len > 0)
		memcpy(copy, bytes.data, bytes.len);
	LLVMFuzzerTestOneInput(copy, bytes.len);
	free(copy);
	inputs++;
}

static void run_folder(const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		CP_AUTO(str) char *file = cp_path_join(path, list[i]->d_name);

		if (*list[i]->d_name != '.')
			run_file(file);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

int main(int argc, char **argv)
{
	struct stat st;

	for (int i = 1; i < argc; i++)
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			run_folder(argv[i]);
		else
			run_file(argv[i]);
	printf("%zu inputs\n", inputs);
	return inputs == 0;
}
