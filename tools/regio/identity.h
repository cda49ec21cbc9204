/* SPDX-License-Identifier: MIT */
/*
 * What a result must say to be compared with another: version, date, machine,
 * engine.
 */
#ifndef REGIO_TOOL_IDENTITY_H
#define REGIO_TOOL_IDENTITY_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* 'engine' is the name of the one that was used; "" where there was none. */
void identity_add_json(cJSON *object, const char *engine, bool spin);

#endif
