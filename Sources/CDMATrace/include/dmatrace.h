/* The tracepoints of dmascope, callable from C and Swift without an LTTng header.
 *
 * Each event is declared once, in the events file of its provider. This generates, for an event `copy` of `dmadev`:
 *
 *   dmatrace_dmadev_copy_enabled()     whether a session records it: one load and compare.
 *   dmatrace_dmadev_copy_state()       the word that it loads: not 0 while a session records it.
 *   dmatrace_dmadev_copy(...)          records it if so. Disabled, it costs the compare and a branch, inline in the caller.
 *   dmatrace_emit_dmadev_copy(...)     records it without the check; out of line, the slow part of the function above.
 *   a row of dmatrace_events()         its names, its log level, and whether it is enabled.
 *
 * A new event is one block in an events file, and its call site.
 * If arguments are expensive to collect (strings, structs), check `_enabled` first. */
#ifndef DMATRACE_H
#define DMATRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cdmadev.h"
#include "dmatrace_expand.h"

/* Hidden: an image with call sites calls its own functions and tests its own state words, whatever other images export,
 * and accesses the words without the global offset table. */
#pragma GCC visibility push(hidden)

/* The maximum number of SG list entries, and of completion statuses or dequeued operations, in an event; the rest is
 * left out. The event also has the full counts (nb_src and nb_dst, ret). */
#define DMATRACE_SG_MAX 64
#define DMATRACE_STATUS_MAX 256

/* The maximum number of operations in an enqueue_ops event, and of the SG entries of all of these together, per side.
 * The full counts are nb_ops, and total_src and total_dst: those of all operations of the call. */
#define DMATRACE_OPS_MAX 64
#define DMATRACE_OPS_SG_MAX 256

/* The maximum number of operations in a burst or completed_burst event, and of the SG entries of all of these together.
 * The rest goes into further events, without splitting an operation: nothing is left out. No such event is larger than
 * 14 KiB, so it fits into the smallest sub-buffers that LTTng creates by default, 16 KiB. */
#define DMATRACE_BURST_MAX 256
#define DMATRACE_BURST_SG_MAX 512

/* Bytes of a domain's identifier, and the maximum number of members, windows and ranges in an event; the full number is
 * in it, too. */
#define DMATRACE_DOMAIN_SIZE 16
#define DMATRACE_MEMBERS_MAX 64
#define DMATRACE_WINDOWS_MAX 64
#define DMATRACE_RANGES_MAX 64

/* The maximum number of a region's IOVAs in an event; nb_iovas is the full number. */
#define DMATRACE_IOVAS_MAX 64

/* A descriptor ring, for burst. */
struct dmatrace_ring {
	const struct dmadev_descriptor *_Nonnull descriptors; /* nb_descriptors elements */
	const struct dmadev_sge *_Nonnull entries; /* per slot max_sges sources, then max_sges destinations */
	uint32_t nb_descriptors; /* a power of two */
	uint32_t nb_slots; /* a power of two: the number of slots in entries */
	uint16_t max_sges;
};

/* A publication of completions, for completed_burst: the operations by row, their batches by row. */
struct dmatrace_publication {
	uint16_t ring_idx; /* of the first operation */
	uint16_t nb_ops; /* 1 to DMATRACE_BURST_MAX */
	uint16_t nb_batches; /* 1 to nb_ops */
	const uint16_t *_Nonnull status; /* nb_ops elements; the others: nb_batches */
	const uint16_t *_Nonnull batch_nb_ops;
	const uint64_t *_Nonnull since_doorbell;
	const uint64_t *_Nonnull since_start;
};

/* What info_get records in addition to id, name and result; all zero if the call failed. */
struct dmatrace_device_info {
	uint64_t dev_capa;
	uint16_t max_vchans;
	uint16_t max_desc;
	uint16_t min_desc;
	uint16_t max_sges;
	uint16_t nb_vchans;
	uint16_t nb_priorities;
	int16_t numa_node;
	uint16_t nb_access_groups;
	uint16_t controller_id;
};

