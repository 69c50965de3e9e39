import Foundation
import MetricsExporter
import MetricsTestSupport
import OpenMetricsText
import TestSupport
import Testing

/// The kernel's DMA engines, from files as the kernel writes them.
@Suite struct KernelEngineTests {
    private let directory: TemporaryDirectory
    private var configuration = MetricsCollector.Configuration()

    init() throws {
        directory = try TemporaryDirectory()
        configuration.directories = []
        configuration.sysfs = directory.path
    }

    private func write(_ files: [String: String]) throws {
        for (name, text) in files {
            let url = URL(fileURLWithPath: directory.file(name))
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: url, atomically: false, encoding: .utf8)
        }
    }

    private func exposition() throws -> Exposition {
        try Exposition(MetricsText.openMetrics.text(of: MetricsCollector(configuration).collect()))
    }

    @Test func channelsAreShown() throws {
        try write([
            "class/dma/dma0chan0/in_use": "1\n", "class/dma/dma0chan0/bytes_transferred": "4096\n",
            "class/dma/dma0chan0/memcpy_count": "2\n", "class/dma/dma0chan1/in_use": "0\n", "drivers/ioatdma/bind": "",
            "class/dma/dma0chan0/device/vendor": "0x8086\n",
        ])
        try FileManager.default.createSymbolicLink(
            atPath: directory.file("class/dma/dma0chan0/device/driver"),
            withDestinationPath: "../../../../drivers/ioatdma")
        let text = try exposition()
        #expect(text.value("kernel_dma_channel_info", ["channel": "dma0chan0", "driver": "ioatdma"]) == 1)
        #expect(text.value("kernel_dma_channel_info", ["channel": "dma0chan1", "driver": ""]) == 1)
        #expect(text.value("kernel_dma_channel_clients", ["channel": "dma0chan0"]) == 1)
        #expect(text.value("kernel_dma_channel_moved_bytes_total", ["channel": "dma0chan0"]) == 4096)
        #expect(text.value("kernel_dma_channel_copies_total", ["channel": "dma0chan0"]) == 2)
        #expect(text["kernel_dma_channel_copies_total"].count == 1)
    }

    @Test func acceleratorsAndTheirQueuesAreShown() throws {
        try write([
            "bus/dsa/devices/dsa0/state": "enabled\n", "bus/dsa/devices/dsa0/numa_node": "1\n",
            "bus/dsa/devices/dsa0/max_work_queues": "8\n", "bus/dsa/devices/dsa0/max_engines": "4\n",
            "bus/dsa/devices/dsa0/clients": "3\n",
            "bus/dsa/devices/dsa0/errors": "0x0000000000000000\n0x0000000000000000\n0x00\n0x0000000000000000\n",
            "bus/dsa/devices/iax1/state": "disabled\n", "bus/dsa/devices/iax1/errors": "0x0000000000000010\n",
            "bus/dsa/devices/wq0.1/state": "enabled\n", "bus/dsa/devices/wq0.1/mode": "shared\n",
            "bus/dsa/devices/wq0.1/type": "user\n", "bus/dsa/devices/wq0.1/driver_name": "user\n",
            "bus/dsa/devices/wq0.1/size": "16\n", "bus/dsa/devices/wq0.1/clients": "2\n",
            "bus/dsa/devices/wq0.1/priority": "10\n", "bus/dsa/devices/engine0.0/group_id": "0\n",
        ])
        let text = try exposition()
        #expect(text.value("kernel_idxd_device_info", ["device": "dsa0", "numa_node": "1"]) == 1)
        #expect(text["kernel_idxd_device_enabled"].map(\.value) == [1, 0])
        #expect(text["kernel_idxd_device_faulty"].map(\.value) == [0, 1])
        #expect(text.value("kernel_idxd_device_clients") == 3)
        #expect(
            text.value("kernel_idxd_device_work_queues_limit") == 8 && text.value("kernel_idxd_device_engines") == 4)
        #expect(
            text.value("kernel_idxd_wq_info", ["wq": "wq0.1", "mode": "shared", "type": "user", "driver": "user"]) == 1)
        #expect(text.value("kernel_idxd_wq_enabled") == 1 && text.value("kernel_idxd_wq_clients") == 2)
        #expect(text.value("kernel_idxd_wq_entries") == 16 && text.value("kernel_idxd_wq_priority") == 10)
    }

    @Test func whereThereIsNoneNothingIsTold() throws {
        // The dma-bufs are those of this machine.
        let names = try exposition().samples.map(\.name).filter { !$0.hasPrefix("kernel_dmabuf") }
        #expect(!names.isEmpty && names.allSatisfy { !$0.hasPrefix("kernel_") })
    }

    @Test func theProcessTellsOfItself() throws {
        let text = try exposition()
        #expect(try #require(text.value("process_resident_memory_bytes")) > 1_000_000)
        #expect(
            try #require(text.value("process_anonymous_memory_bytes"))
                <= (try #require(text.value("process_virtual_memory_bytes"))))
        let start = try #require(text.value("process_start_time_seconds"))
        #expect(start <= Date().timeIntervalSince1970 && start > Date().timeIntervalSince1970 - 86400)
        #expect(text.value("process_cpu_seconds_created") == start)
        let open = try #require(text.value("process_open_fds"))
        let limit = try #require(text.value("process_max_fds"))
        #expect((3...limit).contains(open) && text.value("process_threads") ?? 0 >= 1)
    }
}
