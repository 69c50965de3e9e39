/* The values and layouts of the compat header: equal to those of dmadev.h, and to the numbers of DPDK 26.11. The
 * assertions are made when it is compiled; the program checks what only runs. */
#include <dmadev/compat/rte_dmadev.h>

#ifdef __cplusplus
#define CHECK(condition) static_assert(condition, #condition)
#else
#define CHECK(condition) _Static_assert(condition, #condition)
#endif

/* The same value under both names, and this number. */
#define VALUE(rte, own, number)                        \
	CHECK((uint64_t)(rte) == (uint64_t)(own));     \
	CHECK((uint64_t)(rte) == (uint64_t)(number))

VALUE(RTE_DMA_CAPA_MEM_TO_MEM, DMADEV_CAPA_MEM_TO_MEM, 0x1);
VALUE(RTE_DMA_CAPA_MEM_TO_DEV, DMADEV_CAPA_MEM_TO_DEV, 0x2);
VALUE(RTE_DMA_CAPA_DEV_TO_MEM, DMADEV_CAPA_DEV_TO_MEM, 0x4);
VALUE(RTE_DMA_CAPA_DEV_TO_DEV, DMADEV_CAPA_DEV_TO_DEV, 0x8);
VALUE(RTE_DMA_CAPA_SVA, DMADEV_CAPA_SVA, 0x10);
VALUE(RTE_DMA_CAPA_SILENT, DMADEV_CAPA_SILENT, 0x20);
VALUE(RTE_DMA_CAPA_HANDLES_ERRORS, DMADEV_CAPA_HANDLES_ERRORS, 0x40);
VALUE(RTE_DMA_CAPA_M2D_AUTO_FREE, DMADEV_CAPA_M2D_AUTO_FREE, 0x80);
VALUE(RTE_DMA_CAPA_PRI_POLICY_SP, DMADEV_CAPA_PRI_POLICY_SP, 0x100);
VALUE(RTE_DMA_CAPA_INTER_PROCESS_DOMAIN, DMADEV_CAPA_INTER_PROCESS_DOMAIN, 0x200);
VALUE(RTE_DMA_CAPA_INTER_OS_DOMAIN, DMADEV_CAPA_INTER_OS_DOMAIN, 0x400);
VALUE(RTE_DMA_CAPA_OPS_COPY, DMADEV_CAPA_OPS_COPY, 0x100000000);
VALUE(RTE_DMA_CAPA_OPS_COPY_SG, DMADEV_CAPA_OPS_COPY_SG, 0x200000000);
VALUE(RTE_DMA_CAPA_OPS_FILL, DMADEV_CAPA_OPS_FILL, 0x400000000);
VALUE(RTE_DMA_CAPA_OPS_ENQ_DEQ, DMADEV_CAPA_OPS_ENQ_DEQ, 0x800000000);

VALUE(RTE_DMA_CFG_FLAG_SILENT, DMADEV_CFG_FLAG_SILENT, 1);
VALUE(RTE_DMA_CFG_FLAG_ENQ_DEQ, DMADEV_CFG_FLAG_ENQ_DEQ, 2);

VALUE(RTE_DMA_OP_FLAG_FENCE, DMADEV_OP_FLAG_FENCE, 1);
VALUE(RTE_DMA_OP_FLAG_SUBMIT, DMADEV_OP_FLAG_SUBMIT, 2);
VALUE(RTE_DMA_OP_FLAG_LLC, DMADEV_OP_FLAG_LLC, 4);
VALUE(RTE_DMA_OP_FLAG_AUTO_FREE, DMADEV_OP_FLAG_AUTO_FREE, 8);
VALUE(RTE_DMA_OP_FLAG_SRC_INTER_PROCESS_DOMAIN_HANDLE, DMADEV_OP_SRC_PROCESS, 16);
VALUE(RTE_DMA_OP_FLAG_DST_INTER_PROCESS_DOMAIN_HANDLE, DMADEV_OP_DST_PROCESS, 32);
VALUE(RTE_DMA_OP_FLAG_SRC_INTER_OS_DOMAIN_HANDLE, DMADEV_OP_SRC_OS, 64);
VALUE(RTE_DMA_OP_FLAG_DST_INTER_OS_DOMAIN_HANDLE, DMADEV_OP_DST_OS, 128);

