internal import CLinux
public import SystemPackage

/// Makes accesses of this process to missing pages of shared memory raise SIGBUS, instead of allocating them.
///
/// A page of a file in memory is charged to the process that touches it first. So a process that maps a file of another
/// one would pay for its holes, as often as the other one makes new ones.
///
/// C: `userfaultfd` with `UFFD_USER_MODE_ONLY` and `UFFD_FEATURE_SIGBUS`
public final class MissingPages: Sendable {
    private let descriptor: OwnedDescriptor

    /// - Throws: ENOSYS, EPERM where the system refuses it, as containers may do; EMFILE, ENFILE, ENOMEM.
    public init() throws(Errno) {
        descriptor = OwnedDescriptor(adopting: try tryingSystemCall { clinux_missing_pages() })
    }

    /// Includes mapped pages of a file in memory, until they are unmapped.
    ///
    /// - Throws: EINVAL for other memory; ENOMEM.
    func register(_ pages: UnsafeMutableRawBufferPointer) throws(Errno) {
        guard let start = pages.baseAddress else { return }
        let raw = descriptor.raw
        try tryingSystemCall { clinux_register_missing_pages(raw, start, pages.count) }
    }
}
