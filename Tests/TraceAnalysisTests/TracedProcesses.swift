import TestSupport
import Testing

/// A process with a controller, an application that uses it and ends, and one that is killed.
///
/// - Parameter socket: the controller's.
/// - Returns: their numbers, in this order.
func runProcesses(_ session: LTTngSession, _ socket: String) throws -> [Int] {
    let program = try builtProduct("trace-processes")
    let host = try session.start(program, ["host", socket, "200"])
    try host.waitForOutput(containing: "ready")
    let application = try session.start(program, ["application", socket, "1000"])
    let victim = try session.start(program, ["victim", socket, "500"])
    try victim.waitForOutput(containing: "ready")
    victim.kill(9)
    #expect(try victim.wait().exit == .signalled(9))
    _ = try application.nextLine()
    for running in [application, host] {
        running.closeInput()
        #expect(try running.wait().exit == .exited(0))
    }
    return [host, application, victim].map { Int($0.processID) }
}
