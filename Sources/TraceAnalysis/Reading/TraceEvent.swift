internal import CBabelTrace

/// One event, valid during the call that gets it.
public struct TraceEvent {
    /// What it is for the analysis.
    public let kind: EventKind
    /// Nanoseconds since 1970, on the clock of the trace.
    public let time: Int64
    /// The process that has recorded it: an index of ``TraceProcesses``.
    public let process: Int
    private let source: UnsafePointer<EventLayout>
    private let slots: UnsafePointer<EventLayout.Slot>
    private let payload: OpaquePointer

    init(layout: UnsafePointer<EventLayout>, time: Int64, process: Int, payload: OpaquePointer) {
        source = layout
        kind = layout.pointee.kind
        slots = layout.pointee.slots
        self.time = time
        self.process = process
        self.payload = payload
    }

    /// Its class.
    public var layout: EventLayout { source.pointee }

    private func field(_ slot: Int) -> OpaquePointer {
        cbt_field_structure_borrow_member_field_by_index_const(payload, slots[slot].index)
    }

    /// The integer of a field.
    ///
    /// - Parameter slot: the field's place in ``EventKind/fields``.
    func integer(_ slot: Int) -> Int64 {
        slots[slot].isSigned
            ? cbt_field_integer_signed_get_value(field(slot))
            : Int64(bitPattern: cbt_field_integer_unsigned_get_value(field(slot)))
    }

    /// An unsigned integer.
    func unsigned(_ slot: Int) -> UInt64 { UInt64(bitPattern: integer(slot)) }

    /// A text.
    func text(_ slot: Int) -> String { String(cString: cbt_field_string_get_value(field(slot))) }

    /// A sequence of unsigned integers.
    func sequence(_ slot: Int) -> Sequence { Sequence(field: field(slot)) }

    /// A sequence with a row for each of some operations, or a single row for all of them.
    func column(_ slot: Int) -> Column { Column(sequence(slot)) }

    /// A sequence of unsigned integers.
    struct Sequence {
        private let field: OpaquePointer
        let count: Int

        init(field: OpaquePointer) {
            self.field = field
            count = Int(cbt_field_array_get_length(field))
        }

        subscript(index: Int) -> UInt64 {
            cbt_field_integer_unsigned_get_value(
                cbt_field_array_borrow_element_field_by_index_const(field, UInt64(index)))
        }
    }
    /// A sequence with a row for each of some operations, or a single row for all of them.
    struct Column {
        private let rows: Sequence
        /// The only row.
        private let common: UInt64?

        init(_ rows: Sequence) {
            self.rows = rows
            common = rows.count == 1 ? rows[0] : nil
        }

        /// The value of an operation; 0 beyond the rows, which a damaged trace may lack.
        subscript(operation: Int) -> UInt64 {
            common ?? (operation < rows.count ? rows[operation] : 0)
        }
    }
}
