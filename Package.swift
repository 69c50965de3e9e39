// swift-tools-version: 6.2
import PackageDescription

/// Arrows point down only, and the build says so when it runs with `--explicit-target-dependency-import-check error`:
/// a target lists exactly the modules it may import.
let swiftSettings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func swiftTarget(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func test(of name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

/// What `dmascope --version` says about the sources. Scripts set the variable. The package manager evaluates this file only if
/// it or a variable has changed, so what it knows of git may be of an earlier build.
let commit =
    Context.environment["DMASCOPE_COMMIT"].map { $0.isEmpty ? "unknown commit" : "commit \($0)" }
    ?? Context.gitInformation.map { "near commit \($0.currentCommit.prefix(7))" } ?? "unknown commit"

let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "dmascope",
    products: [
        .library(name: "DMADev", targets: ["DMADev"]),
        .library(name: "SoftwareDriver", targets: ["SoftwareDriver", "DMAEngine"]),
        .library(name: "FaultDriver", targets: ["FaultDriver"]),
        .library(name: "ControllerDriver", targets: ["ControllerDriver"]),
        .library(name: "DMAController", targets: ["DMAController"]),
        .library(name: "DMATelemetry", targets: ["DMATelemetry", "TelemetryServer"]),
        .library(name: "TelemetryClient", targets: ["TelemetryClient"]),
        .executable(name: "dmascope", targets: ["dmascope"]),
        .library(name: "dmascope-trace", type: .dynamic, targets: ["CDMATraceProbes"]),
        // For programs in C: libdmadev.so.
        .library(name: "dmadev", type: .dynamic, targets: ["LibDMADev"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C: what Swift cannot say or cannot import.
        .target(name: "CDMADev"),
        // Apart, so that another commit compiles only this and the program again.
        .target(name: "CBuildInfo", cSettings: [.define("DMASCOPE_COMMIT", to: "\"\(commit)\"")]),
        .target(
            name: "CDMATrace", dependencies: ["CDMADev"], cSettings: [.headerSearchPath(".")],
            linkerSettings: [.linkedLibrary("dl")]),
        // What writes the events, in an object of its own. It depends on no target, which would become part of it, and
        // shares headers only. See Sources/DMATrace/DMATrace.docc/TraceObject.md.
        .target(
            name: "CDMATraceProbes", publicHeadersPath: ".",
            cSettings: ["../CDMATrace", "../CDMATrace/include", "../CDMADev/include"].map { .headerSearchPath($0) },
            linkerSettings: [.linkedLibrary("lttng-ust"), .linkedLibrary("dl")]),
        .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
        // Loads libbabeltrace2 at run time: a build needs no header of it, and only what reads traces loads it.
        .target(name: "CBabelTrace", linkerSettings: [.linkedLibrary("dl")]),
        // The files of the live page, which become part of the program.
        .target(name: "CLivePage", exclude: ["Page"]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CJSONC", pkgConfig: "json-c", providers: [.apt(["libjson-c-dev"])]),

        // L0: the machine.
        swiftTarget("LinuxSystem", ["CLinux", systemPackage]),
        swiftTarget("DMATrace", ["CDMATrace"]),

        // L1: what the project is about; none of these knows another one's job.
        swiftTarget("DMADev", ["CDMADev", "LinuxSystem", "CDMATrace", systemPackage]),
        swiftTarget("TelemetryWire", ["CJSONC"]),
        swiftTarget("OpenMetricsText", []),

        swiftTarget("ControllerProtocol", ["LinuxSystem"]),
        swiftTarget("MachineInventory", ["LinuxSystem", systemPackage]),

        // L2: the engine, drivers, telemetry commands over devices, and the table of access groups, which does no I/O.
        swiftTarget("DMAEngine", ["CDMADev", "CDMATrace", "CLinux", "DMADev", "LinuxSystem", systemPackage]),
        swiftTarget("SoftwareDriver", ["DMADev", "DMAEngine", "LinuxSystem", systemPackage]),
        swiftTarget("FaultDriver", ["DMADev", "DMAEngine"]),
        swiftTarget(
            "ControllerDriver",
            ["CDMATrace", "ControllerProtocol", "DMADev", "DMAEngine", "LinuxSystem", systemPackage]),
        // The connections of a guest over one byte stream.
        swiftTarget("DomainLink", ["ControllerProtocol", "LinuxSystem", systemPackage]),
        swiftTarget("DMATelemetry", ["DMADev", "MachineInventory", "TelemetryWire", "DMATrace"]),
        // What observed programs of DPDK have left behind.
        swiftTarget("ObservedCounters", ["CDMADev", "DMADev", "LinuxSystem", systemPackage]),
        swiftTarget(
            "GroupTable", ["DMADev", "CDMATrace", "LinuxSystem", systemPackage]),

        // L3: services.
        swiftTarget(
            "TelemetryServer",
            ["TelemetryWire", "LinuxSystem", systemPackage, .product(name: "Logging", package: "swift-log")]),
        swiftTarget("TelemetryClient", ["TelemetryWire", "LinuxSystem", systemPackage]),
        // What recorded traces say.
        swiftTarget("TraceAnalysis", ["CBabelTrace", "LinuxSystem", systemPackage]),
        // Virtual machines, for what the kernel of this machine may not have.
        swiftTarget("GuestMachine", ["LinuxSystem", systemPackage]),
        swiftTarget(
            "MetricsExporter",
            [
                "DMADev", "MachineInventory", "OpenMetricsText", "TelemetryClient", "TelemetryWire", "LinuxSystem",
                systemPackage,
            ]),
        // What the live page shows, and its files.
        swiftTarget(
            "LivePage",
            [
                "CLivePage", "LinuxSystem", "MachineInventory", "MetricsExporter", "TelemetryClient", "TelemetryWire",
            ]),
        // The only one that knows HTTP: who builds without it builds without Hummingbird and what that brings.
        swiftTarget(
            "WebServer",
            [
                "CZlib", "LinuxSystem", "LivePage", "MetricsExporter", "OpenMetricsText", "TelemetryClient",
                "TelemetryWire", systemPackage,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                // Its core only: the rest brings the file system, tracing and metrics of other packages.
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        swiftTarget(
            "DMAController",
            [
                "CDMADev", "CDMATrace", "ControllerProtocol", "DMADev", "DMAEngine", "DomainLink", "GroupTable",
                "LinuxSystem", systemPackage, .product(name: "Logging", package: "swift-log"),
            ]),
        swiftTarget(
            "DomainBroker",
            [
                "ControllerProtocol", "DomainLink", "LinuxSystem", systemPackage,
                .product(name: "Logging", package: "swift-log"),
            ]),
        swiftTarget(
            "DeviceDrivers",
            ["ControllerDriver", "DMADev", "DMAEngine", "FaultDriver", "LinuxSystem", "SoftwareDriver", systemPackage]),

        // L4: the observer of DPDK's devices, inside the library for C. The stub, which needs libc only, is an object of its
        // own; scripts/release builds it.
        .target(
            name: "CDPDKObserver", dependencies: ["CDMADev", "CDMATrace", "CLinux"],
            exclude: ["stub.c", "stub_layout.c", "stub_patch.c"],
            cSettings: [.define("_GNU_SOURCE")]),
        swiftTarget(
            "DPDKObserver",
            [
                "CDMADev", "CDPDKObserver", "DMADev", "DMATelemetry", "LinuxSystem", "TelemetryServer",
                "TelemetryWire", systemPackage,
            ]),

        // L4: the library for C.
        .target(name: "CLibDMADev", dependencies: ["CDMADev"], cSettings: [.define("_GNU_SOURCE")]),
        .target(
            name: "LibDMADev",
            dependencies: [
                "CDMADev", "CLibDMADev", "DMADev", "DMATelemetry", "DPDKObserver", "DeviceDrivers", "LinuxSystem",
                "TelemetryServer", "TelemetryWire", systemPackage,
            ], exclude: ["libdmadev.map"], swiftSettings: swiftSettings),

        // L4: what the program's subcommands share, then the subcommands, in modules that are compiled side by side.
        swiftTarget(
            "CommandSupport",
            [
                "DMADev", "LinuxSystem", "MetricsExporter", "ObservedCounters", "TelemetryClient", "TelemetryWire",
                systemPackage, argumentParser,
            ]),
        swiftTarget(
            "PeerCommands",
            [
                "CommandSupport", "DMADev", "DMATelemetry", "LinuxSystem", "MachineInventory", "MetricsExporter",
                "ObservedCounters", "OpenMetricsText", "TelemetryClient", "TelemetryWire", systemPackage,
                argumentParser,
            ]),
        swiftTarget(
            "CopyCommands",
            [
                "CommandSupport", "ControllerDriver", "DMAController", "DMADev", "DMATelemetry", "DeviceDrivers",
                "GuestMachine", "LinuxSystem", "TelemetryServer", "TelemetryWire", systemPackage, argumentParser,
                .product(name: "Logging", package: "swift-log"),
            ]),
        swiftTarget(
            "TraceCommands",
            [
                "CommandSupport", "DMADev", "DMATrace", "LinuxSystem", "MetricsExporter", "TelemetryClient",
                "TelemetryWire", "TraceAnalysis", systemPackage, argumentParser,
            ]),
        // L4: the program, with the subcommands that need the web server.
        .executableTarget(
            name: "dmascope",
            dependencies: [
                "CBuildInfo", "CommandSupport", "CopyCommands", "DMAController", "DMADev", "DMATelemetry", "DMATrace",
                "DeviceDrivers", "DomainBroker", "LinuxSystem", "LivePage", "MetricsExporter", "PeerCommands",
                "TelemetryClient", "TelemetryServer", "TelemetryWire", "TraceCommands", "WebServer", systemPackage,
                argumentParser, .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: swiftSettings),

        // What tests share.
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: swiftSettings),
        .target(
            name: "RingTestSupport", dependencies: ["CDMADev", "DMAEngine", "TestSupport"],
            path: "Tests/RingTestSupport",
            swiftSettings: swiftSettings),
        .target(
            name: "DomainTestSupport", dependencies: ["LinuxSystem", "TestSupport", systemPackage],
            path: "Tests/DomainTestSupport", swiftSettings: swiftSettings),
        .target(
            name: "GroupTestSupport",
            dependencies: ["CDMADev", "DMADev", "GroupTable", "LinuxSystem", systemPackage],
            path: "Tests/GroupTestSupport", swiftSettings: swiftSettings),
        .target(
            name: "Conformance", dependencies: ["CDMADev", "DMADev", "LinuxSystem", "TestSupport", systemPackage],
            path: "Tests/Conformance", swiftSettings: swiftSettings),
        .target(
            name: "ExampleDriver", dependencies: ["DMADev", "DMAEngine"], path: "Tests/Fixtures/ExampleDriver",
            swiftSettings: swiftSettings),
        .target(
            name: "TelemetryTestSupport", dependencies: ["TelemetryWire", "LinuxSystem", "TestSupport", systemPackage],
            path: "Tests/TelemetryTestSupport", swiftSettings: swiftSettings),

        .target(
            name: "MetricsTestSupport", dependencies: ["TestSupport"], path: "Tests/MetricsTestSupport",
            swiftSettings: swiftSettings),

        .target(
            name: "GuestTestSupport", dependencies: ["GuestMachine", "TestSupport"], path: "Tests/GuestTestSupport",
            swiftSettings: swiftSettings),

        // The programs that tests run, kill and starve.
        .executableTarget(
            name: "trace-every-event", dependencies: ["CDMADev", "CDMATrace", "DMATrace"],
            path: "Tests/Fixtures/TraceEveryEvent", swiftSettings: swiftSettings),
        .executableTarget(
            name: "trace-every-call",
            dependencies: ["CDMADev", "DMADev", "SoftwareDriver", "DMAEngine", "GroupTestSupport", "LinuxSystem"],
            path: "Tests/Fixtures/TraceEveryCall", swiftSettings: swiftSettings),
        .executableTarget(
            name: "trace-bursts",
            dependencies: [
                "CDMADev", "ControllerDriver", "DMADev", "DMATelemetry", "DeviceDrivers", "LinuxSystem",
                "TelemetryServer", "TestSupport",
            ],
            path: "Tests/Fixtures/TraceBursts", swiftSettings: swiftSettings),
        .executableTarget(
            name: "trace-planted", dependencies: ["CDMATrace"], path: "Tests/Fixtures/TracePlanted",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "trace-processes",
            dependencies: [
                "ControllerDriver", "DMAController", "DMADev", "DMAEngine", "DeviceDrivers", "FaultDriver",
            ],
            path: "Tests/Fixtures/TraceProcesses", swiftSettings: swiftSettings),
        .executableTarget(
            name: "TelemetryTestServer", dependencies: ["TelemetryServer", "TelemetryWire"],
            path: "Tests/TelemetryTestServer", swiftSettings: swiftSettings),
        .executableTarget(
            name: "telemetry-crowd",
            dependencies: [
                "DMADev", "DMAEngine", "DMATelemetry", "SoftwareDriver", "TelemetryServer", "TelemetryWire",
            ],
            path: "Tests/Fixtures/TelemetryCrowd", swiftSettings: swiftSettings),
        .executableTarget(
            name: "own-fault", dependencies: ["DMADev", "SoftwareDriver", "DMAEngine"],
            path: "Tests/Fixtures/OwnFault", swiftSettings: swiftSettings),
        .executableTarget(
            name: "data-path-steps",
            dependencies: ["CDMATrace", "DMADev", "DMAEngine", "SoftwareDriver", systemPackage],
            path: "Tests/Fixtures/DataPathSteps", swiftSettings: swiftSettings),
        .executableTarget(
            name: "controller-host",
            dependencies: ["DMAController", "DMADev", .product(name: "Logging", package: "swift-log")],
            path: "Tests/Fixtures/ControllerHost", swiftSettings: swiftSettings),
        .executableTarget(
            name: "tenant-attack", dependencies: ["ControllerDriver", "DMADev", "LinuxSystem", systemPackage],
            path: "Tests/Fixtures/TenantAttack", swiftSettings: swiftSettings),
        .executableTarget(
            name: "controller-application", dependencies: ["ControllerDriver", "DMADev", systemPackage],
            path: "Tests/Fixtures/ControllerApplication", swiftSettings: swiftSettings),
        .executableTarget(
            name: "group-member", dependencies: ["ControllerDriver", "DMADev", "DMATelemetry", "TelemetryServer"],
            path: "Tests/Fixtures/GroupMember", swiftSettings: swiftSettings),
        .executableTarget(
            name: "controller-member", dependencies: ["ControllerDriver", "DMADev", "LinuxSystem", systemPackage],
            path: "Tests/Fixtures/ControllerMember", swiftSettings: swiftSettings),
        .executableTarget(
            name: "dma-buffers",
            dependencies: [
                "ControllerDriver", "DMAController", "DMADev", "DMAEngine", "LinuxSystem", "SoftwareDriver",
                systemPackage,
            ],
            path: "Tests/Fixtures/DMABuffers", swiftSettings: swiftSettings),
        .executableTarget(
            name: "memory-peer", dependencies: ["DMADev", "DMAEngine", "LinuxSystem", "SoftwareDriver", systemPackage],
            path: "Tests/Fixtures/MemoryPeer", swiftSettings: swiftSettings),
        .executableTarget(
            name: "broker-host",
            dependencies: ["DomainBroker", .product(name: "Logging", package: "swift-log")],
            path: "Tests/Fixtures/BrokerHost", swiftSettings: swiftSettings),
        .executableTarget(name: "refuse-calls", path: "Tests/Fixtures/RefuseCalls"),
        .executableTarget(
            name: "readme-example",
            dependencies: ["DMADev", "DMAEngine", "DMATelemetry", "SoftwareDriver", "TelemetryServer"],
            path: "Tests/Fixtures/ReadmeExample", swiftSettings: swiftSettings),
        .executableTarget(
            name: "documented-examples",
            dependencies: [
                "CDMATrace", "ControllerDriver", "DMAController", "DMADev", "DMAEngine", "DMATelemetry",
                "DeviceDrivers", "FaultDriver", "LinuxSystem", "LivePage", "MetricsExporter", "OpenMetricsText",
                "SoftwareDriver", "TelemetryClient", "TelemetryServer", "TelemetryWire", "WebServer",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Tests/Fixtures/DocumentedExamples", swiftSettings: swiftSettings),

        // The tests.
        test(
            of: "DMADev",
            ["DMADev", "CDMADev", "Conformance", "GroupTestSupport", "LinuxSystem", "TestSupport", systemPackage]),
        test(
            of: "SoftwareDriver",
            [
                "SoftwareDriver", "CDMADev", "DMADev", "DMAEngine", "Conformance", "LinuxSystem", "RingTestSupport",
                "TestSupport", systemPackage,
            ]),
        test(
            of: "FaultDriver",
            [
                "FaultDriver", "SoftwareDriver", "CDMADev", "DMADev", "DMAEngine", "LinuxSystem", "Conformance",
                "TestSupport", systemPackage,
            ]),
        test(
            of: "DMAEngine",
            [
                "DMAEngine", "CDMADev", "CDMATrace", "CLinux", "Conformance", "DMADev", "ExampleDriver", "LinuxSystem",
                "RingTestSupport",
                "TestSupport", systemPackage,
            ]),
        test(
            of: "ControllerDriver",
            [
                "ControllerDriver", "Conformance", "DMADev", "DMAEngine", "DMATelemetry", "FaultDriver", "LinuxSystem",
                "TelemetryWire", "TestSupport", systemPackage,
            ]),
        test(
            of: "DMAController",
            [
                "DMAController", "CDMADev", "Conformance", "ControllerDriver", "ControllerProtocol", "DMADev",
                "DMAEngine", "DMATelemetry", "GroupTable", "LinuxSystem", "TelemetryWire", "TestSupport", systemPackage,
                .product(name: "Logging", package: "swift-log"),
            ]),
        test(of: "ControllerProtocol", ["ControllerProtocol", "LinuxSystem", "TestSupport"]),
        test(of: "DomainLink", ["DomainLink", "ControllerProtocol", "LinuxSystem", "TestSupport", systemPackage]),
        test(
            of: "DomainBroker",
            [
                "DomainBroker", "ControllerProtocol", "DMAController", "DomainTestSupport", "LinuxSystem",
                "TestSupport",
                systemPackage,
                .product(name: "Logging", package: "swift-log"),
            ]),
        test(of: "GroupTable", ["GroupTable", "DMADev", "LinuxSystem", "TestSupport", systemPackage]),
        test(of: "TestSupport", ["TestSupport"]),
        test(of: "DMATrace", ["DMATrace", "CDMATrace", "DeviceDrivers", "TestSupport"]),
        test(of: "TraceAnalysis", ["DeviceDrivers", "DomainTestSupport", "TestSupport", "TraceAnalysis"]),
        test(of: "LinuxSystem", ["LinuxSystem", "TestSupport", systemPackage]),
        test(of: "Guest", ["DMAController", "GuestMachine", "GuestTestSupport", "TelemetryWire", "TestSupport"]),
        test(of: "MachineInventory", ["MachineInventory", "LinuxSystem", "TestSupport", systemPackage]),
        test(of: "ObservedCounters", ["CDMADev", "DMADev", "ObservedCounters", "LinuxSystem", "TestSupport"]),
        test(of: "TelemetryWire", ["TelemetryWire", "TestSupport"]),
        test(of: "OpenMetricsText", ["OpenMetricsText", "MetricsTestSupport"]),
        test(
            of: "TelemetryServer",
            [
                "TelemetryServer", "TelemetryWire", "TelemetryTestSupport", "TelemetryTestServer", "TestSupport",
                "LinuxSystem", systemPackage,
            ]),
        test(
            of: "TelemetryClient",
            [
                "TelemetryClient", "TelemetryWire", "TelemetryTestSupport", "TelemetryTestServer", "TestSupport",
                "LinuxSystem", systemPackage,
            ]),
        test(
            of: "DMATelemetry",
            [
                "DMATelemetry", "DMADev", "DMAEngine", "FaultDriver", "GroupTestSupport", "LinuxSystem",
                "MachineInventory",
                "SoftwareDriver", "TelemetryServer",
                "TelemetryTestSupport", "TelemetryWire", "TestSupport",
            ], resources: [.copy("requests.tsv")]),
        test(
            of: "MetricsExporter",
            [
                "MetricsExporter", "ControllerDriver", "DMAController", "DMADev", "DMAEngine", "DMATelemetry",
                "LinuxSystem", "MetricsTestSupport", "OpenMetricsText", "SoftwareDriver", "TelemetryClient",
                "TelemetryServer", "TelemetryTestSupport", "TelemetryTestServer", "TelemetryWire", "TestSupport",
                systemPackage,
            ]),
        test(
            of: "LivePage",
            [
                "LivePage", "DMADev", "DMAEngine", "DMATelemetry", "SoftwareDriver", "TelemetryClient",
                "TelemetryServer", "TelemetryTestSupport", "TelemetryTestServer", "TelemetryWire", "TestSupport",
            ]),
        test(
            of: "WebServer",
            [
                "LinuxSystem", "TestSupport", "WebServer",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .testTarget(
            name: "LibDMADevTests",
            dependencies: [
                "CDMADev", "Conformance", "DMADev", "DeviceDrivers", "LibDMADev", "TelemetryClient", "TelemetryWire",
                "TestSupport", systemPackage,
            ], exclude: ["C"], swiftSettings: swiftSettings),
        test(of: "DeviceDrivers", ["DeviceDrivers", "DMAController", "DMADev", "Conformance", "TestSupport"]),
        test(
            of: "Documentation",
            [
                "DMAController", "DMADev", "DMAEngine", "DMATelemetry", "DeviceDrivers", "MetricsExporter",
                "MetricsTestSupport", "OpenMetricsText", "TelemetryServer", "TelemetryWire",
                "TestSupport",
            ]),
        test(
            of: "Dashboards",
            [
                "ControllerDriver", "DMADev", "DMATelemetry", "GroupTestSupport", "MetricsExporter",
                "MetricsTestSupport", "OpenMetricsText", "TelemetryServer", "TelemetryWire", "TestSupport",
                "dmascope", systemPackage,
            ]),
        test(
            of: "dmascope",
            [
                "dmascope", "CDMADev", "CommandSupport", "DMADev", "DMATrace", "LinuxSystem", "MetricsTestSupport",
                "OpenMetricsText", "PeerCommands", "TelemetryClient", "TelemetryTestSupport", "TelemetryTestServer",
                "TelemetryWire", "TestSupport", "telemetry-crowd", systemPackage, argumentParser,
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
    ]
)

// The fuzz targets, one program whose `main` is libFuzzer's: only scripts/fuzz builds it.
if Context.environment["DMASCOPE_ONLY"] == "fuzz" {
    package.targets += [
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CDMADev", "ControllerProtocol", "DMAController", "DMADev", "DMAEngine", "DMATelemetry",
                "DeviceDrivers", "DomainLink", "LinuxSystem", "LivePage", "MetricsExporter", "ObservedCounters",
                "OpenMetricsText", "PeerCommands", "TelemetryClient", "TelemetryServer", "TelemetryWire", "WebServer",
                systemPackage,
                .product(name: "Logging", package: "swift-log"),
            ], path: "Tests/Fuzz", exclude: ["Corpora", "README.md"], swiftSettings: swiftSettings)
    ]
}

// A build of some targets only, with what they stand on: `DMASCOPE_ONLY="DMAEngineTests controller-host" swift build
// --build-tests` compiles neither the others nor the packages that only those need.
if let only = Context.environment["DMASCOPE_ONLY"] {
    var wanted = only.split(separator: " ").map(String.init)
    var kept: Set<String> = []
    var packages: Set<String> = []
    // A product is built if it is named.
    package.products.removeAll { !wanted.contains($0.name) }
    for case let product as Product.Library in package.products { wanted += product.targets }
    while let name = wanted.popLast() {
        let named = package.targets.first { $0.name == name }
        guard kept.insert(name).inserted, let target = named else { continue }
        for dependency in target.dependencies {
            switch dependency {
            case .targetItem(let name, _), .byNameItem(let name, _): wanted.append(name)
            case .productItem(_, let package, _, _): packages.insert(package ?? "")
            @unknown default: break
            }
        }
    }
    package.targets.removeAll { !kept.contains($0.name) }
    package.dependencies.removeAll { dependency in
        guard case .sourceControl(_, let location, _) = dependency.kind else { return false }
        return !packages.contains { location.hasSuffix("/" + $0) }
    }
}
