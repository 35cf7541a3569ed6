import Testing

@testable import RedisClient

@Suite("Redis addresses")
struct RedisConfigurationTests {
    @Test("the forms that Celery's users write are understood")
    func forms() throws {
        #expect(try RedisConfiguration(url: "redis://").address == .tcp(host: "localhost", port: 6379))
        #expect(try RedisConfiguration(url: "redis://cache").address == .tcp(host: "cache", port: 6379))
        #expect(try RedisConfiguration(url: "redis://cache:7000/3").database == 3)
        #expect(try RedisConfiguration(url: "redis://[::1]:7000/").address == .tcp(host: "::1", port: 7000))
        #expect(try RedisConfiguration(url: "REDIS://h/4").database == 4)
        #expect(try RedisConfiguration(url: "redis://h?db=5").database == 5)
    }

    @Test("rediss:// is TLS, with Python's names for its options")
    func encryption() throws {
        let plain = try RedisConfiguration(url: "rediss://h:1/2")
        #expect(plain.address == .tcp(host: "h", port: 1) && plain.tls == RedisTLSOptions() && plain.description == "rediss://h:1/2")
        let full = try RedisConfiguration(
            url: "rediss://h?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs=/ca%20x&ssl_certfile=/c&ssl_keyfile=/k&ssl_keyfile_password=hunter2&x=1")
        #expect(full.tls == RedisTLSOptions(authorities: "/ca x", certificateFile: "/c", keyFile: "/k", keyPassword: "hunter2"))
        #expect(full.options == ["x": "1"])
        var dumped = ""
        dump(full, to: &dumped)
        dump(full.tls, to: &dumped)
        #expect(!(dumped + "\(full) \(String(describing: full.tls))").contains("hunter2"))
        #expect(try RedisConfiguration(url: "rediss://h?ssl_cert_reqs=none").tls?.verification == RedisTLSOptions.Verification.none)
        #expect(try RedisConfiguration(url: "rediss://h?ssl_check_hostname=false").tls?.verification == .signature)
    }

    @Test("sockets take the database from virtual_host or db")
    func sockets() throws {
        for scheme in ["redis+socket", "socket", "unix"] {
            let configuration = try RedisConfiguration(url: "\(scheme):///run/redis%20x.sock?virtual_host=2")
            #expect(configuration.address == .unix(path: "/run/redis x.sock"))
            #expect(configuration.database == 2)
        }
        let withPassword = try RedisConfiguration(url: "unix://user:p@/run/r.sock?db=1")
        #expect(withPassword.username == "user" && withPassword.password == "p" && withPassword.database == 1)
    }

    @Test("user and password are percent-decoded, with or without a user")
    func credentials() throws {
        let both = try RedisConfiguration(url: "redis://us%40er:p%2Fa%3As%25s@host:1/0")
        #expect(both.username == "us@er" && both.password == "p/a:s%s")
        let alone = try RedisConfiguration(url: "redis://:sec:ret@host")
        #expect(alone.username == nil && alone.password == "sec:ret")
    }

    @Test("a list of Sentinels is read with its database")
    func sentinels() throws {
        let configuration = try RedisConfiguration(url: "sentinel://a;sentinel://b:26380/1?master_name=mine")
        #expect(configuration.address == .sentinel(RedisSentinels(hosts: [.init("a", port: 26_379), .init("b", port: 26_380)], masterName: "mine")))
        #expect(configuration.database == 1)
        #expect(configuration.description == "sentinel://a:26379;sentinel://b:26380/1?master_name=mine")
    }

    @Test("the login in a list of Sentinels is the master's, the sentinels' own stands in the query")
    func sentinelCredentials() throws {
        for url in ["sentinel://me:pw@a;sentinel://b", "sentinel://me:pw@a;sentinel://me:pw@b/0", "sentinel://me:pw@a;b"] {
            let configuration = try RedisConfiguration(url: url)
            #expect(configuration.username == "me" && configuration.password == "pw")
        }
        let configuration = try RedisConfiguration(url: "sentinel://a?sentinel_username=s&sentinel_password=hunter2&sentinel_ssl=true&ssl_cert_reqs=none")
        guard case .sentinel(let sentinels) = configuration.address else { return #expect(Bool(false)) }
        #expect(sentinels.username == "s" && sentinels.password == "hunter2" && sentinels.tls?.verification == RedisTLSOptions.Verification.none)
        #expect(configuration.tls == nil && configuration.options.isEmpty)
        var dumped = ""
        dump(configuration, to: &dumped)
        dump(sentinels, to: &dumped)
        #expect(!(dumped + "\(configuration)\(sentinels)").contains("hunter2"))
    }

    @Test("timeouts and the client's name may stand in the query")
    func options() throws {
        let configuration = try RedisConfiguration(url: "redis://h/0?socket_timeout=1.5&socket_connect_timeout=2&client_name=w1&x=%41")
        #expect(configuration.commandTimeout == .milliseconds(1500))
        #expect(configuration.connectTimeout == .seconds(2))
        #expect(configuration.clientName == "w1")
        #expect(configuration.options == ["x": "A"])
    }

    @Test(
        "wrong addresses say what is wrong and never the password",
        arguments: [
            ("localhost:6379", "scheme"), ("http://:hunter2@h", "http"), ("redis://:hunter2@h:0", "port"), ("redis://:hunter2@h:x", "port"),
            ("redis://:hunter2@h/one", "database"), ("redis://:hunter2%@h", "%25"), ("redis://:hunter2@h:1;redis://b", "several"),
            ("redis+socket://", "path"), ("redis://:hunter2@h?socket_timeout=-1", "socket_timeout"), ("redis://:hunter2@[::1]x", "]"),
            ("redis://:hunter2/x@h/1", "%2F"), ("redis://:1/hunter2@h/1", "%40"), ("redis://user:hunter2", "port"),
            ("redis://h?ssl_ca_certs=x", "rediss"), ("rediss://h?ssl_ca_cert=x", "ssl_ca_cert"), ("rediss://h?ssl_cert_reqs=some", "ssl_cert_reqs"),
            ("rediss://h?ssl_keyfile=k", "ssl_certfile"), ("rediss://h?ssl_check_hostname=x", "ssl_check_hostname"),
            ("sentinel://:hunter2@a;sentinel://:hunter3@b", "different passwords"), ("sentinel://a;redis://b", "mixes"), ("sentinel://a:x", "port"),
            ("sentinel://a?sentinel_pasword=hunter2", "sentinel_pasword"), ("sentinel://a?ssl=perhaps", "ssl='perhaps'"), ("redis://h/%FF", "UTF-8"),
            ("", "scheme"), ("redis://h/-1", "database"),
        ])
    func wrong(url: String, mention: String) throws {
        let error = #expect(throws: RedisClientError.self) { try RedisConfiguration(url: url) }
        #expect(error?.code == .invalidURL)
        #expect(error?.message.contains(mention) == true)
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test("no description shows the password")
    func redaction() throws {
        let configuration = try RedisConfiguration(url: "redis://user:hunter2@[::1]:7000/3")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped, "\([configuration])"] {
            #expect(!text.contains("hunter2"))
        }
        #expect(configuration.description == "redis://user:***@[::1]:7000/3")
    }
}
