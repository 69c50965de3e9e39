import ControllerProtocol
import DMAController
import Glibc
import LinuxSystem
import TestSupport
import Testing

/// Tenants that are control groups.
@Suite(
    .enabled(
        if: ControlGroupDirectory.root != nil && geteuid() == 0,
        "only the superuser starts processes of several users in several control groups"))
struct CgroupTenantTests {
    private let directory: TemporaryDirectory
    private let groups: [ControlGroupDirectory]

    init() throws {
        directory = try TemporaryDirectory()
        // The way to the socket; who may connect is said by the socket itself.
        chmod(directory.path, 0o711)
        groups = [try ControlGroupDirectory(), try ControlGroupDirectory()]
    }

    private func start(_ rule: ControllerConfiguration.TenantRule) throws -> DMAController {
        var configuration = ControllerConfiguration()
        configuration.tenants = rule
        configuration.quota.connections = 1
        configuration.socketMode = 0o666
        return try DMAController.start(path: directory.file("control"), configuration: configuration)
    }

    private func connect(_ controller: DMAController, from group: Int, as user: uid_t) throws -> MemberProcess {
        let arguments = [controller.path, "\(user)", "54321"]
        return try MemberProcess(running: groups[group].run(builtProduct("controller-member"), arguments))
    }

    private func expectFull(_ controller: DMAController, from group: Int, as user: uid_t) throws {
        let error = #expect(throws: TestSupportError.self) { _ = try connect(controller, from: group, as: user) }
        #expect(error?.description == "a member says: error \(EDQUOT)")
    }

    @Test func byCgroupTheUsersOfOneShareAQuotaAndOneUserHasOneInEach() throws {
        let controller = try start(.cgroups)
        let first = try connect(controller, from: 0, as: 1)
        try expectFull(controller, from: 0, as: 1)
        try expectFull(controller, from: 0, as: 2)
        let other = try connect(controller, from: 1, as: 1)
        #expect(controller.statistics.connections == 2)
        try first.kill()
        try eventually("its connection is gone") { controller.statistics.connections == 1 }
        let next = try connect(controller, from: 0, as: 2)
        for member in [next, other] { try member.kill() }
    }

    @Test func byUserACgroupMakesNoDifferenceExceptForTheOverflowUser() throws {
        let controller = try start(.users)
        var members = [try connect(controller, from: 0, as: 1)]
        try expectFull(controller, from: 1, as: 1)
        members.append(try connect(controller, from: 0, as: 2))
        // Stands for all users of containers that this user namespace does not have.
        members.append(try connect(controller, from: 0, as: 65534))
        try expectFull(controller, from: 0, as: 65534)
        members.append(try connect(controller, from: 1, as: 65534))
        for member in members { try member.kill() }
    }
}
