#define LTTNG_UST_TRACEPOINT_HIDDEN_DEFINITION
#define LTTNG_UST_TRACEPOINT_PROBE_DYNAMIC_LINKAGE
#define LTTNG_UST_TRACEPOINT_DEFINE
#define DMATRACE_DEFINES_EMIT
#include "provider/dmadev.h"

#include "provider/emit.h"

#include "dmatrace_dmadev_events.h"

void dmatrace_emit_dmadev_copy_sg(int16_t dev_id, uint16_t vchan, const struct dmadev_sge *src,
	const struct dmadev_sge *dst, uint16_t nb_src, uint16_t nb_dst, uint64_t flags, int32_t ret)
{
	struct dmatrace_sg_columns src_columns, dst_columns;

	dmatrace_sg_split(&src_columns, src, nb_src);
	dmatrace_sg_split(&dst_columns, dst, nb_dst);
	lttng_ust_do_tracepoint(dmadev, copy_sg, dev_id, vchan, &src_columns, &dst_columns, flags, ret);
}

void dmatrace_emit_dmadev_enqueue_ops(int16_t dev_id, uint16_t vchan, const void *ops, uint16_t nb_ops, int32_t ret)
{
	struct dmatrace_op_columns columns;

	dmatrace_ops_split(&columns, ops, nb_ops);
	lttng_ust_do_tracepoint(dmadev, enqueue_ops, dev_id, vchan, &columns, ret);
}

void dmatrace_emit_dmadev_dequeue_ops(int16_t dev_id, uint16_t vchan, const void *ops, uint16_t nb_ops, int32_t ret)
{
	struct dmatrace_op_statuses columns;

	dmatrace_op_statuses_split(&columns, ops, ret);
	lttng_ust_do_tracepoint(dmadev, dequeue_ops, dev_id, vchan, &columns, nb_ops, ret);
}

void dmatrace_emit_dmadev_burst(int16_t dev_id, uint16_t vchan, const struct dmatrace_ring *ring, uint64_t index,
	uint32_t nb_rung, bool is_flagged)
{
	struct dmatrace_burst_columns columns;

	for (uint32_t first = 0; first < nb_rung; first += columns.count) {
		dmatrace_burst_gather(&columns, ring, index + first, nb_rung - first, is_flagged);
		lttng_ust_do_tracepoint(dmadev, burst, dev_id, vchan, (uint16_t)nb_rung, (uint16_t)first, &columns);
	}
}
