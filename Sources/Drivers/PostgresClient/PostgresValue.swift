/// A type of the server, by its number in `pg_type`.
public struct PostgresType: Sendable, Hashable {
    /// The object identifier; 0 lets the server infer the type.
    public let oid: UInt32

    /// Names a type by number.
    public init(oid: UInt32) { self.oid = oid }

    /// Lets the server infer the type from the statement: what text parameters use, so that they fit enums and dates too.
    public static let inferred = PostgresType(oid: 0)
    /// `boolean`.
    public static let bool = PostgresType(oid: 16)
    /// `bytea`.
    public static let bytea = PostgresType(oid: 17)
    /// `bigint`.
    public static let int8 = PostgresType(oid: 20)
    /// `integer`.
    public static let int4 = PostgresType(oid: 23)
    /// `double precision`.
    public static let float8 = PostgresType(oid: 701)
    /// `text[]`.
    public static let textArray = PostgresType(oid: 1009)
    /// `bigint[]`.
    public static let int8Array = PostgresType(oid: 1016)
    /// `timestamp with time zone`.
    public static let timestamptz = PostgresType(oid: 1184)
    /// `jsonb`.
    public static let jsonb = PostgresType(oid: 3802)
}

/// A value that can be a parameter.
public protocol PostgresEncodable: Sendable {
    /// The type the parameter is declared with.
    static var postgresType: PostgresType { get }
    /// Whether the parameter is null.
    var isPostgresNull: Bool { get }
    /// Appends the value in the server's text format, without an ending NUL.
    func encodePostgres(into bytes: inout [UInt8])
}

extension PostgresEncodable {
    /// Values are not null unless they say so.
    public var isPostgresNull: Bool { false }
}

/// A value that can be read from a column.
public protocol PostgresDecodable: Sendable {
    /// Reads the server's text format; a nil text is null. Returns nil when the text is no such value.
    static func decodePostgres(_ text: UnsafeRawBufferPointer?) -> Self?
}

/// A value that can be sent and read.
public typealias PostgresCodable = PostgresEncodable & PostgresDecodable

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    /// The wrapped value's type.
    public static var postgresType: PostgresType { Wrapped.postgresType }
    /// True for nil.
    public var isPostgresNull: Bool { self?.isPostgresNull ?? true }
    /// Appends the wrapped value.
    public func encodePostgres(into bytes: inout [UInt8]) { self?.encodePostgres(into: &bytes) }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    /// Null is nil; anything else must be a wrapped value.
    public static func decodePostgres(_ text: UnsafeRawBufferPointer?) -> Self? {
        guard let text else { return .some(.none) }
        return Wrapped.decodePostgres(text).map { .some($0) }
    }
}

extension RawRepresentable where Self: PostgresEncodable, RawValue: PostgresEncodable {
    /// The raw value's type.
    public static var postgresType: PostgresType { RawValue.postgresType }
    /// Appends the raw value.
    public func encodePostgres(into bytes: inout [UInt8]) { rawValue.encodePostgres(into: &bytes) }
}

extension RawRepresentable where Self: PostgresDecodable, RawValue: PostgresDecodable {
    /// Reads the raw value.
    public static func decodePostgres(_ text: UnsafeRawBufferPointer?) -> Self? {
        RawValue.decodePostgres(text).flatMap { Self(rawValue: $0) }
    }
}
