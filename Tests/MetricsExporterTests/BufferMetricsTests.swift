import Foundation
import MetricsExporter
import MetricsTestSupport
import OpenMetricsText
import Testing

/// The dma-bufs of the machine, from the files of a guest that had three.
@Suite struct BufferMetricsTests {
    @Test func buffersAndBytesAreCountedByExporter() throws {
        let files = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/GuestProc").path
        var configuration = MetricsCollector.Configuration()
        configuration.directories = []
        configuration.procfs = files + "/proc"
        configuration.sysfs = files + "/sys"
        let collector = MetricsCollector(configuration)
        // The first collection may end before the files have been read.
        var text = try Exposition(MetricsText.openMetrics.text(of: collector.collect()))
        while text["kernel_dmabufs"].isEmpty {
            text = try Exposition(MetricsText.openMetrics.text(of: collector.collect()))
        }
        #expect(text["kernel_dmabufs"].count == 2)
        #expect(text.value("kernel_dmabufs", ["exporter": "udmabuf"]) == 1)
        #expect(text.value("kernel_dmabufs", ["exporter": "system"]) == 2)
        #expect(text.value("kernel_dmabuf_bytes", ["exporter": "udmabuf"]) == 65536)
        #expect(text.value("kernel_dmabuf_bytes", ["exporter": "system"]) == 69632)
        #expect(text.value("kernel_dmabuf_unreadable_processes", [:]) == 0)
    }
}
