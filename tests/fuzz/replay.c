/* SPDX-License-Identifier: MIT */
/*
 * replay.c - runs the corpus of a fuzz target as a test
 *
 * usage: fuzz-TARGET DIRECTORY
 *
 * Takes the place of libFuzzer. Each input runs in a process of its own, so a finding fails that
 * input alone. Prints TAP.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"

#define INPUT_BYTES_MAX (1u << 20)
#define TIMEOUT_S 60u

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool read_input(const char *directory, const char *name, uint8_t **ret_data,
		       size_t *ret_size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rbe");
	*ret_data = malloc(INPUT_BYTES_MAX);
	if (!file || !*ret_data) {
		printf("# %s: %s\n", path, strerror(errno));
		return false;
	}
	*ret_size = fread(*ret_data, 1, INPUT_BYTES_MAX, file);
	fclose(file);
	return true;
}

/* In a copy as long as the input, so that a sanitizer sees what reads behind it. */
static int run_child(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return EXIT_FAILURE;
	memcpy(copy, data, size);
	alarm(TIMEOUT_S);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return EXIT_SUCCESS;
}

static bool run_input(const char *directory, const char *name)
{
	uint8_t *data = NULL;
	int status = -1;
	size_t size;
	pid_t child;

	if (read_input(directory, name, &data, &size)) {
		fflush(NULL);
		child = fork();
		if (child == 0) {
			status = run_child(data, size);
			free(data);
			exit(status);
		}
		if (child < 0 || waitpid(child, &status, 0) != child)
			status = -1;
	}
	free(data);
	return status == 0;
}

int main(int argc, char **argv)
{
	struct dirent **inputs;
	int count;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	count = scandir(argv[1], &inputs, is_input, alphasort);
	if (count <= 0) {
		printf("1..1\nnot ok 1 - %s has inputs\n", argv[1]);
		return EXIT_SUCCESS;
	}
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		printf("%sok %d - %s\n", run_input(argv[1], inputs[i]->d_name) ? "" : "not ", i + 1,
		       inputs[i]->d_name);
		free(inputs[i]);
	}
	free(inputs);
	return EXIT_SUCCESS;
}
