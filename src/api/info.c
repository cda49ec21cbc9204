/* SPDX-License-Identifier: MIT */
/*
 * Information about the library's objects and the machine.
 */
#include <errno.h>

#include "api/rq.h"
#include "base/count.h"
#include "base/error.h"
#include "base/hazard.h"
#include "base/option.h"
#include "base/options.h"
#include "base/print.h"
#include "base/uncancelled.h"
#include "engine/costs.h"
#include "queue/handle.h"
#include "queue/offload.h"

static void describe(const struct regioi_rq *rq, struct regio_rq_info *ret_info)
{
	const struct regioi_receive_state *receive = &rq->halves[REGIOI_RECEIVE].receive;
	const struct regioi_send_state *send = &rq->halves[REGIOI_SEND].send;

	*ret_info = (struct regio_rq_info){
		.receive_buffer_bytes = (uint32_t)regioi_option(rq->fd, SOL_SOCKET, SO_RCVBUF),
		.send_buffer_bytes = (uint32_t)regioi_option(rq->fd, SOL_SOCKET, SO_SNDBUF),
		.receive_trains_on = receive->trains,
		.send_trains_on = send->train_messages_max > 1,
		.messages_received = regioi_count_read(&receive->messages),
		.messages_sent = regioi_count_read(&send->messages),
		.trains_received = regioi_count_read(&receive->received_trains),
		.trains_sent = regioi_count_read(&send->trains),
		.receive_calls = regioi_count_read(&receive->calls),
		.send_calls = regioi_count_read(&send->calls),
		.messages_truncated = regioi_count_read(&receive->truncated),
		.trains_refused = regioi_count_read(&send->trains_refused),
		.fd = rq->fd,
		.max_receives = rq->halves[REGIOI_RECEIVE].limit,
		.max_sends = rq->halves[REGIOI_SEND].limit,
		.receive_cq = (void *)(uintptr_t)rq->halves[REGIOI_RECEIVE].cq->id,
		.send_cq = (void *)(uintptr_t)rq->halves[REGIOI_SEND].cq->id,
	};
}

int regio_rq_get_info(struct regio_rq *handle, struct regio_rq_info *ret_info, uint32_t size)
{
	static const char step[] = "describing an RQ";
	int error = regioi_info_check(ret_info, size, step);
	struct regio_rq_info info;
	struct regioi_rq *rq;

	if (error)
		return error;
	error = regioi_rq_enter(handle, step, &rq);
	if (error)
		return error;
	describe(rq, &info);
	regioi_hazard_leave();
	regioi_info_write(ret_info, size, &info, sizeof(info));
	return 0;
}

int regio_driver_get_info(struct regio_driver *handle, struct regio_driver_info *ret_info,
			  uint32_t size)
{
	static const char step[] = "describing a driver";
	struct regio_driver_info info = {0};
	struct regioi_driver *driver;
	int error = regioi_info_check(ret_info, size, step);

	if (error)
		return error;
	driver = regioi_driver_held(handle);
	if (!driver)
		return regioi_refuse_handle(handle, step, "driver");
	regioi_print(info.engine, "%s", driver->ops->name);
	regioi_print(info.reason, "%s", driver->reason);
	info.completion_queues = atomic_load(&driver->completion_queues);
	info.request_queues = atomic_load(&driver->request_queues);
	info.thread = driver->threaded;
	info.asleep = atomic_load(&driver->thread.asleep);
	info.sleeps = atomic_load(&driver->thread.sleeps);
	regioi_driver_release(driver);
	regioi_info_write(ret_info, size, &info, sizeof(info));
	return 0;
}

int regio_offload_get_info(struct regio_offload_info *ret_info, uint32_t size)
{
	int error = regioi_info_check(ret_info, size, "describing offloads");
	struct regio_offload_info info;

	if (error)
		return error;
	info = regioi_offload();
	regioi_info_write(ret_info, size, &info, sizeof(info));
	return 0;
}

static bool engine_works(const struct regioi_engine_ops *ops, struct regioi_costs *ret_costs,
			 struct regioi_refusal *ret_refusal)
{
	REGIOI_UNCANCELLED;
	struct regioi_engine *engine;
	int error;

	if (ops->create(&engine, ret_refusal) != 0)
		return false;
	error = regioi_costs_of(ops, engine, ret_costs, ret_refusal);
	ops->destroy(engine);
	return !error;
}

static void describe_engine(const struct regioi_engine_ops *ops, struct regio_engine_info *ret_info)
{
	struct regioi_refusal refusal = {0};
	struct regioi_costs costs = {0};
	char batches[48] = "";

	regioi_print(ret_info->name, "%s", ops->name);
	ret_info->available = engine_works(ops, &costs, &refusal);
	regioi_print(ret_info->remedy, "%s", refusal.remedy);
	if (!ret_info->available) {
		regioi_print(ret_info->reason, "%s", refusal.reason);
		return;
	}
	if (!ops->costs) {
		regioi_print(ret_info->reason, "%s", ops->about);
		return;
	}
	if (costs.call || costs.batch)
		regioi_print(batches, ", call %u, batch %u", costs.call, costs.batch);
	regioi_print(ret_info->reason, "%s (ns: poll %u, watch %u, miss %u, event %u%s)",
		     ops->about, costs.poll, costs.watch, costs.miss, costs.event, batches);
}

int regio_engine_get_info(uint32_t index, struct regio_engine_info *ret_info, uint32_t size)
{
	static const char step[] = "describing an engine";
	const struct regioi_engine_ops *ops = regioi_engine_at(index);
	struct regio_engine_info info = {0};
	bool earlier = false;
	int error = regioi_info_check(ret_info, size, step);

	if (error)
		return error;
	if (!ops)
		return regioi_fail(-ENOENT, "%s: no engine has number %u", step, index);
	for (uint32_t i = 0; i < index && !earlier; i++) {
		const struct regioi_engine_ops *other = regioi_engine_at(i);
		struct regioi_refusal refusal;
		struct regioi_costs costs;

		earlier = other->automatic && engine_works(other, &costs, &refusal);
	}
	describe_engine(ops, &info);
	info.automatic = info.available && ops->automatic && !earlier;
	regioi_info_write(ret_info, size, &info, sizeof(info));
	return 0;
}
