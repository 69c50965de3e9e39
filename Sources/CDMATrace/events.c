#include <lttng/tracepoint.h>

#include "dmatrace.h"

_Static_assert(offsetof(struct dmatrace_tracepoint, state) == offsetof(struct lttng_ust_tracepoint, state),
	"struct dmatrace_tracepoint must match the first members of LTTng's tracepoint");

#define ROW(event_provider, event_name, event_level_name, event_level) \
	{ \
		.provider = #event_provider, \
		.name = #event_name, \
		.level_name = event_level_name, \
		.level = event_level, \
		.tracepoint = &dmatrace_tracepoint_##event_provider##_##event_name, \
	},
#define DMATRACE_EVENT(provider, name, level, args, fields) \
	ROW(provider, name, "TRACE_" #level, LTTNG_UST_TRACEPOINT_LOGLEVEL_##level)
#define DMATRACE_CONVERTED_EVENT(provider, name, level, args, recorded_args, fields) \
	ROW(provider, name, "TRACE_" #level, LTTNG_UST_TRACEPOINT_LOGLEVEL_##level)

static const struct dmatrace_event events[] = {
#include "dmatrace_dmadev_events.h"
#include "dmatrace_dmadev_engine_events.h"
#include "dmatrace_dmadev_group_events.h"
};

const struct dmatrace_event *dmatrace_events(size_t *count)
{
	*count = sizeof(events) / sizeof(events[0]);
	return events;
}
