extension Migration {
    /// The migrations that are part of this program, oldest first.
    ///
    /// SwiftPM embeds each file as a constant whose name is the file's with every character that no Swift name may hold, the
    /// first digit included, turned into an underscore; the id and name come from the file's first line. `migrate new` adds
    /// the line here, and a test compares this list with the directory.
    public static func embedded() throws -> [Migration] {
        try [
            PackageResources._001_initial_sql,
            PackageResources._002_apium_outbox_sql,
            PackageResources._003_price_checks_sql,
            PackageResources._004_history_days_sql,
            PackageResources._005_digests_sql,
            PackageResources._006_token_allowances_sql,
            PackageResources._007_notification_keys_sql,
            PackageResources._008_local_time_sql,
                // migrate new adds the next line above this one
        ].map { try Migration(bytes: $0) }
    }
}
