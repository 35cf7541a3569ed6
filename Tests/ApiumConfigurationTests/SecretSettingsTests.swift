import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumConfiguration

@Suite("Secrets in settings")
struct SecretSettingsTests {
    private static let secret = "hunter2"

    @Test(
        "a fault in a file never shows the line, in which a password may stand",
        arguments: [
            "broker_url: redis://:hunter2@h:1/0: x\n", "broker_url: \"redis://:hunter2@h:1/0\n", "broker_url: redis://:hunter2@h:1/0 [\n  x: ]\n",
            "broker_url: [redis://:hunter2@h:1/0]\n", "broker_password: hunter2\n", "redis_password: hunter2\n", "broker_url: redis://:hunter2@h:x/0\n",
            "broker_url: hunter2@h\n", "- hunter2\n", "result_backend: db+postgres://u:hunter2@h/x\n", "result_backend: foo://u:hunter2@h\n",
            "broker_use_ssl: {ssl_keyfile_password: [hunter2]}\n",
            "broker_transport_options: {sentinel_kwargs: [hunter2]}\n", "security_key_password: [hunter2]\n",
            "broker_url: redis://a/0\nbroker_url: redis://:hunter2@h/0\n",
        ])
    func faultsOfFiles(_ text: String) throws {
        let error = #expect(throws: ApiumError.self, "\(text)") { _ = try read(yaml: text) }
        let told = "\(try #require(error))"
        #expect(!told.contains(Self.secret), "\(told)")
        #expect(told.contains("apium.yaml"), "\(told)")
    }

    @Test(
        "nor does one in .env or the environment",
        arguments: [
            "hunter2\n", "hunter2 = \"\nAPIUM_X", "nonsense hunter2\n", "\"hunter2\n", "X=\"hunter2\n", "X='a'hunter2\n",
            "APIUM_BROKER_URL=redis://:hunter2@h:x/0\n",
        ])
    func faultsOfVariables(_ text: String) throws {
        let error = #expect(throws: ApiumError.self, "\(text)") { _ = try read(dotEnv: text) }
        let told = "\(try #require(error))"
        // What stands before = is a name.
        #expect(!told.contains(Self.secret) || text.hasPrefix("hunter2 ="), "\(told)")
    }

    @Test("what is in force is shown without any of them, also to `inspect conf`")
    func shown() throws {
        let yaml = """
            broker_url: rediss://u:hunter2@h/0?ssl_keyfile=k&ssl_certfile=c&ssl_keyfile_password=hunter2
            result_backend: sentinel://:hunter2@a:1;sentinel://:hunter2@b:2/0?master_name=m
            result_backend_transport_options: {sentinel_kwargs: {password: hunter2}}
            broker_use_ssl: {ssl_keyfile: k, ssl_certfile: c, ssl_keyfile_password: hunter2}
            security_key_password: hunter2
            """
        let settings = try read(yaml: yaml).settings
        let shown = SettingDefinition.all.map { $0.show(settings).text }.joined(separator: "\n")
        let conf = settings.workerConfiguration(host: "h", resultsAreOnBroker: true).monitoring.settings
        for text in [shown, "\(settings)", String(reflecting: settings), "\(settings.signing)", "\(dumped(settings))", JSONValue.object(conf).text] {
            #expect(!text.contains(Self.secret), "\(text)")
        }
        #expect(shown.contains("********") && shown.contains(":***@"))
    }

    private func dumped(_ value: Any) -> String {
        var text = ""
        dump(value, to: &text)
        return text
    }
}
