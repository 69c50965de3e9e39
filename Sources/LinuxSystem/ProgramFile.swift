internal import CLinux
internal import Glibc

/// The file of a program.
public enum ProgramFile {
    /// Whether a process of this user that runs it has more rights than this user: the loader then ignores the environment
    /// (LD_PRELOAD). Of a file that cannot be examined: `false`.
    ///
    /// C: `stat`, `getxattr` of `security.capability`
    public static func addsRights(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return false }
        return status.st_mode & S_ISUID != 0 && status.st_uid != getuid()
            || status.st_mode & (S_ISGID | S_IXGRP) == S_ISGID | S_IXGRP && status.st_gid != getgid()
            || getuid() != 0 && clinux_has_capabilities(path)
    }
}
