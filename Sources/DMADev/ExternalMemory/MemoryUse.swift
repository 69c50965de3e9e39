internal import LinuxSystem
internal import SystemPackage

/// Why a region cannot be unregistered.
public enum MemoryUse: Sendable, Hashable {
    /// A device has mapped it.
    case mapping(device: Int16, name: String, iova: UInt64)
    /// A device has opened a window over a part of it.
    case window(device: Int16, name: String, group: AccessGroupID, iova: UInt64)
    /// Another process has attached it. 0: a process that is not visible from this one.
    case process(Int32)
    /// Another part of the library uses it, in its words.
    case other(String)
}

extension MemoryUse: CustomStringConvertible {
    /// What uses it, as a part of a sentence.
    public var description: String {
        switch self {
        case .mapping(let device, let name, let iova):
            "mapped by device \(device) '\(name)' at IOVA 0x\(String(iova, radix: 16))"
        case .window(let device, let name, let group, let iova):
            "open as a window of device \(device) '\(name)' in access group \(group) at 0x\(String(iova, radix: 16))"
        case .process(let pid): pid == 0 ? "attached by another process" : "attached by process \(pid)"
        case .other(let what): what
        }
    }
}

/// The uses of a region.
struct MemoryUses {
    /// The life of a region.
    enum Phase {
        /// Callbacks are being told of it.
        case announced
        case registered
        /// It gets no further uses.
        case leaving
    }

    private struct Entry {
        var use: MemoryUse
        var isLive: @Sendable () -> Bool
    }

    var phase = Phase.announced
    private var entries: [UInt64: Entry] = [:]
    private var nextToken: UInt64 = 1
    /// One for each time that the region was sent.
    private var leases: [Lease] = []

    /// The most leases of a region that other processes hold.
    static let maximumLeaseCount = 1024

    mutating func begin(_ use: MemoryUse, _ isLive: @escaping @Sendable () -> Bool) -> UInt64 {
        defer { nextToken += 1 }
        entries[nextToken] = Entry(use: use, isLive: isLive)
        return nextToken
    }

    mutating func update(_ token: UInt64, _ use: MemoryUse, _ isLive: @escaping @Sendable () -> Bool) {
        entries[token] = Entry(use: use, isLive: isLive)
    }

    mutating func end(_ token: UInt64) { entries[token] = nil }

    /// Whether another process may get a lease.
    mutating func hasRoomForLease() -> Bool {
        if leases.count >= Self.maximumLeaseCount { leases.removeAll { $0.state == .ended } }
        return leases.count < Self.maximumLeaseCount
    }

    mutating func add(_ lease: Lease) { leases.append(lease) }

    /// The current uses, in the order of their beginnings. Those that have ended by themselves are forgotten.
    mutating func current() -> [MemoryUse] {
        entries = entries.filter { $0.value.isLive() }
        var uses = entries.sorted { $0.key < $1.key }.map(\.value.use)
        leases.removeAll { lease in
            switch lease.state {
            case .ended: return true
            case .unused: return false
            case .used(let pid):
                uses.append(.process(pid))
                return false
            }
        }
        return uses
    }

    /// Lets no other process attach the region from now on: those that were sent it and have not attached it.
    mutating func closeLeases() {
        for lease in leases { lease.close() }
    }
}

/// Uses by other parts of the library: each must end before the region can be unregistered.
extension MemoryRegion {
    /// Begins a use.
    ///
    /// - Parameter isLive: whether the use still exists, for one that may end by itself.
    /// - Returns: a token for ``endUse(_:)``.
    /// - Throws: `EINVAL` when the region is not registered any more.
    package func beginUse(
        _ use: MemoryUse, isLive: @escaping @Sendable () -> Bool = { true }
    ) throws(DMAError) -> UInt64 {
        let token = uses.withLock { uses in uses.phase == .leaving ? nil : uses.begin(use, isLive) }
        guard let token else { throw notRegistered }
        return token
    }

    /// Replaces what a use is.
    package func updateUse(
        _ token: UInt64, _ use: MemoryUse, isLive: @escaping @Sendable () -> Bool = { true }
    ) {
        uses.withLock { $0.update(token, use, isLive) }
    }

    /// Ends a use.
    package func endUse(_ token: UInt64) { uses.withLock { $0.end(token) } }

    /// What uses the region now. Any thread may read it at any time; nothing is traced.
    public var currentUses: [MemoryUse] { uses.withLock { $0.current() } }
}
