internal import DMADev
internal import DMAEngine
internal import LinuxSystem
internal import SystemPackage

/// The engines of devices that are made together; devices with the same engine name share it.
final class EngineSet {
    private var engines: [String: Engine] = [:]
    private let users: [String: Int]
    /// The first `cpus=` for each name.
    private let processors: [String: ProcessorSet]

    /// - Parameter specifications: all devices; whether an engine is shared, and its processors, must be known when its
    ///   first device is made.
    init(for specifications: [DeviceSpecification]) {
        let named = specifications.compactMap { specification in
            specification.name(.engine).map { ($0, specification.processors(.processors)) }
        }
        users = named.reduce(into: [:]) { users, device in users[device.0, default: 0] += 1 }
        processors = named.reduce(into: [:]) { processors, device in
            if processors[device.0] == nil { processors[device.0] = device.1 }
        }
    }

    /// The engine of a device: the one with the name or, without a name, a new one.
    ///
    /// - Throws: `EINVAL` for processors that the process may not use, and for others than those of an earlier device
    ///   with the same engine.
    func engine(for specification: DeviceSpecification) throws(DMAError) -> (engine: Engine, isShared: Bool) {
        let (name, wanted) = (specification.name(.engine), specification.processors(.processors))
        let chosen = name.flatMap { processors[$0] } ?? wanted
        if let name, let wanted, let chosen, wanted != chosen {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "cpus=\(wanted): another device gives the engine \(name) cpus=\(chosen); they must be equal")
        }
        if let name, let engine = engines[name] { return (engine, true) }
        do throws(Errno) {
            let engine = try Engine(name: name.map { "dma-\($0)" } ?? "dma-engine", processors: chosen)
            if let name { engines[name] = engine }
            return (engine, name.map { users[$0, default: 0] > 1 } ?? false)
        } catch {
            guard let chosen, error == .invalidArgument else {
                throw DMAError(.system, error, "cannot start an engine")
            }
            let allowed = (try? ProcessorSet.allowed())?.description ?? "fewer"
            throw DMAError(
                .invalidArgument, error, "cpus=\(chosen): the processors that this process may use are \(allowed)")
        }
    }
}
