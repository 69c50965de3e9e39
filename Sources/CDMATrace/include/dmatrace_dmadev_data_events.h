/* The data calls of provider dmadev: enqueue, doorbell, poll. A part of dmatrace_dmadev_events.h, which includes it and
 * explains ret. It has no include guard. */

DMATRACE_EVENT(dmadev, copy, DEBUG,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, uint64_t, src,
		uint64_t, dst, uint32_t, length, uint64_t, flags, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer_hex(uint64_t, src, src)
		lttng_ust_field_integer_hex(uint64_t, dst, dst)
		lttng_ust_field_integer(uint32_t, length, length)
		lttng_ust_field_integer_hex(uint64_t, flags, flags)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* src and dst are lists of nb_src and nb_dst entries. */
DMATRACE_CONVERTED_EVENT(dmadev, copy_sg, DEBUG,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, const struct dmadev_sge *_Nullable, src,
		const struct dmadev_sge *_Nullable, dst, uint16_t, nb_src, uint16_t, nb_dst, uint64_t, flags, int32_t, ret),
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, const struct dmatrace_sg_columns *, src,
		const struct dmatrace_sg_columns *, dst, uint64_t, flags, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, nb_src, src->count)
		lttng_ust_field_integer(uint16_t, nb_dst, dst->count)
		lttng_ust_field_sequence_hex(uint64_t, src_addr, src->address, uint16_t, src->kept)
		lttng_ust_field_sequence(uint32_t, src_len, src->length, uint16_t, src->kept)
		lttng_ust_field_sequence_hex(uint64_t, dst_addr, dst->address, uint16_t, dst->kept)
		lttng_ust_field_sequence(uint32_t, dst_len, dst->length, uint16_t, dst->kept)
		lttng_ust_field_integer_hex(uint64_t, flags, flags)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, fill, DEBUG,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, uint64_t, pattern,
		uint64_t, dst, uint32_t, length, uint64_t, flags, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer_hex(uint64_t, pattern, pattern)
		lttng_ust_field_integer_hex(uint64_t, dst, dst)
		lttng_ust_field_integer(uint32_t, length, length)
		lttng_ust_field_integer_hex(uint64_t, flags, flags)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, submit, DEBUG,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, completed, DEBUG,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, uint16_t, nb_cpls,
		uint16_t, last_idx, bool, has_error, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, nb_cpls, nb_cpls)
		lttng_ust_field_integer(uint16_t, last_idx, last_idx)
		lttng_ust_field_integer(uint8_t, has_error, has_error)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* ret, when positive, is the number of statuses. */
DMATRACE_EVENT(dmadev, completed_status, DEBUG,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, uint16_t, nb_cpls,
		uint16_t, last_idx, const uint16_t *_Nullable, statuses, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, nb_cpls, nb_cpls)
		lttng_ust_field_integer(uint16_t, last_idx, last_idx)
		lttng_ust_field_sequence(uint16_t, statuses, statuses, uint16_t, dmatrace_kept(statuses, ret, DMATRACE_STATUS_MAX))
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, burst_capacity, DEBUG,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* ops points to nb_ops pointers to struct dmadev_op, recorded as passed; ret is the number of accepted ones. A NULL
 * pointer is a row of zeros. src_addr to dst_len are the SG lists of the recorded operations, one after another; nb_src
 * and nb_dst are their lengths. */
DMATRACE_CONVERTED_EVENT(dmadev, enqueue_ops, DEBUG,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, const void *_Nullable, ops, uint16_t, nb_ops, int32_t, ret),
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, const struct dmatrace_op_columns *, ops, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, nb_ops, ops->count)
		lttng_ust_field_integer(uint32_t, total_src, ops->src.total)
		lttng_ust_field_integer(uint32_t, total_dst, ops->dst.total)
		lttng_ust_field_sequence_hex(uint64_t, op_flags, ops->flags, uint16_t, ops->kept)
		lttng_ust_field_sequence_hex(uint64_t, user_meta, ops->user_meta, uint16_t, ops->kept)
		lttng_ust_field_sequence(uint16_t, nb_src, ops->nb_src, uint16_t, ops->kept)
		lttng_ust_field_sequence(uint16_t, nb_dst, ops->nb_dst, uint16_t, ops->kept)
		lttng_ust_field_sequence_hex(uint64_t, src_addr, ops->src.address, uint16_t, ops->src.kept)
		lttng_ust_field_sequence(uint32_t, src_len, ops->src.length, uint16_t, ops->src.kept)
		lttng_ust_field_sequence_hex(uint64_t, dst_addr, ops->dst.address, uint16_t, ops->dst.kept)
		lttng_ust_field_sequence(uint32_t, dst_len, ops->dst.length, uint16_t, ops->dst.kept)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* ops points to nb_ops pointers; ret, if positive, is the number of those that point to an operation after the call. */
