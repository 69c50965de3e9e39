import DMADev
import LinuxSystem
import SystemPackage

/// A private interconnect with ranges of its own.
final class Link: Interconnect {
    struct Range: InterconnectRange, Equatable {
        var space: UInt64 = 0
        var address: UInt64
        var byteCount: UInt64
    }

    let name: String

    init(_ name: String = "link") {
        self.name = name
    }
}

/// An exporter that returns what a test says, and counts what it has given and not got back.
final class ScriptedExporter: Exporter {
    struct State {
        var ranges: [any InterconnectRange] = [MemoryRange(address: 0x1000, byteCount: 4096)]
        var failure: DMAError?
        /// Called in `map`.
        var onMap: @Sendable () -> Void = {}
        var mapped = 0
        var returned: [[MemoryRange]] = []
    }

    let name = "scripted"
    let byteCount: UInt64
    private let offered: [any Interconnect]
    private let state = Locked(State())

    init(_ offered: [any Interconnect] = [SystemMemory.shared], byteCount: UInt64 = 4096) {
        self.offered = offered
        self.byteCount = byteCount
    }

    func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value { state.withLock { body(&$0) } }

    /// Mappings that were not ended.
    var outstanding: Int { change { $0.mapped - $0.returned.count } }

    func interconnects(for importer: any Importer) -> [any Interconnect] { offered }

    func map(_ attachment: BufferAttachment, _ direction: MappingDirection) throws(DMAError) -> [any InterconnectRange]
    {
        let (ranges, failure, onMap) = change { ($0.ranges, $0.failure, $0.onMap) }
        onMap()
        if let failure { throw failure }
        change { $0.mapped += 1 }
        return ranges
    }

    func unmap(_ ranges: [any InterconnectRange], of attachment: BufferAttachment) {
        let plain = ranges.map { MemoryRange(address: $0.address, byteCount: $0.byteCount) }
        change { $0.returned.append(plain) }
    }
}

/// An importer that answers what a test says.
final class ScriptedImporter: Importer {
    struct State {
        /// The answer for each interconnect; `nil`: accepted.
        var answers: [ObjectIdentifier: DMAError] = [:]
        var asked: [String] = []
        var takeFailure: DMAError?
        var releaseFailure: DMAError?
        var taken = 0
        var released: [ReleaseReason] = []
        var timeouts: [Duration?] = []
    }

    let name = "importer"
    let isDynamic: Bool
    private let state = Locked(State())

    init(isDynamic: Bool = true) {
        self.isDynamic = isDynamic
    }

    func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value { state.withLock { body(&$0) } }

    /// Mappings that are in use.
    var outstanding: Int { change { $0.taken - $0.released.count } }

    func match(_ interconnect: any Interconnect, of exporter: any Exporter) throws(DMAError) {
        let answer = change { state in
            state.asked.append(interconnect.name)
            return state.answers[ObjectIdentifier(interconnect)]
        }
        if let answer { throw answer }
    }

    func take(_ ranges: [any InterconnectRange], of attachment: BufferAttachment, _ direction: MappingDirection)
        throws(DMAError) -> [ImportedRange]
    {
        if let failure = change({ $0.takeFailure }) { throw failure }
        change { $0.taken += 1 }
        return ranges.map { ImportedRange(address: $0.address | 1 << 60, byteCount: $0.byteCount) }
    }

    func release(
        _ ranges: [ImportedRange], of attachment: BufferAttachment, for reason: ReleaseReason, within timeout: Duration?
    ) throws(DMAError) {
        let failure = change { state in
            state.timeouts.append(timeout)
            if state.releaseFailure == nil { state.released.append(reason) }
            return state.releaseFailure
        }
        if let failure { throw failure }
    }
}

extension DMAError {
    static func test(_ errno: Errno, _ message: String = "as the test says") -> DMAError {
        DMAError(.system, errno, message)
    }
}

/// The errno of the error that a call throws; `nil`: none.
func errno(of call: () throws(DMAError) -> Void) -> Errno? {
    do throws(DMAError) {
        try call()
        return nil
    } catch {
        return error.errno
    }
}
