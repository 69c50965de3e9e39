/* Commands on the telemetry socket of the application's own DPDK: clients of DPDK that know no other socket find the counters
 * there. The socket of libdmadev has more. */
#include "counting.h"

#include <stdlib.h>

struct rte_tel_data;

#define ARRAY_OF_NUMBERS 1 /* RTE_TEL_INT_VAL */

static struct {
	int (*start_array)(struct rte_tel_data *data, int type);
	int (*add_number)(struct rte_tel_data *data, int number);
	int (*start_dict)(struct rte_tel_data *data);
	int (*add_string)(struct rte_tel_data *data, const char *name, const char *text);
	int (*add_count)(struct rte_tel_data *data, const char *name, uint64_t count);
} dpdk;

static int list_devices(const char *command, const char *parameters, struct rte_tel_data *data)
{
	(void)command, (void)parameters;
	dpdk.start_array(data, ARRAY_OF_NUMBERS);
	for (int16_t id = 0; id < OBSERVER_DEVICE_COUNT; id++)
		if (observer_devices[id].nb_channels > 0)
			dpdk.add_number(data, id);
	return 0;
}

/* The next number of the parameters; -1: there is none. */
static long number(const char **rest)
{
	const char *text = *rest;
	char *end;
	long value;

	if (text == NULL || *text < '0' || *text > '9')
		return -1;
	value = strtol(text, &end, 10);
	*rest = *end == ',' ? end + 1 : end;
	return value;
}

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static int count_channel(const char *command, const char *parameters, struct rte_tel_data *data)
{
	long id = number(&parameters), vchan = number(&parameters);
	const struct observer_channel_counters *channel;
	const struct dmadev_engine_counters *engine;
	int64_t in_flight;

	(void)command;
	if (id < 0 || id >= OBSERVER_DEVICE_COUNT || vchan > UINT16_MAX)
		return -EINVAL;
	/* A device with one channel needs no number of it. */
	if (vchan < 0 && observer_devices[id].nb_channels != 1)
		return -EINVAL;
	channel = observer_counters((int16_t)id, vchan < 0 ? 0 : (uint16_t)vchan);
	if (channel == NULL)
		return -EINVAL;
	engine = &channel->counters.engine;
	in_flight = observer_is_silent((int16_t)id) ? 0 : observer_in_flight(channel);
	dpdk.start_dict(data);
	dpdk.add_string(data, "name", observer_devices[id].name);
	dpdk.add_count(data, "submitted", load(&channel->counters.application.submitted));
	dpdk.add_count(data, "completed", load(&engine->completed));
	dpdk.add_count(data, "errors", load(&engine->errors));
	dpdk.add_count(data, "bytes", load(&engine->bytes));
	dpdk.add_count(data, "ops_copy", load(&engine->kinds[DMADEV_KIND_COPY]));
	dpdk.add_count(data, "ops_copy_sg", load(&engine->kinds[DMADEV_KIND_COPY_SG]));
	dpdk.add_count(data, "ops_fill", load(&engine->kinds[DMADEV_KIND_FILL]));
	dpdk.add_count(data, "rejected_enqueues", load(&channel->counters.application.rejected));
	dpdk.add_count(data, "doorbells", load(&channel->counters.application.doorbells));
	dpdk.add_count(data, "occupancy_high_water", load(&channel->counters.application.high_water));
	dpdk.add_count(data, "latency_sum_ns", load(&engine->latency_sum));
	dpdk.add_count(data, "full_polls", load(&channel->activity.full_polls));
	dpdk.add_count(data, "empty_polls", load(&channel->activity.empty_polls));
	dpdk.add_count(data, "in_flight", in_flight > 0 ? (uint64_t)in_flight : 0);
	return 0;
}

void observer_register_commands(const struct dmascope_dpdk_device *device)
{
	static bool is_registered;
	int (*add)(const char *, int (*)(const char *, const char *, struct rte_tel_data *), const char *);

	if (is_registered || device->find == NULL)
		return;
	is_registered = true;
	*(void **)&add = device->find("rte_telemetry_register_cmd");
	*(void **)&dpdk.start_array = device->find("rte_tel_data_start_array");
	*(void **)&dpdk.add_number = device->find("rte_tel_data_add_array_int");
	*(void **)&dpdk.start_dict = device->find("rte_tel_data_start_dict");
	*(void **)&dpdk.add_string = device->find("rte_tel_data_add_dict_string");
	/* The second name is that of releases before 23.03. */
	*(void **)&dpdk.add_count = device->find("rte_tel_data_add_dict_uint");
	if (dpdk.add_count == NULL)
		*(void **)&dpdk.add_count = device->find("rte_tel_data_add_dict_u64");
	if (add == NULL || dpdk.start_array == NULL || dpdk.add_number == NULL || dpdk.start_dict == NULL ||
	    dpdk.add_string == NULL || dpdk.add_count == NULL)
		return;
	(void)add("/dmascope/list", list_devices, "Returns the numbers of the observed dmadevs. No parameters");
	(void)add("/dmascope/stats", count_channel,
		  "Returns what was observed of a vchannel. Parameters: int dev_id, vchan_id (Optional if only one vchannel)");
}