VALUE(RTE_DMA_DIR_MEM_TO_MEM, DMADEV_DIR_MEM_TO_MEM, 0);
VALUE(RTE_DMA_DIR_MEM_TO_DEV, DMADEV_DIR_MEM_TO_DEV, 1);
VALUE(RTE_DMA_DIR_DEV_TO_MEM, DMADEV_DIR_DEV_TO_MEM, 2);
VALUE(RTE_DMA_DIR_DEV_TO_DEV, DMADEV_DIR_DEV_TO_DEV, 3);
VALUE(RTE_DMA_PORT_NONE, DMADEV_PORT_NONE, 0);
VALUE(RTE_DMA_PORT_PCIE, DMADEV_PORT_PCIE, 1);
VALUE(RTE_DMA_INTER_DOMAIN_NONE, DMADEV_INTER_DOMAIN_NONE, 0);
VALUE(RTE_DMA_INTER_PROCESS_DOMAIN, DMADEV_INTER_PROCESS_DOMAIN, 1);
VALUE(RTE_DMA_INTER_OS_DOMAIN, DMADEV_INTER_OS_DOMAIN, 2);
VALUE(RTE_DMA_INTER_TRANSFER_NONE, DMADEV_INTER_DOMAIN_NONE, 0);
VALUE(RTE_DMA_INTER_PROCESS_TRANSFER, DMADEV_INTER_PROCESS_DOMAIN, 1);
VALUE(RTE_DMA_INTER_OS_TRANSFER, DMADEV_INTER_OS_DOMAIN, 2);
VALUE(RTE_DMA_VCHAN_IDLE, DMADEV_VCHAN_IDLE, 0);
VALUE(RTE_DMA_VCHAN_ACTIVE, DMADEV_VCHAN_ACTIVE, 1);
VALUE(RTE_DMA_VCHAN_HALTED_ERROR, DMADEV_VCHAN_HALTED_ERROR, 2);
VALUE(RTE_DMA_EVENT_ACCESS_TABLE_UPDATE, DMADEV_EVENT_ACCESS_TABLE_UPDATE, 0);
VALUE(RTE_DMA_EVENT_ACCESS_TABLE_DESTROY, DMADEV_EVENT_ACCESS_TABLE_DESTROY, 1);
VALUE(RTE_DMA_ALL_VCHAN, DMADEV_ALL_VCHAN, 0xFFFF);
CHECK(RTE_DMA_GROUP_EVENT_MEMBER_LEFT == 0 && RTE_DMA_GROUP_EVENT_GROUP_DESTROYED == 1);
CHECK(RTE_DMA_EVENT_MAX == 2);
CHECK(RTE_DMADEV_DEFAULT_MAX == 64);

VALUE(RTE_DMA_STATUS_SUCCESSFUL, DMADEV_STATUS_SUCCESSFUL, 0);
VALUE(RTE_DMA_STATUS_USER_ABORT, DMADEV_STATUS_USER_ABORT, 1);
VALUE(RTE_DMA_STATUS_NOT_ATTEMPTED, DMADEV_STATUS_NOT_ATTEMPTED, 2);
VALUE(RTE_DMA_STATUS_INVALID_SRC_ADDR, DMADEV_STATUS_INVALID_SRC_ADDR, 3);
VALUE(RTE_DMA_STATUS_INVALID_DST_ADDR, DMADEV_STATUS_INVALID_DST_ADDR, 4);
VALUE(RTE_DMA_STATUS_INVALID_ADDR, DMADEV_STATUS_INVALID_ADDR, 5);
VALUE(RTE_DMA_STATUS_INVALID_LENGTH, DMADEV_STATUS_INVALID_LENGTH, 6);
VALUE(RTE_DMA_STATUS_INVALID_OPCODE, DMADEV_STATUS_INVALID_OPCODE, 7);
VALUE(RTE_DMA_STATUS_BUS_READ_ERROR, DMADEV_STATUS_BUS_READ_ERROR, 8);
VALUE(RTE_DMA_STATUS_BUS_WRITE_ERROR, DMADEV_STATUS_BUS_WRITE_ERROR, 9);
VALUE(RTE_DMA_STATUS_BUS_ERROR, DMADEV_STATUS_BUS_ERROR, 10);
VALUE(RTE_DMA_STATUS_DATA_POISION, DMADEV_STATUS_DATA_POISON, 11);
VALUE(RTE_DMA_STATUS_DESCRIPTOR_READ_ERROR, DMADEV_STATUS_DESCRIPTOR_READ_ERROR, 12);
VALUE(RTE_DMA_STATUS_DEV_LINK_ERROR, DMADEV_STATUS_DEV_LINK_ERROR, 13);
VALUE(RTE_DMA_STATUS_PAGE_FAULT, DMADEV_STATUS_PAGE_FAULT, 14);
VALUE(RTE_DMA_STATUS_ERROR_UNKNOWN, DMADEV_STATUS_ERROR_UNKNOWN, 256);

