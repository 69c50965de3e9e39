import Foundation
import LinuxSystem
import SystemPackage
import TelemetryTestServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

@testable import TelemetryClient

/// The two ends of a connector, in one process, so without a capability.
@Suite struct ConnectorTests {
    private let directory: TemporaryDirectory
    private let root: String

    init() throws {
        directory = try TemporaryDirectory()
        root = directory.file("run")
        for path in [root, root + "/dpdk", root + "/dpdk/app"] { mkdir(path, 0o700) }
    }

    /// A connector whose service runs on a thread of its own, which ends with it.
    private func connector(_ roots: [String]? = nil) throws -> SourceConnector {
        let ends = try SequencedPacketSocket.pair().release()
        let roots = roots ?? [root]
        try SystemThread.start(name: "connector") {
            var service = ConnectorService(OwnedDescriptor(adopting: ends.second), roots: roots)
            service.run()
        }.detach()
        return SourceConnector(OwnedDescriptor(adopting: ends.first), roots: roots)
    }

    private func listen(_ prefix: String = "app", _ name: String = "dpdk_telemetry.v2") throws -> ListeningSocket {
        let path = "\(root)/dpdk/\(prefix)/\(name)"
        return try ListeningSocket(at: [path], SocketFile.Layout(lockPath: path + ".lock"))
    }

    private func found(_ connector: SourceConnector) throws -> [String] {
        try connector.search().map { place in
            switch place {
            case .socket(let source, let identity): "\(source) of \(identity.owner)"
            case .obstacle(let source, let error): "\(source) \(error.code)"
            }
        }
    }

