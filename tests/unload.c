/* SPDX-License-Identifier: MIT */
/*
 * unload.c - a plugin that uses the library is unloaded while threads that have used it live on
 *
 * usage: unload LIBREGIO_SO
 *
 * Not linked with the library, so that dlclose(3) has the last word.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include <regio.h>

#define ROUNDS 3
/* Looks at an empty queue, until a thread has made all that it ever makes of its own. */
#define LOOKS 64

static const char *path;
static void *library;
static pthread_barrier_t used, unloaded;

/* In a variable of each function's own type, as POSIX has it. */
#define FIND(name) __typeof__(&(name)) find_##name = (__typeof__(&(name)))dlsym(library, #name)

static bool use(void)
{
	FIND(regio_cq_create);
	FIND(regio_cq_notify);
	FIND(regio_cq_dequeue);
	FIND(regio_cq_close);
	struct regio_result result;
	struct regio_cq *cq;
	bool works = find_regio_cq_create(1, NULL, &cq) == 0 && find_regio_cq_notify(cq) == 0;

	for (int i = 0; i < LOOKS && works; i++)
		works = find_regio_cq_dequeue(cq, &result, 1) == 0;
	return works && find_regio_cq_close(cq) == 0;
}

static void *run(void *argument)
{
	bool *works = argument;

	*works = use();
	pthread_barrier_wait(&used);
	pthread_barrier_wait(&unloaded);
	return NULL;
}

static bool load_use_and_unload(void)
{
	bool works = false;
	pthread_t thread;

	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		fprintf(stderr, "%s\n", dlerror());
	if (!library || pthread_create(&thread, NULL, run, &works) != 0)
		return false;
	pthread_barrier_wait(&used);
	dlclose(library);
	pthread_barrier_wait(&unloaded);
	return pthread_join(thread, NULL) == 0 && works;
}

int main(int argc, char **argv)
{
	bool works = argc == 2;

	path = argv[1];
	pthread_barrier_init(&used, NULL, 2);
	pthread_barrier_init(&unloaded, NULL, 2);
	puts("1..1");
	fflush(stdout);
	for (int i = 0; i < ROUNDS && works; i++)
		works = load_use_and_unload();
	printf("%s 1 - threads that have used a library that is unloaded end in peace\n",
	       works ? "ok" : "not ok");
	return 0;
}
