import TestSupport

/// What `trace-every-event once` has to leave in a trace, event by event.
let expectedFields = otherFields.merging(expectedMemoryFields) { $1 }

private let otherFields: [String: [String: TraceValue]] = [
    "dmadev:dev_max": ["dev_max": 64, "ret": 0],
    "dmadev:get_dev_id_by_name": ["name": "dma \"one\" = {1}, x", "ret": 3],
    "dmadev:is_valid": ["dev_id": 3, "valid": 1],
    "dmadev:count_avail": ["count": 5],
    "dmadev:next_dev": ["start_dev_id": -1, "dev_id": 3],
    "dmadev:device_lookup": ["dev_id": 3, "ret": -22],
    "dmadev:device_added": ["dev_id": 3, "name": "dma_one", "driver": "software", "ret": 0],
    "dmadev:device_removed": ["dev_id": 3, "name": "(null)"],
    "dmadev:info_get": [
        "dev_id": 3, "name": "dma_one", "dev_capa": 0x7_0000_0001, "max_vchans": 11, "max_desc": 4096, "min_desc": 32,
        "max_sges": 64, "nb_vchans": 2, "nb_priorities": 4, "numa_node": -1, "nb_access_groups": 8,
        "controller_id": 0xFFFF, "ret": 0,
    ],
    "dmadev:configure": ["dev_id": 3, "nb_vchans": 2, "priority": 1, "flags": 1, "ret": -16],
    "dmadev:start": ["dev_id": 3, "ret": 0],
    "dmadev:stop": ["dev_id": 4, "ret": 0],
    "dmadev:close": ["dev_id": 5, "ret": -16],
    "dmadev:vchan_setup": [
        "dev_id": 3, "vchan": 1, "direction": 2, "nb_desc": 1024, "src_port_type": 1, "src_port_coreid": 15,
        "src_port_pfid": 200, "src_port_vfen": 1, "src_port_vfid": 0xABCD, "src_port_pasid": 0xFEDCB,
        "src_port_attr": 5,
        "src_port_ph": 3, "src_port_st": 0x1234, "dst_port_type": 0, "dst_port_coreid": 0, "dst_port_pfid": 0,
        "dst_port_vfen": 0, "dst_port_vfid": 0, "dst_port_pasid": 0, "dst_port_attr": 0, "dst_port_ph": 0,
        "dst_port_st": 0, "auto_free_pool": 77, "domain_type": 1, "src_handler": 21, "dst_handler": 22, "ret": -22,
    ],
    "dmadev:vchan_lookup": ["dev_id": 3, "vchan": 9, "ret": -22],
    "dmadev:stats_get": [
        "dev_id": 3, "vchan": 1, "submitted": 1_099_511_627_776, "completed": 99, "errors": 7, "ret": 0,
    ],
    "dmadev:stats_reset": ["dev_id": 3, "vchan": 0xFFFF, "ret": 0],
    "dmadev:vchan_status": ["dev_id": 3, "vchan": 1, "status": 2, "ret": 0],
    "dmadev:dump": ["dev_id": 3, "ret": 0],
    "dmadev:buffer_alloc": ["dev_id": 3, "length": 4096, "address": 0xFFFF_8000_0000_1000, "ret": 0],
    "dmadev:dma_map": [
        "dev_id": 3, "address": 0xFFFF_8000_0000_1000, "length": 8_589_934_592, "iova": 0x7000, "ret": 0,
    ],
    "dmadev:dma_unmap": ["dev_id": 3, "iova": 0xFFFF_8000_0000_7000, "ret": -22],
    "dmadev:copy": [
        "dev_id": 3, "vchan": 1, "src": 0xFFFF_8000_0000_1000, "dst": 0x2000, "length": 4096, "flags": 3, "ret": 65535,
    ],
    "dmadev:copy_sg": [
        "dev_id": 3, "vchan": 1, "nb_src": 100, "nb_dst": 1,
        "src_addr": .sequence((0..<64).map { .integer(0x1000 + $0 * 0x100) }),
        "src_len": .sequence((0..<64).map { .integer($0 + 1) }),
        "dst_addr": [0x9000], "dst_len": [5050], "flags": 2, "ret": -28,
    ],
    "dmadev:fill": [
        "dev_id": 3, "vchan": 1, "pattern": 0xDEAD_BEEF_0BAD_F00D, "dst": 0x2000, "length": 64, "flags": 1, "ret": 12,
    ],
    "dmadev:submit": ["dev_id": 3, "vchan": 1, "ret": -22],
    "dmadev:completed": ["dev_id": 3, "vchan": 1, "nb_cpls": 32, "last_idx": 41, "has_error": 1, "ret": 9],
    "dmadev:completed_status": [
        "dev_id": 3, "vchan": 1, "nb_cpls": 32, "last_idx": 44, "statuses": [0, 3, 0x100], "ret": 3,
    ],
    "dmadev:burst_capacity": ["dev_id": 3, "vchan": 1, "ret": 1000],
    "dmadev:enqueue_rejected": ["dev_id": 3, "vchan": 1],
    "dmadev:enqueue_ops": [
        "dev_id": 3, "vchan": 1, "nb_ops": 3, "total_src": 3, "total_dst": 3, "op_flags": [3, 0, 0],
        "user_meta": [0xFFFF_0000_0000_0001, 0, 2], "nb_src": [2, 0, 1], "nb_dst": [1, 0, 2],
        "src_addr": [0x1000, 0x2000, 0x3000], "src_len": [10, 20, 40],
        "dst_addr": [0x9000, 0xFFFF_8000_0000_A000, 0xB000], "dst_len": [30, 15, 25], "ret": 2,
    ],
    "dmadev:dequeue_ops": [
        "dev_id": 3, "vchan": 1, "nb_ops": 4, "user_meta": [0xFFFF_0000_0000_0001, 2], "statuses": [0, 0x100],
        "ret": 2,
    ],
    "dmadev:burst": [
        "dev_id": 3, "vchan": 1, "nb_rung": 3, "first": 0, "ring_idx": 65534, "nb_ops": 3, "kind": [1, 2, 3],
        "src": [0xFFFF_8000_0000_1000, 0, 0xFFFF_FFFF_FFFF_FFFF], "dst": [2, 0, 0x6000],
        "length": [64, 0, 0xFFFF_FFFF],
        "nb_src": [0, 2, 0], "nb_dst": [0, 1, 0], "sg_addr": [0x3000, 0x4000, 0xFFFF_8000_0000_5000],
        "sg_len": [10, 20, 30], "flags": [1, 0, 0xA6],
        "src_handler": [0, 0, 0], "dst_handler": [0, 0, 0xFFFE],
    ],
    "dmadev_engine:engine_start": ["engine": 7],
    "dmadev_engine:engine_stop": ["engine": 8],
    "dmadev_engine:ring_attach": [
        "engine": 7, "ring": 0x100_0000_0000, "dev_id": 3, "vchan": 1, "nb_desc": 1024, "pid": 4711,
        "connection": 0x200_0000_0000,
    ],
    "dmadev_engine:ring_mapped": ["ring": 0x100_0000_0000, "dev_id": 3, "vchan": 1],
    "dmadev_engine:ring_detach": [
        "engine": 7, "ring": 0x100_0000_0000, "dev_id": 3, "vchan": 1, "aborted": 6, "completed": 100, "errors": 8,
        "bytes": 0x400_0000_0000, "latencies": 101,
    ],
    "dmadev_engine:sleep": ["engine": 7],
    "dmadev_engine:wake": ["engine": 9],
    "dmadev_engine:operation_start": [
        "engine": 7, "ring": 0x100_0000_0000, "dev_id": 3, "vchan": 1, "ring_idx": 65535, "kind": 2,
        "length": 8_589_934_592,
    ],
    "dmadev_engine:operation_finish": [
        "engine": 7, "ring": 0x100_0000_0000, "dev_id": 3, "vchan": 1, "ring_idx": 65535, "status": 0x100,
    ],
    "dmadev_engine:operation_failed": [
        "engine": 7, "ring": 0x100_0000_0000, "dev_id": 3, "vchan": 1, "ring_idx": 65535, "kind": 1, "status": 0x100,
        "length": 8_589_934_592, "src": 0xFFFF_8000_0000_1000, "dst": 0x2000,
    ],
    "dmadev_engine:completed_burst": [
        "engine": 7, "ring": 0x100_0000_0000, "dev_id": 3, "vchan": 1, "ring_idx": 65535, "nb_ops": 3,
        "status": [0, 3, 0x100], "batch_nb_ops": [2, 1], "since_doorbell": [1_099_511_627_776, 200],
        "since_start": [549_755_813_888, 0],
    ],
    "dmadev:access_group_create": ["dev_id": 3, "domain": domain(0), "limit": 64, "group_id": 7, "ret": 0],
    "dmadev:access_group_join": ["dev_id": 3, "group_id": 7, "domain": domain(0), "handler": 0xFFFE, "ret": -13],
    "dmadev:access_group_leave": ["dev_id": 3, "group_id": 7, "ret": -1],
    "dmadev:access_group_destroy": ["dev_id": 3, "group_id": 7, "ret": -16],
    "dmadev:access_group_size_get": ["dev_id": 3, "group_id": 7, "size": 65535, "ret": 0],
    "dmadev:access_group_get": [
        "dev_id": 3, "group_id": 7, "count": 2, "handlers": [1, 0xFFFE],
        "domains": .sequence((Array(0..<16) + Array(100..<116)).map { .integer($0) }), "ret": 0,
    ],
    "dmadev:access_group_handler_get": ["dev_id": 3, "group_id": 7, "domain": domain(0), "handler": 9, "ret": 0],
    "dmadev:access_pair_group_create": ["dev_id": 3, "domain": domain(0), "group_id": 32767, "ret": 0],
    "dmadev:access_pair_group_join": ["dev_id": 3, "group_id": 7, "domain": domain(0), "handler": 11, "ret": 0],
    "dmadev:access_pair_group_leave": ["dev_id": 3, "group_id": 8, "ret": 0],
    "dmadev:access_pair_group_destroy": ["dev_id": 3, "group_id": 9, "ret": 0],
    "dmadev:access_pair_group_handler_get": [
        "dev_id": 3, "group_id": 7, "domain": domain(0), "handler": 0, "ret": -2,
    ],
    "dmadev:access_group_window_register": [
        "dev_id": 3, "group_id": 7, "address": 0x7000_0000_1000, "length": 4096, "rights": 3, "handler": 12,
        "iova": 0x8000_0000_0000_0000, "ret": 0,
    ],
    "dmadev:access_group_window_unregister": ["dev_id": 3, "iova": 0x8000_0000_0000_2000, "ret": -22],
    "dmadev:access_group_windows_get": [
        "dev_id": 3, "group_id": 7, "count": 2, "iovas": [0x8000_0000_0000_0000, 0x8000_0000_0000_2000],
        "lengths": [4096, 8_589_934_592], "handlers": [12, 13], "ret": 0,
    ],
    "dmadev:event_callback_register": ["dev_id": 3, "event": 1, "ret": -17],
    "dmadev:event_callback_unregister": ["dev_id": 3, "event": 0, "ret": -2],
    "dmadev:event_received": ["dev_id": 3, "kind": 2, "group_id": 7, "handler": 12, "domain": domain(0)],
    "dmadev:interconnect_attach": [
        "attachment": 0x100_0000_0000, "dev_id": 3, "importer": "dma_one", "exporter": "frames", "inode": 4711,
        "bytes": 8_589_934_592, "interconnect": "system_memory", "nb_fallbacks": 2, "ret": 0,
    ],
    "dmadev:interconnect_fallback": [
        "attachment": 0x100_0000_0000, "dev_id": 3, "interconnect": "near_link", "reason": "not connected", "ret": -95,
    ],
    "dmadev:interconnect_map": [
        "attachment": 0x100_0000_0000, "dev_id": 3, "direction": 2, "bytes": 8_589_934_592, "nb_ranges": 2,
        "nb_iovas": 1, "addresses": [0xFFFF_8000_0000_1000, 0x2000], "lengths": [4096, 4_294_967_296],
        "iovas": [0x200_0000_0000_0000], "ret": 0,
    ],
    "dmadev:interconnect_unmap": ["attachment": 0x100_0000_0000, "dev_id": -1, "state": 1, "ret": -22],
    "dmadev:interconnect_revoke": [
        "attachment": 0x100_0000_0000, "dev_id": 3, "timeout_ns": 17_179_869_184, "waited_ns": 34_359_738_368,
        "state": 2, "ret": -110,
    ],
    "dmadev:interconnect_detach": ["attachment": 0x100_0000_0000, "dev_id": 3, "ret": 0],
    "dmadev_group:group_created": ["group_id": 7, "limit": 2, "handler": 12, "domain": domain(50), "pid": 4711],
    "dmadev_group:group_destroyed": [
        "group_id": 7, "handler": 13, "domain": domain(50), "pid": 4712, "reason": "creator_died",
    ],
    "dmadev_group:member_joined": ["group_id": 8, "handler": 14, "domain": domain(50), "pid": 4713],
    "dmadev_group:member_left": ["group_id": 9, "handler": 15, "domain": domain(50), "pid": 4714, "died": 1],
    "dmadev_group:device_joined": ["group_id": 8, "handler": 14, "domain": domain(50), "pid": 4713, "device": 32767],
    "dmadev_group:device_left": ["group_id": 9, "handler": 15, "domain": domain(50), "pid": 4714, "device": -1],
    "dmadev_group:handler_revoked": ["group_id": 7, "handler": 65535],
    "dmadev_group:window_added": [
        "group_id": 7, "handler": 12, "iova": 0x8000_0000_0000_0000, "length": 4096, "rights": 3,
    ],
    "dmadev_group:window_removed": [
        "group_id": 7, "handler": 12, "iova": 0x8000_0000_0000_1000, "length": 8_589_934_592,
    ],
    "dmadev_group:join_denied": ["group_id": 7, "domain": domain(50), "pid": 4715, "uid": 1000, "error": 13],
    "dmadev_group:access_refused": [
        "group_id": 7, "handler": 12, "by": 13, "iova": 0x8000_0000_0000_3000, "length": 64, "status": 4,
    ],
]

/// 16 bytes that begin with this one and go up.
private func domain(_ first: Int128) -> TraceValue {
    .sequence((first..<first + 16).map { .integer($0) })
}
