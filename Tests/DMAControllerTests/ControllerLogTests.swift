import ControllerProtocol
import DMAController
import Glibc
import LinuxSystem
import Logging
import TestSupport
import Testing

/// What a controller writes about those who come.
@Suite struct ControllerLogTests {
    /// Keeps what is written.
    private final class Lines: Sendable {
        let all = Locked<[(level: Logger.Level, text: String)]>([])
    }

    private struct Handler: LogHandler {
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]
        let lines: Lines

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = "\(event.message) \(event.metadata ?? [:])"
            lines.all.withLock { $0.append((event.level, line)) }
        }
    }

    @Test func strangersAreNamedTheirSecretsAreNotAndTheyFillNoLog() throws {
        let directory = try TemporaryDirectory()
        let lines = Lines()
        let controller = try DMAController.start(
            path: directory.file("control"), logger: Logger(label: "test") { _ in Handler(lines: lines) })
        // The bytes of a token, in a request that is one and in one that is none.
        let token = Array("sixteen secrets!".utf8)
        let domain = [UInt8](repeating: 1, count: 16)
        let request = EnterGroup(group: 5, limit: 0, domain: domain, token: token)
        #expect(try RawPeer.greeted(controller.path).ask(request, for: GroupEntered.self) == nil)
        for _ in 0..<50 {
            let peer = try RawPeer.greeted(controller.path)
            #expect(peer.send(Packet.encode(request, sequence: 9) + token))
            #expect(peer.isEnded)
        }
        try eventually("all are counted") { controller.statistics.invalidMessages == 50 }
        controller.stop()

        let written = lines.all.withLock { $0 }
        let loud = written.filter { $0.level >= .notice }
        #expect((1..<10).contains(loud.count), "\(loud)")
        #expect(loud.allSatisfy { $0.text.contains("\(getpid())") && $0.text.contains("\"uid\": \(getuid())") })
        #expect(written.allSatisfy { !$0.text.contains("secret") && !$0.text.contains("\(token)") })
        #expect(written.first?.text.contains(controller.path) == true)
        #expect(written.last.map { $0.level == .info && $0.text.hasPrefix("controller stopped") } == true)
    }
}
