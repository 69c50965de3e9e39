/* The layouts that several parties must agree on: the descriptor, the pages of a ring that application and engine
 * share, the counters, and the table of data-path functions between the call layer and a driver. What programs in C see
 * too is in dmadev.h.
 *
 * A ring has two sides, and each writes only its own memory:
 *
 *     application ──► descriptors, SG entries, dmadev_producer_page ──► engine
 *     application ◄── statuses, dmadev_consumer_page                ◄── engine
 *
 *     index of an operation (64 bits, never wraps; its low 16 bits are the ring index, its low bits the slot)
 *
 *         released        completed          tail          enqueued
 *            │  completed     │    running     │   pending    │   empty …
 *            └── not polled ──┴── rung ────────┴── not rung ──┘
 *
 * Cache lines are 64 bytes here; members of different writers never share one. Swift does not import aligned members,
 * so padding is written by hand and asserted in cdmadev.c.
 */
#ifndef CDMADEV_H
#define CDMADEV_H

#include "dmadev.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The operation of a descriptor. 0 is undefined, so that zeroed memory is refused. */
#define DMADEV_KIND_COPY 1
#define DMADEV_KIND_COPY_SG 2
#define DMADEV_KIND_FILL 3
#define DMADEV_KIND_COUNT 4

/* Flags of a descriptor: the operation's flags, at the same bits as in the call, and the mark of a batch at the bit
 * of the submit flag, which the engine does not need. */
#define DMADEV_DESC_FENCE (1U << 0)
#define DMADEV_DESC_BATCH_FIRST (1U << 1)
#define DMADEV_DESC_LLC (1U << 2)
#define DMADEV_DESC_AUTO_FREE (1U << 3)
#define DMADEV_DESC_SRC_HANDLER 0x50U /* either bit: src_handler overrides the ring's; 0 is local */
#define DMADEV_DESC_DST_HANDLER 0xA0U /* dst_handler likewise */
#define DMADEV_DESC_OPERATION_FLAGS 0xFD

/* One slot of a ring: half a cache line. The application writes it as four little-endian words. */
struct dmadev_descriptor {
	uint64_t src; /* copy: source address; fill: the pattern */
	uint64_t dst; /* copy, fill: destination address */
	uint32_t length; /* copy, fill: bytes */
	uint8_t kind;
	uint8_t flags;
	uint8_t nb_src; /* copy_sg: entries in the slot's region of the SG area */
	uint8_t nb_dst;
	uint16_t src_handler;
	uint16_t dst_handler;
	uint32_t reserved;
};

/* Reads a descriptor, each word once: another process may change shared memory between a check and the use. */
static inline struct dmadev_descriptor dmadev_fetch_descriptor(const struct dmadev_descriptor *_Nonnull slot)
{
	const volatile uint64_t *words = (const volatile uint64_t *)slot;
	union {
		uint64_t words[4];
		struct dmadev_descriptor descriptor;
	} fetched = { { words[0], words[1], words[2], words[3] } };

	return fetched.descriptor;
}

/* Reads an entry of an SG list, each word once, for the same reason. */
static inline struct dmadev_sge dmadev_fetch_sge(const struct dmadev_sge *_Nonnull entry)
{
	const volatile uint64_t *words = (const volatile uint64_t *)entry;
	union {
		uint64_t words[2];
		struct dmadev_sge entry;
	} fetched = { { words[0], words[1] } };

	return fetched.entry;
}

/* Written by the application. */
struct dmadev_producer_page {
	uint64_t tail; /* the doorbell: operations below it are visible to the engine */
	uint8_t pad0[56];
};

/* Written by the engine. */
struct dmadev_consumer_page {
	uint64_t completed; /* operations below it are finished, their statuses written */
	uint64_t failed; /* number of those with a status other than successful */
	uint64_t completed_time; /* when operations last became finished, in ticks; 0: never */
	uint64_t batch_time; /* the doorbell's time of the batch of the operation before completed */
	uint8_t pad0[32];
	/* A separate line: each doorbell reads it, and it changes only when the engine goes to sleep. */
	uint32_t need_wakeup; /* the engine sleeps or is about to: ring its bell after the doorbell */
	uint32_t light_doorbell; /* constant: processes registered with membarrier(2) need no fence between the two */
	uint32_t halted; /* not 0: the device is halted, no more operations finish */
	uint8_t pad1[52];
};

/* The application's private indexes; its other threads may read them. */
struct dmadev_producer_state {
	uint64_t enqueued;
	uint64_t staged; /* not in the ring yet: from here to enqueued */
	uint64_t rung;
	uint64_t released;
	uint64_t completed_seen; /* the engine's index as last read */
	uint64_t failures_reported; /* by completed_status */
	uint64_t full_at; /* released and the ring's length: with enqueued here, every slot is in use */
	uint64_t pad0;
};

/* Statuses are counted by code; the last element is for "unknown". */
#define DMADEV_STATUS_COUNT 16

