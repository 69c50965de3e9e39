/* The probes of all providers: the functions that write an event's fields into LTTng's buffers. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#include "provider/dmadev.h"
#include "provider/dmadev_engine.h"
#include "provider/dmadev_group.h"
