import ApiumConfiguration
import ApiumCore
import ApiumSigning
import ApiumTesting
import ApiumWorker
import DynamicJSON
import Foundation
import Testing

@Suite("Settings of signing", .enabled(if: TestSigners.isAvailable), .timeLimit(.minutes(1)))
struct SigningSettingsTests {
    private func load(_ values: [String: String]) throws -> LoadedSettings {
        MessageSigning.enable()
        let environment = Dictionary(values.map { ("APIUM_\($0.uppercased())", $1) }) { $1 }
        return try SettingsReader(environment: environment).load()
    }

    private func signed(_ signers: TestSigners, _ name: String = "anna") -> [String: String] {
        [
            "task_serializer": "auth", "accept_content": "auth", "security_key": signers.path("\(name).key"),
            "security_certificate": signers.path("\(name).crt"), "security_cert_store": signers.path("both"),
        ]
    }

    private func faults(_ values: [String: String]) throws -> String {
        let error = #expect(throws: ApiumError.self) { _ = try load(values) }
        return try #require(error).message
    }

    @Test("signed settings sign tasks and control, take nothing else, and still read results, which are JSON")
    func whole() throws {
        let signers = try TestSigners()
        defer { signers.remove() }
        let settings = try load(signed(signers)).settings
        #expect(settings.taskFormat.serializer.isSigning)
        let options = settings.redisOptions
        #expect(options.controlSerializer.isSigning && options.controlContent.serializers.map(\.name) == ["auth"])
        #expect(options.results.acceptedContent.serializers.map(\.name) == ["json", "auth"])
        let bytes = try settings.taskFormat.serializer.encode([1])
        #expect(try settings.acceptedContent.serializers[0].decode(bytes) == [1])
    }

    @Test("a worker inside another program takes what is signed and nothing else, and keeps its own name, queue and concurrency")
    func inside() throws {
        let signers = try TestSigners()
        defer { signers.remove() }
        let others = ["worker_name": "other@%h", "worker_queues": "other", "worker_concurrency": "3", "worker_lease": "7", "worker_pool": "processes"]
        let settings = try load(signed(signers).merging(others) { $1 }).settings
        let worker = settings.workerConfiguration(name: "bot@here", serving: ["notifications"], concurrency: 16, resultsAreOnBroker: false)
        #expect(worker.acceptedContent.serializers.map(\.name) == ["auth"] && worker.lease == .seconds(7) && !worker.resultsTravelWithCompletion)
        #expect(worker.name == "bot@here" && worker.queues == ["notifications"] && worker.concurrency == 16)
        #expect(!worker.isolation.isSupported, "its program is no child")
    }

    @Test("what is missing or wrong is told all at once, with the setting and the file")
    func faults() throws {
        let signers = try TestSigners()
        defer { signers.remove() }
        #expect(try faults(["task_serializer": "auth", "accept_content": "auth"]).contains("needs security_key and security_certificate"))
        #expect(try faults(["accept_content": "auth"]).contains("needs security_cert_store"))
        var values = signed(signers)
        (values["security_key"], values["security_cert_store"]) = ("/missing/key.pem", signers.path("nowhere"))
        let text = try faults(values)
        #expect(text.contains("security_key: /missing/key.pem cannot be read") && text.contains("there is no file in"), "\(text)")
        values = signed(signers)
        values["security_key"] = signers.path("ben.key")
        #expect(try faults(values).contains("is not the key of security_certificate"))
        values = signed(signers)
        values["security_certificate"] = signers.path("anna.key")
        #expect(try faults(values).contains("holds no certificate in PEM"))
        try signers.copy("anna.crt", to: "both/again.crt")
        #expect(try faults(signed(signers)).contains("hold the same certificate"))
        #expect(try faults(["security_digest": "md5"]).contains("sha256, sha384 or sha512"))
    }

    @Test("an encrypted key is opened by its password, which is never shown")
    func password() throws {
        let signers = try TestSigners()
        defer { signers.remove() }
        try signers.lock("anna", password: "hunter2")
        var values = signed(signers)
        values["security_key"] = signers.path("locked.key")
        #expect(try faults(values).contains("encrypted RSA key that security_key_password does not open"))
        values["security_key_password"] = "hunter3"
        let text = try faults(values)
        #expect(text.contains("does not open") && !text.contains("hunter"))
        values["security_key_password"] = "hunter2"
        let settings = try load(values).settings
        #expect(try !settings.taskFormat.serializer.encode([1]).isEmpty)
        #expect(!"\(settings) \(settings.signing)".contains("hunter2"))
        let shown = SettingDefinition.all.map { $0.show(settings).text }.joined()
        #expect(!shown.contains("hunter2") && shown.contains("********"))
        let configuration = settings.workerConfiguration(host: "h", resultsAreOnBroker: true)
        #expect(!JSONValue.object(configuration.monitoring.settings).text.contains("hunter2"))
    }

    @Test("keys without auth, and auth beside what is not signed, are told")
    func notes() throws {
        let signers = try TestSigners()
        defer { signers.remove() }
        var values = signed(signers)
        values["accept_content"] = "json,auth"
        #expect(try load(values).notes.contains { $0.contains("takes unsigned messages, too") })
        values["task_serializer"] = nil
        values["accept_content"] = nil
        #expect(try load(values).notes.count { $0.contains("has no effect: neither task_serializer nor accept_content is auth") } == 3)
    }
}
