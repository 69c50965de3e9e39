/// A JSON value as a plain Swift value, which can be shared between threads, compared and stored.
///
/// `JSONValue` is cheaper, for building and sending; this type is for reading replies.
public enum JSONTree: Sendable, Equatable {
    /// JSON's null.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// An integer that fits into `Int64`.
    case integer(Int64)
    /// An integer above `Int64.max`.
    case unsigned(UInt64)
    /// Any other number.
    case double(Double)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONTree])
    /// An object, with its members in text order. Equality includes the order, because DPDK's clients see it.
    case object([Member])

    /// One member of an object.
    public struct Member: Sendable, Equatable {
        /// The member's key.
        public let name: String
        /// The member's value.
        public let value: JSONTree

        /// A key and its value.
        public init(_ name: String, _ value: JSONTree) {
            self.name = name
            self.value = value
        }
    }

    /// The member of that name; `nil` if this is not an object or has no such member.
    public subscript(name: String) -> JSONTree? {
        // The lengths differ in most cases, and to compare them is cheap.
        let length = name.utf8.count
        return members.first { $0.name.utf8.count == length && $0.name == name }?.value
    }

    /// The element at that index; `nil` if this is not an array or has no such element.
    public subscript(index: Int) -> JSONTree? {
        elements.indices.contains(index) ? elements[index] : nil
    }

    /// The elements of an array; empty for anything else.
    public var elements: [JSONTree] {
        if case .array(let elements) = self { elements } else { [] }
    }

    /// The members of an object; empty for anything else.
    public var members: [Member] {
        if case .object(let members) = self { members } else { [] }
    }

    /// The keys of an object, in order.
    public var keys: [String] { members.map(\.name) }

    /// The Boolean; `nil` for other kinds.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The integer; `nil` if it does not fit into `Int64`, or for other kinds.
    public var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The integer; `nil` if it is negative, or for other kinds.
    public var unsigned: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        default: nil
        }
    }

    /// The number, or an integer as a number (rounded above 2^53); `nil` for other kinds.
    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The string; `nil` for other kinds.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }
}

extension JSONValue {
    /// A copy of the whole value as a plain Swift value.
    public var tree: JSONTree {
        var reader = TreeReader(keepsNames: false)
        return reader.tree(pointer)
    }

    /// A value with the content of a tree.
    public init(_ tree: JSONTree) {
        switch tree {
        case .null: self.init()
        case .bool(let value): self.init(value)
        case .integer(let value): self.init(value)
        case .unsigned(let value): self.init(value)
        case .double(let value): self.init(value)
        case .string(let value): self.init(value)
        case .array(let elements):
            var array = JSONValue.array()
            for element in elements { array.append(JSONValue(element)) }
            self = array
        case .object(let members):
            var object = JSONValue.object()
            for member in members { object.set(name: member.name, JSONValue(member.value)) }
            self = object
        }
    }
}
