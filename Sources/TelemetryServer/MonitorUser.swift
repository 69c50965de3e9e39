import Glibc

/// The user of the monitor that Debian's package installs: it may read every server that it can reach.
enum MonitorUser {
    static let name = "dmascope-monitor"

    /// Whether a user is it. Only the file is read, where packages make their users: a directory service could make the
    /// server wait. False if the file cannot be read.
    static func matches(_ user: UInt32, in path: String = "/etc/passwd") -> Bool {
        guard let file = fopen(path, "re") else { return false }
        defer { fclose(file) }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 1 << 12)
        while fgetpwent_r(file, &entry, &buffer, buffer.count, &found) == 0, found != nil {
            if entry.pw_uid == user, strcmp(entry.pw_name, name) == 0 { return true }
        }
        return false
    }
}
