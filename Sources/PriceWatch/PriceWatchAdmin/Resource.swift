import PriceWatchModel

/// One table of the panel: a declaration from which list, detail and form pages are made.
struct Resource: Sendable {
    let table: AdminTable
    let fields: [Field]
    /// Whether rows can be added.
    var canCreate = false
    /// Whether rows can be deleted.
    var canDelete = false

    var name: String { table.rawValue }
    var editable: [Field] { fields.filter(\.isEditable) }
    var canEdit: Bool { !editable.isEmpty }
    var listed: [Field] { fields.filter(\.inList) }

    /// All tables, in the order of the menu.
    static let all: [Resource] = [users, products, watches, pricePoints, priceDays, outbox, apiTokens, audit]

    /// The table of this name.
    static func named(_ name: String) -> Resource? { all.first { $0.name == name } }

    private static let users = Resource(
        table: .users,
        fields: [
            Field("id", .integer), Field("chat_id", .integer), Field("name", .text(limit: 200), editable: true, optional: true),
            Field("language", .choice(Language.allCases.map(\.rawValue)), editable: true), Field("is_blocked", .flag, editable: true),
            Field("check_interval", .integer, editable: true, optional: true), Field("time_zone", .text(limit: 64)),
            Field("digest", .choice(DigestPeriod.allCases.map(\.rawValue)), editable: true), Field("digest_hour", .integer, editable: true, inList: false),
            Field("last_digest_at", .instant, inList: false), Field("quiet_from", .integer, inList: false), Field("quiet_until", .integer, inList: false),
            Field("watches", .integer),
            Field("created_at", .instant, inList: false),
        ], canDelete: true)

    private static let products = Resource(
        table: .products,
        fields: [
            Field("id", .integer), Field("name", .text(limit: 500), editable: true), Field("price_minor", .amount(currency: "currency"), editable: true),
            Field("currency", .currency, editable: true), Field("availability", .choice(Availability.allCases.map(\.rawValue)), editable: true),
            Field("canonical_url", .link, editable: true), Field("image_url", .link, editable: true, optional: true, inList: false),
            Field("failures", .integer),
            Field("last_failure", .text(limit: 100)), Field("watches", .integer), Field("check_interval", .integer),
            Field("next_check_at", .instant, editable: true), Field("paused_at", .instant, editable: true, optional: true),
            Field("checked_at", .instant, inList: false), Field("failing_told_at", .instant, inList: false),
            Field("created_at", .instant, inList: false),
        ], canDelete: true)

    private static let watches = Resource(
        table: .watches,
        fields: [
            Field("id", .integer), Field("user_id", .reference(.users), editable: true), Field("user_name", .text(limit: 200)),
            Field("product_id", .reference(.products), editable: true), Field("product_name", .text(limit: 500)),
            Field("check_interval", .integer, editable: true, optional: true), Field("created_at", .instant),
        ], canCreate: true, canDelete: true)

    private static let pricePoints = Resource(
        table: .pricePoints,
        fields: [
            Field("id", .integer), Field("product_id", .reference(.products), editable: true), Field("product_name", .text(limit: 500)),
            Field("price_minor", .amount(currency: "currency"), editable: true), Field("currency", .currency, editable: true),
            Field("availability", .choice(Availability.allCases.map(\.rawValue)), editable: true), Field("seen_at", .instant, editable: true),
        ], canCreate: true, canDelete: true)

    private static let priceDays = Resource(
        table: .priceDays,
        fields: [
            Field("id", .integer), Field("product_id", .reference(.products)), Field("product_name", .text(limit: 500)), Field("day", .text(limit: 10)),
            Field("low_minor", .amount(currency: "currency"), editable: true), Field("high_minor", .amount(currency: "currency"), editable: true),
            Field("last_minor", .amount(currency: "currency"), editable: true), Field("currency", .currency), Field("points", .integer),
            Field("last_seen_at", .instant, inList: false),
        ], canDelete: true)

    private static let outbox = Resource(
        table: .outbox,
        fields: [
            Field("id", .integer), Field("user_id", .reference(.users)), Field("user_name", .text(limit: 200)), Field("chat_id", .integer, inList: false),
            Field("kind", .text(limit: 40)), Field("failure", .text(limit: 40), inList: false),
            Field("product_id", .reference(.products)), Field("product_name", .text(limit: 500)), Field("old_minor", .amount(currency: "old_currency")),
            Field("new_minor", .amount(currency: "new_currency")), Field("new_currency", .currency), Field("state", .text(limit: 40)),
            Field("created_at", .instant),
            Field("published_at", .instant, inList: false), Field("delivered_at", .instant), Field("message_id", .integer, inList: false),
        ])

    /// Made on the command line, where a token's text is shown once.
    private static let apiTokens = Resource(
        table: .apiTokens,
        fields: [
            Field("id", .integer), Field("name", .text(limit: 100)), Field("scopes", .text(limit: 200)), Field("chat_id", .integer),
            Field("allowed_jobs", .jobPatterns, editable: true, optional: true), Field("allowed_queues", .queueNames, editable: true, optional: true),
            Field("created_at", .instant, inList: false), Field("expires_at", .instant, editable: true, optional: true),
            Field("revoked_at", .instant, editable: true, optional: true),
        ])

    private static let audit = Resource(
        table: .audit,
        fields: [
            Field("id", .integer), Field("at", .instant), Field("actor", .text(limit: 100)), Field("action", .text(limit: 40)),
            Field("target", .text(limit: 100)),
            Field("row_id", .integer), Field("address", .text(limit: 100)), Field("before", .raw), Field("after", .raw),
        ])
}
