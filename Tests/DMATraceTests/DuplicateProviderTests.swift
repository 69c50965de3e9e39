import Foundation
import TestSupport
import Testing

/// A process must not hold the providers twice, and says so when it does.
@Suite struct DuplicateProviderTests {
    @Test func aProgramAloneHasNothingToSay() throws {
        let result = try runProgram(try builtProduct("trace-every-event"), ["list"])
        #expect(result.errors == "")
        #expect(result.output.hasSuffix("\none image\n"))
    }

    @Test func aSecondImageIsSaidOnceAtStartAndToTheProgram() throws {
        let directory = try TemporaryDirectory()
        let environment = ["LD_PRELOAD": try buildSecondImage(in: directory)]
        let result = try runProgram(try builtProduct("trace-every-event"), ["list"], environment: environment)

        #expect(result.exit == .exited(0))
        #expect(result.errors.split(separator: "\n").count == 1)
        #expect(result.errors.contains("holds the tracepoint providers more than once"))
        #expect(result.output.contains("2 images of this process hold the tracepoint providers"))
    }

    /// A shared library with the providers in it, as an application could load one.
    private func buildSecondImage(in directory: TemporaryDirectory) throws -> String {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let sources = package.appendingPathComponent("Sources/CDMATrace").path
        let library = directory.file("libsecond.so")
        let files = try FileManager.default.contentsOfDirectory(atPath: sources).filter { $0.hasSuffix(".c") }
        try outputOfProgram(
            try requiredTool("clang", package: "clang"),
            ["-shared", "-fPIC", "-D_LGPL_SOURCE", "-I\(sources)", "-I\(sources)/include", "-o", library]
                + files.map { "\(sources)/\($0)" } + ["-llttng-ust", "-llttng-ust-common", "-ldl"])
        return library
    }
}
