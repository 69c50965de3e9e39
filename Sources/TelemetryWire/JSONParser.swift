internal import CJSONC

/// Parses texts one after the other. To make a parser takes as long as to parse a short reply.
public final class JSONParser {
    private let tokener: UnsafeMutablePointer<json_tokener>?
    private var reader = TreeReader(keepsNames: true)

    /// A parser; without memory for it, each text is an error.
    public init() {
        tokener = json_tokener_new_ex(CInt(JSONValue.maximumDepth))
        if let tokener { json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8) }
    }

    deinit {
        if let tokener { json_tokener_free(tokener) }
    }

    /// Parses one JSON value, which may have white space around it.
    ///
    /// - Throws: `JSONParseError` for text that is not JSON or not UTF-8, and for more than ``JSONValue/maximumDepth``
    ///   levels.
    public func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONParseError) -> JSONValue {
        if let offset = Self.leniencyOffset(in: bytes) {
            throw JSONParseError(reason: "unexpected byte \(bytes[offset])", offset: offset)
        }
        guard let length = CInt(exactly: bytes.count), let tokener else {
            throw JSONParseError(reason: "no memory to parse \(bytes.count) bytes", offset: 0)
        }
        json_tokener_reset(tokener)
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
        return JSONValue(adopting: result)
    }

    /// Parses one JSON value to a plain Swift value.
    ///
    /// - Throws: as ``parse(_:)``.
    public func parseTree(_ bytes: UnsafeRawBufferPointer) throws(JSONParseError) -> JSONTree {
        let value = try parse(bytes)
        return reader.tree(value.pointer)
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
