#define LTTNG_UST_TRACEPOINT_HIDDEN_DEFINITION
#define LTTNG_UST_TRACEPOINT_PROBE_DYNAMIC_LINKAGE
#define LTTNG_UST_TRACEPOINT_DEFINE
#define DMATRACE_DEFINES_EMIT
#include "provider/dmadev_group.h"

#include "provider/emit.h"

#include "dmatrace_dmadev_group_events.h"
