/* The commands of dmadev on the application's own telemetry socket. */
#include "dropin.h"

static int list_devices(const char *command, const char *params, struct rte_tel_data *data)
{
	int16_t id;

	(void)command, (void)params;
	(void)rte_dma_count_avail(); /* finds new devices of drivers */
	rte_tel_data_start_array(data, RTE_TEL_INT_VAL);
	DMADEV_FOREACH_DEV(id)
		rte_tel_data_add_array_int(data, id);
	return 0;
}

/* The first number of the parameters; what follows is at *rest. */
static int number(const char *text, long most, const char **rest)
{
	char *end;
	long value;

	if (text == NULL || *text < '0' || *text > '9')
		return -EINVAL;
	value = strtol(text, &end, 10);
	*rest = end;
	return value > most ? -EINVAL : (int)value;
}

static int describe_device(const char *command, const char *params, struct rte_tel_data *data)
{
	struct dmadev_info info;
	struct rte_tel_data *names;
	const char *rest;
	int id = number(params, INT16_MAX, &rest);

	(void)command;
	if (id < 0 || dmadev_info_get((int16_t)id, &info) < 0)
		return -EINVAL;
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_string(data, "name", info.dev_name);
	rte_tel_data_add_dict_int(data, "nb_vchans", info.nb_vchans);
	rte_tel_data_add_dict_int(data, "numa_node", info.numa_node);
	rte_tel_data_add_dict_int(data, "max_vchans", info.max_vchans);
	rte_tel_data_add_dict_int(data, "max_desc", info.max_desc);
	rte_tel_data_add_dict_int(data, "min_desc", info.min_desc);
	rte_tel_data_add_dict_int(data, "max_sges", info.max_sges);
	names = rte_tel_data_alloc();
	if (names == NULL)
		return -ENOMEM;
	rte_tel_data_start_dict(names);
	for (int bit = 0; bit < 64; bit++) {
		const char *name = dmadev_capability_name(1ULL << bit);

		if (name != NULL)
			rte_tel_data_add_dict_int(names, name, (info.dev_capa & 1ULL << bit) != 0);
	}
	rte_tel_data_add_dict_container(data, "capabilities", names, 0);
	return 0;
}

static int count_operations(const char *command, const char *params, struct rte_tel_data *data)
{
	struct dmadev_stats stats;
	struct dmadev_info info;
	const char *rest = "";
	int id = number(params, INT16_MAX, &rest), vchan = 0;

	(void)command;
	if (id < 0 || dmadev_info_get((int16_t)id, &info) < 0)
		return -EINVAL;
	/* A device with one channel needs no number of it. */
	if (*rest == ',')
		vchan = number(rest + 1, UINT16_MAX, &rest);
	else if (info.nb_vchans != 1)
		return -EINVAL;
	if (vchan < 0 || dmadev_stats_get((int16_t)id, (uint16_t)vchan, &stats) < 0)
		return -EINVAL;
	rte_tel_data_start_dict(data);
	rte_tel_data_add_dict_uint(data, "submitted", stats.submitted);
	rte_tel_data_add_dict_uint(data, "completed", stats.completed);
	rte_tel_data_add_dict_uint(data, "errors", stats.errors);
	return 0;
}

static int dump_device(const char *command, const char *params, struct rte_tel_data *data)
{
	const char *rest;
	char *text = NULL;
	size_t bytes;
	int id = number(params, INT16_MAX, &rest), result;
	FILE *file;

	(void)command;
	if (id < 0)
		return -EINVAL;
	file = open_memstream(&text, &bytes);
	if (file == NULL)
		return -ENOMEM;
	result = rte_dma_dump((int16_t)id, file);
	fclose(file);
	if (result == 0)
		rte_tel_data_string(data, text);
	free(text);
	return result;
}

void register_telemetry(void)
{
	rte_telemetry_register_cmd("/dmadev/list", list_devices, "Returns the numbers of the devices. No parameters");
	rte_telemetry_register_cmd("/dmadev/info", describe_device, "Returns a device's properties. Parameters: dev_id");
	rte_telemetry_register_cmd("/dmadev/stats", count_operations,
				   "Returns a channel's statistics. Parameters: dev_id,vchan_id (optional with one channel)");
	rte_telemetry_register_cmd("/dmadev/dump", dump_device, "Returns a device's description. Parameters: dev_id");
}
