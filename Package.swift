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
        .target(name: "Events", dependencies: ["PortModel"], swiftSettings: strict),
        // The style and the script of HTML reports become bytes in the code: one file is installed.
        .target(
            name: "Report", dependencies: ["Events", "PortModel"],
            resources: [.embedInCode("HTML/report.css"), .embedInCode("HTML/report.js")],
            swiftSettings: strict),
        .target(
            name: "LinuxSystem", dependencies: ["CPortgauge", "PortModel"],
            swiftSettings: strictMemory),
        .target(
            name: "BPF", dependencies: ["CPortgauge", "LinuxSystem"], swiftSettings: strictMemory),
        .target(
            name: "Probe", dependencies: ["BPF", "CPortgauge", "LinuxSystem", "PortModel"],
            swiftSettings: strictMemory),
        .target(
            name: "LoadGenerator", dependencies: ["CPortgauge", "LinuxSystem", "PortModel"],
            swiftSettings: strictMemory),
        .target(
            name: "Tracing",
            dependencies: ["Events", "LinuxSystem", "PortModel", "Probe", "Report"],
            swiftSettings: strict),
        .executableTarget(
            name: "portgauge",
            dependencies: [
                "Events", "LinuxSystem", "LoadGenerator", "PortModel", "Probe", "Report",
                "Tracing",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),
        .target(name: "BenchSupport", path: "Benchmarks/BenchSupport", swiftSettings: strict),
        .systemLibrary(name: "CBTF", path: "Benchmarks/CBTF"),
        .executableTarget(
            name: "HookBench",
            dependencies: [
                "BenchSupport", "BPF", "CBTF", "CPortgauge", "LinuxSystem", "LoadGenerator",
                "PortModel",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/HookBench", swiftSettings: strictMemory),
        .target(name: "AllocationCounter", path: "Benchmarks/AllocationCounter"),
        .executableTarget(
            name: "FoldBench",
            dependencies: [
                "AllocationCounter", "BenchSupport", "CPortgauge", "Events", "LinuxSystem",
                "PortModel", "Probe", "Report", "Tracing",
            ],
            path: "Benchmarks/FoldBench", swiftSettings: strictMemory),
        // Prints the schemas, for `make schema`.
        .executableTarget(
            name: "schemas", dependencies: ["Events", "Report"], path: "schema",
            exclude: ["event.schema.json", "report.schema.json"], swiftSettings: strict,
            linkerSettings: [.linkedLibrary("m")]),
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "PortModelTests", dependencies: ["PortModel", "TestSupport"],
            path: "Tests/Unit/PortModelTests",
            swiftSettings: strict),
        .testTarget(
            name: "ReportTests", dependencies: ["Events", "PortModel", "Report", "TestSupport"],
            path: "Tests/Unit/ReportTests", exclude: ["Recordings"], swiftSettings: strict),
        .testTarget(
            name: "TracingTests",
            dependencies: [
                "Events", "LinuxSystem", "PortModel", "Probe", "Report", "TestSupport",
                "Tracing",
            ],
            path: "Tests/Unit/TracingTests",
            swiftSettings: strict),
        .testTarget(
            name: "LinuxSystemTests",
            dependencies: [
                "CPortgauge", "LinuxSystem", "LoadGenerator", "PortModel", "TestSupport",
            ],
            path: "Tests/Root/LinuxSystemTests",
            swiftSettings: strict),
        .testTarget(
            name: "ProbeTests",
            dependencies: [
                "CPortgauge", "LinuxSystem", "PortModel", "Probe", "Report", "TestSupport",
                "Tracing",
            ],
            path: "Tests/Root/ProbeTests",
            swiftSettings: strict),
        .testTarget(
            name: "CommandTests",
            dependencies: ["LinuxSystem", "LoadGenerator", "portgauge", "TestSupport"],
            path: "Tests/Root/CommandTests",
            swiftSettings: strict),
    ],
    cLanguageStandard: .c2x
)
