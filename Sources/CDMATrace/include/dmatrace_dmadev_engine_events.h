/* The events of provider dmadev_engine: the work of an engine, on its own thread.
 *
 * Each includer defines the macros and expands this list (see dmatrace_expand.h): it has no include guard. */

/* Engines, and the rings that they serve. */

DMATRACE_EVENT(dmadev_engine, engine_start, INFO,
	DMATRACE_ARGS(uint32_t, engine),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)))

DMATRACE_EVENT(dmadev_engine, engine_stop, INFO,
	DMATRACE_ARGS(uint32_t, engine),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)))

DMATRACE_EVENT(dmadev_engine, ring_attach, INFO,
	DMATRACE_ARGS(uint32_t, engine, int16_t, dev_id, uint16_t, vchan, uint16_t, nb_desc),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, nb_desc, nb_desc)))

DMATRACE_EVENT(dmadev_engine, ring_detach, INFO,
	DMATRACE_ARGS(uint32_t, engine, int16_t, dev_id, uint16_t, vchan, uint32_t, aborted),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint32_t, aborted, aborted)))

DMATRACE_EVENT(dmadev_engine, sleep, DEBUG,
	DMATRACE_ARGS(uint32_t, engine),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)))

DMATRACE_EVENT(dmadev_engine, wake, DEBUG,
	DMATRACE_ARGS(uint32_t, engine),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)))

/* One operation, identified by device, vchan and ring index. */

DMATRACE_EVENT(dmadev_engine, operation_start, DEBUG,
	DMATRACE_ARGS(uint32_t, engine, int16_t, dev_id, uint16_t, vchan,
		uint16_t, ring_idx, uint8_t, kind, uint64_t, length),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, ring_idx, ring_idx)
		lttng_ust_field_integer(uint8_t, kind, kind)
		lttng_ust_field_integer(uint64_t, length, length)))

DMATRACE_EVENT(dmadev_engine, operation_finish, DEBUG,
	DMATRACE_ARGS(uint32_t, engine, int16_t, dev_id, uint16_t, vchan, uint16_t, ring_idx, uint16_t, status),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, ring_idx, ring_idx)
		lttng_ust_field_integer(uint16_t, status, status)))

/* A cheaper replacement for these two events: all operations that one publication made visible to the application; more
 * than DMATRACE_BURST_MAX operations are in several events. Row i is the operation with ring index ring_idx + i (16
 * bits, wrapping): its status, and its latency, the nanoseconds from its doorbell to this publication. */
DMATRACE_EVENT(dmadev_engine, completed_burst, DEBUG,
	DMATRACE_ARGS(uint32_t, engine, int16_t, dev_id, uint16_t, vchan, uint16_t, ring_idx, uint16_t, nb_ops,
		const uint16_t *_Nonnull, status, const uint64_t *_Nonnull, latency),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, ring_idx, ring_idx)
		lttng_ust_field_integer(uint16_t, nb_ops, nb_ops)
		lttng_ust_field_sequence(uint16_t, status, status, uint16_t, nb_ops)
		lttng_ust_field_sequence(uint64_t, latency, latency, uint16_t, nb_ops)))
