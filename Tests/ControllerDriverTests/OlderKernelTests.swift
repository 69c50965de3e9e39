import ControllerDriver
import DMADev
import Glibc
import SystemPackage
import TestSupport
import Testing

/// Controllers and applications on kernels that lack what newer ones have, down to Linux 6.1; and a controller that does
/// not see the processes of its applications.
@Suite struct OlderKernelTests {
    private static let calls = ["peerpidfd", "statx", "memfd-secret", "membarrier", "userfaultfd"]
    private static let needsRoot: Comment = "only the superuser makes a PID namespace"

    /// Two devices of this process in one group, as the same domain.
    private func joinTwice(_ host: ControllerHost) throws -> [AccessGroupMember] {
        let registry = DeviceRegistry()
        let devices = try ["one", "two"].map { try registry.add(ControllerDevice(path: host.path), named: $0) }
        let (domain, token) = (DomainID.random(), AccessToken.random())
        let group = try devices[0].createAccessGroup(domain: domain, token: token)
        _ = try devices[1].joinAccessGroup(group, domain: domain, token: token)
        return try devices[0].accessGroupTable(group)
    }

    private func errno(_ body: () throws -> Void) throws -> Errno? {
        do throws {
            try body()
            return nil
        } catch let error as DMAError {
            return error.errno
        }
    }

    @Test(arguments: calls + [calls.joined(separator: ",")])
    func theControllerServesWithoutNewerCalls(refused: String) throws {
        let host = try ControllerHost(without: refused)
        let first = try MemberProcess(host.path)
        let second = try MemberProcess(
            running: RunningProgram(
                builtProduct("refuse-calls"), [refused, builtProduct("controller-member"), host.path]))
        let token = Token()
        let made = try first.create(token)
        let joined: UInt16 = try second.number("join \(made.group) \(token.hex)")
        _ = try second.copyPage(to: first, in: made)
        #expect(try joinTwice(host).count == 1)
        try second.kill()
        try first.hear("left:\(made.group):\(joined)")
        #expect(try first.ask("destroy \(made.group)") == "ok")
    }

    // MARK: PID namespaces

    /// A controller to which all processes of the test have the ID 0.
    private func hostInANamespace(without call: String? = nil) throws -> ControllerHost {
        let unshare = try requiredTool("unshare", package: "util-linux")
        return try ControllerHost(without: call, under: [unshare, "--pid", "--fork", "--kill-child"])
    }

    @Test(.enabled(if: geteuid() == 0, needsRoot))
    func processesWithoutAVisibleIDAreToldApart() throws {
        let host = try hostInANamespace()
        let members = try joinTwice(host)
        #expect(members.map(\.processID) == [0] && members.first?.devices.count == 2)
        // Another process with the same domain is another one, also when both are number 0.
        let other = try MemberProcess(host.path)
        let token = Token()
        let made = try other.create(token)
        let hex = try other.ask("domain")
        let bytes = stride(from: 0, to: hex.count, by: 2).compactMap {
            UInt8(hex.dropFirst($0).prefix(2), radix: 16)
        }
        let device = try DeviceRegistry().add(ControllerDevice(path: host.path), named: "own")
        let group = AccessGroupID(made.group)
        let secret = try #require(token.bytes.withUnsafeBytes { AccessToken(bytes: $0) })
        let domain = try #require(DomainID(bytes: bytes))
        #expect(try errno { _ = try device.joinAccessGroup(group, domain: domain, token: secret) } == .fileExists)
        // Its end is seen without its number.
        _ = try device.joinAccessGroup(group, domain: .random(), token: secret)
        try other.kill()
        try eventually("the group ends with its creator") { device.view.accessGroups.isEmpty }
    }

    @Test(.enabled(if: geteuid() == 0, needsRoot))
    func withoutIDsAndIdentitiesEachConnectionIsAProcess() throws {
        let host = try hostInANamespace(without: "statx")
        #expect(try errno { _ = try joinTwice(host) } == .fileExists)
    }

    @Test(.enabled(if: geteuid() == 0, needsRoot))
    func aProcessThatCannotBeWatchedIsRefusedWithTheReason() throws {
        let host = try hostInANamespace(without: "peerpidfd")
        let error = #expect(throws: DMAError.self) { _ = try ControllerDevice(path: host.path) }
        #expect(error?.errno == .notSupported && error?.message.contains("this needs Linux 6.5") == true)
    }
}
