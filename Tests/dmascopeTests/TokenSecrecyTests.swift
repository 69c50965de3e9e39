import Foundation
import TelemetryClient
import TelemetryWire
import TestSupport
import Testing

/// Looks for tokens wherever a service leaves something.
@Suite struct TokenSecrecyTests {
    /// What the service has said of a run with right, wrong and delayed tokens.
    private final class Traces {
        var tokens: [Token] = []
        /// The members' domains, which are no secret: they show that what was searched is what it should be.
        var domains: [String] = []
        var replies = ""
        var log = ""
        var recorded = Data()
    }

    @Test func noTokenIsInTracesRepliesOrLogs() throws {
        let scope = try Scope()
        let found = Traces()
        found.recorded = try LTTngSession.rawBytes(["dmadev*"]) { session in
            let server = try session.start(
                scope.program, ["serve", "--listen", "off", "--log-level", "trace"], environment: scope.environment)
            try server.waitForOutput(containing: "Ctrl-C ends it.")
            try runMembers(session, scope.runDirectory + "/dmascope/dmascope.control", found) {
                found.replies = try allReplies(TelemetryClient(path: scope.socket()))
            }
            // Once more, with the members gone.
            found.replies += try allReplies(TelemetryClient(path: scope.socket()))
            server.kill(SIGTERM)
            let result = try server.wait()
            found.log = result.output + result.errors
        }

        let places = [
            ("the replies", Data(found.replies.utf8)), ("the log", Data(found.log.utf8)),
            ("the traces", found.recorded),
        ]
        for token in found.tokens {
            for (name, bytes) in places {
                for form in token.forms { #expect(bytes.count(of: form) == 0, "a token in \(name)") }
            }
        }
        let domain = try #require(found.domains.first.map { Data(bytes(of: $0)) })
        #expect(found.recorded.count(of: domain) > 0, "the traces are not those of the members")
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

    @Test(.serialized, arguments: [false, true]) func noTokenIsInMemoryButTheOnePageNorInACoreDump(
        refusesSecretMemory: Bool
    ) throws {
        let service = try DumpableService(refusesSecretMemory: refusesSecretMemory)
        let creator = try MemberProcess(service.controllerPath)
        let joiner = try MemberProcess(service.controllerPath)
        let directory = service.scope.directory
        var tokens: [Token] = []

        /// Searches all three processes.
        func search(_ occasion: String, for tokens: [Token], live: Set<Int> = []) throws {
            let memory = try ProcessMemory(of: service.program.processID)
            let pages = memory.regions.filter(\.isLockedAndNotDumped)
            // Memory that only the kernel could read, where it offers that, is memory that nobody reads.
            #expect(pages.map(\.isReadable) == [!service.hasSecretMemory], "\(pages.map(\.name))")
            for (number, token) in tokens.enumerated() {
                for region in memory.regions where !region.isLockedAndNotDumped {
                    for form in token.forms {
                        #expect(region.bytes.count(of: form) == 0, "\(occasion): token \(number) in \(region.name)")
                    }
                }
                if !service.hasSecretMemory {
                    let count = pages.reduce(0) { $0 + $1.bytes.count(of: Data(token.bytes)) }
                    #expect(count == (live.contains(number) ? 1 : 0), "\(occasion): token \(number) in the page")
                }
            }
            for member in [creator, joiner] {
                for region in try ProcessMemory(of: member.program.processID).regions {
                    for form in tokens.flatMap(\.forms) {
                        #expect(
                            region.bytes.count(of: form) == 0, "\(occasion): a token in the member's \(region.name)")
                    }
                }
            }
        }

        /// A token that is no group's, in a file.
        func wrongToken() throws -> (token: Token, file: String) {
            let (token, file) = (Token(), directory.file("wrong"))
            try Data(token.bytes).write(to: URL(fileURLWithPath: file))
            return (token, file)
        }

        for round in 0..<3 {
            let file = directory.file("token\(round)")
            let group = try creator.number("create-with-file 4 \(file)", as: Int16.self)
            let token = try Token(contentsOf: file)
            try search("create", for: [token], live: [0])
            let wrong = try wrongToken()
            #expect(try joiner.ask("join-with-file \(group) \(wrong.file)") == "error \(EACCES)")
            try search("a wrong join", for: [token, wrong.token], live: [0])
            _ = try joiner.number("join-with-file \(group) \(file)", as: UInt16.self)
            try search("join", for: [token, wrong.token], live: [0])
            #expect(try joiner.ask("leave \(group)") == "ok")
            #expect(try creator.ask("destroy \(group)") == "ok")
            try search("destroy", for: [token, wrong.token])
            tokens += [token, wrong.token]
        }

        // A join that has to wait keeps its token where those of groups are.
        let guarded = directory.file("guarded")
        let group = try creator.number("create-with-file 4 \(guarded)", as: Int16.self)
        tokens.append(try Token(contentsOf: guarded))
        for _ in 0..<8 { #expect(try joiner.ask("join-with-file \(group) \(wrongToken().file)") == "error \(EACCES)") }
        let late = try wrongToken()
        tokens.append(late.token)
        let output = joiner.program.outputSoFar
        joiner.tell("join-with-file \(group) \(late.file)")
        var searches = 0
        while joiner.program.outputSoFar == output, searches < 3 {
            let memory = try ProcessMemory(of: service.program.processID)
            for region in memory.regions where !region.isLockedAndNotDumped {
                for form in late.token.forms { #expect(region.bytes.count(of: form) == 0, "waiting: \(region.name)") }
            }
            searches += 1
        }
        #expect(try joiner.line() == "error \(EACCES)")

        // As two words, which have their lowest byte first.
        let words = bytes(of: try creator.ask("domain"))
        let domain = Data(words[..<8].reversed() + words[8...].reversed())
        let memory = try ProcessMemory(of: service.program.processID)
        #expect(memory.regions.contains { $0.bytes.count(of: domain) > 0 }, "this is not the memory of the service")
        // The last group lives.
        let core = try service.dumpCore()
        #expect(core.count(of: domain) > 0, "this is not the core dump of the service")
        for (number, token) in tokens.enumerated() {
            for form in token.forms { #expect(core.count(of: form) == 0, "token \(number) in the core dump") }
        }
    }

    @Test func aServiceThatMayNotLockMemoryDoesNotStartAndSaysWhy() throws {
        let result = try DumpableService.runWithoutLockedMemory()
        #expect(result.exit != .exited(0) && result.errors.contains("RLIMIT_MEMLOCK"), "\(result)")
    }

    private func bytes(of hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }
}
