internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Closes descriptors of strangers, and gives back memory, on threads of its own.
///
/// What is behind a stranger's descriptor may make `close` wait as long as that stranger likes: a socket that lingers, a
/// file system that does not answer. So each user has a lane, with a thread while there is something in it, and waits
/// for nobody but himself; memory has another one.
final class DescriptorCloser: Sendable {
    /// What waits for the same thread.
    private struct Lane {
        var descriptors: [Waiting] = []
        /// Counted and not closed yet, those that the thread is at included.
        var unclosedCount = 0
        var mappings: [SharedMapping] = []
        var isRunning = false
    }

    private struct Waiting {
        let raw: CInt
        let counts: Bool
    }

    private enum Key: Hashable {
        case memory
        case user(UInt32)
    }

    /// Outlives the closer as long as a thread hangs in something.
    private final class Lanes: Sendable {
        let byKey = Locked<[Key: Lane]>([:])

        /// The next part of a lane's work; `nil` ends its thread.
        func next(_ key: Key) -> Lane? {
            byKey.withLock { lanes in
                guard var lane = lanes[key] else { return nil }
                if lane.descriptors.isEmpty, lane.mappings.isEmpty {
                    lane.isRunning = false
                    lanes[key] = lane.unclosedCount > 0 ? lane : nil
                    return nil
                }
                // One after the other: the mappings go with the value that is returned, and not under the lock.
                defer {
                    lane.descriptors = []
                    lane.mappings = []
                    lanes[key] = lane
                }
                return lane
            }
        }

        func closed(_ key: Key) {
            byKey.withLock { $0[key]?.unclosedCount -= 1 }
        }
    }

    private let lanes = Lanes()

    /// Takes descriptors of a user over.
    ///
    /// - Parameter counts: whether they belong to the user's ``backlog(of:)``.
    func close(_ descriptors: [CInt], of user: UInt32, counts: Bool = true) {
        guard !descriptors.isEmpty else { return }
        add(to: .user(user)) { lane in
            lane.descriptors += descriptors.map { Waiting(raw: $0, counts: counts) }
            if counts { lane.unclosedCount += descriptors.count }
        }
    }

    /// Takes mappings over: where the last reference is given up, giving back many pages takes its time.
    func release(_ mappings: [SharedMapping]) {
        guard !mappings.isEmpty else { return }
        add(to: .memory) { $0.mappings += mappings }
    }

    /// How many descriptors of a user are not closed yet.
    func backlog(of user: UInt32) -> Int {
        lanes.byKey.withLock { $0[.user(user)]?.unclosedCount ?? 0 }
    }

    private func add(to key: Key, _ change: (inout Lane) -> Void) {
        let starts = lanes.byKey.withLock { lanes in
            change(&lanes[key, default: Lane()])
            defer { lanes[key]?.isRunning = true }
            return lanes[key]?.isRunning == false
        }
        guard starts else { return }
        do throws(Errno) {
            let thread = try SystemThread.start(name: "dma-closer") { [lanes] in
                while let work = lanes.next(key) {
                    for descriptor in work.descriptors {
                        _ = Glibc.close(descriptor.raw)
                        if descriptor.counts { lanes.closed(key) }
                    }
                }
            }
            // What it hangs in is not waited for.
            thread.detach()
        } catch {
            // The next one who comes tries again.
            lanes.byKey.withLock { $0[key]?.isRunning = false }
        }
    }
}

/// The socket of a connection: what messages have brought that nobody has read is closed with it, and that may take as
/// long as a stranger likes. For the control thread.
final class StrangersSocket {
    /// What may be in it.
    enum Contents {
        /// The system lets nobody send descriptors yet.
        case noDescriptors
        /// Some may come at the same time as the connection: the system cannot keep them out.
        case unexpectedDescriptors
        /// Descriptors are expected.
        case descriptors
    }

    /// The descriptor.
    let raw: CInt
    var contents: Contents
    private let user: UInt32
    private let closer: DescriptorCloser

    init(_ socket: consuming OwnedDescriptor, _ contents: Contents, of user: UInt32, _ closer: DescriptorCloser) {
        raw = socket.release()
        self.contents = contents
        self.user = user
        self.closer = closer
    }

    deinit {
        switch contents {
        case .noDescriptors: _ = Glibc.close(raw)
        // Who comes and goes quickly has no backlog by that.
        case .unexpectedDescriptors: closer.close([raw], of: user, counts: false)
        case .descriptors: closer.close([raw], of: user)
        }
    }
}
