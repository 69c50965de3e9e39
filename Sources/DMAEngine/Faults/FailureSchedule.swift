internal import DMADev

/// The failures of a plan, indexed for fast lookup by operation number.
struct FailureSchedule {
    private var numbers: [UInt64: CompletionStatus] = [:]
    private var periods: [(period: UInt64, status: CompletionStatus)] = []
    private var ranges: [(first: UInt64, status: CompletionStatus)] = []

    init(_ failures: [FaultPlan.Failure]) {
        for failure in failures {
            switch failure.operations {
            case .number(let number): numbers[number] = numbers[number] ?? failure.status
            case .every(let period): periods.append((period, failure.status))
            case .from(let first): ranges.append((first, failure.status))
            }
        }
    }

    /// The planned status of an operation; `nil`: none.
    func status(ofOperation number: UInt64) -> CompletionStatus? {
        if let status = numbers[number] { return status }
        for row in periods where number % row.period == 0 { return row.status }
        for row in ranges where number >= row.first { return row.status }
        return nil
    }
}
