import CommandSupport

/// What the parts of the events are good for, and what they cost.
///
/// The figures are those of virtual machines with x86-64 processors; `make bench ARGS="--only trace"` has budgets for them.
extension RecordedEvents {
    /// Nanoseconds of one event while it is recorded.
    static let nanosecondsOfEvent = 100

    /// Nanoseconds of an event of a burst, and of each operation in it.
    static let nanosecondsOfBurst = (event: 100, operation: 10)

    /// The questions that the events answer.
    var answers: String {
        switch self {
        case .calls: "what programs have asked for, which calls failed and why, how often they poll"
        case .bursts: "when each operation was submitted, executed and polled, on a busy device"
        case .engine: "when each operation began and ended, and when the engine slept"
        case .groups: "who created access groups, joined, left, and was denied"
        case .memory: "which buffers, external memory and dma-bufs were mapped and sent"
        }
    }

    /// Those of the events that every recording has.
    static let answersOfAlways = "which device and channel it is; the counters at its end, for an audit"

    /// What recording them costs the program.
    var cost: String {
        let event = Self.nanosecondsOfEvent
        switch self {
        case .calls: return "\(event) ns for each call, also for a poll that finds nothing"
        case .bursts:
            let burst = Self.nanosecondsOfBurst
            return "\(burst.event) ns for each doorbell and each poll, \(burst.operation) ns for each operation"
        case .engine: return "\(2 * event) ns for each operation, in the engine's thread"
        case .groups, .memory: return "\(event) ns for each call; they are few"
        }
    }

    /// What recording the events of every recording costs.
    static let costOfAlways = "\(nanosecondsOfEvent) ns for each; they are few"

    /// Where the figures are from.
    static let machines = """
        Costs are those of virtual machines with x86-64 processors, where an event took 85 to 216 ns, and one that is
        not recorded 0.4 ns; `make bench ARGS="--only trace"`, in a checkout, measures them on this machine.
        """

    /// Nanoseconds of one event of this name, and of each operation in it.
    static func nanoseconds(of name: String) -> (event: Int, operation: Int) {
        part(of: name) == .bursts ? nanosecondsOfBurst : (nanosecondsOfEvent, 0)
    }

    /// The parts, for a help text.
    static var help: String {
        allCases.map { part in
            let name = part.rawValue
            return "  \(name)\(String(repeating: " ", count: 9 - name.count))\(part.answers); \(part.cost)"
        }.joined(separator: "\n")
    }

    /// All parts, and what every recording has.
    static var table: TextTable {
        var table = TextTable(("PART", .left), ("ANSWERS", .left), ("COST", .left))
        table.add([nameOfAlways, answersOfAlways, costOfAlways])
        for part in allCases { table.add([part.rawValue, part.answers, part.cost]) }
        return table
    }
}
