/* SPDX-License-Identifier: MIT */
/*
 * Why a request is refused, in words.
 */
#include <errno.h>
#include <inttypes.h>

#include "api/refusal.h"
#include "base/error.h"
#include "mem/region.h"

static const char *step_of(enum regioi_direction direction)
{
	return direction == REGIOI_RECEIVE ? "posting a receive" : "posting a send";
}

int regioi_refuse_queue(enum regioi_direction direction, int error)
{
	const char *step = step_of(direction);

	if (error == -ECHILD)
		return regioi_fail(error, "%s: the RQ is of the parent process; make one here",
				   step);
	if (error == -ENOMEM)
		return regioi_fail(error, "%s: out of memory in the first call of a thread", step);
	return regioi_fail(error, "%s: the RQ is NULL or closed, or its CQ or its socket is", step);
}

int regioi_refuse_full(enum regioi_direction direction)
{
	regioi_explain_plainly(
		direction == REGIOI_RECEIVE
			? "posting a receive: as many are outstanding as the RQ allows; dequeue "
			  "results, or create or resize the RQ with more receives"
			: "posting a send: as many are outstanding as the RQ allows; dequeue "
			  "results, or create or resize the RQ with more sends");
	return -ENOBUFS;
}

int regioi_refuse_flags(const struct regioi_half *half, uint32_t flags)
{
	const char *step = step_of(half->direction);
	const uint32_t known =
		REGIO_MSG_DONT_NOTIFY | REGIO_MSG_DEFER | REGIO_MSG_WAITALL | REGIO_MSG_COMMIT_ONLY;

	if (flags & ~known)
		return regioi_fail(-EINVAL, "%s: flags is %#x; see REGIO_MSG_...", step, flags);
	if (flags & REGIO_MSG_COMMIT_ONLY)
		return regioi_fail(-EINVAL,
				   "%s: REGIO_MSG_COMMIT_ONLY is no request; give it alone, with "
				   "NULL for the slices and context 0",
				   step);
	return regioi_fail(-EINVAL, "%s: REGIO_MSG_WAITALL is for receives of streams", step);
}

int regioi_refuse_nothing(enum regioi_direction direction)
{
	return regioi_fail(-EINVAL,
			   "%s: data is NULL; on a stream give a slice, which may be empty",
			   step_of(direction));
}

static int refuse_region(const char *step, const char *what, const struct regio_buf *slice,
			 int error)
{
	if (error == -ECHILD)
		return regioi_fail(error, "%s: the region of %s is of the parent process", step,
				   what);
	if (error == -EINVAL)
		return regioi_fail(error,
				   "%s: %s is %u bytes from offset %u on; its region has %" PRIu64,
				   step, what, slice->length, slice->offset,
				   regioi_region_bytes(slice->region, false));
	if (slice->region == 0)
		return regioi_fail(error, "%s: the region of %s is 0; set it to a registered one",
				   step, what);
	if (regioi_region_bytes(slice->region, false) > 0)
		return regioi_fail(error, "%s: the region of %s is memory that cannot be written",
				   step, what);
	return regioi_fail(
		error, "%s: %s names region %#" PRIx64 ", which is not registered, or no longer",
		step, what, slice->region);
}

int regioi_refuse_slice(enum regioi_direction direction, const char *what,
			const struct regio_buf *slice, uint32_t length_min)
{
	const char *step = step_of(direction);

	if (slice->length < length_min)
		return regioi_fail(-EINVAL, "%s: %s has %u bytes; it needs at least %u", step, what,
				   slice->length, length_min);
	return refuse_region(step, what, slice, regioi_region_refusal(slice));
}

int regioi_refuse_extra(enum regioi_direction direction, const char *what)
{
	return regioi_fail(-EINVAL, "%s: %s is given, which it cannot have; set its region to 0",
			   step_of(direction), what);
}

int regioi_refuse_batch(uint32_t half, uint32_t count)
{
	if (half != REGIO_HALF_RECEIVE && half != REGIO_HALF_SEND)
		return regioi_fail(-EINVAL,
				   "posting requests: half is %u; give REGIO_HALF_RECEIVE or "
				   "REGIO_HALF_SEND",
				   half);
	return regioi_fail(-EINVAL, "posting requests: %u requests at NULL, or too many", count);
}
