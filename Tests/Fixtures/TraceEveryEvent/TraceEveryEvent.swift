import CDMADev
import CDMATrace
import DMATrace
import Glibc

/// A program that calls tracepoints with values that a test knows.
///
/// - `once`: every event once, each argument another value.
/// - `edges`: lists that are absent, empty, or longer than what is recorded.
/// - `operation-edges`: the same of operations.
/// - `burst-edges`: bursts that are more than one event takes.
/// - `group-edges`: the same of access groups' tables.
/// - `interconnect-edges`: the same of ranges.
/// - `copies N`: the copy event N times, `dev_id` 0 and 1 in turn, the call's number as `length`.
/// - `hold`: says `ready`, then reads numbers, one a line, and makes as many calls of the copy event for each.
/// - `image PATH`: one call of the submit event in a shared library, `dev_id` 7, and one here, 8.
/// - `fork before` or `fork after`: a child calls the copy event 5 times, the parent 3 times, when it has ended; the
///   child's number is printed. The object with the probes is loaded before the fork, or after it in each of the two.
/// - `list`: every event, its log level, and whether it is on.
@main
struct TraceEveryEvent {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments != ["fork", "after"] { dmatrace_load() }
        switch arguments.first {
        case "once":
            traceControlOnce()
            traceDataOnce()
            traceOperationsOnce()
            traceBurstOnce()
            traceEngineOnce()
            traceGroupCallsOnce()
            traceMemoryCallsOnce()
            traceGroupsOnce()
            traceInterconnectsOnce()
        case "edges":
            traceEdges()
        case "operation-edges":
            traceOperationEdges()
        case "burst-edges":
            traceBurstEdges()
        case "group-edges":
            traceGroupEdges()
        case "interconnect-edges":
            traceInterconnectEdges()
        case "copies":
            traceCopies(arguments.dropFirst().first.flatMap { UInt32($0) } ?? 1)
        case "hold":
            print("ready")
            fflush(nil)
            while let line = readLine() { traceCopies(UInt32(line) ?? 0) }
        case "image":
            traceInImage(arguments.dropFirst().first ?? "")
        case "fork":
            traceInChild()
        case "list":
            for point in TracePoints.all {
                print("\(point.provider):\(point.name) \(point.level) \(point.isEnabled ? "on" : "off")")
            }
        default:
            print("usage: see TraceEveryEvent.swift")
            exit(2)
        }
    }

    /// As a library could hold call sites of its own, `trace_submit` of the image.
    static func traceInImage(_ path: String) {
        guard let handle = dlopen(path, RTLD_NOW), let symbol = dlsym(handle, "trace_submit") else { exit(3) }
        unsafeBitCast(symbol, to: (@convention(c) (Int16) -> Void).self)(7)
        dmatrace_dmadev_submit(8, 0, 0)
    }

    static func traceInChild() {
        // Swift does not offer the call, because little is allowed in a child: this one only makes calls in C.
        guard let symbol = dlsym(nil, "fork") else { exit(3) }
        let child = unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)()
        if child != 0 {
            print(child)
            waitpid(child, nil, 0)
        }
        dmatrace_load()
        traceCopies(child == 0 ? 5 : 3)
    }

    static func traceControlOnce() {
        dmatrace_dmadev_dev_max(64, 0)
        dmatrace_dmadev_get_dev_id_by_name("dma \"one\" = {1}, x", 3)
        dmatrace_dmadev_is_valid(3, true)
        dmatrace_dmadev_count_avail(5)
        dmatrace_dmadev_next_dev(-1, 3)
        dmatrace_dmadev_device_lookup(3, -22)
        dmatrace_dmadev_device_added(3, "dma_one", "software", 0)
        dmatrace_dmadev_device_removed(3, nil)
        var info = dmatrace_device_info(
            dev_capa: 0x7_0000_0001, max_vchans: 11, max_desc: 4096, min_desc: 32, max_sges: 64, nb_vchans: 2,
            nb_priorities: 4, numa_node: -1, nb_access_groups: 8, controller_id: 0xFFFF)
        dmatrace_dmadev_info_get(3, "dma_one", &info, 0)
        dmatrace_dmadev_configure(3, 2, 1, 1, -16)
        dmatrace_dmadev_start(3, 0)
        dmatrace_dmadev_stop(4, 0)
        dmatrace_dmadev_close(5, -16)
        var configuration = dmatrace_vchan_configuration(
            direction: 2, nb_desc: 1024,
            src_port: dmatrace_port(
                type: 1, coreid: 15, pfid: 200, vfen: 1, vfid: 0xABCD, pasid: 0xFEDCB, attr: 5, ph: 3, st: 0x1234),
            dst_port: dmatrace_port(), auto_free_pool: 77, domain_type: 1, src_handler: 21, dst_handler: 22)
        dmatrace_dmadev_vchan_setup(3, 1, &configuration, -22)
        dmatrace_dmadev_vchan_lookup(3, 9, -22)
        dmatrace_dmadev_stats_get(3, 1, 1 << 40, 99, 7, 0)
        dmatrace_dmadev_stats_reset(3, 0xFFFF, 0)
        dmatrace_dmadev_vchan_status(3, 1, 2, 0)
        dmatrace_dmadev_dump(3, 0)
        dmatrace_dmadev_buffer_alloc(3, 4096, 0xFFFF_8000_0000_1000, 0)
        dmatrace_dmadev_dma_map(3, 0xFFFF_8000_0000_1000, 1 << 33, 0x7000, 0)
        dmatrace_dmadev_dma_unmap(3, 0xFFFF_8000_0000_7000, -22)
    }

    static func traceDataOnce() {
        dmatrace_dmadev_copy(3, 1, 0xFFFF_8000_0000_1000, 0x2000, 4096, 0x3, 65535)
        // Longer than what is recorded, on one side.
        let sources = (0..<100).map {
            dmadev_sge(addr: 0x1000 + $0 * 0x100, length: UInt32($0) + 1, reserved: 0)
        }
        let destinations = [dmadev_sge(addr: 0x9000, length: 5050, reserved: 0)]
        dmatrace_dmadev_copy_sg(3, 1, sources, destinations, 100, 1, 0x2, -28)
        dmatrace_dmadev_fill(3, 1, 0xDEAD_BEEF_0BAD_F00D, 0x2000, 64, 0x1, 12)
        dmatrace_dmadev_submit(3, 1, -22)
        dmatrace_dmadev_completed(3, 1, 32, 41, true, 9)
        dmatrace_dmadev_completed_status(3, 1, 32, 44, [0, 3, 0x100], 3)
        dmatrace_dmadev_burst_capacity(3, 1, 1000)
        dmatrace_dmadev_enqueue_rejected(3, 1)
    }

    static func traceEdges() {
        dmatrace_dmadev_copy_sg(0, 0, nil, [dmadev_sge](), 5, 0, 0, -22)
        dmatrace_dmadev_completed_status(0, 0, 8, 0xFFFF, nil, 3)
        dmatrace_dmadev_completed_status(0, 0, 8, 0xFFFF, [1, 2, 3], -22)
        dmatrace_dmadev_completed_status(0, 0, 300, 299, (0..<300).map { UInt16($0) }, 300)
    }

    static func traceEngineOnce() {
        dmatrace_dmadev_engine_engine_start(7)
        dmatrace_dmadev_engine_engine_stop(8)
        dmatrace_dmadev_engine_ring_attach(7, 1 << 40, 3, 1, 1024, 4711, 1 << 41)
        dmatrace_dmadev_engine_ring_mapped(1 << 40, 3, 1)
        dmatrace_dmadev_engine_ring_detach(7, 1 << 40, 3, 1, 6, 100, 8, 1 << 42, 101)
        dmatrace_dmadev_engine_sleep(7)
        dmatrace_dmadev_engine_wake(9)
        dmatrace_dmadev_engine_operation_start(7, 1 << 40, 3, 1, 65535, 2, 1 << 33)
        dmatrace_dmadev_engine_operation_finish(7, 1 << 40, 3, 1, 65535, 0x100)
        dmatrace_dmadev_engine_operation_failed(
            7, 1 << 40, 3, 1, 65535, 1, 0x100, 1 << 33, 0xFFFF_8000_0000_1000, 0x2000)
        tracePublicationOnce()
    }

    /// Not inlined, so that what a disabled event costs can be read in a disassembly.
    @inline(never)
    static func traceCopies(_ count: UInt32) {
        for call in 0..<count {
            dmatrace_dmadev_copy(Int16(truncatingIfNeeded: call & 1), 0, 0x1000, 0x2000, call, 0, 0)
        }
    }
}
