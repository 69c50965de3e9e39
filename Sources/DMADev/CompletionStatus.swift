internal import CDMADev

/// How an operation ended; `enum rte_dma_status_code`.
public struct CompletionStatus: RawRepresentable, Sendable, Hashable {
    /// The code.
    public let rawValue: UInt16

    /// A status from its code.
    @inlinable
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    private init(_ code: Int32) {
        self.init(rawValue: UInt16(code))
    }

    /// Done.
    public static let successful = CompletionStatus(DMADEV_STATUS_SUCCESSFUL)
    /// Given up on request: the device was stopped, or the right to the memory was withdrawn.
    public static let userAbort = CompletionStatus(DMADEV_STATUS_USER_ABORT)
    /// Behind a fence whose batch had failed.
    public static let notAttempted = CompletionStatus(DMADEV_STATUS_NOT_ATTEMPTED)
    /// The source cannot be read.
    public static let invalidSourceAddress = CompletionStatus(DMADEV_STATUS_INVALID_SRC_ADDR)
    /// The destination cannot be written.
    public static let invalidDestinationAddress = CompletionStatus(DMADEV_STATUS_INVALID_DST_ADDR)
    /// An address is bad, and the device does not say which.
    public static let invalidAddress = CompletionStatus(DMADEV_STATUS_INVALID_ADDR)
    /// The length is bad.
    public static let invalidLength = CompletionStatus(DMADEV_STATUS_INVALID_LENGTH)
    /// The device does not know the operation.
    public static let invalidOpcode = CompletionStatus(DMADEV_STATUS_INVALID_OPCODE)
    /// The bus failed while reading.
    public static let busReadError = CompletionStatus(DMADEV_STATUS_BUS_READ_ERROR)
    /// The bus failed while writing.
    public static let busWriteError = CompletionStatus(DMADEV_STATUS_BUS_WRITE_ERROR)
    /// The bus failed.
    public static let busError = CompletionStatus(DMADEV_STATUS_BUS_ERROR)
    /// The data is known to be corrupt.
    public static let dataPoison = CompletionStatus(DMADEV_STATUS_DATA_POISON)
    /// The descriptor cannot be read.
    public static let descriptorReadError = CompletionStatus(DMADEV_STATUS_DESCRIPTOR_READ_ERROR)
    /// The link to the device failed.
    public static let deviceLinkError = CompletionStatus(DMADEV_STATUS_DEV_LINK_ERROR)
    /// A page fault that the device could not resolve.
    public static let pageFault = CompletionStatus(DMADEV_STATUS_PAGE_FAULT)
    /// Something else.
    public static let unknown = CompletionStatus(DMADEV_STATUS_ERROR_UNKNOWN)

    /// Every status with its name on the wire, in the order of the codes.
    public static let table: [(name: String, status: CompletionStatus)] = [
        ("successful", .successful), ("user_abort", .userAbort), ("not_attempted", .notAttempted),
        ("invalid_src_addr", .invalidSourceAddress), ("invalid_dst_addr", .invalidDestinationAddress),
        ("invalid_addr", .invalidAddress), ("invalid_length", .invalidLength), ("invalid_opcode", .invalidOpcode),
        ("bus_read_error", .busReadError), ("bus_write_error", .busWriteError), ("bus_error", .busError),
        ("data_poison", .dataPoison), ("descriptor_read_error", .descriptorReadError),
        ("dev_link_error", .deviceLinkError), ("page_fault", .pageFault), ("unknown", .unknown),
    ]
}

extension CompletionStatus: CustomStringConvertible {
    /// The name on the wire, or the code where there is none.
    public var description: String {
        Self.table.first { $0.status == self }?.name ?? "status \(rawValue)"
    }
}
