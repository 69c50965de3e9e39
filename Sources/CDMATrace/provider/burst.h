/* The operations of a doorbell in a form that LTTng can record. */
#ifndef PROVIDER_BURST_H
#define PROVIDER_BURST_H

#include "dmatrace.h"

/* Operations of a ring by columns, up to the limit of one event. Rows beyond the counts are not initialized. */
struct dmatrace_burst_columns {
	uint16_t ring_idx; /* of the first operation */
	uint16_t count;    /* operations */
	uint16_t total_sg; /* entries of all their lists */
	uint16_t handled;  /* rows of the handlers: count, or 0 if no operation names one */
	uint8_t kind[DMATRACE_BURST_MAX];
	uint8_t flags[DMATRACE_BURST_MAX];
	uint8_t nb_src[DMATRACE_BURST_MAX];
	uint8_t nb_dst[DMATRACE_BURST_MAX];
	uint32_t length[DMATRACE_BURST_MAX];
	uint16_t src_handler[DMATRACE_BURST_MAX];
	uint16_t dst_handler[DMATRACE_BURST_MAX];
	uint64_t src[DMATRACE_BURST_MAX];
	uint64_t dst[DMATRACE_BURST_MAX];
	uint64_t sg_addr[DMATRACE_BURST_SG_MAX];
	uint32_t sg_len[DMATRACE_BURST_SG_MAX];
};

_Static_assert(sizeof(struct dmatrace_burst_columns) <= 14 * 1024 - 128, "an event with all other fields has at most 14 KiB");
_Static_assert(DMATRACE_BURST_SG_MAX >= 2 * UINT8_MAX, "the lists of any one operation fit");

/* The flag that rings the doorbell. In a descriptor this bit has another meaning: the first of a batch. */
#define DMATRACE_BURST_SUBMIT_FLAG DMADEV_DESC_BATCH_FIRST

static inline void dmatrace_burst_append(struct dmatrace_burst_columns *columns,
	const struct dmadev_sge *entries, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++, columns->total_sg++) {
		columns->sg_addr[columns->total_sg] = entries[i].addr;
		columns->sg_len[columns->total_sg] = entries[i].length;
	}
}

/* Reads operations from index on, at most left: as many as fit into one event, at least one. */
static inline void dmatrace_burst_gather(struct dmatrace_burst_columns *columns, const struct dmatrace_ring *ring,
	uint64_t index, uint32_t left)
{
	const struct dmadev_descriptor *descriptors = ring->descriptors;
	const struct dmadev_sge *entries = ring->entries;
	uint16_t most = left < DMATRACE_BURST_MAX ? (uint16_t)left : DMATRACE_BURST_MAX, row;

	uint8_t all_flags = 0;

	columns->total_sg = 0;
	for (row = 0; row < most; row++) {
		uint32_t place = (uint32_t)(index + row);
		const struct dmadev_descriptor *descriptor = &descriptors[place & (ring->nb_descriptors - 1)];
		uint16_t nb_src = descriptor->nb_src, nb_dst = descriptor->nb_dst;

		columns->kind[row] = descriptor->kind;
		columns->flags[row] = descriptor->flags & DMADEV_DESC_OPERATION_FLAGS;
		all_flags |= descriptor->flags;
		columns->src_handler[row] = descriptor->flags & DMADEV_DESC_SRC_HANDLER ? descriptor->src_handler : 0;
		columns->dst_handler[row] = descriptor->flags & DMADEV_DESC_DST_HANDLER ? descriptor->dst_handler : 0;
		columns->nb_src[row] = (uint8_t)nb_src;
		columns->nb_dst[row] = (uint8_t)nb_dst;
		columns->length[row] = descriptor->length;
		columns->src[row] = descriptor->src;
		columns->dst[row] = descriptor->dst;
		if (__builtin_expect(nb_src | nb_dst, 0)) {
			size_t slot = place & (ring->nb_slots - 1);
			const struct dmadev_sge *region = entries + slot * 2 * ring->max_sges;

			if (columns->total_sg + nb_src + nb_dst > DMATRACE_BURST_SG_MAX)
				break;
			dmatrace_burst_append(columns, region, nb_src);
			dmatrace_burst_append(columns, region + ring->max_sges, nb_dst);
		}
	}
	columns->ring_idx = (uint16_t)index;
	columns->count = row;
	columns->handled = all_flags & (DMADEV_DESC_SRC_HANDLER | DMADEV_DESC_DST_HANDLER) ? row : 0;
}

#endif
