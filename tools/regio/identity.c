/* SPDX-License-Identifier: MIT */
/*
 * Version, date, machine and engine of a run, as JSON.
 */
#include "identity.h"

#include <regio.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

void identity_add_json(cJSON *object, const char *engine, bool spin)
{
	uint32_t version = regio_version();
	time_t now = time(NULL);
	struct utsname kernel;
	struct tm utc;
	char text[64];

	snprintf(text, sizeof(text), "%u.%u.%u", version >> 16, version >> 8 & 0xff,
		 version & 0xff);
	cJSON_AddStringToObject(object, "regio_version", text);
	if (gmtime_r(&now, &utc) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
		cJSON_AddStringToObject(object, "date", text);
	if (uname(&kernel) == 0) {
		cJSON_AddStringToObject(object, "host", kernel.nodename);
		cJSON_AddStringToObject(object, "kernel", kernel.release);
		cJSON_AddStringToObject(object, "machine", kernel.machine);
	}
	cJSON_AddNumberToObject(object, "processors", (double)sysconf(_SC_NPROCESSORS_ONLN));
	cJSON_AddStringToObject(object, "engine", engine);
	cJSON_AddBoolToObject(object, "spin", spin);
}
