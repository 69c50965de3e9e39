import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

/// The file of a program, and whether a library can be loaded into it.
struct ProgramToObserve {
    let path: String
    private let hasMoreRights: Bool
    private let isStatic: Bool

    /// - Parameter name: a path, or a name in the directories of PATH.
    init(_ name: String) throws {
        var places = [name]
        if !name.contains("/") {
            places = (getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin").split(separator: ":").map {
                "\($0)/\(name)"
            }
        }
        guard let found = places.first(where: { access($0, X_OK) == 0 }) else {
            throw Failure("cannot run \(name): \(Errno(rawValue: errno))")
        }
        path = found
        hasMoreRights = ProgramFile.addsRights(found)
        isStatic = Self.isStatic(found)
    }

    /// Why LD_PRELOAD does nothing; `nil`: it works.
    var reasonAgainstPreload: String? {
        if hasMoreRights {
            return "\(path) gets more rights than its caller has (setuid, setgid or file capabilities), so the loader "
                + "ignores LD_PRELOAD: use --plugin"
        }
        return reasonAgainstPlugin
    }

    var reasonAgainstPlugin: String? {
        isStatic
            ? "\(path) is linked statically, so no library can be loaded into it: link it with DPDK's shared libraries (pkg-config "
                + "--libs libdpdk, without --static)"
            : nil
    }

    /// Whether it is an ELF program without a loader. A script is none.
    private static func isStatic(_ path: String) -> Bool {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return false }
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 4096)
        guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }), count >= 64,
            bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2])
        else { return false }
        func number(_ offset: Int, _ size: Int) -> Int {
            guard offset >= 0, offset <= count - size else { return 0 }
            return (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        // e_phoff, e_phentsize, e_phnum; PT_INTERP is 3.
        let (table, size) = (number(32, 4), number(54, 2))
        return !(0..<number(56, 2)).contains { number(table + $0 * size, 4) == 3 }
    }
}
