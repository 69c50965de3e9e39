/* The events of a provider as LTTng's macros. LTTng includes a provider header several times with different definitions
 * of these macros.
 * level may only be pasted, never passed to another macro: DEBUG is a macro in debug builds. */
#undef DMATRACE_EVENT
#define DMATRACE_EVENT(provider, name, level, args, fields) \
	LTTNG_UST_TRACEPOINT_EVENT(provider, name, LTTNG_UST_TP_ARGS args, LTTNG_UST_TP_FIELDS fields) \
	LTTNG_UST_TRACEPOINT_LOGLEVEL(provider, name, LTTNG_UST_TRACEPOINT_LOGLEVEL_##level)

#undef DMATRACE_CONVERTED_EVENT
#define DMATRACE_CONVERTED_EVENT(provider, name, level, args, recorded_args, fields) \
	LTTNG_UST_TRACEPOINT_EVENT(provider, name, LTTNG_UST_TP_ARGS recorded_args, LTTNG_UST_TP_FIELDS fields) \
	LTTNG_UST_TRACEPOINT_LOGLEVEL(provider, name, LTTNG_UST_TRACEPOINT_LOGLEVEL_##level)

/* The events declare for Swift which pointers may be NULL. LTTng records an event only if call site and probe have the
 * same argument text, so these words are removed for it: the probes may be built with a compiler that does not have
 * them. */
#define _Nonnull
#define _Nullable