/* The same offset and size of a field under both names, and these numbers. */
#define FIELD(rte, rte_field, own, own_field, offset, size)                                      \
	VALUE(offsetof(struct rte, rte_field), offsetof(struct own, own_field), offset);         \
	VALUE(sizeof(((struct rte *)0)->rte_field), sizeof(((struct own *)0)->own_field), size)
#define SIZE(rte, own, size) VALUE(sizeof(struct rte), sizeof(struct own), size)

FIELD(rte_dma_info, dev_name, dmadev_info, dev_name, 0, 8);
FIELD(rte_dma_info, dev_capa, dmadev_info, dev_capa, 8, 8);
FIELD(rte_dma_info, max_vchans, dmadev_info, max_vchans, 16, 2);
FIELD(rte_dma_info, max_desc, dmadev_info, max_desc, 18, 2);
FIELD(rte_dma_info, min_desc, dmadev_info, min_desc, 20, 2);
FIELD(rte_dma_info, max_sges, dmadev_info, max_sges, 22, 2);
FIELD(rte_dma_info, numa_node, dmadev_info, numa_node, 24, 2);
FIELD(rte_dma_info, nb_vchans, dmadev_info, nb_vchans, 26, 2);
FIELD(rte_dma_info, nb_priorities, dmadev_info, nb_priorities, 28, 2);
FIELD(rte_dma_info, nb_access_groups, dmadev_info, nb_access_groups, 30, 2);
FIELD(rte_dma_info, controller_id, dmadev_info, controller_id, 32, 2);
/* DPDK's ends with nb_priorities; dmadev's has more fields behind these. */
CHECK(sizeof(struct rte_dma_info) == 40);

FIELD(rte_dma_conf, nb_vchans, dmadev_conf, nb_vchans, 0, 2);
FIELD(rte_dma_conf, priority, dmadev_conf, priority, 2, 2);
FIELD(rte_dma_conf, flags, dmadev_conf, flags, 8, 8);
SIZE(rte_dma_conf, dmadev_conf, 16);

FIELD(rte_dma_port_param, port_type, dmadev_port, port_type, 0, 4);
FIELD(rte_dma_port_param, pcie, dmadev_port, pcie, 8, 16);
FIELD(rte_dma_port_param, reserved, dmadev_port, reserved, 24, 16);
SIZE(rte_dma_port_param, dmadev_port, 40);

CHECK(sizeof(struct rte_dma_auto_free_param) == 24);
CHECK(offsetof(struct rte_dma_auto_free_param, reserved) == 8);

FIELD(rte_dma_inter_domain_param, type, dmadev_inter_domain, type, 0, 4);
FIELD(rte_dma_inter_domain_param, src_handler, dmadev_inter_domain, src_handler, 4, 2);
FIELD(rte_dma_inter_domain_param, dst_handler, dmadev_inter_domain, dst_handler, 6, 2);
FIELD(rte_dma_inter_domain_param, reserved, dmadev_inter_domain, reserved, 8, 16);
SIZE(rte_dma_inter_domain_param, dmadev_inter_domain, 24);
FIELD(rte_dma_inter_transfer_param, transfer_type, dmadev_inter_domain, type, 0, 4);
FIELD(rte_dma_inter_transfer_param, src_handler, dmadev_inter_domain, src_handler, 4, 2);
FIELD(rte_dma_inter_transfer_param, dst_handler, dmadev_inter_domain, dst_handler, 6, 2);
SIZE(rte_dma_inter_transfer_param, dmadev_inter_domain, 24);

