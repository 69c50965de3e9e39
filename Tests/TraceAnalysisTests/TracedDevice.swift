import DeviceDrivers
import DomainTestSupport
import Foundation
import TestSupport

/// A device of some driver for the programs of a recording, with the processes that it needs.
enum TracedDevice {
    /// Every driver, and a device of a host's controller in a guest.
    static let drivers = DriverTable.all.map(\.name) + ["guest"]

    /// Runs with the specification of a device of the driver, or with the path of a controller's socket and the process of
    /// that controller, which is recorded, too.
    static func with(
        _ driver: String, _ session: LTTngSession, _ body: (String, RunningProgram?) throws -> Void
    ) throws {
        switch driver {
        case "controller":
            let directory = try TemporaryDirectory()
            let path = directory.file("control")
            try host(session, [path]) { try body(path, $0) }
        case "guest":
            let directory = try TemporaryDirectory()
            let relay = try StreamRelay(directory, "guest")
            let memory = "/dev/shm/dmascope-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
            guard FileManager.default.createFile(atPath: memory, contents: nil), truncate(memory, 16 << 20) == 0 else {
                throw TestSupportError("\(memory): \(String(cString: strerror(errno)))")
            }
            defer { unlink(memory) }
            try host(session, [directory.file("control"), memory, relay.hostPath]) { controller in
                let path = directory.file("guest.control")
                let broker = try RunningProgram(builtProduct("broker-host"), [path, memory, relay.guestPath])
                try broker.waitForOutput(containing: "ready")
                _ = try broker.nextLine()
                try eventually("the guest is connected") {
                    broker.write("\n")
                    return try !broker.nextLine().hasPrefix("-")
                }
                try body(path, controller)
                broker.closeInput()
                try broker.wait()
            }
        default: try body("\(driver),max-sges=64", nil)
        }
    }

    /// Runs with a controller, which has to end in order unless it was killed.
    private static func host(
        _ session: LTTngSession, _ arguments: [String], _ body: (RunningProgram) throws -> Void
    ) throws {
        let controller = try session.start(builtProduct("controller-host"), arguments)
        try controller.waitForOutput(containing: "ready")
        try body(controller)
        controller.closeInput()
        let exit = try controller.wait().exit
        guard exit == .exited(0) || exit == .signalled(9) else { throw TestSupportError("the controller: \(exit)") }
    }
}
