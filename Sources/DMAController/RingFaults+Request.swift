internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import SystemPackage

extension RingFaults {
    /// The faults that an application requests for one of its rings.
    ///
    /// - Parameter halt: the halt state of the application's device.
    /// - Throws: `EINVAL` for an invalid plan.
    init(_ faults: AttachRing.Faults, halt: DeviceHalt) throws(DMAError) {
        var plan = FaultPlan(
            freeze: faults.freeze > 0 ? FaultPlan.Outage(from: faults.freeze) : nil,
            halt: faults.halt > 0 ? FaultPlan.Outage(from: faults.halt) : nil)
        plan.delay = .nanoseconds(Int64(clamping: faults.delay))
        for failure in faults.failures {
            let operations: FaultPlan.Operations? =
                switch failure.selection {
                case 0: .number(failure.number)
                case 1: .every(failure.number)
                case 2: .from(failure.number)
                default: nil
                }
            guard let operations else {
                throw DMAError(.invalidArgument, .invalidArgument, "failure kind \(failure.selection): use 0 to 2")
            }
            plan.failures.append(FaultPlan.Failure(operations, CompletionStatus(rawValue: failure.status)))
        }
        try plan.validate()
        self.init(plan: plan, before: faults.before, halt: halt)
    }
}
