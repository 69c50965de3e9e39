import Dispatch
import Foundation
import HTTPTypes
import LinuxSystem
import Logging
import NIOCore
import ServiceLifecycle
import TestSupport
import Testing

@testable import WebServer

/// Texts that are made while their clients read them.
@Suite struct LongTextTests {
    /// A text of 8 MiB in parts of 64 KiB, and what became of it.
    private final class Source: Sendable {
        struct Failure: Error {}

        static let partCount = 128
        /// Longer than the window of zlib, which finds no repetitions then.
        static let part = {
            var generator = SeededGenerator(seed: 1)
            return String((0..<65_536).map { _ in "0123456789abcdef".randomElement(using: &generator) ?? " " })
        }()
        static let text = String(repeating: part, count: partCount)

        /// The texts that are not yet released.
        let open = Locked(0)
        let errors = Locked<[String]>([])

        /// Counts as open until it is released.
        private final class Token: Sendable {
            let source: Source

            init(_ source: Source) {
                self.source = source
                source.open.withLock { $0 += 1 }
            }

            deinit { source.open.withLock { $0 -= 1 } }
        }

        func parts(failingAt failure: Int? = nil) -> LongText.Parts {
            let token = Token(self)
            var place = 0
            return {
                withExtendedLifetime(token) {}
                defer { place += 1 }
                if place == failure { throw Failure() }
                return place < Self.partCount ? ByteBuffer(string: Self.part) : nil
            }
        }
    }

    private let directory: TemporaryDirectory
    private let path: String
    private let source = Source()

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("http")
    }

    /// Runs a server with `/long`, `/broken` whose text has an error in the middle, and `/bad` whose first part is one.
    ///
    /// - Parameter body: may block: it does not run on a thread that the server needs.
    private func serving(
        _ texts: LongTexts = LongTexts("test"), _ body: @escaping @Sendable () throws -> Void
    ) async throws {
        let source = source
        let report: @Sendable (any Error) -> Void = { error in source.errors.withLock { $0.append("\(error)") } }
        let routes = [("/long", nil), ("/broken", 64), ("/bad", 0)].map { path, failure in
            HTTPRoute(path, "a long text") { request, _ in
                try await texts.response(
                    source.parts(failingAt: failure), to: request, headers: [.contentType: "text/plain"],
                    onFailure: report)
            }
        }
        let ready = AsyncStream.makeStream(of: Void.self)
        let service = HTTPService(
            .unix(path: path), routes: routes, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onListening: { _ in ready.continuation.finish() })
        let server = Task { try await service.run() }
        for await _ in ready.stream {}
        let result = await withCheckedContinuation { continuation in
            DispatchQueue(label: "client").async { continuation.resume(returning: Result { try body() }) }
        }
        server.cancel()
        _ = await server.result
        try result.get()
    }

    private func curl(_ arguments: String...) throws -> ProgramResult { try curl(arguments) }

    private func curl(_ arguments: [String], page: String = "/long") throws -> ProgramResult {
        try runProgram(
            requiredTool("curl", package: "curl"),
            ["-sS", "--unix-socket", path] + arguments + ["http://localhost\(page)"])
    }

    /// A client that reads the head of the response, and the rest when it gets a line.
    private func slowReader() throws -> RunningProgram {
        let script = """
            import socket, sys
            s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
            s.send(b"GET /long HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
            print(s.recv(100).decode().split("\\r")[0], flush=True)
            sys.stdin.readline()
            rest = b""
            while True:
                part = s.recv(1 << 20)
                if not part: break
                rest = (rest + part)[-5:]
            print("whole" if rest == b"0\\r\\n\\r\\n" else "cut", flush=True)
            """
        let reader = try RunningProgram("/usr/bin/python3", ["-c", script, path])
        try reader.waitForOutput(containing: "HTTP/1.1 200 OK")
        return reader
    }

    @Test(arguments: [[], ["--compressed"], ["--http1.0"], ["--http1.0", "--compressed"]])
    func theTextArrives(options: [String]) async throws {
        try await serving {
            let result = try curl(options)
            #expect(result.exit == .exited(0))
            #expect(result.output == Source.text)
        }
        #expect(source.open.withLock { $0 } == 0)
    }

    @Test func theHeadHasTheLengthAndTheConnectionStays() async throws {
        try await serving {
            let head = try curl("--head").output.lowercased()
            #expect(head.contains("content-length: \(Source.text.utf8.count)\r\n"))
            let compressed = try curl("--head", "--compressed").output.lowercased()
            let size = try curl("--compressed", "--output", "/dev/null", "--write-out", "%{size_download}").output
            #expect(compressed.contains("content-length: \(size)\r\n") && compressed.contains("content-encoding: gzip"))
            let twice = try curl("--output", "/dev/null", "--write-out", "%{num_connects} ", "http://localhost/long")
            #expect(twice.output.hasPrefix("1 "))
        }
    }

    @Test func anErrorInTheMiddleEndsTheConnectionWithoutTheEndOfTheText() async throws {
        try await serving {
            for options in [[], ["--compressed"]] as [[String]] {
                let result = try curl(options, page: "/broken")
                // curl: the transfer ended with data outstanding.
                #expect(result.exit == .exited(18))
            }
            #expect(try curl(["--write-out", "%{http_code}"], page: "/bad").output == "500")
        }
        #expect(source.errors.withLock { $0.count } == 2)
        #expect(source.open.withLock { $0 } == 0)
    }

    @Test func theTextOfAClientThatIsGoneIsReleased() async throws {
        try await serving {
            let reader = try slowReader()
            #expect(source.open.withLock { $0 } == 1)
            reader.kill(SIGKILL)
            try eventually("the text is released") { source.open.withLock { $0 } == 0 }
        }
    }

    @Test func aSlowReaderDoesNotHoldUpOthers() async throws {
        try await serving {
            let readers = try (0..<3).map { _ in try slowReader() }
            #expect(try curl().output == Source.text)
            for reader in readers {
                reader.write("\n")
                try reader.waitForOutput(containing: "whole")
            }
        }
        #expect(source.errors.withLock { $0 } == [])
    }

    @Test func whatSlowReadersKeepInMemoryHasALimit() async throws {
        try await serving(LongTexts("test", maximum: 1, patience: .zero)) {
            let reader = try slowReader()
            // A text whose part is being made is not replaced, so it may take more than one request.
            while source.open.withLock({ $0 }) > 0 { #expect(try curl().output == Source.text) }
            reader.write("\n")
            try reader.waitForOutput(containing: "cut")
            #expect(source.errors.withLock { $0 } == ["\(LongTextEnded())"])
        }
    }
}
