internal import LinuxSystem
internal import SystemPackage

/// The relation of one exporter's buffer and one importer, over one interconnect that was chosen when it was made; see
/// ``AttachmentTable/attach(_:to:allowing:)``.
///
/// ```
///             map                 revoke                 the importer has released
/// attached ────────► mapped ────────────────► revoking ────────────────────────────► dead
///          ◄────────
///            unmap
/// ```
///
/// The importer's owner calls ``map(_:)``, ``unmap()`` and ``detach()``, the exporter's owner ``revoke(within:)``. Any
/// thread may make any call at any time; calls of one attachment that need the exporter or the importer wait for each
/// other. An attachment that is not detached stays in its table, and keeps exporter and importer.
///
/// Each call has its event, with its result, and its failure is one of the registry's failed calls.
public final class BufferAttachment: Sendable {
    /// The state of an attachment.
    public enum State: UInt8, Sendable, Hashable, CaseIterable {
        /// Not mapped.
        case attached = 0
        /// The importer may access the buffer.
        case mapped = 1
        /// A revocation has begun and the importer has not released the buffer yet.
        case revoking = 2
        /// Revoked or detached: it cannot be mapped again.
        case dead = 3

        /// The name in telemetry.
        public var name: String {
            switch self {
            case .attached: "attached"
            case .mapped: "mapped"
            case .revoking: "revoking"
            case .dead: "dead"
            }
        }
    }

    /// An interconnect of the exporter that was not chosen.
    public struct FallBack: Sendable, Hashable {
        /// The interconnect's name.
        public let interconnect: String
        /// Why it was not supported.
        public let reason: String
    }

    /// The maximum number of ranges of a mapping.
    public static let maximumRangeCount = 4096

    /// The number of the attachment in its table, from 1; never reused.
    public let id: UInt64
    /// The owner of the buffer.
    public let exporter: any Exporter
    /// The user of the buffer.
    public let importer: any Importer
    /// Chosen when the attachment was made.
    public let interconnect: any Interconnect
    /// The interconnects that the exporter prefers to the chosen one, and why they were not chosen.
    public let fallBacks: [FallBack]

    private let table: AttachmentTable
    private let status = Locked(Status())
    /// Increases when the turn of a call ends.
    private let turns = ChangeCount()

    private struct Mapping {
        var direction: MappingDirection
        var ranges: [any InterconnectRange]
        var imported: [ImportedRange]
    }

    private struct Status {
        /// A call uses the exporter or the importer: it alone changes `mapping`, and ends the life.
        var isBusy = false
        var mapping: Mapping?
        /// When the first revocation began.
        var revoked: MonotonicTime?
        var isDead = false
        var isDetached = false
        var mapCount: UInt64 = 0
        var lastError: DMAError?

        var state: State {
            if isDead { return .dead }
            if revoked != nil { return .revoking }
            return mapping == nil ? .attached : .mapped
        }
    }

    init(
        id: UInt64, _ exporter: any Exporter, _ importer: any Importer, over interconnect: any Interconnect,
        _ fallBacks: [FallBack], in table: AttachmentTable
    ) {
        self.id = id
        self.exporter = exporter
        self.importer = importer
        self.interconnect = interconnect
        self.fallBacks = fallBacks
        self.table = table
    }

    /// The state now.
    public var state: State { status.withLock { $0.state } }

    // MARK: The importer's side

