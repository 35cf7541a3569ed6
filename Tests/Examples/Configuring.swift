import Apium
import ApiumConfiguration
import ApiumYAML
import Logging
import Testing

/// Settings by code, and from where they may stand.
@Suite("Example: configuration")
struct ConfigurationExamples {
    @Test("settings are a value")
    func code() async throws {
        let logger = Logger(label: "example")
        // docs: code
        var settings = ApiumSettings()
        settings.brokerURL = "redis://redis.internal/0"
        settings.router.routes = [["shop.images.*": .queue("images")]]
        settings.serializers = [.json, .yaml]  // `import ApiumYAML` brings .yaml
        settings.acceptedContent = AcceptedContent([.json, .yaml])
        settings.taskFormat = ContentFormat(.json, compression: .zstd)
        let apium = try settings.connect(logger: logger)
        // docs: end
        #expect(try apium.client.router.destination(of: "shop.images.scale").routingKey == "images")
        #expect(apium.client.format.compression == .zstd)
        await apium.shutdown()
    }

    @Test("or they are read, and every fault is told at once")
    func reading() throws {
        // docs: read
        var defaults = ApiumSettings()
        defaults.serializers = [.json, .yaml]
        let environment = ["CELERY_TASK_SERIALIZER": "yaml", "APIUM_CONCURRENCY": "4"]
        let loaded = try SettingsReader(environment: environment, defaults: defaults).load()
        // docs: end
        #expect(loaded.settings.taskFormat.serializer == .yaml && loaded.settings.workerConcurrency == 4)
        #expect(loaded.origins["task_serializer"] == "environment, CELERY_TASK_SERIALIZER")
    }
}
