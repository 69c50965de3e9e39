/* Included by a provider's .c file before its events file: each event becomes its emit function. */
#undef DMATRACE_EVENT
#define DMATRACE_EVENT(provider, name, level, args, fields) \
	void dmatrace_emit_##provider##_##name(DMATRACE_PARAMETERS args) \
	{ \
		lttng_ust_do_tracepoint(provider, name, DMATRACE_NAMES args); \
	}

/* Written by hand. */
#undef DMATRACE_CONVERTED_EVENT
#define DMATRACE_CONVERTED_EVENT(provider, name, level, args, recorded_args, fields)
