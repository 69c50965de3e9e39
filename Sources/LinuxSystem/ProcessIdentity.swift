import CLinux

/// What only one process ever has, from the start of the system on. A process ID is used again, and is 0 for every
/// process of a PID namespace that is not visible here.
public struct ProcessIdentity: Sendable, Hashable {
    private enum Kind: Hashable {
        /// The inode number of its descriptors.
        case inode(UInt64)
        /// Its ID, and when it started, in clock ticks.
        case start(pid: Int32, ticks: UInt64)
    }

    private let kind: Kind

    /// Reads the identity of a process.
    ///
    /// C: `statx`; before Linux 6.9 `/proc/PID/stat`
    ///
    /// - Parameters:
    ///   - process: its descriptor.
    ///   - pid: its ID; 0: not visible.
    /// - Returns: `nil` when the kernel has no such number, and the process has ended or is not visible.
    public init?(of process: borrowing OwnedDescriptor, pid: Int32) {
        let inode = clinux_pidfd_inode(process.raw)
        if inode != 0 {
            kind = .inode(inode)
        } else if pid > 0, let text = ProcessDescriptor.file("stat", of: pid, process),
            let ticks = Self.startTicks(in: text)
        {
            kind = .start(pid: pid, ticks: ticks)
        } else {
            return nil
        }
    }

    /// A number that no other process of this system has as long as it runs.
    public var number: UInt64 {
        switch kind {
        case .inode(let inode): inode
        // IDs are below 2²²; so many ticks are a thousand years.
        case .start(let pid, let ticks): UInt64(UInt32(bitPattern: pid)) << 42 | ticks & ((1 << 42) - 1)
        }
    }

    /// Field 22 in the text of `/proc/PID/stat`. Field 2, the program's name in parentheses, can contain anything.
    package static func startTicks(in text: String) -> UInt64? {
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[end...].dropFirst().split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }
}
