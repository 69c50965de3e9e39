import ControllerDriver
import DMADev
import Foundation

/// A controller in a process of its own, and a group with members: devices of this process, and processes.
final class GroupScene {
    let group: AccessGroupID
    private(set) var members: [ControllerDevice] = []
    private let controller: Child
    private let path: String
    private let token: AccessToken

    init(_ setting: Setting) throws {
        path = "\(setting.directory)/group-scene.control"
        controller = try Child([Setting.built("controller-process"), path])
        guard try controller.line() == "ready" else { throw Failure("the controller does not start") }
        // The token of a member process.
        let bytes = [UInt8](repeating: 42, count: AccessToken.byteCount)
        guard let token = bytes.withUnsafeBytes({ AccessToken(bytes: $0) }) else { throw Failure("no token") }
        self.token = token
        let creator = try ControllerDevice(path: path)
        members.append(creator)
        group = try creator.createAccessGroup(.group(limit: .max), domain: .random(), token: token).group
    }

    /// The controller's process.
    var processID: Int32 { controller.processID }
    var work: ProcessWork { ProcessWork(of: processID) }

    /// Adds devices of this process until there are so many members.
    func grow(to count: Int) throws {
        while members.count < count {
            let device = try ControllerDevice(path: path)
            _ = try device.joinAccessGroup(group, domain: .random(), token: token)
            members.append(device)
        }
    }

    /// Starts a process whose only device joins, and starts so many rings.
    func startMember(ringCount: Int) throws(Failure) -> Child {
        let member = try Child([Setting.built("controller-process"), path, "\(group)", "\(ringCount)"])
        guard try member.line() == "ready" else { throw Failure("a member with \(ringCount) rings does not start") }
        return member
    }

    /// Ends the controller first, so that the members do not learn of each other's end.
    func end() {
        controller.end()
        for member in members { try? member.close() }
    }
}
