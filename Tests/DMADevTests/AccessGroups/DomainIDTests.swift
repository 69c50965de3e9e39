import DMADev
import Testing

@Suite struct DomainIDTests {
    @Test("An identifier has one text form, and is read back from it in either case")
    func text() throws {
        let text = "00112233-4455-6677-8899-aabbccddeeff"
        let domain = try #require(DomainID(text))
        #expect(domain.description == text)
        #expect(domain.bytes == (0..<16).map { UInt8($0 * 0x11) })
        #expect(DomainID(text.uppercased()) == domain)
        #expect(DomainID(bytes: domain.bytes) == domain)
        for wrong in [
            "", "0", text + "0", String(text.dropLast()), "00112233-4455-6677-8899+aabbccddeeff",
            "0011223-34455-6677-8899-aabbccddeeff", "00112233445566778899aabbccddeeff",
            "+0112233-4455-6677-8899-aabbccddeeff",
            "00112233-4455-6677-8899-aabbccddeefg", "００112233-4455-6677-8899-aabbccddee",
        ] { #expect(DomainID(wrong) == nil, "\(wrong)") }
        for count in [0, 15, 17] { #expect(DomainID(bytes: [UInt8](repeating: 0, count: count)) == nil) }
    }

    @Test("Random identifiers are UUIDs of version 4, and differ")
    func random() {
        let domains = (0..<100).map { _ in DomainID.random() }
        #expect(Set(domains).count == 100)
        for domain in domains {
            #expect(domain.bytes[6] >> 4 == 4)
            #expect(domain.bytes[8] >> 6 == 0b10)
            #expect(DomainID(domain.description) == domain)
        }
    }
}
