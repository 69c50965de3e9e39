/* The events of a provider in LTTng's terms. LTTng reads a provider header many times and gives these macros another
 * meaning each time.
 * level may only be pasted, never handed on: DEBUG is a macro in debug builds. */
#undef DMATRACE_EVENT
#define DMATRACE_EVENT(provider, name, level, args, fields) \
	LTTNG_UST_TRACEPOINT_EVENT(provider, name, LTTNG_UST_TP_ARGS args, LTTNG_UST_TP_FIELDS fields) \
	LTTNG_UST_TRACEPOINT_LOGLEVEL(provider, name, LTTNG_UST_TRACEPOINT_LOGLEVEL_##level)

#undef DMATRACE_CONVERTED_EVENT
#define DMATRACE_CONVERTED_EVENT(provider, name, level, args, recorded_args, fields) \
	LTTNG_UST_TRACEPOINT_EVENT(provider, name, LTTNG_UST_TP_ARGS recorded_args, LTTNG_UST_TP_FIELDS fields) \
	LTTNG_UST_TRACEPOINT_LOGLEVEL(provider, name, LTTNG_UST_TRACEPOINT_LOGLEVEL_##level)

/* The events say which pointers may be NULL, for Swift. LTTng records an event only where call site and probe have the same
 * text of arguments, so it sees none of that: another compiler, which does not know these words, may make the probes. */
#define _Nonnull
#define _Nullable
