/// What a trace says of the memory that one process gives to devices. What has not ended was there at the trace's end, or
/// at that of the process.
public struct MemoryReport: Sendable {
    /// An interconnect that could not be used for a buffer of another owner.
    public struct Fallback: Sendable, Hashable {
        /// Its name.
        public let interconnect: String
        /// Why, in the words of the exporter or of the importer.
        public let reason: String
        /// The errno, positive.
        public let error: Int
    }

    /// `PROGRAM (PID)`.
    public let process: String
    /// The number of the process; -1 if unknown.
    public let processID: Int
    /// Buffers that were allocated with a device. No event says when they are freed.
    public internal(set) var buffers = ResourceUse()
    /// Regions of external memory, from their registration or attachment on.
    public internal(set) var regions = ResourceUse()
    /// Regions that another process has sent.
    public internal(set) var receivedRegions: UInt64 = 0
    /// Memory and regions that devices have mapped. The end of its device ends a mapping.
    public internal(set) var mappings = ResourceUse()
    /// Attachments of devices, and of other importers, to the buffers of exporters.
    public internal(set) var attachments = ResourceUse()
    /// Calls that have mapped an attachment, and the bytes of each.
    public internal(set) var attachmentMappings = ResourceUse()
    /// Calls by which exporters took buffers back.
    public internal(set) var revocations: UInt64 = 0
    /// Interconnects that could not be used. At most ``mostFallbacks`` different ones.
    public internal(set) var fallbacks: [(fallback: Fallback, count: UInt64)] = []
    /// Calls that failed: each is among ``TraceReport/failedCalls``, too.
    public internal(set) var failures: UInt64 = 0

    /// The most fallbacks that are kept.
    public static let mostFallbacks = 64

    init(_ process: TracedProcess) {
        self.process = process.label
        processID = process.processID
    }

    mutating func add(_ fallback: Fallback) {
        if let place = fallbacks.firstIndex(where: { $0.fallback == fallback }) {
            fallbacks[place].count += 1
        } else if fallbacks.count < Self.mostFallbacks {
            fallbacks.append((fallback, 1))
        }
    }
}
