/* The events of provider dmadev_group: changes of access groups, recorded by the process that manages them.
 * A domain is the DMATRACE_DOMAIN_SIZE bytes of its identifier, pid its process; no event has a token.
 *
 * Each includer defines the macros and expands this list (see dmatrace_expand.h): it has no include guard. */

DMATRACE_EVENT(dmadev_group, group_created, INFO,
	DMATRACE_ARGS(int16_t, group_id, uint16_t, limit, uint16_t, handler, const uint8_t *_Nonnull, domain,
		int32_t, pid),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, limit, limit)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(int32_t, pid, pid)))

/* Handler, domain and process are those of the creator. reason: destroyed (by the creator), creator_died (its device was
 * closed or its process has ended), forced (the controller was stopped or has disconnected the creator). */
DMATRACE_EVENT(dmadev_group, group_destroyed, INFO,
	DMATRACE_ARGS(int16_t, group_id, uint16_t, handler, const uint8_t *_Nonnull, domain, int32_t, pid,
		const char *_Nonnull, reason),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(int32_t, pid, pid)
		lttng_ust_field_string(reason, reason)))

DMATRACE_EVENT(dmadev_group, member_joined, INFO,
	DMATRACE_ARGS(int16_t, group_id, uint16_t, handler, const uint8_t *_Nonnull, domain, int32_t, pid),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(int32_t, pid, pid)))

/* died: the member did not request it; its process or its connection ended. */
DMATRACE_EVENT(dmadev_group, member_left, INFO,
	DMATRACE_ARGS(int16_t, group_id, uint16_t, handler, const uint8_t *_Nonnull, domain, int32_t, pid,
		uint8_t, died),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(int32_t, pid, pid)
		lttng_ust_field_integer(uint8_t, died, died)))

/* A further device of a member's process shares the member's handler, or no longer does. device: its number there. */
DMATRACE_EVENT(dmadev_group, device_joined, INFO,
	DMATRACE_ARGS(int16_t, group_id, uint16_t, handler, const uint8_t *_Nonnull, domain, int32_t, pid,
		int16_t, device),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(int32_t, pid, pid)
		lttng_ust_field_integer(int16_t, device, device)))

DMATRACE_EVENT(dmadev_group, device_left, INFO,
	DMATRACE_ARGS(int16_t, group_id, uint16_t, handler, const uint8_t *_Nonnull, domain, int32_t, pid,
		int16_t, device),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(int32_t, pid, pid)
		lttng_ust_field_integer(int16_t, device, device)))

/* No engine accesses memory with this handler any more. */
DMATRACE_EVENT(dmadev_group, handler_revoked, INFO,
	DMATRACE_ARGS(int16_t, group_id, uint16_t, handler),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, handler, handler)))

DMATRACE_EVENT(dmadev_group, window_added, INFO,
	DMATRACE_ARGS(int16_t, group_id, uint16_t, handler, uint64_t, iova, uint64_t, length, uint32_t, rights),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_integer_hex(uint64_t, iova, iova)
		lttng_ust_field_integer(uint64_t, length, length)
		lttng_ust_field_integer(uint32_t, rights, rights)))

/* Also for each window that goes with its device, before member_left, device_left or group_destroyed. */
DMATRACE_EVENT(dmadev_group, window_removed, INFO,
	DMATRACE_ARGS(int16_t, group_id, uint16_t, handler, uint64_t, iova, uint64_t, length),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_integer_hex(uint64_t, iova, iova)
		lttng_ust_field_integer(uint64_t, length, length)))

/* error: the errno. */
DMATRACE_EVENT(dmadev_group, join_denied, INFO,
	DMATRACE_ARGS(int16_t, group_id, const uint8_t *_Nonnull, domain, int32_t, pid, uint32_t, uid,
		int32_t, error),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(int32_t, pid, pid)
		lttng_ust_field_integer(uint32_t, uid, uid)
		lttng_ust_field_integer(int32_t, error, error)))

/* A transfer used a handler, or an address of it, that it is not allowed to access. by: the handler of the requester, 0
 * if it has none; status: the operation's status. */
DMATRACE_EVENT(dmadev_group, access_refused, INFO,
	DMATRACE_ARGS(int16_t, group_id, uint16_t, handler, uint16_t, by, uint64_t, iova, uint64_t, length,
		uint16_t, status),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_integer(uint16_t, by, by)
		lttng_ust_field_integer_hex(uint64_t, iova, iova)
		lttng_ust_field_integer(uint64_t, length, length)
		lttng_ust_field_integer(uint16_t, status, status)))
