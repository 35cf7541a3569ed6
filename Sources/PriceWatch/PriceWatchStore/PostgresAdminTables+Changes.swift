import PostgresClient
import PriceWatchModel

extension PostgresAdminTables {
    /// Changes columns of a row, does what follows from it, and writes what they were and are into the audit.
    public func update(_ table: AdminTable, id: Int64, version: String, changes: [String: AdminValue], by actor: AdminActor) async throws {
        let definition = AdminTableDefinition.of(table)
        let columns = try definition.editable(changes)
        guard !columns.isEmpty else { return }
        let names = columns.map(\.name)
        try await refusing(definition, columns) {
            try await client.transaction(retries: 1) { tx in
                let products = table == .watches ? try await lockProducts(tx, ofWatch: id, and: changes["product_id"]) : []
                let before = try await Self.lock(tx, definition, id: id, version: version, columns: names)
                let old = table == .users ? try await userState(tx, id) : nil
                var statement: PostgresQuery = "update \(unsafe: definition.name) t set "
                for (index, column) in columns.enumerated() {
                    let value = try column.parameter(changes[column.name] ?? .null)
                    statement.append("\(unsafe: index == 0 ? "" : ", ")\(identifier: column.name) = \(value)")
                }
                statement.append(" where t.id = \(id) returning \(Self.json(of: names)) as json")
                guard let after = try await tx.query(statement).first?["json", as: PostgresJSON.self] else { throw AdminRefusal.gone }
                guard before != after else { return }
                if let old { try await carryOut(tx, user: id, since: old) }
                try await prices.replan(tx, where: "p.id = any(\(products))")
                try await Self.audit(tx, "update", definition, id, before: before, after: after, by: actor)
            }
        }
    }

    /// Adds a row.
    public func create(_ table: AdminTable, values: [String: AdminValue], by actor: AdminActor) async throws -> Int64 {
        let definition = AdminTableDefinition.of(table)
        guard definition.isCreatable else { throw AdminRefusal.notEditable }
        let columns = try definition.editable(values)
        guard !columns.isEmpty else { throw AdminRefusal.invalid(column: definition.columns.first { $0.isEditable }?.name ?? "id") }
        return try await refusing(definition, columns) {
            try await client.transaction(retries: 1) { tx in
                let products = table == .watches ? try await lockProducts(tx, ofWatch: nil, and: values["product_id"]) : []
                var names: PostgresQuery = ""
                var parameters: PostgresQuery = ""
                for (index, column) in columns.enumerated() {
                    names.append("\(unsafe: index == 0 ? "" : ", ")\(identifier: column.name)")
                    parameters.append("\(unsafe: index == 0 ? "" : ", ")\(try column.parameter(values[column.name] ?? .null))")
                }
                let rows = try await tx.query(
                    "insert into \(unsafe: definition.name) as t (\(names)) values (\(parameters)) returning t.id, to_jsonb(t) as json")
                guard let row = rows.first else { throw AdminRefusal.gone }
                let id: Int64 = try row["id"]
                try await prices.replan(tx, where: "p.id = any(\(products))")
                try await Self.audit(tx, "create", definition, id, before: nil, after: try row["json", as: PostgresJSON.self], by: actor)
                return id
            }
        }
    }

    /// Deletes a row and what belongs to it, and takes back what no relay has handed over of it.
    public func delete(_ table: AdminTable, id: Int64, version: String, by actor: AdminActor) async throws {
        let definition = AdminTableDefinition.of(table)
        guard definition.isEditable else { throw AdminRefusal.notEditable }
        try await client.transaction(retries: 1) { tx in
            let ofWatch = table == .watches ? try await lockProducts(tx, ofWatch: id) : []
            let before = try await Self.lock(tx, definition, id: id, version: version, columns: nil)
            let ofUser = table == .users ? try await lockProducts(tx, ofUser: id) : []
            try await withdraw(tx, table, id: id)
            try await tx.query("delete from \(unsafe: definition.name) where id = \(id)")
            try await prices.replan(tx, where: "p.id = any(\(ofWatch + ofUser))")
            try await Self.audit(tx, "delete", definition, id, before: before, after: nil, by: actor)
        }
    }

    /// Locks the row and answers its columns (all, if none are named) as JSON. Not locked as for a deletion yet: what refers to the row, such as a
    /// check that writes notifications, ends first.
    private static func lock(
        _ tx: PostgresTransaction, _ definition: AdminTableDefinition, id: Int64, version: String, columns: [String]?
    ) async throws -> PostgresJSON {
        let rows = try await tx.query(
            """
            select t.xmin::text as row_version, \(columns.map { json(of: $0) } ?? "to_jsonb(t)") as json
            from \(unsafe: definition.name) t where t.id = \(id) for no key update
            """)
        guard let row = rows.first else { throw AdminRefusal.gone }
        guard try row["row_version", as: String.self] == version else { throw AdminRefusal.conflict }
        return try row["json"]
    }

    /// The named columns of `t` as one JSON object.
    private static func json(of columns: [String]) -> PostgresQuery {
        "(select jsonb_object_agg(key, value) from jsonb_each(to_jsonb(t)) where key = any(\(columns)))"
    }

    private static func audit(
        _ tx: PostgresTransaction, _ action: String, _ definition: AdminTableDefinition, _ id: Int64, before: PostgresJSON?, after: PostgresJSON?,
        by actor: AdminActor
    ) async throws {
        try await tx.query(
            """
            insert into audit (actor, action, target, row_id, address, before, after)
            values (\(actor.name.storable(200)), \(action), \(definition.name), \(id), \(actor.address.storable(100)), \(before), \(after))
            """)
    }

    /// Turns the server's refusals of values into the admin's.
    private func refusing<Value>(_ definition: AdminTableDefinition, _ columns: [AdminColumn], _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as PostgresError {
            let column = definition.column(of: error) ?? columns.first?.name ?? "id"
            switch error.code {
            case .uniqueViolation: throw AdminRefusal.notUnique(column: column)
            case .foreignKeyViolation: throw AdminRefusal.missingReference(column: column)
            case .checkViolation, .notNullViolation: throw AdminRefusal.invalid(column: column)
            default:
                if error.sqlState?.hasPrefix("22") == true { throw AdminRefusal.invalid(column: column) }
                throw error
            }
        }
    }
}

extension AdminTableDefinition {
    /// The columns of these values, in the table's order.
    ///
    /// - Throws: `AdminRefusal.notEditable` when the table or one of the columns is not.
    func editable(_ values: [String: AdminValue]) throws -> [AdminColumn] {
        guard isEditable else { throw AdminRefusal.notEditable }
        for name in values.keys where column(name)?.isEditable != true { throw AdminRefusal.notEditable }
        return columns.filter { values[$0.name] != nil }
    }

    /// The column the server meant: it names it, or the constraint, whose name Postgres makes of the table's and the column's.
    func column(of error: PostgresError) -> String? {
        if let column = error.column { return column }
        guard let constraint = error.constraint else { return nil }
        return columns.filter { $0.isEditable && constraint.contains("_\($0.name)_") }.map(\.name).max { $0.utf8.count < $1.utf8.count }
    }
}
