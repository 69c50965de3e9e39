/* Copies a buffer with a software device, in bursts, and prints the counters.
 *
 *     cc copy.c $(pkg-config --cflags --libs dmadev) -o copy && ./copy
 */
#include <dmadev.h>

#include <stdlib.h>
#include <string.h>

#define BYTES 4096
#define BURST 32

/* Ends the program when a control call has failed. */
static int check(int result, const char *call)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s (error %d)\n", call, dmadev_error(), -result);
		exit(1);
	}
	return result;
}

int main(void)
{
	static uint8_t from[BURST][BYTES], to[BURST][BYTES];
	struct dmadev_conf conf;
	struct dmadev_vchan_conf vchan_conf;
	struct dmadev_info info;
	struct dmadev_stats stats;
	uint16_t done = 0, last = 0;
	bool has_error = false;
	int16_t id;

	id = (int16_t)check(dmadev_create("software,name=dma0"), "dmadev_create");
	check(dmadev_info_get(id, &info), "dmadev_info_get");
	printf("%s: driver %s, %u channels of up to %u descriptors\n", info.dev_name, info.driver_name,
	       info.max_vchans, info.max_desc);

	memset(&conf, 0, sizeof(conf));
	conf.nb_vchans = 1;
	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.direction = DMADEV_DIR_MEM_TO_MEM;
	vchan_conf.nb_desc = 128;
	check(dmadev_configure(id, &conf), "dmadev_configure");
	check(dmadev_vchan_setup(id, 0, &vchan_conf), "dmadev_vchan_setup");
	check(dmadev_start(id), "dmadev_start");

	for (int index = 0; index < BURST; index++) {
		memset(from[index], index + 1, BYTES);
		/* The device has SVA: an address is an IOVA. */
		if (dmadev_copy(id, 0, (uintptr_t)from[index], (uintptr_t)to[index], BYTES, 0) < 0)
			return 1;
	}
	if (dmadev_submit(id, 0) < 0)
		return 1;
	while (done < BURST && !has_error)
		done += dmadev_completed(id, 0, BURST, &last, &has_error);

	check(dmadev_stats_get(id, 0, &stats), "dmadev_stats_get");
	printf("%u operations done, the last one has index %u; equal: %s\n", done, last,
	       memcmp(from, to, sizeof(from)) == 0 ? "yes" : "no");
	printf("submitted %llu, completed %llu, errors %llu\n", (unsigned long long)stats.submitted,
	       (unsigned long long)stats.completed, (unsigned long long)stats.errors);

	check(dmadev_stop(id), "dmadev_stop");
	check(dmadev_close(id), "dmadev_close");
	return 0;
}
