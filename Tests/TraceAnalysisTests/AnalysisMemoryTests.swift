import TestSupport
import Testing

/// The memory of the programs that analyse a trace.
@Suite struct AnalysisMemoryTests {
    @Test("The memory of a report and of an audit does not grow with the length of a trace")
    func length() throws {
        let (few, many) = (40_000, 240_000)
        let short = try peaks(operations: few)
        let long = try peaks(operations: many)
        // An operation that is kept has 80 bytes. The library's windows into the files grow by two thirds of this limit.
        let limit = (many - few) * 80 / 1024
        for (name, peak) in long {
            let before = try #require(short[name])
            #expect(peak - before < limit, "\(name): \(before) kB, then \(peak) kB")
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

    /// As the kernel says it when the program has ended. Another program starts it: what the kernel counts begins with the
    /// memory of the process that does, and this one has that of all tests.
    private func peak(of command: [String]) throws -> Int {
        let script = """
            import resource, subprocess, sys
            status = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, capture_output=True).returncode
            print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
            """
        let output = try outputOfProgram("/usr/bin/python3", ["-c", script] + command)
        let numbers = output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        try #require(numbers.count == 2, "\(output)")
        // A trace that has lost events is inconclusive.
        try #require([0, 1, 2].contains(numbers[0]), "\(command): \(numbers[0])")
        return numbers[1]
    }
}
