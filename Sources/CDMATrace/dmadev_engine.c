#define LTTNG_UST_TRACEPOINT_HIDDEN_DEFINITION
#define LTTNG_UST_TRACEPOINT_PROBE_DYNAMIC_LINKAGE
#define LTTNG_UST_TRACEPOINT_DEFINE
#define DMATRACE_DEFINES_EMIT
#include "provider/dmadev_engine.h"

#include "provider/emit.h"

#include "dmatrace_dmadev_engine_events.h"
