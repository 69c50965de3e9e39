internal import CJSONC

/// From and to text.
extension JSONValue {
    /// Arrays and objects deeper than this are refused, so that no reply of a peer can exhaust the stack.
    public static var maximumDepth: Int { 64 }

    /// Lends the value's JSON text, UTF-8 without any white space, to `body`.
    ///
    /// The bytes lie in the value itself and are not copied; they are valid only during the call. `/` is not escaped.
    public borrowing func withText<R: ~Copyable, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        var length = 0
        guard let text = json_object_to_json_string_length(pointer, Self.textFlags, &length) else {
            // Only without memory; null is valid JSON, a cut text would not be.
            let null: StaticString = "null"
            return try body(UnsafeRawBufferPointer(start: null.utf8Start, count: null.utf8CodeUnitCount))
        }
        return try body(UnsafeRawBufferPointer(start: text, count: length))
    }

    /// The value's JSON text, without any white space.
    public var text: String {
        withText { String(decoding: $0, as: UTF8.self) }
    }

    /// Parses one JSON value; the bytes must hold nothing else but white space around it.
    ///
    /// - Throws: `JSONParseError` for anything that is not JSON, UTF-8 included, and for more than ``maximumDepth``
    ///   levels.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(JSONParseError) {
        if let offset = Self.leniencyOffset(in: bytes) {
            throw JSONParseError(reason: "unexpected byte \(bytes[offset])", offset: offset)
        }
        guard let length = CInt(exactly: bytes.count), let tokener = json_tokener_new_ex(CInt(Self.maximumDepth)) else {
            throw JSONParseError(reason: "no room to parse \(bytes.count) bytes", offset: 0)
        }
        defer { json_tokener_free(tokener) }
        json_tokener_set_flags(tokener, Self.parseFlags)
        var result = json_tokener_parse_ex(tokener, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), length)
        var offset = json_tokener_get_parse_end(tokener)
        if json_tokener_get_error(tokener) == json_tokener_continue {
            // A number at the very end could go on; the NUL says that it does not.
            var end: CChar = 0
            result = json_tokener_parse_ex(tokener, &end, 1)
            offset = Int(length)
        }
        let error = json_tokener_get_error(tokener)
        guard error == json_tokener_success else {
            let unfinished = error == json_tokener_continue || bytes.isEmpty
            throw JSONParseError(
                reason: unfinished ? "ends too early" : String(cString: json_tokener_error_desc(error)), offset: offset)
        }
        self.init(adopting: result)
    }

    /// Parses one JSON value; see `init(parsing:)` for bytes.
    public init(parsing text: String) throws(JSONParseError) {
        let bytes = ContiguousArray(text.utf8)
        var failure: JSONParseError?
        let parsed = bytes.withUnsafeBytes { raw in
            do throws(JSONParseError) {
                return try JSONValue(parsing: raw).release()
            } catch {
                failure = error
                return nil
            }
        }
        if let failure { throw failure }
        self.init(adopting: parsed)
    }

    /// Where a text uses what json-c lets pass even when it is strict, though it is not JSON: control characters inside
    /// of strings, which DPDK's replies can hold, and `NaN` and `Infinity`.
    private static func leniencyOffset(in bytes: UnsafeRawBufferPointer) -> Int? {
        var isInString = false
        var isEscaped = false
        for (offset, byte) in bytes.enumerated() {
            if isInString {
                if byte < 0x20 { return offset }
                if !isEscaped && byte == UInt8(ascii: "\"") { isInString = false }
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
            } else if byte == UInt8(ascii: "N") || byte == UInt8(ascii: "I") {
                return offset
            } else {
                isInString = byte == UInt8(ascii: "\"")
            }
        }
        return nil
    }

    private static var textFlags: CInt { JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE }

    private static var parseFlags: CInt { JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 }
}

/// Why a text is not JSON.
public struct JSONParseError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong, in json-c's words.
    public let reason: String
    /// The byte at which it was noticed.
    public let offset: Int

    /// The sentence for logs and users.
    public var description: String { "not JSON at byte \(offset): \(reason)" }
}
