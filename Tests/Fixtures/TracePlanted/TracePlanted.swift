import CDMATrace
import Glibc

/// Records the events of a ring with ten operations, as an engine and its application would, right or with a fault in it.
///
/// - `right`: nothing is wrong.
/// - `counter`: the final count of operations is one too high.
/// - `bytes`: the final count of bytes is one too low.
/// - `call`, `start`, `finish`: one such event is missing, that of operation 7.
/// - `end`: the last finish is missing.
@main
struct TracePlanted {
    static func main() {
        dmatrace_load()
        let fault = CommandLine.arguments.dropFirst().first ?? "right"
        let (count, length): (UInt16, UInt32) = (10, 64)
        dmatrace_dmadev_device_added(0, "planted", "software", 0)
        dmatrace_dmadev_engine_ring_attach(1, 1, 0, 0, 64, getpid(), 0)
        dmatrace_dmadev_start(0, 0)
        for index in 0..<count where fault != "call" || index != 7 {
            dmatrace_dmadev_copy(0, 0, 4096, 8192, length, index == count - 1 ? 2 : 0, Int32(index))
        }
        for index in 0..<count {
            if fault != "start" || index != 7 {
                dmatrace_dmadev_engine_operation_start(1, 1, 0, 0, index, 1, UInt64(length))
            }
            if (fault != "finish" || index != 7) && (fault != "end" || index != count - 1) {
                dmatrace_dmadev_engine_operation_finish(1, 1, 0, 0, index, index == 3 ? 4 : 0)
            }
        }
        dmatrace_dmadev_completed_status(0, 0, count, count - 1, nil, Int32(count))
        dmatrace_dmadev_engine_ring_detach(
            1, 1, 0, 0, 0, UInt64(count) + (fault == "counter" ? 1 : 0), 1,
            UInt64(length) * UInt64(count - 1) - (fault == "bytes" ? 1 : 0), UInt64(count))
        dmatrace_dmadev_stop(0, 0)
    }
}
