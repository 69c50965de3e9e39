import CLinux
public import SystemPackage

/// Rights of a process beyond those of its user.
///
/// C: `CAP_*` of capabilities(7)
public struct ProcessCapabilities: OptionSet, Sendable, Hashable {
    /// A bit for each capability, at its number.
    public let rawValue: UInt64

    /// The capabilities with these bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Reads, writes and connects whatever the mode of a file says. C: `CAP_DAC_OVERRIDE`
    public static let fileAccess = ProcessCapabilities(rawValue: 1 << CLINUX_CAP_DAC_OVERRIDE)
    /// Examines processes of other users. C: `CAP_SYS_PTRACE`
    public static let examination = ProcessCapabilities(rawValue: 1 << CLINUX_CAP_SYS_PTRACE)

    /// Keeps those that this process has, and gives up all others for ever, with all that they could lead to: a program that
    /// it starts has none, and a set-user-ID program gives it nothing.
    ///
    /// It concerns the calling thread and those that it starts later, so call it before there are others.
    ///
    /// C: `prctl` with `PR_SET_NO_NEW_PRIVS` and `PR_CAPBSET_DROP`, `capset`
    ///
    /// - Returns: those that are left.
    /// - Throws: EBUSY when there are other threads; nothing has changed then.
    @discardableResult
    public func keepOnlyThese() throws(Errno) -> ProcessCapabilities {
        guard try ProcFile.names(in: "/proc/self/task").count == 1 else { throw .resourceBusy }
        var kept: UInt64 = 0
        try tryingSystemCall { clinux_keep_capabilities(rawValue, &kept) }
        return ProcessCapabilities(rawValue: kept)
    }

    /// Lets only processes with capabilities examine this one, which may be of the same user.
    ///
    /// C: `prctl` with `PR_SET_DUMPABLE`
    public static func forbidExamination() throws(Errno) {
        try tryingSystemCall { clinux_forbid_examination() }
    }
}
