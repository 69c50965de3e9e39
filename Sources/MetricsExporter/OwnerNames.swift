import LinuxSystem

/// The names of users, each looked up once: a directory service may be slow.
final class OwnerNames: Sendable {
    private let names = Locked<[UInt32: String]>([:])

    /// The name; the number of a user without one.
    func name(of user: UInt32) -> String {
        names.withLock { names in
            if let name = names[user] { return name }
            let name = UserName.name(user) ?? "\(user)"
            names[user] = name
            return name
        }
    }
}
