/// Adds up calls about memory. Its own memory grows with what is in use at one time.
struct MemoryCollector {
    private struct Mapping: Hashable {
        let process: Int
        let device: Int
        let iova: UInt64
    }

    /// A region, or an attachment.
    private struct Numbered: Hashable {
        let process: Int
        let number: UInt64
    }

    private var reports: [Int: MemoryReport] = [:]
    private var mappings: [Mapping: UInt64] = [:]
    private var regions: [Numbered: UInt64] = [:]
    private var attachments: [Numbered: UInt64] = [:]

    /// By process, in the order of their first events.
    var all: [MemoryReport] { reports.sorted { $0.key < $1.key }.map(\.value) }

    /// Takes a call; its first field is the result.
    mutating func take(_ event: TraceEvent, from processes: TraceProcesses) {
        var report = reports[event.process] ?? MemoryReport(processes.all[event.process])
        defer { reports[event.process] = report }
        if event.kind == .attachmentFallback {
            // Result, interconnect, reason.
            report.add(
                MemoryReport.Fallback(
                    interconnect: event.text(1), reason: event.text(2), error: abs(Int(event.integer(0)))))
            return
        }
        guard event.integer(0) >= 0 else {
            report.failures += 1
            return
        }
        switch event.kind {
        case .bufferAllocated: report.buffers.begin(event.unsigned(1))
        case .memoryMapped, .regionMapped:
            report.mappings.begin(event.unsigned(3))
            mappings[mapping(event)] = event.unsigned(3)
        case .memoryUnmapped, .regionUnmapped:
            if let bytes = mappings.removeValue(forKey: mapping(event)) { report.mappings.end(bytes) }
        case .regionRegistered, .regionFileRegistered, .regionAttached:
            report.regions.begin(event.unsigned(2))
            regions[numbered(event)] = event.unsigned(2)
        case .regionUnregistered, .regionDetached:
            if let bytes = regions.removeValue(forKey: numbered(event)) { report.regions.end(bytes) }
        case .regionReceived: report.receivedRegions += 1
        case .attachmentMade:
            report.attachments.begin(event.unsigned(2))
            attachments[numbered(event)] = event.unsigned(2)
        case .attachmentDetached:
            if let bytes = attachments.removeValue(forKey: numbered(event)) { report.attachments.end(bytes) }
        case .attachmentMapped: report.attachmentMappings.begin(event.unsigned(1))
        case .attachmentRevoked: report.revocations += 1
        default: break
        }
    }

    /// A device was closed or removed: it has no mappings any more.
    mutating func end(device: Int, of process: Int) {
        guard reports[process] != nil else { return }
        for (mapping, bytes) in mappings where mapping.process == process && mapping.device == device {
            mappings[mapping] = nil
            reports[process]?.mappings.end(bytes)
        }
    }

    /// Result, device, address.
    private func mapping(_ event: TraceEvent) -> Mapping {
        Mapping(process: event.process, device: Int(event.integer(1)), iova: event.unsigned(2))
    }

    /// Result, number.
    private func numbered(_ event: TraceEvent) -> Numbered {
        Numbered(process: event.process, number: event.unsigned(1))
    }
}
