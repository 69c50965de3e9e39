internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import SystemPackage

extension AttachRing.Faults {
    /// The faults of a ring, for the controller's engine.
    ///
    /// - Throws: `EINVAL` for more failures than a message holds.
    init(_ faults: RingFaults) throws(DMAError) {
        let plan = faults.plan
        guard plan.failures.count <= Self.maximumFailureCount else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "\(plan.failures.count) failures: a controller takes \(Self.maximumFailureCount) at most")
        }
        self.init(
            before: faults.before, isHalted: faults.halt.isHalted, delay: plan.delayNanoseconds,
            freeze: plan.freeze?.number ?? 0, halt: plan.halt?.number ?? 0,
            failures: plan.failures.map { failure in
                let (selection, number): (UInt8, UInt64) =
                    switch failure.operations {
                    case .number(let number): (0, number)
                    case .every(let number): (1, number)
                    case .from(let number): (2, number)
                    }
                return Failure(selection: selection, number: number, status: failure.status.rawValue)
            })
    }
}
