#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

#if __has_include(<babeltrace2/babeltrace.h>)
#include <babeltrace2/babeltrace.h>
#define HAS_HEADERS
#endif

#include "cbabeltrace.h"

/* The library's soname, which its versions 2.0 and 2.1 share. */
#define SONAME "libbabeltrace2.so.0"

struct cbt_library cbt_library;

static bool is_loaded;
static char load_error[512];
static pthread_once_t once = PTHREAD_ONCE_INIT;

#ifdef HAS_HEADERS
#define CBT_FUNCTION(result, name, parameters, names) \
	_Static_assert(__builtin_types_compatible_p(__typeof__(&name), __typeof__(cbt_library.name)), \
		"the type of " #name " differs from the library's");
/* The library's enumerations have types of their own. */
#define CBT_STATUS_FUNCTION(result, name, parameters, names)
CBT_FUNCTIONS
#undef CBT_FUNCTION
#undef CBT_STATUS_FUNCTION
#define SAME(ours, theirs) _Static_assert((long)(ours) == (long)(theirs), #ours " differs from the library's value");
SAME(CBT_STATUS_OK, BT_GRAPH_RUN_ONCE_STATUS_OK)
SAME(CBT_STATUS_END, BT_GRAPH_RUN_ONCE_STATUS_END)
SAME(CBT_STATUS_AGAIN, BT_GRAPH_RUN_ONCE_STATUS_AGAIN)
SAME(CBT_STATUS_ERROR, BT_GRAPH_RUN_ONCE_STATUS_ERROR)
SAME(CBT_MESSAGE_EVENT, BT_MESSAGE_TYPE_EVENT)
SAME(CBT_MESSAGE_DISCARDED_EVENTS, BT_MESSAGE_TYPE_DISCARDED_EVENTS)
SAME(CBT_MESSAGE_DISCARDED_PACKETS, BT_MESSAGE_TYPE_DISCARDED_PACKETS)
SAME(CBT_IS_AVAILABLE, BT_PROPERTY_AVAILABILITY_AVAILABLE)
SAME(CBT_LOG_NONE, BT_LOGGING_LEVEL_NONE)
SAME(CBT_FIELD_SIGNED, BT_FIELD_CLASS_TYPE_SIGNED_INTEGER)
#endif

static void load(void)
{
	void *library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL) {
		snprintf(load_error, sizeof(load_error), "%s", dlerror());
		return;
	}
#define CBT_FUNCTION(result, name, parameters, names) \
	{ \
		void *found = dlsym(library, #name); \
		if (found == NULL) { \
			snprintf(load_error, sizeof(load_error), "%s has no function %s", SONAME, #name); \
			return; \
		} \
		*(void **)&cbt_library.name = found; \
	}
#define CBT_STATUS_FUNCTION CBT_FUNCTION
	CBT_FUNCTIONS
#undef CBT_FUNCTION
#undef CBT_STATUS_FUNCTION
	is_loaded = true;
}

bool cbt_load(void)
{
	pthread_once(&once, load);
	return is_loaded;
}

const char *cbt_load_error(void)
{
	return load_error;
}
