internal import DMADev
internal import DMAEngine
internal import LinuxSystem
internal import SystemPackage

/// The engines of devices that are made together; devices with the same engine name share it.
final class EngineSet {
    private var engines: [String: Engine] = [:]
    /// All devices: whether an engine is shared, and what it is like, must be known when its first device is made.
    private let specifications: [DeviceSpecification]

    /// - Parameter specifications: all devices.
    init(for specifications: [DeviceSpecification]) { self.specifications = specifications }

    /// The engine of a device: the one with the name or, without a name, a new one.
    ///
    /// - Throws: `EINVAL` for processors that the process may not use, and for a key of the engine with another value than
    ///   that of an earlier device with the same engine.
    func engine(for specification: DeviceSpecification) throws(DMAError) -> (engine: Engine, isShared: Bool) {
        let name = specification.name(.engine)
        let users = name.map { name in specifications.filter { $0.name(.engine) == name } } ?? [specification]
        let chosen = try Self.value(.processors, of: users, for: specification) { $0.processors(.processors) }
        let idling = try Self.value(.idling, of: users, for: specification) {
            $0.text(.idling).flatMap(EngineIdling.init(rawValue:))
        }
        if let name, let engine = engines[name] { return (engine, true) }
        do throws(Errno) {
            let engine = try Engine(
                name: name.map { "dma-\($0)" } ?? "dma-engine", idling: idling ?? .sleep, processors: chosen)
            if let name { engines[name] = engine }
            return (engine, users.count > 1)
        } catch {
            guard let chosen, error == .invalidArgument else {
                throw DMAError(.system, error, "cannot start an engine")
            }
            let allowed = (try? ProcessorSet.allowed())?.description ?? "fewer"
            throw DMAError(
                .invalidArgument, error, "cpus=\(chosen): the processors that this process may use are \(allowed)")
        }
    }

    /// The value of a key of an engine: the first that a device with this engine has.
    private static func value<Value: Equatable>(
        _ key: DriverKey, of users: [DeviceSpecification], for specification: DeviceSpecification,
        _ read: (DeviceSpecification) -> Value?
    ) throws(DMAError) -> Value? {
        let (wanted, chosen) = (read(specification), users.lazy.compactMap(read).first)
        if let name = specification.name(.engine), let wanted, let chosen, wanted != chosen {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "\(key.name)=\(wanted): another device gives the engine \(name) \(key.name)=\(chosen); they must be equal"
            )
        }
        return chosen
    }
}
