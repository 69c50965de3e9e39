import Foundation

/// A control group of cgroup v2 that a test makes; it is removed with the last reference, when its programs have ended.
public final class ControlGroupDirectory: Sendable {
    /// Where groups can be made; `nil`: nowhere.
    public static let root = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first {
        access("\($0)/cgroup.procs", W_OK) == 0
    }
    /// Why a test is skipped.
    public static let isMissing = "control groups cannot be made here"

    /// Its path below the root of the hierarchy.
    public let path: String
    private let directory: String

    /// Makes a group.
    ///
    /// - Parameters:
    ///   - parent: the path of the group around it.
    ///   - owner: whom it is given to.
    public init(in parent: String = "", owner: uid_t = geteuid()) throws {
        guard let root = Self.root else { throw TestSupportError(Self.isMissing) }
        path = parent + "/dmascope-\(getpid())-\(UInt64.random(in: .min ... .max))"
        directory = root + path
        guard mkdir(directory, 0o755) == 0, chown(directory, owner, gid_t(bitPattern: -1)) == 0 else {
            throw TestSupportError("\(directory): \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        // A process that has ended leaves its group a moment later.
        for _ in 0..<1000 where rmdir(directory) != 0 && errno == EBUSY { usleep(1000) }
    }

    /// Starts a program in the group.
    public func run(_ program: String, _ arguments: [String] = []) throws -> RunningProgram {
        let script = "echo $$ >\(directory)/cgroup.procs && exec \"$0\" \"$@\""
        return try RunningProgram("/bin/sh", ["-c", script, program] + arguments)
    }
}
