internal import CBabelTrace

/// Where the fields of an event class of a trace are: resolved by name once, read by index.
public final class EventLayout {
    /// The event's name with its provider.
    public let name: String
    /// What it is for the analysis.
    public let kind: EventKind
    /// For each field of the kind: its index in the payload, and whether it is a signed integer.
    let slots: [(index: UInt64, isSigned: Bool)]
    /// How many events of this class were read.
    var count: UInt64 = 0

    init(_ eventClass: OpaquePointer) {
        let name = cbt_event_class_get_name(eventClass).map { String(cString: $0) } ?? ""
        let members = cbt_event_class_borrow_payload_field_class_const(eventClass).map(Self.members) ?? [:]
        var kind = EventKind.byName[name] ?? .other
        if kind == .other, name.hasPrefix("dmadev:"), members["ret"] != nil { kind = .otherCall }
        let slots = kind.fields.map { members[$0] }
        self.name = name
        // An event of another version, without a field that is needed, is only counted.
        self.kind = slots.contains { $0 == nil } ? .other : kind
        self.slots = slots.compactMap(\.self)
    }

    /// The members of a structure: index, and whether it is a signed integer.
    static func members(of structure: OpaquePointer) -> [String: (index: UInt64, isSigned: Bool)] {
        var members: [String: (index: UInt64, isSigned: Bool)] = [:]
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
