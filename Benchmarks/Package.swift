// swift-tools-version: 6.2
import PackageDescription

/// A separate package, so that a build of dmascope does not build the peers.
let package = Package(
    name: "Benchmarks",
    dependencies: [
        .package(name: "dmascope", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // The peers in C, and the loops that measure them and dmascope.
        .target(
            name: "CPeers", dependencies: [.product(name: "DMADev", package: "dmascope")],
            cSettings: [.define("_GNU_SOURCE"), .headerSearchPath(".")],
            linkerSettings: [.linkedLibrary("lttng-ust"), .linkedLibrary("dl")]),
        .executableTarget(name: "echo-server"),
        // Many telemetry sources in one process.
        .executableTarget(
            name: "source-server",
            dependencies: [
                .product(name: "DMADev", package: "dmascope"), .product(name: "DMATelemetry", package: "dmascope"),
                .product(name: "SoftwareDriver", package: "dmascope"),
            ]),
        // A controller, or a member of its groups.
        .executableTarget(
            name: "controller-process",
            dependencies: [
                .product(name: "ControllerDriver", package: "dmascope"),
                .product(name: "DMAController", package: "dmascope"), .product(name: "DMADev", package: "dmascope"),
            ]),
        .executableTarget(
            name: "benchmarks",
            dependencies: [
                "CPeers", "controller-process", "echo-server", "source-server",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ControllerDriver", package: "dmascope"),
                .product(name: "DMADev", package: "dmascope"),
                .product(name: "SoftwareDriver", package: "dmascope"),
                // Built because the benchmarks start it; not linked.
                .product(name: "dmascope", package: "dmascope"),
            ],
            swiftSettings: [
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ]),
    ]
)
