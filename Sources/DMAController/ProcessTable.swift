internal import GroupTable
internal import LinuxSystem

/// The processes that have connections. For the control thread only.
struct ProcessTable {
    /// What tells a process from all others.
    enum Identity: Hashable {
        case process(ProcessIdentity)
        case guest(domain: String, session: UInt64, identity: UInt64)
    }

    private struct Record {
        let identity: Identity?
        var connectionCount = 1
        /// Of registered memory.
        var addresses: AddressCounter
    }

    /// The addresses of registered memory: beyond every address that a process can have, and below those of windows.
    private static let addressRange: Range<UInt64> = 1 << 57..<1 << 63
    /// Why ``takeAddresses(_:of:)`` returns `nil`.
    static let addressesUsedUp =
        "this process has used up its addresses for memory, which are not assigned again: close all its devices, and add "
        + "them again"

    private var records: [UInt64: Record] = [:]
    private var numbers: [Identity: UInt64] = [:]
    private var lastNumber: UInt64 = 0

    /// Adds a connection.
    ///
    /// - Parameter identity: of its process; `nil`: it cannot be told from others, and has one connection.
    /// - Returns: the number of the process, which no other one ever has.
    mutating func connect(_ identity: Identity?) -> UInt64 {
        if let number = identity.flatMap({ numbers[$0] }) {
            records[number]?.connectionCount += 1
            return number
        }
        lastNumber += 1
        records[lastNumber] = Record(
            identity: identity, addresses: AddressCounter(Self.addressRange, owner: lastNumber))
        if let identity { numbers[identity] = lastNumber }
        return lastNumber
    }

    /// Assigns addresses that no memory of the process has had; `nil` when none are left. Other processes have addresses of
    /// their own.
    mutating func takeAddresses(_ byteCount: UInt64, of number: UInt64) -> UInt64? {
        records[number]?.addresses.take(byteCount)
    }

    /// Removes a connection.
    ///
    /// - Returns: whether it was the last one of its process, which has another number when it connects again.
    mutating func disconnect(_ number: UInt64) -> Bool {
        guard let record = records[number] else { return false }
        guard record.connectionCount == 1 else {
            records[number]?.connectionCount -= 1
            return false
        }
        records[number] = nil
        if let identity = record.identity { numbers[identity] = nil }
        return true
    }
}
