import DMADev

/// A row of the kit's table: something that every driver must do.
public struct ConformanceCase: Sendable {
    /// Which devices a case is about.
    enum Scope: Sendable {
        /// One device, fresh from its driver: the case configures it.
        case freshDevice
        /// A started device of each configuration.
        case everyDevice
        /// A started device with such rings.
        case rings([ConformanceConfiguration.RingSize])

        func includes(_ configuration: ConformanceConfiguration) -> Bool {
            switch self {
            case .freshDevice: configuration == .all[0]
            case .everyDevice: true
            case .rings(let sizes): sizes.contains(configuration.ringSize)
            }
        }
    }

    /// A sentence about the device.
    public let name: String
    /// What the device must offer.
    public let needs: Capabilities
    /// Whether the device must offer at least one operation, whichever.
    let movesData: Bool
    /// Whether operations run into page faults.
    let faults: Bool
    /// What the device must be made with.
    let variant: DeviceVariants
    /// The mode in which a device of the scope is started.
    let mode: ConfigurationFlags
    let scope: Scope
    let body: @Sendable (ConformanceBench) throws -> Void

    init(
        _ name: String, needs: Capabilities = [], variant: DeviceVariants = [], mode: ConfigurationFlags = [],
        movesData: Bool = true, faults: Bool = false, on scope: Scope = .everyDevice,
        _ body: @escaping @Sendable (ConformanceBench) throws -> Void
    ) {
        self.name = name
        self.needs = needs.union(.mem2mem)  // the kit's channels are of that direction
        self.movesData = movesData
        self.faults = faults
        self.variant = variant
        self.mode = mode
        self.scope = scope
        self.body = body
    }
}
