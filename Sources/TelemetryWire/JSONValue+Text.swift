internal import CJSONC

/// From and to text.
extension JSONValue {
    /// Deeper nesting is an error, so that no peer's reply can exhaust the stack.
    public static var maximumDepth: Int { 64 }

    /// Passes the value's JSON text, UTF-8 without white space, to `body`.
    ///
    /// The bytes are part of the value and are not copied; they are valid only during the call. `/` is not escaped.
    public borrowing func withText<R: ~Copyable, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        var length = 0
        guard let text = json_object_to_json_string_length(pointer, Self.textFlags, &length) else {
            // Happens only if memory is exhausted. null is valid JSON; incomplete text is not.
            let null: StaticString = "null"
            return try body(UnsafeRawBufferPointer(start: null.utf8Start, count: null.utf8CodeUnitCount))
        }
        return try body(UnsafeRawBufferPointer(start: text, count: length))
    }

    /// The value's JSON text, without white space.
    public var text: String {
        withText { String(decoding: $0, as: UTF8.self) }
    }

    /// Parses one JSON value, which may have white space around it.
    ///
    /// - Throws: `JSONParseError` for text that is not JSON or not UTF-8, and for more than ``maximumDepth`` levels.
    public init(parsing bytes: UnsafeRawBufferPointer) throws(JSONParseError) {
        if let offset = Self.leniencyOffset(in: bytes) {
            throw JSONParseError(reason: "unexpected byte \(bytes[offset])", offset: offset)
        }
        guard let length = CInt(exactly: bytes.count), let tokener = json_tokener_new_ex(CInt(Self.maximumDepth)) else {
            throw JSONParseError(reason: "no memory to parse \(bytes.count) bytes", offset: 0)
        }
        defer { json_tokener_free(tokener) }
        json_tokener_set_flags(tokener, Self.parseFlags)
        var result = json_tokener_parse_ex(tokener, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), length)
        var offset = json_tokener_get_parse_end(tokener)
        if json_tokener_get_error(tokener) == json_tokener_continue {
            // A number at the end could continue in further bytes; the NUL ends it.
            var end: CChar = 0
            result = json_tokener_parse_ex(tokener, &end, 1)
            offset = Int(length)
        }
        let error = json_tokener_get_error(tokener)
        guard error == json_tokener_success else {
            let unfinished = error == json_tokener_continue || bytes.isEmpty
            throw JSONParseError(
                reason: unfinished ? "incomplete" : String(cString: json_tokener_error_desc(error)), offset: offset)
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

    /// The offset of text that is not JSON although json-c accepts it in strict mode: control characters in strings,
    /// which DPDK's replies may contain, `NaN` and `Infinity`.
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
    /// The message, in most cases json-c's.
    public let reason: String
    /// The byte at which the parser stopped.
    public let offset: Int

    /// Offset and reason.
    public var description: String { "not JSON at byte \(offset): \(reason)" }
}
