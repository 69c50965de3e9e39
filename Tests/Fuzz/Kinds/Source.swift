import Glibc
import LinuxSystem
import LivePage
import MetricsExporter
import OpenMetricsText
import SystemPackage
import TelemetryClient
import TelemetryWire

@testable import PeerCommands

extension FuzzKind {
    /// What another process sends as a telemetry server: its greeting in the first line, then a reply in each; after an
    /// empty line, what it sends later. It is read for the metrics, for the live page and by a client; the pages are
    /// valid, whatever it says.
    static let source = FuzzKind(name: "source") { bytes in
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 64, omittingEmptySubsequences: false)
        let conversations = lines.map(Array.init).split(separator: [])
        let source = HostileSource.shared
        let collector = source.metrics
        source.packets = Array(conversations.first ?? [])
        let earlier = prepared { try collector.collect() }
        source.packets = Array(conversations.dropFirst().first ?? conversations.first ?? [])
        let families = prepared { try collector.collect() }
        for format in MetricsText.allCases {
            MetricsPage.check(prepared { try format.text(of: families) })
        }
        var report = CheckReport()
        let figures = CheckFigures(families, since: earlier)
        for figure in CheckFigure.allCases {
            let values = figures.values(of: figure).map { ($0.value, $0.channel?.text) }
            report.judge(figure, values, nil, isReported: figures.isReported(figure))
        }
        require(!report.text(verbosity: 3).isEmpty, "no report")
        let page = prepared { try source.snapshots.snapshot() }
        JSONValue(page).withText { text in
            require((try? JSONValue(parsing: text)) != nil, "the page gets no JSON")
        }
        if let client = try? TelemetryClient(path: source.path, timeout: .seconds(10)) {
            _ = try? client.request("/dmadev/list")
            _ = try? client.requestText("/dmadev/info,0")
        }
    }
}

/// A socket that sends each client the same packets at once, whatever it requests.
@MainActor
private final class HostileSource {
    static let shared = HostileSource()

    let path: String
    private let shared = Locked<[[UInt8]]>([])
    private let metricsConfiguration: MetricsCollector.Configuration
    let snapshots: SnapshotCollector

    var packets: [[UInt8]] {
        get { shared.withLock { $0 } }
        set { shared.withLock { $0 = newValue } }
    }

    /// A new one each time: none remembers the values of earlier inputs.
    var metrics: MetricsCollector { MetricsCollector(metricsConfiguration) }

    private init() {
        path = "\(FuzzKind.directory)/dpdk_telemetry.v2"
        var metrics = MetricsCollector.Configuration()
        metrics.directories = []
        metrics.sockets = [path]
        metrics.timeout = .seconds(10)
        metrics.sysfs = "\(FuzzKind.directory)/sys"
        metrics.includesProcessMetrics = false
        metricsConfiguration = metrics
        var page = SnapshotCollector.Configuration()
        page.directories = []
        page.sockets = [path]
        page.timeout = .seconds(10)
        snapshots = SnapshotCollector(page)
        let (path, shared) = (path, shared)
        let thread = prepared {
            let listener = try SequencedPacketSocket.open()
            try SequencedPacketSocket.bind(listener, to: path, mode: .ownerReadWrite)
            try SequencedPacketSocket.listen(listener)
            let raw = listener.release()
            return try SystemThread.start(name: "source") {
                let listener = OwnedDescriptor(adopting: raw)
                while let client = try? SequencedPacketSocket.accept(listener) {
                    Self.serve(client, shared.withLock { $0 })
                }
            }
        }
        thread.detach()
    }

    nonisolated private static func serve(_ client: borrowing OwnedDescriptor, _ packets: [[UInt8]]) {
        for packet in packets { _ = packet.withUnsafeBytes { SequencedPacketSocket.send($0, on: client.raw) } }
        shutdown(client.raw, CInt(SHUT_WR))
        var buffer = [UInt8](repeating: 0, count: 2048)
        while case .success(let length) = buffer.withUnsafeMutableBytes({
            SequencedPacketSocket.receive(into: $0, on: client.raw)
        }), length > 0 {}
    }
}
