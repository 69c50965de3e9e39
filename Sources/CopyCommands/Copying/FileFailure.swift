import CommandSupport
import LinuxSystem
import SystemPackage

extension Failure {
    /// A system call on a file failed.
    static func file(_ path: String, _ what: String, _ errno: Errno) -> Failure {
        let next =
            switch errno {
            case .noSpace: "free some space, or copy to another file system"
            case .noSuchFileOrDirectory, .notDirectory: "check the path"
            case .permissionDenied, .notPermitted: "change its permissions, or copy as another user"
            case .fileTooLarge: "raise the limit of file sizes (ulimit -f), or copy to another file system"
            case .fileExists: "choose another name, or use --force"
            default: "copy another file, or copy to another directory"
            }
        return Failure("\(path): cannot \(what): \(errno): \(next)")
    }
}

/// Makes a system call on a file and turns its error into a ``Failure``.
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