FIELD(rte_dma_vchan_conf, direction, dmadev_vchan_conf, direction, 0, 4);
FIELD(rte_dma_vchan_conf, nb_desc, dmadev_vchan_conf, nb_desc, 4, 2);
FIELD(rte_dma_vchan_conf, src_port, dmadev_vchan_conf, src_port, 8, 40);
FIELD(rte_dma_vchan_conf, dst_port, dmadev_vchan_conf, dst_port, 48, 40);
FIELD(rte_dma_vchan_conf, auto_free.m2d.pool, dmadev_vchan_conf, auto_free_pool, 88, 8);
FIELD(rte_dma_vchan_conf, auto_free.reserved, dmadev_vchan_conf, reserved1, 96, 16);
FIELD(rte_dma_vchan_conf, domain, dmadev_vchan_conf, domain, 112, 24);
FIELD(rte_dma_vchan_conf, inter_transfer, dmadev_vchan_conf, domain, 112, 24);
SIZE(rte_dma_vchan_conf, dmadev_vchan_conf, 136);

FIELD(rte_dma_stats, submitted, dmadev_stats, submitted, 0, 8);
FIELD(rte_dma_stats, completed, dmadev_stats, completed, 8, 8);
FIELD(rte_dma_stats, errors, dmadev_stats, errors, 16, 8);
SIZE(rte_dma_stats, dmadev_stats, 24);

FIELD(rte_dma_sge, addr, dmadev_sge, addr, 0, 8);
FIELD(rte_dma_sge, length, dmadev_sge, length, 8, 4);
SIZE(rte_dma_sge, dmadev_sge, 16);

FIELD(rte_dma_op, flags, dmadev_op, flags, 0, 8);
FIELD(rte_dma_op, op_mp, dmadev_op, op_mp, 8, 8);
FIELD(rte_dma_op, status, dmadev_op, status, 16, 4);
FIELD(rte_dma_op, rsvd, dmadev_op, rsvd, 20, 4);
FIELD(rte_dma_op, impl_opaque, dmadev_op, impl_opaque, 24, 16);
FIELD(rte_dma_op, user_meta, dmadev_op, user_meta, 40, 8);
FIELD(rte_dma_op, event_meta, dmadev_op, event_meta, 48, 8);
FIELD(rte_dma_op, dma_dev_id, dmadev_op, dma_dev_id, 56, 2);
FIELD(rte_dma_op, vchan, dmadev_op, vchan, 58, 2);
FIELD(rte_dma_op, nb_src, dmadev_op, nb_src, 60, 2);
FIELD(rte_dma_op, nb_dst, dmadev_op, nb_dst, 62, 2);
SIZE(rte_dma_op, dmadev_op, 64);
CHECK(offsetof(struct rte_dma_op, src_dst_seg) == 64);

FIELD(rte_dma_fp_object, dev_private, dmadev_fp_object, dev_private, 0, 8);
FIELD(rte_dma_fp_object, copy, dmadev_fp_object, copy, 8, 8);
FIELD(rte_dma_fp_object, copy_sg, dmadev_fp_object, copy_sg, 16, 8);
FIELD(rte_dma_fp_object, fill, dmadev_fp_object, fill, 24, 8);
FIELD(rte_dma_fp_object, submit, dmadev_fp_object, submit, 32, 8);
FIELD(rte_dma_fp_object, completed, dmadev_fp_object, completed, 40, 8);
FIELD(rte_dma_fp_object, completed_status, dmadev_fp_object, completed_status, 48, 8);
FIELD(rte_dma_fp_object, burst_capacity, dmadev_fp_object, burst_capacity, 56, 8);
FIELD(rte_dma_fp_object, enqueue, dmadev_fp_object, enqueue, 64, 8);
FIELD(rte_dma_fp_object, dequeue, dmadev_fp_object, dequeue, 72, 8);
SIZE(rte_dma_fp_object, dmadev_fp_object, 128);

CHECK(sizeof(enum rte_dma_status_code) == 4);
CHECK(sizeof(rte_iova_t) == 8 && sizeof(rte_uuid_t) == 16);
CHECK(RTE_GENMASK64(35, 32) == 0xF00000000 && RTE_GENMASK32(7, 4) == 0xF0);
CHECK(RTE_ALIGN(5u, 4) == 8 && RTE_ALIGN_FLOOR(5u, 4) == 4 && RTE_ALIGN_MUL_CEIL(5u, 3) == 6);

static int failures;

static void check(bool condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "compat_values: %s\n", what);
		failures++;
	}
}

#define RUN(condition) check(condition, #condition)