    /// Maps the buffer: from now on the importer may access it.
    ///
    /// The exporter makes its ranges, the library checks them (see ``Exporter/map(_:_:)``), and the importer takes them.
    /// If one of these fails, all of it is undone, and the attachment is as before.
    ///
    /// - Parameter direction: the accesses that the importer may make.
    /// - Returns: the importer's addresses, in the order of the buffer.
    /// - Throws: `EBUSY` when it is mapped, `ENODEV` when it was revoked or detached, `EINVAL` for ranges that the library
    ///   refuses, and errors of exporter and importer.
    @discardableResult
    public func map(_ direction: MappingDirection) throws(DMAError) -> [ImportedRange] {
        var made: Mapping?
        return try calling("interconnect_map") { ret in
            traceMap(direction, made?.ranges ?? [], made?.imported ?? [], ret)
        } _: { () throws(DMAError) in
            try mustBeLive()
            guard status.withLock({ $0.mapping == nil }) else {
                throw DMAError(.busy, .resourceBusy, "attachment \(id) is mapped: unmap it first")
            }
            let mapping = try makeMapping(direction)
            let isRevoked = status.withLock { status in
                status.mapping = mapping
                status.mapCount += 1
                return status.revoked != nil
            }
            if isRevoked {
                try end(.unmap, within: nil)
                throw revocationError
            }
            made = mapping
            return mapping.imported
        }
    }

    /// Ends the mapping: when it returns, the importer accesses no byte of the buffer, and operations that use its
    /// addresses fail.
    ///
    /// It frees what there is in every state: during a revocation it completes that, and after one it does nothing.
    ///
    /// - Throws: `EINVAL` when nothing was mapped; errors of the importer, after which all is mapped as before.
    public func unmap() throws(DMAError) {
        try calling("interconnect_unmap") { ret in
            traceUnmap(ret)
        } _: { () throws(DMAError) in
            let (isMapped, isRevoked) = status.withLock { ($0.mapping != nil, $0.revoked != nil) }
            guard isMapped || isRevoked else { throw .invalid("attachment \(id) is not mapped") }
            try end(.unmap, within: nil)
        }
    }

    /// Ends the attachment, and the mapping if there is one, and removes it from its table. It works in every state.
    ///
    /// - Throws: `EINVAL` for the second call; errors of the importer, after which all is as before.
    public func detach() throws(DMAError) {
        try calling("interconnect_detach") { ret in
            traceDetach(ret)
        } _: { () throws(DMAError) in
            guard status.withLock({ !$0.isDetached }) else { throw .invalid("attachment \(id) is detached") }
            try end(.unmap, within: nil)
            status.withLock { status in
                status.isDead = true
                status.isDetached = true
            }
            table.remove(self)
        }
    }

    /// The ranges of the mapping, for an importer that knows the interconnect.
    ///
    /// - Returns: `nil` if it is not the interconnect of the attachment, or nothing is mapped.
    public func ranges<I: Interconnect>(on interconnect: I) -> [I.Range]? {
        guard interconnect === self.interconnect else { return nil }
        return status.withLock { $0.mapping?.ranges as? [I.Range] }
    }

    /// The importer's addresses of the mapping; empty when nothing is mapped.
    public var importedRanges: [ImportedRange] { status.withLock { $0.mapping?.imported ?? [] } }

    // MARK: The exporter's side

    /// Takes the buffer back: when it returns, the importer accesses no byte of it, every access through the attachment
    /// fails, and the attachment is dead.
    ///
    /// It waits for the importer, and for a call of the attachment that runs. Meanwhile, and after a timeout, the state is
    /// `revoking`: telemetry shows it with its age, nothing can be mapped, and the buffer must stay valid. Call it again
    /// to go on waiting; if the importer's side unmaps instead, the attachment is dead, too. Revoking a dead attachment
    /// does nothing.
    ///
    /// - Parameter timeout: the longest time to wait, as far as the importer observes it.
    /// - Throws: `ETIMEDOUT`, and errors of the importer.
    public func revoke(within timeout: Duration = .seconds(1)) throws(DMAError) {
        let begin = MonotonicTime.now
        let deadline = begin.advanced(by: timeout)
        try table.tracing("interconnect_revoke", of: importer.deviceID) { ret in
            traceRevoke(timeout, waited: MonotonicTime.now.nanoseconds(since: begin), ret)
        } _: { () throws(DMAError) in
            let isFirst = status.withLock { status in
                guard status.revoked == nil, !status.isDead else { return false }
                status.revoked = begin
                return true
            }
            if isFirst { table.count(\.revocations) }
            do throws(DMAError) {
                guard claim(until: deadline) else {
                    throw DMAError(
                        .timedOut, .timedOut, "attachment \(id): another call of it did not end in \(timeout)")
                }
                defer { endTurn() }
                try end(.revoke, within: .nanoseconds(Int64(clamping: deadline.nanoseconds(since: .now))))
            } catch {
                if error.errno == .timedOut { table.count(\.revocationTimeouts) }
                status.withLock { $0.lastError = error }
                throw error
            }
        }
    }

