import CommandSupport
import Glibc
import LinuxSystem

extension DoctorCheck {
    private static let objectName = "libdmascope-trace.so.1"

    /// The object that records events, where a process with devices looks for it.
    static let traceObject = DoctorCheck(name: "trace object") { _ in
        let program = ProgramLocation.directory
        let places = [
            "\(program)/\(objectName)", "\(program)/libdmascope-trace.so", "\(program)/../lib/\(objectName)",
        ]
        if let found = places.first(where: { access($0, R_OK) == 0 }) { return [.init(.ok, found)] }
        // The cache of the system's loader has the names of all libraries.
        if let cache = try? ProcFile.bytes("/etc/ld.so.cache", atMost: 1 << 24),
            String(decoding: cache, as: UTF8.self).contains(objectName)
        {
            return [.init(.ok, "\(objectName) in the system's library path")]
        }
        return [
            .init(
                .warning,
                "no \(objectName) beside this program, in ../lib, or in the library path: without it no event is recorded",
                advice: "make install, or scripts/link-trace-object DIRECTORY in a checkout")
        ]
    }

    /// LTTng's session daemon: that of the superuser, and that of this user.
    static let sessionDaemon = DoctorCheck(name: "LTTng") { _ in
        let user = geteuid()
        let home = getenv("LTTNG_HOME").map { String(cString: $0) } ?? getenv("HOME").map { String(cString: $0) } ?? ""
        let system = daemon("/var/run/lttng/lttng-sessiond.pid")
        let own = user == 0 ? nil : daemon(home + "/.lttng/lttng-sessiond.pid")
        var findings: [DoctorFinding] = []
        if let pid = own ?? system {
            findings.append(
                .init(.ok, "a session daemon runs: pid \(pid), of \(own == nil ? "the superuser" : "this user")"))
        } else {
            findings.append(
                .init(
                    .warning, "no session daemon runs: nothing can be recorded",
                    advice: "`lttng create` starts one (package lttng-tools); processes that run already join it"))
        }
        guard user != 0, system != nil else { return findings }
        guard let group = GroupName.number("tracing") else {
            findings.append(.init(.warning, "no group tracing: only the superuser controls the superuser's daemon"))
            return findings
        }
        findings.append(
            Groups.own.contains(group)
                ? .init(.ok, "this user is in the group tracing, and can record what all users do")
                : .init(
                    .warning, "this user is not in the group tracing, and can record only its own processes",
                    advice: "usermod -aG tracing USER, and log in again"))
        return findings
    }

    /// The process of a file with its number; `nil`: it does not run.
    private static func daemon(_ path: String) -> Int32? {
        guard let bytes = try? ProcFile.bytes(path, atMost: 32),
            let pid = Int32(String(decoding: bytes, as: UTF8.self).filter(\.isNumber)), pid > 0
        else { return nil }
        return kill(pid, 0) == 0 || errno == EPERM ? pid : nil
    }
}

/// Where this program is.
private enum ProgramLocation {
    static var directory: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return "." }
        let path = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
