/* SPDX-License-Identifier: MIT */
/*
 * Reading REGIO_FAULTS.
 */
#include "engine/testing/fault_options.h"
#include "base/print.h"
#include "engine/settings.h"

#define SEED_DEFAULT 1u
#define SHARE_DEFAULT 10u
/* At 100 percent no operation would ever be executed. */
#define PERCENT_MAX 90u

static const char *const kinds[REGIOI_FAULT_KINDS] = {
	[REGIOI_FAULT_DELAY] = "delay", [REGIOI_FAULT_SHORT] = "short",
	[REGIOI_FAULT_LATE] = "late",	[REGIOI_FAULT_REPEAT] = "repeat",
	[REGIOI_FAULT_EARLY] = "early", [REGIOI_FAULT_SIGNAL] = "signal",
	[REGIOI_FAULT_WATCH] = "watch", [REGIOI_FAULT_FAIL] = "fail",
	[REGIOI_FAULT_CUT] = "cut",
};

static void share_set(struct regioi_fault_options *options, uint32_t percent)
{
	for (int i = 0; i < REGIOI_FAULT_SHOWS; i++)
		options->percent[i] = percent;
}

static bool item_set(const struct regioi_setting *setting, void *to)
{
	const uint32_t percent = (uint32_t)setting->number;
	struct regioi_fault_options *options = to;

	if (regioi_setting_is(setting, "seed")) {
		options->seed = setting->number;
		return true;
	}
	if (setting->number > PERCENT_MAX)
		return false;
	if (regioi_setting_is(setting, "share")) {
		share_set(options, percent);
		return true;
	}
	for (int i = 0; i < REGIOI_FAULT_KINDS; i++) {
		if (regioi_setting_is(setting, kinds[i])) {
			options->percent[i] = percent;
			return true;
		}
	}
	return false;
}

int regioi_fault_options_read(const char *text, struct regioi_fault_options *ret_options,
			      struct regioi_refusal *ret_refusal)
{
	int error;

	*ret_options = (struct regioi_fault_options){.seed = SEED_DEFAULT};
	share_set(ret_options, SHARE_DEFAULT);
	error = regioi_settings_read("REGIO_FAULTS", text, item_set, ret_options, ret_refusal);
	if (error)
		regioi_print(ret_refusal->remedy,
			     "seed=N, and percentages up to %u for share, delay, short, late, "
			     "repeat, early, signal, watch, fail and cut",
			     PERCENT_MAX);
	return error;
}
