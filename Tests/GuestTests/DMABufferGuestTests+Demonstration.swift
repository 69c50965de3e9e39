import Foundation
import TelemetryWire
import TestSupport
import Testing

/// `dmascope demo dmabuf --guest`.
extension DMABufferGuestTests {
    @Test func theDemonstrationInAGuestHasDMABufs() throws {
        let text = try outputOfProgram(
            builtProduct("dmascope"), ["demo", "dmabuf", "--guest", "--json"], timeout: .seconds(150))
        let steps = try #require(try JSONValue(parsing: text).tree["steps"]).elements
        try #require(steps.count == 6)
        #expect(steps[0]["kind"] == .string("udmabuf") && steps[0]["dmabuf"] == .bool(true))
        #expect(steps[1]["verified"] == .bool(true) && steps[3]["untouched"] == .bool(true))
        let regions = steps[4]["memory"]?["regions"]?.elements ?? []
        #expect(regions.map { $0["exporter"] } == [.string("udmabuf"), .string("udmabuf")])
    }

    @Test func aGuestThatCannotBootSaysWhy() throws {
        let result = try runProgram(builtProduct("dmascope"), ["demo", "dmabuf", "--guest", "--kernel", "/etc/passwd"])
        #expect(result.exit == .exited(1) && result.output == "", "\(result)")
        #expect(result.errors.hasPrefix("dmascope: the virtual machine failed: qemu: "), "\(result)")
        #expect(!result.errors.contains("\\n"), "\(result)")
    }

    @Test func aSignalEndsTheGuestAndNothingIsLeft() throws {
        for signal in [SIGTERM, SIGKILL] {
            let directory = try TemporaryDirectory()
            let demonstration = try RunningProgram(
                builtProduct("dmascope"), ["demo", "dmabuf", "--guest"], environment: ["TMPDIR": directory.path])
            if signal == SIGTERM { try demonstration.waitForOutput(containing: "\n2. ", timeout: .seconds(120)) }
            let number = demonstration.processID
            var emulator: pid_t?
            try eventually("the emulator runs") {
                // The last program that it starts is the emulator; those before list libraries.
                let children = try? String(contentsOfFile: "/proc/\(number)/task/\(number)/children", encoding: .utf8)
                emulator = children?.split(separator: " ").compactMap { pid_t($0) }.first { child in
                    (try? String(contentsOfFile: "/proc/\(child)/comm", encoding: .utf8))?.hasPrefix("qemu") == true
                }
                return emulator != nil
            }
            demonstration.kill(signal)
            let result = try demonstration.wait()
            #expect(result.exit == (signal == SIGTERM ? .exited(143) : .signalled(SIGKILL)), "\(result)")
            let process = try #require(emulator)
            try eventually("the emulator has ended") { kill(process, 0) != 0 }
            #expect(try directory.contents == [])
        }
    }
}
