/// The DMA engines of the kernel, read from `/sys`. Nothing is written.
struct KernelEngines: Sendable {
    /// A channel of the kernel's `dmaengine`: `/sys/class/dma/dma0chan0`.
    struct Channel: Sendable {
        let name: String
        let driver: String
        let inUse: UInt64?
        let bytes: UInt64?
        let copies: UInt64?
    }

    /// A device on the bus of Intel's accelerators: `/sys/bus/dsa/devices/dsa0`.
    struct Accelerator: Sendable {
        let name: String
        let state: String
        let numaNode: String
        let workQueueLimit: UInt64?
        let engineLimit: UInt64?
        let clients: UInt64?
        let isFaulty: Bool
    }

    /// A work queue of an accelerator: `/sys/bus/dsa/devices/wq0.1`.
    struct WorkQueue: Sendable {
        let name: String
        let state: String
        let mode: String
        let type: String
        let driver: String
        let size: UInt64?
        let clients: UInt64?
        let priority: UInt64?
    }

    let channels: [Channel]
    let accelerators: [Accelerator]
    let workQueues: [WorkQueue]

    /// Reads the files below a root directory: `/sys`, or a copy in tests.
    init(root: String) {
        channels = SystemFile.names(in: root + "/class/dma").map { name in
            let path = "\(root)/class/dma/\(name)"
            return Channel(
                name: name, driver: SystemFile.linkedName(path + "/device/driver") ?? "",
                inUse: SystemFile.number(path + "/in_use"), bytes: SystemFile.number(path + "/bytes_transferred"),
                copies: SystemFile.number(path + "/memcpy_count"))
        }
        let bus = root + "/bus/dsa/devices"
        let names = SystemFile.names(in: bus)
        accelerators = names.filter { $0.hasPrefix("dsa") || $0.hasPrefix("iax") }.map { name in
            let path = "\(bus)/\(name)"
            // Lines of four words. All are zero when there is no error.
            let errors = SystemFile.text(path + "/errors") ?? ""
            return Accelerator(
                name: name, state: SystemFile.text(path + "/state") ?? "",
                numaNode: SystemFile.text(path + "/numa_node") ?? "",
                workQueueLimit: SystemFile.number(path + "/max_work_queues"),
                engineLimit: SystemFile.number(path + "/max_engines"),
                clients: SystemFile.number(path + "/clients"),
                isFaulty: errors.replacing("0x", with: "").contains { $0.isHexDigit && $0 != "0" })
        }
        workQueues = names.filter { $0.hasPrefix("wq") }.map { name in
            let path = "\(bus)/\(name)"
            return WorkQueue(
                name: name, state: SystemFile.text(path + "/state") ?? "", mode: SystemFile.text(path + "/mode") ?? "",
                type: SystemFile.text(path + "/type") ?? "", driver: SystemFile.text(path + "/driver_name") ?? "",
                size: SystemFile.number(path + "/size"), clients: SystemFile.number(path + "/clients"),
                priority: SystemFile.number(path + "/priority"))
        }
    }
}
