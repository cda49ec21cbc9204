/* SPDX-License-Identifier: MIT */
/*
 * The machine the figures are from.
 */
#include <regio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "endpoint.h"
#include "report.h"

/* The first "model name" there is; other architectures have none. */
static void read_cpu_model(char *ret_model, size_t bytes)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(ret_model, bytes, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		char *value = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !value)
			continue;
		value += 1 + strspn(value + 1, " ");
		value[strcspn(value, "\n")] = '\0';
		snprintf(ret_model, bytes, "%s", value);
		break;
	}
	if (file)
		fclose(file);
}

int host_describe(const struct socket_opts *opts, struct bench_host *ret_host)
{
	struct utsname name = {0};

	memset(ret_host, 0, sizeof(*ret_host));
	uname(&name);
	snprintf(ret_host->kernel, sizeof(ret_host->kernel), "%s %s", name.sysname, name.release);
	read_cpu_model(ret_host->cpu_model, sizeof(ret_host->cpu_model));
	ret_host->cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	return sockets_measure_grant(opts, &ret_host->grant) || endpoints_check(opts) ? -1 : 0;
}
