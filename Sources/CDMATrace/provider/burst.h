/* The operations of a doorbell in a form that LTTng can record. */
#ifndef PROVIDER_BURST_H
#define PROVIDER_BURST_H

#include "dmatrace.h"

/* What a descriptor has besides addresses and handlers, as one word to compare. */
union dmatrace_burst_control {
	struct {
		uint32_t length;
		uint8_t kind;
		uint8_t flags;
		uint8_t nb_src;
		uint8_t nb_dst;
	};
	uint64_t word;
};

_Static_assert(offsetof(struct dmadev_descriptor, nb_dst) + 1 - offsetof(struct dmadev_descriptor, length) ==
		sizeof(union dmatrace_burst_control), "the members of a descriptor from length to nb_dst");

/* Operations of a ring by columns, up to the limit of one event. A column has a row for each operation, or a single row
 * for all of them. Rows beyond the counts are not initialized. */
struct dmatrace_burst_columns {
	uint16_t ring_idx; /* of the first operation */
	uint16_t count;    /* operations, and rows of src and dst */
	uint16_t total_sg; /* entries of all their lists */
	uint16_t handled;  /* rows of the handlers: count, or 0 if no operation names one */
	/* Rows of the columns of these names: count or 1. */
	uint16_t kinds;
	uint16_t all_flags;
	uint16_t lengths;
	uint16_t lists; /* nb_src and nb_dst */
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

static inline const struct dmadev_descriptor *dmatrace_burst_descriptor(const struct dmatrace_ring *ring, uint64_t index)
{
	return &ring->descriptors[(uint32_t)index & (ring->nb_descriptors - 1)];
}

/* Reads the lists of operations from index on, and returns how many operations' lists fit. */
static inline uint16_t dmatrace_burst_gather_lists(struct dmatrace_burst_columns *columns, const struct dmatrace_ring *ring,
	uint64_t index, uint16_t most)
{
	uint16_t row;

	for (row = 0; row < most; row++) {
		const struct dmadev_descriptor *descriptor = dmatrace_burst_descriptor(ring, index + row);
		size_t slot = (uint32_t)(index + row) & (ring->nb_slots - 1);
		const struct dmadev_sge *region = ring->entries + slot * 2 * ring->max_sges;
		uint8_t nb_src = descriptor->nb_src, nb_dst = descriptor->nb_dst;

		if (columns->total_sg + nb_src + nb_dst > DMATRACE_BURST_SG_MAX)
			break;
		columns->nb_src[row] = nb_src;
		columns->nb_dst[row] = nb_dst;
		dmatrace_burst_append(columns, region, nb_src);
		dmatrace_burst_append(columns, region + ring->max_sges, nb_dst);
	}
	return row;
}

static inline void dmatrace_burst_gather_handlers(struct dmatrace_burst_columns *columns, const struct dmatrace_ring *ring,
	uint64_t index)
{
	for (uint16_t row = 0; row < columns->count; row++) {
		const struct dmadev_descriptor *descriptor = dmatrace_burst_descriptor(ring, index + row);

		columns->src_handler[row] = descriptor->flags & DMADEV_DESC_SRC_HANDLER ? descriptor->src_handler : 0;
		columns->dst_handler[row] = descriptor->flags & DMADEV_DESC_DST_HANDLER ? descriptor->dst_handler : 0;
	}
	columns->handled = columns->count;
}

/* What operations have in common: the bits of the control words that are set in any, and in all of them. */
struct dmatrace_burst_summary {
	uint64_t any;
	uint64_t all;
};

/* Reads the addresses of operations that lie one after another. */
static inline struct dmatrace_burst_summary dmatrace_burst_gather_addresses(struct dmatrace_burst_columns *columns, uint16_t row,
	const struct dmadev_descriptor *descriptors, uint16_t count, struct dmatrace_burst_summary summary)
{
	for (uint16_t place = 0; place < count; place++) {
		uint64_t word;

		__builtin_memcpy(&word, &descriptors[place].length, sizeof(word));
		columns->src[row + place] = descriptors[place].src;
		columns->dst[row + place] = descriptors[place].dst;
		summary.any |= word;
		summary.all &= word;
	}
	return summary;
}

/* Reads operations from index on, at most left: as many as fit into one event, at least one. is_submitted: the last of
 * those that are left has rung the doorbell.
 *
 * The first pass reads addresses, and whether the operations differ in anything else: mostly they do not. */
static inline void dmatrace_burst_gather(struct dmatrace_burst_columns *columns, const struct dmatrace_ring *ring,
	uint64_t index, uint32_t left, bool is_submitted)
{
	const union dmatrace_burst_control mask = {
		.length = UINT32_MAX, .kind = UINT8_MAX, .flags = DMADEV_DESC_OPERATION_FLAGS, .nb_src = UINT8_MAX,
		.nb_dst = UINT8_MAX,
	};
	const struct dmadev_descriptor *begin = dmatrace_burst_descriptor(ring, index);
	uint16_t count = left < DMATRACE_BURST_MAX ? (uint16_t)left : DMATRACE_BURST_MAX;
	uint32_t behind = (uint32_t)(ring->descriptors + ring->nb_descriptors - begin);
	uint16_t together = count < behind ? count : (uint16_t)behind;
	struct dmatrace_burst_summary summary = { .any = 0, .all = UINT64_MAX };
	union dmatrace_burst_control any, differs;

	summary = dmatrace_burst_gather_addresses(columns, 0, begin, together, summary);
	summary = dmatrace_burst_gather_addresses(columns, together, ring->descriptors, count - together, summary);
	any.word = summary.any & mask.word;
	differs.word = (summary.any ^ summary.all) & mask.word;
	columns->kind[0] = begin->kind;
	columns->flags[0] = begin->flags & DMADEV_DESC_OPERATION_FLAGS;
	columns->length[0] = begin->length;
	columns->nb_src[0] = columns->nb_dst[0] = 0;
	columns->total_sg = 0;
	columns->lists = 1;
	if (__builtin_expect(any.nb_src | any.nb_dst, 0))
		columns->lists = count = dmatrace_burst_gather_lists(columns, ring, index, count);
	columns->ring_idx = (uint16_t)index;
	columns->count = count;
	is_submitted = is_submitted && count == left;
	columns->kinds = differs.kind ? count : 1;
	columns->lengths = differs.length ? count : 1;
	columns->all_flags = differs.flags || is_submitted ? count : 1;
	for (uint16_t row = 1; row < columns->kinds; row++)
		columns->kind[row] = dmatrace_burst_descriptor(ring, index + row)->kind;
	for (uint16_t row = 1; row < columns->lengths; row++)
		columns->length[row] = dmatrace_burst_descriptor(ring, index + row)->length;
	for (uint16_t row = 1; row < columns->all_flags; row++)
		columns->flags[row] = dmatrace_burst_descriptor(ring, index + row)->flags & DMADEV_DESC_OPERATION_FLAGS;
	if (is_submitted)
		columns->flags[count - 1] |= DMATRACE_BURST_SUBMIT_FLAG;
	columns->handled = 0;
	if (__builtin_expect(any.flags & (DMADEV_DESC_SRC_HANDLER | DMADEV_DESC_DST_HANDLER), 0))
		dmatrace_burst_gather_handlers(columns, ring, index);
}

#endif
