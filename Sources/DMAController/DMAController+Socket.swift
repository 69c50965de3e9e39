internal import LinuxSystem
internal import SystemPackage

extension DMAController {
    /// Listens at the path, and makes its directory when there is none; an error leaves neither behind.
    ///
    /// - Parameter path: in a directory that belongs to this user (or the superuser) and that nobody else can write to.
    static func makeSocket(path: String, mode: UInt16, group: UInt32?) throws(ControllerError) -> ListeningSocket {
        guard let slash = path.lastIndex(of: "/"), path.index(after: slash) != path.endIndex else {
            throw ControllerError("\(path) names no socket in a directory")
        }
        // Made for this user alone. The socket's own mode says who may connect: others need to come to it.
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        var layout = SocketFile.Layout(
            directories: [.init(directory, mode: 0o711, allowsSuperuser: true)], lockPath: path + ".lock")
        layout.mode = FilePermissions(rawValue: CModeT(mode))
        layout.group = group
        do throws(SocketFile.Failure) {
            return try ListeningSocket(at: CollectionOfOne(path), layout)
        } catch {
            guard error.kind == .inUse else { throw ControllerError(error.description) }
            let why = error.errno.map { "\($0)" } ?? "it answers"
            throw ControllerError("a controller is at \(path) already (\(why)); take another path", isTaken: true)
        }
    }
}
