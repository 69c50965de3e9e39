internal import CJSONC

/// Copies json-c's values to trees. Long names of members, which most replies have in common, are made once.
struct TreeReader {
    /// Names by hash, each in one place: a table of fixed size, whatever the texts contain.
    private var names: [String]

    private static let nameCount = 512
    /// Shorter strings are not allocated.
    private static let shortLength = 15
    private static let longestLength = 64

    /// - Parameter keepsNames: whether the next value may have the same names.
    init(keepsNames: Bool) {
        names = keepsNames ? [String](repeating: "", count: Self.nameCount) : []
    }

    /// The value that `pointer` refers to, which may be null, as in json-c.
    mutating func tree(_ pointer: OpaquePointer?) -> JSONTree {
        switch json_object_get_type(pointer) {
        case json_type_boolean: return .bool(json_object_get_boolean(pointer) != 0)
        case json_type_int:
            // json-c clamps to the type that is asked for.
            let value = json_object_get_int64(pointer)
            guard value == .max else { return .integer(value) }
            let unsigned = json_object_get_uint64(pointer)
            return unsigned > UInt64(Int64.max) ? .unsigned(unsigned) : .integer(value)
        case json_type_double: return .double(json_object_get_double(pointer))
        case json_type_string:
            guard let text = json_object_get_string(pointer) else { return .string("") }
            let length = Int(json_object_get_string_len(pointer))
            return .string(String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self))
        case json_type_array:
            let count = Int(clamping: json_object_array_length(pointer))
            var elements: [JSONTree] = []
            elements.reserveCapacity(count)
            for index in 0..<count { elements.append(tree(json_object_array_get_idx(pointer, index))) }
            return .array(elements)
        case json_type_object: return .object(members(of: pointer))
        default: return .null
        }
    }

    private mutating func members(of object: OpaquePointer?) -> [JSONTree.Member] {
        var members: [JSONTree.Member] = []
        members.reserveCapacity(Int(json_object_object_length(object)))
        var place = json_object_iter_begin(object)
        var end = json_object_iter_end(object)
        while json_object_iter_equal(&place, &end) == 0 {
            if let name = json_object_iter_peek_name(&place) {
                members.append(JSONTree.Member(self.name(name), tree(json_object_iter_peek_value(&place))))
            }
            json_object_iter_next(&place)
        }
        return members
    }

    private mutating func name(_ text: UnsafePointer<CChar>) -> String {
        if names.isEmpty { return String(cString: text) }
        // FNV-1a: a collision costs time and nothing else.
        var hash: UInt32 = 0x811c_9dc5
        var length = 0
        while text[length] != 0, length <= Self.longestLength {
            hash = (hash ^ UInt32(UInt8(bitPattern: text[length]))) &* 0x0100_0193
            length += 1
        }
        guard length > Self.shortLength, length <= Self.longestLength else { return String(cString: text) }
        let place = Int((hash ^ hash >> 16) % UInt32(Self.nameCount))
        let bytes = UnsafeRawBufferPointer(start: text, count: length)
        if names[place].utf8.count == length, names[place].utf8.elementsEqual(bytes) { return names[place] }
        names[place] = String(cString: text)
        return names[place]
    }
}
