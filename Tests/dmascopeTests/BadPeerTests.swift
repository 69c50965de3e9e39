import Foundation
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// Peers that do not answer, or answer rubbish.
@Suite struct BadPeerTests {
    /// Listens on a socket, and does with each client what `serve` does.
    final class Peer: Sendable {
        let path: String
        private let directory: TemporaryDirectory
        private let listener: OwnedDescriptor

        init() throws {
            directory = try TemporaryDirectory()
            path = directory.file("socket")
            listener = try SequencedPacketSocket.open()
            try SequencedPacketSocket.bind(listener, to: path, mode: [.ownerReadWrite])
            try SequencedPacketSocket.listen(listener)
        }

        /// Sends one client a greeting, and then a reply to each request as long as there are some.
        func serveOne(_ messages: [String], thenLeaves: Bool = false) {
            Thread.detachNewThread { [self] in
                guard let client = try? SequencedPacketSocket.accept(listener) else { return }
                var buffer = [UInt8](repeating: 0, count: 4096)
                for message in messages {
                    _ = message.utf8CString.withUnsafeBytes {
                        SequencedPacketSocket.send(UnsafeRawBufferPointer(rebasing: $0.dropLast()), on: client.raw)
                    }
                    _ = buffer.withUnsafeMutableBytes { SequencedPacketSocket.receive(into: $0, on: client.raw) }
                }
                if thenLeaves { return }
                // Until the client goes: it has to give up by itself.
                _ = buffer.withUnsafeMutableBytes { SequencedPacketSocket.receive(into: $0, on: client.raw) }
            }
        }
    }

    static let greeting = "{\"version\":\"test\",\"pid\":1,\"max_output_len\":1000}"

    @Test(arguments: [["list"], ["info"], ["stats"], ["vchans"], ["errors"], ["top", "--json"], ["trace", "list"]]
    )
    func silenceEndsWithTheTimeout(command: [String]) throws {
        let scope = try Scope()
        let mute = try Peer()
        // Connects, and is never greeted.
        expect(
            try scope.run(command + ["--socket", mute.path, "--timeout", "0.1"]), exits: 5,
            saying: "did not answer in time")
        let silent = try Peer()
        silent.serveOne([Self.greeting])
        expect(
            try scope.run(command + ["--socket", silent.path, "--timeout", "0.1"]), exits: 5,
            saying: "did not answer in time")
    }

    @Test func aQueryTimesOutToo() throws {
        let mute = try Peer()
        expect(try Scope().run("query", mute.path, "/", "--timeout", "0.1"), exits: 5, saying: "did not answer in time")
    }

    @Test func rubbishIsNoTelemetry() throws {
        let peer = try Peer()
        peer.serveOne(["good morning"])
        expect(
            try Scope().run("list", "--socket", peer.path), exits: 1,
            saying: "does not send the greeting of a telemetry server")
    }

    @Test func aReplyThatIsNoJSONIsPrintedAndTold() throws {
        let peer = try Peer()
        peer.serveOne([Self.greeting, "{\"/a\"b\":null}"])
        let result = try Scope().run("query", peer.path, "/a\"b")
        #expect(result.output == "{\"/a\"b\":null}\n")
        expect(result, exits: 1, saying: "is not valid JSON")
    }

    @Test func whatAPeerSendsSteersNoTerminal() throws {
        let peer = try Peer()
        peer.serveOne([
            Self.greeting, "{\"/dmadev/list\":[0]}",
            "{\"/dmadev/info\":{\"name\":\"\\u001b]0;evil\\u0007\",\"nb_vchans\":1,\"capabilities\":{}}}",
            "{\"/dmadev/vchans\":null}", "{\"/dmadev/dump\":null}", "{\"/dmadev/stats\":null}",
            "{\"/dmadev/dump\":null}",
        ])
        let result = try Scope().run("list", "--socket", peer.path)
        #expect(result.exit == .exited(0), "\(result)")
        #expect(result.output.contains("\\u{1B}]0;evil\\u{07}"))
    }

    @Test(arguments: ["vchans", "errors", "top"]) func aTargetThatGoesAwayIsNoTarget(command: String) throws {
        let peer = try Peer()
        // The greeting, a request, and then the end.
        peer.serveOne([Self.greeting], thenLeaves: true)
        expect(
            try Scope().run(command, "--socket", peer.path), exits: 3, saying: "check whether the process still runs")
    }

    @Test func nobodyThere() throws {
        let scope = try Scope()
        expect(try scope.run("list"), exits: 3, saying: "start `dmascope serve`")
        expect(try scope.run("list", "--file-prefix", "x:3"), exits: 3, saying: "no telemetry socket of instance 3 in ")
        expect(try scope.run("query", "/nowhere", "/"), exits: 3, saying: "cannot connect to /nowhere")
        expect(try scope.run("query", "..", "/"), exits: 64, saying: "not a valid file prefix")
    }
}
