#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER dmadev

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "provider/dmadev.h"

#if !defined(PROVIDER_DMADEV_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define PROVIDER_DMADEV_H

#include <lttng/tracepoint.h>

#include "provider/burst.h"
#include "provider/values.h"

#include "provider/expand.h"

#include "dmatrace_dmadev_events.h"

#endif

#include <lttng/tracepoint-event.h>
