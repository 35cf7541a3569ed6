import ApiumCore
import ApiumYAML
import DynamicJSON
import Foundation
import Testing

@testable import ApiumConfiguration

/// Reads settings from texts, as if they stood in files.
func read(
    yaml: String? = nil, dotEnv: String? = nil, environment: [String: String] = [:], arguments: [SettingsReader.Argument] = []
) throws -> LoadedSettings {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apium-settings-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("apium.yaml")
    let env = folder.appendingPathComponent("test.env")
    if let yaml { try Data(yaml.utf8).write(to: file) }
    if let dotEnv { try Data(dotEnv.utf8).write(to: env) }
    return try SettingsReader(
        environment: environment, file: yaml == nil ? nil : file.path, environmentFile: dotEnv == nil ? nil : env.path, arguments: arguments
    ).load()
}

@Suite("Settings")
struct SettingsReaderTests {
    @Test("nothing said is the defaults")
    func defaults() throws {
        let loaded = try read()
        #expect(loaded.origins.isEmpty && loaded.notes.isEmpty)
        #expect(loaded.settings.brokerURL == "redis://127.0.0.1:6379/0")
        #expect(loaded.settings.workerConcurrency == 16)
        #expect(loaded.settings.description == "")
    }

    @Test("a folder of the name .env is none of settings, and a file that may not be read is a fault of its own")
    func folder() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apium-env-\(UUID().uuidString)")
        let inside = folder.appendingPathComponent("bytes.env")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try SettingsReader(environment: [:], environmentFile: folder.path).load().origins.isEmpty)
        try Data([0xFF, 0xFE]).write(to: inside)
        #expect { try SettingsReader(environment: [:], environmentFile: inside.path).load() } throws: { "\($0)".contains("UTF-8") }
        #expect { try SettingsReader(environment: [:], file: folder.path).load() } throws: { "\($0)".contains("it is no file") }
    }

    @Test("the command line goes before the environment, that before .env, that before the file")
    func precedence() throws {
        let yaml = "worker_concurrency: 1\ntask_default_queue: file\nresult_expires: 10\nworker_lease: 7\n"
        let loaded = try read(
            yaml: yaml, dotEnv: "APIUM_WORKER_CONCURRENCY=2\nCELERY_TASK_DEFAULT_QUEUE=dotenv\nAPIUM_RESULT_EXPIRES=20\n",
            environment: ["APIUM_CONCURRENCY": "3", "CELERY_TASK_DEFAULT_QUEUE": "environment", "APIUM_QUEUES": ""],
            arguments: [.init("worker_concurrency", "4", option: "--concurrency")])
        #expect(loaded.settings.workerConcurrency == 4 && loaded.origins["worker_concurrency"] == "command line, --concurrency")
        #expect(loaded.settings.router.defaultQueue == "environment")
        #expect(loaded.origins["task_default_queue"] == "environment, CELERY_TASK_DEFAULT_QUEUE")
        #expect(loaded.settings.resultExpires == .seconds(20) && loaded.origins["result_expires"]?.hasSuffix("test.env, APIUM_RESULT_EXPIRES") == true)
        #expect(loaded.settings.workerLease == .seconds(7) && loaded.origins["worker_lease"]?.hasSuffix("apium.yaml, line 4") == true)
        #expect(loaded.settings.workerQueues == nil, "an empty variable counts as not set")
    }

    @Test("a Celery configuration is read under Celery's names")
    func celery() throws {
        let loaded = try read(
            yaml: """
                broker_url: redis://:secret@h:7000/3
                result_backend: redis://r/1
                broker_transport_options:
                  global_keyprefix: "pre:"
                  priority_steps: [0, 5]
                  sep: ":"
                  visibility_timeout: 7200
                result_backend_transport_options: {global_keyprefix: res}
                task_queues:
                  images: {exchange: media, routing_key: image, queue_arguments: {x-max-priority: 9, x-expires: 60000}}
                  plain: {max_length: 500}
                task_routes:
                  shop.add: exact
                  "shop.*": {queue: images, priority: 3}
                  "*": {exchange: media, routing_key: image}
                task_create_missing_queues: true
                result_expires: 3600.5
                result_extended: yes
                task_acks_late: false
                task_time_limit: 30
                worker_pool: prefork
                worker_prefetch_multiplier: 4
                enable_utc: true
                """)
        let settings = loaded.settings
        let broker = try settings.brokerConfiguration()
        #expect(broker.database == 3 && broker.password == "secret")
        #expect(settings.redisOptions.globalKeyPrefix == "pre:" && settings.redisOptions.prioritySteps == [0, 5] && settings.redisOptions.separator == ":")
        #expect(settings.redisOptions.resultKeyPrefix == "res" && settings.redisOptions.resultExpires == .milliseconds(3_600_500))
        #expect(
            settings.router.queues == [
                QueueDeclaration("images", exchange: "media", routingKey: "image", maxPriority: 9, expires: .seconds(60)),
                QueueDeclaration("plain", maxLength: 500),
            ])
        #expect(settings.redisOptions.queueLimits == ["plain": 500])
        #expect(try settings.router.destination(of: "shop.add").routingKey == "exact")
        #expect(try settings.router.destination(of: "shop.x") == Destination(routingKey: "images", priority: 3))
        #expect(try settings.router.destination(of: "other") == Destination(exchange: "media", routingKey: "image"))
        #expect(settings.resultExtended && settings.jobDefaults.acksLate == false && settings.jobDefaults.timeLimit == .seconds(30))
        #expect(settings.workerPool == .processes)
        #expect(settings.redisOptions.unacked.visibilityTimeout == .seconds(7200))
        #expect(loaded.notes.count == 2, "\(loaded.notes)")
        for name in ["worker_prefetch_multiplier", "enable_utc"] { #expect(loaded.notes.contains { $0.contains(name) }) }
    }

    @Test("structures are JSON in the environment, and patterns keep their order there")
    func environmentStructures() throws {
        let settings = try read(environment: [
            "APIUM_TASK_ROUTES": #"{"z.*": "first", "*": {"queue": "second"}}"#, "APIUM_TASK_QUEUES": #"["first", {"name": "second", "exchange": "e"}]"#,
            "CELERY_BROKER_TRANSPORT_OPTIONS": #"{"global_keyprefix": "p:"}"#, "APIUM_WORKER_QUEUES": " first , second,",
        ]).settings
        #expect(try settings.router.destination(of: "z.1").routingKey == "first")
        #expect(try settings.router.destination(of: "y").routingKey == "second")
        #expect(settings.router.queues.map(\.name) == ["first", "second"] && settings.brokerOptions.globalKeyPrefix == "p:")
        #expect(settings.workerQueues == ["first", "second"])
    }

    @Test(
        "task_routes has Celery's forms",
        arguments: ["{a.b: q}", "[{a.b: q}]", "[[a.b, q]]", "[[[a.b, {queue: q}]]]", "[{x: y}, {a.*: {queue: q}}]", "{a.b: {queue: q}, '*': other}"])
    func routeForms(text: String) throws {
        #expect(try read(yaml: "task_routes: \(text)\n").settings.router.destination(of: "a.b").routingKey == "q")
    }

    @Test("every fault is told at once, with its source and what would be right")
    func faults() throws {
        let error = #expect(throws: ApiumError.self) {
            try read(
                yaml: """
                    broker_url: http://:hunter2@h
                    task_default_queu: x
                    worker_concurrency: many
                    Result_Expires: 3
                    task_serializer: pickle
                    broker_host: h
                    task_queues: {q: {exchange_type: topic}}
                    task_routes: {t: {exchange: e}}
                    broker_transport_options: {priority_steps: [3, 6], global_keyprefx: p, sentinel_kwargs: {pass: hunter2}}
                    """,
                environment: ["APIUM_RESULT_EXTENDED": "perhaps", "APIUM_RESULT_BACKEND": "db+sqlite:///hunter2", "APIUM_TASK_ROUTES": "{"],
                arguments: [.init("worker_lease", "0.1", option: "--lease")])
        }
        let text = error?.message ?? ""
        let lines = text.split(separator: "\n")
        #expect(error?.code == .invalidConfiguration && lines.count == 13, "\(text)")
        for mention in [
            "line 1: broker_url has scheme 'http'", "did you mean 'task_default_queue'", "worker_concurrency takes a whole number from 1 to 10000",
            "did you mean 'result_expires'", "task_serializer names 'pickle': pickle is never read", "broker_host: write broker_url", "exchange type 'topic'",
            "an exchange needs a routing_key", "priority_steps is an ascending list", "did you mean 'global_keyprefix'", "known are username, password and ssl",
            "environment, APIUM_RESULT_EXTENDED: result_extended takes true or false", "results are kept on Redis", "is no JSON and no YAML",
            "command line, --lease: worker_lease takes a number of seconds, 1.0 or more",
        ] {
            #expect(text.contains(mention), "\(mention)")
        }
        #expect(!text.contains("hunter2"))
    }

    @Test("settings that contradict each other are told")
    func contradictions() throws {
        for (yaml, mention) in [
            ("task_time_limit: 5\ntask_soft_time_limit: 9\n", "task_soft_time_limit"),
            ("task_queues: [a]\ntask_create_missing_queues: false\ntask_routes: {t: b}\n", "'b' is not declared"),
            ("task_queues: [a]\ntask_create_missing_queues: false\nworker_queues: [c]\n", "'c' is not declared"),
            ("broker_url: sentinel://h\n", "no master"), ("broker_url: unix:///run/r.sock\nbroker_use_ssl: true\n", "no TLS"),
            ("task_queues: [a, a]\n", "twice"), ("- a\n", "map from setting to value"), ("a: [", "no YAML"),
        ] {
            let error = #expect(throws: ApiumError.self, "\(yaml)") { try read(yaml: yaml) }
            #expect(error?.description.contains(mention) == true, "\(error?.description ?? "")")
        }
        #expect(throws: ApiumError.self) { try SettingsReader(environment: ["APIUM_CONFIG": "/nowhere/apium.yaml"]).load() }
    }

    @Test("sentinels, their password and TLS come together from URL and options")
    func sentinels() throws {
        let settings = try read(
            yaml: """
                broker_url: sentinel://:pw@a;sentinel://b:26380/2
                broker_transport_options: {master_name: mine, sentinel_kwargs: {password: other, ssl: true}}
                broker_use_ssl: {ssl_ca_certs: /ca.pem, ssl_cert_reqs: 2}
                """
        ).settings
        let configuration = try settings.brokerConfiguration()
        guard case .sentinel(let sentinels) = configuration.address else { return #expect(Bool(false), "\(configuration)") }
        #expect(sentinels.hosts.map(\.description) == ["a:26379", "b:26380"] && sentinels.masterName == "mine" && sentinels.password == "other")
        #expect(configuration.password == "pw" && configuration.database == 2)
        #expect(configuration.tls?.authorities == "/ca.pem" && sentinels.tls?.authorities == "/ca.pem")
    }

    @Test("no secret is shown, whatever is printed")
    func secrets() throws {
        let loaded = try read(
            yaml: """
                broker_url: redis://user:hunter2@h/1
                result_backend: rediss://:hunter2@h/1?ssl_keyfile_password=hunter2&ssl_certfile=c
                broker_transport_options: {sentinel_kwargs: {password: hunter2}}
                redis_backend_use_ssl: {ssl_certfile: c, ssl_keyfile_password: hunter2}
                """)
        var dumped = ""
        dump(loaded.settings, to: &dumped)
        for text in ["\(loaded.settings)", dumped, "\(loaded.rows)", "\(loaded)", "\(try loaded.settings.resultConfiguration())"] {
            #expect(!text.contains("hunter2"), "\(text)")
        }
        #expect(loaded.rows.first?.value == "redis://user:***@h:6379/1")
    }

    @Test("a variable whose name is nearly a setting's is noted, others are nobody's business")
    func suspiciousVariables() throws {
        let notes = try read(environment: ["APIUM_CONCURENCY": "3", "APIUM_TEST_REDIS_URL": "x", "PATH": "y"]).notes
        #expect(notes.count == 1 && notes.first?.contains("did you mean APIUM_CONCURRENCY") == true, "\(notes)")
    }

    @Test("every setting is read from its own name and shown again", arguments: SettingDefinition.all.map(\.name))
    func everySettingIsShown(name: String) throws {
        let definition = try #require(SettingDefinition.byName[name])
        let example: [String: String] = [
            "a URL": "redis://example:1/2", "a text": "words", "true or false": "true", "seconds": "12",
            "a list of names; in the environment separated by commas": "a,b", "sha256, sha384 or sha512": "sha384",
        ]
        let special = [
            "worker_pool": "processes", "task_queues": "[a]", "task_routes": "{t: q}", "broker_transport_options": "{client_name: n}",
            "result_backend_transport_options": "{client_name: n}", "broker_use_ssl": "{ssl_ca_certs: f}", "redis_backend_use_ssl": "{ssl_ca_certs: f}",
            "task_default_priority": "5", "worker_concurrency": "5", "worker_max_tasks_per_child": "5", "worker_max_memory_per_child": "5",
            "worker_leaked_slot_limit": "5", "worker_crash_limit": "5", "worker_max_message_size": "5000",
            "task_serializer": "yaml", "accept_content": "json,yaml", "result_accept_content": "yaml",
            "task_compression": "gzip",
            "result_compression": "zstd",
            "task_create_missing_queues": "false", "worker_enable_remote_control": "false",
        ]
        let text = try #require(special[name] ?? example[definition.takes])
        for variable in definition.environment {
            var defaults = ApiumSettings()
            defaults.serializers = [.json, .yaml]
            let loaded = try SettingsReader(environment: [variable: text], defaults: defaults).load()
            #expect(loaded.origins == [name: "environment, \(variable)"])
            #expect(definition.show(loaded.settings) != definition.show(ApiumSettings()))
        }
    }
}
