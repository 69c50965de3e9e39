import Foundation
import TestSupport
import Testing

/// The memory of the programs that analyse a trace.
@Suite struct AnalysisMemoryTests {
    @Test("The memory of a report and of an audit does not grow with the length of a trace")
    func length() throws {
        let short = try peaks(operations: 40_000)
        let long = try peaks(operations: 240_000)
        for (name, peak) in long {
            let before = try #require(short[name])
            // With room for the library's windows into the files, of some MB each. An operation that is kept has 80 bytes.
            #expect(Double(peak) < Double(before) * 1.6, "\(name): \(before) kB, then \(peak) kB")
        }
    }

    /// The most resident memory of each program, in kB, for a trace of so many copies with all their events.
    private func peaks(operations: Int) throws -> [String: Int] {
        try LTTngSession.analyze(["dmadev*"], channel: AuditTests.large) {
            try $0.run(builtProduct("trace-bursts"), ["copies", "\(operations)"])
        } read: { directories in
            let dmascope = try builtProduct("dmascope")
            return [
                "report": try peak(of: [dmascope, "trace", "report"] + directories),
                "audit": try peak(of: [dmascope, "audit"] + directories),
            ]
        }
    }

    /// As the kernel says it when the program has ended.
    private func peak(of command: [String]) throws -> Int {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor: Int32 in 0...2 {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var process: pid_t = 0
        try #require(posix_spawn(&process, command[0], &actions, nil, &arguments, environ) == 0)
        var (status, usage) = (Int32(0), rusage())
        while wait4(process, &status, 0, &usage) < 0 { try #require(errno == EINTR) }
        // A trace that has lost events is inconclusive.
        try #require([0, 1, 2].contains(status >> 8) && status & 0x7F == 0, "\(command): \(status)")
        return usage.ru_maxrss
    }
}
