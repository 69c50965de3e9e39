/// A device behind a port; `struct rte_dma_port_param`.
public struct Port: Sendable, Equatable {
    /// The kind; `port_type` in C.
    public var type: PortType
    /// The fields of a PCIe port; not used by other kinds.
    public var pcie: PCIePort

    /// The values are checked at set-up.
    public init(type: PortType, pcie: PCIePort = PCIePort()) {
        self.type = type
        self.pcie = pcie
    }

    /// No port.
    public static let none = Port(type: .none)

    /// A PCIe port.
    public static func pcie(_ port: PCIePort) -> Port { Port(type: .pcie, pcie: port) }

    /// The kind, and the fields that are not 0, under their C names: `pcie:coreid=1,pfid=2`.
    public var description: String {
        guard type != .none else { return "none" }
        let fields = pcie.fields.filter { $0.value != 0 }.map { "\($0.name)=\($0.value)" }
        return fields.isEmpty ? "pcie" : "pcie:" + fields.joined(separator: ",")
    }
}

/// Kinds of port; `enum rte_dma_port_type`.
public struct PortType: RawRepresentable, Sendable, Hashable {
    /// The C value.
    public let rawValue: Int32

    /// Accepts undefined values.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// No port.
    public static let none = PortType(rawValue: 0)
    /// PCIe.
    public static let pcie = PortType(rawValue: 1)

    var isDefined: Bool { (0...1).contains(rawValue) }
}

/// A function of a PCIe device, and how its packets are marked; the bit fields of `rte_dma_port_param.pcie`.
public struct PCIePort: Sendable, Hashable {
    /// PCIe core, 0 to 15; `coreid`.
    public var core: UInt8
    /// Physical function; `pfid`.
    public var physicalFunction: UInt8
    /// Virtual function; `nil`: none; `vfen` and `vfid`.
    public var virtualFunction: UInt16?
    /// Process address space ID in the packets, 0 to 0xFFFFF; `pasid`.
    public var pasid: UInt32
    /// Attributes in the packets, 0 to 7; `attr`.
    public var attributes: UInt8
    /// Processing hint in the packets, 0 to 3; `ph`.
    public var processingHint: UInt8
    /// Steering tag in the packets; `st`.
    public var steeringTag: UInt16

    /// The values are checked at set-up.
    public init(
        core: UInt8 = 0, physicalFunction: UInt8 = 0, virtualFunction: UInt16? = nil, pasid: UInt32 = 0,
        attributes: UInt8 = 0, processingHint: UInt8 = 0, steeringTag: UInt16 = 0
    ) {
        self.core = core
        self.physicalFunction = physicalFunction
        self.virtualFunction = virtualFunction
        self.pasid = pasid
        self.attributes = attributes
        self.processingHint = processingHint
        self.steeringTag = steeringTag
    }

    /// The same function of the same device, without the marks of packets.
    public var function: PCIePort {
        PCIePort(core: core, physicalFunction: physicalFunction, virtualFunction: virtualFunction)
    }

    /// All fields with their C names and largest values, in the order of the C structure.
    public var fields: [(name: String, value: UInt32, maximum: UInt32)] {
        [
            ("coreid", UInt32(core), 0xF), ("pfid", UInt32(physicalFunction), 0xFF),
            ("vfen", virtualFunction == nil ? 0 : 1, 1), ("vfid", UInt32(virtualFunction ?? 0), 0xFFFF),
            ("pasid", pasid, 0xFFFFF), ("attr", UInt32(attributes), 7), ("ph", UInt32(processingHint), 3),
            ("st", UInt32(steeringTag), 0xFFFF),
        ]
    }
}
