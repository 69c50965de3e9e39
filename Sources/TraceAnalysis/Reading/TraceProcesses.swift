/// A process that has recorded events.
public struct TracedProcess: Sendable {
    /// Its number in its PID namespace; -1 if the trace does not say it.
    public let processID: Int
    /// The name of the program, if the trace has it: in traces of one process each.
    public let name: String?

    /// `PROGRAM (PID)`, or what of that is known.
    public var label: String {
        switch (name, processID) {
        case (let name?, 0...): "\(name) (\(processID))"
        case (let name?, _): name
        case (nil, 0...): "\(processID)"
        default: "unknown process"
        }
    }
}

/// The processes of a trace, numbered in the order of their appearance. Used by the thread that reads the trace.
public final class TraceProcesses {
    /// Every process so far.
    public private(set) var all: [TracedProcess] = []
    private var indexes: [Int: Int] = [:]

    /// The index of a process, which gets one when it appears.
    func index(of processID: Int, name: String?) -> Int {
        if let index = indexes[processID] {
            if all[index].name == nil, name != nil { all[index] = TracedProcess(processID: processID, name: name) }
            return index
        }
        indexes[processID] = all.count
        all.append(TracedProcess(processID: processID, name: name))
        return all.count - 1
    }

    /// The index of a process with this number, if it has recorded an event.
    public func index(of processID: Int) -> Int? { indexes[processID] }

    /// `PROGRAM (PID)`.
    ///
    /// - Parameter index: -1 for a process that has recorded no event.
    func label(_ index: Int, processID: Int) -> String {
        index >= 0 ? all[index].label : TracedProcess(processID: processID, name: nil).label
    }
}
