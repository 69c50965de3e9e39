import DMADev
import Dispatch
import GroupTestSupport
import LinuxSystem
import SystemPackage
import Testing

/// Devices of two processes that share access groups.
struct TwoDevices {
    let groups = SharedGroups()
    let registry = DeviceRegistry()
    let nearDriver, farDriver: GroupDevice
    let near, far: DMADevice
    let token = AccessToken.random()
    let domain = DomainID.random()
    let peer = DomainID.random()

    init(_ capabilities: Capabilities = [.interProcessDomain]) throws {
        nearDriver = GroupDevice(groups, process: 1, capabilities: capabilities)
        farDriver = GroupDevice(groups, process: 2, capabilities: capabilities)
        near = try registry.add(nearDriver, named: "near")
        far = try registry.add(farDriver, named: "far")
    }

    /// A group that `near` has made, and `far` has joined.
    func group() throws -> AccessGroupID {
        let group = try near.createAccessGroup(domain: domain, token: token)
        try far.joinAccessGroup(group, domain: peer, token: token)
        return group
    }
}

/// Notes what a callback is called with, and lets a test wait for it.
final class Heard: Sendable {
    private let events = Locked<[String]>([])
    private let semaphore = DispatchSemaphore(value: 0)

    var callback: AccessGroupCallback { AccessGroupCallback { self.note($0, $1) } }

    func note(_ device: Int16, _ event: AccessGroupEvent) {
        events.withLock { $0.append("\(device) \(event.kind.name) \(event.group)") }
        semaphore.signal()
    }

    var all: [String] { events.withLock { $0 } }

    /// Waits for that many more; a test that waits in vain fails by its time limit.
    func wait(for count: Int = 1) {
        for _ in 0..<count { semaphore.wait() }
    }
}

/// Expects an error by its errno, and gives its sentence.
@discardableResult
func refused<R>(
    _ errno: Errno, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> R
) -> String {
    let error = #expect(throws: DMAError.self, sourceLocation: sourceLocation) { _ = try body() }
    #expect(error?.errno == errno, sourceLocation: sourceLocation)
    return error?.description ?? ""
}
