internal import DMADev
internal import DMAEngine
internal import SystemPackage

/// The engines of the devices that are made together: those that name the same engine share it.
final class EngineSet {
    private var engines: [String: Engine] = [:]
    private let users: [String: Int]

    /// - Parameter specifications: all devices, since a device says whether it shares its engine when it is made.
    init(for specifications: [DeviceSpecification]) {
        users = specifications.reduce(into: [:]) { users, specification in
            if let name = specification.name(.engine) { users[name, default: 0] += 1 }
        }
    }

    /// The engine with a name, or a new one for a device alone.
    func engine(named name: String?) throws(DMAError) -> (engine: Engine, isShared: Bool) {
        if let name, let engine = engines[name] { return (engine, true) }
        do throws(Errno) {
            let engine = try Engine(name: name.map { "dma-\($0)" } ?? "dma-engine")
            if let name { engines[name] = engine }
            return (engine, name.map { users[$0, default: 0] > 1 } ?? false)
        } catch {
            throw DMAError(.system, error, "cannot start an engine")
        }
    }
}
