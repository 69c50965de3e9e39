import Foundation
import TelemetryClient
import TelemetryWire
import TestSupport
import Testing

/// Looks for tokens wherever a service leaves something.
@Suite struct TokenSecrecyTests {
    /// What the service has said and kept of a run with right, wrong and held back tokens.
    private final class Traces {
        var tokens: [Token] = []
        /// The members' domains, which are no secret: they show that what was searched is what it should be.
        var domains: [String] = []
        var replies = ""
        var memory: [(name: String, bytes: Data)] = []
        var log = ""
        var recorded = Data()
    }

    @Test func noTokenIsInTracesRepliesLogsOrTheServicesMemory() throws {
        let scope = try Scope()
        let found = Traces()
        found.recorded = try LTTngSession.rawBytes(["dmadev*"]) { session in
            let server = try session.start(
                scope.program, ["serve", "--listen", "off", "--log-level", "trace"], environment: scope.environment)
            try server.waitForOutput(containing: "Ctrl-C ends it.")
            try runMembers(session, scope.runDirectory + "/dmascope/dmascope.control", found) {
                found.replies = try allReplies(TelemetryClient(path: scope.socket()))
                found.memory = try readableMemory(of: server.processID)
            }
            // Once more, with the members gone.
            found.replies += try allReplies(TelemetryClient(path: scope.socket()))
            found.memory += try readableMemory(of: server.processID)
            server.kill(SIGTERM)
            let result = try server.wait()
            found.log = result.output + result.errors
        }

        let places = [
            ("the replies", Data(found.replies.utf8)), ("the log", Data(found.log.utf8)),
            ("the traces", found.recorded),
        ]
        for token in found.tokens {
            for (name, bytes) in places + found.memory {
                for form in [Data(token.bytes), Data(token.hex.utf8), Data(token.hex.uppercased().utf8)] {
                    #expect(!holds(bytes, form), "a token in \(name)")
                }
            }
        }
        let domain = try #require(found.domains.first.map { Data(bytes(of: $0)) })
        #expect(holds(found.recorded, domain), "the traces are not those of the members")
        #expect(found.memory.contains { holds($0.bytes, domain) }, "this is not the memory of the service")
        #expect(found.replies.contains("/dmadev/groups"))
    }

    /// Two processes that make groups and join them, with all kinds of tokens; `body` runs while they are in them.
    private func runMembers(
        _ session: LTTngSession, _ path: String, _ found: Traces, _ body: () throws -> Void
    ) throws {
        func token() -> Token {
            found.tokens.append(Token())
            return found.tokens[found.tokens.count - 1]
        }
        let creator = try MemberProcess(running: session.start(builtProduct("controller-member"), [path]))
        let joiner = try MemberProcess(running: session.start(builtProduct("controller-member"), [path]))
        for member in [creator, joiner] { found.domains.append(try member.ask("domain")) }
        for _ in 0..<3 {
            let right = token()
            let made = try creator.create(right)
            #expect(try joiner.ask("join \(made.group) \(token().hex)").hasPrefix("error"))
            _ = try joiner.number("join \(made.group) \(right.hex)", as: UInt16.self)
            #expect(try joiner.ask("join \(made.group) \(right.hex)").hasPrefix("error"))
        }
        // Whoever has guessed wrong a few times waits; so does the token.
        let guarded = token()
        let made = try creator.create(guarded)
        for _ in 0..<5 { #expect(try joiner.ask("join \(made.group) \(token().hex)").hasPrefix("error")) }
        _ = try joiner.number("join \(made.group) \(guarded.hex)", as: UInt16.self)
        #expect(try creator.ask("create 1 \(token().hex)").hasPrefix("error"))
        #expect(try creator.ask("join 300 \(token().hex)").hasPrefix("error"))
        try body()
        for member in [joiner, creator] {
            member.program.closeInput()
            try member.program.wait()
        }
    }

    /// Every command, with nothing, with numbers, and with what is none.
    private func allReplies(_ client: TelemetryClient) throws -> String {
        let list = try client.requestText("/")
        var replies = list
        for command in try JSONValue(parsing: list).tree["/"]?.elements.compactMap(\.string) ?? [] {
            for parameters in ["", ",0", ",0,0", ",1", ",100", ",x"] {
                replies += try client.requestText(command + parameters)
            }
            replies += try client.requestText("/help," + command)
        }
        return replies
    }

    /// All of a process's memory that it can read itself.
    private func readableMemory(of process: pid_t) throws -> [(name: String, bytes: Data)] {
        let file = open("/proc/\(process)/mem", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw TestSupportError("the memory of process \(process): \(errno)") }
        defer { close(file) }
        var regions: [(String, Data)] = []
        for line in try String(contentsOfFile: "/proc/\(process)/maps", encoding: .utf8).split(separator: "\n") {
            let fields = line.split(separator: " ")
            // What is mapped from a file and cannot be written holds what the file holds.
            guard fields[1].hasPrefix("rw") else { continue }
            let ends = fields[0].split(separator: "-").compactMap { UInt(String($0), radix: 16) }
            // What cannot be read stays zeros.
            var region = Data(count: Int(ends[1] - ends[0]))
            region.withUnsafeMutableBytes { _ = pread(file, $0.baseAddress, $0.count, off_t(ends[0])) }
            regions.append(("its memory, \(line)", region))
        }
        return regions
    }

    /// Whether the bytes hold that form; there are many of them, of which most are zero, as the form's first one is not.
    private func holds(_ bytes: Data, _ form: Data) -> Bool {
        bytes.withUnsafeBytes { bytes in
            form.withUnsafeBytes { form in
                guard var place = bytes.baseAddress, let wanted = form.baseAddress else { return false }
                let end = place + bytes.count
                while let next = memchr(place, CInt(form[0]), end - place), UnsafeRawPointer(next) + form.count <= end {
                    if memcmp(next, wanted, form.count) == 0 { return true }
                    place = UnsafeRawPointer(next) + 1
                }
                return false
            }
        }
    }

    private func bytes(of hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }
}
