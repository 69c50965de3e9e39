/* The tracepoints of dmascope, callable from C and from Swift without any LTTng header.
 *
 * Each event stands once, in the events file of its provider. From it come, for an event `copy` of provider `dmadev`:
 *
 *   dmatrace_dmadev_copy_enabled()     is a session recording it? One load and compare.
 *   dmatrace_dmadev_copy(...)          records it if so. Off, it costs that compare and a branch, inline in the caller.
 *   dmatrace_emit_dmadev_copy(...)     records it unasked; out of line, the slow half of the one above.
 *   a row of dmatrace_events()         its names, its log level, and whether it is on.
 *
 * A new event is one block in an events file, and its call site.
 * Where arguments cost something to gather (strings, structs), ask `_enabled` first. */
#ifndef DMATRACE_H
#define DMATRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cdmadev.h"
#include "dmatrace_expand.h"

/* Hidden: an image that holds call sites calls its own functions and tests its own state words, whatever other images
 * export, and the words are reached without a detour through the global offset table. */
#pragma GCC visibility push(hidden)

/* How many entries of an SG list, and how many completion statuses or dequeued operations, an event records; more are
 * cut. The true counts are in the event too (nb_src and nb_dst, ret). */
#define DMATRACE_SG_MAX 64
#define DMATRACE_STATUS_MAX 256

/* How many operations enqueue_ops records, and how many SG entries of all of these together, on each side. The true
 * counts are nb_ops, and total_src and total_dst: those of every operation of the call. */
#define DMATRACE_OPS_MAX 64
#define DMATRACE_OPS_SG_MAX 256

/* How many operations one burst or completed_burst event records, and how many SG entries of all of these together. What
 * is more goes into further events, whole operations each: nothing is cut, and no such event is larger than 14 KiB, so
 * that it fits into the smallest sub-buffers that LTTng makes unasked, 16 KiB. */
#define DMATRACE_BURST_MAX 256
#define DMATRACE_BURST_SG_MAX 512

/* Bytes of a domain's identifier, and how many members and windows an event records; count has the true number. */
#define DMATRACE_DOMAIN_SIZE 16
#define DMATRACE_MEMBERS_MAX 64
#define DMATRACE_WINDOWS_MAX 64

/* A descriptor ring, as burst reads it. */
struct dmatrace_ring {
	const struct dmadev_descriptor *_Nonnull descriptors; /* nb_descriptors of them */
	const struct dmadev_sge *_Nonnull entries; /* a slot's are max_sges sources, then as many destinations */
	uint32_t nb_descriptors; /* a power of two */
	uint32_t nb_slots; /* likewise: where the entries begin anew */
	uint16_t max_sges;
};

/* What info_get records beside its id, name and result; all zero where the call failed. */
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

/* What vchan_setup records beside its ids and result. */
struct dmatrace_vchan_configuration {
	int32_t direction;
	uint16_t nb_desc;
	int32_t src_port_type;
	uint64_t src_port_pcie;
	int32_t dst_port_type;
	uint64_t dst_port_pcie;
	uint64_t auto_free_pool; /* a number that tells pools apart; 0: none */
	int32_t domain_type;
	uint16_t src_handler;
	uint16_t dst_handler;
};

/* The head of LTTng's struct lttng_ust_tracepoint, whose layout is part of LTTng's ABI. */
struct dmatrace_tracepoint {
	uint32_t struct_size;
	const char *_Nonnull provider_name;
	const char *_Nonnull event_name;
	int state;
};

static inline bool dmatrace_tracepoint_enabled(const struct dmatrace_tracepoint *_Nonnull tracepoint)
{
	/* LTTng sets the word from a thread of its own: it has to be read anew on each call. */
	return __builtin_expect(*(const volatile int *)&tracepoint->state != 0, 0);
}

#define DMATRACE_EVENT(provider, name, level, args, fields) \
	extern struct dmatrace_tracepoint dmatrace_tracepoint_##provider##_##name \
		__asm__("lttng_ust_tracepoint_" #provider "___" #name); \
	static inline bool dmatrace_##provider##_##name##_enabled(void) \
	{ \
		return dmatrace_tracepoint_enabled(&dmatrace_tracepoint_##provider##_##name); \
	} \
	__attribute__((cold)) void dmatrace_emit_##provider##_##name(DMATRACE_PARAMETERS args); \
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

#undef DMATRACE_EVENT
#undef DMATRACE_CONVERTED_EVENT

struct dmatrace_event {
	const char *_Nonnull provider;
	const char *_Nonnull name;
	const char *_Nonnull level_name; /* as LTTng spells it: TRACE_INFO, TRACE_DEBUG */
	int level;
	const struct dmatrace_tracepoint *_Nonnull tracepoint;
};

/* Every event of every provider, in the order of the events files. */
const struct dmatrace_event *_Nonnull dmatrace_events(size_t *_Nonnull count);

/* Loads the object with the probes, unless this process has it already. Before that no event is on, and LTTng does not know
 * the process; so it is called where devices, engines and controllers are made. It waits until a session daemon that is
 * there has said what to record, 3 s at most ($LTTNG_UST_REGISTER_TIMEOUT). Where the object or LTTng is missing, it does
 * nothing. Any thread may call it, any number of times; load.c says where the object is looked for. */
void dmatrace_load(void);

#pragma GCC visibility pop

#endif
