import Hummingbird
import PriceWatchModel

/// The pages of one table, all made from its declaration: list, export, form, new, delete.
struct TablePages: Sendable {
    let panel: AdminPanel
    let resource: Resource
    let page: AdminRequest
    let signedIn: SignedIn
    let pageSize = 50
    let exportLimit = 10_000

    private var base: String { "/admin/\(resource.name)" }
    private var tables: any AdminTables { panel.services.tables }
    private func text(_ key: String) -> String { Texts.text(key, page.language) }

    func respond() async throws -> Response {
        if page.isPost, !signedIn.canEdit { throw PageFault.forbidden }
        let rest = page.path.dropFirst()
        switch (rest.count, rest.first) {
        case (0, _) where !page.isPost: return try await list()
        case (1, "export.csv") where !page.isPost: return try await export()
        case (1, "new") where resource.canCreate && signedIn.canEdit: return page.isPost ? try await create() : form(nil, values: [:], faults: [:])
        case (1, let id?):
            let row = try await row(id)
            return page.isPost ? try await update(row) : form(row, values: [:], faults: [:])
        case (2, let id?) where rest.last == "delete" && resource.canDelete && signedIn.canEdit:
            let row = try await row(id)
            return page.isPost ? try await delete(row) : confirm(row)
        case (2, let id?) where rest.last == "check" && resource.table == .products && page.isPost: return try await check(try await row(id))
        default: throw PageFault.notFound
        }
    }

    private func row(_ text: String) async throws -> AdminRow {
        guard let id = Int64(text), let row = try await tables.row(resource.table, id: id) else { throw PageFault.notFound }
        return row
    }

    // MARK: Looking

    private func list() async throws -> Response {
        let search = String((page.query["q"] ?? "").prefix(200))
        let number = min(max(Int(page.query["page"] ?? "") ?? 1, 1), 1_000_000)
        let found = try await tables.list(resource.table, AdminQuery(search: search, offset: (number - 1) * pageSize, limit: pageSize))
        // No key of a row may have the name of a cell's: the engine looks outwards for what a cell lacks.
        let rows = found.rows.map { row in ["cells": resource.listed.map { cell($0, row) }] as [String: Any] }
        func link(_ number: Int) -> String { "\(base)?page=\(number)" + (search.isEmpty ? "" : "&q=" + FormText.encode(search)) }
        let values: [String: Any?] = [
            "columns": resource.listed.map { text($0.column) }, "rows": rows, "isEmpty": rows.isEmpty, "search": search, "total": String(found.total),
            "base": base,
            "canCreate": resource.canCreate && signedIn.canEdit, "previous": (number > 1 ? link(number - 1) : nil),
            "next": (number * pageSize < found.total ? link(number + 1) : nil), "notice": panel.notice(page),
            "exportLink": base + "/export.csv" + (search.isEmpty ? "" : "?q=" + FormText.encode(search)),
        ]
        return panel.renderer.page("list", values, title: text(resource.name), for: page, signedIn: signedIn)
    }

    /// One cell; the first column leads to the row's form, links and references lead where they point.
    private func cell(_ field: Field, _ row: AdminRow) -> [String: Any] {
        let shown = field.shown(row)
        var cell: [String: Any] = ["label": text(field.column), "text": shown.count > 120 ? String(shown.prefix(119)) + "…" : shown]
        switch field.kind {
        case .reference(let table) where !shown.isEmpty: cell["href"] = "/admin/\(table.rawValue)/\(shown)"
        case .link where Field.isFollowable(shown): cell["outside"] = shown
        case .amount, .integer: cell["isNumber"] = true
        default: break
        }
        if field.column == "id" || field.column == "name" || field.column == "product_name" { cell["href"] = "\(base)/\(row.id)" }
        return cell
    }

    private func export() async throws -> Response {
        let found = try await tables.list(resource.table, AdminQuery(search: page.query["q"] ?? "", limit: exportLimit))
        let lines = [resource.fields.map(\.column)] + found.rows.map { row in resource.fields.map { $0.shown(row) } }
        var response = PageRenderer.response(lines.map(CSV.line).joined(), type: "text/csv; charset=utf-8")
        response.headers[.contentDisposition] = "attachment; filename=\"\(resource.name).csv\""
        return response
    }

    // MARK: Changing