    @Test func itFindsAndConnectsSockets() throws {
        let listener = try listen()
        let connector = try connector([root, root + "/../run", directory.path + "/*"])
        // One directory by three ways.
        #expect(try found(connector) == ["\(root)/dpdk/app of \(geteuid())"])
        let connected = try connector.connect(to: listener.path)
        #expect(try PeerCredentials(of: connected).pid == getpid())
        let accepted = try listener.accept()
        #expect(
            "x".utf8.withContiguousStorageIfAvailable { SequencedPacketSocket.send(.init($0), on: accepted.raw) }
                == .some(nil))
        var buffer = [UInt8](repeating: 0, count: 8)
        let result = buffer.withUnsafeMutableBytes { SequencedPacketSocket.receive(into: $0, on: connected.raw) }
        #expect(try result.get() == 1)
    }

    @Test func noOtherPathIsConnected() throws {
        let listener = try listen()
        let secret = try listen("app", "other")
        let connector = try connector()
        // Nothing before a search.
        #expect(throws: Errno.noSuchFileOrDirectory) { _ = try connector.connect(to: listener.path) }
        _ = try connector.search()
        _ = try connector.connect(to: listener.path)
        for path in [
            secret.path, root + "/dpdk/app/../app/dpdk_telemetry.v2", "/etc/passwd", "dpdk_telemetry.v2", "/", "..",
            root + "/dpdk/none/dpdk_telemetry.v2", root + "/dpdk/dpdk_telemetry.v2",
            root + "/dpdk/../dpdk_telemetry.v2", String(repeating: "x", count: 3000),
        ] {
            #expect(throws: Errno.noSuchFileOrDirectory, "\(path.prefix(80))") { _ = try connector.connect(to: path) }
        }
        _ = try connector.connect(to: listener.path)
    }

    @Test func symbolicLinksAndOtherFilesAreNotFollowed() throws {
        let listener = try listen()
        mkdir(root + "/dpdk/links", 0o700)
        symlink(listener.path, root + "/dpdk/links/dpdk_telemetry.v2")
        symlink(root + "/dpdk/app", root + "/dpdk/linked")
        mkdir(root + "/dpdk/file", 0o700)
        try Data().write(to: URL(fileURLWithPath: root + "/dpdk/file/dpdk_telemetry.v2"))
        mkfifo(root + "/dpdk/fifo", 0o600)
        let connector = try connector()
        #expect(
            try found(connector) == [
                "\(root)/dpdk/app of \(geteuid())", "\(root)/dpdk/linked unreadable",
                "\(root)/dpdk/links unreadable",
            ])
        #expect(throws: Errno.tooManySymbolicLinkLevels) {
            _ = try connector.connect(to: root + "/dpdk/linked/dpdk_telemetry.v2")
        }
        #expect(throws: Errno.tooManySymbolicLinkLevels) {
            _ = try connector.connect(to: root + "/dpdk/links/dpdk_telemetry.v2")
        }
        #expect(throws: Errno.notSocket) { _ = try connector.connect(to: root + "/dpdk/file/dpdk_telemetry.v2") }
        // A link instead of the directory that the search has found.
        rename(root + "/dpdk/app", root + "/elsewhere")
        symlink(root + "/elsewhere", root + "/dpdk/app")
        #expect(throws: Errno.tooManySymbolicLinkLevels) { _ = try connector.connect(to: listener.path) }
    }

    @Test func thereIsALimitForTheSocketsOfADirectory() throws {
        for number in 0..<RunDirectoryTree.socketLimit + 8 {
            let name = TelemetryRunDirectory.socketName(instance: number)
            let socket = try SequencedPacketSocket.open()
            try SequencedPacketSocket.bind(socket, to: "\(root)/dpdk/app/\(name)", mode: [.ownerReadWrite])
        }
        let places = try found(connector())
        #expect(places.count == RunDirectoryTree.socketLimit + 1)
        #expect(places.last == "\(root)/dpdk unreadable")
    }

    @Test func theGuestsOfAHostAreFound() throws {
        let guest = TelemetryRunDirectory(root: root).domain("vm1").directory(filePrefix: "app")
        try FileManager.default.createDirectory(atPath: guest, withIntermediateDirectories: true)
        let path = guest + "/dpdk_telemetry.v2"
        let listener = try ListeningSocket(at: [path], SocketFile.Layout(lockPath: path + ".lock"))
        let connector = try connector()
        #expect(try found(connector) == ["\(guest) of \(geteuid())"])
        _ = try connector.connect(to: listener.path)
    }

    /// Whatever comes, the connector ends the connection and nothing else.
    @Test func junkEndsTheConnection() throws {
        for junk: [UInt8] in [[0], [1, 1], [2], [3, 4], [2, 0], [2, 0xFF, 0xFE], .init(repeating: 2, count: 5000)] {
            let ends = try SequencedPacketSocket.pair().release()
            let mine = OwnedDescriptor(adopting: ends.first)
            let roots = [root]
            let thread = try SystemThread.start(name: "connector") {
                var service = ConnectorService(OwnedDescriptor(adopting: ends.second), roots: roots)
                service.run()
            }
            _ = junk.withUnsafeBytes { SequencedPacketSocket.send($0, on: mine.raw) }
            thread.join()
        }
    }

    @Test func junkFromTheServiceFailsEveryLaterCall() throws {
        for junk: [UInt8] in [[9], [1, 2, 3], [2, 0, 0, 0], [0, 0], .init(repeating: 1, count: 9000)] {
            let ends = try SequencedPacketSocket.pair().release()
            let other = OwnedDescriptor(adopting: ends.second)
            _ = junk.withUnsafeBytes { SequencedPacketSocket.send($0, on: other.raw) }
            let connector = SourceConnector(OwnedDescriptor(adopting: ends.first), roots: [])
            #expect(throws: TelemetryClientError.self) { _ = try connector.search() }
            #expect(throws: Errno.protocolError) { _ = try connector.connect(to: "/x") }
        }
    }

    @Test func messagesAreWhatTheyWere() throws {
        let entries: [ConnectorEntry] = [
            .end, .obstacle(path: "/a b", errno: 13),
            .socket(path: "/ü", device: .max - 1, inode: 0x0102_0304_0506_0708, owner: 65534),
        ]
        for entry in entries {
            #expect(ConnectorEntry(entry.bytes) == entry)
            for length in 0..<entry.bytes.count { #expect(ConnectorEntry(entry.bytes[..<length]) != entry) }
        }
        for request: ConnectorRequest in [.search, .connect(path: "/x")] {
            #expect(ConnectorRequest(request.bytes) == request)
        }
        for errno: Int32 in [0, 13, -1] {
            #expect(ConnectorAnswer(ConnectorAnswer(errno: errno).bytes)?.errno == errno)
        }
    }
}