/* A port of vchan_setup; the fields of struct rte_dma_port_param. */
struct dmatrace_port {
	int32_t type;
	uint8_t coreid;
	uint8_t pfid;
	uint8_t vfen;
	uint16_t vfid;
	uint32_t pasid;
	uint8_t attr;
	uint8_t ph;
	uint16_t st;
};

/* What vchan_setup records in addition to ids and result. */
struct dmatrace_vchan_configuration {
	int32_t direction;
	uint16_t nb_desc;
	struct dmatrace_port src_port;
	struct dmatrace_port dst_port;
	uint64_t auto_free_pool; /* a number that identifies the pool; 0: none */
	int32_t domain_type;
	uint16_t src_handler;
	uint16_t dst_handler;
};

/* A region of external memory. */
struct dmatrace_memory {
	uint64_t region; /* its number; 0: not registered */
	uint64_t address;
	uint64_t length;
	uint64_t page_size;
	int32_t fd; /* -1: no file */
	uint64_t offset;
	uint64_t inode;
	uint64_t size;    /* of the file */
	uint8_t verified; /* whether the address is known to map the file */
};

/* The first members of LTTng's struct lttng_ust_tracepoint, whose layout is part of LTTng's ABI. */
struct dmatrace_tracepoint {
	uint32_t struct_size;
	const char *_Nonnull provider_name;
	const char *_Nonnull event_name;
	int state;
};

static inline bool dmatrace_tracepoint_enabled(const struct dmatrace_tracepoint *_Nonnull tracepoint)
{
	/* LTTng's own thread sets the word, so it has to be read on each call. */
	return __builtin_expect(*(const volatile int *)&tracepoint->state != 0, 0);
}

/* At call sites an emit function is rarely called. Where it is defined it is compiled for speed, not for size. */
#ifdef DMATRACE_DEFINES_EMIT
#define DMATRACE_COLD
#else
#define DMATRACE_COLD __attribute__((cold))
#endif

#define DMATRACE_EVENT(provider, name, level, args, fields) \
	extern struct dmatrace_tracepoint dmatrace_tracepoint_##provider##_##name \
		__asm__("lttng_ust_tracepoint_" #provider "___" #name); \
	static inline bool dmatrace_##provider##_##name##_enabled(void) \
	{ \
		return dmatrace_tracepoint_enabled(&dmatrace_tracepoint_##provider##_##name); \
	} \
	static inline const int *_Nonnull dmatrace_##provider##_##name##_state(void) \
	{ \
		return &dmatrace_tracepoint_##provider##_##name.state; \
	} \
	DMATRACE_COLD void dmatrace_emit_##provider##_##name(DMATRACE_PARAMETERS args); \
	static inline void dmatrace_##provider##_##name(DMATRACE_PARAMETERS args) \
	{ \
		if (dmatrace_##provider##_##name##_enabled()) \
			dmatrace_emit_##provider##_##name(DMATRACE_NAMES args); \
	}
#define DMATRACE_CONVERTED_EVENT(provider, name, level, args, recorded_args, fields) \
	DMATRACE_EVENT(provider, name, level, args, fields)

#include "dmatrace_dmadev_events.h"
#include "dmatrace_dmadev_engine_events.h"
#include "dmatrace_dmadev_group_events.h"

#undef DMATRACE_COLD
#undef DMATRACE_EVENT
#undef DMATRACE_CONVERTED_EVENT

struct dmatrace_event {
	const char *_Nonnull provider;
	const char *_Nonnull name;
	const char *_Nonnull level_name; /* in LTTng's notation: TRACE_INFO, TRACE_DEBUG */
	int level;
	const struct dmatrace_tracepoint *_Nonnull tracepoint;
};

/* All events of all providers, in the order of the events files. */
const struct dmatrace_event *_Nonnull dmatrace_events(size_t *_Nonnull count);

/* Loads the object with the probes unless this process has loaded it already. Without it no event is ever enabled, and
 * the process is not registered with LTTng. The code that creates a first device, engine or controller calls this.
 * It waits until a session daemon that runs has said what to record, 3 s at most ($LTTNG_UST_REGISTER_TIMEOUT). If the
 * object or LTTng is missing, the call has no effect. Any thread may call it, any number of times. The search path is in
 * load.c. */
void dmatrace_load(void);

#pragma GCC visibility pop

#endif
