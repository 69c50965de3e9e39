public import DMADev
public import DMAEngine

/// Makes a device of another driver fail on purpose: its engine makes the faults of a plan, see ``DMAEngine/FaultPlan``.
///
/// Any ring-backed device will do, a controller's too, whose engine then makes the faults in the controller's process, on
/// the rings of that device only. Capabilities, limits and memory are the device's own.
public enum FaultDevice {
    /// The name that the device's driver has then.
    public static let driverName = "fault"

    /// Puts a plan into a device that is in no registry yet.
    ///
    /// - Returns: that device.
    /// - Throws: `EINVAL` for a plan that cannot be: operation 0, a failure with `successful` or an undefined status, a
    ///   delay below 0 or beyond an hour; and for a device that has a plan.
    public static func make<Device: RingDriver>(
        _ device: Device, plan: FaultPlan = FaultPlan()
    ) throws(DMAError) -> Device {
        try device.rings.inject(plan, driver: driverName)
        return device
    }
}