/* The bits of a port are those of DMADEV_PCIE(). */
static void port(void)
{
	struct rte_dma_port_param param;
	struct dmadev_port own;

	memset(&param, 0, sizeof(param));
	param.port_type = RTE_DMA_PORT_PCIE;
	param.pcie.coreid = 0x5;
	param.pcie.pfid = 0xA5;
	param.pcie.vfen = 1;
	param.pcie.vfid = 0x8001;
	param.pcie.pasid = 0xC0003;
	param.pcie.attr = 5;
	param.pcie.ph = 2;
	param.pcie.st = 0xBEEF;
	own = rte_dmadev_port_(&param);
	RUN(own.pcie[0] == param.pcie.val);
	RUN(own.pcie[0] == (0x5 | 0xA5ULL << 4 | 1ULL << 12 | 0x8001ULL << 13 | 0xC0003ULL << 29 | 5ULL << 49 | 2ULL << 52));
	RUN(own.pcie[1] == 0xBEEF);
	param.port_type = RTE_DMA_PORT_NONE;
	RUN(rte_dmadev_port_(&param).pcie[0] == 0);
}

static void uuid(void)
{
	static const rte_uuid_t expected = RTE_UUID_INIT(0x01234567, 0x89ab, 0xcdef, 0x0123, 0x456789abcdef);
	rte_uuid_t parsed, copy;
	char text[RTE_UUID_STRLEN];

	RUN(rte_uuid_parse("01234567-89AB-cdef-0123-456789abcdef", parsed) == 0);
	RUN(rte_uuid_compare(parsed, expected) == 0);
	rte_uuid_unparse(parsed, text, sizeof(text));
	RUN(strcmp(text, "01234567-89ab-cdef-0123-456789abcdef") == 0);
	RUN(rte_uuid_parse("01234567-89ab-cdef-0123-456789abcde", parsed) == -1);
	RUN(rte_uuid_parse("01234567-89ab-cdef-0123-456789abcdef0", parsed) == -1);
	RUN(rte_uuid_parse("01234567+89ab-cdef-0123-456789abcdef", parsed) == -1);
	rte_uuid_copy(copy, expected);
	copy[0] = 2;
	RUN(rte_uuid_compare(copy, expected) == 1 && rte_uuid_compare(expected, copy) == -1);
	rte_uuid_clear(copy);
	RUN(rte_uuid_is_null(copy) && !rte_uuid_is_null(expected));
}

static void bits(void)
{
	uint32_t narrow = 0, position = 0;
	uint64_t wide = 0;
	int minimum = RTE_MIN(3, 4), maximum = RTE_MAX(3, 4);

	rte_bit_set(&narrow, 31);
	rte_bit_assign(&wide, 40, true);
	RUN(narrow == 0x80000000 && wide == 0x10000000000 && rte_bit_test(&wide, 40));
	rte_bit_flip(&wide, 40);
	RUN(wide == 0 && !rte_bit_test(&wide, 40));
	RUN(rte_bsf32(0x50) == 4 && rte_fls_u32(0x50) == 7 && rte_fls_u64(0) == 0);
	RUN(rte_bsf32_safe(0, &position) == 0 && rte_bsf64_safe(8, &position) == 1 && position == 3);
	RUN(rte_align32pow2(33) == 64 && rte_align32pow2(64) == 64 && rte_align64prevpow2(33) == 32);
	RUN(rte_log2_u32(9) == 4 && rte_log2_u32(8) == 3 && rte_log2_u32(1) == 0);
	RUN(rte_is_power_of_2(8) && !rte_is_power_of_2(0) && rte_popcount64(0xF0F) == 8);
	RUN(RTE_FIELD_GET32(UINT32_C(0xF0), UINT32_C(0x5A)) == 5);
	RUN(minimum == 3 && maximum == 4);
	RUN(RTE_PTR_ALIGN_CEIL((char *)65, 64) == (char *)128 && RTE_PTR_DIFF(RTE_PTR_ADD(&wide, 5), &wide) == 5);
}

int main(void)
{
	port();
	uuid();
	bits();
	/* A number without a device refuses a call through the table, as through the function. */
	RUN(rte_dma_fp_objs[9].submit(rte_dma_fp_objs[9].dev_private, 0) == -EINVAL);
	RUN(rte_dma_submit(9, 0) == -EINVAL);
	return failures == 0 ? 0 : 1;
}
