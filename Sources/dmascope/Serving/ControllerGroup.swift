import Glibc

/// The group whose users may connect to the controller.
enum ControllerGroup {
    /// The number of a group given by name or number; a number need not have a name.
    static func number(_ text: String) -> UInt32? {
        var entry = group()
        var found: UnsafeMutablePointer<group>?
        // The buffer also holds the list of members, which may be long.
        var buffer = [CChar](repeating: 0, count: 1 << 20)
        guard getgrnam_r(text, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return UInt32(text) }
        return entry.gr_gid
    }
}
