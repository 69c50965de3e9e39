import LinuxSystem
import SystemPackage

extension Failure {
    /// A call on a file that the system refused.
    static func file(_ path: String, _ what: String, _ errno: Errno) -> Failure {
        let next =
            switch errno {
            case .noSpace: "make room, or copy to another file system"
            case .noSuchFileOrDirectory, .notDirectory: "check the path"
            case .permissionDenied, .notPermitted: "change its permissions, or copy as another user"
            case .fileTooLarge: "raise the limit of file sizes (ulimit -f), or copy to another file system"
            case .fileExists: "choose another name, or say --force"
            default: "copy another file, or to another place"
            }
        return Failure("\(path): cannot \(what): \(errno): \(next)")
    }
}

/// Makes a system call on a file; what it refuses becomes a ``Failure``.
@discardableResult
func calling<Value: FixedWidthInteger & SignedInteger>(
    _ path: String, _ what: String, _ body: () -> Value
) throws(Failure) -> Value {
    do throws(Errno) {
        return try tryingSystemCall(body)
    } catch {
        throw .file(path, what, error)
    }
}
