#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER dmadev_group

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "provider/dmadev_group.h"

#if !defined(PROVIDER_DMADEV_GROUP_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define PROVIDER_DMADEV_GROUP_H

#include <lttng/tracepoint.h>

#include "provider/values.h"

#include "provider/expand.h"

#include "dmatrace_dmadev_group_events.h"

#endif

#include <lttng/tracepoint-event.h>
