import Foundation
import TestSupport
import Testing
import TraceAnalysis

/// Exports of real traces, taken apart as a viewer does.
@Suite struct ChromeTraceExportTests {
    /// The text of an export, and what it says of itself.
    static func export(
        _ events: [String], channel: LTTngSession.Channel = AuditTests.large, of selector: String? = nil,
        eventLimit: UInt64 = .max, _ body: (LTTngSession) throws -> Void
    ) throws -> (export: ChromeTraceExport, trace: ChromeTrace) {
        try LTTngSession.analyze(events, channel: channel, body) { directories in
            var bytes: [UInt8] = []
            let export = try ChromeTraceExport(
                directories, of: selector.map(ChannelSelector.init), whileTrue: { $0 < eventLimit }
            ) {
                bytes += $0
                return true
            }
            return (export, try ChromeTrace(bytes))
        }
    }

    @Test(
        "Slices nest, arrows begin and end in slices, counters end at zero and at the sum",
        arguments: [["dmadev*"], AuditTests.bursts])
    func copies(events: [String]) throws {
        let (export, trace) = try Self.export(events) {
            try $0.run(builtProduct("trace-bursts"), ["copies", "3200"])
        }
        try trace.expectWellFormed()
        #expect(export.losses.isEmpty && export.operationCount == 3200 && export.channelCount == 1)
        #expect(trace.otherData["operations"] as? Int == 3200)
        #expect((trace.otherData["incomplete"] as? [String])?.isEmpty == true)
        let operations = trace.events("b").filter { $0.name == "dma0 vchan 0: copy" }
        #expect(operations.count == 3200)
        #expect(operations.allSatisfy { $0.arguments["status"] as? Int == 0 && $0.arguments["bytes"] as? Int == 64 })
        #expect(trace.events("b").filter { $0.name == "run" }.count == 3200)
        let doorbells = trace.events("X").filter { $0.name == "doorbell" }
        // Doorbells within one nanosecond have one slice.
        #expect(!doorbells.isEmpty && doorbells.count <= 100)
        #expect(doorbells.reduce(0) { $0 + ($1.arguments["operations"] as? Int ?? 0) } == 3200)
        let runs = trace.events("X").filter { $0.name == "copy" }
        #expect(runs.reduce(0) { $0 + ($1.arguments["operations"] as? Int ?? 0) } == 3200)
        #expect(!trace.events("s").isEmpty)
        let bytes = trace.counts("dma0 vchan 0: bytes", "bytes")
        #expect(bytes == bytes.sorted() && bytes.last == 3200 * 64)
        let occupancy = trace.counts("dma0 vchan 0: in the ring", "operations")
        #expect(occupancy.last == 0 && occupancy.allSatisfy { $0 <= 1024 } && occupancy.contains { $0 > 0 })
        let names = trace.events("M").compactMap { $0.arguments["name"] as? String }
        #expect(names.contains { $0.hasPrefix("trace-bursts (") } && names.contains("dma0 vchan 0: calls"))
    }

    @Test("Failures, lists, fills, restarts and refused calls make no wrong slice")
    func random() throws {
        let (export, trace) = try Self.export(["dmadev*"]) {
            try $0.run(builtProduct("trace-bursts"), ["random", "software", "plain", "3", "1500"])
        }
        try trace.expectWellFormed()
        #expect(export.losses.isEmpty && export.operationCount > 0)
        #expect(trace.events("i").contains { $0.name.hasPrefix("copy failed: ") })
        #expect(trace.events("i").contains { $0.name == "dmadev:start" })
        #expect(Set(trace.events("X").map(\.name)).isSuperset(of: ["copy", "copy_sg", "fill", "asleep"]))
    }

    @Test("Arrows lead from a process over the controller's engine and back, and operations of a killed one end")
    func processes() throws {
        let path = try TemporaryDirectory()
        let socket = path.file("control")
        let (export, trace) = try Self.export(["dmadev*"], channel: .init(subBufferSize: "8M", subBufferCount: 8)) {
            session in
            _ = try runProcesses(session, socket)
        }
        try trace.expectWellFormed()
        #expect(export.operationCount > 1000 && Set(trace.events("b").map(\.process)).count >= 2)
        let arrows = Dictionary(grouping: trace.all.filter { ["s", "t", "f"].contains($0.phase) }, by: \.id)
        let across = arrows.values.filter { Set($0.map(\.process)).count == 2 }
        #expect(!across.isEmpty, "of \(arrows.count)")
    }

    @Test("Only the channel that is asked for is written", arguments: ["dma0", "0:0", "dma0:1", "dma1", "0:9"])
    func selection(selector: String) throws {
        let (export, trace) = try Self.export(["dmadev*"], of: selector) {
            try $0.run(builtProduct("trace-bursts"), ["copies", "64"])
        }
        try trace.expectWellFormed()
        let isThere = ["dma0", "0:0"].contains(selector)
        #expect(export.channelCount == (isThere ? 1 : 0) && export.operationCount == (isThere ? 64 : 0))
        #expect(export.channelNames == ["dma0:0"] && trace.events("i").isEmpty)
    }

