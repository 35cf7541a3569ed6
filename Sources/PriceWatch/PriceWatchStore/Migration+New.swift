import Foundation

extension Migration {
    /// Writes an empty migration with the next id into the source directory of this target, and its line into the catalogue.
    /// Answers the file's path.
    ///
    /// - Throws: `StoreError` with code `malformedMigration` when the name is none, or the directory is not this target's.
    public static func create(named name: String, in directory: String) throws -> String {
        guard isName(name) else {
            throw StoreError(.malformedMigration, "a migration's name is lower-case letters, digits and underscores, at most 60, not \"\(name)\"")
        }
        let folder = URL(fileURLWithPath: directory)
        let catalogue = folder.appendingPathComponent("Migration+Catalog.swift")
        let marker = "            // migrate new adds"
        guard let source = try? String(contentsOf: catalogue, encoding: .utf8), let place = source.range(of: marker) else {
            throw StoreError(.malformedMigration, "\(directory) is not the source directory of PriceWatchStore: it has no Migration+Catalog.swift")
        }
        let migrations = folder.appendingPathComponent("Migrations")
        let files = try FileManager.default.contentsOfDirectory(atPath: migrations.path).filter { $0.hasSuffix(".sql") }
        let last = files.compactMap { Int($0.prefix(4)) }.max() ?? 0
        let digits = String(last + 1)
        let id = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        let file = migrations.appendingPathComponent("\(id)_\(name).sql")
        try Data("-- migration \(id) \(name)\n\n-- up\n\n-- down\n".utf8).write(to: file, options: .withoutOverwriting)
        let line = "            PackageResources._\(id.dropFirst())_\(name)_sql,\n"
        try source.replacingCharacters(in: place.lowerBound..<place.lowerBound, with: line).write(to: catalogue, atomically: true, encoding: .utf8)
        return file.path
    }
}
