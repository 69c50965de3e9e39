import Foundation
import LinuxSystem
import TestSupport
import Testing

/// What tells processes apart.
@Suite struct ProcessIdentityTests {
    private func identity(_ pid: pid_t) throws -> ProcessIdentity {
        let process = try ProcessDescriptor.open(pid)
        let identity = ProcessIdentity(of: process, pid: pid)
        return try #require(identity)
    }

    @Test("A process has one identity, by each of its descriptors, and no other has it")
    func unique() throws {
        let programs = [try RunningProgram("/bin/cat"), try RunningProgram("/bin/cat")]
        let (one, other) = (programs[0].processID, programs[1].processID)
        #expect(try identity(one) == identity(one))
        #expect(try identity(one) != identity(other))
        #expect(try identity(getpid()) != identity(one))
    }

    @Test("The start is found behind any name of the program")
    func startTicks() {
        let rest = "S 1 2 3 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 1 0 98765 111 222"
        for name in ["cat", "a b", "x) S 1 2", ")", "(("] {
            #expect(ProcessIdentity.startTicks(in: "12 (\(name)) \(rest)\n") == 98765)
        }
        for text in ["", "12 (cat", "12 (cat) S 1 2", "12 (cat) " + rest.replacing("98765", with: "x")] {
            #expect(ProcessIdentity.startTicks(in: text) == nil)
        }
    }
}
