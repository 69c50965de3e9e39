/// The text of a part. Its memory is used again for the next part.
struct PartBuffer {
    private var memory: [UInt8] = []
    /// The bytes of the text.
    private(set) var count = 0

    /// The text. As long as it exists, the next change copies the memory.
    var bytes: ArraySlice<UInt8> { memory[..<count] }

    /// Begins a new text.
    mutating func removeAll() { count = 0 }

    /// Appends text.
    mutating func append(_ bytes: [UInt8]) {
        write(atMost: bytes.count) { $0.put(bytes) }
    }

    /// Appends a line: `NAME{LABELS,LABEL} NUMBER`.
    mutating func appendLine(_ name: [UInt8], _ labels: [UInt8], _ label: [UInt8], _ number: MetricNumber) {
        switch number {
        case .unsigned(let value): appendLine(name, labels, label, value)
        case .signed(let value) where value >= 0: appendLine(name, labels, label, UInt64(value))
        default: appendLine(name, labels, label, Array(number.text.utf8))
        }
    }

    /// Appends a line whose number is a text.
    mutating func appendLine(_ name: [UInt8], _ labels: [UInt8], _ label: [UInt8], _ number: [UInt8]) {
        write(atMost: name.count + labels.count + label.count + number.count + 5) { line in
            line.putSeries(name, labels, label)
            line.put(number)
            line.put(UInt8(ascii: "\n"))
        }
    }

    private mutating func appendLine(_ name: [UInt8], _ labels: [UInt8], _ label: [UInt8], _ number: UInt64) {
        let digits = 20
        write(atMost: name.count + labels.count + label.count + digits + 5) { line in
            line.putSeries(name, labels, label)
            line.put(digitsOf: number)
            line.put(UInt8(ascii: "\n"))
        }
    }

    /// Makes room for some bytes, and takes those that `body` writes.
    private mutating func write(atMost size: Int, _ body: (inout TextCursor) -> Void) {
        let start = count
        if memory.count - start < size {
            memory.append(contentsOf: repeatElement(0, count: max(size, memory.count)))
        }
        count = memory.withUnsafeMutableBufferPointer { memory in
            var cursor = TextCursor(memory, start)
            body(&cursor)
            return cursor.end
        }
    }
}

/// Writes into memory, and never beyond its end.
private struct TextCursor {
    private let memory: UnsafeMutableBufferPointer<UInt8>
    private(set) var end: Int

    init(_ memory: UnsafeMutableBufferPointer<UInt8>, _ end: Int) {
        self.memory = memory
        self.end = end
    }

    mutating func put(_ byte: UInt8) {
        precondition(end < memory.count)
        memory[end] = byte
        end += 1
    }

    mutating func put(_ bytes: [UInt8]) {
        precondition(bytes.count <= memory.count - end)
        end = memory[end...].update(fromContentsOf: bytes)
    }

    mutating func put(digitsOf value: UInt64) {
        var divisor: UInt64 = 1
        while value / divisor >= 10 { divisor *= 10 }
        var rest = value
        while divisor > 0 {
            put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / divisor))
            rest %= divisor
            divisor /= 10
        }
    }

    mutating func putSeries(_ name: [UInt8], _ labels: [UInt8], _ label: [UInt8]) {
        put(name)
        if !labels.isEmpty || !label.isEmpty {
            put(UInt8(ascii: "{"))
            put(labels)
            if !labels.isEmpty, !label.isEmpty { put(UInt8(ascii: ",")) }
            put(label)
            put(UInt8(ascii: "}"))
        }
        put(UInt8(ascii: " "))
    }
}
