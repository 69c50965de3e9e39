/* The calls of provider dmadev about external memory. A part of dmatrace_dmadev_events.h, which includes it and explains
 * ret. It has no include guard. region is the number of a region; 0: none. */

#define DMATRACE_REGION_FIELDS \
	lttng_ust_field_integer(uint64_t, region, memory->region) \
	lttng_ust_field_integer_hex(uint64_t, address, memory->address) \
	lttng_ust_field_integer(uint64_t, length, memory->length) \
	lttng_ust_field_integer(uint64_t, page_size, memory->page_size)

#define DMATRACE_REGION_FILE_FIELDS \
	lttng_ust_field_integer(int32_t, fd, memory->fd) \
	lttng_ust_field_integer(uint64_t, offset, memory->offset) \
	lttng_ust_field_integer(uint64_t, inode, memory->inode) \
	lttng_ust_field_integer(uint64_t, size, memory->size) \
	lttng_ust_field_integer(uint8_t, verified, memory->verified)

#define DMATRACE_REGION_IOVA_FIELDS \
	lttng_ust_field_integer(uint32_t, nb_iovas, nb_iovas) \
	lttng_ust_field_sequence_hex(uint64_t, iovas, iovas, uint16_t, dmatrace_kept(iovas, nb_iovas, DMATRACE_IOVAS_MAX))

DMATRACE_EVENT(dmadev, extmem_register, INFO,
	DMATRACE_ARGS(const struct dmatrace_memory *_Nonnull, memory, const uint64_t *_Nullable, iovas,
		uint32_t, nb_iovas, int32_t, ret),
	DMATRACE_FIELDS(
		DMATRACE_REGION_FIELDS
		DMATRACE_REGION_IOVA_FIELDS
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_register_dmabuf, INFO,
	DMATRACE_ARGS(const struct dmatrace_memory *_Nonnull, memory, const uint64_t *_Nullable, iovas,
		uint32_t, nb_iovas, int32_t, ret),
	DMATRACE_FIELDS(
		DMATRACE_REGION_FIELDS
		DMATRACE_REGION_FILE_FIELDS
		DMATRACE_REGION_IOVA_FIELDS
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_unregister, INFO,
	DMATRACE_ARGS(uint64_t, region, uint64_t, address, uint64_t, length, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, region, region)
		lttng_ust_field_integer_hex(uint64_t, address, address)
		lttng_ust_field_integer(uint64_t, length, length)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_attach, INFO,
	DMATRACE_ARGS(const struct dmatrace_memory *_Nonnull, memory, const uint64_t *_Nullable, iovas,
		uint32_t, nb_iovas, int32_t, ret),
	DMATRACE_FIELDS(
		DMATRACE_REGION_FIELDS
		DMATRACE_REGION_FILE_FIELDS
		DMATRACE_REGION_IOVA_FIELDS
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_detach, INFO,
	DMATRACE_ARGS(uint64_t, region, uint64_t, address, uint64_t, length, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, region, region)
		lttng_ust_field_integer_hex(uint64_t, address, address)
		lttng_ust_field_integer(uint64_t, length, length)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_send, INFO,
	DMATRACE_ARGS(int32_t, socket, const struct dmatrace_memory *_Nonnull, memory, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int32_t, socket, socket)
		DMATRACE_REGION_FIELDS
		DMATRACE_REGION_FILE_FIELDS
		lttng_ust_field_integer(int32_t, ret, ret)))

/* The address is 0 until the region is attached. */
DMATRACE_EVENT(dmadev, extmem_receive, INFO,
	DMATRACE_ARGS(int32_t, socket, const struct dmatrace_memory *_Nonnull, memory, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int32_t, socket, socket)
		DMATRACE_REGION_FIELDS
		DMATRACE_REGION_FILE_FIELDS
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_lookup, INFO,
	DMATRACE_ARGS(uint64_t, address, uint64_t, region, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer_hex(uint64_t, address, address)
		lttng_ust_field_integer(uint64_t, region, region)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* fd is -1 without a file. */
DMATRACE_EVENT(dmadev, extmem_get_dmabuf_fd, INFO,
	DMATRACE_ARGS(uint64_t, region, int32_t, fd, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, region, region)
		lttng_ust_field_integer(int32_t, fd, fd)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_dup_dmabuf_fd, INFO,
	DMATRACE_ARGS(uint64_t, region, int32_t, fd, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, region, region)
		lttng_ust_field_integer(int32_t, fd, fd)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_get_dmabuf_offset, INFO,
	DMATRACE_ARGS(uint64_t, region, uint64_t, offset, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, region, region)
		lttng_ust_field_integer(uint64_t, offset, offset)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_get_iova, INFO,
	DMATRACE_ARGS(uint64_t, region, uint64_t, address, uint64_t, iova, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, region, region)
		lttng_ust_field_integer_hex(uint64_t, address, address)
		lttng_ust_field_integer_hex(uint64_t, iova, iova)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_callback_register, INFO,
	DMATRACE_ARGS(int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_callback_unregister, INFO,
	DMATRACE_ARGS(int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_map, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint64_t, region, uint64_t, address, uint64_t, length, uint64_t, iova,
		int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint64_t, region, region)
		lttng_ust_field_integer_hex(uint64_t, address, address)
		lttng_ust_field_integer(uint64_t, length, length)
		lttng_ust_field_integer_hex(uint64_t, iova, iova)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, extmem_unmap, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint64_t, region, uint64_t, iova, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint64_t, region, region)
		lttng_ust_field_integer_hex(uint64_t, iova, iova)
		lttng_ust_field_integer(int32_t, ret, ret)))
