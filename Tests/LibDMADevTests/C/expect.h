/* For the programs of these tests: what is not as expected is printed, and ends the program at its end with status 1. */
#ifndef EXPECT_H
#define EXPECT_H

#include <dmadev.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define EXPECT(condition)                                                                                     \
	do {                                                                                                  \
		if (!(condition)) {                                                                           \
			fprintf(stderr, "%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #condition,           \
				dmadev_error());                                                              \
			failures++;                                                                           \
		}                                                                                             \
	} while (0)

/* A started device with one channel. */
static inline int16_t started_device(const char *specification, uint16_t nb_desc, uint64_t flags)
{
	struct dmadev_conf conf = { 1, 0, 0, flags };
	struct dmadev_vchan_conf vchan_conf;
	int16_t id = (int16_t)dmadev_create(specification);

	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.nb_desc = nb_desc;
	EXPECT(id >= 0);
	EXPECT(dmadev_configure(id, &conf) == 0);
	EXPECT(dmadev_vchan_setup(id, 0, &vchan_conf) == 0);
	EXPECT(dmadev_start(id) == 0);
	return id;
}

#endif
