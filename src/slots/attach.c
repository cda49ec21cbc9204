/* SPDX-License-Identifier: MIT */
/*
 * Attaching RQs to a pool.
 */
#include <errno.h>

#include "base/error.h"
#include "slots/name.h"
#include "slots/supply.h"

static const char step[] = "attaching an RQ to a pool of slots";

static int check_queues(const struct regioi_pool *pool, const struct regio_rq_info *info)
{
	if (info->max_receives && info->receive_cq != pool->cq)
		return regioi_fail(-EINVAL,
				   "%s: the RQ's receives complete in another CQ than the pool's; "
				   "give the RQ the CQ of the pool",
				   step);
	if (info->max_sends && info->send_cq != pool->cq)
		return regioi_fail(
			-EINVAL,
			"%s: the RQ's sends complete in another CQ than the pool's; give the RQ "
			"the CQ of the pool",
			step);
	return 0;
}

static int check_limits(const struct regio_rq_info *info, uint64_t receives)
{
	if (receives > info->max_receives)
		return regioi_fail(-ENOBUFS,
				   "%s: the RQ allows %u receives, not %llu; create or "
				   "resize it with more",
				   step, info->max_receives, (unsigned long long)receives);
	if (info->max_sends && receives > info->max_sends)
		return regioi_fail(-ENOBUFS,
				   "%s: the RQ allows %u sends, and %llu receives may "
				   "want a reply; create or resize it with as many sends, or "
				   "with none",
				   step, info->max_sends, (unsigned long long)receives);
	return 0;
}

int regio_slots_attach(struct regio_slots *handle, struct regio_rq *rq, uint32_t receives)
{
	struct regioi_pool *pool = regioi_pool_of(handle);
	struct regioi_member *member;
	struct regio_rq_info info;
	int error;

	if (!pool)
		return regioi_refuse_handle(handle, step, "pool");
	if (receives == 0)
		return regioi_fail(-EINVAL, "%s: 0 receives", step);
	error = regio_rq_get_info(rq, &info, sizeof(info));
	if (error)
		return regioi_fail(error, "%s: %s", step,
				   error == -EBADF ? "the RQ is NULL or closed"
						   : regio_error_text(error));
	error = check_queues(pool, &info);
	if (error)
		return error;
	member = regioi_member_find(pool, rq);
	error = check_limits(&info, (uint64_t)receives + (member ? member->wanted : 0));
	if (error)
		return error;
	if (!member)
		member = regioi_member_add(pool, rq);
	if (!member)
		return regioi_fail(-ENOMEM, "%s: out of memory", step);
	member->ended = false;
	regioi_member_name(pool, member, info.fd);
	if (!regioi_member_want(pool, member, receives))
		return regioi_fail(-EBADF, "%s: the CQ is closed", step);
	return 0;
}
