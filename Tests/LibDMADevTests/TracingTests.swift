import Foundation
import TestSupport
import Testing

/// What C programs do is in the trace, each call once, whether by the library's own headers or by DPDK's names.
@Suite struct TracingTests {
    @Test("Each call of a C program gives one event")
    func once() throws {
        let programs = try CPrograms()
        let program = try programs.compile(CPrograms.examples.appending(path: "copy.c"))
        let trace = try LTTngSession.record(["dmadev:*"]) { try $0.run(program) }
        for (name, count) in [
            "configure": 1, "vchan_setup": 1, "start": 1, "copy": 32, "submit": 1, "stats_get": 1, "stop": 1,
            "close": 1,
            "info_get": 1, "device_added": 1,
        ] {
            #expect(trace.events(named: "dmadev:\(name)").count == count, "\(name)")
        }
        #expect(trace.events(named: "dmadev:completed").count >= 1)
        // An existing device is found without a call of its own.
        #expect(trace.events(named: "dmadev:device_lookup").isEmpty)
    }

    @Test("So does each call by DPDK's names")
    func compatible() throws {
        let programs = try CPrograms()
        let program = try programs.compile(CPrograms.ownSources.appending(path: "compat_copy.c"))
        let trace = try LTTngSession.record(["dmadev:*"]) {
            try $0.run(program, environment: ["DMADEV_DEVICES": "software,name=dma0"])
        }
        #expect(trace.events(named: "dmadev:start").count == 1)
        // Six operations are in the statistics that the program checks.
        let enqueued = ["copy", "copy_sg", "fill"].flatMap { trace.events(named: "dmadev:\($0)") }
        #expect(try enqueued.filter { try $0.fields()["ret"] != .integer(-22) }.count == 6)
    }
}
