import DMADev
import TelemetryWire

/// What is known of a device of DPDK from the text of `/dmadev/dump`.
package struct DeviceDump: Sendable {
    /// From the first line, `DMA Dev 0, 'name' [started]`; `nil` when it does not say.
    package private(set) var isStarted: Bool?
    /// The lines `name: number`.
    private var numbers: [Substring: UInt64] = [:]

    /// Reads a reply; anything else than such a text gives nothing.
    package init(_ reply: JSONTree? = nil) {
        let lines = (reply?.string ?? "").split(separator: "\n")
        if lines.first?.hasSuffix("[started]") == true { isStarted = true }
        if lines.first?.hasSuffix("[stopped]") == true { isStarted = false }
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let number = UInt64(parts[1].drop { $0 == " " }) else { continue }
            numbers[parts[0].drop { $0 == " " }] = number
        }
    }

    /// A row as in `/dmadev/vchans` of a channel whose process has no such command.
    ///
    /// - Parameters:
    ///   - state: from its counters.
    ///   - isOnly: whether the device has no other channel: the text does not say to which one its ring belongs.
    package func row(ofChannel vchan: UInt64, state: ChannelProgress.State, isOnly: Bool) -> JSONTree {
        var members: [JSONTree.Member] = [
            .init("vchan", .integer(Int64(clamping: vchan))),
            .init("state", .string(isStarted == false ? "stopped" : state.rawValue)),
        ]
        // The lines of DPDK's skeleton driver.
        let uses = ["empty", "pending", "running", "completed"].map { numbers["desc_\($0)_ring_count"] }
        let known = uses.compactMap(\.self)
        let (size, overflow) = known.reduce((UInt64(0), false)) { sum, use in
            let (next, overflow) = sum.0.addingReportingOverflow(use)
            return (next, sum.1 || overflow)
        }
        if isOnly, isStarted == true, known.count == uses.count, size > 0, !overflow, size <= UInt64(UInt16.max) + 1 {
            let names = ["burst_capacity", "pending", "running", "completed"]
            members.append(.init("nb_desc", .integer(Int64(size))))
            members += zip(names, known).map { .init($0, .integer(Int64($1))) }
        }
        return .object(members)
    }
}
