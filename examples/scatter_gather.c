/* Gathers pieces of a text with one operation, and shows what a failed operation looks like: it ends with a status, the
 * one behind a fence is not attempted, and the device goes on.
 *
 *     cc scatter_gather.c $(pkg-config --cflags --libs dmadev) -o scatter_gather && ./scatter_gather
 */
#include <dmadev.h>

#include <stdlib.h>
#include <string.h>

static int check(int result, const char *call)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s (error %d)\n", call, dmadev_error(), -result);
		exit(1);
	}
	return result;
}

static struct dmadev_sge entry(const void *address, uint32_t length)
{
	struct dmadev_sge made = { (uintptr_t)address, length, 0 };

	return made;
}

/* Polls until nb operations have ended, and prints their statuses. */
static void wait_for(int16_t id, uint16_t nb)
{
	enum dmadev_status_code statuses[8];
	uint16_t last, first = 0;

	while (nb > 0) {
		uint16_t done = dmadev_completed_status(id, 0, nb < 8 ? nb : 8, &last, statuses);

		if (done > 0)
			first = (uint16_t)(last + 1 - done);
		for (uint16_t index = 0; index < done; index++)
			printf("operation %u: %s\n", (uint16_t)(first + index), dmadev_status_name(statuses[index]));
		nb = (uint16_t)(nb - done);
	}
}

int main(void)
{
	static const char one[] = "one ", two[] = "two ", three[] = "three";
	char gathered[14] = "";
	struct dmadev_sge from[3], to[1];
	struct dmadev_conf conf;
	struct dmadev_vchan_conf vchan_conf;
	struct dmadev_stats stats;
	int16_t id = (int16_t)check(dmadev_create("software,name=dma0"), "dmadev_create");

	memset(&conf, 0, sizeof(conf));
	conf.nb_vchans = 1;
	memset(&vchan_conf, 0, sizeof(vchan_conf));
	vchan_conf.nb_desc = 32;
	check(dmadev_configure(id, &conf), "dmadev_configure");
	check(dmadev_vchan_setup(id, 0, &vchan_conf), "dmadev_vchan_setup");
	check(dmadev_start(id), "dmadev_start");

	from[0] = entry(one, 4);
	from[1] = entry(two, 4);
	from[2] = entry(three, 5);
	to[0] = entry(gathered, 13);
	if (dmadev_copy_sg(id, 0, from, to, 3, 1, DMADEV_OP_FLAG_SUBMIT) < 0)
		return 1;
	wait_for(id, 1);
	printf("gathered: %s\n", gathered);

	/* Lists of different total lengths are refused at once: nothing is enqueued. */
	to[0].length = 12;
	printf("unequal lists: %d\n", dmadev_copy_sg(id, 0, from, to, 3, 1, 0));

	/* An address that is not mapped is found when the operation runs. */
	dmadev_copy(id, 0, 64, (uintptr_t)gathered, 4, 0);
	dmadev_copy(id, 0, (uintptr_t)three, (uintptr_t)gathered, 4, DMADEV_OP_FLAG_FENCE);
	dmadev_submit(id, 0);
	wait_for(id, 2);
	dmadev_copy(id, 0, (uintptr_t)three, (uintptr_t)gathered, 3, DMADEV_OP_FLAG_SUBMIT);
	wait_for(id, 1);
	printf("now: %s\n", gathered);

	check(dmadev_stats_get(id, DMADEV_ALL_VCHAN, &stats), "dmadev_stats_get");
	printf("completed %llu, errors %llu\n", (unsigned long long)stats.completed, (unsigned long long)stats.errors);
	check(dmadev_stop(id), "dmadev_stop");
	return -dmadev_close(id);
}
