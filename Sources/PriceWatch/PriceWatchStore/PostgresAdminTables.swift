import PostgresClient
import PriceWatchModel

/// The admin's view of the tables, on Postgres.
public struct PostgresAdminTables: AdminTables {
    let client: PostgresClient
    /// Does what follows from a change.
    let prices: PostgresPriceStore

    /// Stands on the client of a store that somebody else shuts down.
    public init(prices: PostgresPriceStore) {
        client = prices.client
        self.prices = prices
    }

    /// A page of a list and the list's length, of one moment.
    ///
    /// - Throws: `AdminRefusal.invalid` for a filter or an order by a column that the table has not.
    public func list(_ table: AdminTable, _ query: AdminQuery) async throws -> AdminPage {
        let definition = AdminTableDefinition.of(table)
        guard let sort = definition.column(query.sort) else { throw AdminRefusal.invalid(column: query.sort) }
        let condition = try definition.condition(query)
        let source: PostgresQuery = "from \(unsafe: definition.name) t \(unsafe: definition.joins) where \(condition)"
        let direction = query.descending ? "desc nulls last" : "asc nulls first"
        let page: PostgresQuery = """
            select t.xmin::text as row_version, \(unsafe: definition.selections) \(source)
            order by \(unsafe: sort.expression) \(unsafe: direction), t.id \(unsafe: query.descending ? "desc" : "asc")
            limit \(max(0, query.limit)) offset \(max(0, query.offset))
            """
        return try await client.transaction(isolation: .repeatableRead, readOnly: true) { tx in
            let total = try await tx.query("select count(*) as n \(source)").first?["n", as: Int.self] ?? 0
            return AdminPage(rows: try await tx.query(page).map { try definition.row($0) }, total: total)
        }
    }

    /// One row.
    public func row(_ table: AdminTable, id: Int64) async throws -> AdminRow? {
        let definition = AdminTableDefinition.of(table)
        return try await client.query(
            """
            select t.xmin::text as row_version, \(unsafe: definition.selections)
            from \(unsafe: definition.name) t \(unsafe: definition.joins) where t.id = \(id)
            """
        ).first.map { try definition.row($0) }
    }

    /// Writes an audit row for what is no change of a table.
    public func record(action: String, target: String, detail: String?, by actor: AdminActor) async throws {
        let detail = detail?.storable(1000)
        try await client.query(
            """
            insert into audit (actor, action, target, address, after)
            values (\(actor.name.storable(200)), \(action.storable(100)), \(target.storable(200)), \(actor.address.storable(100)),
                case when \(detail)::text is not null then jsonb_build_object('detail', \(detail)::text) end)
            """)
    }
}

extension AdminTableDefinition {
    var selections: String { columns.map(\.selection).joined(separator: ", ") }

    func row(_ row: PostgresRow) throws -> AdminRow {
        var values: [String: AdminValue] = [:]
        for column in columns { values[column.name] = try column.value(in: row) }
        return AdminRow(id: try row["id"], version: try row["row_version"], values: values)
    }

    /// Search and filters as one condition.
    func condition(_ query: AdminQuery) throws -> PostgresQuery {
        var result: PostgresQuery = "true"
        for (name, value) in query.filters.sorted(by: { $0.key < $1.key }) {
            guard let column = column(name) else { throw AdminRefusal.invalid(column: name) }
            result.append(" and \(unsafe: column.expression) is not distinct from \(try column.comparand(value))")
        }
        let search = query.search.storable(200)
        guard !search.isEmpty else { return result }
        result.append(" and (false")
        for column in columns where column.isSearched {
            if column.kind == .text || column.kind == .words { result.append(" or position(lower(\(search)) in lower(\(unsafe: column.expression))) > 0") }
            if column.kind == .integer, let number = Int64(search) { result.append(" or \(unsafe: column.expression) = \(number)") }
        }
        result.append(")")
        return result
    }
}
