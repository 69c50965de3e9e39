#include "cpeers.h"
#include "dmatrace.h"

double cpeers_tracepoint(unsigned calls)
{
	double nanoseconds[2];
	dmatrace_load();
	for (int with = 0; with < 2; with++) {
		double begin = cpeers_now();
		for (unsigned call = 0; call < calls; call++) {
			/* Both loops keep the counter in a register, and the tracepoint's state word is read each
			 * time. */
			__asm__ volatile("" : "+r"(call) : : "memory");
			if (with)
				dmatrace_dmadev_copy(-1, 0, call, call, 64, 0, (int32_t)call);
		}
		nanoseconds[with] = (cpeers_now() - begin) / calls;
	}
	return nanoseconds[1] - nanoseconds[0];
}