    /// The form of a row, or of a new one; `values` and `faults` are those of a form that was sent and refused.
    private func form(_ row: AdminRow?, values: [String: String], faults: [String: FieldFault]) -> Response {
        let mayEdit = signedIn.canEdit && resource.canEdit
        let fields = resource.fields.filter { row != nil || $0.isEditable }.map { field -> [String: Any] in
            let shown = values[field.column] ?? row.map(field.shown) ?? (field.column == "currency" ? "RUB" : "")
            var item: [String: Any] = [
                "name": field.column, "label": text(field.column), "value": shown, "isOptional": field.isOptional, "isEditable": field.isEditable && mayEdit,
            ]
            if let fault = faults[field.column] { item["fault"] = text(fault.rawValue) }
            switch field.kind {
            case .choice(let choices): item["choices"] = choices.map { ["value": $0, "selected": $0 == shown] as [String: Any] }
            case .flag: item["choices"] = ["false", "true"].map { ["value": $0, "selected": $0 == shown] as [String: Any] }
            case .reference(let table) where !shown.isEmpty: item["href"] = "/admin/\(table.rawValue)/\(FormText.encode(shown))"
            case .link where Field.isFollowable(shown): item["outside"] = shown
            default: break
            }
            item["hasChoices"] = item["choices"] != nil
            return item
        }
        let values: [String: Any?] = [
            "fields": fields, "base": base, "action": row.map { "\(base)/\($0.id)" } ?? "\(base)/new", "version": page.form["version"] ?? row?.version ?? "",
            "mayEdit": mayEdit, "deleteLink": (row != nil && resource.canDelete && signedIn.canEdit ? row.map { "\(base)/\($0.id)/delete" } : nil),
            "checkLink": (resource.table == .products && signedIn.canEdit ? row.map { "\(base)/\($0.id)/check" } : nil),
            "notice": panel.notice(page),
        ]
        let title = text(resource.name) + (row.map { " · \($0.id)" } ?? " · +")
        return panel.renderer.page("form", values, title: title, for: page, signedIn: signedIn, status: faults.isEmpty ? .ok : .unprocessableContent)
    }

    /// Reads all editable fields; every fault is shown at its field.
    private func parsed() -> (values: [String: AdminValue], faults: [String: FieldFault]) {
        var values: [String: AdminValue] = [:]
        var faults: [String: FieldFault] = [:]
        for field in resource.editable {
            switch field.parse(page.form[field.column] ?? "", form: { page.form[$0] }) {
            case .success(let value): values[field.column] = value
            case .failure(let fault): faults[field.column] = fault
            }
        }
        return (values, faults)
    }

    private func update(_ row: AdminRow) async throws -> Response {
        guard resource.canEdit else { throw PageFault.forbidden }
        let (values, faults) = parsed()
        guard faults.isEmpty else { return form(row, values: page.form, faults: faults) }
        // What a form shows in whole seconds is not a change of the microseconds.
        let changes = values.filter { column, value in
            guard let field = resource.editable.first(where: { $0.column == column }), value != row[column] else { return false }
            return field.shown(row) != field.shown(AdminRow(id: row.id, version: row.version, values: row.values.merging([column: value]) { $1 }))
        }
        do {
            try await tables.update(resource.table, id: row.id, version: page.form["version"] ?? "", changes: changes, by: panel.actor(page, signedIn))
        } catch let refusal as AdminRefusal {
            return form(row, values: page.form, faults: try Self.faults(refusal))
        }
        return PageRenderer.redirect("\(base)/\(row.id)?notice=saved")
    }

    private func create() async throws -> Response {
        let (values, faults) = parsed()
        guard faults.isEmpty else { return form(nil, values: page.form, faults: faults) }
        do {
            let id = try await tables.create(resource.table, values: values, by: panel.actor(page, signedIn))
            return PageRenderer.redirect("\(base)/\(id)?notice=saved")
        } catch let refusal as AdminRefusal {
            return form(nil, values: page.form, faults: try Self.faults(refusal))
        }
    }

    /// The field a refusal is about; a refusal about the whole row is thrown on.
    private static func faults(_ refusal: AdminRefusal) throws -> [String: FieldFault] {
        switch refusal {
        case .notUnique(let column): [column: .notUnique]
        case .missingReference(let column): [column: .missingReference]
        case .invalid(let column): [column: .invalid]
        case .gone, .conflict, .notEditable: throw refusal
        }
    }

    private func confirm(_ row: AdminRow) -> Response {
        let facts = resource.listed.map { ["label": text($0.column), "value": $0.shown(row)] }
        let values: [String: Any?] = ["facts": facts, "action": "\(base)/\(row.id)/delete", "back": "\(base)/\(row.id)", "version": row.version]
        return panel.renderer.page("confirm", values, title: text("delete") + " · \(row.id)", for: page, signedIn: signedIn)
    }

    private func delete(_ row: AdminRow) async throws -> Response {
        try await tables.delete(resource.table, id: row.id, version: page.form["version"] ?? "", by: panel.actor(page, signedIn))
        return PageRenderer.redirect("\(base)?notice=deleted")
    }

    private func check(_ row: AdminRow) async throws -> Response {
        try await panel.services.checkNow(row.id)
        try await tables.record(action: "check_now", target: "products", detail: String(row.id), by: panel.actor(page, signedIn))
        return PageRenderer.redirect("\(base)/\(row.id)?notice=checking")
    }
}

/// Comma-separated values that a spreadsheet cannot take for formulas.
enum CSV {
    /// One line: every field quoted; what begins like a formula gets an apostrophe in front. By scalars, as a spreadsheet reads it.
    static func line(_ fields: [String]) -> String {
        fields.map { field in
            let starts: Set<Unicode.Scalar> = ["=", "+", "-", "@", "\t", "\r"]
            let isNumber = Double(field) != nil
            let safe = field.unicodeScalars.first.map { starts.contains($0) && !isNumber } == true ? "'" + field : field
            return "\"" + PageText.replacing(safe) { $0 == "\"" ? "\"\"" : nil } + "\""
        }.joined(separator: ",") + "\r\n"
    }
}
