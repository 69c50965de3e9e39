/* What the drop-in library for 26.11 needs of DPDK, as three libraries without an EAL: to link with where that DPDK is not
 * installed, and to test with. */
#include <stdarg.h>

#include "dropin.h"

#ifdef STAND_IN_LOG

int rte_log(uint32_t level, uint32_t logtype, const char *format, ...)
{
	va_list arguments;
	int written;

	(void)level, (void)logtype;
	va_start(arguments, format);
	written = vfprintf(stderr, format, arguments);
	va_end(arguments);
	return written;
}

int rte_log_register_type_and_pick_level(const char *name, uint32_t level_def)
{
	(void)name, (void)level_def;
	return 32;
}

#endif
#ifdef STAND_IN_EAL

enum rte_iova_mode rte_eal_iova_mode(void)
{
	return getenv("STAND_IN_IOVA_PA") == NULL ? RTE_IOVA_VA : RTE_IOVA_PA;
}

enum rte_proc_type_t rte_eal_process_type(void)
{
	return RTE_PROC_PRIMARY;
}

void *rte_zmalloc_socket(const char *type, size_t size, unsigned int align, int socket)
{
	(void)type, (void)align, (void)socket;
	return calloc(1, size);
}

void rte_free(void *ptr)
{
	free(ptr);
}

#endif
#ifdef STAND_IN_TELEMETRY

/* Answers are written in the order of the calls. */
struct rte_tel_data {
	char text[1024];
};

static struct {
	const char *command;
	telemetry_cb call;
} commands[8];

int rte_telemetry_stand_in_ask(const char *command, const char *params, char *text, size_t size);

int rte_telemetry_stand_in_ask(const char *command, const char *params, char *text, size_t size)
{
	for (int index = 0; index < 8 && commands[index].command != NULL; index++) {
		struct rte_tel_data data = { "" };
		int result;

		if (strcmp(commands[index].command, command) != 0)
			continue;
		result = commands[index].call(command, params, &data);
		snprintf(text, size, "%s", data.text);
		return result;
	}
	return -ENOENT;
}

int rte_telemetry_register_cmd(const char *cmd, telemetry_cb fn, const char *help)
{
	(void)help;
	for (int index = 0; index < 8; index++) {
		if (commands[index].command != NULL)
			continue;
		commands[index].command = cmd;
		commands[index].call = fn;
		return 0;
	}
	return -ENOENT;
}

static int __attribute__((format(printf, 2, 3))) append(struct rte_tel_data *d, const char *format, ...)
{
	size_t used = strlen(d->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(d->text + used, sizeof(d->text) - used, format, arguments);
	va_end(arguments);
	return 0;
}

struct rte_tel_data *rte_tel_data_alloc(void)
{
	return calloc(1, sizeof(struct rte_tel_data));
}

int rte_tel_data_start_array(struct rte_tel_data *d, enum rte_tel_value_type type)
{
	(void)type;
	return append(d, "array");
}

int rte_tel_data_start_dict(struct rte_tel_data *d)
{
	return append(d, "dict");
}

int rte_tel_data_string(struct rte_tel_data *d, const char *str)
{
	return append(d, "%s", str);
}

int rte_tel_data_add_array_int(struct rte_tel_data *d, int64_t x)
{
	return append(d, " %lld", (long long)x);
}

int rte_tel_data_add_dict_string(struct rte_tel_data *d, const char *name, const char *val)
{
	return append(d, " %s=%s", name, val);
}

int rte_tel_data_add_dict_int(struct rte_tel_data *d, const char *name, int64_t val)
{
	return append(d, " %s=%lld", name, (long long)val);
}

int rte_tel_data_add_dict_uint(struct rte_tel_data *d, const char *name, uint64_t val)
{
	return append(d, " %s=%llu", name, (unsigned long long)val);
}

int rte_tel_data_add_dict_container(struct rte_tel_data *d, const char *name, struct rte_tel_data *val, int keep)
{
	append(d, " %s={%s}", name, val->text);
	if (!keep)
		free(val);
	return 0;
}

#endif
