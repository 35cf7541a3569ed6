import Foundation
import Testing

@testable import PriceWatchBootstrap

@Suite("Settings")
struct SettingsTests {
    @Test("all faults are reported at once, each with what would be right")
    func allFaults() throws {
        var settings = Settings(values: ["PRICEWATCH_API_PORT": "abc", "PRICEWATCH_WATCHES_PER_USER": "0", "LOG_FORMAT": "xml"])
        _ = settings.port(.apiPort)
        _ = settings.integer(.watchesPerUser, in: 1...10_000)
        _ = settings.choice(.logFormat, otherwise: LogFormat.text)
        _ = settings.secret(.serviceToken, minimumLength: 32)
        let error = #expect(throws: SettingsError.self) { try settings.check() }
        let faults = try #require(error).faults
        #expect(faults.count == 4)
        #expect(faults[0] == "PRICEWATCH_API_PORT: \"abc\" is no port; 1–65535, default 8000")
        #expect(faults[1].contains("from 1 to 10000, default 100"))
        #expect(faults[2] == "LOG_FORMAT: \"xml\" is none of text, json, default text")
        #expect(faults[3].hasPrefix("PRICEWATCH_SERVICE_TOKEN: is required"))
    }

    @Test("a fault never shows a secret, and a secret never prints")
    func secretsStay() throws {
        let token = "hunter2-short"
        var settings = Settings(values: [
            "PRICEWATCH_SERVICE_TOKEN": token, "APIUM_BROKER_URL": "hunter2-no-url", "PRICEWATCH_DATABASE_URL": "postgres://u:hunter2@db/x?password=hunter2",
        ])
        let secret = settings.secret(.serviceToken, minimumLength: 32)
        _ = settings.url(.brokerURL, schemes: ["redis"])
        let database = settings.url(.databaseURL, schemes: ["postgres"])
        #expect(settings.faults.count == 2)
        #expect(!settings.faults.joined().contains("hunter2"))
        #expect(secret.reveal() == token)
        #expect(database.reveal().contains("hunter2"))
        for shown in ["\(secret)", String(reflecting: secret), "\(database)", String(reflecting: database), "\([secret])", "\([database])"] {
            #expect(!shown.contains("hunter2"), "\(shown)")
        }
        var dumped = ""
        dump((secret, database), to: &dumped)
        #expect(!dumped.contains("hunter2"))
        #expect(database.description == "postgres://***@db/x")
    }

    @Test("the environment wins over the file, an empty value counts as not set")
    func precedence() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try "PRICEWATCH_API_PORT=1\nPRICEWATCH_API_HOST=file\nLOG_LEVEL=\n".write(to: directory.appending(path: ".env"), atomically: true, encoding: .utf8)
        var settings = try Settings.load(environment: ["PRICEWATCH_API_PORT": "2", "PRICEWATCH_API_HOST": ""], directory: directory.path)
        #expect(settings.port(.apiPort) == 2)
        #expect(settings.string(.apiHost) == "file")
        #expect(settings.string(.logLevel) == "info")
        #expect(throws: SettingsError.self) { try Settings.load(environment: ["PRICEWATCH_ENV_FILE": "missing.env"], directory: directory.path) }
    }

    @Test("a misspelt name is noticed and the near one is named")
    func suspicions() {
        let settings = Settings(values: ["PRICEWATCH_API_PROT": "1", "PRICEWATCH_QUITE_OTHER": "1", "PATH": "/bin"])
        #expect(
            settings.suspicions == [
                "PRICEWATCH_API_PROT is no setting; did you mean PRICEWATCH_API_PORT?", "PRICEWATCH_QUITE_OTHER is no setting; it has no effect",
            ])
    }

    @Test(".env.example names every setting with its default and its explanation")
    func example() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: ".env.example")
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(text == Setting.exampleFile)
        let values = try EnvFile.parse(text)
        #expect(Set(values.keys) == Set(Setting.all.map(\.name)))
        for setting in Setting.all { #expect(values[setting.name] == setting.defaultValue ?? "", "\(setting.name)") }
        #expect(Setting.all.count == Set(Setting.all.map(\.name)).count)
    }

    @Test("the defaults themselves are valid")
    func defaults() throws {
        var settings = Settings(values: [:])
        #expect(settings.url(.brokerURL, schemes: ["redis", "rediss"]).reveal() == "redis://127.0.0.1:6379/0")
        #expect(settings.optionalURL(.resultBackend, schemes: ["redis"]) == nil)
        #expect(settings.address(.parserAddress) == ("127.0.0.1", 50051))
        #expect(settings.list(.wildberriesHosts) == ["www.wildberries.ru", "wildberries.ru"])
        #expect(settings.list(.parserAllowedHosts) == [])
        #expect(settings.seconds(.checkInterval, in: 1...604_800) == .seconds(3600))
        #expect(settings.health(port: .apiHealthPort) == HealthSettings(host: "127.0.0.1", port: nil))
        try settings.check()
    }

    @Test("addresses: IPv6 in brackets, no port and no host are told apart", arguments: [("[::1]:80", "::1", 80), ("a.b:1", "a.b", 1)])
    func addresses(text: String, host: String, port: Int) throws {
        var settings = Settings(values: ["PRICEWATCH_PARSER_ADDRESS": text])
        #expect(settings.address(.parserAddress) == (host, port))
        try settings.check()
    }

    @Test("bad addresses are faults", arguments: ["a", "a:", ":1", "::1:80", "a:0", "a:65536", "http://a:1"])
    func badAddresses(text: String) {
        var settings = Settings(values: ["PRICEWATCH_PARSER_ADDRESS": text])
        _ = settings.address(.parserAddress)
        #expect(settings.faults.count == 1)
    }
}
