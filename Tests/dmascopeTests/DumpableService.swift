import Foundation
import TestSupport

/// A `dmascope serve` that leaves a core dump with all that can be in one.
final class DumpableService {
    let scope: Scope
    let program: RunningProgram
    /// Whether the service can have memory that nobody reads.
    let hasSecretMemory: Bool

    /// - Parameter refusesSecretMemory: whether the system call for such memory is refused, as container profiles do.
    init(refusesSecretMemory: Bool) throws {
        scope = try Scope()
        let python = try Self.python()
        let ask = "import ctypes; print(ctypes.CDLL(None).syscall(447, 0) >= 0)"
        hasSecretMemory = try !refusesSecretMemory && outputOfProgram(python, ["-c", ask]) == "True\n"
        program = try RunningProgram(
            python,
            ["-c", Self.launcher, refusesSecretMemory ? "refuse" : "", scope.directory.path, scope.program, "serve"]
                + ["--listen", "off"], environment: scope.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 })
        try program.waitForOutput(containing: "Ctrl-C ends it.")
    }

    /// Runs `dmascope serve` where it may lock no memory.
    static func runWithoutLockedMemory() throws -> ProgramResult {
        let scope = try Scope()
        let arguments = [
            "-c", launcher, "refuse lock", scope.directory.path, scope.program, "serve", "--listen", "off",
        ]
        return try runProgram(python(), arguments, environment: scope.environment)
    }

    private static func python() throws -> String { try requiredTool("python3", package: "python3") }

    var controllerPath: String { scope.runDirectory + "/dmascope/dmascope.control" }

    /// Becomes a program whose core dumps are complete, and lie in a directory. With `refuse` a filter answers
    /// memfd_secret(2), which has one number on all machines, with EPERM; with `lock` no memory may be locked.
    private static let launcher = """
        import ctypes, os, resource, struct, sys
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        open("/proc/self/coredump_filter", "w").write("0x7f")
        c = ctypes.CDLL(None)
        if "lock" in sys.argv[1]:
            c.prctl(24, 14, 0, 0, 0)
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
        if "refuse" in sys.argv[1]:
            code = b"".join(struct.pack("HBBI", *step) for step in [
                (0x20, 0, 0, 0), (0x15, 0, 1, 447), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)])
            code = ctypes.create_string_buffer(code)
            filter = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4, ctypes.addressof(code)))
            assert c.prctl(38, 1, 0, 0, 0) == 0 and c.prctl(22, 2, filter, 0, 0) == 0
        os.chdir(sys.argv[2])
        os.execv(sys.argv[3], sys.argv[3:])
        """

    /// Ends the service with a signal that dumps its core, and reads what the kernel has written. Where core dumps go
    /// elsewhere, and this process may not change that, a debugger writes one before.
    func dumpCore() throws -> Data {
        let pattern = "/proc/sys/kernel/core_pattern"
        let before = try String(contentsOfFile: pattern, encoding: .utf8)
        // A bare name is a file in the directory in which the process runs.
        let isBare = !before.contains("|") && !before.contains("/")
        guard isBare || (try? write("core\n", to: pattern)) != nil else {
            let path = scope.directory.file("core")
            try outputOfProgram(requiredTool("gcore", package: "gdb"), ["-o", path, "\(program.processID)"])
            return try read("\(path).\(program.processID)")
        }
        defer { if !isBare { try? write(before, to: pattern) } }
        program.kill(SIGABRT)
        let result = try program.wait()
        let names = try FileManager.default.contentsOfDirectory(atPath: scope.directory.path)
        guard result.exit == .signalled(SIGABRT), let name = names.first(where: { $0.hasPrefix("core") }) else {
            throw TestSupportError("no core dump among \(names): \(result)")
        }
        return try read(scope.directory.file(name))
    }

    private func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func read(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
    }
}
