/* A bare event of LTTng with the fields of dmadev:copy, the peer of dmascope's tracepoints. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER dmascope_peer

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "lttng/event.h"

#if !defined(CPEERS_EVENT_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define CPEERS_EVENT_H

#include <lttng/tracepoint.h>
#include <stdint.h>

LTTNG_UST_TRACEPOINT_EVENT(
	dmascope_peer, copy,
	LTTNG_UST_TP_ARGS(int16_t, dev_id, uint16_t, vchan, uint64_t, src, uint64_t, dst, uint32_t, length, uint64_t,
			  flags, int32_t, ret),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer_hex(uint64_t, src, src)
		lttng_ust_field_integer_hex(uint64_t, dst, dst)
		lttng_ust_field_integer(uint32_t, length, length)
		lttng_ust_field_integer_hex(uint64_t, flags, flags)
		lttng_ust_field_integer(int32_t, ret, ret)))

#endif

#include <lttng/tracepoint-event.h>
