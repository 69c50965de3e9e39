internal import CJSONC

/// One JSON value: a json-c tree that exactly one `JSONValue` owns and frees.
///
/// It builds replies (`object()`, `array()`, `set`, `append`), writes them without another copy (`withText(_:)`), and
/// parses them (`init(parsing:)`). Moving a value into an array or object moves the tree; nothing is copied. The output
/// is always valid JSON: text is repaired to UTF-8, and numbers that JSON does not have become null.
///
/// Not `Sendable`: json-c counts references without atomics and writes to a value while it serialises it. A value may
/// move to another thread, but two threads must not use it at once. `tree` is a copy that can be shared.
public struct JSONValue: ~Copyable {
    /// json-c's object; `nil` is JSON's null, as in json-c.
    let pointer: OpaquePointer?

    /// Takes over one reference.
    init(adopting pointer: OpaquePointer?) {
        self.pointer = pointer
    }

    deinit {
        // A null pointer is allowed; the result says whether it was the last reference.
        _ = json_object_put(pointer)
    }

    /// Returns the reference, which the caller then owns.
    consuming func release() -> OpaquePointer? {
        let pointer = self.pointer
        discard self
        return pointer
    }

    /// Another owner of the same tree: what one sets, the other has. Both belong to one thread.
    public borrowing func shared() -> JSONValue { JSONValue(adopting: json_object_get(pointer)) }

    /// JSON's null.
    public init() {
        self.init(adopting: nil)
    }

    /// A signed integer.
    public init(_ value: Int64) {
        self.init(adopting: json_object_new_int64(value))
    }

    /// An unsigned integer, exact up to 2^64 - 1.
    public init(_ value: UInt64) {
        self.init(adopting: json_object_new_uint64(value))
    }

    /// An integer of any width; values that do not fit into 64 bits are clamped.
    @inlinable
    public init(_ value: some FixedWidthInteger) {
        if let unsigned = UInt64(exactly: value) {
            self.init(unsigned)
        } else if value > 0 {
            self.init(UInt64.max)
        } else {
            self.init(Int64(clamping: value))
        }
    }

    /// A number, written as the shortest text that parses to the same `Double`; NaN and the infinities become null.
    public init(_ value: Double) {
        // json-c would write NaN, which is not JSON, and 0.1 with seventeen digits.
        self.init(adopting: value.isFinite ? json_object_new_double_s(value, value.description) : nil)
    }

    /// `true` or `false`.
    public init(_ value: Bool) {
        self.init(adopting: json_object_new_boolean(value ? 1 : 0))
    }

    /// A string. NUL and control characters are kept and escaped.
    public init(_ value: String) {
        var value = value
        self.init(
            adopting: value.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { text in
                    json_object_new_string_len(text.baseAddress ?? Self.emptyText, CInt(clamping: text.count))
                }
            })
    }

    /// A string from untrusted bytes; each invalid UTF-8 sequence becomes U+FFFD.
    public init(repairing bytes: UnsafeRawBufferPointer) {
        self.init(String(decoding: bytes, as: UTF8.self))
    }

    /// A string from untrusted bytes; each invalid UTF-8 sequence becomes U+FFFD.
    public init(repairing bytes: [UInt8]) {
        self.init(String(decoding: bytes, as: UTF8.self))
    }

    /// An empty object.
    public static func object() -> JSONValue {
        JSONValue(adopting: json_object_new_object())
    }

    /// An empty array.
    public static func array() -> JSONValue {
        JSONValue(adopting: json_object_new_array())
    }

    /// An array of integers; values that do not fit into 64 bits are clamped.
    @inlinable
    public static func array(_ numbers: some Sequence<some FixedWidthInteger>) -> JSONValue {
        var result = JSONValue.array()
        for number in numbers {
            result.append(JSONValue(number))
        }
        return result
    }

    /// An array of strings.
    @inlinable
    public static func array(_ strings: some Sequence<String>) -> JSONValue {
        var result = JSONValue.array()
        for string in strings {
            result.append(JSONValue(string))
        }
        return result
    }

    /// json-c needs an address for an empty string, too.
    private static var emptyText: UnsafePointer<CChar> {
        UnsafeRawPointer(StaticString("").utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
