internal import Glibc
internal import GroupTable
internal import LinuxSystem
internal import SystemPackage

/// Makes the calls that an untrusted peer can block, on separate threads: closes descriptors that came from it, maps the
/// pages of its memory, and unmaps it.
///
/// `close` of such a descriptor can block for as long as the peer chooses: a socket that lingers, a file system that
/// does not answer; pages can be swapped out. So each tenant has two lanes, one for descriptors and one for pages, with a
/// thread while they have work, and delays only itself; what is unmapped has another lane.
final class BlockingCalls: Sendable {
    /// The work of one thread.
    private struct Lane {
        var descriptors: [Waiting] = []
        /// Counted descriptors that are not closed yet, including those that the thread has taken.
        var unclosedCount = 0
        var mappings: [SharedMapping] = []
        var tasks: [@Sendable () -> Void] = []
        var isRunning = false
    }

    private struct Waiting {
        let raw: CInt
        let counts: Bool
    }

    private enum Key: Hashable {
        case memory
        case descriptors(Tenant)
        case pages(Tenant)
    }

    /// Outlives the object while a thread is blocked in `close`.
    private final class Lanes: Sendable {
        let byKey = Locked<[Key: Lane]>([:])

        /// Takes all work of a lane; `nil` ends its thread.
        func next(_ key: Key) -> Lane? {
            byKey.withLock { lanes in
                guard var lane = lanes[key] else { return nil }
                if lane.descriptors.isEmpty, lane.mappings.isEmpty, lane.tasks.isEmpty {
                    lane.isRunning = false
                    lanes[key] = lane.unclosedCount > 0 ? lane : nil
                    return nil
                }
                // The returned value has the last references to the mappings, so they are not unmapped under the lock.
                defer {
                    lane.descriptors = []
                    lane.mappings = []
                    lane.tasks = []
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

    /// Closes descriptors of a tenant; takes ownership and returns at once.
    ///
    /// - Parameter counts: whether they count in the tenant's ``backlog(of:)``.
    func close(_ descriptors: [CInt], of tenant: Tenant, counts: Bool = true) {
        guard !descriptors.isEmpty else { return }
        add(to: .descriptors(tenant)) { lane in
            lane.descriptors += descriptors.map { Waiting(raw: $0, counts: counts) }
            if counts { lane.unclosedCount += descriptors.count }
        }
    }

    /// Runs a task that waits for pages of a tenant, after the earlier ones.
    func waitForPages(of tenant: Tenant, _ task: @escaping @Sendable () -> Void) {
        add(to: .pages(tenant)) { $0.tasks.append(task) }
    }

    /// Releases mappings on the memory thread: the release of the last reference unmaps, which is slow for many pages.
    func release(_ mappings: [SharedMapping]) {
        guard !mappings.isEmpty else { return }
        add(to: .memory) { $0.mappings += mappings }
    }

    /// The number of counted descriptors of a tenant that are not closed yet.
    func backlog(of tenant: Tenant) -> Int {
        lanes.byKey.withLock { $0[.descriptors(tenant)]?.unclosedCount ?? 0 }
    }

    private func add(to key: Key, _ change: (inout Lane) -> Void) {
        let starts = lanes.byKey.withLock { lanes in
            change(&lanes[key, default: Lane()])
            defer { lanes[key]?.isRunning = true }
            return lanes[key]?.isRunning == false
        }
        guard starts else { return }
        do throws(Errno) {
            let thread = try SystemThread.start(name: "dma-blockingCalls") { [lanes] in
                while let work = lanes.next(key) {
                    for descriptor in work.descriptors {
                        _ = Glibc.close(descriptor.raw)
                        if descriptor.counts { lanes.closed(key) }
                    }
                    for task in work.tasks { task() }
                }
            }
            // A thread that is blocked in `close` is never joined.
            thread.detach()
        } catch {
            // The next call tries again.
            lanes.byKey.withLock { $0[key]?.isRunning = false }
        }
    }
}

/// The socket of a connection. Its `close` also closes descriptors in unread messages, which can block for as long as
/// the peer chooses. For the control thread.
final class UntrustedPeerSocket {
    /// Which descriptors unread messages can contain.
    enum Contents {
        /// None: the kernel rejects messages with descriptors.
        case noDescriptors
        /// Some can arrive with the connection: this kernel cannot reject them.
        case unexpectedDescriptors
        /// Descriptors are expected.
        case descriptors
    }

    /// Owned by this object, which closes it.
    let raw: CInt
    var contents: Contents
    private let tenant: Tenant
    private let blockingCalls: BlockingCalls

    init(_ socket: consuming OwnedDescriptor, _ contents: Contents, of tenant: Tenant, _ blockingCalls: BlockingCalls) {
        raw = socket.release()
        self.contents = contents
        self.tenant = tenant
        self.blockingCalls = blockingCalls
    }

    deinit {
        switch contents {
        case .noDescriptors: _ = Glibc.close(raw)
        // Not counted: connections that end quickly must not cause a backlog.
        case .unexpectedDescriptors: blockingCalls.close([raw], of: tenant, counts: false)
        case .descriptors: blockingCalls.close([raw], of: tenant)
        }
    }
}
