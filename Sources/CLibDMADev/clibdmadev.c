#include "clibdmadev.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct dmadev_fp_object) == 128, "as struct rte_dma_fp_object");
static_assert(sizeof(struct dmadev_port) == 40, "as struct rte_dma_port_param");
static_assert(offsetof(struct dmadev_conf, flags) == 8, "as struct rte_dma_conf");
static_assert(offsetof(struct dmadev_info, controller_id) == 32, "as struct rte_dma_info with access groups");
static_assert(sizeof(struct dmadev_op) == 64, "as struct rte_dma_op");
static_assert(sizeof(enum dmadev_status_code) == 4, "as enum rte_dma_status_code");

static _Thread_local char thread_error[1024];

const char *dmadev_error(void)
{
	return thread_error;
}

void clibdmadev_set_error(const char *text)
{
	strncpy(thread_error, text, sizeof(thread_error) - 1);
}

const char *clibdmadev_environment(const char *name)
{
	return secure_getenv(name);
}

void clibdmadev_stay(void)
{
	Dl_info info;

	if (dladdr((void *)clibdmadev_stay, &info) != 0 && info.dli_fname != NULL)
		(void)dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

void clibdmadev_warn(const char *text)
{
	dprintf(2, "libdmadev: %s\n", text);
}

/* The call layer writes statuses of 16 bits. They are put into the first half of the caller's array, and then made
 * wider in place, from the last one on. */
static uint16_t completed_status(void *path, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx,
				 enum dmadev_status_code *status)
{
	char *bytes = (char *)status;
	uint16_t taken = dmadev_call_completed_status(path, vchan, nb_cpls, last_idx, (uint16_t *)status);

	for (size_t index = taken; index-- > 0;) {
		uint16_t narrow;
		uint32_t wide;

		memcpy(&narrow, bytes + index * sizeof(narrow), sizeof(narrow));
		wide = narrow;
		memcpy(bytes + index * sizeof(wide), &wide, sizeof(wide));
	}
	return taken;
}

static int no_copy(void *path, uint16_t vchan, uint64_t src, uint64_t dst, uint32_t length, uint64_t flags)
{
	(void)path, (void)vchan, (void)src, (void)dst, (void)length, (void)flags;
	return -EINVAL;
}

static int no_copy_sg(void *path, uint16_t vchan, const struct dmadev_sge *src, const struct dmadev_sge *dst,
		      uint16_t nb_src, uint16_t nb_dst, uint64_t flags)
{
	(void)path, (void)vchan, (void)src, (void)dst, (void)nb_src, (void)nb_dst, (void)flags;
	return -EINVAL;
}

static int no_submit(void *path, uint16_t vchan)
{
	(void)path, (void)vchan;
	return -EINVAL;
}

static uint16_t no_completed(void *path, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx, bool *has_error)
{
	(void)path, (void)vchan, (void)nb_cpls, (void)last_idx, (void)has_error;
	return 0;
}

static uint16_t no_completed_status(void *path, uint16_t vchan, uint16_t nb_cpls, uint16_t *last_idx,
				    enum dmadev_status_code *status)
{
	(void)path, (void)vchan, (void)nb_cpls, (void)last_idx, (void)status;
	return 0;
}

static uint16_t no_burst_capacity(const void *path, uint16_t vchan)
{
	(void)path, (void)vchan;
	return 0;
}

static uint16_t no_ops(void *path, uint16_t vchan, struct dmadev_op **ops, uint16_t nb_ops)
{
	(void)path, (void)vchan, (void)ops, (void)nb_ops;
	return 0;
}

static const struct dmadev_polls no_polls;

/* A number without a device. */
#define ABSENT                                                                                                  \
	{                                                                                                       \
		NULL, no_copy, no_copy_sg, no_copy, no_submit, no_completed, no_completed_status,               \
			no_burst_capacity, no_ops, no_ops, &no_polls, { NULL }                                  \
	}
#define ABSENT_4 ABSENT, ABSENT, ABSENT, ABSENT
#define ABSENT_16 ABSENT_4, ABSENT_4, ABSENT_4, ABSENT_4

/* A program may use the pointer before its first call. */
static struct dmadev_fp_object first_objects[64] = { ABSENT_16, ABSENT_16, ABSENT_16, ABSENT_16 };
struct dmadev_fp_object *dmadev_fp_objs = first_objects;
static uint32_t object_count = 64;

static const struct dmadev_fp_object absent = ABSENT;

bool clibdmadev_reserve(uint32_t count)
{
	struct dmadev_fp_object *objects;

	if (count <= object_count)
		return true;
	objects = malloc(count * sizeof(*objects));
	if (objects == NULL)
		return false;
	for (uint32_t index = 0; index < count; index++)
		objects[index] = index < object_count ? dmadev_fp_objs[index] : absent;
	/* A reader may hold the old array, so it stays. */
	dmadev_fp_objs = objects;
	object_count = count;
	return true;
}

void clibdmadev_publish(int16_t dev_id, void *path)
{
	const struct dmadev_data_path *table = path;

	dmadev_fp_objs[dev_id] = (struct dmadev_fp_object){
		path, table->direct_copy, dmadev_call_copy_sg, dmadev_call_fill, dmadev_call_submit,
		table->direct_completed, completed_status, dmadev_call_burst_capacity, dmadev_call_enqueue_ops,
		dmadev_call_dequeue_ops, &table->polls, { NULL }
	};
}

void clibdmadev_withdraw(int16_t dev_id)
{
	dmadev_fp_objs[dev_id] = absent;
}

void clibdmadev_set_functions(struct dmadev_data_path *path, const struct dmadev_driver_functions *functions, void *dev)
{
	path->driver = dev;
#define SET(function)                                \
	if (functions->function != NULL)             \
		path->function = functions->function
	SET(copy);
	SET(copy_sg);
	SET(fill);
	SET(submit);
	SET(completed);
	SET(completed_status);
	SET(burst_capacity);
	SET(enqueue_ops);
	SET(dequeue_ops);
#undef SET
}
