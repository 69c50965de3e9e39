import Foundation
import TestSupport

/// A controller for the devices of C programs.
final class CController: Sendable {
    let path: String
    private let directory: TemporaryDirectory
    private let program: RunningProgram

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.file("control")
        program = try RunningProgram(builtProduct("controller-host"), [path])
        _ = try program.waitForOutput(containing: "ready")
    }
}

/// How a C file is compiled.
struct Compiler: Sendable, CustomStringConvertible {
    let command: String
    let package: String
    let language: String
    let options: [String]

    var description: String { "\(command) \(options.joined(separator: " "))" }

    static let all = [
        Compiler(command: "gcc", package: "gcc", language: "c", options: ["-std=c11"]),
        Compiler(command: "clang", package: "clang", language: "c", options: ["-std=c11"]),
        Compiler(command: "g++", package: "g++", language: "c++", options: ["-std=c++17"]),
        Compiler(command: "clang++", package: "clang", language: "c++", options: ["-std=c++17"]),
    ]
}

/// The sources that are compiled against the library of this build, and what runs them.
struct CPrograms {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
    static let ownSources = root.appending(path: "Tests/LibDMADevTests/C")
    static let examples = root.appending(path: "examples")

    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Compiles a program; a warning is an error.
    func compile(_ source: URL, with compiler: Compiler = .all[0], _ more: [String] = []) throws -> String {
        let library = URL(filePath: try builtProduct("libdmadev.so")).deletingLastPathComponent().path
        let program = directory.file(source.deletingPathExtension().lastPathComponent)
        let headers = [
            "Sources/CDMADev/include", "Sources/CLibDMADev/compat", "Sources/CLibDMADev/compat/dmadev/compat",
        ]
        let arguments =
            compiler.options + ["-Wall", "-Wextra", "-pedantic", "-Werror", "-g", "-O1", "-D_GNU_SOURCE"]
            + headers.map { "-I" + Self.root.appending(path: $0).path } + more
            + ["-x", compiler.language, source.path, "-L" + library, "-ldmadev", "-pthread", "-ldl"]
            + ["-Wl,-rpath," + library, "-o", program]
        try outputOfProgram(requiredTool(compiler.command, package: compiler.package), arguments)
        return program
    }

    static func sources(in directory: URL) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "c" }.sorted { $0.path < $1.path }
    }
}
