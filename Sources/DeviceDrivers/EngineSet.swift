internal import DMADev
internal import DMAEngine
internal import SystemPackage

/// The engines of devices that are made together; devices with the same engine name share it.
final class EngineSet {
    private var engines: [String: Engine] = [:]
    private let users: [String: Int]

    /// - Parameter specifications: all devices; whether an engine is shared must be known when its first device is
    ///   made.
    init(for specifications: [DeviceSpecification]) {
        users = specifications.reduce(into: [:]) { users, specification in
            if let name = specification.name(.engine) { users[name, default: 0] += 1 }
        }
    }

    /// The engine with a name; without a name, a new one for one device.
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
