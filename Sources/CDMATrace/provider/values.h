/* Arguments as LTTng can record them. */
#ifndef PROVIDER_VALUES_H
#define PROVIDER_VALUES_H

#include "dmatrace.h"

/* How many of count values at list an event records. */
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

_Static_assert(sizeof(struct dmatrace_sg_entry) == 16, "an SG entry is 16 bytes");

static inline void dmatrace_sg_split(struct dmatrace_sg_columns *columns, const void *list, uint16_t count)
{
	const struct dmatrace_sg_entry *entries = list;

	columns->count = count;
	columns->kept = dmatrace_kept(list, count, DMATRACE_SG_MAX);
	for (uint16_t i = 0; i < columns->kept; i++) {
		columns->address[i] = entries[i].address;
		columns->length[i] = entries[i].length;
	}
}

#endif
