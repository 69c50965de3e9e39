#include <string.h>

#include "cpeers.h"

static int copy_now(void *self, const void *source, void *destination, uint32_t length)
{
	*(uint32_t *)self += 1;
	memcpy(destination, source, length);
	return 0;
}

static int set_now(void *self, const void *source, void *destination, uint32_t length)
{
	*(uint32_t *)self += 1;
	(void)source;
	memset(destination, 0x5A, length);
	return 0;
}

static int nothing_to_submit(void *self)
{
	(void)self;
	return 0;
}

static int all_done(void *self, uint16_t most)
{
	uint32_t *done = self;
	int count = *done < most ? (int)*done : most;
	*done -= (uint32_t)count;
	return count;
}

double cpeers_memcpy(const struct cpeers_work *work, double seconds)
{
	uint32_t done = 0;
	return cpeers_run(work, seconds, &done, copy_now, nothing_to_submit, all_done);
}

double cpeers_memset(const struct cpeers_work *work, double seconds)
{
	uint32_t done = 0;
	return cpeers_run(work, seconds, &done, set_now, nothing_to_submit, all_done);
}
