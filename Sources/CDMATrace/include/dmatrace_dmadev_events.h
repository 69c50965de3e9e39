/* The events of provider dmadev: one per public call, with the call's name and result.
 * ret is the return value of the call: 0, a count, an index, or a negative errno.
 *
 * Each includer defines the macros and expands this list (see dmatrace_expand.h): it has no include guard. */

/* The registry. */

DMATRACE_EVENT(dmadev, dev_max, INFO,
	DMATRACE_ARGS(uint64_t, dev_max, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint64_t, dev_max, dev_max)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, get_dev_id_by_name, INFO,
	DMATRACE_ARGS(const char *_Nullable, name, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_string(name, name)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, is_valid, INFO,
	DMATRACE_ARGS(int16_t, dev_id, bool, valid),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint8_t, valid, valid)))

DMATRACE_EVENT(dmadev, count_avail, INFO,
	DMATRACE_ARGS(uint16_t, count),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(uint16_t, count, count)))

DMATRACE_EVENT(dmadev, next_dev, INFO,
	DMATRACE_ARGS(int16_t, start_dev_id, int16_t, dev_id),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, start_dev_id, start_dev_id)
		lttng_ust_field_integer(int16_t, dev_id, dev_id)))

DMATRACE_EVENT(dmadev, device_lookup, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* dev_id: -1 if the device was refused. */
DMATRACE_EVENT(dmadev, device_added, INFO,
	DMATRACE_ARGS(int16_t, dev_id, const char *_Nullable, name, const char *_Nullable, driver, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_string(name, name)
		lttng_ust_field_string(driver, driver)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, device_removed, INFO,
	DMATRACE_ARGS(int16_t, dev_id, const char *_Nullable, name),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_string(name, name)))

/* Control of one device. */

DMATRACE_EVENT(dmadev, info_get, INFO,
	DMATRACE_ARGS(int16_t, dev_id, const char *_Nullable, name,
		const struct dmatrace_device_info *_Nonnull, info, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_string(name, name)
		lttng_ust_field_integer_hex(uint64_t, dev_capa, info->dev_capa)
		lttng_ust_field_integer(uint16_t, max_vchans, info->max_vchans)
		lttng_ust_field_integer(uint16_t, max_desc, info->max_desc)
		lttng_ust_field_integer(uint16_t, min_desc, info->min_desc)
		lttng_ust_field_integer(uint16_t, max_sges, info->max_sges)
		lttng_ust_field_integer(uint16_t, nb_vchans, info->nb_vchans)
		lttng_ust_field_integer(uint16_t, nb_priorities, info->nb_priorities)
		lttng_ust_field_integer(int16_t, numa_node, info->numa_node)
		lttng_ust_field_integer(uint16_t, nb_access_groups, info->nb_access_groups)
		lttng_ust_field_integer(uint16_t, controller_id, info->controller_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, configure, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, nb_vchans, uint16_t, priority, uint64_t, flags, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, nb_vchans, nb_vchans)
		lttng_ust_field_integer(uint16_t, priority, priority)
		lttng_ust_field_integer_hex(uint64_t, flags, flags)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, start, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, stop, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, close, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, vchan_setup, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan,
		const struct dmatrace_vchan_configuration *_Nonnull, conf, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(int32_t, direction, conf->direction)
		lttng_ust_field_integer(uint16_t, nb_desc, conf->nb_desc)
		lttng_ust_field_integer(int32_t, src_port_type, conf->src_port.type)
		lttng_ust_field_integer(uint8_t, src_port_coreid, conf->src_port.coreid)
		lttng_ust_field_integer(uint8_t, src_port_pfid, conf->src_port.pfid)
		lttng_ust_field_integer(uint8_t, src_port_vfen, conf->src_port.vfen)
		lttng_ust_field_integer(uint16_t, src_port_vfid, conf->src_port.vfid)
		lttng_ust_field_integer(uint32_t, src_port_pasid, conf->src_port.pasid)
		lttng_ust_field_integer(uint8_t, src_port_attr, conf->src_port.attr)
		lttng_ust_field_integer(uint8_t, src_port_ph, conf->src_port.ph)
		lttng_ust_field_integer(uint16_t, src_port_st, conf->src_port.st)
		lttng_ust_field_integer(int32_t, dst_port_type, conf->dst_port.type)
		lttng_ust_field_integer(uint8_t, dst_port_coreid, conf->dst_port.coreid)
		lttng_ust_field_integer(uint8_t, dst_port_pfid, conf->dst_port.pfid)
		lttng_ust_field_integer(uint8_t, dst_port_vfen, conf->dst_port.vfen)
		lttng_ust_field_integer(uint16_t, dst_port_vfid, conf->dst_port.vfid)
		lttng_ust_field_integer(uint32_t, dst_port_pasid, conf->dst_port.pasid)
		lttng_ust_field_integer(uint8_t, dst_port_attr, conf->dst_port.attr)
		lttng_ust_field_integer(uint8_t, dst_port_ph, conf->dst_port.ph)
		lttng_ust_field_integer(uint16_t, dst_port_st, conf->dst_port.st)
		lttng_ust_field_integer(uint64_t, auto_free_pool, conf->auto_free_pool)
		lttng_ust_field_integer(int32_t, domain_type, conf->domain_type)
		lttng_ust_field_integer(uint16_t, src_handler, conf->src_handler)
		lttng_ust_field_integer(uint16_t, dst_handler, conf->dst_handler)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, vchan_lookup, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, stats_get, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, uint64_t, submitted,
		uint64_t, completed, uint64_t, errors, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(uint64_t, submitted, submitted)
		lttng_ust_field_integer(uint64_t, completed, completed)
		lttng_ust_field_integer(uint64_t, errors, errors)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, stats_reset, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, vchan_status, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint16_t, vchan, int32_t, status, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint16_t, vchan, vchan)
		lttng_ust_field_integer(int32_t, status, status)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, dump, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, buffer_alloc, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint64_t, length, uint64_t, address, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint64_t, length, length)
		lttng_ust_field_integer_hex(uint64_t, address, address)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, dma_map, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint64_t, address, uint64_t, length, uint64_t, iova, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer_hex(uint64_t, address, address)
		lttng_ust_field_integer(uint64_t, length, length)
		lttng_ust_field_integer_hex(uint64_t, iova, iova)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, dma_unmap, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint64_t, iova, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer_hex(uint64_t, iova, iova)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* Access groups. A domain is the DMATRACE_DOMAIN_SIZE bytes of its identifier; no event has a token. */

DMATRACE_EVENT(dmadev, access_group_create, INFO,
	DMATRACE_ARGS(int16_t, dev_id, const uint8_t *_Nonnull, domain, uint16_t, limit, int16_t, group_id,
		int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(uint16_t, limit, limit)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_group_join, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, const uint8_t *_Nonnull, domain, uint16_t, handler,
		int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_group_leave, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_group_destroy, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_group_size_get, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, uint16_t, size, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, size, size)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* domains are the count members' identifiers, one after another. */
DMATRACE_EVENT(dmadev, access_group_get, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, const uint16_t *_Nullable, handlers,
		const uint8_t *_Nullable, domains, uint16_t, count, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, count, count)
		lttng_ust_field_sequence(uint16_t, handlers, handlers, uint16_t, dmatrace_kept(handlers, count, DMATRACE_MEMBERS_MAX))
		lttng_ust_field_sequence(uint8_t, domains, domains, uint16_t,
			DMATRACE_DOMAIN_SIZE * dmatrace_kept(domains, count, DMATRACE_MEMBERS_MAX))
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_group_handler_get, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, const uint8_t *_Nonnull, domain, uint16_t, handler,
		int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_pair_group_create, INFO,
	DMATRACE_ARGS(int16_t, dev_id, const uint8_t *_Nonnull, domain, int16_t, group_id, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_pair_group_join, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, const uint8_t *_Nonnull, domain, uint16_t, handler,
		int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_pair_group_leave, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_pair_group_destroy, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_pair_group_handler_get, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, const uint8_t *_Nonnull, domain, uint16_t, handler,
		int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_group_window_register, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, uint64_t, address, uint64_t, length, uint32_t, rights,
		uint16_t, handler, uint64_t, iova, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer_hex(uint64_t, address, address)
		lttng_ust_field_integer(uint64_t, length, length)
		lttng_ust_field_integer(uint32_t, rights, rights)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_integer_hex(uint64_t, iova, iova)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_group_window_unregister, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint64_t, iova, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer_hex(uint64_t, iova, iova)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, access_group_windows_get, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int16_t, group_id, const uint64_t *_Nullable, iovas,
		const uint64_t *_Nullable, lengths, const uint16_t *_Nullable, handlers, uint32_t, count,
		int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint32_t, count, count)
		lttng_ust_field_sequence_hex(uint64_t, iovas, iovas, uint16_t, dmatrace_kept(iovas, count, DMATRACE_WINDOWS_MAX))
		lttng_ust_field_sequence(uint64_t, lengths, lengths, uint16_t, dmatrace_kept(lengths, count, DMATRACE_WINDOWS_MAX))
		lttng_ust_field_sequence(uint16_t, handlers, handlers, uint16_t, dmatrace_kept(handlers, count, DMATRACE_WINDOWS_MAX))
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, event_callback_register, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int32_t, event, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int32_t, event, event)
		lttng_ust_field_integer(int32_t, ret, ret)))

DMATRACE_EVENT(dmadev, event_callback_unregister, INFO,
	DMATRACE_ARGS(int16_t, dev_id, int32_t, event, int32_t, ret),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(int32_t, event, event)
		lttng_ust_field_integer(int32_t, ret, ret)))

/* An event of a group of the device, before any callback receives it; kind is 0 joined, 1 left, 2 destroyed, 3 window
 * opened, 4 window closed, 5 device joined, 6 device left. */
DMATRACE_EVENT(dmadev, event_received, INFO,
	DMATRACE_ARGS(int16_t, dev_id, uint8_t, kind, int16_t, group_id, uint16_t, handler,
		const uint8_t *_Nonnull, domain),
	DMATRACE_FIELDS(
		lttng_ust_field_integer(int16_t, dev_id, dev_id)
		lttng_ust_field_integer(uint8_t, kind, kind)
		lttng_ust_field_integer(int16_t, group_id, group_id)
		lttng_ust_field_integer(uint16_t, handler, handler)
		lttng_ust_field_array(uint8_t, domain, domain, DMATRACE_DOMAIN_SIZE)))

#include "dmatrace_dmadev_memory_events.h"

/* Data: enqueue, doorbell, poll. */

#include "dmatrace_dmadev_data_events.h"
