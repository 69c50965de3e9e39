import OpenMetricsText

@testable import PeerCommands

extension FuzzKind {
    /// Thresholds of `dmascope check`: the text in the first line, then values that are compared with them.
    static let check = FuzzKind(name: "check") { bytes in
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
        var values = InputReader(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(line.count + 1)))
        guard let threshold = Threshold(argument: String(decoding: line, as: UTF8.self)) else { return }
        for range in [threshold.warning, threshold.critical].compactMap(\.self) {
            require(range.start <= range.end, "the range \(range.text)")
        }
        var report = CheckReport()
        while !values.rest.isEmpty {
            let value = Double(bitPattern: values.number())
            let state = threshold.state(of: value)
            require((state == .critical) == (threshold.critical?.isBad(value) ?? false), "\(value) is \(state.word)")
            report.judge(.latencyP99, [(value, nil)], threshold, isReported: true)
        }
        let text = report.text()
        require(text.hasPrefix("DMADEV \(report.state.word) - "), text)
        require(text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }, text)
    }
}