/* The latency histogram: nanoseconds from the doorbell to the publication of the completion. Four buckets per power
 * of two from 2^6 on; bucket 0 is for all below, the last one for all from 2^38 (275 s) on. */
#define DMADEV_LATENCY_FIRST_OCTAVE 6
#define DMADEV_LATENCY_OCTAVES 32
#define DMADEV_LATENCY_BUCKETS 130

/* Counters of a ring, by writer. They only grow. A new one needs a word here and a row of ChannelCounter.table. */
struct dmadev_engine_counters {
	uint64_t completed; /* finished, failures included */
	uint64_t errors; /* every status except successful, not attempted and aborted included */
	uint64_t bytes; /* moved by successful operations */
	uint64_t kinds[DMADEV_KIND_COUNT]; /* finished, by kind; 0: refused descriptors */
	uint64_t pad0;
	uint64_t statuses[DMADEV_STATUS_COUNT]; /* finished, by status; [0] is not stored: completed minus the others */
	uint64_t latency_sum; /* nanoseconds */
	uint64_t latency_buckets[DMADEV_LATENCY_BUCKETS];
	uint64_t pad1[5];
};

struct dmadev_application_counters {
	uint64_t submitted; /* rung */
	uint64_t doorbells; /* that made something visible */
	uint64_t rejected; /* enqueues refused because the ring was full */
	uint64_t high_water; /* most slots in use at a doorbell */
	uint64_t pad0[4];
};

struct dmadev_counters {
	struct dmadev_engine_counters engine;
	struct dmadev_application_counters application;
};

/* Reads words that another thread writes, each once. */
static inline void dmadev_read_words(uint64_t *_Nonnull to, const uint64_t *_Nonnull from, size_t count)
{
	for (size_t index = 0; index < count; index++)
		to[index] = __atomic_load_n(from + index, __ATOMIC_RELAXED);
}

/* The data calls, and the reasons for which they fail: DataCall and OperationError.Reason name them. */
#define DMADEV_CALL_COUNT 9
#define DMADEV_REASON_COUNT 17

/* The failed calls of one kind: the same call of the same channel, for the same reason. Written without a lock. A full
 * ring is not a failure: it is counted as rejected. */
struct dmadev_failures {
	uint64_t count;
	uint64_t first; /* nanoseconds since 1970; 0: none */
	uint64_t last;
	uint64_t error; /* the last errno */
};

/* The rung operations of a channel and where they are stored: for a trace, which reads them back. The descriptors
 * and lists of one doorbell do not change until the same thread enqueues again. */
struct dmadev_rung {
	const struct dmadev_descriptor *_Nonnull descriptors; /* nb_slots of them */
	const struct dmadev_descriptor *_Nonnull recent; /* a copy of the last nb_recent that no engine reads */
	const struct dmadev_sge *_Nonnull entries; /* per slot: max_sges sources, then max_sges destinations */
	uint64_t rung; /* number of operations since the start; the next one's index */
	uint32_t nb_slots; /* a power of two */
	uint32_t nb_recent; /* a power of two: index i is at recent[i % nb_recent] */
	uint16_t max_sges;
	uint16_t reserved[3];
};

/* The data path of one device; corresponds to rte_dma_fp_object. A slot is never NULL: a function that is not
 * available now, or not supported by the device, returns the error. All return a negative errno or their result: the
 * ring index of the enqueued operation (0 to 65535), a count, or 0. */
struct dmadev_data_path {
	void *_Nullable driver; /* first argument of each */
	int32_t (*_Nonnull copy)(void *_Nullable driver, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length,
				 uint64_t flags);
	int32_t (*_Nonnull copy_sg)(void *_Nullable driver, uint16_t vchan, const struct dmadev_sge *_Nullable src,
				    const struct dmadev_sge *_Nullable dst, uint16_t nb_src, uint16_t nb_dst,
				    uint64_t flags);
	int32_t (*_Nonnull fill)(void *_Nullable driver, uint16_t vchan, uint64_t pattern, uint64_t dst,
				 uint32_t length, uint64_t flags);
	int32_t (*_Nonnull submit)(void *_Nullable driver, uint16_t vchan);
	int32_t (*_Nonnull completed)(void *_Nullable driver, uint16_t vchan, uint16_t nb_cpls,
				      uint16_t *_Nonnull last_idx, bool *_Nonnull has_error);
	int32_t (*_Nonnull completed_status)(void *_Nullable driver, uint16_t vchan, uint16_t nb_cpls,
					     uint16_t *_Nonnull last_idx, uint16_t *_Nonnull status);
	int32_t (*_Nonnull burst_capacity)(void *_Nullable driver, uint16_t vchan);
	int32_t (*_Nonnull enqueue_ops)(void *_Nullable driver, uint16_t vchan,
					struct dmadev_op *_Nonnull const *_Nonnull ops, uint16_t nb_ops);
	int32_t (*_Nonnull dequeue_ops)(void *_Nullable driver, uint16_t vchan,
					struct dmadev_op *_Nullable *_Nonnull ops, uint16_t nb_ops);
	/* Called before and after a doorbell, and only while a session records dmadev:burst. A driver with other
	 * rings does not set it, and emits none of these events. */
	int32_t (*_Nonnull rung)(void *_Nullable driver, uint16_t vchan, struct dmadev_rung *_Nonnull rung);
	/* For the call layer. */
	/* By channel, call and reason, and after them one for all. The last channel of nb_failures is for numbers that the
	 * device does not have. */
	struct dmadev_failures *_Nonnull failures;
	uint64_t refused_flags; /* operation flags that this device does not support */
	uint32_t nb_failures;
	int16_t dev_id;
	uint16_t nb_vchans; /* 0: not started */
	uint16_t max_sges;
	uint16_t domain_flags; /* those of DMADEV_OP_DOMAIN_FLAGS that this device supports */
	uint16_t mode; /* DMADEV_MODE_* */
	/* The two calls that are made most often, with this table as the first argument: dmadev_call_copy and
	 * dmadev_call_completed, or a driver's own functions, which do the whole call at once when the call layer has
	 * nothing to refuse or record, and else call those two. */
	int32_t (*_Nonnull direct_copy)(void *_Nullable path, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length,
					uint64_t flags);
	uint16_t (*_Nonnull direct_completed)(void *_Nullable path, uint16_t vchan, uint16_t nb_cpls,
					      uint16_t *_Nonnull last_idx, bool *_Nonnull has_error);
	struct dmadev_polls polls; /* a driver whose polls cannot fail sets them */
};

