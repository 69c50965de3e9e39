/* Serves the devices of this program, and a command of its own, to telemetry clients until it gets a line.
 *
 *     cc telemetry.c $(pkg-config --cflags --libs dmadev) -o telemetry && ./telemetry
 *     dmascope query --socket PATH /example/jobs,2      (or dpdk-telemetry.py; the program prints PATH)
 */
#include <dmadev_telemetry.h>

#include <errno.h>
#include <stdlib.h>

struct job {
	const char *name;
	uint64_t bytes;
	bool done;
};

static const struct job jobs[] = { { "first", 4096, true }, { "second", 1ULL << 40, false }, { "third", 0, false } };

static int check(int result, const char *call)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s (error %d)\n", call, dmadev_error(), -result);
		exit(1);
	}
	return result;
}

/* Answers /example/jobs[,COUNT]. It runs on the server's thread. */
static int list_jobs(const char *command, const char *params, struct dmadev_telemetry_data *data, void *arg)
{
	const struct job *all = (const struct job *)arg;
	char *end = NULL;
	long count = params == NULL ? 3 : strtol(params, &end, 10);

	(void)command;
	if ((end != NULL && *end != '\0') || count < 0 || count > 3)
		return -EINVAL;
	dmadev_telemetry_begin_list(data, "jobs");
	for (long index = 0; index < count; index++) {
		dmadev_telemetry_begin_object(data, NULL);
		dmadev_telemetry_add_string(data, "name", all[index].name);
		dmadev_telemetry_add_uint(data, "bytes", all[index].bytes);
		dmadev_telemetry_add_bool(data, "done", all[index].done);
		dmadev_telemetry_end(data);
	}
	dmadev_telemetry_end(data);
	return 0;
}

int main(void)
{
	check(dmadev_telemetry_register("/example/jobs", "Returns the jobs. Parameters: how many", list_jobs, (void *)jobs),
	      "dmadev_telemetry_register");
	check(dmadev_create("software,name=dma0"), "dmadev_create");
	check(dmadev_telemetry_start("example"), "dmadev_telemetry_start");
	printf("%s\n", dmadev_telemetry_path());
	fflush(stdout);
	getchar();
	dmadev_telemetry_stop();
	return 0;
}
