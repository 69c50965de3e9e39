internal import DMADev
internal import DMAEngine
internal import FaultDriver
internal import SystemPackage

extension DriverDescription {
    /// The fault driver: its own keys, and those of the inner drivers.
    static let fault = DriverDescription(
        name: FaultDevice.driverName, summary: "a device of another driver that fails on purpose, as set by these keys",
        keys: [.inner] + DriverKey.faults + innerKeys
    ) { (specification, engines) throws(DMAError) in
        let name = specification.text(.inner) ?? DriverKey.standardInner.name
        let inner = DriverTable.basic.first { $0.name == name } ?? DriverKey.standardInner
        if let foreign = innerKeys.first(where: { key in
            specification.text(key) != nil && !inner.keys.contains { $0.name == key.name }
        }) {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "the driver \(inner.name) has no key \(foreign.name); its keys are: "
                    + inner.keys.map(\.name).joined(separator: ", "))
        }
        var plan = FaultPlan()
        for key in DriverKey.faults {
            guard let value = specification.text(key) else { continue }
            do throws(FaultPlan.ParseError) {
                try plan.set(key.name, to: value)
            } catch {
                throw DMAError(.invalidArgument, .invalidArgument, error.description)
            }
        }
        let device = try inner.make(specification.passed(to: inner), engines)
        guard let device = device as? any RingDriver else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "inner=\(inner.name): its devices have no engine of dmascope, which injects the faults")
        }
        return try FaultDevice.make(device, plan: plan)
    }

    /// The keys of the inner drivers, each name once.
    private static let innerKeys = DriverTable.basic.flatMap(\.keys).reduce(into: [DriverKey]()) { keys, key in
        if !keys.contains(where: { $0.name == key.name }) { keys.append(key) }
    }
}

extension DriverKey {
    static let inner = DriverKey(
        name: "inner", summary: "the driver of the device, whose keys can be given too",
        kind: .text(allowed: DriverTable.basic.map(\.name).joined(separator: ", ")) { name in
            DriverTable.basic.contains { $0.name == name }
        }, standard: standardInner.name)

    static let faults = FaultPlan.keys.map { key in
        DriverKey(
            name: key.name, summary: key.summary,
            kind: .text(allowed: key.allowed) { value in
                var plan = FaultPlan()
                return (try? plan.set(key.name, to: value)) != nil
            }, standard: "none")
    }

    fileprivate static let standardInner = DriverDescription.software
}
