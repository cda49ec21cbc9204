/* SPDX-License-Identifier: MIT */
/*
 * regio info: what this machine offers regio, as a table or as JSON.
 */
#include "info.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "machine.h"
#include "numbers.h"
#include "output.h"
#include "words.h"

/* Where the second and the third column of the table begin. */
#define VALUE_COLUMN 25u
#define REASON_COLUMN 38u

/* ---- Table --------------------------------------------------------------- */

static struct number_text limit_text(rlim_t limit)
{
	struct number_text unlimited = {"unlimited"};

	return limit == RLIM_INFINITY ? unlimited : number_grouped((long long)limit);
}

static void print_engines(const struct machine *machine)
{
	printf("\nengines\n");
	for (int i = 0; i < machine->engine_count; i++) {
		const struct regio_engine_info *engine = &machine->engines[i];
		const char *state = !engine->available	? "refused"
				    : engine->automatic ? "chosen"
							: "available";

		printf("  %-22s %-12s ", engine->name, state);
		words_print(engine->reason, REASON_COLUMN);
	}
	printf("  ns: what each kind of call costs here, see REGIO_COSTS in regio(7)\n");
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void print_missing(const char *name, const char *reason)
{
	printf("  %-22s no: ", name);
	words_print(reason, VALUE_COLUMN + strlen("no: "));
}

static void print_offload(const struct regio_offload_info *offload)
{
	printf("\ntrains (tried on loopback)\n");
	if (offload->send_train_messages > 1)
		printf("  %-22s up to %u messages a call (UDP_SEGMENT)\n", "send",
		       offload->send_train_messages);
	else
		print_missing("send", offload->reason);
	if (offload->receive_trains)
		printf("  %-22s yes (UDP_GRO)%s\n", "receive",
		       offload->loopback_joins ? "" : ", but not on loopback");
	else
		print_missing("receive", offload->reason);
	if (offload->receive_trains && !offload->loopback_joins) {
		printf("  %-22s ", "");
		words_print(offload->reason, VALUE_COLUMN);
	}
	printf("\nbusy polling of devices (what this host allows)\n");
	printf("  %-22s %s (SO_BUSY_POLL)\n", "in receives",
	       yes_no(offload->busy_poll & REGIO_BUSY_POLL_SOCKET));
	printf("  %-22s %s (SO_PREFER_BUSY_POLL)\n", "interrupts off",
	       yes_no(offload->busy_poll & REGIO_BUSY_POLL_PREFER));
	printf("  %-22s %s (EPIOCSPARAMS)\n", "before sleeping",
	       yes_no(offload->busy_poll & REGIO_BUSY_POLL_SLEEP));
}

static void print_socket_buffers(const struct machine *machine)
{
	printf("\nsocket buffers, bytes   %14s %14s %14s\n", "default", "most", "granted");
	printf("  %-22s%14s %14s %14s\n", "receive", number_grouped(machine->rmem_default).text,
	       number_grouped(machine->rmem_max).text,
	       number_grouped(machine->granted_receive).text);
	printf("  %-22s%14s %14s %14s\n", "send", number_grouped(machine->wmem_default).text,
	       number_grouped(machine->wmem_max).text, number_grouped(machine->granted_send).text);
	printf("  granted: to a request queue of %s receives, as the kernel counts\n"
	       "  (twice the payload)\n",
	       number_grouped(TRIAL_RECEIVES).text);
}

static void print_limits(const struct machine *machine)
{
	printf("\nlimits                  %14s %14s\n", "now", "most");
	printf("  %-22s%14s %14s%s\n", "locked memory, bytes",
	       limit_text(machine->locked.rlim_cur).text, limit_text(machine->locked.rlim_max).text,
	       machine->may_lock_all ? "  (lifted by CAP_IPC_LOCK)" : "");
	printf("  %-22s%14s %14s\n", "descriptors", limit_text(machine->descriptors.rlim_cur).text,
	       limit_text(machine->descriptors.rlim_max).text);
	if (machine->io_uring_disabled != ABSENT)
		printf("  %-22s%14lld  (%s)\n", "io_uring_disabled", machine->io_uring_disabled,
		       machine->io_uring_disabled == 0	 ? "everybody may use it"
		       : machine->io_uring_disabled == 1 ? "only the privileged may use it"
							 : "nobody may use it");
}

static void print_hardware(const struct machine *machine)
{
	printf("\nmachine\n");
	printf("  %-22s %ld\n", "processors", machine->cpus);
	for (int i = 0; i < machine->node_count; i++) {
		const struct numa_node *node = &machine->nodes[i];
		char name[40];

		snprintf(name, sizeof(name), "NUMA node %d", node->number);
		printf("  %-22s processors %s; %s kB, %s free\n", name,
		       node->processors[0] == '\0' ? "none" : node->processors,
		       number_grouped(node->memory_kib).text, number_grouped(node->free_kib).text);
	}
	for (int i = 0; i < machine->huge_page_sizes; i++) {
		const struct huge_pages *pages = &machine->huge_pages[i];
		bool large = pages->page_kib >= 1 << 20;
		char name[40];

		snprintf(name, sizeof(name), "huge pages, %lld %s",
			 pages->page_kib >> (large ? 20 : 10), large ? "GiB" : "MiB");
		if (pages->total == 0)
			printf("  %-22s none\n", name);
		else
			printf("  %-22s %s, %s of them free\n", name,
			       number_grouped(pages->total).text, number_grouped(pages->free).text);
	}
}

static void print_problems(const struct machine *machine)
{
	if (machine->problem_count == 0) {
		printf("\nnothing to fix\n");
		return;
	}
	printf("\nto fix\n");
	for (int i = 0; i < machine->problem_count; i++) {
		printf("  ");
		words_print(machine->problems[i].text, 2);
		if (machine->problems[i].remedy[0] != '\0')
			printf("    %s\n", machine->problems[i].remedy);
	}
}

static void print_table(const struct machine *machine)
{
	uint32_t version = regio_version();

	printf("regio %u.%u.%u on %s %s, %s\n", version >> 16, version >> 8 & 0xff, version & 0xff,
	       machine->kernel.sysname, machine->kernel.release, machine->kernel.machine);
	print_engines(machine);
	print_offload(&machine->offload);
	print_socket_buffers(machine);
	print_limits(machine);
	print_hardware(machine);
	print_problems(machine);
}

/* ---- JSON ---------------------------------------------------------------- */

static void add_number(cJSON *object, const char *name, long long number)
{
	if (number != ABSENT)
		cJSON_AddNumberToObject(object, name, (double)number);
}

/* An unlimited limit is null. */
static void add_limit(cJSON *object, const char *name, const struct rlimit *limit)
{
	cJSON *pair = cJSON_AddObjectToObject(object, name);

	if (limit->rlim_cur == RLIM_INFINITY)
		cJSON_AddNullToObject(pair, "now");
	else
		add_number(pair, "now", (long long)limit->rlim_cur);
	if (limit->rlim_max == RLIM_INFINITY)
		cJSON_AddNullToObject(pair, "most");
	else
		add_number(pair, "most", (long long)limit->rlim_max);
}

static cJSON *add_element(cJSON *array)
{
	cJSON *element = cJSON_CreateObject();

	cJSON_AddItemToArray(array, element);
	return element;
}

static void add_engines(cJSON *root, const struct machine *machine)
{
	cJSON *array = cJSON_AddArrayToObject(root, "engines");

	for (int i = 0; i < machine->engine_count; i++) {
		const struct regio_engine_info *engine = &machine->engines[i];
		cJSON *element = add_element(array);

		cJSON_AddStringToObject(element, "name", engine->name);
		cJSON_AddBoolToObject(element, "available", engine->available != 0);
		cJSON_AddBoolToObject(element, "automatic", engine->automatic != 0);
		cJSON_AddStringToObject(element, "reason", engine->reason);
		cJSON_AddStringToObject(element, "remedy", engine->remedy);
	}
}

static void add_offload(cJSON *root, const struct regio_offload_info *offload)
{
	cJSON *object = cJSON_AddObjectToObject(root, "offload");

	add_number(object, "send_train_messages", offload->send_train_messages);
	cJSON_AddBoolToObject(object, "receive_trains", offload->receive_trains != 0);
	cJSON_AddBoolToObject(object, "loopback_joins", offload->loopback_joins != 0);
	cJSON_AddBoolToObject(object, "busy_poll_socket",
			      offload->busy_poll & REGIO_BUSY_POLL_SOCKET);
	cJSON_AddBoolToObject(object, "busy_poll_prefer",
			      offload->busy_poll & REGIO_BUSY_POLL_PREFER);
	cJSON_AddBoolToObject(object, "busy_poll_sleep",
			      offload->busy_poll & REGIO_BUSY_POLL_SLEEP);
	cJSON_AddStringToObject(object, "reason", offload->reason);
}

static void add_socket_buffers(cJSON *root, const struct machine *machine)
{
	cJSON *object = cJSON_AddObjectToObject(root, "socket_buffers");

	add_number(object, "rmem_default", machine->rmem_default);
	add_number(object, "rmem_max", machine->rmem_max);
	add_number(object, "wmem_default", machine->wmem_default);
	add_number(object, "wmem_max", machine->wmem_max);
	add_number(object, "posted_receives", TRIAL_RECEIVES);
	add_number(object, "granted_receive", machine->granted_receive);
	add_number(object, "granted_send", machine->granted_send);
}

static void add_machine(cJSON *root, const struct machine *machine)
{
	cJSON *object = cJSON_AddObjectToObject(root, "machine");
	cJSON *nodes, *pages;

	add_number(object, "processors", machine->cpus);
	add_number(object, "numa_nodes", machine->node_count > 0 ? machine->node_count : 1);
	nodes = cJSON_AddArrayToObject(object, "nodes");
	for (int i = 0; i < machine->node_count; i++) {
		cJSON *element = add_element(nodes);

		add_number(element, "node", machine->nodes[i].number);
		cJSON_AddStringToObject(element, "processors", machine->nodes[i].processors);
		add_number(element, "memory_kib", machine->nodes[i].memory_kib);
		add_number(element, "free_kib", machine->nodes[i].free_kib);
	}
	pages = cJSON_AddArrayToObject(object, "huge_pages");
	for (int i = 0; i < machine->huge_page_sizes; i++) {
		cJSON *element = add_element(pages);

		add_number(element, "page_kib", machine->huge_pages[i].page_kib);
		add_number(element, "total", machine->huge_pages[i].total);
		add_number(element, "free", machine->huge_pages[i].free);
	}
}

static void add_problems(cJSON *root, const struct machine *machine)
{
	cJSON *array = cJSON_AddArrayToObject(root, "problems");

	for (int i = 0; i < machine->problem_count; i++) {
		cJSON *element = add_element(array);

		cJSON_AddStringToObject(element, "text", machine->problems[i].text);
		cJSON_AddStringToObject(element, "remedy", machine->problems[i].remedy);
	}
}

static int print_json(const struct machine *machine)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *limits;
	char version[32];
	int status;

	snprintf(version, sizeof(version), "%u.%u.%u", regio_version() >> 16,
		 regio_version() >> 8 & 0xff, regio_version() & 0xff);
	cJSON_AddStringToObject(root, "version", version);
	cJSON_AddStringToObject(root, "kernel", machine->kernel.release);
	cJSON_AddStringToObject(root, "architecture", machine->kernel.machine);
	add_engines(root, machine);
	add_offload(root, &machine->offload);
	add_socket_buffers(root, machine);
	limits = cJSON_AddObjectToObject(root, "limits");
	add_limit(limits, "locked_memory", &machine->locked);
	cJSON_AddBoolToObject(limits, "locked_memory_lifted", machine->may_lock_all);
	add_limit(limits, "descriptors", &machine->descriptors);
	add_number(limits, "io_uring_disabled", machine->io_uring_disabled);
	add_machine(root, machine);
	add_problems(root, machine);
	status = json_write("regio info", stdout, root);
	cJSON_Delete(root);
	return status;
}

/* ---- Command ------------------------------------------------------------- */

struct info_options {
	bool json;
};

#define OPTIONS struct info_options

static const struct argument_spec specs[] = {
	OPTION_ON("json", json, "print a JSON object instead of a table"),
	{0},
};

static const struct argument_plan plan = {
	.command = "regio info",
	.synopsis = "[--json]",
	.about = "Shows what this machine offers regio, and what to change.\n",
	.specs = specs,
	.options_bytes = sizeof(struct info_options),
};

int info_command(int argc, char **argv)
{
	struct info_options options;
	struct machine machine;
	int status = arguments_apply(&plan, argc, argv, &options);

	if (status >= 0)
		return status;
	machine_find(&machine);
	if (!options.json) {
		print_table(&machine);
	} else if (print_json(&machine) < 0) {
		return 1;
	}
	return 0;
}
