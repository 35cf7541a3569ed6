// swift-tools-version: 6.2
// Products first, then targets in dependency order: the C libraries, one driver per foreign thing, the framework
// (Apium), the application (PriceWatch), the executables and the tests. Nothing imports upwards; Tests/Layout checks it.
import PackageDescription

/// Every Swift target: warnings are errors, so that a warning never becomes a habit.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
]

/// The application's dependencies stay away from a package that only wants product Apium.
let application: TargetDependencyCondition? = .when(traits: ["PriceWatch"])

let package = Package(
    name: "Apium",
    platforms: [.macOS(.v15)],
    products: [
        // The framework.
        .library(name: "Apium", targets: ["Apium"]),
        .library(name: "ApiumYAML", targets: ["ApiumYAML"]),
        .library(name: "ApiumWorker", targets: ["ApiumWorker"]),
        .library(name: "ApiumBeat", targets: ["ApiumBeat"]),
        .library(name: "ApiumConfiguration", targets: ["ApiumConfiguration"]),
        .library(name: "ApiumInspect", targets: ["ApiumInspect"]),
        .library(name: "ApiumTelemetry", targets: ["ApiumTelemetry"]),
        .library(name: "ApiumCLI", targets: ["ApiumCLI"]),
        .library(name: "ApiumTesting", targets: ["ApiumTesting"]),
        // Jobs that are enqueued in a Postgres transaction, for programs that have a Postgres.
        .library(name: "ApiumOutbox", targets: ["ApiumOutbox"]),
        // TLS to Redis, for programs that name it: the others build no TLS library.
        .library(name: "RedisTLS", targets: ["RedisTLS"]),
        // Signed bodies, as Celery's serialiser `auth` has them, for programs that name it: the others build no cryptography.
        .library(name: "ApiumSigning", targets: ["ApiumSigning"]),
        // The operations command line: everything that needs no job code.
        .executable(name: "apium", targets: ["ApiumCommand"]),
        // PriceWatch's processes.
        .executable(name: "api", targets: ["APIServer"]),
        .executable(name: "worker", targets: ["WorkerProcess"]),
        .executable(name: "beat", targets: ["BeatProcess"]),
        .executable(name: "parser", targets: ["ParserServer"]),
        .executable(name: "bot", targets: ["BotProcess"]),
        // Tools for trying it out: a shop whose prices anybody may change, and a chat that speaks Telegram's Bot API.
        .executable(name: "sample-shop", targets: ["SampleShop"]),
        .executable(name: "chat", targets: ["ChatServer"]),
        // A worker with small jobs, which Celery's own client calls in Tests/Interop.
        .executable(name: "interop-worker", targets: ["InteropWorker"]),
        // A worker that serves the tasks of Celery's own integration suite; it is not shipped.
        .executable(name: "suite-worker", targets: ["SuiteWorker"]),
        // Our client, driven through every feature of the interop matrix.
        .executable(name: "interop-producer", targets: ["InteropProducer"]),
        // The benchmarks' worker and producer; not shipped.
        .executable(name: "bench-worker", targets: ["BenchWorker"]),
        .executable(name: "bench-producer", targets: ["BenchProducer"]),
        // The chaos lab's worker and producer; not shipped.
        .executable(name: "chaos-worker", targets: ["ChaosWorker"]),
        .executable(name: "chaos-producer", targets: ["ChaosProducer"]),
    ],
    traits: [
        .trait(name: "PriceWatch", description: "The price tracker: gRPC, Hummingbird and what else only it needs"),
        .default(enabledTraits: ["PriceWatch"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        // Without its configuration support: settings are read by our own, and a newcomer need not compile another reader.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: ["FullFoundation"]),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        // MARK: C libraries: a module map and a shim header each; one Swift target imports each.
        .systemLibrary(name: "CHiredis", path: "Sources/System/CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CPostgres", path: "Sources/System/CPostgres", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CCurl", path: "Sources/System/CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CJansson", path: "Sources/System/CJansson", providers: [.apt(["libjansson-dev"])]),
        .systemLibrary(name: "CLibXML2", path: "Sources/System/CLibXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
        .systemLibrary(name: "CZlib", path: "Sources/System/CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CBZip2", path: "Sources/System/CBZip2", providers: [.apt(["libbz2-dev"])]),
        .systemLibrary(name: "CZstd", path: "Sources/System/CZstd", providers: [.apt(["libzstd-dev"])]),
        // What Glibc's Swift module leaves out: epoll, eventfd.
        .systemLibrary(name: "CLinux", path: "Sources/System/CLinux"),

        // MARK: Drivers: one foreign thing each; they know neither jobs nor prices.
        // Files in the form of `.env`.
        .target(name: "DotEnv", path: "Sources/Drivers/DotEnv", swiftSettings: strict),
        // JSON values over jansson.
        .target(name: "DynamicJSON", dependencies: ["CJansson"], path: "Sources/Drivers/DynamicJSON", swiftSettings: strict),
        // zlib, bzip2 and Zstandard, bounded.
        .target(name: "Compression", dependencies: ["CZlib", "CBZip2", "CZstd"], path: "Sources/Drivers/Compression", swiftSettings: strict),
        // Redis: pipelining connections, scripts, pub/sub; hiredis is the protocol codec.
        .target(
            name: "RedisClient",
            dependencies: [
                "CHiredis", .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Drivers/RedisClient", swiftSettings: strict),
        // TLS under RedisClient's connections; executables that name it bring it.
        .target(
            name: "RedisTLS",
            dependencies: [
                "RedisClient", .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Sources/Drivers/RedisTLS", swiftSettings: strict),
        // Postgres: a pool of non-blocking libpq connections on a thread of their own.
        .target(
            name: "PostgresClient",
            dependencies: [
                "CPostgres", "CLinux", .product(name: "Logging", package: "swift-log"), .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            path: "Sources/Drivers/PostgresClient", swiftSettings: strict),
        // Bounded page fetches with an address policy, over libcurl multi.
        .target(
            name: "HTTPFetch",
            dependencies: ["CCurl", .product(name: "Logging", package: "swift-log"), .product(name: "Tracing", package: "swift-distributed-tracing")],
            path: "Sources/Drivers/HTTPFetch", swiftSettings: strict),
        // Tolerant HTML and XPath.
        .target(name: "HTMLDocument", dependencies: ["CLibXML2"], path: "Sources/Drivers/HTMLDocument", swiftSettings: strict),
        // WebSocket sessions: a server on Hummingbird's port, and a client.
        .target(
            name: "WebSocketUpgrade",
            dependencies: [
                .product(name: "HummingbirdCore", package: "hummingbird", condition: application),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Drivers/WebSocketUpgrade", swiftSettings: strict),
        // Telegram's Bot API, typed.
        .target(
            name: "TelegramBotAPI", dependencies: ["HTTPFetch", .product(name: "Logging", package: "swift-log")], path: "Sources/Drivers/TelegramBotAPI",
            swiftSettings: strict),

        // MARK: Apium: the framework.
        // The words: Job, Message, Signature, states, retry, and the protocols Broker, ResultBackend, ScheduleStore.
        .target(
            name: "ApiumCore",
            dependencies: [
                "DynamicJSON", "Compression", .product(name: "Logging", package: "swift-log"), .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            path: "Sources/Apium/ApiumCore", swiftSettings: strict),
        // The YAML serialiser, for those who accept it.
        .target(name: "ApiumYAML", dependencies: ["ApiumCore", "DynamicJSON", "Yams"], path: "Sources/Apium/ApiumYAML", swiftSettings: strict),
        // Celery's signing serialiser; executables that name it bring it.
        .target(
            name: "ApiumSigning",
            dependencies: [
                "ApiumCore", "DynamicJSON", .product(name: "Crypto", package: "swift-crypto"), .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            path: "Sources/Apium/ApiumSigning", swiftSettings: strict),
        // Celery's Redis layout: every key in one file, every script in a .lua file.
        .target(
            name: "ApiumRedis",
            dependencies: [
                "ApiumCore", "RedisClient", "DynamicJSON", .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Apium/ApiumRedis", resources: [.embedInCode("Lua")], swiftSettings: strict),
        // Claim, run, finish; the janitor; health.
        .target(
            name: "ApiumWorker",
            dependencies: [
                "ApiumCore", "DynamicJSON", "CLinux", .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"), .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Apium/ApiumWorker", swiftSettings: strict),
        // Schedules and the firing of their slots.
        .target(
            name: "ApiumBeat",
            dependencies: [
                "ApiumCore", "DynamicJSON", "Yams", .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Apium/ApiumBeat", swiftSettings: strict),
        // Log lines, Prometheus' exposition, health over HTTP, spans as log lines; it knows no jobs.
        .target(
            name: "ApiumTelemetry",
            dependencies: [
                .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"), .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            path: "Sources/Apium/ApiumTelemetry", swiftSettings: strict),
        // The read side: where jobs are and why, who works, what waits; and what is not in order.
        .target(name: "ApiumInspect", dependencies: ["ApiumCore", "DynamicJSON"], path: "Sources/Apium/ApiumInspect", swiftSettings: strict),
        // What most users import: the client, and the rest re-exported.
        .target(
            name: "Apium", dependencies: ["ApiumCore", "ApiumRedis", "RedisClient", .product(name: "Logging", package: "swift-log")],
            path: "Sources/Apium/Apium", swiftSettings: strict),
        // Settings from code, YAML, `.env`, environment and command line, under Celery's names.
        .target(
            name: "ApiumConfiguration",
            dependencies: [
                "Apium", "ApiumWorker", "DotEnv", "DynamicJSON", "RedisClient", "Yams", .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Apium/ApiumConfiguration", swiftSettings: strict),
        // The subcommands, as a library.
        .target(
            name: "ApiumCLI",
            dependencies: [
                "Apium", "ApiumConfiguration", "ApiumInspect", "ApiumTelemetry", "ApiumYAML", "DynamicJSON", "ApiumWorker", "ApiumBeat",
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Apium/ApiumCLI", swiftSettings: strict),
        // Enqueueing in a Postgres transaction, and the relay to a broker.
        .target(
            name: "ApiumOutbox",
            dependencies: [
                "ApiumCore", "PostgresClient", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Apium/ApiumOutbox", swiftSettings: strict),
        // In-memory broker, manual clock, and the conformance suite that both brokers pass.
        .target(
            name: "ApiumTesting",
            dependencies: [
                "ApiumCore", "ApiumWorker", "DynamicJSON", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], path: "Sources/Apium/ApiumTesting", swiftSettings: strict),

        // MARK: PriceWatch: the application.
        // Domain values, rules and ports; no I/O.
        .target(name: "PriceWatchModel", path: "Sources/PriceWatch/PriceWatchModel", swiftSettings: strict),
        // The jobs, one per file.
        .target(name: "PriceWatchJobs", dependencies: ["PriceWatchModel", "ApiumCore"], path: "Jobs", swiftSettings: strict),
        // Postgres adapters and migrations.
        .target(
            name: "PriceWatchStore",
            dependencies: [
                "PriceWatchModel", "PriceWatchJobs", "ApiumCore", "ApiumOutbox", "PostgresClient",
                .product(name: "Crypto", package: "swift-crypto", condition: application),
                .product(name: "CryptoExtras", package: "swift-crypto", condition: application),
            ],
            path: "Sources/PriceWatch/PriceWatchStore", resources: [.embedInCode("Migrations")], swiftSettings: strict),
        // The parser's protocol, and its generated code.
        .target(
            name: "PriceWatchProto",
            dependencies: [
                .product(name: "GRPCCore", package: "grpc-swift-2", condition: application),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf", condition: application),
                .product(name: "SwiftProtobuf", package: "swift-protobuf", condition: application),
            ],
            path: "Sources/PriceWatch/PriceWatchProto", exclude: ["parser.proto", "health.proto", "Generated/checksums"]),
        // Extraction, and the gRPC service around it.
        .target(
            name: "PriceWatchParser",
            dependencies: [
                "PriceWatchModel", "PriceWatchProto", "HTTPFetch", "HTMLDocument", "DynamicJSON",
                .product(name: "GRPCCore", package: "grpc-swift-2", condition: application),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport", condition: application),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"), .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            path: "Sources/PriceWatch/PriceWatchParser", swiftSettings: strict),
        // The parser as a port, over gRPC.
        .target(
            name: "PriceWatchParserClient",
            dependencies: [
                "PriceWatchModel", "PriceWatchProto", .product(name: "GRPCCore", package: "grpc-swift-2", condition: application),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport", condition: application),
                .product(name: "Logging", package: "swift-log"), .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/PriceWatch/PriceWatchParserClient", swiftSettings: strict),
        // The admin panel.
        .target(
            name: "PriceWatchAdmin",
            dependencies: [
                "PriceWatchModel", "PriceWatchStore", "Apium", "ApiumBeat", "ApiumInspect", "DynamicJSON",
                .product(name: "Hummingbird", package: "hummingbird", condition: application),
                .product(name: "Mustache", package: "swift-mustache", condition: application),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Crypto", package: "swift-crypto", condition: application),
            ],
            path: "Sources/PriceWatch/PriceWatchAdmin", resources: [.embedInCode("Templates"), .embedInCode("Assets")], swiftSettings: strict),
        // The HTTP API, its OpenAPI description, and the bot's WebSocket.
        .target(
            name: "PriceWatchAPI",
            dependencies: [
                "PriceWatchModel", "PriceWatchJobs", "PriceWatchStore", "Apium", "ApiumBeat", "ApiumInspect", "DynamicJSON", "WebSocketUpgrade",
                .product(name: "Hummingbird", package: "hummingbird", condition: application),
                .product(name: "Crypto", package: "swift-crypto", condition: application),
                .product(name: "Metrics", package: "swift-metrics"), .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            path: "Sources/PriceWatch/PriceWatchAPI", resources: [.embedInCode("Assets")], swiftSettings: strict),
        // The Telegram conversation.
        .target(
            name: "PriceWatchBot",
            dependencies: [
                "PriceWatchModel", "PriceWatchJobs", "TelegramBotAPI", "WebSocketUpgrade", "ApiumCore", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/PriceWatch/PriceWatchBot", swiftSettings: strict),
        // Settings, logging, metrics and the service group; knows no adapter.
        .target(
            name: "PriceWatchBootstrap",
            dependencies: [
                "DotEnv", "ApiumTelemetry",
                .product(name: "Logging", package: "swift-log"), .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Sources/PriceWatch/PriceWatchBootstrap", swiftSettings: strict),

        // MARK: Executables: mains of one screen; they alone choose adapters.
        .executableTarget(
            name: "ApiumCommand", dependencies: ["ApiumCLI", "ApiumSigning", "RedisTLS"], path: "Sources/Executables/apium", swiftSettings: strict),
        .executableTarget(
            name: "APIServer",
            dependencies: [
                "PriceWatchAPI", "PriceWatchAdmin", "PriceWatchJobs", "PriceWatchModel", "PriceWatchStore", "PriceWatchParserClient", "PriceWatchBootstrap",
                "Apium", "ApiumConfiguration", "ApiumInspect", "ApiumSigning", "RedisTLS",
                .product(name: "ArgumentParser", package: "swift-argument-parser"), .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], path: "Sources/Executables/api", swiftSettings: strict),
        .executableTarget(
            name: "WorkerProcess",
            dependencies: [
                "PriceWatchJobs", "PriceWatchModel", "PriceWatchStore", "PriceWatchParserClient", "PriceWatchBootstrap", "Apium", "ApiumOutbox", "ApiumWorker",
                "ApiumCLI", "ApiumSigning", "RedisTLS",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"), .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Executables/worker", swiftSettings: strict),
        .executableTarget(
            name: "BeatProcess",
            dependencies: ["PriceWatchBootstrap", "ApiumCLI", "ApiumSigning", "RedisTLS", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "beat", exclude: ["schedule.yaml"], swiftSettings: strict),
        .executableTarget(
            name: "ParserServer", dependencies: ["PriceWatchParser", "PriceWatchBootstrap"], path: "Sources/Executables/parser", swiftSettings: strict),
        .executableTarget(
            name: "BotProcess",
            dependencies: [
                "PriceWatchBot", "PriceWatchJobs", "PriceWatchBootstrap", "TelegramBotAPI", "WebSocketUpgrade", "ApiumConfiguration", "ApiumCore",
                "ApiumRedis", "ApiumSigning", "ApiumWorker", "RedisTLS",
            ], path: "Sources/Executables/bot", swiftSettings: strict),
        // Tools: production parts know nothing of them.
        .executableTarget(
            name: "SampleShop",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird", condition: application),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], path: "Sources/Tools/SampleShop", swiftSettings: strict),
        .executableTarget(
            name: "ChatServer",
            dependencies: [
                "HTTPFetch", .product(name: "Hummingbird", package: "hummingbird", condition: application),
                .product(name: "ArgumentParser", package: "swift-argument-parser"), .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"), .product(name: "NIOPosix", package: "swift-nio"),
            ], path: "Sources/Tools/ChatServer", resources: [.embedInCode("Assets")], swiftSettings: strict),
        .executableTarget(
            name: "InteropWorker",
            dependencies: [
                "Apium", "ApiumCLI", "ApiumCore", "ApiumSigning", "ApiumTelemetry", "ApiumWorker", "DynamicJSON", "RedisTLS",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Sources/Tools/InteropWorker", swiftSettings: strict),
        .executableTarget(
            name: "InteropProducer",
            dependencies: [
                "Apium", "ApiumCore", "ApiumYAML", "DynamicJSON", "RedisClient", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Interop/Producer", swiftSettings: strict),
        .executableTarget(
            name: "SuiteWorker",
            dependencies: [
                "Apium", "ApiumCLI", "ApiumConfiguration", "ApiumCore", "ApiumYAML", "DynamicJSON", "RedisClient",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Tests/Interop/SuiteWorker", swiftSettings: strict),
        .executableTarget(
            name: "BenchWorker",
            dependencies: [
                "Apium", "ApiumCLI", "ApiumCore", "DynamicJSON", "RedisClient", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            path: "Tests/Benchmarks/Worker", swiftSettings: strict),
        .executableTarget(
            name: "BenchProducer",
            dependencies: [
                "Apium", "ApiumCore", "DynamicJSON", "RedisClient", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Benchmarks/Producer", swiftSettings: strict),
        .executableTarget(
            name: "ChaosWorker",
            dependencies: ["Apium", "ApiumCLI", "ApiumCore", "DynamicJSON", .product(name: "Logging", package: "swift-log")],
            path: "Tests/Chaos/Worker", swiftSettings: strict),
        .executableTarget(
            name: "ChaosProducer",
            dependencies: [
                "Apium", "ApiumCore", "DynamicJSON", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Chaos/Producer", swiftSettings: strict),

        // A program of a user's own, with an isolated job: the examples run it.
        .executableTarget(
            name: "ExampleWorker",
            dependencies: [
                "Apium", "ApiumCLI", .product(name: "ArgumentParser", package: "swift-argument-parser"), .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Examples/Program", swiftSettings: strict),

        // MARK: Tests.
        // Random cases that come again by their seed, for every test target that draws some.
        .target(name: "Randomness", path: "Tests/Randomness", swiftSettings: strict),
        // One executed example for each concept: the documentation shows their code.
        .testTarget(
            name: "Examples",
            dependencies: [
                "Apium", "ApiumBeat", "ApiumConfiguration", "ApiumOutbox", "ApiumTesting", "ApiumWorker", "ApiumYAML", "DynamicJSON", "ExampleWorker",
                "PostgresClient", "RedisClient", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], path: "Tests/Examples", exclude: ["Program"], swiftSettings: strict),
        .testTarget(
            name: "PriceWatchAPITests",
            dependencies: [
                "PriceWatchAPI", "PriceWatchJobs", "PriceWatchModel", "ApiumBeat", "ApiumInspect", "ApiumTesting", "ApiumWorker", "DynamicJSON",
                "WebSocketUpgrade", .product(name: "Hummingbird", package: "hummingbird", condition: application),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ], swiftSettings: strict),
        .testTarget(
            name: "WebSocketUpgradeTests",
            dependencies: ["WebSocketUpgrade", .product(name: "HummingbirdCore", package: "hummingbird", condition: application)], swiftSettings: strict),
        .testTarget(
            name: "PriceWatchAdminTests",
            dependencies: [
                "PriceWatchAdmin", "PriceWatchModel", "ApiumBeat", "ApiumCore", "ApiumInspect", "ApiumTesting", "DynamicJSON",
                .product(name: "Hummingbird", package: "hummingbird", condition: application),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .testTarget(name: "CompressionTests", dependencies: ["Compression"], swiftSettings: strict),
        .testTarget(name: "ApiumYAMLTests", dependencies: ["ApiumYAML", "ApiumCore", "DynamicJSON", "Randomness"], swiftSettings: strict),
        .testTarget(name: "DynamicJSONTests", dependencies: ["DynamicJSON", "Randomness"], swiftSettings: strict),
        .testTarget(
            name: "ApiumTelemetryTests",
            dependencies: [
                "ApiumTelemetry", .product(name: "Logging", package: "swift-log"), .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ], swiftSettings: strict),
        .testTarget(
            name: "PriceWatchBootstrapTests",
            dependencies: [
                "PriceWatchBootstrap", "ApiumTelemetry", .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ApiumWorkerTests",
            dependencies: [
                "ApiumWorker", "ApiumTesting", "ApiumCore", "ApiumTelemetry", "DynamicJSON", .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"), .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ], swiftSettings: strict),
        .testTarget(
            name: "ApiumConfigurationTests",
            dependencies: [
                "ApiumConfiguration", "ApiumCore", "ApiumYAML", "DynamicJSON", "RedisClient", .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .testTarget(
            name: "ApiumBeatTests", dependencies: ["ApiumBeat", "ApiumTesting", "ApiumCore", "Randomness", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .testTarget(
            name: "ApiumInspectTests",
            dependencies: [
                "ApiumInspect", "ApiumTesting", "ApiumWorker", "ApiumRedis", "ApiumCore", "DynamicJSON", "RedisClient",
                .product(name: "Logging", package: "swift-log"), .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .testTarget(name: "ApiumTestingTests", dependencies: ["ApiumTesting", "ApiumCore", "DynamicJSON"], swiftSettings: strict),
        .testTarget(
            name: "ApiumCoreTests", dependencies: ["ApiumCore", "ApiumYAML", "DynamicJSON", "Randomness", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .testTarget(name: "HTTPFetchTests", dependencies: ["HTTPFetch"], swiftSettings: strict),
        .testTarget(
            name: "RedisClientTests",
            dependencies: [
                "RedisClient", .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: strict),
        .testTarget(
            name: "RedisTLSTests",
            dependencies: ["RedisTLS", "RedisClient", "Apium", "ApiumConfiguration", "ApiumCore", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .testTarget(
            name: "ApiumSigningTests",
            dependencies: ["ApiumSigning", "ApiumConfiguration", "ApiumCore", "ApiumTesting", "ApiumWorker", "DynamicJSON"], swiftSettings: strict),
        .testTarget(
            name: "ApiumRedisTests",
            dependencies: [
                "ApiumRedis", "ApiumCore", "ApiumTesting", "ApiumYAML", "RedisClient", "Randomness", .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: strict),
        .testTarget(name: "HTMLDocumentTests", dependencies: ["HTMLDocument"], swiftSettings: strict),
        // The sample shop is what the parser is tried on, over real sockets.
        .testTarget(
            name: "PriceWatchParserTests",
            dependencies: [
                "PriceWatchParser", "PriceWatchParserClient", "PriceWatchProto", "SampleShop", "HTTPFetch", "HTMLDocument",
                .product(name: "Hummingbird", package: "hummingbird", condition: application), .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .testTarget(name: "PostgresClientTests", dependencies: ["PostgresClient", .product(name: "Logging", package: "swift-log")], swiftSettings: strict),
        .testTarget(
            name: "TelegramBotAPITests", dependencies: ["TelegramBotAPI", "ApiumTesting", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .testTarget(name: "ChatServerTests", dependencies: ["ChatServer"], swiftSettings: strict),
        .testTarget(
            name: "PriceWatchBotTests",
            dependencies: [
                "PriceWatchBot", "PriceWatchModel", "PriceWatchJobs", "TelegramBotAPI", "ApiumCore", "DynamicJSON",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "PriceWatchJobsTests",
            dependencies: [
                "PriceWatchJobs", "PriceWatchModel", "Apium", "ApiumCore", "ApiumTesting", "ApiumWorker", "DynamicJSON", "Randomness",
            ], swiftSettings: strict),
        .testTarget(
            name: "PriceWatchStoreTests",
            dependencies: [
                "PriceWatchStore", "PriceWatchModel", "PriceWatchJobs", "ApiumCore", "ApiumOutbox", "ApiumTesting", "DynamicJSON", "PostgresClient",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .testTarget(
            name: "ApiumOutboxTests",
            dependencies: [
                "ApiumOutbox", "ApiumCore", "ApiumTesting", "PostgresClient", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
