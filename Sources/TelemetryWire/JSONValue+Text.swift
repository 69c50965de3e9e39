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
        self = try JSONParser().parse(bytes)
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

    private static var textFlags: CInt { JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE }
}
