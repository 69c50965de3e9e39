import DMAController
import Glibc
import LinuxSystem
import Synchronization

/// The exporter of files that stand in for dma-bufs: its calls are recorded, and may not return.
final class RecordedExporter: Sendable {
    /// What has returned, as `begin read` or `end write`.
    let calls = Locked<[String]>([])
    /// Whether no access begins.
    let stalls = Atomic(false)

    /// An unsealed file of two pages is a dma-buf, one of a page is that of a driver.
    var functions: DMABufferCalls {
        var functions = DMABufferCalls()
        functions.recognise = { descriptor in
            switch (try? MemoryFile.byteCount(of: descriptor)) ?? 0 {
            case 4096: DMABuffer(exporter: "driver", byteCount: 4096, inode: 1, name: nil)
            case 8192: DMABuffer(exporter: "udmabuf", byteCount: 8192, inode: 2, name: nil)
            default: nil
            }
        }
        functions.begin = { access, _ in
            while self.stalls.load(ordering: .acquiring) { usleep(1000) }
            self.calls.withLock { $0.append(access == .read ? "begin read" : "begin write") }
            return true
        }
        functions.end = { access, _ in
            self.calls.withLock { $0.append(access == .read ? "end read" : "end write") }
        }
        return functions
    }

    /// Whether all accesses that have begun have ended, and none ended before it began.
    var isBalanced: Bool {
        calls.withLock { calls in
            var open = ["read": 0, "write": 0]
            for call in calls {
                let words = call.split(separator: " ").map(String.init)
                open[words[1], default: 0] += words[0] == "begin" ? 1 : -1
                if open.values.contains(where: { $0 < 0 }) { return false }
            }
            return open.values.allSatisfy { $0 == 0 }
        }
    }
}
