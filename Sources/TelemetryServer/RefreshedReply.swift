import TelemetryWire

/// A reply that is an object of numbers. Its text is kept up to the first number, and the rest is made each time, without
/// JSON values, which would be most of the cost of the reply.
final class RefreshedReply {
    private var text: [UInt8]
    private let prefixLength: Int
    private let refresh: TelemetryCommand.Refresh

    /// - Parameters:
    ///   - key: that of the reply, which has the numbers under it.
    ///   - refresh: sets the numbers.
    init(key: String, refresh: @escaping TelemetryCommand.Refresh) {
        self.refresh = refresh
        var whole = JSONValue.object()
        whole.set(name: key, JSONValue.object())
        // Without the ends of the two objects.
        text = whole.withText { Array($0.dropLast(2)) }
        prefixLength = text.count
    }

    /// Passes the text with the present numbers to `body`.
    ///
    /// - Throws: what the command throws.
    func withText(_ body: (UnsafeRawBufferPointer) -> Void) throws(TelemetryCommandError) {
        // A local variable, so that no number needs a check for exclusive access.
        var text: [UInt8] = []
        swap(&text, &self.text)
        defer { swap(&text, &self.text) }
        text.removeLast(text.count - prefixLength)
        try refresh { key, value in
            if text.count > prefixLength { text.append(UInt8(ascii: ",")) }
            Self.append(key, value, to: &text)
        }
        text.append(UInt8(ascii: "}"))
        text.append(UInt8(ascii: "}"))
        text.withUnsafeBytes(body)
    }

    private static func append(_ key: StaticString, _ value: UInt64, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { text.append(contentsOf: $0) }
        text.append(UInt8(ascii: "\""))
        text.append(UInt8(ascii: ":"))
        var (digits, rest) = (1, value / 10)
        while rest != 0 {
            digits += 1
            rest /= 10
        }
        let first = text.count
        text.append(contentsOf: repeatElement(0, count: digits))
        rest = value
        for place in (first..<first + digits).reversed() {
            text[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}
