internal import CJSONC

/// One JSON value, owned: a json-c tree that exactly one `JSONValue` holds and frees.
///
/// Replies are built with it (`object()`, `array()`, `set`, `append`), written out without a second copy
/// (`withText(_:)`), and parsed back (`init(parsing:)`). Moving a value into an array or object hands the tree over;
/// nothing is copied. Whatever goes in, what comes out is valid JSON: text is repaired to UTF-8 and numbers that JSON
/// does not know become null.
///
/// Not `Sendable`: json-c counts references without atomics and writes into a value while it serialises it. A value may
/// move to another thread, it may not be used by two. `tree` is the copy for sharing.
public struct JSONValue: ~Copyable {
    /// json-c's object; `nil` is JSON's null, in json-c too.
    let pointer: OpaquePointer?

    /// Takes over one reference.
    init(adopting pointer: OpaquePointer?) {
        self.pointer = pointer
    }

    deinit {
        // A null pointer is fine here; the result says whether it was the last reference.
        _ = json_object_put(pointer)
    }

    /// Gives up the reference without dropping it.
    consuming func release() -> OpaquePointer? {
        let pointer = self.pointer
        discard self
        return pointer
    }

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

    /// An integer of any width; what does not fit into 64 bits is clamped.
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

    /// A number in the shortest text that reads back as the same `Double`; NaN and the infinities become null.
    public init(_ value: Double) {
        // json-c would write NaN, which is not JSON, and 0.1 with seventeen digits.
        self.init(adopting: value.isFinite ? json_object_new_double_s(value, value.description) : nil)
    }

    /// `true` or `false`.
    public init(_ value: Bool) {
        self.init(adopting: json_object_new_boolean(value ? 1 : 0))
    }

    /// A string. NUL and control characters are kept, escaped.
    public init(_ value: String) {
        var value = value
        self.init(
            adopting: value.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { text in
                    json_object_new_string_len(text.baseAddress ?? Self.emptyText, CInt(clamping: text.count))
                }
            })
    }

    /// A string of bytes from outside; each sequence that is not UTF-8 becomes U+FFFD.
    public init(repairing bytes: UnsafeRawBufferPointer) {
        self.init(String(decoding: bytes, as: UTF8.self))
    }

    /// A string of bytes from outside; each sequence that is not UTF-8 becomes U+FFFD.
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

    /// An array of the numbers, each by the rule of `init(_:)`.
    @inlinable
    public static func array(_ numbers: some Sequence<some FixedWidthInteger>) -> JSONValue {
        var result = JSONValue.array()
        for number in numbers {
            result.append(JSONValue(number))
        }
        return result
    }

    /// An array of the strings.
    @inlinable
    public static func array(_ strings: some Sequence<String>) -> JSONValue {
        var result = JSONValue.array()
        for string in strings {
            result.append(JSONValue(string))
        }
        return result
    }

    /// json-c wants an address for an empty string too.
    private static var emptyText: UnsafePointer<CChar> {
        UnsafeRawPointer(StaticString("").utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
