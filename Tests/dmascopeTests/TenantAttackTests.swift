import Foundation
import TestSupport
import Testing

/// Users who take all that their quotas allow, beside one who works: what it gets of the engine, and how long its control
/// calls and telemetry take, as ratios to the same figures without them and to a thread that only echoes.
@Suite(.enabled(if: geteuid() == 0, "only the superuser can start programs of other users"))
struct TenantAttackTests {
    private struct Figures: CustomStringConvertible {
        /// Microseconds: the 99th percentile, and the longest.
        let echo, control, telemetry: (percentile: Int, longest: Int)
        /// Thousandths of the bytes that the controller has moved.
        let share: Int

        init(_ text: String) throws {
            var lines: [Substring: [Int]] = [:]
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                lines[words[0]] = words.dropFirst().compactMap { Int($0) }
            }
            // A call that fails is quick, and would look like a good answer.
            try #require(lines["error"] == nil, "\(text)")
            func pair(_ name: Substring) throws -> (percentile: Int, longest: Int) {
                let values = try #require(lines[name], "\(text)")
                try #require(values.count == 2, "\(text)")
                return (values[0], values[1])
            }
            echo = try pair("echo")
            control = try pair("control")
            telemetry = try pair("telemetry")
            share = try #require(lines["share"]?.first, "\(text)")
        }

        var description: String { "echo \(echo), control \(control), telemetry \(telemetry), share \(share)" }
    }

    @Test("Users who take all that they may leave another one its share of the engine, and its answers")
    func attack() throws {
        let scope = try Scope()
        let server = try scope.serve()
        let control = "\(scope.runDirectory)/dmascope/dmascope.control"
        let program = try builtProduct("tenant-attack")
        func measure() throws -> Figures {
            let result = try runProgram(program, ["measure", control, scope.socket(), "3"])
            guard result.exit == .exited(0) else { throw TestSupportError("\(result)") }
            return try Figures(result.output)
        }
        let alone = try measure()
        #expect(alone.share > 900)
        var attackers: [RunningProgram] = []
        for (number, share) in [300, 200].enumerated() {
            let attacker = try RunningProgram(program, ["attack", control, "\(12341 + number)"])
            try attacker.waitForOutput(containing: "attacking")
            attackers.append(attacker)
            let beside = try measure()
            // A half and a third; with a step for each ring it would be less than 1.
            #expect(beside.share > share, "\(beside), alone \(alone)")
            // Without turns it was 700 times as long, more than 10 s.
            let usual = max(alone.control.percentile, beside.echo.longest)
            #expect(beside.control.percentile < 40 * usual, "\(beside), alone \(alone)")
            // It waited for the control thread: 2,000 times as long.
            let prompt = max(alone.telemetry.percentile, beside.echo.longest)
            #expect(beside.telemetry.longest < 40 * prompt, "\(beside), alone \(alone)")
        }
        for attacker in attackers {
            attacker.kill(SIGKILL)
            try attacker.wait()
        }
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
        #expect(try scope.leftovers.isEmpty)
    }
}
