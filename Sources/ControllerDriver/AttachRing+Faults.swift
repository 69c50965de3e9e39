internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import SystemPackage

extension AttachRing.Faults {
    /// Encodes the faults of a ring for the controller's engine.
    ///
    /// - Throws: `EINVAL` for more failures than one message can hold.
    init(_ faults: RingFaults) throws(DMAError) {
        let plan = faults.plan
        guard plan.failures.count <= Self.maximumFailureCount else {
            throw DMAError(
                .invalidArgument, .invalidArgument,
                "\(plan.failures.count) failures: a controller accepts at most \(Self.maximumFailureCount)")
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
