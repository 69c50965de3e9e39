public import CDMADev

/// The result of an operation; `enum rte_dma_status_code`.
@frozen
public struct CompletionStatus: RawRepresentable, Sendable, Hashable {
    /// The C value.
    public let rawValue: UInt16

    /// Undefined codes are kept.
    @inlinable
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    @inlinable
    init(_ code: dmadev_status_code) {
        self.init(rawValue: UInt16(truncatingIfNeeded: code.rawValue))
    }

    /// Completed without error.
    @inlinable public static var successful: Self { Self(DMADEV_STATUS_SUCCESSFUL) }
    /// Aborted on request: the device was stopped, or access to the memory was withdrawn.
    @inlinable public static var userAbort: Self { Self(DMADEV_STATUS_USER_ABORT) }
    /// Not executed: a fence follows a failure in the same batch.
    @inlinable public static var notAttempted: Self { Self(DMADEV_STATUS_NOT_ATTEMPTED) }
    /// The source cannot be read.
    @inlinable public static var invalidSourceAddress: Self { Self(DMADEV_STATUS_INVALID_SRC_ADDR) }
    /// The destination cannot be written.
    @inlinable public static var invalidDestinationAddress: Self { Self(DMADEV_STATUS_INVALID_DST_ADDR) }
    /// An address is invalid; the device does not report which one.
    @inlinable public static var invalidAddress: Self { Self(DMADEV_STATUS_INVALID_ADDR) }
    /// The length is invalid.
    @inlinable public static var invalidLength: Self { Self(DMADEV_STATUS_INVALID_LENGTH) }
    /// The operation code is not supported by the device.
    @inlinable public static var invalidOpcode: Self { Self(DMADEV_STATUS_INVALID_OPCODE) }
    /// The bus failed while reading.
    @inlinable public static var busReadError: Self { Self(DMADEV_STATUS_BUS_READ_ERROR) }
    /// The bus failed while writing.
    @inlinable public static var busWriteError: Self { Self(DMADEV_STATUS_BUS_WRITE_ERROR) }
    /// The bus failed.
    @inlinable public static var busError: Self { Self(DMADEV_STATUS_BUS_ERROR) }
    /// The data is known to be corrupt.
    @inlinable public static var dataPoison: Self { Self(DMADEV_STATUS_DATA_POISON) }
    /// The descriptor cannot be read.
    @inlinable public static var descriptorReadError: Self { Self(DMADEV_STATUS_DESCRIPTOR_READ_ERROR) }
    /// The link to the device failed.
    @inlinable public static var deviceLinkError: Self { Self(DMADEV_STATUS_DEV_LINK_ERROR) }
    /// A page fault that the device could not resolve.
    @inlinable public static var pageFault: Self { Self(DMADEV_STATUS_PAGE_FAULT) }
    /// Any other error.
    @inlinable public static var unknown: Self { Self(DMADEV_STATUS_ERROR_UNKNOWN) }

    /// Every status with its wire name, in the order of the codes.
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
    /// The wire name, or the code if it has none.
    public var description: String {
        Self.table.first { $0.status == self }?.name ?? "status \(rawValue)"
    }
}
