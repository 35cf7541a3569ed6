import DotEnv

/// Reads the text of a `.env` file; see `EnvironmentFile` for its form.
public enum EnvFile {
    /// Reads a text.
    ///
    /// - Throws: ``SettingsError`` with every bad line; a fault never shows a value.
    public static func parse(_ text: String, name: String = ".env") throws(SettingsError) -> [String: String] {
        do {
            return try EnvironmentFile.parse(text, name: name)
        } catch {
            throw SettingsError(error.faults)
        }
    }
}
