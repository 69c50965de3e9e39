internal import CBabelTrace

/// Where the fields of an event class of a trace are: resolved by name once, read by index.
public struct EventLayout {
    /// A field's index in the payload, and whether it is a signed integer.
    typealias Slot = (index: UInt64, isSigned: Bool)

    /// The event's name with its provider.
    public let name: String
    /// What it is for the analysis.
    public let kind: EventKind
    /// For each field of the kind. Lives as long as the program: there are as many as event classes.
    let slots: UnsafePointer<Slot>
    /// How many events of this class were read.
    var count: UInt64 = 0

    init(_ eventClass: OpaquePointer) {
        let name = cbt_event_class_get_name(eventClass).map { String(cString: $0) } ?? ""
        let members = cbt_event_class_borrow_payload_field_class_const(eventClass).map(Self.members) ?? [:]
        var kind = EventKind.byName[name] ?? .other
        if kind == .other, name.hasPrefix("dmadev:"), members["ret"] != nil { kind = .otherCall }
        let found = kind.fields.compactMap { members[$0] }
        self.name = name
        // An event of another version, without a field that is needed, is only counted.
        self.kind = found.count < kind.fields.count ? .other : kind
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: found.count)
        slots.initialize(from: found, count: found.count)
        self.slots = UnsafePointer(slots)
    }

    /// The members of a structure: index, and whether it is a signed integer.
    static func members(of structure: OpaquePointer) -> [String: Slot] {
        var members: [String: Slot] = [:]
        for index in 0..<cbt_field_class_structure_get_member_count(structure) {
            let member = cbt_field_class_structure_borrow_member_by_index_const(structure, index)
            let fieldClass = cbt_field_class_structure_member_borrow_field_class_const(member)
            let name = String(cString: cbt_field_class_structure_member_get_name(member))
            let isSigned = cbt_field_class_get_type(fieldClass) & CBT_FIELD_SIGNED == CBT_FIELD_SIGNED
            members[name] = (index, isSigned)
        }
        return members
    }
}
