#include "clinux_cache.h"

#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#if defined(__x86_64__)

/* The largest cache of "deterministic cache parameters"; 0 if the processor does not report them. */
static size_t reported_cache(void)
{
	unsigned leaf = 4, a, b, c, d;
	size_t largest = 0;

	/* AMD's leaf has the same layout; it exists with the topology extensions. */
	if (__get_cpuid(0x80000001, &a, &b, &c, &d) && (c & 1U << 22))
		leaf = 0x8000001D;
	for (unsigned index = 0; index < 8 && __get_cpuid_count(leaf, index, &a, &b, &c, &d) && (a & 31) != 0; index++) {
		size_t bytes = (size_t)((b >> 22) + 1) * ((b >> 12 & 1023) + 1) * ((b & 4095) + 1) * ((size_t)c + 1);

		if (bytes > largest)
			largest = bytes;
	}
	return largest;
}

#else

static size_t reported_cache(void)
{
	return 0;
}

#endif

size_t clinux_last_level_cache(void)
{
	static const int names[2] = { _SC_LEVEL3_CACHE_SIZE, _SC_LEVEL2_CACHE_SIZE };
	size_t bytes = reported_cache();

	for (int index = 0; index < 2 && bytes == 0; index++) {
		long known = sysconf(names[index]);

		if (known > 0)
			bytes = (size_t)known;
	}
	return bytes;
}