    @Test("What ends early is valid, and says so")
    func early() throws {
        let (export, trace) = try Self.export(["dmadev*"], eventLimit: 500) {
            try $0.run(builtProduct("trace-bursts"), ["copies", "3200"])
        }
        try trace.expectWellFormed()
        #expect(export.losses.isCut && export.operationCount < 3200)
        #expect((trace.otherData["incomplete"] as? [String])?.count == 1)
    }

    @Test("What the tracer discarded is in the output")
    func losses() throws {
        let small = LTTngSession.Channel(subBufferSize: "4k", subBufferCount: 2)
        let (export, trace) = try Self.export(["dmadev*"], channel: small) {
            try $0.run(builtProduct("trace-bursts"), ["copies", "32000"])
        }
        try trace.expectWellFormed()
        #expect(!export.losses.discarded.isEmpty)
        #expect((trace.otherData["incomplete"] as? [String])?.first?.contains("discarded") == true)
    }
}

/// A parsed export.
struct ChromeTrace {
    struct Event {
        let phase: String
        let name: String
        let process: Int
        let thread: Int
        /// Nanoseconds.
        let time: Int
        let duration: Int
        let id: String
        let arguments: [String: Any]
    }

    let all: [Event]
    let otherData: [String: Any]

    init(_ bytes: [UInt8]) throws {
        let root = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        otherData = try #require(root["otherData"] as? [String: Any])
        let list = try #require(root["traceEvents"] as? [[String: Any]])
        func nanoseconds(_ value: Any?) -> Int { Int(((value as? Double ?? 0) * 1000).rounded()) }
        all = try list.map { event in
            Event(
                phase: try #require(event["ph"] as? String), name: try #require(event["name"] as? String),
                process: try #require(event["pid"] as? Int), thread: try #require(event["tid"] as? Int),
                time: nanoseconds(event["ts"]), duration: nanoseconds(event["dur"]),
                id: event["id"] as? String ?? "", arguments: event["args"] as? [String: Any] ?? [:])
        }
    }

    func events(_ phase: String) -> [Event] { all.filter { $0.phase == phase } }

    /// The values of a counter, in the order of time.
    func counts(_ name: String, _ argument: String) -> [Int] {
        let found = all.enumerated().filter { $0.element.phase == "C" && $0.element.name == name }
        return found.sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            .compactMap { $0.element.arguments[argument] as? Int }
    }

    /// What every viewer relies on.
    func expectWellFormed() throws {
        var slices: [[Int]: [Event]] = [:]
        for event in events("X") { slices[[event.process, event.thread], default: []].append(event) }
        for (row, unordered) in slices {
            let ordered = unordered.sorted { ($0.time, -$0.duration) < ($1.time, -$1.duration) }
            slices[row] = ordered
            var ends: [Int] = []
            var wrong = 0
            for slice in ordered {
                while let end = ends.last, end <= slice.time { ends.removeLast() }
                if let end = ends.last, slice.time + slice.duration > end { wrong += 1 }
                ends.append(slice.time + slice.duration)
            }
            #expect(wrong == 0, "slices of row \(row) overlap without being nested")
        }

        var open: [String: [Event]] = [:]
        var unbalanced = 0
        for event in all where event.phase == "b" || event.phase == "e" {
            let stack = open[event.id, default: []]
            if event.phase == "b" {
                if let outer = stack.last, outer.time > event.time { unbalanced += 1 }
                open[event.id] = stack + [event]
            } else {
                if stack.last?.name != event.name || stack.last!.time > event.time { unbalanced += 1 }
                open[event.id] = stack.dropLast()
            }
        }
        #expect(unbalanced == 0 && open.values.allSatisfy(\.isEmpty))

        func isInSlice(_ event: Event) -> Bool {
            let row = slices[[event.process, event.thread]] ?? []
            var (low, high) = (0, row.count)
            while low < high {
                let middle = (low + high) / 2
                if row[middle].time <= event.time { low = middle + 1 } else { high = middle }
            }
            return low > 0 && event.time <= row[low - 1].time + row[low - 1].duration
        }
        var wrongArrows = 0
        let points = Dictionary(grouping: all.filter { ["s", "t", "f"].contains($0.phase) }, by: \.id)
        for arrow in points.values {
            let phases = arrow.map(\.phase).joined()
            if phases != "sf", phases != "stf" { wrongArrows += 1 }
            if arrow.map(\.time) != arrow.map(\.time).sorted() || !arrow.allSatisfy(isInSlice) { wrongArrows += 1 }
        }
        #expect(wrongArrows == 0, "of \(points.count)")
    }
}
