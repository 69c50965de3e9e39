import Glibc

/// The names of users. A directory service may make each call wait.
///
/// Any thread may call. C counterparts: `getpwuid_r(3)`, `getpwnam_r(3)`.
public enum UserName {
    /// `user 1000 (alice)`; only the number if it has no name.
    public static func text(_ user: UInt32) -> String { name(user).map { "user \(user) (\($0))" } ?? "user \(user)" }

    /// The name; `nil` if the user has none.
    public static func name(_ user: UInt32) -> String? {
        find({ getpwuid_r(user, $0, $1, $2, $3) }) { $0.pw_name.map { String(cString: $0) } } ?? nil
    }

    /// The number of a user; `nil` if no user has the name.
    public static func number(_ name: String) -> UInt32? {
        find({ getpwnam_r(name, $0, $1, $2, $3) }, \.pw_uid)
    }

    private typealias Search = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> CInt

    private static func find<Value>(_ search: Search, _ value: (passwd) -> Value) -> Value? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        // The entry's strings lie in the buffer.
        return buffer.withUnsafeMutableBufferPointer { buffer in
            guard search(&entry, buffer.baseAddress!, buffer.count, &found) == 0, found != nil else { return nil }
            return value(entry)
        }
    }
}
