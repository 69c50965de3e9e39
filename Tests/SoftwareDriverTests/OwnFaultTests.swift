import Conformance
import Glibc
import TestSupport
import Testing

/// The guard that lets a device survive bad addresses does not swallow the faults of the program around it.
@Suite struct OwnFaultTests {
    @Test("A handler from before the device gets the program's own faults", arguments: ["access", "bus", "sent"])
    func handlers(fault: String) throws {
        for (handler, words) in [("information", "handler with information\n"), ("number", "handler\n")] {
            let result = try run(handler, fault)
            #expect(result.exit == .exited(7), "\(result)")
            #expect(result.output == "device: invalid_src_addr\n" + words)
        }
    }

    @Test("Without a handler the program dies of its own fault", arguments: ["access", "bus", "sent"])
    func noHandler(fault: String) throws {
        let result = try run("none", fault)
        #expect(result.output == "device: invalid_src_addr\n")
        // ThreadSanitizer has a handler of its own, which reports the fault and exits.
        if !ThreadSanitizer.isActive {
            #expect(result.exit == .signalled(fault == "bus" ? SIGBUS : SIGSEGV), "\(result)")
        }
    }

    @Test("A handler that came between two engines passes on to the guard, and the fault does not go in a circle")
    func between() throws {
        let result = try run("between", "access")
        #expect(result.output == "device: invalid_src_addr\npasses on\n")
        if !ThreadSanitizer.isActive { #expect(result.exit == .signalled(SIGSEGV), "\(result)") }
    }

    @Test("Faults cannot be ignored, signals that somebody sends can")
    func ignored() throws {
        let fault = try run("ignore", "access")
        #expect(fault.output == "device: invalid_src_addr\n")
        if !ThreadSanitizer.isActive { #expect(fault.exit == .signalled(SIGSEGV), "\(fault)") }
        let sent = try run("ignore", "sent")
        #expect(sent.output == "device: invalid_src_addr\nsurvived\n")
        #expect(sent.exit == .exited(0), "\(sent)")
    }

    private func run(_ handler: String, _ fault: String) throws -> ProgramResult {
        // The device's own page fault is too much for ThreadSanitizer; an address that is refused is not.
        let address = ThreadSanitizer.isActive ? UInt64(1) << 60 : 0
        return try runProgram(
            builtProduct("own-fault"), [handler, fault, "\(address)"], environment: ["SWIFT_BACKTRACE": "enable=no"])
    }
}
