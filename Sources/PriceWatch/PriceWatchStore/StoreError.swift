/// What the store itself finds wrong; the server's refusals are `PostgresError`, the rules' are `StoreRefusal`.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of fault; open.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The kind in words.
        public let rawValue: String
        /// Makes a code.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// A migration's file has not the form that is asked for.
        public static let malformedMigration = Code(rawValue: "malformed_migration")
        /// A migration was changed after it was applied.
        public static let changedMigration = Code(rawValue: "changed_migration")
        /// A migration was applied that this program does not have.
        public static let missingMigration = Code(rawValue: "missing_migration")
        /// A migration is older than one that was applied.
        public static let lateMigration = Code(rawValue: "late_migration")
        /// Another process migrates for too long.
        public static let migrationLocked = Code(rawValue: "migration_locked")
        /// A migration has no way back.
        public static let irreversibleMigration = Code(rawValue: "irreversible_migration")
        /// A stored value is none that this program writes.
        public static let damagedValue = Code(rawValue: "damaged_value")
        /// Too many passwords wait to be hashed.
        public static let tooManyPasswords = Code(rawValue: "too_many_passwords")
    }

    /// The kind of fault.
    public var code: Code
    /// One sentence: what, where, and what would be right.
    public var message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The sentence.
    public var description: String { message }
}
