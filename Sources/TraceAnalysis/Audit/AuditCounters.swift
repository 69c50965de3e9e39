/// The counters of a channel since its device was made, from its process.
public struct AuditCounters: Sendable {
    /// The process; `nil` if unknown.
    public let processID: Int?
    /// The device's number there.
    public let device: Int
    /// The device's name; `nil` if unknown.
    public let deviceName: String?
    /// The channel's number.
    public let vchan: Int
    /// By the names of `/dmadev/xstats`: `submitted`, `completed`, `errors`, `bytes`, `latency_count`. Others are ignored.
    public let values: [String: UInt64]

    /// The counters of one channel.
    public init(processID: Int?, device: Int, deviceName: String?, vchan: Int, values: [String: UInt64]) {
        self.processID = processID
        self.device = device
        self.deviceName = deviceName
        self.vchan = vchan
        self.values = values
    }

    func matches(_ channel: ChannelAudit) -> Bool {
        guard channel.device == device, channel.vchan == vchan else { return false }
        if let processID, channel.processID >= 0, processID != channel.processID { return false }
        if let deviceName, let name = channel.deviceName, name != deviceName { return false }
        return true
    }
}

extension ChannelAudit {
    /// Compares the sums over all rings with counters.
    mutating func compare(_ counters: AuditCounters) {
        guard hasBeginning, deviceName != nil else {
            return note(
                .inconclusive,
                "the trace has not the device's creation, from which on its counters count: start the recording first")
        }
        var pairs: [(String, UInt64)] = []
        if hasCalls { pairs.append(("submitted", submitted)) }
        if hasEngine || hasPolls {
            pairs += [("completed", completed), ("errors", errors), ("latency_count", completed)]
            if hasAllBytes { pairs.append(("bytes", bytes)) }
        }
        var compared = 0
        for (name, events) in pairs {
            guard let counter = counters.values[name] else { continue }
            compared += 1
            guard counter != events else { continue }
            // A device that runs goes on counting after the trace.
            let hasGoneOn = lacksEnd && counter > events
            note(
                hasGoneOn ? .inconclusive : .wrong,
                "\(name): \(events) in the events, \(counter) in the given counters"
                    + (hasGoneOn ? ", which have gone on since the trace: compare while the device is idle" : ""))
        }
        if compared == 0 { note(.inconclusive, "nothing to compare with the given counters") }
    }
}
