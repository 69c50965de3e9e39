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

#define TRACEPOINT dmatrace_dmadev_copy(-1, 0, call, call, 64, 0, (int32_t)call)

/* Other work of the machine only adds, so the shortest of some slices counts. */
#define SLICES 100

double cpeers_tracepoint(unsigned calls)
{
	double empty = TIME(calls, );

	return TIME(calls, TRACEPOINT) - empty;
}

double cpeers_disabled_tracepoint(unsigned calls)
{
	unsigned slice = calls / (SLICES * 8);
	double empty = 0, full = 0;

	cpeers_register_events();
	for (unsigned index = 0; index < SLICES; index++) {
		double one = TIME(slice, );
		double other = TIME(slice, TRACEPOINT; TRACEPOINT; TRACEPOINT; TRACEPOINT; TRACEPOINT; TRACEPOINT; TRACEPOINT;
				    TRACEPOINT);

		empty = index == 0 || one < empty ? one : empty;
		full = index == 0 || other < full ? other : full;
	}
	return (full - empty) / 8;
}

double cpeers_lttng_event(unsigned calls)
{
	double empty = TIME(calls, );

	return TIME(calls, lttng_ust_tracepoint(dmascope_peer, copy, -1, 0, call, call, 64, 0, (int32_t)call)) - empty;
}
