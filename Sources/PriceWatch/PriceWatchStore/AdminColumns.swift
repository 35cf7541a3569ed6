import PostgresClient
import PriceWatchModel

/// One column of an admin table: its name to the admin, and the SQL behind it. Names that come from outside are looked up
/// here and never reach a statement.
struct AdminColumn: Sendable {
    enum Kind: Sendable {
        case integer, boolean, text, instant
        /// A list of words, which are text with a blank between two of them to the admin.
        case words
    }

    let name: String
    /// What selects it, with `t` as the table.
    let expression: String
    let kind: Kind
    let isEditable: Bool
    /// Whether a search looks into it: text anywhere, numbers for equality.
    let isSearched: Bool

    init(_ name: String, _ kind: Kind, _ expression: String? = nil, isEditable: Bool = false, isSearched: Bool? = nil) {
        self.name = name
        self.kind = kind
        self.expression = expression ?? (kind == .words ? "array_to_string(t.\(name), ' ')" : "t.\(name)")
        self.isEditable = isEditable
        self.isSearched = isSearched ?? (kind == .text || kind == .words || name == "id" || name.hasSuffix("_id"))
    }
}

/// What the admin may see and do of one table.
struct AdminTableDefinition: Sendable {
    /// The table's name in the database; its alias is `t`.
    let name: String
    var joins = ""
    let columns: [AdminColumn]
    var isCreatable = false

    var isEditable: Bool { columns.contains { $0.isEditable } }

    func column(_ name: String) -> AdminColumn? { columns.first { $0.name == name } }

    static func of(_ table: AdminTable) -> AdminTableDefinition {
        switch table {
        case .users: users
        case .products: products
        case .watches: watches
        case .pricePoints: pricePoints
        case .priceDays: priceDays
        case .outbox: outbox
        case .apiTokens: apiTokens
        case .audit: audit
        }
    }

    private static let users = AdminTableDefinition(
        name: "users",
        columns: [
            AdminColumn("id", .integer), AdminColumn("chat_id", .integer), AdminColumn("name", .text, isEditable: true),
            AdminColumn("language", .text, isEditable: true), AdminColumn("is_blocked", .boolean, isEditable: true),
            AdminColumn("check_interval", .integer, isEditable: true), AdminColumn("time_zone", .text), AdminColumn("digest", .text, isEditable: true),
            AdminColumn("digest_hour", .integer, isEditable: true), AdminColumn("last_digest_at", .instant),
            AdminColumn("quiet_from", .integer), AdminColumn("quiet_until", .integer),
            AdminColumn("watches", .integer, "(select count(*) from watches w where w.user_id = t.id)"), AdminColumn("created_at", .instant),
        ])

    private static let products = AdminTableDefinition(
        name: "products",
        columns: [
            AdminColumn("id", .integer), AdminColumn("canonical_url", .text, isEditable: true), AdminColumn("name", .text, isEditable: true),
            AdminColumn("price_minor", .integer, isEditable: true), AdminColumn("currency", .text, "t.currency::text", isEditable: true),
            AdminColumn("availability", .text, isEditable: true), AdminColumn("image_url", .text, isEditable: true), AdminColumn("failures", .integer),
            AdminColumn("last_failure", .text), AdminColumn("watches", .integer, "(select count(*) from watches w where w.product_id = t.id)"),
            AdminColumn("check_interval", .integer, "extract(epoch from t.check_interval)::bigint"), AdminColumn("next_check_at", .instant, isEditable: true),
            AdminColumn("checked_at", .instant), AdminColumn("failing_told_at", .instant), AdminColumn("paused_at", .instant, isEditable: true),
            AdminColumn("created_at", .instant),
        ])

    private static let watches = AdminTableDefinition(
        name: "watches", joins: "join users u on u.id = t.user_id join products p on p.id = t.product_id",
        columns: [
            AdminColumn("id", .integer), AdminColumn("user_id", .integer, isEditable: true), AdminColumn("user_name", .text, "u.name"),
            AdminColumn("product_id", .integer, isEditable: true), AdminColumn("product_name", .text, "p.name"),
            AdminColumn("check_interval", .integer, isEditable: true), AdminColumn("created_at", .instant),
        ], isCreatable: true)

    private static let pricePoints = AdminTableDefinition(
        name: "price_points", joins: "join products p on p.id = t.product_id",
        columns: [
            AdminColumn("id", .integer), AdminColumn("product_id", .integer, isEditable: true), AdminColumn("product_name", .text, "p.name"),
            AdminColumn("price_minor", .integer, isEditable: true), AdminColumn("currency", .text, "t.currency::text", isEditable: true),
            AdminColumn("availability", .text, isEditable: true), AdminColumn("seen_at", .instant, isEditable: true),
        ], isCreatable: true)

