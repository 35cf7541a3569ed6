/// Pieces of markup that all pages share.
enum HTML {
    /// Text within markup or a quoted attribute.
    static func escaped(_ text: String) -> String {
        var result = ""
        // Scalar by scalar: what joins a character to the next hides it from Swift, and not from a browser.
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A JSON string that may stand within a script element.
    static func json(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "<": result += "\\u003c"
            case "\u{0}"..."\u{1F}": result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// An amount as people read it: groups of three, decimals unless they are zero, the currency's sign.
    static func amount(_ product: ShopProduct, _ value: Int64? = nil) -> String {
        let parts = ShopProduct.decimal(value ?? product.price, product.decimals).split(separator: ".").map(String.init)
        var whole = ""
        for (index, digit) in parts[0].enumerated() {
            if index > 0, (parts[0].count - index) % 3 == 0 { whole += "\u{A0}" }
            whole.append(digit)
        }
        let cents = parts.count > 1 && parts[1].contains { $0 != "0" } ? ",\(parts[1])" : ""
        let sign = ["RUB": "руб.", "EUR": "€", "USD": "$", "JPY": "円"][product.currency] ?? product.currency
        return "\(whole)\(cents)\u{A0}\(sign)"
    }

    static let style = """
        body{font:16px/1.45 system-ui,sans-serif;margin:0;background:#f6f7f4;color:#20261e}
        main{max-width:62rem;margin:0 auto;padding:1.25rem}
        a{color:#2c6e3f}
        h1{font-size:1.5rem;margin:.2rem 0}
        .grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:1rem;padding:0;list-style:none}
        .card,.product{background:#fff;border:1px solid #dde3d8;border-radius:.6rem;padding:1rem}
        .card img{width:100%;height:9rem;object-fit:contain}
        .product img{max-width:20rem;width:100%}
        .price{font-size:1.35rem;font-weight:600}
        small,.note{color:#5b6657}
        input,select,button{font:inherit;padding:.3rem .5rem;border:1px solid #b9c3b3;border-radius:.35rem;background:#fff}
        input{width:7rem}
        button{background:#2c6e3f;color:#fff;border-color:#2c6e3f;cursor:pointer}
        button.plain{background:#fff;color:#2c6e3f}
        form{display:flex;flex-wrap:wrap;gap:.4rem;margin-top:.5rem}
        """
}
