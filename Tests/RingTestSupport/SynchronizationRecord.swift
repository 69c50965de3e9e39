package import DMAEngine
internal import Synchronization

/// The calls that begin and end accesses to dma-bufs, recorded instead of made.
package final class SynchronizationRecord: Sendable {
    private let calls = Mutex<[String]>([])
    private let refused = Mutex<CInt>(-1)

    /// Nothing was called yet.
    package init() {}

    /// Records the calls of a map.
    package var functions: DMABufferMap.Calls {
        DMABufferMap.Calls(
            begin: { access, descriptor in
                let isRefused = self.refused.withLock { $0 == descriptor }
                self.append(isRefused ? "!" : "+", access, descriptor)
                return !isRefused
            }, end: { self.append("-", $0, $1) })
    }

    /// The descriptor whose accesses cannot begin; -1: none.
    package func refuse(_ descriptor: CInt) { refused.withLock { $0 = descriptor } }

    private func append(_ sign: String, _ access: UInt64, _ descriptor: CInt) {
        let name = ["", "r", "w", "rw"][Int(access)]
        calls.withLock { $0.append("\(sign)\(name)\(descriptor)") }
    }

    /// What was called since the last call of this: `+r7` for the beginning of a read of descriptor 7, `-r7` for its end,
    /// `!r7` for one that was refused.
    package func take() -> [String] {
        calls.withLock { calls in
            defer { calls = [] }
            return calls
        }
    }
}
