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
        let all = TelemetryDiscovery.endpoints(in: [directory.runDirectory])
        #expect(all.map { "\($0.filePrefix):\($0.instance)" } == ["app:0", "rte:0", "rte:2", "rte:10"])
        #expect(all.map(\.path) == [third.path, path("rte"), second.path, first.path])
        let alive = TelemetryDiscovery.endpoints(in: [directory.runDirectory], liveOnly: true)
        #expect(alive.map(\.path) == [third.path, second.path, first.path])
        #expect(TelemetryDiscovery.endpoints(in: [TelemetryRunDirectory(root: "/nonexistent")]) == [])
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
