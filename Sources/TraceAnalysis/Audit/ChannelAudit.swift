/// What an audit says of one channel.
public struct ChannelAudit: Sendable {
    /// `PROGRAM (PID)`.
    public let process: String
    /// The number of the process; -1 if unknown.
    public let processID: Int
    /// The device's number.
    public let device: Int
    /// The device's name, if the trace has its creation.
    public let deviceName: String?
    /// The channel's number.
    public let vchan: Int
    /// Rings, one for each start of the device.
    public internal(set) var ringCount: UInt64 = 0
    /// Operations whose doorbell is in the trace.
    public internal(set) var submitted: UInt64 = 0
    /// Operations whose end is in the trace; if it has no events of an engine, those that polls returned.
    public internal(set) var completed: UInt64 = 0
    /// Those of them that were not successful.
    public internal(set) var errors: UInt64 = 0
    /// Those of them that were aborted.
    public internal(set) var aborted: UInt64 = 0
    /// Bytes of the successful ones.
    public internal(set) var bytes: UInt64 = 0
    /// Whether the trace has the size of each successful operation.
    public internal(set) var hasAllBytes = true
    /// Whether the trace has calls or bursts.
    public internal(set) var hasCalls = false
    /// Whether the trace has events of the engine.
    public internal(set) var hasEngine = false
    /// Whether the trace has no events of an engine, but polls: the device is of another library, which is observed, or only
    /// calls were recorded.
    public internal(set) var hasPolls = false
    /// Whether the trace has the beginning of each ring.
    public internal(set) var hasBeginning = true
    /// Whether it has no final counts of a ring: the channel was in use at the trace's end, or its process was killed.
    public internal(set) var lacksEnd = false
    /// The result.
    public private(set) var verdict = AuditVerdict.right
    /// What differs, or what is missing, in sentences. At most ``mostFindings``.
    public private(set) var findings: [String] = []
    /// Findings that were left out.
    public private(set) var furtherFindings: UInt64 = 0

    /// The most findings that are kept.
    public static let mostFindings = 10

    init(_ channel: TracedChannel, _ processes: TraceProcesses) {
        process = processes.label(channel.process, processID: channel.processID)
        processID = channel.processID
        device = channel.device
        deviceName = channel.deviceName
        vchan = channel.vchan
    }

    mutating func note(_ verdict: AuditVerdict, _ sentence: String) {
        self.verdict = max(self.verdict, verdict)
        if findings.count < Self.mostFindings { findings.append(sentence) } else { furtherFindings += 1 }
    }

    /// Something was lost: what differs may be what was lost.
    mutating func discount() { verdict = .inconclusive }
}
