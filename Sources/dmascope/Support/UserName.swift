import Glibc

/// The names of users in messages.
enum UserName {
    /// `user 1000 (alice)`; only the number if it has no name.
    static func text(_ user: UInt32) -> String { name(user).map { "user \(user) (\($0))" } ?? "user \(user)" }

    /// The name; `nil` if the user has none.
    static func name(_ user: UInt32) -> String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        guard getpwuid_r(user, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name
        else { return nil }
        return String(cString: name)
    }

    /// The number of a user; `nil` if no user has the name.
    static func number(_ name: String) -> UInt32? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return entry.pw_uid
    }

    /// Whose something is that may not be read, and what to do.
    static func advice(for user: UInt32?, _ action: String) -> String {
        guard let user else { return "\(action) as its owner or as the superuser" }
        return "it belongs to \(text(user)); \(action) as that user or as the superuser"
    }
}
