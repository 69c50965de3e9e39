/* What is used of libbabeltrace2, which is loaded at run time: a program that reads no trace does not link it, and a build
 * does not need its headers. Each function here has the name of the library's, with `c` before it, and its arguments; a
 * status is an int: 0 is success, 1 the end, negative values are errors.
 *
 * If <babeltrace2/babeltrace.h> is installed, the compiler compares the types with it (load.c). */
#ifndef CBABELTRACE_H
#define CBABELTRACE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bt_clock_snapshot bt_clock_snapshot;
typedef struct bt_component_class_filter bt_component_class_filter;
typedef struct bt_component_class_source bt_component_class_source;
typedef struct bt_component_filter bt_component_filter;
typedef struct bt_component_sink bt_component_sink;
typedef struct bt_component_source bt_component_source;
typedef struct bt_connection bt_connection;
typedef struct bt_error bt_error;
typedef struct bt_error_cause bt_error_cause;
typedef struct bt_event bt_event;
typedef struct bt_event_class bt_event_class;
typedef struct bt_field bt_field;
typedef struct bt_field_class bt_field_class;
typedef struct bt_field_class_structure_member bt_field_class_structure_member;
typedef struct bt_graph bt_graph;
typedef struct bt_message bt_message;
typedef struct bt_message_iterator bt_message_iterator;
typedef struct bt_plugin bt_plugin;
typedef struct bt_port_input bt_port_input;
typedef struct bt_port_output bt_port_output;
typedef struct bt_stream bt_stream;
typedef struct bt_stream_class bt_stream_class;
typedef struct bt_trace bt_trace;
typedef struct bt_value bt_value;

/* The values of enumerations that are used. */
enum {
	CBT_STATUS_OK = 0,
	CBT_STATUS_END = 1,
	CBT_STATUS_AGAIN = 11,
	CBT_STATUS_ERROR = -1,
	CBT_MESSAGE_EVENT = 1 << 2,
	CBT_MESSAGE_DISCARDED_EVENTS = 1 << 5,
	CBT_MESSAGE_DISCARDED_PACKETS = 1 << 6,
	CBT_IS_AVAILABLE = 1,
	CBT_LOG_NONE = 255,
};
#define CBT_FIELD_SIGNED 20ULL

typedef int (*cbt_sink_function)(bt_message_iterator *_Nullable iterator, void *_Nullable data);
typedef void (*cbt_sink_end_function)(void *_Nullable data);

#include "cbabeltrace_functions.h"

/* The functions that were found. */
struct cbt_library {
#define CBT_FUNCTION(result, name, parameters, names) result(*_Nonnull name) parameters;
#define CBT_STATUS_FUNCTION(result, name, parameters, names) result(*_Nonnull name) parameters;
	CBT_FUNCTIONS
#undef CBT_FUNCTION
#undef CBT_STATUS_FUNCTION
};

extern struct cbt_library cbt_library __attribute__((visibility("hidden")))
__attribute__((swift_attr("nonisolated(unsafe)")));

/* Loads the library; true from the first success on. Call it before any function below; any thread, any number of times.
 * After a failure, cbt_load_error() has a sentence. */
bool cbt_load(void);
const char *_Nonnull cbt_load_error(void);

#define CBT_FUNCTION(result, name, parameters, names) \
	static inline result c##name parameters { return cbt_library.name names; }
#define CBT_STATUS_FUNCTION CBT_FUNCTION
CBT_FUNCTIONS
#undef CBT_FUNCTION
#undef CBT_STATUS_FUNCTION

#endif
