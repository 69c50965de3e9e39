/* A libdmadev.so.1 without Swift: the observer, and a call layer that calls the functions of the table. For tests and
 * sanitizers; scripts/check-dpdk-observer builds it. */
#include <cdpdkobserver.h>
#include <dmatrace.h>

#include <stdio.h>
#include <stdlib.h>

#define TABLE ((struct dmadev_data_path *)path)
#define EXPORTED __attribute__((visibility("default")))

/* What dmadev:burst would record: with OBSERVER_TEST_BURSTS each doorbell's operations are looked at. */
static uint64_t burst_operations;

static uint64_t rung(void *path, uint16_t vchan, struct dmadev_rung *rung)
{
	if (getenv("OBSERVER_TEST_BURSTS") == NULL)
		return 0;
	if (TABLE->rung(TABLE->driver, vchan, rung) != 0)
		abort();
	return rung->rung;
}

static int32_t look(void *path, uint16_t vchan, uint64_t begin, int32_t result)
{
	struct dmadev_rung now;
	uint64_t end = rung(path, vchan, &now);

	for (uint64_t index = begin; index != end; index++, burst_operations++) {
		const struct dmadev_descriptor *descriptor = &now.recent[index % now.nb_recent];
		const struct dmadev_sge *entries = now.entries + index % now.nb_slots * 2 * now.max_sges;

		/* As application.c makes them. */
		if (descriptor->kind == DMADEV_KIND_COPY_SG ?
			    descriptor->nb_src != 2 || descriptor->nb_dst != 2 || entries[0].length == 0 ||
				    entries[1].length != 1 || entries[now.max_sges].length != entries[0].length :
			    descriptor->length == 0 || descriptor->dst == 0)
			abort();
	}
	return result;
}

__attribute__((destructor)) static void report_bursts(void)
{
	if (burst_operations > 0)
		fprintf(stderr, "%llu operations in bursts\n", (unsigned long long)burst_operations);
}

int32_t dmadev_call_copy(void *path, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length, uint64_t flags)
{
	struct dmadev_rung before;
	uint64_t begin = rung(path, vchan, &before);

	return look(path, vchan, begin, TABLE->copy(TABLE->driver, vchan, src, dst, length, flags));
}

int32_t dmadev_call_copy_sg(void *path, uint16_t vchan, const struct dmadev_sge *src, const struct dmadev_sge *dst,
			    uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	struct dmadev_rung before;
	uint64_t begin = rung(path, vchan, &before);

	return look(path, vchan, begin, TABLE->copy_sg(TABLE->driver, vchan, src, dst, nb_src, nb_dst, flags));
}

int32_t dmadev_call_fill(void *path, uint16_t vchan, uint64_t pattern, uint64_t dst, uint32_t length, uint64_t flags)
{
	struct dmadev_rung before;
	uint64_t begin = rung(path, vchan, &before);

	return look(path, vchan, begin, TABLE->fill(TABLE->driver, vchan, pattern, dst, length, flags));
}

int32_t dmadev_call_submit(void *path, uint16_t vchan)
{
	struct dmadev_rung before;
	uint64_t begin = rung(path, vchan, &before);

	return look(path, vchan, begin, TABLE->submit(TABLE->driver, vchan));
}

uint16_t dmadev_call_completed(void *path, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx, bool *has_error)
{
	return (uint16_t)TABLE->completed(TABLE->driver, vchan, nb_cpls, last_idx, has_error);
}

uint16_t dmadev_call_completed_status(void *path, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx, uint16_t *status)
{
	return (uint16_t)TABLE->completed_status(TABLE->driver, vchan, nb_cpls, last_idx, status);
}

uint16_t dmadev_call_burst_capacity(const void *path, uint16_t vchan)
{
	return (uint16_t)TABLE->burst_capacity(TABLE->driver, vchan);
}

uint16_t dmadev_call_enqueue_ops(void *path, uint16_t vchan, struct dmadev_op **ops, uint16_t nb_ops)
{
	return (uint16_t)TABLE->enqueue_ops(TABLE->driver, vchan, ops, nb_ops);
}

uint16_t dmadev_call_dequeue_ops(void *path, uint16_t vchan, struct dmadev_op **ops, uint16_t nb_ops)
{
	return (uint16_t)TABLE->dequeue_ops(TABLE->driver, vchan, ops, nb_ops);
}

int32_t dmadev_call_failed(void *path, uint32_t call, int32_t result, uint16_t vchan, uint32_t length, uint64_t flags)
{
	(void)path, (void)call, (void)vchan, (void)length, (void)flags;
	return result;
}

/* No session: with OBSERVER_TEST_EVENTS all calls go by way of the functions above all the same. */
#define TRACEPOINT(name)                                                                                               \
	struct dmatrace_tracepoint lttng_ust_tracepoint_dmadev___##name;                                               \
	__attribute__((constructor)) static void begin_##name(void)                                                    \
	{                                                                                                              \
		lttng_ust_tracepoint_dmadev___##name.state = getenv("OBSERVER_TEST_EVENTS") != NULL;                   \
	}
TRACEPOINT(copy)
TRACEPOINT(copy_sg)
TRACEPOINT(fill)
TRACEPOINT(submit)
TRACEPOINT(completed)
TRACEPOINT(completed_status)
TRACEPOINT(burst_capacity)
TRACEPOINT(enqueue_ops)
TRACEPOINT(dequeue_ops)
TRACEPOINT(enqueue_rejected)
TRACEPOINT(burst)

static struct dmadev_data_path paths[OBSERVER_DEVICE_COUNT];

static const char *attach(const struct dmascope_dpdk_device *device)
{
	const char *reason = observer_prepare(device);

	if (reason != NULL)
		return reason;
	observer_set_functions(device->id, &paths[device->id]);
	observer_attach(device, &paths[device->id]);
	observer_register_commands(device);
	if (getenv("OBSERVER_TEST_REPORT") != NULL)
		fprintf(stderr, "observing %d %s of %s in %s\n", device->id, device->name, device->driver,
			observer_file_path());
	return NULL;
}

static void closed(int16_t id)
{
	(void)id;
}

static void reset(int16_t id, uint16_t vchan)
{
	(void)id, (void)vchan;
}

EXPORTED const struct dmascope_observer *dmascope_observer(uint32_t version)
{
	static const struct dmascope_observer functions = { attach, observer_has_entries, observer_detach, closed, reset };

	return version == DMASCOPE_OBSERVER_VERSION ? &functions : NULL;
}
