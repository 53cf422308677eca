// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors, in every module.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// The modules in which pointers are allowed also say where they use them.
let strictMemory: [SwiftSetting] = strict + [.strictMemorySafety()]

let package = Package(
    name: "portgauge",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        // Static archives, so that the release binary runs on hosts without libbpf.
        .target(
            name: "CPortgauge",
            linkerSettings: [
                .linkedLibrary(":libbpf.a"), .linkedLibrary(":libelf.a"), .linkedLibrary(":libz.a"),
            ]),
        .target(name: "PortModel", swiftSettings: strict),
        // The style and the script of HTML reports become bytes in the code: one file is installed.
        .target(
            name: "Report", dependencies: ["PortModel"],
            resources: [.embedInCode("HTML/report.css"), .embedInCode("HTML/report.js")],
            swiftSettings: strict),
        .target(
            name: "Probe", dependencies: ["CPortgauge", "PortModel"], swiftSettings: strictMemory),
        .target(
            name: "LoadGenerator", dependencies: ["CPortgauge"], swiftSettings: strictMemory),
        .executableTarget(
            name: "portgauge",
            dependencies: [
                "LoadGenerator", "PortModel", "Probe", "Report",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(name: "BenchSupport", path: "Benchmarks/BenchSupport", swiftSettings: strict),
        .executableTarget(
            name: "HookBench",
            dependencies: [
                "BenchSupport", "CPortgauge", "LoadGenerator", "Probe",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/HookBench", swiftSettings: strictMemory),
        .target(name: "AllocationCounter", path: "Benchmarks/AllocationCounter"),
        .executableTarget(
            name: "FoldBench",
            dependencies: [
                "AllocationCounter", "BenchSupport", "CPortgauge", "PortModel", "Probe", "Report",
            ],
            path: "Benchmarks/FoldBench", swiftSettings: strictMemory),
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "PortModelTests", dependencies: ["PortModel", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ReportTests", dependencies: ["PortModel", "Report", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ProbeTests",
            dependencies: [
                "CPortgauge", "LoadGenerator", "PortModel", "Probe", "Report", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CommandTests", dependencies: ["LoadGenerator", "portgauge", "TestSupport"],
            swiftSettings: strict),
    ],
    cLanguageStandard: .c2x
)
