/* DPDK 26.11 for the drop-in library and its test: types by the compatible header, calls as declarations. A program's
 * calls are those of the drop-in then; the inline ones of the compatible header have names that begin with inline_. */
#ifndef ABI27_H
#define ABI27_H

#define rte_dma_dev_max inline_dma_dev_max
#define rte_dma_get_dev_id_by_name inline_dma_get_dev_id_by_name
#define rte_dma_is_valid inline_dma_is_valid
#define rte_dma_count_avail inline_dma_count_avail
#define rte_dma_next_dev inline_dma_next_dev
#define rte_dma_info_get inline_dma_info_get
#define rte_dma_configure inline_dma_configure
#define rte_dma_start inline_dma_start
#define rte_dma_stop inline_dma_stop
#define rte_dma_close inline_dma_close
#define rte_dma_vchan_setup inline_dma_vchan_setup
#define rte_dma_stats_get inline_dma_stats_get
#define rte_dma_stats_reset inline_dma_stats_reset
#define rte_dma_vchan_status(...) inline_dma_vchan_status(__VA_ARGS__) /* not the enumeration */
#define rte_dma_dump inline_dma_dump
#define rte_dma_access_pair_group_create inline_dma_access_pair_group_create
#define rte_dma_access_pair_group_destroy inline_dma_access_pair_group_destroy
#define rte_dma_access_pair_group_join inline_dma_access_pair_group_join
#define rte_dma_access_pair_group_leave inline_dma_access_pair_group_leave
#define rte_dma_access_pair_group_handler_get inline_dma_access_pair_group_handler_get
#include <dmadev/compat/rte_dmadev.h>
#undef rte_dma_dev_max
#undef rte_dma_get_dev_id_by_name
#undef rte_dma_is_valid
#undef rte_dma_count_avail
#undef rte_dma_next_dev
#undef rte_dma_info_get
#undef rte_dma_configure
#undef rte_dma_start
#undef rte_dma_stop
#undef rte_dma_close
#undef rte_dma_vchan_setup
#undef rte_dma_stats_get
#undef rte_dma_stats_reset
#undef rte_dma_vchan_status
#undef rte_dma_dump
#undef rte_dma_access_pair_group_create
#undef rte_dma_access_pair_group_destroy
#undef rte_dma_access_pair_group_join
#undef rte_dma_access_pair_group_leave
#undef rte_dma_access_pair_group_handler_get
#undef rte_dma_fp_objs

int rte_dma_dev_max(size_t dev_max);
int rte_dma_get_dev_id_by_name(const char *name);
bool rte_dma_is_valid(int16_t dev_id);
uint16_t rte_dma_count_avail(void);
int16_t rte_dma_next_dev(int16_t start_dev_id);
int rte_dma_info_get(int16_t dev_id, struct rte_dma_info *dev_info);
int rte_dma_configure(int16_t dev_id, const struct rte_dma_conf *dev_conf);
int rte_dma_start(int16_t dev_id);
int rte_dma_stop(int16_t dev_id);
int rte_dma_close(int16_t dev_id);
int rte_dma_vchan_setup(int16_t dev_id, uint16_t vchan, const struct rte_dma_vchan_conf *conf);
int rte_dma_stats_get(int16_t dev_id, uint16_t vchan, struct rte_dma_stats *stats);
int rte_dma_stats_reset(int16_t dev_id, uint16_t vchan);
int rte_dma_vchan_status(int16_t dev_id, uint16_t vchan, enum rte_dma_vchan_status *status);
int rte_dma_dump(int16_t dev_id, FILE *f);
int rte_dma_access_pair_group_create(int16_t dev_id, rte_uuid_t domain_id, rte_uuid_t token, int16_t *group_id,
				     rte_dma_access_pair_group_event_cb_t cb);
int rte_dma_access_pair_group_destroy(int16_t dev_id, int16_t group_id);
int rte_dma_access_pair_group_join(int16_t dev_id, rte_uuid_t domain_id, rte_uuid_t token, int16_t group_id,
				   rte_dma_access_pair_group_event_cb_t cb);
int rte_dma_access_pair_group_leave(int16_t dev_id, int16_t group_id);
int rte_dma_access_pair_group_handler_get(int16_t dev_id, int16_t group_id, rte_uuid_t domain_id, uint16_t *handler);
extern struct rte_dma_fp_object *rte_dma_fp_objs;

/* DPDK's structure has 32 bytes; the members of the RFC begin at its padding, and end behind it. */
#define INFO_BYTES offsetof(struct rte_dma_info, controller_id)

/* What the drop-in uses of the EAL, of the log and of telemetry. */

enum { RTE_LOG_ERR = 4, RTE_LOG_NOTICE = 6 };
int rte_log(uint32_t level, uint32_t logtype, const char *format, ...) __attribute__((format(printf, 3, 4)));
int rte_log_register_type_and_pick_level(const char *name, uint32_t level_def);

enum rte_iova_mode { RTE_IOVA_DC, RTE_IOVA_PA, RTE_IOVA_VA };
enum rte_iova_mode rte_eal_iova_mode(void);
enum rte_proc_type_t { RTE_PROC_PRIMARY };
enum rte_proc_type_t rte_eal_process_type(void);
void *rte_zmalloc_socket(const char *type, size_t size, unsigned int align, int socket);
void rte_free(void *ptr);

struct rte_tel_data;
enum rte_tel_value_type { RTE_TEL_STRING_VAL, RTE_TEL_INT_VAL };
typedef int (*telemetry_cb)(const char *cmd, const char *params, struct rte_tel_data *info);
int rte_telemetry_register_cmd(const char *cmd, telemetry_cb fn, const char *help);
struct rte_tel_data *rte_tel_data_alloc(void);
int rte_tel_data_start_array(struct rte_tel_data *d, enum rte_tel_value_type type);
int rte_tel_data_start_dict(struct rte_tel_data *d);
int rte_tel_data_string(struct rte_tel_data *d, const char *str);
int rte_tel_data_add_array_int(struct rte_tel_data *d, int64_t x);
int rte_tel_data_add_dict_string(struct rte_tel_data *d, const char *name, const char *val);
int rte_tel_data_add_dict_int(struct rte_tel_data *d, const char *name, int64_t val);
int rte_tel_data_add_dict_uint(struct rte_tel_data *d, const char *name, uint64_t val);
int rte_tel_data_add_dict_container(struct rte_tel_data *d, const char *name, struct rte_tel_data *val, int keep);

#endif
