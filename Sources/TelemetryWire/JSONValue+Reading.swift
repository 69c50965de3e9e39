internal import CJSONC

/// Reading a value. A property that does not fit the value's kind is `nil` or empty.
extension JSONValue {
    /// The kinds of JSON values; numbers are divided into integers and others.
    public enum Kind: Sendable {
        /// JSON's null.
        case null
        /// `true` or `false`.
        case bool
        /// A number without a fraction or an exponent.
        case integer
        /// Any other number.
        case double
        /// A string.
        case string
        /// An array.
        case array
        /// An object.
        case object
    }

    /// The value's kind.
    public var kind: Kind {
        switch json_object_get_type(pointer) {
        case json_type_boolean: .bool
        case json_type_int: .integer
        case json_type_double: .double
        case json_type_string: .string
        case json_type_array: .array
        case json_type_object: .object
        default: .null
        }
    }

    /// Whether this value is null.
    public var isNull: Bool { pointer == nil }

    /// The Boolean; `nil` for other kinds.
    public var bool: Bool? {
        kind == .bool ? json_object_get_boolean(pointer) != 0 : nil
    }

    /// The integer; `nil` if it does not fit into `Int64`, or for other kinds.
    public var integer: Int64? {
        // json-c clamps; the unsigned value shows whether it did.
        guard kind == .integer, json_object_get_uint64(pointer) <= UInt64(Int64.max) else { return nil }
        return json_object_get_int64(pointer)
    }

    /// The integer; `nil` if it is negative, or for other kinds.
    public var unsigned: UInt64? {
        guard kind == .integer, json_object_get_int64(pointer) >= 0 else { return nil }
        return json_object_get_uint64(pointer)
    }

    /// The number, or an integer as a number (rounded above 2^53); `nil` for other kinds.
    public var double: Double? {
        switch kind {
        case .double: json_object_get_double(pointer)
        case .integer: integer.map(Double.init) ?? unsigned.map(Double.init)
        default: nil
        }
    }

    /// The string; `nil` for other kinds.
    public var string: String? {
        guard kind == .string, let text = json_object_get_string(pointer) else { return nil }
        let length = Int(json_object_get_string_len(pointer))
        return String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self)
    }

    /// The number of elements or members; 0 for other kinds.
    public var count: Int {
        switch kind {
        case .array: Int(clamping: json_object_array_length(pointer))
        case .object: Int(json_object_object_length(pointer))
        default: 0
        }
    }

    /// Passes the member of that name to `body`; `nil` if there is none.
    public borrowing func withMember<R: ~Copyable, E: Error>(
        _ name: String, _ body: (borrowing JSONValue) throws(E) -> R
    ) throws(E) -> R? {
        guard kind == .object, !name.utf8.contains(0) else { return nil }
        var child: OpaquePointer?
        guard json_object_object_get_ex(pointer, name, &child) != 0 else { return nil }
        return try body(JSONValue(adopting: json_object_get(child)))
    }

    /// Passes the element at that index to `body`; `nil` if there is none.
    public borrowing func withElement<R: ~Copyable, E: Error>(
        at index: Int, _ body: (borrowing JSONValue) throws(E) -> R
    ) throws(E) -> R? {
        guard kind == .array, (0..<count).contains(index) else { return nil }
        return try body(JSONValue(adopting: json_object_get(json_object_array_get_idx(pointer, index))))
    }

    /// Passes each member to `body`, in text order.
    public borrowing func forEachMember<E: Error>(
        _ body: (String, borrowing JSONValue) throws(E) -> Void
    ) throws(E) {
        guard kind == .object else { return }
        var place = json_object_iter_begin(pointer)
        var end = json_object_iter_end(pointer)
        while json_object_iter_equal(&place, &end) == 0 {
            if let name = json_object_iter_peek_name(&place) {
                try body(
                    String(cString: name), JSONValue(adopting: json_object_get(json_object_iter_peek_value(&place))))
            }
            json_object_iter_next(&place)
        }
    }

    /// Passes each element to `body`, in order.
    public borrowing func forEachElement<E: Error>(_ body: (borrowing JSONValue) throws(E) -> Void) throws(E) {
        for index in 0..<(kind == .array ? count : 0) {
            try body(JSONValue(adopting: json_object_get(json_object_array_get_idx(pointer, index))))
        }
    }

    /// Extracts the value of an object's only member: in a telemetry reply, the value under the command's name.
    ///
    /// `nil` if this is not an object with exactly one member.
    public consuming func soleMember() -> JSONValue? {
        guard kind == .object, count == 1 else { return nil }
        var place = json_object_iter_begin(pointer)
        return JSONValue(adopting: json_object_get(json_object_iter_peek_value(&place)))
    }
}
