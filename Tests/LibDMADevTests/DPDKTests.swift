import Foundation
import TestSupport
import Testing

private enum DPDKSources {
    static let directory = CPrograms.root.appending(path: ".cache/dpdk-tests")

    static var areFetched: Bool {
        FileManager.default.fileExists(atPath: directory.appending(path: "test_dmadev.c").path)
    }
}

/// DPDK's own tests of dmadev, unmodified, as programs of the C library: scripts/fetch-dpdk-tests fetches them, and the
/// shim has what they use of DPDK beside `rte_dmadev.h`.
@Suite(.enabled(if: DPDKSources.areFetched, "run scripts/fetch-dpdk-tests"))
struct DPDKTests {
    @Test("DPDK's tests of the calls and of a device pass", arguments: [Compiler.all[0], Compiler.all[1]])
    func pass(compiler: Compiler) throws {
        let programs = try CPrograms()
        let shim = CPrograms.ownSources.appending(path: "shim")
        let program = programs.directory.file("dpdk")
        let library = URL(filePath: try builtProduct("libdmadev.so")).deletingLastPathComponent().path
        let headers = [
            CPrograms.root.appending(path: "Sources/CLibDMADev/compat/dmadev/compat"),
            CPrograms.root.appending(path: "Sources/CDMADev/include"), shim, DPDKSources.directory,
        ]
        // Warnings are theirs. DPDK 22.11 has a member where later ones have a flag of the same value.
        try outputOfProgram(
            requiredTool(compiler.command, package: compiler.package),
            ["-std=gnu11", "-O2", "-w", "-DTEST_SG_MAX=64", "-Denable_silent=flags", "-Wl,--wrap=test_dma_api"]
                + headers.map { "-I" + $0.path }
                + ["test_dmadev.c", "test_dmadev_api.c"].map { DPDKSources.directory.appending(path: $0).path }
                + [
                    shim.appending(path: "reset.c").path, "-L" + library, "-ldmadev", "-Wl,-rpath," + library,
                    "-pthread",
                ]
                + ["-o", program])
        let result = try runProgram(program)
        #expect(result.exit == .exited(0), "\(result)")
        #expect(result.output.contains("Total tests   : 11\nPassed        : 11\nFailed        : 0\n"), "\(result)")
        for name in ["copy", "burst capacity", "error handling", "fill"] {
            #expect(result.output.contains("Running \(name) Tests"), "\(name)")
        }
    }
}
