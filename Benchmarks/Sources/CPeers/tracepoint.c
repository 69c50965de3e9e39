#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "cpeers.h"
#include "dmatrace.h"
#include "lttng/event.h"

void cpeers_register_events(void)
{
	dmatrace_load();
}

/* The counters are kept in registers in all loops, and the tracepoint's state word is read each time. */
#define TIME(calls, statement)                                                                                         \
	({                                                                                                             \
		double begin = cpeers_now();                                                                           \
		for (unsigned call = 0; call < (calls); call++) {                                                      \
			__asm__ volatile("" : "+r"(call) : : "memory");                                                \
			statement;                                                                                     \
		}                                                                                                      \
		(cpeers_now() - begin) / (calls);                                                                      \
	})

double cpeers_tracepoint(unsigned calls)
{
	double empty;

	cpeers_register_events();
	empty = TIME(calls, );
	return TIME(calls, dmatrace_dmadev_copy(-1, 0, call, call, 64, 0, (int32_t)call)) - empty;
}

double cpeers_lttng_event(unsigned calls)
{
	double empty = TIME(calls, );

	return TIME(calls, lttng_ust_tracepoint(dmascope_peer, copy, -1, 0, call, call, 64, 0, (int32_t)call)) - empty;
}
