import Glibc
import LinuxSystem

/// The names of users, each looked up once: a directory service may be slow.
final class OwnerNames: Sendable {
    private let names = Locked<[UInt32: String]>([:])

    /// The name; the number of a user without one.
    func name(of user: UInt32) -> String {
        names.withLock { names in
            if let name = names[user] { return name }
            let name = Self.lookUp(user) ?? "\(user)"
            names[user] = name
            return name
        }
    }

    private static func lookUp(_ user: UInt32) -> String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        guard getpwuid_r(user, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name
        else { return nil }
        return String(cString: name)
    }
}
