import TestSupport
import Testing

/// One `dmadev:burst`.
struct Burst {
    let vchan: Int
    let rungCount: Int
    let first: Int
    /// Each operation as `trace-bursts` prints it.
    let rows: [String]

    init(_ event: TraceEvent) throws {
        let fields = try event.fields()
        func column(_ name: String) throws -> [Int] { try integers(fields[name]) }
        func scalar(_ name: String) throws -> Int { try #require(column(name).first) }
        vchan = try scalar("vchan")
        rungCount = try scalar("nb_rung")
        first = try scalar("first")
        let count = try scalar("nb_ops")
        // All but the addresses may have one row for all operations.
        var columns = try ["kind", "src", "dst", "length", "nb_src", "nb_dst", "flags"].map { name in
            let rows = try unsigned(fields[name])
            let isCommon = rows.count == 1 && name != "src" && name != "dst"
            return isCommon ? Array(repeating: rows[0], count: count) : rows
        }
        // As in the flags of the call: the source's handler from bit 32 on, the destination's from bit 48 on.
        for (name, shift) in [("src_handler", 32), ("dst_handler", 48)] {
            let handlers = try unsigned(fields[name])
            try #require(handlers.isEmpty || handlers.count == count)
            for (row, handler) in handlers.enumerated() { columns[6][row] |= handler << UInt64(shift) }
        }
        let index = try scalar("ring_idx")
        let entries = try zip(unsigned(fields["sg_addr"]), unsigned(fields["sg_len"])).map { " \($0):\($1)" }
        try #require(columns.allSatisfy { $0.count == count })
        var used = 0
        let vchan = vchan
        rows = (0..<count).map { row in
            let own = entries[used...].prefix(Int(columns[4][row] + columns[5][row]))
            used += own.count
            return (["\(vchan)", "\((index + row) % 65536)"] + columns.map { "\($0[row])" }).joined(separator: " ")
                + own.joined()
        }
        #expect(used == entries.count)
    }

    /// How many operations each doorbell has rung, of the bursts of one channel in their order.
    static func doorbells(_ bursts: [Burst]) throws -> [Int] {
        var doorbells: [Int] = []
        var left = 0
        for burst in bursts {
            if left == 0 {
                doorbells.append(burst.rungCount)
                left = burst.rungCount
            }
            try #require(burst.rungCount == doorbells.last && burst.first == burst.rungCount - left)
            left -= burst.rows.count
            try #require(!burst.rows.isEmpty && left >= 0)
        }
        try #require(left == 0)
        return doorbells
    }
}

/// One `dmadev_engine:completed_burst`.
struct Publication {
    let vchan: Int
    let ringIndex: Int
    let statuses: [Int]
    /// Nanoseconds since the doorbell, by operation.
    let latencies: [Int]
    /// Nanoseconds since the engine began with the batch, by operation; 0: not known.
    let executions: [Int]

    init(_ event: TraceEvent) throws {
        let fields = try event.fields()
        vchan = try #require(integers(fields["vchan"]).first)
        ringIndex = try #require(integers(fields["ring_idx"]).first)
        statuses = try integers(fields["status"])
        let batches = try integers(fields["batch_nb_ops"])
        let (sinceDoorbell, sinceStart) = try (integers(fields["since_doorbell"]), integers(fields["since_start"]))
        try #require(sinceDoorbell.count == batches.count && sinceStart.count == batches.count)
        latencies = zip(batches, sinceDoorbell).flatMap { Array(repeating: $1, count: $0) }
        executions = zip(batches, sinceStart).flatMap { Array(repeating: $1, count: $0) }
        let count = try #require(integers(fields["nb_ops"]).first)
        try #require(statuses.count == count && latencies.count == count && (1...256).contains(count))
    }

    /// Whether each begins where the one before has ended, the first with ring index 0.
    static func areInOrder(_ publications: [Publication]) throws -> Bool {
        var next = 0
        for publication in publications {
            guard publication.ringIndex == next else { return false }
            next = (next + publication.statuses.count) % 65536
        }
        return true
    }
}

/// What `trace-bursts` has printed.
struct PrintedLoad {
    /// By channel: the operations that were rung, in order.
    var operations: [[String]] = [[], []]
    /// By channel: how many each doorbell has rung.
    var doorbells: [[Int]] = [[], []]
    /// By channel: statuses that were polled, in order.
    var statuses: [[Int]] = [[], []]
    let submitted: Int
    let completed: Int
    let errors: Int
    let elapsed: Int

    init(_ output: String) throws {
        var counters: [Int] = []
        for line in output.split(separator: "\n") {
            let words = line.split(separator: " ")
            let numbers = words.dropFirst().prefix(4).compactMap { Int($0) }
            switch words.first {
            case "op": operations[numbers[0]].append(String(line.dropFirst("op ".count)))
            case "bell": doorbells[numbers[0]].append(numbers[1])
            case "done": statuses[numbers[0]].append(numbers[2])
            case "counters": counters = numbers
            default: throw TestSupportError("trace-bursts: \(line)")
            }
        }
        try #require(counters.count == 4, "\(output.suffix(1000))")
        (submitted, completed, errors, elapsed) = (counters[0], counters[1], counters[2], counters[3])
    }
}

extension TraceEvent {
    /// A field that is an integer, or a sequence of them.
    func integers(_ field: String) throws -> [Int128] { try wide(fields()[field]) }
}

private func wide(_ value: TraceValue?) throws -> [Int128] {
    switch value {
    case .integer(let integer): return [integer]
    case .sequence(let elements): return try elements.flatMap { try wide($0) }
    default: throw TestSupportError("no integer: \(String(describing: value))")
    }
}

private func integers(_ value: TraceValue?) throws -> [Int] { try wide(value).map { Int($0) } }
private func unsigned(_ value: TraceValue?) throws -> [UInt64] { try wide(value).map { UInt64($0) } }
