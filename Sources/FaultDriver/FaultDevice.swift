public import DMADev
public import DMAEngine

/// Makes a device of another driver fail on purpose: its engine injects the faults of a plan, see
/// `FaultPlan`.
///
/// Works with any ring-backed device. For a controller's device, the engine in the controller's process injects the
/// faults, on the rings of that device only. Capabilities, limits and memory do not change.
public enum FaultDevice {
    /// The driver name in the device's properties.
    public static let driverName = "fault"

    /// Sets the plan of a device that is not in a registry yet.
    ///
    /// - Returns: the same device.
    /// - Throws: `EINVAL` for an invalid plan (operation 0, a failure with `successful` or an undefined status, a delay
    ///   below 0 or above one hour), and for a device that already has a plan.
    public static func make<Device: RingDriver>(
        _ device: Device, plan: FaultPlan = FaultPlan()
    ) throws(DMAError) -> Device {
        try device.rings.inject(plan, driver: driverName)
        return device
    }
}
