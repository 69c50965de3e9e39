import CommandSupport
import DMADev
import TelemetryWire

/// Prints the rows of `bench`: text and CSV one by one, JSON at the end.
struct BenchReport {
    enum Format {
        case text, csv, json
    }

    private let format: Format
    private let driver: String
    private let table: TextTable
    private var rows: [JSONTree] = []

    init(_ format: Format, driver: String) {
        self.format = format
        self.driver = driver
        let titles = [
            "SIZE", "BURST", "VCHANS", "OPS/S", "BYTES/S", "TIME/OP", "P50", "P90", "P99", "P99.9", "ERRORS",
        ]
        // The greatest possible widths, because the rows are not known yet.
        table = TextTable(
            [("OPERATION", .left)] + titles.map { ($0, TextTable.Alignment.right) },
            leastWidths: [9, 5, 5, 6, 6, 10, 7, 7, 7, 7, 7])
    }

    /// Prints the column titles.
    func begin() throws(Failure) {
        switch format {
        case .text:
            let header = table.header
            try StandardStreams.print(StandardStreams.outputTakesColor ? TextTable.bold(header) : header)
        case .csv: try StandardStreams.print(Self.fields(of: nil, driver).map(\.name).joined(separator: ","))
        case .json: break
        }
    }

    /// Prints a row, or stores it for JSON.
    mutating func add(_ result: BenchResult) throws(Failure) {
        let fields = Self.fields(of: result, driver)
        switch format {
        case .text: try StandardStreams.print(table.line(cells(result)))
        case .csv:
            // No value contains a comma: they are numbers and names.
            try StandardStreams.print(
                fields.map { $0.value == .null ? "" : JSONOutput.cell($0.value) }.joined(separator: ","))
        case .json: rows.append(.object(fields))
        }
    }

    /// Prints the JSON array.
    func end() throws(Failure) {
        if format == .json { try StandardStreams.print(JSONOutput.compact(.array(rows))) }
    }

    private func cells(_ result: BenchResult) -> [String] {
        let point = result.point
        return [
            point.operation.rawValue, ByteCount(point.size).defaultValueDescription, "\(point.burst)",
            "\(point.vchanCount)", Quantity.count(result.operationsPerSecond), Quantity.bytes(result.bytesPerSecond),
            Quantity.time(nanoseconds: result.nanosecondsPerOperation),
        ]
            + Self.percentiles.map { _, part in
                result.latency?.percentile(part).map { Quantity.time(nanoseconds: Double($0)) } ?? "-"
            } + ["\(result.errors)"]
    }

    private static let percentiles = [("p50_ns", 0.5), ("p90_ns", 0.9), ("p99_ns", 0.99), ("p99_9_ns", 0.999)]

    /// A row with the names that JSON and the CSV header use.
    private static func fields(of result: BenchResult?, _ driver: String) -> [JSONTree.Member] {
        func number(_ value: (BenchResult) -> Int) -> JSONTree { result.map { .integer(Int64(value($0))) } ?? .null }
        func double(_ value: (BenchResult) -> Double) -> JSONTree { result.map { .double(value($0)) } ?? .null }
        return [
            JSONTree.Member("driver", .string(driver)),
            JSONTree.Member("operation", result.map { .string($0.point.operation.rawValue) } ?? .null),
            JSONTree.Member("size", number(\.point.size)),
            JSONTree.Member("burst", number(\.point.burst)),
            JSONTree.Member("vchans", number(\.point.vchanCount)),
            JSONTree.Member("seconds", double(\.seconds)),
            JSONTree.Member("operations", number(\.operations)),
            JSONTree.Member("bytes", number(\.bytes)),
            JSONTree.Member("errors", number(\.errors)),
            JSONTree.Member("ops_per_second", double(\.operationsPerSecond)),
            JSONTree.Member("bytes_per_second", double(\.bytesPerSecond)),
            JSONTree.Member("ns_per_op", double(\.nanosecondsPerOperation)),
        ]
            + percentiles.map { name, part in
                JSONTree.Member(name, result?.latency?.percentile(part).map(JSONTree.unsigned) ?? .null)
            }
    }
}
