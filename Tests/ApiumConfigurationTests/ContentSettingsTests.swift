import ApiumCore
import ApiumYAML
import DynamicJSON
import Logging
import Testing

@testable import ApiumConfiguration

/// Serialisations and compressions as settings.
@Suite("Settings of content")
struct ContentSettingsTests {
    private var brought: ApiumSettings {
        var settings = ApiumSettings()
        settings.serializers = [.json, .yaml]
        return settings
    }

    private func load(_ environment: [String: String], _ arguments: [SettingsReader.Argument] = [], _ defaults: ApiumSettings) throws -> LoadedSettings {
        try SettingsReader(environment: environment, arguments: arguments, defaults: defaults).load()
    }

    @Test("they come from environment and command line under Celery's names, and are shown with their origin")
    func sources() throws {
        let loaded = try load(
            [
                "CELERY_TASK_SERIALIZER": "yaml", "APIUM_TASK_COMPRESSION": "gzip", "CELERY_ACCEPT_CONTENT": "json, application/x-yaml",
                "CELERY_RESULT_COMPRESSION": "bzip2",
            ],
            [.init("result_compression", "zstd", option: "--setting"), .init("result_accept_content", "json", option: "--setting")], brought)
        #expect(loaded.settings.taskFormat == ContentFormat(.yaml, compression: .zlib))
        #expect(loaded.settings.acceptedContent.serializers == [.json, .yaml])
        #expect(loaded.settings.resultCompression == .zstd && loaded.settings.resultAcceptedContent?.serializers == [.json])
        let rows = Dictionary(uniqueKeysWithValues: loaded.rows.map { ($0.name, $0) })
        #expect(rows["task_serializer"]?.value == "yaml" && rows["task_serializer"]?.origin == "environment, CELERY_TASK_SERIALIZER")
        #expect(rows["accept_content"]?.json == ["json", "yaml"])
        #expect(rows["result_compression"]?.value == "zstd" && rows["result_compression"]?.origin == "command line, --setting")
    }

    @Test("how bodies stand in messages is kombu's option, text if it is not said")
    func bodyEncoding() throws {
        #expect(try load([:], [], brought).settings.brokerOptions.bodyEncoding == .utf8)
        let name = "CELERY_BROKER_TRANSPORT_OPTIONS"
        #expect(try load([name: "{body_encoding: base64}"], [], brought).settings.brokerOptions.bodyEncoding == .base64)
        #expect(throws: (any Error).self) { try load([name: "{body_encoding: hex}"], [], brought) }
    }

    @Test("they come from a file")
    func file() throws {
        let settings = try read(yaml: "task_serializer: application/json\ntask_compression: zstandard\naccept_content: [json]\nresult_compression: null\n")
            .settings
        #expect(settings.taskFormat == ContentFormat(compression: .zstd) && settings.acceptedContent == .json && settings.resultCompression == nil)
    }

    @Test("YAML that the program does not bring is refused with the product to bring, and every fault is told at once")
    func missing() throws {
        let error = #expect(throws: ApiumError.self) {
            try load(
                [
                    "CELERY_TASK_SERIALIZER": "yaml", "CELERY_ACCEPT_CONTENT": "json,pickle,yaml", "CELERY_RESULT_ACCEPT_CONTENT": ",",
                    "CELERY_TASK_COMPRESSION": "lzma", "CELERY_RESULT_COMPRESSION": "rar",
                ], [], ApiumSettings())
        }
        let lines = (error?.message ?? "").split(separator: "\n")
        #expect(lines.count == 5, "\(lines)")
        for mention in [
            "environment, CELERY_TASK_SERIALIZER: task_serializer names 'yaml': this program does not bring YAML, which is in the product ApiumYAML",
            "accept_content names 'pickle': pickle is never read or written", "result_accept_content is empty", "the compression 'lzma' is not supported",
            "the compression 'rar' is not supported",
        ] {
            #expect(lines.contains { $0.contains(mention) }, "\(mention)")
        }
    }

    @Test("they reach producer, results and worker")
    func inForce() async throws {
        var settings = brought
        settings.taskFormat = ContentFormat(.yaml, compression: .bzip2)
        settings.acceptedContent = AcceptedContent([.json, .yaml])
        settings.resultCompression = .zlib
        settings.monitoring.controlExchange = "mine"
        let connection = try settings.connect(logger: Logger(label: "test"))
        #expect(connection.client.format == settings.taskFormat)
        #expect(connection.client.controlExchange == "mine.pidbox", "revokes reach the workers of that exchange")
        #expect(settings.redisOptions.results.compression == .zlib && settings.redisOptions.results.acceptedContent == settings.acceptedContent)
        #expect(settings.workerConfiguration(host: "h", resultsAreOnBroker: true).acceptedContent == settings.acceptedContent)
        await connection.shutdown()
    }
}
