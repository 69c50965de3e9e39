import DMADev
import GroupTable
import LinuxSystem
import SystemPackage
import Testing

/// A table with the names that its tests use.
struct World {
    var table: AccessGroupTable
    var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    let token = AccessToken.random()
    let wrongToken = AccessToken.random()

    init(_ limits: AccessGroupLimits = AccessGroupLimits(groupCount: 8)) throws {
        table = try AccessGroupTable(limits: limits)
    }

    /// A group of `size` processes, 1 to `size`, each with its device 0 and domain of its own.
    mutating func group(of size: Int, limit: UInt16 = 16) throws -> AccessGroupID {
        let id = try table.create(.group(limit: limit), domain: .numbered(1), token: token, by: .process(1))
        for process in 1..<UInt64(max(size, 1)) { try join(id, .numbered(process + 1), .process(process + 1)) }
        _ = table.takeDeliveries()
        return id
    }

    @discardableResult
    mutating func join(
        _ id: AccessGroupID, _ domain: DomainID, _ client: AccessGroupClient, _ token: AccessToken? = nil
    ) throws(DMAError) -> DomainHandler {
        try table.join(id, domain: domain, token: token ?? self.token, by: client, at: now)
    }

    /// What is told now, as `process kind subject`.
    mutating func told() -> [String] {
        table.takeDeliveries().map { delivery in
            "\(delivery.client.process) \(delivery.event.kind.name) \(delivery.event.domain.number)"
        }
    }

    func handler(_ process: UInt64, in id: AccessGroupID) throws -> DomainHandler {
        let members = try table.group(id, for: .process(process)).members
        return try #require(members.first { $0.domain == .numbered(process) }).handler
    }
}

extension AccessGroupClient {
    /// Processes of one user each ten: 1 to 9 are user 0's, 10 to 19 user 1's.
    static func process(_ process: UInt64, device: Int16 = 0) -> AccessGroupClient {
        AccessGroupClient(
            process: process, device: process << 16 | UInt64(device), number: device, processID: Int32(1000 + process),
            userID: UInt32(process / 10))
    }
}

extension DomainID {
    static func numbered(_ number: UInt64) -> DomainID {
        // 16 bytes make an identifier.
        DomainID(bytes: [UInt8](repeating: 0, count: 15) + [UInt8(number)]).unsafelyUnwrapped
    }

    var number: Int { Int(bytes[15]) }
}

/// Expects an error by its errno.
func refused<R>(
    _ errno: Errno, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws(DMAError) -> R
) {
    do throws(DMAError) {
        _ = try body()
        Issue.record("\(errno) was expected", sourceLocation: sourceLocation)
    } catch {
        #expect(error.errno == errno, "\(error)", sourceLocation: sourceLocation)
    }
}
