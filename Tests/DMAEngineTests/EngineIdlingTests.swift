import DMADev
import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import DMAEngine

@Suite struct EngineIdlingTests {
    // MARK: The forecast

    @Test func withoutPausesNothingIsForecast() {
        #expect(PauseForecast().plan == nil)
    }

    @Test(arguments: [400_000, 1_000_000, 10_000_000, 1_000_000_000] as [UInt64])
    func equalPausesAreSleptThroughAlmostToTheirEnd(pause: UInt64) throws {
        let plan = try #require(forecast(Array(repeating: pause, count: 30)).plan)
        #expect(plan.sleep < pause && plan.end > pause)
        #expect(plan.end - plan.sleep <= pause / 4)
    }

    @Test func theWindowIsAsWideAsThePausesDiffer() throws {
        let exact = try #require(forecast(Array(repeating: 1_000_000, count: 30)).plan)
        var generator = SeededGenerator(seed: 7)
        let plan = try #require(
            forecast((0..<100).map { _ in UInt64.random(in: 980_000...1_020_000, using: &generator) }).plan)
        #expect(plan.end - plan.sleep > exact.end - exact.sleep)
        #expect(plan.sleep < 980_000 && plan.end > 1_020_000)
    }

    @Test func shortPausesAreNotSleptThrough() throws {
        let plan = try #require(forecast(Array(repeating: 100_000, count: 30)).plan)
        #expect(plan.sleep == 0 && plan.end > 100_000 && plan.end <= 200_000)
    }

    @Test func pausesOfAnyLengthAreNotForecast() {
        var generator = SeededGenerator(seed: 8)
        #expect(forecast((0..<100).map { _ in UInt64.random(in: 100_000...10_000_000, using: &generator) }).plan == nil)
    }

    @Test(arguments: [2_000_000, 5_000_000] as [UInt64]) func anotherIntervalIsLearned(pause: UInt64) throws {
        let plan = try #require(
            forecast(Array(repeating: 1_000_000, count: 30) + Array(repeating: pause, count: 60)).plan)
        #expect(plan.sleep > pause * 3 / 4 && plan.end > pause)
    }

    @Test func aBreakChangesNothing() {
        let regular = Array(repeating: UInt64(1_000_000), count: 30)
        #expect(forecast(regular + [60_000_000_000, 30_000]).plan == forecast(regular).plan)
    }

    @Test func aLateTimerMakesTheSleepShorter() throws {
        var forecast = forecast(Array(repeating: 10_000_000, count: 30))
        let before = try #require(forecast.plan)
        for _ in 0..<30 { forecast.addLateness(90_000) }
        let after = try #require(forecast.plan)
        #expect(after.sleep + 20_000 < before.sleep && after.end == before.end)
        // As late as never for a timer: other threads had the processor.
        for _ in 0..<60 { forecast.addLateness(50_000_000) }
        #expect(try #require(forecast.plan).sleep + 100_000 > after.sleep)
    }

    private func forecast(_ pauses: [UInt64]) -> PauseForecast {
        var forecast = PauseForecast()
        pauses.forEach { forecast.addPause($0) }
        return forecast
    }

    // MARK: Engines

    @Test(arguments: EngineIdling.allCases) func operationsEndAfterAnyPause(idling: EngineIdling) throws {
        let engine = try Engine(idling: idling)
        let ring = try TestRing(engine: engine, descriptorCount: 8)
        defer { ring.retire() }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
        defer { bytes.deallocate() }
        // Regular ones, so that a doorbell is forecast; then others; then none for a time.
        let pauses =
            Array(repeating: 2_000, count: 40) + [0, 50, 100, 5_000, 20_000] + Array(repeating: 100, count: 20)
        for (round, pause) in pauses.enumerated() {
            usleep(UInt32(pause))
            bytes.storeBytes(of: UInt64(round), as: UInt64.self)
            let address = UInt64(UInt(bitPattern: bytes.baseAddress))
            _ = ring.producer.enqueueCopy(address, address + 8, length: 8, flags: 2)
            #expect(ring.statuses(1) == [0])
            #expect(bytes.load(fromByteOffset: 8, as: UInt64.self) == UInt64(round))
        }
        // What it is told at rest takes effect at once, too.
        engine.passQuiescentPoint()
        switch idling {
        case .spin: #expect(engine.report.sleeps == 0)
        case .sleep, .adaptive: #expect(engine.report.sleeps > 0)
        }
        #expect(engine.report.idling == idling.rawValue)
    }
}
