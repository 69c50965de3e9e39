// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "mine",
    dependencies: [.package(path: "../dmascope")],
    targets: [
        .executableTarget(
            name: "mine",
            dependencies: [
                .product(name: "DMADev", package: "dmascope"),
                .product(name: "SoftwareDriver", package: "dmascope"),
                .product(name: "DMATelemetry", package: "dmascope"),
                .product(name: "dmascope-trace", package: "dmascope"),
            ])
    ])