    // MARK: Inside

    /// Runs a call that uses the exporter or the importer, when no other one does.
    private func calling<R>(
        _ call: String, _ trace: (Int32) -> Void, _ body: () throws(DMAError) -> R
    ) throws(DMAError) -> R {
        try table.tracing(call, of: importer.deviceID, trace) { () throws(DMAError) in
            _ = claim(until: nil)
            defer { endTurn() }
            do throws(DMAError) {
                return try body()
            } catch {
                status.withLock { $0.lastError = error }
                throw error
            }
        }
    }

    /// - Returns: whether it is this call's turn; `false` after the deadline.
    private func claim(until deadline: MonotonicTime?) -> Bool {
        while true {
            let seen = turns.value
            let isMine = status.withLock { status in
                defer { status.isBusy = true }
                return !status.isBusy
            }
            if isMine { return true }
            let left = deadline?.nanoseconds(since: .now) ?? 1_000_000_000
            guard left > 0 else { return false }
            turns.wait(while: seen, atMost: left)
        }
    }

    private func endTurn() {
        status.withLock { $0.isBusy = false }
        turns.increment()
    }

    private func mustBeLive() throws(DMAError) {
        guard status.withLock({ $0.revoked == nil && !$0.isDead }) else { throw revocationError }
    }

    private var revocationError: DMAError {
        DMAError(.revoked, .operationNotSupportedByDevice, "attachment \(id) was revoked or detached: make a new one")
    }

    private func makeMapping(_ direction: MappingDirection) throws(DMAError) -> Mapping {
        let ranges = try exporter.map(self, direction)
        do throws(DMAError) {
            try RangeList.validate(
                ranges, on: interconnect, byteCount: exporter.byteCount, of: exporter.name)
            return Mapping(
                direction: direction, ranges: ranges, imported: try importer.take(ranges, of: self, direction))
        } catch {
            exporter.unmap(ranges, of: self)
            throw error
        }
    }

    /// Ends the mapping, if there is one, and the life of a revoked attachment. An error changes nothing.
    private func end(_ reason: ReleaseReason, within timeout: Duration?) throws(DMAError) {
        if let mapping = status.withLock({ $0.mapping }) {
            try importer.release(mapping.imported, of: self, for: reason, within: timeout)
            exporter.unmap(mapping.ranges, of: self)
        }
        status.withLock { status in
            status.mapping = nil
            if status.revoked != nil { status.isDead = true }
        }
    }

    /// For telemetry; waits for no call.
    var report: AttachmentReport {
        let now = status.withLock { $0 }
        return AttachmentReport(
            id: id, exporter: exporter.name, inode: exporter.inode,
            region: (exporter as? MemoryRegion)?.number, byteCount: exporter.byteCount, importer: importer.name,
            device: importer.deviceID, interconnect: interconnect.name, fallBacks: fallBacks,
            state: now.state, direction: now.mapping?.direction,
            ranges: (now.mapping?.ranges ?? []).map { MemoryRange(address: $0.address, byteCount: $0.byteCount) },
            imported: now.mapping?.imported ?? [], mapCount: now.mapCount,
            revocationAge: now.revoked.map { .nanoseconds(Int64(clamping: MonotonicTime.now.nanoseconds(since: $0))) },
            lastError: now.lastError?.message)
    }
}
