internal import LinuxSystem
internal import SystemPackage

extension DMAController {
    /// Listens at the path and creates its directory if there is none; an error leaves neither behind.
    ///
    /// - Parameter path: in a directory of this user (or the superuser) that no other user can write to.
    static func makeSocket(path: String, mode: UInt16, group: UInt32?) throws(ControllerError) -> ListeningSocket {
        do throws(SocketFile.Failure) {
            return try ListeningSocket(forUsersAt: path, mode: mode, group: group)
        } catch {
            guard error.kind == .inUse else { throw ControllerError(error.description) }
            let why = error.errno.map { "\($0)" } ?? "it accepts connections"
            throw ControllerError("another controller already uses \(path) (\(why)); use another path", isTaken: true)
        }
    }
}
