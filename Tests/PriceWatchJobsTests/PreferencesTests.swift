import DynamicJSON
import PriceWatchModel
import Testing

@Suite("What users choose")
struct PreferencesTests {
    @Test(
        "time zones are read as people write them",
        arguments: [
            ("Europe/Moscow", "Europe/Moscow"), ("utc", "UTC"), ("Z", "UTC"), ("+3", "+03:00"), ("-9:30", "-09:30"), ("UTC+5", "+05:00"),
            ("GMT-0330", "-03:30"), (" +05:45 ", "+05:45"), ("\u{2212}3", "-03:00"), ("+14", "+14:00"), ("UTC", "UTC"), ("Etc/GMT-3", "Etc/GMT-3"),
            ("+1:00", "+01:00"), ("+530", "+05:30"),
        ])
    func zones(written: String, read: String) { #expect(ZoneName(written)?.text == read) }

    @Test(
        "what can be no time zone is none",
        arguments: [
            "", " ", "+", "+15", "+3:60", "+12345", "3", "Europe/Moscow'", "a;b", "../x", "+1a", "Zoné", "+1:0", "+1:2", "+1:000", "+:30", "+1:", "+1:00:00",
            "+012:3",
        ])
    func noZones(written: String) { #expect(ZoneName(written) == nil) }

    @Test("in a change a missing field is kept and null goes back to the default")
    func change() throws {
        let old = UserPreferences(checkInterval: 600, timeZone: "UTC", digest: .daily, digestHour: 7, quietHours: QuietHours(from: 23, until: 8))
        func applied(_ text: String) throws -> UserPreferences {
            try JSONValueDecoder().decode(PreferencesChange.self, from: try JSONValue(parsing: text)).applied(to: old)
        }
        #expect(try applied("{}") == old)
        #expect(try applied(#"{"check_interval":null,"quiet_hours":null,"digest":null,"digest_hour":null,"time_zone":null}"#) == UserPreferences())
        #expect(try applied(#"{"check_interval":900}"#).checkInterval == 900)
        #expect(throws: (any Error).self) { try applied(#"{"quiet_hours":{"from":5,"until":5}}"#) }
    }

    @Test("a change reads back as what it was written")
    func roundTrip() throws {
        let changes = [
            PreferencesChange(), PreferencesChange(checkInterval: .clear, digest: .set(.weekly)),
            PreferencesChange(timeZone: .set("+03:00"), digestHour: .set(0), quietHours: QuietHours(from: 0, until: 9).map { .set($0) } ?? .keep),
        ]
        for change in changes {
            #expect(try JSONValueDecoder().decode(PreferencesChange.self, from: try JSONValueEncoder().encode(change)) == change)
        }
    }

    @Test("notifications of every kind read back, and one without a kind is a changed price")
    func notifications() throws {
        let price = Money(minorUnits: 100, currency: .rub)
        let state = LinkState(watchID: 4, productID: 1, name: "Kettle", link: "https://shop.example/1", price: price)
        let change = PriceChange(productID: 1, name: "Kettle", link: "https://shop.example/1", old: price, new: Money(minorUnits: 90, currency: .rub))
        let digest = Digest(
            following: 3, changed: 1, failing: 1,
            lines: [.init(name: "Kettle", link: "https://shop.example/1", old: price, new: price, failure: .blocked)])
        let contents: [Notification.Content] = [
            .priceChange(watchID: 4, change), .linkFailed(state, .timedOut), .linkPaused(state, .notFound), .linkRecovered(state), .digest(digest),
        ]
        #expect(Set(contents.map(\.kind)) == Set(NotificationKind.allCases))
        for content in contents {
            var notification = Notification(outboxID: 9, chatID: 77, language: .english, content: content)
            notification.notAfter = content.kind == .digest ? 1_795_000_000 : nil
            let json = try JSONValueEncoder().encode(notification)
            #expect(try JSONValueDecoder().decode(Notification.self, from: json) == notification)
            guard case .priceChange = content, var fields = json.objectValue else { continue }
            fields["kind"] = nil
            #expect(try JSONValueDecoder().decode(Notification.self, from: .object(fields)) == notification)
        }
    }
}
