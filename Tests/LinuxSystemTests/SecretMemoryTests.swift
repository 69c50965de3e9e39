import LinuxSystem
import Testing

@Suite struct SecretMemoryTests {
    private func secret(_ byte: UInt8, count: Int = 16) -> Secret {
        [UInt8](repeating: byte, count: count).withUnsafeBytes { Secret(copying: $0) }
    }

    @Test func secretsAreEqualWhenAllTheirBytesAre() {
        let bytes = [UInt8](0..<37)
        let one = bytes.withUnsafeBytes { Secret(copying: $0) }
        #expect(one.byteCount == 37 && one.withUnsafeBytes { Array($0) } == bytes)
        #expect(one == bytes.withUnsafeBytes { Secret(copying: $0) })
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x80
            #expect(one != changed.withUnsafeBytes { Secret(copying: $0) })
        }
        #expect(one != bytes.dropLast().withUnsafeBytes { Secret(copying: $0) })
        #expect(secret(0, count: 0) == secret(1, count: 0))
        #expect(Set((0..<64).map { _ in Secret.random(byteCount: 16).withUnsafeBytes { Array($0) } }).count == 64)
    }

    @Test func eachPlaceHoldsOneSecretUntilItsLastReferenceGoes() throws {
        let memory = try SecretMemory(capacity: 300, secretByteCount: 16)
        for _ in 0..<3 {
            var kept: [Secret] = []
            for number in 0..<300 { kept.append(try #require(memory.keep(secret(UInt8(number % 251))))) }
            #expect(memory.keep(secret(1)) == nil)
            for (number, copy) in kept.enumerated() { #expect(copy == secret(UInt8(number % 251))) }
            // One goes, and one comes in its place.
            kept.remove(at: 17)
            #expect(memory.keep(secret(9, count: 15)) == nil && memory.keep(secret(9, count: 17)) == nil)
            #expect(memory.keep(secret(9)) == secret(9))
        }
    }

    @Test func whatIsGivenBackIsWiped() throws {
        let memory = try SecretMemory(capacity: 1, secretByteCount: 16)
        var place: UnsafeRawBufferPointer?
        do {
            let kept = try #require(memory.keep(secret(0x77)))
            // Looked at when the secret is gone: the memory is still mapped.
            place = kept.withUnsafeBytes { $0 }
            #expect(place?.allSatisfy { $0 == 0x77 } == true)
        }
        #expect(place?.allSatisfy { $0 == 0 } == true)
        withExtendedLifetime(memory) {}
    }

    @Test func secretsKeepTheirMemory() throws {
        var kept: Secret?
        do { kept = try SecretMemory(capacity: 1, secretByteCount: 16).keep(secret(5)) }
        #expect(kept == secret(5))
    }

    @Test func nothingOfItShows() throws {
        let memory = try SecretMemory(capacity: 1, secretByteCount: 16)
        let kept = memory.keep(secret(0xAB))
        var text = ""
        dump(memory, to: &text)
        dump(kept, to: &text)
        text += "\(memory) \(String(describing: kept))"
        #expect(!text.lowercased().contains("ab, ") && !text.contains("171"))
    }
}
