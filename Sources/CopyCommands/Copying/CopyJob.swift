import CommandSupport
import DMADev
import LinuxSystem

/// The result of a copy.
struct CopyResult {
    let bytes: Int
    let seconds: Double
    let operations: Int

    var bytesPerSecond: Double { seconds > 0 ? Double(bytes) / seconds : 0 }
}

/// Copies the bytes: one operation per chunk, over the channels in turn, as many at a time as fit in the rings.
final class CopyJob {
    private let source: SourceFile
    private let destination: DestinationFile
    private let device: DMADevice
    private let chunk: Int
    private let burst: Int
    private let progress: Progress
    private let termination: Termination

    private let chunkCount: Int
    private var bytesDone = 0

    /// A channel and the chunks that it copies: `index`, `index + channel count`, and so on.
    private struct Lane {
        let vchan: VirtualChannel
        /// The numbers of the next chunk to enqueue and of the next to complete.
        var next, oldest: Int
        /// Operations enqueued since the last doorbell.
        var waiting = 0
    }

    init(
        source: SourceFile, destination: DestinationFile, device: DMADevice, chunk: Int, burst: Int,
        progress: Progress, termination: Termination
    ) {
        self.source = source
        self.destination = destination
        self.device = device
        self.chunk = chunk
        self.burst = burst
        self.progress = progress
        self.termination = termination
        chunkCount = (source.length + chunk - 1) / chunk
    }

    /// Copies all bytes.
    ///
    /// - Throws: ``Failure``. The device is stopped then and no longer accesses the files.
    func run() throws -> CopyResult {
        let mapping = try destination.map()
        let began = MonotonicTime.now
        do {
            try move(to: mapping.address)
        } catch {
            try? device.stop()
            throw error
        }
        let seconds = Double(MonotonicTime.now.nanoseconds(since: began)) / 1e9
        return CopyResult(bytes: bytesDone, seconds: seconds, operations: chunkCount)
    }

    private func move(to target: UInt64) throws {
        let count = Int(try device.info.virtualChannelCount)
        var lanes: [Lane] = []
        for index in 0..<count {
            lanes.append(Lane(vchan: try device.virtualChannel(UInt16(index)), next: index, oldest: index))
        }
        let pause = Pause()
        progress.begin("copying", of: source.length)
        while bytesDone < source.length {
            try termination.check(destination.path)
            let before = bytesDone
            for index in lanes.indices {
                try enqueue(&lanes[index], stride: count, target)
                try complete(&lanes[index], stride: count)
            }
            progress.show(bytesDone)
            if bytesDone == before { pause.rest() } else { pause.reset() }
        }
    }

    /// Fills the channel's ring and rings the doorbell for each burst and for the rest.
    private func enqueue(_ lane: inout Lane, stride: Int, _ target: UInt64) throws {
        do throws(OperationError) {
            var room = try lane.vchan.burstCapacity
            while lane.next < chunkCount, room > 0 {
                let offset = lane.next * chunk
                try lane.vchan.copy(
                    from: source.mapping.address + UInt64(offset), to: target + UInt64(offset),
                    length: UInt32(length(of: lane.next)))
                lane.next += stride
                room -= 1
                lane.waiting += 1
                if lane.waiting == burst { try submit(&lane) }
            }
            if lane.waiting > 0 { try submit(&lane) }
        } catch {
            throw refusal(error)
        }
    }

    private func submit(_ lane: inout Lane) throws(OperationError) {
        try lane.vchan.submit()
        lane.waiting = 0
    }

    /// Polls completed operations. The first failure ends the copy.
    private func complete(_ lane: inout Lane, stride: Int) throws {
        try withUnsafeTemporaryAllocation(of: CompletionStatus.self, capacity: 64) { statuses in
            statuses.initialize(repeating: .successful)
            let count: Int
            do throws(OperationError) {
                count = try lane.vchan.completedStatus(into: statuses).count
            } catch {
                throw refusal(error)
            }
            for status in statuses.prefix(count) {
                guard status == .successful else { throw failure(status, inChunk: lane.oldest) }
                bytesDone += length(of: lane.oldest)
                lane.oldest += stride
            }
        }
    }

    private func length(of chunkNumber: Int) -> Int {
        min(chunk, source.length - chunkNumber * chunk)
    }

    private func refusal(_ error: OperationError) -> Failure {
        Failure("the device rejected an operation: \(error): try another --device")
    }

    private func failure(_ status: CompletionStatus, inChunk number: Int) -> Failure {
        let first = number * chunk
        let place = "between byte \(first) and byte \(first + length(of: number) - 1)"
        return switch status {
        case .invalidSourceAddress:
            Failure(
                "\(source.path): cannot read \(place): the file was truncated during the copy, or its disk has errors")
        case .invalidDestinationAddress:
            Failure("\(destination.path): cannot write \(place): its disk is full or has errors")
        default:
            Failure("the device reports \(status) \(place): try another --device")
        }
    }
}

extension Termination {
    /// Throws if a signal has been received.
    func check(_ path: String) throws(Failure) {
        guard let status = poll() else { return }
        throw Failure("\(path): interrupted by a signal: no file was created", status: status)
    }
}