/* The mode of a data path. */
#define DMADEV_MODE_SILENT (1U << 0) /* as in the configuration flags */
#define DMADEV_MODE_ENQ_DEQ (1U << 1)
/* Set by a driver that is not the library's: arguments are not checked, the driver gets every call and its results are
 * the caller's. */
#define DMADEV_MODE_OBSERVED (1U << 14)
#define DMADEV_MODE_CLOSED (1U << 15)

/* The call layer: checks, calls the function in the table that `path` points to, counts failures, and emits the
 * event. These are the forms that C callers have, with `path` as the first argument: counts are never negative, 0 for an
 * error. Implemented in DMADev; Swift callers inline the same. */
int32_t dmadev_call_copy(void *_Nullable path, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length,
			 uint64_t flags);
int32_t dmadev_call_copy_sg(void *_Nullable path, uint16_t vchan, const struct dmadev_sge *_Nullable src,
			    const struct dmadev_sge *_Nullable dst, uint16_t nb_src, uint16_t nb_dst, uint64_t flags);
int32_t dmadev_call_fill(void *_Nullable path, uint16_t vchan, uint64_t pattern, uint64_t dst, uint32_t length,
			 uint64_t flags);
int32_t dmadev_call_submit(void *_Nullable path, uint16_t vchan);
uint16_t dmadev_call_completed(void *_Nullable path, uint16_t vchan, uint16_t nb_cpls, uint16_t *_Nonnull last_idx,
			       bool *_Nonnull has_error);
/* Statuses of 16 bits. */
uint16_t dmadev_call_completed_status(void *_Nullable path, uint16_t vchan, uint16_t nb_cpls,
				      uint16_t *_Nonnull last_idx, uint16_t *_Nonnull status);
uint16_t dmadev_call_burst_capacity(const void *_Nullable path, uint16_t vchan);
uint16_t dmadev_call_enqueue_ops(void *_Nullable path, uint16_t vchan, struct dmadev_op *_Nonnull *_Nonnull ops,
				 uint16_t nb_ops);
uint16_t dmadev_call_dequeue_ops(void *_Nullable path, uint16_t vchan, struct dmadev_op *_Nullable *_Nonnull ops,
				 uint16_t nb_ops);

/* The direct calls of a device with rings, implemented in DMAEngine. */
int32_t dmadev_ring_copy(void *_Nullable path, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length,
			 uint64_t flags);
int32_t dmadev_ring_copy_unless_halted(void *_Nullable path, uint16_t vchan, uint64_t src, uint64_t dst,
				       uint32_t length, uint64_t flags);
uint16_t dmadev_ring_completed(void *_Nullable path, uint16_t vchan, uint16_t nb_cpls, uint16_t *_Nonnull last_idx,
			       bool *_Nonnull has_error);

/* The enqueues and doorbells among the data calls, in the order of DataCall. */
enum {
	DMADEV_CALL_COPY,
	DMADEV_CALL_COPY_SG,
	DMADEV_CALL_FILL,
	DMADEV_CALL_SUBMIT
};

/* Counts a failed call, with its event, for who has made a call of the table without the call layer. length: 1 if the
 * call has none. Returns the result. */
int32_t dmadev_call_failed(void *_Nullable path, uint32_t call, int32_t result, uint16_t vchan, uint32_t length,
			   uint64_t flags);

/* The operation flags that give a side a domain. */
#define DMADEV_OP_DOMAIN_FLAGS (15ULL << 4)

#endif
