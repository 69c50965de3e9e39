/// A trace as JSON in Chrome's trace-event format, which `chrome://tracing` and Perfetto's viewer open.
///
/// For each channel: an asynchronous slice for each operation, with parts for queueing, execution and notice; a row with
/// doorbells and polls; a row with what its engine does; an arrow from doorbell to completion; counters for operations in
/// the ring and for bytes. For each engine: when it sleeps. Control calls, failed ones, and events of groups and memory are
/// instants. Memory does not grow with the number of events. The text is valid JSON also if the reading ends early.
public struct ChromeTraceExport: Sendable {
    /// How many events were read.
    public let eventCount: UInt64
    /// How many operations were written.
    public let operationCount: UInt64
    /// How many channels were written.
    public let channelCount: Int
    /// The channels that the trace has: `dma0:1`.
    public let channelNames: [String]
    /// What the trace has lost. The output has these sentences, too, as `otherData.incomplete`.
    public let losses: TraceLosses

    /// Reads traces, and writes them.
    ///
    /// - Parameters:
    ///   - paths: directories, at or below which traces are.
    ///   - selector: only these channels, and the engines; `nil`: everything.
    ///   - goOn: is called every few events with their number; `false` ends the reading.
    ///   - write: writes the next piece; `false` ends the reading.
    /// - Throws: ``TraceError``. If traces were found, what was read before has been written.
    public init(
        _ paths: [String], of selector: ChannelSelector? = nil, whileTrue goOn: (UInt64) -> Bool = { _ in true },
        to write: @escaping ([UInt8]) -> Bool
    ) throws(TraceError) {
        let reader = try TraceReader(paths)
        let output = ChromeTraceOutput(write)
        let writer = ChromeTraceWriter(ChromeTraceTracks(output, selector) { reader.processes })
        var failure: TraceError?
        do throws(TraceError) {
            try reader.read(into: writer) { goOn(reader.eventCount) && !output.hasFailed }
        } catch {
            failure = error
        }
        writer.finish()
        let problems = reader.losses.sentences + (failure.map { [$0.description] } ?? [])
        output.end(
            "\"first_event_ns\":\"\(output.start)\",\"events\":\(reader.eventCount),"
                + "\"operations\":\(writer.tracks.operationCount),"
                + "\"incomplete\":[\(problems.map(ChromeTraceOutput.quoted).joined(separator: ","))]")
        if let failure { throw failure }
        eventCount = reader.eventCount
        operationCount = writer.tracks.operationCount
        channelCount = writer.tracks.channels.count
        channelNames = writer.channelNames
        losses = reader.losses
    }
}

/// Hands events to the follower, and notes what it does not hand on.
private final class ChromeTraceWriter: TraceConsumer {
    let tracks: ChromeTraceTracks
    private let follower: OperationFollower<ChromeTraceTracks>
    private var hasStarted = false

    init(_ tracks: ChromeTraceTracks) {
        self.tracks = tracks
        follower = OperationFollower(tracks)
    }

    func take(_ event: TraceEvent, from processes: TraceProcesses) {
        if !hasStarted {
            tracks.output.start = event.time
            hasStarted = true
        }
        tracks.now = max(tracks.now, event.time)
        follower.take(event, from: processes)
        switch event.kind {
        case .copy, .copyScatterGather, .fill, .submit, .enqueueOperations, .burst, .completed, .completedStatus,
            .dequeueOperations:
            if let ring = follower.channel(event).ring { tracks.noteOccupancy(of: ring) }
        case .operationFinish, .completedBurst: tracks.noteOccupancy(of: follower.engineRing(event))
        case .deviceAdded, .deviceRemoved, .configure, .start, .stop, .close, .channelSetup, .ringAttach, .ringMapped,
            .ringDetach, .other:
            tracks.addInstant(event)
        // Asked before each burst.
        case .otherCall where event.layout.name != "dmadev:burst_capacity": tracks.addInstant(event)
        case .otherCall, .enqueueRejected, .operationStart, .sleep, .wake: break
        // Of groups and memory.
        default: tracks.addInstant(event)
        }
    }

    func finish() {
        follower.finish()
        tracks.finish()
    }

    var channelNames: [String] {
        follower.channels.map { "\($0.deviceName ?? "\($0.device)"):\($0.vchan)" }
    }
}
