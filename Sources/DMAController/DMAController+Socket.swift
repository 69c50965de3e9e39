internal import LinuxSystem
internal import SystemPackage

extension DMAController {
    /// Listens at the path and creates its directory if there is none; an error leaves neither behind.
    ///
    /// - Parameter path: in a directory of this user (or the superuser) that no other user can write to.
    static func makeSocket(path: String, mode: UInt16, group: UInt32?) throws(ControllerError) -> ListeningSocket {
        guard let slash = path.lastIndex(of: "/"), path.index(after: slash) != path.endIndex else {
            throw ControllerError("\(path) is no path of a socket: it must be DIRECTORY/NAME")
        }
        // Only this user can write to it. Others must be able to reach the socket, whose mode decides who may connect.
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        var layout = SocketFile.Layout(
            directories: [.init(directory, mode: 0o711, allowsSuperuser: true)], lockPath: path + ".lock")
        layout.mode = FilePermissions(rawValue: CModeT(mode))
        layout.group = group
        do throws(SocketFile.Failure) {
            return try ListeningSocket(at: CollectionOfOne(path), layout)
        } catch {
            guard error.kind == .inUse else { throw ControllerError(error.description) }
            let why = error.errno.map { "\($0)" } ?? "it accepts connections"
            throw ControllerError("another controller already uses \(path) (\(why)); use another path", isTaken: true)
        }
    }
}
