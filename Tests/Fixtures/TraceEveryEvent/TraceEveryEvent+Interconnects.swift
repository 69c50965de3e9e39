import CDMATrace

extension TraceEveryEvent {
    static func traceInterconnectsOnce() {
        dmatrace_dmadev_interconnect_attach(
            1 << 40, 3, "dma_one", "frames", 4711, 1 << 33, "system_memory", 2, 0)
        dmatrace_dmadev_interconnect_fallback(1 << 40, 3, "near_link", "not connected", -95)
        dmatrace_dmadev_interconnect_map(
            1 << 40, 3, 2, 1 << 33, [0xFFFF_8000_0000_1000, 0x2000], [4096, 1 << 32], 2, [1 << 57], 1, 0)
        dmatrace_dmadev_interconnect_unmap(1 << 40, -1, 1, -22)
        dmatrace_dmadev_interconnect_revoke(1 << 40, 3, 1 << 34, 1 << 35, 2, -110)
        dmatrace_dmadev_interconnect_detach(1 << 40, 3, 0)
    }

    /// More ranges than what is recorded, and none.
    static func traceInterconnectEdges() {
        let numbers = (0..<100).map { UInt64($0) }
        dmatrace_dmadev_interconnect_map(1, 0, 0, 100, numbers, numbers, 100, numbers, 70, 0)
        dmatrace_dmadev_interconnect_map(1, 0, 0, 100, nil, nil, 0, nil, 0, -12)
        dmatrace_dmadev_interconnect_attach(1, -1, nil, nil, 0, 0, nil, 0, -95)
    }
}
