import LinuxSystem

extension UserName {
    /// Whose something is that may not be read, and what to do.
    package static func advice(for user: UInt32?, _ action: String) -> String {
        guard let user else { return "\(action) as its owner or as the superuser" }
        return "it belongs to \(text(user)); \(action) as that user or as the superuser"
    }
}
