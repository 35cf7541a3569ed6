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
        #expect(try RedisConfiguration(url: "rediss://h:1/2?ssl_cert_reqs=none").address == .tls(host: "h", port: 1))
        #expect(try RedisConfiguration(url: "rediss://h:1/2?ssl_cert_reqs=none").options == ["ssl_cert_reqs": "none"])
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
        let configuration = try RedisConfiguration(url: "sentinel://a:26379;sentinel://b:26380/1")
        #expect(configuration.address == .sentinel(hosts: ["a:26379", "b:26380"]))
        #expect(configuration.database == 1)
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
            ("redis://h/%FF", "UTF-8"), ("", "scheme"), ("redis://h/-1", "database"),
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
