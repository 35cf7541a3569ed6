import Testing

@testable import HTTPFetch

@Suite("Addresses")
struct AddressTests {
    @Test(
        "an address of a special range is not public",
        arguments: [
            "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.254", "168.63.129.16",
            "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
            "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
            "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1",
            "2001::1", "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "3fff:fff::1", "5f00::1",
            "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1",
        ])
    func special(_ text: String) throws {
        #expect(try #require(IPAddress(text)).isPublic == false)
    }

    @Test(
        "an ordinary address is public, also in IPv6 clothes",
        arguments: [
            "1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1", "172.15.255.255", "172.32.0.1",
            "192.0.1.1", "198.17.255.255", "198.20.0.1", "223.255.255.255", "168.63.129.15", "2a00:1450:4010::1", "2606:4700::1111", "2001:200::1",
            "3ffe::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
        ])
    func ordinary(_ text: String) throws {
        #expect(try #require(IPAddress(text)).isPublic)
    }

    @Test(
        "a link that only looks like an address is refused before anything is connected",
        arguments: [
            ("", "badURL"), ("shop.ru/x", "badURL"), ("//shop.ru/x", "badURL"), ("http:/shop.ru/", "badURL"), ("http:shop.ru", "badURL"),
            ("http:///shop.ru", "badURL"), ("http://", "badURL"), ("http://?x", "badURL"), (" http://shop.ru/", "badURL"), ("http://shop.ru/\n", "badURL"),
            ("http://shop.ru/a b", "badURL"), ("http://sho\tp.ru/", "badURL"), ("http://shop.ru/\r\nX: y", "badURL"), ("http://shop.ru/\0", "badURL"),
            ("http://127.0.0.1\\@shop.ru/", "badURL"), ("http://shop.ru\\x", "badURL"), ("http://shop.ru@127.0.0.1/", "badURL"),
            ("http://u:p@shop.ru/", "badURL"), ("http://%31%32%37.0.0.1/", "badURL"), ("http://sh%6fp.ru/", "badURL"), ("http://shop..ru/", "badURL"),
            ("http://shop.ru:0/", "badURL"), ("http://shop.ru:65536/", "badURL"), ("http://shop.ru:/", "badURL"), ("http://shop.ru:80a/", "badURL"),
            ("http://shop.ru:80:80/", "badURL"), ("http://①②⑦．０．０．１/", "badURL"), ("http://１２７.0.0.1/", "badURL"), ("http://127。0。0。1/", "badURL"),
            ("http://[::1/", "badURL"), ("http://[::1]x/", "badURL"), ("http://[fe80::1%25eth0]/", "badURL"), ("http://[127.0.0.1]/", "badURL"),
            ("http://shop\u{202E}.ru/", "badURL"), ("http://shop\u{200B}.ru/", "badURL"),
            ("file:///etc/passwd", "unsupportedScheme"), ("ftp://shop.ru/", "unsupportedScheme"), ("gopher://shop.ru/", "unsupportedScheme"),
            ("dict://shop.ru:11211/", "unsupportedScheme"), ("data:text/html,x", "unsupportedScheme"), ("javascript:alert(1)", "unsupportedScheme"),
            ("jar:http://shop.ru!/", "unsupportedScheme"), ("ws://shop.ru/", "unsupportedScheme"), ("tg://resolve", "unsupportedScheme"),
        ])
    func malformed(_ text: String, _ code: String) {
        #expect(throws: FetchError.self) { try FetchURL(text) }
        do { _ = try FetchURL(text) } catch { #expect(error.code.rawValue == code) }
    }

    @Test(
        "a link into a local network is refused from its text alone",
        arguments: [
            "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://0/",
            "http://127.0.0.01/", "http://127.0.0.1./", "http://0x7F.0.0.0x1/", "http://1.2.3.4.5/", "http://999.1.1.1/", "http://10.0.0.5/",
            "http://169.254.169.254/latest/meta-data/", "http://100.100.100.200/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[2001::1]/",
            "http://[fc00::1]/", "http://[fe80::1]/", "http://[ff02::1]/", "http://[2001:db8::1]/", "http://localhost/", "http://LOCALHOST./",
            "http://ip6-localhost/", "http://a.localhost/", "http://printer.local/", "http://x.internal/", "http://metadata.google.internal/",
            "http://postgres/", "http://redis:80/", "http://shop.ru:22/", "http://shop.ru:6379/", "https://shop.ru:5432/", "http://shop.ru:8080/",
        ])
    func local(_ text: String) {
        do {
            try AddressPolicy.publicInternet.check(try FetchURL(text), ports: [80, 443])
            Issue.record("not refused")
        } catch {
            #expect(error.code == .refusedAddress)
        }
    }

    @Test("an over-long link is refused, also one that is over-long only as it is written anew")
    func overLong() throws {
        #expect(throws: FetchError.self) { try FetchURL("http://shop.ru/" + String(repeating: "ж", count: 350)) }
        #expect(try FetchURL("http://shop.ru/" + String(repeating: "ж", count: 330)).text.utf8.count <= FetchURL.longest)
        #expect(throws: FetchError.self) { try FetchURL("http://shop.ru/" + String(repeating: "a", count: 2048)) }
    }

    @Test(
        "a good link is written anew in one spelling",
        arguments: [
            ("HTTP://Shop.RU", "http://shop.ru/"), ("https://shop.ru:443/a?b=c#d", "https://shop.ru:443/a?b=c"), ("http://shop.ru./x", "http://shop.ru/x"),
            ("http://shop.ru?x=1", "http://shop.ru/?x=1"), ("https://магазин.рф/чай", "https://xn--80aairftm.xn--p1ai/%D1%87%D0%B0%D0%B9"),
            ("https://bücher.example.org/", "https://xn--bcher-kva.example.org/"), ("http://shop.ru/a%20b", "http://shop.ru/a%20b"),
            ("http://shop.ru/bot123:ABC/x", "http://shop.ru/bot123:ABC/x"), ("http://shop.ru/?u=a@b", "http://shop.ru/?u=a@b"),
            ("http://shop.ru#@127.0.0.1/", "http://shop.ru/"), ("http://[2A00:1450::1]:80/", "http://[2a00:1450:0:0:0:0:0:1]:80/"),
        ])
    func normal(_ text: String, _ expected: String) throws {
        #expect(try FetchURL(text).text == expected)
    }

    @Test(
        "a redirect's Location is resolved as RFC 3986 says",
        arguments: [
            ("/x", "http://shop.ru/x"), ("x", "http://shop.ru/a/x"), ("../x", "http://shop.ru/x"), ("../../../x", "http://shop.ru/x"),
            ("./", "http://shop.ru/a/"), ("?q=1", "http://shop.ru/a/b?q=1"), ("//other.ru/y", "http://other.ru/y"), ("https://other.ru", "https://other.ru/"),
            ("", "http://shop.ru/a/b?c"), ("#top", "http://shop.ru/a/b?c"), (" /a b ", "http://shop.ru/a%20b"),
            ("/a/../../b?x=/../y", "http://shop.ru/b?x=/../y"),
        ])
    func relative(_ location: String, _ expected: String) throws {
        #expect(try FetchURL("http://shop.ru/a/b?c").redirected(to: location).text == expected)
    }

    @Test("an allow list excepts host and port, and only these")
    func exceptions() throws {
        let policy = try AddressPolicy.publicInternet(allowing: ["127.0.0.1:8080", "shop.test", "[::1]:9"])
        #expect(policy.excepts(try FetchURL("http://127.0.0.1:8080/x")))
        #expect(!policy.excepts(try FetchURL("http://127.0.0.1:8081/x")))
        #expect(policy.excepts(try FetchURL("http://shop.test:1234/")))
        #expect(policy.excepts(try FetchURL("http://[::1]:9/")))
        #expect(!policy.excepts(try FetchURL("http://x.shop.test/")))
        for bad in ["", "a b", "host/path", "u@host", "http://host", "host:0"] {
            #expect(throws: FetchError.self, "\(bad)") { try AddressPolicy.publicInternet(allowing: [bad]) }
        }
    }

    @Test("an error and a request's description never show the path")
    func secrets() {
        #expect(FetchRequest(url: "https://api.telegram.org/bot123:SECRET/getMe").description == "GET api.telegram.org")
        #expect(FetchRequest(url: "SECRET").description == "GET an unreadable address")
        for url in ["https://shop.ru:99999/SECRET", "SECRET", "ftp://SECRET", "http://SECRET@shop.ru/", "http://10.0.0.1/SECRET"] {
            do {
                try AddressPolicy.publicInternet.check(try FetchURL(url), ports: [80])
                Issue.record("not refused: \(url)")
            } catch {
                #expect(!error.description.contains("SECRET"))
            }
        }
    }
}
