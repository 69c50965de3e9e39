import CLinux
import Glibc
import Testing

/// The routine that executes the operations of a run.
@Suite struct RunRoutineTests {
    private static let (shape, mark, ignored): (UInt64, UInt64, UInt64) = (1 << 32, 2 << 40, 4 << 40)
    /// Where the operations see the two areas.
    private static let (sourceStart, destinationStart): (UInt64, UInt64) = (0x1_0000, .max - 0xFFFF)
    private static let size: UInt64 = 8192

    private let source: Pages
    private let destination: Pages

    init() throws {
        (source, destination) = (try Pages(Int(Self.size)), try Pages(Int(Self.size)))
        source.fill(seed: 7)
        try #require(clinux_guard_install() == 0)
    }

    /// A job with offsets into both areas.
    private static func job(
        _ from: UInt64, _ to: UInt64, _ length: UInt64, shape: UInt64 = shape, rest: UInt64 = 9
    ) -> clinux_job {
        clinux_job(src: sourceStart &+ from, dst: destinationStart &+ to, shape: shape | length, rest: rest)
    }

    private func run(
        _ jobs: [clinux_job], bytes: UInt64 = 1 << 20, isFill: Bool = false
    ) -> (result: CInt, end: clinux_run_end) {
        var run = clinux_run(
            shape: Self.shape, varying: Self.mark | Self.ignored, mark: Self.mark,
            words: source.start.assumingMemoryBound(to: UInt64.self), rest: 9,
            src: clinux_range(start: Self.sourceStart, bytes: Self.size, address: source.address),
            dst: clinux_range(start: Self.destinationStart, bytes: Self.size, address: destination.address),
            is_fill: isFill ? 1 : 0)
        var end = clinux_run_end()
        return (clinux_guarded_run(jobs, jobs.count, bytes, &run, &end), end)
    }

    /// Jobs at which a run ends, and does not execute them: 64 bytes before it are executed.
    private static let refused: [clinux_job] = [
        job(0, 0, 8, shape: 2 << 32), job(0, 0, 8, shape: shape | 8 << 40), job(0, 0, 8, shape: shape | 1 << 48),
        job(0, 0, 8, rest: 8), job(0, 0, 8, rest: 9 | 1 << 63), job(size - 7, 0, 8), job(0, size - 7, 8),
        job(size, 0, 1), job(0, size, 1), job(size, 0, 0), job(0, size, 0), job(.max, 0, 8), job(0, .max, 8),
        job(0, 0, size + 1), job(0, 0, 0xFFFF_FFFF), job(1 << 63, 0, 8), job(0, 1 << 63, 8),
    ]

    @Test("A run ends before a job that differs or is not within the ranges", arguments: refused.indices)
    func refusal(index: Int) {
        for budget in [1 << 20, 1 << 40] as [UInt64] {
            let (result, end) = run([Self.job(0, 0, 64), Self.refused[index], Self.job(0, 128, 64)], bytes: budget)
            #expect(result == CLINUX_GUARD_OK && end.count == 1 && end.bytes == 64 && end.marks == 0)
            #expect(memcmp(destination.start, source.start, 64) == 0)
            #expect(destination.bytes[64...].allSatisfy { $0 == 0 })
        }
    }

    @Test("Jobs at the ends of the ranges are executed, also if few bytes are left of the range or the budget")
    func edges() {
        let jobs = [
            Self.job(Self.size - 8, 0, 8), Self.job(0, Self.size - 8, 8, shape: Self.shape | Self.mark),
            Self.job(100, 100, 0, shape: Self.shape | Self.ignored), Self.job(Self.size - 1, Self.size - 1, 1),
            Self.job(16, 16, 4000, shape: Self.shape | Self.mark | Self.ignored),
        ]
        for budget in [4017, 5000, 1 << 63] as [UInt64] {
            destination.fill(seed: 0)
            let (result, end) = run(jobs, bytes: budget)
            #expect(result == CLINUX_GUARD_OK && end.count == 5 && end.bytes == 4017 && end.marks == 0b10010)
            #expect(memcmp(destination.start, source.start + Int(Self.size) - 8, 8) == 0)
            #expect(memcmp(destination.start + Int(Self.size) - 8, source.start, 7) == 0)
            #expect(memcmp(destination.start + 16, source.start + 16, 4000) == 0)
            #expect(destination.bytes[Int(Self.size) - 1] == source.bytes[Int(Self.size) - 1])
        }
        let short = run(jobs, bytes: 4016)
        #expect(short.end.count == 4 && short.end.bytes == 17 && short.end.marks == 0b10)
        #expect(run(jobs, bytes: 0).end.count == 0)
        #expect(run([]).end.count == 0)
    }

    @Test("A fault ends the run with the job as it was checked", arguments: [false, true])
    func fault(isFill: Bool) throws {
        let jobs = [
            Self.job(8, 8, 40, shape: Self.shape | Self.mark), Self.job(64, 64, 24),
            Self.job(4090, 4200, 12, shape: Self.shape | Self.mark), Self.job(0, 512, 8),
        ]
        for (side, rights, expected) in [
            (source, PROT_NONE, CLINUX_GUARD_SOURCE), (destination, PROT_READ, CLINUX_GUARD_DESTINATION),
        ] where !isFill || expected == CLINUX_GUARD_DESTINATION {
            try #require(mprotect(side.start + 4096, 4096, rights) == 0)
            let (result, end) = run(jobs, isFill: isFill)
            #expect(result == expected && end.count == 2 && end.bytes == 64 && end.marks == 0b101)
            #expect(
                end.failed.src == jobs[2].src && end.failed.dst == jobs[2].dst && end.failed.bytes == 12
                    && end.failed.is_fill == (isFill ? 1 : 0))
            try #require(mprotect(side.start + 4096, 4096, PROT_READ | PROT_WRITE) == 0)
            #expect(destination.bytes[512..<520].allSatisfy { $0 == 0 })
        }
        #expect(run(jobs, isFill: isFill).end.count == 4)
    }

    @Test("The source of a fill is its pattern, wherever the range of sources is")
    func fill() {
        let pattern: UInt64 = 0x0807_0605_0403_0201
        let job = clinux_job(src: pattern, dst: Self.destinationStart + 3, shape: Self.shape | 20, rest: 9)
        #expect(run([job], isFill: true).end.count == 1)
        let expected = (0..<20).map { UInt8($0 % 8 + 1) }
        #expect(Array(destination.bytes[3..<23]) == expected)
        #expect(destination.bytes[..<3].allSatisfy { $0 == 0 } && destination.bytes[23...].allSatisfy { $0 == 0 })
    }
}
