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

/* ring identifies a ring in the process of its engine; a number is never used again. dev_id and vchan are the numbers
 * that the application uses in its own events: process pid, which is this process if connection is 0. Otherwise pid is
 * that of the peer's credentials, dev_id is as the application claims, and connection identifies the connection in
 * this controller; its number is never used again either. */
DMATRACE_EVENT(dmadev_engine, ring_attach, INFO,
	DMATRACE_ARGS(uint32_t, engine, uint64_t, ring, int16_t, dev_id, uint16_t, vchan, uint16_t, nb_desc,
		int32_t, pid, uint64_t, connection),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)
		lttng_ust_field_integer(uint64_t, ring, ring)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, nb_desc, nb_desc)
		lttng_ust_field_integer(int32_t, pid, pid)
		lttng_ust_field_integer(uint64_t, connection, connection)))

/* Recorded by the application whose ring an engine of another process serves, when it starts the ring: ring is the
 * number that the other events have in that process, in which dev_id and vchan are the same too. */
DMATRACE_EVENT(dmadev_engine, ring_mapped, INFO,
	DMATRACE_ARGS(uint64_t, ring, int16_t, dev_id, uint16_t, vchan),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, ring, ring)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)))

/* The final counts of the ring. completed includes errors, and errors includes aborted; latencies is the number of
 * values in the latency histogram. */
DMATRACE_EVENT(dmadev_engine, ring_detach, INFO,
	DMATRACE_ARGS(uint32_t, engine, uint64_t, ring, int16_t, dev_id, uint16_t, vchan, uint32_t, aborted,
		uint64_t, completed, uint64_t, errors, uint64_t, bytes, uint64_t, latencies),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)
		lttng_ust_field_integer(uint64_t, ring, ring)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint32_t, aborted, aborted)
		lttng_ust_field_integer(uint64_t, completed, completed)
		lttng_ust_field_integer(uint64_t, errors, errors)
		lttng_ust_field_integer(uint64_t, bytes, bytes)
		lttng_ust_field_integer(uint64_t, latencies, latencies)))

DMATRACE_EVENT(dmadev_engine, sleep, DEBUG,
	DMATRACE_ARGS(uint32_t, engine),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)))

DMATRACE_EVENT(dmadev_engine, wake, DEBUG,
	DMATRACE_ARGS(uint32_t, engine),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)))

/* One operation, identified by ring and ring index (16 bits, wrapping). An aborted operation has both events too. */

DMATRACE_EVENT(dmadev_engine, operation_start, DEBUG,
	DMATRACE_ARGS(uint32_t, engine, uint64_t, ring, int16_t, dev_id, uint16_t, vchan,
		uint16_t, ring_idx, uint8_t, kind, uint64_t, length),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)
		lttng_ust_field_integer(uint64_t, ring, ring)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, ring_idx, ring_idx)
		lttng_ust_field_integer(uint8_t, kind, kind)
		lttng_ust_field_integer(uint64_t, length, length)))

DMATRACE_EVENT(dmadev_engine, operation_finish, DEBUG,
	DMATRACE_ARGS(uint32_t, engine, uint64_t, ring, int16_t, dev_id, uint16_t, vchan, uint16_t, ring_idx,
		uint16_t, status),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)
		lttng_ust_field_integer(uint64_t, ring, ring)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, ring_idx, ring_idx)
		lttng_ust_field_integer(uint16_t, status, status)))

/* An operation that ended with another status than successful. Fit for a trigger: the engine emits it where it handles
 * failures, and recording it alone does not slow down operations that succeed. src and dst are the addresses of the
 * descriptor, for a fill the pattern and the destination, for lists those of the first entries; length is the number
 * of bytes to move, for lists the sum of the sources. */
DMATRACE_EVENT(dmadev_engine, operation_failed, DEBUG,
	DMATRACE_ARGS(uint32_t, engine, uint64_t, ring, int16_t, dev_id, uint16_t, vchan, uint16_t, ring_idx,
		uint8_t, kind, uint16_t, status, uint64_t, length, uint64_t, src, uint64_t, dst),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)
		lttng_ust_field_integer(uint64_t, ring, ring)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, ring_idx, ring_idx)
		lttng_ust_field_integer(uint8_t, kind, kind)
		lttng_ust_field_integer(uint16_t, status, status)
		lttng_ust_field_integer(uint64_t, length, length)
		lttng_ust_field_integer_hex(uint64_t, src, src)
		lttng_ust_field_integer_hex(uint64_t, dst, dst)))

/* A cheaper replacement for operation_start and operation_finish: all operations that one publication made visible to
 * the application; more than DMATRACE_BURST_MAX operations are in several events. Row i of status is the operation with
 * ring index ring_idx + i.
 *
 * The other rows are the batches of these operations, in order: the number of operations of each in this event, and
 * nanoseconds up to the publication, which is the time of this event less the time to record it: since its doorbell,
 * which is the latency of its operations, and since the engine began with the burst in which the batch's first
 * operation was executed (aborted: since the abort). since_start is 0 if the batch was begun before the event was
 * enabled. A batch that several publications or events finish has a row in each. */
DMATRACE_EVENT(dmadev_engine, completed_burst, DEBUG,
	DMATRACE_ARGS(uint32_t, engine, uint64_t, ring, int16_t, dev_id, uint16_t, vchan,
		const struct dmatrace_publication *_Nonnull, publication),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint32_t, engine, engine)
		lttng_ust_field_integer(uint64_t, ring, ring)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, ring_idx, publication->ring_idx)
		lttng_ust_field_integer(uint16_t, nb_ops, publication->nb_ops)
		lttng_ust_field_sequence(uint16_t, status, publication->status, uint16_t, publication->nb_ops)
		lttng_ust_field_sequence(uint16_t, batch_nb_ops, publication->batch_nb_ops, uint16_t, publication->nb_batches)
		lttng_ust_field_sequence(uint64_t, since_doorbell, publication->since_doorbell, uint16_t, publication->nb_batches)
		lttng_ust_field_sequence(uint64_t, since_start, publication->since_start, uint16_t, publication->nb_batches)))
