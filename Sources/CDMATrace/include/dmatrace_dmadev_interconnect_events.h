/* The events of provider dmadev for buffers of others: one per public call of an attachment. attachment is its number in
 * its table, dev_id the device that imports, -1 for another importer. See dmatrace_dmadev_events.h. */

/* inode: of the buffer's file, 0 without one. interconnect: the chosen one; empty if none was. */
DMATRACE_EVENT(dmadev, interconnect_attach, INFO,
	DMATRACE_ARGS(uint64_t, attachment, int16_t, dev_id, const char *_Nullable, importer,
		const char *_Nullable, exporter, uint64_t, inode, uint64_t, bytes, const char *_Nullable, interconnect,
		uint16_t, nb_fallbacks, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, attachment, attachment)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_string(importer, importer)
		lttng_ust_field_string(exporter, exporter)
		lttng_ust_field_integer(uint64_t, inode, inode)
		lttng_ust_field_integer(uint64_t, bytes, bytes)
		lttng_ust_field_string(interconnect, interconnect)
		lttng_ust_field_integer(uint16_t, nb_fallbacks, nb_fallbacks)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* Before the event of the attach: an interconnect that is not supported, with the reason. */
DMATRACE_EVENT(dmadev, interconnect_fallback, INFO,
	DMATRACE_ARGS(uint64_t, attachment, int16_t, dev_id, const char *_Nullable, interconnect,
		const char *_Nullable, reason, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, attachment, attachment)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_string(interconnect, interconnect)
		lttng_ust_field_string(reason, reason)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* direction: 0 bidirectional, 1 to the device, 2 from the device. addresses and lengths: the ranges on the interconnect;
 * iovas: the importer's addresses. nb_ranges and nb_iovas are the full counts; both are 0 if the call failed. */
DMATRACE_EVENT(dmadev, interconnect_map, INFO,
	DMATRACE_ARGS(uint64_t, attachment, int16_t, dev_id, uint8_t, direction, uint64_t, bytes,
		const uint64_t *_Nullable, addresses, const uint64_t *_Nullable, lengths, uint32_t, nb_ranges,
		const uint64_t *_Nullable, iovas, uint32_t, nb_iovas, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, attachment, attachment)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint8_t, direction, direction)
		lttng_ust_field_integer(uint64_t, bytes, bytes)
		lttng_ust_field_integer(uint32_t, nb_ranges, nb_ranges)
		lttng_ust_field_integer(uint32_t, nb_iovas, nb_iovas)
		lttng_ust_field_sequence_hex(uint64_t, addresses, addresses, uint16_t, dmatrace_kept(addresses, nb_ranges, DMATRACE_RANGES_MAX))
		lttng_ust_field_sequence(uint64_t, lengths, lengths, uint16_t, dmatrace_kept(lengths, nb_ranges, DMATRACE_RANGES_MAX))
		lttng_ust_field_sequence_hex(uint64_t, iovas, iovas, uint16_t, dmatrace_kept(iovas, nb_iovas, DMATRACE_RANGES_MAX))
		lttng_ust_field_integer(int32_t, ret, ret)))

/* state, here and below: after the call: 0 attached, 1 mapped, 2 revoking, 3 dead. */
DMATRACE_EVENT(dmadev, interconnect_unmap, INFO,
	DMATRACE_ARGS(uint64_t, attachment, int16_t, dev_id, uint8_t, state, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, attachment, attachment)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint8_t, state, state)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* The exporter takes the buffer back. */
DMATRACE_EVENT(dmadev, interconnect_revoke, INFO,
	DMATRACE_ARGS(uint64_t, attachment, int16_t, dev_id, uint64_t, timeout_ns, uint64_t, waited_ns, uint8_t, state,
		int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, attachment, attachment)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint64_t, timeout_ns, timeout_ns)
		lttng_ust_field_integer(uint64_t, waited_ns, waited_ns)
		lttng_ust_field_integer(uint8_t, state, state)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, interconnect_detach, INFO,
	DMATRACE_ARGS(uint64_t, attachment, int16_t, dev_id, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, attachment, attachment)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int32_t, ret, ret)))
