import CommandSupport

/// Words of commands that are shown to be copied.
enum ShellWord {
    /// A word that a shell reads as this text: unchanged if nothing in it is special, else in quotes.
    static func quoted(_ text: String) -> String {
        func isPlain(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                || "/._:=,+@%-".unicodeScalars.contains(scalar)
        }
        if !text.isEmpty, text.unicodeScalars.allSatisfy(isPlain) { return text }
        let needsEscapes = StandardStreams.printable(text) != text
        // In $'…' a shell reads escapes of control characters, which would change the terminal.
        guard needsEscapes else { return "'" + text.replacing("'", with: "'\\''") + "'" }
        let bytes = text.utf8.map { byte in
            let digits = String(byte, radix: 16)
            return "\\x" + (digits.count == 1 ? "0" : "") + digits
        }
        return "$'" + bytes.joined() + "'"
    }
}
