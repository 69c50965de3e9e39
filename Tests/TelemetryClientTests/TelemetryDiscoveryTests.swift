import Glibc
import LinuxSystem
import SystemPackage
import TelemetryClient
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@Suite struct TelemetryDiscoveryTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func path(_ prefix: String, _ instance: Int = 0) -> String {
        directory.runDirectory.socketPath(filePrefix: prefix, instance: instance)
    }

    private func live(_ prefix: String, _ instance: Int = 0) throws -> FakePeer {
        try FakePeer(path(prefix, instance), [.send(FakePeer.greeting), .waitForEnd])
    }

    private func dead(_ prefix: String, _ instance: Int = 0) throws {
        let socket = try SequencedPacketSocket.open()
        try SequencedPacketSocket.bind(socket, to: path(prefix, instance), mode: [.ownerReadWrite])
    }

    @Test func allSocketsAreFoundAndNothingElse() throws {
        directory.makeRunDirectory("rte")
        directory.makeRunDirectory("app")
        directory.makeRunDirectory("empty")
        try dead("rte")
        let first = try live("rte", 10)
        let second = try live("rte", 2)
        let third = try live("app")
        close(open(directory.path + "/dpdk/app/dpdk_telemetry.v2.lock", O_CREAT | O_RDWR, 0o600))
        close(open(directory.path + "/dpdk/app/config", O_CREAT | O_RDWR, 0o600))
        close(open(directory.path + "/dpdk/file", O_CREAT | O_RDWR, 0o600))
        let found = TelemetryDiscovery.search([directory.runDirectory])
        #expect(found.sources.map { "\($0.prefix):\($0.instance ?? -1)" } == ["app:0", "rte:0", "rte:2", "rte:10"])
        #expect(found.sources.map(\.path) == [third.path, path("rte"), second.path, first.path])
        #expect(found.sources.allSatisfy { $0.runDirectory == directory.runDirectory.applications })
        #expect(found.unreadable.isEmpty)
        #expect(found.sources.map { TelemetryDiscovery.isLive($0.path) } == [true, false, true, true])
        let none = TelemetryDiscovery.search([TelemetryRunDirectory(root: "/nonexistent")])
        #expect(none.sources.isEmpty && none.unreadable.isEmpty)
    }

    /// Each directory costs time, and a command about one source must not need more with each other one.
    @Test func directoriesThatCannotHaveASelectedSourceAreNotRead() throws {
        for prefix in ["one", "two"] {
            directory.makeRunDirectory(prefix)
            try dead(prefix)
            try dead(prefix, 1)
        }
        let applications = directory.runDirectory.applications
        func found(_ selector: String) -> [String] {
            TelemetryDiscovery.search([directory.runDirectory], for: TelemetrySourceSelector(selector)).sources.map(
                \.path)
        }
        let both = [path("one"), path("one", 1)]
        #expect(found("one") == both)
        #expect(found("one:1") == both, "what is selected of a directory is not decided here")
        #expect(found("\(applications)/one") == both)
        #expect(found("\(applications)/one:1") == both)
        #expect(found(path("one", 1)) == both)
        #expect(found("three").isEmpty)
    }

    @Test func theSocketsOfGuestsAreFoundWithThoseOfTheHost() throws {
        directory.makeRunDirectory("app")
        try dead("app")
        for name in ["vm2", "vm1"] {
            let guest = directory.runDirectory.domain(name)
            directory.makeRunDirectory("app", ofGuest: name)
            let socket = try SequencedPacketSocket.open()
            try SequencedPacketSocket.bind(socket, to: guest.socketPath(filePrefix: "app"), mode: [.ownerReadWrite])
        }
        let found = TelemetryDiscovery.search([directory.runDirectory])
        #expect(found.sources.map(\.prefix) == ["app", "app", "app"])
        #expect(found.sources.map(\.domain) == [nil, "vm1", "vm2"])
        #expect(found.unreadable.isEmpty)
    }

    /// The directory of a prefix is its user's, a run directory may be anybody's.
    @Test(.enabled(if: geteuid() == 0, "\(OtherUsersServer.needsSuperuser)"))
    func directoriesThatCannotBeReadAreFoundWithTheirOwner() throws {
        directory.makeRunDirectory("app")
        try dead("app")
        chmod(directory.path, 0o711)
        chmod(directory.runDirectory.applications, 0o755)
        let hidden = withFileRights(of: 12345) { TelemetryDiscovery.search([directory.runDirectory]) }
        #expect(hidden.sources.isEmpty)
        #expect(hidden.unreadable.map(\.source.description) == [directory.runDirectory.directory(filePrefix: "app")])
        #expect(hidden.unreadable.map(\.reason.code) == [.permissionDenied])
        #expect(hidden.unreadable.map(\.reason.user) == [0])
        let error = withFileRights(of: 12345) {
            Result { () throws(TelemetryClientError) in
                _ = try TelemetryClient(filePrefix: "app", in: directory.runDirectory)
            }
        }
        #expect(throws: hidden.unreadable[0].reason) { try error.get() }

        chmod(directory.runDirectory.applications, 0o700)
        let closed = withFileRights(of: 12345) { TelemetryDiscovery.search([directory.runDirectory]) }
        #expect(closed.sources.isEmpty)
        #expect(
            closed.unreadable.map(\.source) == [
                TelemetrySource(runDirectory: directory.runDirectory.applications, prefix: "", instance: nil)
            ])
        #expect(closed.unreadable.map(\.reason.code) == [.unreadable])
    }

    @Test func aPrefixMeansItsFirstLiveServer() throws {
        directory.makeRunDirectory("rte")
        try dead("rte")
        let peer = try live("rte", 1)
        #expect(try TelemetryClient(filePrefix: "rte", in: directory.runDirectory).path == peer.path)
        #expect(try TelemetryClient(filePrefix: "rte", instance: 1, in: directory.runDirectory).path == peer.path)
    }

    @Test func aPrefixWithoutLiveServerSaysWhy() throws {
        func code(_ prefix: String) -> TelemetryClientError.Code? {
            do throws(TelemetryClientError) {
                _ = try TelemetryClient(filePrefix: prefix, in: directory.runDirectory)
                return nil
            } catch {
                return error.code
            }
        }
        directory.makeRunDirectory("rte")
        #expect(code("rte") == .notFound)
        #expect(code("nope") == .notFound)
        #expect(code("../rte") == .invalidArgument)
        try dead("rte")
        #expect(code("rte") == .refused)
    }
}
