import LinuxSystem
import Testing

@Suite struct LogRateLimiterTests {
    @Test func oneMessageAnIntervalGoesOutAndTheOthersAreCounted() {
        var limiter = LogRateLimiter(interval: .seconds(10))
        let start = MonotonicTime(nanoseconds: 5_000_000_000)
        #expect(limiter.admit(at: start) == 0)
        for second in 1..<10 { #expect(limiter.admit(at: start.advanced(by: .seconds(second))) == nil) }
        #expect(limiter.admit(at: start.advanced(by: .seconds(10))) == 9)
        #expect(limiter.admit(at: start.advanced(by: .seconds(19))) == nil)
        #expect(limiter.admit(at: start.advanced(by: .seconds(30))) == 1)
    }
}