DMATRACE_CONVERTED_EVENT(dmadev, dequeue_ops, DEBUG,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, const void *_Nullable, ops, uint16_t, nb_ops, int32_t, ret),
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, const struct dmatrace_op_statuses *, ops, uint16_t, nb_ops,
		int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, nb_ops, nb_ops)
		lttng_ust_field_sequence_hex(uint64_t, user_meta, ops->user_meta, uint16_t, ops->kept)
		lttng_ust_field_sequence(uint32_t, statuses, ops->status, uint16_t, ops->kept)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* An enqueue that the ring refused because it was full: one event for each such call. With burst it completes the
 * record of a session without the events of single calls. */
DMATRACE_EVENT(dmadev, enqueue_rejected, DEBUG,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)))

/* A cheaper replacement for copy, copy_sg, fill, enqueue_ops and submit: all operations that one doorbell made visible
 * to the engine, read from the ring. index is that of the first of nb_rung operations in the ring; is_flagged means
 * that the last one rang the doorbell by its submit flag.
 *
 * One event has nb_ops of them, beginning with number `first` of the doorbell; a doorbell with more has several events,
 * one after another. Row i is the operation with ring index ring_idx + i (16 bits, wrapping): its kind (DMADEV_KIND_*),
 * src (fill: the pattern), dst, length, nb_src, nb_dst, flags. kind, length, nb_src, nb_dst and flags may have one row
 * instead, which is that of every operation of the event: less to write. The addresses and lengths of a copy_sg are only in
 * sg_addr and sg_len: nb_src sources, then nb_dst destinations, one operation after another. If any operation of the
 * event names domains itself, by bits 4 to 7 of its flags, src_handler and dst_handler have a row for each operation:
 * the handler, or 0 if it names none. Otherwise both are empty, and the handlers of vchan_setup apply. */
DMATRACE_CONVERTED_EVENT(dmadev, burst, DEBUG,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, const struct dmatrace_ring *_Nonnull, ring, uint64_t, index,
		uint32_t, nb_rung, bool, is_flagged),
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, uint16_t, nb_rung, uint16_t, first,
		const struct dmatrace_burst_columns *, ops),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint16_t, nb_rung, nb_rung)
		lttng_ust_field_integer(uint16_t, first, first)
		lttng_ust_field_integer(uint16_t, ring_idx, ops->ring_idx)
		lttng_ust_field_integer(uint16_t, nb_ops, ops->count)
		lttng_ust_field_sequence(uint8_t, kind, ops->kind, uint16_t, ops->kinds)
		lttng_ust_field_sequence_hex(uint64_t, src, ops->src, uint16_t, ops->count)
		lttng_ust_field_sequence_hex(uint64_t, dst, ops->dst, uint16_t, ops->count)
		lttng_ust_field_sequence(uint32_t, length, ops->length, uint16_t, ops->lengths)
		lttng_ust_field_sequence(uint8_t, nb_src, ops->nb_src, uint16_t, ops->lists)
		lttng_ust_field_sequence(uint8_t, nb_dst, ops->nb_dst, uint16_t, ops->lists)
		lttng_ust_field_sequence_hex(uint64_t, sg_addr, ops->sg_addr, uint16_t, ops->total_sg)
		lttng_ust_field_sequence(uint32_t, sg_len, ops->sg_len, uint16_t, ops->total_sg)
		lttng_ust_field_sequence_hex(uint8_t, flags, ops->flags, uint16_t, ops->all_flags)
		lttng_ust_field_sequence(uint16_t, src_handler, ops->src_handler, uint16_t, ops->handled)
		lttng_ust_field_sequence(uint16_t, dst_handler, ops->dst_handler, uint16_t, ops->handled)))
