import Glibc
import LinuxSystem
import SystemPackage
import Synchronization
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@Suite struct SocketPlaceTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func start(_ prefix: String = "t") throws -> TelemetryServer {
        try TelemetryServer.start(filePrefix: prefix, commands: [], in: directory.runDirectory)
    }

    private func error(_ body: () throws -> TelemetryServer) -> TelemetryServerError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? TelemetryServerError
        }
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test func socketAndDirectoriesAreForThisUserOnly() throws {
        let server = try start()
        #expect(server.path == directory.path + "/dpdk/t/dpdk_telemetry.v2")
        #expect(mode(server.path) == 0o600)
        #expect(mode(directory.path + "/dpdk") == 0o700)
        #expect(mode(directory.path + "/dpdk/t") == 0o700)
        #expect(try directory.contents == ["dpdk", "dpdk/t", "dpdk/t/dpdk_telemetry.v2"])
    }

    @Test func stopLeavesNothingAndMayBeCalledAgain() throws {
        let server = try start()
        let client = try RawClient.greeted(server.path)
        server.stop()
        #expect(client.receive() == .closed)
        #expect(try directory.contents == [])
        server.stop()
    }

    @Test func theLastReferenceStopsTheServer() throws {
        var server: TelemetryServer? = try start()
        let client = try RawClient.greeted(server?.path ?? "")
        server = nil
        #expect(client.receive() == .closed)
        #expect(try directory.contents == [])
    }

    @Test func aHandlerMayStopItsServer() throws {
        let holder = Holder()
        let server = try TelemetryServer.start(
            filePrefix: "t",
            commands: [
                TelemetryCommand(path: "/stop", help: "") { _ in
                    holder.server.withLock { $0?.stop() }
                    return JSONValue(true)
                }
            ], in: directory.runDirectory)
        holder.server.withLock { $0 = server }
        let client = try RawClient.greeted(server.path)
        #expect(client.ask("/stop") == #"{"/stop":true}"#)
        #expect(client.receive() == .closed)
        server.stop()
        #expect(try directory.contents == [])
    }

    @Test func furtherServersTakeTheNextNames() throws {
        let first = try start()
        let second = try start()
        let third = try start()
        #expect(second.path == first.path + ":1")
        #expect(third.path == first.path + ":2")
        second.stop()
        #expect(try RawClient.greeted(third.path).ask("/") != nil)
        let fourth = try start()
        #expect(fourth.path == first.path + ":1")
        for server in [first, third, fourth] { server.stop() }
        #expect(try directory.contents == [])
    }

    @Test func theSocketOfAKilledProcessIsReplaced() throws {
        let child = try RunningProgram(builtProduct("TelemetryTestServer"), [directory.path, "t"])
        let path = try child.nextLine()
        #expect(try RawClient.greeted(path).ask("/") != nil)
        #expect(try start().path == path + ":1")
        child.kill(SIGKILL)
        try child.wait()
        #expect(try directory.contents.contains("dpdk/t/dpdk_telemetry.v2"))
        let server = try start()
        #expect(server.path == path)
        #expect(try RawClient.greeted(path).ask("/") != nil)
    }

    @Test func aProcessThatEndsInOrderLeavesNothing() throws {
        let child = try RunningProgram(builtProduct("TelemetryTestServer"), [directory.path, "t"])
        _ = try child.nextLine()
        child.closeInput()
        #expect(try child.wait().exit == .exited(0))
        #expect(try directory.contents == [])
    }

    @Test func aSocketReplacedByAnotherServerIsNotRemoved() throws {
        let server = try start()
        unlink(server.path)
        let other = try start()
        #expect(other.path == server.path)
        server.stop()
        #expect(try RawClient.greeted(other.path).ask("/") != nil)
    }

    @Test func aFileThatIsNoSocketIsLeftAlone() throws {
        directory.makeRunDirectory("t")
        close(open(directory.path + "/dpdk/t/dpdk_telemetry.v2", O_CREAT | O_RDWR, 0o600))
        #expect(try start().path.hasSuffix(".v2:1"))
        #expect(try directory.contents.contains("dpdk/t/dpdk_telemetry.v2"))
    }

    @Test func startersThatRaceAllGetANameOfTheirOwn() throws {
        let root = directory.runDirectory
        let failures = Failures()
        let threads = try (0..<4).map { _ in
            try SystemThread.start(name: "starter") {
                for _ in 0..<25 {
                    do {
                        let server = try TelemetryServer.start(filePrefix: "t", commands: [], in: root)
                        if try RawClient.greeted(server.path).ask("/info") == nil { failures.add("no reply") }
                        server.stop()
                    } catch {
                        failures.add("\(error)")
                    }
                }
            }
        }
        threads.forEach { $0.join() }
        #expect(failures.all == [])
        #expect(try directory.contents == [])
    }

    @Test(arguments: [0o777, 0o770, 0o702])
    func aDirectoryThatOthersMayWriteToIsRefused(_ mode: Int) throws {
        directory.makeRunDirectory("t")
        chmod(directory.path + "/dpdk/t", mode_t(mode))
        #expect(error { try start() }?.code == .directoryRefused)
        chmod(directory.path + "/dpdk/t", 0o700)
        chmod(directory.path + "/dpdk", mode_t(mode))
        #expect(error { try start() }?.code == .directoryRefused)
        #expect(try directory.contents == ["dpdk", "dpdk/t"])
    }

    @Test(.enabled(if: geteuid() == 0, "only the superuser can give a directory away"))
    func aDirectoryOfAnotherUserIsRefused() throws {
        directory.makeRunDirectory("t")
        chown(directory.path + "/dpdk/t", 12345, 12345)
        let refusal = error { try start() }
        #expect(refusal?.code == .directoryRefused && refusal?.reason.contains("12345") == true)
    }

    @Test func aDirectoryThatIsALinkIsRefused() throws {
        let elsewhere = try TemporaryDirectory()
        mkdir(directory.path + "/dpdk", 0o700)
        symlink(elsewhere.path, directory.path + "/dpdk/t")
        #expect(error { try start() }?.code == .directoryRefused)
        #expect(try elsewhere.contents == [])
    }

    @Test func aMissingRootAndABadPrefixAreSaid() throws {
        let missing = TelemetryRunDirectory(root: directory.path + "/none")
        #expect(
            error { try TelemetryServer.start(filePrefix: "t", commands: [], in: missing) }?.errno
                == .noSuchFileOrDirectory)
        for prefix in ["", "..", "a/b", "a\0b"] { #expect(error { try start(prefix) }?.code == .invalidFilePrefix) }
        let long = error { try start(String(repeating: "p", count: 100)) }
        #expect(long?.code == .pathTooLong && long?.reason.contains("107") == true)
        #expect(try directory.contents == [])
    }
}
