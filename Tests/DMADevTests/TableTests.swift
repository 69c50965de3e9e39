import DMADev
import Testing

@Suite struct TableTests {
    @Test("The table of capabilities has each bit and each name once, in the order of the bits")
    func capabilities() {
        let bits = Capabilities.table.map(\.capability.rawValue)
        #expect(bits == (Array(0...10) + Array(32...35)).map { 1 << $0 })
        #expect(Set(Capabilities.table.map(\.name)).count == bits.count)
        #expect(Capabilities([.fill, .mem2mem, .sva]).names == ["mem2mem", "sva", "fill"])
        #expect(Capabilities(rawValue: 1 << 20).names.isEmpty)
    }

    @Test("The table of statuses has each code and each name once, in the order of the codes")
    func statuses() {
        #expect(CompletionStatus.table.map(\.status.rawValue) == Array(0...14) + [0x100])
        #expect(Set(CompletionStatus.table.map(\.name)).count == 16)
        for row in CompletionStatus.table { #expect("\(row.status)" == row.name) }
        #expect("\(CompletionStatus(rawValue: 77))" == "status 77")
    }
}
