import DMAEngine

extension FuzzKind {
    /// Fault plans as text.
    static let faults = FuzzKind(name: "faults") { bytes in
        guard let plan = try? FaultPlan(parsing: String(decoding: bytes, as: UTF8.self)) else { return }
        // The number of failures is the only limit that the text form leaves to the check.
        do { try plan.validate() } catch { require(plan.failures.count > 4096, "\(plan) is parsed and not valid") }
    }
}
