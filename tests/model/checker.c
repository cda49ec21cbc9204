/* SPDX-License-Identifier: MIT */
/*
 * checker.c - the order in which the model gets the events
 */
#include "checker.h"

#include <stdlib.h>

/* The beginning or the end of a call. */
struct moment {
	uint32_t stamp;
	uint32_t event;
	bool end;
};

static int earlier(const void *a, const void *b)
{
	const struct moment *one = a, *other = b;

	if (one->stamp != other->stamp)
		return one->stamp < other->stamp ? -1 : 1;
	return one->end - other->end;
}

void check_start(struct check *check, const struct program *program, const struct history *history)
{
	model_start(&check->model, program, history);
	check->history = history;
	check->fed = 0;
	check->event = EVENTS_MAX;
}

static bool report(struct check *check, const struct moment *moment)
{
	const struct event *event = &check->history->events[moment->event];
	bool good =
		moment->end ? model_end(&check->model, event) : model_begin(&check->model, event);

	if (!good && check->event == EVENTS_MAX)
		check->event = moment->event;
	return good;
}

bool check_feed(struct check *check)
{
	static _Thread_local struct moment moments[2 * EVENTS_MAX];
	const uint32_t until = check->history->events_count;
	size_t count = 0;
	bool good = check->model.reason[0] == '\0';

	for (uint32_t i = check->fed; i < until; i++) {
		const struct event *event = &check->history->events[i];

		if (event->call.kind != CALL_SIGNAL)
			moments[count++] = (struct moment){event->begin, i, false};
		moments[count++] = (struct moment){event->end, i, true};
	}
	if (until - check->fed > 1)
		qsort(moments, count, sizeof(*moments), earlier);
	check->fed = until;
	for (size_t i = 0; i < count && good; i++)
		good = report(check, &moments[i]);
	return good;
}

bool check_finish(struct check *check)
{
	return check_feed(check) && model_finish(&check->model);
}

bool check_history(struct check *check, const struct program *program,
		   const struct history *history)
{
	check_start(check, program, history);
	return check_finish(check);
}

static void event_print(const struct program *program, const struct history *history,
			const struct event *event, FILE *out)
{
	fprintf(out, "    %4u-%-4u ", event->begin, event->end);
	call_print(program, &event->call, out);
	fprintf(out, " = %d%s", event->result, event->patient ? " (patient)" : "");
	if (event->number)
		fprintf(out, " #%x", event->number);
	fputc('\n', out);
	for (int32_t i = 0; event->call.kind == CALL_DEQUEUE && i < event->result; i++) {
		const struct completion *completion = &history->completions[event->first + i];

		fprintf(out, "              %s, %u bytes, #%llx of rq %llu\n",
			regio_error_name(completion->result.status), completion->result.bytes,
			(unsigned long long)completion->result.request_context,
			(unsigned long long)completion->result.rq_context);
	}
}

void history_print(const struct program *program, const struct history *history, FILE *out)
{
	for (uint32_t i = 0; i < history->events_count; i++)
		event_print(program, history, &history->events[i], out);
}

void check_print(const struct check *check, const struct program *program, FILE *out)
{
	fprintf(out, "  rejected: %s\n", check->model.reason);
	if (check->event != EVENTS_MAX)
		event_print(program, check->history, &check->history->events[check->event], out);
	else
		fprintf(out, "    at the end\n");
}
