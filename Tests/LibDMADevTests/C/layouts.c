/* The layouts that programs are compiled with. A change here needs another soname. */
#include <dmadev_driver.h>
#include <dmadev_telemetry.h>

#ifdef __cplusplus
#define SAME(a, b) static_assert((a) == (b), #a)
#else
#define SAME(a, b) _Static_assert((a) == (b), #a)
#endif
#define SIZE(type, bytes) SAME(sizeof(type), bytes)
#define AT(type, member, offset) SAME(offsetof(type, member), offset)

SIZE(struct dmadev_info, 80);
AT(struct dmadev_info, dev_name, 0);
AT(struct dmadev_info, dev_capa, 8);
AT(struct dmadev_info, max_vchans, 16);
AT(struct dmadev_info, max_desc, 18);
AT(struct dmadev_info, min_desc, 20);
AT(struct dmadev_info, max_sges, 22);
AT(struct dmadev_info, numa_node, 24);
AT(struct dmadev_info, nb_vchans, 26);
AT(struct dmadev_info, nb_priorities, 28);
AT(struct dmadev_info, nb_access_groups, 30);
AT(struct dmadev_info, controller_id, 32);
AT(struct dmadev_info, driver_name, 40);
SIZE(struct dmadev_conf, 16);
AT(struct dmadev_conf, priority, 2);
AT(struct dmadev_conf, flags, 8);
SIZE(struct dmadev_port, 40);
AT(struct dmadev_port, pcie, 8);
SIZE(struct dmadev_inter_domain, 24);
AT(struct dmadev_inter_domain, src_handler, 4);
AT(struct dmadev_inter_domain, dst_handler, 6);
SIZE(struct dmadev_vchan_conf, 136);
AT(struct dmadev_vchan_conf, nb_desc, 4);
AT(struct dmadev_vchan_conf, src_port, 8);
AT(struct dmadev_vchan_conf, dst_port, 48);
AT(struct dmadev_vchan_conf, auto_free_pool, 88);
AT(struct dmadev_vchan_conf, domain, 112);
SIZE(struct dmadev_stats, 24);
SIZE(struct dmadev_xstat, 32);
AT(struct dmadev_xstat, value, 24);
SIZE(struct dmadev_access_group_member, 24);
AT(struct dmadev_access_group_member, handler, 16);
AT(struct dmadev_access_group_member, is_creator, 18);
SIZE(struct dmadev_window, 24);
AT(struct dmadev_window, rights, 16);
AT(struct dmadev_window, handler, 20);
SIZE(struct dmadev_extmem_info, 80);
AT(struct dmadev_extmem_info, fd, 24);
AT(struct dmadev_extmem_info, is_attached, 28);
AT(struct dmadev_extmem_info, offset, 32);
AT(struct dmadev_extmem_info, inode, 40);
SIZE(struct dmadev_range, 24);
AT(struct dmadev_range, handler, 16);
SIZE(struct dmadev_sge, 16);
AT(struct dmadev_sge, length, 8);
SIZE(struct dmadev_op, 64);
AT(struct dmadev_op, status, 16);
AT(struct dmadev_op, impl_opaque, 24);
AT(struct dmadev_op, user_meta, 40);
AT(struct dmadev_op, dma_dev_id, 56);
AT(struct dmadev_op, nb_src, 60);
SIZE(struct dmadev_fp_object, 128);
AT(struct dmadev_fp_object, copy, 8);
AT(struct dmadev_fp_object, copy_sg, 16);
AT(struct dmadev_fp_object, fill, 24);
AT(struct dmadev_fp_object, submit, 32);
AT(struct dmadev_fp_object, completed, 40);
AT(struct dmadev_fp_object, completed_status, 48);
AT(struct dmadev_fp_object, burst_capacity, 56);
AT(struct dmadev_fp_object, enqueue, 64);
AT(struct dmadev_fp_object, dequeue, 72);
SIZE(struct dmadev_driver_info, 64);
AT(struct dmadev_driver_info, dev_capa, 8);
AT(struct dmadev_driver_info, numa_node, 26);
SIZE(struct dmadev_driver_functions, 128);
AT(struct dmadev_driver_functions, dequeue_ops, 64);
SIZE(struct dmadev_driver_ops, 128);
AT(struct dmadev_driver_ops, stats_get, 48);
AT(struct dmadev_driver_ops, released, 72);
SIZE(enum dmadev_status_code, 4);
SIZE(enum dmadev_direction, 4);

int main(void)
{
	return 0;
}
