import ArgumentParser
import Glibc

/// Groups of users in options.
package enum GroupName {
    /// The number of a group given by name or number; a number need not have a name.
    package static func number(_ text: String) -> UInt32? {
        var entry = group()
        var found: UnsafeMutablePointer<group>?
        // The buffer also holds the list of members, which may be long.
        var buffer = [CChar](repeating: 0, count: 1 << 20)
        guard getgrnam_r(text, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return UInt32(text) }
        return entry.gr_gid
    }

    /// The name of a group, or its number if it has none.
    package static func text(_ number: UInt32) -> String {
        var entry = group()
        var found: UnsafeMutablePointer<group>?
        var buffer = [CChar](repeating: 0, count: 1 << 20)
        guard getgrgid_r(number, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.gr_name
        else { return "\(number)" }
        return String(cString: name)
    }

    /// Fails with a message for the option if there is no such group.
    package static func check(_ text: String?, of option: String) throws(ValidationError) {
        guard let text, number(text) == nil else { return }
        throw ValidationError("\(option) takes the name or number of a group; there is no group \(text)")
    }
}
