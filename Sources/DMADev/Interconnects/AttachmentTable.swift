internal import CDMATrace
internal import LinuxSystem
internal import SystemPackage

/// The attachments of a registry: makes them, and lists them. Any thread may call.
public final class AttachmentTable: Sendable {
    /// The maximum number of attachments at a time.
    public static let maximumCount = 65_536

    /// The maximum number of kinds of fall-backs that are counted apart; more are counted with the reason "other".
    static let maximumFallBackKinds = 64

    private struct State {
        var attachments: [UInt64: BufferAttachment] = [:]
        var lastID: UInt64 = 0
        var counts = AttachmentCounts()
        var fallBacks: [BufferAttachment.FallBack: UInt64] = [:]
    }

    private let state = Locked(State())
    private let failedCalls: FailedCallLog

    init(failedCalls: FailedCallLog) {
        self.failedCalls = failedCalls
    }

    /// Attaches an importer to an exporter's buffer: chooses the interconnect, for good. Nothing is mapped yet.
    ///
    /// The exporter's interconnects are tried in its order. One that the importer, or this call, does not support is
    /// counted as a fall-back with the reason, and the next one is tried; any other error ends the attach. The exporter
    /// places ``SystemMemory`` last, so that it is the last resort.
    ///
    /// - Parameters:
    ///   - exporter: kept until the attachment is detached.
    ///   - importer: kept until the attachment is detached.
    ///   - allowed: the interconnects that the attachment may use; `nil`: all.
    /// - Returns: the attachment, which is in the table until ``BufferAttachment/detach()``.
    /// - Throws: `EOPNOTSUPP` for a static importer, when no interconnect is allowed, and when none is supported, with
    ///   all reasons; `EINVAL` for a buffer of 0 bytes, or a list of interconnects that is empty, has one twice, or
    ///   system memory before another one, and for a ``MemoryRegion`` that is not registered any more; `ENOSPC` when the table is full; the importer's errors.
    public func attach(
        _ exporter: any Exporter, to importer: any Importer, allowing allowed: [any Interconnect]? = nil
    ) throws(DMAError) -> BufferAttachment {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        var made: BufferAttachment?
        return try tracing("interconnect_attach", of: importer.deviceID) { ret in
            guard dmatrace_dmadev_interconnect_attach_enabled() else { return }
            dmatrace_emit_dmadev_interconnect_attach(
                id, importer.deviceID, importer.name, exporter.name, exporter.inode, exporter.byteCount,
                made?.interconnect.name ?? "", UInt16(clamping: made?.fallBacks.count ?? 0), ret)
        } _: { () throws(DMAError) in
            let (interconnect, fallBacks) = try choose(id, exporter, importer, allowed)
            let attachment = BufferAttachment(id: id, exporter, importer, over: interconnect, fallBacks, in: self)
            let region = exporter as? MemoryRegion
            let token = try region?.beginUse(by: attachment)
            do throws(DMAError) {
                try add(attachment)
            } catch {
                if let region, let token { region.endUse(token) }
                throw error
            }
            made = attachment
            return attachment
        }
    }

    /// The attachments of a buffer that are not detached: whoever wants to free it revokes them.
    public func attachments(of exporter: any Exporter) -> [BufferAttachment] {
        state.withLock { $0.attachments.values.filter { $0.exporter === exporter } }.sorted { $0.id < $1.id }
    }

    // MARK: For telemetry and displays

    /// All attachments, in the order of their numbers. Nothing is traced or recorded.
    public var reports: [AttachmentReport] {
        state.withLock { Array($0.attachments.values) }.map(\.report).sorted { $0.id < $1.id }
    }

    /// What happened so far.
    public var counts: AttachmentCounts { state.withLock { $0.counts } }

    /// The fall-backs so far by interconnect and reason, sorted.
    public var fallBackCounts: [FallBackCount] {
        state.withLock { $0.fallBacks }
            .map { FallBackCount(interconnect: $0.interconnect, reason: $0.reason, count: $1) }
            .sorted { ($0.interconnect, $0.reason) < ($1.interconnect, $1.reason) }
    }

    // MARK: Inside

    private func choose(
        _ id: UInt64, _ exporter: any Exporter, _ importer: any Importer, _ allowed: [any Interconnect]?
    ) throws(DMAError) -> (any Interconnect, [BufferAttachment.FallBack]) {
        guard importer.isDynamic else {
            throw .unsupported("importer \(importer.name) is static: it could not release a mapping that is revoked")
        }
        guard allowed?.isEmpty != true else { throw .unsupported("the attachment allows no interconnect") }
        guard exporter.byteCount > 0 else { throw .invalid("exporter \(exporter.name) has a buffer of 0 bytes") }
        let offered = exporter.interconnects(for: importer)
        guard !offered.isEmpty, Set(offered.map { ObjectIdentifier($0) }).count == offered.count,
            !offered.dropLast().contains(where: { $0 === SystemMemory.shared })
        else {
            throw .invalid(
                "exporter \(exporter.name) offers \(offered.map(\.name).joined(separator: ", ")): allowed is at least one "
                    + "interconnect, each once, system memory last")
        }
        var fallBacks: [BufferAttachment.FallBack] = []
        for interconnect in offered {
            do throws(DMAError) {
                guard allowed?.contains(where: { $0 === interconnect }) != false else {
                    throw .unsupported("the attachment does not allow it")
                }
                try importer.match(interconnect, of: exporter)
                return (interconnect, fallBacks)
            } catch {
                guard error.errno == .notSupported else { throw error }
                let fallBack = BufferAttachment.FallBack(interconnect: interconnect.name, reason: error.message)
                fallBacks.append(fallBack)
                count(fallBack)
                dmatrace_dmadev_interconnect_fallback(
                    id, importer.deviceID, fallBack.interconnect, fallBack.reason, -error.errno.rawValue)
            }
        }
        throw .unsupported(
            "importer \(importer.name) supports no interconnect of exporter \(exporter.name): "
                + fallBacks.map { "\($0.interconnect): \($0.reason)" }.joined(separator: "; "))
    }

    private func add(_ attachment: BufferAttachment) throws(DMAError) {
        try state.withLock { state throws(DMAError) in
            guard state.attachments.count < Self.maximumCount else {
                throw DMAError(.exhausted, .noSpace, "\(Self.maximumCount) attachments exist, the maximum")
            }
            state.attachments[attachment.id] = attachment
            state.counts.attached += 1
        }
    }

    private func count(_ fallBack: BufferAttachment.FallBack) {
        state.withLock { state in
            var kind = fallBack
            if state.fallBacks[kind] == nil, state.fallBacks.count >= Self.maximumFallBackKinds {
                kind = BufferAttachment.FallBack(interconnect: "other", reason: "other")
            }
            state.fallBacks[kind, default: 0] += 1
        }
    }

    func count(_ member: WritableKeyPath<AttachmentCounts, UInt64>) {
        state.withLock { $0.counts[keyPath: member] += 1 }
    }

    func remove(_ attachment: BufferAttachment) {
        state.withLock { state in
            state.attachments[attachment.id] = nil
            state.counts.detached += 1
        }
    }

    /// Runs a call, traces its result, and records its failure.
    func tracing<R>(
        _ call: String, of device: Int16, _ trace: (Int32) -> Void, _ body: () throws(DMAError) -> R
    ) throws(DMAError) -> R {
        do throws(DMAError) {
            return try failedCalls.tracing(call, of: device, trace, body)
        } catch {
            count(\.failures)
            throw error
        }
    }
}

extension DMAError {
    static func unsupported(_ message: String) -> DMAError { DMAError(.notSupported, .notSupported, message) }
}
