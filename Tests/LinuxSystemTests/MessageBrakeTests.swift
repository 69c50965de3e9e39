import LinuxSystem
import Testing

@Suite struct MessageBrakeTests {
    @Test func oneMessageAnIntervalGoesOutAndTheOthersAreCounted() {
        var brake = MessageBrake(interval: .seconds(10))
        let start = MonotonicTime(nanoseconds: 5_000_000_000)
        #expect(brake.release(at: start) == 0)
        for second in 1..<10 { #expect(brake.release(at: start.advanced(by: .seconds(second))) == nil) }
        #expect(brake.release(at: start.advanced(by: .seconds(10))) == 9)
        #expect(brake.release(at: start.advanced(by: .seconds(19))) == nil)
        #expect(brake.release(at: start.advanced(by: .seconds(30))) == 1)
    }
}
