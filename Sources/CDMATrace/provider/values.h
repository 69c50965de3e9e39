/* Arguments in a form that LTTng can record. Call sites fill these structs, probes read them: a change needs another
 * soname of the object (see load.c). */
#ifndef PROVIDER_VALUES_H
#define PROVIDER_VALUES_H

#include "dmatrace.h"

/* The number of values at list that an event records. */
static inline uint16_t dmatrace_kept(const void *list, int32_t count, uint16_t max)
{
	if (list == NULL || count <= 0)
		return 0;
	return count < max ? (uint16_t)count : max;
}

/* An SG list by columns: LTTng's sequences are contiguous arrays of one type. */
struct dmatrace_sg_columns {
	uint16_t count; /* entries of the list */
	uint16_t kept;  /* entries recorded */
	uint64_t address[DMATRACE_SG_MAX];
	uint32_t length[DMATRACE_SG_MAX];
};

static inline void dmatrace_sg_split(struct dmatrace_sg_columns *columns, const struct dmadev_sge *entries,
	uint16_t count)
{
	columns->count = count;
	columns->kept = dmatrace_kept(entries, count, DMATRACE_SG_MAX);
	for (uint16_t i = 0; i < columns->kept; i++) {
		columns->address[i] = entries[i].addr;
		columns->length[i] = entries[i].length;
	}
}

/* One side of the operations of a call, all their SG lists one after another. */
struct dmatrace_op_side {
	uint32_t total; /* entries of all operations */
	uint16_t kept;  /* entries recorded */
	uint64_t address[DMATRACE_OPS_SG_MAX];
	uint32_t length[DMATRACE_OPS_SG_MAX];
};

static inline void dmatrace_op_side_append(struct dmatrace_op_side *side, const struct dmadev_sge *entries,
	uint16_t count)
{
	for (uint16_t i = 0; i < count && side->kept < DMATRACE_OPS_SG_MAX; i++) {
		side->address[side->kept] = entries[i].addr;
		side->length[side->kept] = entries[i].length;
		side->kept++;
	}
}

/* Operations to enqueue, by columns. */
struct dmatrace_op_columns {
	uint16_t count; /* operations of the call */
	uint16_t kept;  /* operations recorded */
	uint64_t flags[DMATRACE_OPS_MAX];
	uint64_t user_meta[DMATRACE_OPS_MAX];
	uint16_t nb_src[DMATRACE_OPS_MAX];
	uint16_t nb_dst[DMATRACE_OPS_MAX];
	struct dmatrace_op_side src;
	struct dmatrace_op_side dst;
};

/* Used for a NULL operation, so that the other rows keep their positions. */
static const struct dmadev_op dmatrace_no_op;

static inline void dmatrace_ops_split(struct dmatrace_op_columns *columns, const void *list, uint16_t count)
{
	const struct dmadev_op *const *ops = list;

	columns->count = count;
	columns->kept = dmatrace_kept(list, count, DMATRACE_OPS_MAX);
	columns->src.total = columns->src.kept = 0;
	columns->dst.total = columns->dst.kept = 0;
	if (ops == NULL)
		return;
	for (uint16_t i = 0; i < count; i++) {
		const struct dmadev_op *op = ops[i] != NULL ? ops[i] : &dmatrace_no_op;
		const struct dmadev_sge *entries = (const struct dmadev_sge *)(op + 1);

		columns->src.total += op->nb_src;
		columns->dst.total += op->nb_dst;
		if (i >= columns->kept)
			continue;
		columns->flags[i] = op->flags;
		columns->user_meta[i] = op->user_meta;
		columns->nb_src[i] = op->nb_src;
		columns->nb_dst[i] = op->nb_dst;
		dmatrace_op_side_append(&columns->src, entries, op->nb_src);
		dmatrace_op_side_append(&columns->dst, entries + op->nb_src, op->nb_dst);
	}
}

/* Operations that were dequeued, by columns. */
struct dmatrace_op_statuses {
	uint16_t kept; /* operations recorded */
	uint64_t user_meta[DMATRACE_STATUS_MAX];
	uint32_t status[DMATRACE_STATUS_MAX];
};

static inline void dmatrace_op_statuses_split(struct dmatrace_op_statuses *columns, const void *list, int32_t count)
{
	const struct dmadev_op *const *ops = list;

	columns->kept = dmatrace_kept(list, count, DMATRACE_STATUS_MAX);
	for (uint16_t i = 0; i < columns->kept; i++) {
		const struct dmadev_op *op = ops[i] != NULL ? ops[i] : &dmatrace_no_op;

		columns->user_meta[i] = op->user_meta;
		columns->status[i] = op->status;
	}
}

#endif