    private static let priceDays = AdminTableDefinition(
        name: "price_days", joins: "join products p on p.id = t.product_id",
        columns: [
            AdminColumn("id", .integer), AdminColumn("product_id", .integer), AdminColumn("product_name", .text, "p.name"),
            AdminColumn("day", .text, "t.day::text"), AdminColumn("currency", .text, "t.currency::text"),
            AdminColumn("low_minor", .integer, isEditable: true), AdminColumn("high_minor", .integer, isEditable: true),
            AdminColumn("last_minor", .integer, isEditable: true), AdminColumn("points", .integer, isSearched: false),
            AdminColumn("last_seen_at", .instant),
        ])

    private static let outbox = AdminTableDefinition(
        name: "outbox", joins: "join users u on u.id = t.user_id left join products p on p.id = t.product_id",
        columns: [
            AdminColumn("id", .integer), AdminColumn("user_id", .integer), AdminColumn("user_name", .text, "u.name"),
            AdminColumn("chat_id", .integer, "u.chat_id"), AdminColumn("kind", .text), AdminColumn("failure", .text),
            AdminColumn("watch_id", .integer), AdminColumn("product_id", .integer),
            AdminColumn("product_name", .text, "p.name"), AdminColumn("old_minor", .integer), AdminColumn("old_currency", .text, "t.old_currency::text"),
            AdminColumn("new_minor", .integer), AdminColumn("new_currency", .text, "t.new_currency::text"),
            AdminColumn(
                "state", .text,
                "case when t.is_maybe_twice and t.delivered_at is not null then 'delivered_maybe_twice' when t.delivered_at is not null then 'delivered' "
                    + "when t.published_at is not null then 'published' else 'pending' end", isSearched: false),
            AdminColumn("created_at", .instant), AdminColumn("published_at", .instant), AdminColumn("delivered_at", .instant),
            AdminColumn("message_id", .integer, isSearched: false),
        ])

    /// Tokens are made on the command line, where their text is shown; here their rights are seen, narrowed and ended.
    private static let apiTokens = AdminTableDefinition(
        name: "api_tokens",
        columns: [
            AdminColumn("id", .integer), AdminColumn("name", .text), AdminColumn("scopes", .words), AdminColumn("chat_id", .integer),
            AdminColumn("allowed_jobs", .words, isEditable: true), AdminColumn("allowed_queues", .words, isEditable: true),
            AdminColumn("created_at", .instant), AdminColumn("expires_at", .instant, isEditable: true),
            AdminColumn("revoked_at", .instant, isEditable: true),
        ])

    private static let audit = AdminTableDefinition(
        name: "audit",
        columns: [
            AdminColumn("id", .integer), AdminColumn("at", .instant), AdminColumn("actor", .text), AdminColumn("action", .text),
            AdminColumn("target", .text), AdminColumn("row_id", .integer), AdminColumn("address", .text), AdminColumn("before", .text, "t.before::text"),
            AdminColumn("after", .text, "t.after::text"),
        ])
}

extension AdminColumn {
    /// The value of a row under this column's name.
    func value(in row: PostgresRow) throws -> AdminValue {
        switch kind {
        case .integer: try row.decode(Int64?.self, at: name).map { .integer($0) } ?? .null
        case .instant: try row.decode(Int64?.self, at: name).map { .instant($0) } ?? .null
        case .boolean: try row.decode(Bool?.self, at: name).map { .boolean($0) } ?? .null
        case .text, .words: try row.decode(String?.self, at: name).map { .text($0) } ?? .null
        }
    }

    /// What selects the column: instants as microseconds.
    var selection: String {
        kind == .instant ? "(extract(epoch from \(expression)) * 1000000)::bigint as \(name)" : "\(expression) as \(name)"
    }

    /// A value to compare the column's ``expression`` with, as a parameter.
    func comparand(_ value: AdminValue) throws -> PostgresQuery {
        guard kind == .words else { return try parameter(value) }
        return try AdminColumn(name, .text).parameter(value)
    }

    /// A value to write into this column, as a parameter.
    ///
    /// - Throws: `AdminRefusal.invalid` when the value is of another kind.
    func parameter(_ value: AdminValue) throws -> PostgresQuery {
        switch (kind, value) {
        case (.words, .null): return "'{}'::text[]"
        case (_, .null): return "null"
        case (.words, .text(let text)) where !text.contains("\0"): return "string_to_array(\(text), ' ')"
        case (.integer, .integer(let number)): return "\(number)"
        case (.boolean, .boolean(let flag)): return "\(flag)"
        case (.text, .text(let text)) where !text.contains("\0"): return "\(text)"
        case (.instant, .instant(let microseconds)): return "(timestamptz 'epoch' + \(microseconds) * interval '1 microsecond')"
        default: throw AdminRefusal.invalid(column: name)
        }
    }
}
