import TestSupport

/// Many short random loads, one after another.
extension TraceBursts {
    static func runWorkloads(_ specification: String, seed: UInt64, count: UInt64) throws {
        for number in 0..<count {
            var random = SeededGenerator(seed: seed &+ number)
            let mode = ["plain", "silent", "operations"].randomElement(using: &random) ?? ""
            var size = RandomLoad.Size.short
            size.restarts = max(0, Int.random(in: -2...2, using: &random))
            var device = specification
            if specification.hasPrefix("fault") {
                let plan = faults(&random)
                device += plan.keys
                size.canWait = !plan.isOutage
            }
            let least = Int.random(in: 1...60, using: &random)
            var load = try RandomLoad(device, mode: mode, seed: seed &+ number, size: size)
            try load.run(atLeast: least)
        }
    }

    /// Failures, and on some devices a delay, or a channel or device that does nothing from some operation on.
    private static func faults(_ random: inout SeededGenerator) -> (keys: String, isOutage: Bool) {
        let statuses = ["bus_error", "page_fault", "data_poison", "invalid_length", "user_abort", "not_attempted"]
        func failure() -> String {
            "\(Int.random(in: 1...40, using: &random)):\(statuses.randomElement(using: &random) ?? "")"
        }
        var keys = ",fail=\(failure())+\(failure())"
        if Bool.random(using: &random) { keys += ",every=\(failure())" }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return (keys + ",delay=50us", false)
        case 1: return (keys + ",freeze=\(Int.random(in: 1...80, using: &random))", true)
        case 2: return (keys + ",halt=\(Int.random(in: 1...80, using: &random))", true)
        case 3: return (keys + ",freeze=\(Int.random(in: 1...80, using: &random)):sticky", true)
        default: return (keys, false)
        }
    }
}
