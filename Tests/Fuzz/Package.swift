// swift-tools-version: 6.2
// Fuzz targets: `swift run --package-path Tests/Fuzz fuzz DECODER [libFuzzer's options] FOLDER…`. A package of its own, so that the
// product is not built for it; what it tries stands in it as links to the sources, so that the decoders themselves are instrumented
// and nothing but them is compiled.
import PackageDescription

/// libFuzzer sees which edges of this code an input takes.
let instrumented: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer"]), .enableUpcomingFeature("ExistentialAny")]

let package = Package(
    name: "Fuzz",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "fuzz", targets: ["Fuzz"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
    ],
    targets: [
        .systemLibrary(name: "CHiredis"),
        .systemLibrary(name: "CJansson"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "CBZip2"),
        .systemLibrary(name: "CZstd"),
        // libFuzzer's way in for programs that have a `main` of their own.
        .systemLibrary(name: "CLibFuzzer"),
        .target(name: "DynamicJSON", dependencies: ["CJansson"], swiftSettings: instrumented),
        .target(name: "Compression", dependencies: ["CZlib", "CBZip2", "CZstd"], swiftSettings: instrumented),
        .target(
            name: "ApiumCore",
            dependencies: [
                "DynamicJSON", "Compression", .product(name: "Logging", package: "swift-log"), .product(name: "Tracing", package: "swift-distributed-tracing"),
            ], swiftSettings: instrumented),
        // Redis' replies and addresses, without the connections.
        .target(name: "RedisDecoding", dependencies: ["CHiredis"], swiftSettings: instrumented),
        // Crontab expressions, without the beat.
        .target(name: "Crontabs", dependencies: ["ApiumCore"], swiftSettings: instrumented),
        .executableTarget(
            name: "Fuzz", dependencies: ["CLibFuzzer", "ApiumCore", "DynamicJSON", "Compression", "RedisDecoding", "Crontabs"],
            swiftSettings: [.enableUpcomingFeature("ExistentialAny")], linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]),
    ],
    swiftLanguageModes: [.v6]
)
