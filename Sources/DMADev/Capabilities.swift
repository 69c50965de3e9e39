internal import CDMADev

/// The capabilities of a device; `dev_capa` in `struct rte_dma_info`, `RTE_DMA_CAPA_*`.
///
/// A bit is set only if the device implements the capability.
public struct Capabilities: OptionSet, Sendable, Hashable {
    /// Bits as in `dev_capa`.
    public let rawValue: UInt64

    /// Undefined bits are kept.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    private init(bit: Int) {
        self.init(rawValue: 1 << UInt64(bit))
    }

    /// Memory to memory; `RTE_DMA_CAPA_MEM_TO_MEM`.
    public static let mem2mem = Capabilities(bit: 0)
    /// Memory to device; `RTE_DMA_CAPA_MEM_TO_DEV`.
    public static let mem2dev = Capabilities(bit: 1)
    /// Device to memory; `RTE_DMA_CAPA_DEV_TO_MEM`.
    public static let dev2mem = Capabilities(bit: 2)
    /// Device to device; `RTE_DMA_CAPA_DEV_TO_DEV`.
    public static let dev2dev = Capabilities(bit: 3)
    /// Any virtual address of the process is valid as IOVA; `RTE_DMA_CAPA_SVA`.
    public static let sva = Capabilities(bit: 4)
    /// Completions need not be polled; `RTE_DMA_CAPA_SILENT`.
    public static let silent = Capabilities(bit: 5)
    /// A failed operation is reported and the device continues; `RTE_DMA_CAPA_HANDLES_ERRORS`.
    public static let handlesErrors = Capabilities(bit: 6)
    /// The source buffer of a mem2dev operation is returned to its pool; `RTE_DMA_CAPA_M2D_AUTO_FREE`.
    public static let autoFree = Capabilities(bit: 7)
    /// Strict priority between devices that share an engine; `RTE_DMA_CAPA_PRI_POLICY_SP`.
    public static let strictPriority = Capabilities(bit: 8)
    /// Memory of other processes; `RTE_DMA_CAPA_INTER_PROCESS_DOMAIN`.
    public static let interProcessDomain = Capabilities(bit: 9)
    /// Memory of other operating systems; `RTE_DMA_CAPA_INTER_OS_DOMAIN`.
    public static let interOSDomain = Capabilities(bit: 10)
    /// Copy; `RTE_DMA_CAPA_OPS_COPY`.
    public static let copy = Capabilities(bit: 32)
    /// Copy between scatter-gather lists; `RTE_DMA_CAPA_OPS_COPY_SG`.
    public static let copyScatterGather = Capabilities(bit: 33)
    /// Fill with an 8-byte pattern; `RTE_DMA_CAPA_OPS_FILL`.
    public static let fill = Capabilities(bit: 34)
    /// Whole operations enqueued and dequeued as structures; `RTE_DMA_CAPA_OPS_ENQ_DEQ`.
    public static let enqueueDequeue = Capabilities(bit: 35)

    /// Every capability with its wire name, in bit order. Dump, JSON and documentation are derived from this table.
    public static let table: [(name: String, capability: Capabilities)] = [
        ("mem2mem", .mem2mem), ("mem2dev", .mem2dev), ("dev2mem", .dev2mem), ("dev2dev", .dev2dev), ("sva", .sva),
        ("silent", .silent), ("handles_errors", .handlesErrors), ("m2d_auto_free", .autoFree),
        ("pri_policy_sp", .strictPriority), ("inter_process_domain", .interProcessDomain),
        ("inter_os_domain", .interOSDomain), ("copy", .copy), ("copy_sg", .copyScatterGather), ("fill", .fill),
        ("enq_deq", .enqueueDequeue),
    ]

    /// The names of the capabilities that are set, in the order of their bits.
    public var names: [String] {
        Self.table.filter { contains($0.capability) }.map(\.name)
    }
}

extension Capabilities {
    /// The domain bits in operation flags that a device with these capabilities accepts.
    var domainFlags: UInt64 {
        (contains(.interProcessDomain) ? DMADEV_OP_SRC_PROCESS | DMADEV_OP_DST_PROCESS : 0)
            | (contains(.interOSDomain) ? DMADEV_OP_SRC_OS | DMADEV_OP_DST_OS : 0)
    }
}
